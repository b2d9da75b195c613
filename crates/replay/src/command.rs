//! Commands, read back from the events they led to.
//!
//! | the decision begins with | the command was |
//! | --- | --- |
//! | `RunStarted` | the start |
//! | `RunResumed` | a resume, with the retry whose steps follow |
//! | `RunForked` | the fork |
//! | `EffectsLost` (process ended), `RunEnded` | a resume of a run that was cancelled |
//! | `RunStopping` (interrupted, cancelled) | a word of a person's |
//! | `RunStopping` (lost too often), `EffectsLost` | the loss of a worker |
//! | `StepRetried`, `QuestionAnswered`, `StepTimedOut` | a word of a person's or the clock's |
//! | `StepLooked` | what looking around for a step of a workflow found |
//! | `ToolDecided` | what looking at the call found, as the event after it tells |
//! | an `Ended` event | the result of the effect |
//!
//! Nothing else can begin a decision.

use lao_event::{
    Content, Event,
    latest::{
        ActionEnded, ActionOutcome, Before, Definition, EffectsLost, FileWriteStarted, FlowValue,
        Found, LossCause, ModelCallEnded, ModelOutcome, NewStep, RunForked, StepLooked, StopReason,
        ToolDecided, ToolVerdict,
    },
};
use lao_history::{ContentError, Contents};
use lao_kernel::{BeforeFile, Command, Fork, Retry, Start, State, Texts, ToolPlan};

use crate::decision::Decision;

/// Every command that a decision may be the answer to: usually one, none if no command begins
/// with such an event. Texts that lie in blobs are read where the kernel asks for them.
pub(crate) fn commands(
    state: &State,
    decision: &Decision,
    contents: &Contents,
) -> Result<Vec<Command>, ContentError> {
    let mut following = decision.events().iter().map(|recorded| &recorded.event);
    let Some(first) = following.next() else {
        return Ok(Vec::new());
    };
    if let Some(result) = result_of_an_effect(first, contents)? {
        return Ok(vec![result]);
    }
    if let Event::StepLooked(looked) = first {
        return Ok(vec![self::looked(state, looked, contents)?]);
    }
    if let Event::ToolDecided(decided) = first {
        let plan = plan(decided, following.next(), contents)?;
        return Ok(plan.map(|plan| prepared(decided, plan)).into_iter().collect());
    }
    Ok(word(state, first, following.collect()))
}

/// A command that begins or ends something, or says that something was lost.
fn word(state: &State, first: &Event, following: Vec<&Event>) -> Vec<Command> {
    match first {
        Event::RunStarted(started) => start(started, &following).into_iter().collect(),
        Event::RunResumed(resumed) => {
            let settings = resumed.settings.as_ref();
            let Ok(settings) = settings.map(read_settings).transpose() else {
                return Vec::new();
            };
            let resume = |retry| Command::Resume {
                program: resumed.program.clone(),
                settings: settings.clone().map(Box::new),
                retry,
            };
            retries(state, &following).into_iter().map(resume).collect()
        }
        Event::RunForked(forked) => fork(forked).into_iter().collect(),
        Event::EffectsLost(lost) => vec![match lost.cause {
            LossCause::ProcessEnded => resume_of_a_cancelled_run(),
            LossCause::WorkerPanicked { .. } => effects_lost(lost),
        }],
        Event::RunEnded(_) => vec![resume_of_a_cancelled_run()],
        Event::RunStopping(stopping) => {
            stop(&stopping.reason, following.first().copied()).into_iter().collect()
        }
        Event::StepRetried(_) => {
            let all: Vec<&Event> = std::iter::once(first).chain(following).collect();
            retries(state, &all).into_iter().flatten().map(Command::Retry).collect()
        }
        Event::QuestionAnswered(answered) => vec![Command::Answer {
            question: answered.question,
            answer: answered.answer,
            by: answered.by.clone(),
        }],
        Event::StepTimedOut(timed_out) => {
            vec![Command::TimeUp { step: timed_out.step, attempt: timed_out.attempt }]
        }
        Event::RunStopped(_)
        | Event::StepsAdded(_)
        | Event::StepStarted(_)
        | Event::StepEnded(_)
        | Event::StepParked(_)
        | Event::AnswerRejected(_)
        | Event::ModelCallStarted(_)
        | Event::ModelCallEnded(_)
        | Event::ToolDecided(_)
        | Event::ToolCallStarted(_)
        | Event::ToolCallEnded(_)
        | Event::FileWriteStarted(_)
        | Event::FileWriteEnded(_)
        | Event::CommandStarted(_)
        | Event::CommandEnded(_)
        | Event::TodoSet(_)
        | Event::ChecksStarted(_)
        | Event::ChecksEnded(_)
        | Event::ReviewGiven(_)
        | Event::WorkspaceStarted(_)
        | Event::WorkspaceEnded(_)
        | Event::CommitStarted(_)
        | Event::CommitEnded(_)
        | Event::StepLooked(_)
        | Event::ActionStarted(_)
        | Event::ActionEnded(_)
        | Event::OutputSet(_)
        | Event::QuestionAsked(_) => Vec::new(),
    }
}

fn stop(reason: &StopReason, next: Option<&Event>) -> Option<Command> {
    match (reason, next) {
        (StopReason::Interrupted, _) => Some(Command::Stop),
        (StopReason::Cancelled, _) => Some(Command::Cancel),
        (StopReason::EffectLostTooOften { .. }, Some(Event::EffectsLost(lost))) => {
            Some(effects_lost(lost))
        }
        (
            StopReason::ServerUnreachable { .. }
            | StopReason::ModelMissing { .. }
            | StopReason::Parked
            | StopReason::EffectLostTooOften { .. }
            | StopReason::WorkspaceUnusable { .. },
            _,
        ) => None,
    }
}

fn start(started: &lao_event::latest::RunStarted, following: &[&Event]) -> Option<Command> {
    let steps = match &started.definition {
        // A plan's first steps follow from the plan.
        Definition::Plan(_) => Vec::new(),
        Definition::Flow(_) => added_at_start(following),
    };
    let start = Start {
        run: started.run.clone(),
        program: started.program.clone(),
        definition: started.definition.clone(),
        steps,
        settings: read_settings(&started.settings).ok()?,
        seed: started.seed,
    };
    Some(Command::Start(Box::new(start)))
}

/// The steps that a workflow's run begins with.
fn added_at_start(following: &[&Event]) -> Vec<NewStep> {
    let added = following.iter().map_while(|event| {
        let Event::StepsAdded(added) = event else { return None };
        added.by.is_none().then_some(&added.steps)
    });
    added.flatten().cloned().collect()
}

fn fork(forked: &RunForked) -> Option<Command> {
    let fork = Fork {
        run: forked.run.clone(),
        parent: forked.parent.clone(),
        seq: forked.seq,
        head: forked.head,
        program: forked.program.clone(),
        settings: read_settings(&forked.settings).ok()?,
        redo: forked.redone.clone(),
    };
    Some(Command::Fork(Box::new(fork)))
}

/// Settings as a run has them; they are never a blob.
pub(crate) fn read_settings(content: &Content) -> Result<lao_event::Settings, serde_json::Error> {
    serde_json::from_str(content.inline().unwrap_or_default())
}

/// The process that brings a cancelled run to its end says nothing of itself.
fn resume_of_a_cancelled_run() -> Command {
    Command::Resume { program: String::new(), settings: None, retry: None }
}

fn effects_lost(lost: &EffectsLost) -> Command {
    Command::EffectsLost { effects: lost.effects.clone(), cause: lost.cause.clone() }
}

/// The retries that may have sent back the steps among these events.
fn retries(state: &State, events: &[&Event]) -> Vec<Option<Retry>> {
    let mut retried = events.iter().filter_map(|event| {
        if let Event::StepRetried(retried) = event { Some(retried.step) } else { None }
    });
    let (Some(step), more) = (retried.next(), retried.next()) else {
        return vec![None];
    };
    let key = state.step(step).map(|step| Retry::Step(step.key.clone()));
    match more {
        Some(_) => vec![Some(Retry::Failed)],
        None => [Some(Retry::Failed), key].into_iter().flatten().map(Some).collect(),
    }
}

/// What looking around for a step found: the texts are those that its expressions name.
fn looked(
    state: &State,
    looked: &StepLooked,
    contents: &Contents,
) -> Result<Command, ContentError> {
    let mut texts = Texts::new();
    let request = state.look_request(looked.step);
    for (hash, content) in request.map(|request| request.blobs()).unwrap_or_default() {
        texts.insert(hash, contents.text(&content)?);
    }
    if let Found::File { start: Some(start), .. } = &looked.found {
        texts.insert(start.hash(), contents.text(start)?);
    }
    let mut found = looked.found.clone();
    if let Found::Cache {
        value: Some(FlowValue::Text(content) | FlowValue::Json(content)), ..
    } = &mut found
    {
        *content = Content::Inline(contents.text(content)?);
    }
    Ok(Command::StepLooked { step: looked.step, attempt: looked.attempt, texts, found })
}

fn prepared(decided: &ToolDecided, plan: ToolPlan) -> Command {
    Command::ToolPrepared {
        call: decided.call,
        tool: decided.tool.clone(),
        repair: decided.repair.clone(),
        plan,
    }
}

/// What looking at a call found; `None` if what follows is not what an allowed call starts with.
fn plan(
    decided: &ToolDecided,
    next: Option<&Event>,
    contents: &Contents,
) -> Result<Option<ToolPlan>, ContentError> {
    let plan = match (&decided.verdict, next) {
        (ToolVerdict::Denied { rule, reply }, _) => {
            ToolPlan::Denied { rule: rule.clone(), reply: contents.text(reply)? }
        }
        (ToolVerdict::Invalid { reply }, _) => ToolPlan::Invalid { reply: contents.text(reply)? },
        (ToolVerdict::Allowed { rule: _ }, Some(Event::ToolCallStarted(started))) => {
            ToolPlan::Read { arguments: contents.text(&started.arguments)? }
        }
        (ToolVerdict::Allowed { rule: _ }, Some(Event::FileWriteStarted(started))) => {
            write_plan(started, contents)?
        }
        (ToolVerdict::Allowed { rule: _ }, Some(Event::CommandStarted(started))) => {
            ToolPlan::Command { argv: started.argv.clone(), timeout_ms: started.timeout_ms }
        }
        (ToolVerdict::Allowed { rule: _ }, Some(Event::TodoSet(set))) => {
            ToolPlan::TodoSet { items: set.items.clone() }
        }
        (ToolVerdict::Allowed { rule: _ }, Some(_) | None) => return Ok(None),
    };
    Ok(Some(plan))
}

fn write_plan(started: &FileWriteStarted, contents: &Contents) -> Result<ToolPlan, ContentError> {
    let before = match &started.before {
        Before::Absent => None,
        // Content that the journal has already is not kept again.
        Before::Known { hash } => {
            Some(BeforeFile { hash: *hash, content: Content::Blob { hash: *hash, size_bytes: 0 } })
        }
        Before::Kept(content) => {
            Some(BeforeFile { hash: content.hash(), content: content.clone() })
        }
    };
    Ok(ToolPlan::Write {
        path: started.path.clone(),
        before,
        after: started.after.as_ref().map(|after| contents.text(after)).transpose()?,
        reply: contents.text(&started.reply)?,
    })
}

fn result_of_an_effect(
    event: &Event,
    contents: &Contents,
) -> Result<Option<Command>, ContentError> {
    let command = match event {
        Event::WorkspaceEnded(ended) => {
            Command::WorkspaceEnded { effect: ended.effect, outcome: ended.outcome.clone() }
        }
        Event::ModelCallEnded(ended) => model_call_ended(ended, contents)?,
        Event::ToolCallEnded(ended) => Command::ToolCallEnded {
            effect: ended.effect,
            outcome: ended.outcome,
            reply: contents.text(&ended.reply)?,
        },
        Event::FileWriteEnded(ended) => {
            Command::FileWriteEnded { effect: ended.effect, outcome: ended.outcome.clone() }
        }
        Event::CommandEnded(ended) => Command::CommandEnded {
            effect: ended.effect,
            outcome: ended.outcome.clone(),
            reply: contents.text(&ended.reply)?,
        },
        Event::ChecksEnded(ended) => Command::ChecksEnded {
            effect: ended.effect,
            reports: ended.reports.clone(),
            commands: ended.commands.clone(),
        },
        Event::CommitEnded(ended) => {
            Command::CommitEnded { effect: ended.effect, outcome: ended.outcome.clone() }
        }
        Event::ActionEnded(ended) => action_ended(ended, contents)?,
        Event::StepLooked(_)
        | Event::ActionStarted(_)
        | Event::OutputSet(_)
        | Event::RunStarted(_)
        | Event::RunResumed(_)
        | Event::RunForked(_)
        | Event::RunStopping(_)
        | Event::RunStopped(_)
        | Event::RunEnded(_)
        | Event::StepsAdded(_)
        | Event::StepStarted(_)
        | Event::StepEnded(_)
        | Event::StepParked(_)
        | Event::StepRetried(_)
        | Event::AnswerRejected(_)
        | Event::StepTimedOut(_)
        | Event::ModelCallStarted(_)
        | Event::ToolDecided(_)
        | Event::ToolCallStarted(_)
        | Event::FileWriteStarted(_)
        | Event::CommandStarted(_)
        | Event::TodoSet(_)
        | Event::ChecksStarted(_)
        | Event::ReviewGiven(_)
        | Event::WorkspaceStarted(_)
        | Event::CommitStarted(_)
        | Event::QuestionAsked(_)
        | Event::QuestionAnswered(_)
        | Event::EffectsLost(_) => return Ok(None),
    };
    Ok(Some(command))
}

/// The kernel reads the files that were listed, so that text must be whole.
fn action_ended(ended: &ActionEnded, contents: &Contents) -> Result<Command, ContentError> {
    let mut outcome = ended.outcome.clone();
    if let ActionOutcome::Done { value: FlowValue::Json(content), .. } = &mut outcome {
        *content = Content::Inline(contents.text(content)?);
    }
    Ok(Command::ActionEnded { effect: ended.effect, outcome })
}

/// The kernel reads what planners and reviewers say, so that text must be whole.
fn model_call_ended(ended: &ModelCallEnded, contents: &Contents) -> Result<Command, ContentError> {
    let mut outcome = ended.outcome.clone();
    if let ModelOutcome::Answered(answer) = &mut outcome {
        answer.text = Content::Inline(contents.text(&answer.text)?);
    }
    let (effect, failed_tries) = (ended.effect, ended.failed_tries.clone());
    Ok(Command::ModelCallEnded { effect, outcome, failed_tries })
}
