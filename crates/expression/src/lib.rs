//! Texts with `${{ }}` to values; no IO, no clock, no chance, and no text read twice.
//!
//! [`Template::parse`] checks a text: syntax, names of functions, size. [`Template::value`] and
//! [`Template::text`] evaluate it over a JSON context. A value is inserted as it is: what looks
//! like an expression in it stays text.

mod context;
mod functions;
mod nearest;
mod scan;
mod template;
mod translate;
mod walk;

pub use functions::FUNCTIONS;
pub use nearest::nearest;
pub use template::{
    EvaluationError, Reference, TEXT_BYTES_MAX, Template, TemplateError, escaped, is_true,
};
