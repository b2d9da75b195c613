//! Tool calls: looked at, decided, carried out, answered; one after the other.
//!
//! | from | event | to |
//! | --- | --- | --- |
//! | called | `ToolDecided` (denied, invalid) | answered |
//! | called | `ToolDecided` (allowed) and a `Started` event | in flight |
//! | called | `ToolDecided` (allowed) and `TodoSet` | answered |
//! | in flight | the `Ended` event | answered |
//! | in flight | `FileWriteEnded` (conflict) | waits for a person |

use lao_event::{
    CallId, Content, EffectId, Event, QuestionId, StepId,
    latest::{
        Before, CommandEnded, CommandOutcome, CommandStarted, FileWriteEnded, FileWriteOutcome,
        FileWriteStarted, ParkReason, QuestionAsked, QuestionSubject, StepParked, TodoItem,
        TodoSet, ToolCallEnded, ToolCallStarted, ToolDecided, ToolOutcome, ToolVerdict,
    },
};

use crate::{
    command::{BeforeFile, Rejection, ToolPlan},
    evolve::Inconsistency,
    prompt,
    state::{InFlight, InFlightKind, State},
    step::{Step, Work},
    talk::{Next, PendingCall, Talk},
    task::TaskFile,
};

/// What `ToolPrepared` carries besides the call.
pub(crate) struct PreparedCall {
    pub tool: String,
    pub repair: Option<String>,
    pub plan: ToolPlan,
}

impl State {
    /// The step whose next tool call this is, if it is still to be looked at.
    fn preparing(&self, call: CallId) -> Option<(StepId, &Talk, &PendingCall)> {
        self.index.preparing.iter().find_map(|step| {
            let (_, talk) = self.talk(*step)?;
            let front = talk.calls.front()?;
            (front.id == call).then_some((*step, talk, front))
        })
    }

    /// A step began to write this file before.
    fn has_touched(&self, step: StepId, path: &str) -> bool {
        match self.step(step).and_then(Step::work) {
            Some(Work::Task(work)) => work.files.contains_key(path),
            Some(Work::Flow(work)) => work.files.contains(path),
            Some(Work::Planning(_)) | None => false,
        }
    }

    fn todo(&self, step: StepId) -> &[TodoItem] {
        match self.step(step).and_then(Step::work) {
            Some(Work::Task(work)) => &work.todo,
            Some(Work::Flow(work)) => &work.todo,
            Some(Work::Planning(_)) | None => &[],
        }
    }

    /// Answers the tool call at the front of a step's conversation.
    fn reply(&mut self, step: StepId, content: Content) -> Result<(), Inconsistency> {
        match self.talk_mut(step)?.reply(content)? {
            Next::Model => {
                self.index.preparing.remove(&step);
                self.make_due(step);
            }
            Next::ToolCall => {
                self.index.preparing.insert(step);
            }
        }
        Ok(())
    }
}

/// Whether a call was the last that was decided, too.
fn is_repeated(talk: &Talk, call: &PendingCall) -> bool {
    let same =
        |(name, arguments): &(String, Content)| *name == call.name && *arguments == call.arguments;
    talk.last_call.as_ref().is_some_and(same)
}

pub(crate) fn decide_prepared(
    state: &State,
    call: CallId,
    prepared: PreparedCall,
) -> Result<Vec<Event>, Rejection> {
    let (step, talk, pending) = state.preparing(call).ok_or(Rejection::UnknownCall(call))?;
    let run = state.started();
    if !run.is_working() {
        // It is looked at again when the run goes on.
        return Err(Rejection::Stopping);
    }
    let limit = run.settings.limits.repeated_calls_max;
    let offered = state.step_tools(step);
    let (plan, tool) = if offered.is_some_and(|tools| !tools.contains(&prepared.tool)) {
        let reply = prompt::not_offered(&prepared.tool, offered.unwrap_or_default());
        (ToolPlan::Denied { rule: "not-offered".to_owned(), reply }, prepared.tool)
    } else if is_repeated(talk, pending) && talk.same_calls >= limit {
        let reply = prompt::repeated_call(talk.same_calls);
        (ToolPlan::Denied { rule: "repeated-call".to_owned(), reply }, prepared.tool)
    } else {
        (prepared.plan, prepared.tool)
    };
    let (verdict, follow_up) = match plan {
        ToolPlan::Denied { rule, reply } => {
            (ToolVerdict::Denied { rule, reply: reply.into() }, None)
        }
        ToolPlan::Invalid { reply } => (ToolVerdict::Invalid { reply: reply.into() }, None),
        allowed @ (ToolPlan::Read { .. }
        | ToolPlan::Write { .. }
        | ToolPlan::Command { .. }
        | ToolPlan::TodoSet { .. }
        | ToolPlan::TodoGet) => {
            let (rule, event) = start(state, (step, call), &tool, allowed);
            (ToolVerdict::Allowed { rule: rule.to_owned() }, Some(event))
        }
    };
    let decided = ToolDecided { step, call, tool, verdict, repair: prepared.repair };
    Ok(std::iter::once(decided.into()).chain(follow_up).collect())
}

/// The event that starts an allowed call, and the rule that allows it.
fn start(
    state: &State,
    (step, call): (StepId, CallId),
    tool: &str,
    plan: ToolPlan,
) -> (&'static str, Event) {
    let effect = state.next_effect();
    match plan {
        ToolPlan::Read { arguments } => {
            let arguments = arguments.into();
            let tool = tool.to_owned();
            ("read-in-workspace", ToolCallStarted { effect, step, call, tool, arguments }.into())
        }
        ToolPlan::Write { path, before, after, reply } => {
            let before = known_or_kept(state, step, &path, before);
            let after = after.map(Content::Inline);
            let reply = reply.into();
            let event = FileWriteStarted { effect, step, call, path, before, after, reply };
            ("write-in-workspace", event.into())
        }
        ToolPlan::Command { argv, timeout_ms } => {
            ("shell-on", CommandStarted { effect, step, call, argv, timeout_ms }.into())
        }
        ToolPlan::TodoSet { items } => ("to-do", TodoSet { step, call, items }.into()),
        ToolPlan::TodoGet => {
            let items = state.todo(step).to_vec();
            ("to-do", TodoSet { step, call, items }.into())
        }
        ToolPlan::Denied { .. } | ToolPlan::Invalid { .. } => {
            unreachable!("the caller starts only what is allowed")
        }
    }
}

/// The content of a file is kept when a task touches it for the first time; later the journal
/// has it already, unless somebody else changed the file in between.
fn known_or_kept(state: &State, step: StepId, path: &str, before: Option<BeforeFile>) -> Before {
    let Some(file) = before else {
        return Before::Absent;
    };
    let as_left = state.files.get(path) == Some(&Some(file.hash));
    if as_left && state.has_touched(step, path) {
        Before::Known { hash: file.hash }
    } else {
        Before::Kept(file.content)
    }
}

pub(crate) fn decide_read_ended(
    state: &State,
    effect: EffectId,
    outcome: ToolOutcome,
    reply: String,
) -> Result<Vec<Event>, Rejection> {
    match state.in_flight.get(&effect) {
        Some(InFlight { kind: InFlightKind::Read { .. }, .. }) => {
            Ok(vec![ToolCallEnded { effect, outcome, reply: reply.into() }.into()])
        }
        Some(_) | None => Err(Rejection::UnknownEffect(effect)),
    }
}

pub(crate) fn decide_write_ended(
    state: &State,
    effect: EffectId,
    outcome: FileWriteOutcome,
) -> Result<Vec<Event>, Rejection> {
    let (step, path) = match state.in_flight.get(&effect) {
        Some(InFlight { step: Some(step), kind: InFlightKind::Write { path, .. }, .. }) => {
            (*step, path.clone())
        }
        Some(_) | None => return Err(Rejection::UnknownEffect(effect)),
    };
    let conflict = matches!(outcome, FileWriteOutcome::Conflict { .. });
    let mut events: Vec<Event> = vec![FileWriteEnded { effect, outcome }.into()];
    if conflict {
        let question = QuestionId(state.questions_asked + 1);
        let subject = QuestionSubject::FileConflict { path };
        events.push(QuestionAsked { question, step, effect, subject }.into());
        events.push(StepParked { step, reason: ParkReason::Question { question } }.into());
    }
    Ok(events)
}

pub(crate) fn decide_command_ended(
    state: &State,
    effect: EffectId,
    outcome: CommandOutcome,
    reply: String,
) -> Result<Vec<Event>, Rejection> {
    match state.in_flight.get(&effect) {
        Some(InFlight { kind: InFlightKind::Command { .. }, waits_for: None, .. }) => {
            Ok(vec![CommandEnded { effect, outcome, reply: reply.into() }.into()])
        }
        Some(_) | None => Err(Rejection::UnknownEffect(effect)),
    }
}

pub(crate) fn evolve_decided(state: &mut State, event: &ToolDecided) -> Result<(), Inconsistency> {
    let (step, talk, pending) = state.preparing(event.call).ok_or_else(|| {
        Inconsistency::new(format!("tool call {} was not to be decided", event.call))
    })?;
    let repeated = is_repeated(talk, pending);
    let call = (pending.name.clone(), pending.arguments.clone());
    let talk = state.talk_mut(step)?;
    talk.same_calls = if repeated { talk.same_calls + 1 } else { 1 };
    talk.last_call = Some(call);
    match &event.verdict {
        ToolVerdict::Allowed { rule: _ } => Ok(()),
        ToolVerdict::Denied { rule: _, reply } | ToolVerdict::Invalid { reply } => {
            state.reply(step, reply.clone())
        }
    }
}

pub(crate) fn evolve_read_started(
    state: &mut State,
    event: &ToolCallStarted,
) -> Result<(), Inconsistency> {
    let kind = InFlightKind::Read {
        call: event.call,
        tool: event.tool.clone(),
        arguments: event.arguments.clone(),
    };
    begin_call(state, event.effect, event.step, kind)
}

fn begin_call(
    state: &mut State,
    effect: EffectId,
    step: StepId,
    kind: InFlightKind,
) -> Result<(), Inconsistency> {
    if !state.index.preparing.remove(&step) {
        return Err(Inconsistency::new(format!("{step} has no tool call to start")));
    }
    state.begin(effect, Some(step), kind)
}

pub(crate) fn evolve_read_ended(
    state: &mut State,
    event: &ToolCallEnded,
) -> Result<(), Inconsistency> {
    let step = state.end_of_step(event.effect)?;
    state.reply(step, event.reply.clone())
}

pub(crate) fn evolve_write_started(
    state: &mut State,
    event: &FileWriteStarted,
) -> Result<(), Inconsistency> {
    let kind = InFlightKind::Write {
        call: event.call,
        path: event.path.clone(),
        before: event.before.hash(),
        after: event.after.clone(),
        reply: event.reply.clone(),
    };
    begin_call(state, event.effect, event.step, kind)?;
    match state.work_mut(event.step)? {
        Work::Task(work) => {
            let base = match &event.before {
                Before::Absent | Before::Known { hash: _ } => None,
                Before::Kept(content) => Some(content.clone()),
            };
            work.files.entry(event.path.clone()).or_insert(TaskFile { base });
        }
        Work::Flow(work) => {
            work.files.insert(event.path.clone());
        }
        Work::Planning(_) => {
            return Err(Inconsistency::new(format!("{} writes no files", event.step)));
        }
    }
    Ok(())
}

pub(crate) fn evolve_write_ended(
    state: &mut State,
    event: &FileWriteEnded,
) -> Result<(), Inconsistency> {
    let flight = state.end(event.effect)?;
    let (Some(step), InFlightKind::Write { path, after, reply, .. }) = (flight.step, flight.kind)
    else {
        return Err(Inconsistency::new(format!("{} wrote no file", event.effect)));
    };
    match &event.outcome {
        FileWriteOutcome::Written | FileWriteOutcome::AlreadyWritten => {
            state.files.insert(path, after.as_ref().map(Content::hash));
            state.reply(step, reply)
        }
        FileWriteOutcome::Conflict { found: _ } => Ok(()),
        FileWriteOutcome::Failed { message } => {
            state.reply(step, prompt::write_failed(&path, message).into())
        }
    }
}

pub(crate) fn evolve_command_started(
    state: &mut State,
    event: &CommandStarted,
) -> Result<(), Inconsistency> {
    let kind = InFlightKind::Command {
        call: event.call,
        argv: event.argv.clone(),
        timeout_ms: event.timeout_ms,
    };
    begin_call(state, event.effect, event.step, kind)?;
    if let Ok(work) = state.task_mut(event.step) {
        work.ran_commands = true;
    }
    Ok(())
}

pub(crate) fn evolve_command_ended(
    state: &mut State,
    event: &CommandEnded,
) -> Result<(), Inconsistency> {
    let step = state.end_of_step(event.effect)?;
    state.reply(step, event.reply.clone())
}

pub(crate) fn evolve_todo(state: &mut State, event: &TodoSet) -> Result<(), Inconsistency> {
    if !state.index.preparing.contains(&event.step) {
        return Err(Inconsistency::new(format!("{} has no tool call to answer", event.step)));
    }
    match state.work_mut(event.step)? {
        Work::Task(work) => work.todo.clone_from(&event.items),
        Work::Flow(work) => work.todo.clone_from(&event.items),
        Work::Planning(_) => {
            return Err(Inconsistency::new(format!("{} has no to-do list", event.step)));
        }
    }
    state.reply(event.step, prompt::todo(&event.items).into())
}

/// Goes on after a person was asked about a conflict.
pub(crate) fn evolve_conflict_answered(
    state: &mut State,
    step: StepId,
    skipped: Option<&str>,
) -> Result<(), Inconsistency> {
    if let Some(path) = skipped {
        return state.reply(step, prompt::write_skipped(path).into());
    }
    state.index.preparing.insert(step);
    Ok(())
}

/// Items of a to-do list that are not done.
pub(crate) fn open_items(items: &[TodoItem]) -> Vec<String> {
    items.iter().filter(|item| !item.done).map(|item| item.text.clone()).collect()
}
