//! Searching tools: names by glob, contents by regular expression.

use globset::{GlobBuilder, GlobMatcher};
use regex::{Regex, RegexBuilder};

use super::{Bench, read::as_usize};
use crate::{
    arguments::{FindFiles, Grep},
    excerpt::{self, Page},
    walk::{self, Walked},
    workspace::{Found, WorkspacePath},
};

/// The most bytes of a line that are shown.
const LINE_BYTES_MAX: usize = 300;

/// Larger files are not searched, in bytes.
const SEARCHED_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// The largest compiled regular expression, in bytes.
const REGEX_BYTES_MAX: usize = 1024 * 1024;

/// A glob over paths in the workspace; one without `/` is meant for names at any depth.
pub(super) fn glob(pattern: &str) -> Result<GlobMatcher, String> {
    let pattern = pattern.trim_start_matches("./");
    let anywhere = if pattern.contains('/') { pattern.to_owned() } else { format!("**/{pattern}") };
    GlobBuilder::new(&anywhere)
        .literal_separator(true)
        .build()
        .map(|glob| glob.compile_matcher())
        .map_err(|error| {
            format!("The glob {pattern:?} cannot be read: {error}. Example: src/**/*.py")
        })
}

/// What `grep` looks for, and where.
pub(super) struct Pattern {
    regex: Regex,
    files: Option<GlobMatcher>,
}

impl Pattern {
    /// Compiles a call's expressions.
    pub(super) fn of(call: &Grep) -> Result<Self, String> {
        let regex = RegexBuilder::new(&call.pattern).size_limit(REGEX_BYTES_MAX).build().map_err(
            |error| {
                format!(
                    "The regular expression cannot be read: {error}\nExample: fn \\w+\\( (escape \
                     brackets that are meant literally with \\)"
                )
            },
        )?;
        let files = call.files.as_deref().map(glob).transpose()?;
        Ok(Self { regex, files })
    }

    fn wants(&self, file: &Walked) -> bool {
        self.files.as_ref().is_none_or(|files| files.is_match(&file.path))
    }
}

/// Files whose path matches, one a line.
pub(super) fn find_files(bench: &Bench, call: &FindFiles) -> Result<String, String> {
    let start = bench.checked(&call.path)?;
    let glob = glob(&call.pattern)?;
    let mut page = Page::new(bench.limits.output_bytes_max, as_usize(call.skip));
    let prefix = if start.name().is_some() { format!("{start}/") } else { String::new() };
    for file in walk::files(&bench.workspace, &start).map_err(|error| error.to_string())? {
        let below = file.path.strip_prefix(&prefix).unwrap_or(&file.path);
        if glob.is_match(below) || glob.is_match(&file.path) {
            page.push(&file.path);
        }
    }
    page.finish().ok_or_else(|| format!("No file matches {:?} in {start}.", call.pattern))
}

/// Lines that match, as `path:line: text`.
pub(super) fn grep(bench: &Bench, call: &Grep) -> Result<String, String> {
    let start = bench.checked(&call.path)?;
    let pattern = Pattern::of(call)?;
    let mut page = Page::new(bench.limits.output_bytes_max, as_usize(call.skip));
    let mut unsearched = 0;
    let files = walk::files(&bench.workspace, &start).map_err(|error| error.to_string())?;
    for file in files.filter(|file| pattern.wants(file)) {
        if file.size_bytes > SEARCHED_BYTES_MAX {
            unsearched += 1;
        } else if let Some(text) = text_of(bench, &file) {
            search_lines(&pattern.regex, &file.path, &text, &mut page);
        }
    }
    let note = match unsearched {
        0 => String::new(),
        count => format!("\n[{count} files over {SEARCHED_BYTES_MAX} bytes were not searched]"),
    };
    page.finish().map(|found| found + &note).ok_or_else(|| nothing(call, &start) + &note)
}

fn nothing(call: &Grep, start: &WorkspacePath) -> String {
    format!("No line matches {} in {start}.", excerpt::clipped(&call.pattern, LINE_BYTES_MAX))
}

/// A file's text; `None` where it is none, or gone meanwhile.
fn text_of(bench: &Bench, file: &Walked) -> Option<String> {
    let path = bench.workspace.path(&file.path).ok()?;
    match bench.workspace.read(&path).ok()? {
        Found::File(bytes) if !bytes.contains(&0) => {
            Some(String::from_utf8_lossy(&bytes).into_owned())
        }
        Found::File(_) | Found::Nothing | Found::Folder | Found::Other => None,
    }
}

fn search_lines(regex: &Regex, path: &str, text: &str, page: &mut Page) {
    for (number, line) in (1..).zip(text.lines()) {
        if regex.is_match(line) {
            page.push(&format!("{path}:{number}: {}", excerpt::clipped(line, LINE_BYTES_MAX)));
        }
    }
}
