//! Vectors out of a server's reply, one for each text, in the order of the texts.
//!
//! ```json
//! {"data": [{"index": 1, "embedding": [0.5, 1]}, {"index": 0, "embedding": "AAAAPw=="}]}
//! ```
//!
//! Servers leave the index out, send the vectors in any order, wrap each in a list of one, and
//! send bytes in base64 although numbers are asked for.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::Deserialize;
use serde_json::Value;

/// Why a reply has no vectors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum VectorsFault {
    /// It is none of this protocol.
    NotProtocol,
    /// It is an error, with the status of a success.
    Server(String),
    /// Its vectors are not those of the texts.
    Malformed(String),
}

#[derive(Deserialize)]
struct Reply {
    data: Vec<Item>,
}

#[derive(Deserialize)]
struct Item {
    #[serde(default)]
    index: Option<usize>,
    embedding: Embedding,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Embedding {
    /// What is no number, or none that JSON has, is null.
    Numbers(Vec<Option<f32>>),
    Wrapped([Vec<Option<f32>>; 1]),
    Base64(String),
}

/// Reads the reply to a request with `count` texts.
pub(crate) fn read(body: &[u8], count: usize) -> Result<Vec<Vec<f32>>, VectorsFault> {
    let reply: Reply = serde_json::from_slice(body).map_err(|_| unread(body))?;
    let items = reply.data;
    if items.len() != count {
        let problem = format!("the reply has {} vectors for {count} texts", items.len());
        return Err(VectorsFault::Malformed(problem));
    }
    let indexes: Option<Vec<usize>> = items.iter().map(|item| item.index).collect();
    // Where one has no index, they are in the order of the texts.
    let indexes = indexes.unwrap_or_else(|| (0..count).collect());
    let mut vectors: Vec<Vec<f32>> = vec![Vec::new(); count];
    for (item, index) in items.into_iter().zip(indexes) {
        let place = vectors.get_mut(index).filter(|place| place.is_empty()).ok_or_else(|| {
            let problem =
                format!("the vectors of {count} texts are not numbered from 0, each once");
            VectorsFault::Malformed(problem)
        })?;
        *place = numbers(item.embedding)
            .map_err(|what| VectorsFault::Malformed(format!("vector {index} {what}")))?;
    }
    Ok(vectors)
}

/// Whether all vectors are of one length.
pub(crate) fn check_lengths(vectors: &[Vec<f32>]) -> Result<(), String> {
    let Some((first, rest)) = vectors.split_first() else {
        return Ok(());
    };
    match rest.iter().find(|vector| vector.len() != first.len()) {
        None => Ok(()),
        Some(other) => Err(format!(
            "vectors are of different lengths: {} and {} numbers",
            first.len(),
            other.len()
        )),
    }
}

fn unread(body: &[u8]) -> VectorsFault {
    let error = serde_json::from_slice::<Value>(body).ok();
    match error.filter(|value| value.get("error").is_some_and(|error| !error.is_null())) {
        Some(_) => VectorsFault::Server(String::from_utf8_lossy(body).into_owned()),
        None => VectorsFault::NotProtocol,
    }
}

/// The numbers of a vector; at least one, all finite.
fn numbers(embedding: Embedding) -> Result<Vec<f32>, &'static str> {
    let numbers: Option<Vec<f32>> = match embedding {
        Embedding::Numbers(numbers) | Embedding::Wrapped([numbers]) => {
            numbers.into_iter().collect()
        }
        Embedding::Base64(text) => Some(from_base64(&text).ok_or("is no base64 of numbers")?),
    };
    let numbers = numbers.filter(|numbers| numbers.iter().all(|number| number.is_finite()));
    match numbers {
        None => Err("has what is no finite number"),
        Some(numbers) if numbers.is_empty() => Err("is empty"),
        Some(numbers) => Ok(numbers),
    }
}

/// Numbers of four bytes, the lowest first.
fn from_base64(text: &str) -> Option<Vec<f32>> {
    let bytes = STANDARD.decode(text).ok()?;
    let (numbers, rest) = bytes.as_chunks::<4>();
    rest.is_empty().then(|| numbers.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{VectorsFault, check_lengths, read};

    #[track_caller]
    fn malformed(body: &str, count: usize) -> String {
        match read(body.as_bytes(), count) {
            Err(VectorsFault::Malformed(problem)) => problem,
            other => panic!("{body}: {other:?}"),
        }
    }

    #[test]
    fn vectors_are_put_in_the_order_of_the_texts() {
        for body in [
            r#"{"data":[{"index":0,"embedding":[0.5,1]},{"index":1,"embedding":[-2,0.25]}]}"#,
            r#"{"data":[{"index":1,"embedding":[-2,0.25]},{"index":0,"embedding":[0.5,1]}]}"#,
            r#"{"object":"list","data":[{"embedding":[0.5,1]},{"embedding":[-2,0.25]}]}"#,
            r#"{"data":[{"index":null,"embedding":[0.5,1]},{"index":1,"embedding":[-2,0.25]}]}"#,
            r#"{"data":[{"index":0,"embedding":[[0.5,1]]},{"index":1,"embedding":[[-2,0.25]]}]}"#,
            r#"{"data":[{"embedding":"AAAAPwAAgD8="},{"embedding":"AAAAwAAAgD4="}],"usage":null}"#,
        ] {
            let vectors = read(body.as_bytes(), 2).unwrap();
            assert_eq!(vectors, [vec![0.5, 1.0], vec![-2.0, 0.25]], "{body}");
        }
    }

    #[test]
    fn what_is_no_vector_for_each_text_is_malformed() {
        for (body, problem) in [
            (r#"{"data":[{"embedding":[1]}]}"#, "has 1 vectors for 2 texts"),
            (r#"{"data":[]}"#, "has 0 vectors for 2 texts"),
            (
                r#"{"data":[{"index":0,"embedding":[1]},{"index":0,"embedding":[1]}]}"#,
                "not numbered from 0, each once",
            ),
            (
                r#"{"data":[{"index":1,"embedding":[1]},{"index":2,"embedding":[1]}]}"#,
                "not numbered from 0, each once",
            ),
            (r#"{"data":[{"embedding":[1]},{"embedding":[]}]}"#, "vector 1 is empty"),
            (r#"{"data":[{"embedding":[1]},{"embedding":[null]}]}"#, "vector 1 has what is no"),
            (r#"{"data":[{"embedding":[1e300]},{"embedding":[1]}]}"#, "vector 0 has what is no"),
            (r#"{"data":[{"embedding":"AAAA"},{"embedding":[1]}]}"#, "vector 0 is no base64"),
            (r#"{"data":[{"embedding":"?"},{"embedding":[1]}]}"#, "vector 0 is no base64"),
        ] {
            let told = malformed(body, 2);
            assert!(told.contains(problem), "{body}: {told}");
        }
        assert!(check_lengths(&[vec![1.0], vec![1.0, 2.0]]).is_err());
        assert!(
            check_lengths(&[vec![1.0, 3.0], vec![1.0, 2.0]]).is_ok() && check_lengths(&[]).is_ok()
        );
    }

    #[test]
    fn errors_and_other_things_are_told_apart() {
        let error = r#"{"error":"Unexpected endpoint or method. (POST /v1/embeddings)"}"#;
        assert_eq!(read(error.as_bytes(), 1), Err(VectorsFault::Server(error.to_owned())));
        for body in
            ["", "<html>", "{}", "[]", r#"{"data":[{"embedding":{}}]}"#, r#"{"error":null}"#]
        {
            assert_eq!(read(body.as_bytes(), 1), Err(VectorsFault::NotProtocol), "{body}");
        }
    }

    proptest! {
        #[test]
        fn there_is_a_vector_for_each_text_or_an_error(
            items in proptest::collection::vec((0_usize..4, "[\\[\\]\"0-9a.,-]{0,8}"), 0..4),
            count in 0_usize..4,
        ) {
            let items: Vec<String> = items
                .iter()
                .map(|(index, vector)| format!(r#"{{"index":{index},"embedding":{vector}}}"#))
                .collect();
            let body = format!(r#"{{"data":[{}]}}"#, items.join(","));
            if let Ok(vectors) = read(body.as_bytes(), count) {
                prop_assert_eq!(vectors.len(), count);
                prop_assert!(vectors.iter().all(|vector| !vector.is_empty()));
            }
        }
    }
}
