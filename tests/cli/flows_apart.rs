//! Runs of workflows beside each other, and done again from one of their steps.

use std::fs;

use lao_protocol::{DiffKind, RunDiffView};

use super::transcript::Story;

/// Goes through a list, one item after the other, writes a file, waits, and says who it is.
const GREETING: &str = "name: greeting
inputs:
  word: { type: text, default: hello }
steps:
  - id: names
    read: names.txt
  - id: each
    map:
      over: ${{ steps.names.output | lines }}
      concurrency: 1
      do: { run: [\"echo\", \"${{ inputs.word }} ${{ item }}\"] }
  - id: card
    write: { path: \"${{ inputs.word }}.txt\", text: \"${{ steps.each.output | join('\\n') ~ '\\n' }}\" }
  - id: pause
    needs: [card]
    wait: 1s
  - id: who
    run: [\"echo\", \"${{ run.id }}\"]
    needs: [pause]
";

fn story() -> Story {
    let story = Story::new();
    story.sandbox.write("lao.toml", "");
    story.sandbox.write("greeting.yaml", GREETING);
    story.sandbox.write("names.txt", "Ada\nBen\nCora");
    story
}

#[test]
fn workflows_are_compared_step_by_step() {
    let mut story = story();
    story.lao("run greeting.yaml");
    fs::remove_file(story.sandbox.path("hello.txt")).unwrap();
    story.lao("run greeting.yaml");
    let (a, b) = (story.run_id(0), story.run_id(1));
    // Who they are and until when they waited is no difference.
    let same = story.lao(&format!("diff {a} {b}"));
    assert_eq!((same.stdout.as_str(), same.code), ("", Some(0)));
    story.sandbox.write("names.txt", "Ada\nBenedict\nCora\nDan");
    story.lao("run greeting.yaml --input word=bye");
    let c = story.run_id(2);
    story.lao(&format!("diff {a} {c}"));
    let outcome = story.sandbox.run(&["diff", &a, &c, "--json"]);
    let view: RunDiffView = serde_json::from_str(&outcome.stdout).unwrap();
    let kinds: Vec<DiffKind> = view.changes.iter().map(|change| change.kind).collect();
    assert_eq!(kinds, [DiffKind::Input]);
    let page = story.sandbox.run(&["diff", &a, &c, "--format", "html"]);
    assert!(page.stdout.contains("what it does (run)"), "{}", page.stdout);
    story.check("workflow_diff");
}

#[test]
fn a_step_and_what_depends_on_it_are_done_again() {
    let mut story = story();
    story.lao("run greeting.yaml");
    let run = story.run_id(0);
    story.lao(&format!("rerun {run} --from each[0]"));
    story.sandbox.write("names.txt", "Ada\nDan");
    story.lao(&format!("rerun {run} --from names"));
    let again = story.run_id(1);
    story.lao(&format!("show {again}"));
    story.lao(&format!("diff {run} {again}"));
    story.lao(&format!("replay {again}"));
    story.check("workflow_rerun");
}
