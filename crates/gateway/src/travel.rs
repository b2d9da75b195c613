//! Going through a run's past: the run at any of its events, and the events worth a jump.

use lao_event::{
    Content, Event,
    latest::{
        ActionOutcome, CommandOutcome, FileWriteOutcome, ModelOutcome, StepOutcome, ToolOutcome,
        ToolVerdict, Verdict,
    },
};
use lao_history::{
    Contents, HistoryError, Recorded, RunFolder, StoredEvent, for_each_event, for_each_event_to,
};
use lao_journal::Reader;
use lao_protocol::{
    ContentView, EventView, FileChangeView, FindingView, MarksView, MomentView, StepView,
};
use lao_replay::{FilesError, files_at};

use crate::view::{RunView, finding};

/// The longest file that a moment shows, in bytes.
const FILE_BYTES_MAX: u64 = 256 * 1024;

/// A run's past.
pub struct Travel<'a> {
    /// The run.
    pub folder: &'a RunFolder,
    /// Its journal.
    pub reader: &'a Reader,
    /// Its texts.
    pub contents: &'a Contents,
}

/// A moment cannot be shown.
#[derive(Debug, thiserror::Error)]
pub enum TravelError {
    /// There is no such event.
    #[error("there is no event {at}: the journal has events 1 to {last}")]
    OutOfRange {
        /// The position that was asked for.
        at: u64,
        /// The last there is.
        last: u64,
    },
    /// The journal cannot be read.
    #[error(transparent)]
    History(#[from] HistoryError),
    /// Its files cannot be told.
    #[error(transparent)]
    Files(#[from] FilesError),
}

impl Travel<'_> {
    /// The run as it was after an event.
    pub fn view(&self, at: u64) -> Result<RunView, TravelError> {
        Ok(self.walk_to(at)?.0)
    }

    /// One step as it was after an event, with its inside; `None` when the run had no such step.
    pub fn step(&self, key: &str, at: u64) -> Result<Option<StepView>, TravelError> {
        Ok(self.view(at)?.step(key, self.contents, self.reader)?)
    }

    /// The run at an event, with what the event brought.
    pub fn moment(&self, at: u64) -> Result<MomentView, TravelError> {
        let (view, recorded) = self.walk_to(at)?;
        let event = view.event(&recorded);
        Ok(MomentView {
            at,
            last: self.last()?,
            messages: self.messages(&view, &event)?,
            findings: findings(&recorded.event),
            file: self.file(&view, &recorded)?,
            status: view.status_then(),
            event,
        })
    }

    /// The run after an event, and the event.
    fn walk_to(&self, at: u64) -> Result<(RunView, Recorded), TravelError> {
        let mut view = RunView::new(self.folder.run.clone());
        let mut found = None;
        for_each_event_to(self.reader, at, |stored| match stored {
            StoredEvent::Known(recorded) => {
                let seq = recorded.seq;
                view.apply(&recorded)
                    .map_err(|source| HistoryError::Inconsistent { seq, source })?;
                found = (seq == at).then_some(recorded);
                Ok(())
            }
            StoredEvent::Unknown { seq, .. } => Err(HistoryError::Unknown { seq }),
        })?;
        match found {
            Some(recorded) => Ok((view, recorded)),
            None => Err(TravelError::OutOfRange { at, last: view.last_seq() }),
        }
    }

    /// Position of the last event.
    pub fn last(&self) -> Result<u64, TravelError> {
        Ok(self.reader.head().map_err(HistoryError::from)?.seq)
    }

    fn messages(
        &self,
        view: &RunView,
        event: &EventView,
    ) -> Result<Vec<lao_protocol::MessageView>, TravelError> {
        let Some(key) = &event.step else {
            return Ok(Vec::new());
        };
        let step = view.step(key, self.contents, self.reader)?;
        let messages = step.and_then(|step| step.detail).unwrap_or_default().messages;
        Ok(messages.into_iter().filter(|message| message.seq == event.seq).collect())
    }

    /// The file that a write is about.
    fn file(
        &self,
        view: &RunView,
        recorded: &Recorded,
    ) -> Result<Option<FileChangeView>, TravelError> {
        let content = |at: u64, path: &str| {
            let files = files_at(self.reader, Some(at))?;
            let file = files.files.get(path);
            Ok::<_, FilesError>(file.map(|file| self.content(&file.content)))
        };
        if let Event::FileWriteStarted(started) = &recorded.event {
            let path = started.path.clone();
            let before = content(recorded.seq, &path)?;
            let after = started.after.as_ref().map(|after| self.content(after));
            return Ok(Some(FileChangeView { path, before, after }));
        }
        let Some(path) = view.written(recorded) else {
            return Ok(None);
        };
        let before = content(recorded.cause.max(1), &path)?;
        let after = content(recorded.seq, &path)?;
        Ok(Some(FileChangeView { path, before, after }))
    }

    fn content(&self, content: &Content) -> ContentView {
        let text = (content.size_bytes() <= FILE_BYTES_MAX)
            .then(|| self.contents.text(content).ok())
            .flatten();
        text.map_or_else(
            || ContentView::Blob {
                hash: content.hash().to_string(),
                size_bytes: content.size_bytes(),
            },
            ContentView::Text,
        )
    }

    /// The events worth a jump.
    pub fn marks(&self) -> Result<MarksView, TravelError> {
        let mut marks = MarksView::default();
        for_each_event::<HistoryError>(self.reader, 1, |stored| {
            if let StoredEvent::Known(recorded) = stored {
                note(&mut marks, &recorded);
            }
            Ok(())
        })?;
        Ok(marks)
    }
}

/// What an event found wrong.
fn findings(event: &Event) -> Vec<FindingView> {
    if let Event::ChecksEnded(ended) = event {
        let found = ended.reports.iter().flat_map(|report| &report.findings);
        found.map(|found| finding("verifier", found)).collect()
    } else if let Event::ReviewGiven(given) = event {
        given.findings.iter().map(|found| finding("reviewer", found)).collect()
    } else {
        Vec::new()
    }
}

fn note(marks: &mut MarksView, recorded: &Recorded) {
    let seq = recorded.seq;
    if matches!(recorded.event, Event::StepStarted(_) | Event::StepEnded(_)) {
        marks.steps.push(seq);
    }
    if has_failed(&recorded.event) {
        marks.failures.push(seq);
    }
    if let Event::FileWriteEnded(ended) = &recorded.event
        && matches!(ended.outcome, FileWriteOutcome::Written | FileWriteOutcome::AlreadyWritten)
    {
        marks.files.push(seq);
    }
}

/// Whether an event says that something did not go as it should.
fn has_failed(event: &Event) -> bool {
    match event {
        Event::StepEnded(ended) => matches!(ended.outcome, StepOutcome::Failed { .. }),
        Event::ModelCallEnded(ended) => matches!(ended.outcome, ModelOutcome::Failed(_)),
        Event::ToolDecided(decided) => !matches!(decided.verdict, ToolVerdict::Allowed { .. }),
        Event::ToolCallEnded(ended) => ended.outcome == ToolOutcome::Failed,
        Event::FileWriteEnded(ended) => matches!(
            ended.outcome,
            FileWriteOutcome::Conflict { .. } | FileWriteOutcome::Failed { .. }
        ),
        Event::CommandEnded(ended) => ended.outcome != CommandOutcome::Exited { code: 0 },
        Event::ChecksEnded(ended) => ended.reports.iter().any(|report| !report.findings.is_empty()),
        Event::ActionEnded(ended) => matches!(ended.outcome, ActionOutcome::Failed { .. }),
        Event::ReviewGiven(given) => given.verdict != Verdict::Approved,
        Event::StepTimedOut(_)
        | Event::AnswerRejected(_)
        | Event::EffectsLost(_)
        | Event::StepParked(_)
        | Event::RunStopping(_) => true,
        Event::RunStarted(_)
        | Event::RunResumed(_)
        | Event::RunForked(_)
        | Event::RunStopped(_)
        | Event::RunEnded(_)
        | Event::StepsAdded(_)
        | Event::StepStarted(_)
        | Event::StepRetried(_)
        | Event::ModelCallStarted(_)
        | Event::ToolCallStarted(_)
        | Event::FileWriteStarted(_)
        | Event::CommandStarted(_)
        | Event::TodoSet(_)
        | Event::ChecksStarted(_)
        | Event::WorkspaceStarted(_)
        | Event::WorkspaceEnded(_)
        | Event::CommitStarted(_)
        | Event::CommitEnded(_)
        | Event::StepLooked(_)
        | Event::ActionStarted(_)
        | Event::OutputSet(_)
        | Event::QuestionAsked(_)
        | Event::QuestionAnswered(_) => false,
    }
}
