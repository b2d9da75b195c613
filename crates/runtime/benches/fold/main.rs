//! How fast a journal becomes a state again, stage by stage: scan, hash, decode, evolve; and how
//! fast a run opens without all that.
//!
//! The journal is a run's: a million events that the kernel decided in a world of scripted
//! answers. `cargo bench -p lao-runtime --bench fold`; a number behind `--` sets how many events.

#![expect(clippy::print_stdout, reason = "a benchmark prints its result")]
#![expect(clippy::cast_precision_loss, reason = "figures for people")]

mod run;

use std::{
    fs,
    hint::black_box,
    path::Path,
    time::{Duration, Instant},
};

use lao_event::{Event, RunId};
use lao_history::{HistoryError, RunFolder, Snapshot, fold, for_each_event};
use lao_journal::{
    Draft, FindingPlace, Genesis, JOURNAL_FILE, Journal, Options, RECORD_OVERHEAD_BYTES, ReadError,
    Reader, check, compact,
};
use lao_kernel::{State, evolve};
use redb::{ReadOnlyDatabase, TableDefinition};
use tempfile::TempDir;

use run::Texts;

/// Events of the journal.
const EVENTS: usize = 1_000_000;
/// How often each stage is timed; the fastest counts, since whatever else runs only slows it.
const ROUNDS: usize = 5;
/// Events of one commit while the journal is made.
const BATCH: usize = 10_000;
/// The table of a journal, as `docs/journal.md` names it.
const TABLE: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("events");

fn main() {
    let asked = std::env::args().find_map(|word| word.parse().ok());
    let count = asked.unwrap_or(EVENTS);
    for texts in [Texts::Small, Texts::Whole] {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"));
        let folder = folder.expect("the benchmark's folder is writable");
        let bytes = write(folder.path(), count, texts);
        println!("\n{count} events, {texts}, {} bytes each on average", bytes / count as u64);
        measure(folder.path(), count);
        open(folder.path(), count, bytes + (count * RECORD_OVERHEAD_BYTES) as u64);
    }
}

/// Makes the journal; returns the bytes of its payloads.
fn write(folder: &Path, count: usize, texts: Texts) -> u64 {
    let genesis = Genesis { run: "bench".to_owned(), started: Vec::new() };
    let mut journal = Journal::create(folder, genesis, &Options::default()).expect("it is made");
    let mut drafts: Vec<Draft> = Vec::with_capacity(BATCH);
    let (mut bytes, mut written) = (0, 0);
    run::events(texts, count, |event| {
        let draft = run::draft(event);
        bytes += draft.payload.len() as u64;
        written += 1;
        drafts.push(draft);
        if drafts.len() == BATCH || written == count {
            journal.append(&drafts).expect("it commits");
            drafts.clear();
        }
    });
    assert_eq!(written, count, "the run is long enough");
    bytes
}

/// Times each stage with those before it.
fn measure(folder: &Path, count: usize) {
    let reader = Reader::open(folder, &Options::default()).expect("it opens");
    let stages: [(&str, &dyn Fn()); 4] = [
        ("scan", &|| scan(folder)),
        ("scan, hash", &|| hash(&reader)),
        ("scan, hash, decode", &|| decode(&reader)),
        ("scan, hash, decode, evolve: a fold", &|| {
            black_box(fold(&reader, |_, _| {}).expect("the journal is a run's"));
        }),
    ];
    let mut before = Duration::ZERO;
    for (name, stage) in stages {
        let spent = fastest(stage);
        print(name, spent, count);
        println!("{:>54} us each more", format_us(spent.saturating_sub(before), count));
        before = spent;
    }
    let events = stored(&reader);
    print("evolve alone, events in memory", fastest(&|| evolve_all(&events)), count);
}

/// Times what opening the run takes: its journal closed cleanly and left by a kill, its snapshot.
fn open(folder: &Path, count: usize, record_bytes: u64) {
    let whole = |spent: Duration| format!("{:>8.1} ms", spent.as_secs_f64() * 1e3);
    let opened = || drop(black_box(Journal::open(folder, &Options::default()).expect("it opens")));
    println!("  opening the journal for writing        {}", whole(fastest(&opened)));

    let killed = killed_copy(folder);
    let begun = Instant::now();
    drop(black_box(Journal::open(killed.path(), &Options::default()).expect("it opens")));
    println!("  the same after a kill                  {}", whole(begun.elapsed()));

    let reader = Reader::open(folder, &Options::default()).expect("it opens");
    let run = RunFolder { run: RunId::new(0, 0), path: folder.to_owned() };
    let state = fold(&reader, |_, _| {}).expect("the journal is a run's");
    let snapshot = Snapshot { seq: count as u64, state, view: Vec::new() };
    let begun = Instant::now();
    let bytes = snapshot.write(&run, &reader).expect("there is space");
    let mebibytes = bytes as f64 / 1024.0 / 1024.0;
    println!("  writing a snapshot of {mebibytes:>6.1} MiB       {}", whole(begun.elapsed()));
    let read = || drop(black_box(Snapshot::read(&run, &reader).expect("it was just written")));
    println!("  reading it                             {}", whole(fastest(&read)));
    drop(reader);
    let begun = Instant::now();
    assert!(check(folder).findings.iter().all(|finding| finding.place == FindingPlace::Manifest));
    println!("  checking every record and page         {}", whole(begun.elapsed()));
    let begun = Instant::now();
    let compacted = compact(folder).expect("nobody holds it");
    println!("  compacting it                          {}", whole(begun.elapsed()));
    let [before, after] = [compacted.before_bytes, compacted.after_bytes]
        .map(|file_bytes| file_bytes as f64 / record_bytes as f64);
    println!("  the file: {before:.2} x its records before, {after:.2} x after");
}

/// A journal as a kill leaves it: the file as it is while its writer lives.
fn killed_copy(folder: &Path) -> TempDir {
    let [writing, killed] = [(); 2].map(|()| tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")));
    let (writing, killed) = (writing.expect("it is writable"), killed.expect("it is writable"));
    fs::copy(folder.join(JOURNAL_FILE), writing.path().join(JOURNAL_FILE)).expect("it fits");
    let mut writer = Journal::open(writing.path(), &Options::default()).expect("it opens");
    writer.append(&[run::unread()]).expect("there is space");
    fs::copy(writing.path().join(JOURNAL_FILE), killed.path().join(JOURNAL_FILE)).expect("it fits");
    killed
}

fn print(name: &str, spent: Duration, count: usize) {
    let rate = count as f64 / spent.as_secs_f64() / 1e6;
    println!("  {name:<36} {rate:>6.2} million events a second");
}

fn format_us(spent: Duration, count: usize) -> String {
    format!("{:.3}", spent.as_secs_f64() * 1e6 / count as f64)
}

fn fastest(stage: &dyn Fn()) -> Duration {
    let time = || {
        let begun = Instant::now();
        stage();
        begun.elapsed()
    };
    (0..ROUNDS).map(|_| time()).min().unwrap_or_default()
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
