//! Takes reasoning that leaked into the content out of it.
//!
//! Models mark it as `<think>`, `<thinking>`, `<reasoning>` or, in the harmony format, as the
//! channel `analysis`. A chat template may already have opened the tag, so that only its end
//! shows up. Text that merely talks about such tags, in quotes, in code or without an end, stays.

const TAGS: [(&str, &str); 3] =
    [("<think>", "</think>"), ("<thinking>", "</thinking>"), ("<reasoning>", "</reasoning>")];

const HARMONY_CHANNEL: &str = "<|channel|>";
const HARMONY_MESSAGE: &str = "<|message|>";
const HARMONY_MARKS: [&str; 5] = ["<|end|>", "<|start|>", "<|return|>", "<|call|>", "<|channel|>"];

/// A text without its reasoning.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Split {
    /// What the model said.
    pub(crate) text: String,
    /// What it thought, blocks joined by a blank line.
    pub(crate) reasoning: String,
}

/// Separates reasoning from the rest; a text without any comes back as it was.
pub(crate) fn split(text: String) -> Split {
    if text.contains(HARMONY_CHANNEL) && text.contains(HARMONY_MESSAGE) {
        return split_harmony(&text);
    }
    if !text.contains("think") && !text.contains("reasoning") {
        return Split { text, reasoning: String::new() };
    }
    split_tags(text)
}

fn split_tags(text: String) -> Split {
    let mut said = String::new();
    let mut thought = String::new();
    let mut rest = match opened_by_template(&text) {
        Some((before, after)) => {
            add_block(&mut thought, before);
            after
        }
        None => text.as_str(),
    };
    while let Some((at, open, close)) = next_open(rest, &said) {
        let inside = &rest[at + open.len()..];
        let Some(end) = inside.find(close) else {
            // At the very start it is the whole answer; later it is talk about the tag.
            if said.trim().is_empty() && rest[..at].trim().is_empty() {
                add_block(&mut thought, inside);
                rest = "";
            }
            break;
        };
        said.push_str(&rest[..at]);
        add_block(&mut thought, &inside[..end]);
        rest = &inside[end + close.len()..];
    }
    if thought.is_empty() && rest.len() == text.len() {
        return Split { text, reasoning: thought };
    }
    said.push_str(rest);
    Split { text: said.trim_start().to_owned(), reasoning: thought }
}

/// The parts around an end tag that no tag before it opened.
fn opened_by_template(text: &str) -> Option<(&str, &str)> {
    let (at, open, close) = TAGS
        .into_iter()
        .filter_map(|(open, close)| text.find(close).map(|at| (at, open, close)))
        .min()?;
    let before = &text[..at];
    let lone = !before.contains(open) && !before.ends_with(['`', '"', '\'']);
    (lone && !in_code(before)).then(|| (before, &text[at + close.len()..]))
}

/// The next opening tag that stands outside code and quotes.
fn next_open(rest: &str, said: &str) -> Option<(usize, &'static str, &'static str)> {
    TAGS.into_iter()
        .filter_map(|(open, close)| rest.find(open).map(|at| (at, open, close)))
        .min()
        .filter(|(at, _, _)| {
            let before = &rest[..*at];
            !before.ends_with(['`', '"', '\'']) && !in_code(before) && !in_code(said)
        })
}

/// A fence is open at the end of `before`.
fn in_code(before: &str) -> bool {
    before.matches("```").count() % 2 == 1
}

fn add_block(thought: &mut String, block: &str) {
    let block = block.trim();
    if !thought.is_empty() && !block.is_empty() {
        thought.push_str("\n\n");
    }
    thought.push_str(block);
}

/// Harmony: `<|channel|>analysis<|message|>...<|end|><|start|>assistant<|channel|>final<|message|>...`.
/// The channel `commentary` holds tool calls and stays, marks and all, for them to be found.
fn split_harmony(text: &str) -> Split {
    let mut split = Split::default();
    let mut pieces = text.split(HARMONY_CHANNEL);
    let before = pieces.next().unwrap_or_default();
    split.text.push_str(strip_marks(before));
    for piece in pieces {
        let Some((header, body)) = piece.split_once(HARMONY_MESSAGE) else {
            continue;
        };
        let body_end = HARMONY_MARKS
            .into_iter()
            .filter_map(|mark| body.find(mark))
            .min()
            .unwrap_or(body.len());
        let body = &body[..body_end];
        if header.contains("to=") {
            split.text.push_str(HARMONY_CHANNEL);
            split.text.push_str(header);
            split.text.push_str(HARMONY_MESSAGE);
            split.text.push_str(body);
            split.text.push_str("<|call|>");
        } else if header.trim_start().starts_with("analysis") {
            add_block(&mut split.reasoning, body);
        } else {
            split.text.push_str(body);
        }
    }
    split
}

/// What stands before the first channel, without the mark that opens a message.
fn strip_marks(before: &str) -> &str {
    let before = before.trim();
    before.strip_suffix("<|start|>assistant").unwrap_or(before)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::split;

    #[track_caller]
    fn check(text: &str, said: &str, thought: &str) {
        let got = split(String::from(text));
        assert_eq!((got.text.as_str(), got.reasoning.as_str()), (said, thought));
    }

    #[test]
    fn leaked_reasoning_is_taken_out() {
        check("<think>\nhm\n</think>\n\nYes.", "Yes.", "hm");
        check("<thinking>hm</thinking>Yes.", "Yes.", "hm");
        check("<reasoning>hm</reasoning> Yes.", "Yes.", "hm");
        check("hm, so\n</think>\n\nYes.", "Yes.", "hm, so");
        check("<think></think>Yes.", "Yes.", "");
        check("<think>a</think>One.\n<think>b</think>Two.", "One.\nTwo.", "a\n\nb");
        check("a</think>One.<think>b</think>Two.", "One.Two.", "a\n\nb");
    }

    #[test]
    fn an_unclosed_block_is_the_whole_answer() {
        check("<think>and so on and", "", "and so on and");
        check("  <think>", "", "");
    }

    #[test]
    fn talk_about_tags_stays() {
        for text in [
            "",
            "No reasoning here, I think.",
            "Wrap it in `<think>` tags.",
            "It ends with \"</think>\".",
            "I strip <think> tags now.",
            "```\n<think>x</think>\n```",
            "```\nx</think>\n```",
            "{\"pattern\": \"<think>.*</think>\"}",
        ] {
            check(text, text, "");
        }
    }

    #[test]
    fn harmony_channels_are_told_apart() {
        check(
            "<|channel|>analysis<|message|>hm<|end|><|start|>assistant<|channel|>final<|message|>Yes.<|return|>",
            "Yes.",
            "hm",
        );
        check(
            "<|channel|>analysis<|message|>hm<|end|><|start|>assistant<|channel|>commentary to=functions.grep <|constrain|>json<|message|>{\"a\":1}<|call|>",
            "<|channel|>commentary to=functions.grep <|constrain|>json<|message|>{\"a\":1}<|call|>",
            "hm",
        );
        check("<|channel|>analysis<|message|>and so", "", "and so");
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(parts in proptest::collection::vec(
            prop_oneof![
                Just("<think>".to_owned()), Just("</think>".to_owned()), Just("</reasoning>".to_owned()),
                Just("<|channel|>".to_owned()), Just("<|message|>".to_owned()), Just("<|end|>".to_owned()),
                Just("```".to_owned()), Just("`".to_owned()), any::<String>(),
            ], 0..12)) {
            split(parts.concat());
        }
    }
}
