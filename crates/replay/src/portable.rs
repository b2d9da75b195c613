//! A run as one file: `.laorun`.
//!
//! ```text
//!   magic, format │ provenance │ (blob* record)* │ end
//!                   '-- sections, each bound to all before it by its hash --'
//! ```
//!
//! A record is what the journal has, byte for byte; a blob stands before the first record that
//! names it. The bytes are described in `docs/portable-runs.md`.

mod provenance;
mod section;

use lao_journal::Manifest;

pub(crate) use provenance::{Gathered, to_hex};
pub use provenance::{ModelIdentity, Position, Provenance, Redaction, RuleCount};
pub use section::{SectionError, SectionKind};
pub(crate) use section::{SectionReader, SectionWriter};

/// The format that is written, and the newest that is read.
pub const PORTABLE_FORMAT: u16 = 1;

/// How the file begins.
pub(crate) const MAGIC: &[u8; 6] = b"LAOrun";

/// Label of a manifest: the plan's file, for listings.
pub(crate) const LABEL_SOURCE: &str = "source";

/// What a manifest says of the plan's file.
pub(crate) fn source_of(manifest: &Manifest) -> String {
    let source = manifest.other.get(LABEL_SOURCE).and_then(|source| source.as_str());
    source.unwrap_or_default().to_owned()
}
