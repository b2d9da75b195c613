//! `on`: what starts a workflow by itself.

use lao_event::Template;

use super::Uses;
use super::reader::{Fields, Reader};
use super::table::{MANUAL, ON, SCHEDULE, WATCH};
use super::yaml::{Is, Node};

/// What starts a workflow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trigger {
    /// A file that appears in a folder.
    Watch(Watch),
    /// A moment.
    Schedule(Schedule),
    /// A person; so can every workflow be started.
    Manual,
}

/// Files that appear in a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watch {
    /// The folder; it uses inputs only.
    pub path: Template,
    /// Patterns of file names; all files where empty.
    pub matches: Vec<String>,
    /// How long a file must not grow before it is taken, in milliseconds.
    pub settle_ms: u64,
    /// The most runs at the same time; at least 1.
    pub concurrency: u32,
    /// Files that are there when the folder is watched for the first time are taken too.
    pub existing: bool,
    /// Folders inside are watched too.
    pub recursive: bool,
}

/// Moments at which a workflow starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    /// Five fields, or six with seconds before; checked for their number and letters only.
    pub cron: String,
    /// The time zone by its name; the machine's where missing.
    pub zone: Option<String>,
    /// What is made up for.
    pub missed: Missed,
    /// It starts even if the last run still goes on.
    pub overlap: bool,
}

/// What happens about moments that passed while the program was not running.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Missed {
    /// Nothing.
    Skip,
    /// One run for all of them.
    #[default]
    Once,
    /// One run for each.
    All,
}

pub(crate) const SETTLE_MS: u64 = 2000;

pub(crate) fn read<'r>(node: &'r Node, reader: &mut Reader<'r, '_>) -> (Vec<Trigger>, Uses<'r>) {
    let mut triggers = Vec::new();
    let Some(mut fields) = reader.fields(node, &ON) else { return (triggers, Uses::new()) };
    for item in several(fields.node("watch")) {
        triggers.extend(reader.fields(item, &WATCH).map(|fields| Trigger::Watch(watch(fields))));
    }
    for item in several(fields.node("schedule")) {
        let fields = reader.fields(item, &SCHEDULE);
        triggers.extend(fields.and_then(|fields| schedule(fields, reader)).map(Trigger::Schedule));
    }
    if let Some(item) = fields.node("manual") {
        triggers.extend(reader.fields(item, &MANUAL).map(|_| Trigger::Manual));
    }
    (triggers, std::mem::take(&mut reader.uses))
}

fn several(node: Option<&Node>) -> &[Node] {
    match node {
        Some(Node { is: Is::List(items), .. }) => items,
        Some(node) => std::slice::from_ref(node),
        None => &[],
    }
}

fn watch(mut fields: Fields<'_>) -> Watch {
    Watch {
        path: fields.template("path").unwrap_or_default(),
        matches: fields.texts("match").into_iter().map(|(text, _)| text).collect(),
        settle_ms: fields.count("settle_ms").unwrap_or(SETTLE_MS),
        concurrency: fields.small("concurrency").unwrap_or(1),
        existing: fields.choice_flag("existing").unwrap_or(true),
        recursive: fields.flag("recursive"),
    }
}

fn schedule(mut fields: Fields<'_>, reader: &mut Reader<'_, '_>) -> Option<Schedule> {
    let at = fields.place("cron").unwrap_or(fields.at);
    let cron = fields.text("cron")?;
    if let Some(message) = cron_fault(&cron) {
        let hint = "write minute, hour, day, month, weekday, as in `0 7 * * mon-fri`".to_owned();
        reader.problem(at, message, Some(hint));
    }
    Some(Schedule {
        cron,
        zone: fields.text("zone"),
        missed: match fields.choice("missed") {
            Some("skip") => Missed::Skip,
            Some("all") => Missed::All,
            Some(_) | None => Missed::Once,
        },
        overlap: fields.flag("overlap"),
    })
}

/// What is wrong with a cron text by its form; whether its numbers are in range is found out
/// where it is used.
fn cron_fault(cron: &str) -> Option<String> {
    if let Some(name) = cron.strip_prefix('@') {
        let known = ["yearly", "annually", "monthly", "weekly", "daily", "midnight", "hourly"];
        return (!known.contains(&name)).then(|| format!("there is no schedule `@{name}`"));
    }
    let fields: Vec<&str> = cron.split_whitespace().collect();
    if !(5..=6).contains(&fields.len()) {
        return Some(format!("a schedule has five or six fields, here are {}", fields.len()));
    }
    let is_known = |letter: char| letter.is_ascii_alphanumeric() || "*,-/?#".contains(letter);
    let bad = fields.iter().find(|field| !field.chars().all(is_known))?;
    Some(format!("`{bad}` is no field of a schedule"))
}
