//! Workspaces that are worktrees of the user's repository.

use std::{collections::BTreeMap, fs, path::Path};

use lao_event::{WorkspaceSettings, latest::WorkspaceOutcome};
use lao_port::{CommitRequest, WorkspaceRequest};
use lao_repo::merge_hint;

use crate::desk::{
    Desk, commit_in, enabled, git_says, made, paths_in, run_id, trail, user_commits,
};

const BRANCH: &str = "lao/app";

/// The user's repository in `mine`, the worktree in `trees/app`.
struct Setup {
    desk: Desk,
}

impl Setup {
    fn new() -> Self {
        let desk = Desk::new();
        let mine = git2::Repository::init(desk.at("mine")).unwrap();
        fs::create_dir(desk.at("mine/src")).unwrap();
        fs::write(desk.at("mine/src/a.txt"), "a\n").unwrap();
        fs::write(desk.at("mine/b.txt"), "b\n").unwrap();
        user_commits(&mine, &["src/a.txt", "b.txt"]);
        Self { desk }
    }

    fn settings(&self) -> WorkspaceSettings {
        let text = |path: &str| self.desk.at(path).to_str().unwrap().to_owned();
        WorkspaceSettings::Worktree {
            path: text("trees/app"),
            repository: text("mine"),
            branch: BRANCH.to_owned(),
        }
    }

    fn prepare(&self) -> Result<WorkspaceOutcome, String> {
        let request =
            WorkspaceRequest { run: run_id(), workspace: self.settings(), git: enabled() };
        let outcome = self.desk.git.prepare_blocking(&request);
        outcome.map_err(|error| error.to_string())
    }

    fn ready(&self) -> Vec<String> {
        match self.prepare().unwrap() {
            WorkspaceOutcome::Ready { base, dirty } => {
                assert!(base.is_some());
                dirty
            }
            WorkspaceOutcome::Unusable { message } => panic!("{message}"),
        }
    }

    fn write(&self, path: &str, text: &str) {
        fs::write(self.desk.at("trees/app").join(path), text).unwrap();
    }

    fn commit(&self, effect: u64, files: &[&str]) -> CommitRequest {
        commit_in(self.settings(), effect, files)
    }

    fn mine(&self) -> git2::Repository {
        git2::Repository::open(self.desk.at("mine")).unwrap()
    }

    fn git_says(&self, folder: &str, arguments: &[&str]) -> Option<String> {
        git_says(&self.desk.at(folder), &self.desk.at("home"), arguments)
    }
}

/// Every file of the user's checkout with its bytes, the index and `HEAD` included.
fn bytes_of(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let grows = ["objects", "worktrees", "refs", "logs"];
            if path.is_dir() && !grows.iter().any(|name| path.ends_with(format!(".git/{name}"))) {
                open.push(path);
            } else if path.is_file() {
                let name = path.to_str().unwrap().to_owned();
                found.insert(name, fs::read(path).unwrap());
            }
        }
    }
    found
}

#[test]
fn a_run_works_beside_the_users_checkout_which_stays_as_it_is() {
    let setup = Setup::new();
    fs::write(setup.desk.at("mine/b.txt"), "my change\n").unwrap();
    fs::write(setup.desk.at("mine/new.txt"), "mine\n").unwrap();
    let mut index = setup.mine().index().unwrap();
    index.read(true).unwrap();
    let head = setup.mine().head().unwrap().target().unwrap();
    let before = bytes_of(&setup.desk.at("mine"));
    assert_eq!(setup.ready(), Vec::<String>::new());
    setup.write("src/a.txt", "changed by the run\n");
    let mut request = setup.commit(1, &["src/a.txt"]);
    request.trail = vec![trail("LAO_PLAN.md", "plan\n")];
    let id = made(setup.desk.git.commit_blocking(&request).unwrap());
    assert_eq!(bytes_of(&setup.desk.at("mine")), before);
    let mine = setup.mine();
    assert_eq!(mine.head().unwrap().target().unwrap(), head);
    let tip = mine.refname_to_id("refs/heads/lao/app").unwrap();
    assert_eq!(tip.to_string(), id);
    assert_eq!(paths_in(&mine, &id), ["LAO_PLAN.md", "b.txt", "src/a.txt"]);
    let commits = setup.desk.git.commits_of_run(&setup.desk.at("trees/app"), &run_id());
    assert_eq!(commits.unwrap().len(), 1);
    if let Some(text) = setup.git_says("trees/app", &["status", "--porcelain", "--branch"]) {
        assert_eq!(text, "## lao/app\n");
        setup.git_says("mine", &["fsck", "--strict"]);
        let list = setup.git_says("mine", &["worktree", "list"]).unwrap();
        assert!(list.contains("trees/app") && !list.contains("prunable"), "{list}");
    }
}

#[test]
fn the_hint_merges_the_branch() {
    let setup = Setup::new();
    setup.ready();
    setup.write("c.txt", "c\n");
    made(setup.desk.git.commit_blocking(&setup.commit(1, &["c.txt"])).unwrap());
    let hint = merge_hint(&setup.settings()).unwrap();
    let arguments = ["merge", "-q", hint.branch.as_str()];
    if setup.git_says("mine", &arguments).is_some() {
        assert!(setup.desk.at("mine/c.txt").exists());
        setup.git_says("mine", &["worktree", "remove", hint.worktree.as_str()]);
        assert!(!setup.desk.at("trees/app").exists());
    }
    assert!(hint.merge.ends_with("merge lao/app"));
}

#[test]
fn preparing_again_finds_the_worktree_with_its_changes() {
    let setup = Setup::new();
    setup.ready();
    setup.write("draft.txt", "d");
    assert_eq!(setup.ready(), ["draft.txt"]);
    assert_eq!(setup.mine().worktrees().unwrap().len(), 1);
}

#[test]
fn a_lost_worktree_is_made_again_on_its_branch() {
    let setup = Setup::new();
    setup.ready();
    setup.write("c.txt", "c\n");
    made(setup.desk.git.commit_blocking(&setup.commit(1, &["c.txt"])).unwrap());
    fs::remove_dir_all(setup.desk.at("trees/app")).unwrap();
    assert_eq!(setup.ready(), Vec::<String>::new());
    assert!(setup.desk.at("trees/app/c.txt").exists());
    assert_eq!(setup.mine().worktrees().unwrap().len(), 1);
}

#[test]
fn what_a_crash_leaves_of_a_worktree_is_made_anew() {
    let setup = Setup::new();
    // While files were being checked out: aside, with half of them.
    setup.ready();
    let aside = setup.desk.at("trees/.lao-tmp-worktree-lao-app");
    fs::rename(setup.desk.at("trees/app"), &aside).unwrap();
    fs::remove_file(aside.join("b.txt")).unwrap();
    let pointer = setup.desk.at("mine/.git/worktrees/lao-app/gitdir");
    fs::write(&pointer, format!("{}\n", aside.join(".git").display())).unwrap();
    assert_eq!(setup.ready(), Vec::<String>::new());
    assert!(setup.desk.at("trees/app/b.txt").exists());
    assert!(!aside.exists());
    // Complete, but not in its place yet.
    fs::rename(setup.desk.at("trees/app"), &aside).unwrap();
    assert_eq!(setup.ready(), Vec::<String>::new());
    // Git's own folder of it was barely begun.
    fs::remove_dir_all(setup.desk.at("trees/app")).unwrap();
    fs::remove_file(&pointer).unwrap();
    assert_eq!(setup.ready(), Vec::<String>::new());
    // Before git had noted which branch it is for.
    fs::remove_dir_all(setup.desk.at("trees/app")).unwrap();
    fs::remove_file(&pointer).unwrap();
    fs::remove_file(setup.desk.at("mine/.git/worktrees/lao-app/HEAD")).unwrap();
    assert_eq!(setup.ready(), Vec::<String>::new());
    setup.write("c.txt", "c\n");
    made(setup.desk.git.commit_blocking(&setup.commit(1, &["c.txt"])).unwrap());
}

#[test]
fn a_place_that_is_taken_is_left_alone() {
    let setup = Setup::new();
    fs::create_dir_all(setup.desk.at("trees/app")).unwrap();
    setup.write("precious.txt", "p");
    let message = setup.prepare().unwrap_err();
    assert!(message.contains("is no worktree of"), "{message}");
    assert!(setup.desk.at("trees/app/precious.txt").exists());
    fs::remove_file(setup.desk.at("trees/app/precious.txt")).unwrap();
    setup.ready();
    // A repository that is not a worktree of the user's.
    let other = Setup::new();
    git2::Repository::init(other.desk.at("trees/app")).unwrap();
    assert!(other.prepare().unwrap_err().contains("is no worktree of"));
}

#[test]
fn a_branch_that_is_checked_out_elsewhere_is_not_taken() {
    let setup = Setup::new();
    let mine = setup.mine();
    let head = mine.head().unwrap().peel_to_commit().unwrap();
    mine.branch(BRANCH, &head, false).unwrap();
    mine.set_head("refs/heads/lao/app").unwrap();
    let message = setup.prepare().unwrap_err();
    assert!(message.contains("branch lao/app is checked out in"), "{message}");
    assert!(message.contains("mine"), "{message}");
    assert!(!setup.desk.at("trees/app").exists());
}

#[test]
fn a_worktree_on_another_branch_is_refused_with_the_way_back() {
    let setup = Setup::new();
    setup.ready();
    let tree = git2::Repository::open(setup.desk.at("trees/app")).unwrap();
    let head = tree.head().unwrap().peel_to_commit().unwrap();
    tree.branch("elsewhere", &head, false).unwrap();
    tree.set_head("refs/heads/elsewhere").unwrap();
    let message = setup.prepare().unwrap_err();
    assert!(message.contains("is on elsewhere, not on lao/app"), "{message}");
    setup.write("c.txt", "c");
    let failed = setup.desk.git.commit_blocking(&setup.commit(1, &["c.txt"]));
    assert!(failed.unwrap_err().to_string().contains("switch lao/app"));
}

#[test]
fn a_repository_without_commits_or_none_at_all_is_refused() {
    let setup = Setup::new();
    fs::remove_dir_all(setup.desk.at("mine")).unwrap();
    let message = setup.prepare().unwrap_err();
    assert!(message.contains("is not a git repository"), "{message}");
    git2::Repository::init(setup.desk.at("mine")).unwrap();
    let message = setup.prepare().unwrap_err();
    assert!(message.contains("has no commits yet"), "{message}");
}

#[test]
fn a_branch_whose_name_is_blocked_is_told() {
    let setup = Setup::new();
    let mine = setup.mine();
    let head = mine.head().unwrap().peel_to_commit().unwrap();
    mine.branch("lao", &head, false).unwrap();
    let message = setup.prepare().unwrap_err();
    assert!(message.contains("cannot make branch lao/app"), "{message}");
}

#[test]
fn another_worktree_of_that_name_is_not_touched() {
    let setup = Setup::new();
    let mine = setup.mine();
    mine.worktree("lao-app", &setup.desk.at("other"), None).unwrap();
    setup.ready();
    assert_eq!(mine.worktrees().unwrap().len(), 2);
    assert!(setup.desk.at("other/b.txt").exists());
    setup.write("c.txt", "c");
    made(setup.desk.git.commit_blocking(&setup.commit(1, &["c.txt"])).unwrap());
}
