//! The manifest: readable, replaced as a whole, tolerant of keys it does not know.

use lao_journal::{ChainHash, Head, MANIFEST_FILE, Manifest, ManifestError};

fn manifest() -> Manifest {
    Manifest::new(String::from("run-1"), String::from("A title"), 1_700_000_000_000)
}

#[test]
fn a_manifest_is_read_back_and_sealed() {
    let dir = tempfile::tempdir().unwrap();
    let mut manifest = manifest();
    manifest.pid = Some(42);
    manifest.socket = Some("/run/lao/run-1.sock".into());
    manifest.write(dir.path()).unwrap();
    assert_eq!(Manifest::read(dir.path()).unwrap(), manifest);

    let head = Head { seq: 9, hash: ChainHash::from_bytes([0xAB; 32]) };
    manifest.seal(head, String::from("done"));
    manifest.write(dir.path()).unwrap();
    let read = Manifest::read(dir.path()).unwrap();
    assert_eq!(read, manifest);
    assert_eq!((read.pid, read.socket), (None, None));
    let text = std::fs::read_to_string(dir.path().join(MANIFEST_FILE)).unwrap();
    let expected = format!(
        r#"{{
  "format": 1,
  "run": "run-1",
  "title": "A title",
  "created_ms": 1700000000000,
  "sealed": {{
    "head": "{}",
    "last_seq": 9,
    "outcome": "done"
  }}
}}
"#,
        "ab".repeat(32)
    );
    assert_eq!(text, expected);
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
}

#[test]
fn keys_of_a_newer_program_are_kept() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(MANIFEST_FILE);
    let text = r#"{"format":1,"run":"r","title":"t","created_ms":1,"labels":{"a":[1,2]}}"#;
    std::fs::write(&path, text).unwrap();
    let mut manifest = Manifest::read(dir.path()).unwrap();
    manifest.title = String::from("other");
    manifest.write(dir.path()).unwrap();
    let written = std::fs::read(&path).unwrap();
    let written: serde_json::Value = serde_json::from_slice(&written).unwrap();
    assert_eq!(written["labels"], serde_json::json!({"a": [1, 2]}));
    assert_eq!(written["title"], "other");
}

#[test]
fn what_cannot_be_read_says_why() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(MANIFEST_FILE);
    let read = || Manifest::read(dir.path()).unwrap_err();
    assert!(matches!(read(), ManifestError::Missing { .. }));
    std::fs::write(&path, b"{\"format\": 1,").unwrap();
    assert!(matches!(read(), ManifestError::Unreadable { .. }));
    std::fs::write(&path, br#"{"format": 2, "name": "another shape"}"#).unwrap();
    assert!(matches!(read(), ManifestError::Newer { found: 2, readable: 1, .. }));
    let short = r#"{"format":1,"run":"r","title":"t","created_ms":1,
        "sealed":{"head":"abc","last_seq":1,"outcome":"done"}}"#;
    std::fs::write(&path, short).unwrap();
    assert!(matches!(read(), ManifestError::Unreadable { .. }));
}
