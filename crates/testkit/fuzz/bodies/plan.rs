//! Plans: any text is one or is refused with its places; cut into chunks it loses nothing.

use lao_workflow::plan::{Plan, chunks};

/// The first byte is the size of a chunk, the rest the plan.
pub(crate) fn plan(data: &[u8]) {
    let Some((size, text)) = data.split_first() else { return };
    let Ok(text) = std::str::from_utf8(text) else { return };
    let body = match Plan::parse("plans/app.md", text) {
        Ok(plan) => plan.body,
        Err(error) => {
            assert!(!error.problems.is_empty(), "who refuses says why: {error}");
            text.to_owned()
        }
    };
    let budget = usize::from(*size);
    let cut = chunks(&body, budget);
    assert_eq!(cut.iter().map(|chunk| chunk.text).collect::<String>(), body);
    assert!(cut.iter().all(|chunk| chunk.text.len() <= budget.max(4)));
}
