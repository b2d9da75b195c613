//! Git: workspaces, worktrees and commits that are made exactly once.
