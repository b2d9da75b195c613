//! A run in a world where everything goes well: every task is coded with one file written, checked
//! and approved.

use std::fmt;

use lao_event::{
    Content, EffectId, Event, GitSettings, Limits, OnUnknown, Role, RoleSettings, RunId, Settings,
    ShellAccess, VerifierSettings, WorkspaceSettings, codec,
    latest::{
        Answer, CheckReport, CommitOutcome, Definition, FileWriteOutcome, FinishReason,
        ModelOutcome, PlanDefinition, Timing, ToolCall, Usage, WorkspaceOutcome,
    },
};
use lao_journal::Draft;
use lao_kernel::{
    Command, Effect, EffectKey, EffectWork, Start, State, ToolPlan, handle, outstanding,
};

/// Tasks of one answer of the planner.
const CHUNK_TASKS: usize = 500;
/// Events of a task are more than this, planning it included.
const TASK_EVENTS_MIN: usize = 15;
/// Bytes of a written file.
const FILE_BYTES: usize = 600;

/// How long the texts in the events are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Texts {
    /// A few words: what an event costs apart from what models say.
    Small,
    /// A file of 600 bytes, its diff, descriptions of a few lines.
    Whole,
}

impl fmt::Display for Texts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Small => "texts of a few words",
            Self::Whole => "texts as in a run with files of 600 bytes",
        })
    }
}

impl Texts {
    fn text(self, bytes: usize) -> String {
        match self {
            Self::Small => "Do it.".to_owned(),
            Self::Whole => "A line of some forty bytes, as files have\\n".repeat(bytes / 42 + 1),
        }
    }
}

/// Shows the first events of a run to `visit`, this many.
pub(crate) fn events(texts: Texts, count: usize, mut visit: impl FnMut(&Event)) {
    let mut state = State::new();
    let mut next = Some(start(count.div_ceil(TASK_EVENTS_MIN * CHUNK_TASKS)));
    let mut left = count;
    while let Some(command) = next.take_if(|_| left > 0) {
        let decision = handle(&mut state, command).expect("it is awaited");
        decision.events.iter().take(left).for_each(&mut visit);
        left -= left.min(decision.events.len());
        next = outstanding(&state).next().map(|effect| answer(texts, &effect));
    }
}

/// An event as a record.
pub(crate) fn draft(event: &Event) -> Draft {
    let encoded = codec::encode(event).expect("it fits a record");
    Draft {
        event_type: encoded.event_type,
        schema_version: encoded.schema_version,
        flags: 0,
        wall_time_ms: 1_795_195_597_123,
        monotonic_ns: 1,
        cause: 0,
        payload: encoded.payload,
    }
}

/// A record that nobody decodes.
pub(crate) fn unread() -> Draft {
    Draft {
        event_type: 1,
        schema_version: 1,
        flags: 0,
        wall_time_ms: 1_795_195_597_123,
        monotonic_ns: 1,
        cause: 0,
        payload: Vec::new(),
    }
}

fn start(chunks: usize) -> Command {
    let plan = PlanDefinition {
        title: "Bench".to_owned(),
        path: "plans/bench.md".to_owned(),
        text: Content::from("# Bench"),
        chunks: vec![Content::from("# Part"); chunks],
    };
    Command::Start(Box::new(Start {
        run: RunId::new(1_795_195_597_123, 7),
        program: "0.1.0".to_owned(),
        definition: Definition::Plan(plan),
        settings: settings(),
        seed: 42,
    }))
}

fn settings() -> Settings {
    let role = |role: Role| RoleSettings {
        role,
        endpoint: "studio".to_owned(),
        model: format!("{role}-model"),
        context_tokens: 32_768,
        output_tokens_max: 8_192,
        temperature_milli: None,
        top_p_milli: None,
        repetition_penalty_milli: None,
        seed: None,
        tools: true,
        json_schema: true,
        instructions: None,
    };
    Settings {
        roles: [Role::Planner, Role::Coder, Role::Reviewer].map(role).to_vec(),
        limits: Limits::default(),
        verifier: VerifierSettings { commands: Vec::new(), placeholders: true },
        git: GitSettings { enabled: true, ..GitSettings::default() },
        workspace: WorkspaceSettings::Folder { path: "/work/app".to_owned() },
        shell: ShellAccess::Off,
        shell_timeout_ms: 120_000,
        on_unknown: OnUnknown::Ask,
        tools: Vec::new(),
    }
}

/// What the world says to an effect.
fn answer(texts: Texts, effect: &Effect<'_>) -> Command {
    let step = effect.step.map_or(0, |step| step.0 as usize);
    let id = match effect.key {
        EffectKey::Prepare(call) => {
            return Command::ToolPrepared {
                call,
                tool: "file_write".to_owned(),
                repair: None,
                plan: ToolPlan::Write {
                    path: path(step),
                    before: None,
                    after: Some(texts.text(FILE_BYTES)),
                    reply: "Created the file (14 lines, 600 bytes).".to_owned(),
                },
            };
        }
        EffectKey::Started(id, _) => id,
    };
    match effect.work {
        EffectWork::Workspace => Command::WorkspaceEnded {
            effect: id,
            outcome: WorkspaceOutcome::Ready { base: None, dirty: Vec::new() },
        },
        EffectWork::Model { role, messages, .. } => {
            let written = messages.len() > 2;
            model_ended(id, said(texts, role, (step, written)))
        }
        EffectWork::Write { .. } => {
            Command::FileWriteEnded { effect: id, outcome: FileWriteOutcome::Written }
        }
        EffectWork::Checks { steps, .. } => Command::ChecksEnded {
            effect: id,
            reports: steps.iter().map(|step| report(texts, *step)).collect(),
            commands: Vec::new(),
        },
        EffectWork::Commit(_) => {
            Command::CommitEnded { effect: id, outcome: CommitOutcome::Made { id: "0".repeat(40) } }
        }
        EffectWork::Prepare { .. } | EffectWork::Read { .. } | EffectWork::Command { .. } => {
            unreachable!("the coder only writes")
        }
    }
}

fn path(step: usize) -> String {
    format!("parts/{:03}/part-{step:05}.txt", step / 25)
}

fn report(texts: Texts, step: lao_event::StepId) -> CheckReport {
    let diff = texts.text(FILE_BYTES).into();
    CheckReport { step, findings: Vec::new(), diff }
}

fn said(texts: Texts, role: Role, (step, written): (usize, bool)) -> Answer {
    let text = |text: String| Answer {
        text: text.into(),
        reasoning: Content::empty(),
        tool_calls: Vec::new(),
        finish: FinishReason::Stop,
        usage: Usage { prompt_tokens: 1000, cached_tokens: 900, completion_tokens: 100 },
        timing: Timing { first_token_ms: 120, total_ms: 4_000 },
        model: "bench".to_owned(),
        server: None,
    };
    match role {
        Role::Planner => text(planned(texts, step)),
        Role::Reviewer => {
            text(r#"{"verdict":"approved","summary":"It does what the task says."}"#.to_owned())
        }
        Role::Coder if written => text("The file is written.".to_owned()),
        Role::Coder | Role::Analyst | Role::Pilot | Role::Embedder | Role::Transcriber => {
            let content = texts.text(FILE_BYTES);
            let arguments = format!(r#"{{"path":"{}","content":"{content}"}}"#, path(step));
            let call = ToolCall {
                id: "call_1".to_owned(),
                name: "file_write".to_owned(),
                arguments: arguments.into(),
            };
            Answer {
                tool_calls: vec![call],
                finish: FinishReason::ToolCalls,
                ..text(String::new())
            }
        }
    }
}

fn planned(texts: Texts, chunk: usize) -> String {
    let task = |index: usize| {
        let task = chunk * CHUNK_TASKS + index;
        let (path, description) = (path(task), texts.text(150));
        format!(
            r#"{{"id":"p{task}","title":"Part {task}","description":"{description}","files":["{path}"],"depends_on":[],"acceptance":["{path} exists"]}}"#
        )
    };
    let tasks: Vec<String> = (0..CHUNK_TASKS).map(task).collect();
    format!(r#"{{"tasks":[{}]}}"#, tasks.join(","))
}

fn model_ended(effect: EffectId, answer: Answer) -> Command {
    Command::ModelCallEnded {
        effect,
        outcome: ModelOutcome::Answered(answer),
        failed_tries: Vec::new(),
    }
}
