//! The stream of one workflow's triggers: a journal of the same kind as a run's, one writer at a time.
//!
//! Whatever is decided is durable before it is returned, so a caller may act on it at once. Blocking:
//! every decision is one commit with one sync. After an error of the journal nothing more can be put
//! into the stream; it is dropped and opened again.

use std::{
    path::{Path, PathBuf},
    time::Instant,
};

use lao_event::{
    Hash, RunId,
    codec::{self, DecodeError, EncodeError},
    latest::{
        FilesPassedOver, TriggerCause, TriggerEnded, TriggerEvent, TriggerFired, TriggerOutcome,
    },
};
use lao_journal::{
    AppendError, CreateError, Draft, Genesis, JOURNAL_FILE, Journal, Manifest, ManifestError,
    OpenError, Options, ReadError, Reader, make_folder,
};

use crate::{
    decide::{Due, FoundFile, Triggers},
    rules::Rules,
    state::{TriggerInconsistency, TriggerState},
};

/// The most stamps of one event.
pub const STAMPS_PER_EVENT_MAX: usize = 10_000;

/// The longest name of a stream's folder, in bytes.
const NAME_BYTES_MAX: usize = 80;

/// What a workflow is when its triggers are taken up.
#[derive(Debug, Clone)]
pub struct Opening {
    /// Its file, relative to the project.
    pub workflow: String,
    /// The hash of its text.
    pub text: Hash,
    /// The program and its version.
    pub program: String,
    /// What it asks for.
    pub rules: Rules,
}

/// A stream could not be opened, read or written.
#[derive(Debug, thiserror::Error)]
pub enum StreamError {
    /// Another process watches.
    #[error(
        "the triggers in {} are held by {}: only one process may start a workflow's runs; stop that \
         one first", folder.display(), holder(*pid)
    )]
    Held {
        /// The stream's folder.
        folder: PathBuf,
        /// That process, where its manifest says so.
        pid: Option<u32>,
    },
    /// The folder cannot be made.
    #[error("the folder {} cannot be made", folder.display())]
    Folder {
        /// The stream's folder.
        folder: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It cannot be made.
    #[error(transparent)]
    Create(CreateError),
    /// It cannot be opened.
    #[error(transparent)]
    Open(OpenError),
    /// It cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// It cannot be written.
    #[error(transparent)]
    Append(#[from] AppendError),
    /// The file for people beside it cannot be written.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// An event is too large, such as one with a path of a megabyte.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// An event was written by a newer program, or makes no sense.
    #[error("event {seq} of the triggers in {} cannot be read", folder.display())]
    Decode {
        /// The stream's folder.
        folder: PathBuf,
        /// Its position.
        seq: u64,
        /// Why.
        source: DecodeError,
    },
    /// An event cannot follow those before it.
    #[error("event {seq} of the triggers in {} does not follow from those before it", folder.display())]
    Inconsistent {
        /// The stream's folder.
        folder: PathBuf,
        /// Its position; one after the last for an event that was not written.
        seq: u64,
        /// Why.
        source: TriggerInconsistency,
    },
}

fn holder(pid: Option<u32>) -> String {
    pid.map_or_else(|| "another process".to_owned(), |pid| format!("process {pid}"))
}

/// The folder of a workflow's stream within `.lao/triggers/`: its name where that is plain, and
/// otherwise what is plain of it, with a part of its hash.
pub fn folder_name(workflow: &str) -> String {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
    let begins_well = workflow.starts_with(|letter: char| letter.is_ascii_alphanumeric());
    if begins_well && workflow.len() <= NAME_BYTES_MAX && workflow.chars().all(is_plain) {
        return workflow.to_owned();
    }
    let plain = workflow.chars().map(|letter| if is_plain(letter) { letter } else { '-' });
    let plain: String = plain.take(NAME_BYTES_MAX - 9).collect();
    let hash = Hash::of(workflow.as_bytes()).short();
    format!("{}-{hash}", plain.trim_start_matches(['-', '.', '_']))
        .trim_start_matches('-')
        .to_owned()
}

/// The one writer of a workflow's stream, and its triggers as they are.
pub struct TriggerStream {
    folder: PathBuf,
    journal: Journal,
    triggers: Triggers,
    opened: Instant,
}

impl TriggerStream {
    /// Opens the stream in `folder`, or makes it, and notes who takes the triggers up.
    ///
    /// # Errors
    ///
    /// [`StreamError::Held`] where another process has it open.
    pub fn open(
        folder: &Path,
        opening: Opening,
        now_ms: i64,
        options: &Options,
    ) -> Result<Self, StreamError> {
        let Opening { workflow, text, program, rules } = opening;
        let is_new = !folder.join(JOURNAL_FILE).exists();
        let (journal, state) = if is_new {
            let started = serde_json::json!({ "program": program, "workflow": workflow });
            let genesis =
                Genesis { run: workflow.clone(), started: started.to_string().into_bytes() };
            make_folder(folder)
                .map_err(|source| StreamError::Folder { folder: folder.to_path_buf(), source })?;
            let journal = Journal::create(folder, genesis, options)
                .map_err(|error| create_error(error, folder))?;
            (journal, TriggerState::new())
        } else {
            let journal =
                Journal::open(folder, options).map_err(|error| open_error(error, folder))?;
            let state = fold(&journal.reader(), folder)?;
            (journal, state)
        };
        let triggers = Triggers::new(state, rules);
        let event = triggers.opening(workflow.clone(), text, program, now_ms);
        let folder = folder.to_path_buf();
        let mut stream = Self { folder, journal, triggers, opened: Instant::now() };
        stream.put(&[event.into()], now_ms)?;
        write_manifest(&stream.folder, &workflow, now_ms)?;
        Ok(stream)
    }

    /// Reads a stream that no process has open.
    ///
    /// # Errors
    ///
    /// [`StreamError::Held`] where a process has it open.
    pub fn look(folder: &Path, options: &Options) -> Result<TriggerState, StreamError> {
        let reader = Reader::open(folder, options).map_err(|error| open_error(error, folder))?;
        fold(&reader, folder)
    }

    /// What the stream says.
    pub fn state(&self) -> &TriggerState {
        self.triggers.state()
    }

    /// Takes up a workflow whose text changed, without closing the stream.
    pub fn change(&mut self, opening: Opening, now_ms: i64) -> Result<(), StreamError> {
        let Opening { workflow, text, program, rules } = opening;
        self.triggers.change(rules);
        let event = self.triggers.opening(workflow, text, program, now_ms);
        self.put(&[event.into()], now_ms)
    }

    /// Notes which files are in a folder before it is watched for the first time, so that none of
    /// them sets anything off. All of them in one commit.
    pub fn pass_over(
        &mut self,
        folder: &str,
        recursive: bool,
        stamps: &[Hash],
        now_ms: i64,
    ) -> Result<(), StreamError> {
        let event = |stamps: &[Hash]| {
            FilesPassedOver { folder: folder.to_owned(), recursive, stamps: stamps.to_vec() }.into()
        };
        let mut events: Vec<TriggerEvent> =
            stamps.chunks(STAMPS_PER_EVENT_MAX).map(event).collect();
        if events.is_empty() {
            events.push(event(&[]));
        }
        self.put(&events, now_ms)
    }

    /// A file stopped growing. The firing whose run is to be started, or `None` where its content has
    /// been seen or has to wait.
    pub fn file_settled(
        &mut self,
        file: FoundFile,
        now_ms: i64,
        new_run: &mut dyn FnMut() -> RunId,
    ) -> Result<Option<TriggerFired>, StreamError> {
        match self.triggers.file_settled(file) {
            Some(cause) => self.fire(cause, now_ms, new_run()).map(Some),
            None => Ok(None),
        }
    }

    /// Somebody asks for a run.
    pub fn manual(&mut self, now_ms: i64, run: RunId) -> Result<TriggerFired, StreamError> {
        self.fire(TriggerCause::Manual, now_ms, run)
    }

    /// The firings that are due at `now_ms`; what is missed is noted. Ask again at
    /// [`Triggers::next_due_ms`], which may be at once.
    pub fn due(
        &mut self,
        now_ms: i64,
        new_run: &mut dyn FnMut() -> RunId,
    ) -> Result<Vec<TriggerFired>, StreamError> {
        let mut next = self.state().next_number()..;
        let mut events = Vec::new();
        let mut fired = Vec::new();
        for due in self.triggers.due(now_ms) {
            match due {
                Due::Miss(missed) => events.push(missed.into()),
                Due::Fire(cause) => {
                    let number = next.next().expect("numbers do not run out");
                    let firing = TriggerFired { number, cause, run: new_run() };
                    events.push(firing.clone().into());
                    fired.push(firing);
                }
            }
        }
        if !events.is_empty() {
            self.put(&events, now_ms)?;
        }
        Ok(fired)
    }

    /// A run is over: its firing ends, and files that waited for its place are fired. A firing that is
    /// not open is an error.
    pub fn ended(
        &mut self,
        number: u64,
        outcome: TriggerOutcome,
        now_ms: i64,
        new_run: &mut dyn FnMut() -> RunId,
    ) -> Result<Vec<TriggerFired>, StreamError> {
        self.put(&[TriggerEnded { number, outcome }.into()], now_ms)?;
        let mut fired = Vec::new();
        while let Some(cause) = self.triggers.next_waiting() {
            fired.push(self.fire(cause, now_ms, new_run())?);
        }
        Ok(fired)
    }

    /// When [`TriggerStream::due`] has something to say next; see [`Triggers::next_due_ms`].
    pub fn next_due_ms(&self) -> Option<i64> {
        self.triggers.next_due_ms()
    }

    /// Closes the stream and notes that nobody has it open. Without it the manifest names a process
    /// that is gone, which does no harm.
    pub fn close(self) -> Result<(), StreamError> {
        let Self { folder, journal, triggers: _, opened: _ } = self;
        let mut manifest = Manifest::read(&folder)?;
        manifest.pid = None;
        manifest.write(&folder)?;
        drop(journal);
        Ok(())
    }

    fn fire(
        &mut self,
        cause: TriggerCause,
        now_ms: i64,
        run: RunId,
    ) -> Result<TriggerFired, StreamError> {
        let fired = TriggerFired { number: self.state().next_number(), cause, run };
        self.put(&[fired.clone().into()], now_ms)?;
        Ok(fired)
    }

    /// Makes events durable, in one commit, and folds them. The events of one decision name the first
    /// of them as their cause, as a run's do.
    fn put(&mut self, events: &[TriggerEvent], now_ms: i64) -> Result<(), StreamError> {
        let first_seq = self.journal.head().seq + 1;
        let monotonic_ns = u64::try_from(self.opened.elapsed().as_nanos()).unwrap_or(u64::MAX);
        let mut drafts = Vec::with_capacity(events.len());
        for (event, seq) in events.iter().zip(first_seq..) {
            let encoded = codec::encode_trigger(event)?;
            drafts.push(Draft {
                event_type: encoded.event_type,
                schema_version: encoded.schema_version,
                flags: 0,
                wall_time_ms: now_ms,
                monotonic_ns,
                cause: if seq == first_seq { 0 } else { first_seq },
                payload: encoded.payload,
            });
        }
        // Folded before they are written: an event that cannot follow must not get to the disk, where
        // no later opening could fold it. If the commit fails, the journal refuses all that follows,
        // and what is in memory is worthless.
        for (event, seq) in events.iter().zip(first_seq..) {
            let evolved = self.triggers.evolve(event);
            assert!(
                evolved.is_ok() || seq == first_seq,
                "events that were decided together follow each other: {evolved:?}"
            );
            evolved.map_err(|source| self.inconsistent(seq, source))?;
        }
        self.journal.append(&drafts)?;
        Ok(())
    }

    fn inconsistent(&self, seq: u64, source: TriggerInconsistency) -> StreamError {
        StreamError::Inconsistent { folder: self.folder.clone(), seq, source }
    }
}

fn fold(reader: &Reader, folder: &Path) -> Result<TriggerState, StreamError> {
    let mut state = TriggerState::new();
    reader.for_each(1, |record| {
        let header = record.header;
        let (folder, seq) = (folder.to_path_buf(), header.seq);
        match codec::decode_trigger(header.event_type, header.schema_version, record.payload) {
            Ok(event) => state.evolve(&event).map_err(|source| StreamError::Inconsistent {
                folder,
                seq,
                source,
            }),
            Err(source) => Err(StreamError::Decode { folder, seq, source }),
        }
    })?;
    Ok(state)
}

fn held(folder: &Path) -> StreamError {
    let pid = Manifest::read(folder).ok().and_then(|manifest| manifest.pid);
    StreamError::Held { folder: folder.to_path_buf(), pid }
}

fn open_error(error: OpenError, folder: &Path) -> StreamError {
    match error {
        OpenError::Held { path: _ } => held(folder),
        error @ (OpenError::Missing { .. }
        | OpenError::NewerFormat(_)
        | OpenError::Damaged(_)
        | OpenError::Storage(_)) => StreamError::Open(error),
    }
}

/// Another process may be making the stream, or have made it just now.
fn create_error(error: CreateError, folder: &Path) -> StreamError {
    match error {
        CreateError::Held { path: _ } | CreateError::Exists { path: _ } => held(folder),
        error @ (CreateError::Storage(_) | CreateError::Damaged(_)) => StreamError::Create(error),
    }
}

/// Says in the manifest who has the stream open.
fn write_manifest(folder: &Path, workflow: &str, now_ms: i64) -> Result<(), ManifestError> {
    let mut manifest = Manifest::read(folder).unwrap_or_else(|_| {
        Manifest::new(workflow.to_owned(), format!("Triggers of {workflow}"), now_ms)
    });
    manifest.pid = Some(std::process::id());
    manifest.write(folder)
}
