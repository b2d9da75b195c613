//! Whole workflows: what they come to.

use lao_event::NamedStep;
use lao_workflow::flow::{FlowError, Trigger, Workflow, parse};

const VOICE_NOTES: &str = include_str!("workflows/voice-notes.yaml");
const EVERYTHING: &str = include_str!("workflows/everything.yaml");

/// The samples that every test of samples goes through.
pub(crate) const ALL: [(&str, &str); 2] =
    [("voice-notes.yaml", VOICE_NOTES), ("everything.yaml", EVERYTHING)];

pub(crate) fn sample(name: &str, text: &str) -> Result<Workflow, FlowError> {
    parse(name, text, &mut |path| {
        let found = ALL.into_iter().find(|(name, _)| *name == path);
        found.map(|(_, text)| text.to_owned()).ok_or_else(|| "there is none".to_owned())
    })
}

pub(crate) fn json(steps: &[NamedStep]) -> String {
    serde_json::to_string_pretty(steps).expect("steps are JSON")
}

#[test]
fn the_first_example_is_read() {
    let workflow = sample("voice-notes.yaml", VOICE_NOTES).expect("it is right");
    assert_eq!(workflow.name, "voice-notes");
    assert_eq!(workflow.output.0, "${{ steps.summary.output }}");
    let [Trigger::Watch(watch)] = workflow.triggers.as_slice() else {
        panic!("{:?}", workflow.triggers)
    };
    assert_eq!(watch.matches, ["*.wav", "*.mp3"]);
    assert!(watch.existing && !watch.recursive && watch.settle_ms == 2000);
    let graph: Vec<(&str, &[String])> =
        workflow.steps.iter().map(|step| (step.id.as_str(), step.needs.as_slice())).collect();
    assert_eq!(
        graph,
        [
            ("text", [].as_slice()),
            ("summary", ["text".to_owned()].as_slice()),
            ("save", ["summary".to_owned()].as_slice()),
        ]
    );
}

#[test]
fn every_key_of_every_kind_is_read() {
    let workflow =
        sample("everything.yaml", EVERYTHING).unwrap_or_else(|error| panic!("{}", error.render()));
    insta::assert_snapshot!("everything_steps", json(&workflow.steps));
    insta::assert_debug_snapshot!(
        "everything_head",
        (&workflow.inputs, &workflow.triggers, workflow.steps_total)
    );
}
