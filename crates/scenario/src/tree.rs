//! A folder and its git history as plain facts.

use std::{collections::BTreeMap, fmt, fs, io, path::Path};

use git2::{Commit, DiffOptions, ErrorCode, Repository, Signature, Sort, StatusOptions};
use lao_event::Hash;

/// A commit.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct CommitFacts {
    /// Its id, which no two runs have in common, since the time is part of it.
    pub id: String,
    /// First line of the message.
    pub subject: String,
    /// The step and the effect of the trailers; absent in commits of other people.
    pub marks: Option<(String, u64)>,
    /// Id of the tree.
    pub tree: String,
    /// What it changes: path and id of the new content, or `gone`.
    pub change: Vec<String>,
}

impl fmt::Display for CommitFacts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let step = self.marks.as_ref().map_or("-", |(step, _)| step);
        write!(f, "{} [{step}] {}", self.subject, self.change.join(", "))
    }
}

/// Every file below a folder with the start of its BLAKE3 hash; `.git` is left out.
pub fn files(root: &Path) -> io::Result<BTreeMap<String, String>> {
    let mut found = BTreeMap::new();
    collect(root, "", &mut found)?;
    Ok(found)
}

fn collect(root: &Path, below: &str, found: &mut BTreeMap<String, String>) -> io::Result<()> {
    let entries = match fs::read_dir(root.join(below)) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name == ".git" {
            continue;
        }
        let path = if below.is_empty() { name } else { format!("{below}/{name}") };
        if entry.file_type()?.is_dir() {
            collect(root, &path, found)?;
        } else {
            let hash = Hash::of(&fs::read(entry.path())?).short();
            found.insert(path, hash);
        }
    }
    Ok(())
}

/// The commits that `HEAD` leads to, oldest first; none where there is no repository.
pub fn commits(root: &Path) -> Result<Vec<CommitFacts>, git2::Error> {
    if !root.join(".git").exists() {
        return Ok(Vec::new());
    }
    let repository = Repository::open(root)?;
    match repository.head() {
        Ok(_) => {}
        Err(error) if error.code() == ErrorCode::UnbornBranch => return Ok(Vec::new()),
        Err(error) => return Err(error),
    }
    let mut walk = repository.revwalk()?;
    walk.set_sorting(Sort::TOPOLOGICAL | Sort::REVERSE)?;
    walk.push_head()?;
    walk.map(|id| commit_facts(&repository, &repository.find_commit(id?)?)).collect()
}

fn commit_facts(repository: &Repository, commit: &Commit<'_>) -> Result<CommitFacts, git2::Error> {
    let message = String::from_utf8_lossy(commit.message_bytes()).into_owned();
    let trailer = |name: &str| {
        let lines = message.lines().rev();
        lines.map_while(|line| line.split_once(": ")).find(|(key, _)| *key == name).map(|it| it.1)
    };
    let marks = trailer("Lao-Step").zip(trailer("Lao-Effect")).map(|(step, effect)| {
        (step.to_owned(), effect.parse().expect("the trailer of an effect is a number"))
    });
    Ok(CommitFacts {
        id: commit.id().to_string(),
        subject: message.lines().next().unwrap_or_default().to_owned(),
        marks,
        tree: commit.tree_id().to_string(),
        change: change(repository, commit)?,
    })
}

fn change(repository: &Repository, commit: &Commit<'_>) -> Result<Vec<String>, git2::Error> {
    let parent = commit.parents().next().map(|parent| parent.tree()).transpose()?;
    let mut options = DiffOptions::new();
    let tree = commit.tree()?;
    let diff = repository.diff_tree_to_tree(parent.as_ref(), Some(&tree), Some(&mut options))?;
    let line = |delta: git2::DiffDelta<'_>| {
        let file = delta.new_file();
        let path = file.path().unwrap_or(Path::new("?")).display().to_string();
        if file.exists() { format!("{path} {:.8}", file.id()) } else { format!("{path} gone") }
    };
    Ok(diff.deltas().map(line).collect())
}

/// What `git status` would list; nothing where there is no repository.
pub fn uncommitted(root: &Path) -> Result<Vec<String>, git2::Error> {
    if !root.join(".git").exists() {
        return Ok(Vec::new());
    }
    let repository = Repository::open(root)?;
    let mut options = StatusOptions::new();
    options.include_untracked(true).recurse_untracked_dirs(true);
    let statuses = repository.statuses(Some(&mut options))?;
    let line = |entry: git2::StatusEntry<'_>| {
        format!("{} {:?}", String::from_utf8_lossy(entry.path_bytes()), entry.status())
    };
    Ok(statuses.iter().map(line).collect())
}

/// Makes a repository with one commit that holds these files, which are there, as a user might have
/// one.
///
/// # Errors
///
/// If git refuses.
pub fn init_repository(root: &Path, files: &[&str]) -> Result<(), git2::Error> {
    let repository = Repository::init(root)?;
    let mut index = repository.index()?;
    for path in files {
        index.add_path(Path::new(path))?;
    }
    index.write()?;
    let tree = repository.find_tree(index.write_tree()?)?;
    let who = Signature::now("User", "user@localhost")?;
    repository.commit(Some("HEAD"), &who, &who, "First\n", &tree, &[])?;
    Ok(())
}
