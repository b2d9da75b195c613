//! An answer of a server to a transcript, whatever it leaves out.

use std::time::Duration;

use lao_port::{Segment, Transcript};
use serde_json::Value;

use super::language;

/// The most segments of a transcript.
const SEGMENTS_MAX: usize = 500_000;

/// Reads an answer; `model` is what the server does not name.
pub(super) fn read(body: &[u8], model: &str) -> Result<Transcript, String> {
    let answer: Value = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    let segments = match answer.get("segments").and_then(Value::as_array) {
        Some(segments) => in_order(segments)?,
        None => Vec::new(),
    };
    let duration_ms = duration_ms(&answer, &segments);
    let segments = if segments.is_empty() { whole(&answer, duration_ms)? } else { segments };
    let told = answer.get("detected_language").or_else(|| answer.get("language"));
    Ok(Transcript {
        language: told.and_then(Value::as_str).and_then(language::code),
        duration_ms,
        segments,
        model: model.to_owned(),
    })
}

fn in_order(values: &[Value]) -> Result<Vec<Segment>, String> {
    if values.len() > SEGMENTS_MAX {
        return Err(format!("{} segments, at most {SEGMENTS_MAX}", values.len()));
    }
    let mut segments: Vec<Segment> = Vec::new();
    for value in values {
        let text = value.get("text").and_then(Value::as_str).ok_or("a segment without a text")?;
        let time = |key| value.get(key).and_then(milliseconds);
        let begins = segments.last().map_or(0, |last| last.start_ms);
        let start_ms = time("start").ok_or("a segment without a start")?.max(begins);
        let end_ms = time("end").ok_or("a segment without an end")?.max(start_ms);
        if !text.trim().is_empty() {
            segments.push(Segment { start_ms, end_ms, text: text.trim().to_owned() });
        }
    }
    Ok(segments)
}

/// A server that tells no times: all of it is one segment.
fn whole(answer: &Value, duration_ms: u64) -> Result<Vec<Segment>, String> {
    let text = answer.get("text").and_then(Value::as_str).ok_or("it has no text")?;
    let segment = Segment { start_ms: 0, end_ms: duration_ms, text: text.trim().to_owned() };
    Ok(if segment.text.is_empty() { Vec::new() } else { vec![segment] })
}

/// The length as the server tells it, or else as far as something was said.
fn duration_ms(answer: &Value, segments: &[Segment]) -> u64 {
    let said = segments.last().map_or(0, |last| last.end_ms);
    let told = [answer.get("duration"), answer.pointer("/usage/seconds")];
    told.into_iter().flatten().find_map(milliseconds).unwrap_or(0).max(said)
}

/// Seconds, as a number or, as some write them, as a text.
fn milliseconds(value: &Value) -> Option<u64> {
    let seconds = value.as_f64().or_else(|| value.as_str()?.parse().ok())?;
    let duration = Duration::try_from_secs_f64(seconds.max(0.0)).ok()?;
    // What is written as 1.1 is a little less or more as a number.
    u64::try_from((duration + Duration::from_micros(500)).as_millis()).ok()
}

#[cfg(test)]
mod tests {
    use lao_port::{Segment, Transcript};

    use super::read;

    fn segment(start_ms: u64, end_ms: u64, text: &str) -> Segment {
        Segment { start_ms, end_ms, text: text.to_owned() }
    }

    #[track_caller]
    fn check(body: &str, language: Option<&str>, duration_ms: u64, segments: &[Segment]) {
        let expected = Transcript {
            language: language.map(str::to_owned),
            duration_ms,
            segments: segments.to_vec(),
            model: "m".to_owned(),
        };
        assert_eq!(read(body.as_bytes(), "m"), Ok(expected), "{body}");
    }

    #[test]
    fn every_server_answers_in_its_way() {
        check(
            r#"{"task":"transcribe","language":"english","duration":6.15,"text":" a b","segments":[
                {"id":0,"text":" a","start":0.0,"end":1.1,"tokens":[1],"temperature":0.0},
                {"id":1,"text":" b ","start":1.1,"end":6.15}],"detected_language":"german"}"#,
            Some("de"),
            6_150,
            &[segment(0, 1_100, "a"), segment(1_100, 6_150, "b")],
        );
        check(
            r#"{"language":"en","duration":"2.5","text":"a","segments":[]}"#,
            Some("en"),
            2_500,
            &[segment(0, 2_500, "a")],
        );
        check(r#"{"text":" a "}"#, None, 0, &[segment(0, 0, "a")]);
        check(
            r#"{"type":"transcript.text.done","text":"a","usage":{"type":"duration","seconds":3}}"#,
            None,
            3_000,
            &[segment(0, 3_000, "a")],
        );
        check(r#"{"text":" ","language":"klingon","duration":1}"#, None, 1_000, &[]);
    }

    #[test]
    fn times_that_make_no_sense_are_put_in_order() {
        check(
            r#"{"text":"","segments":[{"text":"a","start":5,"end":1},{"text":"b","start":-2,"end":9},
                {"text":"  ","start":9,"end":9}]}"#,
            None,
            9_000,
            &[segment(5_000, 5_000, "a"), segment(5_000, 9_000, "b")],
        );
    }

    #[test]
    fn what_is_no_transcript_is_told_so() {
        for body in [
            "",
            "a",
            "[]",
            "{}",
            r#"{"text":7}"#,
            r#"{"segments":[{"start":0,"end":1}]}"#,
            r#"{"segments":[{"text":"a","end":1}]}"#,
            r#"{"segments":[{"text":"a","start":0,"end":1e300}]}"#,
        ] {
            assert!(read(body.as_bytes(), "m").is_err(), "{body}");
        }
    }
}
