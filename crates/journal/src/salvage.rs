//! Records found in the bytes of a journal file, whatever has become of its store: the chain alone
//! proves them.
//!
//! Records lie in one piece in the file, and redb writes pages anew instead of changing them, so
//! that a record which is damaged in one place often lies whole in another. What looks like a
//! record is noted with its place; then the chain is followed from a proven point. Where two
//! records could follow the same one (a crash left one that was never acknowledged) the longer
//! chain is taken.

mod genesis;

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

use crate::chain::{ChainHash, Genesis, Head};
use crate::format::{Codec, FormatVersion};
use crate::record::{self, HEADER_BYTES, Header, PAYLOAD_BYTES_MAX, RECORD_OVERHEAD_BYTES, Record};

/// Bytes that are looked through at a time.
const CHUNK_BYTES: usize = 1024 * 1024;

/// What looks like a record: where it begins, and its payload's length.
#[derive(Clone, Copy, Debug)]
struct Candidate {
    offset: u64,
    payload_len: u32,
}

/// A record of the tree of all that can follow a proven point.
#[derive(Clone, Copy)]
struct Node {
    candidate: Candidate,
    head: Head,
    wall_time_ms: i64,
    parent: Option<usize>,
}

/// A journal file as bytes.
pub(crate) struct Salvage {
    file: File,
    candidates: HashMap<u64, Vec<Candidate>>,
}

impl Salvage {
    /// Looks through the file.
    pub(crate) fn new(mut file: File) -> io::Result<Self> {
        let candidates = find(&mut file)?;
        Ok(Self { file, candidates })
    }

    /// What the run started from, as far as the bytes prove it.
    pub(crate) fn genesis(&mut self) -> io::Result<Option<Genesis>> {
        for block in genesis::blocks(&mut self.file)? {
            for genesis in block.readings() {
                let head = Head { seq: 0, hash: genesis.hash() };
                if !self.following(head)?.is_empty() {
                    return Ok(Some(genesis));
                }
            }
        }
        Ok(None)
    }

    /// The records that go on from `head`, the longest chain of them; not beyond `end`, where the
    /// end is known and reached.
    pub(crate) fn chain(&mut self, head: Head, end: Option<Head>) -> io::Result<Vec<Place>> {
        let mut nodes: Vec<Node> = Vec::new();
        let mut level = self.next_level(None, head)?;
        loop {
            let begin = nodes.len();
            nodes.extend(level);
            let reached = nodes[begin..].iter().position(|node| Some(node.head) == end);
            if let Some(reached) = reached {
                return Ok(path_to(&nodes, begin + reached));
            }
            let mut next: Vec<Node> = Vec::new();
            for (index, node) in nodes.iter().enumerate().skip(begin) {
                next.extend(self.next_level(Some(index), node.head)?);
            }
            if next.is_empty() {
                let last = (begin..nodes.len()).max_by_key(|index| nodes[*index].wall_time_ms);
                return Ok(last.map_or_else(Vec::new, |last| path_to(&nodes, last)));
            }
            level = next;
        }
    }

    /// The records that follow `head`, each once.
    fn next_level(&mut self, parent: Option<usize>, head: Head) -> io::Result<Vec<Node>> {
        let mut nodes: Vec<Node> = Vec::new();
        for (candidate, record) in self.following(head)? {
            let after = Head { seq: head.seq + 1, hash: record.hash };
            if nodes.iter().all(|node| node.head != after) {
                let wall_time_ms = record.header.wall_time_ms;
                nodes.push(Node { candidate, head: after, wall_time_ms, parent });
            }
        }
        Ok(nodes)
    }

    fn following(&mut self, head: Head) -> io::Result<Vec<(Candidate, Record)>> {
        let seq = head.seq.saturating_add(1);
        let candidates = self.candidates.get(&seq).cloned().unwrap_or_default();
        let mut proven = Vec::new();
        for candidate in candidates {
            let bytes = self.read(Place(candidate))?;
            if let Ok(record) = record::decode_after(head, &bytes) {
                proven.push((candidate, record.to_record()));
            }
        }
        Ok(proven)
    }

    /// Positions after `seq` that have a record which is whole in itself: it follows what the
    /// record before it carries as its hash, proven or not.
    pub(crate) fn whole_after(&mut self, seq: u64) -> io::Result<Vec<u64>> {
        let mut seqs: Vec<u64> = self.candidates.keys().copied().filter(|it| *it > seq).collect();
        seqs.sort_unstable();
        let mut whole = Vec::new();
        for seq in seqs {
            let before = self.candidates.get(&(seq - 1)).cloned().unwrap_or_default();
            for candidate in before {
                let bytes = self.read(Place(candidate))?;
                let Ok((_, hash)) = record::split(&bytes) else {
                    continue;
                };
                if !self.following(Head { seq: seq - 1, hash })?.is_empty() {
                    whole.push(seq);
                    break;
                }
            }
        }
        Ok(whole)
    }

    /// The bytes of a record.
    pub(crate) fn read(&mut self, place: Place) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; place.0.payload_len as usize + RECORD_OVERHEAD_BYTES];
        self.file.seek(SeekFrom::Start(place.0.offset))?;
        self.file.read_exact(&mut bytes)?;
        Ok(bytes)
    }
}

/// Where a proven record lies.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place(Candidate);

fn path_to(nodes: &[Node], last: usize) -> Vec<Place> {
    let mut places = Vec::new();
    let mut next = Some(last);
    while let Some(index) = next {
        places.push(Place(nodes[index].candidate));
        next = nodes[index].parent;
    }
    places.reverse();
    places
}

/// Everything that looks like a record, by its sequence number.
fn find(file: &mut File) -> io::Result<HashMap<u64, Vec<Candidate>>> {
    let len = file.seek(SeekFrom::End(0))?;
    let mut found: HashMap<u64, Vec<Candidate>> = HashMap::new();
    for_each_chunk(file, HEADER_BYTES, |start, chunk| {
        let version = FormatVersion::LATEST.get().to_le_bytes()[0];
        // Most of a file is not the first byte of a header, and is passed over.
        for (at, _) in chunk.iter().enumerate().filter(|(_, byte)| **byte == version) {
            let offset = start + at as u64;
            let Some(header) = chunk.get(at..at + HEADER_BYTES) else {
                break;
            };
            if let Some(header) = plausible(header, len - offset, len) {
                let candidate = Candidate { offset, payload_len: header.payload_len };
                found.entry(header.seq).or_default().push(candidate);
            }
        }
    })?;
    Ok(found)
}

/// A header that may be one: of this format, within the file, with a number the file could hold.
fn plausible(bytes: &[u8], rest: u64, len: u64) -> Option<Header> {
    let version = FormatVersion::LATEST.get().to_le_bytes();
    if bytes[..2] != version || bytes[2] != Codec::BINCODE_2.get() {
        return None;
    }
    let header = Header::decode(bytes.first_chunk().expect("a window is as long as a header"));
    let payload_len = u64::from(header.payload_len);
    let fits = payload_len <= PAYLOAD_BYTES_MAX as u64
        && payload_len + RECORD_OVERHEAD_BYTES as u64 <= rest
        && (1..=len).contains(&header.seq)
        && header.cause < header.seq;
    fits.then_some(header)
}

/// Shows the file piece by piece; neighbours share all but one of `window` bytes, so that every
/// window is seen whole once.
pub(crate) fn for_each_chunk(
    file: &mut File,
    window: usize,
    mut visit: impl FnMut(u64, &[u8]),
) -> io::Result<()> {
    file.seek(SeekFrom::Start(0))?;
    let mut chunk = Vec::with_capacity(CHUNK_BYTES + window);
    let mut start = 0;
    loop {
        let read = file.by_ref().take(CHUNK_BYTES as u64).read_to_end(&mut chunk)?;
        if read == 0 {
            return Ok(());
        }
        visit(start, &chunk);
        let spent = (chunk.len() + 1).saturating_sub(window);
        chunk.drain(..spent);
        start += spent as u64;
    }
}

/// Whether any of these 32-byte names stands in the file, and which.
pub(crate) fn names_in(
    file: &mut File,
    names: &std::collections::HashSet<[u8; ChainHash::BYTES]>,
) -> io::Result<Vec<[u8; ChainHash::BYTES]>> {
    let mut found = Vec::new();
    for_each_chunk(file, ChainHash::BYTES, |_, chunk| {
        for window in chunk.windows(ChainHash::BYTES) {
            found.extend(names.get(window).copied());
        }
    })?;
    Ok(found)
}
