//! Nothing leaves the machine: proxies of the environment are not asked, redirects not followed.

use std::{io, net::TcpListener};

use lao_testkit::openai_server::Fault;

use super::{
    super::support::sandbox::Running,
    world::{RUN, World, assert_done, capable},
};

/// A port that nobody may connect to.
struct Trap {
    listener: TcpListener,
}

impl Trap {
    fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        Self { listener }
    }

    fn url(&self) -> String {
        format!("http://{}", self.listener.local_addr().unwrap())
    }

    /// Nobody has; the system would have kept a connection until it is taken.
    #[track_caller]
    fn assert_untouched(&self) {
        let taken = self.listener.accept();
        let nobody = taken.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock);
        assert!(nobody, "somebody connected: {taken:?}");
    }
}

#[test]
fn proxies_of_the_environment_are_ignored() {
    let trap = Trap::new();
    let world = World::new(capable());
    let mut command = world.sandbox.command(&RUN);
    for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"] {
        command.env(name, trap.url()).env(name.to_lowercase(), trap.url());
    }
    assert_done(&world.sandbox, &Running::start(command).finish());
    trap.assert_untouched();
}

#[test]
fn redirects_are_refused() {
    let trap = Trap::new();
    let location = format!("{}/v1/chat/completions", trap.url());
    let world = World::new(capable().with_faults(&[Fault::Redirect { location }]));
    let outcome = world.run_with(&[]);
    assert_eq!(outcome.code, Some(4), "{}", outcome.stdout);
    assert!(outcome.stdout.contains("redirect"), "{}", outcome.stdout);
    trap.assert_untouched();
}
