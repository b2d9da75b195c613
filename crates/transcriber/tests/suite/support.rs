//! The tiny model and stores with it.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use lao_transcriber::ModelStore;
use tempfile::TempDir;

/// A file of the tests.
pub(crate) fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)
}

/// A whole model of random numbers; `make_tiny_whisper.py` beside it makes it.
pub(crate) fn tiny_model() -> Vec<u8> {
    fs::read(data("tiny-whisper.bin")).unwrap()
}

/// A store in a folder of its own, with the tiny model as `tiny`.
pub(crate) fn store() -> (TempDir, Arc<ModelStore>) {
    let folder = tempfile::tempdir().unwrap();
    let store = ModelStore::new(folder.path());
    store.add(&data("tiny-whisper.bin"), "tiny").unwrap();
    (folder, Arc::new(store))
}
