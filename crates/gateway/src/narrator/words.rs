//! One clear sentence for each type of event.

use lao_event::{
    EffectId, Event,
    latest::{
        Action, ActionEnded, ActionOutcome, AnswerRejected, ChecksEnded, ChecksScope, CommandEnded,
        CommandOutcome, CommitEnded, CommitOutcome, Definition, EffectsLost, FileWriteEnded,
        FileWriteOutcome, Finding, FinishReason, FlowValue, Found, LossCause, ModelCallEnded,
        ModelOutcome, OutputSet, OutputSource, ParkReason, ReviewGiven, RunForked, RunOutcome,
        RunStarted, SkipReason, StartCause, StepEnded, StepOutcome, StepParked, StepStarted,
        StepsAdded, TodoSet, ToolCallEnded, ToolDecided, ToolOutcome, ToolVerdict, Verdict,
        WorkspaceEnded, WorkspaceOutcome,
    },
};

use super::{EffectNoteKind, KEYS_SHOWN_MAX, Narrator};
use crate::{
    reason,
    units::{count, count_of, duration, first_line, names, number, quoted},
};

/// Digits of a commit's id that a sentence shows.
const COMMIT_DIGITS_SHOWN: usize = 10;

impl Narrator {
    /// The event in a sentence.
    pub(super) fn words(&self, event: &Event) -> String {
        match event {
            Event::RunStarted(event) => run_started(event),
            Event::RunResumed(event) => format!("resumed by lao {}", event.program),
            Event::RunForked(event) => self.run_forked(event),
            Event::RunStopping(event) => {
                format!("stopping: {}", reason::stop(&event.reason))
            }
            Event::RunStopped(event) => format!("stopped: {}", reason::stop(&event.reason)),
            Event::RunEnded(event) => run_ended(event.outcome).to_owned(),
            Event::StepsAdded(event) => steps_added(event),
            Event::StepStarted(event) => step_started(event),
            Event::StepEnded(event) => self.step_ended(event),
            Event::StepParked(event) => self.step_parked(event),
            Event::StepRetried(event) => {
                format!("{} goes back to pending", self.key(event.step))
            }
            Event::StepTimedOut(event) => {
                format!("the time of {} is up; it ends at its next move", event.attempt)
            }
            Event::AnswerRejected(event) => answer_rejected(event),
            Event::ModelCallEnded(event) => self.model_call_ended(event),
            Event::ToolDecided(event) => tool_decided(event),
            Event::ToolCallEnded(event) => self.tool_call_ended(event),
            Event::FileWriteEnded(event) => self.file_write_ended(event),
            Event::CommandEnded(event) => self.command_ended(event),
            Event::TodoSet(event) => todo_set(event),
            Event::ChecksEnded(event) => checks_ended(event),
            Event::ReviewGiven(event) => review_given(event),
            Event::WorkspaceEnded(event) => workspace_ended(event),
            Event::CommitEnded(event) => self.commit_ended(event),
            Event::QuestionAsked(event) => {
                let text = reason::question(&event.subject);
                format!("{}: {text}", event.question)
            }
            Event::QuestionAnswered(event) => {
                let answer = reason::answer(event.answer);
                format!("{} answered by {}: {answer}", event.question, event.by)
            }
            Event::EffectsLost(event) => self.effects_lost(event),
            Event::ModelCallStarted(event) => self.doing(event.effect),
            Event::ToolCallStarted(event) => self.doing(event.effect),
            Event::FileWriteStarted(event) => self.doing(event.effect),
            Event::CommandStarted(event) => self.doing(event.effect),
            Event::ChecksStarted(event) => self.doing(event.effect),
            Event::WorkspaceStarted(event) => self.doing(event.effect),
            Event::CommitStarted(event) => self.doing(event.effect),
            Event::ActionStarted(event) => self.doing(event.effect),
            Event::ActionEnded(event) => self.action_ended(event),
            Event::StepLooked(event) => looked(&event.found),
            Event::OutputSet(event) => output_set(event),
        }
    }

    /// What an effect under way does: `asking the coder (qwen3:8b)`.
    pub(crate) fn doing(&self, effect: EffectId) -> String {
        let Some(note) = self.effect(effect) else {
            return format!("effect {effect}");
        };
        match &note.kind {
            EffectNoteKind::Workspace => "making the workspace ready".to_owned(),
            EffectNoteKind::Model { role, model } => format!("asking the {role} ({model})"),
            EffectNoteKind::Read { tool } => format!("running {tool}"),
            EffectNoteKind::Write { path, size_bytes: Some(_) } => format!("writing {path}"),
            EffectNoteKind::Write { path, size_bytes: None } => format!("deleting {path}"),
            EffectNoteKind::Command { line } => format!("running `{line}`"),
            EffectNoteKind::Checks { scope, steps } => match scope {
                ChecksScope::Task => "checking".to_owned(),
                ChecksScope::Wave => {
                    format!("checking the whole project for {}", self.keys(steps))
                }
            },
            EffectNoteKind::Commit { subject } => format!("committing \"{subject}\""),
            EffectNoteKind::Action { words, writes: _ } => words.to_string(),
        }
    }

    fn action_ended(&self, event: &ActionEnded) -> String {
        let what = self.doing(event.effect);
        match &event.outcome {
            ActionOutcome::Done { value, exit_code: _ } => match value_words(value) {
                Some(value) => format!("{what}: {value}"),
                None => format!("{what}: done"),
            },
            ActionOutcome::Failed { message, .. } => {
                format!("{what} failed: {}", first_line(message))
            }
        }
    }

    fn run_forked(&self, event: &RunForked) -> String {
        let from = format!("branched off {} after event {}", event.parent, event.seq);
        if event.redone.is_empty() {
            return from;
        }
        let keys: Vec<_> = event.redone.iter().map(|step| self.key(*step)).collect();
        let keys: Vec<&str> = keys.iter().map(AsRef::as_ref).collect();
        format!("{from}, to do again: {}", names(&keys, KEYS_SHOWN_MAX))
    }

    fn step_ended(&self, event: &StepEnded) -> String {
        let key = self.key(event.step);
        match &event.outcome {
            StepOutcome::Succeeded => match self.cached.get(&event.step) {
                None => format!("{key} is done"),
                Some(keyed_on) => {
                    format!("{key} was done by an earlier run with the same {keyed_on}")
                }
            },
            StepOutcome::Failed { reason, message } => {
                let kind = reason::failure_kind(*reason);
                format!("{key} failed ({kind}): {}", first_line(message))
            }
            StepOutcome::Skipped(SkipReason::UpstreamFailed { step }) => {
                format!("{key} skipped: {} failed", self.key(*step))
            }
            StepOutcome::Skipped(SkipReason::Cancelled) => {
                format!("{key} skipped: the run was cancelled")
            }
            StepOutcome::Skipped(SkipReason::ConditionFalse) => {
                format!("{key} skipped: its condition is false")
            }
            StepOutcome::Skipped(SkipReason::NotNeeded) => {
                format!("{key} skipped: the step it stands in for did not fail")
            }
        }
    }

    fn step_parked(&self, event: &StepParked) -> String {
        let key = self.key(event.step);
        match &event.reason {
            ParkReason::Question { question } => {
                format!("{key} waits for the answer to {question}")
            }
            ParkReason::CommitFailed { message } => {
                format!("{key} waits: its commit could not be made: {}", first_line(message))
            }
        }
    }

    /// What an effect is about: the file, the tool, who was asked.
    fn subject(&self, effect: EffectId) -> String {
        let Some(note) = self.effect(effect) else {
            return format!("effect {effect}");
        };
        match &note.kind {
            EffectNoteKind::Workspace => "the workspace".to_owned(),
            EffectNoteKind::Model { role, model } => format!("{role} ({model})"),
            EffectNoteKind::Read { tool } => tool.to_string(),
            EffectNoteKind::Write { path, .. } => path.to_string(),
            EffectNoteKind::Command { line } => format!("`{line}`"),
            EffectNoteKind::Checks { scope: _, steps } => self.keys(steps),
            EffectNoteKind::Commit { subject } => format!("\"{subject}\""),
            EffectNoteKind::Action { words, writes: _ } => words.to_string(),
        }
    }

    /// Size of the file that an effect writes; `None` when it deletes it.
    fn written_bytes(&self, effect: EffectId) -> Option<u64> {
        match &self.effect(effect)?.kind {
            EffectNoteKind::Write { size_bytes, .. } => *size_bytes,
            EffectNoteKind::Workspace
            | EffectNoteKind::Model { .. }
            | EffectNoteKind::Read { .. }
            | EffectNoteKind::Command { .. }
            | EffectNoteKind::Checks { .. }
            | EffectNoteKind::Commit { .. }
            | EffectNoteKind::Action { .. } => None,
        }
    }

    fn model_call_ended(&self, event: &ModelCallEnded) -> String {
        let speaker = self.subject(event.effect);
        let tries = match event.failed_tries.len() {
            0 => String::new(),
            1 => ", after a failed try".to_owned(),
            failed => format!(", after {failed} failed tries"),
        };
        match &event.outcome {
            ModelOutcome::Answered(answer) => {
                let time = duration(answer.timing.total_ms);
                let tokens = count(answer.usage.completion_tokens, "token");
                let cut = match answer.finish {
                    FinishReason::Length => ", cut at the token limit",
                    FinishReason::ContentFilter => ", the rest withheld by the server",
                    FinishReason::Stop | FinishReason::ToolCalls => "",
                };
                let calls = match answer.tool_calls.len() {
                    0 => String::new(),
                    calls => format!(": {}", count(calls as u64, "tool call")),
                };
                format!("{speaker} answered in {time}, {tokens}{cut}{tries}{calls}")
            }
            ModelOutcome::Failed(failure) => {
                format!("{speaker} gave no answer{tries}: {}", first_line(&failure.message))
            }
        }
    }

    fn tool_call_ended(&self, event: &ToolCallEnded) -> String {
        let tool = self.subject(event.effect);
        match event.outcome {
            ToolOutcome::Succeeded => {
                format!("{tool} returned {}", count(event.reply.size_bytes(), "byte"))
            }
            ToolOutcome::Failed => format!("{tool} could not: {}", quoted(&event.reply)),
        }
    }

    fn file_write_ended(&self, event: &FileWriteEnded) -> String {
        let path = self.subject(event.effect);
        let size_bytes = self.written_bytes(event.effect);
        let verb = if size_bytes.is_some() { "write" } else { "delete" };
        match (&event.outcome, size_bytes) {
            (FileWriteOutcome::Written, Some(size)) => {
                format!("wrote {path} ({})", count(size, "byte"))
            }
            (FileWriteOutcome::Written, None) => format!("deleted {path}"),
            (FileWriteOutcome::AlreadyWritten, Some(_)) => {
                format!("{path} had been written already")
            }
            (FileWriteOutcome::AlreadyWritten, None) => format!("{path} had been deleted already"),
            (FileWriteOutcome::Conflict { found: Some(_) }, _) => {
                format!("left {path} alone: somebody else changed it")
            }
            (FileWriteOutcome::Conflict { found: None }, _) => {
                format!("left {path} alone: somebody else deleted it")
            }
            (FileWriteOutcome::Failed { message }, _) => {
                format!("could not {verb} {path}: {}", first_line(message))
            }
        }
    }

    fn command_ended(&self, event: &CommandEnded) -> String {
        let line = self.subject(event.effect);
        format!("{line} {}", command_outcome(&event.outcome))
    }

    fn commit_ended(&self, event: &CommitEnded) -> String {
        let subject = self.subject(event.effect);
        match &event.outcome {
            CommitOutcome::Made { id } => format!("committed {} {subject}", short_commit(id)),
            CommitOutcome::Unchanged => format!("nothing to commit for {subject}"),
            CommitOutcome::Failed { message } => {
                format!("could not commit {subject}: {}", first_line(message))
            }
        }
    }

    fn effects_lost(&self, event: &EffectsLost) -> String {
        let doing: Vec<String> = event.effects.iter().map(|id| self.doing(*id)).collect();
        let doing: Vec<&str> = doing.iter().map(String::as_str).collect();
        let what = names(&doing, KEYS_SHOWN_MAX);
        match &event.cause {
            LossCause::ProcessEnded => {
                format!("the process had ended while {what}: the outcome is not known")
            }
            LossCause::WorkerPanicked { message } => {
                format!("a worker panicked while {what}: {}", first_line(message))
            }
        }
    }
}

fn run_started(event: &RunStarted) -> String {
    let parts = match &event.definition {
        Definition::Plan(plan) if plan.chunks.len() > 1 => {
            format!(", in {} parts", number(plan.chunks.len() as u64))
        }
        Definition::Plan(_) | Definition::Flow(_) => String::new(),
    };
    format!("started \"{}\" ({}){parts}", event.definition.title(), event.definition.path())
}

/// How a run ended, in words.
pub(crate) const fn run_ended(outcome: RunOutcome) -> &'static str {
    match outcome {
        RunOutcome::Succeeded => "the run is done",
        RunOutcome::Failed => "the run ended with failed steps",
        RunOutcome::Cancelled => "the run was cancelled",
    }
}

fn steps_added(event: &StepsAdded) -> String {
    let keys: Vec<&str> = event.steps.iter().map(|step| step.key.as_str()).collect();
    let steps = count_of(&event.steps, "step");
    match keys.as_slice() {
        [] => "added no steps".to_owned(),
        keys => format!("added {steps}: {}", names(keys, KEYS_SHOWN_MAX)),
    }
}

fn step_started(event: &StepStarted) -> String {
    let attempt = event.attempt;
    match event.cause {
        StartCause::Ready => format!("starting {attempt}"),
        StartCause::Rework => format!("starting {attempt}: the reviewer asked for changes"),
        StartCause::Rejected => format!("starting {attempt}: the reviewer rejected the work"),
        StartCause::WindowFull => {
            format!("starting {attempt}: the conversation outgrew the model's window")
        }
        StartCause::Stuck => format!("starting {attempt}: the coder did not come to an end"),
        StartCause::TimedOut => format!("starting {attempt}: the one before took too long"),
        StartCause::Failed => format!("starting {attempt}: the one before failed"),
    }
}

fn answer_rejected(event: &AnswerRejected) -> String {
    let problems: Vec<String> = event.problems.iter().map(|text| first_line(text)).collect();
    format!("the answer could not be used: {}", problems.join("; "))
}

fn tool_decided(event: &ToolDecided) -> String {
    let tool = match event.tool.as_str() {
        "" => "an unknown tool",
        tool => tool,
    };
    let mended = match &event.repair {
        Some(repair) => format!(" (mended: {})", first_line(repair)),
        None => String::new(),
    };
    match &event.verdict {
        ToolVerdict::Allowed { rule } => format!("{tool} allowed by {rule}{mended}"),
        ToolVerdict::Denied { rule, reply } => {
            format!("{tool} denied by {rule}{mended}: {}", quoted(reply))
        }
        ToolVerdict::Invalid { reply } => {
            format!("a call of {tool} could not be served{mended}: {}", quoted(reply))
        }
    }
}

fn todo_set(event: &TodoSet) -> String {
    let done = event.items.iter().filter(|item| item.done).count();
    format!("to-do list: {done} of {} done", event.items.len())
}

fn review_given(event: &ReviewGiven) -> String {
    let findings = match event.findings.len() {
        0 => String::new(),
        found => format!(" ({})", count(found as u64, "finding")),
    };
    let verdict = verdict(event.verdict);
    format!("review: {verdict}{findings}: {}", first_line(&event.summary))
}

/// A verdict in words.
pub(crate) const fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Approved => "approved",
        Verdict::Rework => "rework",
        Verdict::Rejected => "rejected",
    }
}

fn workspace_ended(event: &WorkspaceEnded) -> String {
    match &event.outcome {
        WorkspaceOutcome::Ready { base, dirty } => {
            let base = match base {
                Some(id) => format!(", on commit {}", short_commit(id)),
                None => String::new(),
            };
            let dirty = match dirty.as_slice() {
                [] => String::new(),
                dirty => {
                    let files = count_of(dirty, "file");
                    format!("; {files} changed and not committed")
                }
            };
            format!("the workspace is ready{base}{dirty}")
        }
        WorkspaceOutcome::Unusable { message } => {
            format!("the workspace cannot be used: {}", first_line(message))
        }
    }
}

fn checks_ended(event: &ChecksEnded) -> String {
    let red: Vec<String> = event
        .commands
        .iter()
        .filter(|command| command.outcome != CommandOutcome::Exited { code: 0 })
        .map(|command| format!("{} {}", command.name, command_outcome(&command.outcome)))
        .collect();
    let findings = event.reports.iter().flat_map(|report| &report.findings);
    let total = findings.clone().count();
    let Some(first) = findings.into_iter().next() else {
        let commands = match event.commands.len() {
            0 => String::new(),
            ran => format!(", {} ran", count(ran as u64, "command")),
        };
        return format!("the checks are green{commands}");
    };
    let red = match red.as_slice() {
        [] => String::new(),
        red => format!("; {}", red.join("; ")),
    };
    let of = match event.reports.as_slice() {
        [_] => String::new(),
        reports => format!(" in {}", count_of(reports, "task")),
    };
    let total = count(total as u64, "finding");
    format!("{total}{of}, first {}{red}", finding(first))
}

/// How a command ended, after its name.
fn command_outcome(outcome: &CommandOutcome) -> String {
    match outcome {
        CommandOutcome::Exited { code } => format!("ended with exit code {code}"),
        CommandOutcome::TimedOut => "took too long and was ended".to_owned(),
        CommandOutcome::NotStarted { message } => {
            format!("could not be started: {}", first_line(message))
        }
        CommandOutcome::Unknown => {
            "was under way when the process ended, and is not run again".to_owned()
        }
    }
}

/// A finding on one line.
fn finding(finding: &Finding) -> String {
    let message = first_line(&finding.message);
    match (&finding.file, finding.line) {
        (Some(file), Some(line)) => format!("{file}:{line}: {message}"),
        (Some(file), None) => format!("{file}: {message}"),
        (None, _) => format!("{}: {message}", finding.rule),
    }
}

/// The beginning of a commit's id.
fn short_commit(id: &str) -> &str {
    id.get(..COMMIT_DIGITS_SHOWN).unwrap_or(id)
}

/// What an action does, while it does it.
pub(super) fn action(action: &Action) -> String {
    match action {
        Action::Run(run) => format!("running `{}`", first_line(&command_line(&run.argv))),
        Action::Read { path, form: _ } => format!("reading {path}"),
        Action::List { pattern } => format!("listing {pattern}"),
        Action::Write { path, .. } => format!("writing {path}"),
        Action::Transcribe(transcribe) => {
            format!("transcribing {} ({})", transcribe.file, transcribe.model)
        }
        Action::Embed { model, .. } => format!("embedding ({model})"),
        Action::Plan { file, run } => format!("running the plan {file} as {run}"),
        Action::Approve { .. } => "asking a person".to_owned(),
        Action::Wait { .. } => "waiting".to_owned(),
        Action::Pause { wait_ms } => {
            format!("waiting {} before the next attempt", duration(*wait_ms))
        }
    }
}

fn value_words(value: &FlowValue) -> Option<String> {
    match value {
        FlowValue::Nothing => None,
        FlowValue::Text(content) | FlowValue::Json(content) => Some(quoted(content)),
        FlowValue::File { path } => Some(path.clone()),
    }
}

fn looked(found: &Found) -> String {
    match found {
        Found::Nothing => "looked up what it needs".to_owned(),
        Found::File { before, start: _ } => match before.hash() {
            Some(_) => "looked at the file as it is".to_owned(),
            None => "looked: there is no such file yet".to_owned(),
        },
        Found::Until { .. } => "looked at the clock".to_owned(),
        Found::Run { run } => format!("{run} is the run inside"),
        Found::Cache { value: Some(_), .. } => "found an earlier result".to_owned(),
        Found::Cache { value: None, .. } => "found no earlier result".to_owned(),
        Found::Refused { message } => format!("it is not allowed: {}", first_line(message)),
    }
}

fn output_set(event: &OutputSet) -> String {
    let value = value_words(&event.value).unwrap_or_else(|| "nothing".to_owned());
    match &event.source {
        OutputSource::Answer | OutputSource::Inside => format!("the output: {value}"),
        OutputSource::Cache { key: _, keyed_on } => {
            format!("the output, from an earlier run with the same {keyed_on}: {value}")
        }
    }
}

/// A command as one line.
pub(super) fn command_line(argv: &[String]) -> String {
    argv.join(" ")
}
