//! Commands of workflows: their output is a value, so it is whole or it is a failure.

use std::{
    env::{self, VarError},
    path::PathBuf,
};

use lao_event::latest::CommandOutcome;
use lao_port::{ProgramFailure, ProgramOutput, ProgramRun};

use super::file::{begins_elsewhere, place};
use crate::{
    excerpt, json,
    process::{Job, Piped, Programs},
    workspace::{PathError, Workspace},
};

/// The most bytes of output that are kept.
const OUTPUT_BYTES_MAX: usize = 16 * 1024 * 1024;

/// The most bytes and lines of a command's own words in a message.
const WORDS_BYTES_MAX: usize = 2000;
const WORDS_LINES_MAX: usize = 20;

/// The most bytes of a command line in a message.
const LINE_BYTES_MAX: usize = 200;

/// A shorter value of a secret would be found in any text.
const SECRET_BYTES_MIN: usize = 4;

/// Runs a command in its folder, with its secrets and its input.
pub(super) async fn run(
    workspace: &Workspace,
    programs: &dyn Programs,
    program: &ProgramRun,
) -> Result<ProgramOutput, ProgramFailure> {
    let not_run = |message: String| {
        let message = format!("`{}` was not run: {message}", line(program));
        ProgramFailure { exit_code: None, message }
    };
    let folder = folder(workspace, program.folder.as_deref()).map_err(not_run)?;
    let secrets = secrets(&program.secrets).map_err(not_run)?;
    let env: Vec<_> = program.env.iter().chain(&secrets).cloned().collect();
    let job = Job {
        argv: &program.argv,
        folder: &folder,
        env: &env,
        input: program.input.as_deref(),
        // How long a step may take is for whoever waits for it.
        timeout_ms: u64::MAX,
        output_bytes_max: OUTPUT_BYTES_MAX,
    };
    let piped = programs.pipe(&job).await;
    judge(program, piped).map_err(|failure| ProgramFailure {
        message: without(&secrets, &failure.message),
        ..failure
    })
}

/// Where a command runs: in the project, or at an absolute path.
fn folder(workspace: &Workspace, asked: Option<&str>) -> Result<PathBuf, String> {
    let root = workspace.root();
    let Some(asked) = asked else {
        return Ok(root.to_owned());
    };
    let place = if begins_elsewhere(asked) {
        place(root, asked)
    } else {
        let cure = |error: PathError| format!("{error}; or give the folder's absolute path");
        root.join(workspace.path(asked).map_err(cure)?.to_string())
    };
    if place.is_dir() {
        return Ok(place);
    }
    let cure = "make it first, or mend `folder`";
    Err(format!("the folder {} does not exist; {cure}", place.display()))
}

/// The values of secrets, from this program's own environment.
fn secrets(names: &[(String, String)]) -> Result<Vec<(String, String)>, String> {
    let value = |(name, own): &(String, String)| match env::var(own) {
        Ok(value) => Ok((name.clone(), value)),
        Err(VarError::NotPresent) => Err(format!(
            "its secret {name} is to come from the variable {own}, which is not set; set {own} \
             where lao is started"
        )),
        Err(VarError::NotUnicode(_)) => {
            Err(format!("its secret {name} is to come from the variable {own}, which is no text"))
        }
    };
    names.iter().map(value).collect()
}

/// Whether a command ended as it should, and what it gave.
fn judge(program: &ProgramRun, piped: Piped) -> Result<ProgramOutput, ProgramFailure> {
    let line = line(program);
    let failed = |exit_code, message| Err(ProgramFailure { exit_code, message });
    let exit_code = match &piped.outcome {
        CommandOutcome::Exited { code } => *code,
        CommandOutcome::NotStarted { message } => {
            return failed(None, format!("`{line}` could not be run: {message}"));
        }
        CommandOutcome::TimedOut => {
            return failed(None, format!("`{line}` took too long and was ended{}", words(&piped)));
        }
        CommandOutcome::Unknown => {
            return failed(None, format!("it is not known how `{line}` ended"));
        }
    };
    if piped.is_cut {
        return failed(
            None,
            format!(
                "`{line}` wrote more than {OUTPUT_BYTES_MAX} bytes to its standard output and was \
                 ended; have it write to a file"
            ),
        );
    }
    if !program.exit_codes.contains(&exit_code) {
        let message = format!("`{line}` ended with exit code {exit_code}{}", words(&piped));
        return failed(Some(exit_code), message);
    }
    match value(program.json, piped.output) {
        Ok(output) => Ok(ProgramOutput { exit_code, output }),
        Err(problem) => failed(Some(exit_code), format!("`{line}` {problem}")),
    }
}

fn value(is_json: bool, output: Vec<u8>) -> Result<String, String> {
    let text = String::from_utf8(output).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        format!("wrote what is not text in UTF-8 (byte {at} is not); have it write to a file")
    })?;
    if !is_json {
        return Ok(without_last_line_end(text));
    }
    if text.trim().is_empty() {
        return Err("was to write JSON to its standard output, and wrote nothing".to_owned());
    }
    json::compact(&text).map_err(|error| {
        let beginning = excerpt::clipped(text.trim(), LINE_BYTES_MAX);
        format!("was to write JSON to its standard output ({error}), and wrote: {beginning}")
    })
}

/// Commands end their last line for a terminal. In a value it would make `yes` another text than
/// "yes", so it goes, as in a shell's `$(...)`; only that one, since more are meant.
fn without_last_line_end(mut text: String) -> String {
    if text.ends_with('\n') {
        text.pop();
        if text.ends_with('\r') {
            text.pop();
        }
    }
    text
}

/// The end of what a command says: its errors, or where there are none its output.
fn words(piped: &Piped) -> String {
    let output = String::from_utf8_lossy(&piped.output);
    let said = [piped.errors.trim(), output.trim()].into_iter().find(|said| !said.is_empty());
    let Some(said) = said else {
        return " and said nothing".to_owned();
    };
    let shown = excerpt::tail(said, WORDS_BYTES_MAX);
    let lines = shown.lines().count();
    let shown: Vec<&str> = shown.lines().skip(lines.saturating_sub(WORDS_LINES_MAX)).collect();
    let shown = shown.join("\n");
    let cut = if shown.len() < said.len() { "[...] " } else { "" };
    format!(":\n{cut}{shown}")
}

fn line(program: &ProgramRun) -> String {
    excerpt::clipped(&program.argv.join(" "), LINE_BYTES_MAX)
}

/// A message in which secrets are replaced by their names.
fn without(secrets: &[(String, String)], message: &str) -> String {
    let telling = secrets.iter().filter(|(_, value)| value.len() >= SECRET_BYTES_MIN);
    telling.fold(message.to_owned(), |text, (name, value)| text.replace(value, &format!("${name}")))
}
