//! The command line from the outside: arguments, help, rendered text, live views, documentation.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests are tests; clippy only sees the functions that are marked"
)]

mod arguments;
mod diff;
mod documentation;
mod errors;
mod help;
mod hostile;
mod live;
mod rendered;
mod sample;
mod selector;
mod words;
