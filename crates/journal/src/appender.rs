//! Group commit: one thread owns the journal, and everything that waits shares the next commit.
//!
//! ```text
//!   handle ─ append ─┐
//!   handle ─ append ─┼─▶ queue ─▶ take all that is there ─▶ one commit ─▶ answers, in order
//!   handle ─ close ──┘
//! ```

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use crate::chain::Head;
use crate::error::AppendError;
use crate::journal::{Ack, Journal};
use crate::reader::Reader;
use crate::record::{Draft, RECORD_OVERHEAD_BYTES};

/// Most records that share one commit; one append is never split, so a larger one goes alone.
pub const BATCH_RECORDS_MAX: usize = 4096;

/// Most bytes that share one commit; one append is never split, so a larger one goes alone.
pub const BATCH_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Called once, on the appender's thread, when the drafts are on the disk or never will be. It must
/// only pass the word on: the next commit waits for it. Not called at all after a crash by fault.
pub type OnDurable = Box<dyn FnOnce(Result<Ack, Arc<AppendError>>) + Send>;

/// A handle on the thread that owns a journal. When the last handle is gone the journal is closed.
#[derive(Clone)]
pub struct Appender {
    queue: Sender<Message>,
    path: Arc<PathBuf>,
    reader: Arc<Reader>,
}

enum Message {
    Append { drafts: Vec<Draft>, on_durable: OnDurable },
    Close { closed: Sender<Result<Head, Arc<AppendError>>> },
}

impl Appender {
    /// Starts the thread.
    ///
    /// # Errors
    ///
    /// If the system gives no thread.
    pub fn spawn(journal: Journal) -> std::io::Result<Self> {
        let (queue, messages) = channel();
        let path = Arc::new(journal.path().to_path_buf());
        let reader = Arc::new(journal.reader());
        let writer = Writer { journal: Some(journal), path: Arc::clone(&path), failed: None };
        thread::Builder::new()
            .name(String::from("journal"))
            .spawn(move || writer.run(&messages))?;
        Ok(Self { queue, path, reader })
    }

    /// Queues `drafts` behind all that was queued before; returns at once. No drafts: answers when
    /// all that was queued before is durable.
    pub fn append(&self, drafts: Vec<Draft>, on_durable: OnDurable) {
        let message = Message::Append { drafts, on_durable };
        if let Err(refused) = self.queue.send(message)
            && let Message::Append { on_durable, .. } = refused.0
        {
            on_durable(Err(Arc::new(AppendError::Closed { path: self.path.to_path_buf() })));
        }
    }

    /// Reads what is durable, beside the writer, until it is closed.
    pub fn reader(&self) -> &Reader {
        &self.reader
    }

    /// Waits for all that was queued before, closes the journal and returns its head.
    ///
    /// # Errors
    ///
    /// The cause that failed this journal, or [`AppendError::Closed`] if it was closed before.
    pub fn close(&self) -> Result<Head, Arc<AppendError>> {
        let gone = || Arc::new(AppendError::Closed { path: self.path.to_path_buf() });
        let (closed, answer) = channel();
        self.queue.send(Message::Close { closed }).map_err(|_gone| gone())?;
        answer.recv().map_err(|_gone| gone())?
    }
}

/// The thread's state.
struct Writer {
    /// Gone once closed, failed or crashed, so that the file is free at once.
    journal: Option<Journal>,
    path: Arc<PathBuf>,
    failed: Option<Arc<AppendError>>,
}

/// What shares one commit.
#[derive(Default)]
struct Batch {
    drafts: Vec<Vec<Draft>>,
    answers: Vec<OnDurable>,
    records: usize,
    bytes: usize,
}

impl Batch {
    fn push(&mut self, drafts: Vec<Draft>, on_durable: OnDurable) {
        self.records += drafts.len();
        self.bytes += drafts.iter().map(|d| d.payload.len() + RECORD_OVERHEAD_BYTES).sum::<usize>();
        self.drafts.push(drafts);
        self.answers.push(on_durable);
    }

    fn is_full(&self) -> bool {
        self.records >= BATCH_RECORDS_MAX || self.bytes >= BATCH_BYTES_MAX
    }
}

impl Writer {
    fn run(mut self, messages: &Receiver<Message>) {
        let mut batch = Batch::default();
        let mut acks = Vec::new();
        while let Ok(first) = messages.recv() {
            let mut next = Some(first);
            let mut closing = None;
            while let Some(message) = next.take() {
                match message {
                    Message::Append { drafts, on_durable } => batch.push(drafts, on_durable),
                    Message::Close { closed } => {
                        closing = Some(closed);
                        break;
                    }
                }
                if !batch.is_full() {
                    next = messages.try_recv().ok();
                }
            }
            self.commit(&mut batch, &mut acks);
            if let Some(closed) = closing {
                // Whoever asked may be gone; the journal is closed all the same.
                drop(closed.send(self.close()));
            }
        }
    }

    /// Writes the batch and answers everyone in it.
    fn commit(&mut self, batch: &mut Batch, acks: &mut Vec<Ack>) {
        acks.clear();
        match self.append(batch, acks) {
            Ok(()) => {
                for (on_durable, ack) in batch.answers.drain(..).zip(acks.drain(..)) {
                    on_durable(Ok(ack));
                }
            }
            // As if the process had died: nobody is told anything.
            Err(cause) if matches!(*cause, AppendError::Crashed { .. }) => batch.answers.clear(),
            Err(cause) => {
                for on_durable in batch.answers.drain(..) {
                    on_durable(Err(Arc::clone(&cause)));
                }
            }
        }
        // After the answers, since nobody should wait for memory to be given back.
        batch.drafts.clear();
        batch.records = 0;
        batch.bytes = 0;
    }

    fn append(&mut self, batch: &Batch, acks: &mut Vec<Ack>) -> Result<(), Arc<AppendError>> {
        if let Some(cause) = &self.failed {
            return Err(Arc::clone(cause));
        }
        let Some(journal) = &mut self.journal else {
            return Err(Arc::new(AppendError::Closed { path: self.path.to_path_buf() }));
        };
        let groups = batch.drafts.iter().map(Vec::as_slice);
        journal.append_together(groups, acks).map_err(|cause| {
            let cause = Arc::new(cause);
            self.failed = Some(Arc::clone(&cause));
            self.journal = None;
            cause
        })
    }

    fn close(&mut self) -> Result<Head, Arc<AppendError>> {
        if let Some(cause) = &self.failed {
            return Err(Arc::clone(cause));
        }
        match self.journal.take() {
            Some(journal) => Ok(journal.head()),
            None => Err(Arc::new(AppendError::Closed { path: self.path.to_path_buf() })),
        }
    }
}
