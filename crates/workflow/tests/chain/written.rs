//! The workflow that a chain stands for.

use lao_event::FlowAction;
use lao_workflow::chain::{Library, template, to_yaml};
use lao_workflow::flow;
use proptest::prelude::*;

use super::{library, parse};

fn yaml(chain: &str) -> String {
    let yaml = to_yaml(chain, &library()).unwrap_or_else(|error| panic!("{}", error.render()));
    parse(chain, &library()).unwrap_or_else(|error| panic!("{error}\n{yaml}"));
    yaml
}

#[test]
fn chains_are_written_as_workflows() {
    let chains = [
        "transcribe talk.wav | summarize 5 bullets | extract-entities | save out.md",
        "summarize | translate German | save 'my notes.md' | append log.md | run wc -w",
        "stdin | rewrite \"as a poem, it's short\" | title | embed",
        "read page.html | ask 'Who | what?' | classify good,bad | save label.txt",
        "run ls | style-check depth=3 | short | short",
        "run find . -name *.wav | transcribe | bullets",
    ];
    let written: Vec<String> =
        chains.iter().map(|chain| format!("# {chain}\n{}", yaml(chain))).collect();
    insta::assert_snapshot!(written.join("\n"));
}

#[test]
fn arguments_are_data() {
    let chain = "read '${{ inputs.text }}.md' | rewrite 'say \"}}\" and ${{ run.id }} \\n # {x: y}' | save '$${{.md'";
    let workflow = parse(chain, &Library::default()).unwrap_or_else(|error| panic!("{error}"));
    let context =
        serde_json::json!({"steps": {"read": {"output": "T"}, "rewrite": {"output": "R"}}});
    let text = |template: &lao_event::Template| {
        let template = lao_expression::Template::parse(&template.0).expect("a template");
        template.text(&context).expect("a text")
    };
    let [read, rewrite, save] = workflow.steps.as_slice() else { panic!("three steps") };
    let FlowAction::Read(read) = &read.step.action else { panic!("a read") };
    let lao_event::ReadWhat::Text(path) = &read.what else { panic!("a text") };
    assert_eq!(text(path), "${{ inputs.text }}.md");
    let FlowAction::Prompt(rewrite) = &rewrite.step.action else { panic!("a prompt") };
    assert_eq!(
        text(&rewrite.text),
        "Rewrite the text below as follows: say \"}}\" and ${{ run.id }} \\n # {x: y}\nWrite the result only.\n\nT"
    );
    let FlowAction::Write(save) = &save.step.action else { panic!("a write") };
    assert_eq!((text(&save.path), text(&save.text)), ("$${{.md".to_owned(), "R".to_owned()));
}

#[test]
fn every_step_has_a_chain_and_a_meaning() {
    for step in Library::default().steps().into_iter().chain(library().steps()) {
        assert!(!step.meaning.is_empty() && step.usage.starts_with(&step.name), "{step:?}");
        let args: String = step.usage[step.name.len()..].replace(['[', ']'], "").replace("...", "");
        yaml(&format!("{}{} | bullets", step.name, args.to_lowercase()));
    }
    assert!(
        library()
            .steps()
            .iter()
            .any(|step| step.is_own && step.usage == "style-check [GUIDE] DEPTH")
    );
}

#[test]
fn the_template_is_a_workflow() {
    for name in ["notes", "it's: \"#1\"\n", ""] {
        let text = template(name);
        let workflow = flow::parse("new.yaml", &text, &mut |_| Err(String::new()));
        if name.is_empty() {
            workflow.expect_err("it needs a name");
        } else {
            let workflow = workflow.unwrap_or_else(|error| panic!("{}", error.render()));
            assert_eq!((workflow.name.as_str(), workflow.steps.len()), (name.trim(), 3));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_harmless(text in any::<String>()) {
        drop(parse(&text, &Library::default()));
    }

    #[test]
    fn chains_like_text_is_harmless(
        text in "(summarize|save|read|run|stdin|translate|embed|ask|rewrite| \\| |['\"\\\\|#=$&~ ]|\\$\\{\\{|\\}\\}|[a-z.]{1,4}|\n|ä){0,20}"
    ) {
        match parse(&text, &library()) {
            Ok(workflow) => prop_assert!(!workflow.steps.is_empty()),
            Err(error) => prop_assert!(!error.is_empty()),
        }
    }

    #[test]
    fn any_argument_arrives_as_it_is(argument in any::<String>()) {
        prop_assume!(!argument.contains('\0'));
        let quoted = format!("'{}'", argument.replace('\'', "'\\''"));
        let chain = format!("run echo {quoted} | rewrite {quoted}");
        let workflow = parse(&chain, &Library::default()).map_err(TestCaseError::fail)?;
        let context = serde_json::json!({"steps": {"run": {"output": "<in>"}}});
        let text = |template: &lao_event::Template| {
            lao_expression::Template::parse(&template.0).expect("a template").text(&context).expect("a text")
        };
        let FlowAction::Run(run) = &workflow.steps[0].step.action else { panic!("a run") };
        prop_assert_eq!(text(&run.argv[1]), argument.clone());
        let FlowAction::Prompt(prompt) = &workflow.steps[1].step.action else { panic!("a prompt") };
        let expected = format!("follows: {argument}\nWrite the result only.\n\n<in>");
        let is_there = text(&prompt.text).contains(&expected);
        prop_assert!(is_there);
    }
}
