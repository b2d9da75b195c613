//! What an append costs beside a bare commit of redb, a raw append and `SQLite`; and what a fold costs.
//!
//! All contenders take turns within one process and on one disk, since on a busy machine only
//! ratios mean anything. `cargo bench -p lao-journal`; ends within a minute.

#![expect(clippy::print_stdout, reason = "a benchmark prints its result")]

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use lao_journal::{
    Ack, Appender, CACHE_BYTES_DEFAULT, Draft, Genesis, Journal, Options, ReadError, Reader,
};
use redb::{Database, TableDefinition};
use rusqlite::Connection;

/// Length of each event's payload.
const PAYLOAD_BYTES: usize = 600;
/// Events per commit, and how many rounds at most (the files stay below a hundred megabytes).
const BATCHES: [(usize, usize); 4] = [(1, 4000), (8, 3000), (64, 1200), (512, 240)];
/// How long the rounds of one batch size may take.
const BATCH_TIME: Duration = Duration::from_secs(11);
/// Rounds that are not counted.
const WARM_UP_ROUNDS: usize = 20;
/// Appends in flight at once, as when as many effects end together.
const IN_FLIGHT: usize = 1000;
/// What sharing commits should bring at least: how many times the appends of one in flight.
const SHARED_RATIO_MIN: f64 = 50.0;
/// Rounds in which one and many in flight take turns.
const FLIGHT_ROUNDS: usize = 15;
/// Appends of one round, one in flight and many.
const FLIGHT_APPENDS: [usize; 2] = [200, 20_000];
/// Records that are folded.
const FOLD_RECORDS: u64 = 1_000_000;
/// Payload of a short record.
const FOLD_PAYLOAD_BYTES: usize = 40;

const EVENTS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("events");

/// How a store commits: as one whose repair after a kill is fast anyway, or so that it is not
/// needed, which is what a journal does once it is large.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Size {
    Small,
    Large,
}

/// Makes one batch durable.
trait Contender {
    fn name(&self) -> &'static str;
    /// Whose time is the measure for this one's.
    fn reference(&self) -> &'static str {
        BARE
    }
    fn commit(&mut self, batch: Vec<Draft>);
}

struct RawFile(File);

impl RawFile {
    fn open(dir: &Path) -> Self {
        Self(File::create(dir.join("raw")).expect("the benchmark's folder is writable"))
    }
}

impl Contender for RawFile {
    fn name(&self) -> &'static str {
        "raw append + fdatasync"
    }

    fn commit(&mut self, batch: Vec<Draft>) {
        let payloads: Vec<_> = batch.iter().map(|draft| draft.payload.as_slice()).collect();
        self.0.write_all(&payloads.concat()).expect("there is space");
        self.0.sync_data().expect("the disk syncs");
    }
}

const BARE: &str = "bare redb";
const BARE_LARGE: &str = "bare redb, quick-repair";

struct BareRedb {
    db: Database,
    size: Size,
    last: u64,
}

impl BareRedb {
    fn open(dir: &Path, size: Size) -> Self {
        let mut builder = Database::builder();
        builder.set_cache_size(CACHE_BYTES_DEFAULT);
        let file = match size {
            Size::Small => "bare.redb",
            Size::Large => "bare-large.redb",
        };
        Self { db: builder.create(dir.join(file)).expect("redb opens"), size, last: 0 }
    }

    fn write(&mut self, batch: &[Draft]) -> Result<(), redb::Error> {
        let mut txn = self.db.begin_write()?;
        txn.set_quick_repair(self.size == Size::Large);
        {
            let mut events = txn.open_table(EVENTS)?;
            for draft in batch {
                self.last += 1;
                events.insert(self.last, draft.payload.as_slice())?;
            }
        }
        Ok(txn.commit()?)
    }
}

impl Contender for BareRedb {
    fn name(&self) -> &'static str {
        match self.size {
            Size::Small => BARE,
            Size::Large => BARE_LARGE,
        }
    }

    fn reference(&self) -> &'static str {
        self.name()
    }

    fn commit(&mut self, batch: Vec<Draft>) {
        self.write(&batch).expect("redb commits");
    }
}

struct Ours {
    size: Size,
    appender: Appender,
    sender: Sender<Ack>,
    acks: Receiver<Ack>,
}

impl Ours {
    fn open(dir: &Path, size: Size) -> Self {
        let genesis = Genesis { run: String::from("bench"), started: Vec::new() };
        let (name, quick_repair_bytes) = match size {
            Size::Small => ("small", u64::MAX),
            Size::Large => ("large", 0),
        };
        let dir = dir.join(name);
        std::fs::create_dir(&dir).expect("the benchmark's folder is writable");
        let options = Options { quick_repair_bytes, ..Options::default() };
        let journal = Journal::create(&dir, genesis, &options).expect("a journal is made");
        let (sender, acks) = channel();
        Self { size, appender: Appender::spawn(journal).expect("a thread starts"), sender, acks }
    }
}

impl Contender for Ours {
    fn name(&self) -> &'static str {
        match self.size {
            Size::Small => "lao journal",
            Size::Large => "lao journal, large",
        }
    }

    fn reference(&self) -> &'static str {
        match self.size {
            Size::Small => BARE,
            Size::Large => BARE_LARGE,
        }
    }

    fn commit(&mut self, batch: Vec<Draft>) {
        let sender = self.sender.clone();
        let on_durable = move |ack: Result<Ack, _>| {
            sender.send(ack.expect("the journal commits")).expect("the benchmark waits");
        };
        self.appender.append(batch, Box::new(on_durable));
        self.acks.recv().expect("the appender answers");
    }
}

struct Sqlite {
    connection: Connection,
    last: i64,
}

impl Sqlite {
    fn open(dir: &Path) -> rusqlite::Result<Self> {
        let connection = Connection::open(dir.join("bench.sqlite"))?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.execute("CREATE TABLE events (seq INTEGER PRIMARY KEY, record BLOB)", [])?;
        Ok(Self { connection, last: 0 })
    }

    fn write(&mut self, batch: &[Draft]) -> rusqlite::Result<()> {
        let txn = self.connection.transaction()?;
        {
            let mut insert = txn.prepare_cached("INSERT INTO events VALUES (?1, ?2)")?;
            for draft in batch {
                self.last += 1;
                insert.execute((self.last, &draft.payload))?;
            }
        }
        txn.commit()
    }
}

impl Contender for Sqlite {
    fn name(&self) -> &'static str {
        "SQLite, WAL, FULL"
    }

    fn commit(&mut self, batch: Vec<Draft>) {
        self.write(&batch).expect("SQLite commits");
    }
}

fn draft(payload: &[u8]) -> Draft {
    Draft {
        event_type: 1,
        schema_version: 1,
        flags: 0,
        wall_time_ms: 0,
        monotonic_ns: 0,
        cause: 0,
        payload: payload.to_vec(),
    }
}

/// Rounds until time or count is up; who follows whom changes with each.
fn measure(
    contenders: &mut [Box<dyn Contender>],
    count: usize,
    rounds: usize,
) -> Vec<Vec<Duration>> {
    let batch = vec![draft(&[0xA5; PAYLOAD_BYTES]); count];
    let mut times = vec![Vec::with_capacity(rounds); contenders.len()];
    let mut order: Vec<usize> = (0..contenders.len()).collect();
    let mut random = 1_u64;
    let begun = Instant::now();
    for round in 0..rounds {
        shuffle(&mut order, &mut random);
        for &index in &order {
            let batch = batch.clone();
            let before = Instant::now();
            contenders[index].commit(batch);
            if round >= WARM_UP_ROUNDS {
                times[index].push(before.elapsed());
            }
        }
        if begun.elapsed() > BATCH_TIME {
            break;
        }
    }
    times
}

/// The same orders in every run of the benchmark.
fn shuffle(order: &mut [usize], random: &mut u64) {
    for last in (1..order.len()).rev() {
        *random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let chosen = usize::try_from(*random >> 33).expect("31 bits fit") % (last + 1);
        order.swap(chosen, last);
    }
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

fn appends(root: &Path) {
    for (count, rounds) in BATCHES {
        let dir = tempfile::tempdir_in(root).expect("the benchmark's folder is writable");
        let dir = dir.path();
        let mut contenders: Vec<Box<dyn Contender>> = vec![
            Box::new(RawFile::open(dir)),
            Box::new(BareRedb::open(dir, Size::Small)),
            Box::new(Ours::open(dir, Size::Small)),
            Box::new(BareRedb::open(dir, Size::Large)),
            Box::new(Ours::open(dir, Size::Large)),
            Box::new(Sqlite::open(dir).expect("SQLite opens")),
        ];
        let mut times = measure(&mut contenders, count, rounds);
        println!("\n{count} events of {PAYLOAD_BYTES} bytes per commit, {} rounds", times[0].len());
        let medians: Vec<_> = times.iter_mut().map(|times| median(times)).collect();
        for (contender, median) in contenders.iter().zip(&medians) {
            let micros = median.as_secs_f64() * 1e6;
            let reference = contender.reference();
            let measure = contenders.iter().position(|other| other.name() == reference);
            let measure = medians[measure.expect("the reference takes part")];
            let ratio = median.as_secs_f64() / measure.as_secs_f64();
            println!("  {:<24} {micros:>10.1} us  {ratio:>5.2} x {reference}", contender.name());
        }
    }
}

impl Ours {
    /// Appends one event after another, so many of them in flight; appends a second.
    fn rate(&self, count: usize, in_flight: usize) -> f64 {
        let append = || {
            let sender = self.sender.clone();
            let on_durable = move |ack: Result<Ack, _>| {
                sender.send(ack.expect("the journal commits")).expect("the benchmark waits");
            };
            self.appender.append(vec![draft(&[0xA5; PAYLOAD_BYTES])], Box::new(on_durable));
        };
        let before = Instant::now();
        for _ in 0..in_flight {
            append();
        }
        for answered in 0..count {
            self.acks.recv().expect("the appender answers");
            if answered + in_flight < count {
                append();
            }
        }
        #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
        let rate = count as f64 / before.elapsed().as_secs_f64();
        rate
    }
}

/// How many more appends a second there are when many are in flight.
fn shared_commits(root: &Path) {
    let dir = tempfile::tempdir_in(root).expect("the benchmark's folder is writable");
    let ours = Ours::open(dir.path(), Size::Small);
    let [few, many] = FLIGHT_APPENDS;
    let mut rates = [Vec::new(), Vec::new()];
    for _ in 0..FLIGHT_ROUNDS {
        rates[0].push(ours.rate(few, 1));
        rates[1].push(ours.rate(many, IN_FLIGHT));
    }
    let [one, shared] = rates.map(|mut rates| {
        rates.sort_by(f64::total_cmp);
        rates[rates.len() / 2]
    });
    println!("\nappends of one event of {PAYLOAD_BYTES} bytes, {FLIGHT_ROUNDS} rounds");
    println!("  1 in flight              {one:>10.0} a second");
    println!("  {IN_FLIGHT} in flight           {shared:>10.0} a second");
    println!("  {:.0} times as many, {SHARED_RATIO_MIN} wanted", shared / one);
}

fn fold(root: &Path) {
    let dir = tempfile::tempdir_in(root).expect("the benchmark's folder is writable");
    let genesis = Genesis { run: String::from("bench"), started: Vec::new() };
    let options = Options::default();
    let mut journal = Journal::create(dir.path(), genesis, &options).expect("a journal is made");
    let batch = vec![draft(&[0xA5; FOLD_PAYLOAD_BYTES]); 10_000];
    while journal.head().seq < FOLD_RECORDS {
        journal.append(&batch).expect("the journal commits");
    }
    drop(journal);
    let reader = Reader::open(dir.path(), &options).expect("the journal opens");
    let mut rates: Vec<_> = (0..5).map(|_| fold_rate(&reader)).collect();
    rates.sort_by(f64::total_cmp);
    println!("\nfold of {FOLD_RECORDS} records, {FOLD_PAYLOAD_BYTES} byte payloads, hash checked");
    println!("  {:.2} million records a second", rates[rates.len() / 2] / 1e6);
}

/// Records a second of one fold.
fn fold_rate(reader: &Reader) -> f64 {
    let before = Instant::now();
    let mut bytes = 0_u64;
    let head = reader.for_each::<ReadError>(1, |record| {
        bytes += record.payload.len() as u64;
        Ok(())
    });
    let seconds = before.elapsed().as_secs_f64();
    assert_eq!(head.expect("the chain holds").seq, FOLD_RECORDS);
    assert_eq!(bytes, FOLD_RECORDS * FOLD_PAYLOAD_BYTES as u64);
    #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
    let rate = FOLD_RECORDS as f64 / seconds;
    rate
}

fn main() {
    let root = Path::new(env!("CARGO_TARGET_TMPDIR"));
    shared_commits(root);
    appends(root);
    fold(root);
}
