//! What is refused: each rule with the text that breaks it, the place and the cure.

use lao_workflow::flow::parse;

use super::{good, problem, problems, read};

/// A workflow with these lines as its only step.
fn step(lines: &str) -> String {
    let indented: Vec<String> = lines.lines().map(|line| format!("    {line}\n")).collect();
    format!("steps:\n  - id: a\n{}", indented.concat())
}

#[test]
fn a_file_with_a_dozen_mistakes_is_told_with_all_of_them() {
    let text = include_str!("workflows/wrong.yaml");
    let error = parse("flows/wrong.yaml", text, &mut |_| Err("no such file".to_owned()))
        .expect_err("it is wrong");
    assert!(error.problems.len() >= 12, "{}", error.problems.len());
    insta::assert_snapshot!("wrong", error.render());
}

#[test]
fn rules_of_the_file() {
    for (text, expected) in [
        ("", "1:1: a workflow has no `steps`; add `steps: ...`: what it does"),
        (
            "steps: []",
            "1:8: there are no steps; add a step: `- id: NAME`, and under it one of the kinds",
        ),
        (
            "steps: {}",
            "1:8: `steps` is a list, here is a mapping; begin each step with `- id: NAME`",
        ),
        (
            "- a",
            "1:1: a workflow is a mapping, here is a list; write lines of `key: value`; known are name, description, inputs, on, output, steps",
        ),
        (
            "steps: [",
            "1:1: this is not YAML: while parsing a node, did not find expected node content",
        ),
        (
            "a: &x 1\n",
            "1:4: anchors and aliases are not read here; write the value out where it is needed",
        ),
        (
            "a: !x 1\n",
            "1:4: tags are not read here; remove the word that begins with `!`, or put the text in quotes",
        ),
    ] {
        let found = problems(text);
        assert_eq!(found[0], expected, "{text}\n{found:#?}");
    }
    let twice = format!("{}---\n{}", step("read: x"), step("read: x"));
    assert_eq!(
        problem(&twice),
        "4:1: a second document begins here; write one workflow in one file"
    );
    let two = format!("{}name: a\nname: b\nnmae: c\n", step("read: x"));
    assert_eq!(
        problems(&two),
        [
            "5:1: `name` stands twice; remove one",
            "6:1: unknown key `nmae` in a workflow; did you mean `name`?"
        ]
    );
    let deep = format!("steps: {}", "[".repeat(100));
    assert!(problems(&deep)[0].contains("nested deeper than 64 levels"));
}

#[test]
fn what_is_wrong_inside_a_list_is_told_at_its_place() {
    let lines = "map: {over: [a, {k: \"b ${{ nope }}\"}], do: {read: x}}";
    assert!(
        problem(&step(lines)).starts_with("3:32: there is no value `nope`"),
        "{}",
        problem(&step(lines))
    );
    let syntax = "embed: [a, \"${{ 1 + }}\"]";
    assert!(problem(&step(syntax)).starts_with("3:23: "), "{}", problem(&step(syntax)));
    assert_eq!(
        problem(&step("embed: { text: { a: b } }")),
        "3:20: `text` is a text or a list of texts, here is a mapping"
    );
    let many = vec!["\"${{ run.id }}\""; 300].join(", ");
    assert!(
        problem(&step(&format!("embed: [{many}]")))
            .starts_with("3:12: `text` as a whole: the expression has"),
    );
}

#[test]
fn a_step_has_a_size() {
    let items = |count: usize| {
        format!("map: {{over: [{}], do: {{read: x}}}}", vec!["word"; count].join(", "))
    };
    good(&step(&items(10_000)));
    let problem = problem(&step(&items(30_000)));
    assert!(problem.starts_with("2:5: `a` is too large: "), "{problem}");
    assert!(problem.contains("and a step has 256 KiB; read a long list from a file"), "{problem}");
}

/// Lines of a step, and what is wrong with them.
const STEPS: &[(&str, &str)] = &[
    ("reed: x", "3:5: unknown key `reed` in a step; did you mean `read`?"),
    (
        "title: x",
        "2:5: a step says not what it does; add one of prompt, agent, plan, transcribe, embed, run, read, write, map, approve, wait, workflow, assert",
    ),
    (
        "read: x\nwrite: { path: a, text: b }",
        "4:5: `write` besides `read`; a step has exactly one of prompt, agent, plan, transcribe, embed, run, read, write, map, approve, wait, workflow, assert; remove one",
    ),
    ("read: x\nneeds: [b]", "4:13: there is no step `b`; did you mean `a`?"),
    (
        "read: x\nneeds: a",
        "2:5: the step `a` needs itself; take out one of these needs: in `needs`, in `${{ }}` or as a fallback",
    ),
    ("read: x\nwhen: false", "4:5: this step never runs; remove the step, or the `when`"),
    (
        "read: x\nwhen: a ${{ run.id }}",
        "4:11: `when` is one expression, and here is more; put all of it between `${{` and `}}`, or leave both out",
    ),
    ("read: x\nwhen: 1 +", "4:13: unexpected end of input, expected expression"),
    (
        "read: x\ntimeout: soon",
        "4:14: `timeout` is a duration, here is `soon`; write a number of milliseconds, or as in `500ms`, `30s`, `5m`, `1h30m`",
    ),
    ("read: x\ntimeout: 0", "4:5: a timeout of nothing leaves no time; leave it out for no limit"),
    (
        "approve: Go on?\ntimeout: 5m",
        "4:5: a question has no timeout; leave the timeout out: a person is waited for",
    ),
    ("read: x\ncache: yes", "4:12: `cache` is true or false, here is `yes`"),
    ("read: x\nretry: 0", "4:12: `retry` is a whole number from 1 to 100, here is `0`"),
    (
        "read: x\nretry: { pause: 2s }",
        "4:12: `retry` has no `attempts`; add `attempts: ...`: tries, counting the first",
    ),
    (
        "read: x\nretry: { attempts: 2, on: [modl] }",
        "4:32: `modl` is no kind of failure; did you mean `model`?",
    ),
    (
        "read: x\non_failure: ignore",
        "4:17: `on_failure` is one of stop, continue, here is `ignore`",
    ),
    (
        "read: x\non_failure: { fallback: a }",
        "4:5: `a` cannot stand in for itself; name another step",
    ),
    ("read: x\non_failure: { fallback: c }", "4:5: there is no step `c`; did you mean `a`?"),
    (
        "read: x\nmodel: coder",
        "4:5: `model` has no use beside `read`; remove it; prompt and agent ask a model",
    ),
    (
        "prompt: x\nmodel: analist",
        "4:12: `model` is one of planner, coder, reviewer, analyst, pilot, here is `analist`; did you mean `analyst`?",
    ),
    (
        "prompt: x\nsettings: { temperature: 3 }",
        "4:30: `temperature` is a number from 0 to 2, here is `3`",
    ),
    (
        "prompt: { text: x, format: text, schema: {} }",
        "3:38: a schema is for JSON, and the format is text; write `format: json`, or remove the schema",
    ),
    (
        "prompt: { text: x, schema: 5 }",
        "3:24: `schema` is a mapping; write a JSON Schema: `{ type: object, properties: { ... } }`",
    ),
    (
        "prompt: [a]",
        "3:13: `prompt` is a mapping, here is a list; write lines of `key: value`; known are text, system, format, schema",
    ),
    ("prompt:", "3:11: `prompt` has no `text`; add `text: ...`: what is asked"),
    ("agent: { task: x, turns: 0 }", "3:30: `turns` is a whole number from 1 to 1000, here is `0`"),
    ("run: []", "3:10: `command` is a list with at least the program, here is a list"),
    (
        "run: { shell: ls, command: [ls] }",
        "3:12: `shell` besides `command`; `run` has exactly one of command, shell; remove one",
    ),
    (
        "run: { command: ls }",
        "3:21: `command` is a list of texts, here is `ls`; write `[program, argument]`, or `shell:` for a line",
    ),
    (
        "run: { shell: ls, exit_codes: [a] }",
        "3:35: `exit_codes` is a list of whole numbers, here is a list",
    ),
    ("read: {}", "3:11: `read` says not what it does; add one of file, json, lines, files"),
    (
        "write: { path: x }",
        "3:12: `write` has no `text`; add `text: ...`: its text; what is no text is written as JSON",
    ),
    (
        "write: { path: x, text: y, mode: apend }",
        "3:38: `mode` is one of replace, append, create, here is `apend`; did you mean `append`?",
    ),
    (
        "transcribe: { file: x, format: doc }",
        "3:36: `format` is one of text, srt, vtt, json, here is `doc`",
    ),
    (
        "map: { over: text, do: { read: x } }",
        "3:18: `over` is a list, or one `${{ }}` that comes to one, here is `text`",
    ),
    (
        "map: { over: [a], do: { id: b, read: x } }",
        "3:29: unknown key `id` in the step inside a map; known are prompt, agent, plan, transcribe, embed, run, read, write, map, approve, wait, workflow, assert, when, retry, timeout, on_failure, cache, model, settings",
    ),
    (
        "map: { over: [a], do: { read: x, on_failure: { fallback: a } } }",
        "3:50: `on_failure` is one of stop, continue, here is a mapping",
    ),
    ("wait: {}", "3:11: `wait` says not what it does; add one of for, until"),
    ("assert: { message: x }", "3:13: `assert` has no `that`; add `that: ...`: what must be true"),
    (
        "workflow: b.yaml",
        "3:15: `flows/b.yaml` cannot be read: no file flows/b.yaml; the path is seen from the folder of this file",
    ),
    (
        "workflow: ${{ inputs.x }}",
        "3:15: `file` is a text that is known before the run, here is `${{ inputs.x }}`; write it out, without `${{ }}`",
    ),
];

#[test]
fn rules_of_a_step() {
    let mut wrong = Vec::new();
    for (lines, expected) in STEPS {
        let found = problems(&step(lines));
        if found != [*expected] {
            wrong.push((lines, found));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn rules_of_ids() {
    for (id, expected) in [
        (
            "my-step",
            "1:14: `my-step` is no name of a step; write `my_step`: expressions read `-` as minus",
        ),
        (
            "1a",
            "1:14: `1a` is no name of a step; a letter, then letters, digits and `_`, at most 64 of them",
        ),
        (
            "a b",
            "1:14: `a b` is no name of a step; a letter, then letters, digits and `_`, at most 64 of them",
        ),
        ("[a]", "1:14: `id` is one line of text, here is a list"),
    ] {
        assert_eq!(problem(&format!("steps: [{{id: {id}, read: x}}]")), expected, "{id}");
    }
    let long = "a".repeat(65);
    assert!(problem(&format!("steps: [{{id: {long}, read: x}}]")).contains("at most 64"));
    good(&format!("steps: [{{id: {}, read: x}}]", "a".repeat(64)));
    assert_eq!(
        problem("steps: [{read: x}]"),
        "1:9: a step has no `id`; add `id: ...`: its name: a letter, then letters, digits and `_`"
    );
    assert_eq!(
        problem("steps:\n- {id: a, read: x}\n- {id: a, read: y}"),
        "3:4: there are two steps `a`; the first is in line 2; give this one another name"
    );
}

#[test]
fn rules_of_references() {
    for (expression, expected) in [
        ("steps.b.output", "there is no step `b`; did you mean `a`?"),
        ("steps.first", "`steps.first` is a step, not a value; write `steps.first.output`"),
        ("steps.first.outputs", "a step has no `outputs`; did you mean `output`?"),
        ("steps.first.title", "a step has no `title`; there are output, status, error, exit_code"),
        ("steps[inputs.known].output", "`steps` needs a name behind it; write `steps.NAME.output`"),
        ("inputs", "`inputs` needs a name behind it; write `inputs.NAME`"),
        ("inputs.knwon", "there is no input `knwon`; did you mean `known`?"),
        ("inputs.other", "there is no input `other`; declare it: `inputs: { other: ... }`"),
        ("known", "there is no value `known`; write `inputs.known`"),
        ("first | lower", "there is no value `first`; write `steps.first.output`"),
        ("step.first.output", "there is no value `step`; did you mean `steps`?"),
        (
            "banana",
            "there is no value `banana`; known are steps, inputs, trigger, run; put texts in quotes",
        ),
        (
            "item",
            "`item` is known only inside a map; put the step under `map: { over: ..., do: ... }`",
        ),
        (
            "index",
            "`index` is known only inside a map; put the step under `map: { over: ..., do: ... }`",
        ),
        (
            "trigger.path",
            "`trigger.path` is of a file, and no folder is watched; add `on: { watch: { path: FOLDER } }`, or use an input",
        ),
        ("trigger.pth", "a trigger has no `pth`; did you mean `path`?"),
        ("run.name", "a run has no `name`; there is `run.id`"),
        ("inputs.known | uper", "there is no filter `uper`; did you mean `upper`?"),
    ] {
        let text = format!(
            "inputs: {{known: x}}\nsteps:\n- {{id: first, read: x}}\n- id: a\n  approve: |\n    Ask:\n    ${{{{ {expression} }}}}\n"
        );
        let column = if expression.contains('|') && expression.contains("uper") { 24 } else { 9 };
        assert_eq!(problem(&text), format!("7:{column}: {expected}"), "{expression}");
    }
    good(
        "on: {schedule: {cron: '* * * * *'}}\nsteps: [{id: a, approve: '${{ trigger.kind ~ trigger.time ~ run.id }}'}]",
    );
    let output = "output: ${{ steps.b.output }}\nsteps: [{id: a, read: x}]";
    assert_eq!(problem(output), "1:13: there is no step `b`; did you mean `a`?");
}

#[test]
fn places_are_right_in_every_style_of_text() {
    for (text, place) in [
        ("approve: a ${{ steps.b.output }}", "3:20"),
        ("approve: \"a \\\" ${{ steps.b.output }}\"", "3:24"),
        ("approve: 'it''s ${{ steps.b.output }}'", "3:25"),
        ("approve: >\n  a\n  b ${{ steps.b.output }}", "5:13"),
        ("approve: |-\n\n  ä ${{ steps.b.output }}", "5:13"),
        ("approve: a\n  b ${{ steps.b.output }}", "4:13"),
        ("read: x\nwhen: steps.b.output == 1", "4:11"),
        ("run: [ls, \"${{ steps.b.output }}\"]", "3:20"),
    ] {
        assert!(
            problem(&step(text)).starts_with(&format!("{place}: there is no step `b`")),
            "{text}: {}",
            problem(&step(text))
        );
    }
}

#[test]
fn rules_of_triggers() {
    let with = |on: &str| format!("inputs: {{f: x}}\non: {on}\nsteps: [{{id: a, read: x}}]");
    for (on, expected) in [
        (
            "{ watch: { match: x } }",
            "2:14: a watched folder has no `path`; add `path: ...`: the folder; only inputs are known here",
        ),
        (
            "{ watch: \"${{ steps.a.output }}\" }",
            "2:19: `steps.a.output` is not known before a run; only inputs are known here, as in `inputs.folder`",
        ),
        ("{ watch: \"${{ inputs.g }}\" }", "2:19: there is no input `g`; did you mean `f`?"),
        (
            "{ schedule: \"* * * *\" }",
            "2:17: a schedule has five or six fields, here are 4; write minute, hour, day, month, weekday, as in `0 7 * * mon-fri`",
        ),
        (
            "{ schedule: { cron: \"* * * * $\" } }",
            "2:19: `$` is no field of a schedule; write minute, hour, day, month, weekday, as in `0 7 * * mon-fri`",
        ),
        (
            "{ schedule: \"@dayly\" }",
            "2:17: there is no schedule `@dayly`; write minute, hour, day, month, weekday, as in `0 7 * * mon-fri`",
        ),
        (
            "{ schedule: { cron: \"@daily\", missed: never } }",
            "2:43: `missed` is one of skip, once, all, here is `never`",
        ),
        ("{ manul: {} }", "2:7: unknown key `manul` in `on`; did you mean `manual`?"),
        (
            "{ watch: { path: x, concurrency: 0 } }",
            "2:38: `concurrency` is a whole number from 1 to 1024, here is `0`",
        ),
    ] {
        assert_eq!(problem(&with(on)), expected, "{on}");
    }
}

#[test]
fn a_bad_step_is_not_told_again_where_it_is_used() {
    let text = "steps:\n- {id: a, reed: x}\n- {id: b, approve: '${{ steps.a.output }}', needs: a}";
    assert_eq!(problems(text).len(), 1, "{:#?}", problems(text));
}

#[test]
fn problems_are_bounded_and_cheap() {
    let steps = super::lines(0..5000, |n| format!("- {{id: s{n}, read: x, needs: t{n}}}\n"));
    let error = read(&format!("steps:\n{steps}")).expect_err("all are wrong");
    assert_eq!(error.problems.len(), 200);
}

#[test]
fn rendering_obeys_no_control_characters() {
    let error = read("steps:\n- id: a\n  read: \"\\e[31m${{ steps.\\u0007b.output }}\"\n")
        .expect_err("wrong");
    assert!(!error.render().contains('\u{1b}') && !error.render().contains('\u{7}'));
}
