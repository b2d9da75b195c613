//! The tiny model, recordings, and the worker.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use lao_port::TranscribeRequest;
use lao_transcriber::{LocalTranscriber, ModelStore, WorkerLimits};
use tempfile::TempDir;

/// The worker program.
pub(crate) const WORKER: &str = env!("CARGO_BIN_EXE_lao-whisper");

/// A file beside the tests of the supervisor, which has the model.
pub(crate) fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../transcriber/tests/data").join(name)
}

/// A folder with a store that has the tiny model as `tiny`.
pub(crate) fn store() -> (TempDir, Arc<ModelStore>) {
    let folder = tempfile::tempdir().unwrap();
    let store = ModelStore::new(folder.path());
    store.add(&data("tiny-whisper.bin"), "tiny").unwrap();
    (folder, Arc::new(store))
}

/// The real worker under watch.
pub(crate) fn transcriber(store: &Arc<ModelStore>, limits: WorkerLimits) -> LocalTranscriber {
    LocalTranscriber::new(Arc::clone(store), Some(WORKER.into()), limits)
}

/// A request for a recording.
pub(crate) fn request(file: &Path) -> TranscribeRequest {
    TranscribeRequest {
        endpoint: "local".to_owned(),
        model: "tiny".to_owned(),
        file: file.to_str().unwrap().to_owned(),
        language: Some("en".to_owned()),
        translate: false,
        prompt: None,
        threads: Some(1),
    }
}

/// The spoken recording, as often as wanted in a row; 6.15 seconds each.
pub(crate) fn speech(folder: &TempDir, times: usize) -> PathBuf {
    let once = fs::read(data("speech.wav")).unwrap();
    let begin = once.windows(4).position(|word| word == b"data").unwrap() + 8;
    let mut file = once[..begin].to_vec();
    for _ in 0..times {
        file.extend(&once[begin..]);
    }
    let length = |bytes: usize| u32::try_from(bytes).unwrap().to_le_bytes();
    let (riff, samples) = (length(file.len() - 8), length(file.len() - begin));
    file[4..8].copy_from_slice(&riff);
    file[begin - 4..begin].copy_from_slice(&samples);
    let path = folder.path().join(format!("speech-{times}.wav"));
    fs::write(&path, file).unwrap();
    path
}
