//! The files that a workflow is made of, and the paths by which they name each other.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::Workflow;
use super::problem::FlowProblem;

/// The deepest nesting of workflows.
pub(crate) const NESTING_MAX: usize = 16;

/// The most steps of a workflow, those of the workflows in it included.
pub(crate) const STEPS_MAX: usize = 100_000;

/// Reads the text of a file by its path.
pub(crate) type Load<'l> = &'l mut dyn FnMut(&str) -> Result<String, String>;

/// What was read so far.
pub(crate) struct Files<'l> {
    load: Load<'l>,
    /// Workflows by path; `None` for one with problems.
    pub known: BTreeMap<String, Option<Rc<Workflow>>>,
    /// The files whose reading is under way, outermost first.
    pub open: Vec<String>,
    pub problems: Vec<FlowProblem>,
}

impl<'l> Files<'l> {
    pub(crate) fn new(load: Load<'l>) -> Self {
        Self { load, known: BTreeMap::new(), open: Vec::new(), problems: Vec::new() }
    }

    pub(crate) fn text(&mut self, path: &str) -> Result<String, String> {
        (self.load)(path)
    }
}

/// A path that a file names, seen from where the file's own path is seen from.
pub(crate) fn resolve(from: &str, path: &str) -> String {
    if path.starts_with('/') {
        return path.to_owned();
    }
    let folder = from.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut parts: Vec<&str> = Vec::new();
    for part in folder.split('/').chain(path.split('/')) {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            other => parts.push(other),
        }
    }
    let root = if from.starts_with('/') { "/" } else { "" };
    format!("{root}{}", parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::resolve;

    #[test]
    fn paths_are_resolved_by_their_letters() {
        for (from, path, expected) in [
            ("a.yaml", "b.yaml", "b.yaml"),
            ("flows/a.yaml", "b.yaml", "flows/b.yaml"),
            ("flows/a.yaml", "./sub/../b.yaml", "flows/b.yaml"),
            ("flows/a.yaml", "../b.yaml", "b.yaml"),
            ("a.yaml", "../b.yaml", "../b.yaml"),
            ("/x/a.yaml", "../b.yaml", "/b.yaml"),
            ("flows/a.yaml", "/b.yaml", "/b.yaml"),
        ] {
            assert_eq!(resolve(from, path), expected, "{from} {path}");
        }
    }
}
