//! The audit: every index of a state, recomputed from its steps and effects and compared.
//!
//! Between two commands, what is due must be what the steps say; within the events of one
//! command it may be ahead or behind.

use std::collections::{BTreeMap, BTreeSet};

use lao_event::{
    EffectId, StepId,
    latest::{ParkReason, RunOutcome, SkipReason, StepDefinition, StepOutcome},
};

use crate::{
    answer::task_name,
    flow::{self, FlowPhase},
    run::{Run, RunPhase},
    state::{InFlightKind, Index, State},
    step::{self, Step, StepStatus, Work},
    talk::{self, Talk, TalkPhase},
    task::{TaskPhase, TaskWork},
};

/// What is not as it should be, a sentence each.
struct Problems(Vec<String>);

impl Problems {
    fn expect_same<T: PartialEq + std::fmt::Debug>(&mut self, what: &str, kept: &T, found: &T) {
        if kept != found {
            self.0.push(format!("{what}: the index has {kept:?}, the steps say {found:?}"));
        }
    }

    fn expect(&mut self, holds: bool, what: impl Fn() -> String) {
        if !holds {
            self.0.push(what());
        }
    }
}

impl State {
    /// Tasks that take up one of the places `parallel_tasks_max` grants.
    pub fn tasks_active(&self) -> usize {
        self.index.places.len()
    }

    /// Recomputes what `evolve` keeps up to date and says what differs; nothing when all is well.
    ///
    /// Meant for a state between two commands of a run that was not cancelled: that one leaves its
    /// steps as they were, with what they waited for given up. Costs time in proportion to the whole state.
    pub fn audit(&self) -> Vec<String> {
        let mut problems = Problems(Vec::new());
        self.audit_graph(&mut problems);
        problems.expect_same("names", &self.index.names, &self.task_names());
        let phase = self.run.as_ref().map(|run| &run.phase);
        if phase == Some(&RunPhase::Ended(RunOutcome::Cancelled)) {
            return problems.0;
        }
        self.audit_index(&mut problems);
        self.audit_places(&mut problems);
        self.audit_effects(&mut problems);
        self.audit_talks(&mut problems);
        problems.0
    }

    fn ids(&self) -> impl Iterator<Item = (StepId, &Step)> {
        let numbers = 0..u32::try_from(self.steps.len()).expect("fewer than 2^32 steps");
        numbers.map(StepId).zip(&self.steps)
    }

    fn steps_where(&self, holds: impl Fn(StepId, &Step) -> bool) -> BTreeSet<StepId> {
        self.ids().filter(|(id, step)| holds(*id, step)).map(|(id, _)| id).collect()
    }

    fn task_names(&self) -> BTreeMap<String, StepId> {
        let tasks = self.ids().filter(|(_, step)| step.is_task());
        tasks
            .flat_map(|(id, step)| [&step.key, &step.title].map(|name| (task_name(name), id)))
            .collect()
    }

    fn running_tasks(&self, holds: impl Fn(StepId, &TaskWork) -> bool) -> BTreeSet<StepId> {
        self.steps_where(|id, step| match &step.status {
            StepStatus::Running(Work::Task(work)) => holds(id, work),
            StepStatus::Running(Work::Planning(_) | Work::Flow(_))
            | StepStatus::Pending
            | StepStatus::Parked(..)
            | StepStatus::Ended(_) => false,
        })
    }

    fn has_effect(&self, id: StepId) -> bool {
        self.in_flight.values().any(|flight| flight.step == Some(id))
    }

    fn audit_graph(&self, problems: &mut Problems) {
        let mut dependents: BTreeMap<StepId, Vec<StepId>> = BTreeMap::new();
        for (id, step) in self.ids() {
            let found = self.keys.get(&step.key) == Some(&id);
            let replaced = self.is_replaced(id);
            problems.expect(found != replaced, || format!("key of {id}: replaced is {replaced}"));
            let over = matches!(step.status, StepStatus::Ended(_));
            problems.expect(over || !replaced, || format!("{id} is replaced and not over"));
            let unmet = step.needs.iter().filter(|need| !self.is_met(**need)).count();
            problems.expect_same(&format!("needs of {id}"), &(step.unmet as usize), &unmet);
            for need in &step.needs {
                dependents.entry(*need).or_default().push(id);
            }
        }
        for (id, step) in self.ids() {
            let found = dependents.remove(&id).unwrap_or_default();
            problems.expect_same(&format!("dependents of {id}"), &step.dependents, &found);
        }
    }

    /// Compares every index that follows from the steps; a new field does not compile before it
    /// is compared here, in [`Self::audit`], or in a function of its own.
    fn audit_index(&self, problems: &mut Problems) {
        let Index {
            ready,
            due,
            waiting,
            preparing,
            looking,
            doomed: _,
            checks,
            wave,
            commits,
            checking: _,
            committing: _,
            places: _,
            coding,
            parked,
            open,
            failed,
            skipped,
            red,
            names: _,
            tasks,
            begun,
            unplanned,
            under_way: _,
        } = &self.index;
        let pending = |step: &Step| matches!(step.status, StepStatus::Pending);
        let ended = |step: &Step| matches!(step.status, StepStatus::Ended(_));
        let count = |steps: BTreeSet<StepId>| u32::try_from(steps.len()).expect("few steps");
        let asks: BTreeSet<StepId> = due.union(waiting).copied().collect();
        let may_start = |step: &Step| pending(step) && step.unmet == 0 && !step.held;
        let is_parked = |step: &Step| matches!(step.status, StepStatus::Parked(..));
        let sets: [(&str, &BTreeSet<StepId>, BTreeSet<StepId>); 10] = [
            ("ready", ready, self.steps_where(|_, step| may_start(step))),
            ("due or waiting", &asks, self.steps_where(|id, step| self.has_to_ask(id, step))),
            ("looking", looking, self.steps_where(|id, step| self.looks(id, step))),
            ("preparing", preparing, self.steps_where(|id, step| self.prepares(id, step))),
            ("red", red, self.steps_where(|id, step| self.is_red(id, step))),
            ("wave", wave, self.running_tasks(|_, work| work.phase == TaskPhase::Wave)),
            ("coding", coding, self.running_tasks(|_, work| work.is_coding())),
            ("parked", parked, self.steps_where(|_, step| is_parked(step))),
            ("failed", failed, self.steps_where(|_, step| step.has_failed())),
            (
                "skipped",
                skipped,
                self.steps_where(|_, step| {
                    ended(step) && !step.has_failed() && !step.has_succeeded()
                }),
            ),
        ];
        for (name, kept, found) in sets {
            problems.expect_same(name, kept, &found);
        }
        self.audit_doomed(problems);
        let queues = [
            ("checks", checks, self.running_tasks(|id, work| self.waits_for_checks(id, work))),
            ("commits", commits, self.steps_where(|id, step| self.waits_for_commit(id, step))),
        ];
        for (name, kept, found) in queues {
            let as_set: BTreeSet<StepId> = kept.iter().copied().collect();
            problems.expect_same(name, &as_set, &found);
            problems.expect(as_set.len() == kept.len(), || format!("{name}: a step twice"));
        }
        let is_begun = |_: StepId, step: &Step| step.is_task() && step.attempt.0 > 0;
        let plans = |step: &Step| matches!(step.definition, StepDefinition::Planning { .. });
        let not_planned = self.steps_where(|_, step| plans(step) && !step.has_succeeded());
        problems.expect_same("open", open, &count(self.steps_where(|_, step| !ended(step))));
        problems.expect_same("tasks", tasks, &count(self.steps_where(|_, step| step.is_task())));
        problems.expect_same("begun", begun, &count(self.steps_where(is_begun)));
        problems.expect_same("unplanned", unplanned, &count(not_planned));
    }

    fn audit_doomed(&self, problems: &mut Problems) {
        let doomed = &self.index.doomed;
        let pending = |step: &Step| matches!(step.status, StepStatus::Pending);
        let found =
            self.steps_where(|id, step| pending(step) && step::first_failed(self, id).is_some());
        problems.expect_same("doomed", &doomed.keys().copied().collect(), &found);
        let culprits_failed = doomed.values().all(|step| self.at(*step).has_failed());
        problems.expect(culprits_failed, || format!("culprits that did not fail: {doomed:?}"));
    }

    fn looks(&self, id: StepId, step: &Step) -> bool {
        let running = matches!(step.status, StepStatus::Running(Work::Flow(_)));
        running && flow::needs_look(self, id)
    }

    fn prepares(&self, id: StepId, step: &Step) -> bool {
        let talk = match &step.status {
            StepStatus::Running(Work::Task(work)) if work.phase == TaskPhase::Coding => &work.talk,
            StepStatus::Running(Work::Flow(work)) => &work.talk,
            StepStatus::Running(Work::Task(_) | Work::Planning(_))
            | StepStatus::Pending
            | StepStatus::Parked(..)
            | StepStatus::Ended(_) => return false,
        };
        talk.phase == TalkPhase::Tools && !talk.calls.is_empty() && !self.has_effect(id)
    }

    fn waits_for_checks(&self, id: StepId, work: &TaskWork) -> bool {
        let checked = self.in_flight.values().any(|flight| match &flight.kind {
            InFlightKind::Checks { steps, .. } => steps.contains(&id),
            InFlightKind::Workspace
            | InFlightKind::Model { .. }
            | InFlightKind::Read { .. }
            | InFlightKind::Write { .. }
            | InFlightKind::Command { .. }
            | InFlightKind::Action(_)
            | InFlightKind::Commit(_) => false,
        });
        work.phase == TaskPhase::Checking && !checked
    }

    fn waits_for_commit(&self, id: StepId, step: &Step) -> bool {
        let due = match &step.status {
            StepStatus::Running(Work::Planning(work)) => work.planned,
            StepStatus::Running(Work::Task(work)) => {
                matches!(work.phase, TaskPhase::CodeCommit | TaskPhase::ReviewCommit)
            }
            StepStatus::Running(Work::Flow(_))
            | StepStatus::Pending
            | StepStatus::Parked(..)
            | StepStatus::Ended(_) => false,
        };
        due && !self.has_effect(id)
    }

    /// Places are taken and given up by events, so only their bounds can be recomputed.
    fn audit_places(&self, problems: &mut Problems) {
        let Index { due, waiting, places, .. } = &self.index;
        let mut may = self.running_tasks(|_, work| work.phase != TaskPhase::Wave);
        may.extend(self.steps_where(|id, step| {
            let running = matches!(step.status, StepStatus::Running(Work::Flow(_)));
            running && self.spec(id).is_some_and(flow::takes_place)
        }));
        problems.expect(places.is_subset(&may), || format!("places: {places:?} of {may:?}"));
        problems.expect(waiting.is_disjoint(places), || "a task waits for its place".to_owned());
        let tasks_due: BTreeSet<StepId> =
            due.iter().copied().filter(|id| self.at(*id).is_task()).collect();
        let must = self.running_tasks(|_, work| {
            let asked = matches!(work.talk.phase, TalkPhase::Calling(_))
                || matches!(work.review.phase, TalkPhase::Calling(_));
            asked || work.phase == TaskPhase::Checking
        });
        problems.expect(tasks_due.is_subset(places), || "due without a place".to_owned());
        problems.expect(must.is_subset(places), || format!("{must:?} need places: {places:?}"));
    }

    fn audit_effects(&self, problems: &mut Problems) {
        let Index { checking, committing, under_way, .. } = &self.index;
        let of_kind = |is: fn(&InFlightKind) -> bool| -> Vec<EffectId> {
            let flights = self.in_flight.iter().filter(|(_, flight)| is(&flight.kind));
            flights.map(|(effect, _)| *effect).collect()
        };
        let checks = of_kind(|kind| matches!(kind, InFlightKind::Checks { .. }));
        let commits = of_kind(|kind| matches!(kind, InFlightKind::Commit(_)));
        problems.expect_same("checking", &checking.iter().copied().collect(), &checks);
        problems.expect_same("committing", &committing.iter().copied().collect(), &commits);
        let free = self.in_flight.iter().filter(|(_, flight)| flight.waits_for.is_none());
        let free: BTreeSet<EffectId> = free.map(|(effect, _)| *effect).collect();
        problems.expect(under_way.is_subset(&free), || format!("{under_way:?} of {free:?}"));
        if self.run.as_ref().is_some_and(Run::is_working) {
            problems.expect_same("under way", under_way, &free);
        }
        let asked: BTreeSet<_> =
            self.questions.iter().map(|(id, asked)| (asked.step, *id)).collect();
        let parked: BTreeSet<_> = self
            .ids()
            .filter_map(|(id, step)| match &step.status {
                StepStatus::Parked(ParkReason::Question { question }, _) => Some((id, *question)),
                StepStatus::Parked(ParkReason::CommitFailed { .. }, _)
                | StepStatus::Pending
                | StepStatus::Running(_)
                | StepStatus::Ended(_) => None,
            })
            .collect();
        problems.expect_same("questions", &asked, &parked);
        for (effect, flight) in &self.in_flight {
            let asked = flight.waits_for.is_none_or(|id| self.questions.contains_key(&id));
            problems.expect(asked, || format!("{effect} waits for no question"));
            let alive = flight.step.is_none_or(|id| self.at(id).work().is_some());
            problems.expect(alive, || format!("{effect} belongs to a step that is over"));
        }
    }

    fn audit_talks(&self, problems: &mut Problems) {
        if let Err(problem) = self.check_prompts() {
            problems.0.push(problem.to_string());
        }
        for (id, step) in self.ids() {
            let talks: Vec<&Talk> = match step.work() {
                Some(Work::Planning(work)) => vec![&work.talk],
                Some(Work::Task(work)) => vec![&work.talk, &work.review],
                Some(Work::Flow(work)) => vec![&work.talk],
                None => Vec::new(),
            };
            for talk in talks {
                let bytes: u64 = talk.messages.iter().map(talk::size_bytes).sum();
                problems.expect_same(&format!("{id}: bytes"), &talk.size_bytes, &bytes);
            }
        }
    }
}

impl State {
    /// It is the kernel's turn to make a step's next move.
    fn has_to_ask(&self, id: StepId, step: &Step) -> bool {
        let due = |talk: &Talk| matches!(talk.phase, TalkPhase::Due(_));
        match &step.status {
            StepStatus::Running(Work::Planning(work)) => due(&work.talk),
            StepStatus::Running(Work::Task(work)) => match work.phase {
                TaskPhase::Coding => due(&work.talk),
                TaskPhase::Reviewing => due(&work.review),
                TaskPhase::Checking
                | TaskPhase::Wave
                | TaskPhase::CodeCommit
                | TaskPhase::ReviewCommit => false,
            },
            StepStatus::Running(Work::Flow(work)) => match work.phase {
                FlowPhase::Begin | FlowPhase::Finishing => !self.index.looking.contains(&id),
                FlowPhase::Talking => due(&work.talk),
                FlowPhase::Acting(_) | FlowPhase::Pausing(_) | FlowPhase::Inside => false,
            },
            StepStatus::Pending | StepStatus::Parked(..) | StepStatus::Ended(_) => false,
        }
    }

    /// It keeps the run from succeeding.
    fn is_red(&self, id: StepId, step: &Step) -> bool {
        let failed = step.has_failed() && !self.is_tolerated(id);
        let skipped = matches!(
            step.status,
            StepStatus::Ended(StepOutcome::Skipped(
                SkipReason::UpstreamFailed { .. } | SkipReason::Cancelled
            ))
        );
        step.parent.is_none() && (failed || skipped)
    }
}
