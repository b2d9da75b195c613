//! Checks of a task's files, without running anything.

use std::collections::BTreeSet;

use lao_event::latest::Finding;
use lao_port::{ChangedFile, TaskReport, VerifyRequest, VerifyTask};

use super::{
    brackets,
    diff::{self, Now},
    finding,
    language::Language,
    placeholder, scan, syntax,
};
use crate::{
    folder::Entry,
    walk,
    workspace::{Found, PathError, Workspace, WorkspacePath},
};

/// Checks the files of every task.
pub(super) fn check(workspace: &Workspace, request: &VerifyRequest) -> Vec<TaskReport> {
    request
        .tasks
        .iter()
        .map(|task| {
            let mut check = Check { workspace, request, findings: Vec::new() };
            check.claims(task);
            let diff = check.changes(task);
            check.todo(task);
            TaskReport {
                step: task.step,
                findings: check.findings,
                diff: diff::cut(diff, request.diff_bytes_max),
            }
        })
        .collect()
}

struct Check<'a> {
    workspace: &'a Workspace,
    request: &'a VerifyRequest,
    findings: Vec<Finding>,
}

impl Check<'_> {
    /// Files that should be there are, and files that should be gone are.
    fn claims(&mut self, task: &VerifyTask) {
        let deletes: BTreeSet<&String> = task.deletes.iter().collect();
        for claimed in task.files.iter().filter(|file| !deletes.contains(file)) {
            if let Some(path) = self.resolve(claimed)
                && !self.exists(&path)
            {
                self.report(
                    &path,
                    "file-missing",
                    "the task is to make this file, and there is none",
                    "write it with file_write",
                );
            }
        }
        for gone in &task.deletes {
            if let Some(path) = self.resolve(gone)
                && self.exists(&path)
            {
                self.report(
                    &path,
                    "file-not-deleted",
                    "the task is to delete this file, and it is still there",
                    "delete it with file_delete",
                );
            }
        }
    }

    fn report(&mut self, path: &WorkspacePath, rule: &str, message: &str, hint: &str) {
        self.findings.push(Finding {
            file: Some(path.to_string()),
            line: None,
            rule: rule.to_owned(),
            message: message.to_owned(),
            hint: hint.to_owned(),
        });
    }

    fn exists(&self, path: &WorkspacePath) -> bool {
        !matches!(self.workspace.entry(path), Ok(Entry::Absent))
    }

    /// The path, or a finding that it is none of the workspace's.
    fn resolve(&mut self, path: &str) -> Option<WorkspacePath> {
        match self.workspace.path(path) {
            Ok(path) => Some(path),
            Err(error) => {
                self.outside(&error);
                None
            }
        }
    }

    fn outside(&mut self, error: &PathError) {
        let hint = "use a file inside the workspace instead";
        let found = finding("path", error.to_string(), hint);
        if !self.findings.contains(&found) {
            self.findings.push(found);
        }
    }

    /// Checks each changed file and returns the diff of all.
    fn changes(&mut self, task: &VerifyTask) -> String {
        let mut text = String::new();
        for changed in &task.changed {
            if let Some(path) = self.resolve(&changed.path)
                && !self.is_ignored(&path)
            {
                text.push_str(&self.change(&path, changed));
            }
        }
        text
    }

    fn is_ignored(&self, path: &WorkspacePath) -> bool {
        self.workspace.real_root().is_ok_and(|root| walk::is_ignored(root, &path.to_string()))
    }

    fn change(&mut self, path: &WorkspacePath, changed: &ChangedFile) -> String {
        let now = match self.workspace.read(path) {
            Ok(Found::File(bytes)) => String::from_utf8(bytes).map_or(Now::Binary, Now::Text),
            Ok(Found::Nothing) => Now::Absent,
            Ok(Found::Folder | Found::Other) | Err(_) => Now::Binary,
        };
        let path = path.to_string();
        let base = changed.base.as_deref();
        if let Now::Text(text) = &now {
            self.content(&path, text, base);
        }
        diff::of_file(&path, base, &now)
    }

    fn content(&mut self, path: &str, text: &str, base: Option<&str>) {
        self.findings.extend(syntax::check(path, text));
        let language = Language::of(path);
        let scanned = scan::scan(text, language);
        if let Some(found) = brackets::check(path, text, language, &scanned)
            && !base.is_some_and(|base| was_unbalanced(path, base, language))
        {
            self.findings.push(found);
        }
        if self.request.placeholders {
            let found = placeholder::check(path, text, language, &scanned, base);
            self.findings.extend(found);
        }
    }

    fn todo(&mut self, task: &VerifyTask) {
        for item in &task.todo_open {
            let hint = "do it, then call todo_set with done true; or take it off the list";
            let found = finding("todo-open", format!("not done: {item}"), hint);
            self.findings.push(found);
        }
    }
}

/// A file that was no balanced text before is one that these checks do not understand.
fn was_unbalanced(path: &str, base: &str, language: Language) -> bool {
    brackets::check(path, base, language, &scan::scan(base, language)).is_some()
}
