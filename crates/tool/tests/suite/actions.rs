//! Files of workflows: read anywhere, listed, and written in the project only.

use std::{
    fs,
    os::unix::{ffi::OsStrExt, fs::symlink},
    sync::Arc,
    time::{Duration, Instant},
};

use lao_event::{
    Hash,
    latest::{ActionFailure, ReadForm},
};
use lao_port::{Actions, Clock, Written};
use lao_tool::{LocalActions, Workspace};
use tokio::task::JoinSet;

use crate::place::Place;

async fn before(place: &Place, path: &str) -> String {
    let error = place.actions.before(path).await.unwrap_err();
    assert_eq!(error.kind, ActionFailure::File);
    error.message
}

async fn read(place: &Place, path: &str, form: ReadForm) -> Result<String, String> {
    place.actions.read(path, form).await.map_err(|error| error.message)
}

async fn listed(place: &Place, pattern: &str) -> Vec<String> {
    place.actions.list(pattern).await.unwrap()
}

#[tokio::test]
async fn a_file_is_written_once_and_left_alone_when_somebody_changed_it() {
    let place = Place::with(&[("notes.md", "old")]);
    let old = Some(Hash::of(b"old"));
    assert_eq!(place.actions.before("notes.md").await.unwrap().unwrap(), b"old");
    for _ in 0..2 {
        let written = place.actions.write("notes.md", old, "new").await;
        assert_eq!(written, Ok(Written::AsAsked));
        assert_eq!(place.text("notes.md"), "new");
    }
    place.put("notes.md", "mine");
    assert_eq!(place.actions.write("notes.md", old, "new").await, Ok(Written::Conflict));
    assert_eq!(place.actions.write("notes.md", None, "new").await, Ok(Written::Conflict));
    assert_eq!(place.text("notes.md"), "mine");
    fs::remove_file(place.root().join("notes.md")).unwrap();
    assert_eq!(place.actions.write("notes.md", old, "new").await, Ok(Written::Conflict));
    assert!(!place.root().join("notes.md").exists());
}

#[tokio::test]
async fn a_new_file_gets_its_folders_and_leaves_nothing_else() {
    let place = Place::with(&[]);
    assert_eq!(place.actions.before("a/b/c.txt").await, Ok(None));
    assert!(!place.root().join("a").exists(), "looking makes nothing");
    assert_eq!(place.actions.write("a/b/c.txt", None, "x").await, Ok(Written::AsAsked));
    assert_eq!(place.text("a/b/c.txt"), "x");
    assert_eq!(fs::read_dir(place.root().join("a/b")).unwrap().count(), 1);
    let absolute = place.root().join("a/d.txt");
    let written = place.actions.write(absolute.to_str().unwrap(), None, "y").await;
    assert_eq!(written, Ok(Written::AsAsked));
    assert_eq!(place.text("a/d.txt"), "y");
}

#[tokio::test]
async fn of_many_writers_one_wins_and_the_others_are_told() {
    let place = Place::with(&[("count", "0")]);
    let mut writers = JoinSet::new();
    for number in 0..20 {
        let actions = place.actions.clone();
        writers.spawn(async move {
            let text = format!("by {number}\n").repeat(20_000);
            let ended = actions.write("count", Some(Hash::of(b"0")), &text).await.unwrap();
            (ended, text)
        });
    }
    let ended = writers.join_all().await;
    let winners: Vec<_> = ended.iter().filter(|(end, _)| *end == Written::AsAsked).collect();
    assert_eq!(winners.len(), 1);
    assert_eq!(place.text("count"), winners[0].1, "whole, and by the one that was told so");
    assert_eq!(fs::read_dir(place.root()).unwrap().count(), 1);
}

#[tokio::test]
async fn nothing_is_written_outside_the_project() {
    let outside = tempfile::tempdir().unwrap();
    let place = Place::with(&[("folder/file", "")]);
    symlink(outside.path(), place.root().join("out")).unwrap();
    symlink(outside.path().join("new"), place.root().join("leak")).unwrap();
    let absolute = outside.path().join("new");
    let absolute = absolute.to_str().unwrap();
    for path in ["../new", "folder/../../new", "out/new", "leak", "~/new", absolute] {
        let message = before(&place, path).await;
        assert!(message.contains(&format!("{path:?}")), "{message}");
        let cure = "run it with --project DIR, or use a `run` step";
        assert!(message.contains(cure), "{path}: {message}");
        let error = place.actions.write(path, None, "x").await.unwrap_err();
        assert_eq!(error.message, message);
    }
    for path in [".git/config", ".lao/runs/x", "folder/.GIT/hooks/x"] {
        let message = before(&place, path).await;
        assert!(message.contains("belongs to git or to LAO; choose another place"), "{message}");
        place.actions.write(path, None, "x").await.unwrap_err();
    }
    for (path, what) in [("folder", "it is a folder"), (".", "it is a folder"), ("", "is empty")] {
        let message = before(&place, path).await;
        assert!(message.contains(what), "{path}: {message}");
    }
    assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 0);
    assert!(!place.root().join(".git").exists() && !place.root().join(".lao").exists());
}

#[tokio::test]
async fn files_are_read_wherever_they_lie() {
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("far.txt"), "far\n").unwrap();
    let place = Place::with(&[("sub/near.txt", "Grüße\r\n\r\nlast"), ("empty", "")]);
    symlink(outside.path(), place.root().join("out")).unwrap();
    let absolute = outside.path().join("far.txt");
    for path in [absolute.to_str().unwrap(), "out/far.txt", "sub/../out/far.txt"] {
        assert_eq!(read(&place, path, ReadForm::Text).await.unwrap(), "far\n", "{path}");
    }
    let text = read(&place, "./sub//near.txt", ReadForm::Text).await.unwrap();
    assert_eq!(text, "Grüße\r\n\r\nlast");
    let lines = read(&place, "sub/near.txt", ReadForm::Lines).await.unwrap();
    assert_eq!(lines, r#"["Grüße","","last"]"#);
    assert_eq!(read(&place, "empty", ReadForm::Lines).await.unwrap(), "[]");
    assert_eq!(place.actions.hash("sub/near.txt").await, Ok(Hash::of(text.as_bytes())));
    let root = place.root().display();
    assert_eq!(place.actions.absolute("./sub//near.txt"), format!("{root}/sub/near.txt"));
    assert_eq!(place.actions.absolute("/etc/x"), "/etc/x");
    assert!(!place.actions.absolute("~/x").contains('~'), "the home folder is named");
}

#[tokio::test]
async fn json_is_checked_and_comes_in_one_form() {
    let place = Place::with(&[
        ("good.json", "\u{feff}{ \"b\": [1, 2.5, \"ä\"],\n \"a\": null }\n"),
        ("bad.json", "{\"a\": }"),
    ]);
    let json = read(&place, "good.json", ReadForm::Json).await.unwrap();
    assert_eq!(json, r#"{"a":null,"b":[1,2.5,"ä"]}"#);
    let message = read(&place, "bad.json", ReadForm::Json).await.unwrap_err();
    assert!(message.starts_with("bad.json is not JSON: expected value at line 1"), "{message}");
}

#[tokio::test]
async fn what_cannot_be_read_is_named_with_the_cure() {
    let place = Place::with(&[("folder/x", "")]);
    place.put("binary", b"ab\xff\xfe");
    let big = fs::File::create(place.root().join("big")).unwrap();
    big.set_len(64 * 1024 * 1024 + 1).unwrap();
    let pipe = place.root().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let missing = format!("absent.txt is not there: no file at {}", place.root().display());
    for (path, part) in [
        ("absent.txt", missing.as_str()),
        ("folder/x/y", "is not there"),
        ("folder", "is a folder, not a file; name a file in it, or list them with `read: {"),
        ("binary", "is not text in UTF-8 (byte 2 is not)"),
        ("big", "more than the 67108864 bytes"),
        ("pipe", "is a pipe, a socket or a device"),
        ("/dev/zero", "is a pipe, a socket or a device"),
        ("", "the path is empty"),
    ] {
        let message = read(&place, path, ReadForm::Text).await.unwrap_err();
        assert!(message.contains(part) && message.contains(path), "{path}: {message}");
    }
    for path in ["absent.txt", "folder", "pipe", "/dev/zero"] {
        let error = place.actions.hash(path).await.unwrap_err();
        assert_eq!(error.kind, ActionFailure::File, "{error}");
    }
    let of_big = place.actions.hash("big").await.unwrap();
    assert_eq!(of_big, Hash::of(&vec![0; 64 * 1024 * 1024 + 1]), "of any size");
}

#[tokio::test]
async fn files_that_fit_are_listed_as_a_shell_would() {
    let place = Place::with(&[
        (".gitignore", "inbox/\n"),
        (".github/workflows/ci.yml", ""),
        (".env.local", ""),
        ("b.md", ""),
        ("a.md", ""),
        ("inbox/2.mp3", ""),
        ("inbox/10.mp3", ""),
        ("inbox/.hidden.mp3", ""),
        ("inbox/deep/3.mp3", ""),
        ("inbox/deep/.cache/4.mp3", ""),
        ("inbox/[x].mp3", ""),
        ("src/main.rs", ""),
        ("doc/more/x.rs", ""),
    ]);
    symlink(place.root().join("a.md"), place.root().join("link.md")).unwrap();
    symlink(place.root().join("inbox"), place.root().join("box")).unwrap();
    symlink("nowhere", place.root().join("broken.md")).unwrap();
    for (pattern, files) in [
        ("*.md", vec!["a.md", "b.md", "link.md"]),
        ("./a.md", vec!["a.md"]),
        ("inbox", vec![]),
        ("inbox/*.mp3", vec!["inbox/10.mp3", "inbox/2.mp3", "inbox/[x].mp3"]),
        ("inbox/?.mp3", vec!["inbox/2.mp3"]),
        ("inbox/[[]x].mp3", vec!["inbox/[x].mp3"]),
        ("inbox/\\[x].mp3", vec!["inbox/[x].mp3"]),
        ("inbox/**/[0-9]*.mp3", vec!["inbox/10.mp3", "inbox/2.mp3", "inbox/deep/3.mp3"]),
        ("inbox/.*.mp3", vec!["inbox/.hidden.mp3"]),
        ("inbox/*/.cache/*", vec!["inbox/deep/.cache/4.mp3"]),
        ("**/.cache/*", vec!["inbox/deep/.cache/4.mp3"]),
        ("box/*/3.mp3", vec!["box/deep/3.mp3"]),
        (".github/**/*.yml", vec![".github/workflows/ci.yml"]),
        (".env*", vec![".env.local"]),
        ("{src,doc/more}/*.rs", vec!["doc/more/x.rs", "src/main.rs"]),
        ("absent/*.md", vec![]),
        ("a.md/*", vec![]),
    ] {
        assert_eq!(listed(&place, pattern).await, files, "{pattern}");
    }
    let root = place.root().to_str().unwrap();
    assert_eq!(listed(&place, &format!("{root}/inbox/1*.mp3")).await, ["inbox/10.mp3"]);
    let name = place.root().file_name().unwrap().to_str().unwrap();
    assert_eq!(listed(&place, &format!("../{name}/a.*")).await, ["a.md"]);
}

#[tokio::test]
async fn lists_outside_the_project_are_absolute() {
    let outside = tempfile::tempdir().unwrap();
    fs::create_dir(outside.path().join("sub")).unwrap();
    fs::write(outside.path().join("sub/x.txt"), "").unwrap();
    let place = Place::with(&[]);
    let root = outside.path().to_str().unwrap();
    assert_eq!(listed(&place, &format!("{root}/*/*.txt")).await, [format!("{root}/sub/x.txt")]);
}

#[tokio::test]
async fn lists_that_cannot_be_made_are_refused() {
    let place = Place::with(&[("sub/x.txt", "")]);
    for (pattern, part) in [
        ("", "the pattern is empty"),
        ("a/[", "the pattern \"[\" cannot be read"),
        ("{a", "cannot be read"),
    ] {
        let error = place.actions.list(pattern).await.unwrap_err();
        assert!(error.message.contains(part), "{error}");
    }
    fs::write(place.root().join(std::ffi::OsStr::from_bytes(b"sub/\xff.txt")), "").unwrap();
    let error = place.actions.list("sub/*.txt").await.unwrap_err();
    assert!(error.message.contains("is not UTF-8; rename it"), "{error}");
    assert_eq!(listed(&place, "sub/x*").await, ["sub/x.txt"], "only what fits matters");
}

#[tokio::test]
async fn ten_thousand_files_are_listed_at_once() {
    let place = Place::with(&[("many/0/x", "")]);
    for folder in 0..100 {
        let folder = place.root().join(format!("many/{folder}"));
        fs::create_dir_all(&folder).unwrap();
        for file in 0..100 {
            fs::File::create(folder.join(format!("{file}.txt"))).unwrap();
        }
    }
    let started = Instant::now();
    let files = listed(&place, "many/**/*.txt").await;
    assert_eq!(files.len(), 10_000);
    assert!(files.is_sorted());
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
}

#[derive(Debug)]
struct Stopped(i64);

impl Clock for Stopped {
    fn wall_ms(&self) -> i64 {
        self.0
    }

    fn monotonic_ns(&self) -> u64 {
        0
    }
}

#[test]
fn moments_are_those_of_the_clock() {
    let folder = tempfile::tempdir().unwrap();
    let actions = LocalActions::new(Arc::new(Workspace::new(folder.path())));
    assert_eq!(actions.moment("1970-01-01T00:00:01.5Z"), Ok(1500));
    assert_eq!(actions.moment("1500"), Ok(1500));
    let day_ms = 24 * 60 * 60 * 1000;
    for wall_ms in [0, 1_900_000_000_000] {
        let actions = actions.clone().with_clock(Arc::new(Stopped(wall_ms)));
        let next = actions.moment("18:30").unwrap();
        assert!((wall_ms..=wall_ms + day_ms + 3_600_000).contains(&next), "{next}");
    }
    let error = actions.moment("soon").unwrap_err();
    assert!(error.message.starts_with("\"soon\" is no moment; write it like"), "{error}");
}
