//! Files that may still grow, and when each is to be looked at again. Pure: time comes in.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::Duration,
};

/// How many times longer an empty file must stand still: most are about to be filled.
const EMPTY_TIMES: u32 = 10;

/// What tells whether a file grew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Facts {
    pub(super) size_bytes: u64,
    pub(super) modified_ms: i64,
}

#[derive(Debug)]
struct Pending {
    facts: Facts,
    /// Since when they are so.
    since: Duration,
    /// When it is to be looked at, and its place among those of the same moment.
    due: (Duration, u64),
}

/// Files that were seen and have not stood still long enough.
#[derive(Debug)]
pub(super) struct Settling {
    settle: Duration,
    files: BTreeMap<PathBuf, Pending>,
    due: BTreeMap<(Duration, u64), PathBuf>,
    count: u64,
}

impl Settling {
    pub(super) fn new(settle: Duration) -> Self {
        Self { settle, files: BTreeMap::new(), due: BTreeMap::new(), count: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.files.len()
    }

    /// When the next file is to be looked at.
    pub(super) fn next_due(&self) -> Option<Duration> {
        self.due.first_key_value().map(|((due, _), _)| *due)
    }

    /// Files that are to be looked at now, in the order in which they came.
    pub(super) fn take_due(&mut self, now: Duration, files_max: usize) -> Vec<PathBuf> {
        let mut paths = Vec::new();
        while paths.len() < files_max
            && let Some(entry) = self.due.first_entry()
            && entry.key().0 <= now
        {
            paths.push(entry.remove());
        }
        paths
    }

    /// A file was looked at: it is like `facts`, or not there (or known) where `None`. What it is
    /// once it has stood still long enough, and then it is settling no more.
    pub(super) fn look(
        &mut self,
        path: &Path,
        facts: Option<Facts>,
        now: Duration,
    ) -> Option<Facts> {
        let before = self.files.remove(path);
        if let Some(pending) = &before {
            self.due.remove(&pending.due);
        }
        let facts = facts?;
        let since = before.as_ref().filter(|pending| pending.facts == facts);
        let since = since.map_or(now, |pending| pending.since);
        let due =
            since + if facts.size_bytes == 0 { self.settle * EMPTY_TIMES } else { self.settle };
        if before.is_some() && due <= now {
            return Some(facts);
        }
        let place = before.map_or(self.count, |pending| pending.due.1);
        self.count += 1;
        let due = (due, place);
        self.due.insert(due, path.to_path_buf());
        self.files.insert(path.to_path_buf(), Pending { facts, since, due });
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SETTLE: Duration = Duration::from_secs(2);

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    /// In the form in which looking gives it.
    const fn facts(size_bytes: u64, modified_ms: i64) -> Facts {
        Facts { size_bytes, modified_ms }
    }

    fn due(settling: &mut Settling, seconds: u64) -> Vec<String> {
        let paths = settling.take_due(at(seconds), 10);
        paths.iter().map(|path| path.display().to_string()).collect()
    }

    #[test]
    fn a_file_is_taken_once_it_has_stood_still() {
        let mut settling = Settling::new(SETTLE);
        let file = Path::new("a");
        assert_eq!(settling.look(file, Some(facts(1, 0)), at(0)), None);
        assert_eq!(settling.look(file, Some(facts(5, 0)), at(1)), None, "it grew");
        assert_eq!(settling.next_due(), Some(at(3)));
        assert!(due(&mut settling, 2).is_empty());
        assert_eq!(due(&mut settling, 3), ["a"]);
        assert_eq!(settling.look(file, Some(facts(5, 9)), at(3)), None, "it was written again");
        assert_eq!(settling.look(file, Some(facts(5, 9)), at(4)), None, "a second is too short");
        assert_eq!(due(&mut settling, 5), ["a"]);
        assert_eq!(settling.look(file, Some(facts(5, 9)), at(5)), Some(facts(5, 9)));
        assert_eq!((settling.len(), settling.next_due()), (0, None));
    }

    #[test]
    fn an_empty_file_waits_ten_times_as_long_or_for_content() {
        let mut settling = Settling::new(SETTLE);
        let (empty, filled) = (Path::new("empty"), Path::new("filled"));
        settling.look(empty, Some(facts(0, 0)), at(0));
        settling.look(filled, Some(facts(0, 0)), at(0));
        assert!(due(&mut settling, 19).is_empty());
        settling.look(filled, Some(facts(7, 5)), at(5));
        assert_eq!(due(&mut settling, 7), ["filled"]);
        assert_eq!(settling.look(filled, Some(facts(7, 5)), at(7)), Some(facts(7, 5)));
        assert_eq!(due(&mut settling, 20), ["empty"]);
        assert_eq!(settling.look(empty, Some(facts(0, 0)), at(20)), Some(facts(0, 0)));
    }

    #[test]
    fn a_file_that_goes_is_forgotten() {
        let mut settling = Settling::new(SETTLE);
        settling.look(Path::new("a"), Some(facts(1, 0)), at(0));
        assert_eq!(settling.look(Path::new("a"), None, at(1)), None);
        assert_eq!((settling.len(), settling.next_due()), (0, None));
        settling.look(Path::new("a"), Some(facts(1, 0)), at(3));
        assert_eq!(settling.next_due(), Some(at(5)), "it begins anew");
    }

    #[test]
    fn files_of_one_moment_stay_in_order() {
        let mut settling = Settling::new(SETTLE);
        for name in ["c", "a", "b"] {
            settling.look(Path::new(name), Some(facts(1, 0)), at(0));
        }
        assert_eq!(settling.take_due(at(2), 2), [Path::new("c"), Path::new("a")]);
        assert_eq!(settling.take_due(at(2), 2), [Path::new("b")]);
        assert_eq!(settling.len(), 3, "they are settling until they were looked at");
    }
}
