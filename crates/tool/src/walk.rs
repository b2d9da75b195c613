//! Walking a workspace as a person sees it: ignored files, git and LAO's own are left out.

use std::path::{Path, PathBuf};

use ignore::{
    DirEntry, Match, WalkBuilder,
    gitignore::{Gitignore, GitignoreBuilder},
};

use crate::workspace::{PathError, Workspace, WorkspacePath, is_leftover, is_reserved};

/// Files that say what to ignore, the stronger first.
const IGNORE_FILES: [&str; 2] = [".ignore", ".gitignore"];

/// A file of the workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Walked {
    /// Relative to the workspace, `/` between the parts.
    pub(crate) path: String,
    pub(crate) size_bytes: u64,
}

/// The regular files at and below a path, sorted by name. Links are not followed. Where the
/// path itself is ignored, what it contains is asked for and nothing is left out.
pub(crate) fn files(
    workspace: &Workspace,
    start: &WorkspacePath,
) -> Result<impl Iterator<Item = Walked>, PathError> {
    let root = workspace.real_root()?.to_owned();
    let start_place = root.join(start.to_string());
    let wanted = start_place.clone();
    let mut builder = WalkBuilder::new(&root);
    builder
        .standard_filters(false)
        .require_git(false)
        .sort_by_file_name(std::ffi::OsStr::cmp)
        .filter_entry(move |entry| is_on_the_way(entry, &wanted));
    if !is_ignored(&root, &start.to_string()) {
        builder.git_ignore(true).git_exclude(true).ignore(true);
    }
    Ok(builder.build().filter_map(move |entry| {
        let entry = entry.ok()?;
        let is_file = entry.file_type().is_some_and(|kind| kind.is_file());
        if !is_file || !entry.path().starts_with(&start_place) {
            return None;
        }
        Some(Walked {
            path: relative(&root, entry.path())?,
            size_bytes: entry.metadata().map_or(0, |metadata| metadata.len()),
        })
    }))
}

fn is_on_the_way(entry: &DirEntry, wanted: &Path) -> bool {
    let path = entry.path();
    let name = entry.file_name().to_string_lossy();
    let is_root = entry.depth() == 0;
    (is_root || !(is_reserved(&name) || is_leftover(&name)))
        && (path.starts_with(wanted) || wanted.starts_with(path))
}

fn relative(root: &Path, path: &Path) -> Option<String> {
    let parts: Option<Vec<&str>> =
        path.strip_prefix(root).ok()?.components().map(|part| part.as_os_str().to_str()).collect();
    parts.map(|parts| parts.join("/"))
}

/// Whether the project's ignore files leave a path out, itself or through a folder above it.
pub(crate) fn is_ignored(root: &Path, path: &str) -> bool {
    let parts: Vec<&str> = path.split('/').filter(|part| *part != ".").collect();
    let mut matchers: Vec<Gitignore> = Vec::new();
    let mut folder: PathBuf = root.to_owned();
    for (index, part) in parts.iter().enumerate() {
        matchers.extend(IGNORE_FILES.iter().rev().filter_map(|name| rules(&folder, name)));
        folder.push(part);
        let is_folder = index + 1 < parts.len() || folder.is_dir();
        if decides_to_ignore(&matchers, &folder, is_folder) {
            return true;
        }
    }
    false
}

fn rules(folder: &Path, name: &str) -> Option<Gitignore> {
    let file = folder.join(name);
    if !file.is_file() {
        return None;
    }
    let mut builder = GitignoreBuilder::new(folder);
    // A rule that cannot be read is left out, as git does.
    builder.add(file);
    builder.build().ok()
}

/// The deepest ignore file that says anything decides.
fn decides_to_ignore(matchers: &[Gitignore], path: &Path, is_folder: bool) -> bool {
    for matcher in matchers.iter().rev() {
        match matcher.matched(path, is_folder) {
            Match::Ignore(_) => return true,
            Match::Whitelist(_) => return false,
            Match::None => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{files, is_ignored};
    use crate::workspace::Workspace;

    fn place(entries: &[(&str, &str)]) -> (tempfile::TempDir, Workspace) {
        let place = tempfile::tempdir().unwrap();
        for (path, text) in entries {
            let path = place.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let workspace = Workspace::new(place.path());
        (place, workspace)
    }

    fn walked(workspace: &Workspace, start: &str) -> Vec<String> {
        files(workspace, &workspace.path(start).unwrap())
            .unwrap()
            .map(|walked| walked.path)
            .collect()
    }

    #[test]
    fn ignored_and_reserved_files_are_left_out() {
        let (_place, workspace) = place(&[
            (".gitignore", "*.log\nbuild/\n!keep.log\n"),
            (".git/config", ""),
            ("sub/.git/config", ""),
            (".lao/runs/x", ""),
            ("a.log", ""),
            ("keep.log", ""),
            ("build/out.txt", ""),
            ("sub/.gitignore", "*.tmp\n!a.log\n"),
            ("sub/a.log", ""),
            ("sub/b.tmp", ""),
            ("sub/c.txt", ""),
            ("sub/.lao-tmp-1-2", ""),
            (".hidden", ""),
        ]);
        assert_eq!(
            walked(&workspace, "."),
            [".gitignore", ".hidden", "keep.log", "sub/.gitignore", "sub/a.log", "sub/c.txt"]
        );
        assert_eq!(walked(&workspace, "sub"), ["sub/.gitignore", "sub/a.log", "sub/c.txt"]);
        assert_eq!(walked(&workspace, "build"), ["build/out.txt"], "asked for by name");
        assert_eq!(walked(&workspace, "missing"), [""; 0]);
        let root = workspace.real_root().unwrap();
        for path in ["a.log", "build/out.txt", "build", "sub/b.tmp"] {
            assert!(is_ignored(root, path), "{path}");
        }
        for path in [".", "keep.log", "sub/a.log", "sub/c.txt", "missing/x"] {
            assert!(!is_ignored(root, path), "{path}");
        }
    }

    #[test]
    fn ignore_files_above_the_workspace_do_not_count() {
        let outer = tempfile::tempdir().unwrap();
        fs::write(outer.path().join(".gitignore"), "inner/\n*\n").unwrap();
        let inner = outer.path().join("inner");
        fs::create_dir(&inner).unwrap();
        fs::write(inner.join("a"), "").unwrap();
        assert_eq!(walked(&Workspace::new(inner), "."), ["a"]);
    }
}
