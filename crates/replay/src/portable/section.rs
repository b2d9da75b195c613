//! Sections of a portable file: a kind, a length, bytes, and a hash that binds them to all before.
//!
//! Whoever reads believes nothing of a section before its hash was compared, and takes no more
//! memory than there are bytes in the file, whatever a length states.

use std::io::{self, Read, Write};

use lao_journal::{BLOB_BYTES_MAX, PAYLOAD_BYTES_MAX, RECORD_OVERHEAD_BYTES};

use super::{MAGIC, PORTABLE_FORMAT};

/// Separates the hashes of sections from every other use of BLAKE3. Part of the format.
const CONTEXT: &str = "LAO portable run, format 1: first key of a file's sections";

const HASH_BYTES: usize = 32;

/// Kind and length of a section.
const HEAD_BYTES: usize = 1 + 4;

/// What a section holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SectionKind {
    /// Where the run comes from, as JSON.
    Provenance,
    /// One record of the journal.
    Record,
    /// The content of one blob.
    Blob,
    /// Nothing: the file is whole.
    End,
}

impl SectionKind {
    const ALL: [Self; 4] = [Self::Provenance, Self::Record, Self::Blob, Self::End];

    const fn number(self) -> u8 {
        match self {
            Self::Provenance => 1,
            Self::Record => 2,
            Self::Blob => 3,
            Self::End => 4,
        }
    }

    /// The most bytes that such a section may have.
    const fn bytes_max(self) -> usize {
        match self {
            Self::Provenance => 1024 * 1024,
            Self::Record => RECORD_OVERHEAD_BYTES + PAYLOAD_BYTES_MAX,
            Self::Blob => BLOB_BYTES_MAX,
            Self::End => 0,
        }
    }

    /// What people call it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Provenance => "the provenance",
            Self::Record => "a record",
            Self::Blob => "a blob",
            Self::End => "the end",
        }
    }
}

/// A file is not what was written.
#[derive(Debug, thiserror::Error)]
pub enum SectionError {
    /// It is something else.
    #[error("it is not a portable run: it does not begin as one")]
    NotPortable,
    /// A newer LAO wrote it.
    #[error("it has format {found}, this lao reads up to {PORTABLE_FORMAT}: upgrade lao")]
    Newer {
        /// The format in the file.
        found: u16,
    },
    /// It is cut off.
    #[error("it ends at byte {at}, in the middle: part of it is missing")]
    CutOff {
        /// Where it ends.
        at: u64,
    },
    /// There is no such kind of section.
    #[error("the section at byte {at} is of kind {kind}, which there is not: something changed")]
    Kind {
        /// Where it begins.
        at: u64,
        /// The kind it states.
        kind: u8,
    },
    /// A length that no section of the kind has.
    #[error("the section at byte {at}, {}, states {bytes} bytes, more than one may have", kind.name())]
    TooLong {
        /// Where it begins.
        at: u64,
        /// Its kind.
        kind: SectionKind,
        /// The length it states.
        bytes: u32,
    },
    /// The bytes do not belong to the hash.
    #[error(
        "the section at byte {at}, {}, does not match its hash: something changed there", kind.name()
    )]
    Damaged {
        /// Where it begins.
        at: u64,
        /// Its kind, as it states.
        kind: SectionKind,
    },
    /// Something follows the end.
    #[error("something follows its end at byte {at}")]
    Trailing {
        /// Where.
        at: u64,
    },
    /// The system refuses.
    #[error("it cannot be read")]
    Io(#[from] io::Error),
}

/// The key of the first section.
fn first_key() -> [u8; HASH_BYTES] {
    let mut hasher = blake3::Hasher::new_derive_key(CONTEXT);
    hasher.update(MAGIC);
    hasher.update(&PORTABLE_FORMAT.to_le_bytes());
    *hasher.finalize().as_bytes()
}

fn hash_of(key: &[u8; HASH_BYTES], head: [u8; HEAD_BYTES], bytes: &[u8]) -> [u8; HASH_BYTES] {
    let mut hasher = blake3::Hasher::new_keyed(key);
    hasher.update(&head);
    hasher.update(bytes);
    *hasher.finalize().as_bytes()
}

/// Writes sections.
pub(crate) struct SectionWriter<W> {
    out: W,
    key: [u8; HASH_BYTES],
    bytes: u64,
}

impl<W: Write> SectionWriter<W> {
    /// Begins the file.
    pub(crate) fn new(mut out: W) -> io::Result<Self> {
        out.write_all(MAGIC)?;
        out.write_all(&PORTABLE_FORMAT.to_le_bytes())?;
        Ok(Self { out, key: first_key(), bytes: (MAGIC.len() + 2) as u64 })
    }

    /// Writes a section.
    pub(crate) fn write(&mut self, kind: SectionKind, bytes: &[u8]) -> io::Result<()> {
        let length = u32::try_from(bytes.len()).ok().filter(|_| bytes.len() <= kind.bytes_max());
        let length = length.ok_or(io::ErrorKind::FileTooLarge)?;
        let mut head = [kind.number(), 0, 0, 0, 0];
        head[1..].copy_from_slice(&length.to_le_bytes());
        self.key = hash_of(&self.key, head, bytes);
        self.out.write_all(&head)?;
        self.out.write_all(bytes)?;
        self.out.write_all(&self.key)?;
        self.bytes += (HEAD_BYTES + bytes.len() + HASH_BYTES) as u64;
        Ok(())
    }

    /// Ends the file; its length in bytes.
    pub(crate) fn finish(mut self) -> io::Result<u64> {
        self.write(SectionKind::End, &[])?;
        self.out.flush()?;
        Ok(self.bytes)
    }
}

/// Reads sections.
pub(crate) struct SectionReader<R> {
    input: R,
    key: [u8; HASH_BYTES],
    at: u64,
}

impl<R: Read> SectionReader<R> {
    /// Reads how the file begins.
    pub(crate) fn new(mut input: R) -> Result<Self, SectionError> {
        let mut magic = [0; MAGIC.len()];
        match input.read_exact(&mut magic) {
            Ok(()) if magic == *MAGIC => {}
            Ok(()) => return Err(SectionError::NotPortable),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                return Err(SectionError::NotPortable);
            }
            Err(error) => return Err(error.into()),
        }
        let mut reader = Self { input, key: first_key(), at: MAGIC.len() as u64 };
        let mut format = [0; 2];
        reader.fill(&mut format)?;
        match u16::from_le_bytes(format) {
            PORTABLE_FORMAT => Ok(reader),
            found if found > PORTABLE_FORMAT => Err(SectionError::Newer { found }),
            _older => Err(SectionError::NotPortable),
        }
    }

    /// The next section, proven; at the end, that nothing follows.
    pub(crate) fn next(&mut self) -> Result<(SectionKind, Vec<u8>), SectionError> {
        let at = self.at;
        let mut head = [0; HEAD_BYTES];
        self.fill(&mut head)?;
        let [number, length @ ..] = head;
        let kind = SectionKind::ALL.into_iter().find(|kind| kind.number() == number);
        let kind = kind.ok_or(SectionError::Kind { at, kind: number })?;
        let bytes = u32::from_le_bytes(length);
        if bytes as usize > kind.bytes_max() {
            return Err(SectionError::TooLong { at, kind, bytes });
        }
        let content = self.take(bytes)?;
        let mut hash = [0; HASH_BYTES];
        self.fill(&mut hash)?;
        let key = hash_of(&self.key, head, &content);
        // Compared as hashes, in constant time: not that it matters here.
        if blake3::Hash::from_bytes(key) != blake3::Hash::from_bytes(hash) {
            return Err(SectionError::Damaged { at, kind });
        }
        self.key = key;
        if kind == SectionKind::End && self.input.read(&mut [0])? > 0 {
            return Err(SectionError::Trailing { at: self.at });
        }
        Ok((kind, content))
    }

    /// Where the next section begins, in bytes.
    pub(crate) fn at(&self) -> u64 {
        self.at
    }

    fn take(&mut self, bytes: u32) -> Result<Vec<u8>, SectionError> {
        // Grows with what is there, not with what is stated.
        let mut content = Vec::new();
        self.input.by_ref().take(u64::from(bytes)).read_to_end(&mut content)?;
        self.at += content.len() as u64;
        if content.len() < bytes as usize {
            return Err(SectionError::CutOff { at: self.at });
        }
        Ok(content)
    }

    fn fill(&mut self, into: &mut [u8]) -> Result<(), SectionError> {
        let content = self.take(u32::try_from(into.len()).expect("a few bytes"))?;
        into.copy_from_slice(&content);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written() -> Vec<u8> {
        let mut out = Vec::new();
        let mut writer = SectionWriter::new(&mut out).unwrap();
        writer.write(SectionKind::Provenance, b"{}").unwrap();
        writer.write(SectionKind::Blob, b"text").unwrap();
        writer.write(SectionKind::Record, b"record").unwrap();
        let bytes = writer.finish().unwrap();
        assert_eq!(bytes, out.len() as u64);
        out
    }

    fn read(bytes: &[u8]) -> Result<Vec<(SectionKind, Vec<u8>)>, SectionError> {
        let mut reader = SectionReader::new(bytes)?;
        let mut sections = Vec::new();
        loop {
            let (kind, content) = reader.next()?;
            if kind == SectionKind::End {
                return Ok(sections);
            }
            sections.push((kind, content));
        }
    }

    #[test]
    fn sections_are_read_as_they_were_written() {
        let sections = read(&written()).unwrap();
        let text = |kind, bytes: &[u8]| (kind, bytes.to_vec());
        assert_eq!(
            sections,
            [
                text(SectionKind::Provenance, b"{}"),
                text(SectionKind::Blob, b"text"),
                text(SectionKind::Record, b"record")
            ]
        );
    }

    #[test]
    fn the_bytes_are_frozen() {
        let mut out = Vec::new();
        let mut writer = SectionWriter::new(&mut out).unwrap();
        writer.write(SectionKind::Provenance, b"{}").unwrap();
        writer.finish().unwrap();
        let hex = out.iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
        assert_eq!(hex, GOLDEN);
    }

    // As in docs/portable-runs.md.
    const GOLDEN: &str = concat!(
        "4c414f72756e010001020000007b7d438887c9b1d89b09d95c4df9edc1c19f6eb3464c92a6b819049cf14f8b2d1872",
        "0400000000874033c5ad53c89ea3a04291d4c4173aca8b70e9844d07efc0288b8d4d68a374",
    );

    #[test]
    fn every_flipped_bit_and_every_cut_is_found() {
        let mut bytes = written();
        for bit in 0..bytes.len() * 8 {
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(read(&bytes).is_err(), "bit {bit}");
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
        for length in 0..bytes.len() {
            assert!(read(&bytes[..length]).is_err(), "{length} bytes");
        }
        bytes.push(0);
        assert!(matches!(read(&bytes), Err(SectionError::Trailing { .. })));
    }

    #[test]
    fn a_stated_length_takes_no_memory() {
        let mut bytes = written();
        let at = MAGIC.len() + 2;
        for length in [u32::MAX, 1024 * 1024] {
            bytes[at + 1..at + 5].copy_from_slice(&length.to_le_bytes());
            let error = read(&bytes).unwrap_err();
            let expected = if length == u32::MAX {
                matches!(error, SectionError::TooLong { bytes: u32::MAX, .. })
            } else {
                matches!(error, SectionError::CutOff { .. })
            };
            assert!(expected, "{error}");
        }
        let mut newer = written();
        newer[6] = 2;
        assert!(matches!(read(&newer), Err(SectionError::Newer { found: 2 })));
    }
}
