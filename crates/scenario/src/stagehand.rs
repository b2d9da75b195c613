//! The stagehand: sits in the journal, knows every event before it is durable, and lets happen what
//! the scenario says.
//!
//! ```text
//!   run --queued(records)--> Stagehand <--before, after the commit-- the journal's thread
//!                               |-- kills the writer, fills its disk
//!                               '-- sets the clock, edits files, takes the server away,
//!                                   lets a person speak, breaks a worker
//! ```
//!
//! It lives as long as the scenario, so that what happened once does not happen again in the next
//! process.

use std::{
    collections::VecDeque,
    io,
    path::PathBuf,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use lao_event::{Event, codec};
use lao_gateway::Narrator;
use lao_history::{Recorded, RunFolder, StoredEvent, for_each_event};
use lao_journal::{DiskAnswer, DiskCall, Draft, Fault, FaultAnswer, FaultPoint};
use lao_protocol::EventView;
use tokio::sync::Notify;

use crate::{
    clock::PlayedClock,
    crash::{CommitSeen, Kill, Moment as KillMoment},
    file::{
        Moment, MomentEvent, Scenario,
        table::{FaultAction, Says, Side},
    },
    programs,
    watch::Watch,
};

/// What is said to the run while it goes on, with the place of the word in the scenario.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Order {
    pub word: usize,
    pub says: Says,
    pub step: Option<String>,
}

/// See the module.
pub(crate) struct Stagehand {
    desk: Mutex<Desk>,
    /// Milliseconds of the scenario until which no server answers; `u64::MAX` while that is not known.
    pub away: Away,
    clock: Arc<PlayedClock>,
    workspace: PathBuf,
    /// The writer died.
    pub struck: Notify,
    /// There are orders.
    pub ordered: Notify,
}

/// Until when no server answers.
#[derive(Debug, Default)]
pub(crate) struct Away {
    /// Milliseconds that it is to last, from the next look on.
    begins_ms: AtomicU64,
    until_ms: AtomicU64,
}

impl Away {
    fn begin(&self, for_ms: u64) {
        self.begins_ms.store(for_ms, Ordering::SeqCst);
    }

    /// Whether nobody answers now.
    pub(crate) fn is_at(&self, now_ms: u64) -> bool {
        let for_ms = self.begins_ms.swap(0, Ordering::SeqCst);
        if for_ms > 0 {
            self.until_ms.store(now_ms.saturating_add(for_ms), Ordering::SeqCst);
        }
        now_ms < self.until_ms.load(Ordering::SeqCst)
    }
}

struct Desk {
    narrator: Narrator,
    /// What is on its way to the journal.
    queued: Vec<Draft>,
    /// The events of the commit that is under way.
    batch: Vec<EventView>,
    cues: Vec<Cue>,
    /// A kill that the scenario does not know of.
    kill: Option<Kill>,
    commits: Vec<CommitSeen>,
    /// What is said, with the last event that the journal had then.
    orders: VecDeque<(Order, u64)>,
    /// Calls that change the journal's disk and are still to be refused.
    refused_calls: u32,
    watch: Option<Arc<Watch>>,
}

/// Something that is to happen at a moment.
struct Cue {
    does: Does,
    at: Moment,
    /// Events so far that were as the moment says.
    seen: u32,
    is_over: bool,
}

enum Does {
    Fault(FaultAction),
    Say(Order),
}

impl Stagehand {
    pub(crate) fn new(
        scenario: &Scenario,
        (clock, workspace): (Arc<PlayedClock>, PathBuf),
        kill: Option<Kill>,
    ) -> Arc<Self> {
        let faults = scenario.faults.iter().map(|fault| {
            let does = Does::Fault(fault.action.clone());
            Cue { does, at: fault.at.clone(), seen: 0, is_over: false }
        });
        let words = scenario.words.iter().enumerate().filter_map(|(word, it)| {
            let order = Order { word, says: it.says, step: it.step.clone() };
            Some(Cue { does: Does::Say(order), at: it.at.clone()?, seen: 0, is_over: false })
        });
        let desk = Desk {
            narrator: Narrator::new(),
            queued: Vec::new(),
            batch: Vec::new(),
            cues: faults.chain(words).collect(),
            kill,
            commits: Vec::new(),
            orders: VecDeque::new(),
            refused_calls: 0,
            watch: None,
        };
        Arc::new(Self {
            desk: Mutex::new(desk),
            away: Away::default(),
            clock,
            workspace,
            struck: Notify::new(),
            ordered: Notify::new(),
        })
    }

    /// A process takes the run up: what the journal has is known, and what was said and not heard is
    /// said again.
    pub(crate) fn begin_life(&self, folder: &RunFolder, watch: &Arc<Watch>) {
        let mut desk = self.desk();
        desk.narrator = Narrator::new();
        desk.queued.clear();
        desk.batch.clear();
        desk.refused_calls = 0;
        desk.watch = Some(Arc::clone(watch));
        for cue in &mut desk.cues {
            cue.seen = 0;
        }
        let Ok(reader) = folder.reader() else {
            return;
        };
        let mut views = Vec::new();
        // One that cannot be read is refused when the run is taken up.
        for_each_event(&reader, 1, |stored| {
            views.push(desk.narrator.view_stored(&stored));
            Ok::<(), lao_history::HistoryError>(())
        })
        .unwrap_or_default();
        for cue in &mut desk.cues {
            cue.seen = count(&cue.at, &views);
        }
        // What was said and came to something before its process ended is not said again.
        desk.orders.retain(|(order, seq)| {
            !views.iter().any(|event| event.seq > *seq && order.says.leads_to(&event.event))
        });
        if !desk.orders.is_empty() {
            self.ordered.notify_one();
        }
    }

    /// The next thing that a person says while the run goes on; it stays until it was heard.
    pub(crate) fn order(&self) -> Option<Order> {
        self.desk().orders.front().map(|(order, _)| order.clone())
    }

    /// The run has heard it.
    pub(crate) fn heard(&self, order: &Order) {
        self.desk().orders.retain(|(it, _)| it != order);
    }

    /// The commits so far, over all lives.
    pub(crate) fn commits(&self) -> Vec<CommitSeen> {
        self.desk().commits.clone()
    }

    /// Lines of the scenario with something that never happened.
    pub(crate) fn missed(&self) -> Vec<usize> {
        let desk = self.desk();
        desk.cues.iter().filter(|cue| !cue.is_over).map(|cue| cue.at.line).collect()
    }

    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn before(&self, first_seq: u64, last_seq: u64) -> FaultAnswer {
        let mut desk = self.desk();
        desk.open_batch(first_seq);
        let due = desk.due(Side::Before);
        let mut answer = self.perform(&mut desk, due);
        if desk.kill.is_some_and(|kill| kill.strikes(KillMoment::Before, (first_seq, last_seq))) {
            desk.kill = None;
            answer = FaultAnswer::Crash;
        }
        self.told(answer)
    }

    fn after(&self, first_seq: u64, last_seq: u64) -> FaultAnswer {
        let mut desk = self.desk();
        let due = desk.due(Side::After);
        let mut answer = self.perform(&mut desk, due);
        desk.close_batch(first_seq, last_seq);
        if desk.kill.is_some_and(|kill| kill.strikes(KillMoment::After, (first_seq, last_seq))) {
            desk.kill = None;
            answer = FaultAnswer::Crash;
        }
        self.told(answer)
    }

    fn told(&self, answer: FaultAnswer) -> FaultAnswer {
        if answer == FaultAnswer::Crash {
            self.struck.notify_one();
        }
        answer
    }

    /// Lets happen what is due.
    fn perform(&self, desk: &mut Desk, due: Vec<usize>) -> FaultAnswer {
        let mut answer = FaultAnswer::Continue;
        for index in due {
            desk.cues[index].is_over = true;
            let order = match &desk.cues[index].does {
                Does::Say(order) => order.clone(),
                Does::Fault(action) => {
                    let action = action.clone();
                    if self.strike(desk, &action) == FaultAnswer::Crash {
                        answer = FaultAnswer::Crash;
                    }
                    continue;
                }
            };
            let seq = desk.batch.last().map_or(0, |event| event.seq);
            desk.orders.push_back((order, seq));
            self.ordered.notify_one();
        }
        answer
    }

    fn strike(&self, desk: &mut Desk, action: &FaultAction) -> FaultAnswer {
        match action {
            FaultAction::Kill => return FaultAnswer::Crash,
            FaultAction::Panic => {
                if let Some(watch) = &desk.watch {
                    watch.arm();
                }
            }
            FaultAction::DiskFull { calls } => desk.refused_calls = *calls,
            FaultAction::ServerGone { for_s } => self.away.begin(for_s.saturating_mul(1000)),
            FaultAction::Clock { by_s } => self.clock.jump(by_s.saturating_mul(1000)),
            FaultAction::Edit { path, text } => {
                let path = self.workspace.join(path);
                let edited = match text {
                    Some(text) => programs::write(&path, text),
                    None => std::fs::remove_file(&path),
                };
                edited.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            }
        }
        FaultAnswer::Continue
    }
}

impl Desk {
    /// Puts what was queued into words.
    fn open_batch(&mut self, first_seq: u64) {
        let queued = std::mem::take(&mut self.queued);
        let mut narrator = self.narrator.clone();
        self.batch = (first_seq..)
            .zip(&queued)
            .map(|(seq, draft)| narrator.view_stored(&StoredEvent::Known(recorded(seq, draft))))
            .collect();
        // Kept, since the words of what comes later need it.
        self.queued = queued;
    }

    /// The commit is durable.
    fn close_batch(&mut self, first_seq: u64, last_seq: u64) {
        let queued = std::mem::take(&mut self.queued);
        let mut ended = 0;
        for (seq, draft) in (first_seq..).zip(&queued) {
            let recorded = recorded(seq, draft);
            ended += u64::from(ends_effect(&recorded.event));
            self.narrator.note(&recorded);
        }
        let batch = std::mem::take(&mut self.batch);
        for cue in &mut self.cues {
            cue.seen += count(&cue.at, &batch);
        }
        self.commits.push(CommitSeen { first_seq, last_seq, effects_ended: ended });
    }

    /// What is due on this side of the commit that is under way.
    fn due(&self, side: Side) -> Vec<usize> {
        let is_due = |cue: &Cue| {
            !cue.is_over && cue.at.side == side && strikes(&cue.at, cue.seen, &self.batch)
        };
        let cues = self.cues.iter().enumerate();
        cues.filter(|(_, cue)| is_due(cue)).map(|(index, _)| index).collect()
    }
}

/// An event as it was handed to the writer.
fn recorded(seq: u64, draft: &Draft) -> Recorded {
    let event = codec::decode(draft.event_type, draft.schema_version, &draft.payload)
        .expect("it was encoded just now");
    Recorded {
        seq,
        wall_ms: draft.wall_time_ms,
        monotonic_ns: draft.monotonic_ns,
        cause: draft.cause,
        noted: false,
        event,
    }
}

/// Whether an event is the end of an effect.
fn ends_effect(event: &Event) -> bool {
    event.name().ends_with("Ended") && !matches!(event, Event::StepEnded(_) | Event::RunEnded(_))
}

fn strikes(at: &Moment, seen: u32, batch: &[EventView]) -> bool {
    match &at.event {
        MomentEvent::Seq(seq) => batch.iter().any(|event| event.seq == *seq),
        MomentEvent::Named { nth, .. } => seen < *nth && seen + count(at, batch) >= *nth,
    }
}

/// How many events are as the moment says.
fn count(at: &Moment, events: &[EventView]) -> u32 {
    let MomentEvent::Named { name, step, contains, nth: _ } = &at.event else {
        return 0;
    };
    let fits = |event: &&EventView| {
        event.event == *name
            && step.as_ref().is_none_or(|step| event.step.as_ref() == Some(step))
            && event.text.contains(contains.as_str())
    };
    u32::try_from(events.iter().filter(fits).count()).unwrap_or(u32::MAX)
}

impl Fault for Stagehand {
    fn at(&self, point: FaultPoint) -> FaultAnswer {
        match point {
            FaultPoint::BeforeCommit { first_seq, last_seq } => self.before(first_seq, last_seq),
            FaultPoint::AfterCommit { first_seq, last_seq } => self.after(first_seq, last_seq),
        }
    }

    fn at_disk(&self, call: DiskCall) -> DiskAnswer {
        if call == DiskCall::Read {
            return DiskAnswer::Continue;
        }
        let mut desk = self.desk();
        if desk.refused_calls == 0 {
            return DiskAnswer::Continue;
        }
        desk.refused_calls -= 1;
        DiskAnswer::Fail(io::ErrorKind::StorageFull.into())
    }

    fn queued(&self, drafts: &[Draft]) {
        self.desk().queued = drafts.to_vec();
    }
}
