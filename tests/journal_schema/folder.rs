//! The files of `journal-schema/`: reading them, and writing new ones.

use std::{collections::BTreeMap, fmt::Write as _, fs, path::PathBuf};

use lao_event::Hash;
use serde::Deserialize;
use serde_json::Value;

use super::samples::Sample;

/// The description of one version of one event.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EventFile {
    /// Relative to `journal-schema/`.
    #[serde(skip)]
    pub path: String,
    /// A newer version of the event has a file of its own.
    #[serde(skip)]
    superseded: bool,
    /// The event's type number.
    #[serde(rename = "type")]
    pub number: u16,
    /// The event's name.
    pub name: String,
    /// The schema version.
    pub version: u16,
    /// What the event means.
    pub meaning: String,
    /// The payload's fields, in the order of the bytes.
    pub fields: Vec<Field>,
    /// The structs and enums inside it.
    #[serde(default)]
    pub shape: Vec<Shape>,
    /// Values with their bytes.
    #[serde(default)]
    pub golden: Vec<Golden>,
}

/// A field.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Field {
    /// Its name; `0` where the shape has one field without a name.
    pub name: String,
    /// Its type.
    pub kind: String,
    /// What it means.
    #[serde(default)]
    pub meaning: String,
}

/// A struct (with fields) or an enum (with variants).
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Shape {
    /// Its name.
    pub name: String,
    /// What it means.
    pub meaning: String,
    /// Of a struct.
    pub fields: Option<Vec<Field>>,
    /// Of an enum.
    #[serde(default)]
    pub variants: Vec<Variant>,
}

/// A variant of an enum.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Variant {
    /// Its number in the bytes.
    pub number: u64,
    /// Its name.
    pub name: String,
    /// What it means.
    pub meaning: String,
    /// Its fields.
    #[serde(default)]
    pub fields: Vec<Field>,
}

/// A value and its bytes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Golden {
    /// What it shows.
    pub name: String,
    hex: String,
    json: String,
}

impl Golden {
    /// The payload.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let digits: Vec<u8> = self.hex.bytes().filter(u8::is_ascii_hexdigit).collect();
        let text = |pair: &[u8]| String::from_utf8(pair.to_vec()).expect("ASCII");
        digits
            .chunks(2)
            .map(|pair| u8::from_str_radix(&text(pair), 16).expect("two digits a byte"))
            .collect()
    }

    /// The value, as the journal is exported.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.json).expect("a golden states JSON")
    }
}

impl EventFile {
    /// No newer version of the event has a file.
    pub(crate) fn is_newest(&self) -> bool {
        !self.superseded
    }

    /// What is still to be filled in.
    pub(crate) fn gaps(&self) -> Vec<String> {
        let empty = |text: &str| text.trim().is_empty();
        let mut gaps = Vec::new();
        let mut note = |is_gap: bool, what: String| {
            if is_gap {
                gaps.push(what);
            }
        };
        note(empty(&self.meaning), "its meaning".to_owned());
        for field in &self.fields {
            let is_gap = empty(&field.meaning) || empty(&field.kind);
            note(is_gap, format!("field {}", field.name));
        }
        for shape in &self.shape {
            note(empty(&shape.meaning), shape.name.clone());
            let of_variants = shape.variants.iter().flat_map(|variant| &variant.fields);
            for field in shape.fields.iter().flatten().chain(of_variants) {
                let is_gap = empty(&field.meaning) && field.name != "0";
                note(is_gap, format!("{}.{}", shape.name, field.name));
            }
            for variant in &shape.variants {
                note(empty(&variant.meaning), format!("{}::{}", shape.name, variant.name));
            }
        }
        gaps
    }
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("journal-schema")
}

/// The file of a version of an event, relative to `journal-schema/`.
pub(crate) fn path(number: u16, name: &str, version: u16) -> String {
    let mut snake = String::new();
    for character in name.chars() {
        if character.is_ascii_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.push(character.to_ascii_lowercase());
    }
    format!("events/{number:04}-{snake}-v{version}.toml")
}

/// Every file under `events/`, in the order of their names.
pub(crate) fn read() -> Vec<EventFile> {
    let mut paths: Vec<String> = fs::read_dir(root().join("events"))
        .expect("journal-schema/events is there")
        .map(|entry| entry.expect("the folder can be read").file_name())
        .map(|name| format!("events/{}", name.to_str().expect("names are plain")))
        .collect();
    paths.sort();
    let mut files: Vec<EventFile> = paths.into_iter().map(read_one).collect();
    let mut newest = BTreeMap::new();
    for file in &files {
        let version = newest.entry(file.number).or_insert(0);
        *version = file.version.max(*version);
    }
    for file in &mut files {
        file.superseded = newest[&file.number] > file.version;
    }
    files
}

fn read_one(path: String) -> EventFile {
    let text = fs::read_to_string(root().join(&path)).expect("the file can be read");
    let file: EventFile = toml::from_str(&text).unwrap_or_else(|error| panic!("{path}: {error}"));
    EventFile { path, ..file }
}

/// The released files and their hashes.
pub(crate) fn frozen() -> BTreeMap<String, String> {
    let text = fs::read_to_string(root().join("FROZEN")).unwrap_or_default();
    text.lines()
        .map(|line| line.split_once("  ").expect("a hash, two spaces, a path"))
        .map(|(hash, path)| (path.to_owned(), hash.to_owned()))
        .collect()
}

/// BLAKE3 of a file.
pub(crate) fn hash_of(path: &str) -> String {
    let bytes = fs::read(root().join(path)).expect("the file can be read");
    Hash::of(&bytes).to_string()
}

/// What separates what a person writes from what is generated.
const MARK: &str = "\n# Golden bytes, written by the harness with LAO_BLESS=1.\n";

/// Writes the goldens of files that are not frozen, and freezes those that are complete.
pub(crate) fn bless(samples: &[Sample]) {
    let mut frozen = frozen();
    let mut by_path: BTreeMap<String, Vec<&Sample>> = BTreeMap::new();
    for sample in samples {
        let event = &sample.event;
        let path = path(event.type_number(), event.name(), event.schema_version());
        by_path.entry(path).or_default().push(sample);
    }
    for (path, samples) in by_path {
        if frozen.contains_key(&path) {
            continue;
        }
        let place = root().join(&path);
        let text = fs::read_to_string(&place).unwrap_or_else(|_| skeleton(samples[0]));
        let head = text.split(MARK).next().expect("a split has a first part");
        let goldens: String = samples.iter().map(|sample| golden(sample)).collect();
        fs::write(&place, format!("{head}{MARK}{goldens}")).expect("the file can be written");
        if read_one(path.clone()).gaps().is_empty() {
            let hash = hash_of(&path);
            frozen.insert(path, hash);
        }
    }
    let mut lines = String::new();
    for (path, hash) in &frozen {
        writeln!(lines, "{hash}  {path}").expect("writing to a String");
    }
    fs::write(root().join("FROZEN"), lines).expect("FROZEN can be written");
}

/// The beginning of a new file, to be filled in by a person.
fn skeleton(sample: &Sample) -> String {
    let event = &sample.event;
    let json = serde_json::to_value(event).expect("events are plain JSON");
    let mut text = format!(
        "type = {}\nname = \"{}\"\nversion = {}\nmeaning = \"\"\n\nfields = [\n",
        event.type_number(),
        event.name(),
        event.schema_version()
    );
    let keys = json.as_object().expect("an event is an object").keys();
    for key in keys.filter(|key| *key != "event") {
        writeln!(text, "  {{ name = \"{key}\", kind = \"\", meaning = \"\" }},")
            .expect("writing to a String");
    }
    text + "]\n"
}

/// Bytes on one line of a golden.
const BYTES_PER_LINE: usize = 32;

fn golden(sample: &Sample) -> String {
    let payload = sample.event.encode().expect("samples are small").payload;
    let mut hex = String::new();
    for line in payload.chunks(BYTES_PER_LINE) {
        for byte in line {
            write!(hex, "{byte:02x}").expect("writing to a String");
        }
        hex.push('\n');
    }
    let json = serde_json::to_string_pretty(&sample.event).expect("events are plain JSON");
    format!(
        "\n[[golden]]\nname = \"{}\"\nhex = \"\"\"\n{hex}\"\"\"\njson = '''\n{json}\n'''\n",
        sample.name
    )
}
