//! Inputs: declared, and bound to what is given.

use serde_json::{Value, json};

use super::{good, problem, problems};

fn bind(inputs: &str, given: &[(&str, &str)], text: Option<&str>) -> Result<Value, String> {
    let workflow = good(&format!("inputs: {inputs}\nsteps: [{{id: a, read: x}}]"));
    let given: Vec<(String, String)> =
        given.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let bound = workflow.bind(&given, text).map_err(|error| error.to_string())?;
    Ok(Value::Object(bound.into_iter().collect()))
}

const TYPED: &str = "{ t: {type: text}, p: {type: path, default: x}, n: {type: number, default: 1.5}, b: {type: boolean, default: true}, j: {type: json, default: [1]} }";

#[test]
fn values_have_the_types_of_their_inputs() {
    assert_eq!(
        bind(TYPED, &[("t", "5")], None),
        Ok(json!({"t": "5", "p": "x", "n": 1.5, "b": true, "j": [1]}))
    );
    assert_eq!(
        bind(
            TYPED,
            &[("t", "a=b"), ("p", "y"), ("n", "-7"), ("b", "no"), ("j", "{\"a\": null}")],
            None
        ),
        Ok(json!({"t": "a=b", "p": "y", "n": -7, "b": false, "j": {"a": null}}))
    );
}

#[test]
fn everything_wrong_with_values_is_told() {
    let given = [("tt", "x"), ("n", "many"), ("b", "perhaps"), ("j", "{"), ("p", "1"), ("p", "2")];
    assert_eq!(
        bind(TYPED, &given, None).expect_err("wrong"),
        "there is no input `tt`; did you mean `t`?\n\
         the input `n` is of type number, given is `many`\n\
         the input `b` is of type boolean, given is `perhaps`\n\
         the input `j` is of type json, given is `{`\n\
         the input `p` is given twice\n\
         the input `t` is missing; give it as `--input t=...`"
    );
    assert_eq!(
        bind("{}", &[("a", "b")], None).expect_err("wrong"),
        "there is no input `a`; `a` has no inputs"
    );
    assert_eq!(
        bind("{who: {description: a name}}", &[], None).expect_err("wrong"),
        "the input `who` (a name) is missing; give it as `--input who=...`"
    );
}

#[test]
fn a_text_without_a_name_finds_its_input() {
    assert_eq!(bind("{who: }", &[], Some("me")), Ok(json!({"who": "me"})));
    assert_eq!(bind("{who: x, text: }", &[], Some("me")), Ok(json!({"who": "x", "text": "me"})));
    assert_eq!(bind("{who: x, input: }", &[], Some("me")), Ok(json!({"who": "x", "input": "me"})));
    assert_eq!(
        bind("{who: x, other: y}", &[], Some("me")).expect_err("which one"),
        "which input is meant? write NAME=TEXT; there are: who, other"
    );
    assert_eq!(
        bind("{who: x}", &[("who", "you")], Some("me")).expect_err("twice"),
        "the input `who` is given twice"
    );
}

#[test]
fn declarations_are_checked() {
    let with = |inputs: &str| format!("inputs: {inputs}\nsteps: [{{id: a, read: x}}]");
    for (inputs, expected) in [
        (
            "[a]",
            "1:9: `inputs` is a mapping of names, here is a list; write `NAME: DEFAULT`, or `NAME: { type: text }`",
        ),
        ("{a-b: 1}", "1:10: `a-b` is no name of an input; a letter, then letters, digits and `_`"),
        (
            "{a: {type: nubmer}}",
            "1:20: `type` is one of text, path, number, boolean, json, here is `nubmer`; did you mean `number`?",
        ),
        (
            "{a: {type: number, default: x}}",
            "1:28: the default of `a` is not of type number; change the `type` or the `default`",
        ),
        (
            "{a: \"${{ run.id }}\"}",
            "1:13: a default has no expressions; write it out; expressions are for steps",
        ),
        ("{a: {defalt: 1}}", "1:14: unknown key `defalt` in an input; did you mean `default`?"),
    ] {
        assert_eq!(problem(&with(inputs)), expected, "{inputs}");
    }
    assert_eq!(problems(&with("{a: 1, a: 2}")), ["1:16: the input `a` stands twice; remove one"]);
}
