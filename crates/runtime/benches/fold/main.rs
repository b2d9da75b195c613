//! How fast a journal becomes a state again, stage by stage: scan, hash, decode, evolve; and how
//! fast a run opens without all that.
//!
//! The journal is a run's: a million events that the kernel decided in a world of scripted
//! answers. `cargo bench -p lao-runtime --bench fold`; a number behind `--` sets how many events,
//! and the word `once` behind it times each stage once and holds no events in memory. Processor time is
//! that of all threads: on a busy machine it says more than the time that passed.

#![expect(clippy::print_stdout, reason = "a benchmark prints its result")]
#![expect(clippy::cast_precision_loss, reason = "figures for people")]

use std::{
    fs,
    hint::black_box,
    path::Path,
    time::{Duration, Instant},
};

use lao_event::Event;
use lao_history::{HistoryError, RunFolder, RunsFolder, Snapshot, fold, for_each_event};
use lao_journal::{
    FindingPlace, JOURNAL_FILE, Journal, Options, RECORD_OVERHEAD_BYTES, ReadError, Reader, check,
    compact,
};
use lao_kernel::{State, evolve};
use lao_testkit::{Smooth, Texts, peak_bytes, processor_time, smooth_run};
use redb::{ReadOnlyDatabase, TableDefinition};
use tempfile::TempDir;

/// Events of the journal.
const EVENTS: usize = 1_000_000;
/// How often each stage is timed; the fastest counts, since whatever else runs only slows it.
const ROUNDS: usize = 5;
/// The table of a journal, as `docs/journal.md` names it.
const TABLE: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("events");

/// How thoroughly a journal is measured.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Care {
    /// Every stage several times, the events in memory too.
    Thorough,
    /// Every stage once, for journals that are larger than the memory.
    Once,
}

/// A journal that is measured.
struct Measured {
    folder: RunFolder,
    events: usize,
    record_bytes: u64,
    care: Care,
}

fn main() {
    let asked = std::env::args().find_map(|word| word.parse().ok());
    let count = asked.unwrap_or(EVENTS);
    if std::env::args().any(|word| word == "once") {
        measure(Texts::Small, count, Care::Once);
    } else {
        measure(Texts::Small, count, Care::Thorough);
        measure(Texts::Whole, count, Care::Thorough);
    }
}

fn measure(texts: Texts, count: usize, care: Care) {
    let project = temporary();
    let begun = Begun::now();
    let smooth = smooth_run(&RunsFolder::new(project.path()), texts, count);
    let spent = begun.spent();
    let (events, bytes) = (smooth.events, smooth.payload_bytes);
    println!("\n{events} events, {texts}, {} bytes each on average", bytes / events as u64);
    print("deciding, encoding and writing them", spent, events);
    let killed = killed_copy(&smooth);
    let Smooth { folder, journal, .. } = smooth;
    drop(journal);
    let record_bytes = bytes + (events * RECORD_OVERHEAD_BYTES) as u64;
    let measured = Measured { folder, events, record_bytes, care };
    measured.open(&killed);
    drop(killed);
    measured.read();
    measured.keep();
    if let Some(bytes) = peak_bytes() {
        println!("  memory of this process at most         {:>8} MiB", bytes / 1024 / 1024);
    }
}

fn temporary() -> TempDir {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"));
    folder.expect("the benchmark's folder is writable")
}

/// A journal as a kill leaves it: the file as it is while its writer lives.
fn killed_copy(smooth: &Smooth) -> TempDir {
    let killed = temporary();
    fs::copy(smooth.folder.path.join(JOURNAL_FILE), killed.path().join(JOURNAL_FILE))
        .expect("there is space");
    killed
}

impl Measured {
    fn reader(&self) -> Reader {
        Reader::open(&self.folder.path, &Options::default()).expect("it opens")
    }

    /// Times opening the journal for writing, closed cleanly and left by a kill.
    fn open(&self, killed: &TempDir) {
        let opened = |folder: &Path| {
            drop(black_box(Journal::open(folder, &Options::default()).expect("it opens")));
        };
        let spent = self.fastest(&|| opened(&self.folder.path));
        println!("  opening the journal for writing        {}", format_ms(spent));
        let begun = Begun::now();
        opened(killed.path());
        println!("  the same after a kill                  {}", format_ms(begun.spent()));
    }

    /// Times each stage of reading with those before it.
    fn read(&self) {
        let reader = self.reader();
        let stages: [(&str, &dyn Fn()); 4] = [
            ("scan", &|| scan(&self.folder.path)),
            ("scan, hash", &|| hash(&reader)),
            ("scan, hash, decode", &|| decode(&reader)),
            ("scan, hash, decode, evolve: a fold", &|| {
                black_box(fold(&reader, |_, _| {}).expect("the journal is a run's"));
            }),
        ];
        let mut before = Duration::ZERO;
        for (name, stage) in stages {
            let spent = self.fastest(stage);
            print(name, spent, self.events);
            println!(
                "{:>54} us each more",
                format_us(spent.wall.saturating_sub(before), self.events)
            );
            before = spent.wall;
        }
        if self.care == Care::Thorough {
            let events = stored(&reader);
            let spent = self.fastest(&|| evolve_all(&events));
            print("evolve alone, events in memory", spent, self.events);
        }
    }

    /// Times the snapshot, and the upkeep of the journal.
    fn keep(&self) {
        let reader = self.reader();
        let state = fold(&reader, |_, _| {}).expect("the journal is a run's");
        let snapshot = Snapshot { seq: self.events as u64, state, view: Vec::new() };
        let begun = Begun::now();
        let bytes = snapshot.write(&self.folder, &reader).expect("there is space");
        let mebibytes = bytes as f64 / 1024.0 / 1024.0;
        println!("  writing a snapshot of {mebibytes:>6.1} MiB       {}", format_ms(begun.spent()));
        drop(snapshot);
        let read = || {
            drop(black_box(Snapshot::read(&self.folder, &reader).expect("it was just written")));
        };
        println!("  reading it                             {}", format_ms(self.fastest(&read)));
        drop(reader);
        if self.care == Care::Thorough {
            self.check_and_compact();
        }
    }

    fn check_and_compact(&self) {
        let folder = &self.folder.path;
        let begun = Begun::now();
        let found = check(folder).findings;
        assert!(found.iter().all(|finding| finding.place == FindingPlace::Manifest));
        println!("  checking every record and page         {}", format_ms(begun.spent()));
        let begun = Begun::now();
        let compacted = compact(folder).expect("nobody holds it");
        println!("  compacting it                          {}", format_ms(begun.spent()));
        let [before, after] = [compacted.before_bytes, compacted.after_bytes]
            .map(|file_bytes| file_bytes as f64 / self.record_bytes as f64);
        println!("  the file: {before:.2} x its records before, {after:.2} x after");
    }

    fn fastest(&self, stage: &dyn Fn()) -> Spent {
        let time = || {
            let begun = Begun::now();
            stage();
            begun.spent()
        };
        let rounds = match self.care {
            Care::Thorough => ROUNDS,
            Care::Once => 1,
        };
        (0..rounds).map(|_| time()).min_by_key(|spent| spent.wall).expect("a round at least")
    }
}

/// What a stage took.
#[derive(Clone, Copy)]
struct Spent {
    wall: Duration,
    processor: Option<Duration>,
}

struct Begun {
    wall: Instant,
    processor: Option<Duration>,
}

impl Begun {
    fn now() -> Self {
        Self { wall: Instant::now(), processor: processor_time() }
    }

    fn spent(&self) -> Spent {
        let processor = processor_time().zip(self.processor);
        let processor = processor.map(|(now, then)| now.saturating_sub(then));
        Spent { wall: self.wall.elapsed(), processor }
    }
}

impl Spent {
    fn format_processor(&self) -> String {
        self.processor
            .map_or(String::new(), |time| format!("  ({:.2} s of processor)", time.as_secs_f64()))
    }
}

fn print(name: &str, spent: Spent, count: usize) {
    let rate = count as f64 / spent.wall.as_secs_f64() / 1e6;
    let processor = spent.format_processor();
    println!("  {name:<36} {rate:>6.2} million events a second{processor}");
}

fn format_us(spent: Duration, count: usize) -> String {
    format!("{:.3}", spent.as_secs_f64() * 1e6 / count as f64)
}

fn format_ms(spent: Spent) -> String {
    format!("{:>8.1} ms{}", spent.wall.as_secs_f64() * 1e3, spent.format_processor())
}

/// Every byte of every record, by redb alone.
fn scan(folder: &Path) {
    let open = || -> Result<(), redb::Error> {
        let db = ReadOnlyDatabase::open(folder.join(JOURNAL_FILE))?;
        let table = redb::ReadableDatabase::begin_read(&db)?.open_table(TABLE)?;
        let mut sum = 0_u64;
        for entry in table.range::<u64>(..)? {
            let (seq, record) = entry?;
            sum += seq.value() + record.value().iter().map(|byte| u64::from(*byte)).sum::<u64>();
        }
        black_box(sum);
        Ok(())
    };
    open().expect("the store reads");
}

fn hash(reader: &Reader) {
    let walked = reader.for_each::<ReadError>(1, |record| {
        black_box(record.payload);
        Ok(())
    });
    walked.expect("the chain holds");
}

fn decode(reader: &Reader) {
    let walked = for_each_event::<HistoryError>(reader, 1, |event| {
        black_box(event);
        Ok(())
    });
    walked.expect("the events are known");
}

fn stored(reader: &Reader) -> Vec<Event> {
    let mut events = Vec::new();
    fold(reader, |_, published| events.push(published.event.clone())).expect("it folds");
    events
}

fn evolve_all(events: &[Event]) {
    let mut state = State::new();
    for event in events {
        evolve(&mut state, event).expect("the kernel decided it");
    }
    black_box(state);
}
