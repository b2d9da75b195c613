//! From `LAO_ROLES__CODER__MODEL` to `roles.coder.model`.
//!
//! Two underscores separate the parts of a key; letters become lowercase. A `-` in an
//! endpoint's name, which a shell does not allow in a variable, is written `_`. A variable
//! with no text counts as not set.

use lao_event::Role;

use crate::layer::Draft;
use crate::nearest::nearest;
use crate::problem::Fault;
use crate::schema;
use crate::source::Source;

const PREFIX: &str = "LAO_";
const SEPARATOR: &str = "__";

/// Reads the variables that stand for settings, in the order of their names.
pub(crate) fn read(draft: &mut Draft, variables: &[(String, String)]) {
    let mut ours: Vec<_> = variables
        .iter()
        .filter_map(|(variable, value)| Some((variable, variable.strip_prefix(PREFIX)?, value)))
        .filter(|(_, _, value)| !value.is_empty())
        .collect();
    ours.sort();
    for (variable, rest, value) in ours {
        let source = Source::Environment { variable: variable.clone() };
        if rest.contains(SEPARATOR) {
            let lowercase = rest.to_ascii_lowercase();
            let mut path: Vec<_> = lowercase.split(SEPARATOR).map(str::to_owned).collect();
            restore_dashes(draft, &mut path);
            let path: Vec<_> = path.iter().map(String::as_str).collect();
            draft.set_line(&path, value, source);
        } else if let Some(meant) = meant(rest) {
            let nearest = Some(meant);
            draft.push(source, String::new(), Fault::NotASetting { nearest });
        }
    }
}

/// An endpoint named `my-box` in a file is meant by `MY_BOX`.
fn restore_dashes(draft: &Draft, path: &mut [String]) {
    let [section, name, ..] = path else { return };
    if section != "endpoints" || draft.endpoints.contains_key(name) {
        return;
    }
    let known = draft.endpoints.keys().find(|known| known.replace('-', "_") == *name);
    if let Some(known) = known {
        name.clone_from(known);
    }
}

/// Variables without the separator are not settings and may be anybody's; but one that
/// begins with a section's name was meant as one.
fn meant(rest: &str) -> Option<String> {
    let lowercase = rest.to_ascii_lowercase();
    let (section, _) = lowercase.split_once('_')?;
    if !schema::is_section(&[section]) {
        return None;
    }
    let all: Vec<String> = schema::KEYS
        .iter()
        .flat_map(|key| match key.section() {
            "roles.*" => Role::ALL.map(|role| key.path.replace('*', role.name())).to_vec(),
            _ => vec![key.path.replace('*', "name")],
        })
        .map(|path| path.replace('.', SEPARATOR))
        .collect();
    let like = nearest(&lowercase, all.iter().map(String::as_str));
    let example = like.unwrap_or("section__key");
    Some(format!("{PREFIX}{}", example.to_ascii_uppercase()))
}
