//! The events of a workflow's triggers: their bytes come back, and no run's journal can have them.

use std::collections::BTreeSet;

use lao_event::{
    Event, Hash, RunId,
    codec::{self, DecodeError},
    latest::{
        FilesPassedOver, OpenedSchedule, ScheduleMissed, TriggerCause, TriggerEnded, TriggerEvent,
        TriggerFired, TriggerOpened, TriggerOutcome,
    },
};
use proptest::prelude::*;

fn cause() -> impl Strategy<Value = TriggerCause> {
    prop_oneof![
        (any::<(u32, u64, i64)>(), ".{0,8}").prop_map(
            |((watch, size_bytes, modified_ms), path)| {
                TriggerCause::File {
                    watch,
                    hash: Hash::of(path.as_bytes()),
                    path,
                    size_bytes,
                    modified_ms,
                }
            }
        ),
        any::<(u32, i64, bool)>().prop_map(|(schedule, due_ms, late)| TriggerCause::Schedule {
            schedule,
            due_ms,
            late
        }),
        Just(TriggerCause::Manual),
    ]
}

fn event() -> impl Strategy<Value = TriggerEvent> {
    let schedule = (".{0,8}", any::<Option<String>>(), any::<i64>())
        .prop_map(|(cron, zone, from_ms)| OpenedSchedule { cron, zone, from_ms });
    let outcome = prop_oneof![
        Just(TriggerOutcome::Succeeded),
        Just(TriggerOutcome::Failed),
        Just(TriggerOutcome::Cancelled),
    ];
    prop_oneof![
        (".{0,8}", prop::collection::vec(schedule, 0..3)).prop_map(|(workflow, schedules)| {
            let text = Hash::of(workflow.as_bytes());
            TriggerOpened { workflow, text, program: "0.1.0".to_owned(), schedules }.into()
        }),
        (any::<u64>(), cause(), any::<u32>()).prop_map(|(number, cause, random)| {
            TriggerFired { number, cause, run: RunId::new(number >> 24, random) }.into()
        }),
        (any::<u64>(), outcome)
            .prop_map(|(number, outcome)| TriggerEnded { number, outcome }.into()),
        any::<(u32, i64, i64, u64)>().prop_map(|(schedule, from_ms, until_ms, count)| {
            ScheduleMissed { schedule, from_ms, until_ms, count }.into()
        }),
        (".{0,8}", any::<bool>(), any::<Vec<[u8; 32]>>()).prop_map(
            |(folder, recursive, stamps)| {
                let stamps = stamps.into_iter().map(Hash).collect();
                FilesPassedOver { folder, recursive, stamps }.into()
            }
        ),
    ]
}

proptest! {
    #[test]
    fn whatever_is_written_is_read_again(event in event()) {
        let encoded = codec::encode_trigger(&event).expect("it fits a record");
        let back = codec::decode_trigger(encoded.event_type, encoded.schema_version, &encoded.payload);
        prop_assert_eq!(back.expect("it was just written"), event.clone());
        let json = serde_json::to_string(&event).expect("events are plain JSON");
        let read: TriggerEvent = serde_json::from_str(&json).expect("and come back from it");
        prop_assert_eq!(read, event);
    }

    #[test]
    fn whatever_the_bytes_are_it_is_a_value_or_an_error(bytes in any::<Vec<u8>>()) {
        for (number, name) in TriggerEvent::TYPES {
            match codec::decode_trigger(*number, 1, &bytes) {
                Ok(event) => {
                    prop_assert_eq!(&event.name(), name);
                    let again = codec::encode_trigger(&event).expect("no larger than what was read");
                    prop_assert!(again.payload.len() <= bytes.len());
                }
                Err(error) => {
                    let is_payload = matches!(error, DecodeError::Payload { .. });
                    prop_assert!(is_payload, "{}", error);
                }
            }
        }
    }
}

#[test]
fn a_run_has_none_of_them_and_they_none_of_a_runs() {
    let of_runs: BTreeSet<u16> = Event::TYPES.iter().map(|(number, _)| *number).collect();
    for (number, _) in TriggerEvent::TYPES {
        assert!(!of_runs.contains(number), "{number} is used twice");
        assert!(matches!(codec::decode(*number, 1, &[]), Err(DecodeError::Unknown { .. })));
    }
    for number in of_runs {
        assert!(matches!(codec::decode_trigger(number, 1, &[]), Err(DecodeError::Unknown { .. })));
    }
    assert!(matches!(codec::decode_trigger(200, 2, &[]), Err(DecodeError::Unknown { .. })));
}
