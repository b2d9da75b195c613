//! The shape of a chunk of a streamed answer, and of a whole answer, which is the same but for
//! `message` in the place of `delta`. Every field may be absent, null or of an unexpected kind.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use serde_json::value::RawValue;

/// A chunk, or a whole answer.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Chunk<'a> {
    /// `error` in vLLM's older flat form of an error.
    #[serde(borrow)]
    pub(crate) object: Text<'a>,
    #[serde(borrow)]
    pub(crate) model: Text<'a>,
    #[serde(borrow)]
    pub(crate) system_fingerprint: Text<'a>,
    #[serde(borrow)]
    pub(crate) choices: Option<Vec<Choice<'a>>>,
    pub(crate) usage: Option<UsageFields>,
    pub(crate) timings: Option<Timings>,
    #[serde(borrow)]
    pub(crate) error: Option<&'a RawValue>,
}

/// One of the answers; only the first is asked for.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Choice<'a> {
    pub(crate) index: Count,
    #[serde(borrow)]
    pub(crate) delta: Option<Delta<'a>>,
    #[serde(borrow)]
    pub(crate) message: Option<Delta<'a>>,
    #[serde(borrow)]
    pub(crate) finish_reason: Text<'a>,
}

/// What a chunk adds to the answer.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Delta<'a> {
    #[serde(borrow)]
    pub(crate) content: Text<'a>,
    #[serde(borrow)]
    pub(crate) refusal: Text<'a>,
    /// llama-server, LM Studio, older vLLM.
    #[serde(borrow)]
    pub(crate) reasoning_content: Text<'a>,
    /// Ollama's `/v1`, vLLM, LM Studio for gpt-oss.
    #[serde(borrow)]
    pub(crate) reasoning: Text<'a>,
    /// Ollama's native form, which proxies pass on.
    #[serde(borrow)]
    pub(crate) thinking: Text<'a>,
    #[serde(borrow)]
    pub(crate) tool_calls: Option<Vec<CallDelta<'a>>>,
}

impl<'a> Delta<'a> {
    /// The reasoning in it; servers in transition send the same text under two names.
    pub(crate) fn reasoning(&self) -> &str {
        [&self.reasoning_content, &self.reasoning, &self.thinking]
            .into_iter()
            .map(Text::as_str)
            .find(|text| !text.is_empty())
            .unwrap_or_default()
    }

    /// The tool calls in it.
    pub(crate) fn calls(&self) -> &[CallDelta<'a>] {
        self.tool_calls.as_deref().unwrap_or_default()
    }
}

/// A piece of a tool call.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct CallDelta<'a> {
    pub(crate) index: Count,
    #[serde(borrow)]
    pub(crate) id: Text<'a>,
    #[serde(borrow)]
    pub(crate) function: Option<FunctionDelta<'a>>,
}

/// A piece of a tool call's inside.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct FunctionDelta<'a> {
    #[serde(borrow)]
    pub(crate) name: Text<'a>,
    #[serde(borrow)]
    arguments: Option<&'a RawValue>,
}

impl FunctionDelta<'_> {
    /// The piece of arguments: the text of a JSON string, or another JSON value as it is written.
    pub(crate) fn arguments(&self) -> Cow<'_, str> {
        let Some(raw) = self.arguments.map(RawValue::get) else {
            return Cow::Borrowed("");
        };
        match serde_json::from_str::<Text<'_>>(raw) {
            Ok(text) if raw.starts_with('"') => text.0,
            _ => Cow::Borrowed(raw),
        }
    }
}

/// Tokens of a call.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default)]
pub(crate) struct UsageFields {
    pub(crate) prompt_tokens: Count,
    pub(crate) completion_tokens: Count,
    pub(crate) prompt_tokens_details: Option<PromptDetails>,
}

/// Where the tokens of a prompt came from.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default)]
pub(crate) struct PromptDetails {
    pub(crate) cached_tokens: Count,
}

/// llama-server's own counts.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Timings {
    #[serde(rename = "cache_n")]
    pub(crate) cached: Count,
    #[serde(rename = "prompt_n")]
    pub(crate) evaluated: Count,
    #[serde(rename = "predicted_n")]
    pub(crate) predicted: Count,
}

/// A number that should be a count; absent where it is none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Count(pub(crate) Option<u64>);

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(CountVisitor)
    }
}

struct CountVisitor;

impl<'de> Visitor<'de> for CountVisitor {
    type Value = Count;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a count")
    }

    fn visit_u64<E>(self, value: u64) -> Result<Count, E> {
        Ok(Count(Some(value)))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Count, E> {
        Ok(Count(u64::try_from(value).ok()))
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the range is checked, and a count has no fraction to lose"
    )]
    fn visit_f64<E>(self, value: f64) -> Result<Count, E> {
        let in_range = (0.0..9e15).contains(&value);
        Ok(Count(in_range.then_some(value as u64)))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Count, E> {
        Ok(Count(None))
    }

    fn visit_str<E>(self, text: &str) -> Result<Count, E> {
        Ok(Count(text.parse().ok()))
    }

    fn visit_unit<E>(self) -> Result<Count, E> {
        Ok(Count(None))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Count, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Count(None))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Count, A::Error> {
        while entries.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Count(None))
    }
}

/// A text: a JSON string, or the texts of an array of parts; empty where it is anything else.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Text<'a>(pub(crate) Cow<'a, str>);

impl Text<'_> {
    /// The text.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// The text, where there is one.
    pub(crate) fn some(&self) -> Option<&str> {
        Some(self.as_str()).filter(|text| !text.is_empty())
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextVisitor).map(Text)
    }
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Cow<'de, str>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a text")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(text))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(text.to_owned()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
        Ok(Cow::Owned(number.to_string()))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Self::Value, E> {
        Ok(Cow::Owned(number.to_string()))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(""))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(""))
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(""))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<Self::Value, A::Error> {
        let mut whole = String::new();
        while let Some(part) = parts.next_element::<Text<'_>>()? {
            whole.push_str(&part.0);
        }
        Ok(Cow::Owned(whole))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
        let mut text = Cow::Borrowed("");
        while let Some(key) = entries.next_key::<Text<'_>>()? {
            let value = entries.next_value::<Text<'_>>()?;
            if key.as_str() == "text" {
                text = value.0;
            }
        }
        Ok(text)
    }
}
