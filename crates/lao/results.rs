//! Results of steps with `cache: true`, for later runs of the project.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    time::SystemTime,
};

use lao_event::Hash;
use lao_port::{Results, StoredResult};

use crate::{
    blob_names::Mode,
    project::{Project, STATE_FOLDER},
};

/// Results of earlier steps, a file each. What cannot be read or written is not there.
pub(crate) struct ResultFolder {
    folder: PathBuf,
}

/// How a file of a result begins.
const TEXT: &str = "text\n";
const JSON: &str = "json\n";

impl ResultFolder {
    pub(crate) fn of(project: &Project) -> Self {
        Self { folder: project.root.join(STATE_FOLDER).join("cache") }
    }

    /// Removes what nothing has used since a moment, or says how much that is: files and bytes.
    pub(crate) fn remove_unused_since(&self, moment: SystemTime, mode: Mode) -> (u64, u64) {
        let (mut results, mut bytes) = (0, 0);
        for path in entries(&self.folder).iter().flat_map(|folder| entries(folder)) {
            let Ok(data) = fs::metadata(&path) else { continue };
            let is_unused = data.modified().is_ok_and(|used| used < moment);
            if is_unused && (mode == Mode::Tell || fs::remove_file(&path).is_ok()) {
                results += 1;
                bytes += data.len();
            }
        }
        (results, bytes)
    }

    fn path(&self, key: Hash) -> PathBuf {
        let name = key.to_string();
        self.folder.join(&name[..2]).join(name)
    }
}

impl Results for ResultFolder {
    fn get(&self, key: Hash) -> Option<StoredResult> {
        let text = fs::read_to_string(self.path(key)).ok()?;
        let (head, body) = text.split_at_checked(TEXT.len())?;
        // The last line is the hash of all before: a file that was cut is no result.
        let (body, sum) = body.rsplit_once('\n')?;
        if Hash::of(body.as_bytes()).to_string() != sum {
            return None;
        }
        // What is used stays, if the file system lets it be told.
        drop(used_now(&self.path(key)));
        match head {
            TEXT => Some(StoredResult::Text(body.to_owned())),
            JSON => Some(StoredResult::Json(body.to_owned())),
            _ => None,
        }
    }

    fn put(&self, key: Hash, value: &StoredResult) {
        let (head, body) = match value {
            StoredResult::Text(text) => (TEXT, text),
            StoredResult::Json(text) => (JSON, text),
        };
        let path = self.path(key);
        let whole = format!("{head}{body}\n{}", Hash::of(body.as_bytes()));
        // A result that is not kept is made again.
        drop(write_whole(&path, &whole));
    }
}

fn write_whole(path: &Path, text: &str) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let unborn = path.with_extension(format!("{}.new", std::process::id()));
    fs::write(&unborn, text)?;
    fs::rename(&unborn, path)
}

fn used_now(path: &Path) -> io::Result<()> {
    File::options().write(true).open(path)?.set_modified(SystemTime::now())
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    entries.filter_map(|entry| Some(entry.ok()?.path())).collect()
}
