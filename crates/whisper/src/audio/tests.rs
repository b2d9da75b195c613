//! Files of every format, whole, cut, damaged and forged.

use std::{
    fs,
    path::{Path, PathBuf},
};

use tempfile::TempDir;

use super::Audio;
use crate::{failure::Failure, pieces::Pieces, resample::RATE};

/// Two seconds of a tone of 440 Hz, each.
const TONES: [&str; 8] = [
    "tone.mp3",
    "tone.m4a",
    "tone.aac",
    "tone.ogg",
    "tone.flac",
    "tone.aiff",
    "tone-mulaw.wav",
    "tone-adpcm.wav",
];

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)
}

/// All of a file at the engine's rate.
fn decoded(path: &Path) -> Result<Vec<f32>, Failure> {
    let mut pieces = Pieces::new(Audio::open(path)?, 5_000);
    let mut samples = Vec::new();
    while let Some(piece) = pieces.next()? {
        samples.extend(piece.samples);
    }
    Ok(samples)
}

/// The bytes of a file of one's own.
fn decoded_bytes(folder: &TempDir, name: &str, bytes: &[u8]) -> Result<Vec<f32>, Failure> {
    let path = folder.path().join(name);
    fs::write(&path, bytes).unwrap();
    decoded(&path)
}

#[track_caller]
fn assert_tone(name: &str, samples: &[f32], milliseconds: usize) {
    let wanted = milliseconds * RATE as usize / 1000;
    // Codecs pad with up to a few packets.
    assert!(samples.len().abs_diff(wanted) < 3_000, "{name}: {} samples", samples.len());
    let second = &samples[samples.len() / 2 - 8_000..samples.len() / 2 + 8_000];
    let crossings = second.windows(2).filter(|pair| (pair[0] < 0.0) != (pair[1] < 0.0)).count();
    assert!(crossings.abs_diff(880) <= 4, "{name}: {crossings} crossings of zero in a second");
}

/// A WAV file with PCM samples of two bytes.
fn wav(rate: u32, channels: u16, samples: &[i16]) -> Vec<u8> {
    let data: Vec<u8> = samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
    let data_bytes = u32::try_from(data.len()).unwrap();
    let mut file = b"RIFF".to_vec();
    file.extend((36 + data_bytes).to_le_bytes());
    file.extend(b"WAVEfmt \x10\0\0\0\x01\0");
    file.extend(channels.to_le_bytes());
    file.extend(rate.to_le_bytes());
    file.extend((rate.wrapping_mul(2 * u32::from(channels))).to_le_bytes());
    file.extend((2 * channels).to_le_bytes());
    file.extend(b"\x10\0data");
    file.extend(data_bytes.to_le_bytes());
    file.extend(data);
    file
}

/// A square wave of 440 Hz, the same in all channels.
fn square(rate: u32, channels: u16, seconds: u32) -> Vec<i16> {
    let level =
        |at: u32| if (u64::from(at) * 880 / u64::from(rate)) % 2 == 0 { 8_000 } else { -8_000 };
    (0..rate * seconds)
        .flat_map(|at| std::iter::repeat_n(level(at), usize::from(channels)))
        .collect()
}

#[test]
fn every_format_is_read() {
    for name in TONES {
        let samples = decoded(&data(name)).unwrap_or_else(|failure| panic!("{name}: {failure}"));
        assert_tone(name, &samples, 2_000);
    }
}

#[test]
fn the_name_of_a_file_does_not_matter() {
    let folder = tempfile::tempdir().unwrap();
    for name in TONES {
        for misnamed in ["recording", "recording.wav", "recording.mp3", "recording.txt"] {
            let samples = decoded_bytes(&folder, misnamed, &fs::read(data(name)).unwrap());
            let samples = samples.unwrap_or_else(|error| panic!("{name} as {misnamed}: {error}"));
            assert_tone(name, &samples, 2_000);
        }
    }
}

#[test]
fn rates_and_channels_come_to_one_channel_at_one_rate() {
    let folder = tempfile::tempdir().unwrap();
    for (rate, channels) in [(44_100, 2), (8_000, 1), (16_000, 1), (48_000, 6), (22_050, 2)] {
        let file = wav(rate, channels, &square(rate, channels, 7));
        let samples = decoded_bytes(&folder, "square.wav", &file).unwrap();
        assert!(samples.len().abs_diff(7 * 16_000) <= 1, "{}", samples.len());
        assert_tone(&format!("{rate} Hz, {channels} channels"), &samples, 7_000);
    }
}

#[test]
fn channels_against_each_other_are_silence() {
    let folder = tempfile::tempdir().unwrap();
    let samples: Vec<i16> =
        square(16_000, 1, 1).iter().flat_map(|sample| [*sample, -*sample]).collect();
    let mixed = decoded_bytes(&folder, "a.wav", &wav(16_000, 2, &samples)).unwrap();
    assert!(mixed.len() == 16_000 && mixed.iter().all(|sample| sample.abs() < 0.001));
}

#[test]
fn what_is_no_recording_is_told_so() {
    let folder = tempfile::tempdir().unwrap();
    let whole = wav(16_000, 1, &square(16_000, 1, 1));
    let forged = |at: usize, bytes: &[u8]| {
        let mut file = whole.clone();
        file[at..at + bytes.len()].copy_from_slice(bytes);
        file
    };
    let cases: [(&str, Vec<u8>, &str); 9] = [
        ("empty", Vec::new(), "it is empty"),
        ("text", b"not a recording\n".repeat(500), "are read"),
        ("zeros", vec![0; 100_000], "are read"),
        ("header only", whole[..44].to_vec(), ""),
        ("no samples", wav(16_000, 1, &[]), "no sound"),
        ("half", whole[..whole.len() / 2].to_vec(), "it is cut: it says that it lasts 1 s"),
        ("rate of none", forged(24, &[0; 4]), ""),
        ("rate of all", forged(24, &[255; 4]), ""),
        ("channels of none", forged(22, &[0; 2]), ""),
    ];
    for (name, bytes, message) in cases {
        let failure = decoded_bytes(&folder, "a.wav", &bytes).expect_err(name);
        assert!(failure.message.contains(message), "{name}: {failure}");
        assert!(!failure.message.contains("decoder failed"), "{name}: {failure}");
    }
    assert!(Audio::open(folder.path()).is_err_and(|error| error.message == "it is no file"));
    let absent = Audio::open(&folder.path().join("absent")).map(|_| ()).unwrap_err();
    assert!(absent.message.contains("No such file"), "{absent}");
    let opus = decoded(&data("tone.opus")).unwrap_err();
    assert!(opus.message.contains("ffmpeg"), "{opus}");
}

#[test]
fn a_header_that_promises_the_impossible_is_a_placeholder() {
    let folder = tempfile::tempdir().unwrap();
    let mut streamed = wav(16_000, 1, &square(16_000, 1, 2));
    for at in [4, 40] {
        streamed[at..at + 4].fill(255);
    }
    let samples = decoded_bytes(&folder, "streamed.wav", &streamed).unwrap();
    assert_tone("streamed", &samples, 2_000);
}

#[test]
fn files_cut_anywhere_end_cleanly() {
    let folder = tempfile::tempdir().unwrap();
    for name in TONES {
        let whole = fs::read(data(name)).unwrap();
        for cut in (0..64).chain((64..whole.len()).step_by(whole.len() / 24)) {
            match decoded_bytes(&folder, name, &whole[..cut]) {
                Ok(samples) => assert!(samples.len() < 36_000, "{name} cut at {cut}"),
                Err(failure) => {
                    let message = failure.message;
                    assert!(!message.contains("decoder failed"), "{name} cut at {cut}: {message}");
                }
            }
        }
    }
}

#[test]
fn damaged_files_end_cleanly() {
    let folder = tempfile::tempdir().unwrap();
    let mut chance = 0x2545_f491_4f6c_dd1d_u64;
    let mut draw = |below: usize| {
        chance ^= chance << 13;
        chance ^= chance >> 7;
        chance ^= chance << 17;
        usize::try_from(chance % u64::try_from(below).unwrap()).unwrap()
    };
    for name in TONES {
        let whole = fs::read(data(name)).unwrap();
        for turn in 0..30 {
            let mut damaged = whole.clone();
            // Headers are where the numbers are.
            let reach = if turn % 2 == 0 { 600.min(whole.len()) } else { whole.len() };
            for _ in 0..=turn % 5 {
                let at = draw(reach);
                damaged[at] = u8::try_from(draw(256)).unwrap();
            }
            // Either is right; only it has to end, within the memory and time of a test.
            if let Ok(samples) = decoded_bytes(&folder, name, &damaged) {
                assert!(samples.len() < 600 * RATE as usize, "{name}, turn {turn}");
            }
        }
    }
}
