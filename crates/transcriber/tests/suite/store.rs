//! Models come in whole, are listed, are compared before use, and go.

use std::{fs, path::Path};

use lao_transcriber::{ModelStore, StoreError, suggested_name};

use super::support::{data, store, tiny_model};

/// Names of everything in the store's folder.
fn files(store: &ModelStore) -> Vec<String> {
    let Ok(entries) = fs::read_dir(store.folder()) else { return Vec::new() };
    let name = |entry: std::io::Result<fs::DirEntry>| entry.unwrap().file_name().into_string();
    let mut names: Vec<_> = entries.map(|entry| name(entry).unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_model_comes_in_is_listed_and_goes() {
    let (folder, store) = store();
    assert_eq!(files(&store), ["tiny.bin", "tiny.json"]);
    assert_eq!(store.folder(), folder.path().join("whisper"));
    let listed = store.list().unwrap();
    let [Ok(model)] = &listed[..] else { panic!("{listed:?}") };
    assert_eq!(model.name, "tiny");
    assert_eq!(model.description.source, "tiny-whisper.bin");
    assert_eq!(model.description.size_bytes, 2_324_993);
    assert_eq!(model.description.blake3, blake3::hash(&tiny_model()).to_hex().as_str());
    assert!(model.description.added_ms > 1_700_000_000_000);
    assert_eq!(fs::read(&model.path).unwrap(), tiny_model());
    let again = store.add(&data("tiny-whisper.bin"), "tiny").unwrap_err();
    assert!(matches!(again, StoreError::Exists { .. }), "{again}");
    store.remove("tiny").unwrap();
    assert!(files(&store).is_empty() && store.list().unwrap().is_empty());
    assert!(matches!(store.remove("tiny"), Err(StoreError::Missing { .. })));
}

#[test]
fn a_refused_file_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let store = ModelStore::new(folder.path());
    let cut = folder.path().join("cut.bin");
    fs::write(&cut, &tiny_model()[..100_000]).unwrap();
    let refused = store.add(&cut, "cut").unwrap_err().to_string();
    assert!(refused.contains("cut.bin is refused: it is cut"), "{refused}");
    assert!(files(&store).is_empty());
    let absent = store.add(Path::new("/absent/ggml-base.bin"), "base").unwrap_err().to_string();
    assert!(absent.contains("/absent/ggml-base.bin"), "{absent}");
}

#[test]
fn a_file_with_the_name_of_a_published_model_is_that_model() {
    let folder = tempfile::tempdir().unwrap();
    let store = ModelStore::new(folder.path());
    let other = folder.path().join("ggml-base.en.bin");
    fs::write(&other, tiny_model()).unwrap();
    let refused = store.add(&other, "mine").unwrap_err().to_string();
    for words in [
        "ggml-base.en.bin is refused",
        "SHA-1 is 00230feb40eac8f7be223c3e464cf28ff835510f",
        "137c40403d78fd54d454da0f9bd998f78703390c is expected",
        "fetch it again",
        "another file name",
    ] {
        assert!(refused.contains(words), "{refused}");
    }
    assert!(files(&store).is_empty());
    let own = folder.path().join("own-base.en.bin");
    fs::rename(&other, &own).unwrap();
    assert_eq!(store.add(&own, "base.en").unwrap().description.published, None);
}

#[test]
fn names_are_files_of_the_store_and_of_nowhere_else() {
    let (_folder, store) = store();
    for name in ["", ".", "..", "../x", "a/b", "a\\b", ".x", "-x", "ä", "a b", &"x".repeat(65)] {
        assert!(matches!(store.verify(name), Err(StoreError::Name { .. })), "{name}");
        let added = store.add(&data("tiny-whisper.bin"), name);
        assert!(matches!(added, Err(StoreError::Name { .. })), "{name}");
    }
    for (file, name) in [
        ("/x/ggml-base.bin", Some("base")),
        ("ggml-large-v3-turbo-q5_0.bin", Some("large-v3-turbo-q5_0")),
        ("ggml-base.en.bin", Some("base.en")),
        ("mine.bin", Some("mine")),
        ("ggml-.bin", None),
        ("/", None),
    ] {
        assert_eq!(suggested_name(Path::new(file)).as_deref(), name, "{file}");
    }
    store.add(&data("tiny-whisper.bin"), "tiny.en").unwrap();
    assert_eq!(files(&store), ["tiny.bin", "tiny.en.bin", "tiny.en.json", "tiny.json"]);
}

#[test]
fn a_missing_model_is_told_with_what_to_fetch() {
    let folder = tempfile::tempdir().unwrap();
    let none = ModelStore::new(folder.path()).verify("base").unwrap_err().to_string();
    for words in ["`base`", "none yet", "ggml-base.bin", "ggerganov/whisper.cpp", "lao models add"]
    {
        assert!(none.contains(words), "{words}: {none}");
    }
    let (_folder, store) = store();
    let other = store.verify("base").unwrap_err().to_string();
    assert!(other.contains("there are: tiny; or fetch"), "{other}");
}

#[test]
fn a_model_that_changed_is_not_used() {
    let (_folder, store) = store();
    let model = store.verify("tiny").unwrap();
    assert_eq!(store.verify("tiny").unwrap(), model);
    let path = store.folder().join("tiny.bin");
    let mut changed = tiny_model();
    let last = changed.len() - 1;
    changed[last] ^= 1;
    fs::write(&path, &changed).unwrap();
    // Of the same size, at another time: the file is read again.
    let refused = store.verify("tiny").unwrap_err().to_string();
    assert!(refused.contains("another hash") && refused.contains("lao models remove"), "{refused}");
    fs::write(&path, &changed[..last]).unwrap();
    let refused = store.verify("tiny").unwrap_err().to_string();
    assert!(refused.contains("2324992 bytes instead of 2324993"), "{refused}");
    fs::write(&path, tiny_model()).unwrap();
    assert_eq!(store.verify("tiny").unwrap(), model);
    fs::write(store.folder().join("tiny.json"), "{}").unwrap();
    assert!(matches!(store.verify("tiny"), Err(StoreError::Changed { .. })));
    assert!(matches!(store.list().unwrap()[..], [Err(StoreError::Changed { .. })]));
    fs::remove_file(store.folder().join("tiny.json")).unwrap();
    assert!(matches!(store.verify("tiny"), Err(StoreError::Changed { .. })));
    store.remove("tiny").unwrap();
}
