//! The files of the checkout: what git keeps, and what it would keep if it were added.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::{LazyLock, OnceLock},
};

use super::code;

/// A text file.
#[derive(Debug)]
pub(crate) struct File {
    /// From the top, with slashes.
    pub path: String,
    pub text: String,
    bare: OnceLock<String>,
}

impl File {
    pub(crate) fn new(path: impl Into<String>, text: impl Into<String>) -> Self {
        Self { path: path.into(), text: text.into(), bare: OnceLock::new() }
    }

    /// Rust code without comments and the insides of literals.
    pub(crate) fn bare(&self) -> &str {
        self.bare.get_or_init(|| code::bare(&self.text))
    }

    /// The same without the tests in the file.
    pub(crate) fn production(&self) -> &str {
        code::production(self.bare())
    }

    pub(crate) fn has_ending(&self, ending: &str) -> bool {
        Path::new(&self.path).extension().is_some_and(|own| own == ending)
    }

    /// Rust code that is compiled into tests and benchmarks only.
    pub(crate) fn is_test(&self) -> bool {
        self.path.starts_with("tests/")
            || self.path.contains("/tests/")
            || self.path.contains("/benches/")
            || self.path.ends_with("/tests.rs")
    }
}

/// The top of the checkout.
pub(crate) fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Every text file that is tracked, or that is new and not ignored.
pub(crate) fn files() -> &'static [File] {
    static FILES: LazyLock<Vec<File>> = LazyLock::new(|| {
        let mut paths = list(&["--cached", "--others", "--exclude-standard"]);
        paths.sort();
        paths.dedup();
        paths.into_iter().filter_map(read).collect()
    });
    &FILES
}

/// Every Rust file.
pub(crate) fn rust() -> impl Iterator<Item = &'static File> {
    files().iter().filter(|file| file.has_ending("rs"))
}

/// A file by its path.
pub(crate) fn file(path: &str) -> Option<&'static File> {
    files().iter().find(|file| file.path == path)
}

/// The paths that are tracked.
pub(crate) fn tracked() -> Vec<String> {
    list(&["--cached"])
}

/// A path from the top, with slashes.
pub(crate) fn from_root(path: &Path) -> String {
    let path = path.strip_prefix(root()).unwrap_or(path);
    path.to_string_lossy().replace('\\', "/")
}

fn list(which: &[&str]) -> Vec<String> {
    let mut git = Command::new("git");
    for variable in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"] {
        git.env_remove(variable);
    }
    let safe = format!("safe.directory={}", root().display());
    let output = git
        .args(["-c", &safe, "ls-files", "-z"])
        .args(which)
        .current_dir(root())
        .output()
        .expect("these rules are about what git keeps: git is needed");
    assert!(
        output.status.success(),
        "these rules are about what git keeps, and it lists nothing here: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let paths = String::from_utf8(output.stdout).expect("paths here are UTF-8");
    paths.split_terminator('\0').map(str::to_owned).collect()
}

/// `None` for what is no text, or was just deleted.
fn read(path: String) -> Option<File> {
    let bytes = fs::read(root().join(&path)).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    Some(File::new(path, text))
}
