//! What is read from outside is safe to read: the corpus of the fuzz targets, and mutations of it.

#[path = "../../../testkit/fuzz/bodies/journal.rs"]
mod body;
#[path = "../../../testkit/fuzz/mutations.rs"]
mod mutations;

#[test]
fn records() {
    mutations::each("record", 200, body::record);
}

#[test]
fn blobs() {
    mutations::each("blob", 500, body::blob);
}

#[test]
fn manifests() {
    mutations::each("manifest", 1000, body::manifest);
}
