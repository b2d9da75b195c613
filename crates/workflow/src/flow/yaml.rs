//! YAML to a small tree that knows its places.
//!
//! Depth and size are bounded, and there are no anchors and aliases, so that a text costs no more
//! than its length.

use saphyr_parser::{Event, Parser, ScalarStyle, Span};

use super::source::Source;

/// The deepest nesting.
const DEPTH_MAX: usize = 64;

/// Where something is: lines and columns counted from 1; the end is behind its last character.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Place {
    pub line: usize,
    pub column: usize,
    pub end_line: usize,
    pub end_column: usize,
}

/// A value with its place.
#[derive(Debug)]
pub(crate) struct Node {
    pub at: Place,
    pub is: Is,
}

/// What a value is.
#[derive(Debug)]
pub(crate) enum Is {
    Null,
    /// A text; without quotes it may also be a number or a boolean.
    Scalar {
        text: String,
        plain: bool,
    },
    List(Vec<Node>),
    Mapping(Vec<(Node, Node)>),
}

impl Node {
    /// What it is, for messages.
    pub(crate) fn found(&self) -> &'static str {
        match &self.is {
            Is::Null => "nothing",
            Is::Scalar { .. } => "a text",
            Is::List(_) => "a list",
            Is::Mapping(_) => "a mapping",
        }
    }

    /// The text, where it is one.
    pub(crate) fn text(&self) -> Option<&str> {
        match &self.is {
            Is::Scalar { text, .. } => Some(text),
            Is::Null | Is::List(_) | Is::Mapping(_) => None,
        }
    }
}

/// What is wrong with the YAML, and where.
pub(crate) struct YamlFault {
    pub at: Place,
    pub message: String,
    pub hint: Option<String>,
}

/// The tree of a text, or everything that keeps it from being one.
pub(crate) fn tree(source: &Source) -> Result<Node, Vec<YamlFault>> {
    let mut builder = Builder::default();
    for event in Parser::new_from_str(&source.text) {
        match event {
            Ok((event, span)) => builder.take(event, place(span)),
            Err(error) => {
                let marker = error.marker();
                let at =
                    Place { line: marker.line(), column: marker.col() + 1, ..Place::default() };
                let message = format!("this is not YAML: {}", error.info());
                builder.fault(at, message, yaml_hint(source.line(at.line)));
                break;
            }
        }
        if builder.open.len() > DEPTH_MAX {
            builder.fault(builder.last, format!("nested deeper than {DEPTH_MAX} levels"), None);
            break;
        }
    }
    match builder.root {
        Some(root) if builder.faults.is_empty() => Ok(root),
        _ if !builder.faults.is_empty() => Err(builder.faults),
        _ => {
            Ok(Node { at: Place { line: 1, column: 1, end_line: 1, end_column: 2 }, is: Is::Null })
        }
    }
}

/// The cures of what most often keeps a workflow from being YAML.
fn yaml_hint(line: &str) -> Option<String> {
    if line.contains("${{") {
        return Some("put a text with `${{ }}` in quotes: `\"${{ ... }}\"`".to_owned());
    }
    line.contains('\t').then(|| "indent with spaces, not with tabs".to_owned())
}

fn place(span: Span) -> Place {
    Place {
        line: span.start.line(),
        column: span.start.col() + 1,
        end_line: span.end.line(),
        end_column: span.end.col() + 1,
    }
}

#[derive(Default)]
struct Builder {
    /// Collections that are not closed yet; a mapping's key waits for its value.
    open: Vec<(Node, Option<Node>)>,
    root: Option<Node>,
    last: Place,
    faults: Vec<YamlFault>,
}

impl Builder {
    fn take(&mut self, event: Event<'_>, at: Place) {
        self.last = at;
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                self.plainness(anchor, tag.is_some(), at);
                let plain = style == ScalarStyle::Plain;
                let is = match text.as_ref() {
                    "" | "~" | "null" if plain => Is::Null,
                    _ => Is::Scalar { text: text.into_owned(), plain },
                };
                self.add(Node { at, is });
            }
            Event::SequenceStart(anchor, tag) => {
                self.plainness(anchor, tag.is_some(), at);
                self.open.push((Node { at, is: Is::List(Vec::new()) }, None));
            }
            Event::MappingStart(anchor, tag) => {
                self.plainness(anchor, tag.is_some(), at);
                self.open.push((Node { at, is: Is::Mapping(Vec::new()) }, None));
            }
            Event::SequenceEnd | Event::MappingEnd => {
                if let Some((node, _)) = self.open.pop() {
                    self.add(node);
                }
            }
            Event::Alias(_) => {
                self.plainness(1, false, at);
                self.add(Node { at, is: Is::Null });
            }
            Event::DocumentStart(_) if self.root.is_some() => {
                let hint = "write one workflow in one file".to_owned();
                self.fault(at, "a second document begins here".to_owned(), Some(hint));
            }
            Event::DocumentStart(_)
            | Event::DocumentEnd
            | Event::Nothing
            | Event::StreamStart
            | Event::StreamEnd => {}
        }
    }

    fn plainness(&mut self, anchor: usize, tagged: bool, at: Place) {
        if anchor != 0 {
            let hint = "write the value out where it is needed".to_owned();
            self.fault(at, "anchors and aliases are not read here".to_owned(), Some(hint));
        }
        if tagged {
            let hint = "remove the word that begins with `!`, or put the text in quotes".to_owned();
            self.fault(at, "tags are not read here".to_owned(), Some(hint));
        }
    }

    fn add(&mut self, node: Node) {
        let Some((outer, key)) = self.open.last_mut() else {
            self.root.get_or_insert(node);
            return;
        };
        match &mut outer.is {
            Is::List(items) => items.push(node),
            Is::Mapping(pairs) => match key.take() {
                Some(key) => pairs.push((key, node)),
                None => *key = Some(node),
            },
            Is::Null | Is::Scalar { .. } => {}
        }
    }

    fn fault(&mut self, at: Place, message: String, hint: Option<String>) {
        self.faults.push(YamlFault { at, message, hint });
    }
}
