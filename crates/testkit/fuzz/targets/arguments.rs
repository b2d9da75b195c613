//! Fuzzes `arguments` of the bodies in `tool.rs`.

#![no_main]

#[path = "../bodies/tool.rs"]
mod body;

libfuzzer_sys::fuzz_target!(|data: &[u8]| body::arguments(data));
