//! Model servers that are not there, lack a model, or answer with an error.

use std::net::TcpListener;

use lao_testkit::openai_server::{Behaviour, Dialect, Fault, ServedModel};

use super::{
    super::support::{
        brain,
        server::{ModelServer, PLAN, config},
    },
    transcript::Story,
};

/// A project at a server that behaves so.
fn project(behaviour: Behaviour) -> (Story, ModelServer) {
    let story = Story::new();
    let server = ModelServer::start(behaviour);
    server.write_project(&story.sandbox);
    (story, server)
}

fn capable() -> Behaviour {
    Behaviour::new(Dialect::OpenAi).with_brain(brain::think)
}

#[test]
fn a_server_that_answers() {
    let (mut story, _server) = project(capable());
    story.lao("doctor");
    story.lao("run plans/app.md");
    story.check("server");
}

#[test]
fn a_server_that_is_away() {
    let mut story = Story::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    story.sandbox.write("lao.toml", &config(&address));
    story.sandbox.write("plans/app.md", PLAN);
    for line in ["run plans/app.md", "run --once", "--json run plans/app.md", "doctor", "runs"] {
        assert_eq!(story.lao(line).code, Some(if line == "runs" { 0 } else { 7 }), "{line}");
    }
    story.check("server_away");
}

#[test]
fn a_server_that_says_nothing() {
    let mut story = Story::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    story.sandbox.write("lao.toml", &config(&address));
    story.sandbox.write("plans/app.md", PLAN);
    assert_eq!(story.lao("run plans/app.md").code, Some(7));
    story.check("server_silent");
}

#[test]
fn a_model_that_is_not_there() {
    let mut behaviour = capable();
    behaviour.models = vec![ServedModel::new("large"), ServedModel::new("larger")];
    let (mut story, _server) = project(behaviour);
    story.lao("run plans/app.md");
    story.lao("doctor");
    story.check("model_missing");
}

#[test]
fn a_model_of_somebody_elses_machine() {
    let mut behaviour = capable();
    behaviour.dialect = Dialect::Ollama;
    behaviour.models[0].remote_host = Some("https://ollama.com".to_owned());
    let (mut story, _server) = project(behaviour);
    story.lao("run plans/app.md");
    story.lao("doctor");
    story.check("model_cloud");
}

#[test]
fn a_server_that_refuses() {
    let body = r#"{"error":{"message":"grammar is too complex for this build"}}"#;
    let fault = Fault::Status { status: 400, body: body.to_owned() };
    let (mut story, _server) = project(capable().with_faults(&[fault]));
    story.lao("run plans/app.md");
    story.lao("retry");
    story.check("http_400");
}

#[test]
fn a_server_that_fails() {
    let body = r#"{"error":{"message":"CUDA error: out of memory"}}"#;
    let fault = Fault::Status { status: 500, body: body.to_owned() };
    let (mut story, _server) = project(capable().with_faults(&[
        const { Fault::None },
        fault.clone(),
        fault.clone(),
        fault.clone(),
        fault,
    ]));
    story.lao("run plans/app.md");
    story.lao("show last --step t1");
    story.check("http_500");
}

#[test]
fn an_answer_that_is_cut() {
    let cut = Fault::Drop { after_bytes: 400 };
    let (mut story, _server) =
        project(capable().with_faults(&[cut.clone(), cut.clone(), cut.clone(), cut]));
    story.lao("run plans/app.md");
    story.check("answer_cut");
}
