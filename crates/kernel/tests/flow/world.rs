//! A made-up world for workflows: it looks at what is outstanding and answers, well or badly.

use std::collections::BTreeMap;

use lao_event::{
    Attempt, CallId, Content, EffectId, Event, Hash, QuestionId, RunId, StepId, codec,
    latest::{
        Action, ActionFailure, ActionOutcome, Answer, Before, FailureKind, FinishReason, FlowValue,
        Found, LossCause, ModelFailure, ModelOutcome, QuestionAnswer, QuestionSubject, Timing,
        ToolCall, Usage, WorkspaceOutcome,
    },
};
use lao_kernel::{
    Command, Decision, EffectKey, EffectWork, Fork, LookRequest, Rejection, Retry, RunPhase, State,
    StepStatus, Texts, ToolPlan, Wants, evolve, handle, note, outstanding,
};

use super::choices::Choices;

/// Something the world owes.
#[derive(Debug, Clone)]
enum Owed {
    Workspace(EffectId),
    Model(EffectId, bool),
    Prepare(CallId),
    Read(EffectId),
    Look(StepId),
    Action(EffectId, Box<Action>),
}

/// A run and the world around it.
pub(crate) struct World {
    pub state: State,
    /// Folded event by event from what came back from the bytes.
    shadow: State,
    pub events: Vec<Event>,
    texts: BTreeMap<Hash, String>,
    /// Effects whose end is in the events: none of them may be asked for again.
    ended: Vec<EffectId>,
    places_max: usize,
}

impl World {
    pub(crate) fn new(start: Command, places_max: usize) -> Self {
        let mut world = Self {
            state: State::new(),
            shadow: State::new(),
            events: Vec::new(),
            texts: BTreeMap::new(),
            ended: Vec::new(),
            places_max,
        };
        world.send(start).expect("a run can begin");
        world
    }

    /// Gives the kernel a command and looks at everything that follows.
    pub(crate) fn send(&mut self, command: Command) -> Result<(), Rejection> {
        self.send_by(command, handle)
    }

    fn send_by(
        &mut self,
        command: Command,
        way: impl Fn(&mut State, Command) -> Result<Decision, Rejection>,
    ) -> Result<(), Rejection> {
        let decision = way(&mut self.state, command)?;
        for blob in decision.blobs {
            let text = String::from_utf8(blob.bytes).expect("texts are UTF-8");
            self.texts.insert(blob.hash, text);
        }
        for event in decision.events {
            let encoded = codec::encode(&event).expect("an event fits a record");
            let back = codec::decode(encoded.event_type, encoded.schema_version, &encoded.payload);
            assert_eq!(back.expect("it was just encoded"), event);
            evolve(&mut self.shadow, &event).expect("what decide gave");
            if let Event::ActionEnded(ended) = &event {
                assert!(!self.ended.contains(&ended.effect), "{} ended twice", ended.effect);
                self.ended.push(ended.effect);
            }
            self.events.push(event);
        }
        self.look_over();
        Ok(())
    }

    fn look_over(&self) {
        assert!(self.shadow == self.state, "the fold of the events is the state");
        let problems = self.state.audit();
        assert!(problems.is_empty(), "{problems:#?}\n{:#?}", self.events.last());
        assert!(self.state.tasks_active() <= self.places_max, "more steps than places");
        let waits = outstanding(&self.state).next().is_some();
        match &self.state.run().expect("it has started").phase {
            RunPhase::Working | RunPhase::Stopping(_) => assert!(waits, "nobody moves"),
            RunPhase::Stopped(_) | RunPhase::Ended(_) => assert!(!waits, "effects while stopped"),
        }
    }

    fn owed(&self) -> Vec<Owed> {
        outstanding(&self.state)
            .map(|effect| match (effect.key, effect.work) {
                (EffectKey::Prepare(call), _) => Owed::Prepare(call),
                (EffectKey::Look(step, ..), _) => Owed::Look(step),
                (EffectKey::Started(id, _), work) => match work {
                    EffectWork::Workspace => Owed::Workspace(id),
                    EffectWork::Model { request, .. } => Owed::Model(id, request.tools),
                    EffectWork::Read { .. } => Owed::Read(id),
                    EffectWork::Action(action) => Owed::Action(id, Box::new(action.clone())),
                    EffectWork::Prepare { .. }
                    | EffectWork::Look
                    | EffectWork::Write { .. }
                    | EffectWork::Command { .. }
                    | EffectWork::Checks { .. }
                    | EffectWork::Commit(_) => unreachable!("workflows start none of these"),
                },
            })
            .collect()
    }

    /// One turn; `false` when nothing more happens by itself.
    pub(crate) fn turn(&mut self, choices: &mut Choices<'_>) -> bool {
        if choices.once_in(12) {
            self.disturb(choices);
            return true;
        }
        let owed = self.owed();
        if owed.is_empty() {
            return self.person(choices);
        }
        let next = owed[choices.below(owed.len())].clone();
        let command = self.met(next, choices);
        match self.send(command) {
            Ok(()) | Err(Rejection::Stopping) => {}
            Err(rejection) => panic!("what was owed is turned down: {rejection}"),
        }
        true
    }

    /// What the world makes of something that it owes.
    fn met(&self, owed: Owed, choices: &mut Choices<'_>) -> Command {
        match owed {
            Owed::Workspace(effect) => Command::WorkspaceEnded {
                effect,
                outcome: WorkspaceOutcome::Ready { base: None, dirty: Vec::new() },
            },
            Owed::Model(effect, tools) => model_ended(effect, tools, choices),
            Owed::Prepare(call) => Command::ToolPrepared {
                call,
                tool: "file_read".to_owned(),
                repair: None,
                plan: ToolPlan::Read { arguments: r#"{"path":"a"}"#.to_owned() },
            },
            Owed::Read(effect) => Command::ToolCallEnded {
                effect,
                outcome: lao_event::latest::ToolOutcome::Succeeded,
                reply: "a".to_owned(),
            },
            Owed::Look(step) => self.looked(step, choices),
            Owed::Action(effect, action) => action_ended(effect, &action, choices),
        }
    }

    /// A crash, a stop, a time limit, a panic.
    fn disturb(&mut self, choices: &mut Choices<'_>) {
        let result = match choices.below(4) {
            0 => self.send(Command::Resume {
                program: "0.1.1".to_owned(),
                settings: None,
                retry: None,
            }),
            1 => self.send(Command::Stop),
            2 => {
                let running: Vec<(StepId, Attempt)> = self
                    .state
                    .steps()
                    .iter()
                    .enumerate()
                    .filter(|(index, step)| {
                        let id = StepId(u32::try_from(*index).expect("few steps"));
                        let limited =
                            self.state.spec(id).is_some_and(|spec| spec.timeout_ms.is_some());
                        limited && matches!(step.status, StepStatus::Running(_))
                    })
                    .map(|(index, step)| {
                        (StepId(u32::try_from(index).expect("few steps")), step.attempt)
                    })
                    .collect();
                match running.as_slice() {
                    [] => Ok(()),
                    running => {
                        let (step, attempt) = *choices.one_of(running);
                        self.send(Command::TimeUp { step, attempt })
                    }
                }
            }
            _ => {
                let started: Vec<EffectId> = outstanding(&self.state)
                    .filter_map(|effect| match effect.key {
                        EffectKey::Started(id, _) => Some(id),
                        EffectKey::Prepare(_) | EffectKey::Look(..) => None,
                    })
                    .collect();
                match started.first() {
                    None => Ok(()),
                    Some(effect) => {
                        let cause = LossCause::WorkerPanicked { message: "oh".to_owned() };
                        self.send(Command::EffectsLost { effects: vec![*effect], cause })
                    }
                }
            }
        };
        // Words at a moment when they make no sense are turned down, and nothing changes.
        drop(result);
    }

    /// What a person does about a run that waits or is over; `false` when nothing is left to do.
    fn person(&mut self, choices: &mut Choices<'_>) -> bool {
        let question = self.state.questions().next().map(|(id, _, _, subject)| {
            let choice = choices.below(2);
            (id, answer(subject, choice))
        });
        if let Some((question, answer)) = question {
            self.answer(question, answer);
            return true;
        }
        match &self.state.run().expect("it has started").phase {
            RunPhase::Ended(_) | RunPhase::Stopped(_) if choices.once_in(3) => {
                self.fork_some(choices);
                self.resume(None).is_ok()
            }
            RunPhase::Ended(_) if choices.once_in(2) => self.resume(Some(Retry::Failed)).is_ok(),
            RunPhase::Stopped(_) => self.resume(None).is_ok(),
            RunPhase::Working | RunPhase::Stopping(_) | RunPhase::Ended(_) => false,
        }
    }

    pub(crate) fn resume(&mut self, retry: Option<Retry>) -> Result<(), Rejection> {
        self.send(Command::Resume { program: "0.1.1".to_owned(), settings: None, retry })
    }

    /// Another run goes on from here, with a step that is done again; or else as it is.
    fn fork_some(&mut self, choices: &mut Choices<'_>) {
        let index = choices.below(self.state.steps().len());
        let step = StepId(u32::try_from(index).expect("few steps"));
        let (inside, at_rest) = {
            let step = &self.state.steps()[index];
            let at_rest = matches!(step.status, StepStatus::Pending | StepStatus::Ended(_));
            (step.parent.is_some(), at_rest)
        };
        match self.fork(vec![step]) {
            Ok(()) => assert!(at_rest && !inside, "{step} cannot be done again"),
            Err(Rejection::NotRedone(_) | Rejection::InsideAnother { .. }) => {
                self.fork(Vec::new()).expect("it is not cancelled");
            }
            Err(rejection) => panic!("it is turned down: {rejection}"),
        }
    }

    pub(crate) fn fork(&mut self, redo: Vec<StepId>) -> Result<(), Rejection> {
        let run = self.state.run().expect("it has started");
        let fork = Fork {
            run: RunId::after(Some(&run.id), 1_800_000_000_000, 7),
            parent: run.id.clone(),
            seq: self.events.len() as u64,
            head: Hash([3; 32]),
            program: "0.1.1".to_owned(),
            settings: run.settings.clone(),
            redo,
        };
        self.send_by(Command::Fork(Box::new(fork)), note)
    }

    /// Lets a friendly world go on until nothing moves it any more; `script` may answer actions
    /// first. A run that stops is left as it is.
    pub(crate) fn go_on(
        &mut self,
        mut script: impl FnMut(&State, &Action) -> Option<ActionOutcome>,
    ) {
        let friendly = &mut Choices::new(&[]);
        while let Some(owed) = self.owed().into_iter().next() {
            let command = match &owed {
                Owed::Action(effect, action) => script(&self.state, action)
                    .map(|outcome| Command::ActionEnded { effect: *effect, outcome }),
                Owed::Workspace(_)
                | Owed::Model(..)
                | Owed::Prepare(_)
                | Owed::Read(_)
                | Owed::Look(_) => None,
            };
            let command = command.unwrap_or_else(|| self.met(owed, friendly));
            self.send(command).expect("it is owed");
        }
    }

    fn answer(&mut self, question: QuestionId, answer: QuestionAnswer) {
        let by = "ada".to_owned();
        self.send(Command::Answer { question, answer, by }).expect("it was asked");
    }

    fn looked(&self, step: StepId, choices: &mut Choices<'_>) -> Command {
        let request: LookRequest = self.state.look_request(step).expect("it was owed");
        let mut texts = Texts::new();
        for hash in request.blobs().keys() {
            let text = self.texts.get(hash).expect("what an event names is stored");
            texts.insert(*hash, text.clone());
        }
        let found = found(&request, &mut texts, choices);
        Command::StepLooked { step, attempt: request.attempt, texts, found }
    }
}

fn answer(subject: &QuestionSubject, choice: usize) -> QuestionAnswer {
    let answers = match subject {
        QuestionSubject::CommandUnknown { .. } | QuestionSubject::FileConflict { .. } => {
            [QuestionAnswer::Rerun, QuestionAnswer::Skip]
        }
        QuestionSubject::Approval { .. } => [QuestionAnswer::Approve, QuestionAnswer::Deny],
    };
    answers[choice]
}

fn found(request: &LookRequest, texts: &mut Texts, choices: &mut Choices<'_>) -> Found {
    match request.wants(texts) {
        Wants::Nothing => Found::Nothing,
        Wants::File { .. } if choices.once_in(8) => {
            Found::Refused { message: "not inside".to_owned() }
        }
        Wants::File { path: _, content } => {
            if choices.once_in(2) {
                let text = "before\n";
                let start = content.then(|| Content::from(text));
                Found::File { before: Before::Kept(Content::from(text)), start }
            } else {
                Found::File { before: Before::Absent, start: None }
            }
        }
        Wants::InMs(_) | Wants::Moment(_) => Found::Until { until_ms: 1_795_195_600_000 },
        Wants::Run => Found::Run { run: RunId::new(1_795_195_600_000, 9) },
        Wants::Cache { .. } => {
            let (key, keyed_on) = request.cache_key(texts, None).expect("it can be resolved");
            let value = choices.once_in(3).then(|| FlowValue::Text(Content::from("earlier")));
            Found::Cache { key, keyed_on, value }
        }
    }
}

/// Sometimes a text that becomes a blob.
fn text(choices: &mut Choices<'_>) -> String {
    if choices.once_in(4) { "long ".repeat(5_000) } else { "short".to_owned() }
}

fn model_ended(effect: EffectId, tools: bool, choices: &mut Choices<'_>) -> Command {
    let failed_tries = Vec::new();
    if choices.once_in(8) {
        let kinds = [FailureKind::ServerFailed, FailureKind::Unreachable, FailureKind::Refused];
        let kind = *choices.one_of(&kinds);
        let outcome = ModelOutcome::Failed(ModelFailure { kind, message: "no".to_owned() });
        return Command::ModelCallEnded { effect, outcome, failed_tries };
    }
    let calls = tools && choices.once_in(2);
    let said = match choices.below(3) {
        0 => r#"{"a": 1}"#.to_owned(),
        1 => r#"{"b": 1}"#.to_owned(),
        _ => text(choices),
    };
    let cut = choices.once_in(8);
    let answer = Answer {
        text: Content::Inline(said),
        reasoning: Content::empty(),
        tool_calls: calls
            .then(|| ToolCall {
                id: "c1".to_owned(),
                name: "file_read".to_owned(),
                arguments: Content::from(r#"{"path":"a"}"#),
            })
            .into_iter()
            .collect(),
        finish: if cut { FinishReason::Length } else { FinishReason::Stop },
        usage: Usage::default(),
        timing: Timing::default(),
        model: "m".to_owned(),
        server: None,
    };
    Command::ModelCallEnded { effect, outcome: ModelOutcome::Answered(answer), failed_tries }
}

fn action_ended(effect: EffectId, action: &Action, choices: &mut Choices<'_>) -> Command {
    let waits = matches!(action, Action::Wait { .. } | Action::Pause { .. });
    if !waits && choices.once_in(5) {
        let kinds = match action {
            Action::Write { .. } => [ActionFailure::Conflict, ActionFailure::File],
            Action::Transcribe(_) => [ActionFailure::ModelMissing, ActionFailure::Engine],
            Action::Embed { .. } => [ActionFailure::Unreachable, ActionFailure::Model],
            Action::Plan { .. } => [ActionFailure::Inside, ActionFailure::Inside],
            Action::Run(_)
            | Action::Read { .. }
            | Action::List { .. }
            | Action::Approve { .. }
            | Action::Wait { .. }
            | Action::Pause { .. } => [ActionFailure::Command, ActionFailure::TimedOut],
        };
        let kind = *choices.one_of(&kinds);
        let outcome = ActionOutcome::Failed { kind, message: "no".to_owned(), exit_code: Some(1) };
        return Command::ActionEnded { effect, outcome };
    }
    let value = match action {
        Action::Write { path, .. } => FlowValue::File { path: path.clone() },
        Action::List { .. } => FlowValue::Json(Content::from(r#"["a.txt","b.txt","c.txt"]"#)),
        Action::Embed { .. } | Action::Plan { .. } => FlowValue::Json(Content::from("[0.5]")),
        Action::Wait { .. } | Action::Pause { .. } => FlowValue::Nothing,
        Action::Run(_) | Action::Read { .. } | Action::Transcribe(_) | Action::Approve { .. } => {
            FlowValue::Text(Content::Inline(text(choices)))
        }
    };
    let exit_code = matches!(action, Action::Run(_)).then_some(0);
    Command::ActionEnded { effect, outcome: ActionOutcome::Done { value, exit_code } }
}
