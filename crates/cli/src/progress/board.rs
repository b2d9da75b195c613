//! Who is doing what: folded from updates, forgettable.

use std::collections::BTreeMap;

use lao_protocol::{EventView, RunStatus, StepCounts, StepStatus, StepView, Update};
use serde_json::Value;

use super::{line::Line, patience::Patience};
use crate::{
    style::Tone,
    units::{between, count, elapsed, speed},
};

/// The run as far as updates tell.
#[derive(Debug, Default)]
pub(crate) struct Board {
    /// What people call the run.
    pub(crate) title: String,
    /// Wall clock of the first event seen.
    pub(crate) started_ms: Option<i64>,
    /// It ends when what is in flight has ended.
    pub(crate) stopping: bool,
    /// Tasks by state.
    pub(crate) tasks: StepCounts,
    /// Steps under way, in the order of their starts.
    pub(crate) active: Vec<Active>,
    steps: BTreeMap<String, Step>,
    away: BTreeMap<String, Patience>,
}

#[derive(Debug)]
struct Step {
    title: String,
    kind: StepKind,
    state: StepStatus,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum StepKind {
    Planning,
    Task,
}

/// A step under way.
#[derive(Debug)]
pub(crate) struct Active {
    /// Its key.
    pub(crate) key: String,
    /// What it is doing, in words; empty before the first word.
    pub(crate) doing: String,
    /// Since when, milliseconds since 1970.
    pub(crate) since_ms: i64,
    /// The answer coming in.
    pub(crate) tokens: Option<Tokens>,
    /// Thousandths of the audio that are transcribed.
    pub(crate) done_milli: Option<u32>,
    /// What keeps it from going on.
    pub(crate) trouble: Option<Trouble>,
    patience: Patience,
}

/// An answer coming in.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tokens {
    /// Pieces so far.
    pub(crate) count: u64,
    /// Thousandths of a piece per second.
    pub(crate) per_second_milli: u64,
}

/// What keeps a step from going on.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// A try failed; there will be another.
    Retrying { tries: u32, message: String },
    /// The server is away.
    Waiting { endpoint: String, message: String },
}

/// What an update changed beyond itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum News {
    /// Nothing.
    None,
    /// It is time to speak of a server that is away.
    ServerAway,
    /// A server that was away is back.
    ServerBack,
}

impl Board {
    /// Takes over a run as it stands.
    pub(crate) fn replace(&mut self, status: &RunStatus) {
        self.title.clone_from(&status.summary.title);
        self.started_ms = Some(status.summary.started_ms);
        self.tasks = status.summary.tasks;
        self.steps = status.steps.iter().map(step_entry).collect();
        self.active = status
            .steps
            .iter()
            .filter(|step| step.status == StepStatus::Running)
            .map(|step| Active::new(&step.key, status.summary.last_event_ms))
            .collect();
        self.away.clear();
    }

    /// Folds an update.
    pub(crate) fn apply(&mut self, update: &Update, now_ms: i64) -> News {
        match update {
            Update::Event(event) => self.event(event),
            Update::Tokens { step, role: _, tokens, tokens_per_second_milli } => {
                let news = self.recovered(step);
                self.active_step(step, now_ms).tokens =
                    Some(Tokens { count: *tokens, per_second_milli: *tokens_per_second_milli });
                news
            }
            Update::Transcribed { step, done_milli } => {
                let news = self.recovered(step);
                self.active_step(step, now_ms).done_milli = Some(*done_milli);
                news
            }
            Update::Retrying { step, endpoint: _, message, tries, pause_ms: _ } => {
                let active = self.active_step(step, now_ms);
                active.tokens = None;
                active.trouble =
                    Some(Trouble::Retrying { tries: *tries, message: message.clone() });
                News::None
            }
            Update::Waiting { step, endpoint, message, waited_ms, wait_ms_max: _ } => {
                let active = self.active_step(step, now_ms);
                active.tokens = None;
                active.trouble =
                    Some(Trouble::Waiting { endpoint: endpoint.clone(), message: message.clone() });
                self.server_away(endpoint, *waited_ms)
            }
            Update::DiskSlow { waited_ms: _ }
            | Update::DiskCaughtUp { waited_ms: _ }
            | Update::WorkerRestarted { doing: _, message: _ } => News::None,
            Update::Finished(status) => {
                self.replace(status);
                News::None
            }
        }
    }

    /// What people call a step; its key where nobody said.
    pub(crate) fn title_of<'a>(&'a self, key: &'a str) -> &'a str {
        self.steps.get(key).map_or(key, |step| &step.title)
    }

    /// How a step stands, where it is known.
    pub(crate) fn state_of(&self, key: &str) -> Option<StepStatus> {
        self.steps.get(key).map(|step| step.state)
    }

    /// Lines about steps that have been at one thing for long, at growing intervals.
    pub(crate) fn long_waits(&mut self, now_ms: i64) -> Vec<Line> {
        self.active
            .iter_mut()
            .filter(|active| active.trouble.is_none() && !active.doing.is_empty())
            .filter_map(|active| {
                let waited_ms = between(active.since_ms, now_ms);
                active.patience.is_over(waited_ms).then(|| active.long_wait(waited_ms))
            })
            .collect()
    }

    fn event(&mut self, event: &EventView) -> News {
        self.started_ms.get_or_insert(event.time_ms);
        match event.event.as_str() {
            "RunStarted" => {
                let definition = &event.data["definition"];
                let title = ["plan", "flow"].iter().find_map(|of| definition[of]["title"].as_str());
                if let Some(title) = title {
                    title.clone_into(&mut self.title);
                }
            }
            "RunResumed" => self.stopping = false,
            "RunStopping" => self.stopping = true,
            "RunStopped" | "RunEnded" => self.active.clear(),
            "StepsAdded" => self.add_steps(&event.data["steps"]),
            _ => {}
        }
        match event.step.as_deref() {
            Some(key) => self.step_event(key, event),
            None => News::None,
        }
    }

    fn step_event(&mut self, key: &str, event: &EventView) -> News {
        match event.event.as_str() {
            // Added by this step: says nothing about what it is doing.
            "StepsAdded" => News::None,
            "StepEnded" => self.leave(key, ended_as(&event.data["outcome"])),
            "StepParked" => self.leave(key, StepStatus::Parked),
            "StepRetried" => self.leave(key, StepStatus::Pending),
            name => {
                let news = self.recovered(key);
                self.set_state(key, StepStatus::Running);
                let active = self.active_step(key, event.time_ms);
                active.tokens = None;
                if name.ends_with("Started") {
                    active.doing.clone_from(&event.text);
                    active.done_milli = None;
                    active.since_ms = event.time_ms;
                    active.patience = Patience::default();
                }
                news
            }
        }
    }

    fn add_steps(&mut self, steps: &Value) {
        for step in steps.as_array().into_iter().flatten() {
            let Some(key) = step["key"].as_str() else {
                continue;
            };
            let kind = if step["definition"].get("planning").is_some() {
                StepKind::Planning
            } else {
                StepKind::Task
            };
            let entry = Step {
                title: step["title"].as_str().unwrap_or(key).to_owned(),
                kind,
                state: StepStatus::Pending,
            };
            if self.steps.contains_key(key) {
                // In a fork, a step that is inside one that is done again takes another's place.
                self.set_state(key, StepStatus::Pending);
            } else if kind == StepKind::Task {
                self.tasks.total += 1;
                self.tasks.pending += 1;
            }
            self.steps.insert(key.to_owned(), entry);
        }
    }

    fn leave(&mut self, key: &str, state: StepStatus) -> News {
        let news = self.recovered(key);
        self.active.retain(|active| active.key != key);
        self.set_state(key, state);
        news
    }

    fn set_state(&mut self, key: &str, state: StepStatus) {
        let Some(step) = self.steps.get_mut(key) else {
            return;
        };
        let before = std::mem::replace(&mut step.state, state);
        if step.kind == StepKind::Task {
            let left = slot(&mut self.tasks, before);
            *left = left.saturating_sub(1);
            *slot(&mut self.tasks, state) += 1;
        }
    }

    fn active_step(&mut self, key: &str, since_ms: i64) -> &mut Active {
        let index = self.active.iter().position(|active| active.key == key);
        let index = index.unwrap_or_else(|| {
            self.active.push(Active::new(key, since_ms));
            self.active.len() - 1
        });
        &mut self.active[index]
    }

    fn server_away(&mut self, endpoint: &str, waited_ms: u64) -> News {
        let speaks = match self.away.get_mut(endpoint) {
            Some(patience) => patience.is_over(waited_ms),
            None => true,
        };
        self.away.entry(endpoint.to_owned()).or_default();
        if speaks { News::ServerAway } else { News::None }
    }

    /// A step goes on: whatever kept it is over.
    fn recovered(&mut self, key: &str) -> News {
        let active = self.active.iter_mut().find(|active| active.key == key);
        match active.and_then(|active| active.trouble.take()) {
            Some(Trouble::Waiting { endpoint, message: _ })
                if self.away.remove(&endpoint).is_some() =>
            {
                News::ServerBack
            }
            Some(Trouble::Waiting { .. } | Trouble::Retrying { .. }) | None => News::None,
        }
    }
}

impl Active {
    fn new(key: &str, since_ms: i64) -> Self {
        Self {
            key: key.to_owned(),
            doing: String::new(),
            since_ms,
            tokens: None,
            done_milli: None,
            trouble: None,
            patience: Patience::default(),
        }
    }

    /// How far it is, in words: the answer coming in, or the part of the audio.
    pub(crate) fn progress_text(&self, now_ms: i64) -> Option<String> {
        let tokens = self.tokens.map(|tokens| {
            format!("{}, {}", count(tokens.count, "token"), speed(tokens.per_second_milli))
        });
        tokens.or_else(|| self.done_milli.map(|done| self.part_text(done, now_ms)))
    }

    /// A part in percent, and about how long the rest will take.
    fn part_text(&self, done_milli: u32, now_ms: i64) -> String {
        let percent = done_milli / 10;
        let spent = between(self.since_ms, now_ms);
        let left = u64::from(1000_u32.saturating_sub(done_milli));
        match (spent * left).checked_div(u64::from(done_milli)) {
            Some(rest) if done_milli < 1000 => format!("{percent} %, {} left", elapsed(rest)),
            Some(_) | None => format!("{percent} %"),
        }
    }

    fn long_wait(&self, waited_ms: u64) -> Line {
        let waited = elapsed(waited_ms);
        let now_ms = self.since_ms.saturating_add_unsigned(waited_ms);
        let text = match self.progress_text(now_ms) {
            Some(tokens) => format!("still {}: {tokens}, {waited}", self.doing),
            None => format!("still {}, {waited}", self.doing),
        };
        Line { step: Some(self.key.clone()), tone: Tone::Faint, text }
    }
}

fn step_entry(step: &StepView) -> (String, Step) {
    let kind = if step.kind == "planning" { StepKind::Planning } else { StepKind::Task };
    let entry = Step { title: step.title.clone(), kind, state: step.status };
    (step.key.clone(), entry)
}

/// How a step ended, from the event's own fields: a word, or an object with one key.
fn ended_as(outcome: &Value) -> StepStatus {
    if outcome.get("failed").is_some() {
        StepStatus::Failed
    } else if outcome.get("skipped").is_some() {
        StepStatus::Skipped
    } else {
        StepStatus::Succeeded
    }
}

fn slot(counts: &mut StepCounts, state: StepStatus) -> &mut u32 {
    match state {
        StepStatus::Pending => &mut counts.pending,
        StepStatus::Running => &mut counts.running,
        StepStatus::Parked => &mut counts.parked,
        StepStatus::Succeeded => &mut counts.succeeded,
        StepStatus::Failed => &mut counts.failed,
        StepStatus::Skipped => &mut counts.skipped,
    }
}
