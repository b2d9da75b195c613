//! From the draft to the typed settings: defaults, and the checks that look at several keys.

use std::collections::BTreeMap;

use lao_event::{
    CheckCommand, GitSettings, Limits, OnUnknown, Role, RoleSettings, ShellAccess, VerifierSettings,
};

use lao_redact::{PATTERNS_MAX, Pattern};

use crate::endpoint::{AllowedHost, LocalEndpoint};
use crate::layer::{Draft, Entry, Layers};
use crate::nearest::nearest;
use crate::problem::{ConfigError, Fault};
use crate::schema::{Default, KEYS, Key};
use crate::settings::{
    Config, Endpoint, Network, Orchestration, Paths, Retention, Secrets, ServerKind, Setting,
    Target, Tools,
};
use crate::source::Source;
use crate::value::Value;

/// An answer may take half of the window by default, but no more tokens than this.
const OUTPUT_TOKENS_DEFAULT_MAX: u64 = 8192;

/// Loads all layers, or says everything that is wrong with them.
pub(crate) fn load(layers: &Layers) -> Result<Config, ConfigError> {
    let mut draft = Draft::from_layers(layers);
    if draft.is_incomplete() {
        return Err(ConfigError { problems: draft.problems });
    }
    fill_defaults(&mut draft);
    let already = draft.problems.len();
    let mut build = Build { draft };
    let config = build.config();
    build.draft.sort_problems(already);
    let problems = build.draft.problems;
    match config {
        Some(config) if problems.is_empty() => Ok(config),
        Some(_) | None => Err(ConfigError { problems }),
    }
}

fn fill_defaults(draft: &mut Draft) {
    let endpoints: Vec<String> = draft.endpoints.keys().cloned().collect();
    let only_endpoint = match endpoints.as_slice() {
        [only] => Some(only.clone()),
        [..] => None,
    };
    for key in KEYS {
        for path in concrete_paths(key, draft) {
            if let Default::Value(toml) = key.default {
                let value = Value::from_toml(key.kind, toml).expect("a test reads every default");
                set_default(draft, path, value);
            } else if key.path == "roles.*.endpoint" {
                if let Some(only) = &only_endpoint {
                    set_default(draft, path, Value::Text(only.clone()));
                }
            } else if key.path == "roles.*.output_tokens_max" {
                let window =
                    draft.entries.get(&path.replace("output_tokens_max", "context_tokens"));
                if let Some(Value::Integer(window)) = window.map(|entry| &entry.value) {
                    let output = (window / 2).min(OUTPUT_TOKENS_DEFAULT_MAX);
                    set_default(draft, path, Value::Integer(output));
                }
            }
        }
    }
}

fn set_default(draft: &mut Draft, path: String, value: Value) {
    let source = Source::BuiltIn;
    draft.entries.entry(path).or_insert(Entry { value, source });
}

/// The key for each endpoint there is, or for each role that has a model.
fn concrete_paths(key: &Key, draft: &Draft) -> Vec<String> {
    match key.section() {
        "endpoints.*" => draft.endpoints.keys().map(|name| key.path.replace('*', name)).collect(),
        "roles.*" => Role::ALL
            .into_iter()
            .filter(|role| draft.entries.contains_key(&format!("roles.{role}.model")))
            .map(|role| key.path.replace('*', role.name()))
            .collect(),
        _ => vec![key.path.to_owned()],
    }
}

/// Reads typed values out of the draft and adds the problems it finds to it.
struct Build {
    draft: Draft,
}

impl Build {
    /// `None` when a problem left something out.
    fn config(&mut self) -> Option<Config> {
        let network = self.network();
        let endpoints = self.endpoints(&network.allowed_hosts);
        let roles = self.roles();
        let git = self.git();
        let secrets = self.secrets();
        let (endpoints, roles) = (endpoints?, roles?);
        let coder = roles.get(&Role::Coder);
        let coder = coder.and_then(|coder| endpoints.get(&coder.endpoint));
        let orchestration = self.orchestration(coder.map_or(1, |endpoint| endpoint.permits));
        Some(Config {
            endpoints,
            roles,
            paths: Paths {
                plans: self.text("paths.plans")?,
                workspace: self.text("paths.workspace"),
            },
            orchestration,
            verifier: VerifierSettings {
                commands: self.commands("verifier.commands"),
                placeholders: self.flag("verifier.placeholders"),
            },
            tools: self.tools(),
            settings: self.settings(),
            network,
            git,
            secrets,
            journal: self.retention(),
        })
    }

    fn retention(&self) -> Retention {
        Retention {
            keep_days: self.limit("journal.keep_days"),
            keep_runs: self.limit("journal.keep_runs"),
            max_bytes: self.limit("journal.max_bytes"),
            warn_bytes: self.limit("journal.warn_bytes"),
        }
    }

    fn network(&mut self) -> Network {
        let key = "network.allowed_hosts";
        let mut allowed_hosts = Vec::new();
        for (index, entry) in self.list(key).iter().enumerate() {
            match AllowedHost::parse(entry) {
                Ok(host) => allowed_hosts.push(host),
                Err(error) => self.refuse_below(key, &format!("[{index}]"), Fault::Endpoint(error)),
            }
        }
        Network { allowed_hosts }
    }

    fn endpoints(&mut self, allowed: &[AllowedHost]) -> Option<BTreeMap<String, Endpoint>> {
        let names: Vec<String> = self.draft.endpoints.keys().cloned().collect();
        let built: Vec<_> = names
            .into_iter()
            .map(|name| Some((name.clone(), self.endpoint(&name, allowed)?)))
            .collect();
        built.into_iter().collect()
    }

    fn endpoint(&mut self, name: &str, allowed: &[AllowedHost]) -> Option<Endpoint> {
        let key = |leaf: &str| format!("endpoints.{name}.{leaf}");
        let target = self.target(name, allowed)?;
        Some(Endpoint {
            target,
            permits: self.count(&key("permits")),
            stream: self.flag(&key("stream")),
            connect_timeout_ms: self.number(&key("connect_timeout_ms")),
            first_token_timeout_s: self.number(&key("first_token_timeout_s")),
            idle_timeout_s: self.number(&key("idle_timeout_s")),
            total_timeout_s: self.limit(&key("total_timeout_s")),
            wait_for_server_s: self.number(&key("wait_for_server_s")),
        })
    }

    fn target(&mut self, name: &str, allowed: &[AllowedHost]) -> Option<Target> {
        let key = |leaf: &str| format!("endpoints.{name}.{leaf}");
        if self.draft.faulty.contains(&key("kind")) {
            return None;
        }
        let kind = self.text(&key("kind"))?;
        if kind == "whisper" {
            let why = "the engine of this machine has no server";
            for leaf in ["url", "api_key_env", "script"] {
                self.refuse_if_set(&key(leaf), why);
            }
            return Some(Target::Whisper);
        }
        let Some(kind) = server_kind(&kind) else {
            let why = "a scripted endpoint has no server";
            self.refuse_if_set(&key("url"), why);
            self.refuse_if_set(&key("api_key_env"), why);
            let script = self.needed(&key("script"), "script = \"answers.toml\"")?;
            return Some(Target::Scripted { script });
        };
        self.refuse_if_set(
            &key("script"),
            "only an endpoint with kind = \"scripted\" has a script",
        );
        let api_key_env = self.text(&key("api_key_env"));
        if api_key_env.as_deref().is_some_and(|name| !is_variable_name(name)) {
            // The text is not repeated: it may be the key itself.
            let why = "not the name of an environment variable; the key itself must not stand here";
            self.refuse(&key("api_key_env"), Fault::Unusable { why });
        }
        let url = self.needed(&key("url"), "url = \"http://127.0.0.1:11434/v1\"")?;
        match LocalEndpoint::parse(&url, allowed) {
            Ok(address) => Some(Target::Server { kind, address, api_key_env }),
            Err(error) => {
                self.refuse(&key("url"), Fault::Endpoint(error));
                None
            }
        }
    }

    fn roles(&mut self) -> Option<BTreeMap<Role, RoleSettings>> {
        let with_model = |role: &Role| self.text(&format!("roles.{role}.model")).is_some();
        let roles: Vec<Role> = Role::ALL.into_iter().filter(with_model).collect();
        let built: Vec<_> = roles.into_iter().map(|role| Some((role, self.role(role)?))).collect();
        built.into_iter().collect()
    }

    fn role(&mut self, role: Role) -> Option<RoleSettings> {
        let key = |leaf: &str| format!("roles.{role}.{leaf}");
        self.check_window(role);
        let endpoint = self.role_endpoint(role)?;
        Some(RoleSettings {
            role,
            endpoint,
            model: self.text(&key("model"))?,
            context_tokens: self.count(&key("context_tokens")),
            output_tokens_max: self.count(&key("output_tokens_max")),
            temperature_milli: self.milli(&key("temperature")),
            top_p_milli: self.milli(&key("top_p")),
            seed: self.integer(&key("seed")),
            repetition_penalty_milli: self.milli(&key("repetition_penalty")),
            tools: self.flag(&key("tools")),
            json_schema: self.flag(&key("json_schema")),
            instructions: self.text(&key("instructions")),
        })
    }

    fn role_endpoint(&mut self, role: Role) -> Option<String> {
        let key = format!("roles.{role}.endpoint");
        if self.draft.faulty.contains(&key) {
            return None;
        }
        let Some(name) = self.text(&key) else {
            let example = self.draft.endpoints.keys().next().map_or("NAME", String::as_str);
            let example = format!("endpoint = \"{example}\"");
            let place = self.place(&format!("roles.{role}.model"));
            self.draft.push(place, key, Fault::Missing { example });
            return None;
        };
        if self.draft.endpoints.contains_key(&name) {
            return Some(name);
        }
        let known: Vec<String> = self.draft.endpoints.keys().cloned().collect();
        let nearest = nearest(&name, known.iter().map(String::as_str)).map(str::to_owned);
        let fault = Fault::UnknownEndpoint { name, nearest, known };
        self.refuse(&key, fault);
        None
    }

    fn check_window(&mut self, role: Role) {
        let output_key = format!("roles.{role}.output_tokens_max");
        let context_tokens = self.number(&format!("roles.{role}.context_tokens"));
        let output_tokens_max = self.number(&output_key);
        if output_tokens_max >= context_tokens {
            let fault = Fault::OutputTooLarge { role, output_tokens_max, context_tokens };
            self.refuse(&output_key, fault);
        }
    }

    fn orchestration(&self, coder_permits: u32) -> Orchestration {
        let parallel_tasks = self.limit("orchestration.parallel_tasks").map(bounded);
        Orchestration {
            limits: Limits {
                attempts_max: self.count("orchestration.attempts_max"),
                planner_tries_max: self.count("orchestration.planner_tries_max"),
                check_rounds_max: self.count("orchestration.check_rounds_max"),
                review_tries_max: self.count("orchestration.review_tries_max"),
                turns_max: self.count("orchestration.turns_max"),
                repeated_calls_max: self.count("orchestration.repeated_calls_max"),
                tool_output_bytes_max: self.count("orchestration.tool_output_bytes_max"),
                attempt_time_limit_ms: self
                    .limit("orchestration.task_time_limit_s")
                    .map(|seconds| seconds * 1000),
                parallel_tasks_max: parallel_tasks.unwrap_or(coder_permits),
                effect_losses_max: self.count("orchestration.effect_restarts_max"),
                parallel_steps_max: self.count("orchestration.parallel_steps"),
            },
            watch_interval_ms: self.number("orchestration.watch_interval_ms"),
        }
    }

    fn tools(&self) -> Tools {
        Tools {
            shell: match self.text("tools.shell").as_deref() {
                Some("on") => ShellAccess::On,
                Some(_) | None => ShellAccess::Off,
            },
            on_unknown: match self.text("tools.on_unknown").as_deref() {
                Some("rerun") => OnUnknown::Rerun,
                Some("skip") => OnUnknown::Skip,
                Some(_) | None => OnUnknown::Ask,
            },
            shell_timeout_s: self.number("tools.shell_timeout_s"),
        }
    }

    fn git(&mut self) -> GitSettings {
        for key in ["git.author_name", "git.author_email"] {
            if self.text(key).is_some_and(|text| text.contains(['<', '>'])) {
                let why = "git allows no `<` and no `>` in an author; leave them out";
                self.refuse(key, Fault::Unusable { why });
            }
        }
        GitSettings {
            enabled: self.flag("git.enabled"),
            author_name: self.text("git.author_name"),
            author_email: self.text("git.author_email"),
        }
    }

    fn secrets(&mut self) -> Secrets {
        let key = "secrets.env";
        let env = self.list(key);
        for (index, name) in env.iter().enumerate() {
            if !is_variable_name(name) {
                let why = "not the name of an environment variable; the secret itself must not stand here";
                self.refuse_below(key, &format!("[{index}]"), Fault::Unusable { why });
            }
        }
        let key = "secrets.patterns";
        let texts = self.list(key);
        if texts.len() > PATTERNS_MAX {
            let why = "more patterns than are looked for (64); join some of them with |";
            self.refuse(key, Fault::Unusable { why });
        }
        let mut patterns = Vec::new();
        for (index, text) in texts.iter().take(PATTERNS_MAX).enumerate() {
            match Pattern::parse(text) {
                Ok(pattern) => patterns.push(pattern),
                Err(error) => {
                    self.refuse_below(key, &format!("[{index}]"), Fault::SecretPattern(error));
                }
            }
        }
        Secrets { known_shapes: self.flag("secrets.known_shapes"), env, patterns }
    }

    fn settings(&self) -> Vec<Setting> {
        let mut settings = Vec::new();
        for section in sections() {
            let keys = || KEYS.iter().filter(|key| key.section() == section);
            for name in self.names_in(section) {
                let paths = keys().map(|key| key.path.replace('*', &name));
                settings.extend(paths.map(|path| self.setting(path)));
            }
        }
        settings
    }

    /// The names to put in place of a section's `*`; one empty name where there is none.
    fn names_in(&self, section: &str) -> Vec<String> {
        match section {
            "endpoints.*" => self.draft.endpoints.keys().cloned().collect(),
            "roles.*" => Role::ALL
                .into_iter()
                .filter(|role| {
                    let prefix = format!("roles.{role}.");
                    let mut keys = self.draft.entries.keys();
                    keys.any(|key| key.starts_with(&prefix))
                })
                .map(|role| role.name().to_owned())
                .collect(),
            _ => vec![String::new()],
        }
    }

    fn setting(&self, key: String) -> Setting {
        let entry = self.draft.entries.get(&key);
        Setting { value: entry.map(|entry| entry.value.to_toml()), source: self.place(&key), key }
    }

    fn place(&self, key: &str) -> Source {
        let entry = self.draft.entries.get(key);
        entry.map_or(Source::BuiltIn, |entry| entry.source.clone())
    }

    fn refuse(&mut self, key: &str, fault: Fault) {
        self.refuse_below(key, "", fault);
    }

    fn refuse_below(&mut self, key: &str, below: &str, fault: Fault) {
        let place = self.place(key);
        self.draft.push(place, format!("{key}{below}"), fault);
    }

    fn refuse_if_set(&mut self, key: &str, why: &'static str) {
        if self.draft.entries.contains_key(key) {
            self.refuse(key, Fault::Useless { why });
        }
    }

    /// An endpoint's text without which it cannot be used.
    fn needed(&mut self, key: &str, example: &str) -> Option<String> {
        let text = self.text(key);
        if text.is_none() && !self.draft.faulty.contains(key) {
            let endpoint = key.split('.').nth(1).unwrap_or_default();
            let place = self.draft.endpoints.get(endpoint).cloned();
            let example = example.to_owned();
            let place = place.expect("only endpoints that are named are built");
            self.draft.push(place, key.to_owned(), Fault::Missing { example });
        }
        text
    }
}

/// Typed reads. The schema and its defaults vouch for the types; a key that is faulty in one
/// layer has the value of a lower one.
impl Build {
    fn value(&self, key: &str) -> Option<&Value> {
        self.draft.entries.get(key).map(|entry| &entry.value)
    }

    fn text(&self, key: &str) -> Option<String> {
        match self.value(key) {
            Some(Value::Text(text)) => Some(text.clone()),
            None => None,
            Some(other) => panic!("{key} is a text by the schema, not {other:?}"),
        }
    }

    fn list(&self, key: &str) -> Vec<String> {
        match self.value(key) {
            Some(Value::List(list)) => list.clone(),
            other => panic!("{key} is a list by the schema, not {other:?}"),
        }
    }

    fn commands(&self, key: &str) -> Vec<CheckCommand> {
        match self.value(key) {
            Some(Value::Commands(commands)) => commands.clone(),
            other => panic!("{key} is a list of commands by the schema, not {other:?}"),
        }
    }

    fn flag(&self, key: &str) -> bool {
        match self.value(key) {
            Some(Value::Bool(flag)) => *flag,
            other => panic!("{key} is true or false by the schema, not {other:?}"),
        }
    }

    fn milli(&self, key: &str) -> Option<u32> {
        match self.value(key) {
            Some(Value::Milli(milli)) => Some(*milli),
            None => None,
            Some(other) => panic!("{key} is a decimal by the schema, not {other:?}"),
        }
    }

    fn integer(&self, key: &str) -> Option<u64> {
        match self.value(key) {
            Some(Value::Integer(integer)) => Some(*integer),
            None => None,
            Some(other) => panic!("{key} is a number by the schema, not {other:?}"),
        }
    }

    /// A number with a default.
    fn number(&self, key: &str) -> u64 {
        self.integer(key).expect("the schema gives it a default")
    }

    fn count(&self, key: &str) -> u32 {
        bounded(self.number(key))
    }

    /// A limit of which 0 means none.
    fn limit(&self, key: &str) -> Option<u64> {
        Some(self.number(key)).filter(|limit| *limit > 0)
    }
}

fn bounded(number: u64) -> u32 {
    u32::try_from(number).expect("the schema bounds it")
}

fn server_kind(name: &str) -> Option<ServerKind> {
    let kinds = [
        ServerKind::Auto,
        ServerKind::Openai,
        ServerKind::Ollama,
        ServerKind::LmStudio,
        ServerKind::LlamaCpp,
        ServerKind::Vllm,
        ServerKind::WhisperServer,
    ];
    kinds.into_iter().find(|kind| kind.name() == name)
}

fn is_variable_name(name: &str) -> bool {
    let allowed = |character: char| character.is_ascii_alphanumeric() || character == '_';
    name.chars().all(allowed) && !name.starts_with(|first: char| first.is_ascii_digit())
}

fn sections() -> Vec<&'static str> {
    let mut sections: Vec<_> = KEYS.iter().map(Key::section).collect();
    sections.dedup();
    sections
}
