//! What is done to folders and files, step by step: recorded, or failed at one step, for tests.

use std::cell::RefCell;
use std::io;
use std::path::PathBuf;

/// One call on the system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// A folder is made.
    MakeFolder(PathBuf),
    /// A new file gets its content.
    Write(PathBuf, Vec<u8>),
    /// A file's content becomes durable.
    SyncFile(PathBuf),
    /// A file gets another name.
    Rename(PathBuf, PathBuf),
    /// The names in a folder become durable.
    SyncFolder(PathBuf),
}

#[derive(Default)]
struct Trace {
    steps: Vec<Step>,
    /// The step that is not done, counted from 0, and why.
    failing: Option<(usize, io::Error)>,
}

thread_local! {
    static TRACE: RefCell<Option<Trace>> = const { RefCell::new(None) };
}

/// A step is about to be done.
pub(crate) fn step(step: impl FnOnce() -> Step) -> io::Result<()> {
    TRACE.with_borrow_mut(|trace| {
        let Some(trace) = trace else {
            return Ok(());
        };
        let number = trace.steps.len();
        trace.steps.push(step());
        match trace.failing.take_if(|(at, _)| *at == number) {
            Some((_, error)) => Err(error),
            None => Ok(()),
        }
    })
}

/// Steps that were done on this thread so far within [`record`].
pub(crate) fn done() -> usize {
    TRACE.with_borrow(|trace| trace.as_ref().map_or(0, |trace| trace.steps.len()))
}

/// Does `work` and returns what it did, step by step; the step `failing` names is not done.
pub(crate) fn record<T>(
    failing: Option<(usize, io::Error)>,
    work: impl FnOnce() -> T,
) -> (T, Vec<Step>) {
    TRACE.set(Some(Trace { steps: Vec::new(), failing }));
    let outcome = work();
    let trace = TRACE.take().expect("it was set before the work");
    (outcome, trace.steps)
}
