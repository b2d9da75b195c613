//! Whether a file is a whole whisper model, found out before any engine sees it.
//!
//! The engine trusts what it reads: a file that is cut or forged crashes it, hangs it or writes
//! over its memory. So every number in the file is checked here against what a model of its
//! parameters must have, up to the last byte. Layout: whisper.cpp, `whisper_model_load`.
//!
//! ```text
//!   magic, 11 parameters, mel filters, vocabulary, then per tensor: dimensions, name, numbers
//! ```

mod tensor;

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, BufReader, ErrorKind, Read},
    path::Path,
};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use self::tensor::Expected;

/// The first four bytes, as a number.
const MAGIC: u32 = 0x6767_6d6c;
/// Rows and columns of the filters: half of the 400 samples of a window, and the middle.
const FILTER_COLUMNS: u32 = 201;
/// The most bytes of a word of the vocabulary.
const WORD_BYTES_MAX: u32 = 1024;
/// The fewest words of a vocabulary; the official models have 50,257.
const WORDS_MIN: u32 = 50_000;
/// The most bytes of a tensor's name.
const NAME_BYTES_MAX: u64 = 128;
/// What the engine looks up, and ends the process where it is missing.
const BLANK: &[u8] = b" ";

/// The numbers that say what a model is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parameters {
    /// Tokens, words and others.
    pub vocabulary: u32,
    /// Positions of the encoder.
    pub audio_context: u32,
    /// Numbers in a state.
    pub state: u32,
    /// Attention heads of the encoder.
    pub audio_heads: u32,
    /// Layers of the encoder.
    pub audio_layers: u32,
    /// Positions of the decoder.
    pub text_context: u32,
    /// Attention heads of the decoder.
    pub text_heads: u32,
    /// Layers of the decoder.
    pub text_layers: u32,
    /// Bands of the spectrum.
    pub mels: u32,
    /// What the large tensors are made of.
    pub weights: Weights,
}

impl Parameters {
    /// It knows languages other than English.
    pub const fn is_multilingual(&self) -> bool {
        self.vocabulary >= 51_865
    }
}

/// What the large tensors are made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "they are known by these names")]
pub enum Weights {
    F32,
    F16,
    Q4_0,
    Q4_1,
    Q5_0,
    Q5_1,
    Q8_0,
    Q2K,
    Q3K,
    Q4K,
    Q5K,
    Q6K,
}

/// Why a file is no whisper model.
#[derive(Debug, Error)]
pub enum ModelFault {
    /// It cannot be read.
    #[error("it cannot be read: {0}")]
    Io(#[from] io::Error),
    /// It is a folder, a device or the like.
    #[error("it is no file")]
    NotAFile,
    /// It is of another format.
    #[error(
        "it is no whisper model of whisper.cpp ({hint}); such a file is named like ggml-base.bin"
    )]
    Foreign {
        /// What it looks like.
        hint: &'static str,
    },
    /// It ends too early.
    #[error("it is cut: it ends after {size_bytes} bytes, in the {part}; fetch it again")]
    Cut {
        /// Its size.
        size_bytes: u64,
        /// What should go on.
        part: String,
    },
    /// A number is not what any model has.
    #[error(
        "its {name} is {value}, where {allowed} is expected: it is damaged or of an unknown kind"
    )]
    Number {
        /// What the number is.
        name: &'static str,
        /// The number.
        value: i64,
        /// What it may be.
        allowed: String,
    },
    /// The vocabulary lacks a word without which the engine ends the process.
    #[error("its vocabulary has no blank: it is damaged or of an unknown kind")]
    NoBlank,
    /// A tensor is not what the parameters say.
    #[error("its tensor `{name}` {problem}: it is damaged or of an unknown kind")]
    Tensor {
        /// The tensor.
        name: String,
        /// What is wrong.
        problem: String,
    },
}

/// Reads a file to its end and says which model it is.
pub fn check(path: &Path) -> Result<Parameters, ModelFault> {
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(ModelFault::NotAFile);
    }
    check_bytes(BufReader::with_capacity(64 * 1024, file), metadata.len())
}

/// Reads `size_bytes` bytes and says which model they are.
pub fn check_bytes(reader: impl Skip, size_bytes: u64) -> Result<Parameters, ModelFault> {
    let mut file = ModelReader { reader, size_bytes, position: 0 };
    file.magic()?;
    let parameters = file.parameters()?;
    file.filters(parameters.mels)?;
    file.vocabulary(parameters.vocabulary)?;
    file.tensors(&parameters)?;
    Ok(parameters)
}

/// What can be read, and passed over.
pub trait Skip: Read {
    /// Passes over bytes, which the caller knows to be there.
    fn skip(&mut self, bytes: u64) -> io::Result<()>;
}

impl Skip for BufReader<File> {
    fn skip(&mut self, bytes: u64) -> io::Result<()> {
        self.seek_relative(i64::try_from(bytes).map_err(io::Error::other)?)
    }
}

impl Skip for &[u8] {
    fn skip(&mut self, bytes: u64) -> io::Result<()> {
        let bytes = usize::try_from(bytes).map_err(io::Error::other)?;
        *self = self.get(bytes..).ok_or(ErrorKind::UnexpectedEof)?;
        Ok(())
    }
}

struct ModelReader<R> {
    reader: R,
    size_bytes: u64,
    position: u64,
}

impl<R: Skip> ModelReader<R> {
    /// Claims the next bytes, which must be there.
    fn claim(&mut self, bytes: u64, part: &str) -> Result<(), ModelFault> {
        let end = self.position.checked_add(bytes).filter(|end| *end <= self.size_bytes);
        self.position = end.ok_or_else(|| ModelFault::Cut {
            size_bytes: self.size_bytes,
            part: part.to_owned(),
        })?;
        Ok(())
    }

    fn skip(&mut self, bytes: u64, part: &str) -> Result<(), ModelFault> {
        self.claim(bytes, part)?;
        Ok(self.reader.skip(bytes)?)
    }

    fn bytes(&mut self, bytes: u64, part: &str) -> Result<Vec<u8>, ModelFault> {
        self.claim(bytes, part)?;
        let mut read = vec![0; usize::try_from(bytes).expect("the callers have small limits")];
        self.reader.read_exact(&mut read)?;
        Ok(read)
    }

    fn word(&mut self, part: &str) -> Result<[u8; 4], ModelFault> {
        self.claim(4, part)?;
        let mut word = [0; 4];
        self.reader.read_exact(&mut word)?;
        Ok(word)
    }

    fn number(&mut self, part: &str) -> Result<i32, ModelFault> {
        Ok(i32::from_le_bytes(self.word(part)?))
    }

    fn number_in(
        &mut self,
        name: &'static str,
        range: std::ops::RangeInclusive<u32>,
    ) -> Result<u32, ModelFault> {
        let value = self.number(name)?;
        let checked = u32::try_from(value).ok().filter(|value| range.contains(value));
        checked.ok_or_else(|| {
            let (low, high) = (range.start(), range.end());
            let allowed = if low == high { low.to_string() } else { format!("{low} to {high}") };
            ModelFault::Number { name, value: value.into(), allowed }
        })
    }

    fn magic(&mut self) -> Result<(), ModelFault> {
        if self.size_bytes == 0 {
            return Err(ModelFault::Foreign { hint: "it is empty" });
        }
        let word = self.word("magic number")?;
        let hint = match &word {
            _ if u32::from_le_bytes(word) == MAGIC => return Ok(()),
            b"GGUF" => "it is a GGUF file, which is for language models",
            [b'P', b'K', ..] => "it looks like a PyTorch or zip file, which must be converted",
            [b'<', ..] => "it looks like a web page",
            [b'v', b'e', b'r', b's'] => "it is a pointer of Git LFS, not the file itself",
            _ => "it begins in another way",
        };
        Err(ModelFault::Foreign { hint })
    }

    fn parameters(&mut self) -> Result<Parameters, ModelFault> {
        let vocabulary = self.number_in("vocabulary size", 51_864..=51_866)?;
        let audio_context = self.number_in("audio context", 1500..=1500)?;
        let state = self.number_in("audio state", 8..=4096)?;
        let audio_heads = self.heads("audio heads", state)?;
        let audio_layers = self.number_in("audio layers", 1..=64)?;
        let text_context = self.number_in("text context", 448..=448)?;
        self.number_in("text state", state..=state)?;
        let text_heads = self.heads("text heads", state)?;
        let text_layers = self.number_in("text layers", 1..=64)?;
        let mels = self.number_in("mel bands", 80..=128)?;
        if mels != 80 && mels != 128 {
            let allowed = "80 or 128".to_owned();
            return Err(ModelFault::Number { name: "mel bands", value: mels.into(), allowed });
        }
        Ok(Parameters {
            vocabulary,
            audio_context,
            state,
            audio_heads,
            audio_layers,
            text_context,
            text_heads,
            text_layers,
            mels,
            weights: self.weights()?,
        })
    }

    fn heads(&mut self, name: &'static str, state: u32) -> Result<u32, ModelFault> {
        let heads = self.number_in(name, 1..=64)?;
        // A head works on pairs of numbers.
        if !state.is_multiple_of(2 * heads) {
            let allowed = format!("an even part of the state {state}");
            return Err(ModelFault::Number { name, value: heads.into(), allowed });
        }
        Ok(heads)
    }

    fn weights(&mut self) -> Result<Weights, ModelFault> {
        let value = self.number("kind of weights")?;
        // The thousands are the version of the quantization.
        Ok(match value.checked_rem(1000).filter(|_| (0..10_000).contains(&value)) {
            Some(0) => Weights::F32,
            Some(1) => Weights::F16,
            Some(2) => Weights::Q4_0,
            Some(3) => Weights::Q4_1,
            Some(7) => Weights::Q8_0,
            Some(8) => Weights::Q5_0,
            Some(9) => Weights::Q5_1,
            Some(10) => Weights::Q2K,
            Some(11) => Weights::Q3K,
            Some(12) => Weights::Q4K,
            Some(13) => Weights::Q5K,
            Some(14) => Weights::Q6K,
            Some(_) | None => {
                let allowed = "0 to 3 or 7 to 14".to_owned();
                let name = "kind of weights";
                return Err(ModelFault::Number { name, value: value.into(), allowed });
            }
        })
    }

    fn filters(&mut self, mels: u32) -> Result<(), ModelFault> {
        self.number_in("rows of mel filters", mels..=mels)?;
        self.number_in("columns of mel filters", FILTER_COLUMNS..=FILTER_COLUMNS)?;
        self.skip(u64::from(mels) * u64::from(FILTER_COLUMNS) * 4, "mel filters")
    }

    fn vocabulary(&mut self, tokens: u32) -> Result<(), ModelFault> {
        let words = self.number_in("number of words", WORDS_MIN..=tokens)?;
        let mut has_blank = false;
        for _ in 0..words {
            let length = self.number_in("length of a word", 0..=WORD_BYTES_MAX)?;
            let word = self.bytes(length.into(), "vocabulary")?;
            has_blank |= word == BLANK;
        }
        if has_blank { Ok(()) } else { Err(ModelFault::NoBlank) }
    }

    fn tensors(&mut self, parameters: &Parameters) -> Result<(), ModelFault> {
        let mut missing = tensor::expected(parameters);
        while self.position < self.size_bytes {
            self.tensor(&mut missing)?;
        }
        match missing.into_keys().next() {
            None => Ok(()),
            // A file that ends between two tensors is as cut as any other.
            Some(name) => Err(ModelFault::Cut {
                size_bytes: self.size_bytes,
                part: format!("tensors before `{name}`"),
            }),
        }
    }

    fn tensor(&mut self, missing: &mut BTreeMap<String, Expected>) -> Result<(), ModelFault> {
        let dimensions = self.number_in("number of dimensions", 1..=3)?;
        let length = self.number("length of a name")?;
        let kind = self.number("type of a tensor")?;
        let mut shape = Vec::new();
        for _ in 0..dimensions {
            let size = self.number_in("size of a dimension", 1..=1_000_000)?;
            shape.push(u64::from(size));
        }
        let length = u64::try_from(length).ok().filter(|length| *length <= NAME_BYTES_MAX);
        let name = match length {
            Some(length) => self.bytes(length, "name of a tensor")?,
            None => Vec::new(),
        };
        let name = String::from_utf8_lossy(&name).into_owned();
        let Some(expected) = missing.remove(&name) else {
            return Err(fault(name, "is there twice or unknown"));
        };
        if shape != expected.shape {
            let problem = format!("has the shape {shape:?}, not {:?}", expected.shape);
            return Err(fault(name, problem));
        }
        if kind != expected.layout.number {
            let problem = format!("is of type {kind}, not {}", expected.layout.number);
            return Err(fault(name, problem));
        }
        let Some(bytes) = expected.bytes() else {
            return Err(fault(name, "has rows that are no whole number of blocks"));
        };
        self.skip(bytes, &format!("tensor `{name}`"))
    }
}

fn fault(name: String, problem: impl Into<String>) -> ModelFault {
    ModelFault::Tensor { name, problem: problem.into() }
}
