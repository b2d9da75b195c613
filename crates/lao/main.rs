//! The `lao` binary.
fn main() {}
