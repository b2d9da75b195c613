//! Each documented exit code, produced.

use lao_cli::ExitCode;
use lao_testkit::openai_server::{Behaviour, Dialect};
use rustix::process::Signal;

use super::{
    super::support::{
        brain,
        gate::Gate,
        sandbox::{Running, Sandbox},
        server::{ModelServer, config},
    },
    diff, journals, simple, waiting,
};

#[test]
fn each_documented_code_is_produced() {
    for code in ExitCode::ALL {
        // Only a worker that crashes again and again brings this one about; what `lao status` says
        // of such a run is in `waiting`.
        if code != ExitCode::LimitReached {
            assert_eq!(produce(code), Some(i32::from(code.number())), "{code:?}");
        }
    }
}

/// Does something that ends with this code.
fn produce(code: ExitCode) -> Option<i32> {
    let sandbox = Sandbox::new();
    let run = || sandbox.run(&["run", simple::PLAN]).code;
    match code {
        ExitCode::Done => {
            simple::write_working(&sandbox);
            run()
        }
        ExitCode::Internal => sandbox.run(&["--project", "/proc/lao", "init"]).code,
        ExitCode::Usage => sandbox.run(&["rum"]).code,
        ExitCode::Configuration => run(),
        ExitCode::StepsFailed => {
            simple::write(&sandbox, "", &[simple::PLANNED]);
            run()
        }
        ExitCode::Parked => waiting::killed_in_a_command("").sandbox.run(&["resume"]).code,
        ExitCode::Cancelled => at_the_gate(|sandbox, _| {
            assert_eq!(sandbox.run(&["cancel", "last"]).code, Some(0));
        }),
        ExitCode::ServerUnavailable => {
            // The port of a protocol that discards, where nobody listens.
            sandbox.write("lao.toml", &config("http://127.0.0.1:9"));
            sandbox.write(simple::PLAN, "# Plan\n\nDo it.\n");
            run()
        }
        ExitCode::JournalUnavailable => journals::damaged().0.sandbox.run(&["status"]).code,
        ExitCode::LimitReached => panic!("nothing here brings it about"),
        ExitCode::Different => {
            let story = diff::different();
            story.sandbox.run(&["--project", "one", "diff", "last", "--journal", "two"]).code
        }
        ExitCode::Interrupted => at_the_gate(|_, running| {
            running.signal(Signal::INT);
            running.wait_for("stopping: it was interrupted");
        }),
    }
}

/// How a run ends to which something happens while its coder is asked.
fn at_the_gate(happens: impl FnOnce(&Sandbox, &Running)) -> Option<i32> {
    let gate = Gate::default();
    let theirs = gate.clone();
    let server = ModelServer::start(Behaviour::new(Dialect::OpenAi).with_brain(move |request| {
        if brain::asked(request) == brain::Asked::Coder {
            theirs.pass();
        }
        brain::think(request)
    }));
    let sandbox = Sandbox::new();
    server.write_project(&sandbox);
    let running = sandbox.start(&["run", simple::PLAN]);
    gate.waits_for(1);
    happens(&sandbox, &running);
    gate.open();
    running.finish().code
}
