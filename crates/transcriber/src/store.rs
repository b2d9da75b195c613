//! The whisper models of this machine: one folder, in it each model's file and what is known of it.
//!
//! ```text
//!   ROOT/whisper/NAME.bin    the model
//!   ROOT/whisper/NAME.json   its size, hash, origin and parameters
//! ```
//!
//! A file comes in whole or not at all: it is checked, copied under another name, synced and
//! renamed; its description comes first, so that a model without one is never used. Before each
//! use it is compared with its description.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Read, Write},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::SystemTime,
};

use serde::{Deserialize, Serialize};
use sha1_smol::Sha1;
use thiserror::Error;

use crate::{
    model_file::{self, ModelFault, Parameters},
    protocol::ModelFile,
    published,
};

/// The most bytes of a name.
const NAME_BYTES_MAX: usize = 64;
/// The most bytes of a description.
const DESCRIPTION_BYTES_MAX: u64 = 64 * 1024;
const COPY_BYTES: usize = 1024 * 1024;
/// Ends the name of a copy that is not whole yet.
const PARTIAL: &str = "partial";

/// What to fetch where there is no model.
const FETCH_HINT: &str = "fetch a model file such as ggml-base.bin of whisper.cpp, from the \
     repository ggerganov/whisper.cpp on Hugging Face, and add it: lao models add whisper FILE";

/// The models of this machine.
#[derive(Debug)]
pub struct ModelStore {
    folder: PathBuf,
    /// Files that were found as described, as they were then.
    verified: Mutex<BTreeMap<PathBuf, (Stamp, Description)>>,
}

/// A model of the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredModel {
    /// Its name.
    pub name: String,
    /// Its file.
    pub path: PathBuf,
    /// What is known of it.
    pub description: Description,
}

/// What is known of a model, as it stands in its JSON file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Description {
    /// Its size.
    pub size_bytes: u64,
    /// Its BLAKE3 hash, in hexadecimal digits.
    pub blake3: String,
    /// When it was added, in milliseconds since 1970.
    pub added_ms: u64,
    /// The name of the file that was added.
    pub source: String,
    /// Which of the models that whisper.cpp publishes it is, byte by byte: `base`, say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published: Option<String>,
    /// Which model it is.
    pub parameters: Parameters,
}

/// What a file was like when it was last compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    size_bytes: u64,
    modified: Option<SystemTime>,
}

/// Why the store did not do what it was asked.
#[derive(Debug, Error)]
pub enum StoreError {
    /// A name cannot be that of a file everywhere.
    #[error(
        "`{name}` is no name for a model: letters, digits, `.`, `-` and `_` only, at most \
         {NAME_BYTES_MAX}, and a letter or digit first"
    )]
    Name {
        /// The name.
        name: String,
    },
    /// There is such a model already.
    #[error("a model named `{name}` is there already; remove it first, or choose another name")]
    Exists {
        /// The name.
        name: String,
    },
    /// There is no such model.
    #[error("no whisper model is named `{name}`; {known}{FETCH_HINT}")]
    Missing {
        /// The name.
        name: String,
        /// Which there are, as the beginning of a sentence.
        known: String,
    },
    /// A file is no model.
    #[error("{} is refused: {fault}", path.display())]
    Refused {
        /// The file.
        path: PathBuf,
        /// Why.
        fault: ModelFault,
    },
    /// A file has the name of a published model and is not that.
    #[error(
        "{} is refused: it is not what whisper.cpp publishes under this name (its SHA-1 is {sha1}, \
         and {published} is expected): fetch it again, or give a model of your own another file name",
        path.display()
    )]
    NotAsPublished {
        /// The file.
        path: PathBuf,
        /// Its SHA-1, in hexadecimal digits.
        sha1: String,
        /// The SHA-1 of what is published.
        published: &'static str,
    },
    /// A file is not what it was when it was added.
    #[error(
        "the model `{name}` is not what was added ({difference}): remove it with `lao models \
         remove whisper {name}`, and add it again"
    )]
    Changed {
        /// The name.
        name: String,
        /// How it differs.
        difference: String,
    },
    /// A file could not be read or written.
    #[error("{}: {cause}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        cause: io::Error,
    },
}

impl ModelStore {
    /// The store under the folder of all models; nothing is read or made yet.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        let folder = root.into().join("whisper");
        Self { folder, verified: Mutex::default() }
    }

    /// The folder with the models.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Checks a file and takes a copy of it under a name.
    pub fn add(&self, file: &Path, name: &str) -> Result<StoredModel, StoreError> {
        check_name(name)?;
        let path = self.path(name);
        if path.exists() {
            return Err(StoreError::Exists { name: name.to_owned() });
        }
        let refused = |fault| StoreError::Refused { path: file.to_owned(), fault };
        model_file::check(file).map_err(refused)?;
        fs::create_dir_all(&self.folder).map_err(at(&self.folder))?;
        let partial = Partial(path.with_extension(format!("{}.{PARTIAL}", std::process::id())));
        let Copied { size_bytes, blake3, sha1 } = copy(file, &partial.0)?;
        // The copy is what will be used, and the file may have changed under our hands.
        let parameters = model_file::check(&partial.0).map_err(refused)?;
        if let Some(published) = published::sha1_of(file)
            && published != sha1
        {
            return Err(StoreError::NotAsPublished { path: file.to_owned(), sha1, published });
        }
        let published = published::by_sha1(&sha1).map(str::to_owned);
        let source = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let added_ms = now_ms();
        let description =
            Description { size_bytes, blake3, added_ms, source, published, parameters };
        self.write_description(name, &description)?;
        fs::rename(&partial.0, &path).map_err(at(&path))?;
        sync_folder(&self.folder)?;
        Ok(StoredModel { name: name.to_owned(), path, description })
    }

    /// The models, by name. One whose description cannot be read is an error in its place.
    pub fn list(&self) -> Result<Vec<Result<StoredModel, StoreError>>, StoreError> {
        Ok(self.names()?.iter().map(|name| self.describe(name)).collect())
    }

    /// What is known of a model.
    pub fn describe(&self, name: &str) -> Result<StoredModel, StoreError> {
        check_name(name)?;
        let path = self.path(name);
        if !path.is_file() {
            return Err(self.missing(name));
        }
        let description = self.read_description(name)?;
        Ok(StoredModel { name: name.to_owned(), path, description })
    }

    /// Deletes a model.
    pub fn remove(&self, name: &str) -> Result<(), StoreError> {
        check_name(name)?;
        let path = self.path(name);
        if !path.is_file() {
            return Err(self.missing(name));
        }
        fs::remove_file(&path).map_err(at(&path))?;
        let description = self.description_path(name);
        match fs::remove_file(&description) {
            Err(cause) if cause.kind() != io::ErrorKind::NotFound => {
                Err(StoreError::Io { path: description, cause })
            }
            Ok(()) | Err(_) => sync_folder(&self.folder),
        }
    }

    /// A model to use, after a comparison with its description. It reads the whole file, unless
    /// this store has done so before and size and time of the file are the same.
    pub fn verify(&self, name: &str) -> Result<ModelFile, StoreError> {
        let StoredModel { name, path, description } = self.describe(name)?;
        let stamp = Stamp::of(&path)?;
        if !self.is_verified(&path, stamp, &description) {
            compare(&name, &path, &description)?;
            let mut verified = self.verified.lock().unwrap_or_else(PoisonError::into_inner);
            verified.insert(path.clone(), (stamp, description.clone()));
        }
        let path = fs::canonicalize(&path).map_err(at(&path))?;
        let path = path.into_os_string().into_string().map_err(|path| StoreError::Io {
            path: path.into(),
            cause: io::Error::other("the path is not UTF-8"),
        })?;
        let Description { size_bytes, blake3, .. } = description;
        Ok(ModelFile { name, path, size_bytes, blake3 })
    }

    fn is_verified(&self, path: &Path, stamp: Stamp, description: &Description) -> bool {
        let verified = self.verified.lock().unwrap_or_else(PoisonError::into_inner);
        // A time that the system does not tell proves nothing.
        stamp.modified.is_some()
            && verified
                .get(path)
                .is_some_and(|(then, as_described)| *then == stamp && as_described == description)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.bin"))
    }

    fn description_path(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.json"))
    }

    fn names(&self) -> Result<Vec<String>, StoreError> {
        let entries = match fs::read_dir(&self.folder) {
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(at(&self.folder))?,
        };
        let mut names = Vec::new();
        for entry in entries {
            let file = entry.map_err(at(&self.folder))?.file_name();
            let name = file.to_str().and_then(|file| file.strip_suffix(".bin"));
            names.extend(name.filter(|name| check_name(name).is_ok()).map(str::to_owned));
        }
        names.sort();
        Ok(names)
    }

    fn missing(&self, name: &str) -> StoreError {
        let names = self.names().unwrap_or_default();
        let known = if names.is_empty() {
            "there is none yet: ".to_owned()
        } else {
            format!("there are: {}; or ", names.join(", "))
        };
        StoreError::Missing { name: name.to_owned(), known }
    }

    fn read_description(&self, name: &str) -> Result<Description, StoreError> {
        let path = self.description_path(name);
        let changed = |difference: &str| StoreError::Changed {
            name: name.to_owned(),
            difference: difference.to_owned(),
        };
        let file = match File::open(&path) {
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => {
                return Err(changed("its description is gone"));
            }
            file => file.map_err(at(&path))?,
        };
        let mut text = Vec::new();
        file.take(DESCRIPTION_BYTES_MAX).read_to_end(&mut text).map_err(at(&path))?;
        serde_json::from_slice(&text).map_err(|_| changed("its description cannot be read"))
    }

    fn write_description(&self, name: &str, description: &Description) -> Result<(), StoreError> {
        let path = self.description_path(name);
        let partial = Partial(path.with_extension(format!("json.{PARTIAL}")));
        let mut json = serde_json::to_vec_pretty(description).expect("its keys are texts");
        json.push(b'\n');
        let mut file = File::create(&partial.0).map_err(at(&partial.0))?;
        file.write_all(&json).and_then(|()| file.sync_all()).map_err(at(&partial.0))?;
        fs::rename(&partial.0, &path).map_err(at(&path))
    }
}

/// The name that a file suggests: `base` for `ggml-base.bin`.
pub fn suggested_name(file: &Path) -> Option<String> {
    let stem = file.file_stem()?.to_str()?;
    let name = stem.strip_prefix("ggml-").unwrap_or(stem);
    check_name(name).is_ok().then(|| name.to_owned())
}

/// Compares a file with what is known of it.
fn compare(name: &str, path: &Path, description: &Description) -> Result<(), StoreError> {
    let changed = |difference| StoreError::Changed { name: name.to_owned(), difference };
    let mut file = File::open(path).map_err(at(path))?;
    let size_bytes = file.metadata().map_err(at(path))?.len();
    if size_bytes != description.size_bytes {
        let was = description.size_bytes;
        return Err(changed(format!("{size_bytes} bytes instead of {was}")));
    }
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(&mut file).map_err(at(path))?;
    if hasher.finalize().to_hex().as_str() != description.blake3 {
        return Err(changed("another hash".to_owned()));
    }
    Ok(())
}

fn check_name(name: &str) -> Result<(), StoreError> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
    let is_name = name.len() <= NAME_BYTES_MAX
        && name.bytes().next().is_some_and(|first| first.is_ascii_alphanumeric())
        && name.bytes().all(allowed);
    is_name.then_some(()).ok_or_else(|| StoreError::Name { name: name.to_owned() })
}

/// A file as it was copied; hashes in hexadecimal digits.
struct Copied {
    size_bytes: u64,
    blake3: String,
    sha1: String,
}

/// Copies a file and syncs the copy.
fn copy(from: &Path, to: &Path) -> Result<Copied, StoreError> {
    let mut source = File::open(from).map_err(at(from))?;
    let mut target = File::create(to).map_err(at(to))?;
    let (mut blake3, mut sha1) = (blake3::Hasher::new(), Sha1::new());
    let mut buffer = vec![0; COPY_BYTES];
    let mut size_bytes = 0;
    loop {
        let read = source.read(&mut buffer).map_err(at(from))?;
        if read == 0 {
            break;
        }
        blake3.update(&buffer[..read]);
        sha1.update(&buffer[..read]);
        target.write_all(&buffer[..read]).map_err(at(to))?;
        size_bytes += u64::try_from(read).expect("a buffer is small");
    }
    target.sync_all().map_err(at(to))?;
    let blake3 = blake3.finalize().to_hex().to_string();
    Ok(Copied { size_bytes, blake3, sha1: sha1.digest().to_string() })
}

/// A file that is deleted unless it got its real name.
struct Partial(PathBuf);

impl Drop for Partial {
    fn drop(&mut self) {
        // It is gone where it was renamed.
        fs::remove_file(&self.0).ok();
    }
}

impl Stamp {
    fn of(path: &Path) -> Result<Self, StoreError> {
        let metadata = fs::metadata(path).map_err(at(path))?;
        Ok(Self { size_bytes: metadata.len(), modified: metadata.modified().ok() })
    }
}

/// A folder that cannot be opened as a file, as on some systems, is as durable as it gets.
fn sync_folder(folder: &Path) -> Result<(), StoreError> {
    File::open(folder).map_or(Ok(()), |folder| folder.sync_all()).map_err(at(folder))
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> StoreError {
    let path = path.to_owned();
    move |cause| StoreError::Io { path, cause }
}

fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
