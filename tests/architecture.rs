//! The harness of the rules about the tree: who may see whom, what a crate may not use, how long
//! things may be, and that no file is forgotten. `docs/architecture.md` says why.
//!
//! A rule is a function from what there is to what is wrong with it, so that each is tried on
//! something wrong too.

mod architecture {
    pub(crate) mod code;
    pub(crate) mod crates;
    pub(crate) mod modules;
    pub(crate) mod tree;

    mod dependencies;
    mod documents;
    mod folders;
    mod manifests;
    mod sources;
}

/// Fails with every violation and what to do about it.
#[track_caller]
fn demand(cure: &str, violations: &[String]) {
    assert!(
        violations.is_empty(),
        "{} of these:\n  {}\n{cure}\n",
        violations.len(),
        violations.join("\n  ")
    );
}
