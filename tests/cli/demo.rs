//! The demo, and everything that can be looked at afterwards.

use super::transcript::Story;

#[test]
fn a_demo_and_a_look_around() {
    let mut story = Story::new();
    story.lao("demo");
    story.lao("demo");
    for line in [
        "runs",
        "status",
        "show last",
        "show last --step t2",
        "show last --step t9",
        "log last",
        "log last --from 113",
        "journal check",
        "journal check last",
        "doctor",
        "run plans/todo.md",
        "run --once",
        "resume",
        "resume last",
        "retry",
        "retry --step t1",
        "retry --step t9",
        "cancel last",
        "answer last 3 skip",
        "log nope",
    ] {
        story.lao(&format!("--project lao-demo {line}"));
    }
    story.check("demo");
}
