//! A fuzz target as a plain test: every file of its corpus, and seeded mutations of them.
//!
//! Included by a test of the crate whose parser it is; the same body is fuzzed for real by the
//! target of the same name.

use std::{
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
};

/// Mutations of one input that are applied at once, at most.
const EDITS_MAX: usize = 6;
/// What parsers are most likely to trip over.
const MORSELS: [&[u8]; 20] = [
    b"{",
    b"}",
    b"[",
    b"]",
    b"\"",
    b"\\",
    b"\n",
    b"\r",
    b":",
    b",",
    b"```",
    b"<think>",
    b"</think>",
    b"\xEF\xBB\xBF",
    b"\xFF",
    b"\0",
    b"data: ",
    b"null",
    b"18446744073709551616",
    b"../",
];

/// Shows the files of a corpus, and so many inputs made of them, to `body`.
pub(crate) fn each(corpus: &str, cases: u64, body: impl Fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testkit/fuzz/corpus").join(corpus);
    let entries = fs::read_dir(&folder).expect("the corpus is part of the tree");
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("it is listed").path()).collect();
    paths.sort();
    assert!(!paths.is_empty(), "{} is empty", folder.display());
    let files: Vec<Vec<u8>> =
        paths.iter().map(|path| fs::read(path).expect("a corpus is of files")).collect();
    for (path, file) in paths.iter().zip(&files) {
        show(file, &body, &path.display().to_string());
    }
    for case in 0..cases {
        let input = mutated(&files, &mut Numbers(case));
        show(&input, &body, &format!("case {case} of {corpus}"));
    }
}

/// A panic is told with its input, as it is written into a file of the corpus.
fn show(input: &[u8], body: &impl Fn(&[u8]), name: &str) {
    let outcome = catch_unwind(AssertUnwindSafe(|| body(input)));
    assert!(outcome.is_ok(), "{name}: b\"{}\"", input.escape_ascii());
}

/// One file, or the beginning of one and the end of another, with a few edits.
fn mutated(files: &[Vec<u8>], numbers: &mut Numbers) -> Vec<u8> {
    let mut input = files[numbers.below(files.len())].clone();
    if numbers.below(4) == 0 {
        let other = &files[numbers.below(files.len())];
        input.truncate(numbers.below(input.len() + 1));
        input.extend_from_slice(&other[numbers.below(other.len() + 1)..]);
    }
    for _ in 0..=numbers.below(EDITS_MAX) {
        edit(&mut input, numbers);
    }
    input
}

fn edit(input: &mut Vec<u8>, numbers: &mut Numbers) {
    let at = numbers.below(input.len() + 1);
    let end = at + numbers.below(input.len() - at + 1).min(16);
    match numbers.below(6) {
        0 => drop(input.drain(at..end)),
        1 => {
            let copy = input[at..end].to_vec();
            input.splice(at..at, copy);
        }
        2 => input.truncate(at),
        3 => {
            let morsel = MORSELS[numbers.below(MORSELS.len())];
            input.splice(at..at, morsel.iter().copied());
        }
        4 => {
            if let Some(byte) = input.get_mut(at) {
                *byte ^= 1 << numbers.below(8);
            }
        }
        _ => {
            if let Some(byte) = input.get_mut(at) {
                *byte = numbers.next().to_le_bytes()[0];
            }
        }
    }
}

/// Numbers that look random, from a seed (splitmix64).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        let limit = u64::try_from(limit).expect("a length fits in 64 bits");
        usize::try_from(self.next() % limit).expect("it is below a length")
    }
}
