//! The schema for editors: kept beside the code, and true of what the reader takes.

use lao_workflow::flow::schema;
use serde_json::Value;

use super::samples::ALL;

/// The kept file, from the top.
const KEPT: &str = "../../docs/workflow.schema.json";

#[test]
#[expect(clippy::disallowed_methods, reason = "the kept schema is a file")]
fn the_kept_schema_is_that_of_the_reader() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(KEPT);
    let mut text = serde_json::to_string_pretty(&schema()).expect("a schema is JSON");
    text.push('\n');
    if std::env::var("LAO_BLESS").is_ok() {
        std::fs::write(&path, &text).expect("the file can be written");
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        kept == text,
        "docs/workflow.schema.json is not that of the reader; LAO_BLESS=1 writes it"
    );
}

/// YAML as an editor reads it.
fn yaml(text: &str) -> Value {
    lao_workflow::flow::yaml_to_json(text).expect("the sample is YAML")
}

#[test]
fn samples_fit_the_schema_and_mistakes_do_not() {
    let validator = jsonschema::validator_for(&schema()).expect("the schema is one");
    for (name, text) in ALL {
        let errors: Vec<String> =
            validator.iter_errors(&yaml(text)).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{name}: {errors:#?}");
    }
    for wrong in [
        "steps: []",
        "name: x",
        "steps: [{id: a, reed: x}]",
        "steps: [{id: a}]",
        "steps: [{id: a-b, read: x}]",
        "steps: [{id: a, read: x, write: {path: a, text: b}}]",
        "steps: [{id: a, write: {path: a}}]",
        "steps: [{id: a, read: x, timeout: soon}]",
        "steps: [{id: a, read: x, retry: 0}]",
        "steps: [{id: a, prompt: x, model: analist}]",
        "steps: [{id: a, map: {over: [a], do: {id: b, read: x}}}]",
        "inputs: {a: {type: nubmer}}\nsteps: [{id: a, read: x}]",
        "on: {watch: {match: x}}\nsteps: [{id: a, read: x}]",
    ] {
        assert!(!validator.is_valid(&yaml(wrong)), "{wrong}");
        super::read(wrong).expect_err(wrong);
    }
}
