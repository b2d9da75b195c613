//! What a power cut may leave of files and folders: names and contents that were not synced may be
//! there, or not, or in part. A blob that an acknowledged event names is whole, a manifest is old or
//! new, a journal has its name.
//!
//! ```text
//!   the real calls --trace--> steps --up to the cut--> Disk --chance--> a folder, which is opened
//! ```

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use crate::folder::trace::{self, Step};
use crate::samples::{Dice, draft};
use crate::{
    BlobError, BlobHash, Blobs, Genesis, JOURNAL_FILE, Journal, MANIFEST_FILE, Manifest,
    ManifestError, Options, Reader, StorageFailure, make_folder,
};

/// Images of each cut.
const IMAGES: u64 = 24;

impl Dice {
    fn is_lucky(&mut self) -> bool {
        self.roll(2) == 1
    }
}

/// What a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Node {
    Folder,
    /// A file, by the number of the step that wrote it.
    File(usize),
}

/// A change of the names in one folder.
#[derive(Clone, Debug)]
enum Naming {
    New(PathBuf, Node),
    Moved { from: PathBuf, to: PathBuf, node: Node },
}

/// A file's bytes.
struct Content {
    bytes: Vec<u8>,
    is_synced: bool,
}

/// A disk after some steps: what is durable, and what only the system knows.
struct Disk {
    /// What every name stands for, as programs see it.
    seen: BTreeMap<PathBuf, Node>,
    durable: BTreeMap<PathBuf, Node>,
    /// Not synced, by folder, in order.
    pending: BTreeMap<PathBuf, Vec<Naming>>,
    contents: BTreeMap<usize, Content>,
}

impl Disk {
    /// A disk with one folder.
    fn new(root: &Path) -> Self {
        let names = BTreeMap::from([(root.to_path_buf(), Node::Folder)]);
        Self {
            seen: names.clone(),
            durable: names,
            pending: BTreeMap::new(),
            contents: BTreeMap::new(),
        }
    }

    fn name(&mut self, path: &Path, node: Node) {
        self.seen.insert(path.to_path_buf(), node);
        self.defer(path, Naming::New(path.to_path_buf(), node));
    }

    fn defer(&mut self, path: &Path, naming: Naming) {
        self.pending.entry(parent(path)).or_default().push(naming);
    }

    fn after(mut self, steps: &[Step]) -> Self {
        for (number, step) in steps.iter().enumerate() {
            match step {
                Step::MakeFolder(path) => {
                    self.name(path, Node::Folder);
                }
                Step::Write(path, bytes) => {
                    let content = Content { bytes: bytes.clone(), is_synced: false };
                    self.contents.insert(number, content);
                    self.name(path, Node::File(number));
                }
                Step::SyncFile(path) => {
                    if let Some(Node::File(number)) = self.seen.get(path) {
                        self.contents.get_mut(number).unwrap().is_synced = true;
                    }
                }
                Step::Rename(from, to) => {
                    let node = self.seen.remove(from).expect("what is renamed is there");
                    self.seen.insert(to.clone(), node);
                    let (from, to) = (from.clone(), to.clone());
                    self.defer(&to.clone(), Naming::Moved { from, to, node });
                }
                Step::SyncFolder(path) => {
                    for naming in self.pending.remove(path).unwrap_or_default() {
                        naming.apply(&mut self.durable);
                    }
                }
            }
        }
        self
    }

    /// A folder as the disk may hold it when the power comes back.
    fn image(&self, root: &Path, dice: &mut Dice) -> tempfile::TempDir {
        let mut names = self.durable.clone();
        for naming in self.pending.values().flatten() {
            if dice.is_lucky() {
                naming.apply(&mut names);
            }
        }
        self.build(root, &names, |content| torn(content, dice))
    }

    /// A folder as the next process finds it when only this one was killed.
    fn copy(&self, root: &Path) -> tempfile::TempDir {
        self.build(root, &self.seen, |content| content.bytes.clone())
    }

    /// Makes what has a name, in a folder that has one, since parents sort before their children.
    fn build(
        &self,
        root: &Path,
        names: &BTreeMap<PathBuf, Node>,
        mut read: impl FnMut(&Content) -> Vec<u8>,
    ) -> tempfile::TempDir {
        let image = folder();
        for (path, node) in names {
            let place = image.path().join(path.strip_prefix(root).unwrap());
            if !place.parent().unwrap().is_dir() {
                continue;
            }
            match node {
                Node::Folder => std::fs::create_dir_all(&place).unwrap(),
                Node::File(number) => {
                    std::fs::write(&place, read(&self.contents[number])).unwrap();
                }
            }
        }
        image
    }
}

impl Naming {
    fn apply(&self, names: &mut BTreeMap<PathBuf, Node>) {
        match self {
            Self::New(path, node) => {
                names.insert(path.clone(), *node);
            }
            Self::Moved { from, to, node } => {
                names.remove(from);
                names.insert(to.clone(), *node);
            }
        }
    }
}

/// What of a file's bytes may be there.
fn torn(content: &Content, dice: &mut Dice) -> Vec<u8> {
    let mut bytes = content.bytes.clone();
    if content.is_synced {
        return bytes;
    }
    match dice.roll(4) {
        0 => bytes.clear(),
        1 => bytes.truncate(usize::try_from(dice.roll(bytes.len() as u64 + 1)).unwrap()),
        2 => bytes.chunks_mut(512).filter(|_| dice.is_lucky()).for_each(|sector| sector.fill(0)),
        _ => {}
    }
    bytes
}

fn parent(path: &Path) -> PathBuf {
    path.parent().unwrap().to_path_buf()
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

/// Cuts the power after every number of `steps`, and shows each image with that number.
fn cut_everywhere(root: &Path, steps: &[Step], mut demand: impl FnMut(&Path, usize)) {
    assert!(steps.len() > 2, "the steps were recorded");
    for cut in 0..=steps.len() {
        let disk = Disk::new(root).after(&steps[..cut]);
        for seed in 0..IMAGES {
            let image = disk.image(root, &mut Dice(seed));
            println!("after {cut} steps, seed {seed}");
            demand(image.path(), cut);
        }
    }
}

/// Content that zstd cannot shrink to a sector.
fn content(number: u8) -> Vec<u8> {
    let mut dice = Dice(u64::from(number));
    (0..3000).map(|_| u8::try_from(dice.roll(256)).unwrap()).collect()
}

/// Stores contents, and says after how many steps each may be named by an event.
fn put_all(root: &Path, numbers: &[u8]) -> Vec<(usize, BlobHash)> {
    let blobs = Blobs::open(&root.join("lao").join("blobs")).unwrap();
    let put = |number: &u8| {
        let hash = blobs.put(&content(*number)).unwrap();
        (trace::done(), hash)
    };
    numbers.iter().map(put).collect()
}

/// What an event may name is whole, and nothing under a blob's name is anything else.
fn demand_blobs(image: &Path, put: &[(usize, BlobHash)], cut: usize) {
    let blobs = Blobs::open(&image.join("lao").join("blobs")).unwrap();
    for (steps, hash) in put {
        if *steps <= cut {
            blobs.verify(*hash).unwrap();
        }
    }
    blobs.check(|path, error| panic!("{}: {error:?}", path.display())).unwrap();
}

#[test]
fn a_blob_that_an_event_may_name_is_whole() {
    let root = folder();
    // The last one is stored a second time.
    let (put, steps) = trace::record(None, || put_all(root.path(), &[1, 2, 3, 1]));
    cut_everywhere(root.path(), &steps, |image, cut| demand_blobs(image, &put, cut));
}

#[test]
fn what_a_killed_process_left_of_a_blob_is_made_durable_by_the_next() {
    let root = folder();
    let (_, first) = trace::record(None, || put_all(root.path(), &[1]));
    for killed in 1..=first.len() {
        let left = Disk::new(root.path()).after(&first[..killed]);
        let next = left.copy(root.path());
        let (put, second) = trace::record(None, || put_all(next.path(), &[1]));
        let moved = second.iter().map(|step| moved(step, next.path(), root.path()));
        let steps: Vec<Step> = first[..killed].iter().cloned().chain(moved).collect();
        cut_everywhere(root.path(), &steps, |image, cut| {
            if let Some(cut) = cut.checked_sub(killed) {
                demand_blobs(image, &put, cut);
            }
        });
    }
}

/// The same step in another place.
fn moved(step: &Step, from: &Path, to: &Path) -> Step {
    let place = |path: &Path| to.join(path.strip_prefix(from).unwrap_or(path));
    match step {
        Step::MakeFolder(path) => Step::MakeFolder(place(path)),
        Step::Write(path, bytes) => Step::Write(place(path), bytes.clone()),
        Step::SyncFile(path) => Step::SyncFile(place(path)),
        Step::Rename(from, to) => Step::Rename(place(from), place(to)),
        Step::SyncFolder(path) => Step::SyncFolder(place(path)),
    }
}

#[test]
fn a_folder_that_may_not_be_opened_keeps_nobody_from_working_below_it() {
    let root = folder();
    let (home, place) = (root.path().join("home"), root.path().join("home").join("lao"));
    make_folder(&home).unwrap();
    let refused = || io::Error::from(io::ErrorKind::PermissionDenied);
    let (made, steps) = trace::record(Some((0, refused())), || make_folder(&place));
    made.unwrap();
    assert_eq!(steps[0], Step::SyncFolder(root.path().to_path_buf()));
    let last = steps.len() - 1;
    let (made, _) = trace::record(Some((last, refused())), || make_folder(&home.join("other")));
    made.expect_err("a new name that cannot be made durable");
}

fn manifest(number: usize) -> Manifest {
    Manifest::new(String::from("run"), format!("title {number}").repeat(200), 0)
}

#[test]
fn a_manifest_is_old_or_new() {
    let root = folder();
    let (written, steps) = trace::record(None, || {
        let write = |number: usize| {
            manifest(number).write(root.path()).unwrap();
            trace::done()
        };
        (0..3).map(write).collect::<Vec<_>>()
    });
    cut_everywhere(root.path(), &steps, |image, cut| {
        let durable = written.iter().filter(|steps| **steps <= cut).count();
        match Manifest::read(image) {
            Ok(read) => {
                let possible = durable.saturating_sub(1)..(durable + 1).min(3);
                assert!(possible.map(manifest).any(|manifest| manifest == read));
            }
            Err(ManifestError::Missing { .. }) => assert_eq!(durable, 0),
            Err(error) => panic!("{error}"),
        }
    });
}

#[test]
fn a_new_journal_is_found_when_its_first_records_are_acknowledged() {
    let root = folder();
    let run = root.path().join("lao").join("runs").join("run");
    let ((), mut steps) = trace::record(None, || {
        make_folder(&run).unwrap();
        let genesis = Genesis { run: String::from("run"), started: Vec::new() };
        Journal::create(&run, genesis, &Options::default())
            .unwrap()
            .append(&[draft(vec![1; 100])])
            .unwrap();
    });
    // What redb writes and syncs is proven with crash images; here its file is whole, and only its
    // name is in doubt.
    let unborn = run.join("journal.redb.new");
    let bytes = std::fs::read(run.join(JOURNAL_FILE)).unwrap();
    let renamed = steps.iter().position(|step| matches!(step, Step::Rename(..))).unwrap();
    steps.splice(renamed..renamed, [Step::Write(unborn.clone(), bytes), Step::SyncFile(unborn)]);
    cut_everywhere(root.path(), &steps, |image, cut| {
        let run = image.join("lao").join("runs").join("run");
        if run.join(JOURNAL_FILE).exists() {
            let reader = Reader::open(&run, &Options::default()).unwrap();
            assert_eq!(reader.verify().unwrap().seq, 1);
        } else {
            assert!(cut < steps.len(), "the journal is gone");
        }
    });
}

/// An error of each kind that a disk gives.
fn errors() -> [io::Error; 3] {
    [
        io::ErrorKind::StorageFull.into(),
        io::ErrorKind::QuotaExceeded.into(),
        io::Error::other("the medium is broken"),
    ]
}

#[test]
fn a_blob_that_could_not_be_stored_is_told_and_stored_the_next_time() {
    for error in errors() {
        for at in 0.. {
            let root = folder();
            let place = root.path().join("blobs");
            let failing = (at, io::Error::new(error.kind(), error.to_string()));
            let store = || Blobs::open(&place)?.put(&content(1));
            let (stored, steps) = trace::record(Some(failing), store);
            let Err(refused) = stored else {
                assert!(at > 4 && steps.len() == at, "every step was failed once");
                break;
            };
            expect_told(&refused, &error, &place);
            assert_eq!(store().unwrap(), BlobHash::of(&content(1)));
            Blobs::open(&place).unwrap().check(|path, _| panic!("{}", path.display())).unwrap();
        }
    }
}

fn expect_told(refused: &BlobError, error: &io::Error, place: &Path) {
    let BlobError::Storage(failure) = refused else {
        panic!("{refused:?}");
    };
    let is_full = matches!(failure, StorageFailure::DiskFull { .. });
    assert_eq!(is_full, error.kind() != io::ErrorKind::Other, "{failure}");
    assert!(failure.to_string().contains(&place.display().to_string()), "{failure}");
}

#[test]
fn a_manifest_that_could_not_be_written_leaves_the_old_one() {
    for error in errors() {
        for at in 0.. {
            let root = folder();
            manifest(1).write(root.path()).unwrap();
            let failing = (at, io::Error::new(error.kind(), error.to_string()));
            let (written, _) = trace::record(Some(failing), || manifest(2).write(root.path()));
            let Err(refused) = written else {
                assert_eq!(at, 4, "every step was failed once");
                break;
            };
            assert!(refused.to_string().contains(MANIFEST_FILE), "{refused}");
            let read = Manifest::read(root.path()).unwrap();
            assert!(read == manifest(1) || read == manifest(2));
            manifest(3).write(root.path()).unwrap();
            assert_eq!(Manifest::read(root.path()).unwrap(), manifest(3));
            assert_eq!(std::fs::read_dir(root.path()).unwrap().count(), 1, "nothing is left over");
        }
    }
}
