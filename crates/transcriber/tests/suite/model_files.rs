//! Files that are no whole model are refused before any engine sees them.

use lao_transcriber::model_file::{ModelFault, Weights, check, check_bytes};

use super::support::{data, tiny_model};

/// Where the parts of the tiny model begin.
const FILTERS: usize = 4 + 11 * 4;
const VOCABULARY: usize = FILTERS + 8 + 80 * 201 * 4;

fn check_all(file: &[u8]) -> Result<(), ModelFault> {
    check_bytes(file, u64::try_from(file.len()).unwrap()).map(|_| ())
}

/// Where the tensors begin.
fn tensors(file: &[u8]) -> usize {
    let number = |at: usize| u32::from_le_bytes(file[at..at + 4].try_into().unwrap());
    let mut at = VOCABULARY + 4;
    for _ in 0..number(VOCABULARY) {
        at += 4 + usize::try_from(number(at)).unwrap();
    }
    at
}

fn with(file: &[u8], at: usize, bytes: &[u8]) -> Vec<u8> {
    let mut changed = file.to_vec();
    changed[at..at + bytes.len()].copy_from_slice(bytes);
    changed
}

#[test]
fn the_tiny_model_is_one() {
    let parameters = check(&data("tiny-whisper.bin")).unwrap();
    assert!(parameters.is_multilingual());
    assert_eq!((parameters.vocabulary, parameters.state, parameters.mels), (51_865, 16, 80));
    assert_eq!((parameters.audio_layers, parameters.weights), (1, Weights::F16));
}

#[test]
fn a_file_cut_anywhere_is_refused() {
    let whole = tiny_model();
    let tensors = tensors(&whole);
    let ends = (0..600)
        .chain((600..whole.len()).step_by(9_973))
        .chain(VOCABULARY - 4..VOCABULARY + 40)
        .chain(tensors - 4..tensors + 120)
        .chain(whole.len() - 300..whole.len());
    for end in ends {
        let refused = check_all(&whole[..end]).expect_err("it is cut");
        let is_told = matches!(refused, ModelFault::Cut { .. } | ModelFault::Foreign { .. });
        assert!(is_told, "cut at {end}: {refused}");
    }
    let longer = [&whole[..], b"x"].concat();
    assert!(check_all(&longer).is_err());
    let twice = [&whole[..], &whole[tensors..]].concat();
    assert!(check_all(&twice).unwrap_err().to_string().contains("twice"));
}

#[test]
fn every_number_of_the_header_is_checked() {
    let whole = tiny_model();
    let tensors = tensors(&whole);
    let numbers = (4..FILTERS + 8)
        .step_by(4)
        .chain([VOCABULARY, VOCABULARY + 4])
        .chain((tensors..tensors + 5 * 4).step_by(4));
    for at in numbers {
        for absurd in [-1, i32::MIN, i32::MAX, 0x0100_0000, 999] {
            let changed = with(&whole, at, &absurd.to_le_bytes());
            assert!(check_all(&changed).is_err(), "{absurd} at {at}");
        }
    }
    // None of anything; a float's zero is a kind of weights, but not of these.
    for at in (4..FILTERS + 8).step_by(4) {
        assert!(check_all(&with(&whole, at, &[0; 4])).is_err(), "0 at {at}");
    }
}

#[test]
fn a_bit_flipped_in_a_header_is_seen() {
    let whole = tiny_model();
    let tensors = tensors(&whole);
    for at in (0..FILTERS + 8).chain(tensors..tensors + 40) {
        for bit in 0..8 {
            let changed = with(&whole, at, &[whole[at] ^ (1 << bit)]);
            // The version of the quantization is in the thousands of the kind of weights.
            let is_harmless = check_all(&changed).is_ok();
            assert!(!is_harmless, "bit {bit} at {at}");
        }
    }
}

#[test]
fn foreign_files_are_named() {
    let cases: [(&[u8], &str); 6] = [
        (b"", "it is empty"),
        (b"GGUF\x03\0\0\0", "GGUF file, which is for language models"),
        (b"PK\x03\x04rest", "PyTorch or zip"),
        (b"<!DOCTYPE html>", "web page"),
        (b"version https://git-lfs", "Git LFS"),
        (b"RIFF....WAVE", "begins in another way"),
    ];
    for (file, words) in cases {
        let refused = check_all(file).unwrap_err().to_string();
        assert!(refused.contains(words), "{refused}");
        assert!(file.len() < 4 || refused.contains("ggml-base.bin"), "{refused}");
    }
    assert!(matches!(check(&data("workers")), Err(ModelFault::NotAFile)));
}

#[test]
fn a_vocabulary_without_a_blank_would_end_the_engine() {
    let whole = tiny_model();
    let blank = whole.windows(5).position(|bytes| bytes == b"\x01\0\0\0 ").unwrap();
    let refused = check_all(&with(&whole, blank + 4, b"_")).unwrap_err();
    assert!(matches!(refused, ModelFault::NoBlank), "{refused}");
}
