//! Texts with their secrets replaced by names.
//!
//! ```text
//!   text --values, patterns, shapes--> spans --merged--> text with secret://NAME in their place
//! ```
//!
//! A [`Redactor`] knows the values of named variables in the forms in which they turn up in
//! texts, the user's [`Pattern`]s, and the shapes of well-known keys and tokens. The same secret
//! has the same name always, and a text that was redacted is left as it is by redacting it again:
//! what stands for a secret is never taken for one.
//!
//! What this is not: encryption, or a promise. A secret that nobody named, in a shape that nobody
//! knows, is text like any other.
//!
//! Deliberately absent: IO and the environment (values come in as arguments), time limits (every
//! text takes time in proportion to its length), and any way back from a name to a secret.

mod pattern;
mod redactor;
mod shape;
mod span;
mod value;

pub use pattern::{PATTERN_BYTES_MAX, PATTERNS_MAX, Pattern, PatternError};
pub use redactor::{Held, Redactor, RedactorError, Rules};
pub use value::VALUE_CHARS_MIN;

/// How the text begins that stands for a secret; its name follows.
pub const SCHEME: &str = "secret://";
