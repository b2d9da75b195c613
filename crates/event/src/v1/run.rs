//! A run's own life: started, resumed, stopping, stopped, ended.

use bincode::{Decode, Encode};
use serde::{Deserialize, Serialize};

use super::{Contents, FlowValue, without_contents};
use crate::{Content, EffectId, Hash, RunId, StepId};

/// The run exists: what it is to do and with which settings.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
pub struct RunStarted {
    /// The run's identity.
    pub run: RunId,
    /// Version of the program that started it.
    pub program: String,
    /// What is to be done.
    pub definition: Definition,
    /// [`crate::Settings`] as JSON.
    pub settings: Content,
    /// Source of everything that looks random within the run.
    pub seed: u64,
}

/// What a run executes.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Definition {
    /// A Markdown plan.
    Plan(PlanDefinition),
    /// A workflow; its steps follow in `StepsAdded`.
    Flow(FlowDefinition),
}

impl Definition {
    /// What people call it.
    pub fn title(&self) -> &str {
        match self {
            Self::Plan(plan) => &plan.title,
            Self::Flow(flow) => &flow.title,
        }
    }

    /// The file, relative to the project.
    pub fn path(&self) -> &str {
        match self {
            Self::Plan(plan) => &plan.path,
            Self::Flow(flow) => &flow.path,
        }
    }

    /// The whole text of the file.
    pub fn text(&self) -> &Content {
        match self {
            Self::Plan(plan) => &plan.text,
            Self::Flow(flow) => &flow.text,
        }
    }
}

/// A workflow as it was when the run started.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
pub struct FlowDefinition {
    /// What people call it.
    pub title: String,
    /// The file, relative to the project; of a chain, its text.
    pub path: String,
    /// The whole text.
    pub text: Content,
    /// Its inputs, by name, in ascending order.
    pub inputs: Vec<FlowInput>,
    /// What set it off, as a JSON object: `kind`, and for a file `path`, `name`, `hash` and so on.
    pub trigger: String,
    /// What it gives, as a template; `None` for the output of its last step.
    pub output: Option<String>,
}

/// An input of a workflow.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
pub struct FlowInput {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: FlowValue,
}

/// A plan as it was when the run started.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
pub struct PlanDefinition {
    /// What people call it.
    pub title: String,
    /// The file, relative to the project.
    pub path: String,
    /// The whole text; its hash is the plan's identity.
    pub text: Content,
    /// The text cut at headings into pieces that fit the planner's window; at least one.
    pub chunks: Vec<Content>,
}

impl Contents for RunStarted {
    fn visit_contents(&mut self, visit: &mut dyn FnMut(&mut Content)) {
        let Self {
            run: _,
            program: _,
            definition,
            // Stays in place whatever its size: a run is folded without its blobs.
            settings: _,
            seed: _,
        } = self;
        match definition {
            Definition::Plan(PlanDefinition { title: _, path: _, text, chunks }) => {
                visit(text);
                chunks.iter_mut().for_each(visit);
            }
            Definition::Flow(FlowDefinition {
                title: _,
                path: _,
                text,
                inputs,
                trigger: _,
                output: _,
            }) => {
                visit(text);
                for FlowInput { name: _, value } in inputs {
                    value.visit_contents(visit);
                }
            }
        }
    }
}

/// A process took the run up again; what was in flight has an unknown outcome.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
pub struct RunResumed {
    /// Version of the program that resumed it.
    pub program: String,
    /// [`crate::Settings`] as JSON where they differ from those before.
    pub settings: Option<Content>,
}

/// The run starts nothing new; what is in flight may end.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
pub struct RunStopping {
    /// Why.
    pub reason: StopReason,
}

/// Nothing is in flight any more; the run can be resumed.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
pub struct RunStopped {
    /// Why.
    pub reason: StopReason,
}

/// The run was branched off another one, whose history is what is before this.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
pub struct RunForked {
    /// The run's identity from here on.
    pub run: RunId,
    /// The run it was branched off.
    pub parent: RunId,
    /// Position of the last event that both have.
    pub seq: u64,
    /// The parent's chain hash there.
    pub head: Hash,
    /// Version of the program that branched it off.
    pub program: String,
    /// [`crate::Settings`] from here on, as JSON.
    pub settings: Content,
    /// Tasks that are done again as if they had never begun, in ascending order.
    pub redone: Vec<StepId>,
}

/// Why a run stopped before its end.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "reason")]
pub enum StopReason {
    /// A person or the system interrupted it.
    Interrupted,
    /// A model server stayed away for longer than the settings allow.
    ServerUnreachable {
        /// The endpoint's name.
        endpoint: String,
        /// What was tried and what came back.
        message: String,
    },
    /// A model server does not have a model the run needs.
    ModelMissing {
        /// The endpoint's name.
        endpoint: String,
        /// The server's own words.
        message: String,
    },
    /// Nothing can go on before a person answers.
    Parked,
    /// One effect was lost more often than the settings allow.
    EffectLostTooOften {
        /// Which.
        effect: EffectId,
    },
    /// The workspace cannot be made ready.
    WorkspaceUnusable {
        /// Why.
        message: String,
    },
    /// A person cancelled it; the run ends when nothing is in flight.
    Cancelled,
}

/// The run is over.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
pub struct RunEnded {
    /// How it ended.
    pub outcome: RunOutcome,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunOutcome {
    /// Every step succeeded.
    Succeeded,
    /// At least one step failed.
    Failed,
    /// A person cancelled it.
    Cancelled,
}

without_contents!(RunForked, RunResumed, RunStopping, RunStopped, RunEnded);
