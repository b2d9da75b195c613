//! What is read from outside is safe to read: the corpus of the fuzz targets, and mutations of it.

#[path = "../../testkit/fuzz/bodies/config.rs"]
mod body;
#[path = "../../testkit/fuzz/mutations.rs"]
#[expect(clippy::disallowed_methods, reason = "the corpus is files")]
mod mutations;

#[test]
fn settings() {
    mutations::each("config", 2000, body::config);
}
