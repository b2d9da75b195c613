//! What holds for every Rust file: it says what it is, stays short, is compiled, and keeps to what
//! its crate may use.

use std::collections::BTreeSet;

use super::{
    code, crates, modules,
    tree::{self, File},
};
use crate::demand;

/// Production lines of a file; the tests in it are not counted.
const FILE_LINES_MAX: usize = 800;
/// Lines of a function, signature and blank lines included. Clippy counts code only, and stops at 70.
const FUNCTION_LINES_MAX: usize = 100;

/// Crates whose sources neither touch the world nor depend on chance.
const PURE: &[&str] =
    &["crates/event/", "crates/kernel/", "crates/config/", "crates/workflow/", "crates/protocol/"];

/// What pure sources do not contain. The `.clippy.toml` of these crates says the same with paths.
const IMPURE: &[&str] = &[
    "HashMap",
    "HashSet",
    "RandomState",
    "Instant",
    "SystemTime",
    "fs::",
    "env::",
    "net::",
    "process::",
    "thread::",
    "io::",
    "f32",
    "f64",
    "async",
    "await",
    "unsafe",
    "static mut",
];

/// Modules in which the platforms differ, one for each concern, each with a portable fallback.
const PLATFORM: &[&str] = &[
    "crates/gateway/src/socket.rs",
    "crates/gateway/src/socket/unix.rs",
    "crates/journal/src/folder.rs",
    "crates/lao/signal.rs",
    "crates/repo/src/platform.rs",
    "crates/tool/src/folder.rs",
    "crates/tool/src/folder/unix.rs",
    "crates/tool/src/process.rs",
    "crates/tool/src/process/unix.rs",
    "crates/transcriber/src/group.rs",
    "crates/transcriber/src/group/unix.rs",
    "crates/whisper/src/platform.rs",
    "crates/whisper/src/platform/unix.rs",
];

/// Where a pause is what is tested or measured: a moment to be killed at, a server that is slow.
const PAUSES: &[&str] = &["tests/kill/", "/benches/"];

/// Compiled by cargo-fuzz, and its bodies by the tests that include them by their path: a package
/// of its own, since it needs a nightly compiler.
const FUZZ: &str = "crates/testkit/fuzz/";

/// Names that exclude nothing, so that anything ends up there.
const VAGUE: &[&str] = &[
    "core", "common", "util", "utils", "helper", "helpers", "misc", "types", "manager", "service",
];

fn without_module_doc<'a>(files: impl Iterator<Item = &'a File>) -> Vec<String> {
    files.filter(|file| !file.text.starts_with("//!")).map(|file| file.path.clone()).collect()
}

fn too_long<'a>(files: impl Iterator<Item = &'a File>) -> Vec<String> {
    let mut wrong = Vec::new();
    for file in files {
        let lines = file.production().lines().count();
        if lines > FILE_LINES_MAX {
            wrong.push(format!("{}: {lines} lines, at most {FILE_LINES_MAX}", file.path));
        }
        for function in code::functions(file.bare()) {
            let code::Function { name, line, length } = function;
            if length > FUNCTION_LINES_MAX {
                let path = &file.path;
                wrong.push(format!(
                    "{path}:{line}: {name}, {length} lines, at most {FUNCTION_LINES_MAX}"
                ));
            }
        }
    }
    wrong
}

fn impure<'a>(files: impl Iterator<Item = &'a File>) -> Vec<String> {
    let mut wrong = Vec::new();
    for file in files {
        if file.is_test() || !PURE.iter().any(|folder| file.path.starts_with(folder)) {
            continue;
        }
        let code = file.production();
        for word in IMPURE {
            let lines = code::lines_with(code, word);
            wrong.extend(lines.iter().map(|line| format!("{}:{line}: {word}", file.path)));
        }
    }
    wrong
}

fn unsupervised<'a>(files: impl Iterator<Item = &'a File>) -> Vec<String> {
    let mut wrong = Vec::new();
    for file in files {
        let lines: Vec<&str> = file.bare().lines().collect();
        for (index, line) in lines.iter().enumerate() {
            if !(line.starts_with("impl") && line.contains("Actor for ")) {
                continue;
            }
            let block = &lines[index..][..code::block_length(&lines[index..])];
            if !block.iter().any(|line| line.contains("fn handle_supervisor_evt(")) {
                wrong.push(format!("{}:{}: {}", file.path, index + 1, line.trim_end_matches(" {")));
            }
        }
    }
    wrong
}

fn platform_code<'a>(files: impl Iterator<Item = &'a File>) -> Vec<String> {
    let mut wrong = Vec::new();
    for file in files {
        if file.is_test() || PLATFORM.contains(&file.path.as_str()) {
            continue;
        }
        for word in [
            "os::unix",
            "os::windows",
            "cfg(unix)",
            "cfg(not(unix))",
            "cfg(windows)",
            "target_os",
            "rustix::",
        ] {
            let lines = code::lines_with(file.production(), word);
            wrong.extend(lines.iter().map(|line| format!("{}:{line}: {word}", file.path)));
        }
    }
    wrong
}

/// Tests that wait for time instead of a fact.
fn sleeping_tests<'a>(files: impl Iterator<Item = &'a File>) -> Vec<String> {
    let mut wrong = Vec::new();
    for file in files {
        if PAUSES.iter().any(|place| file.path.contains(place)) {
            continue;
        }
        let begin = if file.is_test() { 0 } else { file.production().lines().count() };
        let lines = code::lines_with(file.bare(), "sleep(");
        let lines = lines.iter().filter(|line| **line > begin);
        wrong.extend(lines.map(|line| format!("{}:{line}", file.path)));
    }
    wrong
}

fn vaguely_named<'a>(paths: impl Iterator<Item = &'a str>) -> Vec<String> {
    let is_vague = |path: &&str| {
        path.trim_end_matches(".rs")
            .split('/')
            .any(|part| VAGUE.contains(&part.trim_start_matches("lao-")))
    };
    paths.filter(is_vague).map(str::to_owned).collect()
}

#[test]
fn every_file_says_what_it_is() {
    demand(
        "Begin the file with a //! line: what is here, and for what.",
        &without_module_doc(tree::rust()),
    );
}

#[test]
fn files_and_functions_stay_short() {
    demand("Split it where its parts have names of their own.", &too_long(tree::rust()));
}

#[test]
fn pure_crates_do_not_touch_the_world() {
    demand(
        "What is read, what time it is and what is drawn comes in as an argument; ordered maps and \
         whole numbers keep runs repeatable.",
        &impure(tree::rust()),
    );
}

#[test]
fn every_actor_handles_supervision_itself() {
    demand(
        "By ractor's default a failing child stops its parent: implement handle_supervisor_evt.",
        &unsupervised(tree::rust()),
    );
}

#[test]
fn platforms_differ_in_one_module_for_each_concern() {
    demand(
        "Put it into the module of its concern, with a portable fallback; a new concern is added \
         to PLATFORM in tests/architecture/sources.rs.",
        &platform_code(tree::rust()),
    );
}

#[test]
fn tests_wait_for_facts() {
    demand(
        "Wait for a message, a line of output, the end of a process; or use the test clock.",
        &sleeping_tests(tree::rust()),
    );
}

#[test]
fn names_exclude_something() {
    let crates = crates::here().members.iter().map(|member| member.name.as_str());
    let files = tree::rust().map(|file| file.path.as_str());
    demand(
        "Name it after what belongs there, and what does not.",
        &vaguely_named(crates.chain(files)),
    );
}

#[test]
fn every_rust_file_is_compiled() {
    let bare_of = |path: &str| tree::file(path).map(File::bare);
    let roots = crates::here().members.iter().flat_map(|member| &member.roots);
    let reached: BTreeSet<String> =
        roots.flat_map(|root| modules::reached(root, &bare_of)).collect();
    let known = |path: &String| reached.contains(path) || path.starts_with(FUZZ);
    let forgotten: Vec<String> =
        tree::rust().map(|file| file.path.clone()).filter(|path| !known(path)).collect();
    demand("Declare it with `mod` in the file above it, or delete it.", &forgotten);
}

#[test]
fn the_rules_see_what_they_forbid() {
    let long_function = format!("fn f() {{\n{}}}\n", "    g();\n".repeat(FUNCTION_LINES_MAX));
    let bad = [
        File::new("crates/kernel/src/a.rs", "use std::{collections::HashMap, fs::File};\n"),
        File::new("crates/model/src/b.rs", long_function),
        File::new("crates/model/src/c.rs", "const A: u8 = 1;\n".repeat(FILE_LINES_MAX + 1)),
        File::new("crates/runtime/src/d.rs", "impl Actor for A {\n    fn handle() {}\n}\n"),
        File::new("crates/cli/src/e.rs", "#[cfg(unix)]\nfn f() {}\n"),
        File::new(
            "crates/cli/src/f.rs",
            "#[cfg(test)]\nmod tests {\n    fn f() {\n        sleep(x);\n    }\n}\n",
        ),
    ];
    assert_eq!(without_module_doc(bad.iter()).len(), bad.len());
    assert_eq!(
        impure(bad.iter()),
        ["crates/kernel/src/a.rs:1: HashMap", "crates/kernel/src/a.rs:1: fs::"]
    );
    assert_eq!(
        too_long(bad.iter()),
        [
            "crates/model/src/b.rs:1: f, 102 lines, at most 100",
            "crates/model/src/c.rs: 801 lines, at most 800"
        ]
    );
    assert_eq!(unsupervised(bad.iter()), ["crates/runtime/src/d.rs:1: impl Actor for A"]);
    assert_eq!(platform_code(bad.iter()), ["crates/cli/src/e.rs:1: cfg(unix)"]);
    assert_eq!(sleeping_tests(bad.iter()), ["crates/cli/src/f.rs:4"]);
    let names = ["crates/cli/src/utils/a.rs", "crates/cli/src/core.rs", "lao-common", "lao-cli"];
    assert_eq!(vaguely_named(names.into_iter()), names[..3]);
}
