//! Properties: no text is dangerous, and order follows needs.

use lao_workflow::flow::parse;
use proptest::prelude::*;

use super::samples::{ALL, sample};

fn harmless(text: &str) -> Result<(), TestCaseError> {
    match parse("a.yaml", text, &mut |_| Ok("steps: [{id: a, read: x}]".to_owned())) {
        Ok(workflow) => {
            let mut seen: Vec<&str> = Vec::new();
            for step in &workflow.steps {
                prop_assert!(step.needs.iter().all(|need| seen.contains(&need.as_str())));
                seen.push(&step.id);
            }
        }
        Err(error) => {
            prop_assert!(!error.problems.is_empty());
            for problem in error.problems.iter().filter(|problem| problem.path == "a.yaml") {
                prop_assert!(problem.line >= 1 && problem.column >= 1 && problem.length >= 1);
                let line = text.trim_start_matches('\u{feff}').split('\n').nth(problem.line - 1);
                prop_assert_eq!(
                    line.map(|line| line.trim_end_matches('\r')),
                    Some(problem.source_line.as_str())
                );
            }
            let is_escape = error.render().contains('\u{1b}');
            prop_assert!(!is_escape);
        }
    }
    Ok(())
}

/// A sample with a few places changed.
fn mutated() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "",
        " ",
        "\n",
        ":",
        "-",
        "{",
        "}",
        "[",
        "]",
        "${{",
        "}}",
        "\"",
        "'",
        "|",
        "#",
        "&a",
        "*a",
        "!t",
        "id",
        "steps",
        "ä",
        "\u{7}",
        "\t",
        ",",
        "item",
        "steps.text.output",
        "- id: x\n",
        "0",
        "null",
        "%",
        "---\n",
    ]);
    let change = (any::<prop::sample::Index>(), 0_usize..12, piece);
    (0..ALL.len(), prop::collection::vec(change, 1..6)).prop_map(|(which, changes)| {
        let mut letters: Vec<char> = ALL[which].1.chars().collect();
        for (at, removed, piece) in changes {
            let at = at.index(letters.len().max(1)).min(letters.len());
            let end = (at + removed).min(letters.len());
            letters.splice(at..end, piece.chars());
        }
        letters.into_iter().collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_is_dangerous(text in any::<String>()) {
        harmless(&text)?;
    }

    #[test]
    fn no_workflow_like_text_is_dangerous(
        text in "(steps|inputs|on|id|read|run|map|do|over|item|watch|[-:{}\\[\\],|>\"'#&*!?%@ ]|\\$\\{\\{|\\}\\}|\n|  |\t|ä){0,60}"
    ) {
        harmless(&text)?;
    }

    #[test]
    fn no_change_of_a_sample_is_dangerous(text in mutated()) {
        harmless(&text)?;
    }

    #[test]
    fn line_ends_do_not_matter(which in 0..ALL.len()) {
        let (name, text) = ALL[which];
        let plain = sample(name, text).expect("it is right");
        let other = sample(name, &text.replace('\n', "\r\n")).expect("it is right");
        prop_assert_eq!(plain.steps, other.steps);
        prop_assert_eq!(plain.inputs, other.inputs);
    }
}
