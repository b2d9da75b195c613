//! Transcripts in the forms that steps give them.

use lao_port::{Segment, Transcript};
use serde_json::json;

/// The words, a line for each passage.
pub(crate) fn text(transcript: &Transcript) -> String {
    let lines: Vec<_> = transcript.segments.iter().map(|it| one_line(&it.text)).collect();
    lines.join("\n")
}

/// `SubRip`: numbered passages with their times.
pub(crate) fn srt(transcript: &Transcript) -> String {
    let blocks = transcript.segments.iter().zip(1_u64..).map(|(segment, number)| {
        // The arrow would begin another passage.
        let text = one_line(&segment.text).replace("-->", "->");
        format!("{number}\n{}\n{text}\n\n", span(segment, ','))
    });
    blocks.collect()
}

/// `WebVTT`: a head, and passages with their times.
pub(crate) fn vtt(transcript: &Transcript) -> String {
    let blocks = transcript.segments.iter().map(|segment| {
        let text = one_line(&segment.text).replace('&', "&amp;").replace('<', "&lt;");
        format!("{}\n{}\n\n", span(segment, '.'), text.replace('>', "&gt;"))
    });
    format!("WEBVTT\n\n{}", blocks.collect::<String>())
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

/// A blank line would end a passage, and a line break a line.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn span(segment: &Segment, point: char) -> String {
    format!("{} --> {}", clock(segment.start_ms, point), clock(segment.end_ms, point))
}

/// A time as subtitles have it: hours, minutes, seconds, milliseconds.
fn clock(ms: u64, point: char) -> String {
    let (hours, minutes, seconds) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60);
    format!("{hours:02}:{minutes:02}:{seconds:02}{point}{:03}", ms % 1000)
}

#[cfg(test)]
mod tests {
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
    fn what_is_said_breaks_no_subtitles() {
        let mut said = transcript();
        said.segments[0].text = "a < b && c --> d\n\n  e".to_owned();
        assert!(srt(&said).contains("\na < b && c -> d e\n"), "{}", srt(&said));
        assert!(vtt(&said).contains("\na &lt; b &amp;&amp; c --&gt; d e\n"), "{}", vtt(&said));
        assert_eq!(text(&said), "a < b && c --> d e\nBye.");
        said.segments.clear();
        assert_eq!(
            (text(&said), srt(&said), vtt(&said).as_str()),
            (String::new(), String::new(), "WEBVTT\n\n")
        );
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
