//! The page about workflows names everything, and its examples are right.

use lao_expression::FUNCTIONS;
use lao_workflow::chain::{Library, PromptStep};
use lao_workflow::flow::{parse, schema};
use serde_json::Value;

const PAGE: &str = include_str!("../../../../docs/workflows.md");

/// The keys of all mappings of the schema.
fn keys(schema: &Value, found: &mut Vec<String>) {
    if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
        found.extend(properties.keys().cloned());
    }
    match schema {
        Value::Object(map) => map.values().for_each(|below| keys(below, found)),
        Value::Array(items) => items.iter().for_each(|below| keys(below, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn every_key_function_and_step_is_on_the_page() {
    let words: Vec<&str> = PAGE
        .split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_' && letter != '-')
        .collect();
    let mut names = Vec::new();
    keys(&schema(), &mut names);
    assert!(names.len() > 60, "{names:?}");
    names.extend(FUNCTIONS.iter().map(|(name, _)| (*name).to_owned()));
    names.extend(Library::default().steps().into_iter().map(|step| step.name));
    names.retain(|name| !words.contains(&name.as_str()));
    assert!(names.is_empty(), "docs/workflows.md does not name {names:?}");
}

#[test]
fn examples_on_the_page_are_right() {
    let block = |language: &str| {
        let (_, rest) = PAGE.split_once(&format!("```{language}\n")).expect("there is one");
        rest.split_once("```").expect("it ends").0
    };
    parse("page.yaml", block("yaml"), &mut |_| Err(String::new()))
        .unwrap_or_else(|error| panic!("{}", error.render()));
    PromptStep::parse("steps/own.md", block("markdown"))
        .unwrap_or_else(|error| panic!("{}", error.render()));
}
