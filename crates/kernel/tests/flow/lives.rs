//! Lives of workflows: what failed inside is tried again, and a fork does again what was done.

use lao_event::{
    Content, FlowAction, FlowMap, MapOver, NamedStep, OnUnknown, StepId, Template,
    latest::{Action, ActionFailure, ActionOutcome, FlowValue, RunOutcome, StepOutcome},
};
use lao_kernel::{Rejection, Retry, RunPhase, State, StepStatus};

use super::{
    graphs::{command, named, new_steps, plain, settings, start},
    world::World,
};

/// A command gives a list, another one runs for each entry, a third takes what they gave.
fn listed() -> Vec<NamedStep> {
    let list = MapOver::List(Template::from("${{ steps.list.output | split }}"));
    let each = plain(command(&["each", "${{ item }}"]));
    let map = FlowAction::Map(Box::new(FlowMap { over: list, concurrency: 2, step: each }));
    vec![
        named("list", &[], plain(command(&["list"]))),
        named("all", &["list"], plain(map)),
        named("sum", &["all"], plain(command(&["sum", "${{ steps.all.output | join('+') }}"]))),
    ]
}

fn world(steps: &[NamedStep]) -> World {
    World::new(start(new_steps(steps), settings(OnUnknown::Rerun, 4)), 4)
}

fn done(text: &str) -> ActionOutcome {
    let value = FlowValue::Text(Content::Inline(text.to_owned()));
    ActionOutcome::Done { value, exit_code: Some(0) }
}

fn fails() -> ActionOutcome {
    let message = "no".to_owned();
    ActionOutcome::Failed { kind: ActionFailure::Command, message, exit_code: Some(1) }
}

/// What runs: the words of commands, in order. The list has these entries, and some items fail.
fn go_on(world: &mut World, entries: &str, failing: &[&str]) -> Vec<String> {
    let mut ran = Vec::new();
    world.go_on(|_, action| {
        let Action::Run(run) = action else {
            return None;
        };
        ran.push(run.argv.join(" "));
        let last = run.argv.last().map_or("", String::as_str);
        Some(match run.argv[0].as_str() {
            "list" => done(entries),
            _ if failing.contains(&last) => fails(),
            _ => done(&last.to_uppercase()),
        })
    });
    ran
}

fn ended(world: &World) -> Option<RunOutcome> {
    match &world.state.run().expect("it began").phase {
        RunPhase::Ended(outcome) => Some(*outcome),
        RunPhase::Working | RunPhase::Stopping(_) | RunPhase::Stopped(_) => None,
    }
}

fn id(state: &State, key: &str) -> StepId {
    state.step_by_key(key).expect("it is there")
}

fn status<'a>(state: &'a State, key: &str) -> &'a StepStatus {
    &state.step(id(state, key)).expect("it has a number").status
}

#[test]
fn of_a_failed_map_only_the_items_that_failed_are_tried_again() {
    for retry in [Retry::Failed, Retry::Step("all".to_owned())] {
        let mut world = world(&listed());
        let ran = go_on(&mut world, "a b c", &["b"]);
        assert_eq!(ran, ["list", "each a", "each b", "each c"]);
        assert_eq!(ended(&world), Some(RunOutcome::Failed));
        assert!(matches!(status(&world.state, "sum"), StepStatus::Ended(StepOutcome::Skipped(_))));
        let inside = Some(Retry::Step("all[1]".to_owned()));
        assert!(matches!(world.resume(inside), Err(Rejection::InsideAnother { .. })));
        world.resume(Some(retry)).expect("it failed");
        assert_eq!(go_on(&mut world, "", &[]), ["each b", "sum A+B+C"]);
        assert_eq!(ended(&world), Some(RunOutcome::Succeeded));
    }
}

#[test]
fn a_map_that_fails_again_can_be_tried_again() {
    let mut world = world(&listed());
    go_on(&mut world, "a b c d", &["b", "d"]);
    world.resume(Some(Retry::Failed)).expect("it failed");
    assert_eq!(go_on(&mut world, "", &["d"]), ["each b", "each d"]);
    assert_eq!(ended(&world), Some(RunOutcome::Failed));
    world.resume(Some(Retry::Failed)).expect("it failed again");
    assert_eq!(go_on(&mut world, "", &[]), ["each d", "sum A+B+C+D"]);
}

#[test]
fn what_depends_on_a_step_that_is_done_again_is_done_again() {
    let mut world = world(&listed());
    go_on(&mut world, "a b c", &[]);
    assert_eq!(ended(&world), Some(RunOutcome::Succeeded));
    let sum = id(&world.state, "sum");
    world.fork(vec![sum]).expect("it is over");
    world.resume(None).expect("a fork is stopped");
    assert_eq!(go_on(&mut world, "", &[]), ["sum A+B+C"]);
    let list = id(&world.state, "list");
    world.fork(vec![list]).expect("it is over");
    world.resume(None).expect("a fork is stopped");
    assert_eq!(go_on(&mut world, "x y", &[]), ["list", "each x", "each y", "sum X+Y"]);
    assert_eq!(ended(&world), Some(RunOutcome::Succeeded));
}

#[test]
fn the_items_of_a_map_that_is_done_again_are_others() {
    let mut world = world(&listed());
    go_on(&mut world, "a b c", &["b"]);
    let before = id(&world.state, "all[0]");
    let all = id(&world.state, "all");
    world.fork(vec![all]).expect("it is over");
    assert!(world.state.is_replaced(before));
    assert_eq!(world.state.step_by_key("all[0]"), None);
    assert_eq!(status(&world.state, "all"), &StepStatus::Pending);
    world.resume(None).expect("a fork is stopped");
    assert_eq!(go_on(&mut world, "", &["b"]), ["each a", "each b", "each c"]);
    assert_eq!(ended(&world), Some(RunOutcome::Failed));
    assert_ne!(id(&world.state, "all[0]"), before);
    // What failed in the fork is tried again there; what failed before it is no concern of it.
    world.resume(Some(Retry::Failed)).expect("it failed");
    assert_eq!(go_on(&mut world, "", &[]), ["each b", "sum A+B+C"]);
    assert_eq!(ended(&world), Some(RunOutcome::Succeeded));
}

#[test]
fn what_is_inside_a_step_is_not_done_again_by_itself() {
    let mut world = world(&listed());
    go_on(&mut world, "a b", &[]);
    let item = id(&world.state, "all[0]");
    let (step, outer) = ("all[0]".to_owned(), "all".to_owned());
    assert_eq!(world.fork(vec![item]), Err(Rejection::InsideAnother { step, outer }));
}
