//! Fuzzes `portable` of the body in `portable.rs`.

#![no_main]

#[path = "../bodies/portable.rs"]
mod body;

libfuzzer_sys::fuzz_target!(|data: &[u8]| body::portable(data));
