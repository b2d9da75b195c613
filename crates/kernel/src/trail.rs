//! The trail: what a run leaves in the workspace for people to read.

use std::fmt::Write as _;

use lao_event::{
    Content, StepId,
    latest::{Finding, StepDefinition, TrailFile, Verdict},
};
use serde::Serialize;

use crate::{state::State, step::Step, task::TaskWork};

/// The plan as the run took it.
const PLAN_FILE: &str = "LAO_PLAN.md";
/// The tasks it became.
const TASKS_FILE: &str = "LAO_TASKS.json";
/// One file for each task's reviews.
const REVIEWS_FOLDER: &str = "LAO_REVIEWS";

#[derive(Serialize)]
struct TaskList<'a> {
    run: &'a str,
    plan: &'a str,
    tasks: Vec<Task<'a>>,
}

#[derive(Serialize)]
struct Task<'a> {
    id: &'a str,
    title: &'a str,
    description: &'a str,
    files: &'a [String],
    deletes: &'a [String],
    depends_on: Vec<&'a str>,
    acceptance: &'a [String],
}

/// The files that the planning commit records.
pub(crate) fn plan(state: &State) -> Vec<TrailFile> {
    let run = state.started();
    let tasks = state.steps().iter().filter_map(|step| task(state, step)).collect();
    let list = TaskList { run: run.id.as_str(), plan: run.definition.path(), tasks };
    let mut text = serde_json::to_string_pretty(&list).expect("tasks are plain JSON");
    text.push('\n');
    vec![
        TrailFile { path: PLAN_FILE.to_owned(), content: run.definition.text().clone() },
        TrailFile { path: TASKS_FILE.to_owned(), content: text.into() },
    ]
}

fn task<'a>(state: &'a State, step: &'a Step) -> Option<Task<'a>> {
    let StepDefinition::Task(definition) = &step.definition else {
        return None;
    };
    Some(Task {
        id: &step.key,
        title: &step.title,
        description: definition.description.inline().unwrap_or("(too long; see the journal)"),
        files: &definition.files,
        deletes: &definition.deletes,
        depends_on: task_needs(state, step).map(|need| state.at(need).key.as_str()).collect(),
        acceptance: &definition.acceptance,
    })
}

/// The tasks a task needs, without the planning it needs as well.
pub(crate) fn task_needs(state: &State, step: &Step) -> impl Iterator<Item = StepId> {
    step.needs.iter().copied().filter(|need| state.at(*need).is_task())
}

/// All reviews of a task so far.
pub(crate) fn review(step: &Step, work: &TaskWork) -> TrailFile {
    let mut text = format!("# Review of {}: {}\n", step.key, step.title);
    for (index, review) in work.reviews.iter().enumerate() {
        let heading = format!("\n## Attempt {}: {}\n", index + 1, verdict(review.verdict));
        text.push_str(&heading);
        if !review.summary.is_empty() {
            writeln!(text, "\n{}", review.summary).expect("writing to a String");
        }
        if !review.findings.is_empty() {
            text.push('\n');
        }
        for finding in &review.findings {
            writeln!(text, "- {}", finding_line(finding)).expect("writing to a String");
        }
    }
    TrailFile { path: format!("{REVIEWS_FOLDER}/{}.md", step.key), content: Content::Inline(text) }
}

/// A verdict's name.
pub(crate) const fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Approved => "approved",
        Verdict::Rework => "rework",
        Verdict::Rejected => "rejected",
    }
}

/// A finding on one line: place, rule, message, hint.
pub(crate) fn finding_line(finding: &Finding) -> String {
    let mut line = String::new();
    if let Some(file) = &finding.file {
        line.push_str(file);
        if let Some(number) = finding.line {
            write!(line, ":{number}").expect("writing to a String");
        }
        line.push_str(": ");
    }
    write!(line, "[{}] {}", finding.rule, finding.message).expect("writing to a String");
    if !finding.hint.is_empty() {
        write!(line, " ({})", finding.hint).expect("writing to a String");
    }
    line
}
