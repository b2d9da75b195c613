//! Workflows: what is read from a file, what is refused and where, and how fast.

mod documentation;
mod graph;
mod inputs;
mod problems;
mod properties;
mod samples;
mod schema;

use lao_workflow::flow::{FlowError, Workflow, parse};

/// Lines, one for each number.
fn lines(numbers: impl Iterator<Item = usize>, line: impl Fn(usize) -> String) -> String {
    numbers.map(line).collect::<Vec<_>>().concat()
}

/// A workflow that calls no other.
fn read(text: &str) -> Result<Workflow, FlowError> {
    parse("flows/a.yaml", text, &mut |path| Err(format!("no file {path}")))
}

/// What is wrong with a workflow, a line for each problem.
fn problems(text: &str) -> Vec<String> {
    let error = read(text).expect_err(text);
    assert!(!error.problems.is_empty());
    error
        .to_string()
        .lines()
        .map(|line| line.trim_start_matches("flows/a.yaml:").to_owned())
        .collect()
}

/// The only thing that is wrong with a workflow.
fn problem(text: &str) -> String {
    let problems = problems(text);
    assert_eq!(problems.len(), 1, "{text}\n{problems:#?}");
    problems[0].clone()
}

fn good(text: &str) -> Workflow {
    read(text).unwrap_or_else(|error| panic!("{}\n{text}", error.render()))
}
