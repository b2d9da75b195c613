//! Watches how long appends wait for the disk, and says so when that is long.
//!
//! ```text
//!   JournalWriter --began, ended--> DiskWatch (oldest wait) --task--> DiskSlow ... DiskCaughtUp
//! ```
//!
//! Nothing has to be held back here: no effect starts before the events that start it are durable,
//! so while the disk stalls, only what is in flight can still end and wait.

use std::{
    collections::VecDeque,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::{
    sync::{broadcast, watch},
    time::{Instant, sleep, sleep_until},
};

use crate::notice::Notice;

/// After this long a commit counts as stalled, and listeners are told; again whenever it has taken
/// twice as long.
pub(crate) const DISK_SLOW_AFTER: Duration = Duration::from_secs(2);
/// Handle; cheap to clone. The watch ends with the last one.
#[derive(Clone)]
pub(crate) struct DiskWatch {
    /// When the appends that wait were queued, oldest first: they are answered in order.
    waiting: watch::Sender<VecDeque<Instant>>,
    /// Listeners were told, so the task has to know when a wait is over.
    told: Arc<AtomicBool>,
}

impl DiskWatch {
    /// Starts the task.
    pub(crate) fn start(notices: broadcast::Sender<Notice>) -> Self {
        let watch = Self { waiting: watch::Sender::default(), told: Arc::default() };
        let told = Arc::clone(&watch.told);
        tokio::spawn(watch_over(watch.waiting.subscribe(), told, notices));
        watch
    }

    /// An append was queued. The task sleeps through it unless it is idle.
    pub(crate) fn began(&self) {
        let now = Instant::now();
        self.waiting.send_if_modified(|waiting| {
            waiting.push_back(now);
            waiting.len() == 1
        });
    }

    /// The oldest append that waited was answered.
    pub(crate) fn ended(&self) {
        self.waiting.send_if_modified(|waiting| {
            waiting.pop_front();
            self.told.load(Ordering::SeqCst)
        });
    }
}

/// Ends when nobody holds a [`DiskWatch`] any more.
async fn watch_over(
    mut waiting: watch::Receiver<VecDeque<Instant>>,
    told: Arc<AtomicBool>,
    notices: broadcast::Sender<Notice>,
) {
    loop {
        let oldest = waiting.borrow_and_update().front().copied();
        let Some(since) = oldest else {
            if waiting.changed().await.is_err() {
                return;
            }
            continue;
        };
        sleep_until(since + DISK_SLOW_AFTER).await;
        // Before looking, so that a wait that ends from here on is heard of.
        told.store(true, Ordering::SeqCst);
        let was_slow = tell_while_slow(&mut waiting, &notices).await;
        told.store(false, Ordering::SeqCst);
        if was_slow {
            // Nobody has to listen.
            drop(notices.send(Notice::DiskCaughtUp { waited_ms: elapsed_ms(since) }));
        }
    }
}

/// Tells listeners until no append has waited long; false where none had.
async fn tell_while_slow(
    waiting: &mut watch::Receiver<VecDeque<Instant>>,
    notices: &broadcast::Sender<Notice>,
) -> bool {
    let mut was_slow = false;
    loop {
        let oldest = waiting.borrow_and_update().front().copied();
        let Some(since) = oldest.filter(|since| since.elapsed() >= DISK_SLOW_AFTER) else {
            return was_slow;
        };
        was_slow = true;
        drop(notices.send(Notice::DiskSlow { waited_ms: elapsed_ms(since) }));
        tokio::select! {
            changed = waiting.changed() => {
                if changed.is_err() {
                    return false;
                }
            }
            () = sleep(since.elapsed()) => {}
        }
    }
}

fn elapsed_ms(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use tokio::time::{advance, timeout};

    use super::*;

    fn start() -> (DiskWatch, broadcast::Receiver<Notice>) {
        let notices = broadcast::Sender::new(16);
        let heard = notices.subscribe();
        (DiskWatch::start(notices), heard)
    }

    async fn next(heard: &mut broadcast::Receiver<Notice>) -> String {
        format!("{:?}", heard.recv().await.expect("the watch goes on"))
    }

    #[tokio::test(start_paused = true)]
    async fn a_wait_is_told_again_and_again_and_then_that_it_is_over() {
        let (watch, mut heard) = start();
        watch.began();
        assert_eq!(next(&mut heard).await, "DiskSlow { waited_ms: 2000 }");
        assert_eq!(next(&mut heard).await, "DiskSlow { waited_ms: 4000 }");
        advance(Duration::from_secs(1)).await;
        watch.ended();
        assert_eq!(next(&mut heard).await, "DiskCaughtUp { waited_ms: 5000 }");
        watch.began();
        assert_eq!(next(&mut heard).await, "DiskSlow { waited_ms: 2000 }", "it watches on");
    }

    #[tokio::test(start_paused = true)]
    async fn many_short_waits_are_nothing_to_tell() {
        let (watch, mut heard) = start();
        watch.began();
        for _ in 0..1000 {
            watch.began();
            advance(DISK_SLOW_AFTER / 3).await;
            watch.ended();
        }
        watch.ended();
        let word = timeout(DISK_SLOW_AFTER * 2, heard.recv()).await;
        assert!(word.is_err(), "each waited for less than it takes: {word:?}");
        drop(watch);
        assert!(heard.recv().await.is_err(), "the watch ends with its last handle");
    }

    #[tokio::test(start_paused = true)]
    async fn a_disk_that_goes_on_and_leaves_others_waiting_is_still_slow() {
        let (watch, mut heard) = start();
        watch.began();
        watch.began();
        assert_eq!(next(&mut heard).await, "DiskSlow { waited_ms: 2000 }");
        watch.ended();
        assert_eq!(next(&mut heard).await, "DiskSlow { waited_ms: 2000 }");
        watch.ended();
        assert_eq!(next(&mut heard).await, "DiskCaughtUp { waited_ms: 2000 }");
    }
}
