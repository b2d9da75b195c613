//! Reading files, wherever the user's path leads.

use std::{
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
};

use lao_event::{Hash, latest::ReadForm};
use lao_port::ActionError;

use crate::{
    home::{below_home, expand_home},
    json,
    workspace::is_absence,
};

/// The largest file that is read, in bytes.
const FILE_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// The place that a path of a workflow names: absolute, in the home folder, or from the project.
pub(super) fn place(root: &Path, asked: &str) -> PathBuf {
    // Takes out `.` and doubled separators; `..` stays, since a link may come before it.
    root.join(expand_home(asked)).components().collect()
}

/// Whether a path does not begin at the project.
pub(super) fn begins_elsewhere(asked: &str) -> bool {
    below_home(asked).is_some() || Path::new(asked).is_absolute()
}

/// A file's text, or its JSON.
pub(super) fn read(root: &Path, asked: &str, form: ReadForm) -> Result<String, ActionError> {
    let text = text(root, asked)?;
    match form {
        ReadForm::Text => Ok(text),
        ReadForm::Json => json::compact(text.trim_start_matches('\u{feff}')).map_err(|error| {
            let cure = "mend it, or read it as text";
            ActionError::file(format!("{asked} is not JSON: {error}; {cure}"))
        }),
        ReadForm::Lines => {
            let lines: Vec<&str> = text.lines().collect();
            Ok(serde_json::to_string(&lines).expect("texts are always JSON"))
        }
    }
}

/// BLAKE3 of a file's bytes, of any number.
pub(super) fn hash(root: &Path, asked: &str) -> Result<Hash, ActionError> {
    let file = open(root, asked)?;
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(file).map_err(|error| unreadable(asked, &error))?;
    Ok(Hash(*hasher.finalize().as_bytes()))
}

fn text(root: &Path, asked: &str) -> Result<String, ActionError> {
    let mut bytes = Vec::new();
    open(root, asked)?
        .take(FILE_BYTES_MAX + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| unreadable(asked, &error))?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(ActionError::file(format!(
            "{asked} has more than the {FILE_BYTES_MAX} bytes that a step reads; have a `run` step \
             take out of it what is needed"
        )));
    }
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        ActionError::file(format!(
            "{asked} is not text in UTF-8 (byte {at} is not); have a `run` step convert it, for \
             example with iconv"
        ))
    })
}

/// Opens a regular file; anything else might never end.
fn open(root: &Path, asked: &str) -> Result<File, ActionError> {
    if asked.is_empty() {
        return Err(ActionError::file("the path is empty; name a file"));
    }
    let place = place(root, asked);
    let found = fs::metadata(&place).map_err(|error| match is_absence(&error) {
        true if place == Path::new(asked) => ActionError::file(format!("{asked} is not there")),
        true => ActionError::file(format!("{asked} is not there: no file at {}", place.display())),
        false => unreadable(asked, &error),
    })?;
    if found.is_dir() {
        let cure = "name a file in it, or list them with `read: { files: PATTERN }`";
        return Err(ActionError::file(format!("{asked} is a folder, not a file; {cure}")));
    }
    if !found.is_file() {
        let what = "is a pipe, a socket or a device, not a file";
        return Err(ActionError::file(format!("{asked} {what}; have a `run` step read it")));
    }
    File::open(&place).map_err(|error| unreadable(asked, &error))
}

fn unreadable(asked: &str, error: &io::Error) -> ActionError {
    ActionError::file(format!("{asked} cannot be read: {error}"))
}
