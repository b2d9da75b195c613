//! What the disk takes for the same work with nothing around it.

use std::{
    fs::{self, File},
    io::Write,
    path::Path,
    time::{Duration, Instant},
};

/// Appends and syncs, one after another.
pub(crate) fn appends(folder: &Path, count: u64, bytes: u64) -> Duration {
    let path = folder.join("raw");
    let mut file = File::create(&path).expect("the folder is writable");
    let record = vec![0xA5; usize::try_from(bytes).expect("a record is small")];
    let begun = Instant::now();
    for _ in 0..count {
        file.write_all(&record).expect("there is space");
        file.sync_data().expect("the disk syncs");
    }
    let spent = begun.elapsed();
    fs::remove_file(path).expect("it was made above");
    spent
}

/// Files written as a tool must: to the disk under another name, renamed, the folder synced.
pub(crate) fn files(folder: &Path, count: usize, bytes: usize) -> Duration {
    let folder = folder.join("raw-files");
    fs::create_dir(&folder).expect("the folder is writable");
    let content = vec![0xA5; bytes];
    let begun = Instant::now();
    for index in 0..count {
        let staged = folder.join("staged");
        let mut file = File::create(&staged).expect("the folder is writable");
        file.write_all(&content).expect("there is space");
        file.sync_data().expect("the disk syncs");
        fs::rename(&staged, folder.join(index.to_string())).expect("it was made above");
        File::open(&folder).and_then(|folder| folder.sync_all()).expect("the disk syncs");
    }
    let spent = begun.elapsed();
    fs::remove_dir_all(folder).expect("it was made above");
    spent
}
