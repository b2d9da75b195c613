//! From bytes to an answer: any tearing, any bytes, bounds, odd streams.

use lao_event::latest::{FinishReason, Usage};
use proptest::prelude::*;

use super::{ANSWER_BYTES_MAX, Accumulator, Collected, StreamFault, TOOL_CALLS_MAX};
use crate::sse::{Frame, SseParser};

fn collect<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Result<Collected, StreamFault> {
    let mut collected = Accumulator::new();
    let mut taken = Ok(());
    let mut parser = SseParser::new();
    let mut on_frame = |frame: Frame<'_>| {
        if taken.is_ok() {
            taken = collected.take(frame);
        }
    };
    for piece in pieces {
        parser.push(piece, &mut on_frame).unwrap();
    }
    parser.finish(&mut on_frame).unwrap();
    taken?;
    collected.finish()
}

fn stream(chunks: &[&str]) -> String {
    let events: Vec<_> = chunks.iter().map(|it| format!("data: {it}\n\n")).collect();
    events.concat()
}

fn collect_chunks(chunks: &[&str]) -> Result<Collected, StreamFault> {
    collect([stream(chunks).as_bytes()])
}

fn delta(delta: &str) -> String {
    format!(r#"{{"choices":[{{"delta":{delta}}}]}}"#)
}

const STOP: &str = r#"{"choices":[{"delta":{},"finish_reason":"stop"}]}"#;

#[track_caller]
fn check_calls(deltas: &[&str], expected: &[(&str, &str, &str)]) {
    let chunks: Vec<_> =
        deltas.iter().map(|it| delta(&format!(r#"{{"tool_calls":{it}}}"#))).collect();
    let mut chunks: Vec<_> = chunks.iter().map(String::as_str).collect();
    chunks.push(STOP);
    let collected = collect_chunks(&chunks).unwrap();
    let calls: Vec<_> = collected
        .tool_calls
        .iter()
        .map(|it| (it.id.as_str(), it.name.as_str(), it.arguments.as_str()))
        .collect();
    assert_eq!(calls, expected);
}

#[test]
fn calls_are_told_apart_by_whatever_there_is() {
    let other_ids = [
        r#"[{"index":0,"id":"a","function":{"name":"f","arguments":"{}"}}]"#,
        r#"[{"index":0,"id":"b","function":{"name":"g","arguments":"{}"}}]"#,
    ];
    check_calls(&other_ids, &[("a", "f", "{}"), ("b", "g", "{}")]);
    let repeated = [
        r#"[{"index":0,"id":"a","function":{"name":"f","arguments":"{\"a\""}}]"#,
        r#"[{"index":0,"id":"a","function":{"name":"f","arguments":":1}"}}]"#,
    ];
    check_calls(&repeated, &[("a", "f", r#"{"a":1}"#)]);
    let torn_name = [
        r#"[{"index":0,"id":7,"function":{"name":"fi"}}]"#,
        r#"[{"index":0,"function":{"name":"le","arguments":null}}]"#,
    ];
    check_calls(&torn_name, &[("7", "file", "")]);
    let unnumbered = [
        r#"[{"function":{"name":"f","arguments":{"a": 1}}},{"function":{"name":"f","arguments":""}}]"#,
        r#"[{"function":{"arguments":"{}"}}]"#,
    ];
    check_calls(&unnumbered, &[("", "f", r#"{"a": 1}"#), ("", "f", "{}")]);
}

#[test]
fn nothing_that_may_be_absent_is_missed() {
    let chunks = [
        "{}",
        r#"{"choices":null,"usage":null,"model":null,"timings":null,"error":null}"#,
        r#"{"choices":[{"index":1,"delta":{"content":"other"}}]}"#,
        r#"{"choices":[{"delta":null},{"delta":{"content":null,"tool_calls":null,"refusal":null}}]}"#,
        r#"{"model":"m","choices":[{"delta":{"content":[{"type":"text","text":"a"},{"text":"b"}]}}]}"#,
        r#"{"model":"later","choices":[{"delta":{"reasoning":"r","reasoning_content":"r"}}]}"#,
        r#"{"choices":[],"usage":{"prompt_tokens":"3","completion_tokens":2.0,"prompt_tokens_details":null}}"#,
        STOP,
    ];
    let collected = collect_chunks(&chunks).unwrap();
    assert_eq!((collected.text.as_str(), collected.reasoning.as_str()), ("ab", "r"));
    assert_eq!(collected.model, "m");
    let usage = Usage { prompt_tokens: 3, cached_tokens: 0, completion_tokens: 2 };
    assert_eq!((collected.usage, collected.finish), (usage, FinishReason::Stop));
}

#[test]
fn only_a_finish_or_an_end_mark_makes_an_answer() {
    let piece = delta(r#"{"content":"abc"}"#);
    assert_eq!(collect_chunks(&[&piece]), Err(StreamFault::Cut { bytes: 3 }));
    assert_eq!(collect_chunks(&[&piece, "[DONE]"]).unwrap().text, "abc");
    assert_eq!(collect_chunks(&[&piece, STOP, &piece]).unwrap().text, "abcabc");
    assert_eq!(collect_chunks(&[&piece, "[DONE]", &piece]).unwrap().text, "abc");
    assert_eq!(collect_chunks(&[]), Err(StreamFault::Cut { bytes: 0 }));
    let aborted = r#"{"choices":[{"finish_reason":"abort"}]}"#;
    assert!(matches!(collect_chunks(&[aborted]), Err(StreamFault::Server { .. })));
    assert!(matches!(collect_chunks(&["nonsense"]), Err(StreamFault::Unreadable { .. })));
}

#[test]
fn a_torn_character_does_not_spoil_the_answer() {
    let mut bytes = b"data: {\"choices\":[{\"delta\":{\"content\":\"a".to_vec();
    bytes.extend_from_slice(b"\xF0\x9F\"}}]}\n\n");
    bytes.extend_from_slice(stream(&[STOP]).as_bytes());
    assert_eq!(collect([&bytes[..]]).unwrap().text, "a\u{fffd}");
}

#[test]
fn memory_is_bounded() {
    let piece = delta(&format!(r#"{{"content":"{}"}}"#, "x".repeat(1024 * 1024)));
    let mut collected = Accumulator::new();
    let take = |collected: &mut Accumulator, piece: &str| collected.take_json(piece.as_bytes());
    let taken = (0..17).try_for_each(|_| take(&mut collected, &piece));
    assert_eq!(taken, Err(StreamFault::TooLarge));
    assert!(collected.text.len() <= ANSWER_BYTES_MAX);
    let mut collected = Accumulator::new();
    let taken = (0..=TOOL_CALLS_MAX).try_for_each(|index| {
        take(&mut collected, &delta(&format!(r#"{{"tool_calls":[{{"index":{index}}}]}}"#)))
    });
    assert_eq!(taken, Err(StreamFault::TooLarge));
    assert_eq!(collected.calls.len(), TOOL_CALLS_MAX);
}

proptest! {
    #[test]
    fn every_tearing_gives_the_same_answer(
        texts in proptest::collection::vec("[a-z\"\\\\é€🦀\n]{0,5}", 0..8),
        calls in proptest::collection::vec((0u64..3, "[a-z]{0,3}", "[{}\":a]{0,4}"), 0..8),
        line_end in prop_oneof![Just("\n"), Just("\r\n"), Just("\r")],
        cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..30),
    ) {
        let mut chunks: Vec<String> = texts
            .iter()
            .map(|text| delta(&serde_json::json!({ "content": text, "reasoning": text }).to_string()))
            .collect();
        chunks.extend(calls.iter().map(|(index, name, arguments)| {
            let call = serde_json::json!({ "index": index, "function": { "name": name, "arguments": arguments } });
            delta(&serde_json::json!({ "tool_calls": [call] }).to_string())
        }));
        chunks.push(STOP.to_owned());
        let chunks: Vec<_> = chunks.iter().map(String::as_str).collect();
        let whole = stream(&chunks).replace('\n', line_end).into_bytes();
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(whole.len() + 1)).collect();
        cuts.sort_unstable();
        cuts.push(whole.len());
        let mut start = 0;
        let pieces = cuts.iter().map(|&end| &whole[std::mem::replace(&mut start, end)..end]);
        let torn = collect(pieces);
        prop_assert_eq!(&torn, &collect([&whole[..]]));
        prop_assert_eq!(torn.unwrap().text, texts.concat());
    }

    #[test]
    fn arbitrary_events_never_panic(
        events in proptest::collection::vec(prop_oneof![
            any::<Vec<u8>>(),
            "[\\[\\]{}\":,a-z0-9]{0,30}".prop_map(String::into_bytes),
            "\\{\"choices\":\\[\\{\"delta\":[\\[\\]{}\":,a-z0-9]{0,30}\\}\\]\\}".prop_map(String::into_bytes),
        ], 0..10),
    ) {
        let mut collected = Accumulator::new();
        for event in &events {
            if collected.take(Frame { is_error: false, data: event }).is_err() {
                return Ok(());
            }
        }
        collected.finish().ok();
    }
}
