//! Steps of a project, written in Markdown.

use lao_workflow::chain::{Arg, Library, PromptStep};
use proptest::prelude::*;

use super::parse;

fn problems(text: &str) -> String {
    PromptStep::parse("steps/own.md", text).expect_err(text).to_string()
}

#[test]
fn a_file_is_a_step() {
    let text = "---\r\ntitle: Own\nargs: [one, two]\nformat: json\n---\r\n\nAsk ${{ args.one }} and ${{ args.2 }} of ${{ input.text }}\n";
    let step = PromptStep::parse("steps/own-step.md", text).expect("a step");
    assert_eq!((step.name.as_str(), step.meaning.as_str()), ("own-step", "Own"));
    assert_eq!(step.usage(), "own-step ONE TWO");
    assert_eq!(step.args[0], Arg { name: "one".to_owned(), default: None });
    assert!(step.is_json && step.uses_input() && step.schema.is_none());
    let plain = PromptStep::parse("steps/plain.md", "Ask.").expect("a step");
    assert!(!plain.uses_input() && plain.args.is_empty() && plain.meaning == "plain");
}

#[test]
fn a_file_may_replace_a_built_in_step() {
    let mut library = Library::default();
    library.add(PromptStep::parse("steps/save.md", "Say it safely: ${{ input }}").expect("a step"));
    let workflow = parse("save", &library).expect("a chain");
    assert_eq!(workflow.steps[0].step.action.kind(), "prompt");
    assert_eq!(library.steps().iter().filter(|step| step.name == "save").count(), 1);
}

#[test]
fn mistakes_are_told_with_their_places() {
    for (text, expected) in [
        (
            "---\ntitel: x\n---\nAsk",
            "steps/own.md:2:1: unknown key `titel` in the front matter of a step; did you mean `title`?",
        ),
        (
            "---\nargs: 5\n---\nAsk",
            "steps/own.md:2:7: `args` is a list or a mapping; write a list of names, or a mapping of names to defaults",
        ),
        (
            "---\nargs: [a-b]\n---\nAsk",
            "steps/own.md:2:8: `a-b` is no name of an argument; a letter, then letters, digits and `_`",
        ),
        (
            "---\nargs: [a, a]\n---\nAsk",
            "steps/own.md:2:11: the argument `a` stands twice; remove one",
        ),
        (
            "---\nargs: [words]\n---\n\nAsk\n${{ args.wrds }}",
            "steps/own.md:6:5: there is no argument `wrds`; did you mean `args.words`?",
        ),
        (
            "Ask ${{ args.1 }}",
            "steps/own.md:1:9: there is no argument `1`; declare it: `args: [1]`",
        ),
        (
            "Ask ${{ steps.a.output }}",
            "steps/own.md:1:9: there is no value `steps.a.output`; known are `input` and `args.NAME`",
        ),
        (
            "---\nmodel: x\n---\nAsk ${{ input | uper }}",
            "steps/own.md:2:8: `model` is one of planner, coder, reviewer, analyst, pilot, here is `x`\nsteps/own.md:4:17: there is no filter `uper`; did you mean `upper`?",
        ),
        (
            "---\ntitle: x\n",
            "steps/own.md:1:1: the front matter is not closed; end it with a line `---`",
        ),
        ("---\na: [\n---\nAsk", "steps/own.md:3:1: this is not YAML"),
        (
            "---\n---\n\n",
            "steps/own.md:1:1: nothing is asked; write what the model is asked, with `${{ input }}`",
        ),
    ] {
        assert!(problems(text).starts_with(expected), "{text}\n{}", problems(text));
    }
    let error = PromptStep::parse("steps/my own.md", "Ask").expect_err("a bad name");
    assert!(error.to_string().contains("`my own` is no name of a step"), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_file_is_dangerous(text in "(---\n)?(title|args|model|settings|schema|[-:{}\\[\\],'\"|# a-c]|\n|\\$\\{\\{|\\}\\}|input|ä){0,30}(---\n)?.{0,20}") {
        if let Err(error) = PromptStep::parse("steps/own.md", &text) {
            prop_assert!(!error.problems.is_empty());
        }
    }
}
