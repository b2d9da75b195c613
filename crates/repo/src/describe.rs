//! What a folder is to git, and what to tell a person about a finished run's branch.

use std::path::Path;

use lao_event::WorkspaceSettings;

use crate::{
    branch::Head,
    error::OpenError,
    open::{GlobalConfig, operation},
};

/// What a folder is to git.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Description {
    /// No repository has its top there: the recorder would make one.
    NoRepository,
    /// A repository.
    Repository {
        /// The branch checked out; `None` when `HEAD` is detached.
        branch: Option<String>,
        /// The last commit, in hexadecimal; `None` when there is none.
        tip: Option<String>,
        /// What it is in the middle of, such as `a merge`; commits are refused meanwhile.
        operation: Option<&'static str>,
        /// A lock of the index that is there now; commits are refused while it is.
        index_lock: Option<std::path::PathBuf>,
    },
}

pub(crate) fn describe(global: &GlobalConfig, path: &Path) -> Result<Description, OpenError> {
    let repository = match global.open(path) {
        Ok(repository) => repository,
        Err(OpenError::NotFound { .. }) => return Ok(Description::NoRepository),
        Err(error) => return Err(error),
    };
    if repository.is_bare() {
        return Err(OpenError::Bare { path: path.to_owned() });
    }
    let head = Head::read(&repository)
        .map_err(|source| OpenError::Damaged { path: path.to_owned(), source })?;
    let lock = repository.path().join("index.lock");
    Ok(Description::Repository {
        branch: head.branch().map(str::to_owned),
        tip: head.tip.map(|id| id.to_string()),
        operation: operation(&repository),
        index_lock: lock.exists().then_some(lock),
    })
}

/// How to look at and merge what a run left on its own branch. Each command is one line for a
/// shell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MergeHint {
    /// The run's branch.
    pub branch: String,
    /// The run's worktree.
    pub worktree: String,
    /// Shows what the branch adds to what is checked out.
    pub look: String,
    /// Merges the branch into what is checked out.
    pub merge: String,
    /// Removes the worktree; the branch stays.
    pub remove: String,
}

/// The hint for a workspace; `None` when it is no worktree, where nothing is to be merged.
pub fn merge_hint(workspace: &WorkspaceSettings) -> Option<MergeHint> {
    match workspace {
        WorkspaceSettings::Folder { .. } => None,
        WorkspaceSettings::Worktree { path, repository, branch } => {
            let git = format!("git -C {}", quoted(repository));
            let name = quoted(branch);
            Some(MergeHint {
                look: format!("{git} log --stat HEAD..{name}"),
                merge: format!("{git} merge {name}"),
                remove: format!("{git} worktree remove {}", quoted(path)),
                branch: branch.clone(),
                worktree: path.clone(),
            })
        }
    }
}

/// Quoted for a shell where it has to be.
fn quoted(text: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "/._-:@+,=".contains(letter);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hint_is_safe_to_paste() {
        let hint = merge_hint(&WorkspaceSettings::Worktree {
            path: "/w/it's here".into(),
            repository: "/home/a b".into(),
            branch: "lao/app".into(),
        })
        .unwrap();
        assert_eq!(hint.merge, "git -C '/home/a b' merge lao/app");
        assert_eq!(hint.remove, r"git -C '/home/a b' worktree remove '/w/it'\''s here'");
        let folder = WorkspaceSettings::Folder { path: "/w".into() };
        assert_eq!(merge_hint(&folder), None);
    }
}
