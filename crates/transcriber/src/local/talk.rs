//! The conversation with one worker, and what went wrong in words.

use std::time::Duration;

use lao_port::{
    OnTranscribed, Segment, TranscribeError, TranscribeErrorKind, TranscribeProgress, Transcript,
};
use tokio::time::timeout;

use super::{WorkerLimits, worker::Worker};
use crate::protocol::{FailureKind, FrameError, PROGRAM, Reply, VERSION, Work, encode};

/// The most segments of a transcript.
const SEGMENTS_MAX: usize = 500_000;
/// The most bytes of its texts together.
const TEXT_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Words of allocators that got nothing. The last stands for an exception of the engine, which
/// with a model that was checked is one of memory.
const MEMORY_WORDS: [&str; 6] = [
    "bad_alloc",
    "memory allocation of",
    "failed to allocate",
    "not enough memory",
    "insufficient memory",
    "cannot catch foreign exceptions",
];

/// A conversation under way.
pub(super) struct Talk<'a> {
    worker: Worker,
    limits: &'a WorkerLimits,
    on_progress: OnTranscribed<'a>,
    segments: Vec<Segment>,
    text_bytes: usize,
    done_milli: u32,
}

/// Why there is no transcript, before it is put in words.
#[derive(Debug)]
pub(super) enum Fault {
    /// The request does not fit into a frame.
    Unsayable(FrameError),
    /// The worker is no worker, or of another version.
    Stranger(String),
    /// What it says is no frame.
    Frame(FrameError),
    /// What it says makes no sense.
    Nonsense(&'static str),
    /// It said nothing for too long.
    Silent,
    /// It ended in the middle.
    Ended,
    /// It reported a failure.
    Reported(FailureKind, String),
}

impl<'a> Talk<'a> {
    /// A conversation that has not begun.
    pub(super) fn new(
        worker: Worker,
        limits: &'a WorkerLimits,
        on_progress: OnTranscribed<'a>,
    ) -> Self {
        Self { worker, limits, on_progress, segments: Vec::new(), text_bytes: 0, done_milli: 0 }
    }

    /// Asks for the work and hears the transcript.
    pub(super) async fn run(&mut self, work: &Work) -> Result<Transcript, Fault> {
        let frame = encode(work).map_err(Fault::Unsayable)?;
        self.greet().await?;
        let idle = Duration::from_millis(self.limits.idle_timeout_ms);
        timeout(idle, self.worker.say(&frame)).await.map_err(|_| Fault::Silent)?;
        loop {
            match self.hear().await? {
                Reply::Hello { .. } => return Err(Fault::Nonsense("it greeted twice")),
                Reply::Progress { done_milli } => self.take_progress(done_milli),
                Reply::Segment { start_ms, end_ms, text } => {
                    self.take_segment(Segment { start_ms, end_ms, text })?;
                }
                Reply::Done { language, duration_ms, model } => {
                    let segments = std::mem::take(&mut self.segments);
                    self.worker.end().await;
                    return Ok(Transcript { language, duration_ms, segments, model });
                }
                Reply::Failed { kind, message } => return Err(Fault::Reported(kind, message)),
            }
        }
    }

    async fn greet(&mut self) -> Result<(), Fault> {
        match self.hear().await? {
            Reply::Hello { program, version } if program == PROGRAM && version == VERSION => Ok(()),
            Reply::Hello { program, version } => {
                Err(Fault::Stranger(format!("it is {program}, protocol {version}")))
            }
            Reply::Failed { kind, message } => Err(Fault::Reported(kind, message)),
            Reply::Progress { .. } | Reply::Segment { .. } | Reply::Done { .. } => {
                Err(Fault::Stranger("it does not greet".to_owned()))
            }
        }
    }

    async fn hear(&mut self) -> Result<Reply, Fault> {
        let idle = Duration::from_millis(self.limits.idle_timeout_ms);
        let heard = timeout(idle, self.worker.hear()).await.map_err(|_| Fault::Silent)?;
        heard.map_err(Fault::Frame)?.ok_or(Fault::Ended)
    }

    /// Progress that goes back is not passed on.
    fn take_progress(&mut self, done_milli: u32) {
        self.done_milli = self.done_milli.max(done_milli.min(1000));
        (self.on_progress)(TranscribeProgress { done_milli: self.done_milli });
    }

    fn take_segment(&mut self, segment: Segment) -> Result<(), Fault> {
        let begins = self.segments.last().map_or(0, |last| last.start_ms);
        if segment.start_ms < begins || segment.end_ms < segment.start_ms {
            return Err(Fault::Nonsense("its segments are out of order"));
        }
        self.text_bytes += segment.text.len();
        if self.segments.len() == SEGMENTS_MAX || self.text_bytes > TEXT_BYTES_MAX {
            return Err(Fault::Nonsense("it does not come to an end"));
        }
        self.segments.push(segment);
        Ok(())
    }

    /// Ends the worker and puts the fault in words.
    pub(super) async fn explain(mut self, fault: Fault) -> TranscribeError {
        let ended = match fault {
            // Its output may have been cut by its end.
            Fault::Ended | Fault::Frame(FrameError::Cut | FrameError::Io(_)) => {
                self.worker.ended().await
            }
            Fault::Unsayable(_)
            | Fault::Stranger(_)
            | Fault::Frame(FrameError::TooLarge { .. } | FrameError::Unreadable { .. })
            | Fault::Nonsense(_)
            | Fault::Silent
            | Fault::Reported(..) => None,
        };
        let last_words = self.worker.end().await;
        let (kind, what) = self.describe(fault, ended);
        let is_told = kind != TranscribeErrorKind::Engine || last_words.is_empty();
        let memory = if MEMORY_WORDS.iter().any(|word| last_words.contains(word)) {
            let mebibytes = self.limits.memory_bytes_max / (1024 * 1024);
            format!(" It may use {mebibytes} MiB of memory; a smaller model needs less.")
        } else {
            String::new()
        };
        let message = if is_told {
            format!("{what}{memory}")
        } else {
            format!("{what}.{memory} The last it wrote:\n{last_words}")
        };
        TranscribeError { kind, message }
    }

    fn describe(&self, fault: Fault, ended: Option<String>) -> (TranscribeErrorKind, String) {
        let how = match fault {
            Fault::Reported(kind, message) => return (kind.into(), message),
            Fault::Unsayable(error) => format!("cannot be asked this: {error}"),
            Fault::Stranger(who) => format!(
                "is not the one that belongs to this version of LAO ({who}); build it again with \
                 `cargo install --path crates/whisper`"
            ),
            Fault::Frame(error) => match ended {
                Some(ended) => format!("{ended} in the middle of its answer"),
                None => format!("talked rubbish: {error}"),
            },
            Fault::Nonsense(what) => format!("talked rubbish: {what}"),
            Fault::Silent => {
                format!("hangs: nothing was heard of it for {} ms", self.limits.idle_timeout_ms)
            }
            Fault::Ended => {
                let ended = ended.unwrap_or_else(|| "closed its output".to_owned());
                format!("{ended} before it was done")
            }
        };
        (TranscribeErrorKind::Engine, format!("the worker {PROGRAM} {how}"))
    }
}
