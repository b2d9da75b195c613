//! What a step of a workflow costs, and a file that is dropped into a watched folder.

use std::time::Duration;

use crate::{
    disk, ms,
    process::Spent,
    project::{Git, JournalFacts, LAO, Project},
};

/// Steps of the chains.
const CHAINS: [usize; 3] = [100, 1000, 10_000];
/// Files that are in the watched folder at once.
const DROPPED: usize = 1000;
/// Bytes of a dropped file.
const DROPPED_BYTES: usize = 16;

/// The trivial steps that chains are made of.
const KINDS: [(&str, &str); 2] = [
    ("reads a small file", "read: small.txt"),
    ("asserts (the kernel's own work)", "assert: \"true\""),
];

/// Chains of trivial steps, each step after the one before it.
pub(crate) fn chains(base_url: &str) {
    for (name, step) in KINDS {
        println!("\na chain whose every step {name}; for each step:");
        for steps in CHAINS {
            let project = Project::new(base_url, Git::Off, 1);
            project.write("small.txt", "a few words\n");
            project.write("chain.yaml", &chain(steps, step));
            let spent = project.start(LAO, &["run", "chain.yaml", "--quiet"]);
            print_share("steps", steps, &project, &spent);
        }
    }
}

/// A workflow of so many steps.
fn chain(steps: usize, step: &str) -> String {
    let one = |number: usize| match number.checked_sub(1) {
        None => format!("  - id: s{number}\n    {step}\n"),
        Some(before) => format!("  - id: s{number}\n    {step}\n    needs: [s{before}]\n"),
    };
    let steps: Vec<String> = (0..steps).map(one).collect();
    format!("name: chain\nsteps:\n{}", steps.concat())
}

/// Many files that lie in a watched folder at once, a run for each.
pub(crate) fn folder(base_url: &str) {
    println!("\n{DROPPED} files in a watched folder, each read and saved by a run of its own:");
    for concurrency in [1, 4] {
        let project = Project::new(base_url, Git::Off, 1);
        project.write("copy.yaml", &copying(concurrency));
        for number in 0..DROPPED {
            let text = format!("{number:0width$}\n", width = DROPPED_BYTES - 1);
            project.write(&format!("inbox/{number}.txt"), &text);
        }
        let spent = project.start(LAO, &["watch", "copy.yaml", "--once", "--quiet"]);
        assert_eq!(project.files("saved"), DROPPED, "every file was taken");
        print!("  {concurrency} at a time |");
        print_share("files", DROPPED, &project, &spent);
    }
}

fn copying(concurrency: usize) -> String {
    format!(
        "name: copy\non:\n  watch: {{ path: inbox, match: [\"*.txt\"], settle_ms: 100, concurrency: \
         {concurrency} }}\nsteps:\n  - id: text\n    read: ${{{{ trigger.path }}}}\n  - id: save\n    \
         write: {{ path: \"saved/${{{{ trigger.name }}}}\", text: \"${{{{ steps.text.output }}}}\" }}\n"
    )
}

/// A part's share of what all of it took, beside as many appends and syncs with nothing around
/// them as the journals had commits.
fn print_share(parts: &str, count: usize, project: &Project, spent: &Spent) {
    let JournalFacts { events, commits, record_bytes, .. } = project.journals();
    let raw = disk::appends(project.root(), commits, record_bytes / commits.max(1));
    let share = |of: f64| of / count as f64;
    let commit = ms(raw) / commits as f64;
    let wall = share(ms(spent.wall));
    println!(
        "  {count:>5} {parts} | CPU {:>7.3} ms | wall {wall:>7.3} ms = {:>5.2} x a raw append and sync \
         ({commit:.3} ms) | {:>5.3} commits, {:>5.2} events, {:>6.0} bytes of records | peak {:>5.1} MB",
        share(ms(cpu(spent))),
        wall / commit,
        share(commits as f64),
        share(events as f64),
        share(record_bytes as f64),
        spent.peak_bytes as f64 / 1e6,
    );
}

fn cpu(spent: &Spent) -> Duration {
    spent.user + spent.system
}
