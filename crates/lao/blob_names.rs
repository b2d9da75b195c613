//! Which blobs a run names: told by its journal, by its process, or by the bytes of a journal that
//! cannot be read.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::PathBuf,
    time::{Duration, SystemTime},
};

use lao_cli::{
    CliError, ExitCode,
    render::{GcReport, KeptRun},
};
use lao_event::{Content, Event};
use lao_gateway::{ClientError, live};
use lao_history::{HistoryError, RunFolder, StoredEvent, for_each_event};
use lao_journal::{
    BlobFile, BlobHash, Blobs, JOURNAL_FILE, OpenError, StorageFailure, blob_files, collectable,
    named_in_bytes, remove_blob,
};
use lao_protocol::EventView;
use serde_json::Value;

use crate::project::Project;

/// How long a blob is kept that no run names: whoever stored it may be about to name it.
const GRACE: Duration = Duration::from_hours(24);

/// Blobs that a journal names, each with the position of the first event that does.
pub(crate) type NamedBlobs = BTreeMap<BlobHash, u64>;

/// Notes the blobs that an event names.
pub(crate) fn note(event: &Event, seq: u64, named: &mut NamedBlobs) {
    event.clone().visit_contents(&mut |content| {
        if let Content::Blob { hash, size_bytes: _ } = content {
            named.entry(BlobHash::from_bytes(hash.0)).or_insert(seq);
        }
    });
}

/// The blobs that a journal names; an error where not all of it can be understood.
pub(crate) fn of_journal(reader: &lao_journal::Reader) -> Result<NamedBlobs, HistoryError> {
    let mut named = NamedBlobs::new();
    for_each_event(reader, 1, |stored| match stored {
        StoredEvent::Known(published) => {
            note(&published.event, published.seq, &mut named);
            Ok(())
        }
        StoredEvent::Unknown { seq, .. } => Err(HistoryError::Unknown { seq }),
    })?;
    Ok(named)
}

/// What is known of the blobs of a run.
pub(crate) enum Named {
    /// These, and no others.
    Exactly(BTreeSet<BlobHash>),
    /// The journal cannot be read: what stands in its bytes may be named.
    InBytes {
        /// Why.
        why: String,
    },
    /// Nothing is known: all blobs may be.
    Unknown {
        /// Why.
        why: String,
    },
}

/// What is known of the blobs of a run.
pub(crate) async fn of_run(folder: &RunFolder) -> Named {
    match folder.reader() {
        Ok(reader) => match of_journal(&reader) {
            Ok(named) => Named::Exactly(named.into_keys().collect()),
            Err(error) => Named::InBytes { why: error.to_string() },
        },
        Err(OpenError::Held { .. }) => match of_process(folder).await {
            Ok(named) => Named::Exactly(named),
            Err(why) => Named::Unknown { why },
        },
        Err(
            error @ (OpenError::Missing { .. }
            | OpenError::NewerFormat(_)
            | OpenError::Damaged(_)
            | OpenError::Storage(_)),
        ) => Named::InBytes { why: error.to_string() },
    }
}

/// What a process tells of the events so far. Blobs of later ones are young.
async fn of_process(folder: &RunFolder) -> Result<BTreeSet<BlobHash>, String> {
    let held = || "another process works on it and cannot be asked".to_owned();
    let client = live(folder).await.map_err(|error| error.to_string())?;
    let mut client = client.ok_or_else(held)?;
    let mut named = BTreeSet::new();
    let visit = |event: EventView| {
        hashes_in(&event.data, &mut named);
        if event.data.is_null() {
            Err(ClientError::Refused { message: event.text })
        } else {
            Ok(())
        }
    };
    client.events(1, visit).await.map_err(|error| error.to_string())?;
    Ok(named)
}

/// Every text that is the name of a blob.
fn hashes_in(value: &Value, named: &mut BTreeSet<BlobHash>) {
    match value {
        Value::String(text) => named.extend(text.parse::<BlobHash>().ok()),
        Value::Array(items) => items.iter().for_each(|item| hashes_in(item, named)),
        Value::Object(fields) => fields.values().for_each(|item| hashes_in(item, named)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// What the journals of a project name.
pub(crate) struct Marks {
    /// By run.
    pub runs: Vec<(RunFolder, Named)>,
}

impl Marks {
    pub(crate) async fn new(project: &Project) -> Result<Self, CliError> {
        let mut runs = Vec::new();
        for folder in project.list()? {
            let named = of_run(&folder).await;
            runs.push((folder, named));
        }
        Ok(Self { runs })
    }

    /// The blobs that nothing names when the runs of `gone` are no more, and what is not known.
    pub(crate) fn collectable(
        &self,
        project: &Project,
        gone: &BTreeSet<PathBuf>,
    ) -> Result<(Vec<BlobFile>, Vec<KeptRun>), CliError> {
        let folder = project.runs().root().join("blobs");
        if !folder.is_dir() {
            return Ok((Vec::new(), Vec::new()));
        }
        let blobs = Blobs::open(&folder)
            .map_err(|error| CliError::from_error(ExitCode::Internal, &error))?;
        let stays = || self.runs.iter().filter(|(folder, _)| !gone.contains(&folder.path));
        let mut named = BTreeSet::new();
        let mut unsure = Vec::new();
        for (folder, of_run) in stays() {
            match of_run {
                Named::Exactly(blobs) => named.extend(blobs.iter().copied()),
                Named::InBytes { why } | Named::Unknown { why } => {
                    unsure.push(KeptRun { run: folder.run.to_string(), why: why.clone() });
                }
            }
        }
        if stays().any(|(_, of_run)| matches!(of_run, Named::Unknown { .. })) {
            return Ok((Vec::new(), unsure));
        }
        let mut files = collectable(blob_files(&blobs).map_err(|e| storage(&e))?, &named, before());
        let among: BTreeSet<BlobHash> = files.iter().filter_map(|file| file.hash).collect();
        for (folder, of_run) in stays() {
            let kept = in_bytes(folder, of_run, &among).map_err(|error| storage(&error))?;
            files.retain(|file| file.hash.is_none_or(|hash| !kept.contains(&hash)));
        }
        Ok((files, unsure))
    }
}

/// The blobs that may be named by the bytes of a run's unreadable journals, the damaged ones that a
/// repair has put aside among them.
fn in_bytes(
    folder: &RunFolder,
    named: &Named,
    among: &BTreeSet<BlobHash>,
) -> Result<BTreeSet<BlobHash>, StorageFailure> {
    let mut kept = BTreeSet::new();
    let aside = format!("{JOURNAL_FILE}.damaged-");
    for entry in fs::read_dir(&folder.path).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let is_journal = name == JOURNAL_FILE && !matches!(named, Named::Exactly(_));
        let is_aside = name.as_encoded_bytes().starts_with(aside.as_bytes());
        if is_journal || is_aside {
            kept.extend(named_in_bytes(&entry.path(), among)?);
        }
    }
    Ok(kept)
}

/// What was stored before this may go.
fn before() -> SystemTime {
    SystemTime::now().checked_sub(GRACE).unwrap_or(SystemTime::UNIX_EPOCH)
}

/// Removes blobs, or says what would go.
pub(crate) fn collect(
    (files, unsure): (Vec<BlobFile>, Vec<KeptRun>),
    mode: Mode,
) -> Result<GcReport, CliError> {
    let (mut blobs, mut size_bytes) = (0, 0);
    for file in files {
        let goes = match mode {
            Mode::Tell => true,
            Mode::Remove => remove_blob(&file, before()).map_err(|error| storage(&error))?,
        };
        if goes {
            blobs += 1;
            size_bytes += file.bytes;
        }
    }
    Ok(GcReport { removed: mode == Mode::Remove, blobs, size_bytes, unsure })
}

/// Whether things are removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// It is only said what would go.
    Tell,
    Remove,
}

impl Mode {
    /// From `--yes`.
    pub(crate) const fn when(yes: bool) -> Self {
        if yes { Self::Remove } else { Self::Tell }
    }
}

fn storage(error: &StorageFailure) -> CliError {
    CliError::from_error(ExitCode::Internal, error)
}
