//! What a diff says: typed, in order, and the same from either side.

mod action;

use lao_event::{
    Role, RunId,
    latest::{CommitPhase, FailureKind, Finding, FinishReason, StartCause, Verdict},
};

use super::{
    align::{Pair, Presence},
    record::{AttemptId, RunEnd, Speaker, StepEnd, Tokens, Totals},
    text::TextDiff,
};

pub use action::{
    ActionDiff, ActionKind, ActionLine, ActionResult, OutputDiff, OutputOrigin, ValueDiff,
    ValueForm,
};

/// How two runs differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunDiff {
    /// The runs.
    pub runs: Pair<RunHead>,
    /// Where they part first; `None` when they do not.
    pub first: Option<Divergence>,
    /// What differs of the runs as a whole.
    pub changes: Vec<Change>,
    /// The steps that differ, in the order in which they begin to.
    pub steps: Vec<StepDiff>,
}

/// A run in a few words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunHead {
    /// The run.
    pub run: RunId,
    /// What people call it.
    pub title: String,
    /// Position of the last event that was compared.
    pub last_seq: u64,
    /// When its first event happened, milliseconds since 1970.
    pub started_ms: i64,
    /// How it ended.
    pub end: RunEnd,
    /// What it took.
    pub totals: Totals,
}

/// Where two runs part first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Divergence {
    /// Key of the step; `None` where the runs as a whole differ.
    pub step: Option<String>,
    /// The attempt; `None` where the step as a whole differs.
    pub attempt: Option<AttemptId>,
    /// What differs.
    pub change: Change,
}

/// A step that differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepDiff {
    /// Its key.
    pub key: String,
    /// The step in either run.
    pub sides: Pair<Option<StepHead>>,
    /// What differs of the step as a whole.
    pub changes: Vec<Change>,
    /// The attempts that differ, in order.
    pub attempts: Vec<AttemptDiff>,
}

/// A step in a few words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepHead {
    /// What people call it.
    pub title: String,
    /// Attempts that began.
    pub attempts: u64,
    /// How it ended.
    pub end: Option<StepEnd>,
    /// Tokens of its answers.
    pub tokens: Tokens,
    /// Milliseconds from its first start to its last event.
    pub elapsed_ms: u64,
}

/// An attempt that differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttemptDiff {
    /// Which.
    pub id: AttemptId,
    /// In which run there is such an attempt.
    pub presence: Presence,
    /// What differs, in order; nothing where only one run has the attempt and nothing is in it.
    pub changes: Vec<Change>,
}

/// One thing that differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Where.
    pub place: Place,
    /// What.
    pub what: What,
}

/// Positions of the events where two runs part; one at least is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// In either run.
    pub seqs: Pair<Option<u64>>,
}

/// One answer of a model: with whom, and the how-manieth of the conversation, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Turn {
    /// The role.
    pub role: Role,
    /// Its number in either run.
    pub numbers: Pair<Option<u64>>,
}

/// What differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// The plan; of runs of which not both have one, plan or workflow.
    Plan(TextDiff),
    /// The workflow.
    Workflow(TextDiff),
    /// What a workflow was given: the input's name.
    Input(String, ValueDiff),
    /// What the runs were told, as JSON.
    Settings(TextDiff),
    /// How the runs ended.
    RunEnd(Pair<RunEnd>),
    /// A step is in one run only.
    Step(Presence),
    /// What a step is called.
    Title(Pair<String>),
    /// What a step is to do.
    Description(TextDiff),
    /// How a step of a workflow is defined, as JSON.
    Definition(TextDiff),
    /// The item that a step is about.
    Item(ValueDiff),
    /// What a step needs, leaves, deletes or must hold, an entry a line.
    Demands(Demand, TextDiff),
    /// How a step ended.
    StepEnd(Pair<Option<StepEnd>>),
    /// An attempt is in one run only.
    Attempt(Presence),
    /// Why there is an attempt.
    Cause(Pair<StartCause>),
    /// What a model was told.
    Prompt(Role, Speaker, TextDiff),
    /// How a model was asked, and which one answered.
    Request(Turn, Vec<FieldChange>),
    /// Whether a model answered, and why not.
    Outcome(Turn, Pair<TurnOutcome>),
    /// What a model thought.
    Reasoning(Turn, TextDiff),
    /// What a model said.
    Answer(Turn, TextDiff),
    /// Why a model stopped.
    Finish(Turn, Pair<FinishReason>),
    /// A tool call.
    Call(Box<CallDiff>),
    /// What a step of a workflow does besides asking models.
    Action(Box<ActionDiff>),
    /// What a step gives, where that is not simply what an action or a model gave.
    Output(Box<OutputDiff>),
    /// What a file held before it was written first.
    Before(String, TextDiff),
    /// A file, as a tool call or the whole attempt leaves it; presence says whether it was written.
    File(String, TextDiff),
    /// A round of checks is in one run only; it has this number and so many findings.
    Checks(Presence, u64, u64),
    /// How a command of the checks ended: its name, and its output.
    CheckCommand(String, Pair<Option<CallOutcome>>, Option<TextDiff>),
    /// A finding that one run has.
    Finding(Presence, FoundBy, Finding),
    /// A verdict.
    Verdict(Pair<Option<Verdict>>),
    /// A verdict's words.
    Summary(TextDiff),
    /// Why an answer could not be used, a sentence a line.
    Rejected(TextDiff),
    /// A commit.
    Commit(CommitPhase, Pair<Option<CommitLine>>),
    /// Tokens of an attempt's answers.
    Tokens(Pair<Tokens>),
}

/// What a step's definition lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Demand {
    /// Steps that must succeed first.
    Needs,
    /// Files that must exist afterwards.
    Files,
    /// Files that must not.
    Deletes,
    /// What must hold.
    Acceptance,
}

/// One setting of a model call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldChange {
    /// Which.
    pub field: RequestField,
    /// Its values; `None` where it is not set.
    pub values: Pair<Option<String>>,
}

/// The settings of a model call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RequestField {
    /// The endpoint's name.
    Endpoint,
    /// The model's key.
    Model,
    /// The form of the answer.
    Format,
    /// Whether tools are offered.
    Tools,
    /// The most tokens of an answer.
    OutputTokensMax,
    /// The context window.
    ContextTokens,
    /// Temperature.
    Temperature,
    /// Nucleus sampling.
    TopP,
    /// Repetition penalty.
    RepetitionPenalty,
    /// Sampling seed.
    Seed,
    /// The model as the server names it.
    ServedModel,
    /// The server's build.
    Server,
}

/// What came of asking a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TurnOutcome {
    /// It was not asked, or not again.
    NotAsked,
    /// It was asked, and there is no word of it yet.
    Waiting,
    /// It answered.
    Answered,
    /// It did not.
    Failed(FailureKind, String),
}

/// A tool call that differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallDiff {
    /// The answer that has it.
    pub turn: Turn,
    /// The call in either run.
    pub sides: Pair<Option<CallLine>>,
    /// Its arguments, where they differ and no file tells.
    pub arguments: Option<TextDiff>,
    /// What the model was told.
    pub reply: Option<TextDiff>,
}

/// A tool call in a few words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallLine {
    /// The tool.
    pub tool: String,
    /// The beginning of its arguments, or the file it writes.
    pub arguments: String,
    /// The rule that allowed or denied it.
    pub rule: Option<String>,
    /// What came of it.
    pub outcome: CallOutcome,
}

/// What came of a tool call or command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallOutcome {
    /// There is no word of it.
    Open,
    /// A rule denied it.
    Denied,
    /// It could not be carried out as it was.
    Invalid,
    /// It did what it should.
    Succeeded,
    /// It did not.
    Failed,
    /// Somebody else had changed the file.
    Conflict,
    /// It ended with this code.
    Exited(i32),
    /// It took too long.
    TimedOut,
    /// It could not be started.
    NotStarted,
    /// A crash hid how it ended.
    Unknown,
}

/// Who found something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FoundBy {
    /// The verifier.
    Verifier,
    /// A reviewer.
    Reviewer,
}

/// A commit in a few words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitLine {
    /// First line of its message.
    pub subject: String,
    /// What came of it.
    pub outcome: CommitResult,
}

/// What came of a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum CommitResult {
    /// There is no word of it.
    Open,
    /// It was made.
    Made,
    /// There was nothing to record.
    Unchanged,
    /// It could not be made.
    Failed,
}

impl RunDiff {
    /// Nothing differs.
    pub const fn is_empty(&self) -> bool {
        self.first.is_none()
    }

    /// What differs, put in order.
    pub(super) fn new(
        runs: Pair<RunHead>,
        mut changes: Vec<Change>,
        mut steps: Vec<StepDiff>,
    ) -> Self {
        sort(&mut changes);
        steps.sort_by(|one, other| {
            let rank = |step: &StepDiff| step.first().map(|(_, change)| change.rank());
            rank(one).cmp(&rank(other)).then_with(|| one.key.cmp(&other.key))
        });
        let first = first(&changes, &steps);
        Self { runs, first, changes, steps }
    }

    /// The other way round.
    #[must_use]
    pub fn swapped(self) -> Self {
        let Self { runs, first: _, changes, steps } = self;
        let changes = changes.into_iter().map(Change::swapped).collect();
        Self::new(runs.swapped(), changes, steps.into_iter().map(StepDiff::swapped).collect())
    }
}

/// Where runs part first: of the runs as wholes, or of the steps.
fn first(changes: &[Change], steps: &[StepDiff]) -> Option<Divergence> {
    let own = changes.first().map(|change| (None, None, change));
    let of_steps = steps.iter().filter_map(|step| {
        let (attempt, change) = step.first()?;
        Some((Some(&step.key), attempt, change))
    });
    own.into_iter().chain(of_steps).min_by_key(|(step, _, change)| (change.rank(), *step)).map(
        |(step, attempt, change)| Divergence {
            step: step.cloned(),
            attempt,
            change: change.clone(),
        },
    )
}

impl StepDiff {
    fn swapped(self) -> Self {
        let Self { key, sides, changes, attempts } = self;
        let attempts = attempts.into_iter().map(|attempt| AttemptDiff {
            id: attempt.id,
            presence: attempt.presence.swapped(),
            changes: swapped(attempt.changes),
        });
        Self {
            key,
            sides: sides.swapped(),
            changes: swapped(changes),
            attempts: attempts.collect(),
        }
    }

    /// Everything that differs of it.
    pub fn all_changes(&self) -> impl Iterator<Item = (Option<AttemptId>, &Change)> {
        let own = self.changes.iter().map(|change| (None, change));
        let attempts = self
            .attempts
            .iter()
            .flat_map(|attempt| attempt.changes.iter().map(|change| (Some(attempt.id), change)));
        own.chain(attempts)
    }

    /// What differs first of it.
    pub(super) fn first(&self) -> Option<(Option<AttemptId>, &Change)> {
        self.all_changes().min_by_key(|(_, change)| change.rank())
    }
}

/// Changes in their order, the other way round.
fn swapped(changes: Vec<Change>) -> Vec<Change> {
    let mut changes: Vec<Change> = changes.into_iter().map(Change::swapped).collect();
    sort(&mut changes);
    changes
}

/// Puts changes in order. Those that one run alone has at the same event keep theirs.
pub(super) fn sort(changes: &mut [Change]) {
    changes.sort_by_key(Change::rank);
}

/// Where a change stands among others.
pub(super) type Rank = (u64, u64, u8, Presence);

impl Change {
    pub(super) fn rank(&self) -> Rank {
        let Pair { a, b } = self.place.seqs;
        let presence = Presence::of(self.place.seqs).unwrap_or(Presence::Both);
        let (a, b) = (a.or(b).unwrap_or(0), b.or(a).unwrap_or(0));
        (a.min(b), a.max(b), self.what.rank(), presence)
    }

    fn swapped(self) -> Self {
        Self { place: Place { seqs: self.place.seqs.swapped() }, what: self.what.swapped() }
    }
}

impl Turn {
    fn swapped(self) -> Self {
        Self { role: self.role, numbers: self.numbers.swapped() }
    }
}

impl What {
    /// What comes first of an event's changes.
    const fn rank(&self) -> u8 {
        match self {
            Self::Plan(_) | Self::Workflow(_) | Self::Step(_) | Self::Attempt(_) => 0,
            Self::Settings(_) | Self::Input(..) | Self::Title(_) | Self::Cause(_) => 1,
            Self::Description(_) | Self::Definition(_) | Self::Item(_) | Self::Prompt(..) => 2,
            Self::Demands(..) | Self::Request(..) => 3,
            Self::Outcome(..) => 4,
            Self::Reasoning(..) => 5,
            Self::Answer(..) => 6,
            Self::Finish(..) => 7,
            Self::Rejected(_) => 8,
            Self::Call(_) | Self::Action(_) => 9,
            Self::Before(..) => 10,
            Self::File(..) | Self::Output(_) => 11,
            Self::Checks(..) => 12,
            Self::CheckCommand(..) => 13,
            Self::Verdict(_) => 14,
            Self::Summary(_) => 15,
            Self::Finding(..) => 16,
            Self::Commit(..) => 17,
            Self::Tokens(_) => 18,
            Self::StepEnd(_) => 19,
            Self::RunEnd(_) => 20,
        }
    }

    fn swapped(self) -> Self {
        match self {
            Self::Plan(text) => Self::Plan(text.swapped()),
            Self::Workflow(text) => Self::Workflow(text.swapped()),
            Self::Input(name, value) => Self::Input(name, value.swapped()),
            Self::Definition(text) => Self::Definition(text.swapped()),
            Self::Item(value) => Self::Item(value.swapped()),
            Self::Action(action) => Self::Action(Box::new(action.swapped())),
            Self::Output(output) => Self::Output(Box::new(output.swapped())),
            Self::Settings(text) => Self::Settings(text.swapped()),
            Self::RunEnd(ends) => Self::RunEnd(ends.swapped()),
            Self::Step(presence) => Self::Step(presence.swapped()),
            Self::Title(titles) => Self::Title(titles.swapped()),
            Self::Description(text) => Self::Description(text.swapped()),
            Self::Demands(demand, text) => Self::Demands(demand, text.swapped()),
            Self::StepEnd(ends) => Self::StepEnd(ends.swapped()),
            Self::Attempt(presence) => Self::Attempt(presence.swapped()),
            Self::Cause(causes) => Self::Cause(causes.swapped()),
            Self::Prompt(role, from, text) => Self::Prompt(role, from, text.swapped()),
            Self::Request(turn, fields) => Self::Request(
                turn.swapped(),
                fields.into_iter().map(FieldChange::swapped).collect(),
            ),
            Self::Outcome(turn, outcomes) => Self::Outcome(turn.swapped(), outcomes.swapped()),
            Self::Reasoning(turn, text) => Self::Reasoning(turn.swapped(), text.swapped()),
            Self::Answer(turn, text) => Self::Answer(turn.swapped(), text.swapped()),
            Self::Finish(turn, reasons) => Self::Finish(turn.swapped(), reasons.swapped()),
            Self::Call(call) => Self::Call(Box::new(call.swapped())),
            Self::Before(path, text) => Self::Before(path, text.swapped()),
            Self::File(path, text) => Self::File(path, text.swapped()),
            Self::Checks(presence, round, found) => Self::Checks(presence.swapped(), round, found),
            Self::CheckCommand(name, outcomes, output) => {
                Self::CheckCommand(name, outcomes.swapped(), output.map(TextDiff::swapped))
            }
            Self::Finding(presence, by, finding) => Self::Finding(presence.swapped(), by, finding),
            Self::Verdict(verdicts) => Self::Verdict(verdicts.swapped()),
            Self::Summary(text) => Self::Summary(text.swapped()),
            Self::Rejected(text) => Self::Rejected(text.swapped()),
            Self::Commit(phase, lines) => Self::Commit(phase, lines.swapped()),
            Self::Tokens(tokens) => Self::Tokens(tokens.swapped()),
        }
    }
}

impl FieldChange {
    fn swapped(self) -> Self {
        Self { field: self.field, values: self.values.swapped() }
    }
}

impl CallDiff {
    fn swapped(self) -> Self {
        let Self { turn, sides, arguments, reply } = self;
        Self {
            turn: turn.swapped(),
            sides: sides.swapped(),
            arguments: arguments.map(TextDiff::swapped),
            reply: reply.map(TextDiff::swapped),
        }
    }
}
