//! Audio files to one channel of sound, packet by packet: no file is ever held whole.
//!
//! A file that is cut is an error where its format promises more than there is, since a transcript
//! of half a recording would look like one of all of it.

mod source;
#[cfg(test)]
mod tests;

use std::{ffi::OsStr, fs::File, path::Path};

use symphonia::{
    core::{
        audio::Channels,
        codecs::audio::{AudioDecoder, AudioDecoderOptions},
        errors::Error,
        formats::{FormatOptions, FormatReader, Track, TrackType, probe::Hint},
        io::{MediaSourceStream, MediaSourceStreamOptions},
        meta::MetadataOptions,
    },
    default::{get_codecs, get_probe},
};

use self::source::{Position, Source};
use crate::failure::Failure;

/// What is said of a file that is none of these.
const FORMATS: &str = "WAV, AIFF, FLAC, MP3, M4A and AAC, Ogg Vorbis are read; convert others, for \
                       instance with ffmpeg";
/// The most channels of a recording.
const CHANNELS_MAX: usize = 64;
/// Damaged packets are left out, unless they come one after another without end.
const DAMAGED_MAX: u32 = 1_000;
/// Formats whose promise of a length is exact; others estimate it.
const EXACT_FORMATS: [&str; 4] = ["wave", "aiff", "flac", "isomp4"];
/// A promise over this is a placeholder of a program that did not know the length.
const PROMISE_BYTES_MAX: u64 = 0x7fff_0000;
/// How much of its promise a whole file may lack, in thousandths.
const LACK_MILLI: u64 = 20;

/// An audio file that is being read.
pub(crate) struct Audio {
    reader: Box<dyn FormatReader>,
    decoder: Box<dyn AudioDecoder>,
    track: u32,
    position: Position,
    rate: u32,
    /// Samples that the file says it has.
    promised: Option<u64>,
    read: u64,
    damaged: u32,
    interleaved: Vec<f32>,
}

impl Audio {
    /// Opens a file, of whatever format it is.
    pub(crate) fn open(path: &Path) -> Result<Self, Failure> {
        let file = File::open(path).map_err(|error| Failure::audio(error.to_string()))?;
        let metadata = file.metadata().map_err(|error| Failure::audio(error.to_string()))?;
        if !metadata.is_file() {
            return Err(Failure::audio("it is no file"));
        }
        if metadata.len() == 0 {
            return Err(Failure::audio("it is empty"));
        }
        let (source, position) = Source::new(file, metadata.len());
        let stream = MediaSourceStream::new(Box::new(source), MediaSourceStreamOptions::default());
        let mut hint = Hint::new();
        if let Some(extension) = path.extension().and_then(OsStr::to_str) {
            hint.with_extension(extension);
        }
        let reader = get_probe()
            .probe(&hint, stream, FormatOptions::default(), MetadataOptions::default())
            .map_err(|error| unreadable(&error))?;
        let track = reader
            .default_track(TrackType::Audio)
            .ok_or_else(|| Failure::audio("there is no sound in it"))?;
        let parameters = track
            .codec_params
            .as_ref()
            .and_then(|parameters| parameters.audio())
            .ok_or_else(|| Failure::audio(format!("it is of an unknown kind; {FORMATS}")))?;
        let decoder = get_codecs()
            .make_audio_decoder(parameters, &AudioDecoderOptions::default())
            .map_err(|error| unreadable(&error))?;
        Ok(Self {
            promised: promise(reader.format_info().short_name, track),
            track: track.id,
            // Zero until the first packet says it, as some formats do not say it before.
            rate: parameters.sample_rate.unwrap_or(0),
            reader,
            decoder,
            position,
            read: 0,
            damaged: 0,
            interleaved: Vec::new(),
        })
    }

    /// Samples a second; known once something was read.
    pub(crate) const fn rate(&self) -> u32 {
        self.rate
    }

    /// Thousandths of the file's bytes that were read.
    pub(crate) fn read_milli(&self) -> u32 {
        self.position.milli()
    }

    /// Appends the next samples, the channels mixed; false at the end of the file.
    pub(crate) fn read(&mut self, samples: &mut Vec<f32>) -> Result<bool, Failure> {
        loop {
            let packet = match self.reader.next_packet() {
                Ok(Some(packet)) => packet,
                Ok(None) => break,
                Err(Error::IoError(error)) if is_end(&error) => break,
                Err(Error::ResetRequired) => {
                    return Err(Failure::audio(
                        "several recordings follow one another in it; split it first",
                    ));
                }
                Err(error) => return Err(unreadable(&error)),
            };
            if packet.track_id != self.track {
                continue;
            }
            match self.decoder.decode(&packet) {
                Ok(decoded) => {
                    let (rate, channels) = (decoded.spec().rate(), decoded.num_planes());
                    self.interleaved.clear();
                    decoded.copy_to_vec_interleaved(&mut self.interleaved);
                    self.take(rate, channels, samples)?;
                    return Ok(true);
                }
                Err(Error::DecodeError(_)) if self.damaged < DAMAGED_MAX => self.damaged += 1,
                Err(Error::IoError(error)) if is_end(&error) && self.damaged < DAMAGED_MAX => {
                    self.damaged += 1;
                }
                Err(error) => return Err(unreadable(&error)),
            }
        }
        self.check_length()?;
        Ok(false)
    }

    fn take(&mut self, rate: u32, channels: usize, samples: &mut Vec<f32>) -> Result<(), Failure> {
        if self.read == 0 {
            self.rate = rate;
        }
        if rate != self.rate {
            let was = self.rate;
            return Err(Failure::audio(format!(
                "its rate changes from {was} to {rate} samples a second in the middle"
            )));
        }
        if !(1..=CHANNELS_MAX).contains(&channels) {
            return Err(Failure::audio(format!(
                "it has {channels} channels, where 1 to {CHANNELS_MAX} can be read"
            )));
        }
        let share = 1.0 / f32::from(u8::try_from(channels).expect("they were counted"));
        let mixed = self.interleaved.chunks_exact(channels).map(|frame| {
            let sum: f32 = frame.iter().sum();
            // What is no number in a damaged file would spoil everything after it.
            if sum.is_finite() { (sum * share).clamp(-1.0, 1.0) } else { 0.0 }
        });
        let before = samples.len();
        samples.extend(mixed);
        self.read += u64::try_from(samples.len() - before).expect("a length fits");
        Ok(())
    }

    fn check_length(&self) -> Result<(), Failure> {
        if self.read == 0 {
            let damaged = if self.damaged > 0 { ": all of it is damaged" } else { "" };
            return Err(Failure::audio(format!("there is no sound in it{damaged}")));
        }
        let Some(promised) = self.promised else { return Ok(()) };
        if self.read < promised - promised / 1000 * LACK_MILLI && self.read + 4096 < promised {
            let rate = u64::from(self.rate.max(1));
            return Err(Failure::audio(format!(
                "it is cut: it says that it lasts {} s, and ends after {} s",
                promised / rate,
                self.read / rate
            )));
        }
        Ok(())
    }
}

/// How many samples a file says it has, where that can be relied upon.
fn promise(format: &str, track: &Track) -> Option<u64> {
    let parameters = track.codec_params.as_ref()?.audio()?;
    let channels = u64::try_from(parameters.channels.as_ref().map_or(1, Channels::count)).ok()?;
    let bytes = u64::from(parameters.bits_per_sample.unwrap_or(8).div_ceil(8));
    let promised = track.num_frames?;
    let is_placeholder = promised.saturating_mul(channels * bytes) >= PROMISE_BYTES_MAX;
    (EXACT_FORMATS.contains(&format) && !is_placeholder).then_some(promised)
}

fn is_end(error: &std::io::Error) -> bool {
    error.kind() == std::io::ErrorKind::UnexpectedEof
}

fn unreadable(error: &Error) -> Failure {
    if let Error::IoError(error) = error
        && is_end(error)
    {
        return Failure::audio(format!("it ends too early, or is no audio file; {FORMATS}"));
    }
    if let Error::Unsupported(what) = error {
        return Failure::audio(format!("it is of an unknown kind ({what}); {FORMATS}"));
    }
    Failure::audio(format!("it cannot be read: {error}"))
}
