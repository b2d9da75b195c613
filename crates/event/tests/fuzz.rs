//! What is read from outside is safe to read: the corpus of the fuzz targets, and mutations of it.

#[path = "../../testkit/fuzz/bodies/event.rs"]
mod body;
#[path = "../../testkit/fuzz/mutations.rs"]
#[expect(clippy::disallowed_methods, reason = "the corpus is files")]
mod mutations;

#[test]
fn payloads_of_events() {
    mutations::each("event", 5000, body::event);
}
