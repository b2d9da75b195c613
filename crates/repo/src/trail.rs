//! The trail's files on disk: they follow the commit that contains them, and never overwrite what
//! a person wrote there.

use std::{
    collections::BTreeMap,
    fs::{self, File, Metadata},
    io::{self, Write as _},
    path::Path,
};

use git2::{ObjectType, Oid, Tree};
use lao_port::TrailText;

use crate::{
    dirty::TEMPORARY_PREFIX,
    error::CommitError,
    lock::{read_if_there, remove_if_there},
    place,
    tree::leaf_at,
};

/// Writes each file whose place is free or shows the commit before. A file that somebody edited
/// stays as it is, and so shows up as an uncommitted change of theirs.
pub(crate) fn write(
    root: &Path,
    before: Option<&Tree<'_>>,
    files: &[TrailText],
    stats: &mut BTreeMap<String, Metadata>,
) -> Result<(), CommitError> {
    for TrailText { path, text } in files {
        let name = place::of_name(root, path)?;
        let on_disk = root.join(&name);
        let written = may_write(&on_disk, text, before, &name)
            .and_then(|free| free.then(|| replace(&on_disk, text.as_bytes())).transpose());
        match written {
            Ok(Some(metadata)) => {
                stats.insert(name, metadata);
            }
            Ok(None) => {}
            Err(source) => {
                return Err(CommitError::Io { path: on_disk, source });
            }
        }
    }
    Ok(())
}

fn may_write(
    on_disk: &Path,
    text: &str,
    before: Option<&Tree<'_>>,
    name: &str,
) -> io::Result<bool> {
    match fs::symlink_metadata(on_disk) {
        Ok(metadata) if !metadata.is_file() => return Ok(false),
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(true),
        Err(error) => return Err(error),
    }
    let Some(bytes) = read_if_there(on_disk)? else {
        return Ok(true);
    };
    if bytes == text.as_bytes() {
        return Ok(false);
    }
    Ok(leaf_at(before, name).is_some_and(|leaf| shows(&bytes, leaf.id)))
}

/// Whether a file is the blob, written as it is or with the line ends of a checkout on Windows.
fn shows(bytes: &[u8], blob: Oid) -> bool {
    let is = |bytes: &[u8]| Oid::hash_object(ObjectType::Blob, bytes).is_ok_and(|id| id == blob);
    is(bytes)
        || std::str::from_utf8(bytes)
            .is_ok_and(|text| text.contains("\r\n") && is(text.replace("\r\n", "\n").as_bytes()))
}

/// All or nothing: a new file takes the name. Its bytes are in git already, so they are not synced.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<Metadata> {
    let folder = path.parent().expect("a trail file lies in the work tree");
    fs::create_dir_all(folder)?;
    let name = path.file_name().expect("a trail file has a name");
    let temporary = folder.join(format!("{TEMPORARY_PREFIX}{}", name.to_string_lossy()));
    remove_if_there(&temporary)?;
    let mut file = File::create_new(&temporary)?;
    file.write_all(bytes)?;
    drop(file);
    fs::rename(&temporary, path)?;
    fs::symlink_metadata(path)
}
