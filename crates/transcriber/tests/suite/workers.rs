//! Whatever a worker does wrong fails its attempt, with its last words, and nothing else.

use std::{
    fs::File,
    io::{BufRead, BufReader, Read},
    os::unix::fs::symlink,
    path::PathBuf,
    process::Command,
    sync::{Arc, Mutex},
};

use lao_port::{
    TranscribeError, TranscribeErrorKind, TranscribeProgress, TranscribeRequest, Transcriber,
    Transcript,
};
use lao_transcriber::{LocalTranscriber, ModelStore, WorkerLimits};

use super::support::{data, store};

fn request(model: &str) -> TranscribeRequest {
    TranscribeRequest {
        endpoint: "local".to_owned(),
        model: model.to_owned(),
        file: "/a.wav".to_owned(),
        language: None,
        translate: false,
        prompt: None,
        threads: None,
    }
}

fn limits() -> WorkerLimits {
    WorkerLimits { memory_bytes_max: 64 << 20, idle_timeout_ms: 60_000, ..WorkerLimits::default() }
}

fn transcriber(store: &Arc<ModelStore>, worker: &str, limits: WorkerLimits) -> LocalTranscriber {
    let program: PathBuf = data("workers").join(worker);
    LocalTranscriber::new(Arc::clone(store), Some(program), limits)
}

async fn attempt(
    store: &Arc<ModelStore>,
    worker: &str,
    limits: WorkerLimits,
) -> Result<Transcript, TranscribeError> {
    transcriber(store, worker, limits).transcribe(&request("tiny"), &|_| {}).await
}

#[tokio::test]
async fn a_worker_that_works() {
    let (_folder, store) = store();
    let heard = Mutex::new(Vec::new());
    let on_progress =
        |progress: TranscribeProgress| heard.lock().unwrap().push(progress.done_milli);
    let transcriber = transcriber(&store, "good", limits());
    let transcript = transcriber.transcribe(&request("tiny"), &on_progress).await.unwrap();
    assert_eq!(*heard.lock().unwrap(), [500, 500, 1000], "progress never goes back");
    assert_eq!(transcript.language.as_deref(), Some("en"));
    assert_eq!((transcript.duration_ms, transcript.model.as_str()), (1800, "tiny"));
    let texts: Vec<_> = transcript.segments.iter().map(|it| it.text.as_str()).collect();
    assert_eq!(texts, ["alpha", "--memory-bytes 67108864 1 homeless"]);
}

#[tokio::test]
async fn every_way_to_fail_is_told_with_the_last_words() {
    let (_folder, store) = store();
    let impatient = WorkerLimits { idle_timeout_ms: 700, ..limits() };
    let cases: [(&str, WorkerLimits, &[&str]); 10] = [
        ("crash", limits(), &["crashed with signal 6 (abort)", "GGML_ASSERT: ggml.c:123"]),
        ("hang", impatient, &["hangs: nothing was heard of it for 700 ms", "encoding ..."]),
        ("rubbish", limits(), &["talked rubbish: a frame of 1936287863 bytes", "thinking"]),
        ("foreign", limits(), &["talked rubbish: a frame that cannot be read", "`shout`"]),
        ("unordered", limits(), &["talked rubbish: its segments are out of order"]),
        ("early", limits(), &["ended with exit code 3 before it was done", "nothing to do"]),
        ("half", limits(), &["ended with exit code 0 in the middle", "cut short"]),
        ("mute", limits(), &["ended with exit code 127", "libgomp.so.1"]),
        ("old", limits(), &["protocol 99", "cargo install --path crates/whisper"]),
        ("hungry", limits(), &["signal 6", "64 MiB of memory; a smaller model", "std::bad_alloc"]),
    ];
    for (worker, limits, words) in cases {
        let error = attempt(&store, worker, limits).await.expect_err(worker);
        assert_eq!(error.kind, TranscribeErrorKind::Engine, "{worker}: {error}");
        for word in words {
            assert!(error.message.contains(word), "{worker}, {word}: {error}");
        }
        assert!(error.message.starts_with("the worker lao-whisper "), "{error}");
        assert!(attempt(&store, "good", self::limits()).await.is_ok(), "after {worker}");
    }
}

#[tokio::test]
async fn a_reported_failure_is_passed_on_as_it_is() {
    let (_folder, store) = store();
    let error = attempt(&store, "reports", limits()).await.unwrap_err();
    assert_eq!(
        (error.kind, error.message.as_str()),
        (TranscribeErrorKind::Audio, "/a.wav: it is empty")
    );
}

#[tokio::test]
async fn noise_on_standard_error_stops_nobody() {
    let (_folder, store) = store();
    assert_eq!(attempt(&store, "noisy", limits()).await.unwrap().duration_ms, 1);
}

#[tokio::test]
async fn the_whole_has_a_limit_too() {
    let (_folder, store) = store();
    let limits = WorkerLimits { total_timeout_ms: Some(700), ..limits() };
    let error = attempt(&store, "hang", limits).await.unwrap_err();
    assert_eq!(error.kind, TranscribeErrorKind::TimedOut);
    assert_eq!(error.message, "transcribing /a.wav took longer than 700 ms");
}

#[tokio::test]
async fn what_is_not_on_this_machine_is_told_with_the_cure() {
    let (_folder, store) = store();
    let transcriber = transcriber(&store, "absent", limits());
    let error = transcriber.transcribe(&request("tiny"), &|_| {}).await.unwrap_err();
    assert_eq!(error.kind, TranscribeErrorKind::ModelMissing);
    assert!(error.message.contains("cargo install --path crates/whisper"), "{error}");
    let transcriber =
        LocalTranscriber::new(Arc::clone(&store), Some(data("workers").join("good")), limits());
    let error = transcriber.transcribe(&request("base"), &|_| {}).await.unwrap_err();
    assert_eq!(error.kind, TranscribeErrorKind::ModelMissing);
    assert!(error.message.contains("lao models add whisper FILE"), "{error}");
    let no_program = LocalTranscriber::new(store, Some(data("frames.sh")), limits());
    assert!(no_program.transcribe(&request("tiny"), &|_| {}).await.is_err());
}

#[tokio::test]
async fn an_attempt_that_is_dropped_takes_the_worker_and_its_children_along() {
    let (_folder, store) = store();
    let folder = tempfile::tempdir().unwrap();
    for file in ["linger", "frames.sh"] {
        symlink(data("workers").join(file), folder.path().join(file)).unwrap();
    }
    let pipe = folder.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let program = Some(folder.path().join("linger"));
    let transcriber = LocalTranscriber::new(store, program, limits());
    // Its other end is opened by the worker, and closed when the last process has gone.
    let here = tokio::task::spawn_blocking(move || {
        let mut pipe = BufReader::new(File::open(pipe).unwrap());
        let mut line = String::new();
        pipe.read_line(&mut line).unwrap();
        (line, pipe)
    });
    let request = request("tiny");
    let (line, mut pipe) = tokio::select! {
        ended = transcriber.transcribe(&request, &|_| {}) => panic!("it ended: {ended:?}"),
        here = here => here.unwrap(),
    };
    assert_eq!(line, "here\n");
    assert_eq!(pipe.read(&mut [0; 8]).unwrap(), 0, "both processes are gone");
}
