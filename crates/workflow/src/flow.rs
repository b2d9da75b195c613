//! Workflows: YAML with inputs, triggers and steps, read into a checked graph.
//!
//! [`parse`] reads a file and the workflows that it calls. Everything that can be known before a
//! run is checked: keys, types, templates, references, needs, cycles. All problems come back at
//! once, each with its place and its cure.

mod check;
mod files;
pub(crate) mod front_matter;
mod inputs;
mod nested;
mod order;
mod problem;
mod read;
mod reader;
mod schema;
mod source;
mod start;
mod table;
mod trigger;
mod value;
mod yaml;

use std::rc::Rc;

use lao_event::{Hash, NamedStep, Template};

pub use inputs::{BindError, Input, InputKind};
pub use problem::{FlowError, FlowProblem};
pub use schema::schema;
pub use start::{new_steps, output_of};
pub use trigger::{Missed, Schedule, Trigger, Watch};

use files::{Files, STEPS_MAX};
use read::RawStep;
use reader::{Reader, Use};
use source::Source;
use yaml::{Is, Node, Place};

/// The longest text of a workflow, in bytes.
pub const TEXT_BYTES_MAX: usize = 16 * 1024 * 1024;

/// A workflow: checked, with every default filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workflow {
    /// Its file, as the caller gave it.
    pub path: String,
    /// Its name; the file's without a `name`.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// What it is given, in the order of the file.
    pub inputs: Vec<Input>,
    /// What starts it by itself; it can always be started by hand.
    pub triggers: Vec<Trigger>,
    /// Its steps: each after those it needs, else in the order of the file.
    pub steps: Vec<NamedStep>,
    /// What it gives: its `output`, or else the output of the step that is written last, which
    /// need not be the last of `steps`.
    pub output: Template,
    /// The hash of its text.
    pub hash: Hash,
    /// Its steps and those of the workflows in it.
    pub steps_total: usize,
}

/// Reads a workflow and those it calls. `load` reads the text of a called file by its path, seen
/// from where `path` is seen from.
///
/// # Errors
/// [`FlowError`] with every problem of every file.
pub fn parse(
    path: &str,
    text: &str,
    load: &mut dyn FnMut(&str) -> Result<String, String>,
) -> Result<Workflow, FlowError> {
    let mut files = Files::new(load);
    let workflow = file(path, text, &mut files);
    let mut problems = std::mem::take(&mut files.problems);
    // The file itself first, then those it calls.
    let key = |problem: &FlowProblem| {
        (problem.path != path, problem.path.clone(), problem.line, problem.column)
    };
    problems.sort_by_cached_key(key);
    match workflow {
        Some(workflow) if problems.is_empty() => Ok(workflow),
        _ => Err(FlowError { path: path.to_owned(), problems }),
    }
}

/// A YAML text as JSON: as an editor sees it that checks a workflow by [`schema()`].
///
/// # Errors
/// What keeps the text from being YAML of the kind that workflows are written in.
pub fn yaml_to_json(text: &str) -> Result<serde_json::Value, String> {
    let root = yaml::tree(&Source::new("", text));
    root.map(|root| value::json(&root)).map_err(|faults| {
        faults.into_iter().map(|fault| fault.message).collect::<Vec<_>>().join("\n")
    })
}

/// Reads one file; its problems are in `files` afterwards.
fn file(path: &str, text: &str, files: &mut Files<'_>) -> Option<Workflow> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let source = Source::new(path, text);
    let whole = Place { line: 1, column: 1, ..Place::default() };
    if text.len() > TEXT_BYTES_MAX {
        let message = format!("the workflow is longer than {TEXT_BYTES_MAX} bytes");
        files.problems.push(source.problem(whole, message, None));
        return None;
    }
    match yaml::tree(&source) {
        Ok(root) => {
            files.open.push(path.to_owned());
            let mut reader = Reader::new(&source, files);
            let workflow = workflow(&root, &mut reader);
            let problems = reader.problems;
            files.open.pop();
            let workflow = workflow.filter(|_| problems.is_empty());
            files.problems.extend(problems);
            workflow
        }
        Err(faults) => {
            let problems = faults.into_iter();
            let problem =
                |fault: yaml::YamlFault| source.problem(fault.at, fault.message, fault.hint);
            files.problems.extend(problems.map(problem));
            None
        }
    }
}

fn workflow<'r>(root: &'r Node, reader: &mut Reader<'r, '_>) -> Option<Workflow> {
    let mut fields = reader.fields(root, &table::FILE)?;
    let name = fields.text("name").unwrap_or_else(|| stem(&reader.source.path));
    let description = fields.text("description");
    let inputs = fields.node("inputs").map(|node| inputs::read(node, reader)).unwrap_or_default();
    // What the output uses was noted while the keys were read.
    let output = fields.template("output");
    let output_uses = std::mem::take(&mut reader.uses);
    let (triggers, trigger_uses) =
        fields.node("on").map(|node| trigger::read(node, reader)).unwrap_or_default();
    let mut raw = steps(fields.node("steps"), fields.at, reader);
    let known = check::Known { inputs: &inputs, triggers: &triggers };
    check::outside(&trigger_uses, &known, reader);
    let order = check::steps(&mut raw, &output_uses, &known, reader);
    let last = output_of(&raw.last()?.id);
    let output = output.unwrap_or(Template(last));
    let steps_total = raw.iter().map(|step| 1 + nested::steps_inside(&step.step.action)).sum();
    if steps_total > STEPS_MAX {
        let message = format!("{steps_total} steps, those of called workflows included");
        let hint = format!("at most {STEPS_MAX} are allowed; use `map` over a list");
        reader.problem(root.at, message, Some(hint));
    }
    Some(Workflow {
        path: reader.source.path.clone(),
        name,
        description,
        inputs,
        triggers,
        steps: order::sorted(raw, &order?),
        output,
        hash: Hash::of(reader.source.text.as_bytes()),
        steps_total,
    })
}

fn steps<'r>(node: Option<&'r Node>, at: Place, reader: &mut Reader<'r, '_>) -> Vec<RawStep<'r>> {
    let Some(node) = node else { return Vec::new() };
    let items = match &node.is {
        Is::List(items) => items.as_slice(),
        Is::Null => &[],
        Is::Scalar { .. } | Is::Mapping(_) => {
            let message = format!("`steps` is a list, here is {}", node.found());
            let hint = "begin each step with `- id: NAME`".to_owned();
            reader.problem(node.at, message, Some(hint));
            return Vec::new();
        }
    };
    if items.is_empty() {
        let hint = "add a step: `- id: NAME`, and under it one of the kinds".to_owned();
        let place = if node.at == Place::default() { at } else { node.at };
        reader.problem(place, "there are no steps".to_owned(), Some(hint));
    }
    items.iter().filter_map(|item| read::step(item, reader)).collect()
}

/// Reads a called workflow, once for each path.
fn called(path: &str, text: &str, files: &mut Files<'_>) -> Option<Rc<Workflow>> {
    let workflow = file(path, text, files).map(Rc::new);
    files.known.insert(path.to_owned(), workflow.clone());
    workflow
}

/// A kind of step, for people and models.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KindHelp {
    /// The key that makes a step of this kind.
    pub name: &'static str,
    /// What it does.
    pub meaning: &'static str,
    /// Its keys, where it may be a mapping: each with what it is for; those that must be there first.
    pub keys: Vec<(&'static str, &'static str)>,
}

/// The kinds of step there are, from the tables that files are read by.
pub fn kinds() -> Vec<KindHelp> {
    table::KINDS
        .iter()
        .filter_map(|name| table::STEP.key(name))
        .map(|key| {
            let table = key.holds.table();
            let mut keys: Vec<_> =
                table.map(|table| table.keys.iter().collect()).unwrap_or_default();
            keys.sort_by_key(|key: &&table::Key| !key.needed);
            let keys = keys.into_iter().map(|key| (key.name, key.meaning)).collect();
            KindHelp { name: key.name, meaning: key.meaning, keys }
        })
        .collect()
}

/// The last part of the path without its ending.
fn stem(path: &str) -> String {
    let name = path.rsplit(['/', '\\']).next().unwrap_or(path);
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    if stem.is_empty() { name } else { stem }.to_owned()
}

/// What a part of a file uses that is no step.
type Uses<'r> = Vec<Use<'r>>;
