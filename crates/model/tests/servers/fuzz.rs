//! What is read from outside is safe to read: the corpus of the fuzz targets, and mutations of it.

#[path = "../../../testkit/fuzz/bodies/model.rs"]
mod body;
#[path = "../../../testkit/fuzz/mutations.rs"]
mod mutations;

#[test]
fn streams() {
    mutations::each("stream", 4000, body::stream);
}

#[test]
fn whole_answers() {
    mutations::each("answer", 4000, body::whole);
}
