//! File work on threads where it may block.

use std::{future, panic};

/// Does some work on a thread of its own. Dropped while it is under way, the work still ends,
/// which is what a crash right after it would look like.
pub(crate) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => panic::resume_unwind(panic),
            // The runtime is shutting down: nobody waits for this any more.
            Err(_) => future::pending().await,
        },
    }
}
