//! Chains: the workflow each stands for, what is refused, and steps of a project.

mod files;
mod refused;
mod written;

use lao_workflow::{
    chain::{Library, PromptStep, to_yaml},
    flow::{self, Workflow},
};

fn library() -> Library {
    let mut library = Library::default();
    for (path, text) in [
        (
            "steps/style-check.md",
            "---\ntitle: What is wrong with a text's style\nmodel: reviewer\nsettings: { temperature: 0.2 }\nargs: { guide: plain, depth: }\nsystem: You are strict.\n---\nCheck by the guide ${{ args.guide }}, depth ${{ args.2 }}:\n\n${{ input }}\n",
        ),
        ("steps/short.md", "Say it in one word.\n"),
    ] {
        library.add(PromptStep::parse(path, text).expect(path));
    }
    library
}

/// The workflow that a chain stands for, or what people read instead.
fn parse(chain: &str, library: &Library) -> Result<Workflow, String> {
    let yaml = to_yaml(chain, library).map_err(|error| error.render())?;
    flow::parse("chain", &yaml, &mut |_| Err("a chain calls no workflow".to_owned()))
        .map_err(|error| error.render())
}
