//! The commands of checks, of the shell tool and of workflows: their results come from the scenario,
//! or they are run for real where it says so.

use std::{
    cmp::Reverse,
    collections::BTreeSet,
    fs,
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use lao_event::latest::CommandOutcome;
use lao_port::BoxFuture;
use lao_tool::{Ended, Job, LocalPrograms, Piped, Programs};

use crate::{
    aside::aside,
    file::{Commands, table::CommandTable},
};

/// The programs of a scenario, over all its lives.
#[derive(Debug)]
pub(crate) struct PlayedPrograms {
    others: Commands,
    results: Vec<CommandTable>,
    runs: Mutex<Runs>,
    /// Commands that the scenario says nothing of.
    unknown: Mutex<BTreeSet<String>>,
}

/// The commands that were run so far, by their lines.
#[derive(Debug, Default)]
struct Runs {
    /// Those whose end the journal has.
    ended: Vec<String>,
    /// Those of this process.
    lived: Vec<String>,
}

impl PlayedPrograms {
    pub(crate) fn new(others: Commands, results: Vec<CommandTable>) -> Self {
        Self { others, results, runs: Mutex::default(), unknown: Mutex::default() }
    }

    /// Commands that were asked for and have no result.
    pub(crate) fn unknown(&self) -> Vec<String> {
        let unknown = self.unknown.lock().unwrap_or_else(PoisonError::into_inner);
        unknown.iter().cloned().collect()
    }

    /// A process begins; the journal has the ends of these. What was run and has no end there is run
    /// again, and comes to the same.
    pub(crate) fn begin_life(&self, ended: Vec<String>) {
        *self.runs() = Runs { ended, lived: Vec::new() };
    }

    fn runs(&self) -> MutexGuard<'_, Runs> {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The result of a line.
    fn result(&self, line: &str, folder: &Path) -> Option<&CommandTable> {
        let runs = self.runs();
        let holds = |(path, text): (&String, &String)| {
            fs::read_to_string(folder.join(path)).is_ok_and(|there| there.contains(text.as_str()))
        };
        let is_begun = |result: &CommandTable| {
            let same = |ran: &&String| begins(ran, &result.run) || begins(&result.run, ran);
            let before = runs.ended.iter().chain(&runs.lived).filter(same).count();
            result.from as usize <= before + 1
        };
        let fits = |result: &&CommandTable| {
            begins(line, &result.run) && result.when.iter().all(holds) && is_begun(result)
        };
        // The last of equals would win a maximum; reversed order makes it the first.
        self.results.iter().filter(fits).min_by_key(|result| Reverse(result.from))
    }

    /// What the scenario says of a command; none for one that is to be run for real.
    fn play(&self, job: &Job<'_>) -> Option<Ended> {
        let line = job.argv.join(" ");
        let inner = shell_line(job.argv);
        let scripted = inner.and_then(|inner| self.result(inner, job.folder));
        let scripted = scripted.or_else(|| self.result(&line, job.folder));
        self.note(inner.unwrap_or(&line));
        match scripted {
            Some(result) => Some(give(result, job.folder)),
            None if self.others == Commands::Real => None,
            None => Some(self.unscripted(inner.unwrap_or(&line))),
        }
    }

    fn note(&self, line: &str) {
        self.runs().lived.push(line.to_owned());
    }

    fn unscripted(&self, line: &str) -> Ended {
        self.unknown.lock().unwrap_or_else(PoisonError::into_inner).insert(line.to_owned());
        let message = "the scenario says nothing of it".to_owned();
        let outcome = CommandOutcome::NotStarted { message };
        Ended { outcome, output: String::new(), is_unknown: true, elapsed_ms: 0 }
    }
}

/// The line that a shell is to run; it is known without the shell.
pub(crate) fn shell_line(argv: &[String]) -> Option<&String> {
    let is_shell = argv.iter().rev().nth(1).is_some_and(|flag| flag == "-c");
    argv.last().filter(|_| is_shell)
}

/// Whether a line begins with these words.
fn begins(line: &str, words: &str) -> bool {
    line.strip_prefix(words).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
}

impl Programs for PlayedPrograms {
    fn run<'a>(&'a self, job: &'a Job<'a>) -> BoxFuture<'a, Ended> {
        match self.play(job) {
            Some(ended) => Box::pin(async { ended }),
            None => LocalPrograms.run(job),
        }
    }

    /// A command of a workflow: how long it takes passes, so that it may take too long.
    fn pipe<'a>(&'a self, job: &'a Job<'a>) -> BoxFuture<'a, Piped> {
        let played = self.play(job);
        Box::pin(async move {
            let Some(ended) = played else {
                return aside(LocalPrograms.pipe(job));
            };
            tokio::time::sleep(Duration::from_millis(ended.elapsed_ms)).await;
            Piped::from(ended)
        })
    }
}

fn give(result: &CommandTable, folder: &Path) -> Ended {
    let written = result.writes.iter().try_for_each(|(path, text)| {
        let path = folder.join(path);
        if text.is_empty() { fs::remove_file(path) } else { write(&path, text) }
    });
    let outcome = match written {
        Ok(()) => result.outcome(),
        Err(error) => CommandOutcome::NotStarted { message: error.to_string() },
    };
    let is_unknown = matches!(outcome, CommandOutcome::NotStarted { .. });
    let output = result.output.clone();
    Ended { outcome, output, is_unknown, elapsed_ms: result.takes_ms }
}

/// Writes a file and the folders above it.
pub(crate) fn write(path: &Path, text: &str) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(path, text)
}
