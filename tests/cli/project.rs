//! Setting up, configuration, help.

use std::{
    fs::{self, File, Permissions},
    net::TcpStream,
    os::unix::fs::PermissionsExt,
    process::Command,
};

use lao_testkit::openai_server::{Behaviour, Dialect, OpenAiServer, ServedModel};

use super::{
    super::support::{
        sandbox::{Running, Sandbox},
        server::ModelServer,
    },
    simple,
    transcript::Story,
};

/// The ports that `lao init` tries, for one test at a time on this machine; none where somebody
/// listens on one.
fn default_ports() -> Option<File> {
    let lock = std::env::temp_dir().join("lao-test-default-ports.lock");
    let lock = File::options().create(true).append(true).open(lock).unwrap();
    lock.lock().unwrap();
    let ports = [11434, 1234, 8080, 8000];
    let silent = |port: &u16| TcpStream::connect(("127.0.0.1", *port)).is_err();
    if ports.iter().all(silent) {
        return Some(lock);
    }
    eprintln!("skipped: somebody listens on one of the ports {ports:?}");
    None
}

#[test]
fn init_with_a_server() {
    let Some(_ports) = default_ports() else {
        return;
    };
    let mut behaviour = Behaviour::new(Dialect::Ollama);
    let names =
        ["llama3.2:3b", "nomic-embed-text:latest", "qwen2.5-coder:7b", "gpt-oss:120b-cloud"];
    behaviour.models = names.map(ServedModel::new).to_vec();
    behaviour.models[3].remote_host = Some("https://ollama.com:443".to_owned());
    let server = ModelServer::start_with(|| OpenAiServer::start_at("127.0.0.1:11434", behaviour));
    let mut story = Story::new();
    story.lao("init --yes");
    story.lao("config show roles.coder.model");
    story.lao("config show roles.embedder.model");
    story.lao("doctor --set git.enabled=false");
    story.lao("run --once");
    drop(server);
    story.check("init_server");
}

#[test]
fn init_without_a_server() {
    let Some(_ports) = default_ports() else {
        return;
    };
    let mut story = Story::new();
    story.lao("run");
    story.lao("init --yes");
    story.lao("init --yes");
    story.lao("run --once");
    story.lao("doctor");
    story.lao("config show network");
    story.lao("runs");
    story.lao("status");
    story.lao("journal check");
    story.check("init");
}

#[test]
fn init_keeps_what_is_there() {
    let mut story = Story::new();
    story.sandbox.write("lao.toml", "# mine\n");
    story.sandbox.write(".gitignore", "target");
    story.sandbox.write("plans/mine.md", "# Mine\n");
    story.lao("init");
    story.check("init_keeps");
    // The story is over; its files are looked at in a new one, since `check` ends the first.
    let sandbox = Sandbox::new();
    sandbox.write("lao.toml", "# mine\n");
    sandbox.write(".gitignore", "target");
    sandbox.run(&["init"]);
    let read = |path: &str| fs::read_to_string(sandbox.path(path)).unwrap();
    assert_eq!(read("lao.toml"), "# mine\n");
    assert_eq!(read(".gitignore"), "target\n.lao/\n");
}

#[test]
fn configuration_that_is_wrong() {
    let mut story = Story::new();
    for text in [
        "[endpoints.local\n",
        "[orchestration]\nattempt_max = 3\n",
        "[orchestration]\nattempts_max = \"three\"\nparallel_task = 2\n",
        "[endpoints.far]\nurl = \"http://example.com/v1\"\n",
        "[roles.coder]\nmodel = \"m\"\nendpoint = \"nowhere\"\n",
    ] {
        story.sandbox.write("lao.toml", text);
        story.lao("config show");
    }
    story.lao("config show --json");
    story.sandbox.write("lao.toml", "");
    story.lao("config show --set orchestration.attempts_max=0");
    story.lao("config show --set nonsense");
    story.lao("config show orchestration.attempts --set orchestration.attempts_max=5");
    story.lao("config show orchestration.attempts_max --set orchestration.attempts_max=5");
    story.check("config_errors");
}

#[test]
fn layers_of_the_configuration() {
    let mut story = Story::new();
    simple::write_working(&story.sandbox);
    story.sandbox.write("../home/.config/lao/lao.toml", "[orchestration]\nturns_max = 7\n");
    story.lao("config show orchestration");
    story.lao("config show roles.coder.model");
    story.lao("config show git --json");
    let mut command = story.sandbox.command(&["config", "show", "git.enabled"]);
    command.env("LAO_GIT__ENABLED", "false");
    let outcome = Running::start(command).finish();
    story.note("config show git.enabled  (with LAO_GIT__ENABLED=false)", &outcome);
    story.check("config_layers");
}

#[test]
fn help_and_mistakes() {
    let mut story = Story::new();
    story.lao("");
    story.lao("--version");
    story.lao("help run");
    story.lao("rum");
    story.lao("status --stp t1");
    story.lao("answer last 1 maybe");
    story.lao("--json rum");
    story.lao("status");
    story.lao("--json status");
    story.check("help");
}

#[test]
fn completions_are_scripts() {
    let sandbox = Sandbox::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let outcome = sandbox.run(&["completions", shell]);
        assert_eq!((outcome.code, outcome.stderr.as_str()), (Some(0), ""));
        assert!(outcome.stdout.contains("journal"), "{shell}: {}", outcome.stdout);
        sandbox.write(shell, &outcome.stdout);
        let parsed = match shell {
            "bash" | "zsh" | "fish" => {
                Command::new(shell).arg("-n").arg(sandbox.path(shell)).output()
            }
            _ => continue,
        };
        match parsed {
            Ok(output) => assert!(output.status.success(), "{shell}: {output:?}"),
            Err(error) => eprintln!("{shell} is not here to read its script: {error}"),
        }
    }
}

#[test]
fn a_folder_that_may_only_be_read() {
    if rustix::process::geteuid().is_root() {
        eprintln!("skipped: the system lets root write everywhere");
        return;
    }
    let sandbox = Sandbox::new();
    simple::write_working(&sandbox);
    assert_eq!(sandbox.run(&["run", simple::PLAN]).code, Some(0));
    for folder in [".lao/runs", ".lao/blobs", ".lao", "."] {
        fs::set_permissions(sandbox.path(folder), Permissions::from_mode(0o555)).unwrap();
    }
    let looked = ["runs", "status", "journal check", "run plans/app.md"]
        .map(|line| sandbox.run(&line.split(' ').collect::<Vec<_>>()).code);
    let refused = sandbox.run(&["run", simple::PLAN, "--again"]);
    let init = sandbox.run(&["--project", "new", "init"]);
    let doctor = sandbox.run(&["doctor"]);
    for folder in [".", ".lao", ".lao/blobs", ".lao/runs"] {
        fs::set_permissions(sandbox.path(folder), Permissions::from_mode(0o755)).unwrap();
    }
    assert_eq!(looked, [Some(0); 4], "what is done can be looked at");
    for outcome in [refused, init] {
        assert_eq!(outcome.code, Some(1), "{}", outcome.stderr);
        assert!(outcome.stderr.contains("Permission denied"), "{}", outcome.stderr);
    }
    assert_eq!(doctor.code, Some(8), "{}", doctor.stdout);
}
