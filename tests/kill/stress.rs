//! One run, killed over and over on one journal, until it ends by itself.
//!
//! What happened is counted on the outside: the model's server numbers every request that it
//! answers and says the number in its answer, so that the journal can be held against what was
//! really asked.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
};

use lao_testkit::openai_server::{Behaviour, ChatRequest, Dialect, Thought};
use serde_json::Value;

use super::{
    super::support::{
        brain::{self, Asked},
        sandbox::{Running, Sandbox},
        server::ModelServer,
    },
    end::End,
    moment::{Moment, Random, Whom, kill_at},
    random::{number, seed},
};

/// About how many kills there are unless `LAO_KILLS` says otherwise.
const KILLS: usize = 40;
/// Kills for each task of the plan: so many it takes about to have it done.
const KILLS_PER_TASK: usize = 3;
/// The most events that a process prints before it is killed, and one more.
const EVENTS_MAX: u64 = 10;
/// The longest pause after them, in microseconds.
const PAUSE_US_MAX: u64 = 12_000;

/// A project with the server of its models.
struct World {
    sandbox: Sandbox,
    server: ModelServer,
    /// The conversation of every request that was answered; its place is its number.
    asked: Arc<Mutex<Vec<String>>>,
}

impl World {
    /// A plan of so many files.
    fn new(files: usize) -> Self {
        let asked: Arc<Mutex<Vec<String>>> = Arc::default();
        let theirs = Arc::clone(&asked);
        let think = move |request: &ChatRequest| {
            let mut asked = theirs.lock().unwrap();
            asked.push(request.body["messages"].to_string());
            Thought { reasoning: format!("Answer {}.", asked.len()), ..think(request, files) }
        };
        let server = ModelServer::start(Behaviour::new(Dialect::OpenAi).with_brain(think));
        let sandbox = Sandbox::new();
        server.write_project(&sandbox);
        Self { sandbox, server, asked }
    }

    fn start(&self) -> Running {
        self.sandbox.start(&["run", "plans/app.md", "--json"])
    }

    /// Runs it to its end.
    fn end(&self) -> End {
        let outcome = self.start().finish();
        assert_eq!(outcome.code, Some(0), "{}\n{}", outcome.stdout, outcome.stderr);
        End::of(&self.sandbox, "app")
    }

    /// Numbers of the answers in the journal.
    fn answers(&self) -> Vec<usize> {
        let log = self.sandbox.run(&["log", "last", "--json"]).stdout;
        let updates = log.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let ended = updates.filter(|update| update["event"] == "ModelCallEnded");
        ended.filter_map(|update| answer(&update["data"]["outcome"]["answered"])).collect()
    }
}

/// The number that the server gave an answer.
fn answer(answered: &Value) -> Option<usize> {
    let reasoning = answered["reasoning"]["inline"].as_str()?;
    reasoning.strip_prefix("Answer ")?.strip_suffix('.')?.parse().ok()
}

fn think(request: &ChatRequest, files: usize) -> Thought {
    match brain::asked(request) {
        Asked::Planner => {
            let files: Vec<String> = (1..=files).map(|file| format!("file-{file}.txt")).collect();
            let files: Vec<(&str, &[&str])> =
                files.iter().map(|file| (file.as_str(), [].as_slice())).collect();
            Thought::text(brain::tasks(&files))
        }
        Asked::Coder | Asked::Reviewer => brain::think(request),
    }
}

#[test]
fn a_run_that_is_killed_over_and_over_asks_nothing_twice_that_was_answered() {
    let kills = number("LAO_KILLS").map_or(KILLS, |kills| usize::try_from(kills).unwrap());
    let seed = seed();
    println!("LAO_KILL_SEED={seed} LAO_KILLS={kills}");
    let files = kills.div_ceil(KILLS_PER_TASK);
    let undisturbed = World::new(files).end();
    let world = World::new(files);
    let mut random = Random(seed);
    let mut moments = Vec::new();
    loop {
        let events = usize::try_from(random.below(EVENTS_MAX)).unwrap();
        let moment = Moment { events, pause_us: random.below(PAUSE_US_MAX), whom: Whom::Process };
        if !kill_at(world.start(), moment) {
            break;
        }
        moments.push(moment);
    }
    let end = world.end();
    let answers = world.answers();
    let asked = world.asked.lock().unwrap();
    println!(
        "{} kills within {} answers; {} requests, {} events, {} undisturbed",
        moments.len(),
        answers.len(),
        asked.len(),
        end.events.0,
        undisturbed.events.0,
    );
    assert!(
        moments.len() > kills / 2,
        "the plan is too short for so many kills: {}",
        moments.len()
    );
    assert_eq!(end, undisturbed);
    assert_asked_once(&asked, &answers);
    assert!(
        asked.len() <= answers.len() + kills,
        "one place at the server: a kill costs one answer"
    );
    assert_eq!(world.server.server.chats().len(), asked.len(), "every request was answered");
}

/// After a request whose answer is in the journal, the same is not asked again.
#[track_caller]
fn assert_asked_once(asked: &[String], answers: &[usize]) {
    let last: BTreeMap<&String, usize> = asked.iter().zip(1..).collect();
    let known: BTreeSet<usize> = answers.iter().copied().collect();
    assert_eq!(known.len(), answers.len(), "an answer is in the journal twice: {answers:?}");
    for answer in answers {
        let again = last[&asked[answer - 1]];
        assert_eq!(again, *answer, "request {again} is request {answer} again");
    }
}
