//! Which turn answers, and what it answers.

use std::time::Duration;

use lao_event::{Role, latest::FinishReason};
use lao_port::{
    Chat, ChatAnswer, ChatError, ChatErrorKind, ChatFormat, ChatMessage, Model, Sampling,
};

use super::{Script, ScriptedModel};

fn chat(role: Role, step: &str, said: &[&str]) -> Chat {
    let mut messages = Vec::new();
    for (position, text) in said.iter().enumerate() {
        messages.push(if position % 2 == 0 {
            ChatMessage::User((*text).to_owned())
        } else {
            ChatMessage::Assistant { text: (*text).to_owned(), tool_calls: Vec::new() }
        });
    }
    Chat {
        endpoint: "script".to_owned(),
        model: "m".to_owned(),
        role,
        step: step.to_owned(),
        messages,
        tools: Vec::new(),
        native_tools: true,
        format: ChatFormat::Text,
        output_tokens_max: 100,
        sampling: Sampling::default(),
    }
}

fn model(script: &str) -> ScriptedModel {
    ScriptedModel::new(Script::parse("demo.toml", script).unwrap())
}

async fn ask(model: &ScriptedModel, chat: &Chat) -> Result<ChatAnswer, ChatError> {
    model.chat(chat, &|_| {}).await
}

async fn text(model: &ScriptedModel, chat: &Chat) -> String {
    ask(model, chat).await.unwrap().text
}

const TURNS: &str = r#"
[[turn]]
role = "coder"
step = "*"
text = "any {step}"

[[turn]]
role = "coder"
step = "t1"
text = "first"

[[turn]]
role = "coder"
step = "t1"
text = "second"
repeat = true

[[turn]]
role = "coder"
step = "t1"
contains = ["rework", "x.py"]
text = "reworked"

[[turn]]
role = "reviewer"
step = "t1"
expect = "diff"
text = "{step} approved"
literal = true
"#;

#[tokio::test]
async fn the_prompt_alone_decides_which_turn_answers() {
    let model = model(TURNS);
    let coder = |said: &[&str]| chat(Role::Coder, "t1", said);
    assert_eq!(text(&model, &coder(&["go"])).await, "first");
    assert_eq!(text(&model, &coder(&["go"])).await, "first");
    assert_eq!(text(&model, &coder(&["go", "first", "on"])).await, "second");
    let long = ["go", "first", "on", "second", "on", "second", "on"];
    assert_eq!(text(&model, &coder(&long)).await, "second");
    assert_eq!(text(&model, &coder(&["rework x.py"])).await, "reworked");
    assert_eq!(text(&model, &coder(&["rework y.py"])).await, "first");
    assert_eq!(text(&model, &chat(Role::Coder, "t9", &["go"])).await, "any t9");
    let reviewer = chat(Role::Reviewer, "t1", &["the diff"]);
    assert_eq!(text(&model, &reviewer).await, "{step} approved");
}

#[tokio::test]
async fn a_call_that_no_turn_fits_says_what_there_is() {
    let model = model(TURNS);
    let error = ask(&model, &chat(Role::Planner, "plan", &["go"])).await.unwrap_err();
    assert_eq!(error.kind, ChatErrorKind::ScriptMismatch);
    assert_eq!(
        error.message,
        "demo.toml: no turn fits role `planner`, step `plan`, turn 0; \
         the script has no turn for that role and step"
    );
    let later = chat(Role::Coder, "t9", &["go", "any", "on"]);
    let error = ask(&model, &later).await.unwrap_err();
    assert_eq!(
        error.message,
        "demo.toml: no turn fits role `coder`, step `t9`, turn 1; there are turn 0 in line 2"
    );
    let unexpected = chat(Role::Reviewer, "t1", &["nothing"]);
    let error = ask(&model, &unexpected).await.unwrap_err();
    assert_eq!(error.kind, ChatErrorKind::ScriptMismatch);
    assert_eq!(
        error.message,
        "demo.toml:24: the turn expects `diff` in the last message, which is: nothing"
    );
}

#[tokio::test(start_paused = true)]
async fn an_answer_has_calls_counts_and_times_of_its_own() {
    let model = model(
        r#"
[[turn]]
role = "coder"
step = "*"
text = "12345678"
reasoning = "1234"
delay_ms = 3600000
tool_calls = [
  { name = "file_write", arguments = { path = "{step}.py", lines = [1, 2] } },
  { name = "file_read", arguments = "{{step}", id = "mine" },
  { name = "todo_get" },
]
"#,
    );
    let started = tokio::time::Instant::now();
    let answer = ask(&model, &chat(Role::Coder, "a\"b", &["go on"])).await.unwrap();
    assert_eq!(started.elapsed(), Duration::from_hours(1));
    let calls: Vec<_> = answer
        .tool_calls
        .iter()
        .map(|call| (call.id.as_str(), call.name.as_str(), call.arguments.as_str()))
        .collect();
    assert_eq!(
        calls,
        [
            ("000000001", "file_write", r#"{"lines":[1,2],"path":"a\"b.py"}"#),
            ("mine", "file_read", "{a\"b"),
            ("000000002", "todo_get", "{}"),
        ]
    );
    assert_eq!(answer.finish, FinishReason::ToolCalls);
    assert_eq!(answer.timing.total_ms, 3_600_000);
    assert_eq!((answer.usage.prompt_tokens, answer.usage.completion_tokens), (2, 20));
}

#[tokio::test]
async fn errors_come_for_ever_or_a_number_of_times() {
    let model = model(
        r#"
[[turn]]
role = "coder"
step = "t1"
error = { kind = "busy", message = "loading", retry_after_ms = 5, times = 2 }
text = "at last"

[[turn]]
role = "coder"
step = "t2"
error = { kind = "server_failed" }
"#,
    );
    let first = chat(Role::Coder, "t1", &["go"]);
    for _ in 0..2 {
        let error = ask(&model, &first).await.unwrap_err();
        assert_eq!((error.kind, error.retry_after_ms), (ChatErrorKind::Busy, Some(5)));
        assert_eq!(error.message, "demo.toml:2: the script says: loading");
    }
    assert_eq!(text(&model, &first).await, "at last");
    for _ in 0..4 {
        let error = ask(&model, &chat(Role::Coder, "t2", &["go"])).await.unwrap_err();
        assert_eq!(error.kind, ChatErrorKind::ServerFailed);
    }
}

#[test]
fn mistakes_are_named_by_file_and_line() {
    for (script, message) in [
        ("[[turn]]\nrole = \"coder\"\nstep = 7\n", "s.toml:3: invalid type"),
        ("\n[[turn]]\nrole = \"cook\"\n", "s.toml:3: unknown variant `cook`"),
        (
            "[[turn]]\nrole = \"coder\"\nstep = \"a\"\ntxt = \"x\"\n",
            "s.toml:4: unknown field `txt`",
        ),
        ("\n\n[[turn]]\nrole = \"coder\"\nstep = \"a\"\n", "s.toml:3: the turn answers nothing"),
        ("[[turn]\n", "s.toml:1: "),
        (
            "[[turn]]\nrole = \"coder\"\nstep = \"a\"\ntool_calls = [{ name = \"f\", arguments = 3 }]\n",
            "s.toml:1: the arguments of `f` must be a table",
        ),
    ] {
        let error = Script::parse("s.toml", script).unwrap_err().to_string();
        assert!(error.starts_with(message), "{error}");
    }
    let missing = Script::load(std::path::Path::new("no/such.toml")).unwrap_err();
    assert!(missing.to_string().starts_with("cannot read the script no/such.toml"));
}
