//! Who wrote a line: the versions of a file one after another, each line handed on by their differences.
//!
//! ```text
//!   version ─ lines that stayed ─▶ next version     keeps whose they are
//!           '─ lines that are new ─▶                 belong to who wrote that version
//! ```

mod origin;

use std::collections::{BTreeMap, BTreeSet};

use lao_event::{Attempt, CallId, Content, EffectId, Event, Role, StepId, latest::ModelOutcome};
use lao_history::{Contents, StoredEvent, for_each_event};
use lao_journal::{BlobError, Reader};
use similar::{Algorithm, DiffTag, capture_diff_slices};

pub use origin::{Origin, OriginError, origin};

use crate::files::{CallWrite, Change, Changes, FilesError, WrittenBy};

/// A file with the author of each of its lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blame {
    /// The position.
    pub at: u64,
    /// The last position of the journal.
    pub last: u64,
    /// The file, relative to the workspace.
    pub file: String,
    /// Its lines, in order, without their ends.
    pub lines: Vec<BlamedLine>,
}

/// A line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlamedLine {
    /// What it says; what is no UTF-8 is replaced.
    pub text: String,
    /// Who wrote it.
    pub author: Author,
}

/// Who wrote a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Author {
    /// It stood there before the run touched the file, with the event at this position.
    BeforeRun {
        /// The event that found it.
        seen: u64,
    },
    /// Somebody else, or a command, between two writes of the run.
    Elsewhere {
        /// The event that found it.
        seen: u64,
    },
    /// The run itself, for people to read: with a commit.
    Trail {
        /// Position at which the commit was made.
        seq: u64,
        /// Key of the step.
        step: String,
    },
    /// A step of a workflow.
    Step {
        /// Position at which the file was written.
        seq: u64,
        /// Key of the step.
        step: String,
        /// The attempt.
        attempt: Attempt,
    },
    /// A model.
    Model(ModelAuthor),
}

/// A model that wrote a line, by a tool call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelAuthor {
    /// Position from which on the file had the line.
    pub seq: u64,
    /// Key of the step.
    pub step: String,
    /// The attempt at it.
    pub attempt: Attempt,
    /// The tool call.
    pub call: CallId,
    /// What it was asked as.
    pub role: Role,
    /// The model, as the server named it.
    pub model: String,
    /// Position of the prompt.
    pub asked: u64,
}

/// A file has no authors to be told.
#[derive(Debug, thiserror::Error)]
pub enum BlameError {
    /// The file's versions cannot be told.
    #[error(transparent)]
    Files(#[from] FilesError),
    /// A version's content is not to be had.
    #[error("what event {seq} wrote into {file} is not there")]
    Blob {
        /// The event.
        seq: u64,
        /// The file.
        file: String,
        /// Why.
        source: BlobError,
    },
    /// The run never touched it.
    #[error("the run never touched {file}")]
    Untouched {
        /// The file.
        file: String,
        /// Files that it touched.
        touched: BTreeSet<String>,
    },
    /// It was not there at the position.
    #[error("there was no {file} after event {at}")]
    NotThere {
        /// The file.
        file: String,
        /// The position.
        at: u64,
    },
}

impl From<lao_history::HistoryError> for BlameError {
    fn from(error: lao_history::HistoryError) -> Self {
        Self::Files(error.into())
    }
}

/// The authors of a file's lines after the event at `at`, or at the journal's end.
///
/// # Errors
///
/// [`BlameError::Untouched`] where the run has nothing to say of the file.
pub fn blame(
    reader: &Reader,
    contents: &Contents,
    (file, at): (&str, Option<u64>),
) -> Result<Blame, BlameError> {
    let mut walk = Walk::default();
    for_each_event::<BlameError>(reader, 1, |stored| {
        let recorded = match stored {
            StoredEvent::Known(recorded) => recorded,
            StoredEvent::Unknown { seq, .. } => return Err(FilesError::Newer { seq }.into()),
        };
        walk.last = recorded.seq;
        walk.note(recorded.seq, &recorded.event);
        for change in walk.changes.of(&recorded)? {
            let was_so = at.is_none_or(|at| change.seq <= at)
                || matches!(change.by, WrittenBy::BeforeRun { .. });
            if change.path == file && was_so {
                walk.version(change, contents)?;
            } else {
                walk.touched.insert(change.path);
            }
        }
        Ok(())
    })?;
    let at = at.unwrap_or(walk.last);
    if at == 0 || at > walk.last {
        return Err(FilesError::OutOfRange { at, last: walk.last }.into());
    }
    let file = file.to_owned();
    match walk.lines.take() {
        Some(lines) => {
            let line = |(text, by)| BlamedLine { text, author: walk.author(by) };
            let lines = lines.into_iter().map(line).collect();
            Ok(Blame { at, last: walk.last, file, lines })
        }
        None if walk.was_touched || walk.touched.contains(&file) => {
            Err(BlameError::NotThere { file, at })
        }
        None => Err(BlameError::Untouched { file, touched: walk.touched }),
    }
}

/// A journal being gone through.
#[derive(Default)]
struct Walk {
    changes: Changes,
    last: u64,
    steps: Vec<String>,
    calls: BTreeMap<EffectId, Asked>,
    /// The file's lines so far; `None` while there is no file.
    lines: Option<Vec<(String, WrittenBy)>>,
    was_touched: bool,
    /// Other files.
    touched: BTreeSet<String>,
}

/// A model call.
struct Asked {
    seq: u64,
    role: Role,
    model: String,
}

impl Walk {
    /// What an event says of steps and models.
    fn note(&mut self, seq: u64, event: &Event) {
        if let Event::StepsAdded(added) = event {
            self.steps.extend(added.steps.iter().map(|step| step.key.clone()));
        } else if let Event::ModelCallStarted(started) = event {
            let asked = Asked { seq, role: started.role, model: started.request.model.clone() };
            self.calls.insert(started.effect, asked);
        } else if let Event::ModelCallEnded(ended) = event
            && let ModelOutcome::Answered(answer) = &ended.outcome
            && let Some(asked) = self.calls.get_mut(&ended.effect)
        {
            asked.model.clone_from(&answer.model);
        }
    }

    /// The file became something.
    fn version(&mut self, change: Change, contents: &Contents) -> Result<(), BlameError> {
        let Change { seq, path: file, content, by } = change;
        self.was_touched = true;
        let read = |content: Content| {
            let bytes = contents.bytes(&content);
            bytes.map_err(|source| BlameError::Blob { seq, file, source })
        };
        self.lines = match content.map(read).transpose()? {
            Some(bytes) => Some(handed_on(&self.lines.take().unwrap_or_default(), &bytes, by)),
            None => None,
        };
        Ok(())
    }

    fn author(&self, by: WrittenBy) -> Author {
        let key = |step: StepId| {
            let key = usize::try_from(step.0).ok().and_then(|index| self.steps.get(index));
            key.cloned().unwrap_or_else(|| step.to_string())
        };
        match by {
            WrittenBy::BeforeRun { seen } => Author::BeforeRun { seen },
            WrittenBy::Elsewhere { seen } => Author::Elsewhere { seen },
            WrittenBy::Step { seq, step, attempt } => {
                Author::Step { seq, step: key(step), attempt }
            }
            WrittenBy::Trail { seq, step } => Author::Trail { seq, step: key(step) },
            WrittenBy::Call(CallWrite { seq, step, attempt, call }) => {
                let asked = self.calls.get(&call.answer);
                Author::Model(ModelAuthor {
                    seq,
                    step: key(step),
                    attempt,
                    call,
                    role: asked.map_or(Role::Coder, |asked| asked.role),
                    model: asked.map_or_else(String::new, |asked| asked.model.clone()),
                    asked: asked.map_or(0, |asked| asked.seq),
                })
            }
        }
    }
}

/// The lines of the next version: those that stayed are whose they were.
fn handed_on(
    before: &[(String, WrittenBy)],
    after: &[u8],
    by: WrittenBy,
) -> Vec<(String, WrittenBy)> {
    let after = String::from_utf8_lossy(after);
    let new: Vec<&str> = after.lines().collect();
    let old: Vec<&str> = before.iter().map(|(line, _)| line.as_str()).collect();
    let mut authors = vec![by; new.len()];
    for op in capture_diff_slices(Algorithm::Patience, &old, &new) {
        let (tag, from, to) = op.as_tag_tuple();
        if tag == DiffTag::Equal {
            for (old, new) in from.zip(to) {
                authors[new] = before[old].1;
            }
        }
    }
    new.into_iter().map(str::to_owned).zip(authors).collect()
}

#[cfg(test)]
mod tests {
    use super::{WrittenBy, handed_on};

    #[test]
    fn lines_that_stay_are_whose_they_were() {
        let by = |seen| WrittenBy::Elsewhere { seen };
        let versions: [(&[u8], u64); 4] =
            [(b"a\nb\nc\n", 1), (b"a\nx\nc\nd\n", 2), (b"", 3), (b"a\nx\xff\n", 4)];
        let mut lines = Vec::new();
        let mut seen = Vec::new();
        for (version, seq) in versions {
            lines = handed_on(&lines, version, by(seq));
            seen.push(
                lines
                    .iter()
                    .map(|(line, by)| {
                        let WrittenBy::Elsewhere { seen } = by else { panic!("{by:?}") };
                        format!("{line}{seen}")
                    })
                    .collect::<Vec<_>>(),
            );
        }
        let all: [&[&str]; 4] =
            [&["a1", "b1", "c1"], &["a1", "x2", "c1", "d2"], &[], &["a4", "x\u{fffd}4"]];
        assert_eq!(seen, all);
    }
}
