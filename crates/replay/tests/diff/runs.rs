//! Runs beside each other.

use lao_event::{
    Content,
    latest::{Action, ActionOutcome, FlowValue, ModelOutcome},
};
use lao_replay::diff::{ActionRecord, Pair, RunDiff, RunRecord, TurnRecord, What};
use proptest::prelude::*;

use super::sample::{Maker, compare};

fn choices() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), 0..160)
}

/// Two lists of choices that are mostly the same.
fn pairs() -> impl Strategy<Value = (Vec<u8>, Vec<u8>)> {
    let changes = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4);
    (choices(), changes).prop_map(|(a, changes)| {
        let mut b = a.clone();
        for (index, value) in changes {
            if !b.is_empty() {
                *index.get_mut(&mut b) = value;
            }
        }
        (a, b)
    })
}

fn nothing(diff: &RunDiff) -> bool {
    diff.is_empty() && diff.first.is_none() && diff.changes.is_empty() && diff.steps.is_empty()
}

/// The answers of a run, in order.
fn turns(run: &mut RunRecord) -> Vec<&mut TurnRecord> {
    let attempts = run.steps.iter_mut().flat_map(|step| &mut step.attempts);
    attempts.flat_map(|attempt| &mut attempt.talks).flat_map(|talk| &mut talk.turns).collect()
}

/// What the steps of a workflow did, in order.
fn actions(run: &mut RunRecord) -> Vec<&mut ActionRecord> {
    let attempts = run.steps.iter_mut().flat_map(|step| &mut step.attempts);
    attempts.flat_map(|attempt| &mut attempt.actions).collect()
}

proptest! {
    #[test]
    fn a_run_does_not_differ_from_itself(choices in choices()) {
        let run = Maker::run(&choices, 1);
        prop_assert!(nothing(&compare(&run, &run).unwrap()));
    }

    #[test]
    fn ids_positions_times_and_folders_are_no_difference(choices in choices(), gap in 2_u64..9) {
        let (a, b) = (Maker::run(&choices, 1), Maker::run(&choices, gap));
        let diff = compare(&a, &b).unwrap();
        prop_assert!(nothing(&diff), "{:#?}", diff.first);
    }

    #[test]
    fn the_other_way_round_is_the_same((a, b) in pairs(), gap in 1_u64..3) {
        let (a, b) = (Maker::run(&a, 1), Maker::run(&b, gap));
        let one = compare(&a, &b).unwrap().swapped();
        let other = compare(&b, &a).unwrap();
        prop_assert_eq!(one, other);
    }

    #[test]
    fn another_answer_is_found_where_it_is(choices in choices(), index in any::<prop::sample::Index>()) {
        let run = Maker::run(&choices, 1);
        let mut other = run.clone();
        let mut turns = turns(&mut other);
        if turns.is_empty() {
            return Ok(());
        }
        let turn = index.get_mut(&mut turns);
        let Some((seq, ModelOutcome::Answered(answer))) = &mut turn.outcome else {
            return Err(TestCaseError::fail("every turn was answered"));
        };
        let seq = *seq;
        answer.text = Content::Inline("said nowhere else".to_owned());
        let first = compare(&run, &other).unwrap().first.expect("it differs");
        let seqs = first.change.place.seqs;
        prop_assert!(matches!(first.change.what, What::Answer(..)), "{first:#?}");
        prop_assert_eq!((seqs.a, seqs.b), (Some(seq), Some(seq)));
    }

    #[test]
    fn another_command_is_found_where_it_began(
        choices in choices(), index in any::<prop::sample::Index>()
    ) {
        let run = Maker::run(&choices, 1);
        let mut other = run.clone();
        let mut commands: Vec<_> = actions(&mut other)
            .into_iter()
            .filter_map(|record| {
                let Action::Run(command) = &mut record.action else { return None };
                Some((record.seq, command))
            })
            .collect();
        if commands.is_empty() {
            return Ok(());
        }
        let (seq, command) = index.get_mut(&mut commands);
        command.argv.push("run nowhere else".to_owned());
        let seqs = Pair { a: Some(*seq), b: Some(*seq) };
        let first = compare(&run, &other).unwrap().first.expect("it differs");
        prop_assert_eq!(first.change.place.seqs, seqs);
        let What::Action(action) = &first.change.what else {
            return Err(TestCaseError::fail(format!("{first:#?}")));
        };
        prop_assert!(action.arguments.is_some() && action.value.is_none(), "{action:#?}");
    }

    #[test]
    fn another_value_is_found_where_it_came(
        choices in choices(), index in any::<prop::sample::Index>()
    ) {
        let run = Maker::run(&choices, 1);
        let mut other = run.clone();
        let mut gave: Vec<_> = actions(&mut other)
            .into_iter()
            // What a write gives is the file's path.
            .filter(|record| !matches!(record.action, Action::Write { .. }))
            .filter_map(|record| match &mut record.outcome {
                Some((seq, ActionOutcome::Done { value, .. })) => Some((*seq, value)),
                Some((_, ActionOutcome::Failed { .. })) | None => None,
            })
            .collect();
        if gave.is_empty() {
            return Ok(());
        }
        let (seq, value) = index.get_mut(&mut gave);
        **value = FlowValue::Text(Content::Inline("given nowhere else".to_owned()));
        let seqs = Pair { a: Some(*seq), b: Some(*seq) };
        let first = compare(&run, &other).unwrap().first.expect("it differs");
        prop_assert_eq!(first.change.place.seqs, seqs);
        let What::Action(action) = &first.change.what else {
            return Err(TestCaseError::fail(format!("{first:#?}")));
        };
        prop_assert!(action.arguments.is_none() && action.value.is_some(), "{action:#?}");
    }
}
