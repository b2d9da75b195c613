//! Lives of runs that once went wrong, or easily could.

use lao_event::{
    Content, EffectId, Event, Limits, OnUnknown, Role, StepId,
    latest::{
        CheckReport, CommandOutcome, CommandReport, CommitOutcome, CommitPhase, Definition,
        FileWriteOutcome, FinishReason, LossCause, PlanDefinition, QuestionAnswer, RunOutcome,
        SkipReason, StepOutcome, StopReason, WorkspaceOutcome,
    },
};
use lao_kernel::{
    BeforeFile, Command, Effect, EffectKey, EffectWork, PlanPhase, Rejection, Retry, RunPhase,
    State, StepStatus, ToolPlan, handle, outstanding,
};
use serde_json::{Value, json};

use crate::{
    answers::{called, said},
    effects::{
        answer, asked, called_tool, checked, committed, prepare, refuse, role_of, started,
        write_new,
    },
    setup::Setup,
    world::World,
};

fn task(id: &str, depends_on: &[&str]) -> Value {
    json!({"id": id, "title": format!("Do {id}"), "description": "d", "files": [],
        "depends_on": depends_on, "acceptance": []})
}

/// The planner answers with these tasks.
fn planned(tasks: &Value) -> impl Fn(&Effect<'_>) -> Option<Command> {
    let text = json!({ "tasks": tasks }).to_string();
    move |effect| {
        (role_of(effect) == Some(Role::Planner))
            .then(|| answer(effect, said(text.clone(), FinishReason::Stop)))
    }
}

fn no_git() -> Setup {
    Setup { git: false, ..Setup::default() }
}

/// The coder of some tasks fails.
fn coders_fail(
    tasks: &Value,
    keys: &'static [&'static str],
) -> impl FnMut(&State, Effect<'_>) -> Option<Command> {
    let plan = planned(tasks);
    move |state, effect| {
        let step = effect.step.and_then(|id| state.step(id));
        let failing = role_of(&effect) == Some(Role::Coder)
            && step.is_some_and(|step| keys.contains(&step.key.as_str()));
        if failing { Some(refuse(&effect)) } else { plan(&effect) }
    }
}

fn outcome_of<'a>(world: &'a World, key: &str) -> &'a StepStatus {
    let id = world.state.step_by_key(key).expect("it was planned");
    &world.state.step(id).expect("it has a number").status
}

fn skipped_because_of(world: &World, key: &str) -> Option<StepId> {
    match outcome_of(world, key) {
        StepStatus::Ended(StepOutcome::Skipped(SkipReason::UpstreamFailed { step })) => Some(*step),
        StepStatus::Ended(_)
        | StepStatus::Pending
        | StepStatus::Running(_)
        | StepStatus::Parked(..) => None,
    }
}

#[test]
fn a_step_below_two_failures_waits_for_both_to_be_mended() {
    // Task d needs c and another; c needs one that fails as well. The first to fail is named.
    let graphs = [
        json!([task("a", &[]), task("b", &[]), task("c", &["a"]), task("d", &["c", "b"])]),
        json!([task("a", &[]), task("b", &[]), task("c", &["b"]), task("d", &["c", "a"])]),
    ];
    for tasks in graphs {
        for (mended, other) in [("t1", "t2"), ("t2", "t1")] {
            let mut world = World::new(no_git());
            world.go_on(coders_fail(&tasks, &["t1", "t2"]));
            assert_eq!(world.phase(), &RunPhase::Ended(RunOutcome::Failed));
            assert_eq!(skipped_because_of(&world, "t4"), world.state.step_by_key("t1"));
            world.resume_with(Some(Retry::Step(mended.to_owned()))).expect("it failed");
            world.go_on(|_, _| None);
            assert_eq!(world.phase(), &RunPhase::Ended(RunOutcome::Failed));
            assert_eq!(skipped_because_of(&world, "t4"), world.state.step_by_key(other));
            world.resume_with(Some(Retry::Failed)).expect("the other failed");
            world.go_on(|_, _| None);
            assert_eq!(world.phase(), &RunPhase::Ended(RunOutcome::Succeeded));
        }
    }
}

#[test]
fn what_is_lost_while_the_run_is_stopping_waits_for_the_resume() {
    let mut world = World::new(no_git());
    let workspace = outstanding(&world.state).next().map(|effect| started(&effect));
    let effect = workspace.expect("the workspace is made ready");
    world.send(Command::Stop).expect("it works");
    let cause = LossCause::WorkerPanicked { message: "boom".to_owned() };
    let lost = Command::EffectsLost { effects: vec![effect], cause };
    world.send(lost.clone()).expect("it is in flight");
    assert_eq!(world.phase(), &RunPhase::Stopped(StopReason::Interrupted));
    assert_eq!(world.send(lost), Err(Rejection::UnknownEffect(effect)), "it is not lost twice");
    world.resume_with(None).expect("it can be resumed");
    world.go_on(|_, _| None);
    assert_eq!(world.phase(), &RunPhase::Ended(RunOutcome::Succeeded));
}

#[test]
fn a_worker_that_always_panics_stops_the_run() {
    let mut world = World::new(no_git());
    for _ in 0..2 {
        world.go_on(|_, effect| {
            let cause = LossCause::WorkerPanicked { message: "boom".to_owned() };
            let effects = vec![started(&effect)];
            role_of(&effect).map(|_| Command::EffectsLost { effects, cause })
        });
        assert!(
            matches!(world.phase(), RunPhase::Stopped(StopReason::EffectLostTooOften { .. })),
            "{:?}",
            world.phase()
        );
        world.resume_with(None).expect("it can be resumed");
    }
    world.go_on(|_, _| None);
    assert_eq!(world.phase(), &RunPhase::Ended(RunOutcome::Succeeded));
}

/// The coder of a task runs a command, and its outcome is lost with the worker.
fn lose_a_command(world: &mut World) -> EffectId {
    let mut lost = None;
    world.go_on(|state, effect| {
        if let Some((Role::Coder, messages)) = asked(&effect)
            && messages.len() < 3
        {
            return Some(answer(&effect, called(&["shell"])));
        }
        if let Some((call, _)) = called_tool(&effect) {
            let argv = vec!["make".to_owned()];
            return Some(prepare(call, ToolPlan::Command { argv, timeout_ms: 1 }));
        }
        let runs = matches!(effect.work, EffectWork::Command { .. }) && lost.is_none();
        runs.then(|| {
            lost = Some(started(&effect));
            assert_eq!(state.questions().count(), 0);
            let cause = LossCause::WorkerPanicked { message: "boom".to_owned() };
            Command::EffectsLost { effects: vec![started(&effect); 2], cause }
        })
    });
    lost.expect("a command ran")
}

#[test]
fn a_lost_command_is_asked_about_once_and_run_again_only_on_a_persons_word() {
    let mut world = World::new(no_git());
    let effect = lose_a_command(&mut world);
    assert_eq!(world.phase(), &RunPhase::Stopped(StopReason::Parked));
    let questions: Vec<_> = world.state.questions().map(|(id, _, of, _)| (id, of)).collect();
    assert_eq!(questions.len(), 1);
    assert_eq!(questions[0].1, effect);
    let cause = LossCause::ProcessEnded;
    assert_eq!(
        world.send(Command::EffectsLost { effects: vec![effect], cause }),
        Err(Rejection::UnknownEffect(effect))
    );
    let (question, answer) = (questions[0].0, QuestionAnswer::Rerun);
    world.send(Command::Answer { question, answer, by: "ada".to_owned() }).expect("it is open");
    assert_eq!(outstanding(&world.state).count(), 0, "nothing runs before the resume");
    let count = world.events.len();
    world.resume_with(None).expect("it can be resumed");
    let again = |event: &Event| matches!(event, Event::EffectsLost(_) | Event::QuestionAsked(_));
    assert!(!world.since(count).iter().any(again), "the answer stands");
    world.go_on(|_, _| None);
    assert_eq!(world.phase(), &RunPhase::Ended(RunOutcome::Succeeded));
}

#[test]
fn the_policy_decides_about_lost_commands_where_nobody_is_asked() {
    for (on_unknown, told) in [(OnUnknown::Skip, true), (OnUnknown::Rerun, false)] {
        let mut world = World::new(Setup { on_unknown, ..no_git() });
        lose_a_command(&mut world);
        assert_eq!(world.phase(), &RunPhase::Ended(RunOutcome::Succeeded));
        let unknown = |event: &Event| matches!(event, Event::CommandEnded(ended) if ended.outcome == CommandOutcome::Unknown);
        assert_eq!(world.events.iter().any(unknown), told);
    }
}

/// Every commit of a phase fails; the run parks.
fn park_by_commit(world: &mut World, phase: CommitPhase) {
    world.go_on(|_, effect| {
        let fails = committed(&effect).is_some_and(|commit| commit.phase == phase);
        fails.then(|| Command::CommitEnded {
            effect: started(&effect),
            outcome: CommitOutcome::Failed { message: "index.lock is held".to_owned() },
        })
    });
    assert_eq!(world.phase(), &RunPhase::Stopped(StopReason::Parked));
}

#[test]
fn a_failed_commit_is_tried_again_and_nothing_else() {
    let phases =
        [("plan", CommitPhase::Planning), ("t1", CommitPhase::Code), ("t1", CommitPhase::Review)];
    for (key, phase) in phases {
        let retry = || Some(Retry::Step(key.to_owned()));
        for at_resume in [None, retry()] {
            let mut world = World::new(Setup::default());
            park_by_commit(&mut world, phase);
            let live_retry = at_resume.is_none();
            if live_retry {
                world.send(Command::Retry(Retry::Step(key.to_owned()))).expect("it is parked");
            }
            let count = world.events.len();
            world.resume_with(at_resume).expect("it can be resumed");
            world.go_on(|_, _| None);
            assert_eq!(world.phase(), &RunPhase::Ended(RunOutcome::Succeeded));
            let next = world.since(count).iter().find(|event| {
                matches!(
                    event,
                    Event::ModelCallStarted(_) | Event::CommitStarted(_) | Event::ChecksStarted(_)
                )
            });
            assert!(
                matches!(next, Some(Event::CommitStarted(commit)) if commit.phase == phase),
                "{next:?}"
            );
        }
    }
}

#[test]
fn a_retried_task_still_knows_the_files_it_wrote() {
    let mut world = World::new(Setup::default());
    let mut wrote = false;
    world.go_on(|_, effect| {
        if let Some((call, _)) = called_tool(&effect) {
            let hash = lao_event::Hash::of(b"old");
            let plan = ToolPlan::Write {
                path: "src/a.rs".to_owned(),
                before: Some(BeforeFile { hash, content: Content::from("old") }),
                after: Some("new".to_owned()),
                reply: "written".to_owned(),
            };
            return Some(prepare(call, plan));
        }
        let coder = role_of(&effect) == Some(Role::Coder);
        let first = coder && !std::mem::replace(&mut wrote, coder);
        let call = first.then(|| answer(&effect, called(&["file_write"])));
        call.or_else(|| coder.then(|| refuse(&effect)))
    });
    assert_eq!(world.phase(), &RunPhase::Ended(RunOutcome::Failed));
    let count = world.events.len();
    world.resume_with(Some(Retry::Failed)).expect("it failed");
    let mut prompt = String::new();
    world.go_on(|_, effect| {
        if let Some((Role::Coder, messages)) = asked(&effect) {
            prompt = serde_json::to_string(messages).expect("messages are plain JSON");
        }
        None
    });
    assert!(prompt.contains("src/a.rs"), "the coder is told what is there: {prompt}");
    let commits = world.since(count).iter().filter_map(|event| {
        if let Event::CommitStarted(commit) = event { Some(commit) } else { None }
    });
    let commit = commits.into_iter().find(|commit| commit.phase == CommitPhase::Code);
    let paths: Vec<&str> =
        commit.expect("it commits").paths.iter().map(|path| path.path.as_str()).collect();
    assert_eq!(paths, ["src/a.rs"]);
}

#[test]
fn a_task_that_goes_on_waits_for_a_place() {
    // One place: t1 waits for a person, t2 takes the place, the person answers.
    let mut world = World::new(no_git());
    let tasks = json!([task("a", &[]), task("b", &[])]);
    let plan = planned(&tasks);
    while world.state.questions().next().is_none() {
        let effect = outstanding(&world.state).next().expect("something is owed");
        let command = if let Some((call, _)) = called_tool(&effect) {
            prepare(call, write_new("a"))
        } else if matches!(effect.work, EffectWork::Write { .. }) {
            let outcome = FileWriteOutcome::Conflict { found: None };
            Command::FileWriteEnded { effect: started(&effect), outcome }
        } else if matches!(effect.work, EffectWork::Workspace) {
            let outcome = WorkspaceOutcome::Ready { base: None, dirty: Vec::new() };
            Command::WorkspaceEnded { effect: started(&effect), outcome }
        } else {
            plan(&effect).unwrap_or_else(|| answer(&effect, called(&["file_write"])))
        };
        world.send(command).expect("it is awaited");
    }
    assert_eq!(world.state.tasks_active(), 1, "t2 took the place");
    let question = world.state.questions().next().expect("t1 asks").0;
    let (answer, by) = (QuestionAnswer::Skip, "ada".to_owned());
    world.send(Command::Answer { question, answer, by }).expect("it is open");
    let models = || {
        let works = outstanding(&world.state);
        works.filter(|effect| role_of(effect).is_some()).filter_map(|effect| effect.step)
    };
    assert_eq!(models().collect::<Vec<_>>(), [StepId(2)], "t1 waits for a place");
    world.go_on(|_, _| None);
    assert_eq!(world.phase(), &RunPhase::Ended(RunOutcome::Succeeded));
}

#[test]
fn only_coders_are_served_tools() {
    for role in [Role::Planner, Role::Reviewer] {
        let mut world = World::new(Setup::default());
        let mut called_once = false;
        world.go_on(|_, effect| {
            assert!(matches!(effect.key, EffectKey::Started(..)), "nothing is to be prepared");
            let first = role_of(&effect) == Some(role) && !called_once;
            called_once |= first;
            first.then(|| answer(&effect, called(&["file_write"])))
        });
        assert!(called_once);
        assert_eq!(world.phase(), &RunPhase::Ended(RunOutcome::Succeeded), "{role}");
    }
}

#[test]
fn a_red_command_without_a_finding_is_one() {
    let mut world = World::new(no_git());
    let mut rounds = 0;
    world.go_on(|_, effect| {
        let steps = checked(&effect)?;
        rounds += 1;
        let code = i32::from(rounds == 1);
        let report = |step: &StepId| CheckReport {
            step: *step,
            findings: Vec::new(),
            diff: Content::empty(),
        };
        Some(Command::ChecksEnded {
            effect: started(&effect),
            reports: steps.iter().map(report).collect(),
            commands: vec![CommandReport {
                name: "test".to_owned(),
                outcome: CommandOutcome::Exited { code },
                output: Content::empty(),
                elapsed_ms: 1,
            }],
        })
    });
    assert_eq!(rounds, 2, "the coder had to mend it");
    assert_eq!(world.phase(), &RunPhase::Ended(RunOutcome::Succeeded));
}

fn with_chunks(chunks: Vec<Content>) -> Command {
    let Command::Start(mut start) = Setup::default().start() else { panic!("it starts") };
    start.definition = Definition::Plan(PlanDefinition {
        title: "Large".to_owned(),
        path: "plans/large.md".to_owned(),
        text: Content::Inline("x".repeat(2_000_000)),
        chunks,
    });
    Command::Start(start)
}

#[test]
fn a_plan_of_any_size_begins_and_settings_have_a_limit() {
    let chunk = Content::Inline("y".repeat(16_000));
    let mut state = State::new();
    let decision = handle(&mut state, with_chunks(vec![chunk; 120])).expect("it begins");
    let encoded = lao_event::codec::encode(&decision.events[0]).expect("it fits a record");
    assert!(encoded.payload.len() < lao_event::codec::PAYLOAD_BYTES_MAX);
    let Command::Start(mut start) = Setup::default().start() else { panic!("it starts") };
    let tool = start.settings.tools[0].clone();
    start.settings.tools = vec![tool; 3_000];
    let rejection = handle(&mut State::new(), Command::Start(start));
    assert!(matches!(rejection, Err(Rejection::SettingsTooLarge { .. })), "{rejection:?}");
}

/// What the planner is told about a list of tasks; nothing when it is taken.
fn problems(tasks: &Value) -> Vec<String> {
    let limits = Limits { planner_tries_max: 1, ..Limits::default() };
    let mut world = World::new(Setup { limits, ..no_git() });
    let plan = planned(tasks);
    world.go_on(|_, effect| plan(&effect));
    let mut rejected = world.events.iter().filter_map(|event| {
        if let Event::AnswerRejected(rejected) = event {
            Some(rejected.problems.clone())
        } else {
            None
        }
    });
    rejected.next().unwrap_or_default()
}

#[test]
fn names_of_tasks_mean_one_task_each() {
    let named = |id: &str, title: &str, depends_on: &[&str]| json!({"id": id, "title": title, "description": "d", "depends_on": depends_on});
    let fine = [
        json!([named("setup", "Setup", &[]), named("b", "Next", &["setup"])]),
        json!([named("a", "b", &[]), named("b", "c", &["a"])]),
        json!([named("", "One", &[]), named("", "Two", &["one"])]),
        json!([{"id": 1, "title": "One", "description": "d"},
            {"id": 2, "title": "Two", "description": "d", "depends_on": [1]}]),
    ];
    for tasks in fine {
        assert_eq!(problems(&tasks), Vec::<String>::new(), "{tasks}");
    }
    let wrong = [
        (json!([named("a", "One", &[]), named("A ", "Two", &[])]), "two tasks have the id \"A\""),
        (json!([named("a", "One", &[]), named("b", " one", &[])]), "two tasks are called \"one\""),
        (json!([named("a", "One", &["a"])]), "\"One\" depends on itself"),
        (json!([named("a", "One", &["One"])]), "\"One\" depends on itself"),
        (json!([named("a", "One", &[""])]), "\"One\" depends on unknown task \"\""),
        (json!([named("a", "", &[])]), "task 1 has no title"),
    ];
    for (tasks, problem) in wrong {
        assert_eq!(problems(&tasks), [problem], "{tasks}");
    }
}

#[test]
fn a_plan_goes_through_its_phases() {
    let mut world = World::new(Setup { chunks: 2, ..Setup::default() });
    let mut phases = vec![world.state.plan_phase()];
    world.go_on(|state, _| {
        let phase = state.plan_phase();
        if phases.last() != Some(&phase) {
            phases.push(phase);
        }
        None
    });
    phases.push(world.state.plan_phase());
    assert_eq!(
        phases,
        [PlanPhase::Registered, PlanPhase::Planning, PlanPhase::Running, PlanPhase::Done]
    );
    let mut failed = World::new(no_git());
    failed.go_on(|_, effect| role_of(&effect).map(|_| refuse(&effect)));
    assert_eq!(failed.state.plan_phase(), PlanPhase::Failed);
}

#[test]
fn a_run_that_is_over_takes_no_orders() {
    let mut world = World::new(no_git());
    world.go_on(|_, effect| role_of(&effect).map(|_| refuse(&effect)));
    assert_eq!(world.phase(), &RunPhase::Ended(RunOutcome::Failed));
    let question = lao_event::QuestionId(1);
    let answer = QuestionAnswer::Skip;
    for command in [
        Command::Retry(Retry::Failed),
        Command::Retry(Retry::Step("plan".to_owned())),
        Command::Stop,
        Command::Cancel,
        Command::Answer { question, answer, by: "ada".to_owned() },
    ] {
        assert_eq!(world.send(command), Err(Rejection::Ended));
    }
    assert_eq!(world.resume_with(None), Err(Rejection::Ended));
    assert_eq!(
        world.resume_with(Some(Retry::Step("t1".to_owned()))),
        Err(Rejection::UnknownStep("t1".to_owned()))
    );
}
