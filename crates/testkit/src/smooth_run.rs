//! A long run in a world where everything goes well, without a world: every task is coded with one
//! file written, checked and approved. For benchmarks; only the kernel's state is held in memory.

use std::fmt;

use lao_event::{
    Content, EffectId, Role, RunId,
    latest::{
        Answer, CheckReport, CommitOutcome, Definition, FileWriteOutcome, FinishReason,
        ModelOutcome, PlanDefinition, Timing, ToolCall, Usage, WorkspaceOutcome,
    },
};
use lao_history::{RunFolder, RunsFolder, Stamp, recorded};
use lao_journal::{Draft, Genesis, Journal, Options};
use lao_kernel::{
    Command, Decision, Effect, EffectKey, EffectWork, Start, State, ToolPlan, handle, outstanding,
};

use crate::settings;

/// Tasks of one answer of the planner.
const CHUNK_TASKS: usize = 500;
/// Events of a task are more than this, planning it included.
const TASK_EVENTS_MIN: usize = 15;
/// Events of one commit while the journal is made.
const BATCH: usize = 10_000;
/// Bytes of a written file.
const FILE_BYTES: usize = 600;

/// How long the texts in the events are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Texts {
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

/// A run in its journal, as whoever wrote it holds it: dropping it closes the journal.
pub struct Smooth {
    /// Where it lies.
    pub folder: RunFolder,
    /// Its events: as many as were asked for, and those that belong to the same decision.
    pub events: usize,
    /// Bytes of their payloads.
    pub payload_bytes: u64,
    /// Its writer.
    pub journal: Journal,
}

/// Writes a run of so many events into a project that has none.
///
/// # Panics
///
/// When the disk refuses.
pub fn smooth_run(project: &RunsFolder, texts: Texts, events: usize) -> Smooth {
    let run = RunId::new(1_795_195_597_123, 7);
    let folder = project.run(&run);
    std::fs::create_dir_all(&folder.path).expect("the folder is writable");
    let genesis = Genesis { run: run.to_string(), started: Vec::new() };
    let journal = Journal::create(&folder.path, genesis, &Options::default()).expect("it is made");
    let contents = project.contents().expect("the folder is writable");
    let mut smooth = Smooth { folder, events: 0, payload_bytes: 0, journal };
    let mut drafts: Vec<Draft> = Vec::with_capacity(BATCH);
    decisions(texts, events, |decision| {
        contents.put_all(&decision.blobs).expect("there is space");
        let stamp = Stamp { wall_ms: 1_795_195_597_123, monotonic_ns: 1, noted: false };
        for event in recorded(decision.events, stamp, (smooth.events as u64, 0)) {
            let draft = event.draft().expect("it fits a record");
            smooth.payload_bytes += draft.payload.len() as u64;
            smooth.events += 1;
            drafts.push(draft);
        }
        if drafts.len() >= BATCH {
            smooth.journal.append(&drafts).expect("it commits");
            drafts.clear();
        }
    });
    smooth.journal.append(&drafts).expect("it commits");
    smooth
}

/// Shows the decisions of a run to `visit`, until they have so many events.
fn decisions(texts: Texts, events: usize, mut visit: impl FnMut(Decision)) {
    let mut state = State::new();
    let mut next = start(events.div_ceil(TASK_EVENTS_MIN * CHUNK_TASKS) + 1);
    let mut shown = 0;
    while shown < events {
        let decision = handle(&mut state, next).expect("it is awaited");
        shown += decision.events.len();
        visit(decision);
        let effect = outstanding(&state).next().expect("the run is long enough");
        next = answer(texts, &effect);
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
        steps: Vec::new(),
        definition: Definition::Plan(plan),
        settings: settings::of("studio"),
        seed: 42,
    }))
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
        EffectKey::Look(..) => unreachable!("plans have no steps of workflows"),
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
        EffectWork::Look | EffectWork::Action(_) => {
            unreachable!("plans have no steps of workflows")
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
