//! What steps of workflows ask of the world: looks, and actions.

use std::time::Duration;

use lao_event::{
    Content, EffectId, Hash, RunId, StepId,
    latest::{
        Action, ActionFailure, ActionOutcome, ActionRun, ActionTranscribe, Before, FlowValue,
        Found, TranscriptForm,
    },
};
use lao_history::{ContentError, Contents};
use lao_kernel::{Command, LookRequest, Texts, Wants};
use lao_port::{
    ActionError, ChatErrorKind, Embed, ProgramRun, StoredResult, TranscribeErrorKind,
    TranscribeProgress, TranscribeRequest, Written,
};
use tokio::time::Instant;

use crate::{notice::Notice, transcript, worker::WorkerContext};

/// An action with all that a worker needs.
#[derive(Debug, Clone)]
pub(crate) struct ActionJob {
    pub effect: EffectId,
    pub step: StepId,
    pub action: Action,
}

impl ActionJob {
    /// What it is, for people.
    pub(crate) fn words(&self) -> String {
        match &self.action {
            Action::Run(run) => format!("running {}", run.argv.join(" ")),
            Action::Read { path, .. } => format!("reading {path}"),
            Action::List { pattern } => format!("listing {pattern}"),
            Action::Write { path, .. } => format!("writing {path}"),
            Action::Transcribe(transcribe) => format!("transcribing {}", transcribe.file),
            Action::Embed { model, .. } => format!("embedding ({model})"),
            Action::Plan { file, run } => format!("running the plan {file} ({run})"),
            Action::Approve { .. } => "waiting for a person".to_owned(),
            Action::Wait { .. } => "waiting".to_owned(),
            Action::Pause { .. } => "waiting before the next attempt".to_owned(),
        }
    }
}

/// Looks at the world for a step. Only reads.
pub(crate) async fn look(
    context: &WorkerContext,
    request: &LookRequest,
) -> Result<Command, ContentError> {
    let mut texts = Texts::new();
    for (hash, content) in request.blobs() {
        texts.insert(hash, context.contents.text(&content)?);
    }
    let found = match find(context, request, &mut texts).await {
        Ok(found) => found,
        Err(error) => Found::Refused { message: error.message },
    };
    let (step, attempt) = (request.step, request.attempt);
    Ok(Command::StepLooked { step, attempt, texts, found })
}

async fn find(
    context: &WorkerContext,
    request: &LookRequest,
    texts: &mut Texts,
) -> Result<Found, ActionError> {
    let flow = &context.world.flow;
    Ok(match request.wants(texts) {
        Wants::Nothing => Found::Nothing,
        Wants::File { path, content } => {
            let bytes = flow.actions.before(&path).await?;
            file(&context.contents, (&path, bytes, content), texts)?
        }
        Wants::InMs(ms) => {
            let ms = i64::try_from(ms).unwrap_or(i64::MAX);
            Found::Until { until_ms: context.world.clock.wall_ms().saturating_add(ms) }
        }
        Wants::Moment(text) => Found::Until { until_ms: flow.actions.moment(&text)? },
        Wants::Run => Found::Run { run: run_inside(context, request) },
        Wants::Cache { file } => {
            let file = match file {
                Some(path) => Some(flow.actions.hash(&path).await?),
                None => None,
            };
            match request.cache_key(texts, file) {
                Some((key, keyed_on)) => {
                    let value = flow.results.get(key).map(StoredResult::into_value);
                    Found::Cache { key, keyed_on, value }
                }
                None => Found::Nothing,
            }
        }
    })
}

/// A file as it is before it is written.
fn file(
    contents: &Contents,
    (path, bytes, wants_content): (&str, Option<Vec<u8>>, bool),
    texts: &mut Texts,
) -> Result<Found, ActionError> {
    let Some(bytes) = bytes else {
        return Ok(Found::File { before: Before::Absent, start: None });
    };
    if let Some(held) = contents.redactor().held(&bytes) {
        return Err(ActionError::file(format!(
            "{path} is not changed: its line {} holds a secret ({}), which is kept out of \
             everything here",
            held.line, held.token
        )));
    }
    let failed = |error: ContentError| ActionError::file(format!("cannot keep {path}: {error}"));
    let no_text = |_| ActionError::file(format!("{path} is no text, so none is added to it"));
    let text = wants_content.then(|| String::from_utf8(bytes.clone()));
    let text = text.transpose().map_err(no_text)?;
    let content = contents.keep(bytes).map_err(failed)?;
    let start = text.map(|text| {
        texts.insert(content.hash(), text);
        content.clone()
    });
    Ok(Found::File { before: Before::Kept(content), start })
}

/// An identity for a run inside this one.
fn run_inside(context: &WorkerContext, request: &LookRequest) -> RunId {
    let wall_ms = u64::try_from(context.world.clock.wall_ms()).unwrap_or(0);
    let name = format!("{} {} {}", context.run_id, request.key, request.attempt.0);
    let bits = blake3::hash(name.as_bytes());
    let bits = u32::from_le_bytes([bits.as_bytes()[0], bits.as_bytes()[1], bits.as_bytes()[2], 0]);
    RunId::new(wall_ms, bits)
}

/// Carries an action out.
pub(crate) async fn act(context: &WorkerContext, job: ActionJob) -> Result<Command, ContentError> {
    let effect = job.effect;
    let outcome = match job.action {
        Action::Run(run) => program(context, run).await?,
        Action::Transcribe(transcribe) => {
            transcription(context, (effect, job.step), &transcribe).await?
        }
        Action::Embed { endpoint, model, texts, single } => {
            let texts = context.contents.text(&texts)?;
            embedding(context, effect, (endpoint, model, texts, single)).await
        }
        Action::Write { path, before, after } => {
            let text = context.contents.text(&after)?;
            write(context, path, before.hash(), &text).await
        }
        Action::Read { path, form } => {
            let read = context.world.flow.actions.read(&path, form).await;
            outcome(read.map(|text| match form {
                lao_event::latest::ReadForm::Text => FlowValue::Text(text.into()),
                lao_event::latest::ReadForm::Json | lao_event::latest::ReadForm::Lines => {
                    FlowValue::Json(text.into())
                }
            }))
        }
        Action::List { pattern } => {
            let listed = context.world.flow.actions.list(&pattern).await;
            outcome(listed.map(|paths| {
                let text = serde_json::to_string(&paths).expect("paths are plain JSON");
                FlowValue::Json(text.into())
            }))
        }
        Action::Plan { file, run } => {
            let result = context.world.flow.plans.run(&file, &run).await;
            outcome(result.map(|text| FlowValue::Json(text.into())))
        }
        Action::Wait { until_ms } => {
            wait_until(context, until_ms).await;
            done(FlowValue::Nothing)
        }
        Action::Pause { wait_ms } => {
            tokio::time::sleep(Duration::from_millis(wait_ms)).await;
            done(FlowValue::Nothing)
        }
        Action::Approve { .. } => unreachable!("a person's word is no work"),
    };
    Ok(Command::ActionEnded { effect, outcome })
}

fn done(value: FlowValue) -> ActionOutcome {
    ActionOutcome::Done { value, exit_code: None }
}

fn outcome(result: Result<FlowValue, ActionError>) -> ActionOutcome {
    match result {
        Ok(value) => done(value),
        Err(ActionError { kind, message }) => {
            ActionOutcome::Failed { kind, message, exit_code: None }
        }
    }
}

fn failed(kind: ActionFailure, message: String) -> ActionOutcome {
    ActionOutcome::Failed { kind, message, exit_code: None }
}

/// The longest sleep at once: the clock of the wall may be set while it lasts.
const SLEEP_MS_MAX: u64 = 60_000;

async fn wait_until(context: &WorkerContext, until_ms: i64) {
    loop {
        let left = until_ms.saturating_sub(context.world.clock.wall_ms());
        let Some(left_ms) = u64::try_from(left).ok().filter(|left| *left > 0) else {
            return;
        };
        tokio::time::sleep(Duration::from_millis(left_ms.min(SLEEP_MS_MAX))).await;
    }
}

async fn program(context: &WorkerContext, run: ActionRun) -> Result<ActionOutcome, ContentError> {
    let input = run.input.as_ref().map(|input| context.contents.text(input)).transpose()?;
    let json = run.json;
    let program = ProgramRun {
        argv: run.argv,
        folder: run.folder,
        env: run.env,
        secrets: run.secrets,
        input,
        json,
        exit_codes: run.exit_codes,
    };
    Ok(match context.world.flow.actions.run(&program).await {
        Ok(ended) => ActionOutcome::Done {
            value: if json {
                FlowValue::Json(ended.output.into())
            } else {
                FlowValue::Text(ended.output.into())
            },
            exit_code: Some(ended.exit_code),
        },
        Err(failure) => ActionOutcome::Failed {
            kind: ActionFailure::Command,
            message: failure.message,
            exit_code: failure.exit_code,
        },
    })
}

async fn write(
    context: &WorkerContext,
    path: String,
    before: Option<Hash>,
    text: &str,
) -> ActionOutcome {
    if let Some(token) = context.contents.redactor().token(text) {
        let message = format!(
            "{path} is not written: the text has {token}, which stands for a secret that was kept \
             out"
        );
        return failed(ActionFailure::File, message);
    }
    match context.world.flow.actions.write(&path, before, text).await {
        Ok(Written::AsAsked) => done(FlowValue::File { path }),
        Ok(Written::Conflict) => {
            failed(ActionFailure::Conflict, format!("somebody else changed {path}"))
        }
        Err(error) => failed(error.kind, error.message),
    }
}

/// A server that is away is waited for, as long as the policy says.
struct Patience {
    since: Instant,
    tries: u32,
}

impl Patience {
    fn new() -> Self {
        Self { since: Instant::now(), tries: 0 }
    }

    /// The pause before it is asked again; `None` when it has been waited long enough.
    fn pause(&mut self, context: &WorkerContext, effect: EffectId) -> Option<Duration> {
        self.tries += 1;
        let waited = u64::try_from(self.since.elapsed().as_millis()).unwrap_or(u64::MAX);
        let pause_ms = context.retry.pause_ms(effect, self.tries);
        (waited + pause_ms <= context.retry.wait_for_server_ms)
            .then(|| Duration::from_millis(pause_ms))
    }
}

async fn transcription(
    context: &WorkerContext,
    (effect, step): (EffectId, StepId),
    action: &ActionTranscribe,
) -> Result<ActionOutcome, ContentError> {
    let prompt = action.prompt.as_ref().map(|prompt| context.contents.text(prompt)).transpose()?;
    let request = TranscribeRequest {
        endpoint: action.endpoint.clone(),
        model: action.model.clone(),
        file: context.world.flow.actions.absolute(&action.file),
        language: action.language.clone(),
        translate: action.translate,
        prompt,
        threads: action.threads,
    };
    let on_progress = |progress: TranscribeProgress| {
        context.notify(Notice::Transcribed { step, done_milli: progress.done_milli });
    };
    let mut patience = Patience::new();
    loop {
        let permit = context.permits.acquire(&request.endpoint).await;
        let result = context.world.flow.transcriber.transcribe(&request, &on_progress).await;
        drop(permit);
        let error = match result {
            Ok(transcript) => return Ok(done(transcript_value(&transcript, action.format))),
            Err(error) => error,
        };
        let pause = (error.kind == TranscribeErrorKind::Unreachable)
            .then(|| patience.pause(context, effect))
            .flatten();
        match pause {
            Some(pause) => tokio::time::sleep(pause).await,
            None => return Ok(failed(transcribe_failure(error.kind), error.message)),
        }
    }
}

fn transcript_value(transcript: &lao_port::Transcript, form: TranscriptForm) -> FlowValue {
    match form {
        TranscriptForm::Text => FlowValue::Text(transcript::text(transcript).into()),
        TranscriptForm::Srt => FlowValue::Text(transcript::srt(transcript).into()),
        TranscriptForm::Vtt => FlowValue::Text(transcript::vtt(transcript).into()),
        TranscriptForm::Json => FlowValue::Json(transcript::json(transcript).into()),
    }
}

fn transcribe_failure(kind: TranscribeErrorKind) -> ActionFailure {
    match kind {
        TranscribeErrorKind::Audio => ActionFailure::File,
        TranscribeErrorKind::ModelMissing => ActionFailure::ModelMissing,
        TranscribeErrorKind::Unreachable => ActionFailure::Unreachable,
        TranscribeErrorKind::Engine => ActionFailure::Engine,
        TranscribeErrorKind::TimedOut => ActionFailure::TimedOut,
    }
}

async fn embedding(
    context: &WorkerContext,
    effect: EffectId,
    (endpoint, model, texts, single): (String, String, String, bool),
) -> ActionOutcome {
    let texts: Vec<String> = match serde_json::from_str(&texts) {
        Ok(texts) => texts,
        Err(error) => return failed(ActionFailure::File, error.to_string()),
    };
    let embed = Embed { endpoint, model, texts };
    let mut patience = Patience::new();
    loop {
        let permit = context.permits.acquire(&embed.endpoint).await;
        let result = context.world.model.embed(&embed).await;
        drop(permit);
        let error = match result {
            Ok(vectors) => return vectors_outcome(&vectors, (embed.texts.len(), single)),
            Err(error) => error,
        };
        let waits = matches!(error.kind, ChatErrorKind::Unreachable | ChatErrorKind::Busy);
        match waits.then(|| patience.pause(context, effect)).flatten() {
            Some(pause) => tokio::time::sleep(pause).await,
            None => return failed(embed_failure(error.kind), error.message),
        }
    }
}

fn vectors_outcome(vectors: &[Vec<f32>], (count, single): (usize, bool)) -> ActionOutcome {
    if vectors.len() != count {
        let message = format!("the server gave {} vectors for {count} texts", vectors.len());
        return failed(ActionFailure::Model, message);
    }
    let json = match vectors {
        [vector] if single => serde_json::to_string(vector),
        vectors => serde_json::to_string(vectors),
    };
    match json {
        Ok(json) => done(FlowValue::Json(Content::Inline(json))),
        Err(error) => failed(ActionFailure::Model, error.to_string()),
    }
}

fn embed_failure(kind: ChatErrorKind) -> ActionFailure {
    match kind {
        ChatErrorKind::Unreachable | ChatErrorKind::Busy => ActionFailure::Unreachable,
        ChatErrorKind::ModelMissing => ActionFailure::ModelMissing,
        ChatErrorKind::TimedOut => ActionFailure::TimedOut,
        ChatErrorKind::WindowExceeded
        | ChatErrorKind::Refused
        | ChatErrorKind::ServerFailed
        | ChatErrorKind::Cut
        | ChatErrorKind::Malformed
        | ChatErrorKind::ScriptMismatch => ActionFailure::Model,
    }
}
