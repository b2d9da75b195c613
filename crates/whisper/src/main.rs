//! The worker program that turns speech into text; `lao` starts one for each attempt.
//!
//! ```text
//!   frames in --> work --> model checked --> engine (whisper.cpp) <-- pieces <-- resample <-- audio
//!                                               '--> frames out: progress, segments, the end
//! ```
//!
//! The engine is native code, and what it reads may be anybody's: that is why it is here and not
//! in `lao`. The process limits its own memory, keeps its standard output for frames, and ends
//! when its standard input does.

mod audio;
mod engine;
mod failure;
mod frames;
mod pieces;
mod platform;
mod resample;
mod work;

use std::{
    cell::RefCell,
    env,
    ffi::OsString,
    io::{self, Read, Write, stdin},
    process::ExitCode,
    rc::Rc,
    thread,
};

use lao_transcriber::protocol::{
    FailureKind, FrameError, MEMORY_ARGUMENT, PROGRAM, Reply, VERSION, Work, read_frame,
};
use thiserror::Error;

use crate::{
    frames::Frames,
    platform::{end_at_once, limit_memory, take_stdout},
};

/// Why no conversation came about.
#[derive(Debug, Error)]
enum StartError {
    #[error("{PROGRAM} is started by lao, with {MEMORY_ARGUMENT} BYTES; it has no use of its own")]
    Usage,
    #[error("the memory cannot be limited: {0}")]
    Limit(io::Error),
    #[error("standard output cannot be set apart: {0}")]
    Output(io::Error),
    #[error("the request cannot be read: {0}")]
    Request(FrameError),
    #[error("no thread could be started: {0}")]
    Watch(io::Error),
}

fn main() -> ExitCode {
    match converse() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Where even that fails, the exit code is all there is to say.
            writeln!(io::stderr(), "{error}").ok();
            ExitCode::FAILURE
        }
    }
}

fn converse() -> Result<(), StartError> {
    let memory_bytes = memory_bytes(env::args_os().skip(1)).ok_or(StartError::Usage)?;
    limit_memory(memory_bytes).map_err(StartError::Limit)?;
    let output = take_stdout().map_err(StartError::Output)?;
    let frames = Rc::new(RefCell::new(Frames::new(output)));
    frames.borrow_mut().say(&Reply::Hello { program: PROGRAM.to_owned(), version: VERSION });
    let work: Work = read_frame(&mut stdin().lock()).map_err(StartError::Request)?;
    thread::Builder::new().spawn(end_with_stdin).map_err(StartError::Watch)?;
    let end = work::run(&work, &frames).unwrap_or_else(|failure| {
        let failure::Failure { kind, message } = failure;
        let message = if kind == FailureKind::Engine {
            format!("{message} ({})", work.audio)
        } else {
            message
        };
        Reply::Failed { kind, message }
    });
    frames.borrow_mut().say(&end);
    Ok(())
}

/// The one argument there is.
fn memory_bytes(mut arguments: impl Iterator<Item = OsString>) -> Option<u64> {
    let is_named = arguments.next()? == MEMORY_ARGUMENT;
    let bytes = arguments.next()?.to_str()?.parse().ok()?;
    (is_named && arguments.next().is_none()).then_some(bytes)
}

/// Whoever started the worker holds its standard input open for as long as the answer matters.
fn end_with_stdin() {
    let mut rest = [0; 64];
    while stdin().lock().read(&mut rest).is_ok_and(|read| read > 0) {}
    end_at_once();
}
