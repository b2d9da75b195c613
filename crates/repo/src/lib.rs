//! Git: workspaces, worktrees and commits that are made exactly once.
//!
//! ```text
//!   prepare --> folder  (own repository, made by rename)      \
//!           '-> worktree (own branch of the user's repository) +--> dirty paths, base commit
//!
//!   commit --> turn (one process at a time, stale locks of ours cleared)
//!            -> index lock -> history (made already?) -> tree -> objects -> branch -> files, index
//! ```
//!
//! The order of a commit makes a kill harmless at every line: objects that nothing names are
//! garbage, the branch moves in one rename, and what comes after it (trail files on disk, the
//! index) is derived from the commit, so that finding the commit again repairs it.
//!
//! Contents go into git byte for byte, past filters and hooks, since the journal holds their
//! hashes. Nothing of the user's is rewritten: not their index entries, not their locks, not
//! their uncommitted files.

mod branch;
mod change;
mod commit;
mod describe;
mod dirty;
mod error;
mod folder;
mod history;
mod identity;
mod index;
mod lock;
mod message;
mod objects;
mod open;
mod parallel;
mod place;
mod platform;
mod recorder;
mod trail;
mod tree;
mod worktree;

pub use describe::{Description, MergeHint, merge_hint};
pub use error::{CommitError, IdentityError, LockError, OpenError, PrepareError};
pub use history::CommitInfo;
pub use identity::Identity;
pub use recorder::GitRepository;
