//! The project's own commands: what is red is a finding.

use std::collections::BTreeSet;

use globset::{Glob, GlobSet, GlobSetBuilder};
use lao_event::{
    CheckCommand, CheckScope,
    latest::{CommandOutcome, Finding},
};
use lao_port::{CommandResult, VerifyRequest, VerifyTask};

use super::{
    finding,
    location::{self, Location},
};
use crate::{
    excerpt,
    process::{self, Ended, Job},
    walk,
    workspace::{Found, Workspace},
};

/// The most bytes of a command's output that are kept.
const OUTPUT_BYTES_MAX: usize = 16 * 1024;

/// The most bytes of output in a finding.
const FINDING_BYTES_MAX: usize = 3000;

/// What stands for the file in a command for single files.
const FILE: &str = "{file}";

/// What came of the commands.
#[derive(Debug, Default)]
pub(super) struct Ran {
    pub(super) results: Vec<CommandResult>,
    pub(super) findings: Vec<Attributed>,
}

/// A finding with the tasks it belongs to, by their place in the request.
#[derive(Debug)]
pub(super) struct Attributed {
    pub(super) tasks: Vec<usize>,
    pub(super) finding: Finding,
}

/// One run of a command.
struct Run<'a> {
    command: &'a CheckCommand,
    argv: Vec<String>,
    /// The file it is about, where it is about one.
    file: Option<String>,
}

/// Runs every command of the request, in order.
pub(super) async fn run_all(workspace: &Workspace, request: &VerifyRequest) -> Ran {
    let mut ran = Ran::default();
    let Ok(folder) = workspace.real_root() else {
        // A missing workspace is already a finding of every file in it.
        return ran;
    };
    let known = known_files(request);
    for run in request
        .commands
        .iter()
        .flat_map(|command| runs(workspace, request, command))
    {
        let ended = process::run(&Job {
            argv: &run.argv,
            folder,
            timeout_ms: run.command.timeout_ms,
            output_bytes_max: OUTPUT_BYTES_MAX,
        })
        .await;
        if !is_green(&ended.outcome) {
            let places = location::all(workspace, &ended.output, &known);
            ran.findings
                .extend(findings(request, &run, &ended, &places));
        }
        ran.results.push(CommandResult {
            name: run.command.name.clone(),
            outcome: ended.outcome,
            output: ended.output,
            elapsed_ms: ended.elapsed_ms,
        });
    }
    ran
}

fn is_green(outcome: &CommandOutcome) -> bool {
    matches!(outcome, CommandOutcome::Exited { code: 0 })
}

fn known_files(request: &VerifyRequest) -> Vec<&str> {
    let files: BTreeSet<&str> = request.tasks.iter().flat_map(files_of).collect();
    files.into_iter().collect()
}

fn files_of(task: &VerifyTask) -> impl Iterator<Item = &str> {
    let changed = task.changed.iter().map(|changed| changed.path.as_str());
    task.files.iter().map(String::as_str).chain(changed)
}

/// The runs that a command comes to: one, or one for each changed file that matches.
fn runs<'a>(
    workspace: &Workspace,
    request: &VerifyRequest,
    command: &'a CheckCommand,
) -> Vec<Run<'a>> {
    match command.scope {
        CheckScope::Task | CheckScope::Wave => vec![Run {
            command,
            argv: command.argv.clone(),
            file: None,
        }],
        CheckScope::File => matching_files(workspace, request, command)
            .into_iter()
            .map(|file| Run {
                command,
                argv: with_file(&command.argv, &file),
                file: Some(file),
            })
            .collect(),
    }
}

fn with_file(argv: &[String], file: &str) -> Vec<String> {
    // A file is never to be taken for an option.
    let file = if file.starts_with('-') {
        format!("./{file}")
    } else {
        file.to_owned()
    };
    argv.iter().map(|part| part.replace(FILE, &file)).collect()
}

fn matching_files(
    workspace: &Workspace,
    request: &VerifyRequest,
    command: &CheckCommand,
) -> BTreeSet<String> {
    let globs = globs(&command.files);
    request
        .tasks
        .iter()
        .flat_map(|task| &task.changed)
        .filter_map(|changed| workspace.path(&changed.path).ok())
        .filter(|path| matches!(workspace.read(path), Ok(Found::File(_))))
        .map(|path| path.to_string())
        .filter(|path| globs.is_match(path))
        .filter(|path| {
            !workspace
                .real_root()
                .is_ok_and(|root| walk::is_ignored(root, path))
        })
        .collect()
}

/// Globs over paths; the configuration has refused those that cannot be read.
fn globs(patterns: &[String]) -> GlobSet {
    let mut set = GlobSetBuilder::new();
    for glob in patterns
        .iter()
        .filter_map(|pattern| Glob::new(pattern).ok())
    {
        set.add(glob);
    }
    set.build().unwrap_or_else(|_| GlobSet::empty())
}

/// A red command's findings: one for all the tasks it belongs to.
fn findings(
    request: &VerifyRequest,
    run: &Run<'_>,
    ended: &Ended,
    places: &[Location],
) -> Vec<Attributed> {
    let tasks = tasks_of(request, run, places);
    let mut found = finding(
        &format!("command:{}", run.command.name),
        message(run, ended),
        &hint(run, ended),
    );
    let theirs: BTreeSet<&str> = tasks
        .iter()
        .flat_map(|index| files_of(&request.tasks[*index]))
        .collect();
    let (own, others): (Vec<&Location>, Vec<&Location>) = places
        .iter()
        .partition(|place| theirs.contains(place.file.as_str()));
    let place = location::principal(&own).or_else(|| location::principal(&others));
    found.file = place
        .map(|place| place.file.clone())
        .or_else(|| run.file.clone());
    found.line = place.map(|place| place.line);
    vec![Attributed {
        tasks,
        finding: found,
    }]
}

/// The tasks that a red command belongs to: those that changed its file; the one whose files
/// its output names; else all.
fn tasks_of(request: &VerifyRequest, run: &Run<'_>, places: &[Location]) -> Vec<usize> {
    let named: BTreeSet<&str> = match &run.file {
        Some(file) => BTreeSet::from([file.as_str()]),
        None => places.iter().map(|place| place.file.as_str()).collect(),
    };
    let concerned: Vec<usize> = (0..request.tasks.len())
        .filter(|index| files_of(&request.tasks[*index]).any(|file| named.contains(file)))
        .collect();
    if run.file.is_some() || concerned.len() == 1 {
        concerned
    } else {
        (0..request.tasks.len()).collect()
    }
}

fn message(run: &Run<'_>, ended: &Ended) -> String {
    let line = run.argv.join(" ");
    let output = ended.output.trim();
    match &ended.outcome {
        CommandOutcome::Exited { code } => {
            let shown = excerpt::tail(output, FINDING_BYTES_MAX);
            let cut = if shown.len() < output.len() {
                "[...] "
            } else {
                ""
            };
            let output = if output.is_empty() {
                "(no output)"
            } else {
                shown
            };
            format!("`{line}` ended with exit code {code}:\n{cut}{output}")
        }
        CommandOutcome::TimedOut => format!(
            "`{line}` was ended after {} ms:\n{}",
            run.command.timeout_ms,
            excerpt::tail(output, FINDING_BYTES_MAX)
        ),
        CommandOutcome::NotStarted { message } => format!("`{line}` could not be run: {message}"),
        CommandOutcome::Unknown => format!("it is not known how `{line}` ended"),
    }
}

fn hint(run: &Run<'_>, ended: &Ended) -> String {
    let name = &run.command.name;
    if ended.is_unknown {
        let program = run.argv.first().map_or("", String::as_str);
        return format!(
            "install {program}, or change the verifier command {name:?} in lao.toml; code cannot mend this"
        );
    }
    match ended.outcome {
        CommandOutcome::TimedOut => format!(
            "look for a loop or a wait that does not end; or raise the time of {name:?} in lao.toml"
        ),
        CommandOutcome::Exited { .. }
        | CommandOutcome::NotStarted { .. }
        | CommandOutcome::Unknown => String::new(),
    }
}
