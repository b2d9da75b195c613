//! The head of a step written in Markdown, read by a table as all else.

use lao_expression::{Template, nearest};
use serde_json::Value as Json;

use super::files::Files;
use super::problem::FlowProblem;
use super::reader::{Fields, Reader};
use super::source::Source;
use super::table::PROMPT_FILE;
use super::yaml::{self, Is, Node, Place};
use super::{stem, value};
use crate::chain::Arg;

/// What was read; nothing of it counts where there are problems.
#[derive(Debug, Default)]
pub(crate) struct FrontMatter {
    pub name: String,
    pub title: Option<String>,
    pub args: Vec<Arg>,
    pub body: Option<Template>,
    pub system: Option<String>,
    pub model: Option<String>,
    pub settings: Option<Json>,
    pub is_json: bool,
    pub schema: Option<Json>,
    pub problems: Vec<FlowProblem>,
}

pub(crate) fn read(path: &str, text: &str) -> FrontMatter {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text).replace("\r\n", "\n");
    let whole = Source::new(path, &text);
    let mut front = FrontMatter { name: stem(path), ..FrontMatter::default() };
    let Some((head, body)) = split(&text) else {
        let at = Place { line: 1, column: 1, end_line: 1, end_column: 4 };
        let hint = "end it with a line `---`".to_owned();
        front.problems.push(whole.problem(
            at,
            "the front matter is not closed".to_owned(),
            Some(hint),
        ));
        return front;
    };
    let source = Source::new(path, head);
    let root = match yaml::tree(&source) {
        Ok(root) => root,
        Err(faults) => {
            let problem =
                |fault: yaml::YamlFault| whole.problem(fault.at, fault.message, fault.hint);
            front.problems.extend(faults.into_iter().map(problem));
            return front;
        }
    };
    let first_line = head.lines().count() + 1;
    let last_line = text.split('\n').count();
    let at = Place { line: first_line, column: 1, end_line: last_line + 1, end_column: 1 };
    let body = Node { at, is: Is::Scalar { text: body.trim_end().to_owned(), plain: false } };
    let mut load = |_: &str| Err(String::new());
    let mut files = Files::new(&mut load);
    let mut reader = Reader::new(&whole, &mut files);
    if let Some(mut fields) = reader.fields(&root, &PROMPT_FILE) {
        keys(&mut fields, &mut front, &mut reader);
    }
    reader.uses.clear();
    front.body =
        reader.template(&body, "text").and_then(|template| Template::parse(&template.0).ok());
    references(&front.args, &mut reader);
    front.problems = reader.problems;
    front
}

/// The head with its `---` lines, which YAML reads as marks of a document, and the rest.
fn split(text: &str) -> Option<(&str, &str)> {
    let mut lines = text.split_inclusive('\n');
    let Some(first) = lines.next().filter(|line| line.trim_end() == "---") else {
        return Some(("", text));
    };
    let mut end = first.len();
    for line in lines {
        if line.trim_end() == "---" {
            return Some((&text[..end], text[end..].strip_prefix(line)?));
        }
        end += line.len();
    }
    None
}

fn keys<'r>(fields: &mut Fields<'r>, front: &mut FrontMatter, reader: &mut Reader<'r, '_>) {
    front.title = fields.text("title");
    front.system = fields.template("system").map(|template| template.0);
    front.model = fields.choice("model").map(str::to_owned);
    front.is_json = fields.choice("format") == Some("json");
    front.schema = fields.json("schema");
    if let Some(node) = fields.node("settings") {
        // Checked by their table, kept as they are written.
        front.settings = reader.fields(node, &super::table::SETTINGS).map(|_| value::json(node));
    }
    front.args = fields.node("args").map(|node| args(node, reader)).unwrap_or_default();
}

/// Names in a list, or names with defaults in a mapping.
fn args(node: &Node, reader: &mut Reader<'_, '_>) -> Vec<Arg> {
    let found: Vec<(&Node, Option<String>)> = match &node.is {
        Is::List(names) => names.iter().map(|name| (name, None)).collect(),
        Is::Mapping(pairs) => {
            pairs.iter().map(|(name, value)| (name, value.text().map(str::to_owned))).collect()
        }
        Is::Null | Is::Scalar { .. } => {
            let hint = "write a list of names, or a mapping of names to defaults".to_owned();
            reader.problem(node.at, "`args` is a list or a mapping".to_owned(), Some(hint));
            Vec::new()
        }
    };
    let mut args: Vec<Arg> = Vec::new();
    for (name, default) in found {
        let text = name.text().unwrap_or_default().to_owned();
        if !matches!(value::id_fault(&text), value::IdFault::None) {
            let message = format!("`{}` is no name of an argument", value::shortened(&text));
            let hint = "a letter, then letters, digits and `_`".to_owned();
            reader.problem(name.at, message, Some(hint));
        } else if args.iter().any(|arg| arg.name == text) {
            let hint = "remove one".to_owned();
            reader.problem(name.at, format!("the argument `{text}` stands twice"), Some(hint));
        } else {
            args.push(Arg { name: text, default });
        }
    }
    args
}

/// Only `input` and the step's own arguments are known.
fn references(args: &[Arg], reader: &mut Reader<'_, '_>) {
    let names: Vec<&str> = args.iter().map(|arg| arg.name.as_str()).collect();
    for used in std::mem::take(&mut reader.uses) {
        let (message, hint) = match used.path.iter().map(String::as_str).collect::<Vec<_>>()[..] {
            ["input", ..] => continue,
            ["args", name] if names.contains(&name) => continue,
            ["args", number]
                if number.parse().is_ok_and(|n: usize| (1..=names.len()).contains(&n)) =>
            {
                continue;
            }
            ["args", name, ..] => {
                let hint = match nearest(name, names.iter().copied()) {
                    Some(near) => format!("did you mean `args.{near}`?"),
                    None => format!("declare it: `args: [{name}]`"),
                };
                (format!("there is no argument `{name}`"), hint)
            }
            _ => {
                let message = format!("there is no value `{}`", used.path.join("."));
                (message, "known are `input` and `args.NAME`".to_owned())
            }
        };
        let at = reader.source.part(used.node, used.start, used.end);
        reader.problem(at, message, Some(hint));
    }
}
