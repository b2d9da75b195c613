//! Where `HEAD` points, and moving it on: only from the commit it was seen at, in one rename.
//!
//! Git's protocol for loose refs is followed by hand instead of through libgit2, because
//! libgit2 creates the lock file empty and fills it later: killed in between, it would leave a
//! lock that nobody could tell from another program's.

use std::{
    fs::{self, OpenOptions},
    io::{self, ErrorKind, Write as _},
    path::{Path, PathBuf},
};

use git2::{ErrorCode, ObjectType, Oid, Repository, Signature};

use crate::{
    error::LockError,
    lock::{LockFile, Turn},
    platform::sync_folder,
};

/// `HEAD` may point to a branch that is itself a symbolic reference; deeper is refused.
const SYMBOLIC_DEPTH_MAX: usize = 5;

/// The reference that a commit moves, and the commit it is at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Head {
    /// `refs/heads/...`, or `HEAD` when it is detached.
    pub(crate) reference: String,
    /// `None` in a repository without commits.
    pub(crate) tip: Option<Oid>,
}

/// What came of moving a reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moved {
    /// It is at the new commit.
    Done,
    /// Somebody else moved it before.
    Overtaken,
}

impl Head {
    pub(crate) fn read(repository: &Repository) -> Result<Self, git2::Error> {
        let mut reference = "HEAD".to_owned();
        for _ in 0..SYMBOLIC_DEPTH_MAX {
            let found = match repository.find_reference(&reference) {
                Ok(found) => found,
                Err(error) if error.code() == ErrorCode::NotFound && reference != "HEAD" => {
                    return Ok(Self { reference, tip: None });
                }
                Err(error) => return Err(error),
            };
            if let Some(target) = found.symbolic_target()? {
                target.clone_into(&mut reference);
                continue;
            }
            let tip = found.peel(ObjectType::Commit)?.id();
            return Ok(Self { reference, tip: Some(tip) });
        }
        Err(git2::Error::from_str("HEAD points through too many symbolic references"))
    }

    /// The branch's name without `refs/heads/`; `None` when detached.
    pub(crate) fn branch(&self) -> Option<&str> {
        self.reference.strip_prefix("refs/heads/")
    }

    /// The file of the reference.
    pub(crate) fn file(&self, repository: &Repository) -> PathBuf {
        folder_of(&self.reference, repository).join(&self.reference)
    }

    /// The reference's lock, as git names it.
    pub(crate) fn lock_path(&self, repository: &Repository) -> PathBuf {
        let mut path = self.file(repository).into_os_string();
        path.push(".lock");
        path.into()
    }

    /// Moves the reference to `to` if it is still where it was seen. Durable when it returns.
    pub(crate) fn advance(
        &self,
        repository: &Repository,
        turn: &Turn,
        to: Oid,
        entry: &LogEntry<'_>,
    ) -> Result<Moved, LockError> {
        let file = self.file(repository);
        let failed = |source| LockError::Io { path: file.clone(), source };
        let folder = file.parent().expect("a ref lies in a folder");
        fs::create_dir_all(folder).map_err(failed)?;
        let content = format!("{to}\n");
        let lock =
            LockFile::take(self.lock_path(repository), turn.staged_ref(), content.as_bytes())?;
        if Self::read(repository).ok().as_ref() != Some(self) {
            lock.release().map_err(failed)?;
            return Ok(Moved::Overtaken);
        }
        self.log(repository, to, entry)
            .and_then(|()| clear_empty_folder(&file))
            .and_then(|()| lock.rename_to(&file))
            .and_then(|()| sync_folder(folder))
            .map_err(failed)?;
        Ok(Moved::Done)
    }

    /// Appends to the reflogs of the branch and of `HEAD`.
    fn log(&self, repository: &Repository, to: Oid, entry: &LogEntry<'_>) -> io::Result<()> {
        let wanted = repository
            .config()
            .and_then(|config| config.get_bool("core.logallrefupdates"))
            .unwrap_or(true);
        if !wanted {
            return Ok(());
        }
        let line = entry.line(self.tip, to);
        append(&repository.path().join("logs/HEAD"), &line)?;
        if self.branch().is_some() {
            let logs = folder_of(&self.reference, repository).join("logs");
            append(&logs.join(&self.reference), &line)?;
        }
        Ok(())
    }
}

fn folder_of<'a>(reference: &str, repository: &'a Repository) -> &'a Path {
    if reference == "HEAD" { repository.path() } else { repository.commondir() }
}

/// Git leaves an empty folder where branches below that name were deleted.
fn clear_empty_folder(file: &Path) -> io::Result<()> {
    if file.is_dir() {
        fs::remove_dir(file)?;
    }
    Ok(())
}

/// A line of the reflog.
pub(crate) struct LogEntry<'a> {
    pub(crate) who: &'a Signature<'static>,
    pub(crate) subject: &'a str,
}

impl LogEntry<'_> {
    fn line(&self, from: Option<Oid>, to: Oid) -> String {
        let kind = if from.is_some() { "commit" } else { "commit (initial)" };
        let from = from.unwrap_or(Oid::ZERO_SHA1);
        let minutes = self.who.when().offset_minutes();
        format!(
            "{from} {to} {} <{}> {} {}{:02}{:02}\t{kind}: {}\n",
            String::from_utf8_lossy(self.who.name_bytes()),
            String::from_utf8_lossy(self.who.email_bytes()),
            self.who.when().seconds(),
            self.who.when().sign(),
            minutes.abs() / 60,
            minutes.abs() % 60,
            self.subject
        )
    }
}

fn append(path: &Path, line: &str) -> io::Result<()> {
    let open = || OpenOptions::new().append(true).create(true).open(path);
    let mut file = match open() {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            fs::create_dir_all(path.parent().expect("a log lies in a folder"))?;
            open()?
        }
        opened => opened?,
    };
    file.write_all(line.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_branch_that_moved_meanwhile_is_not_moved() {
        let folder = tempfile::TempDir::new().unwrap();
        let repository = Repository::init(folder.path()).unwrap();
        let who = Signature::now("Ada", "ada@example.com").unwrap();
        let tree = repository.treebuilder(None).unwrap().write().unwrap();
        let tree = repository.find_tree(tree).unwrap();
        let commit =
            |message: &str| repository.commit(None, &who, &who, message, &tree, &[]).unwrap();
        let (first, second) = (commit("first"), commit("second"));
        let own = repository.path().join("lao");
        fs::create_dir(&own).unwrap();
        let seen = Head::read(&repository).unwrap();
        let lock = seen.lock_path(&repository);
        let turn = Turn::take(&own, repository.path(), &lock).unwrap();
        let entry = LogEntry { who: &who, subject: "s" };
        let go = |head: &Head, to| head.advance(&repository, &turn, to, &entry).unwrap();
        assert_eq!(go(&seen, first), Moved::Done);
        assert_eq!(go(&seen, second), Moved::Overtaken);
        let seen = Head::read(&repository).unwrap();
        assert_eq!(seen.tip, Some(first));
        repository.set_head("refs/heads/elsewhere").unwrap();
        assert_eq!(go(&seen, second), Moved::Overtaken);
        assert!(!lock.exists());
        assert!(!turn.staged_ref().exists());
        let log = repository.reflog(&seen.reference).unwrap();
        assert_eq!(log.len(), 1);
        let entry = log.get(0).unwrap();
        assert_eq!(entry.message().unwrap(), Some("commit (initial): s"));
        assert_eq!((entry.id_old(), entry.id_new()), (Oid::ZERO_SHA1, first));
    }
}
