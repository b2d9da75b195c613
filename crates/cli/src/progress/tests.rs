//! The views over a sequence of updates.
