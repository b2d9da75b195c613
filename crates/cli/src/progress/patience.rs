//! When to speak of a wait again: soon at first, then ever more rarely.

/// Milliseconds until a wait is spoken of.
const FIRST_MS: u64 = 30_000;

/// The longest silence, in milliseconds.
const LONGEST_MS: u64 = 600_000;

/// Growing intervals: after 30 s, 1 min, 2 min, 4 min, 8 min, then every 10 minutes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Patience {
    next_ms: u64,
}

impl Default for Patience {
    fn default() -> Self {
        Self { next_ms: FIRST_MS }
    }
}

impl Patience {
    /// Whether it is time to speak, after so many milliseconds of waiting.
    pub(crate) fn is_over(&mut self, waited_ms: u64) -> bool {
        if waited_ms < self.next_ms {
            return false;
        }
        while self.next_ms <= waited_ms && self.next_ms < LONGEST_MS {
            self.next_ms *= 2;
        }
        // However long nobody asked, one answer is enough.
        if let Some(late_ms) = waited_ms.checked_sub(self.next_ms) {
            let missed = late_ms / LONGEST_MS + 1;
            self.next_ms = self.next_ms.saturating_add(missed * LONGEST_MS);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_grow_and_then_stay() {
        let mut patience = Patience::default();
        let spoken: Vec<u64> = (0..4000)
            .map(|second| second * 1000)
            .filter(|waited_ms| patience.is_over(*waited_ms))
            .map(|waited_ms| waited_ms / 1000)
            .collect();
        assert_eq!(spoken, [30, 60, 120, 240, 480, 960, 1560, 2160, 2760, 3360, 3960]);
    }

    #[test]
    fn a_long_silence_is_made_up_for_once() {
        let mut patience = Patience::default();
        assert!(patience.is_over(7_200_000));
        assert!(!patience.is_over(7_200_001));
        assert!(!patience.is_over(7_559_999));
        assert!(patience.is_over(7_560_000));
        assert!(patience.is_over(u64::MAX));
    }
}
