//! One attempt beside another: conversations, files, checks, verdicts, commits, tokens.

use std::collections::BTreeMap;

use lao_event::{
    Content, Role,
    latest::{CommandReport, CommitOutcome, Finding},
};

use super::{Comparison, Text, action, change, lines, turn};
use crate::diff::{
    DiffError,
    align::{Pair, Presence, align},
    change::{CallOutcome, Change, CommitLine, CommitResult, FoundBy, What},
    record::{
        Action, ActionRecord, AttemptRecord, CheckRecord, CommitRecord, ReviewRecord, TalkRecord,
    },
    text::{Grain, TextDiff},
};

type Both<'a, T> = Pair<Option<&'a T>>;

/// What differs of an attempt, in no order. Of one that only one run has, that it has it, and
/// everything in it.
pub(super) fn compare(
    comparison: &Comparison<'_>,
    attempts: Both<'_, AttemptRecord>,
) -> Result<Vec<Change>, DiffError> {
    let mut changes = Changes { comparison, list: Vec::new(), files: BTreeMap::new() };
    let seqs = attempts.map(|attempt| attempt.map(|attempt| attempt.seq));
    if let Pair { a: Some(a), b: Some(b) } = attempts {
        let causes = Pair { a: a.cause, b: b.cause }.differing();
        changes.list.extend(causes.map(|causes| change(seqs, What::Cause(causes))));
    } else {
        let presence = Presence::of(seqs);
        changes.list.extend(presence.map(|presence| change(seqs, What::Attempt(presence))));
    }
    for talks in talks(attempts) {
        turn::compare(&mut changes, talks)?;
    }
    action::compare(&mut changes, attempts)?;
    changes.files(attempts)?;
    for (round, checks) in (1..).zip(zip(attempts, |attempt| &attempt.checks)) {
        changes.checks(round, checks)?;
    }
    for reviews in zip(attempts, |attempt| &attempt.reviews) {
        changes.review(reviews);
    }
    for rejected in zip(attempts, |attempt| &attempt.rejected) {
        let seqs = rejected.map(|rejected| rejected.map(|rejected| rejected.seq));
        let problems = rejected.map(|rejected| rejected.map(|rejected| lines(&rejected.problems)));
        let differ = TextDiff::of(Grain::Words, problems.as_ref().map(Option::as_deref));
        changes.list.extend(differ.map(|text| change(seqs, What::Rejected(text))));
    }
    for commits in zip(attempts, |attempt| &attempt.commits) {
        changes.commit(commits);
    }
    changes.tokens(attempts);
    Ok(changes.list)
}

/// Two lists side by side, by place.
fn zip<'a, T: 'a>(
    attempts: Both<'a, AttemptRecord>,
    list: impl Fn(&'a AttemptRecord) -> &'a Vec<T>,
) -> impl Iterator<Item = Both<'a, T>> {
    let lists = attempts.map(|attempt| attempt.map_or(&[][..], |attempt| list(attempt)));
    let longest = lists.a.len().max(lists.b.len());
    (0..longest).map(move |index| lists.map(|list| list.get(index)))
}

/// The conversations side by side: the first with a role, the second with it, and so on.
fn talks(attempts: Both<'_, AttemptRecord>) -> Vec<Both<'_, TalkRecord>> {
    let mut rows: BTreeMap<(Role, usize), Both<'_, TalkRecord>> = BTreeMap::new();
    for (key, talk) in numbered(attempts.a) {
        rows.entry(key).or_default().a = Some(talk);
    }
    for (key, talk) in numbered(attempts.b) {
        rows.entry(key).or_default().b = Some(talk);
    }
    rows.into_values().collect()
}

fn numbered(attempt: Option<&AttemptRecord>) -> Vec<((Role, usize), &TalkRecord)> {
    let mut counts: BTreeMap<Role, usize> = BTreeMap::new();
    let talks = attempt.into_iter().flat_map(|attempt| &attempt.talks);
    let numbered = talks.map(|talk| {
        let count = counts.entry(talk.role).or_default();
        *count += 1;
        ((talk.role, *count), talk)
    });
    numbered.collect()
}

/// What differs of an attempt, as it is found.
pub(super) struct Changes<'a> {
    pub(super) comparison: &'a Comparison<'a>,
    pub(super) list: Vec<Change>,
    /// By path, the positions of the last writes that were compared with one another.
    pub(super) files: BTreeMap<String, Pair<u64>>,
}

impl Changes<'_> {
    pub(super) fn push(&mut self, seqs: Pair<Option<u64>>, what: What) {
        self.list.push(change(seqs, what));
    }

    pub(super) fn text(
        &self,
        grain: Grain,
        texts: Pair<Option<Text<'_>>>,
    ) -> Result<Option<TextDiff>, DiffError> {
        self.comparison.text(grain, texts)
    }

    /// Files as the attempts leave them, where no pair of calls has told of it.
    fn files(&mut self, attempts: Both<'_, AttemptRecord>) -> Result<(), DiffError> {
        let mut last: BTreeMap<&str, Pair<Option<Write<'_>>>> = BTreeMap::new();
        for write in writes(attempts.a) {
            last.entry(write.path).or_default().a = Some(write);
        }
        for write in writes(attempts.b) {
            last.entry(write.path).or_default().b = Some(write);
        }
        for (path, writes) in last {
            let seqs = writes.map(|write| write.map(|write| write.seq));
            let told = self.files.get(path).map(|seqs| seqs.map(Some));
            if told == Some(seqs) {
                continue;
            }
            let texts = writes.map(|write| write.and_then(|write| Some((write.seq, write.after?))));
            if let Some(text) = self.text(Grain::Lines, texts)? {
                self.push(seqs, What::File(path.to_owned(), text));
            }
        }
        Ok(())
    }

    fn checks(&mut self, round: u64, checks: Both<'_, CheckRecord>) -> Result<(), DiffError> {
        let seqs = checks.map(|check| check.map(|check| check.seq));
        let only = checks.a.xor(checks.b);
        if let (Some(check), Some(presence)) = (only, Presence::of(checks)) {
            let found = check.report.findings.len() as u64;
            self.push(seqs, What::Checks(presence, round, found));
        } else {
            let commands = checks.map(|check| check.map_or(&[][..], |check| &check.commands));
            let rows = align((commands.a, commands.b), |command| &command.name, |_, _| false);
            for row in rows {
                self.check_command(seqs, row)?;
            }
        }
        let found = checks.map(|check| check.map_or(&[][..], |check| &check.report.findings));
        self.findings(seqs, (FoundBy::Verifier, found));
        Ok(())
    }

    /// The output of a command that ended alike is not compared: programs print times. What
    /// follows from it is compared as findings and prompts.
    fn check_command(
        &mut self,
        seqs: Pair<Option<u64>>,
        commands: Both<'_, CommandReport>,
    ) -> Result<(), DiffError> {
        let outcomes =
            commands.map(|command| command.map(|command| CallOutcome::from(&command.outcome)));
        let (Some(outcomes), Some(command)) = (outcomes.differing(), commands.a.or(commands.b))
        else {
            return Ok(());
        };
        let output = Pair {
            a: seqs.a.zip(commands.a.map(|command| &command.output)),
            b: seqs.b.zip(commands.b.map(|command| &command.output)),
        };
        let output = self.text(Grain::Lines, output)?;
        self.push(seqs, What::CheckCommand(command.name.clone(), outcomes, output));
        Ok(())
    }

    fn findings(&mut self, seqs: Pair<Option<u64>>, (by, found): (FoundBy, Pair<&[Finding]>)) {
        for row in align((found.a, found.b), finding_key, |_, _| false) {
            if let (Some(finding), Some(presence)) = (row.a.xor(row.b), Presence::of(row)) {
                let seqs = Pair {
                    a: seqs.a.filter(|_| row.a.is_some()),
                    b: seqs.b.filter(|_| row.b.is_some()),
                };
                self.push(seqs, What::Finding(presence, by, finding.clone()));
            }
        }
    }

    fn review(&mut self, reviews: Both<'_, ReviewRecord>) {
        let seqs = reviews.map(|review| review.map(|review| review.seq));
        let verdicts = reviews.map(|review| review.map(|review| review.verdict)).differing();
        if let Some(verdicts) = verdicts {
            self.push(seqs, What::Verdict(verdicts));
        }
        let summaries = reviews.map(|review| review.map(|review| review.summary.as_str()));
        if let Some(text) = TextDiff::of(Grain::Words, summaries) {
            self.push(seqs, What::Summary(text));
        }
        let found = reviews.map(|review| review.map_or(&[][..], |review| &review.findings));
        self.findings(seqs, (FoundBy::Reviewer, found));
    }

    fn commit(&mut self, commits: Both<'_, CommitRecord>) {
        let seqs = commits.map(|commit| commit.map(|commit| commit.seq));
        let lines = commits.map(|commit| commit.map(commit_line)).differing();
        let phase = commits.a.or(commits.b).map(|commit| commit.phase);
        if let (Some(lines), Some(phase)) = (lines, phase) {
            self.push(seqs, What::Commit(phase, lines));
        }
    }

    fn tokens(&mut self, attempts: Both<'_, AttemptRecord>) {
        let Pair { a: Some(a), b: Some(b) } = attempts else {
            return;
        };
        let pair = Pair { a, b };
        if let Some(tokens) = pair.map(AttemptRecord::tokens).differing() {
            self.push(pair.map(|attempt| Some(last_answer(attempt))), What::Tokens(tokens));
        }
    }
}

/// Position of an attempt's last answer.
fn last_answer(attempt: &AttemptRecord) -> u64 {
    let turns = attempt.talks.iter().flat_map(|talk| &talk.turns);
    let ends = turns.filter_map(|turn| turn.outcome.as_ref().map(|(seq, _)| *seq));
    ends.max().unwrap_or(attempt.seq)
}

/// A file that was written or deleted.
#[derive(Debug, Clone, Copy)]
struct Write<'a> {
    seq: u64,
    path: &'a str,
    after: Option<&'a Content>,
}

/// What an attempt wrote: what its models' calls did, and what it did itself.
fn writes(attempt: Option<&AttemptRecord>) -> impl Iterator<Item = Write<'_>> {
    let turns = attempt.into_iter().flat_map(|attempt| &attempt.talks).flat_map(|talk| &talk.turns);
    let by_calls = turns.flat_map(|turn| &turn.calls).filter_map(|call| match &call.action {
        Action::Write(write) if write.is_done() => {
            Some(Write { seq: call.seq, path: &write.path, after: write.after.as_ref() })
        }
        Action::Write(_)
        | Action::Nothing
        | Action::Read { .. }
        | Action::Command { .. }
        | Action::TodoSet => None,
    });
    let actions = attempt.into_iter().flat_map(|attempt| &attempt.actions);
    let own = actions.filter(|action| action.is_done()).filter_map(|action: &ActionRecord| {
        let written = action.written()?;
        Some(Write { seq: action.seq, path: written.path, after: Some(written.after) })
    });
    by_calls.chain(own)
}

fn finding_key(finding: &Finding) -> (&Option<String>, Option<u32>, [&str; 3]) {
    let Finding { file, line, rule, message, hint } = finding;
    (file, *line, [rule, message, hint])
}

fn commit_line(commit: &CommitRecord) -> CommitLine {
    let outcome = match commit.outcome {
        None => CommitResult::Open,
        Some(CommitOutcome::Made { .. }) => CommitResult::Made,
        Some(CommitOutcome::Unchanged) => CommitResult::Unchanged,
        Some(CommitOutcome::Failed { .. }) => CommitResult::Failed,
    };
    CommitLine { subject: commit.subject.clone(), outcome }
}
