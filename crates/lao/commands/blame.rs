//! `lao blame`: who wrote the lines of a file.

use lao_cli::{
    CliError, ExitCode,
    args::{BlameArgs, GlobalArgs},
    render::{self, BlameAuthor, BlameLine, BlameMessage, BlameOrigin, BlameReport},
};
use lao_event::{Content, latest::Message};
use lao_history::{Contents, RunFolder};
use lao_journal::Reader;
use lao_replay::{Author, Blame, BlameError, ModelAuthor, blame as authors_of, origin};

use super::checkout::files_failure;
use crate::{
    failure::{internal, view_failure},
    project::{Project, state_of},
    screen::Screen,
};

/// Files that are named where the one that was asked for is not known.
const TOUCHED_SHOWN_MAX: usize = 10;

/// Messages of a conversation that are shown before an answer.
const MESSAGES_SHOWN_MAX: usize = 3;

pub(crate) fn blame(
    global: &GlobalArgs,
    args: &BlameArgs,
    screen: &mut Screen,
) -> Result<ExitCode, CliError> {
    let project = Project::find(global)?;
    let run = project.select_any(&args.run.run)?;
    let reader = run.reader().map_err(|error| view_failure(&error.into()))?;
    let contents = state_of(&run).contents().map_err(|error| internal(&error))?;
    let file = args.place.file.trim_start_matches("./");
    let blamed = authors_of(&reader, &contents, (file, args.at.or(args.run.at)));
    let blamed = blamed.map_err(|error| failure(&error, &run))?;
    let mut report = report(&run, &blamed);
    if let Some(number) = args.place.line {
        let index = usize::try_from(number - 1).unwrap_or(usize::MAX);
        let Some(line) = blamed.lines.get(index) else {
            let message =
                format!("{file} has {} lines after event {}", blamed.lines.len(), blamed.at);
            return Err(CliError::new(ExitCode::Usage, message));
        };
        report.lines = report.lines.drain(index..=index).collect();
        if let Author::Model(author) = &line.author {
            report.origin = Some(origin_of(author, &reader, &contents)?);
        }
    }
    screen.report(&report, render::blame);
    Ok(ExitCode::Done)
}

fn failure(error: &BlameError, run: &RunFolder) -> CliError {
    match error {
        BlameError::Files(error) => files_failure(error, run),
        BlameError::Blob { .. } => CliError::from_error(ExitCode::JournalUnavailable, error)
            .hint("`lao journal check RUN --deep` names all that is missing"),
        BlameError::Untouched { touched, .. } => {
            let failure = CliError::from_error(ExitCode::Usage, error);
            let names: Vec<&str> =
                touched.iter().take(TOUCHED_SHOWN_MAX).map(String::as_str).collect();
            let more = if touched.len() > names.len() { ", ..." } else { "" };
            if names.is_empty() {
                failure.hint("it touched no file at all")
            } else {
                failure.hint(format!("it touched {}{more}", names.join(", ")))
            }
        }
        BlameError::NotThere { .. } => CliError::from_error(ExitCode::Usage, error)
            .hint(format!("`lao checkout {} DIR --at N` shows the files there were", run.run)),
    }
}

fn report(run: &RunFolder, blamed: &Blame) -> BlameReport {
    let lines = (1..).zip(&blamed.lines).map(|(number, line)| BlameLine {
        line: number,
        text: line.text.clone(),
        author: author(&line.author),
    });
    BlameReport {
        run: run.run.to_string(),
        at: blamed.at,
        file: blamed.file.clone(),
        lines: lines.collect(),
        origin: None,
    }
}

fn author(author: &Author) -> BlameAuthor {
    match author {
        Author::BeforeRun { seen } => BlameAuthor::BeforeRun { seen: *seen },
        Author::Elsewhere { seen } => BlameAuthor::Elsewhere { seen: *seen },
        Author::Step { seq, step, attempt } => {
            BlameAuthor::Step { seq: *seq, step: step.clone(), attempt: attempt.0 }
        }
        Author::Trail { seq, step } => BlameAuthor::Trail { seq: *seq, step: step.clone() },
        Author::Model(ModelAuthor { seq, step, attempt, call, role, model, asked }) => {
            BlameAuthor::Model {
                seq: *seq,
                step: step.clone(),
                attempt: attempt.0,
                role: role.to_string(),
                model: model.clone(),
                asked: *asked,
                call: call.to_string(),
            }
        }
    }
}

fn origin_of(
    author: &ModelAuthor,
    reader: &Reader,
    contents: &Contents,
) -> Result<BlameOrigin, CliError> {
    let unavailable = |error: &(dyn std::error::Error + 'static)| {
        CliError::from_error(ExitCode::JournalUnavailable, error)
    };
    let found = origin(reader, author.call).map_err(|error| unavailable(&error))?;
    let text = |content: &Content| {
        let bytes = contents.bytes(content).map_err(|error| unavailable(&error))?;
        Ok::<String, CliError>(String::from_utf8_lossy(&bytes).into_owned())
    };
    let hidden = found.messages.len().saturating_sub(MESSAGES_SHOWN_MAX);
    let messages = found.messages.iter().skip(hidden).map(|message| {
        let (from, content) = match message {
            Message::System { content } => ("system", content),
            Message::User { content } => ("user", content),
            Message::Assistant { content, tool_calls: _ } => ("assistant", content),
            Message::Tool { id: _, name: _, content } => ("tool", content),
        };
        Ok(BlameMessage { from: from.to_owned(), text: text(content)? })
    });
    Ok(BlameOrigin {
        asked: found.asked,
        answered: found.answered,
        endpoint: found.request.endpoint.clone(),
        model: found.answer.model.clone(),
        server: found.answer.server.clone(),
        hidden: hidden as u64,
        messages: messages.collect::<Result<_, CliError>>()?,
        answer: text(&found.answer.text)?,
        tool: found.tool_call.name.clone(),
        arguments: text(&found.tool_call.arguments)?,
    })
}
