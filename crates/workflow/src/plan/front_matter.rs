//! The YAML between `---` lines at a plan's head.
//!
//! The parser's events are read one by one, so nothing nested is ever built: no depth of
//! nesting and no alias can cost more than its own length.

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, ScanError};

use super::{PlanFault, PlanProblem};

/// The keys there are.
pub(super) const KEYS: [&str; 2] = ["workspace", "title"];

/// The longest front matter, in bytes.
pub(super) const BYTES_MAX: usize = 64 * 1024;

/// What a plan says about itself at its head.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PlanFrontMatter {
    /// Where to work: a folder, or an existing repository to make a worktree of.
    pub workspace: Option<String>,
    /// The plan's title, if it is not to be its first heading.
    pub title: Option<String>,
}

/// Splits a plan into its front matter and its body.
pub(super) fn split(text: &str) -> Result<(PlanFrontMatter, &str), Vec<PlanProblem>> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut lines = text.split_inclusive('\n');
    let Some(first) = lines.next().filter(|line| line.trim_end() == "---") else {
        return Ok((PlanFrontMatter::default(), text));
    };
    let mut end = first.len();
    for line in lines {
        if line.trim_end() == "---" {
            let front_matter = read(&text[first.len()..end])?;
            return Ok((front_matter, &text[end + line.len()..]));
        }
        end += line.len();
        if end > BYTES_MAX {
            return Err(vec![problem(1, PlanFault::TooLong)]);
        }
    }
    Err(vec![problem(1, PlanFault::NotClosed)])
}

fn problem(line: usize, fault: PlanFault) -> PlanProblem {
    PlanProblem { line, column: 1, fault }
}

fn read(yaml: &str) -> Result<PlanFrontMatter, Vec<PlanProblem>> {
    let mut reader = Reader::default();
    for event in Parser::new_from_str(yaml) {
        match event {
            Ok((event, span)) => reader.take(event, span.start),
            Err(error) => {
                reader.push(*error.marker(), yaml_fault(&error));
                break;
            }
        }
    }
    if reader.problems.is_empty() { Ok(reader.read) } else { Err(reader.problems) }
}

fn yaml_fault(error: &ScanError) -> PlanFault {
    PlanFault::Yaml { message: error.info().to_owned() }
}

/// Where the reader stands in the one mapping that front matter may be.
#[derive(Debug, Default)]
enum Position {
    #[default]
    Before,
    AtKey,
    AtValue {
        key: String,
    },
    After,
}

#[derive(Debug, Default)]
struct Reader {
    position: Position,
    /// How many collections are open inside the mapping; their content is passed over.
    nested: usize,
    seen: Vec<String>,
    read: PlanFrontMatter,
    problems: Vec<PlanProblem>,
}

impl Reader {
    fn take(&mut self, event: Event<'_>, place: Marker) {
        match event {
            Event::DocumentStart(_) => self.document(place),
            Event::MappingStart(..) if matches!(self.position, Position::Before) => {
                self.position = Position::AtKey;
            }
            Event::SequenceStart(..) | Event::MappingStart(..) => {
                if self.nested == 0 {
                    self.node(None, place);
                }
                self.nested += 1;
            }
            Event::SequenceEnd | Event::MappingEnd => match self.nested.checked_sub(1) {
                Some(outer) => self.nested = outer,
                None => self.position = Position::After,
            },
            Event::Scalar(text, style, ..) if self.nested == 0 => {
                let missing = style == ScalarStyle::Plain && matches!(&*text, "" | "~" | "null");
                self.node(Some(text.into_owned()).filter(|_| !missing), place);
            }
            Event::Alias(_) if self.nested == 0 => self.node(None, place),
            // Scalars and aliases inside something nested, which is reported as a whole.
            Event::Scalar(..)
            | Event::Alias(_)
            | Event::Nothing
            | Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentEnd => {}
        }
    }

    fn document(&mut self, place: Marker) {
        if !matches!(self.position, Position::Before) {
            let message = "a second document begins here".to_owned();
            self.push(place, PlanFault::Yaml { message });
        }
    }

    /// Takes a key or a value; `None` stands for what is no text.
    fn node(&mut self, text: Option<String>, place: Marker) {
        match std::mem::take(&mut self.position) {
            Position::Before => {
                self.push(place, PlanFault::NotAMapping);
                self.position = Position::After;
            }
            Position::After => self.position = Position::After,
            Position::AtKey => {
                let key = text.unwrap_or_default();
                self.key(&key, place);
                self.position = Position::AtValue { key };
            }
            Position::AtValue { key } => {
                self.value(&key, text, place);
                self.position = Position::AtKey;
            }
        }
    }

    fn key(&mut self, key: &str, place: Marker) {
        let key = key.to_owned();
        if !KEYS.contains(&key.as_str()) {
            let nearest = nearest(&key);
            return self.push(place, PlanFault::UnknownKey { key, nearest });
        }
        if self.seen.contains(&key) {
            return self.push(place, PlanFault::RepeatedKey { key });
        }
        self.seen.push(key);
    }

    fn value(&mut self, key: &str, text: Option<String>, place: Marker) {
        let target = match key {
            "workspace" => &mut self.read.workspace,
            "title" => &mut self.read.title,
            // Reported when it was met.
            _ => return,
        };
        let one_line = |text: &String| !text.trim().is_empty() && !text.contains(char::is_control);
        match text.filter(one_line) {
            Some(text) => *target = Some(text),
            None => self.push(place, PlanFault::NotAText { key: key.to_owned() }),
        }
    }

    fn push(&mut self, place: Marker, fault: PlanFault) {
        self.problems.push(PlanProblem {
            // The first line of the file is the `---` before the front matter.
            line: place.line() + 1,
            column: place.col() + 1,
            fault,
        });
    }
}

fn nearest(key: &str) -> Option<&'static str> {
    const DISTANCE_MAX: usize = 3;
    const KEY_BYTES_MAX: usize = 40;
    if key.len() > KEY_BYTES_MAX {
        return None;
    }
    let lowercase = key.to_lowercase();
    KEYS.into_iter()
        .map(|known| (strsim::damerau_levenshtein(&lowercase, known), known))
        .filter(|(distance, known)| *distance <= DISTANCE_MAX.min(known.len() / 2))
        .min()
        .map(|(_, known)| known)
}
