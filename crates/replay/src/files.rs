//! The workspace's files as they were at some position, from events and blobs alone.
//!
//! ```text
//!   events --Changes--> file became content --up to N--> FilesAt
//!                       file was found so   --after N--> it stood there at N, too
//! ```
//!
//! Deliberately absent: files that the run never touched, and what commands changed without a word.
//! Of those, a commit knows, where there is one; its name is in [`FilesAt`].

mod changes;

use std::collections::{BTreeMap, BTreeSet};

use lao_event::{
    Content, Event, Settings, StepId, WorkspaceSettings,
    latest::{CommitOutcome, WorkspaceOutcome},
};
use lao_history::{HistoryError, Recorded, StoredEvent, for_each_event};
use lao_journal::Reader;

pub use changes::{CallWrite, WrittenBy};
pub(crate) use changes::{Change, Changes};

/// The files of a run after one of its events.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FilesAt {
    /// The position.
    pub at: u64,
    /// The last position of the journal.
    pub last: u64,
    /// Every file that was there and that the run touched before or later, by its path relative to
    /// the workspace, `/` between the parts. The paths are those of the journal, so whoever writes
    /// must check them.
    pub files: BTreeMap<String, FileAt>,
    /// Files that the run touched before or later and that were not there.
    pub absent: BTreeSet<String>,
    /// Files that were being written at the position: they were as stated, or as they became.
    pub in_flight: BTreeSet<String>,
    /// Commands of models that had been started: they may have changed files without a word.
    pub commands: u64,
    /// Where the run worked then; `None` before it said so.
    pub workspace: Option<WorkspaceSettings>,
    /// The commit that the run's work was built on then: the last one of its own, else the one it
    /// began with. Files that the run never touched are in it.
    pub commit: Option<String>,
    /// Paths that somebody had changed and not committed when the run began; the commit does not
    /// have them as they were.
    pub dirty: Vec<String>,
    /// Keys of the steps so far, by their ids.
    pub steps: Vec<String>,
}

/// A file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileAt {
    /// What is in it; any bytes.
    pub content: Content,
    /// Who made it so.
    pub written_by: WrittenBy,
}

/// The files cannot be told.
#[derive(Debug, thiserror::Error)]
pub enum FilesError {
    /// The journal cannot be read.
    #[error(transparent)]
    History(#[from] HistoryError),
    /// There is no such event.
    #[error("there is no event {at}: the journal has events 1 to {last}")]
    OutOfRange {
        /// The position that was asked for.
        at: u64,
        /// The last there is.
        last: u64,
    },
    /// An event may have changed files in a way that this program does not know.
    #[error("event {seq} was written by a newer lao and may be about files: upgrade lao")]
    Newer {
        /// Its position.
        seq: u64,
    },
    /// An event refers to a content that no event before it has.
    #[error("event {seq} says that the journal has what was in {path}, and it does not")]
    NotKept {
        /// Its position.
        seq: u64,
        /// The file.
        path: String,
    },
}

/// The files as they were when the event at `at` was durable, or at the journal's end.
///
/// # Errors
///
/// [`FilesError::OutOfRange`] where there is no such event.
pub fn files_at(reader: &Reader, at: Option<u64>) -> Result<FilesAt, FilesError> {
    files_by(reader, at, |_| true)
}

/// The files as they would be at the journal's end if some steps had never written any.
pub fn files_without(reader: &Reader, steps: &BTreeSet<StepId>) -> Result<FilesAt, FilesError> {
    files_by(reader, None, |by| match by {
        WrittenBy::Call(CallWrite { step, .. })
        | WrittenBy::Step { step, .. }
        | WrittenBy::Trail { step, .. } => !steps.contains(step),
        WrittenBy::BeforeRun { .. } | WrittenBy::Elsewhere { .. } => true,
    })
}

fn files_by(
    reader: &Reader,
    at: Option<u64>,
    counts: impl Fn(&WrittenBy) -> bool,
) -> Result<FilesAt, FilesError> {
    let mut changes = Changes::default();
    let mut then = FilesAt { at: at.unwrap_or(u64::MAX), ..FilesAt::default() };
    for_each_event::<FilesError>(reader, 1, |stored| {
        let recorded = match stored {
            StoredEvent::Known(recorded) => recorded,
            StoredEvent::Unknown { seq, .. } => return Err(FilesError::Newer { seq }),
        };
        then.last = recorded.seq;
        for change in changes.of(&recorded)? {
            if counts(&change.by) {
                then.note(change);
            } else {
                then.leave_out(change);
            }
        }
        if recorded.seq <= then.at {
            then.follow(&recorded);
        }
        if recorded.seq == then.at {
            then.in_flight = changes.in_flight().map(str::to_owned).collect();
        }
        Ok(())
    })?;
    if at.is_none() {
        then.at = then.last;
        then.in_flight = changes.in_flight().map(str::to_owned).collect();
    }
    if then.at == 0 || then.at > then.last {
        return Err(FilesError::OutOfRange { at: then.at, last: then.last });
    }
    Ok(then)
}

impl FilesAt {
    fn note(&mut self, change: Change) {
        let Change { seq, path, content, by } = change;
        let was_so = seq <= self.at || matches!(by, WrittenBy::BeforeRun { .. });
        match content {
            Some(content) if was_so => {
                self.absent.remove(&path);
                self.files.insert(path, FileAt { content, written_by: by });
            }
            None if was_so => {
                self.files.remove(&path);
                self.absent.insert(path);
            }
            Some(_) | None => self.leave_out(Change { seq, path, content, by }),
        }
    }

    /// A change that does not count. Of a file of the trail nobody told that it was not there
    /// before.
    fn leave_out(&mut self, change: Change) {
        let is_trail = matches!(change.by, WrittenBy::Trail { .. });
        if is_trail && !self.files.contains_key(&change.path) {
            self.absent.insert(change.path);
        }
    }

    /// What an event says of the workspace.
    fn follow(&mut self, recorded: &Recorded) {
        if let Event::RunStarted(started) = &recorded.event {
            self.workspace = workspace(&started.settings).or(self.workspace.take());
        } else if let Event::RunResumed(resumed) = &recorded.event {
            let changed = resumed.settings.as_ref().and_then(workspace);
            self.workspace = changed.or(self.workspace.take());
        } else if let Event::RunForked(forked) = &recorded.event {
            self.workspace = workspace(&forked.settings).or(self.workspace.take());
        } else if let Event::WorkspaceEnded(ended) = &recorded.event {
            if let WorkspaceOutcome::Ready { base, dirty } = &ended.outcome {
                // A resumed run makes its workspace ready again; its own commits are newer.
                self.commit = self.commit.take().or_else(|| base.clone());
                self.dirty.clone_from(dirty);
            }
        } else if let Event::CommitEnded(ended) = &recorded.event {
            if let CommitOutcome::Made { id } = &ended.outcome {
                self.commit = Some(id.clone());
            }
        } else if let Event::StepsAdded(added) = &recorded.event {
            self.steps.extend(added.steps.iter().map(|step| step.key.clone()));
        } else if let Event::CommandStarted(_) = &recorded.event {
            self.commands += 1;
        }
    }
}

/// Where settings say that a run works.
fn workspace(settings: &Content) -> Option<WorkspaceSettings> {
    let settings: Settings = serde_json::from_str(settings.inline()?).ok()?;
    Some(settings.workspace)
}
