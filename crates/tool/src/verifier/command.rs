//! The project's own commands: what is red is a finding.

use std::collections::BTreeSet;

use globset::{Glob, GlobSet, GlobSetBuilder};
use lao_event::{
    CheckCommand, CheckScope,
    latest::{CommandOutcome, Finding},
};
use lao_port::{CommandResult, VerifyRequest};

use super::{
    finding,
    location::{self, Location},
};
use crate::{
    excerpt,
    folder::Entry,
    process::{Ended, Job, Programs},
    walk,
    workspace::Workspace,
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

/// The files of each task, as far as they lie in the workspace.
struct Files<'a> {
    workspace: &'a Workspace,
    /// Claimed or changed.
    concerned: Vec<BTreeSet<String>>,
    /// Changed, by any task.
    changed: BTreeSet<String>,
}

/// Runs every command of the request, in order.
pub(super) async fn run_all(
    workspace: &Workspace,
    request: &VerifyRequest,
    programs: &dyn Programs,
) -> Ran {
    let files = Files::of(workspace, request);
    let mut ran = Ran::default();
    for run in request.commands.iter().flat_map(|command| files.runs(command)) {
        let job = Job {
            argv: &run.argv,
            folder: workspace.root(),
            env: &[],
            input: None,
            timeout_ms: run.command.timeout_ms,
            output_bytes_max: OUTPUT_BYTES_MAX,
        };
        let ended = programs.run(&job).await;
        if !is_green(&ended.outcome) {
            ran.findings.push(files.attributed(&run, &ended));
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

impl<'a> Files<'a> {
    fn of(workspace: &'a Workspace, request: &VerifyRequest) -> Self {
        let inside = |path: &String| workspace.path(path).ok().map(|path| path.to_string());
        let changed = |task: &lao_port::VerifyTask| -> BTreeSet<String> {
            task.changed.iter().filter_map(|changed| inside(&changed.path)).collect()
        };
        Self {
            workspace,
            concerned: request
                .tasks
                .iter()
                .map(|task| {
                    let claimed = task.files.iter().filter_map(inside);
                    claimed.chain(changed(task)).collect()
                })
                .collect(),
            changed: request.tasks.iter().flat_map(changed).collect(),
        }
    }

    /// The runs that a command comes to: one, or one for each changed file that matches.
    fn runs<'c>(&self, command: &'c CheckCommand) -> Vec<Run<'c>> {
        match command.scope {
            CheckScope::Task | CheckScope::Wave => {
                vec![Run { command, argv: command.argv.clone(), file: None }]
            }
            CheckScope::File => {
                let globs = globs(&command.files);
                self.changed
                    .iter()
                    .filter(|file| globs.is_match(file) && self.is_checked(file))
                    .map(|file| Run {
                        command,
                        argv: with_file(&command.argv, file),
                        file: Some(file.clone()),
                    })
                    .collect()
            }
        }
    }

    /// Whether a file is there and not ignored.
    fn is_checked(&self, file: &str) -> bool {
        let is_file = self
            .workspace
            .path(file)
            .is_ok_and(|path| matches!(self.workspace.entry(&path), Ok(Entry::File)));
        is_file && !self.workspace.real_root().is_ok_and(|root| walk::is_ignored(root, file))
    }

    /// A red command's finding, and whose it is.
    fn attributed(&self, run: &Run<'_>, ended: &Ended) -> Attributed {
        let known: BTreeSet<&String> = self.concerned.iter().flatten().collect();
        let known: Vec<String> = known.into_iter().cloned().collect();
        let places = location::all(self.workspace, &ended.output, &known);
        let tasks = self.tasks_of(run, &places);
        let (own, others): (Vec<&Location>, Vec<&Location>) = places.iter().partition(|place| {
            tasks.iter().any(|task| self.concerned[*task].contains(&place.file))
        });
        let place = location::principal(&own).or_else(|| location::principal(&others));
        let rule = format!("command:{}", run.command.name);
        let mut finding = finding(&rule, message(run, ended), &hint(run, ended));
        finding.file = place.map(|place| place.file.clone()).or_else(|| run.file.clone());
        finding.line = place.map(|place| place.line);
        Attributed { tasks, finding }
    }

    /// The tasks that a red command belongs to: those that changed its file; the one whose
    /// files its output names; else all.
    fn tasks_of(&self, run: &Run<'_>, places: &[Location]) -> Vec<usize> {
        let named: BTreeSet<&String> = match &run.file {
            Some(file) => BTreeSet::from([file]),
            None => places.iter().map(|place| &place.file).collect(),
        };
        let all = 0..self.concerned.len();
        let concerned: Vec<usize> = all
            .clone()
            .filter(|task| self.concerned[*task].iter().any(|file| named.contains(file)))
            .collect();
        if run.file.is_some() || concerned.len() == 1 { concerned } else { all.collect() }
    }
}

fn with_file(argv: &[String], file: &str) -> Vec<String> {
    // A file is never to be taken for an option.
    let file = if file.starts_with('-') { format!("./{file}") } else { file.to_owned() };
    argv.iter().map(|part| part.replace(FILE, &file)).collect()
}

/// Globs over paths; the configuration has refused those that cannot be read.
fn globs(patterns: &[String]) -> GlobSet {
    let mut set = GlobSetBuilder::new();
    for glob in patterns.iter().filter_map(|pattern| Glob::new(pattern).ok()) {
        set.add(glob);
    }
    set.build().unwrap_or_else(|_| GlobSet::empty())
}

fn message(run: &Run<'_>, ended: &Ended) -> String {
    let line = run.argv.join(" ");
    let output = ended.output.trim();
    let shown = excerpt::tail(output, FINDING_BYTES_MAX);
    let cut = if shown.len() < output.len() { "[...] " } else { "" };
    match &ended.outcome {
        CommandOutcome::Exited { code } if output.is_empty() => {
            format!("`{line}` ended with exit code {code} and no output")
        }
        CommandOutcome::Exited { code } => {
            format!("`{line}` ended with exit code {code}:\n{cut}{shown}")
        }
        CommandOutcome::TimedOut => {
            format!("`{line}` was ended after {} ms:\n{cut}{shown}", run.command.timeout_ms)
        }
        CommandOutcome::NotStarted { message } => format!("`{line}` could not be run: {message}"),
        CommandOutcome::Unknown => format!("it is not known how `{line}` ended"),
    }
}

fn hint(run: &Run<'_>, ended: &Ended) -> String {
    let name = &run.command.name;
    match ended.outcome {
        CommandOutcome::NotStarted { .. } if ended.is_unknown => format!(
            "install {}, or change the verifier command {name:?} in lao.toml; code cannot mend this",
            run.argv.first().map_or("", String::as_str)
        ),
        CommandOutcome::TimedOut => format!(
            "look for a loop or a wait that does not end; or raise the time of {name:?} in lao.toml"
        ),
        CommandOutcome::Exited { .. }
        | CommandOutcome::NotStarted { .. }
        | CommandOutcome::Unknown => String::new(),
    }
}
