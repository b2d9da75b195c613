//! A set of hashes that costs little more than the hashes: a million of them take 32 MB.

use std::collections::BTreeSet;

use lao_event::Hash;

/// From how many recent hashes on they are merged, at least.
const RECENT_MIN: usize = 1024;

/// The recent hashes are merged when they are more than this part of the sorted ones.
const RECENT_SHARE: usize = 32;

/// A set of hashes: most of them sorted in one piece, the recent ones beside it.
#[derive(Debug, Clone, Default)]
pub struct Hashes {
    sorted: Vec<Hash>,
    recent: BTreeSet<Hash>,
}

impl Hashes {
    /// Whether it is there.
    pub fn contains(&self, hash: &Hash) -> bool {
        self.recent.contains(hash) || self.sorted.binary_search(hash).is_ok()
    }

    /// Adds a hash; false if it was there already.
    pub fn insert(&mut self, hash: Hash) -> bool {
        if self.contains(&hash) {
            return false;
        }
        self.recent.insert(hash);
        if self.recent.len() > RECENT_MIN.max(self.sorted.len() / RECENT_SHARE) {
            self.merge();
        }
        true
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.sorted.len() + self.recent.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All of them, in ascending order within each of the two pieces.
    pub fn iter(&self) -> impl Iterator<Item = &Hash> {
        self.sorted.iter().chain(&self.recent)
    }

    /// Moves the recent ones among the others, from the end, in place.
    fn merge(&mut self) {
        let recent = std::mem::take(&mut self.recent);
        let mut from = self.sorted.len();
        let mut to = from + recent.len();
        self.sorted.reserve_exact(recent.len());
        self.sorted.resize(to, Hash([0; 32]));
        for hash in recent.into_iter().rev() {
            while from > 0 && self.sorted[from - 1] > hash {
                from -= 1;
                to -= 1;
                self.sorted[to] = self.sorted[from];
            }
            to -= 1;
            self.sorted[to] = hash;
        }
    }
}

impl PartialEq for Hashes {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.iter().all(|hash| other.contains(hash))
    }
}

impl Eq for Hashes {}

impl Extend<Hash> for Hashes {
    fn extend<I: IntoIterator<Item = Hash>>(&mut self, hashes: I) {
        for hash in hashes {
            self.insert(hash);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_a_set_at_every_size() {
        let mut hashes = Hashes::default();
        let mut model = BTreeSet::new();
        for number in 0..20_000_u32 {
            // Every third one comes twice.
            let hash = Hash::of(&(number - number % 3 / 2).to_le_bytes());
            assert_eq!(hashes.insert(hash), model.insert(hash), "{number}");
        }
        assert_eq!(hashes.len(), model.len());
        assert_eq!(hashes.iter().copied().collect::<BTreeSet<_>>(), model);
        assert!(hashes.sorted.is_sorted());
        assert!(model.iter().all(|hash| hashes.contains(hash)));
        assert!(!hashes.contains(&Hash::of(b"another")));
    }

    #[test]
    fn a_million_hashes_take_little_more_than_their_bytes() {
        let mut hashes = Hashes::default();
        for number in 0..1_000_000_u32 {
            hashes.insert(Hash(*blake3::hash(&number.to_le_bytes()).as_bytes()));
        }
        assert_eq!(hashes.len(), 1_000_000);
        assert!(hashes.sorted.capacity() <= 1_000_000);
        assert!(hashes.recent.len() <= 1_000_000 / RECENT_SHARE);
    }
}
