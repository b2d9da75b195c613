//! Portable runs that no export wrote: whatever the bytes are, a run or an error, and nothing outside of
//! its place.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::LazyLock,
};

use lao_event::{
    CallId, Content, EffectId, Event, Hash, StepId, codec,
    latest::{Before, Definition, FileWriteStarted, PlanDefinition, RunStarted},
};
use lao_history::RunsFolder;
use lao_journal::{Draft, Genesis, Head, chain};
use lao_replay::{Part, PortableError, import, read_portable};
use tempfile::TempDir;

/// The run of the corpus.
const RUN: &str = "20261120-172637-ffkqa";

/// A folder in memory where there is such a disk.
static FOLDER: LazyLock<TempDir> = LazyLock::new(|| {
    let memory = Path::new("/dev/shm");
    let parent = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
    tempfile::tempdir_in(parent).expect("a temporary folder can be made")
});

/// An even first byte: the rest is a file. An odd one: the rest is pieces of one, of which a file is
/// made whose every hash is right, and whose first event is the start of its run unless the byte has
/// its second bit.
pub(crate) fn portable(data: &[u8]) {
    let Some((kind, rest)) = data.split_first() else { return };
    let file = match kind & 3 {
        0 | 2 => rest.to_vec(),
        1 => built([Piece::Start].into_iter().chain(pieces(rest))),
        _ => built(pieces(rest).into_iter()),
    };
    let (mut blobs, mut records) = (0, 0);
    let read = read_portable::<PortableError>(&file[..], |part| {
        match part {
            Part::Provenance(provenance) => assert!(provenance.genesis().is_some()),
            Part::Blob(_) => blobs += 1,
            Part::Record(..) => records += 1,
        }
        Ok(())
    });
    let Ok(provenance) = read else { return };
    assert_eq!((provenance.blobs, provenance.head.seq), (blobs, records));
    let project = project();
    let imported = import(&file[..], &RunsFolder::new(&project)).expect("it was just believed");
    assert_eq!(imported.provenance, provenance);
    let names: Vec<_> = fs::read_dir(project.join("runs")).expect("it is there").collect();
    assert_eq!(names.len(), 1, "the run and nothing else: {names:?}");
    let above = fs::read_dir(FOLDER.path()).expect("it is ours").count();
    assert_eq!(above, 1, "nothing beside the project");
}

/// An empty project.
fn project() -> PathBuf {
    let project = FOLDER.path().join("project");
    if project.exists() {
        fs::remove_dir_all(&project).expect("it is ours");
    }
    project
}

/// What a piece is, by its first byte.
enum Piece<'a> {
    /// The start of the run.
    Start,
    /// A record: type number and payload.
    Record(&'a [u8]),
    /// A blob.
    Blob(&'a [u8]),
    /// A blob, and a record that names it.
    Named(&'a [u8]),
    /// A section: kind and content.
    Section(&'a [u8]),
    /// The provenance.
    Provenance(&'a [u8]),
}

/// Pieces: a byte that says what it is, two bytes of length, and as many bytes as there are of those.
fn pieces(mut rest: &[u8]) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    while let Some((&[kind, low, high], after)) = rest.split_first_chunk::<3>() {
        let length = usize::from(u16::from_le_bytes([low, high])).min(after.len());
        let (piece, after) = after.split_at(length);
        pieces.push(match kind % 5 {
            0 => Piece::Record(piece),
            1 => Piece::Blob(piece),
            2 => Piece::Named(piece),
            3 => Piece::Section(piece),
            _ => Piece::Provenance(piece),
        });
        rest = after;
    }
    pieces
}

fn built<'a>(pieces: impl Iterator<Item = Piece<'a>>) -> Vec<u8> {
    let genesis = Genesis { run: RUN.to_owned(), started: Vec::new() };
    let mut head = Head { seq: 0, hash: genesis.hash() };
    let (mut sections, mut provenance, mut blobs) = (Vec::new(), None, 0);
    let push = |head: &mut Head, event_type, payload: Vec<u8>| {
        let draft = Draft {
            event_type,
            schema_version: 1,
            flags: 0,
            wall_time_ms: 1,
            monotonic_ns: 2,
            cause: 0,
            payload,
        };
        let mut record = Vec::new();
        *head = chain(*head, &draft, &mut record).expect("it is small");
        (2, record)
    };
    for piece in pieces {
        match piece {
            Piece::Start => {
                let encoded = codec::encode(&start()).expect("it is small");
                sections.push(push(&mut head, encoded.event_type, encoded.payload));
            }
            Piece::Record(bytes) => {
                let Some((number, payload)) = bytes.split_first_chunk() else { continue };
                sections.push(push(&mut head, u16::from_le_bytes(*number), payload.to_vec()));
            }
            Piece::Blob(bytes) => {
                blobs += 1;
                sections.push((3, bytes.to_vec()));
            }
            Piece::Named(bytes) => {
                blobs += 1;
                let encoded = codec::encode(&naming(bytes)).expect("it is small");
                sections.push((3, bytes.to_vec()));
                sections.push(push(&mut head, encoded.event_type, encoded.payload));
            }
            Piece::Section(bytes) => {
                let Some((kind, content)) = bytes.split_first() else { continue };
                sections.push((*kind, content.to_vec()));
            }
            Piece::Provenance(bytes) => provenance = Some(bytes.to_vec()),
        }
    }
    let stated = provenance.unwrap_or_else(|| stated(&genesis, head, blobs).into_bytes());
    let mut file = File::new().section(1, &stated);
    for (kind, content) in sections {
        file = file.section(kind, &content);
    }
    file.section(4, &[]).bytes
}

/// The start of the run.
fn start() -> Event {
    let plan = PlanDefinition {
        title: "t".to_owned(),
        path: "plans/t.md".to_owned(),
        text: "t".into(),
        chunks: vec!["t".into()],
    };
    RunStarted {
        run: RUN.parse().expect("it is an id"),
        program: "0.1.0".to_owned(),
        definition: Definition::Plan(plan),
        settings: "{}".into(),
        seed: 1,
    }
    .into()
}

/// An event that names a blob.
fn naming(bytes: &[u8]) -> Event {
    let hash = Hash::of(bytes);
    FileWriteStarted {
        effect: EffectId(1),
        step: StepId(0),
        call: CallId { answer: EffectId(1), index: 0 },
        path: "../../evil".to_owned(),
        before: Before::Absent,
        after: Some(Content::Blob { hash, size_bytes: bytes.len() as u64 }),
        reply: "written".into(),
    }
    .into()
}

fn stated(genesis: &Genesis, head: Head, blobs: u64) -> String {
    format!(
        r#"{{"lao":"0.1.0","run":"{RUN}","title":"t","source":"","created_ms":0,"outcome":null,
        "started":"","genesis":"{}","head":{{"seq":{},"hash":"{}"}},"blobs":{blobs},"blob_bytes":0,
        "programs":[],"models":[],"redacted":null}}"#,
        genesis.hash(),
        head.seq,
        head.hash
    )
}

/// A file as `docs/portable-runs.md` describes it.
struct File {
    bytes: Vec<u8>,
    key: [u8; 32],
}

impl File {
    fn new() -> Self {
        let bytes = b"LAOrun\x01\x00".to_vec();
        let context = "LAO portable run, format 1: first key of a file's sections";
        Self { key: blake3::derive_key(context, &bytes), bytes }
    }

    fn section(mut self, kind: u8, content: &[u8]) -> Self {
        let mut hashed = vec![kind];
        let length = u32::try_from(content.len()).expect("it is small");
        hashed.extend_from_slice(&length.to_le_bytes());
        hashed.extend_from_slice(content);
        self.key = *blake3::keyed_hash(&self.key, &hashed).as_bytes();
        self.bytes.extend_from_slice(&hashed);
        self.bytes.extend_from_slice(&self.key);
        self
    }
}
