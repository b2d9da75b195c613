//! What is the user's stays the user's, byte for byte.

use std::fs;

use crate::desk::{Desk, trail};

#[test]
fn staged_unstaged_and_untracked_changes_survive() {
    let desk = Desk::with_user_commit();
    desk.write("user.txt", "staged version\n");
    desk.stage("user.txt");
    desk.write("user.txt", "unstaged version\n");
    desk.write("new.txt", "staged new\n");
    desk.stage("new.txt");
    desk.write("untracked.txt", "untracked\n");
    let dirty = desk.dirty();
    for effect in 1..=3 {
        desk.write("run.txt", &effect.to_string());
        let mut request = desk.commit(effect, &["run.txt"]);
        request.dirty.clone_from(&dirty);
        request.sweep = effect == 2;
        let id = desk.make(&request);
        assert_eq!(desk.tree(&id), ["other.txt", "run.txt", "user.txt"]);
        assert_eq!(desk.content(&id, "user.txt"), "one\n");
    }
    assert_eq!(desk.staged_content("user.txt"), "staged version\n");
    assert_eq!(desk.staged_content("new.txt"), "staged new\n");
    assert_eq!(desk.read("user.txt"), "unstaged version\n");
    assert_eq!(desk.read("untracked.txt"), "untracked\n");
    desk.git_agrees("A  new.txt\nMM user.txt\n?? untracked.txt\n");
}

#[test]
fn a_dirty_path_that_the_run_writes_keeps_what_was_staged() {
    let desk = Desk::with_user_commit();
    desk.write("user.txt", "staged version\n");
    desk.stage("user.txt");
    let dirty = desk.dirty();
    desk.write("user.txt", "the run's version\n");
    let mut request = desk.commit(1, &["user.txt"]);
    request.dirty = dirty;
    let id = desk.make(&request);
    assert_eq!(desk.content(&id, "user.txt"), "the run's version\n");
    assert_eq!(desk.staged_content("user.txt"), "staged version\n");
}

#[test]
fn what_a_command_of_the_run_staged_is_brought_up_to_date() {
    let desk = Desk::with_user_commit();
    desk.write("gen.txt", "first");
    desk.stage("gen.txt");
    desk.write("gen.txt", "second");
    let mut request = desk.commit(1, &[]);
    request.sweep = true;
    desk.make(&request);
    desk.git_agrees("");
}

#[test]
fn a_trail_file_that_the_user_edited_is_committed_but_not_overwritten() {
    let desk = Desk::ready();
    let mut first = desk.commit(1, &[]);
    first.trail = vec![trail("LAO_PLAN.md", "v1\n")];
    desk.make(&first);
    desk.write("LAO_PLAN.md", "v1\nmy own remark\n");
    let mut second = desk.commit(2, &[]);
    second.trail = vec![trail("LAO_PLAN.md", "v2\n")];
    let id = desk.make(&second);
    assert_eq!(desk.content(&id, "LAO_PLAN.md"), "v2\n");
    assert_eq!(desk.read("LAO_PLAN.md"), "v1\nmy own remark\n");
    desk.git_agrees(" M LAO_PLAN.md\n");
}

#[test]
fn a_file_of_the_users_with_a_trail_name_is_kept() {
    let desk = Desk::new();
    desk.write("LAO_PLAN.md", "mine from before\n");
    let dirty = desk.dirty();
    let mut request = desk.commit(1, &[]);
    request.trail = vec![trail("LAO_PLAN.md", "v1\n")];
    request.dirty = dirty;
    desk.make(&request);
    assert_eq!(desk.read("LAO_PLAN.md"), "mine from before\n");
}

#[test]
fn hooks_do_not_run() {
    let desk = Desk::ready();
    desk.write(".git/hooks/pre-commit", "#!/bin/sh\nexit 1\n");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let hook = desk.file(".git/hooks/pre-commit");
        fs::set_permissions(hook, fs::Permissions::from_mode(0o755)).unwrap();
    }
    desk.write("a.txt", "a");
    desk.make(&desk.commit(1, &["a.txt"]));
}

#[test]
fn the_users_configuration_is_not_written() {
    let desk = Desk::with_user_commit();
    let config = fs::read(desk.file(".git/config")).unwrap();
    let global = fs::read(desk.at("home/.gitconfig")).unwrap();
    desk.prepare();
    desk.write("a.txt", "a");
    desk.make(&desk.commit(1, &["a.txt"]));
    assert_eq!(fs::read(desk.file(".git/config")).unwrap(), config);
    assert_eq!(fs::read(desk.at("home/.gitconfig")).unwrap(), global);
}
