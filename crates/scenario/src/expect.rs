//! What a scenario says must hold at the end.

use lao_protocol::EventView;

use crate::{file::Expect, play::Played};

/// What does not hold.
pub(crate) fn unmet(expect: &Expect, played: &Played) -> Vec<String> {
    let mut unmet = Vec::new();
    standing(expect, played, &mut unmet);
    files(expect, played, &mut unmet);
    events(expect, played, &mut unmet);
    for text in &expect.prompts {
        if !played.facts.prompts.values().any(|prompt| prompt.contains(text.as_str())) {
            unmet.push(format!("no prompt has the text `{text}`"));
        }
    }
    if let Some(within_s) = expect.within_s
        && played.passed_ms > within_s.saturating_mul(1000)
    {
        let passed_s = played.passed_ms / 1000;
        unmet.push(format!("it took {passed_s} s, more than {within_s} s"));
    }
    unmet
}

/// A word as it is written in the file.
fn word(value: &impl serde::Serialize) -> String {
    serde_json::to_value(value)
        .ok()
        .and_then(|value| value.as_str().map(str::to_owned))
        .unwrap_or_default()
}

fn standing(expect: &Expect, played: &Played, unmet: &mut Vec<String>) {
    let is = played.status.summary.status;
    if let Some(outcome) = expect.outcome
        && outcome != is
    {
        unmet.push(format!("the run is {}, not {}", word(&is), word(&outcome)));
    }
    let code = played.status.exit_code;
    if let Some(expected) = expect.exit_code
        && expected != code
    {
        unmet.push(format!("it ends with exit code {code}, not {expected}"));
    }
    for (key, expected) in &expect.steps {
        match played.status.steps.iter().find(|step| step.key == *key) {
            None => unmet.push(format!("there is no step {key}")),
            Some(step) if step.status != *expected => {
                let (is, expected) = (word(&step.status), word(expected));
                unmet.push(format!("{key} is {is}, not {expected}"));
            }
            Some(_) => {}
        }
    }
}

fn files(expect: &Expect, played: &Played, unmet: &mut Vec<String>) {
    for (path, expected) in &expect.files {
        match played.files.get(path) {
            None => unmet.push(format!("{path} is not there")),
            Some(text) if text != expected => {
                unmet.push(format!("{path} has another text: {text:?}, not {expected:?}"));
            }
            Some(_) => {}
        }
    }
    for (path, expected) in &expect.contains {
        let text = played.files.get(path);
        for piece in expected.texts() {
            if !text.is_some_and(|text| text.contains(piece.as_str())) {
                unmet.push(format!("{path} does not have the text `{piece}`"));
            }
        }
    }
    for path in expect.absent.iter().filter(|path| played.files.contains_key(*path)) {
        unmet.push(format!("{path} is there"));
    }
}

/// Whether an event is as `Name` or `Name: text` says.
fn is_as(event: &EventView, said: &str) -> bool {
    let (name, text) = said.split_once(':').unwrap_or((said, ""));
    event.event == name.trim() && event.text.contains(text.trim())
}

fn events(expect: &Expect, played: &Played, unmet: &mut Vec<String>) {
    let mut rest = played.events.iter();
    for said in &expect.events {
        if !rest.any(|event| is_as(event, said)) {
            unmet.push(format!("`{said}` does not happen, or not in this order"));
            break;
        }
    }
    for said in &expect.never {
        if let Some(event) = played.events.iter().find(|event| is_as(event, said)) {
            unmet.push(format!("`{said}` happens, as event {}", event.seq));
        }
    }
    for (name, expected) in &expect.counts {
        let times = played.events.iter().filter(|event| event.event == *name).count() as u64;
        if times != *expected {
            unmet.push(format!("{name} happens {times} times, not {expected}"));
        }
    }
}
