//! The commented `lao.toml` that a new project starts with.
//!
//! A line that begins with `#` and no space is a setting, switched off; removing that sign
//! switches it on. Every setting of the schema stands in the template.

use lao_event::Role;

use crate::assign::RoleChoice;
use crate::schema::{COMMAND_KEYS, Default, KEYS, Key, Kind};
use crate::settings::ServerKind;
use crate::value::{list_to_toml, quote};

/// What was found on the machine.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Detected {
    /// Servers that answered.
    pub endpoints: Vec<DetectedEndpoint>,
    /// The models chosen for roles.
    pub roles: Vec<RoleChoice>,
    /// Hosts besides loopback that the user allowed.
    pub allowed_hosts: Vec<String>,
}

/// A server that answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DetectedEndpoint {
    /// The endpoint's name; see [`crate::schema::is_endpoint_name`].
    pub name: String,
    /// What it is.
    pub kind: ServerKind,
    /// Its base URL.
    pub url: String,
}

const HEAD: &str = "\
# Settings of LAO for this project.
#
# A line with `#` directly before a key is a setting at its default, or an example where it
# has none; remove the `#` to set it. `lao config show` prints every value and its source.
";

const LINE_CHARS_MAX: usize = 96;

const EXAMPLE_ENDPOINT: &str = "ollama";

/// Window assumed in examples where none was found; the schema's default.
const EXAMPLE_CONTEXT_TOKENS: u32 = 8192;
const EXAMPLE_OUTPUT_TOKENS: u32 = 2048;

/// Writes the template, with what was found filled in. It parses as it stands, and with
/// every setting switched on.
pub fn template(detected: &Detected) -> String {
    let mut page = Page { text: HEAD.to_owned() };
    page.network(detected);
    page.endpoints(detected);
    page.roles(detected);
    for section in ["paths", "orchestration"] {
        page.plain_section(section);
    }
    page.verifier();
    for section in ["tools", "git", "secrets", "journal"] {
        page.plain_section(section);
    }
    page.text
}

/// Whether the keys of a section are explained; the first of several alike is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Prose {
    Full,
    None,
}

/// Whether a line counts or is switched off.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Switch {
    On,
    Off,
}

impl Switch {
    fn mark(self) -> &'static str {
        match self {
            Self::On => "",
            Self::Off => "#",
        }
    }
}

struct Page {
    text: String,
}

impl Page {
    fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    /// Writes a sentence as comment lines of a readable length.
    fn prose(&mut self, mark: &str, sentence: &str) {
        let mut line = mark.to_owned();
        for word in sentence.split(' ') {
            if line.len() > mark.len() {
                if line.chars().count() + word.chars().count() >= LINE_CHARS_MAX {
                    self.line(&line);
                    mark.clone_into(&mut line);
                } else {
                    line.push(' ');
                }
            }
            line.push_str(word);
        }
        self.line(&line);
    }

    fn header(&mut self, switch: Switch, section: &str) {
        self.line(&format!("{}[{section}]", switch.mark()));
    }

    fn setting(&mut self, switch: Switch, name: &str, value: &str) {
        self.line(&format!("{}{name} = {value}", switch.mark()));
    }

    fn network(&mut self, detected: &Detected) {
        self.line("");
        self.header(Switch::On, "network");
        for key in keys("network") {
            self.explain(key);
            if detected.allowed_hosts.is_empty() {
                self.setting(Switch::Off, key.name(), &value_of(key));
            } else {
                let hosts = list_to_toml(&detected.allowed_hosts);
                self.setting(Switch::On, key.name(), &hosts);
            }
        }
    }

    fn plain_section(&mut self, section: &str) {
        self.line("");
        self.header(Switch::On, section);
        for key in keys(section) {
            self.explain(key);
            self.setting(Switch::Off, key.name(), &value_of(key));
        }
    }

    fn explain(&mut self, key: &Key) {
        let choices = match key.kind {
            Kind::Choice(words) => format!(" ({})", words.join(", ")),
            Kind::Bool
            | Kind::Integer { .. }
            | Kind::Milli { .. }
            | Kind::Text
            | Kind::TextList
            | Kind::Words
            | Kind::Commands => String::new(),
        };
        self.prose("# ", &format!("{}.{choices}", key.meaning));
    }

    fn endpoints(&mut self, detected: &Detected) {
        self.line("\n# The model servers, each under a name of your choice.");
        for (index, endpoint) in detected.endpoints.iter().enumerate() {
            let prose = if index == 0 { Prose::Full } else { Prose::None };
            self.endpoint(Switch::On, prose, endpoint);
        }
        if detected.endpoints.is_empty() {
            let example = DetectedEndpoint {
                name: EXAMPLE_ENDPOINT.to_owned(),
                kind: ServerKind::Auto,
                url: "http://127.0.0.1:11434/v1".to_owned(),
            };
            self.endpoint(Switch::Off, Prose::Full, &example);
        }
        let taken = |name: &str| detected.endpoints.iter().any(|other| other.name == name);
        if !taken("scripted") {
            self.line("\n# A file of answers instead of a server, for trials and tests.");
            self.header(Switch::Off, "endpoints.scripted");
            self.setting(Switch::Off, "kind", "\"scripted\"");
            for key in keys("endpoints.*").filter(|key| key.name() == "script") {
                self.explain(key);
                self.setting(Switch::Off, key.name(), &value_of(key));
            }
        }
    }

    fn endpoint(&mut self, switch: Switch, prose: Prose, endpoint: &DetectedEndpoint) {
        self.line("");
        self.header(switch, &format!("endpoints.{}", endpoint.name));
        for key in keys("endpoints.*").filter(|key| key.name() != "script") {
            if prose == Prose::Full {
                self.explain(key);
            }
            match key.name() {
                "kind" => self.setting(switch, "kind", &quote(endpoint.kind.name())),
                "url" => self.setting(switch, "url", &quote(&endpoint.url)),
                name => self.setting(Switch::Off, name, &value_of(key)),
            }
        }
    }

    fn roles(&mut self, detected: &Detected) {
        self.line("\n# Which model plays which role, and how it is asked.");
        let first = detected.endpoints.first();
        let endpoint = first.map_or(EXAMPLE_ENDPOINT, |endpoint| &endpoint.name);
        for (index, role) in Role::ALL.into_iter().enumerate() {
            let prose = if index == 0 { Prose::Full } else { Prose::None };
            self.line(&format!("\n# {}.", meaning(role)));
            match detected.roles.iter().find(|choice| choice.role == role) {
                Some(choice) => self.role(Switch::On, prose, choice),
                None => self.role(Switch::Off, prose, &example_choice(role, endpoint)),
            }
        }
    }

    fn role(&mut self, switch: Switch, prose: Prose, choice: &RoleChoice) {
        self.header(switch, &format!("roles.{}", choice.role));
        let context_tokens = choice.context_tokens.filter(|tokens| fits("context_tokens", *tokens));
        let window = context_tokens.unwrap_or(EXAMPLE_CONTEXT_TOKENS);
        for key in keys("roles.*") {
            if prose == Prose::Full {
                self.explain(key);
            }
            match key.name() {
                "endpoint" => self.setting(switch, "endpoint", &quote(&choice.endpoint)),
                "model" => self.setting(switch, "model", &quote(&choice.model)),
                "context_tokens" => {
                    let found = context_tokens.map_or(Switch::Off, |_| switch);
                    self.setting(found, "context_tokens", &window.to_string());
                }
                "output_tokens_max" => {
                    let tokens = EXAMPLE_OUTPUT_TOKENS.min(window / 2);
                    self.setting(Switch::Off, "output_tokens_max", &tokens.to_string());
                }
                "tools" if choice.tools == Some(false) => self.setting(switch, "tools", "false"),
                name => self.setting(Switch::Off, name, &value_of(key)),
            }
        }
    }

    fn verifier(&mut self) {
        self.line("");
        self.header(Switch::On, "verifier");
        for key in keys("verifier") {
            self.explain(key);
            if key.name() == "commands" {
                self.commands();
            } else {
                self.setting(Switch::Off, key.name(), &value_of(key));
            }
        }
    }

    fn commands(&mut self) {
        for key in COMMAND_KEYS {
            let default = match key.default {
                Default::Value(value) => format!(" Default: {value}."),
                Default::Unset(_) => String::new(),
            };
            let text = format!("{}: {}.{default}", key.path, key.meaning);
            self.prose("#   ", &text);
        }
        self.line("#commands = [");
        self.line("#{ name = \"test\", run = \"cargo test\", per = \"wave\", timeout_s = 600 },");
        let per_file = "run = \"python3 -m py_compile {file}\", files = [\"*.py\"]";
        self.line(&format!("#{{ name = \"python syntax\", {per_file} }},"));
        self.line("#]");
    }
}

fn keys(section: &str) -> impl Iterator<Item = &'static Key> {
    KEYS.iter().filter(move |key| key.section() == section)
}

fn value_of(key: &Key) -> String {
    let (Default::Value(value) | Default::Unset(value)) = key.default;
    value.to_owned()
}

/// Whether a number that a server told is one the schema accepts.
fn fits(name: &str, number: u32) -> bool {
    let bounds = keys("roles.*").find(|key| key.name() == name).map(|key| key.kind);
    matches!(bounds, Some(Kind::Integer { min, max }) if (min..=max).contains(&u64::from(number)))
}

fn meaning(role: Role) -> &'static str {
    match role {
        Role::Planner => "Turns a plan into tasks",
        Role::Coder => "Works on a task with tools",
        Role::Reviewer => "Judges a task's result",
        Role::Analyst => "Answers single prompts of workflows",
        Role::Pilot => "Drives agents and chats",
        Role::Embedder => "Turns text into vectors",
        Role::Transcriber => "Turns speech into text",
    }
}

fn example_choice(role: Role, endpoint: &str) -> RoleChoice {
    let model = match role {
        Role::Planner | Role::Reviewer | Role::Analyst | Role::Pilot => "qwen3:8b",
        Role::Coder => "qwen2.5-coder:7b",
        Role::Embedder => "nomic-embed-text",
        Role::Transcriber => "whisper-large-v3",
    };
    RoleChoice {
        role,
        endpoint: endpoint.to_owned(),
        model: model.to_owned(),
        context_tokens: None,
        tools: None,
    }
}
