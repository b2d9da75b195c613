//! What is read from outside is safe to read: the corpus of the fuzz targets, and mutations of it.

#[path = "../../../testkit/fuzz/bodies/tool.rs"]
mod body;
#[path = "../../../testkit/fuzz/mutations.rs"]
mod mutations;

#[test]
fn arguments_of_tools() {
    mutations::each("arguments", 2000, body::arguments);
}
