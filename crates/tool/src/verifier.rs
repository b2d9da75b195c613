//! Deterministic checks of what a task changed, before any reviewer is asked.
//!
//! ```text
//!   request -> files, per task (claims, syntax, brackets, placeholders, diff)
//!           -> commands, in order ------------------------------------------> report
//! ```
//!
//! Nothing is remembered between two verifications, so each can be repeated after a crash.

mod brackets;
mod command;
mod diff;
mod files;
mod language;
mod location;
mod placeholder;
mod scan;
mod syntax;

use std::sync::Arc;

use lao_event::latest::Finding;
use lao_port::{BoxFuture, TaskReport, Verifier, VerifyReport, VerifyRequest};

use crate::{
    blocking::blocking,
    process::{LocalPrograms, Programs},
    workspace::Workspace,
};

/// The most findings for one task; more would only bury the first.
const FINDINGS_MAX: usize = 40;

/// The checks, bound to one workspace. Its futures need a tokio runtime.
#[derive(Debug, Clone)]
pub struct LocalVerifier {
    workspace: Arc<Workspace>,
    programs: Arc<dyn Programs>,
}

impl LocalVerifier {
    /// Checks on a workspace.
    pub fn new(workspace: Arc<Workspace>) -> Self {
        Self { workspace, programs: Arc::new(LocalPrograms) }
    }

    /// The same checks with other programs than those of this machine.
    #[must_use]
    pub fn with_programs(self, programs: Arc<dyn Programs>) -> Self {
        Self { programs, ..self }
    }

    async fn check(&self, request: &VerifyRequest) -> VerifyReport {
        let workspace = Arc::clone(&self.workspace);
        let asked = request.clone();
        let mut tasks = blocking(move || files::check(&workspace, &asked)).await;
        let ran = command::run_all(&self.workspace, request, self.programs.as_ref()).await;
        for found in ran.findings {
            for index in found.tasks {
                tasks[index].findings.push(found.finding.clone());
            }
        }
        for task in &mut tasks {
            shorten(task);
        }
        VerifyReport { tasks, commands: ran.results }
    }
}

impl Verifier for LocalVerifier {
    fn verify<'a>(&'a self, request: &'a VerifyRequest) -> BoxFuture<'a, VerifyReport> {
        Box::pin(self.check(request))
    }
}

/// Keeps the first findings and says how many there were.
fn shorten(task: &mut TaskReport) {
    let count = task.findings.len();
    if count > FINDINGS_MAX {
        task.findings.truncate(FINDINGS_MAX - 1);
        let left_out = count - task.findings.len();
        task.findings.push(finding("more", format!("{left_out} more findings are not shown"), ""));
    }
}

/// A finding that names no place yet.
fn finding(rule: &str, message: String, hint: &str) -> Finding {
    Finding { file: None, line: None, rule: rule.to_owned(), message, hint: hint.to_owned() }
}

/// The line, from 1, of a place in a text.
fn line_at(text: &str, at: usize) -> u32 {
    let breaks = text[..text.floor_char_boundary(at)].matches('\n').count();
    u32::try_from(breaks + 1).unwrap_or(u32::MAX)
}
