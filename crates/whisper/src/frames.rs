//! Where frames go: the standard output that nothing else may write to.

use std::io::Write;

use lao_transcriber::protocol::{Reply, write_frame};

use crate::platform::end_at_once;

/// The frames of this worker.
pub(crate) struct Frames {
    output: Box<dyn Write>,
}

impl Frames {
    /// Frames to an output.
    pub(crate) fn new(output: impl Write + 'static) -> Self {
        Self { output: Box::new(output) }
    }

    /// Says something. Where nobody hears it any more, the work is worthless.
    pub(crate) fn say(&mut self, reply: &Reply) {
        if write_frame(&mut self.output, reply).is_err() {
            end_at_once();
        }
    }
}
