//! Recordings to transcripts, through supervisor, worker and engine.

use std::{fs, sync::Mutex};

use lao_port::{
    TranscribeErrorKind, TranscribeProgress, TranscribeRequest, Transcriber, Transcript,
};
use lao_transcriber::WorkerLimits;

use super::support::{data, request, speech, store, transcriber};

fn assert_in_order(transcript: &Transcript) {
    assert!(!transcript.segments.is_empty());
    for segment in &transcript.segments {
        assert!(segment.start_ms <= segment.end_ms, "{segment:?}");
        assert!(segment.end_ms <= transcript.duration_ms, "{segment:?}");
        assert!(!segment.text.is_empty() && segment.text == segment.text.trim(), "{segment:?}");
    }
    assert!(transcript.segments.is_sorted_by_key(|segment| segment.start_ms));
}

#[tokio::test]
async fn speech_becomes_words_the_same_each_time() {
    let (_folder, store) = store();
    let transcriber = transcriber(&store, WorkerLimits::default());
    let heard = Mutex::new(Vec::new());
    let on_progress =
        |progress: TranscribeProgress| heard.lock().unwrap().push(progress.done_milli);
    let request = request(&data("speech.wav"));
    let transcript = transcriber.transcribe(&request, &on_progress).await.unwrap();
    assert_in_order(&transcript);
    assert_eq!(transcript.language.as_deref(), Some("en"));
    assert_eq!((transcript.duration_ms, transcript.model.as_str()), (6_150, "tiny"));
    assert_eq!(heard.lock().unwrap().last(), Some(&1000));
    let again = transcriber.transcribe(&request, &|_| {}).await.unwrap();
    assert_eq!(again, transcript);
    let detected = TranscribeRequest { language: None, translate: true, ..request };
    let transcript = transcriber.transcribe(&detected, &|_| {}).await.unwrap();
    assert!(transcript.language.is_some());
}

#[tokio::test]
async fn every_format_comes_through() {
    let (_folder, store) = store();
    let transcriber = transcriber(&store, WorkerLimits::default());
    let tones = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    for name in ["tone.mp3", "tone.m4a", "tone.aac", "tone.ogg", "tone.flac", "tone.aiff"] {
        let transcript =
            transcriber.transcribe(&request(&tones.join(name)), &|_| {}).await.unwrap();
        assert!(transcript.duration_ms.abs_diff(2_000) < 150, "{name}: {transcript:?}");
    }
}

#[tokio::test]
async fn a_long_recording_goes_through_in_pieces() {
    let (folder, store) = store();
    let file = speech(&folder, 2);
    let whole = transcriber(&store, WorkerLimits::default());
    let whole = whole.transcribe(&request(&file), &|_| {}).await.unwrap();
    let limits = WorkerLimits { piece_ms: 5_000, ..WorkerLimits::default() };
    let heard = Mutex::new(Vec::new());
    let on_progress =
        |progress: TranscribeProgress| heard.lock().unwrap().push(progress.done_milli);
    let pieces = transcriber(&store, limits).transcribe(&request(&file), &on_progress).await;
    let pieces = pieces.unwrap();
    for transcript in [&whole, &pieces] {
        assert_in_order(transcript);
        assert_eq!(transcript.duration_ms, 12_301);
        let end = transcript.segments.last().unwrap().end_ms;
        assert!(end > 9_000, "the end of the recording is transcribed: {end}");
    }
    let mut heard = heard.into_inner().unwrap();
    heard.dedup();
    assert!(heard.len() >= 3 && heard.last() == Some(&1000), "{heard:?}");
}

#[tokio::test]
async fn a_piece_that_holds_all_is_the_whole() {
    let (folder, store) = store();
    let file = speech(&folder, 2);
    let [one, other] = [13_000, 600_000]
        .map(|piece_ms| transcriber(&store, WorkerLimits { piece_ms, ..WorkerLimits::default() }));
    let one = one.transcribe(&request(&file), &|_| {}).await.unwrap();
    assert_eq!(one, other.transcribe(&request(&file), &|_| {}).await.unwrap());
}

#[tokio::test]
async fn too_little_memory_fails_one_attempt() {
    let (_folder, store) = store();
    let request = request(&data("speech.wav"));
    let limits = WorkerLimits { memory_bytes_max: 48 << 20, ..WorkerLimits::default() };
    let error = transcriber(&store, limits).transcribe(&request, &|_| {}).await.unwrap_err();
    assert_eq!(error.kind, TranscribeErrorKind::Engine, "{error}");
    assert!(error.message.contains("memory"), "{error}");
    let enough = transcriber(&store, WorkerLimits::default());
    assert!(enough.transcribe(&request, &|_| {}).await.is_ok());
}

#[tokio::test]
async fn what_is_no_recording_is_the_recordings_fault() {
    let (folder, store) = store();
    let transcriber = transcriber(&store, WorkerLimits::default());
    let text = folder.path().join("notes.wav");
    fs::write(&text, "notes\n".repeat(100)).unwrap();
    for file in [text, folder.path().join("absent.mp3"), folder.path().to_owned()] {
        let error = transcriber.transcribe(&request(&file), &|_| {}).await.unwrap_err();
        assert_eq!(error.kind, TranscribeErrorKind::Audio, "{error}");
        assert!(error.message.starts_with(file.to_str().unwrap()), "{error}");
    }
}

#[tokio::test]
async fn a_language_that_nobody_speaks_is_refused() {
    let (_folder, store) = store();
    let transcriber = transcriber(&store, WorkerLimits::default());
    for language in ["xx", "", "e\0n", "en-US"] {
        let mut request = request(&data("speech.wav"));
        request.language = Some(language.to_owned());
        let error = transcriber.transcribe(&request, &|_| {}).await.unwrap_err();
        assert!(error.message.contains("knows no language"), "{error}");
    }
}
