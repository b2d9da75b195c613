//! Reads mappings by their tables: unknown, repeated and missing keys, types, templates.

use std::collections::BTreeSet;

use lao_event::Template;
use lao_expression::nearest;
use serde_json::Value as Json;

use super::files::Files;
use super::problem::FlowProblem;
use super::source::Source;
use super::table::{Holds, Key, Table};
use super::value;
use super::yaml::{Is, Node, Place};

/// The most problems of one file that are told.
const PROBLEMS_MAX: usize = 200;

/// Reads one file; collects what is wrong and which values are used where.
pub(crate) struct Reader<'r, 'l> {
    pub source: &'r Source,
    pub files: &'r mut Files<'l>,
    pub problems: Vec<FlowProblem>,
    /// What the step that is being read uses.
    pub uses: Vec<Use<'r>>,
    /// How many maps are around what is being read.
    pub maps: usize,
    /// How many steps of called workflows were taken over.
    pub steps_called: usize,
}

/// A path in an expression, with its place in the text of a node.
#[derive(Debug)]
pub(crate) struct Use<'r> {
    pub path: Vec<String>,
    pub node: &'r Node,
    pub start: usize,
    pub end: usize,
    /// Whether it is inside a map.
    pub inside: bool,
}

/// What a key was found to hold.
#[derive(Debug)]
pub(crate) enum Field<'r> {
    Template(Template),
    Text(String),
    Flag(bool),
    Count(u64),
    Milli(u32),
    Choice(&'static str),
    Texts(Vec<(String, Place)>),
    Templates(Vec<Template>),
    Pairs(Vec<(String, Template, Place)>),
    Renames(Vec<(String, String)>),
    Codes(Vec<i32>),
    Json(Json),
    /// Read further with another table.
    Node(&'r Node),
    /// Reported already.
    Bad,
}

/// The keys of a mapping, each with its place and what it holds.
#[derive(Debug)]
pub(crate) struct Fields<'r> {
    pub at: Place,
    found: Vec<(&'static Key, Place, Field<'r>)>,
    /// Keys that were meant by unknown ones: they are not missing too.
    meant: Vec<&'static str>,
}

impl<'r> Fields<'r> {
    pub(crate) fn take(&mut self, name: &str) -> Option<Field<'r>> {
        let index = self.found.iter().position(|(key, ..)| key.name == name)?;
        Some(self.found.swap_remove(index).2)
    }

    /// Where a key is.
    pub(crate) fn place(&self, name: &str) -> Option<Place> {
        self.found.iter().find(|(key, ..)| key.name == name).map(|(_, at, _)| *at)
    }

    pub(crate) fn template(&mut self, name: &str) -> Option<Template> {
        let Some(Field::Template(template)) = self.take(name) else { return None };
        Some(template)
    }

    pub(crate) fn text(&mut self, name: &str) -> Option<String> {
        let Some(Field::Text(text)) = self.take(name) else { return None };
        Some(text)
    }

    pub(crate) fn flag(&mut self, name: &str) -> bool {
        matches!(self.take(name), Some(Field::Flag(true)))
    }

    /// A flag that may be left out.
    pub(crate) fn choice_flag(&mut self, name: &str) -> Option<bool> {
        let Some(Field::Flag(flag)) = self.take(name) else { return None };
        Some(flag)
    }

    pub(crate) fn count(&mut self, name: &str) -> Option<u64> {
        let Some(Field::Count(count)) = self.take(name) else { return None };
        Some(count)
    }

    /// A count that fits into 32 bits by its key's bounds.
    pub(crate) fn small(&mut self, name: &str) -> Option<u32> {
        self.count(name).and_then(|count| u32::try_from(count).ok())
    }

    pub(crate) fn milli(&mut self, name: &str) -> Option<u32> {
        let Some(Field::Milli(milli)) = self.take(name) else { return None };
        Some(milli)
    }

    pub(crate) fn choice(&mut self, name: &str) -> Option<&'static str> {
        let Some(Field::Choice(word)) = self.take(name) else { return None };
        Some(word)
    }

    pub(crate) fn texts(&mut self, name: &str) -> Vec<(String, Place)> {
        let Some(Field::Texts(texts)) = self.take(name) else { return Vec::new() };
        texts
    }

    pub(crate) fn pairs(&mut self, name: &str) -> Vec<(String, Template, Place)> {
        let Some(Field::Pairs(pairs)) = self.take(name) else { return Vec::new() };
        pairs
    }

    pub(crate) fn json(&mut self, name: &str) -> Option<Json> {
        let Some(Field::Json(json)) = self.take(name) else { return None };
        Some(json)
    }

    pub(crate) fn node(&mut self, name: &str) -> Option<&'r Node> {
        let Some(Field::Node(node)) = self.take(name) else { return None };
        Some(node)
    }
}

impl<'r, 'l> Reader<'r, 'l> {
    pub(crate) fn new(source: &'r Source, files: &'r mut Files<'l>) -> Self {
        Self { source, files, problems: Vec::new(), uses: Vec::new(), maps: 0, steps_called: 0 }
    }

    pub(crate) fn problem(&mut self, at: Place, message: String, hint: Option<String>) {
        if self.problems.len() < PROBLEMS_MAX {
            self.problems.push(self.source.problem(at, message, hint));
        }
    }

    /// Whether more problems would not be told, so that no work is spent on them.
    pub(crate) fn is_full(&self) -> bool {
        self.problems.len() >= PROBLEMS_MAX
    }

    /// Reads a mapping, or what is short for one.
    pub(crate) fn fields(&mut self, node: &'r Node, table: &'static Table) -> Option<Fields<'r>> {
        let mut fields = Fields { at: node.at, found: Vec::new(), meant: Vec::new() };
        match (&node.is, table.short, table.short_list) {
            (Is::Mapping(pairs), ..) => self.pairs(pairs, table, &mut fields),
            (Is::Scalar { .. }, Some(short), _) | (Is::List(_), _, Some(short)) => {
                let key = table.key(short)?;
                let field = self.convert(node, key.holds, key.name);
                fields.found.push((key, node.at, field));
            }
            (Is::Null, ..) => {}
            (Is::Scalar { .. } | Is::List(_), ..) => {
                let message = format!("{} is a mapping, here is {}", table.what, node.found());
                let keys: Vec<&str> = table.keys.iter().map(|key| key.name).collect();
                let hint = format!("write lines of `key: value`; known are {}", keys.join(", "));
                self.problem(node.at, message, Some(hint));
                return None;
            }
        }
        self.completeness(table, &fields);
        Some(fields)
    }

    fn pairs(&mut self, pairs: &'r [(Node, Node)], table: &'static Table, fields: &mut Fields<'r>) {
        for (name, value) in pairs {
            let text = name.text().unwrap_or_default();
            let Some(key) = table.key(text) else {
                fields.meant.extend(self.unknown_key(name, table));
                continue;
            };
            if fields.place(text).is_some() {
                let hint = "remove one".to_owned();
                self.problem(name.at, format!("`{text}` stands twice"), Some(hint));
                continue;
            }
            let field = self.convert(value, key.holds, key.name);
            fields.found.push((key, name.at, field));
        }
    }

    /// Tells of an unknown key; gives the one that was probably meant.
    fn unknown_key(&mut self, name: &Node, table: &'static Table) -> Option<&'static str> {
        let keys = || table.keys.iter().map(|key| key.name);
        let Some(text) = name.text() else {
            self.problem(name.at, "a key must be a word".to_owned(), None);
            return None;
        };
        let near = nearest(text, keys());
        let hint = match near {
            Some(near) => format!("did you mean `{near}`?"),
            None if table.keys.is_empty() => "remove it".to_owned(),
            None => format!("known are {}", keys().collect::<Vec<_>>().join(", ")),
        };
        self.problem(name.at, format!("unknown key `{text}` in {}", table.what), Some(hint));
        near
    }

    fn completeness(&mut self, table: &'static Table, fields: &Fields<'r>) {
        for key in table.keys.iter().filter(|key| key.needed) {
            if fields.place(key.name).is_none() && !fields.meant.contains(&key.name) {
                let hint = format!("add `{}: ...`: {}", key.name, lowercase(key.meaning));
                self.problem(
                    fields.at,
                    format!("{} has no `{}`", table.what, key.name),
                    Some(hint),
                );
            }
        }
        let present: Vec<&str> =
            table.one_of.iter().copied().filter(|name| fields.place(name).is_some()).collect();
        let of = table.one_of.join(", ");
        match present.as_slice() {
            [] if table.one_of.is_empty()
                || table.one_of.iter().any(|name| fields.meant.contains(name)) => {}
            [] => {
                let message = format!("{} says not what it does", table.what);
                self.problem(fields.at, message, Some(format!("add one of {of}")));
            }
            [_, more @ ..] => {
                for name in more {
                    let at = fields.place(name).unwrap_or(fields.at);
                    let message = format!("`{name}` besides `{}`", present[0]);
                    let hint = format!("{} has exactly one of {of}; remove one", table.what);
                    self.problem(at, message, Some(hint));
                }
            }
        }
    }

    pub(crate) fn expected(&mut self, node: &Node, name: &str, what: &str) -> Field<'r> {
        let found = match node.text() {
            Some(text) => format!("`{}`", value::shortened(text)),
            None => node.found().to_owned(),
        };
        self.problem(node.at, format!("`{name}` is {what}, here is {found}"), None);
        Field::Bad
    }

    fn convert(&mut self, node: &'r Node, holds: Holds, name: &'static str) -> Field<'r> {
        match holds {
            Holds::Template => self.template(node, name).map_or(Field::Bad, Field::Template),
            Holds::TextOrList if matches!(node.is, Is::Mapping(_)) => {
                self.expected(node, name, "a text or a list of texts")
            }
            Holds::Value | Holds::TextOrList => {
                self.value(node, name).map_or(Field::Bad, Field::Template)
            }
            Holds::Condition => self.condition(node, name).map_or(Field::Bad, Field::Template),
            Holds::Text => self.text(node, name).map_or(Field::Bad, Field::Text),
            Holds::Id => self.id(node, name).map_or(Field::Bad, Field::Text),
            Holds::Flag => match value::flag(node) {
                Some(flag) => Field::Flag(flag),
                None => self.expected(node, name, "true or false"),
            },
            Holds::Count { min, max } => self.count(node, name, min, max),
            Holds::Milli { max } => self.milli(node, name, max),
            Holds::Duration => self.duration(node, name),
            Holds::Choice(words) => self.choice(node, name, words),
            Holds::Texts => self.texts(node, name),
            Holds::Templates => self.templates(node, name),
            Holds::Items => self.items(node, name).map_or(Field::Bad, Field::Template),
            Holds::Pairs => self.named(node, name),
            Holds::Renames => self.renames(node, name),
            Holds::Codes => match value::codes(node) {
                Some(codes) => Field::Codes(codes),
                None => self.expected(node, name, "a list of whole numbers"),
            },
            Holds::Json => Field::Json(value::json(node)),
            Holds::ChoiceOr(words, _) => match &node.is {
                Is::Scalar { .. } => self.choice(node, name, words),
                Is::Null | Is::List(_) | Is::Mapping(_) => Field::Node(node),
            },
            Holds::DurationOr(_) => match &node.is {
                Is::Scalar { .. } => self.duration(node, name),
                Is::Null | Is::List(_) | Is::Mapping(_) => Field::Node(node),
            },
            Holds::CountOr { min, max, .. } => match &node.is {
                Is::Scalar { .. } => self.count(node, name, min, max),
                Is::Null | Is::List(_) | Is::Mapping(_) => Field::Node(node),
            },
            Holds::Table(_)
            | Holds::Several(_)
            | Holds::Inputs(_)
            | Holds::Steps(_)
            | Holds::Args => Field::Node(node),
        }
    }

    fn count(&mut self, node: &'r Node, name: &str, min: u64, max: u64) -> Field<'r> {
        match value::count(node).filter(|count| (min..=max).contains(count)) {
            Some(count) => Field::Count(count),
            None if max == u64::MAX => self.expected(node, name, "a whole number"),
            None => self.expected(node, name, &format!("a whole number from {min} to {max}")),
        }
    }

    fn milli(&mut self, node: &'r Node, name: &str, max: u32) -> Field<'r> {
        match value::milli(node).filter(|milli| *milli <= max) {
            Some(milli) => Field::Milli(milli),
            None => self.expected(node, name, &format!("a number from 0 to {}", max / 1000)),
        }
    }

    fn duration(&mut self, node: &'r Node, name: &str) -> Field<'r> {
        if let Some(ms) = node.text().and_then(value::duration_ms) {
            return Field::Count(ms);
        }
        let field = self.expected(node, name, "a duration");
        self.hint("write a number of milliseconds, or as in `500ms`, `30s`, `5m`, `1h30m`");
        field
    }

    /// Adds a cure to the problem told last.
    pub(crate) fn hint(&mut self, hint: &str) {
        if let Some(last) = self.problems.last_mut() {
            last.hint.get_or_insert_with(|| hint.to_owned());
        }
    }

    fn choice(&mut self, node: &'r Node, name: &str, words: &'static [&'static str]) -> Field<'r> {
        let text = node.text().unwrap_or_default();
        if let Some(word) = words.iter().find(|word| **word == text) {
            return Field::Choice(word);
        }
        let field = self.expected(node, name, &format!("one of {}", words.join(", ")));
        if let Some(near) = nearest(text, words.iter().copied()) {
            self.hint(&format!("did you mean `{near}`?"));
        }
        field
    }

    /// A text in one line, without `${{ }}`.
    pub(crate) fn text(&mut self, node: &'r Node, name: &str) -> Option<String> {
        let one_line = |text: &&str| !text.trim().is_empty() && !text.contains(char::is_control);
        let text = node.text().map(str::trim_end).filter(one_line);
        let Some(text) = text else {
            self.expected(node, name, "one line of text");
            return None;
        };
        if text.contains("${{") {
            self.expected(node, name, "a text that is known before the run");
            self.hint("write it out, without `${{ }}`");
            return None;
        }
        Some(text.to_owned())
    }

    fn id(&mut self, node: &'r Node, name: &str) -> Option<String> {
        let text = self.text(node, name)?;
        let hint = match value::id_fault(&text) {
            value::IdFault::None => return Some(text),
            value::IdFault::Hyphen => {
                format!("write `{}`: expressions read `-` as minus", text.replace('-', "_"))
            }
            value::IdFault::Other => {
                format!(
                    "a letter, then letters, digits and `_`, at most {} of them",
                    value::ID_BYTES_MAX
                )
            }
        };
        self.problem(
            node.at,
            format!("`{}` is no name of a step", value::shortened(&text)),
            Some(hint),
        );
        None
    }

    /// A text with `${{ }}`, checked; what it uses is noted.
    pub(crate) fn template(&mut self, node: &'r Node, name: &str) -> Option<Template> {
        let Some(text) = node.text() else {
            self.expected(node, name, "a text");
            return None;
        };
        self.parsed(node, text, 0).map(|_| Template(text.to_owned()))
    }

    /// Parses a text of a node with `shift` bytes put before it.
    fn parsed(
        &mut self,
        node: &'r Node,
        text: &str,
        shift: usize,
    ) -> Option<lao_expression::Template> {
        match lao_expression::Template::parse(text) {
            Ok(template) => {
                let inside = self.maps > 0;
                self.uses.extend(template.references().iter().map(|reference| Use {
                    path: reference.path.clone(),
                    node,
                    start: reference.start.saturating_sub(shift),
                    end: reference.end.saturating_sub(shift),
                    inside,
                }));
                Some(template)
            }
            Err(error) => {
                let start = error.start.saturating_sub(shift);
                let end = error.end.saturating_sub(shift);
                let at = self.source.part(node, start, end);
                self.problem(at, error.message, error.hint);
                None
            }
        }
    }

    fn condition(&mut self, node: &'r Node, name: &str) -> Option<Template> {
        const OPEN: &str = "${{ ";
        let Some(text) = node.text() else {
            self.expected(node, name, "an expression");
            return None;
        };
        if !text.contains("${{") {
            let whole = format!("{OPEN}{} }}}}", text.trim());
            let before = text.len() - text.trim_start().len();
            return self
                .parsed(node, &whole, OPEN.len() - before.min(OPEN.len()))
                .map(|_| Template(whole));
        }
        let template = self.parsed(node, text, 0)?;
        if !template.is_single() {
            let message = format!("`{name}` is one expression, and here is more");
            let hint = "put all of it between `${{` and `}}`, or leave both out".to_owned();
            self.problem(node.at, message, Some(hint));
            return None;
        }
        Some(Template(text.trim().to_owned()))
    }

    /// A text or a list of texts.
    fn texts(&mut self, node: &'r Node, name: &'static str) -> Field<'r> {
        let items = match &node.is {
            Is::List(items) => items.iter().collect(),
            Is::Scalar { .. } => vec![node],
            Is::Null | Is::Mapping(_) => return self.expected(node, name, "a list of texts"),
        };
        let mut texts = Vec::new();
        for item in items {
            texts.extend(self.text(item, name).map(|text| (text, item.at)));
        }
        Field::Texts(texts)
    }

    fn templates(&mut self, node: &'r Node, name: &'static str) -> Field<'r> {
        let Is::List(items) = &node.is else {
            let field = self.expected(node, name, "a list of texts");
            self.hint("write `[program, argument]`, or `shell:` for a line");
            return field;
        };
        if items.is_empty() {
            return self.expected(node, name, "a list with at least the program");
        }
        let mut templates = Vec::new();
        for item in items {
            templates.extend(self.template(item, name));
        }
        Field::Templates(templates)
    }

    /// A list as one template: an expression, or the list itself as one.
    fn items(&mut self, node: &'r Node, name: &str) -> Option<Template> {
        match &node.is {
            Is::Scalar { text, .. } => {
                let template = self.template(node, name)?;
                let is_single = lao_expression::Template::parse(text)
                    .is_ok_and(|template| template.is_single());
                if !is_single {
                    self.expected(node, name, "a list, or one `${{ }}` that comes to one");
                    return None;
                }
                Some(template)
            }
            Is::List(_) => self.value(node, name),
            Is::Null | Is::Mapping(_) => {
                self.expected(node, name, "a list, or one `${{ }}` that comes to one");
                None
            }
        }
    }

    /// Any value as one template; `${{ }}` may be in every text inside.
    fn value(&mut self, node: &'r Node, name: &str) -> Option<Template> {
        if matches!(node.is, Is::Scalar { .. }) {
            return self.template(node, name);
        }
        if !value::has_expressions(node) {
            return Some(value::constant(&value::json(node)));
        }
        let template = format!("${{{{ {} }}}}", self.expression(node)?);
        match lao_expression::Template::parse(&template) {
            Ok(_) => Some(Template(template)),
            Err(error) => {
                self.problem(
                    node.at,
                    format!("`{name}` as a whole: {}", error.message),
                    error.hint,
                );
                None
            }
        }
    }

    /// The source of one expression that comes to what a node says.
    fn expression(&mut self, node: &'r Node) -> Option<String> {
        if !value::has_expressions(node) {
            return Some(value::expression(&value::json(node)));
        }
        match &node.is {
            Is::Null => None,
            Is::Scalar { text, .. } => {
                self.parsed(node, text, 0).map(|template| template.expression())
            }
            Is::List(items) => {
                let items: Option<Vec<_>> =
                    items.iter().map(|item| self.expression(item)).collect();
                Some(format!("[{}]", items?.join(", ")))
            }
            Is::Mapping(pairs) => {
                let pair = |(key, value): &'r (Node, Node)| {
                    let key = Json::from(key.text().unwrap_or("null"));
                    self.expression(value).map(|value| format!("{key}: {value}"))
                };
                let pairs: Option<Vec<_>> = pairs.iter().map(pair).collect();
                Some(format!("{{{}}}", pairs?.join(", ")))
            }
        }
    }

    /// Names with templates.
    fn named(&mut self, node: &'r Node, name: &'static str) -> Field<'r> {
        let Is::Mapping(pairs) = &node.is else {
            return self.expected(node, name, "a mapping of names to texts");
        };
        let mut found = Vec::new();
        let mut seen = BTreeSet::new();
        for (key, value) in pairs {
            let Some(word) = self.text(key, name) else { continue };
            if !seen.insert(word.clone()) {
                let hint = "remove one".to_owned();
                self.problem(key.at, format!("`{word}` stands twice"), Some(hint));
                continue;
            }
            let template = self.value(value, &word);
            found.extend(template.map(|template| (word, template, key.at)));
        }
        Field::Pairs(found)
    }

    fn renames(&mut self, node: &'r Node, name: &'static str) -> Field<'r> {
        if let Is::Mapping(pairs) = &node.is {
            let mut renames = Vec::new();
            for (key, value) in pairs {
                let (key, value) = (self.text(key, name), self.text(value, name));
                renames.extend(key.zip(value));
            }
            return Field::Renames(renames);
        }
        let Field::Texts(texts) = self.texts(node, name) else { return Field::Bad };
        Field::Renames(texts.into_iter().map(|(text, _)| (text.clone(), text)).collect())
    }
}

fn lowercase(meaning: &str) -> String {
    let mut letters = meaning.chars();
    let first = letters.next().map(|letter| letter.to_ascii_lowercase());
    first.into_iter().chain(letters).collect()
}
