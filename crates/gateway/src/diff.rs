//! How two runs differ, as clients see it.

mod action;

use lao_event::{
    Role,
    latest::{CommitPhase, FailureKind, Finding, FinishReason, RunOutcome, StartCause},
};
use lao_protocol::{
    DiffAttempt, DiffBy, DiffChange, DiffFirst, DiffHunk, DiffKind, DiffPiece, DiffPresence,
    DiffRun, DiffSides, DiffStep, DiffStepSide, DiffText, DiffTextOf, DiffTotals, DiffValue,
    RunDiffView, StepStatus,
};
use lao_replay::diff::{
    AttemptDiff, CallDiff, CallLine, CallOutcome, Change, CommitLine, CommitResult, Demand,
    Divergence, FieldChange, FoundBy, Grain, Pair, Piece, Presence, RequestField, RunDiff, RunEnd,
    RunHead, Speaker, StepDiff, StepEnd, StepHead, TextDiff, Totals, Turn, TurnOutcome, What,
};

use crate::{narrator, reason};

/// A diff as clients see it.
pub fn diff(diff: &RunDiff) -> RunDiffView {
    let RunDiff { runs, first, changes, steps } = diff;
    RunDiffView {
        identical: diff.is_empty(),
        runs: sides(runs.as_ref().map(run)),
        first: first.as_ref().map(divergence),
        changes: changes.iter().map(change).collect(),
        steps: steps.iter().map(step).collect(),
    }
}

fn sides<T>(pair: Pair<T>) -> DiffSides<T> {
    DiffSides { a: pair.a, b: pair.b }
}

fn presence(presence: Presence) -> DiffPresence {
    match presence {
        Presence::Both => DiffPresence::Both,
        Presence::OnlyA => DiffPresence::OnlyA,
        Presence::OnlyB => DiffPresence::OnlyB,
    }
}

fn run(run: &RunHead) -> DiffRun {
    DiffRun {
        run: run.run.as_str().to_owned(),
        title: run.title.clone(),
        last_seq: run.last_seq,
        started_ms: run.started_ms,
        end: run_end(&run.end),
        totals: totals(&run.totals),
    }
}

fn totals(totals: &Totals) -> DiffTotals {
    DiffTotals {
        events: totals.events,
        resumed: totals.resumed,
        effects_lost: totals.effects_lost,
        steps: totals.steps,
        attempts: totals.attempts,
        answers: totals.answers,
        failed_tries: totals.failed_tries,
        tool_calls: totals.tool_calls,
        actions: totals.actions,
        file_writes: totals.file_writes,
        findings: totals.findings,
        commits: totals.commits,
        prompt_tokens: totals.tokens.prompt,
        completion_tokens: totals.tokens.completion,
        model_ms: totals.model_ms,
        active_ms: totals.active_ms,
    }
}

fn run_end(end: &RunEnd) -> String {
    match end {
        RunEnd::Open => "not over".to_owned(),
        RunEnd::Stopped(reason) => format!("stopped: {}", reason::stop(reason)),
        RunEnd::Over(RunOutcome::Succeeded) => "done".to_owned(),
        RunEnd::Over(RunOutcome::Failed) => "failed".to_owned(),
        RunEnd::Over(RunOutcome::Cancelled) => "cancelled".to_owned(),
    }
}

fn divergence(first: &Divergence) -> DiffFirst {
    DiffFirst {
        step: first.step.clone(),
        attempt: first.attempt.map(|id| id.attempt.0),
        change: change(&first.change),
    }
}

fn step(step: &StepDiff) -> DiffStep {
    let present = Presence::of(step.sides.as_ref().map(Option::as_ref));
    DiffStep {
        key: step.key.clone(),
        presence: presence(present.expect("a step is in one of the runs")),
        sides: sides(step.sides.as_ref().map(|head| head.as_ref().map(step_side))),
        changes: step.changes.iter().map(change).collect(),
        attempts: step.attempts.iter().map(attempt).collect(),
    }
}

fn step_side(head: &StepHead) -> DiffStepSide {
    let status = head.end.as_ref().map(|end| match end {
        StepEnd::Succeeded => StepStatus::Succeeded,
        StepEnd::Failed { .. } => StepStatus::Failed,
        StepEnd::UpstreamFailed(_)
        | StepEnd::Cancelled
        | StepEnd::ConditionFalse
        | StepEnd::NotNeeded => StepStatus::Skipped,
    });
    DiffStepSide {
        title: head.title.clone(),
        status,
        attempts: head.attempts,
        prompt_tokens: head.tokens.prompt,
        completion_tokens: head.tokens.completion,
        elapsed_ms: head.elapsed_ms,
    }
}

fn attempt(attempt: &AttemptDiff) -> DiffAttempt {
    DiffAttempt {
        attempt: attempt.id.attempt.0,
        retries: attempt.id.retries,
        presence: presence(attempt.presence),
        changes: attempt.changes.iter().map(change).collect(),
    }
}

fn change(change: &Change) -> DiffChange {
    let seqs = change.place.seqs;
    let present = presence(Presence::of(seqs).expect("a change is in one of the runs"));
    let said = said(&change.what);
    DiffChange {
        kind: said.kind,
        presence: said.presence.map_or(present, presence),
        seq: sides(seqs),
        role: said.role,
        turn: said.turn,
        subject: said.subject,
        values: said.values,
        texts: said.texts,
    }
}

/// What a change says, but for where.
struct Said {
    kind: DiffKind,
    presence: Option<Presence>,
    role: Option<String>,
    turn: Option<DiffSides<Option<u64>>>,
    subject: Option<String>,
    values: Vec<DiffValue>,
    texts: Vec<DiffText>,
}

impl Said {
    fn of(kind: DiffKind) -> Self {
        let (values, texts) = (Vec::new(), Vec::new());
        Self { kind, presence: None, role: None, turn: None, subject: None, values, texts }
    }

    fn turn(self, turn: &Turn) -> Self {
        let role = Some(turn.role.name().to_owned());
        Self { role, turn: Some(sides(turn.numbers)), ..self }
    }

    fn role(self, role: Role) -> Self {
        Self { role: Some(role.name().to_owned()), ..self }
    }

    fn subject(self, subject: impl Into<String>) -> Self {
        Self { subject: Some(subject.into()), ..self }
    }

    fn presence(self, presence: Presence) -> Self {
        Self { presence: Some(presence), ..self }
    }

    fn value(mut self, name: &str, values: Pair<Option<String>>) -> Self {
        self.values.push(DiffValue { name: name.to_owned(), a: values.a, b: values.b });
        self
    }

    fn text(self, diff: &TextDiff) -> Self {
        self.text_of(DiffTextOf::Text, diff)
    }

    fn text_of(mut self, of: DiffTextOf, diff: &TextDiff) -> Self {
        self.texts.push(text(of, diff));
        self
    }
}

fn said(what: &What) -> Said {
    match what {
        What::Plan(text) => Said::of(DiffKind::Plan).text(text),
        What::Workflow(text) => Said::of(DiffKind::Workflow).text(text),
        What::Input(name, value) => action::value(Said::of(DiffKind::Input).subject(name), value),
        What::Settings(text) => Said::of(DiffKind::Settings).text(text),
        What::RunEnd(ends) => {
            let ends = ends.as_ref().map(|end| Some(run_end(end)));
            Said::of(DiffKind::RunEnd).value("end", ends)
        }
        What::Step(present) => Said::of(DiffKind::Step).presence(*present),
        What::Title(titles) => Said::of(DiffKind::Title).value("title", titles.clone().map(Some)),
        What::Description(text) => Said::of(DiffKind::Description).text(text),
        What::Definition(text) => Said::of(DiffKind::Definition).text(text),
        What::Item(value) => action::value(Said::of(DiffKind::Item), value),
        What::Demands(demand, text) => Said::of(demand_kind(*demand)).text(text),
        What::StepEnd(ends) => {
            let ends = ends.as_ref().map(|end| end.as_ref().map(step_end));
            Said::of(DiffKind::StepEnd).value("end", ends)
        }
        What::Attempt(present) => Said::of(DiffKind::Attempt).presence(*present),
        What::Cause(causes) => {
            Said::of(DiffKind::Cause).value("cause", causes.map(start_cause).map(named))
        }
        What::Prompt(role, from, text) => {
            Said::of(DiffKind::Prompt).role(*role).subject(speaker(*from)).text(text)
        }
        What::Request(turn, fields) => fields
            .iter()
            .fold(Said::of(DiffKind::Request).turn(turn), |said, FieldChange { field, values }| {
                said.value(field_name(*field), values.clone())
            }),
        What::Outcome(turn, outcomes) => {
            let outcomes = outcomes.as_ref().map(|outcome| Some(turn_outcome(outcome)));
            Said::of(DiffKind::Outcome).turn(turn).value("outcome", outcomes)
        }
        What::Reasoning(turn, text) => Said::of(DiffKind::Reasoning).turn(turn).text(text),
        What::Answer(turn, text) => Said::of(DiffKind::Answer).turn(turn).text(text),
        What::Finish(turn, reasons) => {
            let reasons = reasons.map(finish).map(named);
            Said::of(DiffKind::Finish).turn(turn).value("finish", reasons)
        }
        What::Call(call) => said_call(call),
        What::Action(action) => action::action(action),
        What::Output(output) => action::output(output),
        What::Before(path, text) => Said::of(DiffKind::Before).subject(path).text(text),
        What::File(path, text) => Said::of(DiffKind::File).subject(path).text(text),
        What::Checks(present, round, found) => said_checks(*present, *round, *found),
        What::CheckCommand(name, outcomes, output) => {
            let outcomes = outcomes.as_ref().map(|outcome| outcome.as_ref().map(call_outcome));
            let said = Said::of(DiffKind::CheckCommand).subject(name).value("outcome", outcomes);
            output.iter().fold(said, |said, text| said.text_of(DiffTextOf::Output, text))
        }
        What::Finding(present, by, finding) => said_finding(*present, *by, finding),
        What::Verdict(verdicts) => {
            let verdicts = verdicts.map(|verdict| verdict.map(narrator::verdict).and_then(named));
            Said::of(DiffKind::Verdict).value("verdict", verdicts)
        }
        What::Summary(text) => Said::of(DiffKind::Summary).text(text),
        What::Rejected(text) => Said::of(DiffKind::Rejected).text(text),
        What::Commit(phase, lines) => said_commit(*phase, lines.as_ref().map(Option::as_ref)),
        What::Tokens(tokens) => Said::of(DiffKind::Tokens)
            .value("prompt", tokens.map(|tokens| Some(tokens.prompt.to_string())))
            .value("completion", tokens.map(|tokens| Some(tokens.completion.to_string()))),
    }
}

#[expect(clippy::unnecessary_wraps, reason = "values may be missing, these are not")]
fn named(name: &str) -> Option<String> {
    Some(name.to_owned())
}

fn said_call(call: &CallDiff) -> Said {
    let CallDiff { turn, sides, arguments, reply } = call;
    let lines = sides.as_ref().map(Option::as_ref);
    let of = |value: fn(&CallLine) -> Option<String>| lines.map(|line| line.and_then(value));
    let said = Said::of(DiffKind::Call).turn(turn);
    let said = lines.a.or(lines.b).into_iter().fold(said, |said, line| said.subject(&line.tool));
    let values = [
        ("arguments", of(|line| Some(line.arguments.clone()))),
        ("rule", of(|line| line.rule.clone())),
        ("outcome", of(|line| Some(call_outcome(&line.outcome)))),
    ];
    // Arguments that differ between two calls are told whole, or by the file they wrote.
    let is_told = |name: &str| name == "arguments" && lines.a.is_some() && lines.b.is_some();
    let differing =
        values.into_iter().filter(|(name, values)| values.a != values.b && !is_told(name));
    let said = differing.fold(said, |said, (name, values)| said.value(name, values));
    let said = arguments.iter().fold(said, |said, text| said.text_of(DiffTextOf::Arguments, text));
    reply.iter().fold(said, |said, text| said.text_of(DiffTextOf::Reply, text))
}

fn said_checks(present: Presence, round: u64, found: u64) -> Said {
    let of = |side| (present == side).then(|| found.to_string());
    let found = Pair { a: of(Presence::OnlyA), b: of(Presence::OnlyB) };
    let said = Said::of(DiffKind::Checks).presence(present).subject(round.to_string());
    said.value("findings", found)
}

fn said_finding(present: Presence, by: FoundBy, finding: &Finding) -> Said {
    let Finding { file, line, rule, message, hint } = finding;
    let place = match (file, line) {
        (Some(file), Some(line)) => format!("{file}:{line}"),
        (Some(file), None) => file.clone(),
        (None, _) => String::new(),
    };
    let by = match by {
        FoundBy::Verifier => "verifier",
        FoundBy::Reviewer => "reviewer",
    };
    let only = |text: &str| {
        let of = |side| (present == side && !text.is_empty()).then(|| text.to_owned());
        Pair { a: of(Presence::OnlyA), b: of(Presence::OnlyB) }
    };
    let said = Said::of(DiffKind::Finding).presence(present).subject(place);
    let said = said.value("by", only(by)).value("rule", only(rule)).value("message", only(message));
    if hint.is_empty() { said } else { said.value("hint", only(hint)) }
}

fn said_commit(phase: CommitPhase, lines: Pair<Option<&CommitLine>>) -> Said {
    let phase = match phase {
        CommitPhase::Planning => "planning",
        CommitPhase::Code => "code",
        CommitPhase::Review => "review",
    };
    let subjects = lines.map(|line| line.map(|line| line.subject.clone()));
    let outcomes = lines.map(|line| {
        line.and_then(|line| {
            named(match line.outcome {
                CommitResult::Open => "open",
                CommitResult::Made => "made",
                CommitResult::Unchanged => "nothing to record",
                CommitResult::Failed => "failed",
            })
        })
    });
    let said = Said::of(DiffKind::Commit).subject(phase).value("subject", subjects);
    said.value("outcome", outcomes)
}

const fn demand_kind(demand: Demand) -> DiffKind {
    match demand {
        Demand::Needs => DiffKind::Needs,
        Demand::Files => DiffKind::Files,
        Demand::Deletes => DiffKind::Deletes,
        Demand::Acceptance => DiffKind::Acceptance,
    }
}

fn step_end(end: &StepEnd) -> String {
    match end {
        StepEnd::Succeeded => "done".to_owned(),
        StepEnd::Failed { reason, message } => {
            format!("failed ({}): {message}", reason::failure_kind(*reason).replace('_', " "))
        }
        StepEnd::UpstreamFailed(key) => format!("skipped: {key} failed"),
        StepEnd::Cancelled => "skipped: the run was cancelled".to_owned(),
        StepEnd::ConditionFalse => "skipped: its condition is false".to_owned(),
        StepEnd::NotNeeded => "skipped: it was not needed".to_owned(),
    }
}

const fn start_cause(cause: StartCause) -> &'static str {
    match cause {
        StartCause::Ready => "what it needs is done",
        StartCause::Rework => "the reviewer asked for changes",
        StartCause::Rejected => "the reviewer rejected the work",
        StartCause::WindowFull => "the conversation outgrew the model's window",
        StartCause::Stuck => "the conversation ran out of turns or repeated itself",
        StartCause::TimedOut => "the attempt before took too long",
        StartCause::Failed => "the attempt before failed",
    }
}

const fn speaker(from: Speaker) -> &'static str {
    match from {
        Speaker::System => "system",
        Speaker::User => "user",
        Speaker::Assistant => "assistant",
        Speaker::Tool => "tool",
    }
}

const fn field_name(field: RequestField) -> &'static str {
    match field {
        RequestField::Endpoint => "endpoint",
        RequestField::Model => "model",
        RequestField::Format => "format",
        RequestField::Tools => "tools",
        RequestField::OutputTokensMax => "output_tokens_max",
        RequestField::ContextTokens => "context_tokens",
        RequestField::Temperature => "temperature",
        RequestField::TopP => "top_p",
        RequestField::RepetitionPenalty => "repetition_penalty",
        RequestField::Seed => "seed",
        RequestField::ServedModel => "served_model",
        RequestField::Server => "server",
    }
}

fn turn_outcome(outcome: &TurnOutcome) -> String {
    match outcome {
        TurnOutcome::NotAsked => "not asked".to_owned(),
        TurnOutcome::Waiting => "no word yet".to_owned(),
        TurnOutcome::Answered => "answered".to_owned(),
        TurnOutcome::Failed(kind, message) => format!("{}: {message}", failure(*kind)),
    }
}

const fn failure(kind: FailureKind) -> &'static str {
    match kind {
        FailureKind::Unreachable => "unreachable",
        FailureKind::ModelMissing => "model missing",
        FailureKind::WindowExceeded => "window exceeded",
        FailureKind::Refused => "refused",
        FailureKind::ServerFailed => "server failed",
        FailureKind::Unreadable => "unreadable",
        FailureKind::TimedOut => "timed out",
        FailureKind::ScriptMismatch => "the script has no turn that fits",
        FailureKind::Aborted => "aborted",
    }
}

const fn finish(reason: FinishReason) -> &'static str {
    match reason {
        FinishReason::Stop => "done",
        FinishReason::Length => "cut at the limit of tokens",
        FinishReason::ToolCalls => "called tools",
        FinishReason::ContentFilter => "withheld by the server",
    }
}

fn call_outcome(outcome: &CallOutcome) -> String {
    match outcome {
        CallOutcome::Open => "open".to_owned(),
        CallOutcome::Denied => "denied".to_owned(),
        CallOutcome::Invalid => "invalid".to_owned(),
        CallOutcome::Succeeded => "done".to_owned(),
        CallOutcome::Failed => "failed".to_owned(),
        CallOutcome::Conflict => "conflict".to_owned(),
        CallOutcome::Exited(code) => format!("exit {code}"),
        CallOutcome::TimedOut => "timed out".to_owned(),
        CallOutcome::NotStarted => "not started".to_owned(),
        CallOutcome::Unknown => "unknown".to_owned(),
    }
}

fn text(of: DiffTextOf, diff: &TextDiff) -> DiffText {
    let TextDiff { grain, presence: present, hunks, more_lines } = diff;
    let hunks = hunks.iter().map(|hunk| DiffHunk {
        line: sides(hunk.lines),
        pieces: hunk.pieces.iter().map(piece).collect(),
    });
    DiffText {
        of,
        by: match grain {
            Grain::Words => DiffBy::Words,
            Grain::Lines => DiffBy::Lines,
        },
        presence: presence(*present),
        hunks: hunks.collect(),
        more_lines: sides(*more_lines),
    }
}

fn piece(piece: &Piece) -> DiffPiece {
    match piece {
        Piece::Same(text) => DiffPiece::Same(text.clone()),
        Piece::Changed(texts) => DiffPiece::Changed(sides(texts.clone())),
    }
}
