//! Fuzzes `event` of the bodies in `event.rs`.

#![no_main]

#[path = "../bodies/event.rs"]
mod body;

libfuzzer_sys::fuzz_target!(|data: &[u8]| body::event(data));
