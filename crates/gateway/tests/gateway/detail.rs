//! The inside of a step.

use lao_gateway::offline;
use lao_protocol::{ContentView, StepView};

use crate::world::{Project, Script};

async fn step(script: &Script, key: &str) -> StepView {
    let project = Project::new();
    project.run(script).await;
    offline::step(&project.folder, key, &project.contents).unwrap().unwrap()
}

#[tokio::test]
async fn a_task_shows_its_conversations_findings_and_review() {
    let step = step(&Script { tasks: 1, finding: true, ..Script::default() }, "t1").await;
    let detail = step.detail.unwrap();
    let lines: Vec<String> = detail
        .messages
        .iter()
        .map(|message| {
            let ContentView::Text(text) = &message.content else {
                panic!("all texts are short");
            };
            let text = text.lines().next().unwrap_or_default();
            let text: String = text.chars().take(40).collect();
            let calls = message.tool_calls.join(" ");
            format!("{} {} {}: {text} {calls}", message.seq, message.role, message.from)
                .trim_end()
                .to_owned()
        })
        .collect();
    insta::assert_snapshot!(lines.join("\n"), @r#"
    13 coder system: You are a careful programmer working in
    13 coder user: # Task: Task 1
    14 coder assistant: I write the file. file_write({"content":"xxxxxxx","path":"src/1.py"})
    17 coder tool: written
    19 coder assistant: Done.
    22 coder user: The machine's checks found this. Mend it
    23 coder assistant: I write the file. file_write({"content":"xxxxxxx","path":"src/1.py"})
    26 coder tool: written
    28 coder assistant: Done.
    33 reviewer system: You review the changes of one task. The
    33 reviewer user: # Task: Task 1
    34 reviewer assistant: {"findings":[],"summary":"It fits.","ver
    "#);
    assert_eq!(detail.description, "Write a file.");
    assert_eq!(detail.claimed_files, ["src/1.py"]);
    assert_eq!(detail.acceptance, ["the file is there"]);
    assert_eq!(detail.findings.len(), 1);
    assert_eq!(detail.findings[0].by, "verifier");
    assert_eq!(detail.review.as_deref(), Some("approved: It fits."));
}

#[tokio::test]
async fn a_planning_step_shows_its_part_of_the_plan() {
    let step = step(&Script { tasks: 1, ..Script::default() }, "plan").await;
    let detail = step.detail.unwrap();
    assert_eq!(detail.description, "# App\n\nWrite it.\n");
    let last = detail.messages.last().unwrap();
    assert_eq!((last.role.as_str(), last.from.as_str()), ("planner", "assistant"));
}

#[tokio::test]
async fn long_texts_come_from_the_blob_store_as_far_as_there_is_room() {
    let short = Script { tasks: 1, file_bytes: 40_000, ..Script::default() };
    let detail = step(&short, "t1").await.detail.unwrap();
    let call = detail.messages.iter().find_map(|message| message.tool_calls.first());
    assert!(call.unwrap().len() > 40_000);
    let long = Script { tasks: 1, file_bytes: 300_000, ..Script::default() };
    let detail = step(&long, "t1").await.detail.unwrap();
    let call = detail.messages.iter().find_map(|message| message.tool_calls.first());
    assert!(call.unwrap().contains("bytes in blob"), "{}", call.unwrap());
}

#[tokio::test]
async fn there_is_no_step_of_another_name() {
    let project = Project::new();
    project.run(&Script { tasks: 1, ..Script::default() }).await;
    let step = offline::step(&project.folder, "t9", &project.contents).unwrap();
    assert_eq!(step, None);
}
