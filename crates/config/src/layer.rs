//! The layers, and how they are laid over each other into one draft of all values.

use std::collections::{BTreeMap, BTreeSet};

use crate::environment;
use crate::nearest::nearest;
use crate::problem::{Fault, Problem};
use crate::schema::{self, KEYS, Key};
use crate::source::{FileOrigin, Source};
use crate::value::{Misfits, Value};

mod file;

/// A file's text with the path to name it by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileLayer {
    /// The path, as it is to stand in messages.
    pub path: String,
    /// The whole text.
    pub text: String,
}

/// Everything settings are made of, besides the built-in defaults. Later fields override
/// earlier ones, key by key; a list is replaced as a whole.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Layers {
    /// `lao.toml` of the user's configuration folder, if there is one.
    pub user: Option<FileLayer>,
    /// The project's `lao.toml`, if there is one.
    pub project: Option<FileLayer>,
    /// Environment variables, name and value. Those that do not begin with `LAO_`, or hold
    /// no text, are ignored, so the whole environment may be given.
    pub environment: Vec<(String, String)>,
    /// `key=value` pairs of the command line, later ones overriding earlier ones.
    pub flags: Vec<String>,
}

/// A value and its place.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) value: Value,
    pub(crate) source: Source,
}

/// All layers laid over each other: what is set, and what was wrong on the way.
#[derive(Debug, Default)]
pub(crate) struct Draft {
    /// By dotted key.
    pub(crate) entries: BTreeMap<String, Entry>,
    /// Each endpoint's name with the place of its section, or else where it is named first.
    pub(crate) endpoints: BTreeMap<String, Source>,
    /// Keys with a value that did not fit, in any layer.
    pub(crate) faulty: BTreeSet<String>,
    pub(crate) problems: Vec<Problem>,
}

impl Draft {
    /// Lays all layers over each other.
    pub(crate) fn from_layers(layers: &Layers) -> Self {
        let mut draft = Self::default();
        let files = [(FileOrigin::User, &layers.user), (FileOrigin::Project, &layers.project)];
        for (origin, layer) in files {
            if let Some(layer) = layer {
                file::read(&mut draft, origin, layer);
            }
        }
        environment::read(&mut draft, &layers.environment);
        for flag in &layers.flags {
            draft.read_flag(flag);
        }
        draft
    }

    /// Puts the problems found since there were `already` so many in the order of their places.
    pub(crate) fn sort_problems(&mut self, already: usize) {
        self.problems[already..].sort_by_key(|problem| problem.place.order());
    }

    /// Whether a file could not be read at all, so that what is missing proves nothing.
    pub(crate) fn is_incomplete(&self) -> bool {
        let syntax = |problem: &Problem| matches!(problem.fault, Fault::Syntax { .. });
        self.problems.iter().any(syntax)
    }

    pub(crate) fn set(&mut self, path: &[&str], value: Value, source: Source) {
        self.mention_endpoint(path, &source);
        self.entries.insert(path.join("."), Entry { value, source });
    }

    /// Takes note of an endpoint's section.
    pub(crate) fn begin_endpoint(&mut self, path: &[&str], source: &Source) {
        if let ["endpoints", name] = path {
            self.endpoints.insert((*name).to_owned(), source.clone());
        }
    }

    fn mention_endpoint(&mut self, path: &[&str], source: &Source) {
        if let ["endpoints", name, ..] = path {
            let endpoint = self.endpoints.entry((*name).to_owned());
            endpoint.or_insert_with(|| source.clone());
        }
    }

    pub(crate) fn push(&mut self, place: Source, key: String, fault: Fault) {
        self.problems.push(Problem { place, key, fault });
    }

    /// Takes a value that came as a line of text, or what is wrong with it.
    pub(crate) fn set_line(&mut self, path: &[&str], line: &str, source: Source) {
        let Some(key) = schema::find(path) else {
            return self.push(source, path.join("."), not_a_setting(path));
        };
        match Value::from_line(key.kind, line) {
            Ok(value) => self.set(path, value, source),
            Err(misfits) => self.push_misfits(path, misfits, |_| source.clone()),
        }
    }

    pub(crate) fn push_misfits(
        &mut self,
        path: &[&str],
        misfits: Misfits,
        place: impl Fn(usize) -> Source,
    ) {
        let key = path.join(".");
        for misfit in misfits {
            let source = place(misfit.span.start);
            self.mention_endpoint(path, &source);
            self.push(source, format!("{key}{}", misfit.below), misfit.fault);
        }
        self.faulty.insert(key);
    }

    fn read_flag(&mut self, flag: &str) {
        let (key, value) = flag.split_once('=').unwrap_or((flag, ""));
        let key = key.trim();
        let source = Source::Flag { key: key.to_owned() };
        if flag.contains('=') {
            let path: Vec<_> = key.split('.').collect();
            self.set_line(&path, value, source);
        } else {
            let example = format!("a value, as in {key}=VALUE");
            self.push(source, String::new(), Fault::Missing { example });
        }
    }
}

/// The fault of a key in a file that does not exist.
pub(crate) fn unknown_key(path: &[&str]) -> Fault {
    if let Some(fault) = endpoint_name_fault(path) {
        return fault;
    }
    Fault::UnknownKey { nearest: suggest(path) }
}

/// The fault of a variable or flag that names no key.
pub(crate) fn not_a_setting(path: &[&str]) -> Fault {
    endpoint_name_fault(path).unwrap_or_else(|| Fault::NotASetting { nearest: suggest(path) })
}

fn endpoint_name_fault(path: &[&str]) -> Option<Fault> {
    match path {
        ["endpoints", name, ..] if !schema::is_endpoint_name(name) => Some(Fault::EndpointName),
        [..] => None,
    }
}

/// The known path most like this one: each part by the names possible in its place, or else
/// the key in another section that has the last part as its name.
fn suggest(path: &[&str]) -> Option<String> {
    let mut fixed: Vec<&str> = Vec::new();
    for part in path {
        fixed.push(part);
        if schema::find(&fixed).is_some() || schema::is_section(&fixed) {
            continue;
        }
        fixed.pop();
        match nearest(part, schema::names_after(&fixed)) {
            Some(name) => fixed.push(name),
            None => return elsewhere(path.last()?),
        }
    }
    Some(fixed.join(".")).filter(|suggestion| *suggestion != path.join("."))
}

fn elsewhere(name: &str) -> Option<String> {
    let found = nearest(name, KEYS.iter().map(Key::name))?;
    let key = KEYS.iter().find(|key| key.name() == found)?;
    Some(key.path.replace('*', "NAME"))
}

#[cfg(test)]
mod tests {
    use super::suggest;

    #[test]
    fn suggestions_mend_every_part_or_look_elsewhere() {
        for (path, expected) in [
            ("orchestration.attemps_max", Some("orchestration.attempts_max")),
            ("orchestraton.attemps_max", Some("orchestration.attempts_max")),
            ("role.coder.modle", Some("roles.coder.model")),
            ("roles.codre.model", Some("roles.coder.model")),
            ("endpoint.ollama.ulr", Some("endpoints.ollama.url")),
            ("git.turns_max", Some("orchestration.turns_max")),
            ("model", Some("roles.NAME.model")),
            ("git", None),
            ("zzzzzz", None),
        ] {
            let parts: Vec<_> = path.split('.').collect();
            assert_eq!(suggest(&parts).as_deref(), expected, "{path}");
        }
    }
}
