//! What steps of workflows did, beside each other: what it was done with, and what came of it.

use lao_event::{
    Content,
    latest::{
        Action, ActionOutcome, ActionRun, ActionTranscribe, FlowValue, OutputSource, ReadForm,
        TranscriptForm,
    },
};

use super::{Told, attempt::Changes, change, lines, turn::compare_before};
use crate::diff::{
    DiffError,
    align::{Pair, Presence, align},
    change::{ActionDiff, ActionKind, ActionLine, ActionResult, OutputDiff, OutputOrigin, What},
    record::{ActionRecord, AttemptRecord, OutputRecord},
    text::Grain,
};

/// How much of a command line names it, in characters.
const ABOUT_CHARS_MAX: usize = 120;

type Both<'a, T> = Pair<Option<&'a T>>;

/// Compares the actions of attempts, and the outputs that are more than what an action gave.
pub(super) fn compare(
    changes: &mut Changes<'_>,
    attempts: Both<'_, AttemptRecord>,
) -> Result<(), DiffError> {
    let actions = attempts.map(|attempt| attempt.map_or(&[][..], |attempt| &attempt.actions));
    let key = |record: &ActionRecord| kind(&record.action);
    for row in align((actions.a, actions.b), key, |_, _| false) {
        compare_action(changes, row)?;
    }
    let outputs = attempts.map(|attempt| attempt.map_or(&[][..], |attempt| &attempt.outputs));
    for row in align((outputs.a, outputs.b), |_| (), |_, _| true) {
        compare_output(changes, row)?;
    }
    Ok(())
}

fn compare_action(changes: &mut Changes<'_>, row: Both<'_, ActionRecord>) -> Result<(), DiffError> {
    let Some(kind) = row.a.or(row.b).map(|record| kind(&record.action)) else {
        return Ok(());
    };
    let began = row.map(|record| record.map(|record| record.seq));
    if let Pair { a: Some(a), b: Some(b) } = row {
        compare_files(changes, Pair { a, b })?;
    }
    let told = row.map(|record| record.map(|record| arguments(&record.action)));
    let told = told.map(|text| text.map(Content::Inline));
    let arguments = changes.text(Grain::Lines, began.zip(told.as_ref().map(Option::as_ref)))?;
    let given = row.map(|record| record.and_then(|record| input(&record.action)));
    let input = changes.text(Grain::Words, began.zip(given.as_ref().map(Option::as_ref)))?;
    let sides = Pair {
        a: row.a.map(|record| line(changes.comparison.sides.a, record)),
        b: row.b.map(|record| line(changes.comparison.sides.b, record)),
    };
    let gave = row.map(|record| record.and_then(value));
    let value = changes.comparison.value(grain(kind), gave)?;
    let results = sides.as_ref().map(|line| {
        line.as_ref().map(|ActionLine { about: _, result, exit_code }| (result, exit_code))
    });
    let begins_apart =
        arguments.is_some() || input.is_some() || Presence::of(row) != Some(Presence::Both);
    if begins_apart || value.is_some() || results.differing().is_some() {
        let seqs = if begins_apart { began } else { row.map(|record| record.map(ended)) };
        let action = ActionDiff { kind, sides, arguments, input, value };
        changes.push(seqs, What::Action(Box::new(action)));
    }
    Ok(())
}

/// What a pair of actions wrote to the same file, and what it held before.
fn compare_files(changes: &mut Changes<'_>, records: Pair<&ActionRecord>) -> Result<(), DiffError> {
    let (Some(a), Some(b)) = (records.a.written(), records.b.written()) else {
        return Ok(());
    };
    let writes = Pair { a, b };
    if writes.a.path != writes.b.path {
        return Ok(());
    }
    let seqs = records.map(|record| record.seq);
    compare_before(changes, seqs, writes.map(|write| (write.path, write.before)))?;
    let path = writes.a.path.to_owned();
    changes.files.insert(path.clone(), seqs);
    let seqs = seqs.map(Some);
    let after = seqs.zip(writes.map(|write| Some(write.after)));
    if let Some(text) = changes.text(Grain::Lines, after)? {
        changes.push(seqs, What::File(path, text));
    }
    Ok(())
}

fn compare_output(changes: &mut Changes<'_>, row: Both<'_, OutputRecord>) -> Result<(), DiffError> {
    let seqs = row.map(|output| output.map(|output| output.seq));
    let origins = row.map(|output| output.map(|output| origin(&output.source)));
    let keyed_on = row.map(|output| output.and_then(|output| keyed_on(&output.source)));
    let keyed_on = keyed_on.map(|text| text.map(Content::Inline));
    let keyed_on = changes.text(Grain::Lines, seqs.zip(keyed_on.as_ref().map(Option::as_ref)))?;
    let values = row.map(|output| output.map(|output| (output.seq, &output.value)));
    let value = changes.comparison.value(Grain::Words, values)?;
    if value.is_some() || keyed_on.is_some() || origins.a != origins.b {
        let output = OutputDiff { origins, keyed_on, value };
        changes.list.push(change(seqs, What::Output(Box::new(output))));
    }
    Ok(())
}

const fn origin(source: &OutputSource) -> OutputOrigin {
    match source {
        OutputSource::Answer => OutputOrigin::Answer,
        OutputSource::Inside => OutputOrigin::Inside,
        OutputSource::Cache { key: _, keyed_on: _ } => OutputOrigin::Cache,
    }
}

/// What an earlier result was found by; its hash says no more.
fn keyed_on(source: &OutputSource) -> Option<String> {
    match source {
        OutputSource::Answer | OutputSource::Inside => None,
        OutputSource::Cache { key: _, keyed_on } => Some(keyed_on.clone()),
    }
}

const fn kind(action: &Action) -> ActionKind {
    match action {
        Action::Run(_) => ActionKind::Run,
        Action::Read { .. } => ActionKind::Read,
        Action::List { .. } => ActionKind::List,
        Action::Write { .. } => ActionKind::Write,
        Action::Transcribe(_) => ActionKind::Transcribe,
        Action::Embed { .. } => ActionKind::Embed,
        Action::Plan { .. } => ActionKind::Plan,
        Action::Approve { .. } => ActionKind::Approve,
        Action::Wait { .. } => ActionKind::Wait,
        Action::Pause { .. } => ActionKind::Pause,
    }
}

/// How closely what an action gives is compared: what programs print, line by line.
const fn grain(kind: ActionKind) -> Grain {
    match kind {
        ActionKind::Run | ActionKind::Read | ActionKind::List => Grain::Lines,
        ActionKind::Write
        | ActionKind::Transcribe
        | ActionKind::Embed
        | ActionKind::Plan
        | ActionKind::Approve
        | ActionKind::Wait
        | ActionKind::Pause => Grain::Words,
    }
}

/// What an action is done with, an entry a line. Moments and the identities of runs inside are
/// none of it: they are others in every run.
fn arguments(action: &Action) -> String {
    let entries = match action {
        Action::Run(run) => of_run(run),
        Action::Read { path, form } => {
            vec![entry("path", path), entry("as", read_form(*form))]
        }
        Action::List { pattern } => vec![entry("pattern", pattern)],
        Action::Write { path, before: _, after: _ } => vec![entry("path", path)],
        Action::Transcribe(transcribe) => of_transcribe(transcribe),
        Action::Embed { endpoint, model, texts: _, single } => {
            let single = if *single { "one" } else { "list" };
            vec![entry("endpoint", endpoint), entry("model", model), entry("texts", single)]
        }
        Action::Plan { file, run: _ } => vec![entry("file", file)],
        Action::Approve { message: _ } | Action::Wait { until_ms: _ } => Vec::new(),
        Action::Pause { wait_ms } => vec![format!("wait_ms: {wait_ms}")],
    };
    lines(&entries)
}

/// Quoted, so that no text is taken for two entries.
fn entry(name: &str, value: &str) -> String {
    format!("{name}: {}", serde_json::Value::from(value))
}

fn of_run(run: &ActionRun) -> Vec<String> {
    let ActionRun { argv, folder, env, secrets, input: _, json, exit_codes, repeatable } = run;
    let mut entries: Vec<String> = argv.iter().map(|word| entry("argv", word)).collect();
    entries.extend(folder.iter().map(|folder| entry("folder", folder)));
    entries.extend(env.iter().map(|(name, value)| entry(&format!("env {name}"), value)));
    entries.extend(secrets.iter().map(|(name, from)| entry(&format!("secret {name}"), from)));
    let codes: Vec<String> = exit_codes.iter().map(ToString::to_string).collect();
    entries.push(format!("exit_codes: {}", codes.join(", ")));
    entries.push(format!("json: {json}"));
    entries.push(format!("repeatable: {repeatable}"));
    entries
}

fn of_transcribe(transcribe: &ActionTranscribe) -> Vec<String> {
    let ActionTranscribe { endpoint, model, file, language, translate, prompt: _, threads, format } =
        transcribe;
    let mut entries = vec![entry("endpoint", endpoint), entry("model", model), entry("file", file)];
    entries.extend(language.iter().map(|language| entry("language", language)));
    entries.push(format!("translate: {translate}"));
    entries.extend(threads.iter().map(|threads| format!("threads: {threads}")));
    entries.push(entry("as", transcript_form(*format)));
    entries
}

const fn read_form(form: ReadForm) -> &'static str {
    match form {
        ReadForm::Text => "text",
        ReadForm::Json => "json",
        ReadForm::Lines => "lines",
    }
}

const fn transcript_form(form: TranscriptForm) -> &'static str {
    match form {
        TranscriptForm::Text => "text",
        TranscriptForm::Srt => "srt",
        TranscriptForm::Vtt => "vtt",
        TranscriptForm::Json => "json",
    }
}

/// The long text that an action is done with. What is written is told as a file.
fn input(action: &Action) -> Option<Content> {
    match action {
        Action::Run(run) => run.input.clone(),
        Action::Transcribe(transcribe) => transcribe.prompt.clone(),
        Action::Embed { texts, .. } => Some(texts.clone()),
        Action::Approve { message } => Some(message.clone()),
        Action::Read { .. }
        | Action::List { .. }
        | Action::Write { .. }
        | Action::Plan { .. }
        | Action::Wait { .. }
        | Action::Pause { .. } => None,
    }
}

/// What an action gave. A file that was written is told by its path already.
fn value(record: &ActionRecord) -> Option<(u64, &FlowValue)> {
    let (seq, outcome) = record.outcome.as_ref()?;
    match outcome {
        ActionOutcome::Done { value, exit_code: _ } => {
            (kind(&record.action) != ActionKind::Write).then_some((*seq, value))
        }
        ActionOutcome::Failed { .. } => None,
    }
}

fn ended(record: &ActionRecord) -> u64 {
    record.outcome.as_ref().map_or(record.seq, |(seq, _)| *seq)
}

fn line(side: Told<'_>, record: &ActionRecord) -> ActionLine {
    let (result, exit_code) = match record.outcome.as_ref().map(|(_, outcome)| outcome) {
        None => (ActionResult::Open, None),
        Some(ActionOutcome::Done { value: _, exit_code }) => (ActionResult::Done, *exit_code),
        Some(ActionOutcome::Failed { kind, message, exit_code }) => {
            let message = side.plain(message.clone());
            (ActionResult::Failed(*kind, message), *exit_code)
        }
    };
    ActionLine { about: about(&record.action), result, exit_code }
}

/// What an action is about, in a few words.
fn about(action: &Action) -> String {
    let words = match action {
        Action::Run(run) => run.argv.join(" "),
        Action::Read { path, .. } | Action::Write { path, .. } => path.clone(),
        Action::List { pattern } => pattern.clone(),
        Action::Transcribe(transcribe) => transcribe.file.clone(),
        Action::Embed { model, .. } => model.clone(),
        Action::Plan { file, .. } => file.clone(),
        Action::Approve { message } => message.inline().unwrap_or_default().to_owned(),
        Action::Wait { .. } | Action::Pause { .. } => String::new(),
    };
    words.chars().take(ABOUT_CHARS_MAX).collect()
}
