//! One piece of work: the model is checked, the file is opened, and piece after piece is said.

use std::{cell::RefCell, fs::File, io::Read, path::Path, rc::Rc, time::Duration};

use lao_transcriber::{
    model_file,
    protocol::{FailureKind, ModelFile, Reply, Work},
};

use crate::{
    audio::Audio,
    engine::{Engine, Passage, duration},
    failure::Failure,
    frames::Frames,
    pieces::{Piece, Pieces},
};

const READ_BYTES: usize = 1024 * 1024;
/// A word is given after so many bytes, so that nobody thinks the worker hangs on a slow disk.
const BYTES_PER_WORD: usize = 64 * 1024 * 1024;

/// Does the work and says everything but its end, which it returns.
pub(crate) fn run(work: &Work, frames: &Rc<RefCell<Frames>>) -> Result<Reply, Failure> {
    // The cheaper the check, the earlier.
    let audio = Audio::open(Path::new(&work.audio)).map_err(|failure| of_file(failure, work))?;
    let pieces = Pieces::new(audio, work.piece_ms);
    check_model(&work.model, frames)?;
    let engine = Engine::load(work)?;
    let mut course = Course { engine, frames: Rc::clone(frames), said: Said::default() };
    course.run(pieces).map_err(|failure| of_file(failure, work))?;
    Ok(Reply::Done {
        language: course.engine.language().map(str::to_owned),
        duration_ms: millis(duration(course.said.samples)),
        model: work.model.name.clone(),
    })
}

/// A failure of the audio names the file.
fn of_file(failure: Failure, work: &Work) -> Failure {
    match failure.kind {
        FailureKind::Audio => Failure::audio(format!("{}: {}", work.audio, failure.message)),
        FailureKind::Model | FailureKind::Engine => failure,
    }
}

/// Whether the model is the one that was meant, and a model at all.
fn check_model(model: &ModelFile, frames: &Rc<RefCell<Frames>>) -> Result<(), Failure> {
    let ModelFile { name, path, size_bytes, blake3 } = model;
    let refused = |problem: &dyn std::fmt::Display| {
        Failure::model(format!("the model `{name}` ({path}) is refused: {problem}"))
    };
    let mut file = File::open(path).map_err(|error| refused(&error))?;
    let present = file.metadata().map_err(|error| refused(&error))?.len();
    if present != *size_bytes {
        return Err(refused(&format!("it has {present} bytes, not {size_bytes}")));
    }
    let mut hasher = blake3::Hasher::new();
    let mut buffer = vec![0; READ_BYTES];
    let mut unsaid = BYTES_PER_WORD;
    loop {
        let read = file.read(&mut buffer).map_err(|error| refused(&error))?;
        if read == 0 {
            break;
        }
        hasher.update(&buffer[..read]);
        unsaid += read;
        if unsaid >= BYTES_PER_WORD {
            frames.borrow_mut().say(&Reply::Progress { done_milli: 0 });
            unsaid = 0;
        }
    }
    if hasher.finalize().to_hex().as_str() != blake3 {
        return Err(refused(&"its hash is another"));
    }
    model_file::check(Path::new(path)).map_err(|fault| refused(&fault))?;
    Ok(())
}

/// A recording on its way through the engine.
struct Course {
    engine: Engine,
    frames: Rc<RefCell<Frames>>,
    said: Said,
}

/// How far it is.
#[derive(Debug, Clone, Copy, Default)]
struct Said {
    /// Samples of the pieces before this one.
    samples: usize,
    /// Where the last passage began.
    start: Duration,
    /// Thousandths of the file.
    milli: u32,
}

impl Course {
    fn run(&mut self, mut pieces: Pieces) -> Result<(), Failure> {
        while let Some(piece) = pieces.next()? {
            self.take(piece)?;
        }
        Ok(())
    }

    fn take(&mut self, piece: Piece) -> Result<(), Failure> {
        let Piece { mut samples, read_milli } = piece;
        let length = samples.len();
        let before = self.said.milli;
        let share = read_milli.saturating_sub(before);
        let frames = Rc::clone(&self.frames);
        let on_percent = move |percent: i32| {
            let percent = u32::try_from(percent).unwrap_or(0).min(100);
            let done_milli = before + share * percent / 100;
            frames.borrow_mut().say(&Reply::Progress { done_milli });
        };
        let passages = self.engine.transcribe(&mut samples, on_percent)?;
        for passage in passages {
            self.say(passage);
        }
        self.said.samples += length;
        self.said.milli = before + share;
        self.frames.borrow_mut().say(&Reply::Progress { done_milli: self.said.milli });
        Ok(())
    }

    /// Says a passage with its place in the whole; no passage begins before the one it follows.
    fn say(&mut self, passage: Passage) {
        let Passage { start, end, text } = passage;
        let before = duration(self.said.samples);
        let start = (before + start).max(self.said.start);
        let end = (before + end).max(start);
        self.said.start = start;
        let reply = Reply::Segment { start_ms: millis(start), end_ms: millis(end), text };
        self.frames.borrow_mut().say(&reply);
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
