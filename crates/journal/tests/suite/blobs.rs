//! Blobs: stored once, proven when read, missing and damaged told apart.

use std::path::PathBuf;

use lao_journal::{BLOB_BYTES_MAX, BlobError, BlobHash, Blobs};
use proptest::prelude::*;

fn store() -> (tempfile::TempDir, Blobs) {
    let dir = tempfile::tempdir().unwrap();
    let blobs = Blobs::open(&dir.path().join("deep").join("blobs")).unwrap();
    (dir, blobs)
}

#[test]
fn content_is_stored_under_its_hash_and_read_back() {
    let (_dir, blobs) = store();
    let content = b"a line that repeats\n".repeat(5_000);
    let hash = blobs.put(&content).unwrap();
    assert_eq!(hash, BlobHash::of(&content));
    assert_eq!(blobs.get(hash).unwrap(), content);
    assert!(blobs.contains(hash));
    let path = blobs.path(hash);
    let hex = hash.to_string();
    assert_eq!(path, blobs.folder().join(&hex[..2]).join(&hex));
    assert_eq!(hex.parse(), Ok(hash));
    assert!(std::fs::metadata(&path).unwrap().len() < content.len() as u64 / 10);
}

#[test]
fn putting_twice_leaves_one_file_and_makes_it_young() {
    let (_dir, blobs) = store();
    let hash = blobs.put(b"once").unwrap();
    // Written anew, it would be another file than the one that was opened.
    let file = std::fs::File::open(blobs.path(hash)).unwrap();
    let before = file.metadata().unwrap().modified().unwrap();
    file.set_modified(before - std::time::Duration::from_hours(48)).unwrap();
    assert_eq!(blobs.put(b"once").unwrap(), hash);
    assert!(file.metadata().unwrap().modified().unwrap() >= before);
    let shard = blobs.path(hash).parent().unwrap().to_path_buf();
    assert_eq!(std::fs::read_dir(shard).unwrap().count(), 1);
}

#[test]
fn missing_and_damaged_are_told_apart() {
    let (_dir, blobs) = store();
    let hash = BlobHash::of(b"never put");
    assert!(!blobs.contains(hash));
    assert!(matches!(blobs.get(hash), Err(BlobError::Missing { .. })));
    let hash = blobs.put(b"put").unwrap();
    std::fs::write(blobs.path(hash), b"").unwrap();
    assert!(matches!(blobs.get(hash), Err(BlobError::Damaged { .. })));
    assert!(matches!(blobs.verify(hash), Err(BlobError::Damaged { .. })));
}

#[test]
fn no_flipped_bit_gives_other_content() {
    let (_dir, blobs) = store();
    let content = b"some text that is worth compressing, some text".to_vec();
    let hash = blobs.put(&content).unwrap();
    let path = blobs.path(hash);
    let stored = std::fs::read(&path).unwrap();
    for bit in 0..stored.len() * 8 {
        let mut flipped = stored.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        std::fs::write(&path, &flipped).unwrap();
        // A bit that zstd does not use may flip without harm; other content is never handed out.
        match blobs.get(hash) {
            Ok(read) => assert_eq!(read, content, "bit {bit}"),
            Err(error) => assert!(matches!(error, BlobError::Damaged { .. }), "bit {bit}"),
        }
    }
    for len in 0..stored.len() {
        std::fs::write(&path, &stored[..len]).unwrap();
        assert!(blobs.get(hash).is_err(), "cut to {len} bytes");
    }
}

#[test]
fn putting_damaged_content_again_mends_it() {
    let (_dir, blobs) = store();
    let hash = blobs.put(b"content").unwrap();
    std::fs::write(blobs.path(hash), b"rubbish").unwrap();
    blobs.put(b"content").unwrap();
    assert_eq!(blobs.get(hash).unwrap(), b"content");
}

#[test]
fn content_above_the_limit_is_refused() {
    let (_dir, blobs) = store();
    let large = vec![0; BLOB_BYTES_MAX + 1];
    assert!(matches!(blobs.put(&large), Err(BlobError::TooLarge { .. })));
}

#[test]
fn a_check_finds_damaged_and_foreign_files_and_skips_unfinished_ones() {
    let (_dir, blobs) = store();
    let sound = blobs.put(b"sound").unwrap();
    let damaged = blobs.put(b"damaged").unwrap();
    std::fs::write(blobs.path(damaged), b"rubbish").unwrap();
    let foreign = blobs.path(sound).with_file_name("notes.txt");
    std::fs::write(&foreign, b"").unwrap();
    std::fs::write(blobs.path(sound).with_file_name(".new-abc"), b"half").unwrap();
    let mut found: Vec<(PathBuf, bool)> = Vec::new();
    let count =
        blobs.check(|path, error| found.push((path.to_path_buf(), error.is_some()))).unwrap();
    assert_eq!(count, 2);
    found.sort();
    let mut expected = vec![(blobs.path(damaged), true), (foreign, false)];
    expected.sort();
    assert_eq!(found, expected);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]
    #[test]
    fn any_content_survives(content in proptest::collection::vec(any::<u8>(), 0..5_000)) {
        let (_dir, blobs) = store();
        let hash = blobs.put(&content).unwrap();
        prop_assert_eq!(blobs.get(hash).unwrap(), content);
    }
}
