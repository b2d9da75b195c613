//! Speech that a script says: no engine, no audio, the same words for the same file.

use lao_event::Role;
use lao_port::{
    BoxFuture, ChatError, ChatErrorKind, OnTranscribed, Segment, TranscribeError,
    TranscribeErrorKind, TranscribeProgress, TranscribeRequest, Transcriber, Transcript,
};

use super::{
    Script,
    player::{Player, single},
};

/// How long each line takes to say, in milliseconds.
const LINE_MS: u64 = 1000;

/// A transcriber that plays the turns of a [`Script`] for the role `transcriber`.
///
/// The file itself is not looked at, and need not exist.
#[derive(Debug)]
pub struct ScriptedTranscriber {
    player: Player,
}

impl ScriptedTranscriber {
    /// A transcriber that plays this script.
    pub fn new(script: Script) -> Self {
        Self { player: Player::new(script) }
    }

    async fn play(
        &self,
        request: &TranscribeRequest,
        on_progress: OnTranscribed<'_>,
    ) -> Result<Transcript, ChatError> {
        let file = std::slice::from_ref(&request.file);
        let asked = single(Role::Transcriber, &request.model, file);
        let turn = self.player.turn(&asked)?;
        on_progress(TranscribeProgress { done_milli: 0 });
        self.player.play(turn, &asked).await?;
        on_progress(TranscribeProgress { done_milli: 1000 });
        Ok(transcript(&turn.text, request))
    }
}

impl Transcriber for ScriptedTranscriber {
    fn transcribe<'a>(
        &'a self,
        request: &'a TranscribeRequest,
        on_progress: OnTranscribed<'a>,
    ) -> BoxFuture<'a, Result<Transcript, TranscribeError>> {
        Box::pin(async move { self.play(request, on_progress).await.map_err(as_told) })
    }
}

/// One passage a line, one second each.
fn transcript(text: &str, request: &TranscribeRequest) -> Transcript {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let segments: Vec<Segment> = lines
        .zip(0..)
        .map(|(line, number)| Segment {
            start_ms: number * LINE_MS,
            end_ms: (number + 1) * LINE_MS,
            text: line.to_owned(),
        })
        .collect();
    Transcript {
        language: request.language.clone(),
        duration_ms: segments.last().map_or(0, |last| last.end_ms),
        segments,
        model: request.model.clone(),
    }
}

/// An error of a turn as one of a transcriber.
fn as_told(error: ChatError) -> TranscribeError {
    let kind = match error.kind {
        ChatErrorKind::Refused => TranscribeErrorKind::Audio,
        ChatErrorKind::ModelMissing => TranscribeErrorKind::ModelMissing,
        ChatErrorKind::Unreachable | ChatErrorKind::Busy => TranscribeErrorKind::Unreachable,
        ChatErrorKind::TimedOut => TranscribeErrorKind::TimedOut,
        ChatErrorKind::WindowExceeded
        | ChatErrorKind::ServerFailed
        | ChatErrorKind::Cut
        | ChatErrorKind::Malformed
        | ChatErrorKind::ScriptMismatch => TranscribeErrorKind::Engine,
    };
    TranscribeError { kind, message: error.message }
}

#[cfg(test)]
mod tests {
    use std::{sync::Mutex, time::Duration};

    use lao_port::{
        TranscribeError, TranscribeErrorKind, TranscribeRequest, Transcriber, Transcript,
    };
    use tokio::time::Instant;

    use super::ScriptedTranscriber;
    use crate::script::Script;

    const SCRIPT: &str = r#"
[[turn]]
role = "transcriber"
step = "*"
contains = "monday.wav"
text = """
Good morning.
  We begin {step}.

Goodbye."""
delay_ms = 200

[[turn]]
role = "transcriber"
step = "*"
contains = ["tuesday", ".wav"]
error = { kind = "server_failed", message = "it crashed", times = 1 }
text = "Again."

[[turn]]
role = "transcriber"
step = "*"
contains = "notes.txt"
error = { kind = "refused", message = "no audio" }
"#;

    fn request(file: &str) -> TranscribeRequest {
        TranscribeRequest {
            endpoint: "script".to_owned(),
            model: "m".to_owned(),
            file: file.to_owned(),
            language: Some("en".to_owned()),
            translate: false,
            prompt: None,
            threads: None,
        }
    }

    fn transcriber(script: &str) -> ScriptedTranscriber {
        ScriptedTranscriber::new(Script::parse("demo.toml", script).unwrap())
    }

    async fn ask(from: &ScriptedTranscriber, file: &str) -> Result<Transcript, TranscribeError> {
        from.transcribe(&request(file), &|_| {}).await
    }

    #[tokio::test(start_paused = true)]
    async fn each_line_is_a_passage_of_one_second() {
        let transcriber = transcriber(SCRIPT);
        let done = Mutex::new(Vec::new());
        let begun = Instant::now();
        let note = |progress: lao_port::TranscribeProgress| {
            done.lock().unwrap().push((progress.done_milli, begun.elapsed()));
        };
        let said = transcriber.transcribe(&request("/rec/monday.wav"), &note).await.unwrap();
        let passages: Vec<(u64, u64, &str)> = said
            .segments
            .iter()
            .map(|segment| (segment.start_ms, segment.end_ms, segment.text.as_str()))
            .collect();
        let expected = [
            (0, 1000, "Good morning."),
            (1000, 2000, "We begin {step}."),
            (2000, 3000, "Goodbye."),
        ];
        assert_eq!(passages, expected);
        assert_eq!((said.duration_ms, said.language.as_deref()), (3000, Some("en")));
        let delay = Duration::from_millis(200);
        assert_eq!(*done.lock().unwrap(), [(0, Duration::ZERO), (1000, delay)]);
        assert_eq!(ask(&transcriber, "/rec/monday.wav").await.unwrap(), said, "always the same");
    }

    #[tokio::test]
    async fn errors_are_those_of_a_transcriber() {
        let transcriber = transcriber(SCRIPT);
        let crash = ask(&transcriber, "/rec/tuesday.wav").await.unwrap_err();
        assert_eq!(crash.kind, TranscribeErrorKind::Engine);
        assert_eq!(crash.message, "demo.toml:13: the script says: it crashed");
        let again = ask(&transcriber, "/rec/tuesday.wav").await.unwrap();
        assert_eq!(again.segments[0].text, "Again.");
        for _ in 0..2 {
            let audio = ask(&transcriber, "/rec/notes.txt").await.unwrap_err();
            assert_eq!(audio.kind, TranscribeErrorKind::Audio);
        }
        let unknown = ask(&transcriber, "/rec/friday.wav").await.unwrap_err();
        assert_eq!(unknown.kind, TranscribeErrorKind::Engine);
        assert!(unknown.message.contains("no turn fits role `transcriber`"), "{unknown}");
        assert!(unknown.message.contains("/rec/friday.wav"), "{unknown}");
        assert!(unknown.message.contains("contains `monday.wav`"), "{unknown}");
    }

    #[test]
    fn what_a_transcriber_cannot_say_is_refused() {
        for (turn, problem) in [
            ("step = \"*\"\n", "the turn answers nothing"),
            ("step = \"*\"\nreasoning = \"x\"\n", "has text or an error"),
            ("step = \"*\"\nraw = { send = [] }\n", "has text or an error"),
            ("step = \"t1\"\ntext = \"x\"\n", "its step is \"*\""),
        ] {
            let script = format!("[[turn]]\nrole = \"transcriber\"\n{turn}");
            let error = Script::parse("s.toml", &script).unwrap_err().to_string();
            assert!(error.starts_with("s.toml:1: ") && error.contains(problem), "{error}");
        }
        let twice = "[[turn]]\nrole = \"transcriber\"\nstep = \"*\"\ntext = \"x\"\n".repeat(2);
        let error = Script::parse("s.toml", &twice).unwrap_err().to_string();
        assert!(error.starts_with("s.toml:5: "), "{error}");
    }
}
