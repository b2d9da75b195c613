//! Whatever a workflow is and whatever the world does: the indexes are what the steps say, nothing
//! stands still, and a friendly world brings every run to an end.

use lao_event::{Event, OnUnknown, StepId, latest::StepOutcome};
use lao_kernel::{RunPhase, StepStatus};
use proptest::{prelude::*, strategy::ValueTree, test_runner::FileFailurePersistence};

use super::{
    choices::Choices,
    graphs::{made_up, new_steps, settings, start},
    world::World,
};

/// The most turns a friendly world needs for what is left of any workflow here.
const FRIENDLY_TURNS_MAX: usize = 3_000;

fn live(bytes: &[u8]) -> World {
    let mut choices = Choices::new(bytes);
    let steps = made_up(&mut choices);
    let unknown = *choices.one_of(&[OnUnknown::Rerun, OnUnknown::Ask, OnUnknown::Skip]);
    let places = 1 + choices.below(4);
    let settings = settings(unknown, u32::try_from(places).expect("few places"));
    let mut world = World::new(start(new_steps(&steps), settings), places);
    let mut friendly_turns = 0;
    while world.turn(&mut choices) {
        friendly_turns += usize::from(choices.are_used_up());
        let phase = world.state.run().map(|run| &run.phase);
        assert!(friendly_turns < FRIENDLY_TURNS_MAX, "it does not come to an end: {phase:#?}");
    }
    world
}

fn config() -> ProptestConfig {
    let usual = ProptestConfig::default();
    ProptestConfig {
        // There are many kinds of steps to come together.
        cases: usual.cases.saturating_mul(2),
        failure_persistence: Some(Box::new(FileFailurePersistence::WithSource("regressions"))),
        ..usual
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn whatever_the_world_does(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let world = live(&bytes);
        let ended = matches!(world.state.run().expect("it began").phase, RunPhase::Ended(_));
        prop_assert!(ended, "it is not over");
        for step in world.state.steps() {
            prop_assert!(matches!(step.status, StepStatus::Ended(_)), "{} is open", step.key);
        }
    }
}

/// Names of events and ends of steps that made-up workflows must come to.
const REACHED: &[&str] = &[
    "StepLooked",
    "ActionStarted",
    "ActionEnded",
    "OutputSet",
    "StepTimedOut",
    "AnswerRejected",
    "QuestionAsked",
    "StepParked",
    "StepRetried",
    "EffectsLost",
    "RunStopped",
    "RunForked",
    "redone",
    "replaced",
    "ToolCallEnded",
    "failed",
    "skipped UpstreamFailed",
    "skipped ConditionFalse",
    "skipped NotNeeded",
    "inside",
];

#[test]
fn the_worlds_reach_every_corner() {
    let mut seen = std::collections::BTreeSet::new();
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let strategy = prop::collection::vec(any::<u8>(), 0..400);
    for _ in 0..300 {
        let bytes = strategy.new_tree(&mut runner).expect("it generates").current();
        let world = live(&bytes);
        for event in &world.events {
            seen.insert(event.name().to_owned());
            if let Event::RunForked(forked) = event
                && !forked.redone.is_empty()
            {
                seen.insert("redone".to_owned());
            }
            if let Event::StepEnded(ended) = event {
                match &ended.outcome {
                    StepOutcome::Succeeded => {}
                    StepOutcome::Failed { .. } => {
                        seen.insert("failed".to_owned());
                    }
                    StepOutcome::Skipped(reason) => {
                        let why = format!("skipped {reason:?}");
                        let why = why.split([' ', '{']).take(2).collect::<Vec<_>>().join(" ");
                        seen.insert(why);
                    }
                }
            }
        }
        if world.state.steps().iter().any(|step| step.inside.is_some()) {
            seen.insert("inside".to_owned());
        }
        let count = u32::try_from(world.state.steps().len()).expect("few steps");
        let mut ids = (0..count).map(StepId);
        if ids.any(|id| world.state.is_replaced(id)) {
            seen.insert("replaced".to_owned());
        }
    }
    let missing: Vec<&str> = REACHED.iter().copied().filter(|it| !seen.contains(*it)).collect();
    assert!(missing.is_empty(), "never reached: {missing:?}\nreached: {seen:#?}");
}
