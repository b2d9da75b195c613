//! What a planner may answer: task lists of every quality.

use lao_event::latest::FinishReason;
use serde_json::{Value, json};

use crate::choices::Choices;

fn task(id: &str, title: &str, depends_on: &[String]) -> Value {
    json!({
        "id": id,
        "title": title,
        "description": format!("Do {title}, completely."),
        "files": [format!("src/{id}.rs")],
        "deletes": [],
        "depends_on": depends_on,
        "acceptance": ["it builds"],
    })
}

/// A good list. `number` makes titles unique within the run.
pub(crate) fn good(choices: &mut Choices<'_>, number: usize) -> String {
    let count = 1 + choices.below(6);
    let mut tasks = Vec::new();
    for index in 0..count {
        let mut depends_on = Vec::new();
        for earlier in 0..index {
            if choices.once_in(3) {
                depends_on.push(if choices.once_in(2) {
                    format!("  TITLE {number}.{earlier} ")
                } else {
                    format!("a{earlier}")
                });
            }
        }
        tasks.push(task(&format!("a{index}"), &format!("Title {number}.{index}"), &depends_on));
    }
    match choices.below(4) {
        0 => json!({ "tasks": tasks }).to_string(),
        1 => Value::from(tasks).to_string(),
        2 => format!("Sure!\n```json\n{}\n```\nDone.", json!({ "tasks": tasks })),
        _ => format!("<think>[{{\"id\": 1}}]</think>{}", json!({ "tasks": tasks })),
    }
}

/// A bad list, of many kinds.
pub(crate) fn bad(choices: &mut Choices<'_>, number: usize) -> String {
    let title = |index: usize| format!("Bad {number}.{index}");
    let wrap = |tasks: Vec<Value>| json!({ "tasks": tasks }).to_string();
    match choices.below(12) {
        0 => "I cannot do that.".to_owned(),
        1 => wrap(Vec::new()),
        2 => wrap(vec![
            task("a", &title(0), &["b".to_owned()]),
            task("b", &title(1), &["a".to_owned()]),
        ]),
        3 => wrap(vec![task("a", &title(0), &["nowhere".to_owned()])]),
        4 => wrap(vec![task("a", &title(0), &[]), task("a", &title(1), &[])]),
        5 => wrap(vec![task("a", &title(0), &[]), task("b", &title(0), &[])]),
        6 => wrap(vec![task("a", &title(0), &["a".to_owned()])]),
        7 => wrap(vec![json!({"id": "a", "title": title(0), "description": "d",
            "files": ["../outside"], "depends_on": []})]),
        8 => wrap(vec![json!({"id": "a", "title": title(0), "description": "d",
            "files": ["/etc/passwd", ".git/config", "C:\\x"], "depends_on": []})]),
        9 => wrap(vec![json!({"id": "a", "title": "", "description": "", "depends_on": []})]),
        10 => "{\"tasks\": [{\"id\": \"a\",".to_owned(),
        _ => String::new(),
    }
}

/// A planner's answer and why it stopped.
pub(crate) fn answer(choices: &mut Choices<'_>, number: usize) -> (String, FinishReason) {
    match choices.below(8) {
        5 | 6 => (bad(choices, number), FinishReason::Stop),
        7 => ("{\"tasks\": [".to_owned(), FinishReason::Length),
        _ => (good(choices, number), FinishReason::Stop),
    }
}
