//! Steps in Markdown: settings in front matter, and what is asked as the text.

use lao_expression::Template;
use serde_json::Value as Json;

use crate::flow::{FlowError, FlowProblem, front_matter};

/// A step that asks a model, read from Markdown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PromptStep {
    /// Its name: the file's without its ending.
    pub name: String,
    /// What it makes of a text, in one line.
    pub meaning: String,
    /// What it takes, in order.
    pub args: Vec<Arg>,
    /// What is asked; `input` and `args` are known in it.
    pub body: Template,
    /// What the model is told to be.
    pub system: Option<String>,
    /// The role whose model is asked.
    pub model: Option<String>,
    /// How the model is asked.
    pub settings: Option<Json>,
    /// Whether the answer is JSON.
    pub is_json: bool,
    /// The JSON Schema of the answer.
    pub schema: Option<Json>,
}

/// What a step takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arg {
    /// Its name.
    pub name: String,
    /// Its value where none is given; without one, it must be.
    pub default: Option<String>,
}

impl PromptStep {
    /// Reads a step from the text of its file.
    ///
    /// # Errors
    /// [`FlowError`] with every problem.
    pub fn parse(path: &str, text: &str) -> Result<Self, FlowError> {
        let front = front_matter::read(path, text);
        let mut problems = front.problems;
        let mut refuse = |message: String, hint: &str| {
            problems.push(FlowProblem {
                path: path.to_owned(),
                line: 1,
                column: 1,
                length: 1,
                message,
                hint: Some(hint.to_owned()),
                source_line: text.lines().next().unwrap_or_default().to_owned(),
            });
        };
        if !is_name(&front.name) {
            let message = format!("`{}` is no name of a step", front.name);
            refuse(message, "name the file with letters, digits, `-` and `_`");
        }
        if front.body.as_ref().is_some_and(|body| body.source().trim().is_empty()) {
            refuse(
                "nothing is asked".to_owned(),
                "write what the model is asked, with `${{ input }}`",
            );
        }
        match front.body {
            Some(body) if problems.is_empty() => Ok(Self {
                meaning: front.title.unwrap_or_else(|| front.name.clone()),
                name: front.name,
                args: front.args,
                body,
                system: front.system,
                model: front.model,
                settings: front.settings,
                is_json: front.is_json || front.schema.is_some(),
                schema: front.schema,
            }),
            _ => Err(FlowError { path: path.to_owned(), problems }),
        }
    }

    /// Whether it says where the text it is given goes.
    pub fn uses_input(&self) -> bool {
        self.body.references().iter().any(|reference| reference.path[0] == "input")
    }

    /// How it is written in a chain: `translate LANGUAGE`.
    pub fn usage(&self) -> String {
        let arg = |arg: &Arg| {
            let name = arg.name.to_uppercase();
            if arg.default.is_some() { format!("[{name}]") } else { name }
        };
        let words = std::iter::once(self.name.clone()).chain(self.args.iter().map(arg));
        words.collect::<Vec<_>>().join(" ")
    }
}

/// Whether a text can be the name of a step of a chain.
fn is_name(text: &str) -> bool {
    let is_word = |letter: char| letter.is_ascii_alphanumeric() || letter == '-' || letter == '_';
    text.starts_with(|letter: char| letter.is_ascii_alphabetic())
        && text.len() <= 60
        && text.chars().all(is_word)
}
