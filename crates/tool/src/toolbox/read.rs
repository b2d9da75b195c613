//! Reading tools: one file, one folder.

use std::fmt::Write as _;

use super::{Bench, search};
use crate::{
    arguments::{FileRead, ListDir},
    catalogue::Tool,
    excerpt::{self, Page},
    folder::Entry,
    walk,
    workspace::{Found, WorkspacePath, is_leftover, is_reserved},
};

/// Bytes kept free for the note that says how to read on.
const NOTE_BYTES: usize = 160;

/// How many files are looked through for one with a name like a missing one.
const GUESSED_FILES_MAX: usize = 5000;

/// How many of them are named.
const GUESSES_MAX: usize = 3;

/// The least similarity of a name worth naming.
const GUESS_MIN: f64 = 0.6;

impl Bench {
    /// Carries out a reading tool; an error is what the model is told.
    pub(super) fn read(&self, tool: &str, arguments: &str) -> Result<String, String> {
        let wrong =
            |error: serde_json::Error| format!("The arguments of {tool} are wrong: {error}");
        match Tool::named(tool) {
            Some(Tool::FileRead) => {
                self.file_read(&serde_json::from_str(arguments).map_err(wrong)?)
            }
            Some(Tool::ListDir) => self.list_dir(&serde_json::from_str(arguments).map_err(wrong)?),
            Some(Tool::FindFiles) => {
                search::find_files(self, &serde_json::from_str(arguments).map_err(wrong)?)
            }
            Some(Tool::Grep) => {
                search::grep(self, &serde_json::from_str(arguments).map_err(wrong)?)
            }
            Some(
                Tool::FileWrite
                | Tool::FilePatch
                | Tool::FileDelete
                | Tool::Shell
                | Tool::TodoSet
                | Tool::TodoGet,
            )
            | None => Err(format!("{tool} is not a tool that reads.")),
        }
    }

    fn file_read(&self, call: &FileRead) -> Result<String, String> {
        let path = self.checked(&call.path)?;
        let bytes = match self.workspace.read(&path) {
            Ok(Found::File(bytes)) => bytes,
            Ok(Found::Nothing) => return Err(self.no_such_file(&path)),
            Ok(Found::Folder) => return Err(format!("{path} is a folder; use list_dir.")),
            Ok(Found::Other) => return Err(format!("{path} is no regular file.")),
            Err(error) => return Err(format!("{path} cannot be read: {error}")),
        };
        if bytes.contains(&0) {
            return Err(format!("{path} is not text ({} bytes).", bytes.len()));
        }
        let mut reply = match String::from_utf8_lossy(&bytes) {
            std::borrow::Cow::Borrowed(text) => lines(call, text, self.limits.output_bytes_max)?,
            std::borrow::Cow::Owned(text) => {
                let note = "\n[not UTF-8: some characters are replaced]";
                let room = self.limits.output_bytes_max.saturating_sub(note.len());
                lines(call, &text, room)? + note
            }
        };
        if reply.is_empty() {
            reply = format!("[{path} is empty]");
        }
        Ok(reply)
    }

    fn list_dir(&self, call: &ListDir) -> Result<String, String> {
        let path = self.checked(&call.path)?;
        let cannot = |error: std::io::Error| format!("{path} cannot be listed: {error}");
        let Some(folder) = self.workspace.folder(&path).map_err(cannot)? else {
            return Err(self.no_such_file(&path));
        };
        let mut names: Vec<String> = folder
            .names()
            .map_err(cannot)?
            .into_iter()
            .filter_map(|name| name.into_string().ok())
            .filter(|name| !is_reserved(name) && !is_leftover(name))
            .collect();
        names.sort_unstable();
        let mut page = Page::new(self.limits.output_bytes_max, as_usize(call.skip));
        for name in names {
            page.push(&shown(&folder.entry(&name).map_err(cannot)?, &name));
        }
        Ok(page.finish().unwrap_or_else(|| format!("[{path} is empty]")))
    }

    /// A path that stays inside, or what the model is told.
    pub(super) fn checked(&self, path: &str) -> Result<WorkspacePath, String> {
        self.workspace.path(path).map_err(|error| error.to_string())
    }

    /// Says that a file is missing and which ones have a name like it.
    pub(super) fn no_such_file(&self, path: &WorkspacePath) -> String {
        let guesses = self.names_like(path);
        if guesses.is_empty() {
            return format!("There is no {path}. Use find_files to see what there is.");
        }
        format!("There is no {path}. Did you mean {}?", guesses.join(" or "))
    }

    fn names_like(&self, path: &WorkspacePath) -> Vec<String> {
        let wanted = path.to_string();
        let name = path.name().unwrap_or("");
        let Ok(root) = self.workspace.path(".") else {
            return Vec::new();
        };
        let Ok(files) = walk::files(&self.workspace, &root) else {
            return Vec::new();
        };
        let mut ranked: Vec<(f64, String)> = files
            .take(GUESSED_FILES_MAX)
            .map(|file| {
                let last = file.path.rsplit('/').next().unwrap_or("");
                let likeness = strsim::sorensen_dice(&wanted, &file.path)
                    .max(strsim::normalized_levenshtein(name, last));
                (likeness, file.path)
            })
            .filter(|(likeness, _)| *likeness >= GUESS_MIN)
            .collect();
        ranked.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
        ranked.truncate(GUESSES_MAX);
        ranked.into_iter().map(|(_, path)| path).collect()
    }
}

fn shown(entry: &Entry, name: &str) -> String {
    match entry {
        Entry::Folder => format!("{name}/"),
        Entry::Link(target) => format!("{name} -> {}", target.display()),
        Entry::File | Entry::Absent | Entry::Other => name.to_owned(),
    }
}

/// A number from a model as an index; a larger one than fits means "past the end".
pub(super) fn as_usize(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// The lines asked for, numbered, as many as fit, with a note on the rest.
fn lines(call: &FileRead, text: &str, bytes_max: usize) -> Result<String, String> {
    let total = text.lines().count();
    let first = as_usize(call.first_line.unwrap_or(1));
    let last = call.last_line.map_or(total, as_usize).min(total);
    if total == 0 {
        return Ok(String::new());
    }
    if first > last {
        return Err(format!("There is no line {first}-{last}: {} has {total} lines.", call.path));
    }
    let room = bytes_max.saturating_sub(NOTE_BYTES);
    let mut shown = String::new();
    for (number, line) in (1..).zip(text.lines()).take(last).skip(first - 1) {
        let skip = if number == first { as_usize(call.skip_bytes.unwrap_or(0)) } else { 0 };
        let line = &line[line.ceil_char_boundary(skip)..];
        let label = format!("{number}\t");
        if shown.len() + label.len() + line.len() < room {
            writeln!(shown, "{label}{line}").expect("a String takes every write");
            continue;
        }
        if shown.is_empty() {
            return Ok(part_of_line(&label, line, room, number, skip));
        }
        write!(shown, "[lines {first}-{} of {total}; go on with first_line={number}]", number - 1)
            .expect("a String takes every write");
        return Ok(shown);
    }
    if last < total {
        write!(shown, "[lines {first}-{last} of {total}]").expect("a String takes every write");
    }
    Ok(shown)
}

/// The beginning of a line that is too long for one reply.
fn part_of_line(label: &str, line: &str, room: usize, number: usize, skip: usize) -> String {
    // At least one character, so that reading on comes to an end.
    let least = line.chars().next().map_or(0, char::len_utf8);
    let part = excerpt::head(line, room.saturating_sub(label.len()).max(least));
    let next = skip + part.len();
    format!(
        "{label}{part}\n[line {number} goes on; go on with first_line={number} skip_bytes={next}]"
    )
}
