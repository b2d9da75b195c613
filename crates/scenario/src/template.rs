//! What `lao scenario new` writes.

/// A scenario to begin with: it plays as it is.
pub const TEMPLATE: &str = include_str!("template.toml");
