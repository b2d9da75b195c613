//! Values beside each other: inputs, items, what steps gave.

use lao_event::latest::FlowValue;

use super::{Comparison, Told};
use crate::diff::{
    DiffError,
    align::Pair,
    change::{ValueDiff, ValueForm},
    text::{Grain, TextDiff},
};

/// A value with the position of the event that names it.
pub(super) type Value<'a> = (u64, &'a FlowValue);

impl Comparison<'_> {
    /// Where two values differ; texts are looked at with this grain, JSON line by line.
    pub(super) fn value(
        &self,
        grain: Grain,
        values: Pair<Option<Value<'_>>>,
    ) -> Result<Option<ValueDiff>, DiffError> {
        let known = values.map(|value| value.map(|(_, value)| value));
        if known.a == known.b {
            return Ok(None);
        }
        let forms = known.map(|value| value.map(form));
        let a = values.a.map(|value| self.sides.a.value(value)).transpose()?;
        let b = values.b.map(|value| self.sides.b.value(value)).transpose()?;
        let json = |form: Option<ValueForm>| form == Some(ValueForm::Json);
        let grain = if json(forms.a) || json(forms.b) { Grain::Lines } else { grain };
        let texts = Pair { a: a.flatten(), b: b.flatten() };
        let text = TextDiff::of(grain, texts.as_ref().map(Option::as_deref));
        let differs = text.is_some() || forms.a != forms.b;
        Ok(differs.then_some(ValueDiff { forms, text }))
    }
}

impl Told<'_> {
    /// A value's text; JSON with a line for every entry.
    fn value(self, (seq, value): Value<'_>) -> Result<Option<String>, DiffError> {
        Ok(match value {
            FlowValue::Nothing => None,
            FlowValue::Text(content) => Some(self.load((seq, content))?),
            FlowValue::Json(content) => Some(pretty(&self.load((seq, content))?)),
            FlowValue::File { path } => Some(self.plain(path.clone())),
        })
    }
}

const fn form(value: &FlowValue) -> ValueForm {
    match value {
        FlowValue::Nothing => ValueForm::Nothing,
        FlowValue::Text(_) => ValueForm::Text,
        FlowValue::Json(_) => ValueForm::Json,
        FlowValue::File { path: _ } => ValueForm::File,
    }
}

/// JSON with a line for every entry; what is none stays as it is.
pub(super) fn pretty(text: &str) -> String {
    let parsed = serde_json::from_str::<serde_json::Value>(text);
    let printed = parsed.and_then(|value| serde_json::to_string_pretty(&value));
    printed.map_or_else(|_| text.to_owned(), |printed| printed + "\n")
}
