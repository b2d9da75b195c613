//! What a commit contains, says and refuses.

use std::fs;

use git2::Signature;
use lao_event::{EffectId, GitSettings, RunId, latest::CommitOutcome};

use crate::desk::{Desk, made, run_id, trail};

#[test]
fn a_commit_names_run_step_and_effect() {
    let desk = Desk::ready();
    desk.write("src/main.rs", "fn main() {}\n");
    let mut request = desk.commit(7, &["src/main.rs"]);
    request.body = "Why it is so.\n".into();
    let id = desk.make(&request);
    let repository = desk.repository();
    let commit = repository.find_commit(id.parse().unwrap()).unwrap();
    let expected = format!(
        "code: step 7\n\nWhy it is so.\n\nLao-Run: {}\nLao-Step: t7\nLao-Effect: 7\n",
        run_id()
    );
    assert_eq!(commit.message().unwrap(), expected);
    assert_eq!(commit.author().name().unwrap(), "Ada Example");
    assert_eq!(commit.committer().email().unwrap(), "ada@example.com");
    assert_eq!(repository.head().unwrap().name().unwrap(), "refs/heads/main");
    assert_eq!(desk.tree(&id), ["src/main.rs"]);
    desk.git_agrees("");
    let trailers = ["log", "-1", "--format=%(trailers:key=Lao-Effect,valueonly)"];
    if let Some(text) = desk.git_says(&trailers) {
        assert_eq!(text.trim(), "7");
    }
}

#[test]
fn a_commit_that_was_made_is_found_again() {
    let desk = Desk::ready();
    desk.write("a.txt", "a");
    let first = desk.commit(1, &["a.txt"]);
    let id = desk.make(&first);
    desk.write("b.txt", "b");
    let second = desk.make(&desk.commit(2, &["b.txt"]));
    assert_eq!(desk.make(&first), id);
    assert_eq!(desk.log(), 2);
    // A recorder without memory of it, as after a crash.
    let fresh = lao_repo::GitRepository::with_config_home(desk.at("home"));
    assert_eq!(made(fresh.commit_blocking(&first).unwrap()), id);
    // Even when the file has moved on since.
    desk.write("a.txt", "later");
    assert_eq!(made(fresh.commit_blocking(&first).unwrap()), id);
    let commits = fresh.commits_of_run(&desk.workspace(), &run_id()).unwrap();
    let ids: Vec<&str> = commits.iter().map(|commit| commit.id.as_str()).collect();
    assert_eq!(ids, [id.as_str(), second.as_str()]);
    assert_eq!(commits[1].step, "t2");
    assert_eq!(commits[1].effect, EffectId(2));
    assert_eq!(commits[1].subject, "code: step 2");
    let other = RunId::new(0, 1);
    assert_eq!(fresh.commits_of_run(&desk.workspace(), &other).unwrap(), []);
}

#[test]
fn the_same_effect_of_another_run_is_another_commit() {
    let desk = Desk::ready();
    desk.write("a.txt", "a");
    desk.make(&desk.commit(1, &["a.txt"]));
    desk.write("a.txt", "b");
    let mut other = desk.commit(1, &["a.txt"]);
    other.run = RunId::new(1_750_000_000_001, 78);
    desk.make(&other);
    assert_eq!(desk.log(), 2);
}

#[test]
fn a_commit_is_found_below_what_people_committed_on_top() {
    let desk = Desk::ready();
    desk.write("a.txt", "a");
    let request = desk.commit(1, &["a.txt"]);
    let id = desk.make(&request);
    for round in 0..5 {
        desk.write("hand.txt", &round.to_string());
        desk.user_commits(&["hand.txt"]);
    }
    let fresh = lao_repo::GitRepository::with_config_home(desk.at("home"));
    assert_eq!(made(fresh.commit_blocking(&request).unwrap()), id);
    assert_eq!(desk.make(&request), id);
    assert_eq!(desk.log(), 6);
}

#[test]
fn a_commit_that_the_user_took_back_is_made_again() {
    let desk = Desk::ready();
    desk.write("a.txt", "a");
    let base = desk.make(&desk.commit(1, &["a.txt"]));
    desk.write("b.txt", "b");
    let request = desk.commit(2, &["b.txt"]);
    let id = desk.make(&request);
    {
        let repository = desk.repository();
        let base = repository.find_object(base.parse().unwrap(), None).unwrap();
        repository.reset(&base, git2::ResetType::Mixed, None).unwrap();
    }
    assert_ne!(desk.make(&request), "");
    assert_eq!(desk.log(), 2);
    assert_eq!(desk.tree(&id), ["a.txt", "b.txt"]);
}

#[test]
fn deleted_files_leave_and_empty_folders_with_them() {
    let desk = Desk::ready();
    desk.write("deep/er/a.txt", "a");
    desk.write("keep.txt", "k");
    desk.make(&desk.commit(1, &["deep/er/a.txt", "keep.txt"]));
    fs::remove_dir_all(desk.file("deep")).unwrap();
    let id = desk.make(&desk.commit(2, &["deep/er/a.txt"]));
    assert_eq!(desk.tree(&id), ["keep.txt"]);
    desk.git_agrees("");
}

#[test]
fn a_file_becomes_a_folder_and_back() {
    let desk = Desk::ready();
    desk.write("thing", "a file");
    desk.make(&desk.commit(1, &["thing"]));
    fs::remove_file(desk.file("thing")).unwrap();
    desk.write("thing/part", "in a folder");
    let mut request = desk.commit(2, &["thing/part"]);
    request.paths.push(desk.commit(2, &["gone"]).paths.remove(0));
    request.paths[1].path = "thing".into();
    let id = desk.make(&request);
    assert_eq!(desk.tree(&id), ["thing/part"]);
    desk.git_agrees("");
    fs::remove_dir_all(desk.file("thing")).unwrap();
    desk.write("thing", "a file again");
    let id = desk.make(&desk.commit(3, &["thing", "thing/part"]));
    assert_eq!(desk.tree(&id), ["thing"]);
    desk.git_agrees("");
}

#[test]
fn nothing_to_record_makes_no_commit() {
    let desk = Desk::ready();
    let none = desk.commit(1, &[]);
    assert_eq!(desk.git.commit_blocking(&none).unwrap(), CommitOutcome::Unchanged);
    desk.write("a.txt", "a");
    desk.make(&desk.commit(2, &["a.txt"]));
    let same = desk.commit(3, &["a.txt"]);
    assert_eq!(desk.git.commit_blocking(&same).unwrap(), CommitOutcome::Unchanged);
    assert_eq!(desk.log(), 1);
    desk.git_agrees("");
}

#[test]
fn a_file_that_somebody_changed_is_named_and_nothing_is_committed() {
    let desk = Desk::ready();
    desk.write("a.txt", "a");
    desk.write("b.txt", "b");
    let request = desk.commit(1, &["a.txt", "b.txt"]);
    desk.write("b.txt", "by somebody else");
    assert!(desk.fail(&request).starts_with("b.txt is no longer"));
    fs::remove_file(desk.file("b.txt")).unwrap();
    assert!(desk.fail(&request).starts_with("b.txt is no longer"));
    assert!(desk.repository().head().is_err());
    let mut gone = desk.commit(2, &["c.txt"]);
    desk.write("c.txt", "back");
    assert!(desk.fail(&gone).starts_with("c.txt was deleted"));
    fs::remove_file(desk.file("c.txt")).unwrap();
    gone.paths.push(desk.commit(2, &["a.txt"]).paths.remove(0));
    desk.make(&gone);
}

#[test]
fn contents_are_stored_byte_for_byte() {
    let desk = Desk::ready();
    fs::write(
        desk.at("home/.gitconfig"),
        format!("{}[core]\n\tautocrlf = true\n", crate::desk::CONFIG),
    )
    .unwrap();
    desk.write(".gitattributes", "* text=auto eol=lf\n");
    desk.write("dos.txt", "one\r\ntwo\n");
    let id = desk.make(&desk.commit(1, &["dos.txt", ".gitattributes"]));
    assert_eq!(desk.content(&id, "dos.txt"), "one\r\ntwo\n");
}

#[test]
fn a_sweep_takes_what_changed_but_not_what_is_ignored_dirty_or_ours() {
    let desk = Desk::with_user_commit();
    desk.write("user.txt", "the user's own change\n");
    desk.write("draft/notes.md", "the user's own file");
    let dirty = desk.dirty();
    assert_eq!(dirty, ["draft/notes.md", "user.txt"]);
    desk.write(".gitignore", "*.log\n");
    desk.write("build.log", "ignored");
    desk.write("gen/one.txt", "1");
    desk.write("gen/.lao-tmp-two", "half-written");
    desk.write(".lao/state", "ours");
    desk.write("draft/new.md", "made by a command");
    fs::remove_file(desk.file("other.txt")).unwrap();
    let mut request = desk.commit(1, &[]);
    request.sweep = true;
    request.dirty = dirty;
    let id = desk.make(&request);
    assert_eq!(desk.tree(&id), [".gitignore", "draft/new.md", "gen/one.txt", "user.txt"]);
    assert_eq!(desk.content(&id, "user.txt"), "one\n");
    assert_eq!(desk.read("user.txt"), "the user's own change\n");
    desk.git_agrees(" M user.txt\n?? .lao/\n?? draft/notes.md\n?? gen/.lao-tmp-two\n");
}

#[cfg(unix)]
#[test]
fn links_and_executables_keep_their_kind() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    let desk = Desk::ready();
    desk.write("run.sh", "#!/bin/sh\n");
    fs::set_permissions(desk.file("run.sh"), fs::Permissions::from_mode(0o755)).unwrap();
    symlink("run.sh", desk.file("link")).unwrap();
    let mut request = desk.commit(1, &["run.sh"]);
    request.sweep = true;
    let id = desk.make(&request);
    let commit = desk.repository();
    let tree = commit.find_commit(id.parse().unwrap()).unwrap().tree().unwrap();
    assert_eq!(tree.get_name("run.sh").unwrap().filemode(), 0o100_755);
    assert_eq!(tree.get_name("link").unwrap().filemode(), 0o120_000);
    desk.git_agrees("");
}

#[cfg(unix)]
#[test]
fn a_path_through_a_link_is_recorded_where_it_leads_and_never_outside() {
    use std::os::unix::fs::symlink;
    let desk = Desk::ready();
    desk.write("real/a.txt", "a");
    symlink("real", desk.file("alias")).unwrap();
    let id = desk.make(&desk.commit(1, &["alias/a.txt"]));
    assert_eq!(desk.tree(&id), ["real/a.txt"]);
    fs::create_dir(desk.at("outside")).unwrap();
    fs::write(desk.at("outside/secret"), "s").unwrap();
    symlink(desk.at("outside"), desk.file("out")).unwrap();
    for path in ["out/secret", "../../outside/secret", ".git/config", ".GIT/config", ""] {
        let request = desk.commit(2, &[path]);
        let message = desk.fail(&request);
        assert!(message.contains("inside the workspace"), "{path}: {message}");
    }
    let mut request = desk.commit(2, &[]);
    request.trail = vec![trail("out/LAO_PLAN.md", "text")];
    assert!(desk.fail(&request).contains("inside the workspace"));
    assert!(!desk.at("outside/LAO_PLAN.md").exists());
}

#[test]
fn the_trail_is_written_with_the_commit() {
    let desk = Desk::ready();
    let mut request = desk.commit(1, &[]);
    request.trail = vec![trail("LAO_PLAN.md", "v1\n"), trail("reviews/t1.md", "fine\n")];
    let id = desk.make(&request);
    assert_eq!(desk.tree(&id), ["LAO_PLAN.md", "reviews/t1.md"]);
    assert_eq!(desk.read("LAO_PLAN.md"), "v1\n");
    desk.git_agrees("");
    let mut request = desk.commit(2, &[]);
    request.trail = vec![trail("LAO_PLAN.md", "v2\n")];
    desk.make(&request);
    assert_eq!(desk.read("LAO_PLAN.md"), "v2\n");
    desk.git_agrees("");
}

#[test]
fn an_identity_is_asked_for_with_the_commands_that_give_one() {
    let desk = Desk::ready();
    fs::write(desk.at("home/.gitconfig"), "[user]\n\tname = Ada\n").unwrap();
    desk.write("a.txt", "a");
    let mut request = desk.commit(1, &["a.txt"]);
    let message = desk.fail(&request);
    assert!(message.contains("user.email is missing"), "{message}");
    assert!(message.contains("git config --global user.email"), "{message}");
    assert!(desk.git.prepare_blocking(&desk.request()).is_err());
    request.git.author_email = Some("ada@lab.example".into());
    let id = desk.make(&request);
    let repository = desk.repository();
    let commit = repository.find_commit(id.parse().unwrap()).unwrap();
    assert_eq!(commit.author().email().unwrap(), "ada@lab.example");
    assert_eq!(commit.author().name().unwrap(), "Ada");
    let identity = desk.git.identity(&desk.at("nowhere"), &request.git).unwrap();
    assert_eq!(identity.name, "Ada");
    let none = desk.git.identity(&desk.at("nowhere"), &GitSettings::default());
    assert!(none.unwrap_err().to_string().contains("lao.toml"));
}

#[test]
fn a_detached_head_is_moved_and_branches_stay() {
    let desk = Desk::with_user_commit();
    let tip = desk.repository().head().unwrap().target().unwrap();
    desk.repository().set_head_detached(tip).unwrap();
    desk.write("a.txt", "a");
    let id = desk.make(&desk.commit(1, &["a.txt"]));
    let repository = desk.repository();
    assert!(repository.head_detached().unwrap());
    assert_eq!(repository.head().unwrap().target().unwrap().to_string(), id);
    assert_eq!(repository.refname_to_id("refs/heads/main").unwrap(), tip);
    desk.git_agrees("");
}

#[test]
fn a_packed_branch_is_moved_on() {
    let desk = Desk::with_user_commit();
    if desk.git_says(&["pack-refs", "--all"]).is_none() {
        return;
    }
    if desk.git_says(&["gc", "-q"]).is_none() {
        return;
    }
    assert!(!desk.file(".git/refs/heads/main").exists());
    desk.write("a.txt", "a");
    let id = desk.make(&desk.commit(1, &["a.txt"]));
    assert_eq!(desk.tree(&id), ["a.txt", "other.txt", "user.txt"]);
    desk.git_agrees("");
    let reflog = desk.git_says(&["reflog", "-1", "--format=%gs"]).unwrap();
    assert_eq!(reflog.trim(), "commit: code: step 1");
}

#[test]
fn a_merge_under_way_is_left_alone() {
    let desk = Desk::with_user_commit();
    let head = desk.repository().head().unwrap().target().unwrap();
    fs::write(desk.file(".git/MERGE_HEAD"), format!("{head}\n")).unwrap();
    desk.write("a.txt", "a");
    let message = desk.fail(&desk.commit(1, &["a.txt"]));
    assert!(message.contains("in the middle of a merge"), "{message}");
    assert!(desk.git.prepare_blocking(&desk.request()).is_err());
}

#[test]
fn without_git_nothing_is_recorded() {
    let desk = Desk::new();
    let mut request = desk.request();
    request.git.enabled = false;
    desk.git.prepare_blocking(&request).unwrap();
    assert!(desk.workspace().is_dir());
    assert!(!desk.file(".git").exists());
    let mut commit = desk.commit(1, &[]);
    commit.git.enabled = false;
    assert_eq!(desk.git.commit_blocking(&commit).unwrap(), CommitOutcome::Unchanged);
}

#[test]
fn many_commits_read_each_commit_once() {
    let desk = Desk::ready();
    for effect in 1..=60 {
        desk.write("a.txt", &effect.to_string());
        desk.make(&desk.commit(effect, &["a.txt"]));
    }
    assert_eq!(desk.log(), 60);
    let fresh = lao_repo::GitRepository::with_config_home(desk.at("home"));
    let first = desk.commit(1, &["a.txt"]);
    assert_eq!(made(fresh.commit_blocking(&first).unwrap()), desk.make(&first));
    assert_eq!(desk.log(), 60);
    // Once known, the history is not read again: what cannot be read any more is not missed.
    let middle = desk.repository().revparse_single("HEAD~30").unwrap().id();
    let name = middle.to_string();
    fs::remove_file(desk.file(&format!(".git/objects/{}/{}", &name[..2], &name[2..]))).unwrap();
    desk.write("a.txt", "last");
    desk.make(&desk.commit(61, &["a.txt"]));
}

#[test]
fn a_signature_that_git_refuses_is_named() {
    let desk = Desk::ready();
    assert!(Signature::now("<>", "a@example.com").is_err());
    let mut request = desk.commit(1, &[]);
    request.git.author_name = Some("<>".into());
    assert!(desk.fail(&request).contains("git refuses the author"));
}
