//! Files that a journal did not write: records whose hash is right and wrong, blobs, manifests.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::LazyLock,
};

use lao_journal::{
    BlobHash, Blobs, ChainHash, Draft, Genesis, HEADER_BYTES, Head, JOURNAL_FILE, Journal,
    MANIFEST_FILE, Manifest, Options, Reader, check,
};
use redb::{Database, TableDefinition};
use tempfile::TempDir;

/// The table of a journal, as `docs/journal.md` names it.
const EVENTS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("events");

/// A folder in memory where there is such a disk.
static FOLDER: LazyLock<TempDir> = LazyLock::new(|| {
    let memory = Path::new("/dev/shm");
    let parent = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
    tempfile::tempdir_in(parent).expect("a temporary folder can be made")
});

fn folder(name: &str) -> PathBuf {
    let folder = FOLDER.path().join(name);
    fs::create_dir_all(&folder).expect("the folder is ours");
    folder
}

fn draft(payload: &[u8]) -> Draft {
    Draft {
        event_type: 1,
        schema_version: 1,
        flags: 0,
        wall_time_ms: 1,
        monotonic_ns: 2,
        cause: 0,
        payload: payload.to_vec(),
    }
}

/// A journal of one record: its bytes and its head.
static JOURNAL: LazyLock<(Vec<u8>, Head)> = LazyLock::new(|| {
    let dir = folder("template");
    let genesis = Genesis { run: "run-1".to_owned(), started: Vec::new() };
    let mut journal = Journal::create(&dir, genesis, &Options::default()).expect("it is made");
    let head = journal.append(&[draft(b"first")]).expect("it commits").head;
    drop(journal);
    (fs::read(dir.join(JOURNAL_FILE)).expect("it is there"), head)
});

/// The first byte says whether the second record's hash is right, the rest is the record without
/// it.
pub(crate) fn record(data: &[u8]) {
    let Some((kind, hashed)) = data.split_first() else { return };
    let (template, head) = &*JOURNAL;
    let dir = folder("record");
    let path = dir.join(JOURNAL_FILE);
    fs::write(&path, template).expect("the folder is ours");
    let right = head.hash.next(hashed);
    let hash = if kind & 1 == 0 { right } else { ChainHash::from_bytes([*kind; 32]) };
    insert(&path, &[hashed, hash.as_bytes()].concat()).expect("redb takes any bytes");
    let report = check(&dir);
    let Ok(reader) = Reader::open(&dir, &Options::default()) else {
        panic!("the file is sound, whatever its records are");
    };
    let verified = reader.verify();
    assert_eq!(verified.is_ok(), report.first_damaged.is_none(), "{verified:?} {report:?}");
    let Ok(last) = verified else { return };
    assert_eq!((last.seq, last.hash), (2, right), "only what is right is believed");
    let record = reader.records_from(2).expect("it is there").next();
    let record = record.expect("it is there").expect("it was proven");
    assert_eq!(record.payload, &hashed[HEADER_BYTES..]);
    assert_eq!(record.header.payload_len as usize, record.payload.len());
    assert!(record.header.cause < record.header.seq);
}

fn insert(path: &Path, record: &[u8]) -> Result<(), redb::Error> {
    let database = Database::open(path)?;
    let txn = database.begin_write()?;
    txn.open_table(EVENTS)?.insert(2, record)?;
    Ok(txn.commit()?)
}

/// Content goes in and comes out; the same bytes as a blob's file are refused, or are that blob.
pub(crate) fn blob(data: &[u8]) {
    let blobs = Blobs::open(&folder("blobs")).expect("the folder is ours");
    let hash = blobs.put(data).expect("there is room");
    assert_eq!(blobs.get(hash).expect("it was just stored"), data);
    let path = blobs.path(hash);
    fs::write(&path, data).expect("the folder is ours");
    if let Ok(content) = blobs.get(hash) {
        assert_eq!(BlobHash::of(&content), hash, "what is handed out has its hash");
    }
    fs::remove_file(path).expect("it was just written");
}

/// A manifest is read or refused; what is read is written and read back as the same.
pub(crate) fn manifest(data: &[u8]) {
    let dir = folder("manifest");
    fs::write(dir.join(MANIFEST_FILE), data).expect("the folder is ours");
    let Ok(manifest) = Manifest::read(&dir) else { return };
    manifest.write(&dir).expect("what was read can be written");
    assert_eq!(Manifest::read(&dir).expect("it was just written"), manifest);
}
