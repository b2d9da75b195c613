//! Scenarios that are begun, played, accepted, changed, killed and recorded.

use std::fs;

use super::{simple, transcript::Story};

/// Changes a text of a scenario.
fn change(story: &Story, path: &str, from: &str, to: &str) {
    let text = fs::read_to_string(story.sandbox.path(path)).unwrap();
    assert!(text.contains(from), "{text}");
    story.sandbox.write(path, &text.replace(from, to));
}

#[test]
fn a_scenario_is_begun_accepted_and_changed() {
    let mut story = Story::new();
    story.lao("scenario test");
    story.lao("scenario new greet");
    story.lao("scenario new greet");
    story.lao("scenario test");
    story.lao("scenario test --accept");
    story.lao("scenario test --crash --jobs 1");
    change(
        &story,
        "./scenarios/greet.scenario.toml",
        "echo hello\\n\" } }]",
        "echo hallo\\n\" } }]",
    );
    story.lao("scenario test");
    change(
        &story,
        "./scenarios/greet.scenario.toml",
        "outcome = \"succeeded\"",
        "outcome = \"failed\"",
    );
    story.lao("scenario test --accept -q");
    story.check("scenario_test");
}

#[test]
fn what_is_wrong_with_a_scenario_is_said_with_its_place() {
    let mut story = Story::new();
    story.sandbox.write("a.scenario.toml", "plan = \"\"\"\n# A\n\nText.\n\"\"\"\n[[fault]]\ndo = \"kill\"\nat = { event = \"Fish\" }\n");
    story.sandbox.write("b.scenario.toml", "plan = \"nothing.md\"\n");
    story.sandbox.write("c.scenario.toml", "plan = \"\"\"\n# A\n\nText.\n\"\"\"\nturns = 3\n");
    story.sandbox.write(
        "d.scenario.toml",
        "plan = \"\"\"\n# A\n\nText.\n\"\"\"\nconfig = { git = { author = \"x\" } }\n",
    );
    story.lao("scenario test . --jobs 1");
    story.lao("scenario test a.scenario.toml --json");
    story.lao("scenario test elsewhere");
    story.check("scenario_wrong");
}

#[test]
fn a_run_becomes_a_scenario_that_does_the_same() {
    let mut story = Story::new();
    simple::write_working(&story.sandbox);
    assert_eq!(story.sandbox.run(&["run", simple::PLAN]).code, Some(0));
    story.lao("scenario record last --to recorded.scenario.toml");
    story.lao("scenario record last --to recorded.scenario.toml");
    story.lao("scenario test recorded.scenario.toml --accept");
    story.lao("scenario test recorded.scenario.toml --crash -q");
    story.check("scenario_record");
}
