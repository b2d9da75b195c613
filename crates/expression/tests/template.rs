//! Templates: what they mean, what is refused and where, and that no text is dangerous.

use lao_expression::{FUNCTIONS, Template, is_true};
use proptest::prelude::*;
use serde_json::{Value, json};

fn context() -> Value {
    json!({
        "steps": {
            "text": {"output": "Hello", "status": "done", "error": null, "exit_code": null},
            "list": {"output": ["b", "a", "b"], "status": "done"},
            "data": {"output": {"title": "T", "n": 3, "odd-key": 1, "f": 2.5}, "status": "done"},
        },
        "inputs": {"folder": "./inbox", "n": 2, "flag": false, "empty": "", "s": "it's ${{ 1 }}"},
        "trigger": {"path": "a/b/talk.final.wav"},
        "run": {"id": "r1"},
    })
}

fn value(text: &str) -> Value {
    Template::parse(text).expect(text).value(&context()).expect(text)
}

fn failure(text: &str) -> String {
    Template::parse(text).expect(text).value(&context()).expect_err(text).message
}

/// What is wrong, with the text at fault.
fn refused(text: &str) -> String {
    let error = Template::parse(text).expect_err(text);
    let hint = error.hint.map(|hint| format!(" [{hint}]")).unwrap_or_default();
    format!("<{}> {}{hint}", &text[error.start..error.end], error.message)
}

#[test]
fn a_single_expression_keeps_its_type() {
    for (text, expected) in [
        ("${{ inputs.n }}", json!(2)),
        ("  ${{ inputs.flag }}\n", json!(false)),
        ("${{ steps.list.output }}", json!(["b", "a", "b"])),
        ("${{ steps.data.output }}", json!({"title": "T", "n": 3, "odd-key": 1, "f": 2.5})),
        ("${{ steps.text.error }}", Value::Null),
        ("${{ steps.data.output[\"odd-key\"] }}", json!(1)),
        ("${{ steps['text'].output }}", json!("Hello")),
        ("${{ steps.list.output[1:] }}", json!(["a", "b"])),
        ("${{ {\"a\": {\"b\": [1, null]}} }}", json!({"a": {"b": [1, null]}})),
        ("${{ '}}' }}", json!("}}")),
        ("${{ inputs.n + 1 }}", json!(3)),
        ("${{ 'x' if inputs.flag else 'y' }}", json!("y")),
    ] {
        assert_eq!(value(text), expected, "{text}");
        assert!(Template::parse(text).expect(text).is_single());
    }
}

#[test]
fn text_around_makes_a_text() {
    assert_eq!(value("n=${{ inputs.n }}, ${{ inputs.flag }}"), json!("n=2, false"));
    assert_eq!(value("${{ steps.list.output }}!"), json!("[\"b\",\"a\",\"b\"]!"));
    assert_eq!(value("<${{ steps.text.error }}>"), json!("<>"));
    assert_eq!(
        value("plain {{ x }} {% if %} {# c #} $ {"),
        json!("plain {{ x }} {% if %} {# c #} $ {")
    );
    assert_eq!(value("a $${{ b }} ${{ inputs.n }}"), json!("a ${{ b }} 2"));
    assert_eq!(value("$$${{"), json!("$${{"));
    assert_eq!(value(""), json!(""));
    let single = Template::parse("${{ steps.data.output }}").expect("a template");
    assert_eq!(
        single.text(&context()).expect("a text"),
        r#"{"f":2.5,"n":3,"odd-key":1,"title":"T"}"#
    );
}

#[test]
fn a_value_is_never_read_as_an_expression() {
    assert_eq!(value("${{ inputs.s }}"), json!("it's ${{ 1 }}"));
    assert_eq!(value("<${{ inputs.s }}>"), json!("<it's ${{ 1 }}>"));
    assert_eq!(value("${{ '${{ inputs.n }}' }}"), json!("${{ inputs.n }}"));
}

#[test]
fn both_spellings_of_operators_work() {
    for (text, expected) in [
        ("${{ !inputs.flag && inputs.n == 2 }}", true),
        ("${{ not inputs.flag and inputs.n == 2 }}", true),
        ("${{ inputs.flag || false }}", false),
        ("${{ !inputs.flag == true }}", true),
        ("${{ !(inputs.n == 2) }}", false),
        ("${{ !!inputs.n }}", true),
        ("${{ inputs.n != 3 }}", true),
        ("${{ '&& || !' == \"&& || !\" }}", true),
        ("${{ steps.text.error == null }}", true),
        ("${{ 'a' in steps.list.output }}", true),
        ("${{ inputs.n in [1, 2] }}", true),
        ("${{ steps.text.output is defined }}", true),
        ("${{ steps.text.other is defined }}", false),
        ("${{ inputs.empty is empty }}", true),
    ] {
        assert_eq!(value(text), json!(expected), "{text}");
    }
}

#[test]
fn every_function_does_what_it_says() {
    let cases = [
        ("'aB' | lower", json!("ab")),
        ("'aB' | upper", json!("AB")),
        ("' a ' | trim", json!("a")),
        ("'aba' | replace('a', 'xx')", json!("xxbxx")),
        ("'äöü' | truncate(2)", json!("äö")),
        ("'a b  c' | split", json!(["a", "b", "c"])),
        ("'a,,b' | split(',')", json!(["a", "", "b"])),
        ("'a\\nb\\n' | lines", json!(["a", "b"])),
        ("[1, 'a', true] | join('-')", json!("1-a-true")),
        ("'äö' | length + ([1, 2, 3] | length)", json!(5)),
        ("steps.list.output | first", json!("b")),
        ("[1, 2] | last", json!(2)),
        ("[3, 1, 2] | sort", json!([1, 2, 3])),
        ("steps.list.output | unique", json!(["b", "a"])),
        ("steps.text.nothing | default('x')", json!("x")),
        ("steps.text.error | default('x')", json!("x")),
        ("inputs.empty | default('x')", json!("")),
        ("[] | first | default('none')", json!("none")),
        ("' 42 ' | int", json!(42)),
        ("2.9 | int", json!(2)),
        ("2.567 | round(1)", json!(2.6)),
        ("2.5 | round", json!(3)),
        ("{'a': [1, 'x']} | json", json!("{\"a\":[1,\"x\"]}")),
        ("'{\"a\": [1]}' | parse_json", json!({"a": [1]})),
        ("trigger.path | basename", json!("talk.final.wav")),
        ("trigger.path | stem", json!("talk.final")),
        ("trigger.path | extension", json!("wav")),
        ("'.hidden' | stem ~ ('.hidden' | extension)", json!(".hidden")),
        ("trigger.path | folder", json!("a/b")),
        ("\"it's\" | quote", json!("'it'\\''s'")),
        ("contains('hello', 'ell') and contains([1, 2], 2)", json!(true)),
        ("starts_with('hello', 'he')", json!(true)),
        ("ends_with('hello', 'he')", json!(false)),
        ("null is none", json!(true)),
        ("1 is defined", json!(true)),
        ("'' is empty", json!(true)),
    ];
    for (expression, expected) in &cases {
        assert_eq!(value(&format!("${{{{ {expression} }}}}")), *expected, "{expression}");
    }
    for (name, _) in FUNCTIONS {
        assert!(
            cases.iter().any(|(expression, _)| expression.contains(name)),
            "{name} has no case"
        );
    }
}

#[test]
fn mistakes_are_found_at_their_place_before_anything_runs() {
    for (text, expected) in [
        (
            "a ${{ inputs.n",
            "<${{> the expression has no end [close it with `}}`, or write `$${{` for a plain `${{`]",
        ),
        (
            "a ${{ 'x }}",
            "<'> the text in quotes has no end [close it with the same quote before `}}`]",
        ),
        ("ä ${{ x | lowr }}", "<lowr> there is no filter `lowr` [did you mean `lower`?]"),
        ("${{ !a && (x | lowr) }}", "<lowr> there is no filter `lowr` [did you mean `lower`?]"),
        (
            "${{ x | startswith('a') }}",
            "<startswith('a')> there is no filter `startswith` [did you mean `starts_with`?]",
        ),
        (
            "${{ x | replace('a') }}",
            "<replace('a')> `replace` takes 2 arguments, here are 1 [write `TEXT | replace(OLD, NEW)`]",
        ),
        ("${{ x is empti }}", "<empti> there is no test `empti` [did you mean `empty`?]"),
        (
            "${{ contains(a) }}",
            "<contains(a)> `contains` takes 2 arguments, here are 1 [write `contains(TEXT, PART)`, `contains(LIST, ENTRY)`]",
        ),
        (
            "${{ now() }}",
            "<now()> there is no function `now` [known are contains, starts_with, ends_with]",
        ),
        (
            "${{ x.lower() }}",
            "<.lower()> values have no methods [write `VALUE | FILTER`, as in `trigger.path | lower`]",
        ),
        ("${{ }}", "< > the expression is empty [write a value between `${{` and `}}`]"),
        (
            "${{ lower(x) }}",
            "<lower(x)> `lower` is a filter, not a function [write `TEXT | lower`]",
        ),
        (
            "${{ default(x=1) }}",
            "<default(x=1)> `default` is a filter, not a function [write `VALUE | default(OTHER)`]",
        ),
    ] {
        assert_eq!(refused(text), expected, "{text}");
    }
    assert!(refused("${{ a b }}").starts_with("<b> "), "{}", refused("${{ a b }}"));
    assert!(refused("${{ a + }}").contains("unexpected"), "{}", refused("${{ a + }}"));
}

#[test]
fn a_path_that_leads_nowhere_is_an_error_that_names_it() {
    for (text, expected) in [
        (
            "${{ steps.text.outptu }}",
            "`steps.text.outptu` has no value: there is no `outptu` in `steps.text`; did you mean `output`?",
        ),
        ("x${{ other.thing }}", "`other.thing` has no value: there is no `other`"),
        (
            "${{ steps.nope.output | lower }}",
            "`steps.nope.output` has no value: there is no `nope` in `steps`",
        ),
        ("${{ inputs.n | lower }}", "expected a text, found a number"),
        ("${{ steps.data.output | sort }}", "expected a list, found a mapping"),
        (
            "${{ 'x' | parse_json }}",
            "`parse_json`: this is not JSON: expected value at line 1 column 1",
        ),
        ("${{ [] | first }}", "the expression has no value"),
    ] {
        assert_eq!(failure(text), expected, "{text}");
    }
}

#[test]
fn references_are_sorted_unique_and_placed() {
    let text = "ä ${{ steps.text.output | default(inputs.n) }} ${{ !run.id && steps['text'].output[inputs.flag] == item }}";
    let template = Template::parse(text).expect("a template");
    let found: Vec<(String, &str)> = template
        .references()
        .iter()
        .map(|reference| (reference.path.join("."), &text[reference.start..reference.end]))
        .collect();
    let expected = [
        ("inputs.flag", "inputs.flag"),
        ("inputs.n", "inputs.n"),
        ("item", "item"),
        ("run.id", "run.id"),
        ("steps.text.output", "steps.text.output"),
    ];
    assert_eq!(found, expected.map(|(path, place)| (path.to_owned(), place)));
}

#[test]
fn paths_can_be_replaced_and_constants_folded() {
    let template = Template::parse(
        "$${{ ä ${{ input }}, ${{ args.1 ~ '!' if args.1 else input.title }} ${{ 1 + 1 }}",
    )
    .expect("a template");
    let replaced = template.replaced(&|path| match path.join(".").as_str() {
        "input" => Some("steps.a.output".to_owned()),
        "input.title" => Some("steps.a.output.title".to_owned()),
        "args.1" => Some("\"a \\\" }} ${{\"".to_owned()),
        _ => None,
    });
    assert_eq!(
        replaced,
        "$${{ ä ${{ steps.a.output }}, ${{ \"a \\\" }} ${{\" ~ '!' if \"a \\\" }} ${{\" else steps.a.output.title }} ${{ 1 + 1 }}"
    );
    let parsed = Template::parse("a ${{ 'x' ~ '${{' }} ${{ b }} $${{ ${{ [] | first }}")
        .expect("a template");
    assert_eq!(parsed.folded(), "a x$${{ ${{ b }} $${{ ${{ [] | first }}");
    let dollars = Template::parse("${{ '$' }}{{ ${{ '$' }}${{ b }}").expect("a template");
    assert_eq!(dollars.folded(), "$${{ ${{ '$' }}${{ b }}");
}

#[test]
fn positions_are_part_of_a_path() {
    assert_eq!(value("${{ steps.list.output.1 }}"), json!("a"));
    assert_eq!(value("${{ steps.list.output[1] ~ 2.5 }}"), json!("a2.5"));
    let missing = failure("${{ steps.list.output.7 }}");
    assert_eq!(
        missing,
        "`steps.list.output.7` has no value: there is no `7` in `steps.list.output`"
    );
}

#[test]
fn literals_are_known() {
    assert_eq!(Template::parse("a").expect("text").literal(), Some("a"));
    assert_eq!(Template::parse("$${{ a").expect("text").literal(), Some("${{ a"));
    assert!(Template::parse("").expect("text").is_literal());
    let template = Template::parse("a ${{ b }}").expect("text");
    assert!(!template.is_literal() && !template.is_single() && template.literal().is_none());
    assert_eq!(template.source(), "a ${{ b }}");
}

#[test]
fn truth_is_what_is_not_nothing() {
    for value in [json!(null), json!(false), json!(0), json!(0.0), json!(""), json!([]), json!({})]
    {
        assert!(!is_true(&value), "{value}");
    }
    for value in [json!(true), json!(-1), json!("false"), json!([0]), json!({"a": 0})] {
        assert!(is_true(&value), "{value}");
    }
}

#[test]
fn nothing_grows_without_bound() {
    for expression in [
        "'aaaaaaaa' * 1000000000",
        "[1] * 1000000000",
        "[inputs.big, inputs.big, inputs.big, inputs.big, inputs.big, inputs.big]",
        "inputs.big | replace('a', inputs.big)",
        "[inputs.big, inputs.big, inputs.big, inputs.big, inputs.big] | join",
        "[inputs.big, inputs.big, inputs.big, inputs.big, inputs.big] | json",
        "10 ** 100000",
    ] {
        let context = json!({"inputs": {"big": "a".repeat(4_000_000)}});
        let template = Template::parse(&format!("${{{{ {expression} }}}}")).expect(expression);
        template.value(&context).expect_err(expression);
    }
    for hostile in [
        format!("${{{{ {} }}}}", "(".repeat(5000)),
        format!("${{{{ {}x }}}}", "!".repeat(5000)),
        format!("${{{{ {}x }}}}", "a.".repeat(5000)),
        format!("${{{{ {}x }}}}", "a+".repeat(5000)),
        format!("${{{{ {}{} }}}}", "[".repeat(190), "]".repeat(190)),
        format!("${{{{ {} }}}}", "a".repeat(300_000)),
        "${{ 1 }}".repeat(50_000),
        "${{".repeat(10_000),
    ] {
        assert!(Template::parse(&hostile).is_err(), "{}", &hostile[..40]);
    }
    let chain = format!("${{{{ {}1 }}}}", "1+".repeat(199));
    assert_eq!(value(&chain), json!(200));
    let chain = format!("${{{{ a{} }}}}", ".b".repeat(199));
    assert!(failure(&chain).contains("has no value"));
}

#[test]
fn large_values_take_linear_time() {
    let big = "word \"quoted\" ${{ x }}\n".repeat(100_000);
    let context = json!({"steps": {"a": {"output": big}}, "inputs": {"other": big}});
    for expression in
        ["x", "x | lines | join('\\n')", "x | json", "x | upper | trim", "x | split | unique"]
    {
        let text = format!("<${{{{ {} }}}}>", expression.replace('x', "steps.a.output"));
        let found = Template::parse(&text).expect("a template").text(&context).expect(expression);
        assert!(found.len() > 5, "{expression}");
    }
}

proptest! {
    #[test]
    fn a_text_without_expressions_is_itself(text in any::<String>()) {
        prop_assume!(!text.contains("${{"));
        let template = Template::parse(&text).expect("a text");
        prop_assert_eq!(template.literal(), Some(text.as_str()));
        prop_assert_eq!(template.text(&json!({})).expect("a text"), text);
    }

    #[test]
    fn a_value_changes_nothing_around_it(
        before in "[^$]{0,20}", value in any::<String>(), after in any::<String>(),
    ) {
        prop_assume!(!after.contains("${{"));
        let template = Template::parse(&format!("{before}${{{{ item }}}}{after}")).expect("a template");
        let text = template.text(&json!({"item": value})).expect("a text");
        prop_assert_eq!(text, format!("{before}{value}{after}"));
    }

    #[test]
    fn a_text_is_one_expression_too(
        pieces in prop::collection::vec(
            prop_oneof![
                any::<String>().prop_map(|text| text.replace('$', "")),
                Just("$${{ raw }}".to_owned()),
                prop::sample::select(vec!["item", " item.a ", "1 + 1", "[item, null]", "item.a || 'x'"])
                    .prop_map(|expression| format!("${{{{{expression}}}}}")),
            ],
            0..5,
        ),
        value in any::<String>(),
    ) {
        let context = json!({"item": {"a": value}});
        let template = Template::parse(&pieces.concat()).expect("a template");
        let whole = format!("${{{{ [{0}, {0}] }}}}", template.expression());
        let value = template.value(&context).expect("a value");
        let list = Template::parse(&whole).expect("an expression").value(&context).expect("a value");
        prop_assert_eq!(list, json!([value, value]));
    }

    #[test]
    fn no_text_is_dangerous(text in any::<String>()) {
        drop(Template::parse(&text).map(|template| template.value(&context())));
        let inside = format!("${{{{ {text} }}}}");
        drop(Template::parse(&inside).map(|template| template.value(&context())));
    }

    #[test]
    fn no_expression_is_dangerous(
        text in "(steps|inputs|item|\\.text|\\.output|[ .,|!&\\[\\](){}'\"~+*/%=<>:-]|if|else|not|is|in|lower|join|default|1|2\\.5|\\\\|ä){0,25}"
    ) {
        let inside = format!("ä ${{{{ {text} }}}}");
        match Template::parse(&inside) {
            Ok(template) => {
                drop(template.value(&context()));
                for reference in template.references() {
                    prop_assert!(inside.get(reference.start..reference.end).is_some());
                }
            }
            Err(error) => prop_assert!(inside.get(error.start..error.end).is_some()),
        }
    }
}
