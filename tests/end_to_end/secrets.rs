//! Secrets in every place a run meets: the plan, files, the shell, the models' answers, errors of
//! the server. None of them is anywhere in what is stored, shown, or sent to a model.

use std::{fs, path::Path};

use lao_history::{StoredEvent, for_each_event};
use lao_journal::{BlobHash, Blobs, Manifest, Options, Reader};
use lao_testkit::openai_server::{Behaviour, ChatRequest, Dialect, Fault, Thought};
use serde_json::{Value, json};

use super::{
    super::support::{
        brain::{self, Asked},
        sandbox::Running,
    },
    world::{RUN, World},
};

/// A value that only its variable tells.
const VALUE: &str = "Tr0ub4dor \"and\" 3/Grüße";
/// The key of the server.
const KEY: &str = "local-server-key-4711";

/// A token of a known shape. Put together here, so that nobody takes this file for a leak.
fn token() -> String {
    format!("ghp_{}", "0123456789abcdefABCDEF0123456789abcd")
}

/// The secrets as they may turn up. The value itself, in JSON, in a URL, and a part of its base64.
fn needles() -> Vec<String> {
    let in_json = json!(VALUE).to_string();
    let twice = json!(in_json).to_string();
    vec![
        VALUE.to_owned(),
        in_json[1..in_json.len() - 1].to_owned(),
        twice[3..twice.len() - 3].to_owned(),
        "Tr0ub4dor%20".to_owned(),
        "VHIwdWI0ZG9yICJhbmQi".to_owned(),
        token(),
        KEY.to_owned(),
    ]
}

/// Fifteen bytes before the value, so that it begins a group of base64.
fn env_file() -> String {
    format!("# ports!\nTOKEN={VALUE}\nPORT=8080\n")
}

/// A file too large to stay in its event.
fn notes() -> String {
    let line = "Nothing of note happened on this day, or on the next.\n";
    format!("{}The token is {}.\n{}", line.repeat(300), token(), line.repeat(300))
}

const ON: [&str; 2] = ["secrets.env=MY_TOKEN", "secrets.known_shapes=true"];
const OFF: [&str; 2] = ["secrets.env=[]", "secrets.known_shapes=false"];

/// The tool calls of the coder's turns at the first task.
fn turn(turn: usize, token_said: &str) -> Option<(&'static str, Value)> {
    let calls = [
        ("file_read", json!({ "path": ".env" })),
        ("file_read", json!({ "path": "notes.txt" })),
        ("shell", json!({ "command": "cat .env; base64 -w0 .env; cat missing" })),
        ("grep", json!({ "pattern": "TOKEN", "path": "." })),
        // None of these may be done: the first three would lose what a person wrote.
        ("file_patch", json!({ "path": ".env", "search": "PORT=8080", "replace": "PORT=80" })),
        ("file_write", json!({ "path": ".env", "content": "PORT=80\n" })),
        ("file_delete", json!({ "path": ".env" })),
        ("shell", json!({ "command": format!("echo 'TOKEN={token_said}' > .env") })),
        ("file_write", json!({ "path": "config.py", "content": format!("T = '{token_said}'\n") })),
        ("todo_set", json!({ "items": [{ "text": format!("rotate {}", token()), "done": true }] })),
        ("file_write", json!({ "path": "hello.txt", "content": brain::greeting("hello.txt") })),
    ];
    calls.into_iter().nth(turn)
}

/// A model that repeats every secret it was told about, and some that it was not.
fn blabbing(request: &ChatRequest, token_said: &str) -> Thought {
    let secrets = format!("{VALUE} and {}", token());
    let mut thought = match brain::asked(request) {
        Asked::Planner => {
            let text = brain::tasks(&[("hello.txt", &[])]);
            let mut tasks: Value = serde_json::from_str(&text).unwrap();
            tasks["tasks"][0]["description"] = json!(format!("Greet, with {secrets}."));
            Thought::text(tasks.to_string())
        }
        Asked::Coder => match turn(request.count("assistant"), token_said) {
            Some((tool, arguments)) => Thought::calls([(tool, arguments)]),
            None => Thought::text(format!("Done, and the secrets are {secrets}.")),
        },
        Asked::Reviewer => Thought::text(
            json!({ "verdict": "approved", "summary": format!("No {secrets}."), "findings": [] })
                .to_string(),
        ),
    };
    thought.reasoning = format!("The user's secrets: {secrets}");
    thought
}

struct Told {
    world: World,
    /// Everything that commands printed.
    printed: String,
}

/// Runs the plan with every secret in its way.
fn run(settings: &[&str], token_said: &'static str) -> Told {
    let refused = format!("{{\"error\":{{\"message\":\"bad key {KEY} or {}\"}}}}", token());
    let behaviour = Behaviour::new(Dialect::OpenAi)
        .with_brain(move |request| blabbing(request, token_said))
        .with_bytes_per_write(7)
        .with_faults(&[Fault::ErrorFrame { after_frames: 1, body: refused }]);
    let world = World::new(behaviour);
    let sandbox = &world.sandbox;
    let config = fs::read_to_string(sandbox.path("lao.toml")).unwrap();
    let config =
        config.replacen("connect_timeout_ms", "api_key_env = \"BOX_KEY\"\nconnect_timeout_ms", 1);
    sandbox.write("lao.toml", &config);
    sandbox.write("app/.env", &env_file());
    sandbox.write("app/notes.txt", &notes());
    let plan = format!("# Greetings and {}\n\nWrite hello.txt, not {VALUE}.\n", token());
    sandbox.write("plans/app.md", &plan);
    let mut arguments = RUN.to_vec();
    let others =
        ["git.enabled=false", "tools.shell=on", "orchestration.tool_output_bytes_max=65536"];
    for setting in settings.iter().chain(&others) {
        arguments.extend(["--set", setting]);
    }
    let mut printed = String::new();
    for arguments in [
        &arguments[..],
        &["runs", "--json"],
        &["status", "last", "--json"],
        &["show", "last", "--step", "t1", "--json"],
        &["log", "last"],
        &["log", "last", "--json"],
    ] {
        let mut command = sandbox.command(arguments);
        command.env("MY_TOKEN", VALUE).env("BOX_KEY", KEY);
        let outcome = Running::start(command).finish();
        assert_eq!(outcome.code, Some(0), "{arguments:?}\n{}\n{}", outcome.stdout, outcome.stderr);
        printed += &outcome.stdout;
        printed += &outcome.stderr;
    }
    Told { world, printed }
}

/// Texts under the names of the places where they were found.
type Found = Vec<(String, String)>;

/// Everything in `.lao/`: files as they are, blobs unpacked, records decoded.
fn stored(state: &Path) -> Found {
    let mut found = Vec::new();
    files(state, &mut |path| {
        let bytes = fs::read(path).unwrap();
        found.push((path.display().to_string(), String::from_utf8_lossy(&bytes).into_owned()));
    });
    let blobs = Blobs::open(&state.join("blobs")).unwrap();
    files(&state.join("blobs"), &mut |path| {
        let hash: BlobHash = path.file_name().unwrap().to_str().unwrap().parse().unwrap();
        let text = String::from_utf8(blobs.get(hash).unwrap()).unwrap();
        found.push((format!("blob {hash}"), text));
    });
    for run in fs::read_dir(state.join("runs")).unwrap() {
        let run = run.unwrap().path();
        assert!(Manifest::read(&run).unwrap().sealed.is_some());
        let reader = Reader::open(&run, &Options::default()).unwrap();
        for_each_event(&reader, 1, |event| -> Result<(), lao_history::HistoryError> {
            let StoredEvent::Known(published) = event else { panic!("{event:?}") };
            let text = serde_json::to_string(&published.event).unwrap();
            found.push((format!("event {} {}", published.seq, published.event.name()), text));
            Ok(())
        })
        .unwrap();
    }
    found
}

fn files(folder: &Path, visit: &mut impl FnMut(&Path)) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files(&path, visit) } else { visit(&path) }
    }
}

/// Places that hold a secret, with the secret.
fn leaks(places: &Found) -> Vec<String> {
    let needles = needles();
    let leaks = places.iter().flat_map(|(place, text)| {
        let held = needles.iter().filter(|needle| text.contains(*needle));
        held.map(move |needle| format!("{place}: {needle}"))
    });
    leaks.collect()
}

/// What the models were sent.
fn sent(world: &World) -> Found {
    let bodies = world.server.server.chats().into_iter().enumerate();
    bodies.map(|(index, body)| (format!("request {index}"), body.to_string())).collect()
}

#[test]
fn no_secret_is_stored_shown_or_sent() {
    let told = run(&ON, "secret://MY_TOKEN");
    let sandbox = &told.world.sandbox;
    let places = stored(&sandbox.path(".lao"));
    assert!(places.iter().any(|(place, _)| place.starts_with("blob")), "a text became a blob");
    assert_eq!(leaks(&places), Vec::<String>::new());
    assert_eq!(leaks(&sent(&told.world)), Vec::<String>::new());
    assert_eq!(leaks(&vec![("printed".to_owned(), told.printed.clone())]), Vec::<String>::new());
    for name in ["secret://MY_TOKEN", "secret://github-token", "secret://BOX_KEY"] {
        assert!(places.iter().any(|(_, text)| text.contains(name)), "{name} is told of nowhere");
    }
    let kept = |file: &str| fs::read_to_string(sandbox.path("app").join(file)).ok();
    assert_eq!(kept(".env"), Some(env_file()), "the user's secrets are as they were");
    assert_eq!(kept("config.py"), None, "a name was not written as if it were the secret");
    assert_eq!(kept("hello.txt"), Some(brain::greeting("hello.txt")));
    let denied = places.iter().filter(|(place, text)| {
        place.starts_with("event") && text.contains("tool_decided") && text.contains("\"secrets\"")
    });
    assert_eq!(denied.count(), 5, "three changes of .env, a command, a file");
    let started = places.iter().filter(|(place, _)| place.ends_with("FileWriteStarted"));
    let after: Vec<Value> = started
        .map(|(_, event)| serde_json::from_str::<Value>(event).unwrap()["after"].clone())
        .collect();
    assert_eq!(after, [json!({ "inline": brain::greeting("hello.txt") })]);
}

/// The same run with nothing named as secret: every place that was looked at can hold one.
#[test]
fn without_the_settings_the_same_secrets_are_found() {
    let told = run(&OFF, "nothing");
    let places = stored(&told.world.sandbox.path(".lao"));
    let leaks_in = |start: &str| {
        let some: Found =
            places.iter().filter(|(place, _)| place.contains(start)).cloned().collect();
        leaks(&some)
    };
    for start in
        ["blob ", "/blobs/", "journal.redb", "RunStarted", "ModelCallEnded", "ToolCallEnded"]
    {
        // Blobs are compressed, which hides most of it.
        assert!(start == "/blobs/" || !leaks_in(start).is_empty(), "nothing in {start}");
    }
    assert!(!leaks(&sent(&told.world)).is_empty());
    assert!(!leaks(&vec![("printed".to_owned(), told.printed.clone())]).is_empty());
    let all = leaks(&places).join("\n");
    for needle in needles().iter().filter(|needle| *needle != KEY && !needle.contains('%')) {
        assert!(all.contains(needle), "{needle} is nowhere");
    }
    assert!(!all.contains(KEY), "the server's key is a secret without being named as one");
}

#[test]
fn a_run_is_not_told_secrets() {
    let world = World::new(Behaviour::new(Dialect::OpenAi));
    let token = token();
    let command =
        format!("verifier.commands=[{{ name = \"ask\", run = [\"curl\", \"-u\", \"{token}\"] }}]");
    let outcome = world.run_with(&[&command]);
    assert_eq!(outcome.code, Some(3), "{}\n{}", outcome.stdout, outcome.stderr);
    assert!(outcome.stderr.contains("secret://github-token"), "{}", outcome.stderr);
    assert!(!outcome.stderr.contains(&token), "{}", outcome.stderr);
    assert!(!world.sandbox.path(".lao/runs").exists());
    let outcome = world.run_with(&["secrets.patterns=(", "secrets.env=not a name"]);
    assert_eq!(outcome.code, Some(3), "{}\n{}", outcome.stdout, outcome.stderr);
    for key in ["`secrets.patterns[0]`: not a regular expression", "`secrets.env[0]`"] {
        assert!(outcome.stderr.contains(key), "{}", outcome.stderr);
    }
}
