//! The small readable file beside a journal: what a person, or `lao runs`, sees without opening it.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::chain::{ChainHash, Head};
use crate::error::StorageFailure;
use crate::folder;

/// Name of the manifest in a run's folder.
pub const MANIFEST_FILE: &str = "run.json";

/// Version of the manifest's fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ManifestFormat(u16);

impl ManifestFormat {
    /// What this program writes, and the newest it reads.
    pub const LATEST: Self = Self(1);

    /// Refuses a manifest that this program does not know.
    fn check_readable(self, path: &Path) -> Result<(), ManifestError> {
        if self > Self::LATEST {
            let path = path.to_path_buf();
            return Err(ManifestError::Newer { path, found: self.0, readable: Self::LATEST.0 });
        }
        Ok(())
    }
}

/// What is known of a run without opening its journal. Keys this program does not know are kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// Version of these fields.
    pub format: ManifestFormat,
    /// The run's id, the same as in the journal.
    pub run: String,
    /// One line for people.
    pub title: String,
    /// When the run was made, milliseconds since the Unix epoch.
    pub created_ms: i64,
    /// The process that runs it, or ran it last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pid: Option<u32>,
    /// Where that process listens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub socket: Option<PathBuf>,
    /// Set at a clean end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sealed: Option<Seal>,
    /// Keys of newer programs, written back as they were.
    #[serde(flatten)]
    pub other: BTreeMap<String, serde_json::Value>,
}

/// The end of a run, for a journal that will not grow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seal {
    /// Chain hash of the last record, in hexadecimal.
    #[serde(serialize_with = "to_hex", deserialize_with = "from_hex")]
    pub head: ChainHash,
    /// Sequence number of the last record.
    pub last_seq: u64,
    /// How the run ended, in the words of whoever ran it; the log does not interpret it.
    pub outcome: String,
}

/// A manifest could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// There is none.
    #[error("there is no manifest at {}", path.display())]
    Missing {
        /// The manifest.
        path: PathBuf,
    },
    /// A newer LAO wrote it.
    #[error("{} has format {found}, this LAO reads up to {readable}: upgrade LAO to open the run", path.display())]
    Newer {
        /// The manifest.
        path: PathBuf,
        /// Format in the file.
        found: u16,
        /// Newest format read.
        readable: u16,
    },
    /// It is not a manifest.
    #[error("{} is not a run's manifest: {source}; the journal beside it is not concerned", path.display())]
    Unreadable {
        /// The manifest.
        path: PathBuf,
        /// Where and why.
        source: serde_json::Error,
    },
    /// The disk or the system refused.
    #[error(transparent)]
    Storage(#[from] StorageFailure),
}

/// Read alone where the rest cannot be, since the other fields of a newer format may differ.
#[derive(Deserialize)]
struct FormatOnly {
    format: ManifestFormat,
}

impl Manifest {
    /// The manifest of a run that begins.
    pub fn new(run: String, title: String, created_ms: i64) -> Self {
        Self {
            format: ManifestFormat::LATEST,
            run,
            title,
            created_ms,
            pid: None,
            socket: None,
            sealed: None,
            other: BTreeMap::new(),
        }
    }

    /// Reads the manifest in the run's folder `dir`.
    pub fn read(dir: &Path) -> Result<Self, ManifestError> {
        let path = dir.join(MANIFEST_FILE);
        let bytes = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(ManifestError::Missing { path });
            }
            Err(error) => return Err(StorageFailure::new(&path, error).into()),
        };
        let unreadable = |source| ManifestError::Unreadable { path: path.clone(), source };
        match serde_json::from_slice::<Self>(&bytes) {
            Ok(manifest) => manifest.format.check_readable(&path).map(|()| manifest),
            Err(error) => {
                let only: FormatOnly = serde_json::from_slice(&bytes).map_err(unreadable)?;
                only.format.check_readable(&path)?;
                Err(unreadable(error))
            }
        }
    }

    /// Writes the manifest into the run's folder `dir`, durably; a reader sees the old or the new.
    pub fn write(&self, dir: &Path) -> Result<(), ManifestError> {
        let path = dir.join(MANIFEST_FILE);
        let mut json = serde_json::to_vec_pretty(self)
            .map_err(|source| ManifestError::Unreadable { path: path.clone(), source })?;
        json.push(b'\n');
        folder::replace_file(dir, MANIFEST_FILE, &json)
            .map_err(|error| StorageFailure::new(&path, error))?;
        Ok(())
    }

    /// Marks the clean end of the run at `head`: nobody runs it any more.
    pub fn seal(&mut self, head: Head, outcome: String) {
        self.sealed = Some(Seal { head: head.hash, last_seq: head.seq, outcome });
        self.pid = None;
        self.socket = None;
    }
}

fn to_hex<S: Serializer>(hash: &ChainHash, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&hash.to_hex())
}

fn from_hex<'de, D: Deserializer<'de>>(deserializer: D) -> Result<ChainHash, D::Error> {
    let hex = String::deserialize(deserializer)?;
    ChainHash::from_hex(&hex)
        .ok_or_else(|| serde::de::Error::custom("a hash has 64 hexadecimal digits"))
}
