//! What a run started from, read from the bytes of a damaged file.
//!
//! The `meta` table is one leaf of redb's, written once: where its four keys and its four values
//! end (eight 32-bit numbers), then the keys, then the values. Every reading of it in which at most
//! one bit is wrong is tried; the first record proves the right one.

use std::fs::File;
use std::io;

use super::for_each_chunk;
use crate::chain::Genesis;

/// The keys as they stand in the leaf, in order.
const KEYS: &[u8] = b"formatgenesisrunstarted";
/// Where keys and values end, before the keys.
const ENDS_BYTES: usize = 32;
/// What a page has before the ends.
const PAGE_HEADER_BYTES: usize = 4;
/// Which of the ends is that of the run's id; the keys have the first four.
const RUN_END: usize = 6;
/// Which of the ends is that of how the run was started.
const STARTED_END: usize = 7;
/// Longest leaf that is considered; a run's id and how it was started are short.
const BLOCK_BYTES_MAX: usize = 4096;
/// Half of the keys: a single wrong bit leaves one of the halves whole.
const HALF: usize = KEYS.len() / 2;

/// Bytes that begin like the leaf of the `meta` table.
pub(super) struct Block(Vec<u8>);

/// Every place of the file that may be the leaf.
pub(super) fn blocks(file: &mut File) -> io::Result<Vec<Block>> {
    let mut found = Vec::new();
    for_each_chunk(file, ENDS_BYTES + BLOCK_BYTES_MAX, |_, chunk| {
        for (at, window) in chunk.windows(KEYS.len()).enumerate().skip(ENDS_BYTES) {
            if window[..HALF] == KEYS[..HALF] || window[HALF..] == KEYS[HALF..] {
                let end = chunk.len().min(at + BLOCK_BYTES_MAX);
                found.push(Block(chunk[at - ENDS_BYTES..end].to_vec()));
            }
        }
    })?;
    Ok(found)
}

impl Block {
    /// What the block says, as it is and with each single bit turned.
    pub(super) fn readings(self) -> impl Iterator<Item = Genesis> {
        let Self(mut bytes) = self;
        let bits = used(&bytes) * 8;
        std::iter::once(None).chain((0..bits).map(Some)).filter_map(move |bit| {
            let Some(bit) = bit else {
                return read(&bytes);
            };
            bytes[bit / 8] ^= 1 << (bit % 8);
            let genesis = read(&bytes);
            bytes[bit / 8] ^= 1 << (bit % 8);
            genesis
        })
    }
}

/// How much of the block to turn bits in: all that a sound one of usual length has.
fn used(bytes: &[u8]) -> usize {
    bytes.len().min(ENDS_BYTES + KEYS.len() + 512)
}

fn read(block: &[u8]) -> Option<Genesis> {
    // Ends are counted from the beginning of the page.
    let end = |index: usize| -> Option<usize> {
        let bytes = block.get(index * 4..index * 4 + 4)?;
        (u32::from_le_bytes(bytes.try_into().ok()?) as usize).checked_sub(PAGE_HEADER_BYTES)
    };
    let value = |index: usize| block.get(end(index - 1)?..end(index)?);
    let run = String::from_utf8(value(RUN_END)?.to_vec()).ok()?;
    Some(Genesis { run, started: value(STARTED_END)?.to_vec() })
}
