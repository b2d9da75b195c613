//! Collecting: what is named, young or stored again stays; what is removed is gone as a whole.

#![expect(clippy::disallowed_types, reason = "the age of files is what is tested")]

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::time::{Duration, SystemTime};

use lao_journal::{
    BlobFile, BlobHash, Blobs, Draft, JOURNAL_FILE, Journal, Manifest, Options, RemoveError,
    blob_files, collectable, named_in_bytes, remove_blob, remove_leftovers, remove_run,
};

use crate::support::{draft, genesis, written};

const DAY: Duration = Duration::from_hours(24);

/// Makes a blob's file two days old.
fn age(blobs: &Blobs, hash: BlobHash) {
    let then = SystemTime::now() - 2 * DAY;
    File::open(blobs.path(hash)).unwrap().set_modified(then).unwrap();
}

/// What may go, with these blobs named.
fn old(blobs: &Blobs, named: &[BlobHash]) -> Vec<BlobFile> {
    let named: BTreeSet<BlobHash> = named.iter().copied().collect();
    collectable(blob_files(blobs).unwrap(), &named, SystemTime::now() - DAY)
}

#[test]
fn only_old_blobs_that_nothing_names_go() {
    let dir = tempfile::tempdir().unwrap();
    let blobs = Blobs::open(dir.path()).unwrap();
    let [named, young, lost, again] =
        [&b"named"[..], b"young", b"lost", b"again"].map(|content| blobs.put(content).unwrap());
    for hash in [named, lost, again] {
        age(&blobs, hash);
    }
    assert_eq!(blobs.put(b"again").unwrap(), again);
    fs::write(dir.path().join("notes.txt"), "mine").unwrap();
    let files = old(&blobs, &[named]);
    let hashes: Vec<_> = files.iter().filter_map(|file| file.hash).collect();
    assert_eq!(hashes, [lost]);
    assert!(remove_blob(&files[0], SystemTime::now() - DAY).unwrap());
    assert!(!remove_blob(&files[0], SystemTime::now() - DAY).unwrap(), "it is gone already");
    assert!(!blobs.contains(lost));
    for hash in [named, young, again] {
        blobs.verify(hash).unwrap();
    }
    assert!(dir.path().join("notes.txt").exists());
    assert_eq!(old(&blobs, &[named]), []);
}

#[test]
fn a_blob_that_is_stored_again_before_it_is_removed_stays() {
    let dir = tempfile::tempdir().unwrap();
    let blobs = Blobs::open(dir.path()).unwrap();
    let hash = blobs.put(b"wanted again").unwrap();
    age(&blobs, hash);
    let files = old(&blobs, &[]);
    blobs.put(b"wanted again").unwrap();
    assert!(!remove_blob(&files[0], SystemTime::now() - DAY).unwrap());
    blobs.verify(hash).unwrap();
}

#[test]
fn what_a_crash_left_in_the_store_is_collected() {
    let dir = tempfile::tempdir().unwrap();
    let blobs = Blobs::open(dir.path()).unwrap();
    let hash = blobs.put(b"content").unwrap();
    let left = blobs.path(hash).with_file_name(".new-abc");
    fs::write(&left, b"half").unwrap();
    File::open(&left).unwrap().set_modified(SystemTime::now() - 2 * DAY).unwrap();
    let files = old(&blobs, &[hash]);
    assert_eq!(files.len(), 1);
    assert!(remove_blob(&files[0], SystemTime::now() - DAY).unwrap());
    assert!(!left.exists());
}

#[test]
fn a_journal_that_cannot_be_read_keeps_its_blobs() {
    let dir = tempfile::tempdir().unwrap();
    let [named, other] = [&b"named"[..], b"other"].map(BlobHash::of);
    let mut payload = b"an event that names ".to_vec();
    payload.extend_from_slice(named.as_bytes());
    let mut journal = Journal::create(dir.path(), genesis(), &Options::default()).unwrap();
    journal.append(&[Draft { payload, ..draft(1) }]).unwrap();
    drop(journal);
    let path = dir.path().join(JOURNAL_FILE);
    let mut bytes = fs::read(&path).unwrap();
    bytes[..512].fill(0);
    fs::write(&path, bytes).unwrap();
    let among = BTreeSet::from([named, other]);
    let found: BTreeSet<_> = named_in_bytes(&path, &among).unwrap().into_iter().collect();
    assert_eq!(found, BTreeSet::from([named]));
}

#[test]
fn a_run_is_removed_as_a_whole() {
    let runs = tempfile::tempdir().unwrap();
    let dir = runs.path().join("20260302-211405-x7k2q");
    fs::create_dir(&dir).unwrap();
    written(&dir, 5);
    let held = Journal::open(&dir, &Options::default()).unwrap();
    assert!(matches!(remove_run(&dir, None), Err(RemoveError::Held { .. })));
    drop(held);
    let mut manifest = Manifest::new("20260302-211405-x7k2q".to_owned(), "One".to_owned(), 5);
    manifest.write(&dir).unwrap();
    let seen = manifest.clone();
    // Pinned, or taken up, between the look and the removal.
    manifest.pid = Some(7);
    manifest.write(&dir).unwrap();
    for seen in [None, Some(&seen)] {
        assert!(matches!(remove_run(&dir, seen), Err(RemoveError::Changed { .. })));
    }
    assert!(dir.join(JOURNAL_FILE).exists());
    remove_run(&dir, Some(&manifest)).unwrap();
    assert_eq!(fs::read_dir(runs.path()).unwrap().count(), 0);

    let left = runs.path().join(".gone-20260302-211405-x7k2q");
    fs::create_dir(&left).unwrap();
    fs::write(left.join(JOURNAL_FILE), b"some").unwrap();
    assert_eq!(remove_leftovers(runs.path()).unwrap(), 1);
    assert_eq!(remove_leftovers(runs.path()).unwrap(), 0);
    assert_eq!(remove_leftovers(&runs.path().join("none")).unwrap(), 0);
}
