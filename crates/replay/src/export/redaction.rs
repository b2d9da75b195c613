//! A run without its secrets: every text of every event and blob, and what follows from them.
//!
//! ```text
//!   event ─▶ JSON ─ every string redacted ─▶ event ─▶ prompt's hash anew ─▶ folded
//!                        '- a hash of a content that changed ─▶ the hash of what it became
//! ```
//!
//! So the redacted run can be read and folded like any other. A replay of it may differ from its
//! record: what the kernel makes of redacted texts need not be the redaction of what it made.

use std::collections::BTreeMap;

use lao_event::{Content, Event, Hash, Settings};
use lao_history::{Contents, Recorded};
use lao_kernel::{State, evolve};
use lao_redact::Redactor;
use serde_json::Value;

use super::{
    ExportError,
    outgoing::{BlobFrom, OutgoingBlob, blobs_in},
};

/// What is looked for in an export besides the shapes of keys and tokens that no run stores: passwords
/// in addresses and headers, and values that a name says are secret. While a run goes on these
/// would find too much; in a copy, what is replaced by mistake is lost to nobody.
pub const SCANNER_PATTERNS: &[&str] = &[
    r"(?i)\b[a-z][a-z0-9+.-]{1,30}://[^\s/:@'\x22]{0,100}:(?<url_password>[^\s/@'\x22]{3,200})@",
    r"(?i)authorization[\\'\x22]{0,4}\s{0,8}[:=,]\s{0,8}[\\'\x22]{0,4}basic\s{1,4}(?<basic_auth>[a-z0-9+/]{8,}=*)",
    r"(?i)(?:password|passwd|passphrase|secret|api_?key|access_?key|auth_?token|access_?token)[\\'\x22]{0,3}\s{0,4}[:=]\s{0,4}\\?[\x22'](?<named_secret>[^\s\\\x22'<>{}$]{8,200})\\?[\x22']",
    r"(?i)\b(?:account|shared_?access)_?key=(?<account_key>[a-z0-9+/]{32,100}={0,2})",
    r"\b(?<stripe_key>[rs]k_(?:live|test)_[A-Za-z0-9]{16,})",
    r"\b(?<npm_token>npm_[A-Za-z0-9]{30,})",
    r"\b(?<pypi_token>pypi-[A-Za-z0-9_-]{40,})",
    r"\b(?<sendgrid_key>SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,})",
    r"\b(?<google_oauth>ya29\.[A-Za-z0-9_-]{20,})",
    r"https://hooks\.slack\.com/services/(?<slack_webhook>[A-Za-z0-9/]{20,})",
];

/// A redaction under way.
pub(super) struct Redacting<'a> {
    redactor: &'a Redactor,
    contents: &'a Contents,
    /// Contents that changed: their hash before, and after.
    changed: BTreeMap<Hash, Hash>,
    /// Every blob so far, and what it became.
    blobs: BTreeMap<Hash, Content>,
    /// How often each name was put somewhere.
    replaced: BTreeMap<String, u64>,
    /// The fold of what went out.
    state: State,
}

impl<'a> Redacting<'a> {
    pub(super) fn new(redactor: &'a Redactor, contents: &'a Contents) -> Self {
        Self {
            redactor,
            contents,
            changed: BTreeMap::new(),
            blobs: BTreeMap::new(),
            replaced: BTreeMap::new(),
            state: State::new(),
        }
    }

    /// What was replaced, by name.
    pub(super) fn replaced(self) -> Vec<(String, u64)> {
        self.replaced.into_iter().collect()
    }

    /// The next event without its secrets, and the blobs that it names then.
    pub(super) fn redact(
        &mut self,
        recorded: &Recorded,
    ) -> Result<(Recorded, Vec<OutgoingBlob>), ExportError> {
        let seq = recorded.seq;
        let mut originals = BTreeMap::new();
        for (hash, _) in blobs_in(recorded) {
            let became = self.blob(seq, hash)?;
            originals.insert(became.hash(), hash);
        }
        let mut event = self.texts(recorded)?;
        event.visit_contents(&mut |content| {
            if let Content::Blob { hash, .. } = &*content
                && let Some(became) = originals.get(hash).and_then(|it| self.blobs.get(it))
            {
                *content = became.clone();
            }
        });
        if let Event::ModelCallStarted(started) = &mut event
            && let Some(prompt) = self.state.prompt_with(started.step, &started.appended)
        {
            started.prompt = prompt;
        }
        let made: BTreeMap<Hash, Vec<u8>> =
            event.split_blobs().into_iter().map(|blob| (blob.hash, blob.bytes)).collect();
        evolve(&mut self.state, &event)
            .map_err(|source| ExportError::Inconsistent { seq, source })?;
        let Recorded { seq, wall_ms, monotonic_ns, cause, noted, event: _ } = *recorded;
        let recorded = Recorded { seq, wall_ms, monotonic_ns, cause, noted, event };
        let from = |(hash, size_bytes): (Hash, u64)| {
            let from = match (made.get(&hash), originals.get(&hash)) {
                (Some(bytes), _) => BlobFrom::Made(bytes.clone()),
                (None, Some(original)) if *original != hash => BlobFrom::Redacted(*original),
                (None, Some(_) | None) => BlobFrom::Store,
            };
            OutgoingBlob { hash, size_bytes, from }
        };
        let blobs = blobs_in(&recorded).into_iter().map(from).collect();
        Ok((recorded, blobs))
    }

    /// What a blob becomes.
    fn blob(&mut self, seq: u64, hash: Hash) -> Result<Content, ExportError> {
        if let Some(became) = self.blobs.get(&hash) {
            return Ok(became.clone());
        }
        let original = Content::Blob { hash, size_bytes: 0 };
        let content = self.contents.bytes(&original);
        let content = content.map_err(|source| ExportError::Blob { seq, source })?;
        let replaced = &mut self.replaced;
        let redacted = bytes(self.redactor, content, &mut |token| count(replaced, token));
        // It stays a blob, however short it is now: whoever writes it finds it by its old hash.
        let (became, size_bytes) = (Hash::of(&redacted), redacted.len() as u64);
        if became != hash {
            self.changed.insert(hash, became);
        }
        let became = Content::Blob { hash: became, size_bytes };
        self.blobs.insert(hash, became.clone());
        Ok(became)
    }

    /// The event with every string of it redacted.
    fn texts(&mut self, recorded: &Recorded) -> Result<Event, ExportError> {
        let broken = |source| ExportError::Meaning { seq: recorded.seq, source };
        let mut value = serde_json::to_value(&recorded.event).map_err(broken)?;
        if let Some(settings) = value.get_mut("settings").and_then(inline) {
            *settings = self.settings(settings).map_err(broken)?;
        }
        let fields = value.as_object_mut().into_iter().flatten();
        for (name, field) in fields {
            // What kind of event it is, and settings, which are done.
            if name != "event" && name != "settings" {
                self.strings(field);
            }
        }
        serde_json::from_value(value).map_err(broken)
    }

    /// Settings are JSON in a text, which must stay that.
    fn settings(&mut self, text: &str) -> Result<String, serde_json::Error> {
        let redacted = self.text(text);
        if redacted == text || serde_json::from_str::<Settings>(&redacted).is_ok() {
            return Ok(redacted);
        }
        let mut value: Value = serde_json::from_str(text)?;
        self.strings(&mut value);
        let redacted = value.to_string();
        serde_json::from_str::<Settings>(&redacted).map(|_settings| redacted)
    }

    fn strings(&mut self, value: &mut Value) {
        match value {
            Value::String(text) => {
                let became = text.parse().ok().and_then(|hash| self.changed.get(&hash));
                *text = match became {
                    Some(hash) => hash.to_string(),
                    None => self.text(text),
                };
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.strings(item)),
            Value::Object(fields) => fields.values_mut().for_each(|field| self.strings(field)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn text(&mut self, text: &str) -> String {
        let replaced = &mut self.replaced;
        let redacted = self.redactor.redact_noting(text, &mut |token| count(replaced, token));
        if redacted != text {
            self.changed.insert(Hash::of(text.as_bytes()), Hash::of(redacted.as_bytes()));
        }
        redacted.into_owned()
    }
}

fn count(replaced: &mut BTreeMap<String, u64>, token: &str) {
    *replaced.entry(token.to_owned()).or_default() += 1;
}

/// The text of a content that is in its place.
fn inline(content: &mut Value) -> Option<&mut String> {
    match content.get_mut("inline")? {
        Value::String(text) => Some(text),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            None
        }
    }
}

/// Bytes without their secrets. What is no text and holds one becomes text.
pub(super) fn bytes(redactor: &Redactor, content: Vec<u8>, note: &mut dyn FnMut(&str)) -> Vec<u8> {
    let text = String::from_utf8_lossy(&content);
    let redacted = redactor.redact_noting(&text, note);
    if redacted == text { content } else { redacted.into_owned().into_bytes() }
}

#[cfg(test)]
mod tests {
    //! What the scanner takes for a secret, and what it leaves alone.

    use lao_redact::{Pattern, Redactor, Rules};

    use super::{SCANNER_PATTERNS, bytes};

    fn scanner() -> Redactor {
        let patterns = SCANNER_PATTERNS.iter().map(|text| Pattern::parse(text).unwrap()).collect();
        Redactor::new(Rules { known_shapes: true, values: Vec::new(), patterns }).unwrap()
    }

    #[test]
    fn every_pattern_finds_its_secret_and_no_more() {
        let key = "0123456789abcdefghijABCDEFGHIJ0123456789";
        let cases = [
            ("postgres://ada:hunter2@db:5432/todo", "url_password", "hunter2"),
            ("redis://:hunter2@localhost", "url_password", "hunter2"),
            ("Authorization: Basic YWRhOmh1bnRlcjI=", "basic_auth", "YWRhOmh1bnRlcjI="),
            (r#"{"password": "correct-horse"}"#, "named_secret", "correct-horse"),
            (r#"{\"api_key\": \"correct-horse\"}"#, "named_secret", "correct-horse"),
            ("DB_PASSWORD='correct-horse'", "named_secret", "correct-horse"),
            (&format!("AccountKey={key}=="), "account_key", &format!("{key}==")),
            (&format!("sk_live_{key}"), "stripe_key", &format!("sk_live_{key}")),
            (&format!("npm_{key}"), "npm_token", &format!("npm_{key}")),
            (&format!("pypi-{key}x"), "pypi_token", &format!("pypi-{key}x")),
            (&format!("SG.{key}.{key}"), "sendgrid_key", &format!("SG.{key}.{key}")),
            (&format!("ya29.{key}"), "google_oauth", &format!("ya29.{key}")),
            (
                &format!("https://hooks.slack.com/services/T0/{key}"),
                "slack_webhook",
                &format!("T0/{key}"),
            ),
        ];
        let scanner = scanner();
        for (text, name, secret) in cases {
            let expected = text.replace(secret, &format!("secret://{name}"));
            let mut noted = Vec::new();
            let found = scanner.redact_noting(text, &mut |token| noted.push(token.to_owned()));
            assert_eq!(found, expected);
            assert_eq!(noted, [format!("secret://{name}")], "{text}");
            assert_eq!(scanner.redact(&expected), expected, "what was redacted stays");
        }
    }

    #[test]
    fn ordinary_texts_stay_as_they_are() {
        let scanner = scanner();
        for text in [
            "https://example.org/a:b@c",
            "http://127.0.0.1:8080/v1",
            "git@github.com:ada/todo.git",
            "password = input()",
            "password: \"${PASSWORD}\"",
            "let secret = \"short\";",
            "ada@example.org",
            "Authorization: Basic",
            "basic authorization is described in RFC 7617",
            "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        ] {
            assert_eq!(scanner.redact(text), text);
        }
    }

    #[test]
    fn bytes_that_are_no_text_stay_unless_they_hold_a_secret() {
        let scanner = scanner();
        let plain = vec![0, 159, 146, 150];
        assert_eq!(bytes(&scanner, plain.clone(), &mut |_| {}), plain);
        let mut times = 0;
        let holding = [&plain[..], b" db://ada:hunter2@h"].concat();
        let redacted = bytes(&scanner, holding, &mut |_| times += 1);
        assert!(!redacted.windows(7).any(|it| it == b"hunter2"));
        assert_eq!(times, 1);
    }
}
