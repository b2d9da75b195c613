//! Needs, order, fallbacks, cycles, called workflows.

use std::collections::BTreeMap;

use lao_event::{FlowAction, OnFailure};
use lao_workflow::flow::{FlowError, Workflow, parse};
use serde_json::json;

use super::{good, lines, problem, problems};

fn graph(workflow: &Workflow) -> Vec<String> {
    let line = |step: &lao_event::NamedStep| format!("{}: {}", step.id, step.needs.join(" "));
    workflow.steps.iter().map(|step| line(step).trim_end().to_owned()).collect()
}

#[test]
fn needs_follow_from_what_is_used_and_what_is_said() {
    let workflow = good(
        "steps:\n\
         - {id: last, needs: [b, b], approve: \"${{ steps.a.output }} ${{ steps.a.status }}\"}\n\
         - {id: c, read: c}\n\
         - {id: b, when: steps.c.exit_code == 0, read: b}\n\
         - {id: a, map: {over: \"${{ steps.b.output }}\", do: {run: [echo, \"${{ item }}\", \"${{ steps.c.output }}\"]}}}\n",
    );
    assert_eq!(graph(&workflow), ["c:", "b: c", "a: c b", "last: b a"]);
    assert_eq!(workflow.output.0, "${{ steps.a.output }}");
}

#[test]
fn what_is_used_inside_lists_and_mappings_is_needed_too() {
    let workflow = good(
        "output: {page: \"${{ steps.each.output[0] }}\", fixed: [1, {a: \"b ${{ steps.vectors.output }}\"}]}\n\
         steps:\n\
         - {id: vectors, embed: [plain, \"${{ steps.a.output }}\"]}\n\
         - {id: each, map: {over: [\"${{ steps.a.output }}\", [x, \"y ${{ steps.b.output }}\"]], do: {read: \"${{ item }}\"}}}\n\
         - {id: a, read: a}\n\
         - {id: b, read: b}\n",
    );
    assert_eq!(graph(&workflow), ["a:", "vectors: a", "b:", "each: a b"]);
    assert_eq!(
        workflow.output.0,
        "${{ {\"page\": (steps.each.output[0]), \
         \"fixed\": [1, {\"a\": ([\"b \", (steps.vectors.output)] | join)}]} }}"
    );
}

#[test]
fn order_is_that_of_the_file_where_nothing_else_follows() {
    let steps = lines((0..50).rev(), |n| format!("- {{id: s{n}, read: x}}\n"));
    let workflow = good(&format!("steps:\n{steps}"));
    let ids: Vec<&str> = workflow.steps.iter().map(|step| step.id.as_str()).collect();
    let number = |id: &str| id[1..].parse::<u32>().expect("a number");
    assert!(ids.windows(2).all(|pair| number(pair[0]) > number(pair[1])));
}

#[test]
fn whoever_needs_a_step_needs_its_fallback_too() {
    let workflow = good(
        "steps:\n\
         - {id: use, approve: \"${{ steps.main.output }}\"}\n\
         - {id: main, prompt: x, on_failure: {fallback: second}}\n\
         - {id: second, prompt: y, on_failure: {fallback: third}}\n\
         - {id: third, prompt: z}\n",
    );
    assert_eq!(
        graph(&workflow),
        ["main:", "second: main", "third: second", "use: main second third"]
    );
    let step = |id: &str| {
        workflow
            .steps
            .iter()
            .find(|step| step.id == id)
            .map(|step| &step.step)
            .expect("it is there")
    };
    assert_eq!(step("main").on_failure, OnFailure::Fallback("second".to_owned()));
    assert_eq!(step("second").fallback_for.as_deref(), Some("main"));
    assert_eq!(step("use").fallback_for, None);
}

#[test]
fn a_fallback_is_of_one_step_and_needed_by_none_before() {
    assert_eq!(
        problem(
            "steps:\n- {id: a, read: x, on_failure: {fallback: f}}\n- {id: b, read: x, on_failure: {fallback: f}}\n- {id: f, read: y}"
        ),
        "3:20: `f` stands in for `a` already; write a step of its own for this one"
    );
    assert_eq!(
        problem(
            "steps:\n- {id: a, read: \"${{ steps.f.output }}\", on_failure: {fallback: f}}\n- {id: f, read: y}"
        ),
        "2:4: steps need each other: a -> f -> a; take out one of these needs: in `needs`, in `${{ }}` or as a fallback"
    );
    let mutual = "steps:\n- {id: a, read: x, on_failure: {fallback: b}}\n- {id: b, read: x, on_failure: {fallback: a}}";
    assert!(problem(mutual).contains("a -> b -> a"), "{}", problem(mutual));
}

#[test]
fn every_cycle_is_named() {
    let text = "steps:\n\
        - {id: a, read: x, needs: b}\n- {id: b, read: x, needs: c}\n- {id: c, read: x, needs: a}\n\
        - {id: after, read: x, needs: c}\n\
        - {id: self, read: \"${{ steps.self.output }}\"}\n\
        - {id: d, read: x, needs: e}\n- {id: e, read: x, needs: d}\n";
    let found: Vec<String> = problems(text)
        .iter()
        .map(|line| line.split(';').next().unwrap_or_default().to_owned())
        .collect();
    assert_eq!(
        found,
        [
            "2:4: steps need each other: a -> b -> c -> a",
            "6:4: the step `self` needs itself",
            "7:4: steps need each other: d -> e -> d",
        ]
    );
}

fn with_files(files: &[(&str, &str)]) -> Result<Workflow, FlowError> {
    let files: BTreeMap<&str, &str> = files.iter().copied().collect();
    let text = files["flows/a.yaml"];
    parse("flows/a.yaml", text, &mut |path| {
        files.get(path).map(|text| (*text).to_owned()).ok_or_else(|| "there is none".to_owned())
    })
}

#[test]
fn a_called_workflow_is_inside_with_all_its_inputs() {
    let workflow = with_files(&[
        ("flows/a.yaml", "inputs: {who: x}\nsteps:\n- {id: call, workflow: {file: sub/b.yaml, with: {count: 3, name: \"${{ inputs.who }}\"}}}"),
        ("flows/sub/b.yaml", "inputs: {count: {type: number}, name: y, list: [1, a], raw: \"$\", flag: true}\nsteps: [{id: one, workflow: ../c.yaml}, {id: two, read: x}]"),
        ("flows/c.yaml", "output: \"${{ steps.deep.status }}\"\nsteps: [{id: deep, read: x}, {id: b, read: y}]"),
    ])
    .expect("they are right");
    let FlowAction::Workflow(call) = &workflow.steps[0].step.action else { panic!("a call") };
    assert_eq!(call.file, "flows/sub/b.yaml");
    let inputs: Vec<(&str, serde_json::Value)> = call
        .inputs
        .iter()
        .map(|(name, template)| {
            let template = lao_expression::Template::parse(&template.0).expect("a template");
            let context = serde_json::json!({"inputs": {"who": "me"}});
            (name.as_str(), template.value(&context).expect("a value"))
        })
        .collect();
    assert_eq!(
        inputs,
        [
            ("count", json!(3)),
            ("name", json!("me")),
            ("list", json!([1, "a"])),
            ("raw", json!("$")),
            ("flag", json!(true)),
        ]
    );
    assert_eq!(call.output.0, "${{ steps.two.output }}");
    let FlowAction::Workflow(inner) = &call.steps[0].step.action else { panic!("a call") };
    assert_eq!(inner.output.0, "${{ steps.deep.status }}");
    assert_eq!(workflow.steps_total, 5);
}

#[test]
fn what_is_wrong_in_a_called_workflow_is_told_with_its_file() {
    let error = with_files(&[
        ("flows/a.yaml", "steps:\n- {id: one, workflow: b.yaml}\n- {id: two, workflow: b.yaml}\n- {id: x, reed: y}"),
        ("flows/b.yaml", "steps: [{id: one, reed: x}]"),
    ])
    .expect_err("two mistakes");
    assert_eq!(
        error.to_string(),
        "flows/a.yaml:4:11: unknown key `reed` in a step; did you mean `read`?\n\
         flows/b.yaml:1:19: unknown key `reed` in a step; did you mean `read`?"
    );
}

#[test]
fn calls_are_checked_and_bounded() {
    let inputs = with_files(&[
        (
            "flows/a.yaml",
            "steps:\n- {id: one, workflow: {file: b.yaml, with: {nmber: 3, flag: maybe}}}",
        ),
        ("flows/b.yaml", "inputs: {number: , flag: true}\nsteps: [{id: one, read: x}]"),
    ]);
    assert_eq!(
        inputs.expect_err("three mistakes").to_string(),
        "flows/a.yaml:2:24: `flows/b.yaml` needs the input `number`; add it: `with: { number: ... }`\n\
         flows/a.yaml:2:45: `flows/b.yaml` has no input `nmber`; did you mean `number`?\n\
         flows/a.yaml:2:55: `flag` is of type boolean; here is `maybe`"
    );
    let cycle = with_files(&[
        ("flows/a.yaml", "steps: [{id: one, workflow: b.yaml}]"),
        ("flows/b.yaml", "steps: [{id: one, workflow: ./a.yaml}]"),
    ]);
    assert!(cycle.expect_err("a cycle").to_string().starts_with(
        "flows/b.yaml:1:29: workflows call each other: flows/a.yaml -> flows/b.yaml -> flows/a.yaml"
    ));
    let names: Vec<String> = (0..20).map(|n| format!("flows/{n}.yaml")).collect();
    let texts: Vec<String> =
        (0..20).map(|n| format!("steps: [{{id: a, workflow: {}.yaml}}]", n + 1)).collect();
    let mut deep: Vec<(&str, &str)> =
        names.iter().map(String::as_str).zip(texts.iter().map(String::as_str)).collect();
    deep.push(("flows/a.yaml", "steps: [{id: a, workflow: 0.yaml}]"));
    assert!(with_files(&deep).expect_err("too deep").to_string().contains("nested deeper than 16"));
}

#[test]
fn calls_that_multiply_are_bounded() {
    let names: Vec<String> = (0..15).map(|n| format!("flows/{n}.yaml")).collect();
    let text = |n: usize| {
        let call = |k: usize| format!("- {{id: s{k}, workflow: {}.yaml}}\n", n + 1);
        if n == 14 {
            "steps: [{id: a, read: x}]".to_owned()
        } else {
            format!("steps:\n{}", (0..10).map(call).collect::<String>())
        }
    };
    let texts: Vec<String> = (0..15).map(text).collect();
    let mut files: Vec<(&str, &str)> =
        names.iter().map(String::as_str).zip(texts.iter().map(String::as_str)).collect();
    files.push(("flows/a.yaml", "steps: [{id: a, workflow: 0.yaml}]"));
    assert!(
        with_files(&files).expect_err("too many").to_string().contains("more than 100000 steps")
    );
}

#[test]
fn ten_thousand_steps_in_a_chain_and_in_a_fan() {
    let step = |n: usize| match n {
        0 => "- {id: s0, read: x}\n".to_owned(),
        n => format!("- {{id: s{n}, approve: \"${{{{ steps.s{}.output }}}}\"}}\n", n - 1),
    };
    let chain = good(&format!("steps:\n{}", (0..10_000).map(step).collect::<String>()));
    assert_eq!(chain.steps.len(), 10_000);
    let chain = good(&format!("steps:\n{}", (0..10_000).rev().map(step).collect::<String>()));
    assert_eq!((chain.steps[0].id.as_str(), chain.steps[9999].id.as_str()), ("s0", "s9999"));
    let fan = lines(0..10_000, |n| format!("- {{id: s{n}, read: x}}\n"));
    let all = lines(0..10_000, |n| format!("${{{{ steps.s{n}.output }}}} "));
    let fan = good(&format!("steps:\n{fan}- {{id: all, approve: '{all}'}}\n"));
    assert_eq!(fan.steps[10_000].needs.len(), 10_000);
    let around =
        lines(0..10_000, |n| format!("- {{id: s{n}, read: x, needs: s{}}}\n", (n + 1) % 10_000));
    assert!(problem(&format!("steps:\n{around}")).contains("s0 -> s1 -> "));
}
