//! Clocks that were set back: the newest run stays the newest.

use std::{fs, path::Path};

use serde_json::Value;

use super::world::{RUN, World, assert_done, capable};

/// Names of the runs there are, in order.
fn runs(state: &Path) -> Vec<String> {
    let entries = fs::read_dir(state.join("runs")).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_run_after_one_of_the_future_is_the_newest() {
    let world = World::new(capable());
    let sandbox = &world.sandbox;
    let state = sandbox.path(".lao");
    assert_done(sandbox, &sandbox.run(&RUN));
    // As the same run would be named if the clock had been years ahead then.
    let early = runs(&state).remove(0);
    let future = "29991231-235959-zzzzz";
    fs::rename(state.join("runs").join(&early), state.join("runs").join(future)).unwrap();
    fs::remove_dir_all(sandbox.path("app")).unwrap();
    let mut again = RUN.to_vec();
    again.push("--again");
    assert_done(sandbox, &sandbox.run(&again));
    let names = runs(&state);
    assert_eq!(names[0], future);
    assert!(names[1].starts_with("30000101-000000-"), "{names:?}");
    let status = sandbox.run(&["status", "last", "--json"]);
    let status: Value = serde_json::from_str(&status.stdout).unwrap();
    assert_eq!(status["summary"]["run"], Value::from(names[1].as_str()), "{status}");
    for look in [&["runs"][..], &["status", "last"], &["show", "last"], &["log", "last"]] {
        let told = sandbox.run(look);
        assert_eq!(told.code, Some(0), "{look:?}: {}", told.stderr);
        assert!(!told.stdout.contains(" d "), "no days passed: {}", told.stdout);
    }
}
