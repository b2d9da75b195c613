//! Panics of the store on damaged pages: they are caught and told as damage, and need no report of
//! their own.

use std::panic::{self, PanicHookInfo};

/// Where the store's own code lies.
const STORE: &str = "redb-";

/// Does something during which the store may panic and be caught, without a word about that. Other
/// panics are reported as ever.
pub(crate) fn quietly<T>(work: impl FnOnce() -> T) -> T {
    let hook: std::sync::Arc<dyn Fn(&PanicHookInfo<'_>) + Send + Sync> = panic::take_hook().into();
    let usual = std::sync::Arc::clone(&hook);
    panic::set_hook(Box::new(move |info| {
        let is_of_store = info.location().is_some_and(|place| place.file().contains(STORE));
        if !is_of_store {
            usual(info);
        }
    }));
    let done = work();
    panic::set_hook(Box::new(move |info| hook(info)));
    done
}
