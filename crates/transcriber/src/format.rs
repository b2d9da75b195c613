//! The forms of a transcript: text, subtitles, JSON.

use lao_port::{Segment, Transcript};
use serde::Serialize;

/// A transcript as plain text: a line for each segment.
pub fn text(transcript: &Transcript) -> String {
    let lines = transcript.segments.iter().map(|segment| one_line(&segment.text) + "\n");
    lines.collect()
}

/// A transcript as subtitles in the form of `SubRip`.
pub fn srt(transcript: &Transcript) -> String {
    let blocks = transcript.segments.iter().zip(1..).map(|(segment, number): (&Segment, u64)| {
        let span = span(segment, ',');
        // The arrow would begin another cue.
        let text = one_line(&segment.text).replace("-->", "->");
        format!("{number}\n{span}\n{text}\n\n")
    });
    blocks.collect()
}

/// A transcript as subtitles in the form of `WebVTT`.
pub fn vtt(transcript: &Transcript) -> String {
    let blocks = transcript.segments.iter().map(|segment| {
        let text = one_line(&segment.text).replace('&', "&amp;").replace('<', "&lt;");
        let text = text.replace('>', "&gt;");
        format!("{}\n{text}\n\n", span(segment, '.'))
    });
    format!("WEBVTT\n\n{}", blocks.collect::<String>())
}

/// A transcript as JSON, with all there is.
pub fn json(transcript: &Transcript) -> String {
    let Transcript { language, duration_ms, segments, model } = transcript;
    let segments = segments.iter().map(|Segment { start_ms, end_ms, text }| JsonSegment {
        start_ms: *start_ms,
        end_ms: *end_ms,
        text,
    });
    let document = JsonTranscript {
        language: language.as_deref(),
        duration_ms: *duration_ms,
        model,
        segments: segments.collect(),
    };
    serde_json::to_string_pretty(&document).expect("its keys are texts") + "\n"
}

#[derive(Serialize)]
struct JsonTranscript<'a> {
    language: Option<&'a str>,
    duration_ms: u64,
    model: &'a str,
    segments: Vec<JsonSegment<'a>>,
}

#[derive(Serialize)]
struct JsonSegment<'a> {
    start_ms: u64,
    end_ms: u64,
    text: &'a str,
}

/// A blank line would end a subtitle, and a line break a line.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn span(segment: &Segment, decimal: char) -> String {
    format!("{} --> {}", clock(segment.start_ms, decimal), clock(segment.end_ms, decimal))
}

/// Hours, minutes, seconds and milliseconds; hours have two digits or more.
fn clock(time_ms: u64, decimal: char) -> String {
    let (seconds, milliseconds) = (time_ms / 1000, time_ms % 1000);
    let (minutes, seconds) = (seconds / 60, seconds % 60);
    let (hours, minutes) = (minutes / 60, minutes % 60);
    format!("{hours:02}:{minutes:02}:{seconds:02}{decimal}{milliseconds:03}")
}

#[cfg(test)]
mod tests {
    use lao_port::{Segment, Transcript};

    use super::{json, srt, text, vtt};

    fn transcript() -> Transcript {
        let segment =
            |start_ms, end_ms, text: &str| Segment { start_ms, end_ms, text: text.into() };
        Transcript {
            language: Some("de".to_owned()),
            duration_ms: 360_000_000,
            segments: vec![
                segment(0, 1_234, "Grüße, \"Welt\"."),
                segment(3_599_999, 3_600_001, "a < b && c --> d"),
                segment(359_999_999, 360_000_000, "two\n\n lines"),
            ],
            model: "base".to_owned(),
        }
    }

    #[test]
    fn plain_text_has_a_line_for_each_segment() {
        assert_eq!(text(&transcript()), "Grüße, \"Welt\".\na < b && c --> d\ntwo lines\n");
    }

    #[test]
    fn subrip_numbers_its_blocks_and_has_commas() {
        let expected = "1\n00:00:00,000 --> 00:00:01,234\nGrüße, \"Welt\".\n\n\
                        2\n00:59:59,999 --> 01:00:00,001\na < b && c -> d\n\n\
                        3\n99:59:59,999 --> 100:00:00,000\ntwo lines\n\n";
        assert_eq!(srt(&transcript()), expected);
    }

    #[test]
    fn webvtt_has_a_header_points_and_entities() {
        let expected = "WEBVTT\n\n\
                        00:00:00.000 --> 00:00:01.234\nGrüße, \"Welt\".\n\n\
                        00:59:59.999 --> 01:00:00.001\na &lt; b &amp;&amp; c --&gt; d\n\n\
                        99:59:59.999 --> 100:00:00.000\ntwo lines\n\n";
        assert_eq!(vtt(&transcript()), expected);
    }

    #[test]
    fn json_has_everything_as_it_is() {
        let mut short = transcript();
        short.segments.drain(..2);
        let expected = r#"{
  "language": "de",
  "duration_ms": 360000000,
  "model": "base",
  "segments": [
    {
      "start_ms": 359999999,
      "end_ms": 360000000,
      "text": "two\n\n lines"
    }
  ]
}
"#;
        assert_eq!(json(&short), expected);
        short.language = None;
        assert!(json(&short).contains("\"language\": null"));
    }

    #[test]
    fn silence_is_an_empty_transcript() {
        let silence =
            Transcript { language: None, duration_ms: 9, segments: Vec::new(), model: "m".into() };
        assert_eq!((text(&silence), srt(&silence)), (String::new(), String::new()));
        assert_eq!(vtt(&silence), "WEBVTT\n\n");
    }
}
