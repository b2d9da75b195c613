//! Portable files that no export wrote: made from their description in `docs/portable-runs.md` alone, with
//! every hash right.

use std::fs;

use lao_event::{
    Content, Event, Hash, StepId,
    latest::{Definition, PlanDefinition, RunStarted, StepEnded, StepOutcome},
};
use lao_history::{Contents, Recorded, RunsFolder};
use lao_journal::{Draft, Genesis, Head, Manifest, Options, Reader, chain};
use lao_replay::{
    ExportSource, ImportError, PortableError, Provenance, Texts, export, export_lines, import,
};
use serde_json::{Value, json};

const RUN: &str = "20260302-211405-x7k2q";
const LONG: &str = "a long plan";

/// A file under construction.
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
        hashed.extend_from_slice(&u32::try_from(content.len()).unwrap().to_le_bytes());
        hashed.extend_from_slice(content);
        self.key = *blake3::keyed_hash(&self.key, &hashed).as_bytes();
        self.bytes.extend_from_slice(&hashed);
        self.bytes.extend_from_slice(&self.key);
        self
    }

    fn sections(self, sections: &[(u8, Vec<u8>)]) -> Vec<u8> {
        sections.iter().fold(self, |file, (kind, content)| file.section(*kind, content)).bytes
    }
}

fn genesis() -> Genesis {
    Genesis { run: RUN.to_owned(), started: b"{}".to_vec() }
}

fn started(run: &str, plan: Content) -> Event {
    let plan = PlanDefinition {
        title: "A plan".to_owned(),
        path: "plans/app.md".to_owned(),
        text: plan,
        chunks: Vec::new(),
    };
    RunStarted {
        run: run.parse().unwrap(),
        program: "0.1.0".to_owned(),
        definition: Definition::Plan(plan),
        settings: "{}".into(),
        seed: 7,
    }
    .into()
}

fn draft(event: Event) -> Draft {
    Recorded { seq: 0, wall_ms: 5, monotonic_ns: 6, cause: 0, noted: false, event }.draft().unwrap()
}

/// The parts of a sound file: provenance, blob, records, end.
fn sections() -> Vec<(u8, Vec<u8>)> {
    let blob = Content::Blob { hash: Hash::of(LONG.as_bytes()), size_bytes: LONG.len() as u64 };
    let ended = StepEnded { step: StepId(0), outcome: StepOutcome::Succeeded };
    with_drafts(&[draft(started(RUN, blob)), draft(ended.into())], Some(LONG))
}

fn with_drafts(drafts: &[Draft], blob: Option<&str>) -> Vec<(u8, Vec<u8>)> {
    let mut head = Head { seq: 0, hash: genesis().hash() };
    let mut records = Vec::new();
    for draft in drafts {
        let mut record = Vec::new();
        head = chain(head, draft, &mut record).unwrap();
        records.push((2, record));
    }
    let provenance = json!({
        "lao": "0.1.0", "run": RUN, "title": "A plan", "source": "plans/app.md", "created_ms": 5,
        "outcome": null, "started": "7b7d", "genesis": genesis().hash().to_hex(),
        "head": { "seq": head.seq, "hash": head.hash.to_hex() },
        "blobs": blob.map_or(0, |_| 1), "blob_bytes": 11, "programs": ["0.1.0"], "models": [], "redacted": null,
        "of a newer lao": true,
    });
    let mut sections = vec![(1, provenance.to_string().into_bytes())];
    sections.extend(blob.map(|text| (3, text.as_bytes().to_vec())));
    sections.extend(records);
    sections.push((4, Vec::new()));
    sections
}

/// Changes a field of the provenance.
fn stating(field: &str, value: Value) -> Vec<(u8, Vec<u8>)> {
    let mut sections = sections();
    let mut provenance: Value = serde_json::from_slice(&sections[0].1).unwrap();
    provenance[field] = value;
    sections[0].1 = provenance.to_string().into_bytes();
    sections
}

/// Imports into an empty project; nothing must be there if it is refused.
fn refused(sections: &[(u8, Vec<u8>)]) -> String {
    let place = tempfile::tempdir().unwrap();
    let project = place.path().join("project/.lao");
    let error =
        import(&File::new().sections(sections)[..], &RunsFolder::new(&project)).unwrap_err();
    let runs: Vec<_> = fs::read_dir(project.join("runs")).into_iter().flatten().collect();
    assert!(runs.is_empty(), "{runs:?}");
    let outside: Vec<_> = fs::read_dir(place.path()).unwrap().collect();
    assert!(outside.len() <= 1, "{outside:?}");
    if let ImportError::Portable(PortableError::Provenance(_)) = error {
        return "unreadable provenance".to_owned();
    }
    error.to_string()
}

#[test]
fn a_sound_file_is_imported_and_exported_as_the_same_bytes() {
    let place = tempfile::tempdir().unwrap();
    let runs = RunsFolder::new(place.path());
    let file = File::new().sections(&sections());
    let imported = import(&file[..], &runs).unwrap();
    assert!(!imported.was_there);
    assert!(import(&file[..], &runs).unwrap().was_there);
    let folder = runs.run(&imported.run);
    let manifest = folder.manifest().unwrap();
    assert_eq!((manifest.title.as_str(), manifest.sealed.is_some()), ("A plan", false));
    let reader = folder.reader().unwrap();
    let contents = runs.contents().unwrap();
    let again = exported(&reader, &contents, &manifest);
    // The field that this program does not know is gone, and with it the first section's hash.
    let known = imported.provenance;
    let mut expected = sections();
    expected[0].1 = serde_json::to_vec(&known).unwrap();
    assert!(again == File::new().sections(&expected));
}

fn exported(reader: &Reader, contents: &Contents, manifest: &Manifest) -> Vec<u8> {
    let source = ExportSource { reader, contents, manifest, lao: "0.1.0", redactor: None };
    let mut out = Vec::new();
    let exported = export(&source, &mut out).unwrap();
    assert_eq!(exported.bytes, out.len() as u64);
    let mut lines = Vec::new();
    let written = export_lines(&source, Texts::Written, &mut lines).unwrap();
    assert_eq!(written.bytes, lines.len() as u64);
    assert_eq!(String::from_utf8(lines).unwrap().lines().count(), 5);
    out
}

#[test]
fn what_the_provenance_says_must_be_so() {
    for (field, value, said) in [
        ("run", json!("../../../tmp/evil"), "the run's id is none"),
        ("run", json!("20260302-211405-x7k2r"), "the genesis is not that of the run"),
        ("run", json!(7), "unreadable provenance"),
        ("started", json!("7b7"), "the genesis is not"),
        ("started", json!("zz"), "the genesis is not"),
        ("genesis", json!("00"), "the genesis is not"),
        ("head", json!({ "seq": 1, "hash": "00" }), "the last record is not the one it names"),
        ("blobs", json!(2), "there are not as many blobs"),
    ] {
        let message = refused(&stating(field, value));
        assert!(message.contains(said), "{field}: {message}");
    }
}

#[test]
fn what_is_in_the_wrong_place_is_refused() {
    let whole = sections();
    let without = |index: usize| {
        let mut sections = whole.clone();
        sections.remove(index);
        sections
    };
    let doubled = |index: usize| {
        let mut sections = whole.clone();
        sections.insert(index, sections[index].clone());
        sections
    };
    let swapped = |a: usize, b: usize| {
        let mut sections = whole.clone();
        sections.swap(a, b);
        sections
    };
    for (sections, said) in [
        (without(0), "a blob stands at byte 8, where the provenance must"),
        (without(1), "names blob"),
        (without(2), "record 1 cannot be relied on"),
        (without(3), "the last record is not the one"),
        (without(4), "in the middle"),
        (doubled(0), "where a record must"),
        (doubled(1), "without an event that needs it"),
        (doubled(2), "record 2 cannot be relied on"),
        (doubled(4), "something follows its end"),
        (swapped(1, 2), "names blob"),
        (swapped(2, 3), "record 1 cannot be relied on"),
        (vec![whole[0].clone(), whole[4].clone()], "there is no record"),
    ] {
        let message = refused(&sections);
        assert!(message.contains(said), "{said}: {message}");
    }
    let mut other = whole.clone();
    other[1].1 = b"another text".to_vec();
    assert!(refused(&other).contains("names blob"));
    let mut unknown = whole;
    unknown[1].0 = 9;
    assert!(refused(&unknown).contains("is of kind 9"));
}

#[test]
fn records_must_be_of_the_run_and_make_sense() {
    let of_another = with_drafts(&[draft(started("20260302-211405-00000", "x".into()))], None);
    assert!(refused(&of_another).contains("no event is the start of the run"));
    let mut broken = draft(started(RUN, "x".into()));
    broken.payload.truncate(3);
    assert!(refused(&with_drafts(&[broken], None)).contains("cannot be decoded"));
    let extra = with_drafts(&[draft(started(RUN, "x".into()))], Some("nobody names this"));
    assert!(refused(&extra).contains("without an event that needs it"));
}

#[test]
fn an_event_of_a_newer_program_is_kept_as_it_is() {
    let place = tempfile::tempdir().unwrap();
    let runs = RunsFolder::new(place.path());
    let newer = Draft { event_type: 999, ..draft(started(RUN, "x".into())) };
    let file = with_drafts(&[draft(started(RUN, "x".into())), newer], None);
    let imported = import(&File::new().sections(&file)[..], &runs).unwrap();
    let reader = Reader::open(&runs.run(&imported.run).path, &Options::default()).unwrap();
    assert_eq!(reader.verify().unwrap().seq, 2);
    let Provenance { head, .. } = imported.provenance;
    assert_eq!(head.seq, 2);
}
