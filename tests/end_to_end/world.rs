//! A project, the server of its models, and what a run made.

use std::fs;

use lao_testkit::openai_server::{Behaviour, Dialect};
use serde_json::Value;

use super::super::support::{
    brain,
    sandbox::{Outcome, Sandbox},
    server::ModelServer,
};

/// The command that every test types.
pub(crate) const RUN: [&str; 2] = ["run", "plans/app.md"];

/// A project and its server.
pub(crate) struct World {
    pub(crate) sandbox: Sandbox,
    pub(crate) server: ModelServer,
}

/// A server with a model that does its work.
pub(crate) fn capable() -> Behaviour {
    Behaviour::new(Dialect::OpenAi).with_brain(brain::think)
}

impl World {
    /// A project whose models such a server serves.
    pub(crate) fn new(behaviour: Behaviour) -> Self {
        let sandbox = Sandbox::new();
        let server = ModelServer::start(behaviour);
        server.write_project(&sandbox);
        Self { sandbox, server }
    }

    /// Runs the plan with some settings.
    pub(crate) fn run_with(&self, settings: &[&str]) -> Outcome {
        let mut arguments = RUN.to_vec();
        for setting in settings {
            arguments.extend(["--set", setting]);
        }
        self.sandbox.run(&arguments)
    }

    /// Bodies of the chat requests that a role's model got, in order.
    pub(crate) fn asked(&self, words: &str) -> Vec<Value> {
        let system =
            |body: &Value| body["messages"][0]["content"].as_str().unwrap_or_default().to_owned();
        self.server
            .server
            .chats()
            .into_iter()
            .filter(|body| system(body).starts_with(words))
            .collect()
    }
}

/// First words of what the planner is told.
pub(crate) const PLANNER: &str = "You turn a plan into coding tasks";
/// First words of what the coder is told.
pub(crate) const CODER: &str = "You are a careful programmer";
/// First words of what the reviewer is told.
pub(crate) const REVIEWER: &str = "You review the changes";

/// The run went well and left what the models wrote, byte for byte.
#[track_caller]
pub(crate) fn assert_done(sandbox: &Sandbox, outcome: &Outcome) {
    assert_eq!(outcome.code, Some(0), "{}\n{}", outcome.stdout, outcome.stderr);
    for file in ["hello.txt", "bye.txt"] {
        let text = fs::read_to_string(sandbox.path("app").join(file)).unwrap();
        assert_eq!(text, brain::greeting(file));
    }
}
