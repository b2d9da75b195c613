//! Properties of the kernel, over runs that a made-up world drives.

use std::collections::BTreeSet;

use lao_event::Event;
use lao_kernel::{Command, State, evolve, handle, note};
use proptest::{prelude::*, strategy::ValueTree, test_runner::FileFailurePersistence};

use crate::{
    choices::Choices,
    setup::{Setup, setups},
    world::{Turn, World},
};

/// The most turns a friendly world needs for what is left of any run here.
const FRIENDLY_TURNS_MAX: usize = 1_500;

/// Lets a run live until it is over and nobody wants it back.
fn live(setup: Setup, bytes: &[u8]) -> World {
    let mut world = World::new(setup);
    let mut choices = Choices::new(bytes);
    let mut friendly_turns = 0;
    while world.turn(&mut choices) == Turn::Moved {
        friendly_turns += usize::from(choices.are_used_up());
        assert!(friendly_turns < FRIENDLY_TURNS_MAX, "the run does not come to its end");
    }
    world
}

/// A state written and read again, as a snapshot is: by place, without names.
fn reread(state: &State) -> State {
    let bytes = rmp_serde::to_vec(state).expect("a state is plain data");
    rmp_serde::from_slice(&bytes).expect("it was just written")
}

/// The fold from the start, and from a snapshot taken on the way, is the state the run ended in.
fn expect_same_fold(world: &World, copied_at: usize) {
    let mut state = State::new();
    let mut copy = None;
    for (index, event) in world.events.iter().enumerate() {
        if index == copied_at {
            copy = Some(reread(&state));
            assert_eq!(copy.as_ref(), Some(&state));
        }
        evolve(&mut state, event).expect("what is in the journal");
    }
    assert_eq!(state.hash(), world.state.hash(), "from the start");
    let mut from_copy = copy.expect("it lies within the events");
    for event in &world.events[copied_at..] {
        evolve(&mut from_copy, event).expect("what is in the journal");
    }
    assert_eq!(from_copy.hash(), world.state.hash(), "from a snapshot");
}

/// The same commands give the same events.
fn expect_same_events(world: &World) {
    let mut state = State::new();
    let mut events: Vec<Event> = Vec::new();
    for command in &world.accepted {
        let way = if matches!(command, Command::Fork(_)) { note } else { handle };
        events.extend(way(&mut state, command.clone()).expect("it was accepted").events);
    }
    assert_eq!(events, world.events);
}

fn config() -> ProptestConfig {
    ProptestConfig {
        failure_persistence: Some(Box::new(FileFailurePersistence::WithSource("regressions"))),
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn whatever_the_world_does(
        setup in setups(),
        bytes in prop::collection::vec(any::<u8>(), 0..500),
        part in 0.0..1.0_f64,
    ) {
        let world = live(setup, &bytes);
        #[expect(
            clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss,
            reason = "any place within the events will do"
        )]
        let copied_at = (world.events.len() as f64 * part) as usize;
        expect_same_fold(&world, copied_at);
        expect_same_events(&world);
    }
}

#[test]
fn a_friendly_world_brings_every_run_to_success() {
    for git in [false, true] {
        for wave in [false, true] {
            for chunks in 1..4 {
                let world = live(Setup { git, wave, chunks, ..Setup::default() }, &[]);
                let last = world.events.last().expect("a run has events");
                assert!(
                    matches!(last, Event::RunEnded(end)
                        if end.outcome == lao_event::latest::RunOutcome::Succeeded),
                    "{last:?}"
                );
            }
        }
    }
}

/// A generator that no longer reaches something would prove nothing about it.
#[test]
fn the_worlds_reach_everything() {
    let mut seen = BTreeSet::new();
    let strategy = (setups(), prop::collection::vec(any::<u8>(), 0..500));
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    for _ in 0..200 {
        let (setup, bytes) = strategy.new_tree(&mut runner).expect("it generates").current();
        seen.extend(live(setup, &bytes).rules.seen);
    }
    let missing: Vec<&str> = REACHED.iter().copied().filter(|what| !seen.contains(*what)).collect();
    assert!(missing.is_empty(), "never reached: {missing:#?}\nreached: {seen:#?}");
}

/// What 200 worlds must reach between them.
const REACHED: &[&str] = &[
    "AnswerRejected",
    "ChecksEnded",
    "ChecksStarted task",
    "ChecksStarted wave",
    "CommandEnded exited",
    "CommandEnded not_started",
    "CommandEnded timed_out",
    "CommandEnded unknown",
    "CommandStarted",
    "CommitEnded failed",
    "CommitEnded made",
    "CommitEnded unchanged",
    "CommitStarted code",
    "CommitStarted planning",
    "CommitStarted review",
    "EffectsLost process_ended",
    "EffectsLost worker_panicked",
    "FileWriteEnded already_written",
    "FileWriteEnded conflict",
    "FileWriteEnded failed",
    "FileWriteEnded written",
    "FileWriteStarted",
    "ModelCallEnded answered",
    "ModelCallEnded failed aborted",
    "ModelCallEnded failed model_missing",
    "ModelCallEnded failed refused",
    "ModelCallEnded failed script_mismatch",
    "ModelCallEnded failed server_failed",
    "ModelCallEnded failed timed_out",
    "ModelCallEnded failed unreachable",
    "ModelCallEnded failed unreadable",
    "ModelCallEnded failed window_exceeded",
    "ModelCallStarted",
    "QuestionAnswered rerun",
    "QuestionAnswered skip",
    "QuestionAsked command_unknown",
    "QuestionAsked file_conflict",
    "ReviewGiven approved",
    "ReviewGiven rejected",
    "ReviewGiven rework",
    "RunEnded cancelled",
    "RunEnded failed",
    "RunEnded succeeded",
    "RunForked",
    "RunForked redone",
    "RunResumed",
    "RunStarted",
    "RunStopped effect_lost_too_often",
    "RunStopped interrupted",
    "RunStopped model_missing",
    "RunStopped parked",
    "RunStopped server_unreachable",
    "RunStopped workspace_unusable",
    "RunStopping cancelled",
    "RunStopping effect_lost_too_often",
    "RunStopping interrupted",
    "RunStopping model_missing",
    "RunStopping parked",
    "RunStopping server_unreachable",
    "RunStopping workspace_unusable",
    "StepEnded failed checks_red",
    "StepEnded failed coder_stuck",
    "StepEnded failed model_failed",
    "StepEnded failed not_approved",
    "StepEnded failed plan_unusable",
    "StepEnded failed review_unreadable",
    "StepEnded failed timed_out",
    "StepEnded skipped",
    "StepEnded succeeded",
    "StepParked commit_failed",
    "StepParked question",
    "StepRetried",
    "StepTimedOut",
    "StepStarted ready",
    "StepStarted rejected",
    "StepStarted rework",
    "StepStarted stuck",
    "StepStarted timed_out",
    "StepStarted window_full",
    "StepsAdded",
    "TodoSet",
    "ToolCallEnded failed",
    "ToolCallEnded succeeded",
    "ToolCallStarted",
    "ToolDecided allowed",
    "ToolDecided denied",
    "ToolDecided invalid",
    "WorkspaceEnded ready",
    "WorkspaceEnded unusable",
    "WorkspaceStarted",
];
