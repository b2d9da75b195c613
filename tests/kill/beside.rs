//! Many processes in one project: each has its run, they share the model's places, the blobs and
//! the folder of runs, and who is killed disturbs no other.

use std::fs;

use lao_testkit::openai_server::{Behaviour, Dialect};
use serde_json::Value;

use super::{
    super::support::{
        brain,
        gate::Gate,
        sandbox::{Running, Sandbox},
        server::{ModelServer, PLAN},
    },
    moment::{Moment, Random, Whom, kill_at},
    random::seed,
};

const PROCESSES: usize = 10;
/// Places at the model, for all of them together.
const PERMITS: usize = 2;
/// The most events that a process prints before it is killed, and one more.
const EVENTS_MAX: u64 = 30;

fn start(sandbox: &Sandbox, number: usize) -> Running {
    let permits = format!("endpoints.local.permits={PERMITS}");
    sandbox.start(&["run", &format!("plans/app{number}.md"), "--json", "--set", &permits])
}

/// Every other one is killed and started again while the others go on.
#[test]
fn ten_processes_in_one_project_of_which_some_are_killed() {
    let gate = Gate::default();
    let theirs = gate.clone();
    let server = ModelServer::start(Behaviour::new(Dialect::OpenAi).with_brain(move |request| {
        theirs.pass();
        brain::think(request)
    }));
    let sandbox = Sandbox::new();
    server.write_project(&sandbox);
    for number in 0..PROCESSES {
        // The same text would be the same plan, and one run.
        sandbox.write(&format!("plans/app{number}.md"), &format!("{PLAN}\nNumber {number}.\n"));
    }
    let seed = seed();
    println!("LAO_KILL_SEED={seed}");
    let mut random = Random(seed);
    let running: Vec<Running> = (0..PROCESSES).map(|number| start(&sandbox, number)).collect();
    for process in &running {
        process.wait_for("\"event\":\"ModelCallStarted\"");
    }
    gate.waits_for(PERMITS);
    assert_eq!(gate.inside.0.lock().unwrap().waiting_most, PERMITS, "the places are shared");
    gate.open();
    let mut last = Vec::new();
    for (number, process) in running.into_iter().enumerate() {
        if number % 2 == 0 {
            last.push(process);
            continue;
        }
        let events = usize::try_from(random.below(EVENTS_MAX)).unwrap();
        kill_at(process, Moment { events, pause_us: 0, whom: Whom::Process });
        last.push(start(&sandbox, number));
    }
    for process in last {
        let outcome = process.finish();
        assert_eq!(outcome.code, Some(0), "{}\n{}", outcome.stdout, outcome.stderr);
    }
    assert_all_done(&sandbox);
}

/// There is one sound, sealed run for each plan, and its files.
#[track_caller]
fn assert_all_done(sandbox: &Sandbox) {
    let check = sandbox.run(&["journal", "check", "--json"]);
    assert_eq!(check.code, Some(0), "{check:?}");
    let runs: Vec<Value> =
        check.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(runs.len(), PROCESSES);
    assert!(
        runs.iter().all(|run| run["sealed"] == true && run["problems"] == Value::from([(); 0]))
    );
    for number in 0..PROCESSES {
        for file in ["hello.txt", "bye.txt"] {
            let text = fs::read_to_string(sandbox.path(&format!("app{number}/{file}"))).unwrap();
            assert_eq!(text, brain::greeting(file));
        }
    }
}
