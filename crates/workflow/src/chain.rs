//! Chains: steps in one line, each given what the one before it made.
//!
//! `transcribe talk.wav | summarize 5 bullets | save notes.md`. A chain stands for a workflow:
//! [`to_yaml`] writes it, and what runs is that text read like any other.

mod prompt_file;
mod stage;
mod words;
mod yaml;

use lao_expression::nearest;
use thiserror::Error;

pub use prompt_file::{Arg, PromptStep};

use stage::Built;
use words::Word;

/// The longest chain, in bytes.
const TEXT_BYTES_MAX: usize = 64 * 1024;

/// The most steps of a chain.
const STAGES_MAX: usize = 200;

/// The steps that ask a model and come with the program.
const PROMPT_FILES: &[(&str, &str)] = &[
    ("summarize.md", include_str!("chain/steps/summarize.md")),
    ("bullets.md", include_str!("chain/steps/bullets.md")),
    ("title.md", include_str!("chain/steps/title.md")),
    ("translate.md", include_str!("chain/steps/translate.md")),
    ("rewrite.md", include_str!("chain/steps/rewrite.md")),
    ("ask.md", include_str!("chain/steps/ask.md")),
    ("classify.md", include_str!("chain/steps/classify.md")),
    ("extract-entities.md", include_str!("chain/steps/extract-entities.md")),
];

/// The steps that ask no model for an answer: usage, one-line meaning.
const LOCAL_STEPS: &[(&str, &str)] = &[
    ("stdin", "The text that the chain is given; first, and there without being written"),
    ("transcribe FILE", "Speech to text"),
    ("read FILE", "The text of a file"),
    ("run COMMAND ARGS...", "A command; it is given the text and gives its output"),
    ("embed", "Text to vectors"),
    ("save FILE", "The text written to a file, and handed on"),
    ("append FILE", "The text added to a file, and handed on"),
];

/// A step that a chain may have, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepHelp {
    /// Its name.
    pub name: String,
    /// How it is written.
    pub usage: String,
    /// What it does, in one line.
    pub meaning: String,
    /// Whether it is of the project.
    pub is_own: bool,
}

/// The steps that chains may have: those of the program, and those of a project.
#[derive(Debug, Clone)]
pub struct Library {
    built_in: Vec<PromptStep>,
    own: Vec<PromptStep>,
}

impl Default for Library {
    fn default() -> Self {
        let parse = |(path, text): &(&str, &str)| {
            PromptStep::parse(path, text).expect("the steps that come with the program are right")
        };
        Self { built_in: PROMPT_FILES.iter().map(parse).collect(), own: Vec::new() }
    }
}

impl Library {
    /// Adds a step of the project; one with the name of another takes its place.
    pub fn add(&mut self, step: PromptStep) {
        self.own.retain(|own| own.name != step.name);
        self.own.push(step);
    }

    /// All steps with what they do, in the order in which people look for them.
    pub fn steps(&self) -> Vec<StepHelp> {
        let local = LOCAL_STEPS.iter().map(|(usage, meaning)| StepHelp {
            name: usage.split(' ').next().unwrap_or_default().to_owned(),
            usage: (*usage).to_owned(),
            meaning: (*meaning).to_owned(),
            is_own: false,
        });
        let asking = |is_own: bool| {
            move |step: &PromptStep| StepHelp {
                name: step.name.clone(),
                usage: step.usage(),
                meaning: step.meaning.clone(),
                is_own,
            }
        };
        let own = |name: &str| self.own.iter().any(|own| own.name == name);
        let built_in = self.built_in.iter().map(asking(false));
        local
            .chain(built_in)
            .filter(|step| !own(&step.name))
            .chain(self.own.iter().map(asking(true)))
            .collect()
    }

    fn asking(&self, name: &str) -> Option<&PromptStep> {
        self.own.iter().chain(&self.built_in).find(|step| step.name == name)
    }

    fn is_own(&self, name: &str) -> bool {
        self.own.iter().any(|step| step.name == name)
    }
}

/// Why a text is no chain: every problem, in the order of the text.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{}", lines(problems))]
pub struct ChainError {
    /// The chain.
    pub text: String,
    /// What is wrong; at least one.
    pub problems: Vec<ChainProblem>,
}

/// One thing that is wrong with a chain, and where: byte offsets into its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainProblem {
    /// Where it begins.
    pub start: usize,
    /// Where it ends.
    pub end: usize,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

fn lines(problems: &[ChainProblem]) -> String {
    let line = |problem: &ChainProblem| match &problem.hint {
        Some(hint) => format!("{}; {hint}", problem.message),
        None => problem.message.clone(),
    };
    problems.iter().map(line).collect::<Vec<_>>().join("\n")
}

impl ChainError {
    /// The problems as people read them, with marks under what is at fault; without colours.
    pub fn render(&self) -> String {
        let Self { text, problems } = self;
        let details: Vec<_> = problems.iter().map(|problem| problem.render(text)).collect();
        let noun = if problems.len() == 1 { "problem" } else { "problems" };
        let headline = format!("{} {noun} in the chain", problems.len());
        format!("{headline}\n\n{}", details.join("\n\n"))
    }
}

impl ChainProblem {
    fn render(&self, text: &str) -> String {
        let harmless = |text: &str| text.replace(char::is_control, " ");
        let before = text[..self.start].chars().count();
        let marked = text[self.start..self.end].chars().count().max(1);
        let marks = format!("{}{}", " ".repeat(before), "^".repeat(marked));
        let mut lines = vec![
            format!("error: {}", harmless(&self.message)),
            format!("  | {}", harmless(text)),
            format!("  | {marks}"),
        ];
        lines.extend(self.hint.as_ref().map(|hint| format!("  = help: {}", harmless(hint))));
        lines.join("\n")
    }
}

/// The text of the workflow that a chain stands for.
///
/// # Errors
/// [`ChainError`] with every problem of the chain.
pub fn to_yaml(text: &str, library: &Library) -> Result<String, ChainError> {
    let refuse = |problems| ChainError { text: text.to_owned(), problems };
    let whole = |message: String| {
        refuse(vec![ChainProblem { start: 0, end: text.len(), message, hint: None }])
    };
    if text.len() > TEXT_BYTES_MAX {
        return Err(whole(format!("the chain is longer than {TEXT_BYTES_MAX} bytes")));
    }
    let stages = words::stages(text).map_err(|problem| refuse(vec![problem]))?;
    if stages.len() > STAGES_MAX {
        return Err(whole(format!(
            "the chain has {} steps; {STAGES_MAX} are allowed",
            stages.len()
        )));
    }
    let mut chain = Built::default();
    let mut problems = Vec::new();
    for (index, stage) in stages.iter().enumerate() {
        let Some((name, args)) = stage.words.split_first() else {
            problems.push(ChainProblem {
                start: stage.start,
                end: stage.end,
                message: "here is no step".to_owned(),
                hint: Some("write steps with `|` between them".to_owned()),
            });
            continue;
        };
        if let Err(problem) = chain.add(index, name, args, library) {
            problems.push(problem);
        }
    }
    if problems.is_empty() && chain.steps.is_empty() {
        return Err(whole("the chain does nothing with its text".to_owned()));
    }
    if problems.is_empty() { Ok(yaml::write(text, &chain)) } else { Err(refuse(problems)) }
}

/// A problem of one word.
fn at(word: &Word, message: String, hint: Option<String>) -> ChainProblem {
    ChainProblem { start: word.start, end: word.end, message, hint }
}

/// A name that no step has.
fn unknown(name: &Word, library: &Library) -> ChainProblem {
    let known = library.steps();
    let names = || known.iter().map(|step| step.name.as_str());
    let hint = nearest(&name.text, names()).map_or_else(
        || {
            let names = names().collect::<Vec<_>>().join(", ");
            format!("there are {names}; a step of your own is a file `steps/{}.md`", name.text)
        },
        |near| format!("did you mean `{near}`?"),
    );
    at(name, format!("there is no step `{}`", name.text), Some(hint))
}

/// A new workflow with comments, to begin with.
pub fn template(name: &str) -> String {
    let words: String =
        name.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
    let name = yaml::quoted(words.trim());
    include_str!("chain/new.yaml").replace("NAME", &name)
}
