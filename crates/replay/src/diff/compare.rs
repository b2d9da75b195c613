//! Comparing two records: the runs as wholes, then step by step.

mod action;
mod attempt;
mod turn;
mod value;

use std::collections::{BTreeMap, BTreeSet};

use lao_event::{
    Content, Settings,
    latest::{Action, FlowInput, StepDefinition},
};
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
pub fn diff<'a>(sides: Pair<Side<'a>>) -> Result<RunDiff, DiffError> {
    let runs = sides.map(|side| side.run);
    let names = runs.map(names).differing().unwrap_or_default();
    let told = |side: Side<'a>, names| Told { run: side.run, contents: side.contents, names };
    let sides = Pair { a: told(sides.a, &*names.a), b: told(sides.b, &*names.b) };
    let comparison = Comparison { sides };
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
    sides: Pair<Told<'a>>,
}

/// One of them.
#[derive(Clone, Copy)]
struct Told<'a> {
    run: &'a RunRecord,
    contents: &'a Contents,
    /// What its texts call by a name of its own; nothing where both runs have the same ones.
    names: &'a [Name],
}

/// A name of a run's own, and what stands in its place.
type Name = (String, &'static str);

/// What a run calls its own: the folder it works in, itself, and the runs inside it.
fn names(run: &RunRecord) -> Vec<Name> {
    let attempts = run.steps.iter().flat_map(|step| &step.attempts);
    let inside = attempts.flat_map(|attempt| &attempt.actions).filter_map(|record| {
        if let Action::Plan { file: _, run } = &record.action {
            Some((run.as_str().to_owned(), "$RUN_INSIDE"))
        } else {
            None
        }
    });
    let workspace = (run.settings.1.workspace.path().to_owned(), "$WORKSPACE");
    let own = (run.run.as_str().to_owned(), "$RUN");
    [workspace, own].into_iter().filter(|(name, _)| !name.is_empty()).chain(inside).collect()
}

/// A text with the position of the event that names it.
type Text<'a> = (u64, &'a Content);

impl Comparison<'_> {
    fn runs(&self) -> Result<Vec<Change>, DiffError> {
        let runs = self.sides.map(|side| side.run);
        let mut changes = Vec::new();
        let plans = runs.map(|run| Some((1, &run.plan)));
        if let Some(text) = self.text(Grain::Words, plans)? {
            let flows = runs.a.inputs.is_some() && runs.b.inputs.is_some();
            let what = if flows { What::Workflow(text) } else { What::Plan(text) };
            changes.push(change(runs.map(|_| Some(1)), what));
        }
        changes.extend(self.inputs(runs)?);
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

    /// What workflows were given.
    fn inputs(&self, runs: Pair<&RunRecord>) -> Result<Vec<Change>, DiffError> {
        let given = runs.map(|run| run.inputs.as_deref().unwrap_or_default());
        let names: BTreeSet<&str> =
            given.a.iter().chain(given.b).map(|input| input.name.as_str()).collect();
        let mut changes = Vec::new();
        for name in names {
            let of = |inputs: &'_ [FlowInput]| inputs.iter().position(|input| input.name == name);
            let values = given.map(|inputs| of(inputs).map(|index| (1, &inputs[index].value)));
            if let Some(value) = self.value(Grain::Words, values)? {
                let seqs = values.map(|value| value.map(|(seq, _)| seq));
                changes.push(change(seqs, What::Input(name.to_owned(), value)));
            }
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
        let a = texts.a.map(|text| self.sides.a.load(text)).transpose()?;
        let b = texts.b.map(|text| self.sides.b.load(text)).transpose()?;
        Ok(TextDiff::of(grain, Pair { a: a.as_deref(), b: b.as_deref() }))
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
        changes.extend(self.definitions(steps)?.into_iter().map(|what| change(added, what)));
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

impl Comparison<'_> {
    /// What is to be done.
    fn definitions(&self, steps: Pair<&StepRecord>) -> Result<Vec<What>, DiffError> {
        let told = steps.map(|step| match &step.definition {
            StepDefinition::Task(task) => Some((step.seq, &task.description)),
            StepDefinition::Planning { .. }
            | StepDefinition::Flow { .. }
            | StepDefinition::Item { .. } => None,
        });
        let specs = steps.map(|step| match &step.definition {
            StepDefinition::Flow { spec } => Some(value::pretty(spec)),
            StepDefinition::Planning { .. }
            | StepDefinition::Task(_)
            | StepDefinition::Item { .. } => None,
        });
        let items = steps.map(|step| match &step.definition {
            StepDefinition::Item { index: _, value } => Some((step.seq, value)),
            StepDefinition::Planning { .. }
            | StepDefinition::Task(_)
            | StepDefinition::Flow { .. } => None,
        });
        let told = self.text(Grain::Words, told)?.map(What::Description);
        let specs = specs.as_ref().map(Option::as_deref);
        let spec = TextDiff::of(Grain::Lines, specs).map(What::Definition);
        let item = self.value(Grain::Words, items)?.map(What::Item);
        Ok(told.into_iter().chain(spec).chain(item).collect())
    }
}

impl Told<'_> {
    /// The whole text.
    fn load(self, (seq, content): Text<'_>) -> Result<String, DiffError> {
        let text = self.contents.text(content).map_err(|source| DiffError::Content {
            run: self.run.run.clone(),
            seq,
            source,
        })?;
        Ok(self.plain(text))
    }

    /// A text without what only this run is called by: runs that work in different folders name
    /// the same files differently.
    fn plain(self, text: String) -> String {
        self.names.iter().fold(text, |text, (name, instead)| {
            if text.contains(name.as_str()) { text.replace(name, instead) } else { text }
        })
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
