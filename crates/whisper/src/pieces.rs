//! A recording of any length in pieces that fit into memory, cut where it is quiet.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::{
    audio::Audio,
    failure::Failure,
    resample::{RATE, Resampler},
};

/// The shortest and the longest piece.
const PIECE_MS: std::ops::RangeInclusive<u64> = 5_000..=600_000;
/// How much of a piece's end is searched for a quiet place: this, and at most a quarter of it.
const SEARCH: usize = 10 * RATE as usize;
/// What is compared when a quiet place is looked for: a fifth of a second, every twentieth.
const QUIET: usize = RATE as usize / 5;
const STEP: usize = RATE as usize / 20;

/// The pieces of a file, as they are asked for.
pub(crate) struct Pieces {
    audio: Audio,
    resampler: Option<Resampler>,
    /// Sound that no piece has had yet.
    held: Vec<f32>,
    /// Sound as it came from the file.
    raw: Vec<f32>,
    /// Samples of a piece.
    length: usize,
    is_over: bool,
}

/// A piece of the recording.
pub(crate) struct Piece {
    /// The sound, at the engine's rate.
    pub(crate) samples: Vec<f32>,
    /// Thousandths of the file that were read when it was complete.
    pub(crate) read_milli: u32,
}

impl Pieces {
    /// A file in pieces of at most this length.
    pub(crate) fn new(audio: Audio, piece_ms: u64) -> Self {
        let piece_ms = piece_ms.clamp(*PIECE_MS.start(), *PIECE_MS.end());
        let length = piece_ms * u64::from(RATE) / 1000;
        Self {
            audio,
            resampler: None,
            held: Vec::new(),
            raw: Vec::new(),
            length: usize::try_from(length).expect("minutes fit"),
            is_over: false,
        }
    }

    /// The next piece; none after the last.
    pub(crate) fn next(&mut self) -> Result<Option<Piece>, Failure> {
        while !self.is_over && self.held.len() < self.length {
            self.fill()?;
        }
        if self.held.is_empty() {
            return Ok(None);
        }
        let cut = if self.held.len() < self.length {
            self.held.len()
        } else {
            quiet_place(&self.held[..self.length])
        };
        let later = self.held.split_off(cut);
        let samples = std::mem::replace(&mut self.held, later);
        Ok(Some(Piece { samples, read_milli: self.audio.read_milli() }))
    }

    fn fill(&mut self) -> Result<(), Failure> {
        self.raw.clear();
        let Self { audio, raw, .. } = self;
        // The decoders are other people's code, and the file may be anybody's.
        let read = catch_unwind(AssertUnwindSafe(|| audio.read(raw)));
        let has_more = read.unwrap_or_else(|_| {
            Err(Failure::audio("it cannot be read: its decoder failed on it"))
        })?;
        if self.resampler.is_none() && has_more {
            self.resampler = Some(Resampler::new(self.audio.rate())?);
        }
        if let Some(resampler) = &mut self.resampler {
            resampler.push(&self.raw, &mut self.held)?;
            if !has_more {
                resampler.finish(&mut self.held)?;
            }
        }
        self.is_over = !has_more;
        Ok(())
    }
}

/// Where to cut a piece: in the middle of the quietest moment near its end.
fn quiet_place(piece: &[f32]) -> usize {
    let searched = SEARCH.min(piece.len() / 4);
    let begin = piece.len() - searched;
    let energy =
        |at: usize| -> f32 { piece[at..at + QUIET].iter().map(|sample| sample * sample).sum() };
    let places = (begin..=piece.len() - QUIET).step_by(STEP);
    // Of places that are equally quiet, the last: pieces are then as long as may be.
    let quietest =
        places.min_by(|one, other| energy(*one).total_cmp(&energy(*other)).then(other.cmp(one)));
    quietest.map_or(piece.len(), |at| at + QUIET / 2)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{Pieces, QUIET, RATE, quiet_place};
    use crate::audio::Audio;

    #[test]
    fn a_piece_is_cut_in_a_pause_near_its_end() {
        let second = RATE as usize;
        let mut piece = vec![0.5; 60 * second];
        assert_eq!(quiet_place(&piece), piece.len() - QUIET / 2);
        for pause in [20 * second, 55 * second] {
            piece[pause..pause + second / 2].fill(0.01);
        }
        let cut = quiet_place(&piece);
        assert!((55 * second..55 * second + second / 2).contains(&cut), "{cut}");
    }

    /// A WAV file of silence: one byte a sample, 8,000 a second.
    fn silence(seconds: u32) -> Vec<u8> {
        let bytes = 8_000 * seconds;
        let mut file = b"RIFF".to_vec();
        file.extend((36 + bytes).to_le_bytes());
        file.extend(b"WAVEfmt \x10\0\0\0\x01\0\x01\0\x40\x1f\0\0\x40\x1f\0\0\x01\0\x08\0data");
        file.extend(bytes.to_le_bytes());
        file.resize(file.len() + bytes as usize, 128);
        file
    }

    #[test]
    fn a_long_recording_is_never_held_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("silence.wav");
        fs::write(&path, silence(900)).unwrap();
        let mut pieces = Pieces::new(Audio::open(&path).unwrap(), 0);
        let length = pieces.length;
        let (mut samples, mut milli) = (0, 0);
        while let Some(piece) = pieces.next().unwrap() {
            assert!(piece.samples.len() <= length && piece.read_milli >= milli);
            assert!(pieces.held.capacity() <= 4 * length, "{}", pieces.held.capacity());
            samples += piece.samples.len();
            milli = piece.read_milli;
        }
        assert_eq!((samples, milli), (900 * RATE as usize, 1000));
    }
}
