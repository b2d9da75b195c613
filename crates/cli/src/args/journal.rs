//! Arguments of the commands that look after what runs leave behind: `journal`, `prune`, `pin` and
//! `unpin`.

use std::{path::PathBuf, str::FromStr};

use clap::{Args, Subcommand, ValueEnum};

use super::RunSelector;

const JOURNAL_HELP: &str = "\
Examples:
  lao journal check                 does every run open, and is its end what it says
  lao journal check x7k2q --deep    every byte of one
  lao journal repair x7k2q          keep all of a damaged one that is proven

Next: docs/journal.md describes the file.";

/// `lao journal`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(after_help = JOURNAL_HELP)]
pub struct JournalArgs {
    /// What to do with the journals.
    #[command(subcommand)]
    pub command: JournalCommand,
}

/// What can be done with journals.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum JournalCommand {
    /// Check that journals can be relied on: opening, end, seal; or every byte
    Check(JournalCheckArgs),
    /// Keep all that is proven of a damaged journal, and say what is lost
    Repair(JournalRepairArgs),
    /// Copy a run, also while it goes on
    Backup(JournalBackupArgs),
    /// Count events, bytes and blobs
    Stats(JournalStatsArgs),
    /// Make a journal's file as small as its records
    Compact(JournalCompactArgs),
    /// Remove blobs that no run names
    Gc(JournalGcArgs),
}

const JOURNAL_CHECK_HELP: &str = "\
Examples:
  lao journal check                 every run of the project
  lao journal check x7k2q           one
  lao journal check last --deep     the whole chain, the store, every blob
  lao journal check /media/backup   the runs of a backup

Nothing is written. It ends with 8 when a journal is damaged or newer than this program.
Next: what it says under `hint`.";

/// `lao journal check`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(after_help = JOURNAL_CHECK_HELP)]
pub struct JournalCheckArgs {
    /// The runs: ids, unique beginnings, last parts, `last`, or backups; without any, every run
    #[arg(value_name = "RUN")]
    pub runs: Vec<RunSelector>,
    /// Prove every record, the store's own structure, every blob, and that the events make sense
    #[arg(long)]
    pub deep: bool,
}

const JOURNAL_REPAIR_HELP: &str = "\
Example:
  lao journal repair x7k2q

The damaged file is kept beside the new one, as journal.redb.damaged-1, and never changed.
Next: `lao resume RUN` goes on from the last event that was kept.";

/// `lao journal repair`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(after_help = JOURNAL_REPAIR_HELP)]
pub struct JournalRepairArgs {
    /// The run: its id, a unique beginning, its last part, or `last`
    #[arg(value_name = "RUN")]
    pub run: RunSelector,
}

const JOURNAL_BACKUP_HELP: &str = "\
Examples:
  lao journal backup last /media/backup    the newest run, with its blobs
  lao log /media/backup                    look into it: a backup stands wherever a RUN may
  cp -r /media/backup/. .lao/              restore it

Every event and blob is proven on the way. Several runs may go into one folder.
Next: `lao journal check DIR --deep`.";

/// `lao journal backup`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(after_help = JOURNAL_BACKUP_HELP)]
pub struct JournalBackupArgs {
    /// The run: its id, a unique beginning, its last part, or `last`
    #[arg(value_name = "RUN")]
    pub run: RunSelector,
    /// The folder of the backup, which is made if it is not there
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,
}

const JOURNAL_STATS_HELP: &str = "\
Examples:
  lao journal stats          all runs, and their totals
  lao journal stats x7k2q    one, by type of event

Next: `lao journal compact RUN` where the file is much longer than its events.";

/// `lao journal stats`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(after_help = JOURNAL_STATS_HELP)]
pub struct JournalStatsArgs {
    /// The run: its id, a unique beginning, its last part, `last`, or a backup; without it, all
    #[arg(value_name = "RUN")]
    pub run: Option<RunSelector>,
}

const JOURNAL_COMPACT_HELP: &str = "\
Example:
  lao journal compact x7k2q

All records are proven and written anew; a crash leaves the old file or the new one.
Next: `lao journal stats RUN` shows the sizes.";

/// `lao journal compact`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(after_help = JOURNAL_COMPACT_HELP)]
pub struct JournalCompactArgs {
    /// The run: its id, a unique beginning, its last part, or `last`
    #[arg(value_name = "RUN")]
    pub run: RunSelector,
}

const JOURNAL_GC_HELP: &str = "\
Examples:
  lao journal gc          say what would go
  lao journal gc --yes    remove it

A blob goes if no run names it and nobody stored it within a day. What a journal that cannot be read
may name stays.
Next: `lao prune` removes whole runs, and their blobs with them.";

/// `lao journal gc`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(after_help = JOURNAL_GC_HELP)]
pub struct JournalGcArgs {
    /// Remove; without it, only say what would go
    #[arg(short, long)]
    pub yes: bool,
}

const PRUNE_HELP: &str = "\
Examples:
  lao prune --older-than 30                say which runs ended more than 30 days ago
  lao prune --keep 50 --yes                remove all but the newest 50
  lao prune --max-bytes 5GiB --yes         remove the oldest until that much is left
  lao prune --keep 0 --status failed       failed ones too, which are kept otherwise

A run goes when one of the limits says so. One that can be resumed, or that a process works on, never
goes; pinned and failed ones go only when they are named. Without a limit, [journal] in lao.toml counts.
Next: `lao pin RUN` for what should stay.";

/// `lao prune`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(after_help = PRUNE_HELP)]
pub struct PruneArgs {
    /// Remove runs that ended more than DAYS ago
    #[arg(long, value_name = "DAYS")]
    pub older_than: Option<u64>,
    /// Remove all but the newest N
    #[arg(long, value_name = "N")]
    pub keep: Option<u64>,
    /// Remove the oldest until runs and blobs have at most SIZE: bytes, or as in 500MiB, 5GiB
    #[arg(long, value_name = "SIZE")]
    pub max_bytes: Option<Size>,
    /// Remove runs of this state only; repeatable; unless given, succeeded and cancelled ones
    #[arg(long, value_name = "STATUS", value_enum)]
    pub status: Vec<PruneStatus>,
    /// Remove pinned runs too
    #[arg(long)]
    pub pinned: bool,
    /// Remove; without it, only say what would go
    #[arg(short, long)]
    pub yes: bool,
}

/// The states of runs that may be removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PruneStatus {
    /// All of it was done.
    Succeeded,
    /// It ended with failed steps.
    Failed,
    /// It was ended for good.
    Cancelled,
    /// Its journal cannot be read.
    Unreadable,
}

/// A number of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size(pub u64);

/// A text is no size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected a number of bytes, as in `1048576`, `500MiB` or `5GiB`")]
pub struct SizeError;

impl FromStr for Size {
    type Err = SizeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const UNITS: [(&str, u64); 4] =
            [("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("TiB", 1 << 40)];
        let unit = UNITS.iter().find_map(|(name, bytes)| Some((text.strip_suffix(name)?, *bytes)));
        let (number, unit) = unit.unwrap_or((text, 1));
        let number: u64 = number.trim_end().parse().map_err(|_not_a_number| SizeError)?;
        number.checked_mul(unit).map(Self).ok_or(SizeError)
    }
}

const PIN_HELP: &str = "\
Example:
  lao pin x7k2q

Next: `lao unpin RUN` takes it back.";

const UNPIN_HELP: &str = "\
Example:
  lao unpin x7k2q

Next: `lao prune` may remove it from now on.";

/// `lao pin`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(after_help = PIN_HELP)]
pub struct PinArgs {
    /// The run: its id, a unique beginning, its last part, or `last`
    #[arg(value_name = "RUN")]
    pub run: RunSelector,
}

/// `lao unpin`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(after_help = UNPIN_HELP)]
pub struct UnpinArgs {
    /// The run: its id, a unique beginning, its last part, or `last`
    #[arg(value_name = "RUN")]
    pub run: RunSelector,
}

#[cfg(test)]
mod tests {
    use super::{Size, SizeError};

    #[test]
    fn sizes_have_units_or_none() {
        for (text, bytes) in
            [("0", 0), ("1048576", 1 << 20), ("500MiB", 500 << 20), ("5 GiB", 5 << 30)]
        {
            assert_eq!(text.parse(), Ok(Size(bytes)), "{text}");
        }
        for text in ["", "5GB", "-1", "1.5GiB", "MiB", "99999999TiB"] {
            assert_eq!(text.parse::<Size>(), Err(SizeError), "{text}");
        }
    }
}
