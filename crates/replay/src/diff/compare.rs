//! Comparing two records: the runs as wholes, then step by step.

mod attempt;
mod turn;

use std::collections::{BTreeMap, BTreeSet};

use lao_event::{Content, Settings, latest::StepDefinition};
use lao_history::Contents;

use super::{
    DiffError,
    align::{Pair, Presence},
    change::{
        AttemptDiff, Change, Demand, Place, RunDiff, RunHead, StepDiff, StepHead, What, sort,
    },
    record::{AttemptRecord, RunRecord, StepRecord, Tokens},
    text::{Grain, TextDiff},
};

/// One of two runs that are compared.
#[derive(Clone, Copy)]
pub struct Side<'a> {
    /// What its journal tells.
    pub run: &'a RunRecord,
    /// Its project's texts.
    pub contents: &'a Contents,
}

/// Compares two runs.
///
/// # Errors
///
/// [`DiffError::Content`] where a text that is not the same cannot be read.
pub fn diff(sides: Pair<Side<'_>>) -> Result<RunDiff, DiffError> {
    let comparison = Comparison { sides };
    let runs = sides.map(|side| side.run);
    let changes = comparison.runs()?;
    let mut steps = Vec::new();
    for key in keys(runs) {
        let found = runs.map(|run| run.steps.iter().find(|step| step.key == key));
        steps.extend(comparison.step(key, found)?);
    }
    Ok(RunDiff::new(runs.map(head), changes, steps))
}

/// The steps of both runs.
fn keys(runs: Pair<&RunRecord>) -> BTreeSet<&str> {
    let steps = runs.a.steps.iter().chain(&runs.b.steps);
    steps.map(|step| step.key.as_str()).collect()
}

fn head(run: &RunRecord) -> RunHead {
    RunHead {
        run: run.run.clone(),
        title: run.title.clone(),
        last_seq: run.last_seq,
        started_ms: run.started_ms,
        end: run.end.1.clone(),
        totals: run.totals,
    }
}

/// Two runs that are being compared.
struct Comparison<'a> {
    sides: Pair<Side<'a>>,
}

/// A text with the position of the event that names it.
type Text<'a> = (u64, &'a Content);

impl Comparison<'_> {
    fn runs(&self) -> Result<Vec<Change>, DiffError> {
        let runs = self.sides.map(|side| side.run);
        let mut changes = Vec::new();
        let plans = runs.map(|run| Some((1, &run.plan)));
        if let Some(text) = self.text(Grain::Words, plans)? {
            changes.push(change(runs.map(|_| Some(1)), What::Plan(text)));
        }
        let settings = runs.map(|run| settings(&run.settings.1));
        let told = settings.as_ref().map(|text| Some(text.as_str()));
        if let Some(text) = TextDiff::of(Grain::Lines, told) {
            let seqs = runs.map(|run| Some(run.settings.0));
            changes.push(change(seqs, What::Settings(text)));
        }
        if let Some(ends) = runs.map(|run| run.end.1.clone()).differing() {
            changes.push(change(runs.map(|run| Some(run.end.0)), What::RunEnd(ends)));
        }
        Ok(changes)
    }

    /// Where two texts differ; one that only one run has differs from nothing.
    fn text(
        &self,
        grain: Grain,
        texts: Pair<Option<Text<'_>>>,
    ) -> Result<Option<TextDiff>, DiffError> {
        let hashes = texts.map(|text| text.map(|(_, content)| content.hash()));
        if hashes.a == hashes.b {
            return Ok(None);
        }
        let a = texts.a.map(|text| self.load(self.sides.a, text)).transpose()?;
        let b = texts.b.map(|text| self.load(self.sides.b, text)).transpose()?;
        Ok(TextDiff::of(grain, Pair { a: a.as_deref(), b: b.as_deref() }))
    }

    /// The whole text. Runs that work in different folders name the same files differently.
    fn load(&self, side: Side<'_>, (seq, content): Text<'_>) -> Result<String, DiffError> {
        let text = side.contents.text(content).map_err(|source| DiffError::Content {
            run: side.run.run.clone(),
            seq,
            source,
        })?;
        let workspaces = self.sides.map(|side| side.run.settings.1.workspace.path());
        if workspaces.a == workspaces.b || workspaces.a.is_empty() || workspaces.b.is_empty() {
            return Ok(text);
        }
        Ok(text.replace(side.run.settings.1.workspace.path(), "$WORKSPACE"))
    }

    fn step(
        &self,
        key: &str,
        found: Pair<Option<&StepRecord>>,
    ) -> Result<Option<StepDiff>, DiffError> {
        let mut changes = match found {
            Pair { a: Some(a), b: Some(b) } => self.step_in_both(Pair { a, b })?,
            Pair { a, b } => {
                let seqs = Pair { a, b }.map(|step| step.map(|step| step.seq));
                Presence::of(found)
                    .map(|presence| change(seqs, What::Step(presence)))
                    .into_iter()
                    .collect()
            }
        };
        sort(&mut changes);
        let mut attempts = Vec::new();
        for (id, pair) in attempts_of(found) {
            let Some(presence) = Presence::of(pair) else {
                continue;
            };
            let mut changes = attempt::compare(self, pair)?;
            sort(&mut changes);
            if !changes.is_empty() {
                attempts.push(AttemptDiff { id, presence, changes });
            }
        }
        let differs = !changes.is_empty() || !attempts.is_empty();
        Ok(differs.then(|| StepDiff {
            key: key.to_owned(),
            sides: found.map(|step| step.map(step_head)),
            changes,
            attempts,
        }))
    }

    fn step_in_both(&self, steps: Pair<&StepRecord>) -> Result<Vec<Change>, DiffError> {
        let added = steps.map(|step| Some(step.seq));
        let mut changes = Vec::new();
        let titles = steps.map(|step| step.title.clone()).differing();
        changes.extend(titles.map(|titles| change(added, What::Title(titles))));
        let told = steps.map(|step| match &step.definition {
            StepDefinition::Planning { chunk: _ } => None,
            StepDefinition::Task(task) => Some((step.seq, &task.description)),
            StepDefinition::Flow { .. } | StepDefinition::Item { .. } => None,
        });
        let told = self.text(Grain::Words, told)?;
        changes.extend(told.map(|text| change(added, What::Description(text))));
        for demand in [Demand::Needs, Demand::Files, Demand::Deletes, Demand::Acceptance] {
            let lists = steps.map(|step| lines(demands(step, demand)));
            let lists = lists.as_ref().map(|list| Some(list.as_str()));
            let differ = TextDiff::of(Grain::Lines, lists);
            changes.extend(differ.map(|text| change(added, What::Demands(demand, text))));
        }
        let ends = steps.map(|step| step.end.as_ref().map(|(_, end)| end.clone())).differing();
        changes.extend(ends.map(|ends| {
            let seqs = steps.map(|step| step.end.as_ref().map(|(seq, _)| *seq));
            change(seqs, What::StepEnd(ends))
        }));
        Ok(changes)
    }
}

/// The attempts at a step in both runs, by their numbers.
fn attempts_of(
    steps: Pair<Option<&StepRecord>>,
) -> BTreeMap<super::AttemptId, Pair<Option<&AttemptRecord>>> {
    let mut attempts = BTreeMap::new();
    for attempt in steps.a.into_iter().flat_map(|step| &step.attempts) {
        attempts.insert(attempt.id, Pair { a: Some(attempt), b: None });
    }
    for attempt in steps.b.into_iter().flat_map(|step| &step.attempts) {
        attempts.entry(attempt.id).or_insert(Pair { a: None, b: None }).b = Some(attempt);
    }
    attempts
}

fn step_head(step: &StepRecord) -> StepHead {
    let tokens = step.attempts.iter().map(AttemptRecord::tokens);
    StepHead {
        title: step.title.clone(),
        attempts: step.attempts.len() as u64,
        end: step.end.as_ref().map(|(_, end)| end.clone()),
        tokens: tokens.fold(Tokens::default(), Tokens::plus),
        elapsed_ms: step.elapsed_ms,
    }
}

fn demands(step: &StepRecord, demand: Demand) -> &[String] {
    match (demand, &step.definition) {
        (Demand::Needs, _) => &step.needs,
        (Demand::Files, StepDefinition::Task(task)) => &task.files,
        (Demand::Deletes, StepDefinition::Task(task)) => &task.deletes,
        (Demand::Acceptance, StepDefinition::Task(task)) => &task.acceptance,
        (
            Demand::Files | Demand::Deletes | Demand::Acceptance,
            StepDefinition::Planning { .. }
            | StepDefinition::Flow { .. }
            | StepDefinition::Item { .. },
        ) => &[],
    }
}

/// Entries as a text, one a line.
fn lines(entries: &[String]) -> String {
    entries.iter().flat_map(|entry| [entry.as_str(), "\n"]).collect()
}

/// What a run was told, but for the folder it works in, which differs by itself.
fn settings(settings: &Settings) -> String {
    let mut value = serde_json::to_value(settings).expect("settings are plain JSON");
    if let Some(map) = value.as_object_mut() {
        map.remove("workspace");
    }
    let text = serde_json::to_string_pretty(&value).expect("settings are plain JSON");
    format!("{text}\n")
}

fn change(seqs: Pair<Option<u64>>, what: What) -> Change {
    Change { place: Place { seqs }, what }
}
