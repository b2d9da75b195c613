//! Whatever a workflow is and whatever the world does: the indexes are what the steps say, nothing
//! stands still, and a friendly world brings every run to an end.

use lao_event::{Event, OnUnknown, latest::StepOutcome};
use lao_kernel::{RunPhase, StepStatus};
use proptest::{prelude::*, test_runner::FileFailurePersistence};

use super::{
    choices::Choices,
    graphs::{made_up, new_steps, settings, start},
    world::World,
};

/// The most turns of a life: what is left when the choices are used up is friendly.
const TURNS_MAX: usize = 3_000;

fn live(bytes: &[u8]) -> World {
    let mut choices = Choices::new(bytes);
    let steps = made_up(&mut choices);
    let unknown = *choices.one_of(&[OnUnknown::Rerun, OnUnknown::Ask, OnUnknown::Skip]);
    let places = 1 + choices.below(4);
    let settings = settings(unknown, u32::try_from(places).expect("few places"));
    let mut world = World::new(start(new_steps(&steps), settings), places);
    for _ in 0..TURNS_MAX {
        if !world.turn(&mut choices) {
            return world;
        }
    }
    panic!("it does not come to an end: {:#?}", world.state.run().map(|run| &run.phase));
}

fn config() -> ProptestConfig {
    ProptestConfig {
        cases: std::env::var("PROPTEST_CASES")
            .ok()
            .and_then(|cases| cases.parse().ok())
            .unwrap_or(600),
        failure_persistence: Some(Box::new(FileFailurePersistence::WithSource("regressions"))),
        ..ProptestConfig::default()
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
            if let Event::StepEnded(ended) = event {
                match &ended.outcome {
                    StepOutcome::Succeeded => {}
                    StepOutcome::Failed { .. } => {
                        seen.insert("failed".to_owned());
                    }
                    StepOutcome::Skipped(reason) => {
                        let word = format!("skipped {reason:?}");
                        let word = word.split([' ', '{']).take(2).collect::<Vec<_>>().join(" ");
                        seen.insert(word);
                    }
                }
            }
        }
        if world.state.steps().iter().any(|step| step.inside.is_some()) {
            seen.insert("inside".to_owned());
        }
    }
    let missing: Vec<&str> = REACHED.iter().copied().filter(|it| !seen.contains(*it)).collect();
    assert!(missing.is_empty(), "never reached: {missing:?}\nreached: {seen:#?}");
}

use proptest::strategy::{Strategy as _, ValueTree as _};
