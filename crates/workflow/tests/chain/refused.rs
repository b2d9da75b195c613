//! What is no chain.

use lao_workflow::chain::to_yaml;

use super::{library, parse};

#[test]
fn mistakes_have_a_place_and_a_cure() {
    for (chain, expected) in [
        ("", "error: here is no step\n  | \n  | ^\n  = help: write steps with `|` between them"),
        (
            "summarize | | save x",
            "error: here is no step\n  | summarize | | save x\n  |            ^\n  = help: write steps with `|` between them",
        ),
        (
            "sumarize",
            "error: there is no step `sumarize`\n  | sumarize\n  | ^^^^^^^^\n  = help: did you mean `summarize`?",
        ),
        ("ä | save", "error: `save` needs FILE"),
        ("save", "error: `save` needs FILE\n  | save\n  | ^^^^\n  = help: write `save FILE`"),
        (
            "transcribe",
            "error: `transcribe` needs FILE\n  | transcribe\n  | ^^^^^^^^^^\n  = help: write `transcribe FILE`",
        ),
        (
            "translate",
            "error: `translate` needs LANGUAGE\n  | translate\n  | ^^^^^^^^^\n  = help: write `translate LANGUAGE`",
        ),
        (
            "translate brazilian portuguese",
            "error: `translate` takes no more: `translate LANGUAGE`\n  | translate brazilian portuguese\n  |                     ^^^^^^^^^^\n  = help: put a text of several words in quotes",
        ),
        ("run", "error: `run` needs COMMAND\n  | run\n  | ^^^\n  = help: write `run COMMAND`"),
        (
            "embed x",
            "error: `embed` takes no `x`\n  | embed x\n  |       ^\n  = help: put a text of several words in quotes",
        ),
        (
            "bullets | stdin",
            "error: `stdin` can only be first\n  | bullets | stdin\n  |           ^^^^^\n  = help: move it to the beginning",
        ),
        (
            "ask 'who",
            "error: the text in quotes has no end\n  | ask 'who\n  |     ^\n  = help: close it with `'`",
        ),
        (
            "style-check depth=1 depth=2",
            "error: `depth` is given twice\n  | style-check depth=1 depth=2\n  |                     ^^^^^^^\n  = help: remove one",
        ),
        (
            "style-check a b dept=2",
            "error: `style-check` takes no more: `style-check [GUIDE] DEPTH`\n  | style-check a b dept=2\n  |                 ^^^^^^\n  = help: did you mean `depth=`?",
        ),
    ] {
        let rendered = to_yaml(chain, &library()).expect_err(chain).render();
        assert!(rendered.contains(expected), "{chain}:\n{rendered}");
    }
    let many = to_yaml("a | save | b", &library()).expect_err("three mistakes").to_string();
    assert_eq!(many.lines().count(), 3, "{many}");
    to_yaml(&"short |".repeat(300), &library()).expect_err("too many");
    to_yaml(&"x".repeat(100_000), &library()).expect_err("too long");
    assert!(parse("stdin", &library()).expect_err("nothing is done").contains("does nothing"));
}
