//! What `lao init` did.

use serde::Serialize;

use super::page::Page;
use crate::{Style, style::Tone, units::count};

/// What `lao init` found and wrote.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct InitReport {
    /// The project's folder.
    pub folder: String,
    /// Files and folders it looked after.
    pub files: Vec<InitFile>,
    /// Local servers that answered.
    pub servers: Vec<InitServer>,
    /// Addresses that were tried and did not answer.
    pub silent: Vec<String>,
    /// Models chosen for roles.
    pub roles: Vec<InitRole>,
    /// Roles that no model was found for.
    pub roles_missing: Vec<String>,
}

/// A file or folder that `lao init` looked after.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InitFile {
    /// Relative to the project.
    pub path: String,
    /// What was done.
    pub outcome: FileOutcome,
}

/// What was done with a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FileOutcome {
    /// It is new.
    Created,
    /// A line was added to it.
    Extended,
    /// It existed and was left alone.
    Kept,
}

/// A local server that answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InitServer {
    /// What it is: `Ollama`.
    pub name: String,
    /// Its address.
    pub url: String,
    /// The models it has.
    pub models: Vec<String>,
}

/// A model chosen for a role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InitRole {
    /// The role.
    pub role: String,
    /// The model's key.
    pub model: String,
    /// The endpoint it is on.
    pub endpoint: String,
    /// Why this one.
    pub why: String,
}

/// What was written, found and chosen, and what next.
pub fn init(report: &InitReport, style: &Style) -> String {
    let mut page = Page::new(style);
    page.cut(0, (Tone::Strong, &format!("Project in {}", report.folder)));
    for file in &report.files {
        let (tone, word) = outcome(file.outcome);
        page.cut(2, (tone, &format!("{word:<8} {}", file.path)));
    }
    servers(&mut page, report);
    roles(&mut page, report);
    page.heading("next");
    page.commands(&next(report));
    page.finish()
}

const fn outcome(outcome: FileOutcome) -> (Tone, &'static str) {
    match outcome {
        FileOutcome::Created => (Tone::Good, "created"),
        FileOutcome::Extended => (Tone::Good, "extended"),
        FileOutcome::Kept => (Tone::Faint, "kept"),
    }
}

fn servers(page: &mut Page<'_>, report: &InitReport) {
    if report.servers.is_empty() && report.silent.is_empty() {
        return;
    }
    page.heading("model servers");
    for server in &report.servers {
        let models = count(server.models.len() as u64, "model");
        let line = format!("{} at {}: {models}", server.name, server.url);
        page.cut(2, (Tone::Good, &line));
    }
    if report.servers.is_empty() {
        let tried = report.silent.join(", ");
        page.wrapped(2, (Tone::Warning, &format!("none answered; tried {tried}")));
    }
}

fn roles(page: &mut Page<'_>, report: &InitReport) {
    if report.roles.is_empty() && report.roles_missing.is_empty() {
        return;
    }
    page.heading("roles");
    for role in &report.roles {
        let why = if role.why.is_empty() { String::new() } else { format!(" ({})", role.why) };
        let line = format!("{:<12} {} on {}{why}", role.role, role.model, role.endpoint);
        page.cut(2, (Tone::Plain, &line));
    }
    for role in &report.roles_missing {
        page.cut(2, (Tone::Warning, &format!("{role:<12} no model found")));
    }
}

fn next(report: &InitReport) -> Vec<(String, String)> {
    let pair = |command: &str, purpose: &str| (command.to_owned(), purpose.to_owned());
    if report.servers.is_empty() && !report.silent.is_empty() {
        return vec![
            pair("lao doctor", "after starting a model server"),
            pair("lao demo", "see it work without one"),
        ];
    }
    vec![
        pair("lao doctor", "check that everything is there"),
        pair("lao run plans/app.md", "after writing that plan"),
    ]
}
