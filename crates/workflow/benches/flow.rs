//! How long it takes to read and check workflows: `cargo bench -p lao-workflow`.

#![expect(clippy::disallowed_types, reason = "a benchmark measures time")]
#![expect(clippy::print_stdout, reason = "its figures are for people")]

use std::fmt::Write;
use std::time::Instant;

use lao_workflow::flow::{Workflow, parse};

/// Rounds of which the fastest counts.
const ROUNDS: usize = 5;

/// Each step needs the one before.
fn chain(steps: usize) -> String {
    let mut text = "steps:\n  - id: s0\n    read: a.md\n".to_owned();
    for step in 1..steps {
        let before = step - 1;
        write!(
            text,
            "  - id: s{step}\n    prompt: \"Go on from ${{{{ steps.s{before}.output | trim }}}}\"\n    retry: 3\n"
        )
        .expect("a String takes any text");
    }
    text
}

/// One step, many that need it, and one that needs them all.
fn fan(steps: usize) -> String {
    let mut text = "steps:\n  - id: first\n    read: a.md\n".to_owned();
    let mut all = String::new();
    for step in 2..steps {
        writeln!(text, "  - id: s{step}\n    run: [wc, \"${{{{ steps.first.output }}}}\"]")
            .expect("a String takes any text");
        write!(all, "${{{{ steps.s{step}.output }}}}\\n").expect("a String takes any text");
    }
    text + &format!("  - id: last\n    approve: \"{all}\"\n")
}

fn read(text: &str) -> Workflow {
    parse("bench.yaml", text, &mut |_| Err(String::new())).expect("the workflow is right")
}

fn main() {
    for (form, make) in [("chain", chain as fn(usize) -> String), ("fan", fan)] {
        for steps in [100, 1000, 10_000] {
            let text = make(steps);
            let mut best_ms = f64::INFINITY;
            for _ in 0..ROUNDS {
                let begun = Instant::now();
                let workflow = read(&text);
                best_ms = best_ms.min(begun.elapsed().as_secs_f64() * 1000.0);
                assert_eq!(workflow.steps.len(), steps);
            }
            println!("{form:>6} {steps:>6} steps {:>6} KiB {best_ms:>9.2} ms", text.len() / 1024);
        }
    }
}
