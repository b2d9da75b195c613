//! Matching the models that servers offer to the roles they can play.

use std::cmp::Reverse;

use lao_event::Role;

/// A model that a server offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundModel {
    /// Name of the endpoint that serves it.
    pub endpoint: String,
    /// The model's key, as the server lists it.
    pub name: String,
    /// The window in tokens, if the server says.
    pub context_tokens: Option<u32>,
    /// Whether the server says that it makes vectors, not text.
    pub embedding: bool,
    /// Whether it supports tool calls, if the server says.
    pub tools: Option<bool>,
    /// The size of its files in bytes, if the server says.
    pub size_bytes: Option<u64>,
}

/// A model chosen for a role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleChoice {
    /// The role.
    pub role: Role,
    /// Name of the endpoint.
    pub endpoint: String,
    /// The model's key.
    pub model: String,
    /// The window in tokens, if known.
    pub context_tokens: Option<u32>,
    /// Whether it supports tool calls, if known.
    pub tools: Option<bool>,
}

/// Chooses a model for every role that one can play, in the order of the roles. The choice
/// does not depend on the order of `found`.
pub fn assign_roles(found: &[FoundModel]) -> Vec<RoleChoice> {
    let candidates: Vec<Candidate<'_>> = found.iter().filter_map(Candidate::new).collect();
    Role::ALL
        .into_iter()
        .filter_map(|role| {
            let best = candidates
                .iter()
                .filter_map(|candidate| Some((candidate.fitness(role)?, candidate.model)))
                .min_by(|a, b| a.0.cmp(&b.0))?;
            Some(choice(role, best.1))
        })
        .collect()
}

fn choice(role: Role, model: &FoundModel) -> RoleChoice {
    RoleChoice {
        role,
        endpoint: model.endpoint.clone(),
        model: model.name.clone(),
        context_tokens: model.context_tokens,
        tools: model.tools,
    }
}

/// What a model can do at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ability {
    General,
    Coding,
    Embedding,
    Speech,
}

/// How well a model fits a role; the smallest fits best.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Fitness<'m> {
    suit: Suit,
    without_tools: ToolDoubt,
    size: Reverse<u64>,
    window: Reverse<Option<u32>>,
    endpoint: &'m str,
    name: &'m str,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Suit {
    NamedForIt,
    MadeForIt,
    WillDo,
    NamedForAnother,
}

/// How doubtful it is that the model can call tools, where the role calls any.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum ToolDoubt {
    No,
    Unknown,
    Yes,
}

struct Candidate<'m> {
    model: &'m FoundModel,
    ability: Ability,
    named_for: Option<Role>,
    millions: u64,
}

impl<'m> Candidate<'m> {
    /// `None` for what can play no role.
    fn new(model: &'m FoundModel) -> Option<Self> {
        let name = model.name.to_ascii_lowercase();
        if name.trim().is_empty() || name.chars().any(char::is_control) {
            return None;
        }
        let words: Vec<&str> = name
            .split(|character: char| !character.is_ascii_alphanumeric())
            .filter(|word| !word.is_empty())
            .collect();
        let ability = ability(model, &words)?;
        Some(Self {
            model,
            ability,
            named_for: words.iter().find_map(|word| role_named(word)),
            millions: parameters_millions(&name)
                .or(model.size_bytes.map(|bytes| bytes / BYTES_PER_MILLION_PARAMETERS))
                .unwrap_or(0),
        })
    }

    fn fitness(&self, role: Role) -> Option<Fitness<'m>> {
        let suit = match (role, self.ability) {
            (Role::Embedder, Ability::Embedding) | (Role::Transcriber, Ability::Speech) => {
                self.suit(role, true)
            }
            (Role::Coder, Ability::Coding) => self.suit(role, true),
            (Role::Coder, Ability::General) => self.suit(role, false),
            (
                Role::Planner | Role::Reviewer | Role::Analyst | Role::Pilot,
                Ability::General | Ability::Coding,
            ) => self.suit(role, self.ability == Ability::General),
            (Role::Embedder | Role::Transcriber, _) | (_, Ability::Embedding | Ability::Speech) => {
                return None;
            }
        };
        Some(Fitness {
            suit,
            without_tools: self.tool_doubt(role),
            size: Reverse(self.millions),
            window: Reverse(self.model.context_tokens),
            endpoint: &self.model.endpoint,
            name: &self.model.name,
        })
    }

    fn suit(&self, role: Role, made_for_it: bool) -> Suit {
        match self.named_for {
            Some(named) if named == role => Suit::NamedForIt,
            // `coder` in a name says what the model was trained for, which `ability` knows.
            Some(named) if named != Role::Coder => Suit::NamedForAnother,
            Some(_) | None if made_for_it => Suit::MadeForIt,
            Some(_) | None => Suit::WillDo,
        }
    }

    fn tool_doubt(&self, role: Role) -> ToolDoubt {
        let calls_tools = matches!(role, Role::Coder | Role::Pilot);
        match self.model.tools {
            Some(false) if calls_tools => ToolDoubt::Yes,
            None if calls_tools => ToolDoubt::Unknown,
            Some(_) | None => ToolDoubt::No,
        }
    }
}

fn role_named(word: &str) -> Option<Role> {
    Role::ALL.into_iter().find(|role| role.name() == word)
}

fn ability(model: &FoundModel, words: &[&str]) -> Option<Ability> {
    let any = |test: fn(&str) -> bool| words.iter().any(|word| test(word));
    if any(|word| word.starts_with("rerank")) {
        return None;
    }
    let makes_vectors = |word: &str| {
        word.contains("embed") || ["bge", "nomic", "e5", "gte", "minilm"].contains(&word)
    };
    if model.embedding || any(makes_vectors) {
        return Some(Ability::Embedding);
    }
    if any(|word| word.contains("whisper") || word == "transcriber") {
        return Some(Ability::Speech);
    }
    let codes = |word: &str| {
        word.starts_with("code")
            || word.starts_with("devstral")
            || (word.contains("coder") && word != "decoder")
    };
    Some(if any(codes) { Ability::Coding } else { Ability::General })
}

/// Four to five bits for each parameter, as models are mostly offered.
const BYTES_PER_MILLION_PARAMETERS: u64 = 600_000;

/// The size a name states, such as `7b`, `1.5b`, `8x7b` or `300m`, in millions of parameters.
fn parameters_millions(name: &str) -> Option<u64> {
    name.split(|character: char| !character.is_ascii_alphanumeric() && character != '.')
        .filter_map(word_millions)
        .max()
}

fn word_millions(word: &str) -> Option<u64> {
    let (number, thousandths_per_unit) = match word.strip_suffix('b') {
        Some(number) => (number, 1),
        None => (word.strip_suffix('m')?, 1000),
    };
    let (experts, number) = number.split_once('x').unwrap_or(("1", number));
    let experts: u64 = experts.parse().ok().filter(|experts| (1..=1000).contains(experts))?;
    let milli = u64::from(crate::decimal::parse_milli(number)?);
    // Thousandths of a billion are millions.
    Some(experts * milli / thousandths_per_unit)
}

#[cfg(test)]
mod tests {
    use super::{FoundModel, assign_roles, parameters_millions};
    use lao_event::Role;
    use proptest::prelude::*;

    fn model(name: &str) -> FoundModel {
        FoundModel {
            endpoint: "ollama".to_owned(),
            name: name.to_owned(),
            context_tokens: None,
            embedding: false,
            tools: None,
            size_bytes: None,
        }
    }

    fn chosen(names: &[&str], role: Role) -> Option<String> {
        let found: Vec<_> = names.iter().map(|name| model(name)).collect();
        let choices = assign_roles(&found);
        let choice = choices.into_iter().find(|choice| choice.role == role)?;
        Some(choice.model)
    }

    const MANY: [&str; 7] = [
        "nomic-embed-text:latest",
        "qwen2.5-coder:7b",
        "llama3.1:8b",
        "qwen3:14b",
        "reviewer-3b",
        "whisper-large-v3",
        "bge-reranker-v2-m3",
    ];

    #[test]
    fn every_role_gets_the_model_made_for_it() {
        for (role, name) in [
            (Role::Planner, "qwen3:14b"),
            (Role::Coder, "qwen2.5-coder:7b"),
            (Role::Reviewer, "reviewer-3b"),
            (Role::Analyst, "qwen3:14b"),
            (Role::Pilot, "qwen3:14b"),
            (Role::Embedder, "nomic-embed-text:latest"),
            (Role::Transcriber, "whisper-large-v3"),
        ] {
            assert_eq!(chosen(&MANY, role).as_deref(), Some(name), "{role}");
        }
    }

    #[test]
    fn names_for_coding_are_known() {
        for name in [
            "codestral:22b",
            "starcoder2:3b",
            "deepseek-coder-v2:16b",
            "devstral-small",
            "codellama:7b",
            "my-code-model",
            "coder-small",
        ] {
            let names = [name, "llama3.3:70b"];
            assert_eq!(chosen(&names, Role::Coder).as_deref(), Some(name));
            assert_eq!(chosen(&names, Role::Planner).as_deref(), Some("llama3.3:70b"));
        }
        let names = ["text-decoder-3b", "llama3.1:8b"];
        assert_eq!(chosen(&names, Role::Coder).as_deref(), Some("llama3.1:8b"));
    }

    #[test]
    fn one_model_plays_every_chat_role_and_no_other() {
        for name in ["llama3.1:8b", "qwen2.5-coder:7b", "my-planner"] {
            let roles: Vec<_> = assign_roles(&[model(name)]).into_iter().map(|c| c.role).collect();
            assert_eq!(roles, &Role::ALL[..5], "{name}");
        }
        let embedding = FoundModel { embedding: true, ..model("llama-vectors") };
        let roles: Vec<_> = assign_roles(&[embedding]).into_iter().map(|c| c.role).collect();
        assert_eq!(roles, [Role::Embedder]);
        assert!(assign_roles(&[]).is_empty());
    }

    #[test]
    fn a_coder_that_can_call_tools_is_preferred() {
        let with_tools = FoundModel { tools: Some(true), ..model("qwen2.5-coder:7b") };
        let without = FoundModel { tools: Some(false), ..model("qwen2.5-coder:32b") };
        let choices = assign_roles(&[without, with_tools]);
        let coder = choices.iter().find(|choice| choice.role == Role::Coder);
        assert_eq!(coder.map(|choice| choice.model.as_str()), Some("qwen2.5-coder:7b"));
    }

    #[test]
    fn sizes_are_read_from_names_or_files() {
        for (name, millions) in [
            ("qwen2.5-coder:7b", Some(7000)),
            ("llama-3.2-1.5b-instruct", Some(1500)),
            ("mixtral:8x7b", Some(56000)),
            ("smollm:360m", Some(360)),
            ("gemma", None),
            ("web", None),
        ] {
            assert_eq!(parameters_millions(name), millions, "{name}");
        }
        let large = FoundModel { size_bytes: Some(40_000_000_000), ..model("alpha") };
        let choices = assign_roles(&[model("beta:8b"), large]);
        assert_eq!(choices[0].model, "alpha");
    }

    proptest! {
        #[test]
        fn the_order_of_models_does_not_matter(
            names in prop::collection::vec("[a-z0-9:.-]{0,12}|coder-[0-9]b|[0-9]+x[0-9]+b", 0..8),
            turn in 0_usize..8,
        ) {
            let mut found: Vec<_> = names.iter().map(|name| model(name)).collect();
            let before = assign_roles(&found);
            let middle = turn.min(found.len());
            found.rotate_left(middle);
            found.reverse();
            prop_assert_eq!(assign_roles(&found), before);
        }
    }
}
