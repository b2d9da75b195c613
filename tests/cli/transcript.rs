//! What a person sees who types one command after another, as one text that can be compared.
//!
//! What differs from run to run is given fixed names: run ids, times, durations, ids of commits and
//! processes, ports, the folder of the sandbox.

use std::{fs, sync::LazyLock};

use regex::Regex;

use super::super::support::sandbox::{Outcome, Sandbox};

/// A machine, and what was typed on it.
pub(crate) struct Story {
    pub(crate) sandbox: Sandbox,
    text: String,
    /// The runs so far, oldest first.
    runs: Vec<String>,
}

impl Story {
    /// A machine with nothing on it.
    pub(crate) fn new() -> Self {
        Self { sandbox: Sandbox::new(), text: String::new(), runs: Vec::new() }
    }

    /// Types a command and notes what it says.
    pub(crate) fn lao(&mut self, line: &str) -> Outcome {
        let arguments: Vec<&str> = line.split_whitespace().collect();
        let outcome = self.sandbox.run(&arguments);
        self.note(line, &outcome);
        outcome
    }

    /// Notes what a command said.
    pub(crate) fn note(&mut self, line: &str, outcome: &Outcome) {
        let code = outcome.code.map_or("killed".to_owned(), |code| code.to_string());
        let errors = if outcome.stderr.is_empty() { "" } else { "--- stderr\n" };
        let parts = [
            "$ lao ",
            line,
            "\n",
            &outcome.stdout,
            errors,
            &outcome.stderr,
            "[exit ",
            &code,
            "]\n\n",
        ];
        self.text.push_str(&parts.concat());
        self.learn_runs();
    }

    /// The id of a run, by its place among all, the first being 0.
    pub(crate) fn run_id(&mut self, place: usize) -> String {
        self.learn_runs();
        self.runs[place].clone()
    }

    /// Compares the whole with the snapshot of this name.
    #[track_caller]
    pub(crate) fn check(self, name: &str) {
        let mut text = self.text.replace(&self.sandbox.root().display().to_string(), "/sandbox");
        for (place, run) in self.runs.iter().enumerate() {
            let (start, short) = run.rsplit_once('-').unwrap();
            let name = format!("run{:02}", place + 1);
            text = text.replace(run, &format!("20260302-211405-{name}"));
            text = text.replace(start, "20260302-211405");
            text = word(short).replace_all(&text, name.as_str()).into_owned();
        }
        for (pattern, with) in &*FILTERS {
            text = pattern.replace_all(&text, *with).into_owned();
        }
        let mut settings = insta::Settings::clone_current();
        settings.set_snapshot_path("snapshots");
        settings.set_prepend_module_to_snapshot(false);
        settings.set_omit_expression(true);
        settings.bind(|| insta::assert_snapshot!(name, text));
    }

    fn learn_runs(&mut self) {
        let Ok(entries) = fs::read_dir(self.sandbox.root().join("work")) else {
            return;
        };
        let projects = entries.map(|entry| entry.unwrap().path());
        let mut new = Vec::new();
        for project in projects.chain([self.sandbox.root().join("work")]) {
            let Ok(runs) = fs::read_dir(project.join(".lao/runs")) else {
                continue;
            };
            new.extend(runs.map(|run| run.unwrap().file_name().into_string().unwrap()));
        }
        new.retain(|run| !self.runs.contains(run));
        new.sort();
        self.runs.extend(new);
    }
}

fn word(text: &str) -> Regex {
    Regex::new(&format!(r"\b{}\b", regex::escape(text))).unwrap()
}

/// What to look for and what to write instead, in this order.
static FILTERS: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
    [
        // Updates that come or not, as time goes.
        (r#"(?m)^\{"update":"tokens".*\n"#, ""),
        (r"\b\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\b", "2026-03-02 21:14:05"),
        (r#"("[a-z_]+_ms"): ?\d+"#, "$1:0"),
        (r#"("tokens_per_second_milli"): ?\d+"#, "$1:0"),
        (r#"("pid"): ?\d+"#, "$1:0"),
        (r#"("seed"): ?\d+"#, "$1:0"),
        (r#"("(?:[a-z_]+_)?bytes"): ?\d+"#, "$1:0"),
        (r"\b[0-9a-f]{64}\b", "HASH"),
        (r"\b[0-9a-f]{40}\b", "COMMIT"),
        (r"\b[0-9a-f]{10}\b", "COMMIT"),
        (r"127\.0\.0\.1:\d+", "127.0.0.1:PORT"),
        (r"\bprocess \d+", "process PID"),
        (r"\b[\d,.]+ (?:KiB|MiB)\b", "SIZE"),
        // Columns of a table.
        (r"  \d+ bytes\b", "  SIZE"),
        (r"\b[\d,.]+/s", "SPEED"),
        (r"\b(?:[\d.]+ (?:ms|s|min|h) ago|just now)\b", "AGO"),
        (r"\b[\d.]+ (?:ms|s|min)\b", "TIME"),
        // Columns are as wide as what stands in them.
        (r"(\S) {2,}", "$1  "),
    ]
    .into_iter()
    .map(|(pattern, with)| (Regex::new(pattern).unwrap(), with))
    .collect()
});
