//! Taking a run up and leaving it: journal and manifest. Blocking.

use lao_event::latest::RunOutcome;
use lao_history::{
    Contents, FolderError, HistoryError, RunFolder, Snapshot, Stamp, fold_after, recorded,
};
use lao_journal::{Appender, Draft, Genesis, Journal, Manifest, Options, Reader};
use lao_kernel::{Command, RunPhase, State};
use lao_port::Clock;

use super::handle::{Begin, BeginError, Finish, RunSpec, Shared};

/// A run as it was when it was taken up, and the command that takes it up.
pub(super) struct Opened {
    pub appender: Appender,
    pub state: State,
    pub last_seq: u64,
    pub command: Command,
}

/// Opens or makes the journal.
pub(super) fn open(shared: &Shared, begin: Begin) -> Result<Opened, BeginError> {
    let spec = &shared.spec;
    // A rebuilt run finds the journal of the one before it still open.
    shared.close_journal();
    let opened = match begin {
        Begin::Start(start) => {
            spec.folder.create()?;
            let started = serde_json::json!({ "program": start.program, "seed": start.seed });
            let genesis = Genesis {
                run: start.run.as_str().to_owned(),
                started: started.to_string().into_bytes(),
            };
            let journal = Journal::create(&spec.folder.path, genesis, &spec.journal)?;
            write_manifest(spec, Some(start.definition.title()))?;
            (journal, State::new(), 0, Command::Start(start))
        }
        Begin::Resume { settings, retry } => {
            let journal = Journal::open(&spec.folder.path, &spec.journal)?;
            let (state, last_seq) = folded(&spec.folder, &journal.reader())?;
            write_manifest(spec, None)?;
            let program = spec.program.clone();
            (journal, state, last_seq, Command::Resume { program, settings, retry })
        }
    };
    let (journal, state, last_seq, command) = opened;
    let appender =
        Appender::spawn(journal).map_err(|error| BeginError::Actors(error.to_string()))?;
    *shared.appender.lock().expect("nothing panics while it is held") = Some(appender.clone());
    Ok(Opened { appender, state, last_seq, command })
}

/// The state, and the position of its last event.
fn folded(folder: &RunFolder, reader: &Reader) -> Result<(State, u64), HistoryError> {
    let base = Snapshot::read(folder, reader);
    let base = base.map_or_else(|| (0, State::new()), |snapshot| (snapshot.seq, snapshot.state));
    let mut last_seq = base.0;
    let state = fold_after(base, reader, |_, event| last_seq = event.seq)?;
    Ok((state, last_seq))
}

/// Notes a person's word (a cancellation, an answer) in the journal of a run that no process works
/// on. What follows from it begins when the run is resumed. Blocking.
pub fn note(
    folder: &RunFolder,
    contents: &Contents,
    clock: &dyn Clock,
    command: Command,
) -> Result<(), BeginError> {
    let mut journal = Journal::open(&folder.path, &Options::default())?;
    let (mut state, last_seq) = folded(folder, &journal.reader())?;
    let decision = lao_kernel::note(&mut state, command)?;
    let stamp = Stamp { wall_ms: clock.wall_ms(), monotonic_ns: clock.monotonic_ns(), noted: true };
    let drafts: Vec<Draft> = recorded(decision.events, stamp, (last_seq, 0))
        .map(|event| event.draft().expect("events are bounded when decided"))
        .collect();
    contents.put_all(&decision.blobs).map_err(|error| BeginError::Folder(error.into()))?;
    let ack = journal.append(&drafts)?;
    if let Some(RunPhase::Ended(outcome)) = state.run().map(|run| run.phase.clone()) {
        let mut manifest = folder.manifest()?;
        manifest.seal(ack.head, outcome_word(outcome).to_owned());
        manifest.write(&folder.path).map_err(FolderError::from)?;
    }
    Ok(())
}

/// Says in the manifest who works on the run.
fn write_manifest(spec: &RunSpec, title: Option<&str>) -> Result<(), FolderError> {
    let folder = &spec.folder;
    let mut manifest = if let (None, Ok(manifest)) = (title, Manifest::read(&folder.path)) {
        manifest
    } else {
        let title = title.unwrap_or("(the manifest was lost)");
        let created_ms = spec.world.clock.wall_ms();
        Manifest::new(folder.run.as_str().to_owned(), title.to_owned(), created_ms)
    };
    manifest.pid = Some(std::process::id());
    manifest.socket.clone_from(&spec.socket);
    manifest.sealed = None;
    for (key, value) in &spec.labels {
        manifest.other.insert(key.clone(), value.clone());
    }
    manifest.write(&folder.path)?;
    Ok(())
}

/// Closes the journal and notes the end in the manifest.
pub(super) fn leave(shared: &Shared, finish: &Finish) {
    let Some(head) = shared.close_journal() else {
        return;
    };
    let path = &shared.spec.folder.path;
    let Ok(mut manifest) = Manifest::read(path) else {
        // The journal is what counts; the manifest is written anew at the next resume.
        return;
    };
    match finish {
        Finish::Ended(outcome) => manifest.seal(head, outcome_word(*outcome).to_owned()),
        Finish::Stopped(_) | Finish::GaveUp { .. } => {
            manifest.pid = None;
            manifest.socket = None;
        }
    }
    drop(manifest.write(path));
}

/// An outcome as the seal has it.
pub const fn outcome_word(outcome: RunOutcome) -> &'static str {
    match outcome {
        RunOutcome::Succeeded => "succeeded",
        RunOutcome::Failed => "failed",
        RunOutcome::Cancelled => "cancelled",
    }
}
