//! The commits of a run, found by their trailers.

use std::collections::BTreeMap;

use git2::{Oid, Repository};
use lao_event::{EffectId, RunId};

use crate::message::Marks;

/// Commits of others that the search passes over before it ends: what people commit on top while
/// a run is away.
const STRANGERS_MAX: usize = 64;
/// Commits that one search reads at most.
const COMMITS_MAX: usize = 100_000;

/// A commit of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitInfo {
    /// Its id, in hexadecimal.
    pub id: String,
    /// Key of the step it records.
    pub step: String,
    /// The effect that made it.
    pub effect: EffectId,
    /// First line of its message.
    pub subject: String,
}

/// What is known of a run's commits in one work tree. Each commit is read once, so that a commit
/// costs the same whatever the length of the history.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    tip: Option<Oid>,
    made: BTreeMap<EffectId, Oid>,
}

impl Seen {
    /// Reads what was committed since the last look. When the last tip is no longer there, the
    /// history was rewritten, and everything is read again.
    pub(crate) fn catch_up(
        &mut self,
        repository: &Repository,
        tip: Option<Oid>,
        run: &RunId,
    ) -> Result<(), git2::Error> {
        let mut found = BTreeMap::new();
        let reached = walk(repository, tip, self.tip, run, |id, marks, _| {
            found.entry(marks.effect).or_insert(id);
        })?;
        match reached {
            Reached::Known => self.made.append(&mut found),
            Reached::End => self.made = found,
        }
        self.tip = tip;
        Ok(())
    }

    pub(crate) fn of(&self, effect: EffectId) -> Option<Oid> {
        self.made.get(&effect).copied()
    }

    /// A commit that was just made on top of the last tip.
    pub(crate) fn note(&mut self, effect: EffectId, id: Oid) {
        self.made.insert(effect, id);
        self.tip = Some(id);
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reached {
    Known,
    End,
}

/// Follows first parents from `tip` to `known`, and tells `each` of the run's commits, newest
/// first.
fn walk(
    repository: &Repository,
    tip: Option<Oid>,
    known: Option<Oid>,
    run: &RunId,
    mut each: impl FnMut(Oid, Marks, &git2::Commit<'_>),
) -> Result<Reached, git2::Error> {
    let mut next = tip;
    let mut strangers = 0;
    for _ in 0..COMMITS_MAX {
        if next == known {
            return Ok(Reached::Known);
        }
        let Some(id) = next else { break };
        let commit = repository.find_commit(id)?;
        let marks = Marks::read(&String::from_utf8_lossy(commit.message_bytes()));
        match marks.filter(|marks| marks.run == run.as_str()) {
            Some(marks) => each(id, marks, &commit),
            None => strangers += 1,
        }
        if strangers > STRANGERS_MAX {
            break;
        }
        next = commit.parent_ids().next();
    }
    Ok(Reached::End)
}

/// The run's commits, oldest first.
pub(crate) fn commits_of_run(
    repository: &Repository,
    tip: Option<Oid>,
    run: &RunId,
) -> Result<Vec<CommitInfo>, git2::Error> {
    let mut commits = Vec::new();
    walk(repository, tip, None, run, |id, marks, commit| {
        let subject = commit.summary_bytes().unwrap_or_default();
        commits.push(CommitInfo {
            id: id.to_string(),
            step: marks.step,
            effect: marks.effect,
            subject: String::from_utf8_lossy(subject).into_owned(),
        });
    })?;
    commits.reverse();
    Ok(commits)
}
