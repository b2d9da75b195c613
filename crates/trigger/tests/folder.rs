//! Folders that are watched: what is taken, what is not, and that nothing is taken twice. Time is
//! played where nothing has to come from the system.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use lao_event::Hash;
use lao_trigger::{
    FolderWatch, Hashes, Noticed, SettledFile, WatchSpec, WatchTrouble, file_stamps, stamp,
};
use tempfile::TempDir;
use tokio::time::timeout;

/// Longer than anything settles, with several scans in it.
const LONG: Duration = Duration::from_hours(1);

/// In real time: far longer than it takes.
const REAL: Duration = Duration::from_mins(1);

fn spec(folder: &Path) -> WatchSpec {
    WatchSpec {
        folder: folder.to_path_buf(),
        name: "inbox".to_owned(),
        patterns: Vec::new(),
        recursive: false,
        settle: Duration::from_secs(2),
        poll: Duration::from_secs(30),
        rescan: Duration::from_mins(10),
    }
}

fn inbox(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text) in files {
        put(folder.path(), name, text);
    }
    folder
}

fn put(folder: &Path, name: &str, text: &str) {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().expect("it has one")).expect("it can be made");
    fs::write(path, text).expect("it can be written");
}

fn start(spec: WatchSpec) -> FolderWatch {
    FolderWatch::start(spec, Hashes::default()).expect("it can be watched")
}

/// What settles until nothing does for an hour, by name.
async fn all(watch: &mut FolderWatch) -> BTreeMap<String, SettledFile> {
    let mut files = BTreeMap::new();
    while let Ok(noticed) = timeout(LONG, watch.next()).await {
        match noticed {
            Noticed::Settled(file) => {
                let before = files.insert(file.name.clone(), file);
                assert_eq!(before, None, "nothing is taken twice");
            }
            Noticed::Trouble(trouble) => panic!("{trouble}"),
        }
    }
    files
}

fn names(files: &BTreeMap<String, SettledFile>) -> Vec<&str> {
    files.keys().map(String::as_str).collect()
}

#[tokio::test(start_paused = true)]
async fn what_is_there_is_found_once_with_its_hash() {
    let folder = inbox(&[("a.txt", "alpha"), ("b.txt", "beta"), ("empty", "")]);
    let mut watch = start(spec(folder.path()));
    let files = all(&mut watch).await;
    assert_eq!(names(&files), ["inbox/a.txt", "inbox/b.txt", "inbox/empty"]);
    let file = &files["inbox/a.txt"];
    assert_eq!(file.path, folder.path().join("a.txt"));
    assert_eq!((file.hash, file.size_bytes), (Hash::of(b"alpha"), 5));
    put(folder.path(), "a.txt", "alpha again");
    put(folder.path(), "c.txt", "gamma");
    let files = all(&mut watch).await;
    assert_eq!(names(&files), ["inbox/a.txt", "inbox/c.txt"], "changed, and new");
}

#[tokio::test(start_paused = true)]
async fn a_thousand_files_at_once_are_all_found_once() {
    let folder = inbox(&[]);
    let mut watch = start(spec(folder.path()));
    for number in 0..1000 {
        put(folder.path(), &format!("{number}.txt"), &number.to_string());
    }
    let files = all(&mut watch).await;
    assert_eq!(files.len(), 1000);
    let is_right = |file: &SettledFile| {
        let number = file.name.trim_start_matches("inbox/").trim_end_matches(".txt");
        file.hash == Hash::of(number.as_bytes())
    };
    assert!(files.values().all(is_right));
}

#[tokio::test(start_paused = true)]
async fn only_what_is_asked_for_is_taken() {
    let files =
        [("a.mp3", "1"), ("b.MP3", "2"), ("c.wav", "3"), ("d.mp3.part", "4"), (".e.mp3", "5")];
    let folder = inbox(&files);
    put(folder.path(), "deep/er/f.mp3", "6");
    put(folder.path(), ".hidden/g.mp3", "7");
    let patterns = vec!["*.mp3".to_owned()];
    let flat = WatchSpec { patterns: patterns.clone(), ..spec(folder.path()) };
    let deep = WatchSpec { recursive: true, ..flat.clone() };
    let found = all(&mut start(flat)).await;
    assert_eq!(names(&found), ["inbox/a.mp3", "inbox/b.MP3"]);
    let mut watch = start(deep);
    let found = all(&mut watch).await;
    assert_eq!(names(&found), ["inbox/a.mp3", "inbox/b.MP3", "inbox/deep/er/f.mp3"]);
    put(folder.path(), "new/folder/h.mp3", "8");
    assert_eq!(names(&all(&mut watch).await), ["inbox/new/folder/h.mp3"]);
}

#[cfg(unix)]
#[tokio::test(start_paused = true)]
async fn nothing_behind_a_symbolic_link_is_taken() {
    use std::os::unix::fs::symlink;
    let outside = inbox(&[("secret.txt", "secret")]);
    let folder = inbox(&[("a.txt", "1")]);
    symlink(outside.path(), folder.path().join("folder")).expect("a link");
    symlink(outside.path().join("secret.txt"), folder.path().join("file.txt")).expect("a link");
    let mut watch = start(WatchSpec { recursive: true, ..spec(folder.path()) });
    assert_eq!(names(&all(&mut watch).await), ["inbox/a.txt"]);
    put(outside.path(), "more.txt", "more");
    assert!(all(&mut watch).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_file_that_is_known_is_passed_by_until_it_changes() {
    let folder = inbox(&[("old.txt", "1"), ("older.tmp", "2")]);
    let spec = WatchSpec { patterns: vec!["*.txt".to_owned()], ..spec(folder.path()) };
    let stamps = file_stamps(&spec).expect("it can be read");
    assert_eq!(stamps.len(), 1, "temporary ones will never be taken");
    let mut known = Hashes::default();
    known.extend(stamps);
    put(folder.path(), "new.txt", "3");
    let mut watch = FolderWatch::start(spec, known).expect("it can be watched");
    let found = all(&mut watch).await;
    assert_eq!(names(&found), ["inbox/new.txt"], "it came while nobody watched");
    let new = &found["inbox/new.txt"];
    let mut known = Hashes::default();
    assert!(known.insert(stamp(&new.name, new.size_bytes, new.modified_ms)));
    put(folder.path(), "old.txt", "changed");
    assert_eq!(names(&all(&mut watch).await), ["inbox/old.txt"]);
}

#[tokio::test(start_paused = true)]
async fn a_folder_that_goes_is_missed_once_and_found_again() {
    let folder = inbox(&[]);
    let inside = folder.path().join("inbox");
    fs::create_dir(&inside).expect("it can be made");
    let mut watch = start(spec(&inside));
    assert!(all(&mut watch).await.is_empty());
    fs::remove_dir(&inside).expect("it can be removed");
    let trouble = timeout(LONG, watch.next()).await.expect("it is missed");
    let Noticed::Trouble(WatchTrouble::Folder { folder: missed, .. }) = trouble else {
        panic!("{trouble:?}")
    };
    assert!(missed.ends_with("inbox"));
    assert!(all(&mut watch).await.is_empty(), "and not said again and again");
    put(&inside, "a.txt", "1");
    assert_eq!(names(&all(&mut watch).await), ["inbox/a.txt"]);
}

/// Scans are an hour away, so only the system can say so.
fn told(folder: &Path) -> WatchSpec {
    let settle = Duration::from_millis(50);
    WatchSpec { settle, poll: LONG, rescan: LONG, recursive: true, ..spec(folder) }
}

async fn next_name(watch: &mut FolderWatch) -> String {
    match timeout(REAL, watch.next()).await.expect("the system says so") {
        Noticed::Settled(file) => file.name,
        Noticed::Trouble(trouble) => panic!("{trouble}"),
    }
}

#[tokio::test]
async fn the_system_says_what_comes() {
    let folder = inbox(&[("first.txt", "1")]);
    let elsewhere = inbox(&[("moved.txt", "2"), ("moved/inside.txt", "3")]);
    let mut watch = start(told(folder.path()));
    assert_eq!(next_name(&mut watch).await, "inbox/first.txt");
    put(folder.path(), "written.txt", "4");
    assert_eq!(next_name(&mut watch).await, "inbox/written.txt");
    let to = |name: &str| -> PathBuf { folder.path().join(name) };
    fs::rename(elsewhere.path().join("moved.txt"), to("moved.txt")).expect("it can be moved");
    assert_eq!(next_name(&mut watch).await, "inbox/moved.txt", "moved into place");
    put(folder.path(), "upload.part", "5");
    fs::rename(to("upload.part"), to("upload.txt")).expect("it can be renamed");
    assert_eq!(next_name(&mut watch).await, "inbox/upload.txt", "finished under another name");
    fs::rename(elsewhere.path().join("moved"), to("moved")).expect("it can be moved");
    assert_eq!(next_name(&mut watch).await, "inbox/moved/inside.txt", "a folder moved in whole");
}

#[tokio::test]
async fn a_folder_that_is_made_anew_is_listened_to() {
    let outside = inbox(&[]);
    let folder = outside.path().join("inbox");
    fs::create_dir(&folder).expect("it can be made");
    let mut watch = start(told(&folder));
    put(&folder, "a.txt", "1");
    assert_eq!(next_name(&mut watch).await, "inbox/a.txt");
    fs::remove_dir_all(&folder).expect("it can be removed");
    put(&folder, "b.txt", "2");
    assert_eq!(next_name(&mut watch).await, "inbox/b.txt");
    put(&folder, "c.txt", "3");
    assert_eq!(next_name(&mut watch).await, "inbox/c.txt");
}

#[tokio::test]
async fn a_file_that_is_removed_before_it_settled_is_forgotten() {
    let folder = inbox(&[]);
    let mut watch = start(told(folder.path()));
    put(folder.path(), "gone.txt", "1");
    fs::remove_file(folder.path().join("gone.txt")).expect("it can be removed");
    put(folder.path(), "stays.txt", "2");
    assert_eq!(next_name(&mut watch).await, "inbox/stays.txt");
}

#[test]
fn what_cannot_be_watched_is_said() {
    let folder = inbox(&[("file", "1")]);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime");
    runtime.block_on(async {
        for name in ["nowhere", "file"] {
            let started = FolderWatch::start(spec(&folder.path().join(name)), Hashes::default());
            let Err(error) = started else { panic!("{name} is no folder") };
            assert!(error.to_string().contains("cannot be watched"), "{error}");
        }
    });
}
