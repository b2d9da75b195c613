//! Transcripts in the forms that steps give them.

use std::fmt::Write as _;

use lao_port::Transcript;
use serde_json::json;

/// The words, a line for each passage.
pub(crate) fn text(transcript: &Transcript) -> String {
    let lines: Vec<&str> = transcript.segments.iter().map(|segment| segment.text.trim()).collect();
    lines.join("\n")
}

/// `SubRip`: numbered passages with their times.
pub(crate) fn srt(transcript: &Transcript) -> String {
    let mut out = String::new();
    for (index, segment) in transcript.segments.iter().enumerate() {
        let (start, end) = (clock(segment.start_ms, ','), clock(segment.end_ms, ','));
        writeln!(out, "{}\n{start} --> {end}\n{}\n", index + 1, segment.text.trim())
            .expect("a String takes everything");
    }
    out
}

/// `WebVTT`: a head, and passages with their times.
pub(crate) fn vtt(transcript: &Transcript) -> String {
    let mut out = "WEBVTT\n\n".to_owned();
    for segment in &transcript.segments {
        let (start, end) = (clock(segment.start_ms, '.'), clock(segment.end_ms, '.'));
        writeln!(out, "{start} --> {end}\n{}\n", segment.text.trim())
            .expect("a String takes everything");
    }
    out
}

/// JSON with everything that is known.
pub(crate) fn json(transcript: &Transcript) -> String {
    let segments: Vec<_> = transcript
        .segments
        .iter()
        .map(|segment| {
            json!({
                "start_ms": segment.start_ms,
                "end_ms": segment.end_ms,
                "text": segment.text.trim(),
            })
        })
        .collect();
    json!({
        "language": transcript.language,
        "duration_ms": transcript.duration_ms,
        "model": transcript.model,
        "text": text(transcript),
        "segments": segments,
    })
    .to_string()
}

/// A time as subtitles have it: hours, minutes, seconds, milliseconds.
fn clock(ms: u64, point: char) -> String {
    let (hours, minutes, seconds) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60);
    format!("{hours:02}:{minutes:02}:{seconds:02}{point}{:03}", ms % 1000)
}

#[cfg(test)]
mod tests {
    use lao_port::Segment;

    use super::*;

    fn transcript() -> Transcript {
        let segment =
            |start_ms, end_ms, text: &str| Segment { start_ms, end_ms, text: text.to_owned() };
        Transcript {
            language: Some("en".to_owned()),
            duration_ms: 3_725_000,
            segments: vec![segment(0, 1500, " Hello."), segment(3_723_004, 3_725_000, "Bye.")],
            model: "tiny".to_owned(),
        }
    }

    #[test]
    fn subtitles_have_hours_and_their_own_points() {
        assert_eq!(
            srt(&transcript()),
            "1\n00:00:00,000 --> 00:00:01,500\nHello.\n\n\
             2\n01:02:03,004 --> 01:02:05,000\nBye.\n\n"
        );
        assert_eq!(
            vtt(&transcript()),
            "WEBVTT\n\n00:00:00.000 --> 00:00:01.500\nHello.\n\n\
             01:02:03.004 --> 01:02:05.000\nBye.\n\n"
        );
        assert_eq!(text(&transcript()), "Hello.\nBye.");
    }
}
