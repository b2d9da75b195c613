//! What a commit contains: announced files checked against their hashes, trail files, and what
//! else changed. Contents are stored byte for byte, past every filter.

use std::{
    collections::BTreeMap,
    fs::{self, File, Metadata},
    io::{self, ErrorKind, Read as _},
    path::Path,
};

use git2::{Repository, Tree};
use lao_event::{Hash, latest::CommitPath};
use lao_port::{CommitRequest, TrailText};

use crate::{
    dirty::{self, Dirty, Untracked},
    error::CommitError,
    objects::Objects,
    place,
    platform::{MODE_FILE, MODE_LINK, file_mode, link_bytes},
    tree::{Edit, Edits, Leaf, leaf_at},
};

/// Gathers the edits of a commit, and the stat data of the files they were read from.
pub(crate) struct Changes<'a> {
    repository: &'a Repository,
    objects: &'a Objects<'a>,
    root: &'a Path,
    base: Option<&'a Tree<'a>>,
    modes: Modes,
    pub(crate) edits: Edits,
    pub(crate) stats: BTreeMap<String, Metadata>,
}

/// Where the executable bit of a file is looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Modes {
    OnDisk,
    InTree,
}

impl<'a> Changes<'a> {
    /// Everything `request` wants in the commit after `base`. `root` is the work tree's folder.
    pub(crate) fn gather(
        repository: &'a Repository,
        objects: &'a Objects<'a>,
        root: &'a Path,
        base: Option<&'a Tree<'a>>,
        request: &CommitRequest,
    ) -> Result<Self, CommitError> {
        let on_disk =
            repository.config().and_then(|config| config.get_bool("core.filemode")).unwrap_or(true);
        let mut changes = Self {
            repository,
            objects,
            root,
            base,
            modes: if on_disk { Modes::OnDisk } else { Modes::InTree },
            edits: Edits::new(),
            stats: BTreeMap::new(),
        };
        for path in &request.paths {
            changes.announced(path)?;
        }
        if request.sweep {
            changes.sweep(&Dirty::new(&request.dirty))?;
        }
        for file in &request.trail {
            changes.trail(file)?;
        }
        Ok(changes)
    }

    fn announced(&mut self, announced: &CommitPath) -> Result<(), CommitError> {
        let CommitPath { path, hash } = announced;
        match hash {
            Some(hash) => self.written(path, *hash),
            None => self.deleted(path),
        }
    }

    fn written(&mut self, path: &str, hash: Hash) -> Result<(), CommitError> {
        let changed = || CommitError::Changed { path: path.to_owned() };
        let real = place::of_file(self.root, path)?.ok_or_else(changed)?;
        let on_disk = self.root.join(&real);
        let (bytes, metadata) = match read(&on_disk) {
            Ok(found) => found,
            Err(error) if is_missing(&error) => return Err(changed()),
            Err(source) => {
                return Err(CommitError::Io { path: on_disk, source });
            }
        };
        if Hash::of(&bytes) != hash {
            return Err(changed());
        }
        self.add(real, &bytes, metadata)
    }

    fn deleted(&mut self, path: &str) -> Result<(), CommitError> {
        let real = place::of_name(self.root, path)?;
        match fs::symlink_metadata(self.root.join(&real)) {
            Ok(metadata) if !metadata.is_dir() => {
                Err(CommitError::Reappeared { path: path.to_owned() })
            }
            Ok(_) | Err(_) => {
                self.edits.insert(real, Edit::Remove);
                Ok(())
            }
        }
    }

    /// The trail's text goes in whatever is on disk: the file there follows after the commit.
    fn trail(&mut self, file: &TrailText) -> Result<(), CommitError> {
        let TrailText { path, text } = file;
        let real = place::of_name(self.root, path)?;
        let id = self.objects.blob(text.as_bytes())?;
        self.stats.remove(&real);
        let mode = MODE_FILE;
        self.edits.insert(real, Edit::Write(Leaf { id, mode }));
        Ok(())
    }

    fn sweep(&mut self, dirty: &Dirty<'_>) -> Result<(), CommitError> {
        let changed = dirty::changed(self.repository, Untracked::EachFile)
            .map_err(|source| self.git("compare the work tree with the last commit", source))?;
        for path in changed {
            // A path that still ends in `/` is a repository of its own.
            let excluded =
                path.ends_with('/') || self.edits.contains_key(&path) || dirty.contains(&path);
            if !excluded {
                self.as_on_disk(path)?;
            }
        }
        Ok(())
    }

    fn as_on_disk(&mut self, path: String) -> Result<(), CommitError> {
        let on_disk = self.root.join(&path);
        let failed = |source| CommitError::Io { path: on_disk.clone(), source };
        let metadata = match fs::symlink_metadata(&on_disk) {
            Ok(metadata) => metadata,
            Err(error) if is_missing(&error) => {
                self.edits.insert(path, Edit::Remove);
                return Ok(());
            }
            Err(source) => return Err(failed(source)),
        };
        if metadata.is_symlink() {
            let target = fs::read_link(&on_disk).map_err(failed)?;
            let id = self.objects.blob(&link_bytes(&target))?;
            let mode = MODE_LINK;
            self.edits.insert(path.clone(), Edit::Write(Leaf { id, mode }));
            self.stats.insert(path, metadata);
        } else if metadata.is_file() {
            let (bytes, metadata) = read(&on_disk).map_err(failed)?;
            self.add(path, &bytes, metadata)?;
        } else if metadata.is_dir() && !self.is_submodule(&path) {
            self.edits.insert(path, Edit::Remove);
        }
        Ok(())
    }

    fn is_submodule(&self, path: &str) -> bool {
        const MODE_SUBMODULE: u32 = 0o160_000;
        leaf_at(self.base, path).is_some_and(|leaf| leaf.mode == MODE_SUBMODULE)
    }

    fn add(&mut self, path: String, bytes: &[u8], metadata: Metadata) -> Result<(), CommitError> {
        let known = leaf_at(self.base, &path).map(|leaf| leaf.mode);
        let mode = match self.modes {
            Modes::OnDisk => file_mode(&metadata, known),
            Modes::InTree => known.unwrap_or(MODE_FILE),
        };
        let id = self.objects.blob(bytes)?;
        self.edits.insert(path.clone(), Edit::Write(Leaf { id, mode }));
        self.stats.insert(path, metadata);
        Ok(())
    }

    fn git(&self, action: &'static str, source: git2::Error) -> CommitError {
        CommitError::Git { action, path: self.root.to_owned(), source }
    }
}

/// The stat data is taken before the bytes, so that a change in between shows.
fn read(path: &Path) -> io::Result<(Vec<u8>, Metadata)> {
    let mut file = File::open(path)?;
    let metadata = file.metadata()?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok((bytes, metadata))
}

/// Gone, or a folder now, or below what is a file now.
fn is_missing(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory | ErrorKind::IsADirectory)
}
