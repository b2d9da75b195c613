//! Runs carried from one project to another, and read by other programs.

use std::{fs, path::Path};

use lao_journal::{Journal, Options};
use regex::Regex;
use serde_json::Value;

use super::{super::support::sandbox::Sandbox, journals, simple, transcript::Story};

/// Runs the plan, and makes an empty project beside this one.
fn with_run(story: Story) -> Story {
    assert_eq!(story.sandbox.run(&["run", simple::PLAN]).code, Some(0));
    story.sandbox.write("there/lao.toml", "");
    story
}

/// Gives every role a window for large texts.
pub(crate) fn widen(sandbox: &Sandbox) {
    let path = sandbox.path("lao.toml");
    let narrow = fs::read_to_string(&path).unwrap();
    let mut text = narrow.replace("[roles]\n", "");
    for role in ["planner", "coder", "reviewer"] {
        text = text.replace(&format!("{role}.model = \"scripted\"\n"), "");
        let table = ["\n[roles.", role, "]\nmodel = \"scripted\"\ncontext_tokens = 65536\n"];
        text.push_str(&table.concat());
    }
    fs::write(path, text).unwrap();
}

/// A project whose run has a text that is too large to stand in an event.
fn with_blob() -> Story {
    let story = Story::new();
    simple::write_working(&story.sandbox);
    widen(&story.sandbox);
    let line = "Write two files, as the first line says and no line after it changes.\n";
    story.sandbox.write(simple::PLAN, &format!("# Two files\n\n{}", line.repeat(300)));
    with_run(story)
}

/// A project with passwords in its plan, which is a blob, and in what its coder writes: in a few lines,
/// and in a text that becomes too large for its place when names stand for them.
fn with_secrets() -> Story {
    let story = Story::new();
    let many = "pg://a:hunter2@h ".repeat(850);
    let coded = simple::CODED.replace(
        r#"content = "{step}\n""#,
        &format!(r#"content = "{{step}} postgres://ada:hunter2hunter2@db/todo {many}\n""#),
    );
    assert!(coded.contains("hunter2hunter2"));
    simple::write(&story.sandbox, "", &[simple::PLANNED, &coded, simple::APPROVED]);
    widen(&story.sandbox);
    let line = "Write two files for pg://a:hunter2@h, as the first line says.\n";
    story.sandbox.write(simple::PLAN, &format!("# Two files\n\n{}", line.repeat(300)));
    with_run(story)
}

fn read(story: &Story, path: &str) -> Vec<u8> {
    fs::read(story.sandbox.path(path)).unwrap()
}

/// What a command prints.
fn printed(sandbox: &Sandbox, line: &str) -> String {
    let arguments: Vec<&str> = line.split_whitespace().collect();
    let outcome = sandbox.run(&arguments);
    assert_eq!((outcome.code, outcome.stderr.as_str()), (Some(0), ""), "{line}");
    outcome.stdout
}

/// Fields of what a command prints with `--json`.
fn fields(story: &Story, line: &str) -> Vec<String> {
    let value: Value = serde_json::from_str(&printed(&story.sandbox, line)).unwrap();
    value.as_object().unwrap().keys().cloned().collect()
}

#[test]
fn json_has_the_fields_that_are_documented() {
    let story = with_blob();
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/commands.md");
    let page = fs::read_to_string(page).unwrap();
    for (command, line) in [
        ("export", "export last run.laorun --json"),
        ("import", "--project there import run.laorun --json"),
        ("checkout", "checkout last out --json"),
        ("blame", "blame last t1.txt:1 --json"),
    ] {
        let row = page.lines().find(|row| row.starts_with(&format!("| `{command}` |"))).unwrap();
        let object = row.split('{').nth(1).unwrap().split('}').next().unwrap();
        let mut documented: Vec<String> =
            object.split(',').map(|field| field.trim_matches('"').to_owned()).collect();
        documented.sort();
        assert_eq!(fields(&story, line), documented, "{command}");
    }
}

/// What lies in a folder.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_run_is_the_same_elsewhere() {
    let mut story = with_blob();
    story.lao("export last run.laorun");
    story.lao("--project there import run.laorun");
    story.lao("--project there import run.laorun --json");
    story.lao("--project there runs");
    story.lao("--project there journal check --deep");
    for line in ["log last --json", "show last", "status last"] {
        let here = printed(&story.sandbox, line);
        let there = printed(&story.sandbox, &format!("--project there {line}"));
        let lasting = |text: &str| -> Vec<String> {
            text.lines().filter(|line| !line.contains(" ago")).map(str::to_owned).collect()
        };
        assert_eq!(lasting(&here), lasting(&there), "{line}");
    }
    story.lao("--project there replay last");
    story.lao("--project there export last again.laorun --json");
    assert!(read(&story, "run.laorun") == read(&story, "again.laorun"), "the same bytes");
    for line in ["resume last", "retry last"] {
        story.lao(&format!("--project there {line}"));
    }
    story.check("portable_same");
}

#[test]
fn a_run_that_did_not_end_is_not_gone_on_with_elsewhere() {
    let mut story = super::waiting::killed_in_a_command("");
    story.sandbox.write("there/lao.toml", "");
    story.sandbox.run(&["resume"]);
    story.lao("export last run.laorun -q");
    story.lao("--project there import run.laorun -q");
    for line in ["status", "resume", "cancel last", "answer last 1 skip"] {
        story.lao(&format!("--project there {line}"));
    }
    story.check("portable_unfinished");
}

/// Where an imported run says that it worked is not looked at, although it is there.
#[test]
fn a_fork_of_an_imported_run_works_in_this_project_alone() {
    let story = Story::new();
    simple::write_working(&story.sandbox);
    let story = with_run(story);
    printed(&story.sandbox, "export last run.laorun");
    for name in ["lao.toml", "model.toml"] {
        fs::copy(story.sandbox.path(name), story.sandbox.path("there").join(name)).unwrap();
    }
    story.sandbox.write("app/private.txt", "nobody's business\n");
    printed(&story.sandbox, "--project there import run.laorun");
    printed(&story.sandbox, "--project there fork last@25 --no-run");
    let workspaces = story.sandbox.path("there/.lao/workspaces");
    let all = names(&workspaces);
    assert_eq!(all.len(), 1, "{all:?}");
    let made = names(&workspaces.join(&all[0]));
    assert!(made.contains(&"t1.txt".to_owned()), "{made:?}");
    assert!(!made.contains(&"private.txt".to_owned()), "{made:?}");
    let heads = names(&story.sandbox.path("app/.git/refs/heads"));
    assert!(!heads.contains(&"lao".to_owned()), "{heads:?}");
}

/// Imports a file that is no good, and notes why, but not where: places depend on the time.
fn refused(story: &mut Story, name: &str) {
    let line = format!("--project there import {name}.laorun");
    let arguments: Vec<&str> = line.split(' ').collect();
    let mut outcome = story.sandbox.run(&arguments);
    let places = Regex::new(r"byte \d+|\d{3,} bytes").unwrap();
    outcome.stderr = places.replace_all(&outcome.stderr, "byte N").into_owned();
    story.note(&line, &outcome);
}

#[test]
fn every_region_of_a_file_is_checked() {
    let mut story = with_blob();
    printed(&story.sandbox, "export last run.laorun");
    let whole = read(&story, "run.laorun");
    let place_of = |text: &[u8]| whole.windows(text.len()).position(|it| it == text).unwrap();
    let end = whole.len();
    let regions = [
        ("magic", 0),
        ("format", 6),
        ("kind", 8),
        ("length", 12),
        ("provenance", place_of(b"\"title\"") + 10),
        ("blob", place_of(b"no line after it changes")),
        ("record", place_of(b"I write it.")),
        ("last_hash", end - 40),
        ("end", end - 37),
    ];
    for (name, place) in regions {
        let mut bytes = whole.clone();
        bytes[place] ^= 2;
        fs::write(story.sandbox.path(&format!("{name}.laorun")), bytes).unwrap();
        refused(&mut story, name);
    }
    fs::write(story.sandbox.path("cut.laorun"), &whole[..end / 2]).unwrap();
    fs::write(story.sandbox.path("longer.laorun"), [&whole[..], b"x"].concat()).unwrap();
    fs::write(story.sandbox.path("empty.laorun"), "").unwrap();
    for name in ["cut", "longer", "empty", "missing"] {
        refused(&mut story, name);
    }
    assert_eq!(names(&story.sandbox.path("there/.lao/runs")), [""; 0], "nothing is left");
    story.lao("--project there runs");
    story.check("portable_tampered");
}

#[test]
fn secrets_stay_here() {
    let mut story = with_secrets();
    story.lao("export last open.laorun -q");
    story.lao("export last run.laorun --redact --redact-rule (?<friend>Ada|ada@)");
    story.lao("export last run.jsonl --redact --format jsonl --json");
    let holds = |story: &Story, path: &str| {
        let bytes = read(story, path);
        bytes.windows(7).any(|it| it == b"hunter2")
    };
    assert!(holds(&story, "open.laorun"), "it is there to be found");
    assert!(!holds(&story, "run.laorun"));
    assert!(!holds(&story, "run.jsonl"));
    story.lao("--project there import run.laorun");
    story.lao("--project there journal check --deep");
    story.lao("--project there checkout last out -q");
    story.lao("--project there replay last");
    let written = String::from_utf8(read(&story, "out/t1.txt")).unwrap();
    let begin = "t1 postgres://ada:secret://url_password@db/todo pg://a:secret://url_password@h ";
    assert!(written.starts_with(begin) && written.len() > 20_000, "{written}");
    let plan = String::from_utf8(read(&story, "out/LAO_PLAN.md")).unwrap();
    assert!(plan.contains("Write two files for pg://a:secret://url_password@h, as"), "{plan}");
    story.lao("--project there import open.laorun");
    story.lao("export last x.laorun --redact --redact-rule succeeded");
    story.lao("export last x.laorun --redact --redact-rule (");
    story.lao("export last x.laorun --redact-rule x");
    assert!(!story.sandbox.path("x.laorun").exists());
    story.check("portable_redacted");
}

#[test]
fn other_programs_read_lines() {
    let mut story = with_blob();
    let lines = printed(&story.sandbox, "export last - --format jsonl --blobs");
    let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/portable-events.schema.json");
    let schema: Value = serde_json::from_str(&fs::read_to_string(schema).unwrap()).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let mut kinds = Vec::new();
    let mut events = Vec::new();
    for line in lines.lines() {
        let value: Value = serde_json::from_str(line).unwrap();
        if let Err(error) = validator.validate(&value) {
            panic!("{error} in {line}");
        }
        let kind = value["line"].as_str().unwrap().to_owned();
        if kind == "event" {
            events.push(value["data"].clone());
        }
        if kinds.last() != Some(&kind) {
            kinds.push(kind);
        }
    }
    assert_eq!(kinds, ["run", "blob", "event", "end"]);
    let log = printed(&story.sandbox, "log last --json");
    let log: Vec<Value> = log
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["data"].clone())
        .collect();
    assert_eq!(events, log, "as the log has them");
    let text = lines.lines().nth(1).unwrap();
    assert!(
        text.contains(r#""text":"Write two files, as"#) || text.contains("# Two files"),
        "{text}"
    );
    story.lao("export last run.jsonl --format jsonl --json");
    story.lao("--project there import run.jsonl");
    story.check("portable_lines");
}

#[test]
fn what_cannot_be_exported_or_imported_says_why() {
    let mut story = with_blob();
    story.lao("export x y");
    story.lao("export last run.laorun -q");
    story.lao("export last run.laorun");
    story.lao("export last run.laorun --force -q");
    story.lao("export last none/run.laorun");
    let folder = journals::folder(&mut story, 0);
    let held = Journal::open(&folder, &Options::default()).unwrap();
    story.lao("export last held.laorun");
    story.lao("import run.laorun");
    drop(held);
    fs::remove_dir_all(story.sandbox.path(".lao/blobs")).unwrap();
    story.lao("export last blobless.laorun");
    assert_eq!(names(&story.sandbox.path("none")), [""; 0]);
    let left: Vec<String> =
        names(&story.sandbox.path("")).into_iter().filter(|it| it.contains("laorun")).collect();
    assert_eq!(left, ["run.laorun"], "nothing unfinished stays");
    story.lao("import run.laorun -q");
    story.lao("journal check --deep");
    assert_eq!(story.sandbox.run(&["run", simple::PLAN, "--again"]).code, Some(0));
    story.lao("import run.laorun -q");
    story.check("portable_refused");
}
