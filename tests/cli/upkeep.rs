//! Journals that are checked, repaired, copied, counted and compacted, and runs that are removed.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use lao_journal::{BlobHash, Blobs, JOURNAL_FILE, Journal, Options};

use super::{journals, live::Live, simple, transcript::Story};

/// A project in which a plan was run so often, to its end each time.
fn done(times: usize) -> Story {
    let story = Story::new();
    simple::write_working(&story.sandbox);
    for _ in 0..times {
        assert_eq!(story.sandbox.run(&["run", simple::PLAN, "--again"]).code, Some(0));
    }
    story
}

#[test]
fn a_damaged_journal_is_repaired_and_goes_on() {
    let (mut story, folder) = journals::damaged();
    let path = folder.join(JOURNAL_FILE);
    story.lao("journal check");
    story.lao("journal check last --deep");
    story.lao("journal check --deep --json");
    let before = fs::read(&path).unwrap();
    story.lao("journal repair last");
    assert!(fs::read(folder.join("journal.redb.damaged-1")).unwrap() == before);
    story.lao("journal repair last --json");
    story.lao("journal check --deep");
    story.lao("resume last");
    story.lao("journal check --deep");
    story.check("upkeep_repair");
}

/// Changes a text in a file, wherever it stands.
fn overwrite(path: &Path, text: &[u8]) {
    let mut bytes = fs::read(path).unwrap();
    let places: Vec<usize> =
        (0..bytes.len() - text.len()).filter(|at| bytes[*at..].starts_with(text)).collect();
    assert!(!places.is_empty());
    for place in places {
        bytes[place] ^= 1;
    }
    fs::write(path, bytes).unwrap();
}

#[test]
fn what_is_lost_is_said_and_done_again() {
    let mut story = done(1);
    let folder = journals::folder(&mut story, 0);
    let path = folder.join(JOURNAL_FILE);
    assert_eq!(story.sandbox.run(&["journal", "compact", "last"]).code, Some(0));
    overwrite(&path, b"review(t1)");
    story.lao("journal check last --deep");
    story.lao("journal repair last");
    story.lao("journal check last --deep");
    story.lao("log last --from 28");
    story.lao("resume last -q");
    fs::write(folder.join("run.json"), "{").unwrap();
    story.lao("journal repair last");
    story.lao("runs");
    fs::write(&path, vec![9; 5000]).unwrap();
    story.lao("journal repair last");
    story.lao("journal compact last");
    story.lao("prune --keep 0");
    story.lao("prune --keep 0 --status unreadable --yes");
    story.check("upkeep_lost");
}

/// Title and labels of a run's manifest.
fn labels(folder: &Path) -> serde_json::Value {
    let text = fs::read_to_string(folder.join("run.json")).unwrap();
    let manifest: serde_json::Value = serde_json::from_str(&text).unwrap();
    serde_json::json!([
        manifest["title"],
        manifest["source"],
        manifest["plan_hash"],
        manifest["parent"]
    ])
}

#[test]
fn a_run_whose_manifest_is_lost_is_known_by_its_plan_again() {
    let mut story = done(1);
    let folder = journals::folder(&mut story, 0);
    let (path, before) = (folder.join("run.json"), labels(&folder));
    assert_eq!(before[1], simple::PLAN);
    assert!(before[2].is_string());
    let run = folder.file_name().unwrap().to_str().unwrap();
    // What a repair leaves that is killed before it gave them back.
    let bare = format!(r#"{{"format":1,"run":"{run}","title":"{run}","created_ms":1}}"#);
    for lost in [None, Some("{"), Some(&bare)] {
        fs::remove_file(&path).unwrap();
        if let Some(text) = lost {
            fs::write(&path, text).unwrap();
        }
        assert_eq!(story.sandbox.run(&["journal", "repair", run]).code, Some(0));
        assert_eq!(labels(&folder), before, "{lost:?}");
    }
    assert_eq!(story.sandbox.run(&["run", simple::PLAN]).code, Some(0));
    let runs = fs::read_dir(story.sandbox.path(".lao/runs")).unwrap();
    assert_eq!(runs.count(), 1, "the run is known, so no other one begins");
    assert_eq!(story.sandbox.run(&["fork", &format!("{run}@20"), "--no-run"]).code, Some(0));
    let fork = journals::folder(&mut story, 1);
    let before = labels(&fork);
    assert!(before[2].is_null() && before[3].is_object(), "{before}");
    fs::remove_file(fork.join("run.json")).unwrap();
    let name = fork.file_name().unwrap().to_str().unwrap();
    assert_eq!(story.sandbox.run(&["journal", "repair", name]).code, Some(0));
    assert_eq!(labels(&fork), before);
}

#[test]
fn a_backup_is_opened_checked_and_restored() {
    let mut story = done(1);
    story.lao("journal backup last backup");
    story.lao("journal backup last backup --json");
    story.lao("journal check backup --deep");
    story.lao("log backup --from 46");
    fs::remove_dir_all(story.sandbox.path(".lao")).unwrap();
    story.lao("runs");
    story.lao("status ./backup");
    story.lao("journal check ./nothing");
    story.lao("cancel backup");
    story.lao("resume ./backup");
    fs::rename(story.sandbox.path("backup"), story.sandbox.path(".lao")).unwrap();
    story.lao("journal check --deep");
    story.lao("run plans/app.md");
    story.check("upkeep_backup");
}

#[test]
fn a_run_that_goes_on_is_copied_and_left_alone_otherwise() {
    let mut live = Live::start();
    for line in [
        "journal backup last backup",
        "journal check backup --deep",
        "status backup",
        "journal repair last",
        "journal compact last",
        "journal stats last",
        "prune --keep 0 --yes",
        "journal gc --yes",
    ] {
        live.story.lao(line);
    }
    live.end("upkeep_live");
}

#[test]
fn journals_are_counted_and_compacted() {
    let mut story = done(2);
    story.lao("journal stats");
    story.lao("journal stats last");
    story.lao("journal compact last");
    story.lao("journal compact last --json");
    story.lao("journal check --deep");
    story.lao("journal stats --json");
    let path = journals::folder(&mut story, 1).join(JOURNAL_FILE);
    let bytes = fs::metadata(path).unwrap().len();
    assert!(bytes < 256 * 1024, "a journal of some fifty events has {bytes} bytes");
    story.check("upkeep_stats");
}

#[test]
fn runs_are_pruned_when_a_limit_says_so() {
    let mut story = done(3);
    story.lao("prune");
    story.lao("prune --keep 1 --json");
    let first = story.run_id(0);
    story.lao(&format!("pin {first}"));
    story.lao("prune --keep 1");
    story.lao("prune --keep 1 --yes");
    story.lao("runs");
    story.lao(&format!("unpin {first} --json"));
    story.lao("prune --max-bytes 1KiB --set journal.keep_runs=5");
    story.lao("prune --set journal.keep_runs=1 --yes --json");
    story.lao("prune --older-than 1");
    story.lao("prune --max-bytes many");
    story.lao("doctor --set journal.warn_bytes=1000");
    story.lao("run plans/app.md --again --set journal.warn_bytes=1000");
    story.check("upkeep_prune");
}

#[test]
fn a_run_that_can_go_on_or_failed_is_not_pruned() {
    let mut story = Story::new();
    simple::write(&story.sandbox, "", &[simple::PLANNED]);
    story.sandbox.run(&["run", simple::PLAN]);
    story.lao("prune --keep 0 --yes");
    story.lao("prune --keep 0 --yes --status failed");
    story.lao("runs");
    story.check("upkeep_failed");
}

#[test]
fn only_old_blobs_that_no_run_names_are_collected() {
    let mut story = done(1);
    let blobs = Blobs::open(&story.sandbox.path(".lao/blobs")).unwrap();
    let old = |content: &[u8]| -> BlobHash {
        let hash = blobs.put(content).unwrap();
        let then = SystemTime::now() - Duration::from_hours(48);
        File::open(blobs.path(hash)).unwrap().set_modified(then).unwrap();
        hash
    };
    let unnamed = old(b"nobody names this");
    blobs.put(b"nobody names this yet").unwrap();
    story.lao("journal gc");
    assert!(blobs.contains(unnamed));
    let folder = journals::folder(&mut story, 0);
    let held = Journal::open(&folder, &Options::default()).unwrap();
    story.lao("journal gc --yes");
    assert!(blobs.contains(unnamed), "what a held journal names is not known");
    drop(held);
    story.lao("journal gc --yes");
    assert!(!blobs.contains(unnamed));
    story.lao("journal gc --yes --json");
    story.check("upkeep_gc");
}

/// A plan that is too long to stand in an event.
fn long_plan() -> String {
    let words = "Write two files, as the first line says and no line after it changes.\n";
    format!("# Two files\n\n{}", words.repeat(20 * 1024 / words.len()))
}

/// The files of a project's blobs.
fn blob_paths(story: &Story) -> Vec<PathBuf> {
    let shards = fs::read_dir(story.sandbox.path(".lao/blobs")).unwrap();
    let files = shards.flat_map(|shard| fs::read_dir(shard.unwrap().path()).unwrap());
    files.map(|file| file.unwrap().path()).collect()
}

/// Makes every blob two days old.
fn age_blobs(story: &Story) {
    for path in blob_paths(story) {
        let then = SystemTime::now() - Duration::from_hours(48);
        File::open(path).unwrap().set_modified(then).unwrap();
    }
}

#[test]
fn blobs_are_checked_copied_and_go_with_the_last_run_that_names_them() {
    let mut story = Story::new();
    let window = "\n[roles.planner]\nmodel = \"scripted\"\ncontext_tokens = 32768\n";
    let script = [simple::PLANNED, simple::CODED, simple::APPROVED];
    simple::write(&story.sandbox, "", &script);
    let config = story.sandbox.path("lao.toml");
    let text = fs::read_to_string(&config).unwrap();
    let text = text.replace("[roles]\nplanner.model = \"scripted\"\n", "[roles]\n");
    fs::write(&config, text + window).unwrap();
    story.sandbox.write(simple::PLAN, &long_plan());
    for _ in 0..2 {
        assert_eq!(story.sandbox.run(&["run", simple::PLAN, "--again"]).code, Some(0));
    }
    age_blobs(&story);
    assert!(!blob_paths(&story).is_empty(), "the plan is a blob");
    story.lao("journal gc --yes");
    story.lao("journal backup last backup");
    let blob = blob_paths(&story).remove(0);
    let sound = fs::read(&blob).unwrap();
    fs::write(&blob, &sound[1..]).unwrap();
    story.lao("journal check last");
    story.lao("journal check last --deep");
    story.lao("journal check backup --deep");
    story.lao("journal backup last elsewhere");
    fs::write(&blob, sound).unwrap();
    age_blobs(&story);
    story.lao("prune --keep 1 --yes");
    assert!(!blob_paths(&story).is_empty(), "the other run names them too");
    story.lao("prune --keep 0 --yes");
    assert_eq!(blob_paths(&story), Vec::<PathBuf>::new());
    story.check("upkeep_blobs");
}

#[test]
fn the_blobs_of_a_run_that_goes_on_stay() {
    let mut live = Live::start_with(&long_plan());
    age_blobs(&live.story);
    let before = blob_paths(&live.story);
    assert!(!before.is_empty(), "the plan is a blob");
    live.story.lao("journal gc --yes");
    assert_eq!(blob_paths(&live.story), before);
    live.story.lao("journal backup last backup");
    live.story.lao("journal check backup --deep");
    live.end("upkeep_live_blobs");
}
