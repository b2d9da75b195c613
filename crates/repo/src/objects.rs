//! Objects: built in memory, stored together, durable before anything names them.
//!
//! libgit2 syncs each object and its folder one after the other, two waits for the disk per
//! object. Here all files are written and synced side by side, then renamed, then all their
//! folders are synced side by side: two waits whatever the number, and the file system joins
//! what waits at the same time.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeSet,
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
    process,
    sync::atomic::{AtomicU64, Ordering},
};

use flate2::{Compress, Compression, FlushCompress, Status};
use git2::{Commit, Mempack, ObjectType, Odb, Oid, Repository, Signature, Tree, TreeBuilder};

use crate::{
    error::CommitError,
    parallel::each,
    platform::{create_read_only, sync_folder},
};

/// The memory backend is asked before the ones on disk.
const MEMORY_PRIORITY: i32 = 1000;
/// Contents kept in memory before they are stored, in bytes.
const PENDING_BYTES_MAX: usize = 32 << 20;

/// The objects of one commit.
pub(crate) struct Objects<'r> {
    repository: &'r Repository,
    odb: &'r Odb<'r>,
    memory: Mempack<'r>,
    pending: RefCell<BTreeSet<Oid>>,
    pending_bytes: Cell<usize>,
}

impl<'r> Objects<'r> {
    /// Directs what `repository` writes into memory; `odb` is its object database.
    pub(crate) fn new(repository: &'r Repository, odb: &'r Odb<'r>) -> Result<Self, git2::Error> {
        Ok(Self {
            repository,
            odb,
            memory: odb.add_new_mempack_backend(MEMORY_PRIORITY)?,
            pending: RefCell::default(),
            pending_bytes: Cell::new(0),
        })
    }

    /// A file's content, byte for byte.
    pub(crate) fn blob(&self, bytes: &[u8]) -> Result<Oid, CommitError> {
        let id = self.repository.blob(bytes).map_err(|source| self.git("store a file", source))?;
        self.note(id);
        self.pending_bytes.set(self.pending_bytes.get() + bytes.len());
        if self.pending_bytes.get() > PENDING_BYTES_MAX {
            self.store()?;
        }
        Ok(id)
    }

    /// Starts a folder from what it was.
    pub(crate) fn folder(&self, base: Option<&Tree<'_>>) -> Result<TreeBuilder<'r>, git2::Error> {
        self.repository.treebuilder(base)
    }

    /// A folder.
    pub(crate) fn tree(&self, builder: &TreeBuilder<'_>) -> Result<Oid, git2::Error> {
        let id = builder.write()?;
        self.note(id);
        Ok(id)
    }

    /// A tree by its id.
    pub(crate) fn find_tree(&self, id: Oid) -> Result<Tree<'r>, git2::Error> {
        self.repository.find_tree(id)
    }

    /// A commit that nothing points to yet.
    pub(crate) fn commit(
        &self,
        author: &Signature<'_>,
        message: &str,
        tree: &Tree<'_>,
        parent: Option<&Commit<'_>>,
    ) -> Result<Oid, git2::Error> {
        let parents: Vec<&Commit<'_>> = parent.into_iter().collect();
        let id = self.repository.commit(None, author, author, message, tree, &parents)?;
        self.note(id);
        Ok(id)
    }

    fn note(&self, id: Oid) {
        self.pending.borrow_mut().insert(id);
    }

    /// Stores everything made so far. Durable when it returns.
    pub(crate) fn store(&self) -> Result<(), CommitError> {
        let ids = std::mem::take(&mut *self.pending.borrow_mut());
        let folder = self.repository.commondir().join("objects");
        let mut deflater = Deflater::new();
        let mut loose = Vec::new();
        for id in ids {
            let object = self.odb.read(id).map_err(|source| self.git("read an object", source))?;
            let file = deflater.file_of(object.kind(), object.data());
            loose.push(Loose::new(&folder, id, file));
        }
        store_all(&folder, &loose).map_err(|source| CommitError::Io { path: folder, source })?;
        self.pending_bytes.set(0);
        self.memory.reset().map_err(|source| self.git("release memory", source))
    }

    fn git(&self, action: &'static str, source: git2::Error) -> CommitError {
        CommitError::Git { action, path: self.repository.path().to_owned(), source }
    }
}

/// An object as a file of its own.
struct Loose {
    folder: PathBuf,
    path: PathBuf,
    temporary: PathBuf,
    content: Vec<u8>,
}

/// Compresses one object after the other in the same memory, which is what costs.
struct Deflater(Compress);

impl Deflater {
    fn new() -> Self {
        Self(Compress::new(Compression::fast(), true))
    }

    /// The content of an object's file.
    fn file_of(&mut self, kind: ObjectType, data: &[u8]) -> Vec<u8> {
        let header = format!("{} {}\0", kind.str(), data.len());
        self.0.reset();
        let mut file = Vec::with_capacity(data.len() / 2 + 128);
        self.push(header.as_bytes(), FlushCompress::None, &mut file);
        self.push(data, FlushCompress::Finish, &mut file);
        file
    }

    fn push(&mut self, mut bytes: &[u8], flush: FlushCompress, file: &mut Vec<u8>) {
        loop {
            let before = self.0.total_in();
            let status = self.0.compress_vec(bytes, file, flush).expect("zlib takes any bytes");
            let taken = usize::try_from(self.0.total_in() - before).expect("a part of a slice");
            bytes = &bytes[taken..];
            match status {
                Status::StreamEnd => return,
                Status::Ok | Status::BufError => {
                    if flush == FlushCompress::None && bytes.is_empty() {
                        return;
                    }
                    file.reserve(bytes.len() / 2 + 128);
                }
            }
        }
    }
}

impl Loose {
    fn new(objects: &Path, id: Oid, content: Vec<u8>) -> Self {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let name = id.to_string();
        let folder = objects.join(&name[..2]);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        Self {
            path: folder.join(&name[2..]),
            // By this name git's own clean-up finds what a crash leaves.
            temporary: objects.join(format!("tmp_obj_lao_{}_{number}", process::id())),
            folder,
            content,
        }
    }

    fn write(&self) -> io::Result<()> {
        if self.path.exists() {
            return fs::File::open(&self.path)?.sync_all();
        }
        match fs::remove_file(&self.temporary) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
        let mut file = create_read_only(&self.temporary)?;
        file.write_all(&self.content)?;
        file.sync_all()
    }

    fn publish(&self) -> io::Result<()> {
        match fs::rename(&self.temporary, &self.path) {
            // It was there already.
            Err(error) if error.kind() == io::ErrorKind::NotFound && self.path.exists() => Ok(()),
            renamed => renamed,
        }
    }
}

fn store_all(objects: &Path, loose: &[Loose]) -> io::Result<()> {
    let mut folders = BTreeSet::new();
    let mut made = Vec::new();
    for object in loose {
        if folders.insert(object.folder.clone()) && !object.folder.is_dir() {
            made.push(&object.folder);
        }
    }
    each(loose, Loose::write)?;
    for folder in &made {
        fs::create_dir_all(folder)?;
    }
    for object in loose {
        object.publish()?;
    }
    let mut folders: Vec<PathBuf> = folders.into_iter().collect();
    if !made.is_empty() {
        folders.push(objects.to_owned());
    }
    each(&folders, |folder| sync_folder(folder))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_stored_is_read_by_git() {
        let folder = tempfile::TempDir::new().unwrap();
        let repository = Repository::init(folder.path()).unwrap();
        let big = vec![b'x'; PENDING_BYTES_MAX / 2 + 1];
        let noise: Vec<u8> = (0..100_000_u32)
            .map(|number| number.wrapping_mul(2_654_435_761).to_be_bytes()[0])
            .collect();
        let contents: [&[u8]; 6] = [b"", b"a", b"a", b"\0\r\n", &noise, &big];
        let ids: Vec<Oid> = {
            let odb = repository.odb().unwrap();
            let objects = Objects::new(&repository, &odb).unwrap();
            let ids = contents.map(|bytes| objects.blob(bytes).unwrap()).to_vec();
            assert!(
                !repository.commondir().join("objects").join(&ids[0].to_string()[..2]).exists()
            );
            // More than may be kept in memory is stored on the way.
            let mut more = big.clone();
            more.push(b'y');
            let more = objects.blob(&more).unwrap();
            assert!(Repository::open(folder.path()).unwrap().find_blob(more).is_ok());
            objects.store().unwrap();
            ids
        };
        let fresh = Repository::open(folder.path()).unwrap();
        for (id, bytes) in ids.iter().zip(contents) {
            assert_eq!(fresh.find_blob(*id).unwrap().content(), bytes);
        }
        let left = fs::read_dir(fresh.path().join("objects")).unwrap();
        let temporary = left.filter(|entry| {
            let name = entry.as_ref().unwrap().file_name();
            name.to_string_lossy().starts_with("tmp_")
        });
        assert_eq!(temporary.count(), 0);
    }
}
