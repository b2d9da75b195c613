//! A second reader of payloads that knows only what a file of `journal-schema/` and the table
//! of encodings in `docs/journal.md` say.

use std::collections::{BTreeMap, BTreeSet};

use super::folder::{EventFile, Field, Shape};

/// The description of an event, ready to read bytes with.
pub(crate) struct Layout<'a> {
    fields: &'a [Field],
    shapes: BTreeMap<&'a str, &'a Shape>,
    seen: BTreeSet<(&'a str, u64)>,
}

impl<'a> Layout<'a> {
    pub(crate) fn new(file: &'a EventFile) -> Self {
        let shapes = file.shape.iter().map(|shape| (shape.name.as_str(), shape)).collect();
        Self { fields: &file.fields, shapes, seen: BTreeSet::new() }
    }

    /// Reads a payload to its last byte.
    pub(crate) fn walk(&mut self, bytes: &[u8]) -> Result<(), String> {
        let mut rest = bytes;
        self.fields(self.fields, &mut rest)?;
        if rest.is_empty() { Ok(()) } else { Err(format!("{} bytes are left over", rest.len())) }
    }

    /// Variants that no payload has shown.
    pub(crate) fn unseen(&self) -> Vec<String> {
        let variants = self.shapes.values().flat_map(|shape| {
            let variants = shape.variants.iter();
            variants.map(|variant| (shape.name.as_str(), variant))
        });
        variants
            .filter(|(shape, variant)| !self.seen.contains(&(*shape, variant.number)))
            .map(|(shape, variant)| format!("{shape}::{}", variant.name))
            .collect()
    }

    fn fields(&mut self, fields: &'a [Field], rest: &mut &[u8]) -> Result<(), String> {
        for field in fields {
            self.value(&field.kind, rest)
                .map_err(|problem| format!("{}: {problem}", field.name))?;
        }
        Ok(())
    }

    fn value(&mut self, kind: &str, rest: &mut &[u8]) -> Result<(), String> {
        if let Some(inner) = inside(kind, "Vec<") {
            for _ in 0..unsigned(rest)? {
                self.value(inner, rest)?;
            }
            return Ok(());
        }
        if let Some(inner) = inside(kind, "Option<") {
            return match take(rest, 1)?[0] {
                0 => Ok(()),
                1 => self.value(inner, rest),
                other => Err(format!("{other} is neither absent nor present")),
            };
        }
        if let Some(both) = kind.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')) {
            return both.split(", ").try_for_each(|part| self.value(part, rest));
        }
        match kind {
            "bool" => match take(rest, 1)?[0] {
                0 | 1 => Ok(()),
                other => Err(format!("{other} is no bool")),
            },
            // Signed numbers are folded onto unsigned ones of the same width.
            "u32" | "i32" => fits(unsigned(rest)?, u64::from(u32::MAX)),
            "u64" | "i64" => unsigned(rest).map(|_| ()),
            "[u8; 32]" => take(rest, 32).map(|_| ()),
            "String" => {
                let length = usize::try_from(unsigned(rest)?).map_err(|_| "too long")?;
                let text = take(rest, length)?;
                std::str::from_utf8(text).map(|_| ()).map_err(|_| "not UTF-8".to_owned())
            }
            shape => self.shape(shape, rest),
        }
    }

    fn shape(&mut self, name: &str, rest: &mut &[u8]) -> Result<(), String> {
        let shape = *self
            .shapes
            .get(name)
            .ok_or_else(|| format!("the file does not say what a {name} is"))?;
        if let Some(fields) = &shape.fields {
            return self.fields(fields, rest);
        }
        let number = unsigned(rest)?;
        let variant = shape
            .variants
            .iter()
            .find(|variant| variant.number == number)
            .ok_or_else(|| format!("{name} has no variant {number}"))?;
        self.seen.insert((shape.name.as_str(), number));
        self.fields(&variant.fields, rest)
    }
}

fn inside<'k>(kind: &'k str, prefix: &str) -> Option<&'k str> {
    kind.strip_prefix(prefix)?.strip_suffix('>')
}

fn fits(number: u64, largest: u64) -> Result<(), String> {
    if number <= largest { Ok(()) } else { Err(format!("{number} is too large")) }
}

fn take<'b>(rest: &mut &'b [u8], length: usize) -> Result<&'b [u8], String> {
    let (taken, left) = rest.split_at_checked(length).ok_or("the bytes end too early")?;
    *rest = left;
    Ok(taken)
}

/// An unsigned number: one byte below 251, else a byte that says how many follow.
fn unsigned(rest: &mut &[u8]) -> Result<u64, String> {
    let width = match take(rest, 1)?[0] {
        small @ 0..=250 => return Ok(u64::from(small)),
        251 => 2,
        252 => 4,
        253 => 8,
        other => return Err(format!("{other} begins no number")),
    };
    let mut bytes = [0; 8];
    bytes[..width].copy_from_slice(take(rest, width)?);
    Ok(u64::from_le_bytes(bytes))
}
