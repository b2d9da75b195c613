//! Versions of the bytes: what this program writes, what it can read, and what to do about the rest.

use std::fmt;

/// The version of the file and record layout, as stored in `meta` and in every record header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FormatVersion(u16);

impl FormatVersion {
    /// The layout this program writes, and the newest it can read.
    pub const LATEST: Self = Self(1);

    /// A version as found in a file.
    pub const fn new(version: u16) -> Self {
        Self(version)
    }

    /// The number as stored.
    pub const fn get(self) -> u16 {
        self.0
    }

    /// Refuses a layout that this program does not know.
    ///
    /// # Errors
    ///
    /// [`NewerFormat`] when the bytes were written by a newer LAO.
    pub const fn check_readable(self) -> Result<(), NewerFormat> {
        if self.0 > Self::LATEST.0 {
            return Err(NewerFormat { found: self, readable: Self::LATEST });
        }
        Ok(())
    }
}

impl fmt::Display for FormatVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The bytes were written by a newer LAO than this one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the journal has format {found}, this LAO reads up to format {readable}: upgrade LAO to open it (nothing was changed)"
)]
pub struct NewerFormat {
    /// The version in the file.
    pub found: FormatVersion,
    /// The newest version this program reads.
    pub readable: FormatVersion,
}

/// How a payload is encoded. The log stores it and never decodes a payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Codec(u8);

impl Codec {
    /// bincode 2.0.1, standard configuration: the only codec written today.
    pub const BINCODE_2: Self = Self(1);

    /// A codec id as found in a header; ids this program does not know stay readable as bytes.
    pub const fn new(id: u8) -> Self {
        Self(id)
    }

    /// The id as stored.
    pub const fn get(self) -> u8 {
        self.0
    }
}
