//! What is read from outside is safe to read: the corpus of the fuzz target, and mutations of it.

#[path = "../../../testkit/fuzz/bodies/portable.rs"]
mod body;
#[path = "../../../testkit/fuzz/mutations.rs"]
mod mutations;

#[test]
fn portable_runs() {
    mutations::each("portable", 3000, body::portable);
}
