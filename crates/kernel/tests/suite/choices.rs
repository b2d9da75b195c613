//! Where a made-up world takes its decisions from: bytes, and when they are used up, zeros.
//!
//! Zero always stands for what a friendly world does, so that every run that still goes on when
//! the bytes are used up must come to its end, and a failing case shrinks towards a plain run.

/// The decisions that are left.
#[derive(Debug, Clone)]
pub(crate) struct Choices<'a> {
    bytes: std::slice::Iter<'a, u8>,
}

impl<'a> Choices<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes: bytes.iter() }
    }

    /// Nothing is left: from now on the world is friendly.
    pub(crate) fn are_used_up(&self) -> bool {
        self.bytes.len() == 0
    }

    /// A number below `count`.
    pub(crate) fn below(&mut self, count: usize) -> usize {
        let byte = self.bytes.next().copied().unwrap_or(0);
        usize::from(byte) % count.max(1)
    }

    /// Happens about once in `times`, and never when the choices are used up.
    pub(crate) fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == times - 1
    }

    /// One of several.
    pub(crate) fn one_of<'t, T>(&mut self, items: &'t [T]) -> &'t T {
        &items[self.below(items.len())]
    }
}
