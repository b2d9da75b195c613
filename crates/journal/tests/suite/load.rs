//! The appender under load: what waits while the disk is busy shares the next commit, is answered
//! in order, and no commit grows without a bound.

use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};

use lao_journal::{
    Ack, Appender, BATCH_BYTES_MAX, BATCH_RECORDS_MAX, Draft, FaultAnswer, FaultPoint, Journal,
    Options, RECORD_OVERHEAD_BYTES, Reader,
};

use crate::support::{draft, genesis};

/// An appender whose first commit waits until it is let through, as on a disk that is busy.
struct Busy {
    appender: Appender,
    let_through: Sender<()>,
    /// First and last record of every commit that was begun.
    commits: Arc<Mutex<Vec<(u64, u64)>>>,
    acks: Receiver<Ack>,
    answered: Sender<Ack>,
}

impl Busy {
    /// The disk is busy with the first record.
    fn new(dir: &Path) -> Self {
        let (let_through, gate) = channel();
        let (begun, first_begun) = channel();
        let commits: Arc<Mutex<Vec<(u64, u64)>>> = Arc::default();
        let theirs = Arc::clone(&commits);
        let gate = Mutex::new(gate);
        let fault = move |point| {
            if let FaultPoint::BeforeCommit { first_seq, last_seq } = point {
                theirs.lock().unwrap().push((first_seq, last_seq));
                if first_seq == 1 {
                    begun.send(()).unwrap();
                    gate.lock().unwrap().recv().unwrap();
                }
            }
            FaultAnswer::Continue
        };
        let options = Options { fault: Some(Arc::new(fault)), ..Options::default() };
        let journal = Journal::create(dir, genesis(), &options).unwrap();
        let appender = Appender::spawn(journal).unwrap();
        let (answered, acks) = channel();
        let busy = Self { appender, let_through, commits, acks, answered };
        busy.append(vec![draft(1)]);
        first_begun.recv().unwrap();
        busy
    }

    fn append(&self, drafts: Vec<Draft>) {
        let answered = self.answered.clone();
        self.appender.append(drafts, Box::new(move |ack| answered.send(ack.unwrap()).unwrap()));
    }

    /// Lets the disk go on; the commits and acknowledgements up to the end.
    fn finish(self) -> (Vec<(u64, u64)>, Vec<Ack>) {
        assert!(self.acks.try_recv().is_err(), "nothing is durable yet");
        self.let_through.send(()).unwrap();
        self.appender.close().unwrap();
        drop(self.answered);
        let acks = self.acks.iter().collect();
        let commits = self.commits.lock().unwrap().clone();
        (commits, acks)
    }
}

/// Each acknowledgement follows the one before it, and names the records that are on the disk.
#[track_caller]
fn assert_in_order(acks: &[Ack], dir: &Path) {
    let mut next = 1;
    for ack in acks {
        assert_eq!(ack.first_seq, next);
        next = ack.last_seq + 1;
    }
    let head = Reader::open(dir, &Options::default()).unwrap().verify().unwrap();
    assert_eq!(acks.last().unwrap().head, head);
}

#[test]
fn a_thousand_appends_that_wait_are_one_commit() {
    let dir = tempfile::tempdir().unwrap();
    let busy = Busy::new(dir.path());
    for number in 2..=1001 {
        busy.append(vec![draft(number)]);
    }
    let (commits, acks) = busy.finish();
    assert_eq!(commits, [(1, 1), (2, 1001)]);
    assert_eq!(acks.len(), 1001);
    assert_in_order(&acks, dir.path());
}

#[test]
fn a_commit_has_a_limited_number_of_records() {
    let dir = tempfile::tempdir().unwrap();
    let busy = Busy::new(dir.path());
    let waiting = 2 * BATCH_RECORDS_MAX as u64 + 100;
    for number in 2..=waiting + 1 {
        busy.append(vec![draft(number)]);
    }
    let (commits, acks) = busy.finish();
    let sizes: Vec<u64> = commits.iter().map(|(first, last)| last - first + 1).collect();
    assert_eq!(sizes, [1, BATCH_RECORDS_MAX as u64, BATCH_RECORDS_MAX as u64, 100]);
    assert_eq!(acks.len() as u64, waiting + 1);
    assert_in_order(&acks, dir.path());
}

#[test]
fn a_commit_has_a_limited_number_of_bytes() {
    const WAITING: usize = 40;
    let dir = tempfile::tempdir().unwrap();
    let busy = Busy::new(dir.path());
    let payload_bytes = 512 * 1024 - RECORD_OVERHEAD_BYTES;
    for _ in 0..WAITING {
        busy.append(vec![Draft { payload: vec![0xA5; payload_bytes], ..draft(0) }]);
    }
    let (commits, acks) = busy.finish();
    let of_one_commit = BATCH_BYTES_MAX / (512 * 1024);
    let sizes: Vec<u64> = commits.iter().map(|(first, last)| last - first + 1).collect();
    assert_eq!(sizes.iter().max(), Some(&(of_one_commit as u64)));
    assert_eq!(sizes.len(), 1 + WAITING.div_ceil(of_one_commit));
    assert_in_order(&acks, dir.path());
}
