//! The worker spoken to without its supervisor.

use std::{
    io::Read,
    path::Path,
    process::{Child, Command, Output, Stdio},
};

use lao_transcriber::protocol::{
    FailureKind, ModelFile, PROGRAM, Reply, VERSION, Work, read_frame, write_frame,
};

use super::support::{WORKER, data, speech, store};

fn start(arguments: &[&str]) -> Child {
    Command::new(WORKER)
        .args(arguments)
        .env("GGML_NO_BACKTRACE", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

fn start_with_memory() -> Child {
    start(&["--memory-bytes", "2000000000"])
}

fn work(model: ModelFile, audio: &Path) -> Work {
    Work {
        model,
        audio: audio.to_str().unwrap().to_owned(),
        language: None,
        translate: false,
        prompt: Some("alpha\0bravo".to_owned()),
        threads: Some(1),
        piece_ms: 300_000,
    }
}

/// Everything the worker says; what is no frame fails.
fn converse(work: &Work) -> Vec<Reply> {
    let mut worker = start_with_memory();
    let mut input = worker.stdin.take().unwrap();
    write_frame(&mut input, work).unwrap();
    let mut output = worker.stdout.take().unwrap();
    let mut replies = Vec::new();
    while !matches!(replies.last(), Some(Reply::Done { .. } | Reply::Failed { .. })) {
        replies.push(read_frame(&mut output).unwrap());
    }
    let mut rest = Vec::new();
    output.read_to_end(&mut rest).unwrap();
    assert!(rest.is_empty(), "nothing follows the end");
    let Output { status, .. } = worker.wait_with_output().unwrap();
    assert!(status.success(), "{status}");
    replies
}

#[test]
fn its_output_is_frames_and_nothing_else() {
    let (_folder, store) = store();
    let replies = converse(&work(store.verify("tiny").unwrap(), &data("speech.wav")));
    let [Reply::Hello { program, version }, .., Reply::Done { language, duration_ms, model }] =
        &replies[..]
    else {
        panic!("{replies:?}")
    };
    assert_eq!((program.as_str(), *version), (PROGRAM, VERSION));
    assert!(language.as_ref().is_some_and(|language| language.len() == 2), "{language:?}");
    assert_eq!((*duration_ms, model.as_str()), (6_150, "tiny"));
    assert!(replies.iter().any(|reply| matches!(reply, Reply::Segment { .. })), "{replies:?}");
}

#[test]
fn a_model_that_is_not_the_one_meant_never_meets_the_engine() {
    let (folder, store) = store();
    let whole = store.verify("tiny").unwrap();
    let cut = folder.path().join("cut.bin");
    let bytes = std::fs::read(&whole.path).unwrap();
    std::fs::write(&cut, &bytes[..2_000_000]).unwrap();
    let cut = ModelFile {
        path: cut.to_str().unwrap().to_owned(),
        size_bytes: 2_000_000,
        blake3: blake3::hash(&bytes[..2_000_000]).to_hex().to_string(),
        ..whole.clone()
    };
    let cases = [
        (ModelFile { blake3: "0".repeat(64), ..whole.clone() }, "its hash is another"),
        (ModelFile { size_bytes: 7, ..whole.clone() }, "it has 2324993 bytes, not 7"),
        (ModelFile { path: "/absent.bin".to_owned(), ..whole }, "No such file"),
        (cut, "it is cut"),
    ];
    for (model, words) in cases {
        let replies = converse(&work(model, &data("speech.wav")));
        let Some(Reply::Failed { kind: FailureKind::Model, message }) = replies.last() else {
            panic!("{replies:?}")
        };
        assert!(message.contains(words), "{message}");
    }
}

#[test]
fn it_ends_when_nobody_waits_for_it() {
    let (folder, store) = store();
    let mut worker = start_with_memory();
    let mut input = worker.stdin.take().unwrap();
    let long = speech(&folder, 400);
    write_frame(&mut input, &work(store.verify("tiny").unwrap(), &long)).unwrap();
    let mut output = worker.stdout.take().unwrap();
    let begun = |reply: &Reply| matches!(reply, Reply::Progress { .. });
    while !begun(&read_frame::<Reply>(&mut output).unwrap()) {}
    drop(input);
    let mut heard = Vec::new();
    output.read_to_end(&mut heard).unwrap();
    assert!(!worker.wait().unwrap().success());
    assert!(!String::from_utf8_lossy(&heard).contains("done\":{"), "it did not finish");
}

#[test]
fn started_by_hand_it_says_what_it_is() {
    for arguments in [&[][..], &["--help"], &["--memory-bytes", "x"], &["--memory-bytes"]] {
        let Output { status, stdout, stderr } = start(arguments).wait_with_output().unwrap();
        assert!(!status.success() && stdout.is_empty());
        let stderr = String::from_utf8(stderr).unwrap();
        assert!(stderr.starts_with("lao-whisper is started by lao"), "{stderr}");
    }
}

#[test]
fn what_is_no_request_ends_it() {
    let mut worker = start_with_memory();
    drop(worker.stdin.take());
    let Output { status, stderr, .. } = worker.wait_with_output().unwrap();
    assert!(!status.success());
    assert!(String::from_utf8_lossy(&stderr).contains("the request cannot be read: half a frame"));
}
