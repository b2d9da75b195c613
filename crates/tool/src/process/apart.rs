//! Output that is somebody's input: whole, and not mixed with what a command says about itself.

use lao_event::latest::CommandOutcome;

use super::{Ended, Sink, Source, capture::Capture};

/// The most bytes of errors that are kept; their end is what matters.
const ERRORS_BYTES_MAX: usize = 8 * 1024;

/// How a command went whose output is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piped {
    /// How it ended.
    pub outcome: CommandOutcome,
    /// Its standard output, whole unless `is_cut`.
    pub output: Vec<u8>,
    /// It wrote more than may be kept, and was ended.
    pub is_cut: bool,
    /// The end of its standard error.
    pub errors: String,
}

impl From<Ended> for Piped {
    fn from(ended: Ended) -> Self {
        let Ended { outcome, output, is_unknown: _, elapsed_ms: _ } = ended;
        Self { outcome, output: output.clone().into_bytes(), is_cut: false, errors: output }
    }
}

/// Collects the two outputs of a command.
#[derive(Debug)]
pub(super) struct Apart {
    output: Vec<u8>,
    output_bytes_max: usize,
    is_cut: bool,
    errors: Capture,
}

impl Apart {
    /// Keeps at most `output_bytes_max` bytes of output.
    pub(super) fn new(output_bytes_max: usize) -> Self {
        let errors = Capture::new(ERRORS_BYTES_MAX);
        Self { output: Vec::new(), output_bytes_max, is_cut: false, errors }
    }

    pub(super) fn into_piped(self, outcome: CommandOutcome) -> Piped {
        let Self { output, output_bytes_max: _, is_cut, errors } = self;
        Piped { outcome, output, is_cut, errors: errors.text() }
    }
}

impl Sink for Apart {
    fn take(&mut self, source: Source, bytes: &[u8]) {
        match source {
            Source::Errors => self.errors.push(bytes),
            Source::Output => {
                let room = self.output_bytes_max - self.output.len();
                self.output.extend_from_slice(&bytes[..bytes.len().min(room)]);
                self.is_cut |= bytes.len() > room;
            }
        }
    }

    fn is_full(&self) -> bool {
        self.is_cut
    }
}
