//! Reading, writing, patching and deleting files.

use std::fs;

use lao_event::{
    Hash, ShellAccess,
    latest::{FileWriteOutcome, TodoItem, ToolOutcome},
};
use lao_port::{FileWrite, PreparedAction, Toolbox};
use lao_tool::{TEMP_PREFIX, ToolLimits};

use crate::place::{Place, as_write};

#[tokio::test]
async fn a_file_is_read_with_line_numbers_and_by_range() {
    let place = Place::with(&[("a.txt", "one\ntwo\r\nthree\n"), ("empty", "")]);
    let all = place.read("file_read", r#"{"path":"a.txt"}"#).await;
    assert_eq!(
        (all.outcome, all.text.as_str()),
        (ToolOutcome::Succeeded, "1\tone\n2\ttwo\n3\tthree\n")
    );
    for (arguments, text) in [
        (r#"{"path":"a.txt","first_line":2,"last_line":2}"#, "2\ttwo\n[lines 2-2 of 3]"),
        (r#"{"path":"a.txt","first_line":3,"last_line":99}"#, "3\tthree\n"),
        (r#"{"path":"a.txt","last_line":1}"#, "1\tone\n[lines 1-1 of 3]"),
        (r#"{"path":"empty"}"#, "[empty is empty]"),
    ] {
        assert_eq!(place.read("file_read", arguments).await.text, text, "{arguments}");
    }
}

#[tokio::test]
async fn what_cannot_be_read_is_explained() {
    let place = Place::with(&[("src/main.py", "x\n"), ("binary", "a\0b"), ("ten", "1\n")]);
    for (arguments, text) in [
        (r#"{"path":"src/mian.py"}"#, "There is no src/mian.py. Did you mean src/main.py?"),
        (r#"{"path":"main.py"}"#, "There is no main.py. Did you mean src/main.py?"),
        (r#"{"path":"zzz"}"#, "There is no zzz. Use find_files to see what there is."),
        (r#"{"path":"ten/below"}"#, "There is no ten/below. Use find_files to see what there is."),
        (r#"{"path":"src"}"#, "src is a folder; use list_dir."),
        (r#"{"path":"binary"}"#, "binary is not text (3 bytes)."),
        (r#"{"path":"ten","first_line":5}"#, "There is no line 5-1: ten has 1 lines."),
    ] {
        let reply = place.read("file_read", arguments).await;
        assert_eq!((reply.outcome, reply.text.as_str()), (ToolOutcome::Failed, text));
    }
}

#[tokio::test]
async fn a_long_file_is_read_to_its_end_page_by_page() {
    let limits =
        ToolLimits { output_bytes_max: 400, shell: ShellAccess::Off, shell_timeout_ms: 1000 };
    let long_line = "é".repeat(300);
    let text = "a line with ääää\n".repeat(40);
    let place = Place::limited(&[("long", &format!("{text}{long_line}\nend\n"))], &limits);
    let mut arguments = r#"{"path":"long"}"#.to_owned();
    let mut seen = String::new();
    for page in 0.. {
        assert!(page < 30, "the pages do not end");
        let reply = place.read("file_read", &arguments).await.text;
        assert!(reply.len() <= 400, "{} bytes", reply.len());
        let (body, note) = reply.rsplit_once('\n').unwrap();
        for line in body.lines() {
            let (number, line) = line.split_once('\t').unwrap();
            let line_break = if number == "41" && line.starts_with('é') { "" } else { "\n" };
            seen.extend([line, line_break]);
        }
        let Some((_, next)) = note.split_once("go on with ") else {
            break;
        };
        let next = next.trim_end_matches(']').replace('=', "\":").replace(' ', ",\"");
        arguments = format!(r#"{{"path":"long","{next}}}"#);
    }
    assert_eq!(seen, format!("{text}{long_line}end\n"));
}

#[tokio::test]
async fn text_that_is_not_utf8_is_shown_but_not_changed() {
    let place = Place::with(&[]);
    place.put("latin", b"caf\xe9\n");
    let shown = place.read("file_read", r#"{"path":"latin"}"#).await.text;
    assert_eq!(shown, "1\tcaf\u{fffd}\n\n[not UTF-8: some characters are replaced]");
    for (tool, arguments) in [
        ("file_write", r#"{"path":"latin","content":"x"}"#),
        ("file_patch", r#"{"path":"latin","search":"caf","replace":"x"}"#),
    ] {
        let reply = place.invalid(tool, arguments).await;
        assert!(reply.contains("not UTF-8 text (byte 3"), "{reply}");
    }
    let (outcome, _) = place.write("file_delete", r#"{"path":"latin"}"#).await;
    assert_eq!(outcome, FileWriteOutcome::Written);
    assert!(!place.root().join("latin").exists());
}

#[tokio::test]
async fn files_are_created_with_their_folders_replaced_and_deleted() {
    let place = Place::with(&[]);
    let (outcome, reply) =
        place.write("file_write", r#"{"path":"a/b/c.txt","content":"x\n"}"#).await;
    assert_eq!(outcome, FileWriteOutcome::Written);
    assert_eq!(reply, "Created a/b/c.txt (1 lines, 2 bytes).");
    assert_eq!(place.text("a/b/c.txt"), "x\n");
    let (_, reply) = place.write("file_write", r#"{"path":"a/b/c.txt","content":""}"#).await;
    assert_eq!(reply, "Wrote a/b/c.txt (0 lines, 0 bytes).");
    assert_eq!(place.text("a/b/c.txt"), "");
    let (outcome, reply) = place.write("file_write", r#"{"path":"a/b/c.txt","content":""}"#).await;
    assert_eq!(outcome, FileWriteOutcome::AlreadyWritten);
    assert_eq!(reply, "a/b/c.txt already has exactly this content; nothing changed.");
    let (outcome, reply) = place.write("file_delete", r#"{"path":"a/b/c.txt"}"#).await;
    assert_eq!((outcome, reply.as_str()), (FileWriteOutcome::Written, "Deleted a/b/c.txt."));
    assert!(!place.root().join("a/b/c.txt").exists());
}

#[tokio::test]
async fn a_patch_replaces_one_passage_or_says_why_not() {
    let place = Place::with(&[("a.py", "x = 1\ny = 1\n")]);
    let (outcome, reply) =
        place.write("file_patch", r#"{"path":"a.py","search":"y = 1","replace":"y = 2"}"#).await;
    assert_eq!(
        (outcome, reply.as_str()),
        (FileWriteOutcome::Written, "Replaced 1 passage in a.py, at line 2.")
    );
    assert_eq!(place.text("a.py"), "x = 1\ny = 2\n");
    let (_, reply) = place
        .write("file_patch", r#"{"path":"a.py","search":" = ","replace":" == ","all":true}"#)
        .await;
    assert_eq!(reply, "Replaced 2 passages in a.py.");
    assert_eq!(place.text("a.py"), "x == 1\ny == 2\n");
    insta::assert_snapshot!(
        place.invalid("file_patch", r#"{"path":"a.py","search":"y = 2","replace":"y = 3"}"#).await,
        @r"
    search was not found in a.py. The closest passage, lines 2-2:
    2	y == 2
    Copy the passage exactly, without line numbers.
    "
    );
    for (arguments, part) in [
        (r#"{"path":"b.py","search":"x","replace":"y"}"#, "There is no b.py. Did you mean a.py?"),
        (r#"{"path":"a.py","search":"==","replace":"="}"#, "occurs 2 times in a.py, in lines 1, 2"),
        (r#"{"path":"a.py","search":"x","replace":"x"}"#, "nothing would change"),
    ] {
        let reply = place.invalid("file_patch", arguments).await;
        assert!(reply.contains(part), "{reply}");
    }
}

#[tokio::test]
async fn folders_and_missing_files_are_not_written_over_or_deleted() {
    let place = Place::with(&[("sub/a", "")]);
    for (tool, arguments, part) in [
        ("file_write", r#"{"path":"sub","content":"x"}"#, "sub is a folder"),
        ("file_write", r#"{"path":".","content":"x"}"#, ". is a folder"),
        ("file_delete", r#"{"path":"sub"}"#, "sub is a folder"),
        ("file_delete", r#"{"path":"zzz"}"#, "There is no zzz"),
    ] {
        let reply = place.invalid(tool, arguments).await;
        assert!(reply.contains(part), "{reply}");
    }
    let write = FileWrite { path: "sub".to_owned(), before: None, after: Some("x".to_owned()) };
    let outcome = place.tools.write(&write).await;
    assert_eq!(
        outcome,
        FileWriteOutcome::Failed { message: "sub is a folder, not a file".to_owned() }
    );
}

#[tokio::test]
async fn a_lost_write_is_recognised_or_repeated_and_a_foreign_one_left_alone() {
    let place = Place::with(&[("a", "old")]);
    let prepared = place.prepare("file_write", r#"{"path":"a","content":"new"}"#).await;
    let (write, _) = as_write(prepared.action);
    assert_eq!(place.tools.write(&write).await, FileWriteOutcome::Written);
    assert_eq!(place.tools.write(&write).await, FileWriteOutcome::AlreadyWritten);
    place.put("a", "theirs");
    let found = Some(Hash::of(b"theirs"));
    assert_eq!(place.tools.write(&write).await, FileWriteOutcome::Conflict { found });
    assert_eq!(place.text("a"), "theirs");
    fs::remove_file(place.root().join("a")).unwrap();
    assert_eq!(place.tools.write(&write).await, FileWriteOutcome::Conflict { found: None });
    assert!(!place.root().join("a").exists());
    let deletion = FileWrite { after: None, ..write };
    assert_eq!(place.tools.write(&deletion).await, FileWriteOutcome::AlreadyWritten);
    let creation = FileWrite { path: "b".to_owned(), before: None, after: Some("x".to_owned()) };
    place.put("b", "theirs");
    let found = Some(Hash::of(b"theirs"));
    assert_eq!(place.tools.write(&creation).await, FileWriteOutcome::Conflict { found });
}

#[tokio::test]
async fn what_a_crash_left_is_removed_by_the_next_write_and_never_shown() {
    // No process ever has this id.
    let leftover = format!("sub/{TEMP_PREFIX}{}-0", i32::MAX);
    let place = Place::with(&[(&leftover, "half a fi"), ("sub/a", "fi")]);
    for (tool, arguments) in [
        ("list_dir", r#"{"path":"sub"}"#),
        ("find_files", r#"{"pattern":"*"}"#),
        ("grep", r#"{"pattern":"fi"}"#),
    ] {
        let shown = place.read(tool, arguments).await.text;
        assert!(!shown.contains(TEMP_PREFIX), "{shown}");
    }
    let asked = format!(r#"{{"path":"{leftover}"}}"#);
    assert_eq!(place.denied("file_read", &asked).await, "paths-not-reserved");
    place.write("file_write", r#"{"path":"sub/b","content":"x"}"#).await;
    let mut names: Vec<_> = fs::read_dir(place.root().join("sub"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    names.sort();
    assert_eq!(names, ["a", "b"]);
}

#[cfg(unix)]
#[tokio::test]
async fn what_another_process_is_writing_is_left_to_it() {
    let theirs = format!("sub/{TEMP_PREFIX}{}-0", std::os::unix::process::parent_id());
    let place = Place::with(&[(&theirs, "half a fi")]);
    place.write("file_write", r#"{"path":"sub/b","content":"x"}"#).await;
    assert_eq!(place.text(&theirs), "half a fi");
}

#[cfg(unix)]
#[tokio::test]
async fn permissions_are_kept_and_read_only_files_left_alone() {
    use std::os::unix::fs::PermissionsExt;

    let place = Place::with(&[("run.sh", "a"), ("fixed", "a")]);
    let mode =
        |path: &str| fs::metadata(place.root().join(path)).unwrap().permissions().mode() & 0o777;
    let set = |path: &str, mode| {
        fs::set_permissions(place.root().join(path), fs::Permissions::from_mode(mode)).unwrap();
    };
    set("run.sh", 0o754);
    place.write("file_write", r#"{"path":"run.sh","content":"b"}"#).await;
    assert_eq!((mode("run.sh"), place.text("run.sh").as_str()), (0o754, "b"));
    set("fixed", 0o444);
    let (outcome, _) = place.write("file_write", r#"{"path":"fixed","content":"b"}"#).await;
    let message = "fixed is read-only; make it writable if it is meant to change".to_owned();
    assert_eq!(outcome, FileWriteOutcome::Failed { message });
    assert_eq!(place.text("fixed"), "a");
    assert_eq!(fs::read_dir(place.root()).unwrap().count(), 2, "something was left behind");
}

#[tokio::test]
async fn a_write_checks_its_path_again() {
    let place = Place::with(&[]);
    for path in ["../x", "/x", ".git/config", "a/.LAO/x"] {
        let write = FileWrite { path: path.to_owned(), before: None, after: Some("x".to_owned()) };
        let outcome = place.tools.write(&write).await;
        assert!(matches!(outcome, FileWriteOutcome::Failed { .. }), "{path}: {outcome:?}");
    }
    assert_eq!(fs::read_dir(place.root()).unwrap().count(), 0);
}

#[tokio::test]
async fn forbidden_paths_are_denied_by_name_for_every_tool() {
    let place = Place::with(&[]);
    for (path, rule) in [
        ("../a", "paths-inside-workspace"),
        ("/etc/passwd", "paths-inside-workspace"),
        ("C:\\\\a", "paths-inside-workspace"),
        (".GIT/config", "paths-not-reserved"),
        ("sub/.lao/x", "paths-not-reserved"),
    ] {
        for (tool, more) in [
            ("file_read", ""),
            ("list_dir", ""),
            ("find_files", r#","pattern":"*""#),
            ("grep", r#","pattern":"x""#),
            ("file_write", r#","content":"x""#),
            ("file_patch", r#","search":"x","replace":"y""#),
            ("file_delete", ""),
        ] {
            let arguments = format!(r#"{{"path":"{path}"{more}}}"#);
            assert_eq!(place.denied(tool, &arguments).await, rule, "{tool} {path}");
        }
    }
}

#[tokio::test]
async fn names_and_arguments_are_mended_and_it_is_recorded() {
    let place = Place::with(&[("a", "x\n")]);
    let prepared = place.prepare("functions.File-Read", r#"{'path':"a","first_line":"1",}"#).await;
    assert_eq!(prepared.tool, "file_read");
    assert_eq!(
        prepared.repair.as_deref(),
        Some(
            "read tool name \"functions.File-Read\" as \"file_read\"; removed a trailing comma; \
              read single quotes as double; made /first_line integer"
        )
    );
    assert_eq!(
        prepared.action,
        PreparedAction::Read { arguments: r#"{"path":"a","first_line":1}"#.to_owned() }
    );
    let sound = place.prepare("file_read", r#"{"path":"a"}"#).await;
    assert_eq!(sound.repair, None);
}

#[tokio::test]
async fn unknown_tools_are_answered_with_the_known_ones() {
    let place = Place::with(&[]);
    let reply = place.invalid("apply_diff", "{}").await;
    insta::assert_snapshot!(reply, @r#"There is no tool "apply_diff". The tools are: file_read, file_write, file_patch, file_delete, list_dir, find_files, grep, shell, todo_set, todo_get."#);
    let reading = place.tools.read("file_write", "{}").await;
    assert_eq!(reading.outcome, ToolOutcome::Failed);
}

#[tokio::test]
async fn the_todo_list_is_replaced_and_shown() {
    let place = Place::with(&[]);
    let prepared = place.prepare("todo_set", r#"{"items":[{"text":"a","done":true}]}"#).await;
    let items = vec![TodoItem { text: "a".to_owned(), done: true }];
    assert_eq!(prepared.action, PreparedAction::TodoSet { items });
    assert_eq!(place.prepare("todo_get", "").await.action, PreparedAction::TodoGet);
}

#[tokio::test]
async fn a_workspace_may_be_made_after_its_tools() {
    let place = Place::with(&[]);
    fs::remove_dir(place.root()).unwrap();
    let reply = place.invalid("file_read", r#"{"path":"a"}"#).await;
    assert!(reply.starts_with("the workspace folder"), "{reply}");
    fs::create_dir(place.root()).unwrap();
    place.put("a", "x");
    assert_eq!(place.read("file_read", r#"{"path":"a"}"#).await.text, "1\tx\n");
}
