//! The template parses as it stands and with everything switched on, and lacks no key.

use lao_config::schema::{COMMAND_KEYS, KEYS};
use lao_config::{
    Config, Detected, DetectedEndpoint, FileLayer, FoundModel, Layers, ServerKind, Source,
    assign_roles, template,
};
use lao_event::Role;

fn load(text: &str) -> Config {
    let layers = Layers {
        project: Some(FileLayer { path: "lao.toml".to_owned(), text: text.to_owned() }),
        ..Layers::default()
    };
    Config::load(&layers).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// Removes the sign before every setting, as the template's head says.
fn switched_on(template: &str) -> String {
    let on = |line: &str| match line.strip_prefix('#') {
        Some(setting) if !setting.is_empty() && !setting.starts_with(' ') => setting.to_owned(),
        Some(_) | None => line.to_owned(),
    };
    template.lines().map(|line| on(line) + "\n").collect()
}

fn detected() -> Detected {
    let model = |name: &str, context_tokens, tools| FoundModel {
        endpoint: "ollama".to_owned(),
        name: name.to_owned(),
        context_tokens,
        embedding: false,
        tools,
        size_bytes: None,
    };
    let found = [
        model("qwen2.5-coder:7b", Some(32768), Some(true)),
        model("llama \"quoted\" 8b", Some(600), Some(false)),
        model("nomic-embed-text", Some(3), None),
    ];
    let endpoint = |name: &str, kind, url: &str| DetectedEndpoint {
        name: name.to_owned(),
        kind,
        url: url.to_owned(),
    };
    Detected {
        endpoints: vec![
            endpoint("ollama", ServerKind::Ollama, "http://127.0.0.1:11434/v1"),
            endpoint("box", ServerKind::Vllm, "http://gpu-box.lan:8000/v1"),
        ],
        roles: assign_roles(&found),
        allowed_hosts: vec!["gpu-box.lan".to_owned()],
    }
}

#[test]
fn with_nothing_found_it_is_the_defaults() {
    let config = load(&template(&Detected::default()));
    let defaults = Config::load(&Layers::default()).expect("the defaults");
    assert_eq!(config, defaults);
}

#[test]
fn with_everything_switched_on_it_parses_and_sets_every_key() {
    for detected in [Detected::default(), detected()] {
        let config = load(&switched_on(&template(&detected)));
        assert_eq!(config.roles.len(), Role::ALL.len());
        for key in KEYS {
            let path = key.path.replace("endpoints.*", "endpoints.ollama");
            let path = if path == "endpoints.ollama.script" {
                "endpoints.scripted.script".to_owned()
            } else {
                path.replace('*', "planner")
            };
            let setting = config.explain().iter().find(|setting| setting.key == path);
            let setting = setting.unwrap_or_else(|| panic!("{path} is missing"));
            assert!(matches!(setting.source, Source::File { .. }), "{path} is not in the template");
        }
        assert!(!config.verifier.commands.is_empty());
    }
}

#[test]
fn a_default_in_the_template_is_the_default() {
    let on = load(&switched_on(&template(&Detected::default())));
    let defaults = Config::load(&Layers::default()).expect("the defaults");
    let sections = |config: &Config| (config.orchestration.clone(), config.tools.clone());
    assert_eq!(sections(&on), sections(&defaults));
    assert_eq!(on.network, defaults.network);
    assert_eq!(on.paths.plans, defaults.paths.plans);
}

#[test]
fn what_was_found_is_filled_in() {
    let config = load(&template(&detected()));
    assert_eq!(config.endpoints.len(), 2);
    assert_eq!(config.network.allowed_hosts[0].as_str(), "gpu-box.lan");
    let (coder, _) = config.role(Role::Coder).expect("a coder");
    assert_eq!((coder.model.as_str(), coder.context_tokens), ("qwen2.5-coder:7b", 32768));
    let (planner, _) = config.role(Role::Planner).expect("a planner");
    assert_eq!(planner.model, "llama \"quoted\" 8b");
    assert!(!planner.tools);
    let (embedder, _) = config.role(Role::Embedder).expect("an embedder");
    assert_eq!(embedder.context_tokens, 8192, "three tokens are no window");
    assert!(config.role(Role::Transcriber).is_none());
}

#[test]
fn every_key_is_explained() {
    let text = template(&Detected::default());
    let words = text.replace("\n#", " ");
    let prose = words.split_whitespace().collect::<Vec<_>>().join(" ");
    for key in KEYS.iter().chain(COMMAND_KEYS) {
        assert!(prose.contains(key.meaning), "{}", key.path);
    }
    assert!(text.lines().all(|line| line.chars().count() <= 96));
}
