//! Setting up, configuration, help.

use std::process::Command;

use super::{super::support::sandbox::Sandbox, simple, transcript::Story};

/// Whether nobody listens where `lao init` looks for servers.
fn default_ports_are_silent() -> bool {
    let ports = [11434, 1234, 8080, 8000];
    ports.iter().all(|port| std::net::TcpStream::connect(("127.0.0.1", *port)).is_err())
}

#[test]
fn init_without_a_server() {
    if !default_ports_are_silent() {
        eprintln!("skipped: a server listens on one of the ports that `lao init` tries");
        return;
    }
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
    let read = |path: &str| std::fs::read_to_string(sandbox.path(path)).unwrap();
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
    let outcome = super::super::support::sandbox::Running::start(command).finish();
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
