//! The steps of a chain as steps of a workflow.

use std::collections::{BTreeMap, BTreeSet};

use lao_expression::{Template, escaped, nearest};
use serde_json::Value as Json;

use super::words::Word;
use super::{ChainProblem, Library, PromptStep, at, unknown};

/// What a chain comes to.
#[derive(Debug, Default)]
pub(super) struct Built {
    pub steps: Vec<Step>,
    /// The chain is given a text.
    pub takes_text: bool,
    /// The expression of what was made last, without `${{ }}`.
    pub last: Option<String>,
    ids: BTreeSet<String>,
}

/// A step to be written down: its kind, what that holds, and what else it has.
#[derive(Debug)]
pub(super) struct Step {
    pub id: String,
    pub kind: &'static str,
    pub holds: Vec<(&'static str, Json)>,
    pub model: Option<String>,
    pub settings: Option<Json>,
}

impl Built {
    pub(super) fn add(
        &mut self,
        index: usize,
        name: &Word,
        args: &[Word],
        library: &Library,
    ) -> Result<(), ChainProblem> {
        if let Some(step) = library.asking(&name.text).filter(|_| library.is_own(&name.text)) {
            return self.asking(step, name, args);
        }
        match name.text.as_str() {
            "stdin" => self.stdin(index, name, args),
            "transcribe" => self.reading("transcribe", "file", name, args),
            "read" => self.reading("read", "file", name, args),
            "save" => self.written("replace", name, args),
            "append" => self.written("append", name, args),
            "embed" => {
                none_left(name, args)?;
                let text = self.input();
                self.push("embed", name, vec![("text", text.into())]);
                Ok(())
            }
            "run" => self.run(name, args),
            other => match library.asking(other) {
                Some(step) => self.asking(step, name, args),
                None => Err(unknown(name, library)),
            },
        }
    }

    /// What was made last, as a template; the text the chain is given where nothing was.
    fn input(&mut self) -> String {
        let last = self.last.get_or_insert_with(|| {
            self.takes_text = true;
            "inputs.text".to_owned()
        });
        format!("${{{{ {last} }}}}")
    }

    fn push(
        &mut self,
        kind: &'static str,
        name: &Word,
        holds: Vec<(&'static str, Json)>,
    ) -> &mut Step {
        let plain = name.text.replace('-', "_");
        let mut id = plain.clone();
        let mut count = 1;
        while !self.ids.insert(id.clone()) {
            count += 1;
            id = format!("{plain}_{count}");
        }
        if kind != "write" {
            self.last = Some(format!("steps.{id}.output"));
        }
        let at = self.steps.len();
        self.steps.push(Step { id, kind, holds, model: None, settings: None });
        &mut self.steps[at]
    }

    fn stdin(&mut self, index: usize, name: &Word, args: &[Word]) -> Result<(), ChainProblem> {
        none_left(name, args)?;
        if index > 0 {
            let hint = "move it to the beginning".to_owned();
            return Err(at(name, "`stdin` can only be first".to_owned(), Some(hint)));
        }
        self.input();
        Ok(())
    }

    /// A step that reads a file: the one named, or else the one whose path was made last.
    fn reading(
        &mut self,
        kind: &'static str,
        key: &'static str,
        name: &Word,
        args: &[Word],
    ) -> Result<(), ChainProblem> {
        let file = match args {
            [] if self.last.is_some() => self.input(),
            [] => return Err(missing(name, "FILE")),
            [file, rest @ ..] => {
                none_left(name, rest)?;
                escaped(&file.text)
            }
        };
        self.push(kind, name, vec![(key, file.into())]);
        Ok(())
    }

    fn written(&mut self, mode: &str, name: &Word, args: &[Word]) -> Result<(), ChainProblem> {
        let [file, rest @ ..] = args else { return Err(missing(name, "FILE")) };
        none_left(name, rest)?;
        let mut holds = vec![("path", escaped(&file.text).into())];
        // What is added ends with a line, so that the next one begins a new one.
        let end = if mode == "append" { "\n" } else { "" };
        holds.push(("text", format!("{}{end}", self.input()).into()));
        if mode != "replace" {
            holds.push(("mode", mode.into()));
        }
        self.push("write", name, holds);
        Ok(())
    }

    fn run(&mut self, name: &Word, args: &[Word]) -> Result<(), ChainProblem> {
        if args.is_empty() {
            return Err(missing(name, "COMMAND"));
        }
        let command: Vec<Json> = args.iter().map(|arg| escaped(&arg.text).into()).collect();
        let mut holds = vec![("command", Json::Array(command))];
        if self.last.is_some() {
            holds.push(("input", self.input().into()));
        }
        self.push("run", name, holds);
        Ok(())
    }

    fn asking(
        &mut self,
        step: &PromptStep,
        name: &Word,
        args: &[Word],
    ) -> Result<(), ChainProblem> {
        let values = bind(step, name, args)?;
        let input = self.input();
        let input = input.trim_start_matches("${{ ").trim_end_matches(" }}").to_owned();
        let text = filled(step, &values, &input);
        let mut holds = vec![("text", text.into())];
        if let Some(system) = &step.system {
            holds.push(("system", escaped(system).into()));
        }
        if let Some(schema) = &step.schema {
            holds.push(("schema", schema.clone()));
        } else if step.is_json {
            holds.push(("format", "json".into()));
        }
        let pushed = self.push("prompt", name, holds);
        pushed.model.clone_from(&step.model);
        pushed.settings.clone_from(&step.settings);
        Ok(())
    }
}

/// What is asked, with the arguments in it. An input it does not mention comes last.
fn filled(step: &PromptStep, values: &BTreeMap<String, String>, input: &str) -> String {
    let replaced = step.body.replaced(&|path| match path {
        [root, rest @ ..] if root == "input" => {
            let rest: Vec<String> =
                rest.iter().map(|name| format!("[{}]", Json::from(name.as_str()))).collect();
            Some(format!("{input}{}", rest.concat()))
        }
        [root, name, ..] if root == "args" => {
            Some(Json::from(values.get(name).map_or("", String::as_str)).to_string())
        }
        _ => None,
    });
    let mut text = Template::parse(&replaced).map_or(replaced, |template| template.folded());
    if !step.uses_input() {
        text = format!("{}\n\n${{{{ {input} }}}}", text.trim_end());
    }
    text
}

/// The arguments by name and by number: `NAME=VALUE`, or in order.
fn bind(
    step: &PromptStep,
    name: &Word,
    args: &[Word],
) -> Result<BTreeMap<String, String>, ChainProblem> {
    let mut values: Vec<Option<String>> = vec![None; step.args.len()];
    let position = |name: &str| step.args.iter().position(|arg| arg.name == name);
    for word in args {
        let named =
            word.text.split_once('=').and_then(|(key, value)| Some((position(key)?, value)));
        let (index, value) = match named {
            Some((index, value)) => (index, value.to_owned()),
            None => match values.iter().position(Option::is_none) {
                Some(index) => (index, word.text.clone()),
                None => return Err(left_over(step, name, word)),
            },
        };
        if values[index].is_some() {
            let message = format!("`{}` is given twice", step.args[index].name);
            return Err(at(word, message, Some("remove one".to_owned())));
        }
        values[index] = Some(value);
    }
    let mut bound = BTreeMap::new();
    for (index, (arg, value)) in step.args.iter().zip(values).enumerate() {
        let value = value.or_else(|| arg.default.clone());
        let value = value.ok_or_else(|| missing(name, &arg.name.to_uppercase()))?;
        bound.insert((index + 1).to_string(), value.clone());
        bound.insert(arg.name.clone(), value);
    }
    Ok(bound)
}

fn left_over(step: &PromptStep, name: &Word, word: &Word) -> ChainProblem {
    let message = format!("`{}` takes no more: `{}`", name.text, step.usage());
    let key = word.text.split_once('=').map(|(key, _)| key).unwrap_or_default();
    let near = nearest(key, step.args.iter().map(|arg| arg.name.as_str()));
    let hint = match near {
        Some(near) => format!("did you mean `{near}=`?"),
        None => "put a text of several words in quotes".to_owned(),
    };
    at(word, message, Some(hint))
}

fn missing(name: &Word, what: &str) -> ChainProblem {
    let hint = format!("write `{} {what}`", name.text);
    at(name, format!("`{}` needs {what}", name.text), Some(hint))
}

fn none_left(name: &Word, args: &[Word]) -> Result<(), ChainProblem> {
    match args.first() {
        None => Ok(()),
        Some(word) => {
            let message = format!("`{}` takes no `{}`", name.text, word.text);
            Err(at(word, message, Some("put a text of several words in quotes".to_owned())))
        }
    }
}
