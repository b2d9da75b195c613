//! Layers over each other, and every kind of mistake with its place and its cure.

use lao_config::{Config, FileLayer, Layers, ServerKind, Source, Target};
use lao_event::{CheckScope, OnUnknown, Role, ShellAccess};

fn file(path: &str, text: &str) -> FileLayer {
    FileLayer { path: path.to_owned(), text: text.to_owned() }
}

fn project(text: &str) -> Layers {
    Layers { project: Some(file("lao.toml", text)), ..Layers::default() }
}

fn environment(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    pairs.iter().map(own).collect()
}

fn source_of(config: &Config, key: &str) -> String {
    let setting = config.explain().iter().find(|setting| setting.key == key);
    setting.expect(key).source.to_string()
}

fn value_of(config: &Config, key: &str) -> Option<String> {
    let setting = config.explain().iter().find(|setting| setting.key == key);
    setting.expect(key).value.clone()
}

#[track_caller]
fn problems(layers: &Layers, expected: &str) {
    let error = Config::load(layers).expect_err("something is wrong");
    assert_eq!(error.to_string(), expected.trim_end());
}

const SERVER: &str = "
[endpoints.ollama]
url = 'http://127.0.0.1:11434/v1'
";

#[test]
fn nothing_at_all_is_the_defaults() {
    let config = Config::load(&Layers::default()).expect("defaults");
    assert!(config.endpoints.is_empty() && config.roles.is_empty());
    assert_eq!(config.paths.plans, "plans");
    assert_eq!(config.orchestration.limits, lao_event::Limits::default());
    assert_eq!(config.verifier, lao_event::VerifierSettings::default());
    assert_eq!(config.tools.shell, ShellAccess::Off);
    assert!(config.git.enabled);
    assert!(config.explain().iter().all(|setting| setting.source == Source::BuiltIn));
}

#[test]
fn a_whole_file_becomes_typed_settings() {
    let config = Config::load(&project(
        "
[network]
allowed_hosts = ['gpu-box.lan']
[endpoints.box]
kind = 'vllm'
url = 'http://gpu-box.lan:8000/v1/'
permits = 4
api_key_env = 'BOX_KEY'
total_timeout_s = 90
[endpoints.script]
kind = 'scripted'
script = 'answers.toml'
[roles.coder]
endpoint = 'box'
model = 'qwen'
context_tokens = 32768
temperature = 0.25
top_p = 1
seed = 7
json_schema = false
[roles.planner]
endpoint = 'script'
model = 'any'
[orchestration]
attempts_max = 5
[verifier]
commands = [{ name = 'test', run = 'cargo test', per = 'wave' }]
[tools]
shell = 'on'
on_unknown = 'skip'
[git]
author_name = 'Ada'
",
    ))
    .expect("a good file");
    let (coder, endpoint) = config.role(Role::Coder).expect("a coder");
    assert_eq!(coder.temperature_milli, Some(250));
    assert_eq!(coder.top_p_milli, Some(1000));
    assert_eq!((coder.seed, coder.repetition_penalty_milli), (Some(7), None));
    assert_eq!(coder.output_tokens_max, 8192);
    assert!(coder.tools && !coder.json_schema);
    assert_eq!((endpoint.permits, endpoint.total_timeout_s), (4, Some(90)));
    let Target::Server { address, .. } = &endpoint.target else {
        panic!("a server, not {:?}", endpoint.target);
    };
    assert_eq!(address.base_url(), "http://gpu-box.lan:8000/v1");
    let (planner, endpoint) = config.role(Role::Planner).expect("a planner");
    assert_eq!(planner.output_tokens_max, 4096);
    assert!(matches!(&endpoint.target, Target::Scripted { script } if script == "answers.toml"));
    assert_eq!(config.orchestration.limits.attempts_max, 5);
    assert_eq!(config.orchestration.limits.parallel_tasks_max, 4);
    assert_eq!(config.verifier.commands[0].scope, CheckScope::Wave);
    assert_eq!(config.tools.on_unknown, OnUnknown::Skip);
    assert_eq!(config.git.author_name.as_deref(), Some("Ada"));
    assert!(config.role(Role::Reviewer).is_none());
}

#[test]
fn speech_has_an_engine_or_a_server() {
    let config = Config::load(&project(
        "
[endpoints.ears]
kind = 'whisper'
[endpoints.box]
kind = 'whisper-server'
url = 'http://127.0.0.1:8080/v1'
[roles.transcriber]
endpoint = 'ears'
model = 'base'
[orchestration]
parallel_steps = 3
",
    ))
    .expect("settings");
    assert_eq!(config.endpoints["ears"].target, Target::Whisper);
    assert!(matches!(
        &config.endpoints["box"].target,
        Target::Server { kind: ServerKind::WhisperServer, .. }
    ));
    assert_eq!(config.orchestration.limits.parallel_steps_max, 3);
    problems(
        &project("[endpoints.ears]\nkind = 'whisper'\nurl = 'http://127.0.0.1:8080/v1'\n"),
        "lao.toml:3:7: `endpoints.ears.url`: has no use here: the engine of this machine has no \
         server; remove it",
    );
}

#[test]
fn the_journal_is_told_the_same_settings() {
    let config = Config::load(&project(&format!(
        "{SERVER}permits = 2\n[roles.coder]\nmodel = 'm'\n[tools]\nshell_timeout_s = 7\n"
    )))
    .expect("settings");
    let workspace = lao_event::WorkspaceSettings::Folder { path: "/tmp/app".to_owned() };
    let settings = config.run_settings(workspace.clone(), Vec::new());
    assert_eq!(settings.role(Role::Coder), config.roles.get(&Role::Coder));
    assert_eq!(settings.limits.parallel_tasks_max, 2);
    assert_eq!(settings.shell_timeout_ms, 7000);
    assert_eq!(settings.workspace, workspace);
}

/// One setting or more in every layer.
fn every_layer() -> Layers {
    let user = "[endpoints.my-box]\nurl = 'http://127.0.0.1:1'\n\
                [orchestration]\nturns_max = 10\nattempts_max = 10\n";
    let project = "[orchestration]\nturns_max = 20\nreview_tries_max = 20\n";
    Layers {
        user: Some(file("/home/ada/.config/lao/lao.toml", user)),
        project: Some(file("lao.toml", project)),
        environment: environment(&[
            ("LAO_ORCHESTRATION__REVIEW_TRIES_MAX", "30"),
            ("LAO_ENDPOINTS__MY_BOX__PERMITS", "3"),
            ("LAO_ROLES__CODER__MODEL", "qwen3:8b"),
            ("LAO_ROLES__CODER__TEMPERATURE", "0.1"),
            ("LAO_NETWORK__ALLOWED_HOSTS", "a.lan, b.lan"),
            ("LAO_GIT__AUTHOR_NAME", ""),
            ("LAO_LOG", "debug"),
            ("PATH", "/bin"),
        ]),
        flags: vec!["git.enabled=false".to_owned(), "roles.coder.seed=1".to_owned()],
    }
}

#[test]
fn later_layers_override_earlier_ones_key_by_key() {
    let config = Config::load(&every_layer()).expect("settings");
    for (key, value, source) in [
        ("orchestration.attempts_max", "10", "/home/ada/.config/lao/lao.toml:5:16"),
        ("orchestration.turns_max", "20", "lao.toml:2:13"),
        ("orchestration.review_tries_max", "30", "environment LAO_ORCHESTRATION__REVIEW_TRIES_MAX"),
        ("orchestration.check_rounds_max", "3", "built-in"),
        ("endpoints.my-box.permits", "3", "environment LAO_ENDPOINTS__MY_BOX__PERMITS"),
        ("roles.coder.model", "\"qwen3:8b\"", "environment LAO_ROLES__CODER__MODEL"),
        ("roles.coder.endpoint", "\"my-box\"", "built-in"),
        ("roles.coder.temperature", "0.1", "environment LAO_ROLES__CODER__TEMPERATURE"),
        ("roles.coder.seed", "1", "command line roles.coder.seed"),
        (
            "network.allowed_hosts",
            "[\"a.lan\", \"b.lan\"]",
            "environment LAO_NETWORK__ALLOWED_HOSTS",
        ),
        ("git.enabled", "false", "command line git.enabled"),
    ] {
        assert_eq!(value_of(&config, key).as_deref(), Some(value), "{key}");
        assert_eq!(source_of(&config, key), source, "{key}");
    }
    assert_eq!(value_of(&config, "git.author_name"), None);
    assert!(config.explain().iter().all(|setting| !setting.key.starts_with("roles.planner")));
}

/// Mistakes of many kinds in every layer.
fn mistakes() -> Layers {
    Layers {
        user: Some(file("user.toml", "[git]\nenabled = 'yes'\n")),
        project: Some(file(
            "lao.toml",
            "[orchestraton]
turns_max = 5
[orchestration]
attemps_max = 3
turns_max = 0
watch_interval_ms = 2.5
[roles.codr]
model = 'x'
[roles.coder]
temperature = 2.5
model = ''
[endpoints.Box]
url = 'http://127.0.0.1'
[tools]
shell = 'onn'
plans = 'x'
[verifier]
commands = [
  { name = 'test', rum = 'x' },
]
",
        )),
        environment: environment(&[
            ("LAO_GIT__ENABLD", "true"),
            ("LAO_ROLES_CODER_MODEL", "x"),
            ("LAO_TOOLS__SHELL_TIMEOUT_S", "soon"),
        ]),
        flags: vec!["git.enabled".to_owned(), "attempts_max=3".to_owned()],
    }
}

#[test]
fn everything_wrong_is_reported_at_once() {
    problems(
        &mistakes(),
        "\
user.toml:2:11: `git.enabled`: expected true or false, found the text \"yes\"
lao.toml:1:2: `orchestraton`: unknown key; did you mean `orchestration`?
lao.toml:4:1: `orchestration.attemps_max`: unknown key; did you mean `orchestration.attempts_max`?
lao.toml:5:13: `orchestration.turns_max`: 0 is out of range; allowed is 1 to 10000
lao.toml:6:21: `orchestration.watch_interval_ms`: expected a whole number, found the number 2.5
lao.toml:7:8: `roles.codr`: unknown key; did you mean `roles.coder`?
lao.toml:10:15: `roles.coder.temperature`: 2.5 is out of range; allowed is 0.0 to 2.0
lao.toml:11:9: `roles.coder.model`: the text must be one line and not empty
lao.toml:12:12: `endpoints.Box`: an endpoint's name is made of lowercase letters, digits, `-` and single `_`, at most 40 bytes
lao.toml:15:9: `tools.shell`: `onn` is not one of off, on; did you mean `on`?
lao.toml:16:1: `tools.plans`: unknown key; did you mean `paths.plans`?
lao.toml:19:3: `verifier.commands[0].run`: missing; add run = [\"cargo\", \"test\"]
lao.toml:19:20: `verifier.commands[0].rum`: unknown key; did you mean `run`?
environment LAO_GIT__ENABLD: `git.enabld`: does not name a setting; did you mean `git.enabled`?
environment LAO_ROLES_CODER_MODEL: does not name a setting; did you mean `LAO_ROLES__CODER__MODEL`?
environment LAO_TOOLS__SHELL_TIMEOUT_S: `tools.shell_timeout_s`: expected a whole number, found the text \"soon\"
command line git.enabled: missing; add a value, as in git.enabled=VALUE
command line attempts_max: `attempts_max`: does not name a setting; did you mean `orchestration.attempts_max`?
",
    );
}

#[test]
fn bad_toml_is_told_with_every_place() {
    problems(
        &project("[git\nenabled = true\n[tools]\nshell = \n"),
        "\
lao.toml:1:5: not valid TOML: unclosed table, expected `]`
lao.toml:4:9: not valid TOML: string values must be quoted, expected literal string
",
    );
    let error = Config::load(&project("a = 1\na = 2\n")).expect_err("a repeated key");
    assert!(error.to_string().contains("lao.toml:2:1: not valid TOML: duplicate key"));
}

#[test]
fn settings_must_agree_with_each_other() {
    problems(
        &project(
            "
[network]
allowed_hosts = ['a.lan', 'http://b.lan']
[endpoints.a]
url = 'http://c.lan/v1'
[endpoints.b]
kind = 'scripted'
url = 'http://127.0.0.1/'
[endpoints.c]
permits = 2
[endpoints.d]
url = 'http://127.0.0.1/'
api_key_env = 'sk-secret'
script = 'x'
[endpoints.e]
url = 'https://127.0.0.1:1/v1'
[roles.coder]
model = 'm'
endpoint = 'aa'
context_tokens = 1024
output_tokens_max = 1024
[roles.planner]
model = 'm'
[git]
author_name = 'A <a@b>'
[secrets]
env = ['FINE', 'sk-secret']
patterns = ['fine', '(', '.*']
",
        ),
        "\
lao.toml:3:17: `network.allowed_hosts[1]`: `http://b.lan` is not a bare host name or address; leave out scheme, port and path
lao.toml:5:7: `endpoints.a.url`: the host `c.lan` is neither this machine nor listed; if data may go there, add it to network.allowed_hosts
lao.toml:6:12: `endpoints.b.script`: missing; add script = \"answers.toml\"
lao.toml:8:7: `endpoints.b.url`: has no use here: a scripted endpoint has no server; remove it
lao.toml:9:12: `endpoints.c.url`: missing; add url = \"http://127.0.0.1:11434/v1\"
lao.toml:13:15: `endpoints.d.api_key_env`: not the name of an environment variable; the key itself must not stand here
lao.toml:14:10: `endpoints.d.script`: has no use here: only an endpoint with kind = \"scripted\" has a script; remove it
lao.toml:16:7: `endpoints.e.url`: https is not supported yet; use http://127.0.0.1:1/v1, on this machine or on a listed host
lao.toml:19:12: `roles.coder.endpoint`: there is no endpoint `aa`; did you mean `a`?
lao.toml:21:21: `roles.coder.output_tokens_max`: 1024 tokens of answer do not fit beside a prompt in the window of 1024 (roles.coder.context_tokens); lower the one or raise the other
lao.toml:23:9: `roles.planner.endpoint`: missing; add endpoint = \"a\"
lao.toml:25:15: `git.author_name`: git allows no `<` and no `>` in an author; leave them out
lao.toml:27:7: `secrets.env[1]`: not the name of an environment variable; the secret itself must not stand here
lao.toml:28:12: `secrets.patterns[1]`: not a regular expression: unclosed group
lao.toml:28:12: `secrets.patterns[2]`: matches the empty text, and so everywhere; make a part of it required
",
    );
}

#[test]
fn a_secret_in_the_wrong_place_is_not_repeated() {
    for text in [
        "[endpoints.a]\nurl = 'http://127.0.0.1'\napi_key_env = 'sk-hunter2'",
        "[endpoints.a]\nurl = 'http://127.0.0.1'\napi_key = 'sk-hunter2'",
        "[endpoints.a]\nurl = 'http://me:hunter2@127.0.0.1'",
        "[secrets]\nenv = ['sk-hunter2']",
    ] {
        let error = Config::load(&project(text)).expect_err(text);
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }
}

#[test]
fn what_is_secret_is_named() {
    let config = Config::load(&project(
        r"
[endpoints.lm-studio]
url = 'http://127.0.0.1'
api_key_env = 'A_KEY'
[secrets]
known_shapes = false
env = ['MY_TOKEN']
patterns = ['ACME-\d{6}', 'password=(?<db_password>\S+)']
",
    ))
    .expect("a configuration");
    let values = |key: &str| {
        config.secret_values(|name| match name {
            "MY_TOKEN" => Some("t0ken".to_owned()),
            "A_KEY" => Some(key.to_owned()),
            _ => None,
        })
    };
    let held = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!(values("hunter2"), [held("MY_TOKEN", "t0ken"), held("A_KEY", "hunter2")]);
    // A server that takes any key was given its own name.
    assert_eq!(values("studio"), [held("MY_TOKEN", "t0ken")]);
    assert!(!config.secrets.known_shapes);
    let names: Vec<_> = config.secrets.patterns.iter().map(lao_redact::Pattern::name).collect();
    assert_eq!(names, [None, Some("db_password")]);
    let many = format!("[secrets]\npatterns = [{}]", "'x',".repeat(65));
    let error = Config::load(&project(&many)).expect_err("too many").to_string();
    assert!(error.starts_with("lao.toml:2:12: `secrets.patterns`: more patterns"), "{error}");
}

#[test]
fn columns_count_characters() {
    problems(
        &project("git = { author_name = 'Ä', enabled = 1 }"),
        "lao.toml:1:38: `git.enabled`: expected true or false, found the number 1",
    );
}
