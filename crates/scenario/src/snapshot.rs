//! The snapshot: what happened, in words, without times; the files at the end; the summary.

use std::fmt::Write as _;

use lao_protocol::{EventView, RunStatus};

use crate::play::{Played, without_root};

/// Puts a run's status in the words that a person sees at its end.
pub type Summary = fn(&RunStatus) -> String;

/// The most characters of an event's words.
const WORDS_MAX: usize = 160;

/// The text that is compared with the file beside the scenario.
pub(crate) fn snapshot(played: &Played, summary: Summary) -> String {
    let mut text = String::from("== events\n");
    for event in &played.events {
        writeln!(text, "{}", line(event)).expect("writing to a String");
    }
    text.push_str("\n== files\n");
    for (path, hash) in &played.ending.files {
        writeln!(text, "{hash} {path}").expect("writing to a String");
    }
    for commit in &played.ending.commits {
        writeln!(text, "commit {commit}").expect("writing to a String");
    }
    for change in &played.ending.uncommitted {
        writeln!(text, "uncommitted {change}").expect("writing to a String");
    }
    text.push_str("\n== summary\n");
    text.push_str(&summary(&without_places(played)));
    normalised(&text, played)
}

fn line(event: &EventView) -> String {
    let step = event.step.as_deref().unwrap_or("-");
    let mut words: String = event.text.chars().take(WORDS_MAX).collect();
    if words.len() < event.text.len() {
        words.push('…');
    }
    format!("{step:<6} {}: {words}", event.event)
}

/// The status with paths that are the same everywhere.
fn without_places(played: &Played) -> RunStatus {
    let mut status = played.status.clone();
    for place in [Some(&mut status.workspace), status.repository.as_mut()].into_iter().flatten() {
        *place = without_root(place, &played.root);
    }
    status
}

/// Ids of commits hold the time, and paths the folder.
fn normalised(text: &str, played: &Played) -> String {
    let mut text = without_root(text, &played.root);
    for (number, commit) in (1..).zip(&played.commit_ids()) {
        let name = format!("commit-{number}");
        text = text.replace(commit.as_str(), &name);
        // What a sentence shows of an id.
        text = text.replace(&commit[..10.min(commit.len())], &name);
    }
    text
}

impl Played {
    /// Ids of commits in the order in which they were told.
    fn commit_ids(&self) -> Vec<String> {
        let mut ids: Vec<String> = self.facts.bases.clone();
        ids.extend(self.facts.made.values().cloned());
        ids.dedup();
        ids
    }
}
