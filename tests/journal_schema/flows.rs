//! Values of the events of workflows.

use lao_event::{Attempt, Content, EffectId, Hash, StepId, latest::*};

use super::samples::{Named, blob, run_id};

fn values() -> Vec<(&'static str, FlowValue)> {
    vec![
        ("nothing", FlowValue::Nothing),
        ("text", FlowValue::Text(Content::from("größe"))),
        ("long text", FlowValue::Text(blob("a long text", 70_000))),
        ("json", FlowValue::Json(Content::from(r#"["a",2]"#))),
        ("long json", FlowValue::Json(blob("a long list", 1 << 33))),
        ("file", FlowValue::File { path: "memos/größe.m4a".to_owned() }),
    ]
}

pub(super) fn workflows() -> Vec<Named> {
    let inputs =
        values().into_iter().map(|(name, value)| FlowInput { name: name.to_owned(), value });
    let workflow = FlowDefinition {
        title: "Memo".to_owned(),
        path: "flows/memo.yaml".to_owned(),
        text: Content::from("name: Memo\n"),
        inputs: inputs.collect(),
        trigger: r#"{"kind":"file","path":"memos/a.m4a"}"#.to_owned(),
        output: Some("{{ steps.notes.output }}".to_owned()),
    };
    let chain = FlowDefinition {
        title: "summarize | bullets".to_owned(),
        path: "summarize | bullets".to_owned(),
        text: blob("a chain written out", 70_000),
        inputs: Vec::new(),
        trigger: r#"{"kind":"manual"}"#.to_owned(),
        output: None,
    };
    let started = |flow: FlowDefinition| RunStarted {
        run: run_id(),
        program: "0.1.0".to_owned(),
        definition: Definition::Flow(flow),
        settings: Content::from(r#"{"roles":[]}"#),
        seed: 251,
    };
    vec![("workflow", started(workflow).into()), ("chain", started(chain).into())]
}

pub(super) fn workflow_steps() -> Vec<Named> {
    let step = NewStep {
        key: "notes".to_owned(),
        title: "Notes".to_owned(),
        needs: vec![StepId(0)],
        definition: StepDefinition::Flow {
            spec: r#"{"do":{"read":{"what":{"text":"notes.md"}}}}"#.to_owned(),
        },
    };
    let items = (0..).zip(values()).map(|(index, (name, value))| NewStep {
        key: format!("notes[{index}]"),
        title: name.to_owned(),
        needs: Vec::new(),
        definition: StepDefinition::Item { index: index * 300, value },
    });
    vec![
        ("of a workflow", StepsAdded { by: None, steps: vec![step] }.into()),
        ("items of a list", StepsAdded { by: Some(StepId(1)), steps: items.collect() }.into()),
    ]
}

pub(super) fn looks() -> Vec<Named> {
    let looked = |found: Found| StepLooked { step: StepId(251), attempt: Attempt(2), found }.into();
    let file = |before: Before, start: Option<Content>| looked(Found::File { before, start });
    let cached = |value: Option<FlowValue>| {
        looked(Found::Cache {
            key: Hash::of(b"all that it depends on"),
            keyed_on: "prompt, model qwen at studio".to_owned(),
            value,
        })
    };
    let mut named: Vec<Named> = vec![
        ("texts alone", looked(Found::Nothing)),
        ("new file", file(Before::Absent, None)),
        ("known file", file(Before::Known { hash: Hash::of(b"before") }, Some(text("old\n")))),
        ("kept file", file(Before::Kept(blob("before", 20_000)), Some(blob("before", 20_000)))),
        ("moment", looked(Found::Until { until_ms: 1_795_195_597_123 })),
        ("moment before 1970", looked(Found::Until { until_ms: -70_000 })),
        ("run inside", looked(Found::Run { run: run_id() })),
        ("nothing stored", cached(None)),
        ("refused", looked(Found::Refused { message: "the path leads out".to_owned() })),
    ];
    named.extend(values().into_iter().map(|(name, value)| (name, cached(Some(value)))));
    named
}

fn text(text: &str) -> Content {
    Content::from(text)
}

pub(super) fn actions() -> Vec<Named> {
    let read = |form: ReadForm| Action::Read { path: "notes/größe.md".to_owned(), form };
    let mut all = programs();
    all.extend(transcriptions());
    all.extend([
        ("read: text", read(ReadForm::Text)),
        ("read: json", read(ReadForm::Json)),
        ("read: lines", read(ReadForm::Lines)),
        ("list", Action::List { pattern: "memos/**/*.m4a".to_owned() }),
        ("embed", embedding(text(r#"["a","b"]"#), false)),
        ("embed: one long text", embedding(blob("a long text", 70_000), true)),
        ("plan", Action::Plan { file: "plans/app.md".to_owned(), run: run_id() }),
        ("approve", Action::Approve { message: text("Send it?") }),
        ("approve: long", Action::Approve { message: blob("a long message", 16_385) }),
        ("wait", Action::Wait { until_ms: 1_795_195_597_123 }),
        ("pause", Action::Pause { wait_ms: 65_536 }),
    ]);
    all.extend(written().into_iter().map(|(name, before, after)| {
        (name, Action::Write { path: "notes/größe.md".to_owned(), before, after })
    }));
    let started = |action| ActionStarted { effect: EffectId(9), step: StepId(251), action };
    all.into_iter().map(|(name, action)| (name, started(action).into())).collect()
}

fn written() -> Vec<(&'static str, Before, Content)> {
    vec![
        ("write: new", Before::Absent, text("# Größe\n")),
        ("write: known", Before::Known { hash: Hash::of(b"before") }, blob("after", 100_000)),
        ("write: kept", Before::Kept(text("old\n")), text("new\n")),
    ]
}

fn programs() -> Vec<(&'static str, Action)> {
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let bare = ActionRun {
        argv: vec!["make".to_owned()],
        folder: None,
        env: Vec::new(),
        secrets: Vec::new(),
        input: None,
        json: false,
        exit_codes: vec![0],
        repeatable: false,
    };
    let full = ActionRun {
        argv: vec!["jq".to_owned(), ".".to_owned()],
        folder: Some("tools".to_owned()),
        env: vec![pair("LANG", "C"), pair("SIZE", "größe")],
        secrets: vec![pair("TOKEN", "MEMO_TOKEN")],
        input: Some(text("{}")),
        json: true,
        exit_codes: vec![0, 1, -70_000],
        repeatable: true,
    };
    let fed = ActionRun { input: Some(blob("a long input", 70_000)), ..bare.clone() };
    vec![
        ("run", Action::Run(bare)),
        ("run: with everything", Action::Run(full)),
        ("run: long input", Action::Run(fed)),
    ]
}

fn transcriptions() -> Vec<(&'static str, Action)> {
    let transcribe = |format: TranscriptForm| ActionTranscribe {
        endpoint: "ears".to_owned(),
        model: "small".to_owned(),
        file: "memos/größe.m4a".to_owned(),
        language: None,
        translate: false,
        prompt: None,
        threads: None,
        format,
    };
    let told = ActionTranscribe {
        language: Some("de".to_owned()),
        translate: true,
        prompt: Some(text("LAO, Größe")),
        threads: Some(300),
        ..transcribe(TranscriptForm::Json)
    };
    let told_much = ActionTranscribe { prompt: Some(blob("words", 16_385)), ..told.clone() };
    vec![
        ("transcribe: text", Action::Transcribe(transcribe(TranscriptForm::Text))),
        ("transcribe: srt", Action::Transcribe(transcribe(TranscriptForm::Srt))),
        ("transcribe: vtt", Action::Transcribe(transcribe(TranscriptForm::Vtt))),
        ("transcribe: json", Action::Transcribe(told)),
        ("transcribe: many words", Action::Transcribe(told_much)),
    ]
}

fn embedding(texts: Content, single: bool) -> Action {
    Action::Embed { endpoint: "studio".to_owned(), model: "bge".to_owned(), texts, single }
}

pub(super) fn action_ends() -> Vec<Named> {
    let ended = |outcome: ActionOutcome| ActionEnded { effect: EffectId(9), outcome }.into();
    let done = |value: FlowValue| ended(ActionOutcome::Done { value, exit_code: None });
    let failed = |kind: ActionFailure| {
        let message = "why".to_owned();
        ended(ActionOutcome::Failed { kind, message, exit_code: None })
    };
    let mut named: Vec<Named> =
        values().into_iter().map(|(name, value)| (name, done(value))).collect();
    let output = FlowValue::Text(text("output"));
    let missing = "no such file".to_owned();
    let kind = ActionFailure::Command;
    named.extend([
        ("exited", ended(ActionOutcome::Done { value: output, exit_code: Some(1) })),
        (
            "exited red",
            ended(ActionOutcome::Failed { kind, message: missing, exit_code: Some(-70_000) }),
        ),
        ("command", failed(ActionFailure::Command)),
        ("file failed", failed(ActionFailure::File)),
        ("conflict", failed(ActionFailure::Conflict)),
        ("engine", failed(ActionFailure::Engine)),
        ("model", failed(ActionFailure::Model)),
        ("unreachable", failed(ActionFailure::Unreachable)),
        ("model missing", failed(ActionFailure::ModelMissing)),
        ("timed out", failed(ActionFailure::TimedOut)),
        ("inside", failed(ActionFailure::Inside)),
        ("denied", failed(ActionFailure::Denied)),
    ]);
    named
}

pub(super) fn outputs() -> Vec<Named> {
    let set = |value: FlowValue, source: OutputSource| {
        OutputSet { step: StepId(251), value, source }.into()
    };
    let cache = OutputSource::Cache {
        key: Hash::of(b"all that it depends on"),
        keyed_on: "prompt, model qwen at studio".to_owned(),
    };
    let mut named: Vec<Named> = values()
        .into_iter()
        .map(|(name, value)| (name, set(value, OutputSource::Inside)))
        .collect();
    named.push(("of an answer", set(FlowValue::Text(text("Yes.")), OutputSource::Answer)));
    named.push(("of the cache", set(FlowValue::Json(text("[1]")), cache)));
    named
}
