//! The way out of bincode: the maintained crate wincode gives the same bytes.
//!
//! First every kind of field that payloads use, then whole events: their structs mirrored with
//! wincode's derives. Moving to wincode then changes a dependency and not one byte.

use bincode::{Decode, Encode};
use lao_event::{
    Attempt, CallId, Content, ConversationId, EffectId, Event, Hash, Role, RunId, StepId,
    codec::{self, PAYLOAD_BYTES_MAX},
    latest,
};
use proptest::prelude::*;
use wincode::{SchemaRead, SchemaWrite, config::Configuration};

macro_rules! wincode_config {
    () => {
        Configuration::default().with_varint_encoding()
    };
}

/// Encodes with both and demands the same bytes; decodes each other's bytes to the same value.
macro_rules! same {
    ($value:expr, $type:ty) => {{
        let value: $type = $value;
        let by_bincode = bincode::encode_to_vec(
            &value,
            bincode::config::standard().with_limit::<PAYLOAD_BYTES_MAX>(),
        )
        .expect("bincode encodes it");
        let by_wincode =
            wincode::config::serialize(&value, wincode_config!()).expect("wincode encodes it");
        assert_eq!(by_bincode, by_wincode, "{value:?}");
        let back: $type = wincode::config::deserialize_exact(&by_bincode, wincode_config!())
            .expect("wincode decodes it");
        assert_eq!(back, value);
    }};
}

#[derive(Debug, Clone, PartialEq, Encode, Decode, SchemaWrite, SchemaRead)]
struct Newtype(u64);

#[derive(Debug, Clone, PartialEq, Encode, Decode, SchemaWrite, SchemaRead)]
struct Bytes([u8; 32]);

#[derive(Debug, Clone, PartialEq, Encode, Decode, SchemaWrite, SchemaRead)]
struct Pair {
    number: u32,
    text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Encode, Decode, SchemaWrite, SchemaRead)]
enum Fieldless {
    First,
    Second,
    Third,
}

#[derive(Debug, Clone, PartialEq, Encode, Decode, SchemaWrite, SchemaRead)]
enum Mixed {
    Unit,
    Tuple(Pair),
    Struct { flag: bool, found: Option<Bytes> },
}

#[derive(Debug, Clone, PartialEq, Encode, Decode, SchemaWrite, SchemaRead)]
struct Nested {
    id: Newtype,
    maybe: Option<Newtype>,
    list: Vec<Pair>,
    kinds: Vec<Mixed>,
    lists: Vec<Vec<String>>,
    boxed: Box<Pair>,
    plain: Fieldless,
}

/// Numbers around every change of width of the encoding.
fn numbers() -> Vec<u64> {
    let edges = [0, 1, 250, 251, 252, 1 << 16, 1 << 32, 1 << 63, u64::MAX];
    edges
        .into_iter()
        .flat_map(|edge: u64| [edge.wrapping_sub(1), edge, edge.wrapping_add(1)])
        .collect()
}

#[test]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    reason = "any number will do, and cutting gives those of every width"
)]
fn numbers_of_every_width() {
    for number in numbers() {
        same!(number as u8, u8);
        same!(number as u16, u16);
        same!(number as u32, u32);
        same!(number, u64);
        same!(number as i32, i32);
        same!(number as i64, i64);
        same!((number as i64).wrapping_neg(), i64);
        same!(Newtype(number), Newtype);
        same!(Some(number), Option<u64>);
    }
    same!(false, bool);
    same!(true, bool);
}

#[test]
fn texts_lists_and_options() {
    same!(String::new(), String);
    same!("größe – 大".to_owned(), String);
    for length in [250, 251, 70_000] {
        same!("a".repeat(length), String);
        same!(vec![7; length], Vec<u32>);
    }
    same!(None, Option<String>);
    same!(Some("text".to_owned()), Option<String>);
    same!(Vec::new(), Vec<String>);
    same!(vec![vec!["a".to_owned()], Vec::new()], Vec<Vec<String>>);
    same!(Bytes([0xfb; 32]), Bytes);
    same!(Box::new(Pair { number: 251, text: String::new() }), Box<Pair>);
}

#[test]
fn enums_of_every_kind() {
    for plain in [Fieldless::First, Fieldless::Second, Fieldless::Third] {
        same!(plain, Fieldless);
    }
    same!(Mixed::Unit, Mixed);
    same!(Mixed::Tuple(Pair { number: 1, text: "a".to_owned() }), Mixed);
    for found in [None, Some(Bytes([1; 32]))] {
        same!(Mixed::Struct { flag: true, found }, Mixed);
    }
}

fn pair() -> impl Strategy<Value = Pair> {
    (any::<u32>(), ".{0,12}").prop_map(|(number, text)| Pair { number, text })
}

fn mixed() -> impl Strategy<Value = Mixed> {
    prop_oneof![
        Just(Mixed::Unit),
        pair().prop_map(Mixed::Tuple),
        (any::<bool>(), any::<Option<[u8; 32]>>())
            .prop_map(|(flag, found)| Mixed::Struct { flag, found: found.map(Bytes) }),
    ]
}

proptest! {
    #[test]
    fn whatever_is_nested(
        (id, maybe) in (any::<u64>(), any::<Option<u64>>()),
        list in prop::collection::vec(pair(), 0..4),
        kinds in prop::collection::vec(mixed(), 0..4),
        lists in prop::collection::vec(prop::collection::vec(".{0,4}", 0..3), 0..3),
        boxed in pair(),
    ) {
        same!(
            Nested {
                id: Newtype(id),
                maybe: maybe.map(Newtype),
                list,
                kinds,
                lists,
                boxed: Box::new(boxed),
                plain: Fieldless::Third,
            },
            Nested
        );
    }
}

/// Bytes that wincode makes of a mirror must be those the journal has of the event.
fn expect_payload(event: &Event, by_wincode: &[u8]) {
    let encoded = codec::encode(event).expect("the event is small");
    assert_eq!(encoded.payload, by_wincode, "{}", event.name());
}

#[derive(SchemaWrite)]
enum MirrorContent {
    Inline(String),
    Blob { hash: [u8; 32], size_bytes: u64 },
}

impl From<&Content> for MirrorContent {
    fn from(content: &Content) -> Self {
        match content {
            Content::Inline(text) => Self::Inline(text.clone()),
            Content::Blob { hash, size_bytes } => {
                Self::Blob { hash: hash.0, size_bytes: *size_bytes }
            }
        }
    }
}

fn text() -> Content {
    Content::from("größe")
}

fn blob() -> Content {
    Content::Blob { hash: Hash::of(b"large"), size_bytes: 1 << 20 }
}

#[derive(SchemaWrite)]
struct MirrorToolCall {
    id: String,
    name: String,
    arguments: MirrorContent,
}

#[derive(SchemaWrite)]
enum MirrorMessage {
    System { content: MirrorContent },
    User { content: MirrorContent },
    Assistant { content: MirrorContent, tool_calls: Vec<MirrorToolCall> },
    Tool { id: String, name: String, content: MirrorContent },
}

#[derive(SchemaWrite)]
#[expect(dead_code, reason = "the numbers of the variants count")]
enum MirrorRole {
    Planner,
    Coder,
}

#[derive(SchemaWrite)]
#[expect(dead_code, reason = "the numbers of the variants count")]
enum MirrorFormat {
    Text,
    Json { name: String, schema: MirrorContent },
}

#[derive(SchemaWrite)]
struct MirrorRequest {
    endpoint: String,
    model: String,
    format: MirrorFormat,
    tools: bool,
    output_tokens_max: u32,
}

#[derive(SchemaWrite)]
struct MirrorModelCallStarted {
    effect: u64,
    step: u32,
    conversation: u32,
    role: MirrorRole,
    appended: Vec<MirrorMessage>,
    message_count: u32,
    prompt: [u8; 32],
    request: MirrorRequest,
}

fn messages() -> Vec<latest::Message> {
    let call = latest::ToolCall { id: "c1".to_owned(), name: "grep".to_owned(), arguments: blob() };
    vec![
        latest::Message::System { content: text() },
        latest::Message::User { content: blob() },
        latest::Message::Assistant { content: Content::empty(), tool_calls: vec![call] },
        latest::Message::Tool { id: "c1".to_owned(), name: "grep".to_owned(), content: text() },
    ]
}

fn mirror_messages() -> Vec<MirrorMessage> {
    let (text, blob) = (text(), blob());
    let call =
        MirrorToolCall { id: "c1".to_owned(), name: "grep".to_owned(), arguments: (&blob).into() };
    vec![
        MirrorMessage::System { content: (&text).into() },
        MirrorMessage::User { content: (&blob).into() },
        MirrorMessage::Assistant {
            content: MirrorContent::Inline(String::new()),
            tool_calls: vec![call],
        },
        MirrorMessage::Tool {
            id: "c1".to_owned(),
            name: "grep".to_owned(),
            content: (&text).into(),
        },
    ]
}

#[test]
fn a_model_call_as_a_whole() {
    let event = latest::ModelCallStarted {
        effect: EffectId(1 << 40),
        step: StepId(251),
        conversation: ConversationId(2),
        role: Role::Coder,
        appended: messages(),
        message_count: 4,
        prompt: Hash::of(b"prompt"),
        request: latest::ModelRequest {
            endpoint: "studio".to_owned(),
            model: "qwen".to_owned(),
            format: latest::AnswerFormat::Json { name: "tasks".to_owned(), schema: text() },
            tools: true,
            output_tokens_max: 70_000,
        },
    };
    let mirror = MirrorModelCallStarted {
        effect: 1 << 40,
        step: 251,
        conversation: 2,
        role: MirrorRole::Coder,
        appended: mirror_messages(),
        message_count: 4,
        prompt: Hash::of(b"prompt").0,
        request: MirrorRequest {
            endpoint: "studio".to_owned(),
            model: "qwen".to_owned(),
            format: MirrorFormat::Json { name: "tasks".to_owned(), schema: (&text()).into() },
            tools: true,
            output_tokens_max: 70_000,
        },
    };
    let bytes = wincode::config::serialize(&mirror, wincode_config!()).expect("it encodes");
    expect_payload(&event.into(), &bytes);
}

#[derive(SchemaWrite)]
enum MirrorBefore {
    Absent,
    Known { hash: [u8; 32] },
    Kept(MirrorContent),
}

#[derive(SchemaWrite)]
struct MirrorCallId {
    answer: u64,
    index: u32,
}

#[derive(SchemaWrite)]
struct MirrorFileWriteStarted {
    effect: u64,
    step: u32,
    call: MirrorCallId,
    path: String,
    before: MirrorBefore,
    after: Option<MirrorContent>,
    reply: MirrorContent,
}

#[test]
fn a_file_write_as_a_whole() {
    let hash = Hash::of(b"before");
    let cases = [
        (latest::Before::Absent, MirrorBefore::Absent, Some(text())),
        (latest::Before::Known { hash }, MirrorBefore::Known { hash: hash.0 }, Some(blob())),
        (latest::Before::Kept(text()), MirrorBefore::Kept((&text()).into()), None),
    ];
    for (before, mirror_before, after) in cases {
        let mirror = MirrorFileWriteStarted {
            effect: 300,
            step: 1,
            call: MirrorCallId { answer: 299, index: 2 },
            path: "src/größe.rs".to_owned(),
            before: mirror_before,
            after: after.as_ref().map(MirrorContent::from),
            reply: (&text()).into(),
        };
        let event = latest::FileWriteStarted {
            effect: EffectId(300),
            step: StepId(1),
            call: CallId { answer: EffectId(299), index: 2 },
            path: "src/größe.rs".to_owned(),
            before,
            after,
            reply: text(),
        };
        let bytes = wincode::config::serialize(&mirror, wincode_config!()).expect("it encodes");
        expect_payload(&event.into(), &bytes);
    }
}

#[derive(SchemaWrite)]
struct MirrorFinding {
    file: Option<String>,
    line: Option<u32>,
    rule: String,
    message: String,
    hint: String,
}

#[derive(SchemaWrite)]
struct MirrorCheckReport {
    step: u32,
    findings: Vec<MirrorFinding>,
    diff: MirrorContent,
}

#[derive(SchemaWrite)]
enum MirrorCommandOutcome {
    Exited { code: i32 },
    TimedOut,
    NotStarted { message: String },
    Unknown,
}

#[derive(SchemaWrite)]
struct MirrorCommandReport {
    name: String,
    outcome: MirrorCommandOutcome,
    output: MirrorContent,
    elapsed_ms: u64,
}

#[derive(SchemaWrite)]
struct MirrorChecksEnded {
    effect: u64,
    reports: Vec<MirrorCheckReport>,
    commands: Vec<MirrorCommandReport>,
}

fn outcomes() -> Vec<(latest::CommandOutcome, MirrorCommandOutcome)> {
    use MirrorCommandOutcome as Mirror;
    use latest::CommandOutcome as Ours;
    let message = || "no such program".to_owned();
    vec![
        (Ours::Exited { code: -1 }, Mirror::Exited { code: -1 }),
        (Ours::TimedOut, Mirror::TimedOut),
        (Ours::NotStarted { message: message() }, Mirror::NotStarted { message: message() }),
        (Ours::Unknown, Mirror::Unknown),
    ]
}

#[test]
fn a_report_of_checks_as_a_whole() {
    let place = || (Some("a.json".to_owned()), Some(70_000));
    let (file, line) = place();
    let report = latest::CheckReport {
        step: StepId(9),
        findings: vec![latest::Finding {
            file,
            line,
            rule: "json".to_owned(),
            message: "expected `,`".to_owned(),
            hint: String::new(),
        }],
        diff: text(),
    };
    let (file, line) = place();
    let mirror_report = MirrorCheckReport {
        step: 9,
        findings: vec![MirrorFinding {
            file,
            line,
            rule: "json".to_owned(),
            message: "expected `,`".to_owned(),
            hint: String::new(),
        }],
        diff: (&text()).into(),
    };
    let (ours, mirrors): (Vec<_>, Vec<_>) = outcomes()
        .into_iter()
        .map(|(outcome, mirror)| {
            let ours = latest::CommandReport {
                name: "test".to_owned(),
                outcome,
                output: blob(),
                elapsed_ms: 251,
            };
            let mirror = MirrorCommandReport {
                name: "test".to_owned(),
                outcome: mirror,
                output: (&blob()).into(),
                elapsed_ms: 251,
            };
            (ours, mirror)
        })
        .unzip();
    let event = latest::ChecksEnded { effect: EffectId(7), reports: vec![report], commands: ours };
    let mirror = MirrorChecksEnded { effect: 7, reports: vec![mirror_report], commands: mirrors };
    let bytes = wincode::config::serialize(&mirror, wincode_config!()).expect("it encodes");
    expect_payload(&event.into(), &bytes);
}

#[derive(SchemaWrite)]
enum MirrorValue {
    Nothing,
    Text(MirrorContent),
    Json(MirrorContent),
    File { path: String },
}

fn values() -> Vec<(latest::FlowValue, MirrorValue)> {
    use MirrorValue as Mirror;
    use latest::FlowValue as Ours;
    let path = || "memos/größe.m4a".to_owned();
    vec![
        (Ours::Nothing, Mirror::Nothing),
        (Ours::Text(text()), Mirror::Text((&text()).into())),
        (Ours::Json(blob()), Mirror::Json((&blob()).into())),
        (Ours::File { path: path() }, Mirror::File { path: path() }),
    ]
}

#[derive(SchemaWrite)]
enum MirrorFound {
    Nothing,
    File { before: MirrorBefore, start: Option<MirrorContent> },
    Until { until_ms: i64 },
    Run { run: String },
    Cache { key: [u8; 32], keyed_on: String, value: Option<MirrorValue> },
    Refused { message: String },
}

#[derive(SchemaWrite)]
struct MirrorStepLooked {
    step: u32,
    attempt: u32,
    found: MirrorFound,
}

fn found() -> Vec<(latest::Found, MirrorFound)> {
    use MirrorFound as Mirror;
    use latest::Found as Ours;
    let (key, run) = (Hash::of(b"key"), RunId::new(1_795_195_597_123, 7));
    let words = || "words".to_owned();
    let mut all = vec![
        (Ours::Nothing, Mirror::Nothing),
        (
            Ours::File { before: latest::Before::Kept(text()), start: Some(blob()) },
            Mirror::File {
                before: MirrorBefore::Kept((&text()).into()),
                start: Some((&blob()).into()),
            },
        ),
        (Ours::Until { until_ms: -70_000 }, Mirror::Until { until_ms: -70_000 }),
        (Ours::Run { run: run.clone() }, Mirror::Run { run: run.to_string() }),
        (
            Ours::Cache { key, keyed_on: words(), value: None },
            Mirror::Cache { key: key.0, keyed_on: words(), value: None },
        ),
        (Ours::Refused { message: words() }, Mirror::Refused { message: words() }),
    ];
    all.extend(values().into_iter().map(|(value, mirror)| {
        (
            Ours::Cache { key, keyed_on: words(), value: Some(value) },
            Mirror::Cache { key: key.0, keyed_on: words(), value: Some(mirror) },
        )
    }));
    all
}

#[test]
fn a_look_of_a_workflow_as_a_whole() {
    for (found, mirror) in found() {
        let event = latest::StepLooked { step: StepId(251), attempt: Attempt(2), found };
        let mirror = MirrorStepLooked { step: 251, attempt: 2, found: mirror };
        let bytes = wincode::config::serialize(&mirror, wincode_config!()).expect("it encodes");
        expect_payload(&event.into(), &bytes);
    }
}

#[derive(SchemaWrite)]
struct MirrorRun {
    argv: Vec<String>,
    folder: Option<String>,
    env: Vec<(String, String)>,
    secrets: Vec<(String, String)>,
    input: Option<MirrorContent>,
    json: bool,
    exit_codes: Vec<i32>,
    repeatable: bool,
}

#[derive(SchemaWrite)]
#[expect(dead_code, reason = "the numbers of the variants count")]
enum MirrorReadForm {
    Text,
    Json,
    Lines,
}

#[derive(SchemaWrite)]
struct MirrorTranscribe {
    endpoint: String,
    model: String,
    file: String,
    language: Option<String>,
    translate: bool,
    prompt: Option<MirrorContent>,
    threads: Option<u32>,
    format: MirrorTranscriptForm,
}

#[derive(SchemaWrite)]
#[expect(dead_code, reason = "the numbers of the variants count")]
enum MirrorTranscriptForm {
    Text,
    Srt,
    Vtt,
    Json,
}

#[derive(SchemaWrite)]
enum MirrorAction {
    Run(MirrorRun),
    Read { path: String, form: MirrorReadForm },
    List { pattern: String },
    Write { path: String, before: MirrorBefore, after: MirrorContent },
    Transcribe(MirrorTranscribe),
    Embed { endpoint: String, model: String, texts: MirrorContent, single: bool },
    Plan { file: String, run: String },
    Approve { message: MirrorContent },
    Wait { until_ms: i64 },
    Pause { wait_ms: u64 },
}

#[derive(SchemaWrite)]
struct MirrorActionStarted {
    effect: u64,
    step: u32,
    action: MirrorAction,
}

fn run_of_a_command() -> (latest::Action, MirrorAction) {
    let pair = || ("TOKEN".to_owned(), "größe".to_owned());
    let ours = latest::ActionRun {
        argv: vec!["jq".to_owned(), ".".to_owned()],
        folder: Some("tools".to_owned()),
        env: vec![pair(), pair()],
        secrets: vec![pair()],
        input: Some(text()),
        json: true,
        exit_codes: vec![0, -70_000],
        repeatable: true,
    };
    let mirror = MirrorRun {
        argv: ours.argv.clone(),
        folder: ours.folder.clone(),
        env: ours.env.clone(),
        secrets: ours.secrets.clone(),
        input: ours.input.as_ref().map(MirrorContent::from),
        json: true,
        exit_codes: vec![0, -70_000],
        repeatable: true,
    };
    (latest::Action::Run(ours), MirrorAction::Run(mirror))
}

fn transcription() -> (latest::Action, MirrorAction) {
    let ours = latest::ActionTranscribe {
        endpoint: "ears".to_owned(),
        model: "small".to_owned(),
        file: "a.m4a".to_owned(),
        language: Some("de".to_owned()),
        translate: true,
        prompt: Some(blob()),
        threads: Some(300),
        format: latest::TranscriptForm::Vtt,
    };
    let mirror = MirrorTranscribe {
        endpoint: ours.endpoint.clone(),
        model: ours.model.clone(),
        file: ours.file.clone(),
        language: ours.language.clone(),
        translate: true,
        prompt: Some((&blob()).into()),
        threads: Some(300),
        format: MirrorTranscriptForm::Vtt,
    };
    (latest::Action::Transcribe(ours), MirrorAction::Transcribe(mirror))
}

fn actions() -> Vec<(latest::Action, MirrorAction)> {
    use MirrorAction as Mirror;
    use latest::Action as Ours;
    let name = || "name".to_owned();
    let run = RunId::new(1_795_195_597_123, 7);
    vec![
        run_of_a_command(),
        (
            Ours::Read { path: name(), form: latest::ReadForm::Lines },
            Mirror::Read { path: name(), form: MirrorReadForm::Lines },
        ),
        (Ours::List { pattern: name() }, Mirror::List { pattern: name() }),
        (
            Ours::Write { path: name(), before: latest::Before::Absent, after: blob() },
            Mirror::Write { path: name(), before: MirrorBefore::Absent, after: (&blob()).into() },
        ),
        transcription(),
        (
            Ours::Embed { endpoint: name(), model: name(), texts: text(), single: true },
            Mirror::Embed {
                endpoint: name(),
                model: name(),
                texts: (&text()).into(),
                single: true,
            },
        ),
        (
            Ours::Plan { file: name(), run: run.clone() },
            Mirror::Plan { file: name(), run: run.to_string() },
        ),
        (Ours::Approve { message: text() }, Mirror::Approve { message: (&text()).into() }),
        (Ours::Wait { until_ms: -1 }, Mirror::Wait { until_ms: -1 }),
        (Ours::Pause { wait_ms: 1 << 40 }, Mirror::Pause { wait_ms: 1 << 40 }),
    ]
}

#[test]
fn an_action_as_a_whole() {
    for (action, mirror) in actions() {
        let event = latest::ActionStarted { effect: EffectId(300), step: StepId(1), action };
        let mirror = MirrorActionStarted { effect: 300, step: 1, action: mirror };
        let bytes = wincode::config::serialize(&mirror, wincode_config!()).expect("it encodes");
        expect_payload(&event.into(), &bytes);
    }
}

#[derive(SchemaWrite)]
#[expect(dead_code, reason = "the numbers of the variants count")]
enum MirrorFailure {
    Command,
    File,
    Conflict,
    Engine,
    Model,
    Unreachable,
    ModelMissing,
    TimedOut,
    Inside,
    Denied,
}

#[derive(SchemaWrite)]
enum MirrorOutcome {
    Done { value: MirrorValue, exit_code: Option<i32> },
    Failed { kind: MirrorFailure, message: String, exit_code: Option<i32> },
}

#[derive(SchemaWrite)]
struct MirrorActionEnded {
    effect: u64,
    outcome: MirrorOutcome,
}

#[test]
fn the_end_of_an_action_as_a_whole() {
    use MirrorOutcome as Mirror;
    use latest::ActionOutcome as Ours;
    let message = || "no such program".to_owned();
    let kind = latest::ActionFailure::Denied;
    let mut cases = vec![(
        Ours::Failed { kind, message: message(), exit_code: Some(-1) },
        Mirror::Failed { kind: MirrorFailure::Denied, message: message(), exit_code: Some(-1) },
    )];
    cases.extend(values().into_iter().map(|(value, mirror)| {
        (Ours::Done { value, exit_code: None }, Mirror::Done { value: mirror, exit_code: None })
    }));
    for (outcome, mirror) in cases {
        let event = latest::ActionEnded { effect: EffectId(300), outcome };
        let mirror = MirrorActionEnded { effect: 300, outcome: mirror };
        let bytes = wincode::config::serialize(&mirror, wincode_config!()).expect("it encodes");
        expect_payload(&event.into(), &bytes);
    }
}

#[derive(SchemaWrite)]
enum MirrorSource {
    Answer,
    Inside,
    Cache { key: [u8; 32], keyed_on: String },
}

#[derive(SchemaWrite)]
struct MirrorOutputSet {
    step: u32,
    value: MirrorValue,
    source: MirrorSource,
}

#[test]
fn an_output_as_a_whole() {
    let key = Hash::of(b"key");
    let words = || "words".to_owned();
    let sources = [
        (latest::OutputSource::Answer, MirrorSource::Answer),
        (latest::OutputSource::Inside, MirrorSource::Inside),
        (
            latest::OutputSource::Cache { key, keyed_on: words() },
            MirrorSource::Cache { key: key.0, keyed_on: words() },
        ),
    ];
    for ((source, mirror), (value, mirror_value)) in sources.into_iter().zip(values()) {
        let event = latest::OutputSet { step: StepId(251), value, source };
        let mirror = MirrorOutputSet { step: 251, value: mirror_value, source: mirror };
        let bytes = wincode::config::serialize(&mirror, wincode_config!()).expect("it encodes");
        expect_payload(&event.into(), &bytes);
    }
}
