//! Properties of plans: no text is dangerous, and cutting loses nothing.

use lao_workflow::plan::{Plan, chunks};
use proptest::prelude::*;

/// Text made of what matters to cutting: headings, fences, empty lines, long lines.
fn markdown() -> impl Strategy<Value = String> {
    let line = prop_oneof![
        3 => "[a-z äß]{0,30}",
        2 => "#{1,7} ?[a-z]{0,8}",
        2 => Just(String::new()),
        1 => "(```|~~~|````)( sh)?",
        1 => "(={1,5}|-{1,5})",
        1 => "[x🦀]{40,80}",
        1 => "( {0,5}|\t)[-*#>|`].{0,5}",
    ];
    let end = prop_oneof![8 => Just("\n"), 1 => Just("\r\n"), 1 => Just("")];
    prop::collection::vec((line, end), 0..40).prop_map(|lines| {
        lines.into_iter().flat_map(|(line, end)| [line, end.to_owned()]).collect()
    })
}

/// The content of a section without headings of its own.
fn content() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z]{0,40}",
        "[a-z]{1,9}\n\n[a-z]{1,9}",
        "```\n# [a-z]{0,9}\n\n# no heading\n```",
        "    # [a-z]{1,9}",
    ]
}

proptest! {
    #[test]
    fn chunks_are_the_body_cut(body in markdown(), budget in 0_usize..300) {
        let chunks = chunks(&body, budget);
        let joined: String = chunks.iter().map(|chunk| chunk.text).collect();
        prop_assert_eq!(&joined, &body);
        for chunk in &chunks {
            prop_assert!(!chunk.text.is_empty());
            prop_assert!(chunk.text.len() <= budget.max(4));
            prop_assert!(chunk.heading_path.len() <= 6);
        }
    }

    #[test]
    fn where_sections_fit_every_cut_is_at_a_heading_and_needed(
        contents in prop::collection::vec(content(), 1..20),
        spare in 0_usize..100,
    ) {
        let sections: Vec<String> = contents.iter().map(|text| format!("# h\n{text}\n")).collect();
        let budget = sections.iter().map(String::len).max().unwrap_or(0) + spare;
        let body = sections.concat();
        let mut left = sections.as_slice();
        for chunk in chunks(&body, budget) {
            let mut end = 0;
            let mut text = String::new();
            while end < left.len() && text.len() + left[end].len() <= budget {
                text += &left[end];
                end += 1;
            }
            prop_assert_eq!(chunk.text, text);
            prop_assert_eq!(chunk.heading_path, ["h"]);
            left = &left[end..];
        }
        prop_assert!(left.is_empty());
    }

    #[test]
    fn any_text_is_cut_without_loss(body in any::<String>(), budget in 0_usize..50) {
        let joined: String = chunks(&body, budget).iter().map(|chunk| chunk.text).collect();
        prop_assert_eq!(joined, body);
    }

    #[test]
    fn no_text_is_dangerous(text in any::<String>()) {
        if let Ok(plan) = Plan::parse("plan.md", &text) {
            prop_assert!(text.ends_with(&plan.body));
        }
    }

    #[test]
    fn no_front_matter_is_dangerous(yaml in "([a-z]{0,9}|workspace|title|[-:\\[\\]{}&*!|>'\"%@`,?#~ ]|\n|\t){0,40}") {
        let text = format!("---\n{yaml}\n---\ntext");
        match Plan::parse("plan.md", &text) {
            Ok(plan) => prop_assert!(text.ends_with(&plan.body)),
            Err(error) => prop_assert!(!error.problems.is_empty()),
        }
    }
}

#[test]
fn a_large_plan_is_cut_in_linear_time() {
    // Ten megabytes; anything quadratic in lines or sections would not end in a test's time.
    let body = "# Heading\n\ntext\n\n```\ncode\n```\n\n## Deeper\nmore text\n".repeat(200_000);
    let chunks = chunks(&body, 4096);
    assert!(chunks.len() > 2000);
    assert_eq!(chunks.iter().map(|chunk| chunk.text.len()).sum::<usize>(), body.len());
}
