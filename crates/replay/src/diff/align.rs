//! The two sides of a diff, and what of one stands beside what of the other.

use std::hash::Hash;

use similar::{Algorithm, DiffOp, capture_diff_slices};

/// What something is in either run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pair<T> {
    /// In A.
    pub a: T,
    /// In B.
    pub b: T,
}

impl<T> Pair<T> {
    /// The other way round.
    #[must_use]
    pub fn swapped(self) -> Self {
        Self { a: self.b, b: self.a }
    }

    /// Both sides changed in the same way.
    pub fn map<U>(self, mut change: impl FnMut(T) -> U) -> Pair<U> {
        Pair { a: change(self.a), b: change(self.b) }
    }

    /// Both sides, borrowed.
    pub const fn as_ref(&self) -> Pair<&T> {
        Pair { a: &self.a, b: &self.b }
    }
}

impl<T> Pair<Option<T>> {
    /// What either side has of both pairs, together.
    pub(super) fn zip<U>(self, other: Pair<Option<U>>) -> Pair<Option<(T, U)>> {
        Pair { a: self.a.zip(other.a), b: self.b.zip(other.b) }
    }
}

impl<T: PartialEq> Pair<T> {
    /// The pair, unless both sides are the same.
    pub fn differing(self) -> Option<Self> {
        (self.a != self.b).then_some(self)
    }
}

/// In which run something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Presence {
    /// In both.
    Both,
    /// Only in A.
    OnlyA,
    /// Only in B.
    OnlyB,
}

impl Presence {
    /// Where something is that is there on these sides; `None` for neither.
    pub fn of<T>(sides: Pair<Option<T>>) -> Option<Self> {
        match (sides.a, sides.b) {
            (Some(_), Some(_)) => Some(Self::Both),
            (Some(_), None) => Some(Self::OnlyA),
            (None, Some(_)) => Some(Self::OnlyB),
            (None, None) => None,
        }
    }

    /// The other way round.
    #[must_use]
    pub const fn swapped(self) -> Self {
        match self {
            Self::Both => Self::Both,
            Self::OnlyA => Self::OnlyB,
            Self::OnlyB => Self::OnlyA,
        }
    }
}

/// The most comparisons that aligning two lists may take; what is longer after its common ends are
/// cut off counts as replaced whole.
const COMPARISONS_MAX: usize = 16_000_000;

/// How one list becomes the other. The same whichever of the two comes first.
pub(super) fn operations<T: Eq + Hash + Ord>(a: &[T], b: &[T]) -> Vec<DiffOp> {
    if a <= b { ordered(a, b) } else { ordered(b, a).into_iter().map(swapped).collect() }
}

fn swapped(operation: DiffOp) -> DiffOp {
    match operation {
        DiffOp::Equal { old_index, new_index, len } => {
            DiffOp::Equal { old_index: new_index, new_index: old_index, len }
        }
        DiffOp::Delete { old_index, old_len, new_index } => {
            DiffOp::Insert { old_index: new_index, new_index: old_index, new_len: old_len }
        }
        DiffOp::Insert { old_index, new_index, new_len } => {
            DiffOp::Delete { old_index: new_index, old_len: new_len, new_index: old_index }
        }
        DiffOp::Replace { old_index, old_len, new_index, new_len } => DiffOp::Replace {
            old_index: new_index,
            old_len: new_len,
            new_index: old_index,
            new_len: old_len,
        },
    }
}

/// What both lists begin and end with stays in its place, whatever else could be said: so one
/// entry that changed stands beside what it was.
fn ordered<T: Eq + Hash + Ord>(old: &[T], new: &[T]) -> Vec<DiffOp> {
    let start = old.iter().zip(new).take_while(|(a, b)| a == b).count();
    let (old_rest, new_rest) = (&old[start..], &new[start..]);
    let ends = old_rest.iter().rev().zip(new_rest.iter().rev());
    let end = ends.take_while(|(a, b)| a == b).count();
    let (old_len, new_len) = (old_rest.len() - end, new_rest.len() - end);
    let middle = if old_len.saturating_mul(new_len) <= COMPARISONS_MAX {
        capture_diff_slices(Algorithm::Myers, &old_rest[..old_len], &new_rest[..new_len])
    } else {
        vec![DiffOp::Replace { old_index: 0, old_len, new_index: 0, new_len }]
    };
    let equal = |old_index, new_index, len| DiffOp::Equal { old_index, new_index, len };
    let first = (start > 0).then(|| equal(0, 0, start));
    let last = (end > 0).then(|| equal(start + old_len, start + new_len, end));
    let middle = middle.into_iter().map(|operation| behind(operation, start));
    first.into_iter().chain(middle).chain(last).collect()
}

/// The operation, `start` places further back in both lists.
fn behind(operation: DiffOp, start: usize) -> DiffOp {
    match operation {
        DiffOp::Equal { old_index, new_index, len } => {
            DiffOp::Equal { old_index: old_index + start, new_index: new_index + start, len }
        }
        DiffOp::Delete { old_index, old_len, new_index } => {
            DiffOp::Delete { old_index: old_index + start, old_len, new_index: new_index + start }
        }
        DiffOp::Insert { old_index, new_index, new_len } => {
            DiffOp::Insert { old_index: old_index + start, new_index: new_index + start, new_len }
        }
        DiffOp::Replace { old_index, old_len, new_index, new_len } => DiffOp::Replace {
            old_index: old_index + start,
            old_len,
            new_index: new_index + start,
            new_len,
        },
    }
}

/// Puts two lists beside each other: what has the same key, and between those what `fits` one by
/// one; anything else stands alone.
pub(super) fn align<'a, T, K: Eq + Hash + Ord>(
    (a, b): (&'a [T], &'a [T]),
    key: impl Fn(&'a T) -> K,
    fits: impl Fn(&T, &T) -> bool,
) -> Vec<Pair<Option<&'a T>>> {
    let keys = |list: &'a [T]| list.iter().map(&key).collect::<Vec<K>>();
    let mut rows = Vec::with_capacity(a.len().max(b.len()));
    for block in blocks(&operations(&keys(a), &keys(b))) {
        let Pair { a: own, b: others } = block.ranges;
        let (own, others) = (&a[own], &b[others]);
        for index in 0..own.len().max(others.len()) {
            match (own.get(index), others.get(index)) {
                (Some(one), Some(other)) if !block.same && !fits(one, other) => {
                    rows.push(Pair { a: Some(one), b: None });
                    rows.push(Pair { a: None, b: Some(other) });
                }
                (one, other) => rows.push(Pair { a: one, b: other }),
            }
        }
    }
    rows
}

/// A stretch of two lists.
pub(super) struct Block {
    /// It is the same in both.
    pub same: bool,
    /// Where it is.
    pub ranges: Pair<std::ops::Range<usize>>,
}

/// Operations as stretches: what is the same and what is not take turns.
pub(super) fn blocks(operations: &[DiffOp]) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    for operation in operations {
        let same = matches!(operation, DiffOp::Equal { .. });
        let ranges = Pair { a: operation.old_range(), b: operation.new_range() };
        match blocks.last_mut() {
            Some(last) if last.same == same => {
                last.ranges.a.end = ranges.a.end;
                last.ranges.b.end = ranges.b.end;
            }
            Some(_) | None => blocks.push(Block { same, ranges }),
        }
    }
    blocks
}
