//! Every form of a call in the text, and what must not be taken for one.

use lao_event::ToolSpec;
use proptest::prelude::*;

use super::{salvage, salvage_tagged};

fn tools() -> Vec<ToolSpec> {
    let tool = |name: &str, parameters: &str| ToolSpec {
        name: name.to_owned(),
        description: "a tool".to_owned(),
        parameters: parameters.to_owned(),
    };
    vec![
        tool(
            "file_write",
            r#"{"type":"object","properties":{"path":{"type":"string"},"content":{"type":"string"}}}"#,
        ),
        tool(
            "file_read",
            r#"{"type":"object","properties":{"path":{"type":"string"},"first_line":{"type":"integer"}}}"#,
        ),
    ]
}

#[track_caller]
fn check(text: &str, said: &str, calls: &[(&str, &str)]) {
    let found = salvage(text, &tools()).unwrap_or_else(|| panic!("nothing found in {text}"));
    let got: Vec<_> =
        found.calls.iter().map(|call| (call.name.as_str(), call.arguments.as_str())).collect();
    assert_eq!((found.text.as_str(), got.as_slice()), (said, calls), "{text}");
}

const READ: (&str, &str) = ("file_read", r#"{"path":"a.py"}"#);
const READ_FROM: (&str, &str) = ("file_read", r#"{"first_line":3,"path":"a.py"}"#);

#[test]
fn marked_calls_are_found() {
    let json = r#"{"name": "file_read", "arguments": {"path": "a.py"}}"#;
    check(&format!("Let me see.\n<tool_call>\n{json}\n</tool_call>"), "Let me see.", &[READ]);
    check(
        &format!("<tool_call>{json}</tool_call>\n<tool_call>{json}</tool_call>"),
        "",
        &[READ, READ],
    );
    check(&format!("<tool_call>{json}\n{json}</tool_call> Then."), "Then.", &[READ, READ]);
    check(&format!("<tool_call>{json}"), "", &[READ]);
    check(&format!("[TOOL_REQUEST]{json}[END_TOOL_REQUEST]"), "", &[READ]);
    check(&format!("[TOOL_CALLS][{json}]"), "", &[READ]);
    check("[TOOL_CALLS]file_read[ARGS]{\"path\": \"a.py\"}", "", &[READ]);
    check(
        r#"<|python_tag|>{"name": "file_read", "parameters": {"path": "a.py"}}<|eom_id|>"#,
        "",
        &[READ],
    );
    check(
        r#"<|channel|>commentary to=functions.file_read <|constrain|>json<|message|>{"path": "a.py"}<|call|>"#,
        "",
        &[READ],
    );
}

#[test]
fn the_form_of_qwen3_coder_is_typed_by_the_schema() {
    check(
        "Now:\n<function=file_read>\n<parameter=path>\na.py\n</parameter>\n<parameter=first_line>\n3\n</parameter>\n</function>",
        "Now:",
        &[READ_FROM],
    );
    check(
        "<tool_call>\n<function=file_write>\n<parameter=path>\n7\n</parameter>\n<parameter=content>\nx </parameter> y\n\n</parameter>\n</function>\n</tool_call>",
        "",
        &[("file_write", r#"{"content":"x </parameter> y\n","path":"7"}"#)],
    );
}

#[test]
fn unmarked_calls_are_found() {
    check(
        r#"[file_read(path="a.py", first_line=3), file_read(path='a.py')]"#,
        "",
        &[READ_FROM, READ],
    );
    check(
        "I read it:\n```json\n{\"name\": \"file_read\", \"arguments\": {\"path\": \"a.py\"}}\n```\n",
        "I read it:",
        &[READ],
    );
    check(r#"{"tool": "file_read", "args": {"path": "a.py"}}"#, "", &[READ]);
    check(
        "I read it:\n{\"name\": \"file_read\", \"parameters\": {\"path\": \"a.py\"}}\n",
        "I read it:",
        &[READ],
    );
    check(
        r#"[{"type":"function","function":{"name":"file_read","arguments":"{\"path\": \"a.py\"}"}}]"#,
        "",
        &[READ],
    );
}

#[test]
fn broken_calls_are_mended() {
    check(
        "<tool_call>{\"name\": \"file_read\", \"arguments\": {\"path\": \"a.py\",}}</tool_call>",
        "",
        &[READ],
    );
    check(
        "<tool_call>{\"name\": \"file_read\", \"arguments\": {\"path\": \"a.py\"}</tool_call>",
        "",
        &[READ],
    );
    check(
        "<tool_call>{'name': 'File-Read', 'arguments': {'path': 'a.py'}}</tool_call>",
        "",
        &[READ],
    );
    check(
        "<tool_call>{\"name\": \"functions.file_write\", \"arguments\": {\"content\": \"a\nb </tool_call>\"}}</tool_call>",
        "",
        &[("file_write", r#"{"content":"a\nb </tool_call>"}"#)],
    );
}

#[test]
fn what_is_no_call_stays_text() {
    for text in [
        "",
        "All done.",
        "<tool_call>{\"name\": \"rm_rf\", \"arguments\": {}}</tool_call>",
        "{\"name\": \"file_read\"}",
        "{\"name\": \"file_read\", \"arguments\": {}} is how to call it",
        "```json\n{\"name\": \"my-package\", \"version\": \"1\"}\n```",
        "[1, 2, 3]",
        "[file_read(\"a.py\")]",
        "[rm(path='x')]",
        "<tool_call>not json</tool_call>",
        "<function=unknown><parameter=a>1</parameter></function>",
    ] {
        assert_eq!(salvage(text, &tools()), None, "{text}");
    }
    let call = r#"<tool_call>{"name": "file_read", "arguments": {}}</tool_call>"#;
    assert_eq!(salvage(call, &[]), None);
    assert_eq!(salvage_tagged(r#"{"name": "file_read", "arguments": {}}"#, &tools()), None);
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(parts in proptest::collection::vec(
        prop_oneof![
            Just("<tool_call>".to_owned()), Just("</tool_call>".to_owned()), Just("<function=file_read>".to_owned()),
            Just("<parameter=a>".to_owned()), Just("</parameter>".to_owned()), Just("[TOOL_CALLS]".to_owned()),
            Just("[ARGS]".to_owned()), Just("<|channel|>commentary to=".to_owned()), Just("<|message|>".to_owned()),
            Just("```json\n".to_owned()), Just("\n```".to_owned()), Just("[file_read(".to_owned()),
            Just("{\"name\":\"file_read\",\"arguments\":{".to_owned()), Just("}}".to_owned()), "[a-zé€\"'\\\\{}\\[\\]()=, \n]{0,8}",
        ], 0..10)) {
        salvage(&parts.concat(), &tools());
    }
}
