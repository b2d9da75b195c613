//! A run of this process as clients see it: one view, kept by one task.
//!
//! ```text
//!   RunHandle --notices--> keeper --apply--> RunView (shared)
//!                 ^           |
//!    gap: journal-'           '--broadcast--> Updates (one a client) --gap: journal--> client
//! ```
//!
//! Notices may be missed, events may not: whoever finds a gap in the positions reads it from the
//! journal. The view and the broadcast change under one lock, so that a client that begins to
//! listen knows exactly what it has to read.

use std::{
    cmp::Ordering,
    collections::VecDeque,
    ops::ControlFlow,
    path::PathBuf,
    pin::pin,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use lao_event::RunId;
use lao_history::{
    Contents, HistoryError, Recorded, RunFolder, SnapshotError, StoredEvent, for_each_event,
};
use lao_journal::Reader;
use lao_kernel::{Command, Rejection};
use lao_protocol::{EventView, RunStatus, StepView, Update};
use lao_runtime::{Finish, Notice, RunHandle};
use tokio::sync::{broadcast, watch};

use crate::{
    freezer::Freezer,
    narrator::Narrator,
    offline,
    view::{Live, RunView, read_detail},
};

/// How many updates a slow listener may be behind before it reads from the journal.
pub(crate) const UPDATES_MAX: usize = 256;

/// Events that are read from the journal at once.
const EVENTS_READ_MAX: usize = 256;

/// The pause before a journal is read again that could not be read.
const READ_PAUSE: Duration = Duration::from_millis(50);

/// How often a journal that cannot be read is tried after the run has ended.
const READS_AFTER_END_MAX: u32 = 40;

/// Exit code when the journal cannot be written.
const EXIT_JOURNAL: u8 = 8;

/// Exit code when the run's actor was lost too often.
const EXIT_INTERNAL: u8 = 1;

/// A run of this process as clients see it; cheap to clone.
#[derive(Clone)]
pub struct LiveRun {
    shared: Arc<Shared>,
}

struct Shared {
    handle: RunHandle,
    folder: RunFolder,
    contents: Contents,
    view: Mutex<View>,
    updates: broadcast::Sender<Arc<Update>>,
    /// Position of the last event that the view has seen.
    applied: watch::Sender<u64>,
    /// Closed when the task that keeps the view has ended.
    keeper: watch::Receiver<()>,
}

struct View {
    run: RunView,
    /// How the run left the process.
    finished: Option<Finish>,
    /// [`Update::Finished`] was sent.
    is_told: bool,
}

/// The journal cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum LiveReadError {
    /// It is being opened again, after the run's actor was lost. It passes.
    #[error("the journal of {run} is being opened again: try again")]
    Reopening {
        /// The run.
        run: RunId,
    },
    /// It cannot be opened.
    #[error(transparent)]
    Open(#[from] lao_journal::OpenError),
    /// It cannot be read.
    #[error(transparent)]
    Replay(#[from] HistoryError),
    /// It cannot be copied.
    #[error(transparent)]
    Copy(#[from] lao_journal::RewriteError),
}

impl LiveRun {
    /// Begins to watch a run. Returns when its first event is known, or it has left the process.
    pub async fn observe(handle: RunHandle, folder: RunFolder, contents: Contents) -> Self {
        let view = View { run: RunView::new(handle.id().clone()), finished: None, is_told: false };
        let (kept, keeper) = watch::channel(());
        let live = Self {
            shared: Arc::new(Shared {
                handle,
                folder,
                contents,
                view: Mutex::new(view),
                updates: broadcast::Sender::new(UPDATES_MAX),
                applied: watch::Sender::new(0),
                keeper,
            }),
        };
        let mut applied = live.shared.applied.subscribe();
        let notices = live.shared.handle.subscribe();
        let keeping = keep(live.clone(), notices);
        tokio::spawn(async move {
            keeping.await;
            drop(kept);
        });
        // The sender lives in `live`, so waiting cannot fail.
        drop(applied.wait_for(|seq| *seq > 0).await);
        live
    }

    /// The run.
    pub fn id(&self) -> &RunId {
        self.shared.handle.id()
    }

    /// Position of the last event that is known.
    pub fn last_seq(&self) -> u64 {
        self.view().run.last_seq()
    }

    /// The run as it stands.
    pub fn status(&self) -> RunStatus {
        self.view().status()
    }

    /// One step with its inside; `None` when the run has no step of that name.
    ///
    /// # Errors
    ///
    /// The journal cannot be read.
    pub async fn step(&self, key: &str) -> Result<Option<StepView>, LiveReadError> {
        let Some(mut step) = self.view().run.step_line(key) else {
            return Ok(None);
        };
        let (live, key) = (self.clone(), key.to_owned());
        let reading = move || {
            let contents = &live.shared.contents;
            live.read(|reader| read_detail(&key, contents, (reader, u64::MAX)))
        };
        step.detail = Some(blocking(reading).await??);
        Ok(Some(step))
    }

    /// The keys of the run's steps.
    pub(crate) fn keys(&self) -> Vec<String> {
        self.view().run.keys()
    }

    /// Asks the run for something.
    pub async fn command(&self, command: Command) -> Result<(), Rejection> {
        self.shared.handle.command(command).await
    }

    /// Copies the journal as it is at this moment into a folder that is there, durably.
    pub(crate) async fn backup(&self, folder: PathBuf) -> Result<(), LiveReadError> {
        let live = self.clone();
        let copying = move || live.read(|reader| lao_journal::copy(reader, &folder));
        blocking(move || Ok(copying()?.map(drop)?)).await
    }

    /// Updates from now on.
    pub fn feed(&self) -> Updates {
        let view = self.view();
        self.updates_from(&view, view.run.last_seq() + 1)
    }

    /// Every event from a position on (the first is 1), then updates as they come.
    pub fn follow(&self, from: u64) -> Updates {
        self.updates_from(&self.view(), from.max(1))
    }

    /// The events from a position up to now, a part at a time.
    pub(crate) fn events(&self, from: u64) -> Events {
        Events { live: self.clone(), next: from.max(1), last: self.last_seq(), past: None }
    }

    fn updates_from(&self, view: &View, next: u64) -> Updates {
        let last = view.run.last_seq();
        Updates {
            receiver: self.shared.updates.subscribe(),
            keeper: self.shared.keeper.clone(),
            gap: Events { live: self.clone(), next, last, past: None },
            waiting: VecDeque::new(),
            finished: view.is_told.then(|| Arc::new(Update::Finished(Box::new(view.status())))),
            is_over: false,
            failed_reads: 0,
        }
    }

    fn is_finished(&self) -> bool {
        self.view().finished.is_some()
    }

    fn view(&self) -> MutexGuard<'_, View> {
        self.shared.view.lock().expect("the view is consistent: the run folded the same events")
    }

    /// Shows the journal to `read`: the open one, or, when the run has left the process, the one
    /// on the disk. Blocking.
    fn read<T>(&self, read: impl FnOnce(&Reader) -> T) -> Result<T, LiveReadError> {
        let mut read = Some(read);
        let open = self.shared.handle.read(|reader| {
            let read = read.take().expect("called once");
            read(reader)
        });
        match (open, read) {
            (Some(read), _) => Ok(read),
            // A reader of the file would stand in the way of the actor that opens it again.
            (None, Some(_)) if self.view().finished.is_none() => {
                Err(LiveReadError::Reopening { run: self.id().clone() })
            }
            (None, Some(read)) => Ok(read(&self.shared.folder.reader()?)),
            (None, None) => unreachable!("the handle has called what it was given"),
        }
    }

    /// Reads events from the journal: those of the positions, as many as are read at once.
    async fn stored(&self, from: u64, last: u64) -> Result<Vec<Recorded>, LiveReadError> {
        let live = self.clone();
        blocking(move || Ok(live.read(|reader| stored(reader, from, last))??)).await
    }

    /// The last position that the view knows from a snapshot.
    fn since(&self) -> u64 {
        self.view().run.since()
    }

    /// A narrator that has seen every event before a position.
    async fn narrator_at(&self, next: u64) -> Result<Narrator, LiveReadError> {
        let live = self.clone();
        blocking(move || Ok(live.read(|reader| narrator_at(reader, next))??)).await
    }

    /// Takes the view from the run's snapshot, where there is one.
    async fn thaw(&self) {
        let live = self.clone();
        let reading =
            move || live.read(|reader| RunView::from_snapshot(&live.shared.folder, reader));
        if let Ok(Some(run)) = blocking(reading).await {
            let seq = run.last_seq();
            self.view().run = run;
            self.shared.applied.send_replace(seq);
        }
    }

    /// Keeps a snapshot of the view in the run's folder; its size in bytes. Blocking.
    pub(crate) fn freeze(&self) -> Result<u64, SnapshotError> {
        let view = self.view().run.clone();
        let snapshot = view.into_snapshot();
        let write = |reader: &Reader| snapshot.write(&self.shared.folder, reader);
        self.read(write).unwrap_or(Ok(0))
    }

    /// Applies what the journal has and the view has not. What cannot be read now is read when
    /// the next event shows the gap again.
    async fn catch_up(&self) {
        loop {
            let next = self.last_seq() + 1;
            let Ok(events) = self.stored(next, u64::MAX).await else {
                return;
            };
            if events.is_empty() {
                return;
            }
            for event in events {
                self.apply(&Arc::new(event));
            }
        }
    }

    /// Applies an event and tells who listens, unless it is known or there is a gap before it.
    fn apply(&self, published: &Arc<Recorded>) -> Applied {
        let mut view = self.view();
        let applied = view.apply(published);
        if applied == Applied::Now {
            self.tell(&view, &Notice::Event(Arc::clone(published)));
            self.shared.applied.send_replace(published.seq);
        }
        applied
    }

    /// Tells a notice to who listens.
    fn tell(&self, view: &View, notice: &Notice) {
        if self.shared.updates.receiver_count() == 0 {
            return;
        }
        if let Some(update) = view.run.update(notice) {
            // Whoever listened may have just gone.
            drop(self.shared.updates.send(Arc::new(update)));
        }
    }

    /// Notes in the manifest of a run that ended what listings show of it.
    async fn remember(&self) {
        let live = self.clone();
        let noting = move || {
            let status = live.status();
            offline::remember(&live.shared.folder, &status)
        };
        // Listings read the journal of a run whose manifest says too little.
        drop(blocking(noting).await);
    }

    /// Says the last word.
    fn finish(&self) {
        let mut view = self.view();
        view.is_told = true;
        let update = Update::Finished(Box::new(view.status()));
        drop(self.shared.updates.send(Arc::new(update)));
        // Whoever waits for the first event waits no longer.
        self.shared.applied.send_modify(|seq| *seq = (*seq).max(1));
    }
}

impl View {
    /// Applies an event, unless it is known or there is a gap before it.
    fn apply(&mut self, published: &Recorded) -> Applied {
        match published.seq.cmp(&(self.run.last_seq() + 1)) {
            Ordering::Less => Applied::Known,
            Ordering::Greater => Applied::Gap,
            Ordering::Equal => {
                self.run.apply(published).expect("the run folded the same events");
                Applied::Now
            }
        }
    }

    /// The run as it stands, with the process that works on it.
    fn status(&self) -> RunStatus {
        let Some(finish) = &self.finished else {
            let pid = std::process::id();
            return self.run.status(Some(Live { pid }));
        };
        let mut status = self.run.status(None);
        if let Finish::GaveUp { message, storage } = finish {
            status.stopped_because = Some(message.clone());
            status.exit_code = if *storage { EXIT_JOURNAL } else { EXIT_INTERNAL };
        }
        status
    }
}

/// What became of an event.
#[derive(Debug, PartialEq, Eq)]
enum Applied {
    /// It is part of the view.
    Now,
    /// It was already.
    Known,
    /// Events before it must be read from the journal first.
    Gap,
}

/// Keeps the view of a run until the run has left the process.
async fn keep(live: LiveRun, mut notices: broadcast::Receiver<Notice>) {
    // What was published before this task listened.
    live.thaw().await;
    live.catch_up().await;
    let mut freezer = Freezer::new(live.last_seq());
    let handle = live.shared.handle.clone();
    let mut finished = pin!(handle.finished());
    let finish = loop {
        let notice = tokio::select! {
            biased;
            notice = notices.recv() => notice,
            finish = &mut finished => break finish,
        };
        match notice {
            Ok(Notice::Event(published)) => {
                if live.apply(&published) == Applied::Gap {
                    live.catch_up().await;
                }
                freezer.keep(&live).await;
            }
            Ok(Notice::Finished(finish)) => break finish,
            Ok(notice) => live.tell(&live.view(), &notice),
            Err(broadcast::error::RecvError::Lagged(_)) => live.catch_up().await,
            Err(broadcast::error::RecvError::Closed) => {
                unreachable!("the sender lives in the handle")
            }
        }
    };
    live.view().finished = Some(finish);
    live.catch_up().await;
    freezer.finish(&live).await;
    live.remember().await;
    live.finish();
}

/// A narrator that has seen every event before a position.
fn narrator_at(reader: &Reader, next: u64) -> Result<Narrator, HistoryError> {
    let mut narrator = Narrator::new();
    read_events(reader, 1, |event| match event {
        StoredEvent::Known(published) if published.seq >= next => Ok(ControlFlow::Break(())),
        event @ (StoredEvent::Known(_) | StoredEvent::Unknown { .. }) => {
            narrator.note_stored(&event);
            Ok(ControlFlow::Continue(()))
        }
    })?;
    Ok(narrator)
}

/// Events of a journal up to a position, as many as are read at once.
fn stored(reader: &Reader, from: u64, last: u64) -> Result<Vec<Recorded>, HistoryError> {
    let mut events = Vec::new();
    read_events(reader, from, |event| {
        let published = match event {
            StoredEvent::Known(published) => published,
            StoredEvent::Unknown { seq, .. } => return Err(HistoryError::Unknown { seq }),
        };
        if published.seq > last || events.len() == EVENTS_READ_MAX {
            return Ok(ControlFlow::Break(()));
        }
        events.push(published);
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(events)
}

/// Shows events of a journal from a position on to `visit`, for as long as it wants more.
fn read_events(
    reader: &Reader,
    from: u64,
    mut visit: impl FnMut(StoredEvent) -> Result<ControlFlow<()>, HistoryError>,
) -> Result<(), HistoryError> {
    enum Stop {
        Enough,
        Failed(HistoryError),
    }
    impl From<HistoryError> for Stop {
        fn from(error: HistoryError) -> Self {
            Self::Failed(error)
        }
    }
    let read = for_each_event(reader, from, |event| match visit(event)? {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(()) => Err(Stop::Enough),
    });
    match read {
        Ok(()) | Err(Stop::Enough) => Ok(()),
        Err(Stop::Failed(error)) => Err(error),
    }
}

/// Runs what reads files beside the tasks of the runtime.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // Only a process that ends cancels such work, and this task with it.
            Err(_) => std::future::pending().await,
        },
    }
}

/// Events of a journal that are read as they are asked for.
pub(crate) struct Events {
    live: LiveRun,
    next: u64,
    last: u64,
    /// Has seen every event before `next`, while `next` is one that the view knows from a snapshot.
    past: Option<Narrator>,
}

impl Events {
    /// The next few events; empty when there are no more.
    pub(crate) async fn next(&mut self) -> Result<Vec<EventView>, LiveReadError> {
        if self.next > self.last {
            return Ok(Vec::new());
        }
        if self.next <= self.live.since() {
            return self.next_of_past().await;
        }
        let events = self.live.stored(self.next, self.last).await?;
        self.next = events.last().map_or(self.last, |event| event.seq) + 1;
        let view = self.live.view();
        Ok(events.iter().map(|event| view.run.event(event)).collect())
    }

    /// Events that the view was not shown, in the words of a narrator that was shown all of them.
    async fn next_of_past(&mut self) -> Result<Vec<EventView>, LiveReadError> {
        let mut narrator = match self.past.take() {
            Some(narrator) => narrator,
            None => self.live.narrator_at(self.next).await?,
        };
        let last = self.last.min(self.live.since());
        let events = self.live.stored(self.next, last).await?;
        self.next = events.last().map_or(last, |event| event.seq) + 1;
        let view = |event: &Recorded| {
            narrator.note(event);
            narrator.view(event)
        };
        let views = events.iter().map(view).collect();
        self.past = Some(narrator);
        Ok(views)
    }
}

/// What a client is told, in order: every event from some position on, and what else happens.
pub struct Updates {
    receiver: broadcast::Receiver<Arc<Update>>,
    keeper: watch::Receiver<()>,
    /// Events that must be read from the journal before the next notice counts.
    gap: Events,
    waiting: VecDeque<EventView>,
    finished: Option<Arc<Update>>,
    is_over: bool,
    /// Readings of the gap that failed after the run had ended.
    failed_reads: u32,
}

impl Updates {
    /// The next update; `None` after [`Update::Finished`].
    ///
    /// May be dropped at any await point: nothing is lost.
    pub async fn next(&mut self) -> Option<Arc<Update>> {
        loop {
            if let Some(event) = self.waiting.pop_front() {
                return Some(Arc::new(Update::Event(event)));
            }
            if self.gap.next <= self.gap.last {
                match self.gap.next().await {
                    Ok(events) => self.waiting.extend(events),
                    Err(_) if !self.gap.live.is_finished() => {
                        tokio::time::sleep(READ_PAUSE).await;
                    }
                    // Who wrote the journal may hold it for a moment longer.
                    Err(_) if self.failed_reads < READS_AFTER_END_MAX => {
                        self.failed_reads += 1;
                        tokio::time::sleep(READ_PAUSE).await;
                    }
                    // The journal on the disk cannot be read either: the last word is the status.
                    Err(_) => self.gap.next = self.gap.last + 1,
                }
                continue;
            }
            if self.is_over {
                return None;
            }
            if let Some(finished) = self.finished.take() {
                self.is_over = true;
                return Some(finished);
            }
            if let Some(update) = self.hear().await {
                return Some(update);
            }
        }
    }

    /// The next thing that is heard; `None` where there is something to read first.
    async fn hear(&mut self) -> Option<Arc<Update>> {
        let heard = tokio::select! {
            biased;
            heard = self.receiver.recv() => heard,
            // Better than to wait for ever for a last word.
            _ = self.keeper.changed() => panic!("the task that keeps the run's view has panicked"),
        };
        match heard {
            Ok(update) => match update.as_ref() {
                Update::Event(event) if event.seq < self.gap.next => None,
                Update::Event(event) if event.seq > self.gap.next => {
                    self.gap.last = event.seq;
                    None
                }
                Update::Event(event) => {
                    self.gap.next = event.seq + 1;
                    Some(update)
                }
                Update::Finished(_) => {
                    self.gap.last = self.gap.live.last_seq();
                    self.finished = Some(update);
                    None
                }
                Update::Tokens { .. }
                | Update::Transcribed { .. }
                | Update::Retrying { .. }
                | Update::Waiting { .. }
                | Update::DiskSlow { .. }
                | Update::DiskCaughtUp { .. }
                | Update::WorkerRestarted { .. } => Some(update),
            },
            Err(broadcast::error::RecvError::Lagged(_)) => {
                self.gap.last = self.gap.live.last_seq();
                None
            }
            Err(broadcast::error::RecvError::Closed) => {
                unreachable!("the sender lives in the run this listens to")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use lao_event::{
        Content, Role,
        latest::{Definition, PlanDefinition},
    };
    use lao_kernel::{Start, State, handle};
    use serde_json::json;

    use super::*;

    /// The events that a run begins with.
    fn events(run: &RunId) -> Vec<Recorded> {
        let role = |role: Role| {
            json!({
                "role": role, "endpoint": "local", "model": "m",
                "context_tokens": 1000, "output_tokens_max": 100,
            })
        };
        let settings = json!({
            "roles": [role(Role::Planner), role(Role::Coder), role(Role::Reviewer)],
            "workspace": { "at": "folder", "path": "/work" },
        });
        let text = Content::from("# App");
        let start = Start {
            run: run.clone(),
            program: "0.1.0".to_owned(),
            steps: Vec::new(),
            definition: Definition::Plan(PlanDefinition {
                title: "App".to_owned(),
                path: "plans/app.md".to_owned(),
                text: text.clone(),
                chunks: vec![text],
            }),
            settings: serde_json::from_value(settings).unwrap(),
            seed: 1,
        };
        let decision = handle(&mut State::new(), Command::Start(Box::new(start))).unwrap();
        let published = |(seq, event)| Recorded {
            seq,
            wall_ms: 5,
            monotonic_ns: 0,
            cause: 0,
            noted: false,
            event,
        };
        (1..).zip(decision.events).map(published).collect()
    }

    #[test]
    fn a_view_takes_each_event_once_and_sees_gaps() {
        let run = RunId::new(0, 0);
        let events = events(&run);
        let mut view = View { run: RunView::new(run), finished: None, is_told: false };
        assert_eq!(view.apply(&events[1]), Applied::Gap);
        assert_eq!(view.run.last_seq(), 0);
        assert_eq!(view.apply(&events[0]), Applied::Now);
        assert_eq!(view.apply(&events[0]), Applied::Known);
        assert_eq!(view.apply(&events[2]), Applied::Gap);
        assert_eq!(view.apply(&events[1]), Applied::Now);
        assert_eq!(view.apply(&events[2]), Applied::Now);
        assert_eq!(view.run.last_seq(), 3);
    }

    #[test]
    fn a_run_that_was_given_up_says_why() {
        let run = RunId::new(0, 0);
        let mut view = View { run: RunView::new(run.clone()), finished: None, is_told: false };
        for event in events(&run) {
            view.apply(&event);
        }
        for (storage, exit_code) in [(true, EXIT_JOURNAL), (false, EXIT_INTERNAL)] {
            let message = "no space left".to_owned();
            view.finished = Some(Finish::GaveUp { message, storage });
            let status = view.status();
            assert_eq!(status.stopped_because.as_deref(), Some("no space left"));
            assert_eq!((status.exit_code, status.summary.pid), (exit_code, None));
        }
    }
}
