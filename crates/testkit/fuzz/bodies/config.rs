//! Settings: whatever the text is, they are loaded or every mistake is told.

use lao_config::{Config, FileLayer, Layers};

/// Text up to a NUL is the project's file, each line after it a `key=value` of the command line.
pub(crate) fn config(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let (file, flags) = text.split_once('\0').unwrap_or((text, ""));
    let layers = Layers {
        project: Some(FileLayer { path: "lao.toml".to_owned(), text: file.to_owned() }),
        flags: flags.lines().map(str::to_owned).collect(),
        ..Layers::default()
    };
    match Config::load(&layers) {
        Ok(config) => assert_eq!(Config::load(&layers), Ok(config), "the same text, the same"),
        Err(error) => assert!(!error.to_string().is_empty(), "a mistake has words"),
    }
}
