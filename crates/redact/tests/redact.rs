//! Secrets of every kind, planted in texts of every kind.

use std::{borrow::Cow, fmt::Write as _, sync::LazyLock};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use lao_redact::{Pattern, Redactor, Rules, VALUE_CHARS_MIN};
use proptest::{prelude::*, sample};

/// A value that only its name tells.
const VALUE: &str = "zw-4711 \"Grüße\"/\\";
/// A value that is longer.
const LONG: &str = "Tr0ub4dor-and-3-correct-horse-battery";

const PEM: &str = "-----BEGIN RSA PRIVATE KEY-----
Proc-Type: 4,ENCRYPTED
DEK-Info: AES-128-CBC,0123456789ABCDEF0123456789ABCDEF

MIIEpAIBAAKCAQEA1c7+9z5Pad7OejecsQ0bu3aozN3tihPmUnivHPXkbTrk9uJK
abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+/
vHPXkbTrk9uJKabcd==
-----END RSA PRIVATE KEY-----";

/// Tokens of every known shape, and what is called so. Put together here, so that nobody takes
/// this file for a leak.
fn shapes() -> Vec<(&'static str, String)> {
    let long = "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8";
    let upper = "ABCDEFGHIJKLMNOP";
    let jwt = format!("{}{long}.{}{long}.{long}", "eyJ", "eyJ");
    vec![
        ("github-token", format!("ghp_{long}")),
        ("github-token", format!("gho_{long}")),
        ("github-token", format!("github_pat_{long}_{long}")),
        ("api-key", format!("sk-{long}")),
        ("api-key", format!("sk-proj-{long}-{long}_x")),
        ("api-key", format!("sk-ant-api03-{long}_{long}-AA")),
        ("aws-access-key", format!("AKIA{upper}")),
        ("aws-access-key", format!("ASIA{upper}")),
        ("slack-token", format!("xoxb-1234567890-{long}")),
        ("slack-token", format!("xapp-1-{long}")),
        ("google-api-key", format!("AIza{}", &long[..35])),
        ("gitlab-token", format!("glpat-{}", &long[..20])),
        ("gitlab-token", format!("glpat-{long}.01.0123456ab")),
        ("huggingface-token", format!("hf_{}", &long[..34])),
        ("jwt", jwt),
        ("private-key", PEM.to_owned()),
    ]
}

static REDACTOR: LazyLock<Redactor> = LazyLock::new(redactor);

fn redactor() -> Redactor {
    let pattern = |text| Pattern::parse(text).expect("a pattern");
    Redactor::new(Rules {
        known_shapes: true,
        values: vec![
            ("MY_TOKEN".to_owned(), VALUE.to_owned()),
            ("LONG_TOKEN".to_owned(), LONG.to_owned()),
            ("SHORT".to_owned(), "1234567".to_owned()),
            ("SAME".to_owned(), LONG.to_owned()),
        ],
        patterns: vec![pattern("ACME-[0-9]{6}"), pattern("password=(?<db_password>[^ \"\\\\]+)")],
    })
    .expect("few values")
}

fn redact(text: &str) -> String {
    REDACTOR.redact(text).into_owned()
}

#[test]
fn every_shape_has_its_name() {
    for (name, secret) in shapes() {
        let stands = format!("secret://{name}");
        for (before, after) in
            [("", ""), ("KEY=", "\n"), ("\\n", "\\n"), ("(\"", "\")"), ("x: ", " y")]
        {
            let text = format!("{before}{secret}{after}");
            assert_eq!(redact(&text), format!("{before}{stands}{after}"), "{text}");
        }
        assert_eq!(Redactor::none().redact(&secret), secret);
    }
}

#[test]
fn what_only_looks_like_a_secret_stays() {
    for text in [
        "task-management-service-implementation-of-everything",
        "a disk-proj-0123456789abcdefghijklmnop",
        "risk-0123456789abcdefghijklmnopqrstuvwxyz",
        "Authorization: Bearer {token}",
        "headers['Authorization'] = 'Bearer ' + os.environ['A_LONG_NAME_OF_A_VARIABLE']",
        "if text.startswith(\"-----BEGIN PRIVATE KEY-----\"): return pem.load(text)",
        "-----BEGIN CERTIFICATE-----\nMIIEpAIBAAKCAQEA1c7+9z5Pad7OejecsQ0bu3aozN3tihPmUnivHPXkbTrk9uJK\n",
        "the prefix ghp_ and the prefix AKIA, eyJ, hf_, glpat- and xoxb-",
        "secret://MY_TOKEN and secret://nothing",
        "1234567",
    ] {
        assert_eq!(redact(text), text);
        assert!(matches!(REDACTOR.redact(text), Cow::Borrowed(_)), "{text} is not copied");
        assert_eq!(REDACTOR.held(text.as_bytes()), None);
    }
}

#[test]
fn a_bearer_token_and_a_named_secret_keep_what_names_them() {
    let token = "0123456789abcdef.01~";
    for (before, after) in [
        ("Authorization: Bearer ", ""),
        ("-H 'authorization: bearer ", "'"),
        ("{\"Authorization\": \"Bearer ", "\"}"),
        ("{\\\"Authorization\\\":\\\"Bearer ", "\\\"}"),
    ] {
        let text = format!("{before}{token}{after}");
        assert_eq!(redact(&text), format!("{before}secret://bearer-token{after}"));
    }
    let key = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
    let text = format!("aws_secret_access_key = {key}\n");
    assert_eq!(redact(&text), "aws_secret_access_key = secret://aws-secret-key\n");
}

#[test]
fn patterns_take_their_group_or_all() {
    assert_eq!(redact("see ACME-123456."), "see secret://pattern-1.");
    assert_eq!(redact("password=hunter2 ok"), "password=secret://db_password ok");
}

#[test]
fn values_are_found_in_every_form() {
    let json = r#"{"a": "zw-4711 \"Grüße\"/\\"}"#;
    assert_eq!(redact(json), r#"{"a": "secret://MY_TOKEN"}"#);
    let ascii = r#"{"a": "zw-4711 \"Gr\u00fc\u00dfe\"/\\"}"#;
    assert_eq!(redact(ascii), r#"{"a": "secret://MY_TOKEN"}"#);
    assert_eq!(redact("?q=zw-4711+%22Gr%C3%BC%C3%9Fe%22%2F%5C&b"), "?q=secret://MY_TOKEN&b");
    assert_eq!(redact("?q=zw-4711%20%22Gr%c3%bc%c3%9fe%22%2f%5c"), "?q=secret://MY_TOKEN");
    for user in ["", "a:", "me:", "ada:"] {
        let encoded = STANDARD.encode(format!("{user}{LONG}:x"));
        let redacted = redact(&encoded);
        let rest = redacted.replace("secret://LONG_TOKEN", "");
        assert!(rest.len() < 16 && rest.len() < redacted.len(), "{encoded} -> {redacted}");
    }
    assert_eq!(redact(LONG), "secret://LONG_TOKEN", "the first name counts");
}

#[test]
fn a_value_that_was_cut_is_known_by_its_half() {
    let half = LONG.len() / 2;
    for cut in 0..=half.min(LONG.len() - 19) {
        assert_eq!(
            redact(&format!("{}\n[...]", &LONG[..LONG.len() - cut])),
            "secret://LONG_TOKEN\n[...]"
        );
        assert_eq!(redact(&format!("[...]\n{}", &LONG[cut..])), "[...]\nsecret://LONG_TOKEN");
    }
    assert_eq!(redact(&LONG[..10]), &LONG[..10]);
}

#[test]
fn a_key_file_is_known_in_pieces_and_in_quotes() {
    let escaped = PEM.replace('\n', "\\n");
    assert_eq!(
        redact(&format!("{{\"key\": \"{escaped}\", \"b\": 1}}")),
        "{\"key\": \"secret://private-key\", \"b\": 1}"
    );
    let mut numbered = String::new();
    for (at, line) in PEM.lines().enumerate() {
        writeln!(numbered, "{}	{line}", at + 1).expect("a String takes every write");
    }
    assert_eq!(redact(&numbered), "1\tsecret://private-key\n");
    let (head, tail) = PEM.split_at(PEM.find("abcdefghij").expect("a line") + 20);
    let redacted = redact(&format!("{head}\n[... 9 bytes left out ...]\n{tail}"));
    assert!(!redacted.contains("MIIE") && !redacted.contains("vHPX"), "{redacted}");
    assert!(redacted.contains("bytes left out"), "{redacted}");
    let json = format!("{{\"key\": \"{}\", \"b\": 1}}", head.replace('\n', "\\n"));
    assert_eq!(redact(&json), "{\"key\": \"secret://private-key\", \"b\": 1}");
}

#[test]
fn a_file_that_holds_a_secret_is_known_by_name_and_line() {
    let redactor = &*REDACTOR;
    let mut bytes = vec![0xff, b'\n', 0xfe, b'\n'];
    assert_eq!(redactor.held(&bytes), None);
    bytes.extend(format!("KEY={LONG}").bytes());
    let held = redactor.held(&bytes).expect("it holds one");
    assert_eq!((held.token.as_str(), held.line), ("secret://LONG_TOKEN", 3));
    assert_eq!(redactor.token("x secret://MY_TOKEN"), Some("secret://MY_TOKEN"));
    assert_eq!(redactor.token("x secret://OTHER"), None);
    assert!(!format!("{redactor:?}").contains(LONG), "not even when it is debugged");
}

#[test]
fn patterns_that_find_everything_do_no_harm() {
    for text in ["[a-z]+", ".+", r"\S", "(?s).+", "secret", "(?<x>.)$", "[^a]"] {
        let patterns = vec![Pattern::parse(text).expect("a pattern")];
        let redactor = Redactor::new(Rules { patterns, ..Rules::default() }).expect("no values");
        let once = redactor.redact("some secret words\n").into_owned();
        assert_eq!(redactor.redact(&once), once, "{text}");
    }
}

/// A pattern for which each next place is looked for through the whole rest of the text.
#[test]
fn a_costly_pattern_costs_time_in_proportion() {
    let patterns = vec![Pattern::parse("a.*b|a").expect("a pattern")];
    let redactor = Redactor::new(Rules { patterns, ..Rules::default() }).expect("no values");
    let redacted = redactor.redact(&"a".repeat(12_000)).into_owned();
    assert_eq!(redacted, "secret://pattern-1".repeat(10_001));
}

fn surroundings() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[ -~\n]{0,40}",
        "([a-z]{1,8}[ _.:=\"'\\\\-]){0,8}",
        Just("secret://github-token".to_owned()),
        Just("secret://MY_".to_owned()),
    ]
}

/// Separates words, so that what is planted is not part of a longer one.
fn separator() -> impl Strategy<Value = &'static str> {
    sample::select(vec![" ", "\n", "\"", "=", ": ", "\\n", "(", "'", ",", "/"])
}

fn planted() -> impl Strategy<Value = String> {
    let mut secrets: Vec<String> = shapes().into_iter().map(|(_, secret)| secret).collect();
    secrets.extend([VALUE, LONG, "ACME-424242"].map(str::to_owned));
    sample::select(secrets)
}

proptest! {
    #[test]
    fn what_is_planted_is_gone(
        before in surroundings(), first in separator(), secret in planted(),
        last in separator(), after in surroundings(),
    ) {
        let redacted = redact(&format!("{before}{first}{secret}{last}{after}"));
        prop_assert!(!redacted.contains(&secret), "{}", redacted);
        prop_assert!(redacted.contains("secret://"), "{}", redacted);
    }

    #[test]
    fn again_changes_nothing(
        pieces in prop::collection::vec(
            prop_oneof![surroundings(), planted(), separator().prop_map(str::to_owned)], 0..6),
    ) {
        let once = redact(&pieces.concat());
        prop_assert_eq!(redact(&once), once.clone());
        prop_assert_eq!(REDACTOR.held(once.as_bytes()), None);
    }

    #[test]
    fn any_value_is_gone(value in ".{8,40}", before in any::<String>(), after in any::<String>()) {
        prop_assume!(value.trim().chars().count() >= VALUE_CHARS_MIN);
        let rules = Rules { values: vec![("V".to_owned(), value.clone())], ..Rules::default() };
        let redactor = Redactor::new(rules).expect("one value");
        let redacted = redactor.redact(&format!("{before}{value}{after}")).into_owned();
        // What stands for it may hold it: then it is no secret any more.
        prop_assert!(!redacted.replace("secret://V", "\0").contains(value.trim()), "{}", redacted);
        prop_assert_eq!(redactor.redact(&redacted), redacted.clone());
    }

    #[test]
    fn any_bytes_are_looked_at(bytes in any::<Vec<u8>>()) {
        let text = String::from_utf8_lossy(&bytes);
        let held = REDACTOR.held(&bytes);
        prop_assert_eq!(held.is_some(), redact(&text) != text);
    }
}
