//! A chain's text to steps and words, quoted as a shell does.

use super::ChainProblem;

/// A word, without its quotes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Word {
    pub text: String,
    /// Where it is in the chain.
    pub start: usize,
    pub end: usize,
}

/// What is between two `|`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stage {
    pub words: Vec<Word>,
    pub start: usize,
    pub end: usize,
}

/// The steps of a chain.
pub(super) fn stages(text: &str) -> Result<Vec<Stage>, ChainProblem> {
    let mut stages = Vec::new();
    let mut words = Vec::new();
    let mut start = 0;
    let mut at = 0;
    while let Some(letter) = text[at..].chars().next() {
        if letter == '|' {
            stages.push(Stage { words: std::mem::take(&mut words), start, end: at.max(start) });
            at += 1;
            start = at;
        } else if letter.is_whitespace() {
            at += letter.len_utf8();
        } else {
            let end = word_end(text, at)?;
            words.push(word(text, at, end)?);
            at = end;
        }
    }
    stages.push(Stage { words, start, end: text.len() });
    Ok(stages)
}

/// Where a word ends: at white space or `|` outside of quotes.
fn word_end(text: &str, start: usize) -> Result<usize, ChainProblem> {
    let mut quote: Option<(char, usize)> = None;
    let mut escaped = false;
    for (offset, letter) in text[start..].char_indices() {
        let at = start + offset;
        match (quote, letter) {
            _ if escaped => escaped = false,
            (Some(('\'', _)), '\'') | (Some(('"', _)), '"') => quote = None,
            (Some(('"', _)) | None, '\\') => escaped = true,
            (None, '\'' | '"') => quote = Some((letter, at)),
            (None, _) if letter == '|' || letter.is_whitespace() => return Ok(at),
            (Some(_) | None, _) => {}
        }
    }
    match quote {
        None => Ok(text.len()),
        Some((letter, at)) => Err(ChainProblem {
            start: at,
            end: at + 1,
            message: "the text in quotes has no end".to_owned(),
            hint: Some(format!("close it with `{letter}`")),
        }),
    }
}

fn word(text: &str, start: usize, end: usize) -> Result<Word, ChainProblem> {
    let part = &text[start..end];
    // A `#` begins a comment for a shell; here it is a letter.
    let quoted = if part.starts_with('#') { format!("\\{part}") } else { part.to_owned() };
    match shlex::split(&quoted).as_deref() {
        Some([word]) => Ok(Word { text: word.clone(), start, end }),
        Some(_) | None => Err(ChainProblem {
            start,
            end,
            message: "this cannot be read as one word".to_owned(),
            hint: Some("put it in single quotes".to_owned()),
        }),
    }
}
