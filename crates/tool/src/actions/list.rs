//! Files that fit a pattern, as a shell would list them.

use std::path::{Path, PathBuf};

use globset::{GlobBuilder, GlobMatcher};
use ignore::{DirEntry, WalkBuilder};
use lao_port::ActionError;

use super::{file::place, shown};
use crate::workspace::{Workspace, is_absence};

/// The most files of a list.
const LISTED_MAX: usize = 100_000;

/// The most files and folders that are looked at for a list.
const VISITED_MAX: usize = 2_000_000;

/// Characters by which a part of a pattern stands for more than itself.
const WILD: [char; 5] = ['*', '?', '[', '{', '\\'];

/// A pattern in two parts.
#[derive(Debug)]
struct Pattern {
    /// Where to begin: the parts that stand for themselves.
    start: PathBuf,
    /// What lies below it; absent where the pattern stands for one file.
    below: Option<Below>,
}

/// The part of a pattern that stands for many.
#[derive(Debug)]
struct Below {
    glob: GlobMatcher,
    /// Its parts that stand for hidden names.
    hidden: Vec<GlobMatcher>,
    /// Levels of folders; absent where there may be any number.
    depth_max: Option<usize>,
}

/// The files that fit, sorted: from the project where they lie in it, else absolute. What the
/// project's ignore files say does not count; links to folders are followed only where the pattern
/// names them.
pub(super) fn files(workspace: &Workspace, asked: &str) -> Result<Vec<String>, ActionError> {
    bounded(workspace, asked, Most { listed: LISTED_MAX, visited: VISITED_MAX })
}

/// How much a list may take.
#[derive(Debug, Clone, Copy)]
struct Most {
    listed: usize,
    visited: usize,
}

fn bounded(workspace: &Workspace, asked: &str, most: Most) -> Result<Vec<String>, ActionError> {
    let pattern = Pattern::of(workspace.root(), asked)?;
    let mut listed = Vec::new();
    for (visited, entry) in pattern.walk().enumerate() {
        if visited >= most.visited {
            return Err(too_many(asked, "have to be looked at for", most.visited));
        }
        let Some(entry) = found(entry, asked)? else { continue };
        if !pattern.fits(entry.path()) || !is_file(&entry) {
            continue;
        }
        if listed.len() >= most.listed {
            return Err(too_many(asked, "fit", most.listed));
        }
        listed.push(slashed(shown(workspace, entry.path()))?);
    }
    listed.sort_unstable();
    Ok(listed)
}

impl Pattern {
    fn of(root: &Path, asked: &str) -> Result<Self, ActionError> {
        if asked.trim().is_empty() {
            return Err(ActionError::file("the pattern is empty; write it like notes/*.md"));
        }
        let asked = if cfg!(windows) { asked.replace('\\', "/") } else { asked.to_owned() };
        let wild = asked.find(WILD).map(|at| asked[..at].rfind('/').map_or(0, |slash| slash + 1));
        let (start, below) = asked.split_at(wild.unwrap_or(asked.len()));
        let start = place(root, start);
        // Without `..`, so that what lies in the project is seen to do so.
        let climbs = start.components().any(|part| part == std::path::Component::ParentDir);
        let start = if climbs { start.canonicalize().unwrap_or(start) } else { start };
        let below = if below.is_empty() { None } else { Some(Below::of(below)?) };
        Ok(Self { start, below })
    }

    fn walk(&self) -> ignore::Walk {
        let mut builder = WalkBuilder::new(&self.start);
        builder.standard_filters(false);
        match &self.below {
            None => builder.max_depth(Some(0)),
            Some(below) => {
                let hidden = below.hidden.clone();
                builder.max_depth(below.depth_max);
                builder.filter_entry(move |entry| is_seen(entry, &hidden))
            }
        };
        builder.build()
    }

    fn fits(&self, path: &Path) -> bool {
        match (&self.below, path.strip_prefix(&self.start)) {
            (None, _) => true,
            (Some(below), Ok(rest)) => !rest.as_os_str().is_empty() && below.glob.is_match(rest),
            (Some(_), Err(_)) => false,
        }
    }
}

impl Below {
    fn of(text: &str) -> Result<Self, ActionError> {
        let names_hidden =
            |part: &&str| part.starts_with('.') || part.contains("{.") || part.contains(",.");
        Ok(Self {
            glob: glob(text)?,
            // A part of an alternative that goes over several folders is no pattern of its own.
            hidden: text.split('/').filter(names_hidden).filter_map(|it| glob(it).ok()).collect(),
            depth_max: if text.contains("**") { None } else { Some(text.matches('/').count() + 1) },
        })
    }
}

fn glob(text: &str) -> Result<GlobMatcher, ActionError> {
    let built = GlobBuilder::new(text).literal_separator(true).empty_alternates(true).build();
    built.map(|glob| glob.compile_matcher()).map_err(|error| {
        let example = "write it like notes/**/*.md";
        ActionError::file(format!("the pattern {text:?} cannot be read: {error}; {example}"))
    })
}

/// Whether an entry is looked at: hidden ones only where the pattern names them.
fn is_seen(entry: &DirEntry, hidden: &[GlobMatcher]) -> bool {
    let is_hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
    entry.depth() == 0 || !is_hidden || hidden.iter().any(|glob| glob.is_match(entry.file_name()))
}

/// An entry; none where it went away while it was looked at, or there is no such folder.
fn found(
    entry: Result<DirEntry, ignore::Error>,
    asked: &str,
) -> Result<Option<DirEntry>, ActionError> {
    match entry {
        Ok(entry) => Ok(Some(entry)),
        Err(error) if error.io_error().is_some_and(is_absence) => Ok(None),
        Err(error) => {
            Err(ActionError::file(format!("the files of {asked:?} cannot be listed: {error}")))
        }
    }
}

/// Whether an entry is a file or a link to one.
fn is_file(entry: &DirEntry) -> bool {
    match entry.file_type() {
        Some(kind) if kind.is_symlink() => entry.path().is_file(),
        Some(kind) => kind.is_file(),
        None => false,
    }
}

fn slashed(path: &Path) -> Result<String, ActionError> {
    let text = path.to_str().ok_or_else(|| {
        let name = path.display();
        ActionError::file(format!("the name of {name} is not UTF-8; rename it, or leave it out"))
    })?;
    Ok(if cfg!(windows) { text.replace('\\', "/") } else { text.to_owned() })
}

fn too_many(asked: &str, what: &str, most: usize) -> ActionError {
    ActionError::file(format!("more than {most} files {what} {asked:?}; make the pattern narrower"))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use proptest::prelude::*;

    use super::{Most, bounded, files};
    use crate::workspace::Workspace;

    #[test]
    fn a_list_that_grows_too_long_is_refused() {
        let place = tempfile::tempdir().unwrap();
        for name in ["a", "b", "c"] {
            fs::write(place.path().join(name), "").unwrap();
        }
        let workspace = Workspace::new(place.path());
        // The folder itself is looked at too.
        let list = |pattern, listed, visited| {
            bounded(&workspace, pattern, Most { listed, visited }).map_err(|error| error.message)
        };
        assert_eq!(list("*", 3, 4).unwrap(), ["a", "b", "c"]);
        let error = list("*", 2, 4).unwrap_err();
        assert_eq!(error, "more than 2 files fit \"*\"; make the pattern narrower");
        let error = list("b", 3, 0).unwrap_err();
        assert!(error.starts_with("more than 0 files have to be looked at for \"b\""), "{error}");
        assert!(list("a*", 1, 3).is_err(), "what does not fit is looked at as well");
    }

    proptest! {
        #[test]
        fn no_pattern_makes_it_panic_or_list_what_is_not_there(
            pattern in "[a.*?/\\[\\]{}!,é\\\\~-]{0,12}",
        ) {
            let place = tempfile::tempdir().unwrap();
            fs::create_dir_all(place.path().join("a/.a")).unwrap();
            for name in ["a/a", "a/.a/é", ".aa", "["] {
                fs::write(place.path().join(name), "").unwrap();
            }
            // What lies outside is not there to be counted.
            prop_assume!(!pattern.starts_with(['/', '~']) && !pattern.contains(".."));
            if let Ok(listed) = files(&Workspace::new(place.path()), &pattern) {
                for file in listed {
                    prop_assert!(place.path().join(&file).is_file(), "{pattern}: {file}");
                }
            }
        }
    }
}
