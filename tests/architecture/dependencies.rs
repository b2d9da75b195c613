//! Arrows between our crates, and what each may not pull in. A crate exists because it forbids
//! something; this is where it does.

use std::collections::{BTreeMap, BTreeSet};

use super::crates::{self, Crates, Member};
use crate::demand;

/// What each crate is built with of ours, directly or through others: no more, and no less.
const OURS: &[(&str, &[&str])] = &[
    ("lao-event", &[]),
    ("lao-expression", &[]),
    ("lao-journal", &[]),
    ("lao-protocol", &[]),
    ("lao-redact", &[]),
    ("lao-config", &["lao-event", "lao-redact"]),
    ("lao-workflow", &["lao-event", "lao-expression"]),
    ("lao-kernel", &["lao-event", "lao-expression"]),
    ("lao-port", &["lao-event"]),
    ("lao-model", &["lao-event", "lao-port"]),
    ("lao-tool", &["lao-event", "lao-port"]),
    ("lao-repo", &["lao-event", "lao-port"]),
    ("lao-transcriber", &["lao-event", "lao-port"]),
    ("lao-trigger", &["lao-event", "lao-journal"]),
    ("lao-whisper", &["lao-event", "lao-port", "lao-transcriber"]),
    ("lao-history", &["lao-event", "lao-expression", "lao-journal", "lao-kernel", "lao-redact"]),
    (
        "lao-replay",
        &["lao-event", "lao-expression", "lao-history", "lao-journal", "lao-kernel", "lao-redact"],
    ),
    (
        "lao-runtime",
        &[
            "lao-event",
            "lao-expression",
            "lao-history",
            "lao-journal",
            "lao-kernel",
            "lao-port",
            "lao-redact",
        ],
    ),
    (
        "lao-gateway",
        &[
            "lao-event",
            "lao-expression",
            "lao-history",
            "lao-journal",
            "lao-kernel",
            "lao-port",
            "lao-protocol",
            "lao-redact",
            "lao-replay",
            "lao-runtime",
        ],
    ),
    ("lao-cli", &["lao-protocol"]),
    (
        "lao-testkit",
        &[
            "lao-event",
            "lao-expression",
            "lao-history",
            "lao-journal",
            "lao-kernel",
            "lao-port",
            "lao-redact",
            "lao-runtime",
        ],
    ),
    (
        "lao-scenario",
        &[
            "lao-config",
            "lao-event",
            "lao-expression",
            "lao-gateway",
            "lao-history",
            "lao-journal",
            "lao-kernel",
            "lao-model",
            "lao-port",
            "lao-protocol",
            "lao-redact",
            "lao-replay",
            "lao-repo",
            "lao-runtime",
            "lao-tool",
            "lao-workflow",
        ],
    ),
    (
        BINARY,
        &[
            "lao-cli",
            "lao-config",
            "lao-event",
            "lao-expression",
            "lao-gateway",
            "lao-history",
            "lao-journal",
            "lao-kernel",
            "lao-model",
            "lao-port",
            "lao-protocol",
            "lao-redact",
            "lao-replay",
            "lao-repo",
            "lao-runtime",
            "lao-scenario",
            "lao-tool",
            "lao-transcriber",
            "lao-trigger",
            "lao-workflow",
        ],
    ),
];

/// The one package that sees all.
const BINARY: &str = "lao";

/// For tests only.
const TESTKIT: &str = "lao-testkit";

/// What tests of a crate see of ours besides what it is built with.
const OURS_IN_TESTS: &[(&str, &str, &str)] = &[
    ("lao-kernel", "lao-tool", "prompts are measured with the schemas of the real tools"),
    ("lao-gateway", "lao-port", "the runs it shows need a world"),
];

/// Crates of others that only some of ours are built with directly.
const DOORS: &[(&str, &[&str], &str)] = &[
    ("minijinja", &["lao-expression"], "expressions are read in one place"),
    ("bincode", &["lao-event"], "payloads are encoded behind one module"),
    ("redb", &["lao-journal"], "a run's file has one writer and one format"),
    ("zstd", &["lao-journal"], "only blobs are compressed"),
    ("git2", &["lao-repo", "lao-scenario"], "git is reached through the repository port"),
    ("reqwest", &["lao-model"], "HTTP is for model servers, at local endpoints"),
    ("whisper-rs", &["lao-whisper"], "the engine can crash, and only its own process"),
    ("symphonia", &["lao-whisper"], "recordings are anybody's, and read beside the engine"),
    ("ractor", &["lao-runtime"], "the actors are the runtime"),
    ("clap", &["lao-cli"], "arguments are read in one place"),
    ("indicatif", &["lao-cli"], "progress is drawn in one place"),
    ("jiff", &["lao-cli", "lao-tool", "lao-trigger"], "time zones are for people"),
    ("croner", &["lao-trigger"], "moments are found in one place"),
    ("jsonschema", &["lao-tool"], "arguments are checked before anything happens"),
    ("notify", &[BINARY, "lao-trigger"], "plans are watched by the binary, folders by triggers"),
];

/// What pure code has no use for: clocks, chance, threads, sockets, storage.
const IMPURE: &[&str] = &[
    "tokio",
    "mio",
    "socket2",
    "futures-executor",
    "async-std",
    "smol",
    "ractor",
    "rayon",
    "crossbeam-channel",
    "parking_lot",
    "reqwest",
    "hyper",
    "git2",
    "redb",
    "rusqlite",
    "notify",
    "tempfile",
    "rand",
    "rand_core",
    "getrandom",
    "fastrand",
    "uuid",
    "chrono",
    "time",
    "jiff",
];

/// What a crate may not pull in, directly or through others.
const FORBIDDEN: &[(&str, &[&str])] = &[
    ("lao-event", IMPURE),
    ("lao-event", &["hashbrown", "indexmap", "ahash"]),
    ("lao-expression", IMPURE),
    ("lao-expression", &["hashbrown", "indexmap", "ahash"]),
    ("lao-kernel", IMPURE),
    ("lao-kernel", &["hashbrown", "indexmap", "ahash"]),
    ("lao-config", IMPURE),
    ("lao-workflow", IMPURE),
    ("lao-protocol", IMPURE),
    ("lao-redact", IMPURE),
    ("lao-protocol", &["bincode"]),
    ("lao-port", IMPURE),
    ("lao-journal", &["tokio", "mio", "ractor", "bincode", "reqwest", "git2"]),
    (
        "lao-replay",
        &["tokio", "mio", "ractor", "reqwest", "git2", "notify", "clap", "indicatif", "jiff"],
    ),
    (
        "lao-history",
        &["tokio", "mio", "ractor", "reqwest", "git2", "notify", "clap", "indicatif", "jiff"],
    ),
    ("lao-runtime", &["reqwest", "hyper", "git2", "notify", "clap", "indicatif", "jiff"]),
    ("lao-model", &["ractor", "redb", "git2", "clap"]),
    ("lao-tool", &["ractor", "redb", "git2", "reqwest", "hyper", "clap"]),
    ("lao-repo", &["ractor", "redb", "reqwest", "hyper", "clap"]),
    ("lao-trigger", &["ractor", "reqwest", "hyper", "git2", "clap", "indicatif", "chrono"]),
    ("lao-transcriber", &["whisper-rs", "symphonia", "ractor", "redb", "git2", "reqwest", "clap"]),
    ("lao-whisper", &["ractor", "redb", "git2", "reqwest", "hyper", "clap"]),
    (BINARY, &["whisper-rs", "whisper-rs-sys", "symphonia", "rubato"]),
    ("lao-gateway", &["reqwest", "hyper", "git2", "clap", "indicatif", "jiff"]),
    ("lao-cli", &["tokio", "mio", "socket2", "ractor", "redb", "git2", "reqwest", "bincode"]),
    (BINARY, &["openssl-sys", "native-tls", "rustls", "chrono", "rusqlite", "wincode"]),
];

/// Arrows between our crates that are not in the table, and rows of it that are not true.
fn wrong_arrows(crates: &Crates, table: &[(&str, &[&str])]) -> Vec<String> {
    let rows: BTreeMap<&str, BTreeSet<&str>> =
        table.iter().map(|(name, sees)| (*name, sees.iter().copied().collect())).collect();
    let ours: BTreeSet<&str> = crates.members.iter().map(|member| member.name.as_str()).collect();
    let mut wrong = Vec::new();
    for member in &crates.members {
        let closure = crates.closure(member);
        let sees: BTreeSet<&str> =
            closure.iter().map(String::as_str).filter(|name| ours.contains(name)).collect();
        let Some(may) = rows.get(member.name.as_str()) else {
            wrong.push(format!("{} has no row", member.name));
            continue;
        };
        let name = &member.name;
        wrong.extend(sees.difference(may).map(|extra| format!("{name} -> {extra} is forbidden")));
        wrong.extend(may.difference(&sees).map(|idle| format!("{name} -> {idle} is not used")));
    }
    wrong.extend(
        rows.keys().filter(|name| !ours.contains(*name)).map(|name| format!("{name} is gone")),
    );
    wrong
}

/// What tests see beyond the table.
fn wrong_in_tests(members: &[Member], crates: &Crates) -> Vec<String> {
    let mut wrong = Vec::new();
    for member in members {
        let built_with = crates.closure(member);
        let ours = member.other.iter().filter(|name| {
            crates.members.iter().any(|other| other.name == **name) && !built_with.contains(*name)
        });
        for name in ours {
            let allowed = OURS_IN_TESTS
                .iter()
                .any(|(tester, seen, _)| *tester == member.name && *seen == name.as_str());
            if name != TESTKIT && !allowed && member.name != BINARY {
                wrong.push(format!("the tests of {} see {name}", member.name));
            }
        }
        if member.normal.contains(TESTKIT) {
            wrong.push(format!("{} is built with {TESTKIT}", member.name));
        }
    }
    wrong
}

fn wrong_doors(members: &[Member], doors: &[(&str, &[&str], &str)]) -> Vec<String> {
    let mut wrong = Vec::new();
    for member in members {
        for name in &member.normal {
            let door = doors.iter().find(|(external, ..)| external == name);
            if let Some((_, may, why)) = door
                && !may.contains(&member.name.as_str())
            {
                wrong.push(format!(
                    "{} is built with {name}, but {why}: {}",
                    member.name,
                    may.join(", ")
                ));
            }
        }
    }
    wrong
}

fn pulled_in(crates: &Crates, forbidden: &[(&str, &[&str])]) -> Vec<String> {
    let mut wrong = Vec::new();
    for (name, names) in forbidden {
        let Some(member) = crates.members.iter().find(|member| member.name == *name) else {
            wrong.push(format!("{name} is gone"));
            continue;
        };
        let closure = crates.closure(member);
        let found = names.iter().filter(|external| closure.contains(**external));
        wrong.extend(found.map(|external| format!("{name} pulls in {external}")));
    }
    wrong
}

#[test]
fn our_crates_see_only_what_the_table_says() {
    demand(
        "Dependencies point inward (docs/architecture.md). Move the code to where it may see what \
         it needs; an arrow that has to be is added to OURS in tests/architecture/dependencies.rs, \
         with a decision in docs/decisions.",
        &wrong_arrows(crates::here(), OURS),
    );
}

#[test]
fn tests_see_little_more_and_only_tests_see_the_testkit() {
    let here = crates::here();
    demand(
        "A test that needs another crate belongs in tests/, or names its reason in OURS_IN_TESTS \
         in tests/architecture/dependencies.rs; lao-testkit is a dev-dependency only.",
        &wrong_in_tests(&here.members, here),
    );
}

#[test]
fn crates_of_others_have_one_door() {
    demand(
        "Use the crate that owns it, or widen DOORS in tests/architecture/dependencies.rs.",
        &wrong_doors(&crates::here().members, DOORS),
    );
}

#[test]
fn no_crate_pulls_in_what_it_forbids() {
    demand(
        "`cargo tree -p CRATE -e normal -i EXTERNAL` shows how it comes in; turn the feature off, \
         or put the code elsewhere.",
        &pulled_in(crates::here(), FORBIDDEN),
    );
}

#[test]
fn the_rules_see_what_they_forbid() {
    let here = crates::here();
    let narrow: Vec<(&str, &[&str])> = OURS
        .iter()
        .map(|(name, sees)| if *name == "lao-model" { (*name, &sees[..1]) } else { (*name, *sees) })
        .collect();
    assert_eq!(wrong_arrows(here, &narrow), ["lao-model -> lao-port is forbidden"]);
    let through_others = pulled_in(here, &[("lao-gateway", &["redb", "clap"])]);
    assert_eq!(through_others, ["lao-gateway pulls in redb"]);
    let doors = wrong_doors(&here.members, &[("redb", &["lao-event"], "why")]);
    assert_eq!(doors, ["lao-journal is built with redb, but why: lao-event"]);
}
