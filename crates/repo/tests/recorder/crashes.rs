//! Killed anywhere, repeated: one commit, sound repository, no lock left, nobody else's touched.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Command, Stdio},
    thread,
};

use lao_event::latest::CommitOutcome;
use lao_port::{CommitRequest, Repository as _};
use lao_repo::GitRepository;

use crate::desk::{Desk, made, trail};

/// Says the child of the kill test where to work.
const CHILD_HOME: &str = "LAO_REPO_TEST_HOME";
const CHILD_WORK: &str = "LAO_REPO_TEST_WORK";
const KILLS: u64 = 12;
/// Commits the child makes at most before it is killed.
const COMMITS_PER_LIFE: u64 = 4;

fn fresh(desk: &Desk) -> GitRepository {
    GitRepository::with_config_home(desk.at("home"))
}

/// The request of an effect in the kill test: the same whoever makes it.
fn step(workspace: &Path, effect: u64) -> CommitRequest {
    let settings =
        lao_event::WorkspaceSettings::Folder { path: workspace.to_str().unwrap().to_owned() };
    let file = format!("dir{}/file{effect}.txt", effect % 3);
    let path = workspace.join(&file);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, format!("content {effect}\n")).unwrap();
    let mut request = crate::desk::commit_in(settings, effect, &[&file]);
    request.trail = vec![trail("LAO_TASKS.json", &format!("[{effect}]\n"))];
    request
}

#[test]
#[ignore = "the child process of the kill test"]
fn child() {
    let work = std::env::var_os(CHILD_WORK).expect("started by the kill test");
    let home = std::env::var_os(CHILD_HOME).expect("started by the kill test");
    let git = GitRepository::with_config_home(Path::new(&home));
    let first = std::env::var("LAO_REPO_TEST_FIRST").unwrap().parse().unwrap();
    for effect in first.. {
        let request = step(Path::new(&work), effect);
        println!("effect {effect}");
        made(git.commit_blocking(&request).unwrap());
    }
}

/// Lets a child commit, kills it in the middle of some commit, and returns that commit's effect.
fn live_and_die(desk: &Desk, first: u64, life: u64) -> u64 {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "crashes::child", "--ignored", "--nocapture"])
        .env(CHILD_WORK, desk.workspace())
        .env(CHILD_HOME, desk.at("home"))
        .env("LAO_REPO_TEST_FIRST", first.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut effects =
        lines.map_while(Result::ok).filter_map(|line| line.rsplit_once("effect ")?.1.parse().ok());
    let last = effects.find(|effect| *effect == first + life % COMMITS_PER_LIFE).unwrap();
    // Different moments within the commit: the more rounds, the later.
    for _ in 0..life * 20_000 {
        std::hint::spin_loop();
    }
    child.kill().unwrap();
    child.wait().unwrap();
    effects.last().unwrap_or(last)
}

#[test]
fn killed_at_any_moment_each_effect_is_committed_once() {
    let desk = Desk::ready();
    let mut first = 1;
    for life in 0..KILLS {
        let last = live_and_die(&desk, first, life);
        let git = fresh(&desk);
        for effect in first..=last {
            made(git.commit_blocking(&step(&desk.workspace(), effect)).unwrap());
        }
        assert_eq!(desk.log() as u64, last, "after {last}");
        first = last + 1;
    }
    let commits = desk.git.commits_of_run(&desk.workspace(), &crate::desk::run_id());
    let effects: Vec<u64> = commits.unwrap().iter().map(|commit| commit.effect.0).collect();
    assert_eq!(effects, (1..first).collect::<Vec<u64>>());
    for left in ["index.lock", "refs/heads/main.lock", "lao/intent", "lao/ref", "lao/index"] {
        assert!(!desk.file(&format!(".git/{left}")).exists(), "{left}");
    }
    desk.git_agrees("");
}

#[test]
fn a_commit_that_never_reached_the_branch_is_made() {
    let desk = Desk::with_user_commit();
    let parent = desk.repository().head().unwrap().target().unwrap();
    desk.write("a.txt", "a");
    let request = desk.commit(1, &["a.txt"]);
    desk.make(&request);
    // Back to when only its objects were there.
    fs::write(desk.file(".git/refs/heads/main"), format!("{parent}\n")).unwrap();
    made(fresh(&desk).commit_blocking(&request).unwrap());
    assert_eq!(desk.log(), 2);
    desk.git_agrees("");
}

#[test]
fn what_should_have_followed_a_commit_follows_when_it_is_found() {
    let desk = Desk::with_user_commit();
    desk.write("user.txt", "staged\n");
    desk.stage("user.txt");
    let dirty = desk.dirty();
    let index = fs::read(desk.file(".git/index")).unwrap();
    desk.write("a.txt", "a");
    fs::remove_file(desk.file("other.txt")).unwrap();
    let mut request = desk.commit(1, &["a.txt", "other.txt"]);
    request.trail = vec![trail("LAO_PLAN.md", "v1\n")];
    request.dirty = dirty;
    let id = desk.make(&request);
    // Back to when the branch had just moved.
    fs::write(desk.file(".git/index"), index).unwrap();
    fs::remove_file(desk.file("LAO_PLAN.md")).unwrap();
    assert_eq!(made(fresh(&desk).commit_blocking(&request).unwrap()), id);
    assert_eq!(desk.read("LAO_PLAN.md"), "v1\n");
    assert_eq!(desk.staged_content("user.txt"), "staged\n");
    desk.git_agrees("M  user.txt\n");
}

#[test]
fn a_commit_found_below_others_does_not_turn_the_index_back() {
    let desk = Desk::ready();
    desk.write("a.txt", "one");
    let first = desk.commit(1, &["a.txt"]);
    desk.make(&first);
    desk.write("a.txt", "two");
    desk.make(&desk.commit(2, &["a.txt"]));
    made(fresh(&desk).commit_blocking(&first).unwrap());
    assert_eq!(desk.staged_content("a.txt"), "two");
    desk.git_agrees("");
}

/// As a recorder leaves it that is killed while it moves the branch.
fn leave_locks(desk: &Desk, intent: &str) {
    let own = desk.file(".git/lao");
    fs::create_dir_all(&own).unwrap();
    let branch_lock = desk.file(".git/refs/heads/main.lock");
    let lock_line = format!("ref-lock {}\n", branch_lock.display());
    let text = if intent.is_empty() { "" } else { &lock_line };
    fs::write(own.join("intent"), format!("{intent}{text}")).unwrap();
    fs::hard_link(own.join("intent"), desk.file(".git/index.lock")).unwrap();
    fs::write(own.join("ref"), text).unwrap();
    fs::hard_link(own.join("ref"), branch_lock).unwrap();
    fs::write(own.join("index"), "half").unwrap();
    fs::write(own.join("index.lock"), "half").unwrap();
}

#[test]
fn stale_locks_of_ours_are_cleared() {
    // Also when a power cut took the bytes of the lock and of what it was linked from.
    for intent in ["held by lao\n", ""] {
        let desk = Desk::with_user_commit();
        leave_locks(&desk, intent);
        desk.write("a.txt", "a");
        desk.make(&desk.commit(1, &["a.txt"]));
        assert_eq!(desk.log(), 2);
        assert!(!desk.file(".git/index.lock").exists());
        assert!(!desk.file(".git/refs/heads/main.lock").exists());
        desk.git_agrees("");
    }
}

#[test]
fn a_lock_of_another_program_is_reported_and_left() {
    let desk = Desk::with_user_commit();
    desk.write("a.txt", "a");
    let request = desk.commit(1, &["a.txt"]);
    for lock in [".git/index.lock", ".git/refs/heads/main.lock"] {
        // Also when a recorder of ours had died there before.
        fs::write(desk.file(".git/lao/intent"), "held by lao\n").unwrap();
        fs::write(desk.file(".git/lao/ref"), "1234\n").unwrap();
        fs::write(desk.file(lock), "").unwrap();
        let message = desk.fail(&request);
        assert!(message.contains(lock), "{message}");
        assert!(message.contains("held by another program"), "{message}");
        assert_eq!(fs::read(desk.file(lock)).unwrap(), b"");
        assert_eq!(desk.log(), 1);
        fs::remove_file(desk.file(lock)).unwrap();
        assert!(!desk.file(".git/index.lock").exists());
        assert!(!desk.file(".git/refs/heads/main.lock").exists());
    }
    desk.make(&request);
    desk.git_agrees("");
}

#[test]
fn the_same_commit_asked_for_at_the_same_time_is_made_once() {
    let desk = Desk::ready();
    desk.write("a.txt", "a");
    let request = desk.commit(1, &["a.txt"]);
    let ids: Vec<String> = thread::scope(|scope| {
        let ask = || made(fresh(&desk).commit_blocking(&request).unwrap());
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(ask)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(ids.iter().all(|id| *id == ids[0]));
    assert_eq!(desk.log(), 1);
}

#[test]
fn a_person_who_commits_meanwhile_loses_nothing_and_neither_do_we() {
    const EACH: u64 = 15;
    let desk = Desk::with_user_commit();
    thread::scope(|scope| {
        scope.spawn(|| {
            let repository = desk.repository();
            let user = git2::Signature::now("User", "user@example.com").unwrap();
            let mut made = 0;
            while made < EACH {
                let tip = repository.head().unwrap().peel_to_commit().unwrap();
                let tree = tip.tree().unwrap();
                let done = repository.commit(Some("HEAD"), &user, &user, "by hand", &tree, &[&tip]);
                made += u64::from(done.is_ok());
            }
        });
        for effect in 1..=EACH {
            let request = step(&desk.workspace(), effect);
            while let Err(error) = desk.git.commit_blocking(&request) {
                let error = error.to_string();
                assert!(
                    error.contains("held by another") || error.contains("was moved"),
                    "{error}"
                );
            }
        }
    });
    assert_eq!(desk.log() as u64, 1 + 2 * EACH);
    desk.git_agrees("");
}

#[tokio::test]
async fn the_port_answers_with_outcomes() {
    let desk = Desk::new();
    let git = fresh(&desk);
    git.prepare(&desk.request()).await;
    desk.write("a.txt", "a");
    let request = desk.commit(1, &["a.txt"]);
    let outcome = git.commit(&request).await;
    assert!(matches!(outcome, CommitOutcome::Made { .. }));
    assert_eq!(git.commit(&request).await, outcome);
    desk.write("b.txt", "b");
    let wrong = desk.commit(2, &["b.txt"]);
    desk.write("b.txt", "c");
    let CommitOutcome::Failed { message } = git.commit(&wrong).await else {
        panic!("committed what somebody else wrote");
    };
    assert!(message.contains("b.txt"));
}
