//! Workspaces that are folders.

use std::fs;

use lao_event::latest::WorkspaceOutcome;
use lao_repo::Description;

use crate::desk::{Desk, user_commits};

fn ready(base: Option<String>, dirty: &[&str]) -> WorkspaceOutcome {
    WorkspaceOutcome::Ready { base, dirty: dirty.iter().map(|path| (*path).to_owned()).collect() }
}

#[test]
fn a_missing_folder_becomes_a_repository() {
    let desk = Desk::new();
    assert_eq!(desk.prepare(), ready(None, &[]));
    let repository = desk.repository();
    let head = repository.find_reference("HEAD").unwrap();
    assert_eq!(head.symbolic_target().unwrap(), Some("refs/heads/main"));
    assert_eq!(desk.prepare(), ready(None, &[]));
    desk.git_agrees("");
}

#[test]
fn what_lies_in_the_folder_already_is_dirty() {
    let desk = Desk::new();
    desk.write("notes/a.md", "mine");
    desk.write("b.md", "mine");
    assert_eq!(desk.prepare(), ready(None, &["b.md", "notes/a.md"]));
    assert_eq!(desk.prepare(), ready(None, &["b.md", "notes/a.md"]));
}

#[test]
fn an_existing_repository_is_kept_with_its_changes() {
    let desk = Desk::with_user_commit();
    let base = desk.repository().head().unwrap().target().unwrap().to_string();
    desk.write("user.txt", "changed");
    desk.write("staged.txt", "staged");
    desk.stage("staged.txt");
    fs::remove_file(desk.file("other.txt")).unwrap();
    let expected = ready(Some(base), &["other.txt", "staged.txt", "user.txt"]);
    assert_eq!(desk.prepare(), expected);
    assert_eq!(desk.prepare(), expected);
}

#[test]
fn a_folder_inside_a_repository_gets_its_own() {
    let desk = Desk::new();
    let outer = git2::Repository::init(desk.at("work")).unwrap();
    fs::write(desk.at("work/readme"), "r").unwrap();
    let tip = user_commits(&outer, &["readme"]);
    assert_eq!(desk.prepare(), ready(None, &[]));
    assert!(desk.file(".git").is_dir());
    desk.write("a.txt", "a");
    desk.make(&desk.commit(1, &["a.txt"]));
    assert_eq!(outer.head().unwrap().target().unwrap(), tip);
}

#[test]
fn a_half_made_repository_of_ours_is_made_anew() {
    let desk = Desk::new();
    desk.write(".lao-tmp-init/.git/HEAD", "ref: refs/he");
    assert_eq!(desk.prepare(), ready(None, &[]));
    assert!(!desk.file(".lao-tmp-init").exists());
    desk.git_agrees("");
}

#[test]
fn a_damaged_or_bare_repository_is_refused_with_a_cure() {
    let desk = Desk::new();
    desk.write(".git/HEAD", "nonsense");
    let message = desk.git.prepare_blocking(&desk.request()).unwrap_err();
    assert!(message.to_string().contains("move its `.git` away"), "{message}");
    let desk = Desk::new();
    git2::Repository::init_bare(desk.workspace()).unwrap();
    let message = desk.git.prepare_blocking(&desk.request()).unwrap_err();
    assert!(message.to_string().contains("is a bare repository"), "{message}");
    assert!(desk.git.describe(&desk.workspace()).is_err());
}

#[test]
fn thousands_of_untracked_files_are_named_by_their_folder() {
    let desk = Desk::ready();
    fs::create_dir(desk.file("many")).unwrap();
    for number in 0..4097 {
        fs::write(desk.file(&format!("many/{number}")), "").unwrap();
    }
    let dirty = desk.dirty();
    assert_eq!(dirty, ["many/"]);
    desk.write("a.txt", "a");
    let mut request = desk.commit(1, &[]);
    request.sweep = true;
    request.dirty = dirty;
    let id = desk.make(&request);
    assert_eq!(desk.tree(&id), ["a.txt"]);
}

#[test]
fn a_folder_is_described() {
    let desk = Desk::new();
    fs::create_dir_all(desk.workspace()).unwrap();
    let describe = || desk.git.describe(&desk.workspace()).unwrap();
    assert_eq!(describe(), Description::NoRepository);
    desk.prepare();
    desk.write("a.txt", "a");
    let id = desk.make(&desk.commit(1, &["a.txt"]));
    fs::write(desk.file(".git/index.lock"), "").unwrap();
    let Description::Repository { branch, tip, operation, index_lock } = describe() else {
        panic!("no repository");
    };
    assert_eq!(branch.as_deref(), Some("main"));
    assert_eq!(tip, Some(id));
    assert_eq!(operation, None);
    assert!(index_lock.unwrap().ends_with("index.lock"));
}
