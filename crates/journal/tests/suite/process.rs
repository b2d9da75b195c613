//! Real processes: killed, out of space, without permission. A child is this test program again,
//! told by its environment what to do.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use lao_journal::{
    AppendError, BlobError, Blobs, CreateError, Journal, Options, Reader, StorageFailure,
};

use crate::support::{draft, drafts, expected, genesis, payloads};

/// Names the folder in which the child works.
const CHILD_DIR: &str = "LAO_JOURNAL_TEST_CHILD_DIR";

/// The child of `test`, started by `sh` after `setup`.
#[cfg(unix)]
fn child(test: &str, setup: &str, dir: &Path) -> Command {
    let mut command = Command::new("sh");
    let script = format!("{setup} exec \"$0\" --exact {test} --nocapture --ignored");
    command.arg("-c").arg(script).arg(std::env::current_exe().unwrap());
    command.env(CHILD_DIR, dir).stdout(Stdio::piped());
    command
}

/// Appends `count` records at a time and says so, until it is killed or an append fails.
#[expect(clippy::print_stdout, reason = "the parent reads it")]
fn append_for_ever(dir: &Path, count: u64) -> AppendError {
    let mut journal = Journal::create(dir, genesis(), &Options::default()).unwrap();
    for first in (1..).step_by(usize::try_from(count).unwrap()) {
        match journal.append(&drafts(first..=first + count - 1)) {
            Ok(ack) => println!("acknowledged {}", ack.last_seq),
            Err(error) => return error,
        }
    }
    unreachable!("the numbers do not end")
}

/// The last acknowledgement among the lines of a child.
fn acknowledged(line: &str) -> Option<u64> {
    line.strip_prefix("acknowledged ")?.parse().ok()
}

#[test]
#[ignore = "the child of a test"]
fn child_that_is_killed() {
    append_for_ever(Path::new(&std::env::var_os(CHILD_DIR).unwrap()), 1);
}

#[cfg(unix)]
#[test]
fn a_killed_process_loses_nothing_that_it_acknowledged() {
    for lines in [1, 20, 60] {
        let dir = tempfile::tempdir().unwrap();
        let mut process = child("process::child_that_is_killed", "", dir.path()).spawn().unwrap();
        let output = BufReader::new(process.stdout.take().unwrap());
        let mut output = output.lines().map_while(Result::ok);
        let last = output.by_ref().filter_map(|line| acknowledged(&line)).nth(lines - 1).unwrap();
        process.kill().unwrap();
        process.wait().unwrap();
        let last = output.filter_map(|line| acknowledged(&line)).last().unwrap_or(last);

        let reader = Reader::open(dir.path(), &Options::default()).unwrap();
        let head = reader.verify().unwrap();
        assert!(head.seq >= last, "{last} were acknowledged, {} are there", head.seq);
        assert!(head.seq <= last + 1, "one append was under way at most");
        drop(reader);
        let journal = Journal::open(dir.path(), &Options::default()).unwrap();
        assert_eq!(journal.head(), head);
        assert_eq!(payloads(&journal), expected(head.seq));
    }
}

#[test]
#[ignore = "the child of a test"]
fn child_that_runs_out_of_space() {
    let error = append_for_ever(Path::new(&std::env::var_os(CHILD_DIR).unwrap()), 200);
    assert!(matches!(error, AppendError::Storage(StorageFailure::DiskFull { .. })), "{error:?}");
    println!("out of space");
}

#[cfg(unix)]
#[test]
fn a_full_disk_is_told_apart_and_loses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    // A limit of the file's size stands for the disk; without the trap its signal would kill.
    let setup = "trap '' XFSZ; ulimit -f 2200;";
    let output =
        child("process::child_that_runs_out_of_space", setup, dir.path()).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("out of space"), "{text}");
    let last = text.lines().filter_map(acknowledged).next_back().unwrap();
    let mut journal = Journal::open(dir.path(), &Options::default()).unwrap();
    assert_eq!(payloads(&journal), expected(last));
    journal.append(&[draft(last + 1)]).unwrap();
}

#[cfg(unix)]
#[test]
fn a_folder_without_permission_is_told_apart() {
    use std::os::unix::fs::PermissionsExt;

    let dir = tempfile::tempdir().unwrap();
    std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o555)).unwrap();
    if std::fs::write(dir.path().join("probe"), b"").is_ok() {
        println!("skipped: this user may write everywhere");
        return;
    }
    let created = Journal::create(dir.path(), genesis(), &Options::default());
    let refused = created.err().unwrap();
    assert!(matches!(refused, CreateError::Storage(StorageFailure::ReadOnly { .. })));
    let refused = Blobs::open(&dir.path().join("blobs")).unwrap_err();
    assert!(matches!(refused, BlobError::Storage(StorageFailure::ReadOnly { .. })));
}
