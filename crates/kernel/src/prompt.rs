//! Prompt assembly: what planner, coder and reviewer are told.
//!
//! Pure, and deliberately short: small local models read every word of it at every task. A
//! conversation starts with the messages made here and only ever grows at its end.

use lao_event::{
    Content, Role, RoleSettings, StepId,
    latest::{CommandOutcome, Finding, Message, StartCause, TodoItem, Verdict},
};

use crate::{
    answer::{TASKS_SCHEMA, VERDICT_SCHEMA},
    state::State,
    trail,
};

const PLANNER: &str = "\
You turn a plan into coding tasks for another model that sees one task at a time.
Rules:
- Each task is small enough for one sitting, and complete: its description says everything the \
coder needs (names, signatures, formats, behaviour), since the coder does not see the plan.
- `files` are the files the task creates or changes, relative to the workspace, with `/`. \
`deletes` are files it removes.
- `depends_on` are ids of tasks that must be done first. No circles.
- `acceptance` are facts that can be checked.
- Titles are unique. Do not add tasks the plan does not ask for.
Answer with JSON only.";

const CODER: &str = "\
You are a careful programmer working in a workspace through tools.
- Do the one task you are given, completely: no placeholders, no unfinished code.
- Look before you change: read files you did not write. Paths are relative to the workspace.
- Write whole files with file_write; change parts with file_patch.
- When the task is done, answer with one short sentence and no tool call. The result is then \
checked by machine and reviewed.";

const REVIEWER: &str = "\
You review the changes of one task. The machine's checks have passed.
Approve when the changes do what the task says and the acceptance facts hold; do not ask for \
more than the task. Say `rework` when something specific must change, `rejected` when the \
approach is wrong. Each finding names file, line and what is wrong.
Answer with JSON only.";

/// The most tasks of earlier chunks that the planner is shown.
const EARLIER_TASKS_MAX: usize = 60;
/// The most findings a model is shown at once.
const FINDINGS_MAX: usize = 20;

/// Puts texts and contents into user messages: one where all is in place, else a message of its
/// own for each blob.
fn user(parts: Vec<Content>) -> Vec<Message> {
    let mut messages = Vec::new();
    let mut text = String::new();
    for part in parts {
        match part {
            Content::Inline(piece) => text.push_str(&piece),
            blob @ Content::Blob { .. } => {
                if !text.is_empty() {
                    messages.push(Message::User { content: std::mem::take(&mut text).into() });
                }
                messages.push(Message::User { content: blob });
            }
        }
    }
    if !text.is_empty() {
        messages.push(Message::User { content: text.into() });
    }
    messages
}

fn system(text: String) -> Message {
    Message::System { content: text.into() }
}

/// Bytes of a message that is being put together.
pub(crate) fn size_bytes(message: &Message) -> u64 {
    match message {
        Message::System { content }
        | Message::User { content }
        | Message::Assistant { content, .. }
        | Message::Tool { content, .. } => content.size_bytes(),
    }
}

/// What a role is told to be and do.
fn instructions<'a>(role: &'a RoleSettings, otherwise: &'a str) -> &'a str {
    role.instructions.as_deref().unwrap_or(otherwise)
}

/// The schema in words, for servers that do not enforce it.
fn with_schema(otherwise: &str, schema: &str, role: &RoleSettings) -> String {
    let instructions = instructions(role, otherwise);
    if role.json_schema {
        instructions.to_owned()
    } else {
        format!("{instructions}\nThe JSON must fit this schema:\n{schema}")
    }
}

/// How the planner's first prompt begins for a chunk of the plan.
pub(crate) fn planner(state: &State, step: StepId, role: &RoleSettings) -> Vec<Message> {
    let plan = state.started().plan().expect("only plans have planning steps");
    let chunk = state.chunk(step);
    let mut instructions = with_schema(PLANNER, TASKS_SCHEMA, role);
    if plan.chunks.len() > 1 {
        let part = format!(
            "\nThe plan is long; this is part {} of {}. Make tasks for this part only; an empty \
             list is right for a part that needs none.",
            chunk + 1,
            plan.chunks.len()
        );
        instructions.push_str(&part);
        instructions.push_str(&earlier_tasks(state));
    }
    let mut messages = vec![system(instructions)];
    messages.extend(user(vec![plan.chunks[chunk].clone()]));
    messages
}

fn earlier_tasks(state: &State) -> String {
    let last = state.steps().iter().rev().filter(|step| step.is_task()).take(EARLIER_TASKS_MAX);
    let mut tasks: Vec<String> =
        last.map(|step| format!("\n- {}: {}", step.key, step.title)).collect();
    if tasks.is_empty() {
        return String::new();
    }
    tasks.reverse();
    let left_out = state.index.tasks as usize - tasks.len();
    let shown = tasks.concat();
    let note =
        if left_out == 0 { String::new() } else { format!(" ({left_out} earlier ones left out)") };
    format!("\nTasks there are already, which may be named in depends_on{note}:{shown}")
}

/// How a task's conversation with the coder begins.
pub(crate) fn coder(state: &State, step: StepId, role: &RoleSettings) -> Vec<Message> {
    debug_assert_eq!(role.role, Role::Coder, "the caller looked the role up");
    let definition = state.task_definition(step);
    let title = &state.at(step).title;
    let mut parts =
        vec![Content::Inline(format!("# Task: {title}\n\n")), definition.description.clone()];
    let mut rest = String::new();
    push_list(&mut rest, "Files", &definition.files);
    push_list(&mut rest, "Files to delete", &definition.deletes);
    push_list(&mut rest, "Acceptance", &definition.acceptance);
    rest.push_str(&finished_needs(state, step));
    rest.push_str(&earlier_attempts(state, step));
    parts.push(Content::Inline(rest));
    let mut messages = vec![system(instructions(role, CODER).to_owned())];
    messages.extend(user(parts));
    messages
}

fn push_list(text: &mut String, heading: &str, items: &[String]) {
    if items.is_empty() {
        return;
    }
    text.push_str("\n\n## ");
    text.push_str(heading);
    for item in items {
        text.push_str("\n- ");
        text.push_str(item);
    }
}

/// The tasks this one builds on, with the files they left.
fn finished_needs(state: &State, step: StepId) -> String {
    let mut text = String::new();
    let lines: Vec<String> = trail::task_needs(state, state.at(step))
        .map(|need| {
            let files = state.task_definition(need).files.join(", ");
            format!("{} ({files})", state.at(need).title)
        })
        .collect();
    push_list(&mut text, "Done before, to build on", &lines);
    text
}

/// What the coder must know of the attempts before this one.
fn earlier_attempts(state: &State, step: StepId) -> String {
    let work = state.task(step).expect("the task is under way");
    let mut text = String::new();
    let changed: Vec<String> = work.files.keys().cloned().collect();
    push_list(&mut text, "Changed by earlier attempts at this task, still there", &changed);
    let why = match work.cause {
        StartCause::Ready | StartCause::Failed => "",
        StartCause::Rework => {
            "\n\nThe reviewer asked for changes. Make them in the files as they are:"
        }
        StartCause::Rejected => {
            "\n\nThe reviewer rejected the approach. Do the task anew, in another way:"
        }
        StartCause::WindowFull => {
            "\n\nThe conversation had become too long. Go on from the files as they are, in fewer \
             and smaller steps."
        }
        StartCause::Stuck => {
            "\n\nThe last attempt went in circles. Look at the files as they are and take another way."
        }
        StartCause::TimedOut => {
            "\n\nThe last attempt took too long. Go on from the files as they are, by the shortest way."
        }
    };
    text.push_str(why);
    let about_review = matches!(work.cause, StartCause::Rework | StartCause::Rejected);
    if about_review && let Some(review) = work.reviews.last() {
        text.push('\n');
        text.push_str(&review.summary);
        text.push_str(&finding_list(&review.findings));
    }
    text
}

/// The reviewer's prompt: instructions, the task, the checks, the changes.
pub(crate) fn reviewer(state: &State, step: StepId, role: &RoleSettings) -> Vec<Message> {
    let definition = state.task_definition(step);
    let work = state.task(step).expect("the task is under way");
    let instructions = with_schema(REVIEWER, VERDICT_SCHEMA, role);
    let mut before_diff = String::new();
    push_list(&mut before_diff, "Acceptance", &definition.acceptance);
    let checks: Vec<String> = work
        .commands
        .iter()
        .map(|command| format!("{}: {}", command.name, outcome(&command.outcome)))
        .collect();
    push_list(&mut before_diff, "Checks", &checks);
    before_diff.push_str("\n\n## Changes\n");
    let diff = if work.diff.size_bytes() == 0 {
        Content::Inline("(none)".to_owned())
    } else {
        work.diff.clone()
    };
    let parts = vec![
        Content::Inline(format!("# Task: {}\n\n", state.at(step).title)),
        definition.description.clone(),
        Content::Inline(before_diff),
        diff,
    ];
    let mut messages = vec![system(instructions)];
    messages.extend(user(parts));
    messages
}

/// How a command ended, in words.
pub(crate) fn outcome(outcome: &CommandOutcome) -> String {
    match outcome {
        CommandOutcome::Exited { code: 0 } => "passed".to_owned(),
        CommandOutcome::Exited { code } => format!("exit code {code}"),
        CommandOutcome::TimedOut => "took too long".to_owned(),
        CommandOutcome::NotStarted { message } => format!("could not be started: {message}"),
        CommandOutcome::Unknown => "unknown".to_owned(),
    }
}

fn finding_list(findings: &[Finding]) -> String {
    let mut text = String::new();
    for finding in findings.iter().take(FINDINGS_MAX) {
        text.push_str("\n- ");
        text.push_str(&trail::finding_line(finding));
    }
    if findings.len() > FINDINGS_MAX {
        let more = format!("\n- and {} more", findings.len() - FINDINGS_MAX);
        text.push_str(&more);
    }
    text
}

/// What the coder is told of the verifier's findings.
pub(crate) fn findings(findings: &[Finding]) -> Message {
    let text = format!(
        "The machine's checks found this. Mend it, then answer with one short sentence and no \
         tool call:{}",
        finding_list(findings)
    );
    Message::User { content: text.into() }
}

/// What a planner or reviewer is told when its answer could not be used.
pub(crate) fn problems(problems: &[String]) -> Message {
    let mut text = "Your answer cannot be used:".to_owned();
    for problem in problems {
        text.push_str("\n- ");
        text.push_str(problem);
    }
    text.push_str("\nAnswer again, whole, with JSON only.");
    Message::User { content: text.into() }
}

/// What a model is told when its answer was cut.
pub(crate) fn truncated(output_tokens_max: u32) -> Message {
    let text = format!(
        "Your answer was cut off at {output_tokens_max} tokens, and nothing of it was carried \
         out. Go on in smaller steps: shorter answers, one tool call at a time, large files in parts."
    );
    Message::User { content: text.into() }
}

/// What the coder is told when it repeats itself.
pub(crate) fn repeated_call(times: u32) -> String {
    format!(
        "You have made this same call {times} times and its result does not change. Do something \
         else, or answer without a tool call if the task is done."
    )
}

/// What an agent is told when it calls a tool that its step does not offer.
pub(crate) fn not_offered(tool: &str, offered: &[String]) -> String {
    format!("{tool} is not among your tools: {}", offered.join(", "))
}

/// What the coder is told when a file could not be written.
pub(crate) fn write_failed(path: &str, message: &str) -> String {
    format!("{path} was not written: {message}")
}

/// What the coder is told when a person decided against a write.
pub(crate) fn write_skipped(path: &str) -> String {
    format!(
        "{path} was not written: somebody else changed it and wants it kept. Read it before you \
         change it."
    )
}

/// What the coder is told of a command whose outcome a crash hid.
pub(crate) fn command_unknown(argv: &[String]) -> String {
    format!(
        "The machine stopped while this ran: {}. Whether it finished is unknown, and it was not \
         run again. Check before you rely on it.",
        argv.join(" ")
    )
}

/// A to-do list as the coder sees it.
pub(crate) fn todo(items: &[TodoItem]) -> String {
    if items.is_empty() {
        return "The to-do list is empty.".to_owned();
    }
    let line = |item: &TodoItem| format!("[{}] {}", if item.done { 'x' } else { ' ' }, item.text);
    items.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// A verdict's name, for people.
pub fn verdict_name(verdict: Verdict) -> &'static str {
    trail::verdict(verdict)
}

/// A finding on one line, for people and models.
pub fn finding_line(finding: &Finding) -> String {
    trail::finding_line(finding)
}
