//! Runs that no process works on, read from their folders.

use lao_history::{Contents, FolderError, HistoryError, RunFolder, StoredEvent, for_each_event};
use lao_journal::{Manifest, OpenError, Reader};
use lao_protocol::{
    EventView, ParentView, Reply, Request, RunStatus, RunStatusCode, RunSummary, StepCounts,
};

use serde::{Deserialize, Serialize};

use crate::{client, narrator::Narrator, view::RunView};

/// Label of the manifest: BLAKE3 of the plan, by which it is known.
pub const LABEL_PLAN_HASH: &str = "plan_hash";

/// Label of the manifest: the file the run came from, relative to the project.
pub const LABEL_SOURCE: &str = "source";

/// Label of the manifest: the run it was branched off, the position and the chain hash there.
pub const LABEL_PARENT: &str = "parent";

/// Label of the manifest of a run that ended: what listings show of it besides, so that they need
/// not read its journal.
const LABEL_ENDED: &str = "ended";

/// Label of a workflow's run in its manifest: what makes it the same as another.
pub const LABEL_FLOW_HASH: &str = "flow_hash";

/// What [`LABEL_ENDED`] holds.
#[derive(Debug, Serialize, Deserialize)]
struct Ended {
    /// Position of the last event; the label of an earlier end is of no use.
    last_seq: u64,
    /// When the first event happened.
    started_ms: i64,
    /// When the last one did.
    last_event_ms: i64,
    /// The run's tasks, counted.
    tasks: StepCounts,
    /// The run it was branched off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    parent: Option<ParentView>,
}

/// A run cannot be looked at.
#[derive(Debug, thiserror::Error)]
pub enum ViewError {
    /// Its journal cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// Its journal cannot be read.
    #[error(transparent)]
    Replay(#[from] HistoryError),
}

/// A run as its journal tells.
pub fn view(folder: &RunFolder) -> Result<RunView, ViewError> {
    view_of(folder, &folder.reader()?)
}

/// A run with one step's inside; `None` when it has no step of that name.
pub fn step(
    folder: &RunFolder,
    key: &str,
    contents: &Contents,
) -> Result<Option<lao_protocol::StepView>, ViewError> {
    let reader = folder.reader()?;
    Ok(view_of(folder, &reader)?.step(key, contents, &reader)?)
}

fn view_of(folder: &RunFolder, reader: &Reader) -> Result<RunView, ViewError> {
    let mut view =
        RunView::from_snapshot(folder, reader).unwrap_or_else(|| RunView::new(folder.run.clone()));
    for_each_event(reader, view.last_seq() + 1, |stored| match stored {
        StoredEvent::Known(published) => {
            let seq = published.seq;
            view.apply(&published).map_err(|source| HistoryError::Inconsistent { seq, source })
        }
        StoredEvent::Unknown { seq, .. } => Err(HistoryError::Unknown { seq }),
    })?;
    Ok(view)
}

/// Shows a run's events from a position on (the first is 1), those of newer programs included.
pub fn events<E: From<ViewError>>(
    folder: &RunFolder,
    from: u64,
    mut visit: impl FnMut(EventView) -> Result<(), E>,
) -> Result<(), E> {
    enum Stop<E> {
        Read(HistoryError),
        Visit(E),
    }
    impl<E> From<HistoryError> for Stop<E> {
        fn from(error: HistoryError) -> Self {
            Self::Read(error)
        }
    }
    let reader = folder.reader().map_err(ViewError::from)?;
    let mut narrator = Narrator::new();
    // Words need what came before.
    let walked = for_each_event(&reader, 1, |stored| {
        if seq_of(&stored) < from {
            narrator.note_stored(&stored);
            Ok(())
        } else {
            visit(narrator.view_stored(&stored)).map_err(Stop::Visit)
        }
    });
    match walked {
        Ok(()) => Ok(()),
        Err(Stop::Read(error)) => Err(ViewError::from(error).into()),
        Err(Stop::Visit(error)) => Err(error),
    }
}

fn seq_of(stored: &StoredEvent) -> u64 {
    match stored {
        StoredEvent::Known(published) => published.seq,
        StoredEvent::Unknown { seq, .. } => *seq,
    }
}

/// A run on one line, whether a process works on it or not. What cannot be read is
/// [`RunStatusCode::Unreadable`], with the reason as its title.
pub async fn summary(folder: &RunFolder) -> RunSummary {
    let manifest = folder.manifest().ok();
    if let Some(summary) = manifest.as_ref().and_then(from_seal) {
        return summary;
    }
    let asked = match view(folder) {
        Ok(view) => return view.summary(None),
        Err(ViewError::Open(OpenError::Held { .. })) => ask(folder).await,
        Err(error) => Err(error.to_string()),
    };
    asked.unwrap_or_else(|reason| unreadable(folder, manifest.as_ref(), reason))
}

/// Asks the process that works on a run.
async fn ask(folder: &RunFolder) -> Result<RunSummary, String> {
    let client = client::live(folder).await.map_err(|error| error.to_string())?;
    let Some(mut client) = client else {
        return Err("another process works on it and cannot be asked".to_owned());
    };
    match client.request(&Request::Status).await {
        Ok(Reply::Status(status)) => Ok(status.summary),
        Ok(_) => Err("the process that works on it gave another answer".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

/// A run that ended, as its manifest tells, where it tells enough.
fn from_seal(manifest: &Manifest) -> Option<RunSummary> {
    let seal = manifest.sealed.as_ref()?;
    let status = match seal.outcome.as_str() {
        "succeeded" => RunStatusCode::Succeeded,
        "failed" => RunStatusCode::Failed,
        "cancelled" => RunStatusCode::Cancelled,
        _ => return None,
    };
    let ended = manifest.other.get(LABEL_ENDED)?;
    let ended: Ended = serde_json::from_value(ended.clone()).ok()?;
    if ended.last_seq != seal.last_seq {
        return None;
    }
    Some(RunSummary {
        run: manifest.run.clone(),
        kind: kind(Some(manifest)).to_owned(),
        title: manifest.title.clone(),
        source: source(manifest),
        status,
        started_ms: ended.started_ms,
        last_event_ms: ended.last_event_ms,
        pid: None,
        tasks: ended.tasks,
        parent: ended.parent,
    })
}

/// What a run executes, as its labels tell.
fn kind(manifest: Option<&Manifest>) -> &'static str {
    let is_flow = manifest.is_some_and(|manifest| manifest.other.contains_key(LABEL_FLOW_HASH));
    if is_flow { "workflow" } else { "plan" }
}

fn source(manifest: &Manifest) -> String {
    let source = manifest.other.get(LABEL_SOURCE);
    source.and_then(|source| source.as_str()).unwrap_or_default().to_owned()
}

fn unreadable(folder: &RunFolder, manifest: Option<&Manifest>, reason: String) -> RunSummary {
    let created_ms = manifest.map_or(0, |manifest| manifest.created_ms);
    RunSummary {
        run: folder.run.as_str().to_owned(),
        kind: kind(manifest).to_owned(),
        title: reason,
        source: manifest.map(source).unwrap_or_default(),
        status: RunStatusCode::Unreadable,
        started_ms: created_ms,
        last_event_ms: created_ms,
        pid: manifest.and_then(|manifest| manifest.pid),
        tasks: StepCounts::default(),
        parent: None,
    }
}

/// Notes in the manifest of a run that ended what listings show of it, so that they need not
/// read its journal. Does nothing for a run that has not ended.
pub fn remember(folder: &RunFolder, status: &RunStatus) -> Result<(), FolderError> {
    let mut manifest = folder.manifest()?;
    if manifest.sealed.is_none() {
        return Ok(());
    }
    let ended = Ended {
        last_seq: status.events,
        started_ms: status.summary.started_ms,
        last_event_ms: status.summary.last_event_ms,
        tasks: status.summary.tasks,
        parent: status.summary.parent.clone(),
    };
    let ended = serde_json::to_value(ended).expect("counts are plain JSON");
    if manifest.other.get(LABEL_ENDED) == Some(&ended) {
        return Ok(());
    }
    manifest.other.insert(LABEL_ENDED.to_owned(), ended);
    manifest.write(&folder.path)?;
    Ok(())
}
