//! Fuzzes `manifest` of the bodies in `journal.rs`.

#![no_main]

#[path = "../bodies/journal.rs"]
#[expect(dead_code, reason = "each target uses one of the bodies in a file")]
mod body;

libfuzzer_sys::fuzz_target!(|data: &[u8]| body::manifest(data));
