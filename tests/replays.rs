//! The harness of `replays/`: runs that were recorded once are read, folded and derived again by
//! today's program, which must come to what it came to then.
//!
//! `LAO_BLESS=1 cargo test --test replays` writes the states of runs that replay to what is recorded.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use lao_event::{StepId, latest::StepOutcome};
use lao_history::{Contents, RunFolder, RunsFolder};
use lao_journal::{Draft, Head, Manifest, ReadError, Reader, Restore, chain};
use lao_kernel::{RunPhase, State, StepStatus, evolve, outstanding};
use lao_replay::{Replay, Replayed, for_each_decision, import, replay};
use serde::{Deserialize, Serialize};
use tempfile::TempDir;

/// The most bytes of the whole folder.
const BYTES_MAX: u64 = 500_000;
/// Effects that a run may owe besides those of its tasks: a round of checks, and a commit.
const SHARED_EFFECTS: usize = 2;

fn replays() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("replays")
}

/// The folders of all recordings.
fn recordings() -> Vec<PathBuf> {
    let entries = fs::read_dir(replays()).expect("the folder is there");
    let paths = entries.map(|entry| entry.expect("it can be listed").path());
    let mut folders: Vec<PathBuf> = paths.filter(|path| path.is_dir()).collect();
    folders.sort();
    folders
}

/// A recording, taken up in a project of its own.
struct Recording {
    _project: TempDir,
    folder: RunFolder,
    contents: Contents,
    lao: String,
}

impl Recording {
    fn of(path: &Path) -> Self {
        let project = tempfile::tempdir().expect("there is room for a temporary folder");
        let runs = RunsFolder::new(project.path().join(".lao"));
        let file = fs::File::open(path.join("run.laorun")).expect("the run is there");
        let imported =
            import(file, &runs).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert!(imported.provenance.redacted.is_none(), "{} was altered", path.display());
        Self {
            folder: runs.run(&imported.run),
            contents: runs.contents().expect("the project can be written"),
            lao: imported.provenance.lao,
            _project: project,
        }
    }

    fn reader(&self) -> Reader {
        self.folder.reader().expect("it was just written")
    }

    /// The run, derived again.
    fn replayed(&self) -> Replayed {
        match replay(&self.reader(), &self.contents, |_| {}) {
            Ok(Replay::Identical(replayed)) => *replayed,
            Ok(Replay::Different(difference)) => {
                panic!("event {} is not what follows: {difference:#?}", difference.seq)
            }
            Err(error) => panic!("{error}"),
        }
    }
}

/// Where a run leads, for people.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Summary {
    run: String,
    events: u64,
    effects: u64,
    phase: RunPhase,
    steps: Vec<StepSummary>,
    questions: usize,
    files: usize,
    /// BLAKE3 of the whole state.
    hash: String,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StepSummary {
    key: String,
    attempt: u32,
    outcome: Option<StepOutcome>,
}

impl Summary {
    fn of(replayed: &Replayed) -> Self {
        let state = &replayed.state;
        let run = state.run().expect("it started");
        let steps = state.steps().iter().map(|step| StepSummary {
            key: step.key.clone(),
            attempt: step.attempt.0,
            outcome: match &step.status {
                StepStatus::Ended(outcome) => Some(outcome.clone()),
                StepStatus::Pending | StepStatus::Running(_) | StepStatus::Parked(..) => None,
            },
        });
        Self {
            run: run.id.to_string(),
            events: replayed.events,
            effects: replayed.effects,
            phase: run.phase.clone(),
            steps: steps.collect(),
            questions: state.questions().count(),
            files: state.files().len(),
            hash: state.hash().to_string(),
        }
    }
}

#[test]
fn every_recorded_run_is_derived_again_and_leads_where_it_led() {
    for path in recordings() {
        let summary = Summary::of(&Recording::of(&path).replayed());
        let beside = path.join("state.json");
        if std::env::var_os("LAO_BLESS").is_some() {
            let text = serde_json::to_string_pretty(&summary).expect("a summary is plain JSON");
            fs::write(&beside, text + "\n").expect("the folder can be written");
        }
        let text = fs::read_to_string(&beside).unwrap_or_default();
        let recorded: Summary = serde_json::from_str(&text)
            .unwrap_or_else(|error| panic!("{}: {error} (README.md there)", beside.display()));
        assert_eq!(recorded, summary, "{}", beside.display());
    }
}

#[test]
fn at_the_end_of_every_decision_the_state_is_sound_and_owes_little() {
    for path in recordings() {
        let recording = Recording::of(&path);
        let mut state = State::new();
        let mut decisions = 0;
        let mut expected_next = 1;
        for_each_decision::<lao_history::HistoryError>(&recording.reader(), |decision| {
            assert_eq!(decision.first_seq(), expected_next, "no gap between decisions");
            for recorded in decision.events() {
                evolve(&mut state, &recorded.event)
                    .unwrap_or_else(|error| panic!("event {}: {error}", recorded.seq));
            }
            expected_next = decision.last_seq() + 1;
            decisions += 1;
            expect_sound(&state, &format!("{} at {}", path.display(), decision.last_seq()));
            Ok(())
        })
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert!(decisions > 20, "{} has {decisions} decisions", path.display());
    }
}

fn expect_sound(state: &State, place: &str) {
    assert_eq!(state.audit(), [""; 0], "{place}");
    assert_eq!(state.check_prompts(), Ok(()), "{place}");
    let places = state.run().expect("it started").settings.limits.parallel_tasks_max as usize;
    let owed = outstanding(state).count();
    assert!(owed <= places + SHARED_EFFECTS, "{place}: {owed} effects are outstanding");
    let steps: BTreeSet<Option<StepId>> = outstanding(state).map(|effect| effect.step).collect();
    assert!(steps.len() <= places + SHARED_EFFECTS, "{place}: {steps:?}");
}

/// What is said of a recording.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Provenance {
    what: String,
    how: String,
    recorded: String,
    lao: String,
    models: String,
}

#[test]
fn every_recording_says_where_it_comes_from() {
    let mut bytes = 0;
    for path in recordings() {
        let names: BTreeSet<String> = fs::read_dir(&path)
            .expect("it can be listed")
            .map(|entry| entry.expect("it can be listed").file_name().display().to_string())
            .collect();
        let expected = ["provenance.toml", "run.laorun", "state.json"].map(str::to_owned);
        assert_eq!(names, BTreeSet::from(expected), "{}", path.display());
        let size = |name: &String| fs::metadata(path.join(name)).expect("it is there").len();
        bytes += names.iter().map(size).sum::<u64>();
        let text = fs::read_to_string(path.join("provenance.toml")).expect("it is there");
        let said: Provenance =
            toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert_eq!(said.lao, Recording::of(&path).lao, "{}", path.display());
        for words in [said.what, said.how, said.recorded, said.models] {
            assert!(!words.is_empty(), "{}", path.display());
        }
    }
    assert!(bytes < BYTES_MAX, "the recordings have {bytes} bytes");
}

/// A byte of a recording that changes is found before anything of it is believed.
#[test]
fn a_recording_that_was_edited_is_not_read() {
    let path = replays().join("demo/run.laorun");
    let bytes = fs::read(&path).expect("the run is there");
    for at in (0..bytes.len()).step_by(997) {
        let mut edited = bytes.clone();
        edited[at] ^= 1;
        let project = tempfile::tempdir().expect("there is room for a temporary folder");
        let runs = RunsFolder::new(project.path().join(".lao"));
        assert!(import(edited.as_slice(), &runs).is_err(), "byte {at} was changed");
    }
}

/// Writes the run anew under a right chain, without one of its events.
fn leave_out(recording: &Recording, seq: u64) -> RunFolder {
    let reader = recording.reader();
    let path = recording.folder.path.with_file_name(format!("without-{seq}"));
    let mut head = Head { seq: 0, hash: reader.genesis().hash() };
    let mut restore = Restore::begin(&path, reader.genesis().clone()).expect("the name is free");
    let mut bytes = Vec::new();
    let walked = reader.for_each::<ReadError>(1, |record| {
        let header = &record.header;
        if header.seq != seq {
            let draft = Draft {
                event_type: header.event_type,
                schema_version: header.schema_version,
                flags: header.flags,
                wall_time_ms: header.wall_time_ms,
                monotonic_ns: header.monotonic_ns,
                cause: if header.cause >= seq { header.cause - 1 } else { header.cause },
                payload: record.payload.to_vec(),
            };
            head = chain(head, &draft, &mut bytes).expect("it was a record");
            restore.push(&bytes).expect("it follows");
        }
        Ok(())
    });
    walked.expect("the journal is whole");
    let manifest = Manifest::read(&recording.folder.path).expect("it was just written");
    let manifest = Manifest::new(manifest.run, manifest.title, 0);
    restore.finish(&manifest).expect("there is room");
    RunFolder { path, ..recording.folder.clone() }
}

/// Who computes the chain anew can leave nothing out: whatever is missing is missed.
#[test]
fn an_event_that_is_left_out_is_missed() {
    for name in ["demo", "question", "fork"] {
        let recording = Recording::of(&replays().join(name));
        let last = recording.reader().head().expect("it can be read").seq;
        for seq in 1..=last {
            let folder = leave_out(&recording, seq);
            let reader = folder.reader().expect("its chain is right");
            let replayed = replay(&reader, &recording.contents, |_| {});
            assert!(!matches!(replayed, Ok(Replay::Identical(_))), "{name} without event {seq}");
        }
    }
}
