//! A commit, made exactly once.

use std::{
    collections::{BTreeMap, HashMap},
    fs::Metadata,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use git2::{Commit, Oid, Repository, Signature, Tree};
use lao_event::{RunId, WorkspaceSettings, latest::CommitOutcome};
use lao_port::CommitRequest;

use crate::{
    branch::{Head, LogEntry, Moved},
    change::Changes,
    dirty::Dirty,
    error::CommitError,
    history::Seen,
    identity,
    index::{HeldIndex, Replace},
    lock::{Turn, intent_text},
    message::{self, Marks},
    objects::Objects,
    open::{GlobalConfig, operation, own_folder},
    place, trail, tree,
};

/// How often a commit is built anew because the branch moved meanwhile.
const TRIES_MAX: usize = 3;

/// What is known of each run's commits, by work tree.
#[derive(Debug, Default)]
pub(crate) struct Histories(Mutex<HashMap<Key, Arc<Mutex<Seen>>>>);

type Key = (PathBuf, RunId);

impl Histories {
    /// A recorder that panicked may have left less than there is; what is there is right.
    fn of(&self, root: &Path, run: &RunId) -> Arc<Mutex<Seen>> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (root.to_owned(), run.clone());
        Arc::clone(all.entry(key).or_default())
    }
}

/// One commit on its way.
struct Recording<'a> {
    request: &'a CommitRequest,
    repository: &'a Repository,
    objects: Objects<'a>,
    root: PathBuf,
    turn: Turn,
    author: Signature<'static>,
}

/// Makes the commit, or finds that it was made, and brings work tree and index in line with it.
pub(crate) fn record(
    global: &GlobalConfig,
    histories: &Histories,
    request: &CommitRequest,
) -> Result<CommitOutcome, CommitError> {
    if !request.git.enabled {
        return Ok(CommitOutcome::Unchanged);
    }
    let path = Path::new(request.workspace.path());
    let repository = global.open_to_record(path)?;
    if let Some(operation) = operation(&repository) {
        let path = path.to_owned();
        return Err(CommitError::Busy { path, operation });
    }
    let author = identity::of_repository(&repository, &request.git)?.signature()?;
    let failed = |action: &'static str| {
        move |source| CommitError::Git { action, path: path.to_owned(), source }
    };
    let head = Head::read(&repository).map_err(failed("read HEAD"))?;
    let head_lock = head.lock_path(&repository);
    let turn = Turn::take(&own_folder(&repository), repository.path(), &head_lock)?;
    let odb = repository.odb().map_err(failed("open its objects"))?;
    let recording = Recording {
        request,
        root: place::root(path)?,
        turn,
        author,
        repository: &repository,
        objects: Objects::new(&repository, &odb).map_err(failed("open its objects"))?,
    };
    let seen = histories.of(&recording.root, &request.run);
    let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
    recording.run(&mut seen)
}

impl Recording<'_> {
    fn run(&self, seen: &mut Seen) -> Result<CommitOutcome, CommitError> {
        let mut head = self.head()?;
        for _ in 0..TRIES_MAX {
            if let Some(outcome) = self.attempt(&head, seen)? {
                return Ok(outcome);
            }
            head = self.head()?;
        }
        Err(CommitError::Moving { reference: head.reference, tries: TRIES_MAX })
    }

    fn head(&self) -> Result<Head, CommitError> {
        let head = Head::read(self.repository).map_err(|error| self.git("read HEAD", error))?;
        match &self.request.workspace {
            WorkspaceSettings::Worktree { branch, .. } if head.branch() != Some(branch) => {
                Err(CommitError::OtherBranch {
                    path: self.root.clone(),
                    found: head.branch().unwrap_or("a detached HEAD").to_owned(),
                    branch: branch.clone(),
                })
            }
            WorkspaceSettings::Worktree { .. } | WorkspaceSettings::Folder { .. } => Ok(head),
        }
    }

    /// `None` when the branch moved meanwhile.
    fn attempt(&self, head: &Head, seen: &mut Seen) -> Result<Option<CommitOutcome>, CommitError> {
        let CommitRequest { run, effect, .. } = self.request;
        let intent = intent_text(run, *effect, &head.lock_path(self.repository));
        let index = HeldIndex::take(self.repository, &self.turn, &intent)?;
        seen.catch_up(self.repository, head.tip, run)
            .map_err(|error| self.git("read the history", error))?;
        if let Some(id) = seen.of(*effect) {
            self.repair(index, head, id)?;
            return Ok(Some(CommitOutcome::Made { id: id.to_string() }));
        }
        let tip = self.commit_at(head.tip)?;
        let base = self.tree_of(tip.as_ref())?;
        let changes = Changes::gather(
            self.repository,
            &self.objects,
            &self.root,
            base.as_ref(),
            self.request,
        )?;
        let tree = tree::write(&self.objects, base.as_ref(), &changes.edits)
            .and_then(|id| self.objects.find_tree(id))
            .map_err(|error| self.git("write a tree", error))?;
        let unchanged = match &base {
            Some(base) => base.id() == tree.id(),
            None => tree.is_empty(),
        };
        if unchanged {
            return Ok(Some(CommitOutcome::Unchanged));
        }
        let id = self.object(&tree, tip.as_ref())?;
        let subject = message::subject_line(&self.request.subject);
        let entry = LogEntry { who: &self.author, subject: &subject };
        match head.advance(self.repository, &self.turn, id, &entry)? {
            Moved::Overtaken => return Ok(None),
            Moved::Done => seen.note(*effect, id),
        }
        let dirty = Dirty::new(&self.request.dirty);
        let replace = Replace::AllBut(&dirty);
        self.follow(index, (base.as_ref(), &tree), changes.stats, replace)?;
        Ok(Some(CommitOutcome::Made { id: id.to_string() }))
    }

    /// The commit, stored and durable, but not on the branch yet.
    fn object(&self, tree: &Tree<'_>, tip: Option<&Commit<'_>>) -> Result<Oid, CommitError> {
        let CommitRequest { run, effect, step, subject, body, .. } = self.request;
        let message = message::compose(subject, body, &Marks::new(run, step, *effect));
        let id = self
            .objects
            .commit(&self.author, &message, tree, tip)
            .map_err(|error| self.git("write the commit", error))?;
        self.objects.store()?;
        Ok(id)
    }

    /// A commit made before a crash: what should have followed it may be missing.
    fn repair(&self, index: HeldIndex, head: &Head, id: Oid) -> Result<(), CommitError> {
        let commit = self.commit_at(Some(id))?;
        let parent = match commit.as_ref().map(|commit| commit.parent(0)) {
            Some(Ok(parent)) => Some(parent),
            Some(Err(_)) | None => None,
        };
        let before = self.tree_of(parent.as_ref())?;
        let Some(after) = self.tree_of(commit.as_ref())? else {
            return Ok(());
        };
        let stats = BTreeMap::new();
        if head.tip == Some(id) {
            let dirty = Dirty::new(&self.request.dirty);
            let replace = Replace::AllBut(&dirty);
            return self.follow(index, (before.as_ref(), &after), stats, replace);
        }
        self.settle(index, (before.as_ref(), &after), &stats, Replace::Stale)
    }

    /// What follows a commit: trail files on disk, then the index.
    fn follow(
        &self,
        index: HeldIndex,
        steps: (Option<&Tree<'_>>, &Tree<'_>),
        mut stats: BTreeMap<String, Metadata>,
        replace: Replace<'_>,
    ) -> Result<(), CommitError> {
        trail::write(&self.root, steps.0, &self.request.trail, &mut stats)?;
        self.settle(index, steps, &stats, replace)
    }

    fn settle(
        &self,
        mut index: HeldIndex,
        steps: (Option<&Tree<'_>>, &Tree<'_>),
        stats: &BTreeMap<String, Metadata>,
        replace: Replace<'_>,
    ) -> Result<(), CommitError> {
        tree::differences(self.repository, steps.0, Some(steps.1))
            .and_then(|changed| index.settle(&changed, stats, replace))
            .map_err(|error| self.git("update the index", error))?;
        index.finish()
    }

    fn commit_at(&self, id: Option<Oid>) -> Result<Option<Commit<'_>>, CommitError> {
        id.map(|id| self.repository.find_commit(id))
            .transpose()
            .map_err(|error| self.git("read the last commit", error))
    }

    fn tree_of<'r>(&'r self, commit: Option<&Commit<'r>>) -> Result<Option<Tree<'r>>, CommitError> {
        commit
            .map(Commit::tree)
            .transpose()
            .map_err(|error| self.git("read the last commit", error))
    }

    fn git(&self, action: &'static str, source: git2::Error) -> CommitError {
        CommitError::Git { action, path: self.root.clone(), source }
    }
}
