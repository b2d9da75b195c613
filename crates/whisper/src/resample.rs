//! Sound of any rate to the rate of the engine, as it comes.

use rubato::{
    Async, FixedAsync, Indexing, Resampler as _, SincInterpolationParameters,
    SincInterpolationType, WindowFunction, audioadapter_buffers::direct::SequentialSlice,
};

use crate::failure::Failure;

/// The rate that the engine wants, in samples a second.
pub(crate) const RATE: u32 = 16_000;
/// Lower rates carry no speech.
pub(crate) const RATE_MIN: u32 = 1_000;
/// Higher rates are not recorded.
pub(crate) const RATE_MAX: u32 = 768_000;

/// Samples that are converted at a time.
const CHUNK: usize = 4096;
/// Taps of the filter.
const TAPS: usize = 128;

/// Converts one channel of sound. Its length stays what it was, to a sample.
pub(crate) struct Resampler {
    inner: Option<Conversion>,
}

struct Conversion {
    sinc: Async<f32>,
    rate: u64,
    /// What came and was not converted yet; less than a chunk.
    waiting: Vec<f32>,
    /// Room for what is converted.
    converted: Vec<f32>,
    /// Samples at the beginning that come from the filter, not from the sound.
    delay: usize,
    taken: u64,
    given: u64,
}

impl Resampler {
    /// A converter of sound of a rate.
    pub(crate) fn new(rate: u32) -> Result<Self, Failure> {
        if !(RATE_MIN..=RATE_MAX).contains(&rate) {
            return Err(Failure::audio(format!(
                "its rate is {rate} samples a second, where {RATE_MIN} to {RATE_MAX} can be read"
            )));
        }
        if rate == RATE {
            return Ok(Self { inner: None });
        }
        let parameters = SincInterpolationParameters::new(TAPS, WindowFunction::BlackmanHarris2)
            .oversampling_factor(256)
            .interpolation(SincInterpolationType::Linear);
        let ratio = f64::from(RATE) / f64::from(rate);
        let sinc = Async::new_sinc(ratio, 1.0, &parameters, CHUNK, 1, FixedAsync::Input)
            .map_err(|error| Failure::audio(format!("its rate {rate} cannot be read: {error}")))?;
        Ok(Self {
            inner: Some(Conversion {
                rate: rate.into(),
                waiting: Vec::with_capacity(2 * CHUNK),
                converted: vec![0.0; sinc.output_frames_max()],
                delay: sinc.output_delay(),
                sinc,
                taken: 0,
                given: 0,
            }),
        })
    }

    /// Converts what comes next; appends what is ready.
    pub(crate) fn push(&mut self, samples: &[f32], ready: &mut Vec<f32>) -> Result<(), Failure> {
        if let Some(conversion) = &mut self.inner {
            return conversion.push(samples, ready);
        }
        ready.extend_from_slice(samples);
        Ok(())
    }

    /// Appends what was still held back.
    pub(crate) fn finish(&mut self, ready: &mut Vec<f32>) -> Result<(), Failure> {
        self.inner.as_mut().map_or(Ok(()), |conversion| conversion.finish(ready))
    }
}

impl Conversion {
    fn push(&mut self, samples: &[f32], ready: &mut Vec<f32>) -> Result<(), Failure> {
        let mut rest = samples;
        while !rest.is_empty() {
            let (now, later) = rest.split_at(rest.len().min(CHUNK - self.waiting.len()));
            self.waiting.extend_from_slice(now);
            self.taken += count(now.len());
            rest = later;
            if self.waiting.len() == CHUNK {
                self.convert(None, u64::MAX, ready)?;
            }
        }
        Ok(())
    }

    fn finish(&mut self, ready: &mut Vec<f32>) -> Result<(), Failure> {
        let whole = (self.taken * u64::from(RATE)).div_ceil(self.rate);
        while self.given < whole {
            let held = self.waiting.len();
            self.waiting.resize(CHUNK, 0.0);
            self.convert(Some(held), whole, ready)?;
        }
        Ok(())
    }

    /// Converts what waits, and appends it as far as the whole is not longer than `whole`.
    fn convert(
        &mut self,
        held: Option<usize>,
        whole: u64,
        ready: &mut Vec<f32>,
    ) -> Result<(), Failure> {
        let refused = |error: &dyn std::fmt::Display| {
            Failure::engine(format!("the sound cannot be converted: {error}"))
        };
        let indexing = Indexing {
            input_offset: 0,
            output_offset: 0,
            partial_len: held,
            active_channels_mask: None,
        };
        let room = self.converted.len();
        let input =
            SequentialSlice::new(&self.waiting, 1, CHUNK).map_err(|error| refused(&error))?;
        let mut output = SequentialSlice::new_mut(&mut self.converted, 1, room)
            .map_err(|error| refused(&error))?;
        let (_, written) = self
            .sinc
            .process_into_buffer(&input, &mut output, Some(&indexing))
            .map_err(|error| refused(&error))?;
        self.waiting.clear();
        let skipped = self.delay.min(written);
        self.delay -= skipped;
        let converted = &self.converted[skipped..written];
        let left = usize::try_from(whole - self.given).unwrap_or(usize::MAX);
        let converted = &converted[..converted.len().min(left)];
        ready.extend_from_slice(converted);
        self.given += count(converted.len());
        Ok(())
    }
}

fn count(samples: usize) -> u64 {
    u64::try_from(samples).expect("a length fits")
}

#[cfg(test)]
mod tests {
    use std::f64::consts::TAU;

    use super::{RATE, Resampler};

    /// A second and a half of a tone, converted in uneven pushes.
    fn converted(rate: u32, hertz: u32) -> Vec<f32> {
        let samples: Vec<f32> = (0..rate * 3 / 2)
            .map(|at| {
                let turns = f64::from(hertz) * f64::from(at) / f64::from(rate);
                0.5 * (TAU * turns.fract()).sin()
            })
            .map(narrow)
            .collect();
        let mut resampler = Resampler::new(rate).unwrap();
        let mut ready = Vec::new();
        for push in samples.chunks(1777) {
            resampler.push(push, &mut ready).unwrap();
        }
        resampler.finish(&mut ready).unwrap();
        ready
    }

    #[expect(clippy::cast_possible_truncation, reason = "a sample needs no more digits")]
    fn narrow(sample: f64) -> f32 {
        sample as f32
    }

    fn loudest(samples: &[f32]) -> f32 {
        samples.iter().fold(0.0, |most, sample| sample.abs().max(most))
    }

    #[test]
    fn a_tone_keeps_its_pitch_length_and_loudness() {
        for rate in [8_000, 11_025, 16_000, 22_050, 44_100, 44_101, 48_000, 192_000] {
            let ready = converted(rate, 440);
            assert!(ready.len().abs_diff(24_000) <= 1, "{rate}: {}", ready.len());
            let crossings =
                ready.windows(2).filter(|pair| (pair[0] < 0.0) != (pair[1] < 0.0)).count();
            assert!(crossings.abs_diff(1320) <= 4, "{rate}: {crossings}");
            let middle = &ready[8_000..16_000];
            assert!((loudest(middle) - 0.5).abs() < 0.02, "{rate}: {}", loudest(middle));
        }
    }

    #[test]
    fn what_is_too_high_for_the_engine_is_left_out_not_folded_back() {
        let folded = converted(48_000, 13_000);
        assert!(loudest(&folded[4_000..20_000]) < 0.01);
    }

    #[test]
    fn rates_of_no_recording_are_refused_and_none_is_an_empty_sound() {
        for rate in [0, 1, 999, 768_001, u32::MAX] {
            assert!(Resampler::new(rate).is_err(), "{rate}");
        }
        for rate in [1_000, 8_000, RATE, 768_000] {
            let mut ready = Vec::new();
            let mut resampler = Resampler::new(rate).unwrap();
            resampler.push(&[], &mut ready).unwrap();
            resampler.finish(&mut ready).unwrap();
            assert!(ready.is_empty());
        }
    }
}
