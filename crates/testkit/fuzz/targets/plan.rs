//! Fuzzes `plan` of the bodies in `plan.rs`.

#![no_main]

#[path = "../bodies/plan.rs"]
mod body;

libfuzzer_sys::fuzz_target!(|data: &[u8]| body::plan(data));
