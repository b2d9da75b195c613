//! A server that goes away in mid-run: the run waits and goes on by itself, or ends resumable.

use lao_testkit::openai_server::{Behaviour, Dialect, OpenAiServer};

use super::{
    super::support::{
        brain::{self, Asked},
        gate::Gate,
        sandbox::{Running, Sandbox},
        server::ModelServer,
    },
    world::{RUN, assert_done, capable},
};

/// A run whose server went away while the coder was asked.
struct Left {
    sandbox: Sandbox,
    running: Running,
    address: String,
}

/// Starts a run and takes its server away.
fn leave(settings: &[&str]) -> Left {
    let gate = Gate::default();
    let theirs = gate.clone();
    let server = ModelServer::start(Behaviour::new(Dialect::OpenAi).with_brain(move |request| {
        if brain::asked(request) == Asked::Coder {
            theirs.pass();
        }
        brain::think(request)
    }));
    let sandbox = Sandbox::new();
    server.write_project(&sandbox);
    let address = server.server.base_url().trim_start_matches("http://").to_owned();
    let mut arguments = RUN.to_vec();
    for setting in settings {
        arguments.extend(["--set", setting]);
    }
    let running = sandbox.start(&arguments);
    gate.waits_for(1);
    drop(server);
    gate.open();
    Left { sandbox, running, address }
}

#[test]
fn a_run_waits_for_its_server_and_goes_on() {
    let left = leave(&[]);
    left.running.wait_for("waiting for");
    let back = ModelServer::start_with(|| OpenAiServer::start_at(&left.address, capable()));
    assert_done(&left.sandbox, &left.running.finish());
    drop(back);
}

#[test]
fn a_run_that_waited_long_enough_ends_and_can_be_resumed() {
    let left = leave(&["endpoints.local.wait_for_server_s=1"]);
    let outcome = left.running.finish();
    assert_eq!(outcome.code, Some(7), "{}\n{}", outcome.stdout, outcome.stderr);
    assert!(outcome.stdout.contains("lao resume"), "{}", outcome.stdout);
    // It is still away: that is said at once, and nothing is lost.
    assert_eq!(left.sandbox.run(&["resume"]).code, Some(7));
    let back = ModelServer::start_with(|| OpenAiServer::start_at(&left.address, capable()));
    assert_done(&left.sandbox, &left.sandbox.run(&RUN));
    drop(back);
}
