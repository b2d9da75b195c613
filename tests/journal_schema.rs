//! The harness of `journal-schema/`: the promise about the bytes of every event.
//!
//! `LAO_BLESS=1 cargo test --test journal_schema` writes the golden bytes of events that have
//! none yet and freezes files whose meanings are filled in. It never changes a frozen file.

mod journal_schema {
    pub(crate) mod any;
    pub(crate) mod flows;
    pub(crate) mod folder;
    pub(crate) mod layout;
    pub(crate) mod lines;
    pub(crate) mod samples;
    pub(crate) mod triggers;
    pub(crate) mod variants;
}

use std::collections::{BTreeMap, BTreeSet};

use journal_schema::{
    any::AnyEvent,
    folder::{self, EventFile},
    layout::Layout,
    lines, samples, variants,
};
use lao_event::codec::{DecodeError, PAYLOAD_BYTES_MAX};

/// The file of every event, after new ones were written where that is asked for.
fn files() -> Vec<EventFile> {
    static BLESSED: std::sync::Once = std::sync::Once::new();
    BLESSED.call_once(|| {
        if std::env::var_os("LAO_BLESS").is_some() {
            folder::bless(&samples::all());
        }
    });
    folder::read()
}

#[test]
fn every_event_has_a_file_and_every_file_an_event() {
    let mut described = BTreeMap::new();
    for file in files() {
        let newest = described.entry(file.number).or_insert(file.version);
        *newest = file.version.max(*newest);
        let name = AnyEvent::types().find(|(number, _)| *number == file.number);
        assert_eq!(
            name.map(|(_, name)| *name),
            Some(file.name.as_str()),
            "{}: event numbers and names never change",
            file.path
        );
        assert_eq!(
            file.path,
            folder::path(file.number, &file.name, file.version),
            "the name of a file says what it describes"
        );
    }
    let samples = samples::all();
    for (number, name) in AnyEvent::types() {
        let sample = samples
            .iter()
            .find(|sample| sample.event.type_number() == *number)
            .unwrap_or_else(|| panic!("{name} has no sample in tests/journal_schema/samples.rs"));
        assert_eq!(
            described.get(number),
            Some(&sample.event.schema_version()),
            "{name} has no file for the version the program writes: run the test with \
             LAO_BLESS=1, then fill in what the event and its fields mean"
        );
    }
    let types: Vec<_> = AnyEvent::types().collect();
    assert!(
        types.windows(2).all(|pair| pair[0].0 < pair[1].0 && pair[0].1 != pair[1].1),
        "numbers ascend and are used once"
    );
}

#[test]
fn a_released_file_never_changes() {
    let present: BTreeSet<String> = files().into_iter().map(|file| file.path).collect();
    let frozen = folder::frozen();
    for path in &present {
        let hash = frozen.get(path).unwrap_or_else(|| {
            panic!("{path} is not frozen: fill in its meanings, then run the test with LAO_BLESS=1")
        });
        assert_eq!(
            &folder::hash_of(path),
            hash,
            "{path} was edited. A released version never changes: journals out there have these \
             bytes. Undo the edit; describe the change as a new version beside it, with a struct \
             of its own and an upcast on reading (journal-schema/README.md)"
        );
    }
    for path in frozen.keys() {
        assert!(present.contains(path), "{path} is gone, and journals out there need it");
    }
}

#[test]
fn every_meaning_is_filled_in() {
    for file in files() {
        let gaps = file.gaps();
        assert!(gaps.is_empty(), "{} lacks {gaps:?}", file.path);
    }
}

#[test]
fn golden_bytes_decode_to_what_is_stated_and_encode_to_the_same() {
    for file in files() {
        assert!(!file.golden.is_empty(), "{} has no golden", file.path);
        for golden in &file.golden {
            let place = format!("{}, golden {:?}", file.path, golden.name);
            let bytes = golden.bytes();
            let event = AnyEvent::decode(file.number, file.version, &bytes)
                .unwrap_or_else(|error| panic!("{place}: {error:?}"));
            let json = serde_json::to_value(&event).expect("events are plain JSON");
            assert_eq!(json, golden.json(), "{place}");
            if event.schema_version() == file.version {
                let encoded = event.encode().expect("goldens are small");
                assert_eq!(encoded.event_type, file.number, "{place}");
                assert_eq!(encoded.schema_version, file.version, "{place}");
                assert_eq!(encoded.payload, bytes, "{place}");
            }
        }
    }
}

#[test]
fn the_samples_are_the_goldens() {
    let files = files();
    for sample in samples::all() {
        let encoded = sample.event.encode().expect("samples are small");
        let golden = files
            .iter()
            .filter(|file| file.number == encoded.event_type)
            .filter(|file| file.version == encoded.schema_version)
            .flat_map(|file| &file.golden)
            .find(|golden| golden.name == sample.name);
        let golden = golden.unwrap_or_else(|| {
            panic!(
                "{} has no golden {:?}: a released file gains none; add it with the next version",
                sample.event.name(),
                sample.name
            )
        });
        assert_eq!(
            golden.bytes(),
            encoded.payload,
            "{} {:?} is encoded to other bytes than it was when it was released",
            sample.event.name(),
            sample.name
        );
    }
}

/// What a file says of fields, shapes and variants is enough to read the bytes, and the goldens
/// of an event show every variant.
#[test]
fn a_file_alone_says_how_to_read_its_bytes() {
    let mut unseen = Vec::new();
    for file in files() {
        let mut layout = Layout::new(&file);
        for golden in &file.golden {
            layout.walk(&golden.bytes()).unwrap_or_else(|problem| {
                panic!("{}, golden {:?}: {problem}", file.path, golden.name)
            });
        }
        let of_file = layout.unseen().into_iter();
        unseen.extend(of_file.map(|variant| format!("{}: {variant}", file.path)));
    }
    assert!(unseen.is_empty(), "no golden shows {unseen:#?}");
}

/// What another program is promised of an export is what the goldens of every event show.
#[test]
fn the_schema_of_exported_lines_follows_from_the_files() {
    let mut files = files();
    // A stream of triggers is not exported.
    files.retain(|file| AnyEvent::is_of_a_run(file.number));
    if std::env::var_os("LAO_BLESS").is_some() {
        lines::bless(&files);
    }
    let schema = lines::schema(&files);
    assert!(
        lines::published() == schema,
        "docs/portable-events.schema.json is not what follows from journal-schema/: run the test \
         with LAO_BLESS=1"
    );
    let strict = jsonschema::validator_for(&lines::strict(&schema)).expect("a schema");
    let hash = "0".repeat(64);
    for file in files.iter().filter(|file| file.is_newest()) {
        for golden in &file.golden {
            let mut line = serde_json::json!({
                "line": "event", "seq": 1, "time_ms": 0, "monotonic_ns": 0, "cause": 0, "noted": false,
                "hash": hash, "event": file.name, "data": golden.json(),
            });
            let place = format!("{}, golden {:?}", file.path, golden.name);
            assert!(strict.is_valid(&line), "{place} is not as the schema says");
            line["data"]["another"] = 1.into();
            assert!(!strict.is_valid(&line), "{place}: a field that is not described");
        }
    }
}

#[test]
fn enums_are_as_their_files_say() {
    let mut described = BTreeSet::new();
    for file in files() {
        let newest =
            AnyEvent::types().any(|(number, _)| *number == file.number && file.is_newest());
        for shape in file.shape.iter().filter(|shape| shape.fields.is_none()) {
            let stated: Vec<&str> =
                shape.variants.iter().map(|variant| variant.name.as_str()).collect();
            let now = variants::of(&shape.name)
                .unwrap_or_else(|| panic!("{}: no enum {}", file.path, shape.name));
            let (kept, grown) = now.split_at(stated.len().min(now.len()));
            assert_eq!(kept, stated, "{}: {}", file.path, shape.name);
            assert!(
                grown.is_empty() || !newest,
                "{} grew by {grown:?}: raise the schema version of {} and describe it in a new \
                 file (journal-schema/README.md)",
                shape.name,
                file.name
            );
            described.insert(shape.name.clone());
        }
    }
    for name in variants::NAMES {
        assert!(described.contains(*name), "no event contains a {name}");
    }
}

#[test]
fn damaged_bytes_are_errors_and_allocate_nothing_large() {
    for file in files() {
        for golden in &file.golden {
            let bytes = golden.bytes();
            let longer = [bytes.as_slice(), &[0]].concat();
            let left_over = AnyEvent::decode(file.number, file.version, &longer);
            assert!(
                matches!(left_over, Err(DecodeError::Payload { .. })),
                "{} {:?} with a byte too many",
                file.path,
                golden.name
            );
            for length in 0..bytes.len() {
                let cut = AnyEvent::decode(file.number, file.version, &bytes[..length]);
                assert!(
                    matches!(cut, Err(DecodeError::Payload { .. })),
                    "{} {:?} cut to {length} bytes",
                    file.path,
                    golden.name
                );
            }
            for position in 0..bytes.len() {
                let huge = [&bytes[..position], &[0xfd], &[0xff; 8], &bytes[position..]].concat();
                expect_no_abort(&file, &huge);
                for bit in 0..8 {
                    let mut flipped = bytes.clone();
                    flipped[position] ^= 1 << bit;
                    expect_no_abort(&file, &flipped);
                }
            }
        }
    }
}

/// Damage may give another value (the chain hash finds that) or an error, and what it gives
/// encodes again.
fn expect_no_abort(file: &EventFile, bytes: &[u8]) {
    match AnyEvent::decode(file.number, file.version, bytes) {
        Ok(event) => {
            let encoded = event.encode().expect("no larger than what was read");
            assert!(encoded.payload.len() <= bytes.len(), "{}", file.path);
        }
        Err(DecodeError::Payload { event_type, .. }) => assert_eq!(event_type, file.number),
        Err(DecodeError::Unknown { .. }) => panic!("{} is known", file.path),
    }
}

#[test]
fn a_length_beyond_the_limit_is_an_error() {
    let huge = [&[0xfd][..], &[0xff; 8]].concat();
    let just_beyond =
        [&[0xfc][..], &u32::try_from(PAYLOAD_BYTES_MAX + 1).expect("a megabyte").to_le_bytes()]
            .concat();
    for bytes in [huge, just_beyond] {
        let lost = AnyEvent::types()
            .find(|(_, name)| *name == "EffectsLost")
            .expect("it begins with a list");
        assert!(matches!(AnyEvent::decode(lost.0, 1, &bytes), Err(DecodeError::Payload { .. })));
    }
}

#[test]
fn an_unknown_type_or_version_is_said_so() {
    let known: BTreeSet<u16> = AnyEvent::types().map(|(number, _)| *number).collect();
    let unknown = (0..=u16::MAX).filter(|number| !known.contains(number));
    for number in unknown {
        assert!(matches!(
            AnyEvent::decode(number, 1, &[]),
            Err(DecodeError::Unknown { event_type, schema_version: 1 }) if event_type == number
        ));
    }
    let files = files();
    for file in &files {
        let newer = files
            .iter()
            .filter(|other| other.number == file.number)
            .map(|other| other.version)
            .max()
            .expect("the file itself")
            + 1;
        for version in [0, newer, u16::MAX] {
            let decoded = AnyEvent::decode(file.number, version, &file.golden[0].bytes());
            assert!(
                matches!(
                    decoded,
                    Err(DecodeError::Unknown { event_type, schema_version })
                        if (event_type, schema_version) == (file.number, version)
                ),
                "{} as version {version}",
                file.name
            );
        }
    }
}
