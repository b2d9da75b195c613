//! Plan, workflow and chain text to validated values; no IO, no async.
