//! Doing the same to several things at once, for the sake of what waits for the disk.

use std::{
    io,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

/// Threads at most; more waits than that gain nothing.
const THREADS_MAX: usize = 4;

/// Does `work` to each item; returns the first error after all threads have ended.
pub(crate) fn each<T: Sync>(
    items: &[T],
    work: impl Fn(&T) -> io::Result<()> + Sync,
) -> io::Result<()> {
    let next = AtomicUsize::new(0);
    let run = || {
        while let Some(item) = items.get(next.fetch_add(1, Ordering::Relaxed)) {
            work(item)?;
        }
        Ok(())
    };
    let others = items.len().min(THREADS_MAX).saturating_sub(1);
    thread::scope(|scope| {
        let threads: Vec<_> = (0..others).map(|_| scope.spawn(run)).collect();
        let own = run();
        threads
            .into_iter()
            .map(|thread| thread.join().expect("the work does not panic"))
            .fold(own, io::Result::and)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    #[test]
    fn each_item_is_done_once_and_an_error_is_told() {
        for count in [0, 1, 2, 100] {
            let items: Vec<usize> = (0..count).collect();
            let done = Mutex::new(Vec::new());
            each(&items, |item| {
                done.lock().unwrap().push(*item);
                Ok(())
            })
            .unwrap();
            let mut done = done.into_inner().unwrap();
            done.sort_unstable();
            assert_eq!(done, items);
        }
        let failed = each(&[1, 2, 3], |item| match item {
            2 => Err(io::Error::other("two")),
            _ => Ok(()),
        });
        assert_eq!(failed.unwrap_err().to_string(), "two");
    }
}
