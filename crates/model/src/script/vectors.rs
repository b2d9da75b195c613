//! Made-up vectors: the same text always has the same.

use lao_event::{Hash, Role};
use lao_port::{ChatError, Embed};

use super::player::{Player, single};

/// Vectors of some texts, unless a turn for the embedder fails.
pub(super) async fn embed(player: &Player, embed: &Embed) -> Result<Vec<Vec<f32>>, ChatError> {
    let asked = single(Role::Embedder, &embed.model, &embed.texts);
    if player.has_turn(&asked) {
        let turn = player.turn(&asked)?;
        player.play(turn, &asked).await?;
    }
    Ok(embed.texts.iter().map(|text| vector(text)).collect())
}

/// Eight numbers from the hash of a text, as a vector of length 1.
fn vector(text: &str) -> Vec<f32> {
    let hash = Hash::of(text.as_bytes());
    let (words, _) = hash.0.as_chunks::<4>();
    let numbers = words.iter().map(|word| f32::from(i16::from_le_bytes([word[0], word[1]])) + 0.5);
    let length = numbers.clone().map(|number| number * number).sum::<f32>().sqrt();
    numbers.map(|number| number / length).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use lao_port::{ChatError, ChatErrorKind, Embed, Model};
    use tokio::time::Instant;

    use crate::script::{Script, ScriptedModel};

    fn model(script: &str) -> ScriptedModel {
        ScriptedModel::new(Script::parse("demo.toml", script).unwrap())
    }

    async fn embed(model: &ScriptedModel, texts: &[&str]) -> Result<Vec<Vec<f32>>, ChatError> {
        let texts = texts.iter().map(|text| (*text).to_owned()).collect();
        let embed = Embed { endpoint: "script".to_owned(), model: "m".to_owned(), texts };
        model.embed(&embed).await
    }

    #[tokio::test]
    async fn a_text_has_its_own_vector_wherever_it_stands() {
        let vectors = embed(&model(""), &["one", "two", "one"]).await.unwrap();
        assert_eq!(vectors[0], vectors[2]);
        assert_ne!(vectors[0], vectors[1]);
        assert_eq!(embed(&model(""), &["one"]).await.unwrap()[0], vectors[0]);
        for vector in vectors {
            assert_eq!(vector.len(), 8);
            let length: f32 = vector.iter().map(|number| number * number).sum();
            assert!((length - 1.0).abs() < 1e-5, "{length}");
        }
        assert_eq!(embed(&model(""), &[]).await, Ok(Vec::new()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_turn_can_fail_some_texts_and_take_its_time() {
        let model = model(
            r#"
            [[turn]]
            role = "embedder"
            step = "*"
            contains = "bad"
            error = { kind = "busy", message = "no room", retry_after_ms = 5, times = 1 }

            [[turn]]
            role = "embedder"
            step = "*"
            delay_ms = 300
            "#,
        );
        let error = embed(&model, &["good", "a bad one"]).await.unwrap_err();
        assert_eq!((error.kind, error.retry_after_ms), (ChatErrorKind::Busy, Some(5)));
        assert_eq!(error.message, "demo.toml:2: the script says: no room");
        assert_eq!(embed(&model, &["good", "a bad one"]).await.unwrap().len(), 2);
        let begun = Instant::now();
        embed(&model, &["good"]).await.unwrap();
        assert_eq!(begun.elapsed(), Duration::from_millis(300));
    }

    #[test]
    fn what_an_embedder_cannot_say_is_refused() {
        for (turn, problem) in [
            ("step = \"*\"\ntext = \"x\"\n", "has an error or delay_ms"),
            ("step = \"*\"\nfinish = \"stop\"\n", "has an error or delay_ms"),
            ("step = \"t1\"\ndelay_ms = 1\n", "its step is \"*\""),
            ("step = \"*\"\nturn = 1\ndelay_ms = 1\n", "once for the same `contains`"),
        ] {
            let script = format!("[[turn]]\nrole = \"embedder\"\n{turn}");
            let error = Script::parse("s.toml", &script).unwrap_err().to_string();
            assert!(error.starts_with("s.toml:1: ") && error.contains(problem), "{error}");
        }
    }
}
