//! Model files that LAO keeps.

use std::fmt::Write as _;

use serde::Serialize;

use crate::{Style, style::Tone, text::visible, units::size};

/// A model file, as `lao models list --json` prints it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ModelLine {
    /// The engine that runs it.
    pub engine: String,
    /// Its name here.
    pub name: String,
    /// Its size.
    pub size_bytes: u64,
    /// BLAKE3 of its bytes.
    pub hash: String,
    /// The file it was added from.
    pub source: String,
    /// Which published model it is, byte by byte; `None` for one's own.
    pub published: Option<String>,
}

/// Model files, a line each.
pub fn models(lines: &[ModelLine], style: &Style) -> String {
    if lines.is_empty() {
        return "no model files yet: `lao models add whisper FILE` keeps one\n".to_owned();
    }
    let mut text = String::new();
    for line in lines {
        let name = style.paint(Tone::Strong, &visible(&line.name));
        let size = size(line.size_bytes);
        let hash = visible(line.hash.get(..16).unwrap_or(&line.hash));
        let engine = visible(&line.engine);
        write!(text, "{engine}  {name}  {size}  {hash}").expect("a String takes everything");
        if let Some(published) = &line.published {
            write!(text, "  ggml-{}.bin as published", visible(published))
                .expect("a String takes everything");
        }
        text.push('\n');
    }
    text
}
