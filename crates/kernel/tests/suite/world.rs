//! A made-up world: it looks at what is outstanding and answers, well or badly.

use std::collections::BTreeSet;

use lao_event::{
    Attempt, CallId, Content, EffectId, Event, Hash, INLINE_BYTES_MAX, Role, RunId, StepId, codec,
    latest::{LossCause, QuestionAnswer},
};
use lao_kernel::{
    Command, Decision, Effect, EffectKey, EffectWork, Fork, Rejection, Retry, RunPhase, State,
    Step, StepStatus, evolve, handle, note, outstanding,
};

use crate::{answers, choices::Choices, replies, rules::Rules, setup::Setup};

/// Something the world owes.
#[derive(Debug, Clone)]
enum Owed {
    Prepare(CallId),
    Workspace(EffectId),
    Model(EffectId, Role),
    Read(EffectId),
    Write(EffectId),
    Command(EffectId),
    Checks(EffectId, Vec<StepId>),
    Commit(EffectId),
}

/// What one turn of the world came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Turn {
    Moved,
    Over,
}

/// The most turns of a scripted life.
const TURNS_MAX: usize = 2_000;

/// A run and the world around it.
pub(crate) struct World {
    pub setup: Setup,
    pub state: State,
    /// Folded event by event from what came back from the bytes.
    shadow: State,
    pub events: Vec<Event>,
    /// Every command that was accepted.
    pub accepted: Vec<Command>,
    pub rules: Rules,
    blobs: BTreeSet<Hash>,
    answered: BTreeSet<EffectKey>,
    places_max: usize,
    numbers: usize,
}

impl World {
    pub(crate) fn new(setup: Setup) -> Self {
        let mut world = Self {
            rules: Rules::new(&setup),
            places_max: setup.limits.parallel_tasks_max as usize,
            setup,
            state: State::new(),
            shadow: State::new(),
            events: Vec::new(),
            accepted: Vec::new(),
            blobs: BTreeSet::new(),
            answered: BTreeSet::new(),
            numbers: 0,
        };
        let start = world.setup.start();
        world.send(start).expect("a run can begin");
        world
    }

    /// Gives the kernel a command and looks at everything that follows.
    pub(crate) fn send(&mut self, command: Command) -> Result<(), Rejection> {
        self.send_by(command, handle)
    }

    /// The same, for a command that is decided as `way` does.
    fn send_by(
        &mut self,
        command: Command,
        way: fn(&mut State, Command) -> Result<Decision, Rejection>,
    ) -> Result<(), Rejection> {
        let decision = way(&mut self.state, command.clone())?;
        self.accepted.push(command);
        self.blobs.extend(decision.blobs.iter().map(|blob| blob.hash));
        for event in decision.events {
            self.expect_storable(&event);
            evolve(&mut self.shadow, &event).expect("what decide gave");
            self.rules.watch(&event, &self.shadow);
            self.events.push(event);
        }
        assert!(self.shadow == self.state, "the fold of the events is the state");
        let problems = self.state.audit();
        assert!(problems.is_empty(), "{problems:#?}");
        assert!(self.state.tasks_active() <= self.places_max, "more tasks than places");
        self.expect_no_standstill();
        Ok(())
    }

    /// The event survives its bytes, and what it names is stored.
    fn expect_storable(&self, event: &Event) {
        let encoded = codec::encode(event).expect("an event fits a record");
        let back = codec::decode(encoded.event_type, encoded.schema_version, &encoded.payload)
            .expect("it was just encoded");
        assert_eq!(&back, event);
        let mut copy = back;
        copy.visit_contents(&mut |content| match content {
            Content::Inline(text) => assert!(text.len() <= INLINE_BYTES_MAX),
            Content::Blob { hash, .. } => assert!(self.blobs.contains(hash), "no such blob"),
        });
    }

    /// A run that is not over and not stopped waits for the world.
    fn expect_no_standstill(&self) {
        let waits = outstanding(&self.state).next().is_some();
        match &self.state.run().expect("it has started").phase {
            RunPhase::Working | RunPhase::Stopping(_) => assert!(waits, "nobody moves"),
            RunPhase::Stopped(_) | RunPhase::Ended(_) => assert!(!waits, "effects while stopped"),
        }
        let ready = self.state.run().is_some_and(|run| run.workspace.is_ready());
        for effect in outstanding(&self.state) {
            let alone = matches!(effect.work, EffectWork::Workspace | EffectWork::Model { .. });
            assert!(ready || alone, "{:?} before the workspace is ready", effect.key);
            let again =
                matches!(effect.key, EffectKey::Started(..)) && self.answered.contains(&effect.key);
            assert!(!again, "{:?} was answered and is asked for again", effect.key);
        }
    }

    fn owed(&self) -> Vec<Owed> {
        outstanding(&self.state)
            .map(|effect| match (effect.key, effect.work) {
                (EffectKey::Prepare(call), _) => Owed::Prepare(call),
                (EffectKey::Look(..), _) => unreachable!("plans have no steps of workflows"),
                (EffectKey::Started(id, _), work) => match work {
                    EffectWork::Prepare { .. } => unreachable!("it has a key of its own"),
                    EffectWork::Workspace => Owed::Workspace(id),
                    EffectWork::Model { role, .. } => Owed::Model(id, role),
                    EffectWork::Read { .. } => Owed::Read(id),
                    EffectWork::Write { .. } => Owed::Write(id),
                    EffectWork::Command { .. } => Owed::Command(id),
                    EffectWork::Checks { steps, .. } => Owed::Checks(id, steps.to_vec()),
                    EffectWork::Commit(_) => Owed::Commit(id),
                    EffectWork::Look | EffectWork::Action(_) => {
                        unreachable!("plans have no steps of workflows")
                    }
                },
            })
            .collect()
    }

    fn answer(&mut self, owed: Owed, choices: &mut Choices<'_>) -> Command {
        self.numbers += 1;
        let number = self.numbers;
        match owed {
            Owed::Prepare(call) => Command::ToolPrepared {
                call,
                tool: "tool".to_owned(),
                repair: choices.once_in(9).then(|| "a quote was closed".to_owned()),
                plan: replies::plan(choices, number),
            },
            Owed::Workspace(effect) => replies::workspace_ended(choices, effect),
            Owed::Model(effect, role) => Command::ModelCallEnded {
                effect,
                outcome: answers::outcome(choices, role, number),
                failed_tries: Vec::new(),
            },
            Owed::Read(effect) => replies::read_ended(choices, effect),
            Owed::Write(effect) => replies::write_ended(choices, effect),
            Owed::Command(effect) => replies::command_ended(choices, effect),
            Owed::Checks(effect, steps) => replies::checks_ended(choices, effect, &steps),
            Owed::Commit(effect) => replies::commit_ended(choices, effect),
        }
    }

    /// One move of the world: an effect ends, a person speaks, something breaks.
    pub(crate) fn turn(&mut self, choices: &mut Choices<'_>) -> Turn {
        let phase = self.state.run().expect("it has started").phase.clone();
        match phase {
            RunPhase::Ended(_) => return self.after_the_end(choices),
            RunPhase::Stopped(_) => {
                self.wake_up(choices);
                return Turn::Moved;
            }
            RunPhase::Working | RunPhase::Stopping(_) => {}
        }
        match choices.below(40) {
            39 => drop(self.send(Command::Stop)),
            38 if choices.once_in(3) => drop(self.send(Command::Cancel)),
            37 | 36 => self.process_ends(choices),
            35 | 34 => self.worker_panics(choices),
            33 | 32 => self.repeat_something(choices),
            31 | 30 => self.retry(choices),
            29 | 28 => self.answer_question(choices),
            27 => self.time_is_up(choices),
            _ => self.end_effect(choices),
        }
        Turn::Moved
    }

    fn end_effect(&mut self, choices: &mut Choices<'_>) {
        let owed = self.owed();
        let owed = choices.one_of(&owed).clone();
        let command = self.answer(owed, choices);
        let key = self.key_of(&command);
        match self.send(command) {
            Ok(()) => self.answered.extend(key),
            Err(
                Rejection::Stopping | Rejection::ReportIncomplete(_) | Rejection::ReportUnasked(_),
            ) => {}
            Err(other) => panic!("the answer to an outstanding effect was turned down: {other}"),
        }
    }

    fn key_of(&self, command: &Command) -> Option<EffectKey> {
        let effect = match command {
            Command::ModelCallEnded { effect, .. }
            | Command::WorkspaceEnded { effect, .. }
            | Command::ToolCallEnded { effect, .. }
            | Command::FileWriteEnded { effect, .. }
            | Command::CommandEnded { effect, .. }
            | Command::ChecksEnded { effect, .. }
            | Command::CommitEnded { effect, .. }
            | Command::ActionEnded { effect, .. } => effect,
            Command::Start(_)
            | Command::Fork(_)
            | Command::Resume { .. }
            | Command::Advance
            | Command::Stop
            | Command::Cancel
            | Command::Retry(_)
            | Command::Answer { .. }
            | Command::TimeUp { .. }
            | Command::ToolPrepared { .. }
            | Command::StepLooked { .. }
            | Command::EffectsLost { .. } => return None,
        };
        let flight = self.state.in_flight().get(effect)?;
        Some(EffectKey::Started(*effect, flight.losses))
    }

    /// The process is gone: another one folds the events and goes on.
    fn process_ends(&mut self, choices: &mut Choices<'_>) {
        let mut folded = State::new();
        for event in &self.events {
            evolve(&mut folded, event).expect("what is in the journal");
        }
        assert_eq!(folded.hash(), self.state.hash());
        self.state = folded;
        if choices.once_in(3) {
            self.fork(choices);
        }
        self.resume(choices);
    }

    /// Another run goes on from here; now and then with a task that is done again.
    fn fork(&mut self, choices: &mut Choices<'_>) {
        let run = &self.state.run().expect("it has started").id;
        let index = choices.below(self.state.steps().len());
        let step = StepId(u32::try_from(index).expect("few steps"));
        let fork = |redo| {
            Command::Fork(Box::new(Fork {
                run: RunId::after(Some(run), 1_800_000_000_000, 7),
                parent: run.clone(),
                seq: self.events.len() as u64,
                head: Hash([3; 32]),
                program: "0.1.1".to_owned(),
                settings: self.setup.settings(),
                redo,
            }))
        };
        let (redoing, as_it_is) = (fork(vec![step]), fork(Vec::new()));
        if note(&mut self.state.clone(), redoing.clone()).is_ok() {
            self.send_by(redoing, note).expect("it was tried");
        } else {
            drop(self.send_by(as_it_is, note));
        }
    }

    fn resume(&mut self, choices: &mut Choices<'_>) {
        let settings = choices.once_in(6).then(|| {
            self.setup.limits.parallel_tasks_max = 1 + u32::from(choices.once_in(2));
            let places = self.setup.limits.parallel_tasks_max as usize;
            self.places_max = self.places_max.max(places);
            Box::new(self.setup.settings())
        });
        let retry = choices.once_in(3).then(|| self.some_retry(choices));
        let resume =
            |settings, retry| Command::Resume { program: "0.1.1".to_owned(), settings, retry };
        if self.send(resume(settings.clone(), retry)).is_err() {
            self.send(resume(settings, None)).expect("a run that is not over can be resumed");
        }
    }

    fn some_retry(&self, choices: &mut Choices<'_>) -> Retry {
        match choices.below(3) {
            0 => Retry::Failed,
            1 => {
                let may = |step: &&Step| {
                    step.has_failed() || matches!(step.status, StepStatus::Parked(..))
                };
                let keys: Vec<&str> =
                    self.state.steps().iter().filter(may).map(|step| step.key.as_str()).collect();
                let key = if keys.is_empty() { "" } else { choices.one_of(&keys) };
                Retry::Step(key.to_owned())
            }
            _ => Retry::Step(choices.one_of(self.state.steps()).key.clone()),
        }
    }

    fn worker_panics(&mut self, choices: &mut Choices<'_>) {
        let started: Vec<EffectId> = self.state.in_flight().keys().copied().collect();
        if started.is_empty() {
            return;
        }
        let mut effects = vec![*choices.one_of(&started)];
        if choices.once_in(3) {
            effects.push(*choices.one_of(&started));
        }
        let cause = LossCause::WorkerPanicked { message: "index out of bounds".to_owned() };
        drop(self.send(Command::EffectsLost { effects, cause }));
    }

    /// Results come twice, or too late; a resume comes while the run goes on.
    fn repeat_something(&mut self, choices: &mut Choices<'_>) {
        let back = 1 + choices.below(12);
        let Some(index) = self.accepted.len().checked_sub(back) else {
            return;
        };
        let command = self.accepted[index].clone();
        let is_result = self.key_of(&command).is_some();
        let key = self.key_of(&command);
        let sent = self.send(command);
        if sent.is_ok() && is_result {
            self.answered.extend(key);
        }
    }

    fn retry(&mut self, choices: &mut Choices<'_>) {
        let retry = self.some_retry(choices);
        drop(self.send(Command::Retry(retry)));
    }

    fn answer_question(&mut self, choices: &mut Choices<'_>) {
        let asked: Vec<_> = self.state.questions().map(|(id, ..)| id).collect();
        if asked.is_empty() {
            return;
        }
        let question = *choices.one_of(&asked);
        let answer = *choices.one_of(&[QuestionAnswer::Rerun, QuestionAnswer::Skip]);
        let by = "ada".to_owned();
        self.send(Command::Answer { question, answer, by }).expect("the question is open");
    }

    /// An attempt took too long; now and then an attempt that is over.
    fn time_is_up(&mut self, choices: &mut Choices<'_>) {
        let steps = self.state.steps();
        let index = choices.below(steps.len());
        let step = StepId(u32::try_from(index).expect("few steps"));
        let attempt = Attempt(steps[index].attempt.0 + u32::from(choices.once_in(5)));
        drop(self.send(Command::TimeUp { step, attempt }));
    }

    /// A stopped run is looked at by a person and resumed.
    fn wake_up(&mut self, choices: &mut Choices<'_>) {
        match choices.below(8) {
            7 => drop(self.send(Command::Cancel)),
            6 => self.retry(choices),
            5 => self.process_ends(choices),
            _ => {
                while !choices.once_in(4) && self.state.questions().next().is_some() {
                    self.answer_question(choices);
                }
                self.resume(choices);
            }
        }
    }

    fn after_the_end(&mut self, choices: &mut Choices<'_>) -> Turn {
        for command in [Command::Stop, Command::Cancel, Command::Retry(Retry::Failed)] {
            assert_eq!(self.send(command), Err(Rejection::Ended));
        }
        self.time_is_up(choices);
        if choices.once_in(3) {
            self.fork(choices);
            if matches!(self.phase(), RunPhase::Stopped(_)) {
                return Turn::Moved;
            }
        }
        let again = choices.once_in(2);
        let retry = Some(self.some_retry(choices));
        let resume = Command::Resume { program: "0.1.1".to_owned(), settings: None, retry };
        if again && self.send(resume).is_ok() { Turn::Moved } else { Turn::Over }
    }
}

impl World {
    /// Lets a friendly world go on until nothing moves it any more; `script` may answer first.
    ///
    /// A stopped run is left as it is.
    pub(crate) fn go_on(&mut self, mut script: impl FnMut(&State, Effect<'_>) -> Option<Command>) {
        let friendly = &mut Choices::new(&[]);
        for _ in 0..TURNS_MAX {
            let scripted = outstanding(&self.state).find_map(|effect| script(&self.state, effect));
            let command = match (scripted, self.owed().into_iter().next()) {
                (Some(command), _) => command,
                (None, Some(owed)) => self.answer(owed, friendly),
                (None, None) => return,
            };
            self.send(command).expect("the answer is awaited");
        }
        panic!("the run does not come to rest");
    }

    /// The phase of the run.
    pub(crate) fn phase(&self) -> &RunPhase {
        &self.state.run().expect("it has started").phase
    }

    /// A plain resume.
    pub(crate) fn resume_with(&mut self, retry: Option<Retry>) -> Result<(), Rejection> {
        self.send(Command::Resume { program: "0.1.1".to_owned(), settings: None, retry })
    }

    /// Events since a place in the journal.
    pub(crate) fn since(&self, count: usize) -> &[Event] {
        &self.events[count..]
    }
}
