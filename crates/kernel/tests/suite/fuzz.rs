//! What is read from outside is safe to read: the corpus of the fuzz targets, and mutations of it.

#[path = "../../../testkit/fuzz/bodies/kernel.rs"]
mod body;
#[path = "../../../testkit/fuzz/mutations.rs"]
#[expect(clippy::disallowed_methods, reason = "the corpus is files")]
mod mutations;

#[test]
fn answers_of_planners() {
    mutations::each("planned", 2000, body::planned);
}

#[test]
fn answers_of_reviewers() {
    mutations::each("reviewed", 2000, body::reviewed);
}
