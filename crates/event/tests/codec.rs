//! Whatever the bytes are, decoding gives a value or an error; whatever the texts are, an event
//! fits its record.

use lao_event::{
    Attempt, Content, EffectId, Event, Hash, INLINE_BYTES_MAX, RunId, StepId,
    codec::{self, DecodeError, PAYLOAD_BYTES_MAX},
    latest::{
        Action, ActionEnded, ActionOutcome, ActionRun, ActionStarted, Before, CheckReport,
        ChecksEnded, Definition, FlowDefinition, FlowInput, FlowValue, Found, ModelCallEnded,
        NewStep, OutputSet, OutputSource, PlanDefinition, RunResumed, RunStarted, StepDefinition,
        StepLooked, StepsAdded, TaskDefinition,
    },
};
use proptest::prelude::*;

fn contents(event: &mut Event) -> Vec<Content> {
    let mut all = Vec::new();
    event.visit_contents(&mut |content| all.push(content.clone()));
    all
}

fn run_started(texts: &[String]) -> Event {
    let chunks = texts.iter().cloned().map(Content::from).collect();
    RunStarted {
        run: RunId::new(0, 0),
        program: "0.1.0".to_owned(),
        definition: Definition::Plan(PlanDefinition {
            title: "App".to_owned(),
            path: "plans/app.md".to_owned(),
            text: Content::from(texts.concat()),
            chunks,
        }),
        settings: Content::from("s".repeat(2 * INLINE_BYTES_MAX)),
        seed: 0,
    }
    .into()
}

fn checks_ended(texts: &[String]) -> Event {
    let report = |text: &String| CheckReport {
        step: StepId(0),
        findings: Vec::new(),
        diff: Content::from(text.as_str()),
    };
    ChecksEnded {
        effect: EffectId(1),
        reports: texts.iter().map(report).collect(),
        commands: Vec::new(),
    }
    .into()
}

fn steps_added(texts: &[String]) -> Event {
    let step = |text: &String| NewStep {
        key: "t".to_owned(),
        title: "Title".to_owned(),
        needs: Vec::new(),
        definition: StepDefinition::Task(TaskDefinition {
            description: Content::from(text.as_str()),
            files: Vec::new(),
            deletes: Vec::new(),
            acceptance: Vec::new(),
        }),
    };
    StepsAdded { by: Some(StepId(0)), steps: texts.iter().map(step).collect() }.into()
}

fn workflow_started(texts: &[String]) -> Event {
    let input = |text: &String| FlowInput {
        name: "text".to_owned(),
        value: FlowValue::Text(Content::from(text.as_str())),
    };
    RunStarted {
        run: RunId::new(0, 0),
        program: "0.1.0".to_owned(),
        definition: Definition::Flow(FlowDefinition {
            title: "Memo".to_owned(),
            path: "flows/memo.yaml".to_owned(),
            text: Content::from(texts.concat()),
            inputs: texts.iter().map(input).collect(),
            trigger: "{}".to_owned(),
            output: None,
        }),
        settings: Content::empty(),
        seed: 0,
    }
    .into()
}

fn items_added(texts: &[String]) -> Event {
    let item = |(index, text): (u32, &String)| NewStep {
        key: format!("notes[{index}]"),
        title: "Notes".to_owned(),
        needs: Vec::new(),
        definition: StepDefinition::Item { index, value: FlowValue::Json(text.as_str().into()) },
    };
    StepsAdded { by: Some(StepId(0)), steps: (0..).zip(texts).map(item).collect() }.into()
}

/// What a workflow's step sees, does and gives, each time with two texts or one.
fn acted(texts: &[String]) -> Vec<Event> {
    let (first, all) = (texts.first().cloned().unwrap_or_default(), texts.concat());
    let text = || Content::from(first.as_str());
    let large = || FlowValue::Text(Content::from(all.as_str()));
    let (effect, step) = (EffectId(1), StepId(0));
    let found = [
        Found::File { before: Before::Kept(text()), start: Some(all.as_str().into()) },
        Found::Cache { key: Hash::of(b""), keyed_on: String::new(), value: Some(large()) },
    ];
    let actions = [
        Action::Run(ActionRun {
            argv: Vec::new(),
            folder: None,
            env: Vec::new(),
            secrets: Vec::new(),
            input: Some(text()),
            json: false,
            exit_codes: Vec::new(),
            repeatable: false,
        }),
        Action::Write { path: String::new(), before: Before::Kept(text()), after: text() },
        Action::Approve { message: text() },
    ];
    let done = ActionOutcome::Done { value: large(), exit_code: None };
    let output = OutputSet { step, value: large(), source: OutputSource::Inside };
    let looked = |found| StepLooked { step, attempt: Attempt(1), found }.into();
    let mut events: Vec<Event> = found.into_iter().map(looked).collect();
    events.extend(actions.map(|action| ActionStarted { effect, step, action }.into()));
    events.extend([ActionEnded { effect, outcome: done }.into(), output.into()]);
    events
}

/// Texts around the limit: many small, some large, one enormous.
fn texts() -> impl Strategy<Value = Vec<String>> {
    let lengths = prop_oneof![
        4 => 0..2_000_usize,
        3 => INLINE_BYTES_MAX - 2..INLINE_BYTES_MAX + 3,
        1 => 100_000..400_000_usize,
    ];
    prop::collection::vec(lengths.prop_map(|length| "x".repeat(length)), 0..120)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn an_event_fits_its_record_once_its_texts_are_split(texts in texts()) {
        let of_plans = [run_started(&texts), checks_ended(&texts), steps_added(&texts)];
        let of_workflows = [workflow_started(&texts), items_added(&texts)];
        for mut event in of_plans.into_iter().chain(of_workflows).chain(acted(&texts)) {
            let whole = contents(&mut event);
            let blobs = event.split_blobs();
            let encoded = codec::encode(&event).expect("it fits");
            prop_assert!(encoded.payload.len() <= PAYLOAD_BYTES_MAX);
            let split = contents(&mut event);
            prop_assert_eq!(whole.len(), split.len());
            for (before, after) in whole.iter().zip(&split) {
                prop_assert_eq!(before.hash(), after.hash());
                prop_assert_eq!(before.size_bytes(), after.size_bytes());
                prop_assert!(after.inline().is_none_or(|text| text.len() <= INLINE_BYTES_MAX));
            }
            let named = split.iter().filter(|content| content.inline().is_none());
            let named: Vec<Hash> = named.map(Content::hash).collect();
            prop_assert_eq!(named, blobs.iter().map(|blob| blob.hash).collect::<Vec<_>>());
            for blob in &blobs {
                prop_assert_eq!(Hash::of(&blob.bytes), blob.hash);
            }
            prop_assert!(event.split_blobs().is_empty(), "split once is split");
            let back = codec::decode(encoded.event_type, encoded.schema_version, &encoded.payload);
            prop_assert_eq!(back.expect("it was just encoded"), event);
        }
    }
}

proptest! {
    #[test]
    fn no_bytes_end_the_program(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        for (number, name) in Event::TYPES {
            match codec::decode(*number, 1, &bytes) {
                Ok(event) => {
                    prop_assert_eq!(event.name(), *name);
                    let again = codec::encode(&event).expect("no larger than what was read");
                    prop_assert!(again.payload.len() <= bytes.len());
                }
                Err(DecodeError::Payload { event_type, .. }) => {
                    prop_assert_eq!(event_type, *number);
                }
                Err(DecodeError::Unknown { .. }) => prop_assert!(false, "{} is known", name),
            }
        }
    }
}

#[test]
fn settings_stay_in_place_whatever_their_size() {
    let settings = || Content::from("s".repeat(100_000));
    let resumed = RunResumed { program: "0.1.0".to_owned(), settings: Some(settings()) };
    for mut event in [run_started(&[]), resumed.into()] {
        assert!(event.split_blobs().is_empty());
    }
}

#[test]
fn a_step_of_a_workflow_stays_in_place_whatever_its_size() {
    let step = NewStep {
        key: "notes".to_owned(),
        title: "Notes".to_owned(),
        needs: Vec::new(),
        definition: StepDefinition::Flow { spec: "s".repeat(100_000) },
    };
    let mut event = Event::from(StepsAdded { by: None, steps: vec![step] });
    assert!(event.split_blobs().is_empty());
}

#[test]
fn an_event_that_does_not_fit_is_an_error_that_names_it() {
    let ended = ModelCallEnded {
        effect: EffectId(1),
        outcome: lao_event::latest::ModelOutcome::Failed(lao_event::latest::ModelFailure {
            kind: lao_event::latest::FailureKind::Refused,
            message: "m".repeat(PAYLOAD_BYTES_MAX),
        }),
        failed_tries: Vec::new(),
    };
    let error = codec::encode(&ended.into()).expect_err("it is too large");
    assert!(error.to_string().starts_with("ModelCallEnded"), "{error}");
}
