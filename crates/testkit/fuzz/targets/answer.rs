//! Fuzzes `whole` of the bodies in `model.rs`.

#![no_main]

#[path = "../bodies/model.rs"]
#[expect(dead_code, reason = "each target uses one of the bodies in a file")]
mod body;

libfuzzer_sys::fuzz_target!(|data: &[u8]| body::whole(data));
