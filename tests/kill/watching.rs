//! A watched folder, fed real audio, while the process that watches it is killed and started again:
//! every file is transcribed and saved exactly once.
//!
//! The speech is turned into text by the real worker with a tiny random model where `cargo test
//! --workspace` has built it beside the program; a script plays it in any case.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use serde_json::Value;

use super::{
    super::support::sandbox::{Running, Sandbox},
    moment::{Random, Whom, kill},
    random::{number, seed},
};

/// The ten-line file of the README, with a shorter settling time.
const VOICE: &str = r#"
name: voice-notes
inputs:
  folder: { type: path, default: ./inbox }
on:
  watch: { path: "${{ inputs.folder }}", match: ["*.wav", "*.mp3"], settle_ms: 150, concurrency: 2 }
steps:
  - id: text
    transcribe: { file: "${{ trigger.path }}", language: en, threads: 1 }
  - id: summary
    prompt: "Summarise as five bullets:\n\n${{ steps.text.output }}"
    model: analyst
    retry: { attempts: 3 }
  - id: save
    write: { path: "notes/${{ trigger.stem }}.md", text: "${{ steps.summary.output }}" }
"#;

/// How long all of it may take, so that a watch that loses a file fails instead of hanging.
const DEADLINE: Duration = Duration::from_mins(5);

/// Who turns speech into text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Engine {
    Script,
    Worker,
}

impl Engine {
    /// How many audio files are dropped in.
    const fn files(self) -> usize {
        match self {
            Self::Script => 8,
            Self::Worker => 2,
        }
    }

    /// About how many kills there are unless `LAO_KILLS` says otherwise.
    const fn kills(self) -> usize {
        match self {
            Self::Script => 12,
            Self::Worker => 3,
        }
    }

    /// The longest life of a process, in microseconds; the real engine takes seconds.
    const fn life_us_max(self) -> u64 {
        match self {
            Self::Script => 900_000,
            Self::Worker => 5_000_000,
        }
    }
}

struct World {
    sandbox: Sandbox,
}

impl World {
    fn new(engine: Engine) -> Self {
        let sandbox = Sandbox::new();
        let mut config = "[endpoints.s]\nkind = \"scripted\"\nscript = \"model.toml\"\n\
             [roles.analyst]\nendpoint = \"s\"\nmodel = \"m\"\n"
            .to_owned();
        if engine == Engine::Script {
            config.push_str("[roles.transcriber]\nendpoint = \"s\"\nmodel = \"m\"\n");
        }
        sandbox.write("lao.toml", &config);
        let spoken = |file: usize| {
            format!(
                "[[turn]]\nrole = \"transcriber\"\nstep = \"*\"\ncontains = \"talk-{file}.wav\"\n\
                 text = \"hello from {file}\"\ndelay_ms = 60\n"
            )
        };
        let mut script: Vec<String> = (0..engine.files()).map(spoken).collect();
        script.push(
            "[[turn]]\nrole = \"analyst\"\nstep = \"*\"\ntext = \"- a bullet\"\nrepeat = true\n\
             delay_ms = 40\n"
                .to_owned(),
        );
        sandbox.write("model.toml", &script.concat());
        sandbox.write("voice.yaml", VOICE);
        fs::create_dir_all(sandbox.path("inbox")).unwrap();
        Self { sandbox }
    }

    fn start(&self, arguments: &[&str]) -> Running {
        let mut command = self.sandbox.command(arguments);
        command.env("LAO_MODELS", self.sandbox.path("models"));
        Running::start(command)
    }

    fn watch(&self) -> Running {
        self.start(&["watch", "voice.yaml", "--json"])
    }

    /// Drops an audio file in, as a recorder does: bit by bit.
    fn drop_in(&self, file: usize) {
        let path = self.sandbox.path(&format!("inbox/talk-{file}.wav"));
        let audio = tone(200 + 60 * file, 16_000 / 4);
        let (head, tail) = audio.split_at(audio.len() / 2);
        fs::write(&path, head).unwrap();
        let mut whole = head.to_vec();
        whole.extend_from_slice(tail);
        fs::write(&path, whole).unwrap();
    }

    fn notes(&self) -> usize {
        fs::read_dir(self.sandbox.path("notes")).map_or(0, Iterator::count)
    }

    /// Of each run its title and how often it did what.
    fn runs(&self) -> Vec<BTreeMap<String, u32>> {
        let list = self.sandbox.run(&["runs", "--json"]).stdout;
        list.lines()
            .map(|line| {
                let run: Value = serde_json::from_str(line).unwrap();
                assert_eq!(run["status"], "succeeded", "{run}");
                let log = self.sandbox.run(&["log", run["run"].as_str().unwrap(), "--json"]);
                counts(&log.stdout)
            })
            .collect()
    }
}

/// How often events of a step happened: `ActionEnded text`.
fn counts(log: &str) -> BTreeMap<String, u32> {
    let mut counts = BTreeMap::new();
    let mut transcribed = false;
    for line in log.lines() {
        let event: Value = serde_json::from_str(line).unwrap();
        let (name, step) =
            (event["event"].as_str().unwrap(), event["step"].as_str().unwrap_or("-"));
        if name == "ActionEnded" && step == "text" {
            transcribed = true;
        }
        let again = name == "ActionStarted" && step == "text" && transcribed;
        assert!(!again, "transcribed again though its text was there: {log}");
        *counts.entry(format!("{name} {step}")).or_default() += 1;
    }
    counts
}

/// A sine as a WAV file: 16 kHz, mono, 16 bits.
fn tone(hertz: usize, samples: usize) -> Vec<u8> {
    let bytes = u32::try_from(samples * 2).unwrap();
    let mut wav = Vec::new();
    wav.extend_from_slice(b"RIFF");
    wav.extend_from_slice(&(36 + bytes).to_le_bytes());
    wav.extend_from_slice(b"WAVEfmt \x10\0\0\0\x01\0\x01\0");
    wav.extend_from_slice(&16_000_u32.to_le_bytes());
    wav.extend_from_slice(&32_000_u32.to_le_bytes());
    wav.extend_from_slice(&[2, 0, 16, 0]);
    wav.extend_from_slice(b"data");
    wav.extend_from_slice(&bytes.to_le_bytes());
    for sample in 0..samples {
        // A triangle is sound enough, and the same on every machine.
        let phase = (sample * hertz * 4 / 16_000) % 4;
        let level: i16 = [0, 12_000, 0, -12_000][phase];
        wav.extend_from_slice(&level.to_le_bytes());
    }
    wav
}

/// Feeds the folder and kills the process again and again, until everything is saved.
fn watched_over_kills(engine: Engine) {
    let kills = number("LAO_KILLS").map_or(engine.kills(), |kills| usize::try_from(kills).unwrap());
    let files = engine.files();
    let seed = seed();
    println!("LAO_KILL_SEED={seed} LAO_KILLS={kills} {engine:?}");
    let world = World::new(engine);
    if engine == Engine::Worker {
        let model = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("crates/transcriber/tests/data/tiny-whisper.bin");
        let added = world
            .start(&["models", "add", "whisper", &model.display().to_string(), "--name", "tiny"])
            .finish();
        assert_eq!(added.code, Some(0), "{}", added.stderr);
    }
    let mut random = Random(seed);
    let begun = Instant::now();
    let mut dropped = 0;
    let mut killed = 0;
    while killed < kills {
        let running = world.watch();
        while dropped < files * (killed + 1) / kills {
            world.drop_in(dropped);
            dropped += 1;
        }
        // This pause is the randomness that is tested, not a wait for something to happen.
        std::thread::sleep(Duration::from_micros(random.below(engine.life_us_max())));
        killed += usize::from(kill(running, Whom::Process));
    }
    let running = world.watch();
    while world.notes() < files {
        assert!(begun.elapsed() < DEADLINE, "{} of {files} notes are there", world.notes());
        std::thread::sleep(Duration::from_millis(20));
    }
    kill(running, Whom::Process);
    // What is left, such as the end of the last run, is done by one that ends by itself.
    let last = world.start(&["watch", "voice.yaml", "--once"]).finish();
    assert_eq!(last.code, Some(0), "{}\n{}", last.stdout, last.stderr);
    let runs = world.runs();
    println!("{killed} kills, {} runs in {:?}", runs.len(), begun.elapsed());
    assert_eq!(runs.len(), files, "one run for each file");
    for counts in &runs {
        assert_eq!(counts.get("ActionEnded text"), Some(&1), "{counts:?}");
        assert_eq!(counts.get("ActionEnded save"), Some(&1), "{counts:?}");
        assert_eq!(counts.get("StepEnded summary"), Some(&1), "{counts:?}");
    }
    for file in 0..files {
        let note = fs::read_to_string(world.sandbox.path(&format!("notes/talk-{file}.md")));
        assert_eq!(note.unwrap(), "- a bullet", "talk-{file}");
    }
    // Seen content is not done again, under whatever name.
    fs::copy(world.sandbox.path("inbox/talk-0.wav"), world.sandbox.path("inbox/copy.wav")).unwrap();
    let again = world.start(&["watch", "voice.yaml", "--once"]).finish();
    assert_eq!(again.code, Some(0), "{}\n{}", again.stdout, again.stderr);
    assert_eq!(world.runs().len(), files, "the copy was done again");
}

#[test]
fn every_file_of_a_watched_folder_is_done_once_whatever_is_killed() {
    watched_over_kills(Engine::Script);
}

#[test]
fn and_so_with_the_real_engine() {
    let worker: PathBuf = Path::new(env!("CARGO_BIN_EXE_lao"))
        .with_file_name(format!("lao-whisper{}", std::env::consts::EXE_SUFFIX));
    if worker.is_file() {
        watched_over_kills(Engine::Worker);
    } else {
        println!("SKIPPED: {} is not built; `cargo test --workspace` does", worker.display());
    }
}
