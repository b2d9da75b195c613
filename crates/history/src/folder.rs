//! Where runs lie: `.lao/runs/<run>/`, beside the project's blobs in `.lao/blobs/`.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use lao_event::RunId;
use lao_journal::{BlobError, Blobs, JOURNAL_FILE, Manifest, ManifestError, Options, Reader};

use crate::Contents;

/// A project's `.lao/` folder.
#[derive(Debug, Clone)]
pub struct RunsFolder {
    root: PathBuf,
}

/// One run's folder.
#[derive(Debug, Clone)]
pub struct RunFolder {
    /// The run.
    pub run: RunId,
    /// `.lao/runs/<run>`.
    pub path: PathBuf,
}

/// A folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// The system refuses.
    #[error("cannot use {}", path.display())]
    Io {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The blob store refuses.
    #[error(transparent)]
    Blobs(#[from] BlobError),
    /// A manifest cannot be read or written.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
}

impl RunsFolder {
    /// The folder of a project, which need not exist yet.
    pub fn new(lao_folder: impl Into<PathBuf>) -> Self {
        Self { root: lao_folder.into() }
    }

    /// `.lao/`.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The project's texts.
    pub fn contents(&self) -> Result<Contents, FolderError> {
        let folder = self.root.join("blobs");
        create(&folder)?;
        Ok(Contents::new(Blobs::open(&folder)?))
    }

    /// The folder of a run, which need not exist.
    pub fn run(&self, run: &RunId) -> RunFolder {
        RunFolder { run: run.clone(), path: self.root.join("runs").join(run.as_str()) }
    }

    /// Every run that has a journal, oldest first.
    pub fn list(&self) -> Result<Vec<RunFolder>, FolderError> {
        let folder = self.root.join("runs");
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(source) => {
                return Err(FolderError::Io { path: folder, source });
            }
        };
        let mut runs = Vec::new();
        for entry in entries {
            let entry = entry.map_err(|source| FolderError::Io { path: folder.clone(), source })?;
            let name = entry.file_name();
            let Some(Ok(run)) = name.to_str().map(str::parse::<RunId>) else {
                continue;
            };
            let path = entry.path();
            if path.join(JOURNAL_FILE).exists() {
                runs.push(RunFolder { run, path });
            }
        }
        runs.sort_by(|a, b| a.run.cmp(&b.run));
        Ok(runs)
    }
}

impl RunFolder {
    /// There is a journal in it.
    pub fn exists(&self) -> bool {
        self.path.join(JOURNAL_FILE).exists()
    }

    /// Makes the folder.
    pub fn create(&self) -> Result<(), FolderError> {
        create(&self.path)
    }

    /// What is known without opening the journal.
    pub fn manifest(&self) -> Result<Manifest, FolderError> {
        Ok(Manifest::read(&self.path)?)
    }

    /// Opens the journal for reading; fails while another process works on the run.
    pub fn reader(&self) -> Result<Reader, lao_journal::OpenError> {
        Reader::open(&self.path, &Options::default())
    }
}

/// Durably: what is acknowledged in a folder is lost with the folder's name.
fn create(folder: &Path) -> Result<(), FolderError> {
    lao_journal::make_folder(folder)
        .map_err(|source| FolderError::Io { path: folder.to_owned(), source })
}
