//! What the tests beside the code share: numbers that follow from a seed, and a plain record.

use crate::Draft;

/// Numbers that follow from a seed.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    /// A number below `sides`.
    pub(crate) fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963);
        (self.0 >> 33) % sides
    }
}

/// A record that only its payload tells from others.
pub(crate) fn draft(payload: Vec<u8>) -> Draft {
    Draft {
        event_type: 1,
        schema_version: 1,
        flags: 0,
        wall_time_ms: 0,
        monotonic_ns: 0,
        cause: 0,
        payload,
    }
}
