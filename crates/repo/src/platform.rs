//! What differs between operating systems: stat data, file modes, links, syncing a folder.

use std::{fs::Metadata, io, path::Path};

use git2::{IndexEntry, IndexTime};

/// Mode of a plain file in a tree.
pub(crate) const MODE_FILE: u32 = 0o100_644;
/// Mode of an executable file in a tree.
pub(crate) const MODE_EXECUTABLE: u32 = 0o100_755;
/// Mode of a symbolic link in a tree.
pub(crate) const MODE_LINK: u32 = 0o120_000;

#[cfg(unix)]
mod system {
    use super::{IndexEntry, IndexTime, MODE_EXECUTABLE, MODE_FILE, Metadata, Path, io};
    use std::{
        fs::{self, File, OpenOptions},
        os::unix::{
            ffi::OsStrExt,
            fs::{MetadataExt, OpenOptionsExt},
        },
    };

    /// Git keeps the low 32 bits of everything.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the index format keeps 32 bits and compares them as such"
    )]
    pub(crate) fn fill_stat(entry: &mut IndexEntry, metadata: &Metadata) {
        entry.mtime = IndexTime::new(metadata.mtime() as i32, metadata.mtime_nsec() as u32);
        entry.ctime = IndexTime::new(metadata.ctime() as i32, metadata.ctime_nsec() as u32);
        entry.dev = metadata.dev() as u32;
        entry.ino = metadata.ino() as u32;
        entry.uid = metadata.uid();
        entry.gid = metadata.gid();
        entry.file_size = metadata.size() as u32;
    }

    pub(crate) fn file_mode(metadata: &Metadata, _known: Option<u32>) -> u32 {
        if metadata.mode() & 0o100 == 0 { MODE_FILE } else { MODE_EXECUTABLE }
    }

    pub(crate) fn link_bytes(target: &Path) -> Vec<u8> {
        target.as_os_str().as_bytes().to_vec()
    }

    pub(crate) fn sync_folder(path: &Path) -> io::Result<()> {
        File::open(path)?.sync_all()
    }

    pub(crate) fn create_read_only(path: &Path) -> io::Result<File> {
        OpenOptions::new().write(true).create_new(true).mode(0o444).open(path)
    }

    /// Two names of one file.
    pub(crate) fn same_file(one: &Path, other: &Path) -> io::Result<bool> {
        let (one, other) = (fs::symlink_metadata(one)?, fs::symlink_metadata(other)?);
        Ok((one.dev(), one.ino()) == (other.dev(), other.ino()))
    }
}

#[cfg(not(unix))]
mod system {
    use super::{IndexEntry, MODE_FILE, Metadata, Path, io};
    use std::fs::File;

    /// Leaves the entry without stat data: git compares contents once and fills it in.
    pub(crate) fn fill_stat(_entry: &mut IndexEntry, _metadata: &Metadata) {}

    pub(crate) fn file_mode(_metadata: &Metadata, known: Option<u32>) -> u32 {
        known.unwrap_or(MODE_FILE)
    }

    pub(crate) fn link_bytes(target: &Path) -> Vec<u8> {
        target.to_string_lossy().replace('\\', "/").into_bytes()
    }

    pub(crate) fn sync_folder(_path: &Path) -> io::Result<()> {
        Ok(())
    }

    pub(crate) fn create_read_only(path: &Path) -> io::Result<File> {
        File::create_new(path)
    }

    /// Unknown without a portable file number; the contents decide.
    pub(crate) fn same_file(_one: &Path, _other: &Path) -> io::Result<bool> {
        Ok(false)
    }
}

pub(crate) use system::{
    create_read_only, file_mode, fill_stat, link_bytes, same_file, sync_folder,
};
