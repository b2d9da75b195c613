//! Speech to text over a real socket: what is sent, what is made of every answer.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
};

use lao_model::{Endpoint, HttpTranscriber, ServerKind, SpeechRoute};
use lao_port::{
    Segment, TranscribeError, TranscribeErrorKind, TranscribeRequest, Transcriber, Transcript,
};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpListener,
    task::JoinHandle,
};

use super::support::endpoint;

/// The answer of a whisper-server.
const ANSWER: &str = r#"{"task":"transcribe","language":"english","duration":2.5,"text":" a b",
    "segments":[{"id":0,"text":" a","start":0.0,"end":1.5,"tokens":[1]},
                {"id":1,"text":" b","start":1.5,"end":2.5,"tokens":[2]}]}"#;

/// A request as it came in.
struct Received {
    /// Its first line and its headers.
    head: String,
    body: Vec<u8>,
}

impl Received {
    /// The values of the form's fields, by name; that of the file with its file name.
    fn fields(&self) -> Vec<(String, Vec<u8>)> {
        let boundary = self.head.split("boundary=").nth(1).unwrap().lines().next().unwrap();
        let boundary = format!("--{boundary}");
        let mut fields = Vec::new();
        let mut rest = self.body.strip_prefix(boundary.as_bytes()).unwrap();
        while let Some(part) = rest.strip_prefix(b"\r\n") {
            let end = find(part, format!("\r\n{boundary}").as_bytes());
            let head = find(&part[..end], b"\r\n\r\n");
            let name = String::from_utf8(part[..head].to_vec()).unwrap();
            let name = name.split("form-data; ").nth(1).unwrap().lines().next().unwrap();
            fields.push((name.to_owned(), part[head + 4..end].to_vec()));
            rest = &part[end + 2 + boundary.len()..];
        }
        assert_eq!(rest, b"--\r\n");
        fields
    }
}

fn find(bytes: &[u8], wanted: &[u8]) -> usize {
    bytes.windows(wanted.len()).position(|bytes| bytes == wanted).unwrap()
}

/// A server for one request, which it answers with these bytes.
async fn serve(reply: String) -> (String, JoinHandle<Received>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let received = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let mut stream = BufReader::new(stream);
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            assert!(stream.read_line(&mut head).await.unwrap() > 0, "{head}");
        }
        let length = head.to_lowercase();
        let length = length.split("content-length: ").nth(1).unwrap().lines().next().unwrap();
        let mut body = vec![0; length.parse().unwrap()];
        stream.read_exact(&mut body).await.unwrap();
        stream.write_all(reply.as_bytes()).await.unwrap();
        stream.shutdown().await.unwrap();
        Received { head, body }
    });
    (url, received)
}

fn reply(status: u16, body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 {status} Reply\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
    )
}

/// A file whose name and bytes are easily torn, longer than what is sent at a time.
fn recording() -> (TempDir, PathBuf, Vec<u8>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("my \"voice\".wav");
    let bytes: Vec<u8> = b"\r\n--lao-\0\xff".repeat(20_000);
    fs::write(&path, &bytes).unwrap();
    (folder, path, bytes)
}

fn request(file: &Path) -> TranscribeRequest {
    TranscribeRequest {
        endpoint: "local".to_owned(),
        model: "whisper-1".to_owned(),
        file: file.to_str().unwrap().to_owned(),
        language: None,
        translate: false,
        prompt: None,
        threads: Some(3),
    }
}

async fn ask(
    endpoint: Endpoint,
    route: SpeechRoute,
    request: &TranscribeRequest,
) -> Result<Transcript, TranscribeError> {
    HttpTranscriber::new(endpoint, route).transcribe(request, &|_| {}).await
}

fn names_and_values(fields: &[(String, Vec<u8>)]) -> Vec<(&str, &str)> {
    let text = |value: &'static str, bytes| std::str::from_utf8(bytes).unwrap_or(value);
    fields.iter().map(|(name, value)| (name.as_str(), text("(bytes)", value))).collect()
}

#[tokio::test]
async fn a_whisper_server_gets_the_file_and_gives_segments() {
    let (_folder, path, bytes) = recording();
    let (url, received) = serve(reply(200, ANSWER)).await;
    let transcript = ask(endpoint(&url), SpeechRoute::WhisperServer, &request(&path)).await;
    let segment = |start_ms, end_ms, text: &str| Segment { start_ms, end_ms, text: text.into() };
    let expected = Transcript {
        language: Some("en".to_owned()),
        duration_ms: 2_500,
        segments: vec![segment(0, 1_500, "a"), segment(1_500, 2_500, "b")],
        model: "whisper-1".to_owned(),
    };
    assert_eq!(transcript.unwrap(), expected);
    let received = received.await.unwrap();
    assert!(received.head.starts_with("POST /inference HTTP/1.1\r\n"), "{}", received.head);
    let fields = received.fields();
    assert_eq!(
        names_and_values(&fields),
        [
            ("name=\"language\"", "auto"),
            ("name=\"translate\"", "false"),
            ("name=\"response_format\"", "verbose_json"),
            ("name=\"no_language_probabilities\"", "true"),
            ("name=\"file\"; filename=\"my %22voice%22.wav\"", "(bytes)"),
        ]
    );
    assert_eq!(fields.last().unwrap().1, bytes);
}

#[tokio::test]
async fn openai_servers_are_asked_at_their_routes() {
    let (_folder, path, _) = recording();
    for (translate, kind, path_asked, format) in [
        (false, ServerKind::Vllm, "/v1/audio/transcriptions", "verbose_json"),
        (true, ServerKind::OpenAi, "/v1/audio/translations", "verbose_json"),
        (false, ServerKind::LlamaCpp, "/v1/audio/transcriptions", "json"),
    ] {
        let (url, received) = serve(reply(200, r#"{"text":"a"}"#)).await;
        let mut endpoint = endpoint(&format!("{url}/v1"));
        (endpoint.kind, endpoint.api_key) = (kind, Some("secret".to_owned()));
        let mut request = request(&path);
        request.language = Some("de".to_owned());
        request.prompt = Some("Grüße\r\nLAO".to_owned());
        request.translate = translate;
        let transcript = ask(endpoint, SpeechRoute::OpenAi, &request).await.unwrap();
        assert_eq!(transcript.segments.len(), 1);
        let received = received.await.unwrap();
        assert!(received.head.starts_with(&format!("POST {path_asked} ")), "{}", received.head);
        assert!(received.head.contains("authorization: Bearer secret\r\n"), "{}", received.head);
        let fields = received.fields();
        let mut expected = vec![("name=\"model\"", "whisper-1"), ("name=\"language\"", "de")];
        if translate {
            expected.pop();
        }
        expected.extend([
            ("name=\"response_format\"", format),
            ("name=\"temperature\"", "0"),
            ("name=\"prompt\"", "Grüße\r\nLAO"),
        ]);
        assert_eq!(names_and_values(&fields[..fields.len() - 1]), expected);
    }
}

#[tokio::test]
async fn failures_are_told_apart_and_explained() {
    use SpeechRoute::{OpenAi, WhisperServer};
    use TranscribeErrorKind::{Audio, Engine, ModelMissing, Unreachable};
    let (_folder, path, _) = recording();
    let cases = [
        (WhisperServer, 400, r#"{"error":"failed to read audio data"}"#, Audio, "--convert"),
        (WhisperServer, 500, "Failed to execute ffmpeg command.", Audio, "--convert"),
        (WhisperServer, 500, r#"{"error":"failed to process audio"}"#, Engine, "failed to process"),
        (
            WhisperServer,
            404,
            "File Not Found (/inference)",
            Engine,
            "nothing answers at http://127",
        ),
        (WhisperServer, 503, r#"{"status":"loading model"}"#, Unreachable, "loading model"),
        (OpenAi, 404, r#"{"error":"model 'whisper-1' not found"}"#, ModelMissing, "`whisper-1`"),
        (OpenAi, 415, r#"{"error":{"message":"Invalid file format."}}"#, Audio, "convert the file"),
        (OpenAi, 401, r#"{"error":{"message":"no key"}}"#, Engine, "api_key_env"),
        (OpenAi, 302, "", Engine, "redirects are not followed"),
        (OpenAi, 200, "<html>", Engine, "no transcript"),
        (OpenAi, 200, r#"{"segments":[{"text":1}]}"#, Engine, "a segment without a text"),
    ];
    for (route, status, body, kind, words) in cases {
        let (url, received) = serve(reply(status, body)).await;
        let error = ask(endpoint(&url), route, &request(&path)).await.unwrap_err();
        assert_eq!(error.kind, kind, "{status} {body}: {error}");
        assert!(error.message.contains(words), "{status} {body}: {error}");
        assert!(error.message.starts_with("endpoint `local` at http://127.0.0.1:"), "{error}");
        received.await.unwrap();
    }
}

#[tokio::test]
async fn a_connection_that_breaks_or_is_refused_is_told_so() {
    let (_folder, path, _) = recording();
    let cut = reply(200, ANSWER);
    let (url, received) = serve(cut[..cut.len() - 9].to_owned()).await;
    let error = ask(endpoint(&url), SpeechRoute::OpenAi, &request(&path)).await.unwrap_err();
    assert_eq!(error.kind, TranscribeErrorKind::Engine);
    assert!(error.message.contains("the answer broke off"), "{error}");
    received.await.unwrap();
    let error = ask(endpoint(&url), SpeechRoute::OpenAi, &request(&path)).await.unwrap_err();
    assert_eq!(error.kind, TranscribeErrorKind::Unreachable);
    assert!(error.message.contains("start the server"), "{error}");
}

/// A file that is larger than what the system takes before the server reads it.
fn long_recording() -> (TempDir, PathBuf) {
    let (folder, path, _) = recording();
    File::options().write(true).open(&path).unwrap().set_len(64 * 1024 * 1024).unwrap();
    (folder, path)
}

#[tokio::test]
async fn a_file_that_shrinks_on_its_way_is_to_blame_and_not_the_server() {
    let (_folder, path) = long_recording();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let shrinking = path.clone();
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.read_exact(&mut [0; 1024]).await.unwrap();
        fs::write(&shrinking, "").unwrap();
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).await.ok();
    });
    let error = ask(endpoint(&url), SpeechRoute::OpenAi, &request(&path)).await.unwrap_err();
    assert_eq!(error.kind, TranscribeErrorKind::Audio, "{error}");
    for words in [path.to_str().unwrap(), "the file became shorter while it was sent"] {
        assert!(error.message.contains(words), "{error}");
    }
    server.await.unwrap();
}

#[tokio::test]
async fn a_server_that_goes_while_it_is_sent_a_file_is_waited_for() {
    let (_folder, path) = long_recording();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        // What it has not read makes the system reset the connection.
        stream.read_exact(&mut [0; 1024]).await.unwrap();
    });
    let error = ask(endpoint(&url), SpeechRoute::OpenAi, &request(&path)).await.unwrap_err();
    assert_eq!(error.kind, TranscribeErrorKind::Unreachable, "{error}");
    server.await.unwrap();
}

#[tokio::test]
async fn an_answer_that_does_not_come_has_a_limit() {
    let (_folder, path, _) = recording();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut endpoint = endpoint(&format!("http://{}", listener.local_addr().unwrap()));
    endpoint.total_timeout_ms = Some(200);
    let error = ask(endpoint, SpeechRoute::WhisperServer, &request(&path)).await.unwrap_err();
    assert_eq!(error.kind, TranscribeErrorKind::TimedOut);
    assert!(error.message.contains("within 200 ms"), "{error}");
}

#[tokio::test]
async fn nothing_is_sent_where_nothing_may_be() {
    let (folder, path, _) = recording();
    let endpoint = || endpoint("http://127.0.0.1:9");
    for file in [folder.path().join("absent.wav"), folder.path().to_owned()] {
        let error = ask(endpoint(), SpeechRoute::OpenAi, &request(&file)).await.unwrap_err();
        assert_eq!(error.kind, TranscribeErrorKind::Audio);
        assert!(error.message.starts_with(file.to_str().unwrap()), "{error}");
    }
    let mut cloud = request(&path);
    cloud.model = "whisper:cloud".to_owned();
    let error = ask(endpoint(), SpeechRoute::OpenAi, &cloud).await.unwrap_err();
    assert!(error.message.contains("no recording was sent"), "{error}");
}
