//! The workflow of a chain as YAML that people may go on with.

use std::fmt::Write;

use serde_json::Value as Json;

use super::stage::{Built, Step};

pub(super) fn write(chain: &str, built: &Built) -> String {
    let mut yaml = String::new();
    let line = chain.split_whitespace().collect::<Vec<_>>().join(" ");
    let line = line.replace("${{", "$ {{");
    put(&mut yaml, format_args!("name: chain\n"));
    if !line.is_empty() {
        put(
            &mut yaml,
            format_args!("description: {}\n", quoted(&line.replace(char::is_control, " "))),
        );
    }
    if built.takes_text {
        put(
            &mut yaml,
            format_args!("inputs:\n  text: {{ type: text, description: What it begins with }}\n"),
        );
    }
    if let Some(last) = &built.last {
        put(&mut yaml, format_args!("output: {}\n", quoted(&format!("${{{{ {last} }}}}"))));
    }
    put(&mut yaml, format_args!("steps:\n"));
    for step in &built.steps {
        self::step(&mut yaml, step);
    }
    yaml
}

fn step(yaml: &mut String, step: &Step) {
    put(yaml, format_args!("  - id: {}\n    {}:\n", step.id, step.kind));
    for (key, value) in &step.holds {
        put(yaml, format_args!("      {key}: {}\n", self::value(value, 8)));
    }
    if let Some(model) = &step.model {
        put(yaml, format_args!("    model: {model}\n"));
    }
    if let Some(settings) = &step.settings {
        put(yaml, format_args!("    settings: {}\n", self::value(settings, 6)));
    }
}

fn put(yaml: &mut String, text: std::fmt::Arguments<'_>) {
    yaml.write_fmt(text).expect("a String takes any text");
}

/// A value in one line, or a text of several lines as a block with this indentation.
fn value(value: &Json, indent: usize) -> String {
    match value {
        Json::String(text) if is_block(text) => {
            let margin = " ".repeat(indent);
            let keep = if text.ends_with('\n') { "|" } else { "|-" };
            let lines = text.trim_end_matches('\n').split('\n').map(|line| match line {
                "" => String::new(),
                line => format!("{margin}{line}"),
            });
            format!("{keep}\n{}", lines.collect::<Vec<_>>().join("\n"))
        }
        Json::String(text) => quoted(text),
        Json::Array(items) => {
            let items: Vec<String> = items.iter().map(flat).collect();
            format!("[{}]", items.join(", "))
        }
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::Object(_) => flat(value),
    }
}

fn flat(value: &Json) -> String {
    match value {
        Json::String(text) => quoted(text),
        Json::Array(items) => {
            let items: Vec<String> = items.iter().map(flat).collect();
            format!("[{}]", items.join(", "))
        }
        Json::Object(map) => {
            let pairs: Vec<String> = map
                .iter()
                .map(|(key, value)| format!("{}: {}", quoted(key), flat(value)))
                .collect();
            format!("{{ {} }}", pairs.join(", "))
        }
        Json::Null | Json::Bool(_) | Json::Number(_) => value.to_string(),
    }
}

/// Whether a text is the same after it was written as a block.
fn is_block(text: &str) -> bool {
    let body = text.strip_suffix('\n').unwrap_or(text);
    body.contains('\n')
        && !body.ends_with('\n')
        && !body.starts_with([' ', '\n'])
        && body.chars().all(|letter| letter == '\n' || is_plain(letter))
        && body.split('\n').all(|line| !line.ends_with(' '))
}

fn is_plain(letter: char) -> bool {
    !letter.is_control()
        && !matches!(
            letter,
            '\u{a0}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}'
        )
}

/// A text in double quotes.
pub(super) fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for letter in text.chars() {
        match letter {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            letter if is_plain(letter) => quoted.push(letter),
            letter => put(&mut quoted, format_args!("\\U{:08x}", u32::from(letter))),
        }
    }
    quoted.push('"');
    quoted
}
