//! `docs/configuration.md` says of every key what the schema says.

use lao_config::schema::{COMMAND_KEYS, Default, KEYS, Key, Kind};
use lao_config::{Config, FileLayer, Layers};

const DOCUMENT: &str = include_str!("../../../docs/configuration.md");

fn decimal(milli: u32) -> String {
    let text = format!("{}.{:03}", milli / 1000, milli % 1000);
    let short = text.trim_end_matches('0');
    if short.ends_with('.') { format!("{short}0") } else { short.to_owned() }
}

fn kind(kind: Kind) -> String {
    match kind {
        Kind::Bool => "true or false".to_owned(),
        Kind::Integer { min, max } => format!("{min} to {max}"),
        Kind::Milli { min, max } => format!("{} to {}", decimal(min), decimal(max)),
        Kind::Text => "text".to_owned(),
        Kind::Choice(words) => {
            let words: Vec<_> = words.iter().map(|word| format!("`{word}`")).collect();
            words.join(", ")
        }
        Kind::TextList => "list of texts".to_owned(),
        Kind::Words => "text, or list of texts".to_owned(),
        Kind::Commands => "list of tables".to_owned(),
    }
}

fn row(key: &Key) -> String {
    let default = match key.default {
        Default::Value(value) => format!("`{value}`"),
        Default::Unset(_) => "none".to_owned(),
    };
    format!("| `{}` | {} | {default} | {}. |", key.name(), kind(key.kind), key.meaning)
}

#[test]
fn every_key_has_its_row_under_its_section() {
    let mut section = "";
    let mut text = "";
    for key in KEYS {
        if key.section() != section {
            section = key.section();
            let name = section.replace("endpoints.*", "endpoints.NAME").replace('*', "ROLE");
            let header = format!("### `[{name}]`");
            let (_, after) = DOCUMENT.split_once(&header).unwrap_or_else(|| panic!("no {header}"));
            text = after.split("\n#").next().unwrap_or(after);
        }
        assert!(text.contains(&row(key)), "under [{section}] is no row\n{}", row(key));
    }
    for key in COMMAND_KEYS {
        assert!(DOCUMENT.contains(&row(key)), "there is no row\n{}", row(key));
    }
}

#[test]
fn no_row_is_about_a_key_that_does_not_exist() {
    let (_, reference) = DOCUMENT.split_once("## All settings").expect("a reference");
    let (reference, _) = reference.split_once("\n## ").expect("a section after it");
    for line in reference.lines() {
        let Some((name, _)) = line.strip_prefix("| `").and_then(|rest| rest.split_once("` | "))
        else {
            continue;
        };
        let known = KEYS.iter().chain(COMMAND_KEYS).any(|key| key.name() == name);
        assert!(known, "{name} is documented and does not exist");
    }
}

#[test]
fn every_example_is_a_good_configuration() {
    let examples: Vec<&str> =
        DOCUMENT.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert!(examples.len() >= 5);
    for example in examples {
        let layers = Layers {
            project: Some(FileLayer { path: "example".to_owned(), text: example.to_owned() }),
            ..Layers::default()
        };
        let loaded = Config::load(&layers);
        assert!(loaded.is_ok(), "{}\n{example}", loaded.expect_err("an error"));
    }
}
