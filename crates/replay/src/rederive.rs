//! Replay: the recorded results are given to the kernel again, which must decide what is recorded.

use lao_event::Event;
use lao_history::{ContentError, Contents, HistoryError, Recorded};
use lao_journal::Reader;
use lao_kernel::{Command, Inconsistency, Rejection, State, decide, evolve};

use crate::{
    command::{commands, read_settings},
    decision::{Decision, for_each_decision},
};

/// What replaying a run came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Replay {
    /// Every event was derived as it is recorded.
    Identical(Box<Replayed>),
    /// One was not; what follows it was not looked at.
    Different(Box<Difference>),
}

/// A run that was derived again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replayed {
    /// Its events.
    pub events: u64,
    /// The effects among them that were started.
    pub effects: u64,
    /// Where it led.
    pub state: State,
}

/// The first place where record and kernel part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The position.
    pub seq: u64,
    /// What is recorded there; `None` where the record of a decision ends too early.
    pub recorded: Option<Recorded>,
    /// What is derived instead.
    pub derived: Derived,
}

/// What the kernel says to the results that were recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Derived {
    /// Another event.
    Event(Box<Event>),
    /// The decision has no more events.
    Nothing,
    /// The command that the record tells of is turned down.
    Rejected(Rejection),
    /// No command leads to a decision that begins so.
    NoCommand,
    /// The event cannot follow those before it.
    Impossible(Inconsistency),
}

/// A run could not be replayed.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The journal cannot be read, or has events of a newer program.
    #[error(transparent)]
    History(#[from] HistoryError),
    /// A text that the kernel reads is not to be had.
    #[error("event {seq} names a text that cannot be read")]
    Content {
        /// The position.
        seq: u64,
        /// Why.
        source: ContentError,
    },
}

/// Derives a run again from its record: no model, no tool, no file, no clock. `progress` is told
/// the position of every decision.
pub fn replay(
    reader: &Reader,
    contents: &Contents,
    mut progress: impl FnMut(u64),
) -> Result<Replay, ReplayError> {
    let mut replayed = Replayed { events: 0, effects: 0, state: State::new() };
    let walked = for_each_decision(reader, |decision| {
        progress(decision.last_seq());
        rederive(&mut replayed.state, decision, contents)?;
        replayed.events += decision.events().len() as u64;
        Ok(())
    });
    match walked {
        Ok(()) => {
            replayed.effects = replayed.state.effects_started();
            Ok(Replay::Identical(Box::new(replayed)))
        }
        Err(Stop::Different(difference)) => Ok(Replay::Different(difference)),
        Err(Stop::Error(error)) => Err(error),
    }
}

/// Why a replay goes no further.
enum Stop {
    Different(Box<Difference>),
    Error(ReplayError),
}

impl From<HistoryError> for Stop {
    fn from(error: HistoryError) -> Self {
        Self::Error(error.into())
    }
}

/// Compares derived events with those of a decision, one after the other, and folds them.
struct Comparison<'a> {
    state: &'a mut State,
    decision: &'a Decision,
    compared: usize,
}

fn rederive(state: &mut State, decision: &Decision, contents: &Contents) -> Result<(), Stop> {
    let seq = decision.first_seq();
    let commands = commands(state, decision, contents)
        .map_err(|source| Stop::Error(ReplayError::Content { seq, source }))?;
    let mut comparison = Comparison { state, decision, compared: 0 };
    let own = own_events(comparison.state, commands, decision);
    comparison.compare(own.map_err(|derived| comparison.difference(derived))?)?;
    // What was noted while no process worked on the run leads to nothing before it is resumed.
    while !decision.first().noted {
        let next = decide(comparison.state, Command::Advance);
        let next = next.map_err(|rejection| comparison.difference(Derived::Rejected(rejection)))?;
        if next.is_empty() {
            break;
        }
        comparison.compare(next)?;
    }
    match comparison.recorded() {
        Some(_) => Err(comparison.difference(Derived::Nothing)),
        None => Ok(()),
    }
}

/// The events that the command itself leads to: of several commands that may have been given, of
/// one that explains the record, or else of the last.
fn own_events(
    state: &State,
    commands: Vec<Command>,
    decision: &Decision,
) -> Result<Vec<Event>, Derived> {
    let mut decided = Err(Derived::NoCommand);
    let count = commands.len();
    for command in commands {
        decided = decide(state, command).map_err(Derived::Rejected);
        if count > 1 && decided.as_ref().is_ok_and(|events| explain(events, decision)) {
            break;
        }
    }
    decided
}

/// Whether a decision begins with these events.
fn explain(events: &[Event], decision: &Decision) -> bool {
    let recorded = decision.events().iter().map(|recorded| &recorded.event);
    events.len() <= recorded.len() && events.iter().zip(recorded).all(|(a, b)| same(b, a))
}

impl Comparison<'_> {
    /// The next recorded event of the decision.
    fn recorded(&self) -> Option<&Recorded> {
        self.decision.events().get(self.compared)
    }

    fn compare(&mut self, events: Vec<Event>) -> Result<(), Stop> {
        for mut event in events {
            event.split_blobs();
            match self.recorded() {
                Some(recorded) if same(&recorded.event, &event) => {}
                Some(_) | None => return Err(self.difference(Derived::Event(Box::new(event)))),
            }
            let folded = evolve(self.state, &event);
            folded.map_err(|inconsistency| self.difference(Derived::Impossible(inconsistency)))?;
            self.compared += 1;
        }
        Ok(())
    }

    fn difference(&self, derived: Derived) -> Stop {
        let seq = self.decision.first_seq() + self.compared as u64;
        let recorded = self.recorded().cloned();
        Stop::Different(Box::new(Difference { seq, recorded, derived }))
    }
}

/// Whether two events are the same. Settings are compared by what they say: a later program writes
/// keys that an earlier one did not have, with the values that it had in mind.
pub(crate) fn same(recorded: &Event, derived: &Event) -> bool {
    if recorded == derived {
        return true;
    }
    match (recorded, derived) {
        (Event::RunStarted(a), Event::RunStarted(b)) => {
            let (mut a, b) = (a.clone(), b);
            let equal = read_settings(&a.settings).ok() == read_settings(&b.settings).ok();
            a.settings.clone_from(&b.settings);
            equal && a == *b
        }
        (Event::RunForked(a), Event::RunForked(b)) => {
            let (mut a, b) = (a.clone(), b);
            let equal = read_settings(&a.settings).ok() == read_settings(&b.settings).ok();
            a.settings.clone_from(&b.settings);
            equal && a == *b
        }
        (Event::RunResumed(a), Event::RunResumed(b)) => {
            let settings = |event: &lao_event::latest::RunResumed| {
                event.settings.as_ref().map(|settings| read_settings(settings).ok())
            };
            a.program == b.program && settings(a) == settings(b)
        }
        _ => false,
    }
}
