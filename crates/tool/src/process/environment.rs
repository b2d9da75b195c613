//! The environment that commands see: the user's, without what looks like a secret.

use tokio::process::Command;

/// Parts of names whose values are secrets, or doors to them.
const SECRET_PARTS: [&str; 11] = [
    "TOKEN",
    "SECRET",
    "PASSWORD",
    "PASSWD",
    "PASSPHRASE",
    "CREDENTIAL",
    "APIKEY",
    "API_KEY",
    "ACCESS_KEY",
    "PRIVATE_KEY",
    "AUTH_SOCK",
];

/// Variables by which git would work in another repository than the workspace's.
const GIT_PLACES: [&str; 5] =
    ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_COMMON_DIR"];

/// Nobody watches: no colours, no pagers, no questions.
const UNATTENDED: [(&str, &str); 5] = [
    ("TERM", "dumb"),
    ("NO_COLOR", "1"),
    ("PAGER", "cat"),
    ("GIT_PAGER", "cat"),
    ("GIT_TERMINAL_PROMPT", "0"),
];

/// Prepares a command's environment.
pub(super) fn apply(command: &mut Command) {
    for (name, value) in std::env::vars_os() {
        if is_withheld(&name.to_string_lossy(), &value.to_string_lossy()) {
            command.env_remove(name);
        }
    }
    command.envs(UNATTENDED);
}

fn is_withheld(name: &str, value: &str) -> bool {
    let name = name.to_ascii_uppercase();
    name.starts_with("LAO_")
        || name.ends_with("_KEY")
        || SECRET_PARTS.iter().any(|part| name.contains(part))
        || GIT_PLACES.contains(&name.as_str())
        || has_password(value)
}

/// Whether a value is an address with a password in it.
fn has_password(value: &str) -> bool {
    value.split_once("://").is_some_and(|(_, rest)| {
        let authority = rest.split(['/', '?', '#']).next().unwrap_or("");
        authority.rsplit_once('@').is_some_and(|(user, _)| user.contains(':'))
    })
}

#[cfg(test)]
mod tests {
    use super::is_withheld;

    #[test]
    fn secrets_are_withheld_and_tools_find_their_way() {
        for (name, value) in [
            ("LAO_HOME", "x"),
            ("lao_endpoint", "x"),
            ("GITHUB_TOKEN", "x"),
            ("AWS_SECRET_ACCESS_KEY", "x"),
            ("OPENAI_API_KEY", "x"),
            ("SIGNING_KEY", "x"),
            ("PGPASSWORD", "x"),
            ("SSH_AUTH_SOCK", "/run/agent"),
            ("GIT_DIR", "/elsewhere/.git"),
            ("DATABASE_URL", "postgres://me:pw@localhost/db"),
        ] {
            assert!(is_withheld(name, value), "{name}");
        }
        for (name, value) in [
            ("PATH", "/usr/bin"),
            ("HOME", "/home/me"),
            ("LANG", "C.UTF-8"),
            ("CARGO_HOME", "/c"),
            ("KEYBOARD", "de"),
            ("DATABASE_URL", "postgres://localhost/db"),
            ("HOMEPAGE", "https://example.org/a:b@c"),
        ] {
            assert!(!is_withheld(name, value), "{name}");
        }
    }
}
