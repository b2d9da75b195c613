//! As many requests at a time as there are permits, and not one more.

use lao_testkit::openai_server::{Behaviour, Dialect, Thought};

use super::{
    super::support::{
        brain::{self, Asked},
        gate::Gate,
    },
    world::World,
};

const FILES: [(&str, &[&str]); 6] = [
    ("a.txt", &[]),
    ("b.txt", &[]),
    ("c.txt", &[]),
    ("d.txt", &[]),
    ("e.txt", &[]),
    ("f.txt", &[]),
];

#[test]
fn four_permits_are_four_tasks_at_a_time() {
    let gate = Gate::default();
    let theirs = gate.clone();
    let world = World::new(Behaviour::new(Dialect::OpenAi).with_brain(move |request| {
        match brain::asked(request) {
            Asked::Planner => Thought::text(brain::tasks(&FILES)),
            Asked::Coder | Asked::Reviewer => {
                theirs.pass();
                brain::think(request)
            }
        }
    }));
    let running =
        world.sandbox.start(&["run", "plans/app.md", "--set", "endpoints.local.permits=4"]);
    gate.waits_for(4);
    gate.open();
    let outcome = running.finish();
    assert_eq!(outcome.code, Some(0), "{}\n{}", outcome.stdout, outcome.stderr);
    let most = gate.inside.0.lock().unwrap().waiting_most;
    assert_eq!(most, 4, "never more than there are permits");
    for (file, _) in FILES {
        assert!(world.sandbox.path("app").join(file).exists(), "{file}");
    }
}
