//! Ten thousand tasks: the work grows with their number, and nothing recurses.

use lao_event::{
    Content, EffectId, Event, Limits, Role, codec,
    latest::{
        CheckReport, CommitOutcome, Definition, FailureKind, FinishReason, ModelFailure,
        ModelOutcome, PlanDefinition, RunOutcome, WorkspaceOutcome,
    },
};
use lao_kernel::{
    Command, Effect, EffectKey, EffectWork, Retry, RunPhase, State, handle, outstanding,
};
use serde_json::json;

use crate::{answers::said, setup::Setup};

/// Tasks of one answer of the planner.
const TASKS_PER_CHUNK: usize = 1_000;

/// What a run came to.
struct Tally {
    state: State,
    events: usize,
    /// The most events that one command led to, planning left out.
    burst_max: usize,
    /// The most effects outstanding at once.
    outstanding_max: usize,
}

/// A plan of many tasks; in a chain each needs the one before.
#[derive(Clone, Copy)]
struct Plan {
    tasks: usize,
    chain: bool,
    wave: bool,
    git: bool,
}

impl Plan {
    fn start(self) -> Command {
        let limits = Limits { parallel_tasks_max: 4, ..Limits::default() };
        let setup = Setup { wave: self.wave, git: self.git, limits, ..Setup::default() };
        let Command::Start(mut start) = setup.start() else { panic!("it starts") };
        let chunks = self.tasks.div_ceil(TASKS_PER_CHUNK);
        start.definition = Definition::Plan(PlanDefinition {
            title: "Large".to_owned(),
            path: "plans/large.md".to_owned(),
            text: Content::from("# Large"),
            chunks: vec![Content::from("# Part"); chunks],
        });
        Command::Start(start)
    }

    fn answer(self, chunk: usize) -> String {
        let last = self.tasks.min((chunk + 1) * TASKS_PER_CHUNK);
        let tasks: Vec<_> = (chunk * TASKS_PER_CHUNK..last)
            .map(|index| {
                let needs = (self.chain && index > 0).then(|| format!("Task {}", index - 1));
                json!({"title": format!("Task {index}"), "description": "Do it.",
                    "depends_on": needs.into_iter().collect::<Vec<_>>()})
            })
            .collect();
        json!({ "tasks": tasks }).to_string()
    }
}

/// The least a friendly world says.
fn friendly(plan: Plan, effect: &Effect<'_>, first_fails: bool) -> Command {
    let EffectKey::Started(id, _) = effect.key else { panic!("the coder calls no tools") };
    match effect.work {
        EffectWork::Workspace => Command::WorkspaceEnded {
            effect: id,
            outcome: WorkspaceOutcome::Ready { base: None, dirty: Vec::new() },
        },
        EffectWork::Model { role, .. } => {
            let step = effect.step.expect("a model call belongs to a step").0 as usize;
            let chunks = plan.tasks.div_ceil(TASKS_PER_CHUNK);
            model_ended(
                id,
                match role {
                    Role::Planner => plan.answer(step),
                    Role::Reviewer => "{\"verdict\":\"approved\"}".to_owned(),
                    Role::Coder if first_fails && step == chunks => String::new(),
                    Role::Coder
                    | Role::Analyst
                    | Role::Pilot
                    | Role::Embedder
                    | Role::Transcriber => "Done.".to_owned(),
                },
            )
        }
        EffectWork::Checks { steps, .. } => Command::ChecksEnded {
            effect: id,
            reports: steps
                .iter()
                .map(|step| CheckReport {
                    step: *step,
                    findings: Vec::new(),
                    diff: Content::Inline("+line\n".repeat(200)),
                })
                .collect(),
            commands: Vec::new(),
        },
        EffectWork::Commit(_) => {
            Command::CommitEnded { effect: id, outcome: CommitOutcome::Made { id: "0".repeat(40) } }
        }
        EffectWork::Prepare { .. }
        | EffectWork::Read { .. }
        | EffectWork::Write { .. }
        | EffectWork::Command { .. } => panic!("the coder calls no tools"),
        EffectWork::Look | EffectWork::Action(_) => {
            unreachable!("plans have no steps of workflows")
        }
    }
}

/// An answer; an empty one stands for a refusal.
fn model_ended(effect: EffectId, text: String) -> Command {
    let outcome = if text.is_empty() {
        ModelOutcome::Failed(ModelFailure {
            kind: FailureKind::Refused,
            message: "HTTP 400".to_owned(),
        })
    } else {
        ModelOutcome::Answered(said(text, FinishReason::Stop))
    };
    Command::ModelCallEnded { effect, outcome, failed_tries: Vec::new() }
}

impl Tally {
    fn send(&mut self, command: Command) {
        let decision = handle(&mut self.state, command).expect("it is awaited");
        self.events += decision.events.len();
        let plans = decision.events.iter().any(|event| matches!(event, Event::StepsAdded(_)));
        let skips = matches!(decision.events.last(), Some(Event::RunEnded(_)));
        if !plans && !skips {
            self.burst_max = self.burst_max.max(decision.events.len());
        }
        for event in &decision.events {
            codec::encode(event).expect("it fits a record");
        }
    }

    fn go_on(&mut self, plan: Plan, first_fails: bool) {
        loop {
            let Some(effect) = outstanding(&self.state).next() else { return };
            let command = friendly(plan, &effect, first_fails);
            self.outstanding_max = self.outstanding_max.max(outstanding(&self.state).count());
            self.send(command);
        }
    }
}

fn run(plan: Plan, first_fails: bool) -> Tally {
    let mut tally = Tally { state: State::new(), events: 0, burst_max: 0, outstanding_max: 0 };
    tally.send(plan.start());
    tally.go_on(plan, first_fails);
    assert!(tally.state.audit().is_empty());
    tally
}

fn phase(tally: &Tally) -> &RunPhase {
    &tally.state.run().expect("it has started").phase
}

#[test]
fn events_and_effects_grow_with_the_tasks_and_not_faster() {
    for (wave, git) in [(false, false), (true, true)] {
        let [small, large] =
            [1_000, 10_000].map(|tasks| run(Plan { tasks, chain: false, wave, git }, false));
        for tally in [&small, &large] {
            assert_eq!(phase(tally), &RunPhase::Ended(RunOutcome::Succeeded));
        }
        // Planning and the end are a few events for a thousand tasks.
        let per_task = |tally: &Tally, tasks: usize| (tally.events + tasks / 2) / tasks;
        assert_eq!(per_task(&small, 1_000), per_task(&large, 10_000));
        assert!(large.outstanding_max <= 4 + 2, "places, checks, a commit");
        // A green wave lets its tasks go on, four at a time.
        assert_eq!(large.burst_max, small.burst_max);
        assert!(large.burst_max < 16, "{}", large.burst_max);
    }
}

#[test]
fn a_chain_of_ten_thousand_fails_and_is_mended() {
    let plan = Plan { tasks: 10_000, chain: true, wave: false, git: false };
    let mut tally = run(plan, true);
    assert_eq!(phase(&tally), &RunPhase::Ended(RunOutcome::Failed));
    let over = tally.state.steps().iter().filter(|step| step.has_succeeded()).count();
    assert_eq!(over, 10, "only the planning succeeded");
    tally.send(Command::Resume {
        program: "0.1.1".to_owned(),
        settings: None,
        retry: Some(Retry::Failed),
    });
    tally.go_on(plan, false);
    assert_eq!(phase(&tally), &RunPhase::Ended(RunOutcome::Succeeded));
    assert!(tally.state.audit().is_empty());
}
