//! Reading one file into the draft.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{Draft, FileLayer, unknown_key};
use crate::problem::Fault;
use crate::schema;
use crate::source::{FileOrigin, Source};
use crate::value::{Value, wrong_type};

/// Reads the file's values, or every place where it is not TOML.
pub(super) fn read(draft: &mut Draft, origin: FileOrigin, layer: &FileLayer) {
    let places = Places::new(origin, layer);
    let (tree, errors) = DeTable::parse_recoverable(&layer.text);
    for error in &errors {
        let offset = error.span().map_or(layer.text.len(), |span| span.start);
        let message = error.message().to_owned();
        draft.push(places.at(offset), String::new(), Fault::Syntax { message });
    }
    // What is left of a broken text would only bring follow-up problems.
    if errors.is_empty() {
        let already = draft.problems.len();
        Walk { draft, places }.table(tree.get_ref(), &mut Vec::new());
        // Tables are walked in the order of their names.
        draft.sort_problems(already);
    }
}

struct Walk<'a> {
    draft: &'a mut Draft,
    places: Places<'a>,
}

impl Walk<'_> {
    fn table<'t>(&mut self, table: &'t DeTable<'_>, path: &mut Vec<&'t str>) {
        for (key, tree) in table {
            path.push(key.get_ref());
            self.value(key.span().start, tree, path);
            path.pop();
        }
    }

    fn value<'t>(
        &mut self,
        key_offset: usize,
        tree: &'t Spanned<DeValue<'_>>,
        path: &mut Vec<&'t str>,
    ) {
        if let Some(key) = schema::find(path) {
            match Value::from_tree(key.kind, tree) {
                Ok(value) => self.draft.set(path, value, self.places.at(tree.span().start)),
                Err(misfits) => {
                    let places = &self.places;
                    self.draft.push_misfits(path, misfits, |offset| places.at(offset));
                }
            }
            return;
        }
        let place = self.places.at(key_offset);
        if !schema::is_section(path) {
            return self.draft.push(place, path.join("."), unknown_key(path));
        }
        self.draft.begin_endpoint(path, &place);
        match tree.get_ref().as_table() {
            Some(table) => self.table(table, path),
            None => self.draft.push(place, path.join("."), wrong_type("a table", tree.get_ref())),
        }
    }
}

/// From an offset in the text to the place to name.
struct Places<'a> {
    origin: FileOrigin,
    layer: &'a FileLayer,
    line_starts: Vec<usize>,
}

impl<'a> Places<'a> {
    fn new(origin: FileOrigin, layer: &'a FileLayer) -> Self {
        let after_newlines = layer.text.match_indices('\n').map(|(offset, _)| offset + 1);
        Self { origin, layer, line_starts: std::iter::once(0).chain(after_newlines).collect() }
    }

    fn at(&self, offset: usize) -> Source {
        let line = self.line_starts.partition_point(|start| *start <= offset);
        let line_start = self.line_starts[line - 1];
        let before = self.layer.text.get(line_start..offset).unwrap_or_default();
        let saturating = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        Source::File {
            origin: self.origin,
            path: self.layer.path.clone(),
            line: saturating(line),
            column: saturating(before.chars().count() + 1),
        }
    }
}
