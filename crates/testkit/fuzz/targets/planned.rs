//! Fuzzes `planned` of the bodies in `kernel.rs`.

#![no_main]

#[path = "../bodies/kernel.rs"]
#[expect(dead_code, reason = "each target uses one of the bodies in a file")]
mod body;

libfuzzer_sys::fuzz_target!(|data: &[u8]| body::planned(data));
