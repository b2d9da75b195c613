//! Properties: no text is dangerous, and what is written is read back.

use lao_config::schema::{KEYS, Kind};
use lao_config::{Config, FileLayer, Layers, Source};
use lao_event::Role;
use proptest::prelude::*;

fn load(text: String) -> Result<Config, lao_config::ConfigError> {
    Config::load(&Layers {
        project: Some(FileLayer { path: "lao.toml".to_owned(), text }),
        ..Layers::default()
    })
}

/// A value of the kind, written as `lao config show` writes it.
fn value(kind: Kind) -> BoxedStrategy<String> {
    match kind {
        Kind::Bool => any::<bool>().prop_map(|value| value.to_string()).boxed(),
        Kind::Integer { min, max } => (min..=max).prop_map(|value| value.to_string()).boxed(),
        Kind::Milli { min, max } => (min..=max)
            .prop_map(|milli| {
                let written = format!("{}.{:03}", milli / 1000, milli % 1000);
                let short = written.trim_end_matches('0');
                if short.ends_with('.') { format!("{short}0") } else { short.to_owned() }
            })
            .boxed(),
        Kind::Text => "[a-zA-Z0-9/._-]{1,20}".prop_map(|text| format!("\"{text}\"")).boxed(),
        Kind::Choice(words) => {
            prop::sample::select(words.to_vec()).prop_map(|word| format!("\"{word}\"")).boxed()
        }
        Kind::TextList | Kind::Words => prop::collection::vec("[a-z]{1,8}", 0..4)
            .prop_map(|items| {
                let items: Vec<_> = items.iter().map(|item| format!("\"{item}\"")).collect();
                format!("[{}]", items.join(", "))
            })
            .boxed(),
        Kind::Commands => "[a-z]{1,8}"
            .prop_map(|name| {
                format!(
                    "[{{ name = \"{name}\", run = [\"{name}\"], per = \"wave\", timeout_s = 9 }}]"
                )
            })
            .boxed(),
    }
}

/// Some keys of the sections without names, and of one role, with values.
fn settings() -> impl Strategy<Value = Vec<(String, String)>> {
    let keys: Vec<_> = KEYS
        .iter()
        .filter(|key| key.section() != "endpoints.*")
        .filter(|key| !matches!(key.name(), "endpoint" | "output_tokens_max"))
        .collect();
    prop::sample::subsequence(keys.clone(), 0..keys.len()).prop_flat_map(|keys| {
        let pairs: Vec<_> = keys
            .into_iter()
            .map(|key| {
                let path = key.path.replace('*', Role::Coder.name());
                value(key.kind).prop_map(move |value| (path.clone(), value))
            })
            .collect();
        pairs
    })
}

fn toml_lines(pairs: &[(String, String)]) -> String {
    let lines: Vec<_> = pairs.iter().map(|(key, value)| format!("{key} = {value}")).collect();
    lines.join("\n")
}

const ENDPOINT: &str = "endpoints.box.url = \"http://127.0.0.1:1/v1\"\n";

proptest! {
    #[test]
    fn what_is_set_is_shown_and_can_be_read_again(pairs in settings()) {
        let lines = toml_lines(&pairs);
        let config = load(format!("{ENDPOINT}{lines}")).expect("good settings");
        for (key, value) in &pairs {
            let setting = config.explain().iter().find(|setting| setting.key == *key);
            let setting = setting.expect("a setting that is set is shown");
            prop_assert_eq!(setting.value.as_ref(), Some(value));
            let from_file = matches!(setting.source, Source::File { .. });
            prop_assert!(from_file);
        }
        // The whole of what is shown, defaults included, is a configuration with the same meaning.
        let shown: String = config
            .explain()
            .iter()
            .filter_map(|setting| Some(format!("{} = {}\n", setting.key, setting.value.as_ref()?)))
            .collect();
        let again = load(shown).expect("what is shown can be read");
        prop_assert_eq!(&again.roles, &config.roles);
        prop_assert_eq!(&again.endpoints, &config.endpoints);
        prop_assert_eq!(&again.orchestration, &config.orchestration);
        prop_assert_eq!(&again.verifier, &config.verifier);
        prop_assert_eq!((&again.tools, &again.git, &again.paths), (&config.tools, &config.git, &config.paths));
    }

    #[test]
    fn flags_environment_and_file_mean_the_same(pairs in settings()) {
        let lines = toml_lines(&pairs);
        let from_file = load(format!("{ENDPOINT}{lines}")).expect("good settings");
        let bare = |value: &String| value.trim_matches('"').to_owned();
        let mut layers = Layers {
            flags: vec!["endpoints.box.url=http://127.0.0.1:1/v1".to_owned()],
            ..Layers::default()
        };
        for (key, value) in &pairs {
            let variable = format!("LAO_{}", key.to_ascii_uppercase().replace('.', "__"));
            layers.environment.push((variable, bare(value)));
        }
        let from_environment = Config::load(&layers).expect("good settings");
        layers.environment.clear();
        layers.flags.extend(pairs.iter().map(|(key, value)| format!("{key}={}", bare(value))));
        let from_flags = Config::load(&layers).expect("good settings");
        let values = |config: &Config| -> Vec<_> {
            config.explain().iter().map(|setting| (setting.key.clone(), setting.value.clone())).collect()
        };
        prop_assert_eq!(values(&from_file), values(&from_environment));
        prop_assert_eq!(values(&from_file), values(&from_flags));
    }

    #[test]
    fn no_text_is_dangerous(text in any::<String>()) {
        if let Err(error) = load(text) {
            prop_assert!(!error.problems.is_empty());
        }
    }

    #[test]
    fn nothing_like_settings_is_dangerous(
        text in "((\\[{1,2}|\\]{1,2}|endpoints|roles|coder|verifier|commands|name|run|files|url|kind|[.={},\"' \n#-]|[0-9a-z]){0,3}){0,20}",
        variable in "LAO_[A-Z_]{0,20}",
        value in "[ -~]{0,10}",
        flag in "[a-z.=]{0,20}",
    ) {
        let layers = Layers {
            user: None,
            project: Some(FileLayer { path: "lao.toml".to_owned(), text }),
            environment: vec![(variable, value)],
            flags: vec![flag],
        };
        if let Err(error) = Config::load(&layers) {
            prop_assert!(!error.problems.is_empty());
        }
    }
}
