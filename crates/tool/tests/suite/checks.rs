//! The verifier: every rule where it speaks up and where it keeps quiet.

use std::fs;

use lao_event::{
    CheckCommand, CheckScope, StepId,
    latest::{CommandOutcome, Finding},
};
use lao_port::{ChangedFile, Verifier, VerifyReport, VerifyRequest, VerifyTask};

use crate::place::Place;

fn task(step: u32) -> VerifyTask {
    VerifyTask {
        step: StepId(step),
        files: Vec::new(),
        deletes: Vec::new(),
        changed: Vec::new(),
        todo_open: Vec::new(),
    }
}

fn changing(step: u32, files: &[(&str, Option<&str>)]) -> VerifyTask {
    let changed = files.iter().map(|(path, base)| ChangedFile {
        path: (*path).to_owned(),
        base: base.map(str::to_owned),
    });
    VerifyTask { changed: changed.collect(), ..task(step) }
}

fn request(tasks: Vec<VerifyTask>, commands: Vec<CheckCommand>) -> VerifyRequest {
    VerifyRequest { tasks, commands, placeholders: true, diff_bytes_max: 10_000 }
}

fn command(name: &str, scope: CheckScope, line: &str) -> CheckCommand {
    CheckCommand {
        name: name.to_owned(),
        argv: ["sh", "-c", line, "sh", "{file}"].map(str::to_owned).to_vec(),
        scope,
        files: vec!["**/*.py".to_owned()],
        timeout_ms: 60_000,
    }
}

async fn verify(
    place: &Place,
    tasks: Vec<VerifyTask>,
    commands: Vec<CheckCommand>,
) -> VerifyReport {
    place.verifier.verify(&request(tasks, commands)).await
}

/// Rule, file and line of each finding.
fn brief(findings: &[Finding]) -> Vec<(&str, Option<&str>, Option<u32>)> {
    findings
        .iter()
        .map(|finding| (finding.rule.as_str(), finding.file.as_deref(), finding.line))
        .collect()
}

fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

#[tokio::test]
async fn claims_are_compared_with_what_is_there() {
    let place = Place::with(&[("there", ""), ("folder/x", ""), ("left", "")]);
    let mut claims = task(1);
    claims.files = owned(&["there", "folder/", "missing", "gone", "../x", "../x", ".git/config"]);
    claims.deletes = owned(&["gone", "left"]);
    claims.todo_open = owned(&["write the tests"]);
    let report = verify(&place, vec![claims], vec![]).await;
    assert_eq!(
        brief(&report.tasks[0].findings),
        [
            ("file-missing", Some("missing"), None),
            ("path", None, None),
            ("path", None, None),
            ("file-not-deleted", Some("left"), None),
            ("todo-open", None, None),
        ]
    );
    let messages: Vec<_> = report.tasks[0].findings.iter().map(|f| f.message.as_str()).collect();
    assert!(messages[1].contains("../x") && messages[2].contains(".git"), "{messages:?}");
    assert_eq!(messages[4], "not done: write the tests");
}

#[tokio::test]
async fn sound_work_has_no_finding() {
    let place = Place::with(&[
        ("a.json", "{\"open\": \"{\"}"),
        ("b.html", "<input placeholder=\"Your code here\">"),
        ("c.rs", "fn main() { let a = \"TODO: implement (\"; }\n"),
        ("d.md", "TODO: implement the parser\n"),
    ]);
    let mut sound = changing(
        1,
        &[
            ("a.json", None),
            ("b.html", None),
            ("c.rs", None),
            ("d.md", None),
            ("old.rs", Some("fn a() {}\n")),
        ],
    );
    sound.files = owned(&["a.json", "b.html"]);
    sound.deletes = owned(&["old.rs"]);
    let report = verify(&place, vec![sound], vec![]).await;
    assert_eq!(report.tasks[0].findings, []);
    assert_eq!(report.commands, []);
}

#[tokio::test]
async fn changed_files_are_parsed_and_read_for_gaps() {
    let place = Place::with(&[
        ("a.json", "{\n  \"a\": 1,\n}\n"),
        ("b.rs", "fn a() {\n"),
        ("c.py", "x = 1\n# TODO: implement\n"),
    ]);
    let changes = changing(1, &[("a.json", None), ("b.rs", None), ("c.py", Some("x = 1\n"))]);
    let report = verify(&place, vec![changes.clone()], vec![]).await;
    assert_eq!(
        brief(&report.tasks[0].findings),
        [
            ("syntax", Some("a.json"), Some(3)),
            ("brackets", Some("b.rs"), Some(1)),
            ("placeholder", Some("c.py"), Some(2)),
        ]
    );
    let quiet = VerifyRequest { placeholders: false, ..request(vec![changes], vec![]) };
    let report = place.verifier.verify(&quiet).await;
    assert_eq!(report.tasks[0].findings.len(), 2);
}

#[tokio::test]
async fn ignored_reserved_binary_and_unbalanced_before_are_not_looked_at() {
    let place = Place::with(&[
        (".gitignore", "out/\n"),
        ("out/a.json", "{"),
        ("odd.rs", "fn a() {\n// more\n"),
    ]);
    place.put("b.json", b"\xff{");
    let changes =
        changing(1, &[("out/a.json", None), ("b.json", None), ("odd.rs", Some("fn a() {\n"))]);
    let report = verify(&place, vec![changes], vec![]).await;
    assert_eq!(report.tasks[0].findings, []);
    assert!(!report.tasks[0].diff.contains("out/a.json"), "{}", report.tasks[0].diff);
}

#[tokio::test]
async fn each_task_gets_its_own_diff() {
    let place = Place::with(&[("a", "1\n2\n"), ("n", "new\n")]);
    let tasks = vec![
        changing(1, &[("a", Some("1\n")), ("d", Some("gone\n"))]),
        changing(2, &[("n", None)]),
    ];
    let report = verify(&place, tasks, vec![]).await;
    assert_eq!(
        report.tasks.iter().map(|task| task.step).collect::<Vec<_>>(),
        [StepId(1), StepId(2)]
    );
    insta::assert_snapshot!(report.tasks[0].diff, @r"
    diff --git a/a b/a
    --- a/a
    +++ b/a
    @@ -1 +1,2 @@
     1
    +2
    diff --git a/d b/d
    deleted file
    --- a/d
    +++ /dev/null
    @@ -1 +0,0 @@
    -gone
    ");
    assert!(report.tasks[1].diff.contains("new file\n--- /dev/null\n+++ b/n\n"));
}

#[tokio::test]
async fn findings_are_bounded() {
    let place = Place::with(&[]);
    let mut many = task(1);
    many.files = (0..100).map(|n| format!("file-{n}")).collect();
    let report = verify(&place, vec![many], vec![]).await;
    assert_eq!(report.tasks[0].findings.len(), 40);
    assert_eq!(report.tasks[0].findings[39].message, "61 more findings are not shown");
}

#[cfg(unix)]
#[tokio::test]
async fn commands_run_in_order_and_red_ones_are_findings() {
    let place = Place::with(&[("src/a.py", "x\n")]);
    let commands = vec![
        command("build", CheckScope::Wave, "echo built > built"),
        command("test", CheckScope::Task, "cat built; echo 'src/a.py:7: wrong'; exit 2"),
    ];
    let report = verify(&place, vec![changing(1, &[("src/a.py", None)])], commands).await;
    let outcomes: Vec<_> =
        report.commands.iter().map(|ran| (ran.name.as_str(), &ran.outcome)).collect();
    assert_eq!(
        outcomes,
        [
            ("build", &CommandOutcome::Exited { code: 0 }),
            ("test", &CommandOutcome::Exited { code: 2 }),
        ]
    );
    let findings = &report.tasks[0].findings;
    assert_eq!(brief(findings), [("command:test", Some("src/a.py"), Some(7))]);
    assert!(
        findings[0].message.ends_with("ended with exit code 2:\nbuilt\nsrc/a.py:7: wrong"),
        "{}",
        findings[0].message
    );
}

#[cfg(unix)]
#[tokio::test]
async fn a_red_command_belongs_to_the_one_task_it_names_else_to_all() {
    let place = Place::with(&[("a.py", ""), ("b.py", "")]);
    let tasks = || vec![changing(1, &[("a.py", None)]), changing(2, &[("b.py", None)])];
    for (line, counts) in [
        ("echo b.py:1: bad; exit 1", [0, 1]),
        ("echo a.py:1: bad; echo b.py:1: bad; exit 1", [1, 1]),
        ("exit 1", [1, 1]),
        ("exit 0", [0, 0]),
    ] {
        let report = verify(&place, tasks(), vec![command("test", CheckScope::Task, line)]).await;
        let found: Vec<_> = report.tasks.iter().map(|task| task.findings.len()).collect();
        assert_eq!(found, counts, "{line}");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_command_for_files_runs_on_each_changed_one_that_matches() {
    let place = Place::with(&[
        (".gitignore", "skip.py\n"),
        ("a.py", "good"),
        ("sub/b.py", "bad"),
        ("-c.py", "good"),
        ("d.txt", "bad"),
        ("skip.py", "bad"),
        ("e.py", "bad, but not changed"),
    ]);
    let tasks = vec![
        changing(
            1,
            &[
                ("a.py", None),
                ("-c.py", None),
                ("d.txt", None),
                ("skip.py", None),
                ("gone.py", Some("x")),
            ],
        ),
        changing(2, &[("./sub/b.py", None)]),
    ];
    let line = r#"echo "$1"; grep -q good "$1""#;
    let report = verify(&place, tasks, vec![command("syntax", CheckScope::File, line)]).await;
    let outputs: Vec<_> = report.commands.iter().map(|ran| ran.output.as_str()).collect();
    assert_eq!(outputs, ["./-c.py\n", "a.py\n", "sub/b.py\n"]);
    assert_eq!(report.tasks[0].findings, []);
    assert_eq!(brief(&report.tasks[1].findings), [("command:syntax", Some("sub/b.py"), None)]);
}

#[cfg(unix)]
#[tokio::test]
async fn a_missing_program_and_a_slow_one_are_findings_with_a_cure() {
    let place = Place::with(&[]);
    let missing = CheckCommand {
        argv: owned(&["no-such-linter", "."]),
        ..command("lint", CheckScope::Task, "")
    };
    let slow = CheckCommand { timeout_ms: 100, ..command("slow", CheckScope::Task, "sleep 1000") };
    let report = verify(&place, vec![task(1)], vec![missing, slow]).await;
    let findings = &report.tasks[0].findings;
    assert_eq!(brief(findings), [("command:lint", None, None), ("command:slow", None, None)]);
    assert!(findings[0].hint.starts_with("install no-such-linter"), "{}", findings[0].hint);
    assert!(findings[1].message.contains("was ended after 100 ms"), "{}", findings[1].message);
    assert_eq!(report.commands[1].outcome, CommandOutcome::TimedOut);
}

#[tokio::test]
async fn a_missing_workspace_is_never_green() {
    let place = Place::with(&[]);
    fs::remove_dir(place.root()).unwrap();
    let report =
        verify(&place, vec![task(1)], vec![command("test", CheckScope::Task, "true")]).await;
    assert_eq!(brief(&report.tasks[0].findings), [("command:test", None, None)]);
}
