//! Plans: Markdown with optional front matter, which a planner turns into tasks.

mod chunk;
mod front_matter;
mod markdown;
mod slug;

use lao_event::Hash;
use thiserror::Error;

pub use chunk::{Chunk, chunk_room_bytes, chunks};
pub use front_matter::PlanFrontMatter;
pub use slug::{SLUG_BYTES_MAX, slug};

/// A plan as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The title: of the front matter, or else the first heading, or else the file's name.
    pub title: String,
    /// The settings at its head.
    pub front_matter: PlanFrontMatter,
    /// The text without the front matter; it holds more than white space.
    pub body: String,
    /// The plan's identity: the hash of the whole text, front matter included.
    pub hash: Hash,
}

/// Why a text is no plan: every problem, with the path it was given under.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{}", lines(path, problems))]
pub struct PlanError {
    /// The plan's path, as the caller gave it.
    pub path: String,
    /// What is wrong; at least one.
    pub problems: Vec<PlanProblem>,
}

fn lines(path: &str, problems: &[PlanProblem]) -> String {
    let line = |problem: &PlanProblem| {
        let PlanProblem { line, column, fault } = problem;
        format!("{path}:{line}:{column}: {fault}")
    };
    problems.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// One thing that is wrong with a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanProblem {
    /// Line in the file, counted from 1.
    pub line: usize,
    /// Column in characters, counted from 1.
    pub column: usize,
    /// What is wrong.
    pub fault: PlanFault,
}

/// What is wrong with a plan, with its cure.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PlanFault {
    /// There is nothing to plan.
    #[error("the plan is empty; describe what is to be made")]
    Empty,
    /// The front matter has no end.
    #[error(
        "the front matter is not closed; end it with a line `---`, \
         or put an empty line before this one if it is none"
    )]
    NotClosed,
    /// The front matter is longer than [`front_matter::BYTES_MAX`].
    #[error(
        "the front matter is longer than {} bytes; close it with a line `---`",
        front_matter::BYTES_MAX
    )]
    TooLong,
    /// The front matter is not YAML.
    #[error("the front matter is not valid YAML: {message}")]
    Yaml {
        /// What the parser says.
        message: String,
    },
    /// The front matter is no list of keys and values.
    #[error("the front matter must be lines of `key: value`")]
    NotAMapping,
    /// There is no such key.
    #[error("unknown key `{key}`; {}", cure(*nearest))]
    UnknownKey {
        /// The key as written.
        key: String,
        /// The known key most like it.
        nearest: Option<&'static str>,
    },
    /// A key stands twice.
    #[error("`{key}` stands twice; remove one")]
    RepeatedKey {
        /// The key.
        key: String,
    },
    /// A value is not one line of text.
    #[error("`{key}` must be one line of text, not empty")]
    NotAText {
        /// The key.
        key: String,
    },
}

fn cure(nearest: Option<&str>) -> String {
    match nearest {
        Some(name) => format!("did you mean `{name}`?"),
        None => format!("known are {}", front_matter::KEYS.join(" and ")),
    }
}

impl Plan {
    /// Reads a plan. The path is for messages and for a title where the text has none.
    ///
    /// # Errors
    /// [`PlanError`] with every problem of the front matter, or for a plan without text.
    pub fn parse(path: &str, text: &str) -> Result<Self, PlanError> {
        let refuse = |problems| PlanError { path: path.to_owned(), problems };
        let (front_matter, body) = front_matter::split(text).map_err(refuse)?;
        if body.trim().is_empty() {
            return Err(refuse(vec![PlanProblem {
                line: text.lines().count().max(1),
                column: 1,
                fault: PlanFault::Empty,
            }]));
        }
        let heading = || markdown::headings(body).next().map(str::to_owned);
        let title = front_matter.title.clone();
        Ok(Self {
            title: title.or_else(heading).unwrap_or_else(|| file_stem(path)),
            front_matter,
            body: body.to_owned(),
            hash: Hash::of(text.as_bytes()),
        })
    }
}

/// The last part of the path without its ending.
fn file_stem(path: &str) -> String {
    let name = path.rsplit(['/', '\\']).next().unwrap_or(path);
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    if stem.is_empty() { name } else { stem }.to_owned()
}

#[cfg(test)]
mod tests {
    use super::{Plan, PlanFault};
    use lao_event::Hash;

    fn faults(text: &str) -> Vec<PlanFault> {
        let error = Plan::parse("plans/app.md", text).expect_err(text);
        error.problems.into_iter().map(|problem| problem.fault).collect()
    }

    #[test]
    fn a_plan_has_title_body_and_identity() {
        let text = "---\nworkspace: ../app # mine\n---\n\n# The *App*\n\nMake it.\n";
        let plan = Plan::parse("plans/app.md", text).expect("a plan");
        assert_eq!(plan.title, "The *App*");
        assert_eq!(plan.front_matter.workspace.as_deref(), Some("../app"));
        assert_eq!(plan.body, "\n# The *App*\n\nMake it.\n");
        assert_eq!(plan.hash, Hash::of(text.as_bytes()));
    }

    #[test]
    fn the_title_comes_from_the_front_matter_the_heading_or_the_file() {
        for (text, title) in [
            ("---\ntitle: 2024\n---\n# Heading\n", "2024"),
            ("intro\n\nHeading\n=======\ntext", "Heading"),
            ("```\n# not a heading\n```\n## Heading ##\n", "Heading"),
            ("no heading", "app"),
            ("\u{feff}# Heading\r\ntext\r\n", "Heading"),
        ] {
            let plan = Plan::parse("plans/app.md", text).expect(text);
            assert_eq!(plan.title, title);
        }
    }

    #[test]
    fn a_plan_without_text_is_none() {
        for text in ["", " \n\t\n", "\u{feff}", "---\ntitle: x\n---\n\n"] {
            assert_eq!(faults(text), [PlanFault::Empty], "{text:?}");
        }
    }

    #[test]
    fn every_problem_of_the_front_matter_is_told_with_its_line() {
        let text = "---\nworkspce: x\ntitle: [a]\nworkspace:\ncolour: red\ntitle: b\n---\ntext";
        let error = Plan::parse("plans/app.md", text).expect_err("five problems");
        assert_eq!(
            error.to_string(),
            "plans/app.md:2:1: unknown key `workspce`; did you mean `workspace`?\n\
             plans/app.md:3:8: `title` must be one line of text, not empty\n\
             plans/app.md:4:10: `workspace` must be one line of text, not empty\n\
             plans/app.md:5:1: unknown key `colour`; known are workspace and title\n\
             plans/app.md:6:1: `title` stands twice; remove one"
        );
    }

    #[test]
    fn front_matter_must_be_closed_and_plain() {
        assert_eq!(faults("---\ntitle: x\ntext"), [PlanFault::NotClosed]);
        assert_eq!(faults("---\n- a\n---\ntext"), [PlanFault::NotAMapping]);
        assert_eq!(faults("---\ntext\n---\ntext"), [PlanFault::NotAMapping]);
        assert!(matches!(faults("---\na: [\n---\ntext")[..], [.., PlanFault::Yaml { .. }]));
        assert!(matches!(faults("---\ntitle: a\n--- b\n---\nx")[..], [PlanFault::Yaml { .. }]));
        let long = format!("---\n{}\n---\ntext", "#\n".repeat(40_000));
        assert_eq!(faults(&long), [PlanFault::TooLong]);
    }

    #[test]
    fn deep_nesting_is_refused_and_harmless() {
        for nest in ["- ", "? ", "[", "{a: "] {
            let text = format!("---\ntitle: x\nworkspace:\n  {}\n---\ntext", nest.repeat(10_000));
            assert!(!faults(&text).is_empty());
        }
    }

    #[test]
    fn no_front_matter_is_needed() {
        for text in ["text\n---\nmore", "----\ntext", "--- text", "---\n---\ntext", "\n---\ntext"] {
            let plan = Plan::parse("app", text).expect(text);
            assert_eq!(plan.front_matter, super::PlanFrontMatter::default());
        }
    }
}
