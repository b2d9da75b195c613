//! The shapes of well-known keys and tokens.
//!
//! Lengths are a little shorter than those in use, so that a token whose end was cut off is known
//! too. Where a shape could be part of a longer word, what may stand before it is said; `\n`, `\r`
//! and `\t` may, since texts turn up inside of JSON.

use regex::{Regex, RegexBuilder};

/// A shape: group 1, where there is one, is the secret.
struct Source {
    name: &'static str,
    regex: &'static str,
}

/// Names of the shapes and how they look. One name may have several.
const SOURCES: &[Source] = &[
    Source {
        name: "github-token",
        regex: r"gh[pousr]_[A-Za-z0-9]{20,255}|github_pat_[A-Za-z0-9_]{22,255}",
    },
    Source {
        // Kebab-case words hold `sk-` too: without a known prefix, there are no more dashes.
        name: "api-key",
        regex: r"(?:^|(?u:[^A-Za-z0-9_-])|\\[nrt])(sk-(?:(?:ant|proj|svcacct|admin|or|None)-[A-Za-z0-9_-]{20,}|[A-Za-z0-9]{20,}))",
    },
    Source { name: "aws-access-key", regex: r"(?:^|(?u:[^A-Z0-9]))((?:AKIA|ASIA)[A-Z0-9]{16})\b" },
    Source {
        name: "aws-secret-key",
        regex: r#"(?i)aws_?secret_?(?:access_?)?key[\\"']{0,4}\s{0,8}[:=]\s{0,8}[\\"']{0,4}([A-Za-z0-9+/]{40})"#,
    },
    Source {
        name: "slack-token",
        regex: r"xox[abceoprs]-[A-Za-z0-9-]{10,}|xapp-[0-9]-[A-Za-z0-9-]{10,}",
    },
    Source { name: "google-api-key", regex: r"AIza[A-Za-z0-9_-]{30,}" },
    Source {
        name: "gitlab-token",
        regex: r"glpat-[A-Za-z0-9_-]{20,}(?:\.[0-9a-z]{2}\.[0-9a-z]{7,12})?",
    },
    Source { name: "huggingface-token", regex: r"hf_[A-Za-z0-9]{30,}" },
    Source {
        name: "jwt",
        regex: r"eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}(?:\.[A-Za-z0-9_-]*)?",
    },
    Source {
        name: "bearer-token",
        regex: r#"(?i)authorization[\\"']{0,4}\s{0,8}[:=,]\s{0,8}[\\"']{0,4}bearer\s{1,4}([A-Za-z0-9._~+/-]{16,}=*)"#,
    },
    // A whole key, quoted line by line or not; or its beginning, the end being cut off.
    Source {
        name: "private-key",
        regex: concat!(
            r#"-----BEGIN (?:[A-Z0-9]{1,16} ){0,4}PRIVATE KEY(?: BLOCK)?-----"#,
            r#"(?:[A-Za-z0-9+/=\s:,.\\"'_|-]*?-----END (?:[A-Z0-9]{1,16} ){0,4}PRIVATE KEY(?: BLOCK)?-----"#,
            r#"|[A-Za-z0-9+/=\s:,.\\_|+-]{0,400}?[A-Za-z0-9+/]{40}(?:[A-Za-z0-9+/=\s\\:_|+-]*[A-Za-z0-9+/=])?)"#,
        ),
    },
    // Its end, the beginning being cut off.
    Source {
        name: "private-key",
        regex: r#"(?:[A-Za-z0-9+/=]{32,80}(?:[\s"',|+-]|\\[nrt]|[0-9]{1,6}[\t:-]){1,16})+[A-Za-z0-9+/=]{0,80}(?:[\s"',|+-]|\\[nrt]|[0-9]{1,6}[\t:-]){0,16}-----END (?:[A-Z0-9]{1,16} ){0,4}PRIVATE KEY(?: BLOCK)?-----"#,
    },
];

/// A shape, ready to be looked for.
#[derive(Debug, Clone)]
pub(crate) struct Shape {
    pub(crate) name: &'static str,
    regex: Regex,
    has_group: bool,
}

impl Shape {
    /// Every shape there is.
    pub(crate) fn all() -> Vec<Self> {
        let shape = |source: &Source| {
            // Secrets are ASCII, and so are the tables for them, which are made at every start.
            let regex = RegexBuilder::new(source.regex).unicode(false).build();
            let regex = regex.expect("a test reads every shape");
            Self { name: source.name, has_group: regex.captures_len() > 1, regex }
        };
        SOURCES.iter().map(shape).collect()
    }

    /// Where secrets of the shape stand.
    pub(crate) fn places<'t>(
        &'t self,
        text: &'t str,
    ) -> Box<dyn Iterator<Item = std::ops::Range<usize>> + 't> {
        if self.has_group {
            let secret = |found: regex::Captures<'_>| found.get(1).map(|secret| secret.range());
            Box::new(self.regex.captures_iter(text).filter_map(secret))
        } else {
            Box::new(self.regex.find_iter(text).map(|found| found.range()))
        }
    }
}
