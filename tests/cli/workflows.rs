//! Workflows: checked, run, shown, tried again, started by files, and chains on one line.

use std::{
    fs::File,
    io::Write,
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, SystemTime},
};

use super::{
    super::support::sandbox::{Outcome, Running},
    transcript::Story,
};

const CONFIG: &str = r#"
[endpoints.script]
kind = "scripted"
script = "model.toml"

[roles]
analyst.model = "scripted"
"#;

const SCRIPT: &str = r#"
[[turn]]
role = "analyst"
step = "new"
literal = true
text = """Here it is:

```yaml
name: shout
steps:
  - id: text
    read: notes.txt
  - id: loud
    write: { path: loud.txt, text: "${{ steps.txt.output | upper }}" }
```
"""

[[turn]]
role = "analyst"
step = "new"
literal = true
text = """
name: shout
steps:
  - id: text
    read: notes.txt
  - id: loud
    write: { path: loud.txt, text: "${{ steps.text.output | upper }}" }
"""

[[turn]]
role = "analyst"
step = "*"
text = "- one\n- two"
repeat = true
"#;

const NOTES: &str = "name: notes
inputs:
  file: { type: path, default: notes.txt, description: What is read }
steps:
  - id: text
    read: ${{ inputs.file }}
  - id: summary
    prompt: \"Summarise:\\n${{ steps.text.output }}\"
    model: analyst
    cache: true
  - id: long
    when: ${{ steps.text.output | length > 100 }}
    prompt: \"Shorter:\\n${{ steps.summary.output }}\"
    model: analyst
  - id: save
    write: { path: summary.md, text: \"${{ steps.summary.output }}\\n\" }
output: ${{ steps.summary.output }}
";

const FAILING: &str = "name: failing
steps:
  - id: bad
    run: { shell: \"echo out of paper >&2; exit 3\" }
  - id: after
    assert: ${{ steps.bad.output == 'x' }}
  - id: beside
    run: [\"true\"]
  - id: rescued
    run: { shell: \"exit 1\" }
    on_failure: { fallback: instead }
  - id: instead
    run: [\"echo\", \"instead\"]
  - id: tolerated
    run: [\"false\"]
    on_failure: continue
";

const WRONG: &str = "name: wrong
steps:
  - id: text
    raed: a.txt
  - id: text
    prompt: \"${{ steps.texts.output }}\"
    modle: analyst
  - id: a
    run: [\"true\"]
    needs: [b]
  - id: b
    run: [\"true\"]
    needs: [a]
";

fn story() -> Story {
    let story = Story::new();
    story.sandbox.write("lao.toml", CONFIG);
    story.sandbox.write("model.toml", SCRIPT);
    story.sandbox.write("notes.txt", "Anna called. Ben did not.\n");
    story
}

/// Types a command of several words, some of them with spaces, and says something to it.
fn said(story: &mut Story, arguments: &[&str], input: &str) -> Outcome {
    let mut command = story.sandbox.command(arguments);
    let pipes = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = pipes.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let outcome = Outcome {
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
        code: output.status.code(),
    };
    let quoted = |word: &&str| {
        if word.contains(' ') { format!("'{word}'") } else { (*word).to_owned() }
    };
    let line: Vec<_> = arguments.iter().map(quoted).collect();
    story.note(&line.join(" "), &outcome);
    outcome
}

#[test]
fn a_workflow_is_run_and_taken_from_the_cache() {
    let mut story = story();
    story.sandbox.write("notes.yaml", NOTES);
    story.lao("validate notes.yaml");
    story.lao("run notes.yaml --dry-run");
    story.lao("run notes.yaml");
    let run = story.run_id(0);
    story.lao(&format!("status {run}"));
    story.lao(&format!("graph {run}"));
    story.lao("graph notes.yaml --format mermaid");
    story.lao(&format!("replay {run}"));
    story.lao("run notes.yaml");
    let again = story.run_id(1);
    story.lao(&format!("show {again} --step summary"));
    story.lao("run notes.yaml --only text");
    story.lao("run notes.yaml --input file=absent.txt");
    assert_eq!(
        std::fs::read_to_string(story.sandbox.path("summary.md")).unwrap(),
        "- one\n- two\n"
    );
    story.check("workflow");
}

#[test]
fn what_is_cached_goes_when_nothing_used_it_for_long() {
    let mut story = story();
    story.sandbox.write("notes.yaml", NOTES);
    story.lao("run notes.yaml --quiet");
    story.lao("prune --older-than 2");
    let long_ago = SystemTime::now() - Duration::from_hours(72);
    let is_file = |path: &PathBuf| path.is_file();
    let folder = story.sandbox.path(".lao/cache");
    let cached = || walk(&folder).into_iter().filter(is_file);
    let file = cached().next().unwrap();
    let age = || File::options().write(true).open(&file).unwrap().set_modified(long_ago).unwrap();
    age();
    story.lao("run notes.yaml --quiet");
    assert!(cached().all(|path| path.metadata().unwrap().modified().unwrap() > long_ago), "used");
    age();
    story.lao("prune --keep 9 --yes");
    story.lao("prune --older-than 2");
    story.lao("prune --older-than 2 --yes");
    assert_eq!(cached().count(), 0);
    story.lao("prune --older-than 2 --yes --json");
    story.check("workflow_cache_pruned");
}

/// Everything in a folder, however deep.
fn walk(folder: &Path) -> Vec<PathBuf> {
    let entries =
        std::fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| [walk(&path), vec![path]].concat()).collect()
}

#[test]
fn a_run_becomes_a_scenario() {
    let mut story = story();
    story.sandbox.write("notes.yaml", NOTES);
    let listed =
        NOTES.replace("read: ${{ inputs.file }}", "read: { lines: \"${{ inputs.file }}\" }");
    story.sandbox.write(
        "listed.yaml",
        &listed.replace("  - id: save", "  - id: who\n    run: [\"uname\"]\n  - id: save"),
    );
    for flow in ["notes.yaml", "listed.yaml"] {
        assert_eq!(story.lao(&format!("run {flow}")).code, Some(0));
        let to = format!("{flow}.scenario.toml");
        assert_eq!(story.lao(&format!("scenario record last --to {to}")).code, Some(0));
        // What it reads is in the scenario, not in the folder any more.
        let played = story.lao(&format!("scenario test {to} --accept --crash"));
        assert_eq!(played.code, Some(0), "{}{}", played.stdout, played.stderr);
    }
}

#[test]
fn a_run_whose_manifest_is_lost_is_known_by_its_workflow_again() {
    let mut story = story();
    let flow = "name: counted\nsteps:\n  - id: all\n    map: { over: [1, 2], do: { assert: \"${{ item > 0 }}\" } }\n  \
                - id: after\n    needs: [all]\n    run: [\"true\"]\n";
    story.sandbox.write("counted.yaml", flow);
    assert_eq!(story.lao("run counted.yaml").code, Some(0));
    let run = story.run_id(0);
    let manifest = story.sandbox.path(&format!(".lao/runs/{run}/run.json"));
    let labels = || {
        let text = std::fs::read_to_string(&manifest).unwrap();
        let manifest: serde_json::Value = serde_json::from_str(&text).unwrap();
        ["title", "source", "plan_hash", "flow_hash"].map(|label| manifest[label].clone())
    };
    let before = labels();
    assert!(before[2].is_null() && before[3].is_string(), "{before:?}");
    std::fs::remove_file(&manifest).unwrap();
    assert_eq!(story.lao(&format!("journal repair {run}")).code, Some(0));
    assert_eq!(labels(), before);
}

#[test]
fn failures_say_what_follows() {
    let mut story = story();
    story.sandbox.write("failing.yaml", FAILING);
    // One after the other, so that they end in this order.
    let outcome = story.lao("run failing.yaml --set orchestration.parallel_steps=1");
    assert_ne!(outcome.code, Some(0));
    let run = story.run_id(0);
    story.lao(&format!("graph {run}"));
    story.lao(&format!("retry {run} --set orchestration.parallel_steps=1"));
    story.check("workflow_failing");
}

#[test]
fn every_mistake_is_told_at_once() {
    let mut story = story();
    story.sandbox.write("wrong.yaml", WRONG);
    let outcome = story.lao("validate wrong.yaml");
    assert_eq!(outcome.code, Some(2));
    story.lao("run wrong.yaml");
    story.lao("run wrong.yaml --json");
    story.lao("validate absent.yaml");
    story.lao("graph absent.yaml");
    story.lao("watch wrong.yaml");
    story.check("workflow_wrong");
}

#[test]
fn chains_are_filters() {
    let mut story = story();
    let text = "Anna called.\n";
    let outcome = said(&mut story, &["chain", "summarize", "--quiet"], text);
    assert_eq!(outcome.stdout, "- one\n- two\n");
    said(&mut story, &["chain", "read notes.txt | summarize | save out.md"], "");
    said(&mut story, &["chain", "summarize | save out.md", "--to", "-"], "");
    said(&mut story, &["chain", "sumarize | save out.md"], text);
    story.lao("steps");
    story.lao("doctor --set git.enabled=false");
    assert_eq!(std::fs::read_to_string(story.sandbox.path("out.md")).unwrap(), "- one\n- two");
    story.check("workflow_chain");
}

#[test]
fn a_chain_runs_in_any_folder_with_the_users_own_settings() {
    const OWN: &str = "../home/.config/lao";
    let mut story = Story::new();
    said(&mut story, &["chain", "summarize"], "Anna called.\n");
    story.sandbox.write(&format!("{OWN}/lao.toml"), CONFIG);
    story.sandbox.write(&format!("{OWN}/model.toml"), SCRIPT);
    story.sandbox.write("notes.txt", "Anna called. Ben did not.\n");
    story.sandbox.write("notes.yaml", NOTES);
    said(&mut story, &["chain", "read notes.txt | summarize | save out.md"], "");
    assert_eq!(std::fs::read_to_string(story.sandbox.path("out.md")).unwrap(), "- one\n- two");
    let run = story.sandbox.run(&["run", "notes.yaml"]);
    assert!(run.code == Some(0) && run.stdout.ends_with("\n- one\n- two\n"), "{}", run.stdout);
    let runs = story.sandbox.run(&["runs"]).stdout;
    assert!(runs.lines().count() == 3 && runs.contains("work/notes.yaml"), "{runs}");
    let listed = story.sandbox.run(&["runs", "--json"]).stdout;
    assert!(listed.lines().all(|line| line.contains("\"kind\":\"workflow\"")), "{listed}");
    let status = story.sandbox.run(&["status"]).stdout;
    let is_here = |line: &str| line.starts_with("workspace ") && line.ends_with("/work");
    assert!(status.lines().any(is_here), "{status}");
    story.lao("run plan.md");
    story.lao("watch notes.yaml");
    assert!(!story.sandbox.path(".lao").exists(), "nothing is left in the folder");
    story.check("workflow_anywhere");
}

#[test]
fn a_template_and_a_draft_are_workflows() {
    let mut story = story();
    story.lao("new workflow mine");
    story.lao("validate mine.yaml");
    story.lao("new workflow mine");
    said(
        &mut story,
        &["new", "workflow", "shout", "--from", "Put notes.txt in capitals", "-y"],
        "",
    );
    let outcome = story.lao("run shout.yaml");
    assert_eq!(outcome.code, Some(0));
    let loud = std::fs::read_to_string(story.sandbox.path("loud.txt")).unwrap();
    assert_eq!(loud, "ANNA CALLED. BEN DID NOT.\n");
    story.check("workflow_new");
}

#[test]
fn a_folder_is_emptied_once() {
    let mut story = story();
    let flow = "name: copy\non:\n  watch: { path: inbox, match: [\"*.txt\"], settle_ms: 50 }\nsteps:\n  - id: text\n    \
                read: ${{ trigger.path }}\n  - id: save\n    write: { path: \"saved/${{ trigger.name }}\", text: \"${{ \
                steps.text.output | upper }}\" }\n";
    story.sandbox.write("copy.yaml", flow);
    story.sandbox.write("inbox/a.txt", "a\n");
    story.lao("watch copy.yaml --once");
    // The same content under another name is no new file.
    story.sandbox.write("inbox/b.txt", "a\n");
    story.lao("watch copy.yaml --once");
    story.sandbox.write("inbox/b.txt", "b\n");
    story.lao("watch copy.yaml --once");
    story.lao("runs");
    let files = lao_scenario::files(&story.sandbox.path("saved")).unwrap();
    assert_eq!(files.len(), 2, "{files:?}");
    story.check("workflow_watch");
}

#[test]
fn independent_steps_run_at_the_same_time() {
    // Each of the three ends only when all of them have begun.
    let meet = |name: &str| {
        format!(
            "  - id: {name}\n    run: {{ shell: \"touch {name}.begun; until [ -e a.begun ] && [ -e b.begun ] && [ \
             -e c.begun ]; do sleep 0.02; done\" }}\n    timeout: 60s\n"
        )
    };
    let story = story();
    let flow = ["name: together\nsteps:\n".to_owned(), meet("a"), meet("b"), meet("c")].concat();
    story.sandbox.write("together.yaml", &flow);
    let command = story.sandbox.command(&["run", "together.yaml"]);
    let outcome = Running::start(command).finish();
    assert_eq!(outcome.code, Some(0), "{}\n{}", outcome.stdout, outcome.stderr);
}
