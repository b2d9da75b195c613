//! Which files are taken, by their names.

use std::path::Path;

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

use super::WatchError;

/// How names of files that are still being made end, in lower case.
const TEMPORARY: &[&str] = &[
    "~",
    ".tmp",
    ".temp",
    ".part",
    ".partial",
    ".crdownload",
    ".download",
    ".filepart",
    ".swp",
    ".swx",
    ".!ut",
    ".lock",
];

/// The patterns of a watch.
pub(super) struct Filter {
    /// Of names.
    names: GlobSet,
    /// Of paths within the folder.
    paths: GlobSet,
    takes_all: bool,
    recursive: bool,
}

impl Filter {
    pub(super) fn new(patterns: &[String], recursive: bool) -> Result<Self, WatchError> {
        let (mut names, mut paths) = (GlobSetBuilder::new(), GlobSetBuilder::new());
        let wrong =
            |pattern: &str, source| WatchError::Pattern { pattern: pattern.to_owned(), source };
        for pattern in patterns {
            let mut builder = GlobBuilder::new(pattern);
            let glob = builder.literal_separator(true).case_insensitive(true).build();
            let glob = glob.map_err(|source| wrong(pattern, source))?;
            if pattern.contains('/') {
                paths.add(glob)
            } else {
                names.add(glob)
            };
        }
        let together = |builder: &GlobSetBuilder| {
            builder.build().map_err(|source| wrong(&patterns.join(" "), source))
        };
        let (names, paths) = (together(&names)?, together(&paths)?);
        Ok(Self { names, paths, takes_all: patterns.is_empty(), recursive })
    }

    /// Whether a file is taken, by its path within the folder.
    pub(super) fn takes(&self, inside: &Path) -> bool {
        let (Some(name), parent) = (inside.file_name(), inside.parent()) else { return false };
        parent.is_none_or(|parent| self.enters(parent))
            && is_plain(Path::new(name))
            && (self.takes_all || self.names.is_match(name) || self.paths.is_match(inside))
    }

    /// Whether a folder is looked into, by its path within the watched one.
    pub(super) fn enters(&self, inside: &Path) -> bool {
        let mut parts = inside.iter().peekable();
        parts.peek().is_none() || (self.recursive && parts.all(|part| is_plain(Path::new(part))))
    }
}

/// Neither hidden nor temporary.
fn is_plain(name: &Path) -> bool {
    let name = name.to_string_lossy().to_lowercase();
    let begins_badly = [".", "~$", "#"].iter().any(|start| name.starts_with(start));
    !begins_badly && !TEMPORARY.iter().any(|end| name.ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter(patterns: &[&str], recursive: bool) -> Filter {
        let patterns: Vec<String> = patterns.iter().map(|&pattern| pattern.to_owned()).collect();
        Filter::new(&patterns, recursive).unwrap()
    }

    #[test]
    fn names_match_in_every_folder_and_paths_in_theirs() {
        let taken = |patterns: &[&str], path: &str| filter(patterns, true).takes(Path::new(path));
        assert!(taken(&["*.mp3"], "a.mp3"));
        assert!(taken(&["*.mp3"], "deep/er/A.MP3"));
        assert!(!taken(&["*.mp3"], "a.wav"));
        assert!(taken(&["*.{mp3,wav}"], "a.wav"));
        assert!(taken(&["in/*.txt"], "in/a.txt"));
        assert!(!taken(&["in/*.txt"], "in/deeper/a.txt"));
        assert!(taken(&["in/**/*.txt"], "in/deep/er/a.txt"));
        assert!(taken(&[], "whatever"));
    }

    #[test]
    fn hidden_and_temporary_ones_are_never_taken() {
        for path in [
            ".hidden",
            "a.mp3.part",
            "a.crdownload",
            "~$a.docx",
            "a~",
            "#a#",
            ".git/config",
            "x.tmp/a.mp3",
            "b.TMP",
        ] {
            assert!(!filter(&[], true).takes(Path::new(path)), "{path}");
        }
        assert!(!filter(&[], false).takes(Path::new("inside/a.mp3")), "not recursive");
        assert!(filter(&[], false).takes(Path::new("a.mp3")));
    }

    #[test]
    fn a_wrong_pattern_is_named() {
        let wrong = Filter::new(&["*.mp3".to_owned(), "[a".to_owned()], false);
        let Err(error) = wrong else { panic!("it was taken") };
        let text = "`[a` is no pattern of file names; `*.mp3` and `*.{jpg,png}` are";
        assert_eq!(error.to_string(), text);
    }
}
