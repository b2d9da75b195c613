//! A model that does the work of every role from nothing but the request.
//!
//! The plan of the tests is a list of files; the planner makes a task of each, the coder writes the
//! file of its task, the reviewer approves what is in the diff.

use lao_testkit::openai_server::{ChatRequest, Thought};
use serde_json::json;

/// Who is asked, by the first words of the system message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asked {
    Planner,
    Coder,
    Reviewer,
}

/// Who a request is for.
pub(crate) fn asked(request: &ChatRequest) -> Asked {
    let system = request.messages.first().map_or("", |(_, text)| text);
    match system {
        text if text.starts_with("You turn a plan into coding tasks") => Asked::Planner,
        text if text.starts_with("You are a careful programmer") => Asked::Coder,
        text if text.starts_with("You review the changes") => Asked::Reviewer,
        text => panic!("nobody is asked with {text:?}"),
    }
}

/// What a capable model answers.
pub(crate) fn think(request: &ChatRequest) -> Thought {
    match asked(request) {
        Asked::Planner => Thought::text(tasks(&[("hello.txt", &[]), ("bye.txt", &["hello.txt"])])),
        Asked::Coder => code(request),
        Asked::Reviewer => approve(request),
    }
}

/// The planner's answer: a task for each file, after the files it names.
pub(crate) fn tasks(files: &[(&str, &[&str])]) -> String {
    let tasks: Vec<_> = files
        .iter()
        .map(|(file, after)| {
            json!({
                "id": file,
                "title": format!("Write {file}"),
                "description": format!("Write a greeting into {file}."),
                "files": [file],
                "depends_on": after,
                "acceptance": [format!("{file} greets")],
            })
        })
        .collect();
    json!({ "tasks": tasks }).to_string()
}

/// Writes the file of the task, then says so.
pub(crate) fn code(request: &ChatRequest) -> Thought {
    if request.count("assistant") > 0 {
        return Thought::text("The greeting is written.");
    }
    let file = file_of(request);
    let write = json!({ "path": file, "content": greeting(&file) });
    Thought::calls([("file_write", write)])
}

/// What is written into a file.
pub(crate) fn greeting(file: &str) -> String {
    format!("Grüße, 世界 👋, from {file}\n")
}

/// The file of the task that a request is about.
pub(crate) fn file_of(request: &ChatRequest) -> String {
    let texts = request.messages.iter().map(|(_, text)| text.as_str());
    let title = texts.flat_map(str::lines).find_map(|line| line.strip_prefix("# Task: Write "));
    title.expect("a task is about a file").to_owned()
}

/// Approves a diff that has the file.
pub(crate) fn approve(request: &ChatRequest) -> Thought {
    let file = file_of(request);
    assert!(request.last_text().contains(&format!("+++ b/{file}")), "{:?}", request.messages);
    Thought::text(
        json!({ "verdict": "approved", "summary": "It greets.", "findings": [] }).to_string(),
    )
}
