//! Cases side by side, and every failure told.

use std::{
    fmt::Display,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

/// The most failures that are told in full.
const TOLD_MAX: usize = 5;

/// Runs every case, several at a time, and panics at the end with what failed.
pub(crate) fn each<T: Sync + Display>(cases: &[T], run: impl Fn(&T) + Sync) {
    let next = AtomicUsize::new(0);
    let failures = Mutex::new(Vec::new());
    let threads = thread::available_parallelism().map_or(2, usize::from).min(cases.len());
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::SeqCst)) {
                    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| run(case))) {
                        let words = words(panic.as_ref());
                        failures
                            .lock()
                            .expect("pushing does not panic")
                            .push(format!("{case}: {words}"));
                    }
                }
            });
        }
    });
    let failures = failures.into_inner().expect("pushing does not panic");
    let told = failures.iter().take(TOLD_MAX).cloned().collect::<Vec<_>>().join("\n\n");
    assert!(failures.is_empty(), "{} of {} failed\n{told}", failures.len(), cases.len());
}

fn words(panic: &(dyn std::any::Any + Send)) -> String {
    panic
        .downcast_ref::<String>()
        .cloned()
        .or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string))
        .unwrap_or_else(|| "it panicked".to_owned())
}
