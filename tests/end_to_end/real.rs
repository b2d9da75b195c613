//! The real servers, where somebody has them: llama.cpp's and whisper.cpp's programs, with models so
//! small that their words mean nothing. What is shown is that they understand LAO and LAO them.
//!
//! `LAO_LLAMA_SERVER=path/to/llama-server` and `LAO_WHISPER_SERVER=path/to/whisper-server` name
//! them; without, this says that it was skipped.

use std::{env, ffi::OsString, fs, net::TcpListener, path::PathBuf, process::Command};

use serde_json::Value;

use super::super::support::sandbox::{Running, Sandbox};

const WHISPER: &str = "crates/transcriber/tests/data/tiny-whisper.bin";

fn data(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// The program that a variable names.
fn named(variable: &str) -> Option<OsString> {
    let program = env::var_os(variable);
    if program.is_none() {
        println!("skipped: {variable} names no program, so no real server was asked");
    }
    program
}

/// A server of its own port, which ends with this.
struct Server {
    port: u16,
    _process: Running,
}

impl Server {
    /// Starts a program, and waits until it has said `ready`.
    fn start(program: &OsString, model: &str, more: &[&str], ready: &str) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut command = Command::new(program);
        command.arg("-m").arg(data(model)).args(["--host", "127.0.0.1", "-t", "1", "--port"]);
        command.arg(port.to_string()).args(more);
        let process = Running::start(command);
        let is_ready = process.stderr.wait(|text, ended| ended || text.contains(ready));
        assert!(is_ready && process.stderr.text().contains(ready), "{}", process.stderr.text());
        Self { port, _process: process }
    }
}

fn llama(program: &OsString) -> Server {
    let more = [
        "--jinja",
        "--embeddings",
        "--pooling",
        "mean",
        "-c",
        "4096",
        "-np",
        "2",
        "-tb",
        "1",
        "--no-warmup",
        "--slots",
        "--props",
        "--seed",
        "1",
        "--alias",
        "tiny",
    ];
    Server::start(program, "tests/end_to_end/data/tiny-llama.gguf", &more, "listening on")
}

/// A project whose roles are played by a server at this port.
fn project(port: u16) -> Sandbox {
    let sandbox = Sandbox::new();
    let role = |name: &str| {
        format!("[roles.{name}]\nendpoint = \"llama\"\nmodel = \"tiny\"\ncontext_tokens = 2048\n")
    };
    let roles = ["coder", "analyst", "embedder"].map(role).concat();
    sandbox.write(
        "lao.toml",
        &format!(
            "[git]\nenabled = false\n[endpoints.llama]\nkind = \"llamacpp\"\npermits = 2\n\
             url = \"http://127.0.0.1:{port}/v1\"\n{roles}"
        ),
    );
    sandbox
}

const FLOW: &str = r#"
name: real
output: { notes: "${{ steps.notes.output }}", vectors: "${{ steps.vectors.output }}" }
steps:
  - id: notes
    map:
      over: [rain, snow, wind, fog, hail, sun]
      concurrency: 2
      do:
        prompt:
          text: "Two words on ${{ item }}"
          schema:
            type: array
            minItems: 2
            maxItems: 2
            items: { type: string, minLength: 2, maxLength: 60 }
        settings: { max_tokens: 400, seed: 7 }
        retry: 3
  - id: vectors
    embed: [rain, snow]
  - id: agent
    agent: { task: List the files, tools: [list_files], turns: 2 }
    settings: { max_tokens: 60, seed: 3 }
    on_failure: continue
"#;

/// How many answers of a model came to the map's steps, by the log.
fn answers(sandbox: &Sandbox, run: &str) -> usize {
    let log = sandbox.run(&["log", run, "--json"]).stdout;
    let is_answer = |line: &&str| line.contains("\"ModelCallEnded\",\"step\":\"notes[");
    log.lines().filter(is_answer).count()
}

#[test]
fn llama_server_answers_embeds_and_is_not_asked_again_after_a_kill() {
    let Some(program) = named("LAO_LLAMA_SERVER") else { return };
    let server = llama(&program);
    let sandbox = project(server.port);
    let doctor = sandbox.run(&["doctor"]).stdout;
    assert!(doctor.contains("llama: llama-server") && doctor.contains("analyst: tiny"), "{doctor}");
    sandbox.write("real.yaml", FLOW);
    let mut killed = sandbox.start(&["run", "real.yaml"]);
    assert!(killed.stdout.wait(|text, _| text.contains(" is done")), "nothing was answered");
    killed.child.kill().unwrap();
    drop(killed);
    let ended = sandbox.run(&["run", "real.yaml", "--quiet"]);
    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
    let output: Value = serde_json::from_str(ended.stdout.lines().last().unwrap()).unwrap();
    let notes = output["notes"].as_array().unwrap();
    assert!(notes.len() == 6 && notes.iter().all(|two| two.as_array().unwrap().len() == 2));
    let vectors = output["vectors"].as_array().unwrap();
    assert!(
        vectors.len() == 2 && vectors[0].as_array().unwrap().len() > 8 && vectors[0] != vectors[1]
    );
    let runs = sandbox.run(&["runs", "--json"]).stdout;
    assert_eq!(runs.lines().count(), 1, "{runs}");
    let run: Value = serde_json::from_str(runs.lines().next().unwrap()).unwrap();
    let run = run["run"].as_str().unwrap();
    assert_eq!(answers(&sandbox, run), 6, "one for each item");
    let replayed = sandbox.run(&["replay", run]);
    assert!(replayed.stdout.contains("identical"), "{}", replayed.stdout);
}

#[test]
fn whisper_server_transcribes_in_every_form() {
    let Some(program) = named("LAO_WHISPER_SERVER") else { return };
    let server = Server::start(&program, WHISPER, &[], "compute buffer (decode)");
    let sandbox = Sandbox::new();
    sandbox.write(
        "lao.toml",
        &format!(
            "[git]\nenabled = false\n[endpoints.speech]\nkind = \"whisper-server\"\n\
             url = \"http://127.0.0.1:{}\"\n[roles.transcriber]\nendpoint = \"speech\"\n\
             model = \"tiny\"\ncontext_tokens = 2048\n",
            server.port
        ),
    );
    fs::copy(data("crates/transcriber/tests/data/speech.wav"), sandbox.path("talk.wav")).unwrap();
    sandbox.write("bad.wav", "no audio");
    for (form, part) in
        [("text", "\n"), ("srt", "1\n00:00:00,"), ("vtt", "WEBVTT\n"), ("json", "\"segments\":[")]
    {
        sandbox.write(
            "hear.yaml",
            &format!(
                "name: hear\nsteps:\n  - id: words\n    transcribe: {{ file: talk.wav, language: en, format: {form} }}\n"
            ),
        );
        let heard = sandbox.run(&["run", "hear.yaml", "--quiet"]);
        assert_eq!(heard.code, Some(0), "{form}: {}{}", heard.stdout, heard.stderr);
        assert!(heard.stdout.contains(part) && heard.stdout.len() > 20, "{form}: {}", heard.stdout);
    }
    // It says that it listens only to a terminal; the first run has waited for it.
    let doctor = sandbox.run(&["doctor"]).stdout;
    assert!(doctor.contains("speech: whisper-server at"), "{doctor}");
    let refused = sandbox.run(&["chain", "transcribe bad.wav"]);
    assert_eq!(refused.code, Some(4), "{}{}", refused.stdout, refused.stderr);
    assert!(
        format!("{}{}", refused.stdout, refused.stderr).contains("HTTP 400"),
        "{}",
        refused.stderr
    );
}
