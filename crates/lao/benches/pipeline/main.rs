//! What a task costs: the real binary, as a child process, against a server that answers at once.
//!
//! ```text
//!   plan of N tasks --> lao run --once (child) --HTTP--> server (threads of this process)
//!                         |-- CPU, wall, peak memory of the child alone
//!                         '-- commits and bytes of its journal
//!   the same number of raw appends and syncs, of raw file writes: the disk's share
//! ```
//!
//! `cargo bench --bench pipeline`; `cargo bench --bench pipeline -- 10 100` for other sizes, `--
//! workflows` for workflows alone.
//! `LAO_BENCH_FOLDER=/dev/shm` leaves the disk out of it.
//! `LAO_BENCH_UNDER="perf record -g -o /tmp/perf.data"` profiles the runs.
//! Processor time and ratios hold on a busy machine; wall times do not.

#![expect(clippy::print_stdout, reason = "a benchmark prints its result")]
#![expect(clippy::cast_precision_loss, reason = "figures for people")]

mod disk;
mod process;
mod project;
mod server;
mod workflows;

use std::time::Duration;

use process::Spent;
use project::{Git, JournalFacts, Project};
use server::Server;

/// Tasks of the plans.
const SIZES: [usize; 3] = [10, 100, 1000];
/// How often a plan of a size is run; the median counts.
const TASKS_PER_SIZE: usize = 100;
/// The most runs of one size.
const RUNS_MAX: usize = 5;
/// How often the short commands are started.
const STARTS: usize = 100;
/// How long a slow answer takes.
const SLOW_ANSWER: Duration = Duration::from_millis(200);
/// Runs of the project that is listed.
const RUNS: usize = 10_000;
/// Tasks of the plan with slow answers.
const SLOW_TASKS: usize = 16;
/// Model calls of a task.
const CALLS_PER_TASK: usize = 3;

fn main() {
    let asked: Vec<usize> = std::env::args().filter_map(|word| word.parse().ok()).collect();
    let sizes = if asked.is_empty() { SIZES.to_vec() } else { asked };
    let server = Server::start();
    workflows::chains(server.base_url());
    workflows::folder(server.base_url());
    if std::env::args().any(|word| word == "workflows") {
        return;
    }
    for git in [Git::Off, Git::On] {
        pipeline(&server, git, &sizes);
    }
    starts(&server, &sizes);
    listing(&server);
    parallel(&server);
}

/// One run of a plan, with all that is known of it.
struct Measured {
    tasks: usize,
    spent: Spent,
    journal: JournalFacts,
    raw_syncs: Duration,
    raw_writes: Duration,
    prompt_bytes: (usize, usize),
}

impl Measured {
    fn run(server: &Server, git: Git, tasks: usize) -> Self {
        let project = Project::new(server.base_url(), git, 1);
        project.plan(tasks);
        server.forget();
        let spent = project.run();
        let prompts = server.coder_prompts();
        assert_eq!(prompts.len(), tasks, "every task was coded");
        assert_eq!(project.parts(), tasks, "every task wrote its file");
        let journal = project.journal();
        let record_bytes = journal.record_bytes / journal.commits.max(1);
        Self {
            tasks,
            spent,
            raw_syncs: disk::appends(project.root(), journal.commits, record_bytes),
            raw_writes: disk::files(project.root(), tasks, server::PART_BYTES),
            journal,
            prompt_bytes: (
                prompts.iter().copied().min().unwrap_or(0),
                prompts.iter().copied().max().unwrap_or(0),
            ),
        }
    }

    fn cpu_ms(&self) -> f64 {
        ms(self.spent.user + self.spent.system)
    }

    fn per_task(&self, value: f64) -> f64 {
        value / self.tasks as f64
    }

    fn print(&self) {
        let wall = ms(self.spent.wall);
        let disk = ms(self.raw_syncs + self.raw_writes);
        println!(
            "  {:>5} tasks | CPU {:>6.2} ms ({:.2} user, {:.2} system) | wall {:>6.2} ms = {:>4.1} x \
             disk {:>5.2} ms | {:>4.1} commits, {:>4.1} events, {:>6.0} bytes of records, {:>6.0} of \
             file | peak {:>5.1} MB | prompt {} to {} bytes",
            self.tasks,
            self.per_task(self.cpu_ms()),
            self.per_task(ms(self.spent.user)),
            self.per_task(ms(self.spent.system)),
            self.per_task(wall),
            wall / disk,
            self.per_task(disk),
            self.per_task(self.journal.commits as f64),
            self.per_task(self.journal.events as f64),
            self.per_task(self.journal.record_bytes as f64),
            self.per_task(self.journal.file_bytes as f64),
            self.spent.peak_bytes as f64 / 1e6,
            self.prompt_bytes.0,
            self.prompt_bytes.1,
        );
    }
}

/// Plans of each size; a task's share of each figure.
fn pipeline(server: &Server, git: Git, sizes: &[usize]) {
    println!(
        "\n{CALLS_PER_TASK} model calls and one file for each task, git {git}; for each task:"
    );
    let mut medians: Vec<Measured> = Vec::new();
    for &tasks in sizes {
        let times = (TASKS_PER_SIZE / tasks.max(1)).clamp(1, RUNS_MAX);
        let mut runs: Vec<_> = (0..times).map(|_| Measured::run(server, git, tasks)).collect();
        runs.sort_by(|a, b| a.cpu_ms().total_cmp(&b.cpu_ms()));
        let median = runs.swap_remove(times / 2);
        median.print();
        medians.push(median);
    }
    for pair in medians.windows(2) {
        let [small, large] = pair else { unreachable!("windows of two") };
        let added = (large.tasks - small.tasks) as f64;
        let ratio =
            |of: fn(&Measured) -> f64| large.per_task(of(large)) / small.per_task(of(small));
        println!(
            "  {} -> {}: CPU of each task more {:.2} ms; a task's share grows: CPU {:.2} x, wall \
             {:.2} x, commits {:.2} x, records {:.2} x",
            small.tasks,
            large.tasks,
            (large.cpu_ms() - small.cpu_ms()) / added,
            ratio(Measured::cpu_ms),
            ratio(|it| ms(it.spent.wall)),
            ratio(|it| it.journal.commits as f64),
            ratio(|it| it.journal.record_bytes as f64),
        );
    }
}

/// The short commands, as a person waits for them.
fn starts(server: &Server, sizes: &[usize]) {
    println!("\nmedian of {STARTS} starts:");
    let project = Project::new(server.base_url(), Git::Off, 1);
    print_starts("true (an empty program)", &project, "true", &[]);
    let lao = project::LAO;
    print_starts("lao --version", &project, lao, &["--version"]);
    for &tasks in sizes {
        let project = Project::new(server.base_url(), Git::Off, 1);
        project.plan(tasks);
        project.run();
        print_starts(&format!("lao status, {tasks} tasks"), &project, lao, &["status"]);
    }
}

/// Listings of a project with many runs that have ended.
fn listing(server: &Server) {
    println!("\nmedian of {STARTS} starts, {RUNS} runs:");
    let project = Project::new(server.base_url(), Git::Off, 1);
    project.plan(1);
    project.run();
    project.copy_run(RUNS);
    print_starts("lao runs", &project, project::LAO, &["runs"]);
    print_starts("lao runs --all", &project, project::LAO, &["runs", "--all"]);
    print_starts("lao status", &project, project::LAO, &["status"]);
}

fn print_starts(name: &str, project: &Project, program: &str, arguments: &[&str]) {
    let mut runs: Vec<Spent> = (0..STARTS).map(|_| project.start(program, arguments)).collect();
    runs.sort_by_key(|run| run.wall);
    let wall = ms(runs[STARTS / 2].wall);
    let (fast, slow) = (ms(runs[STARTS / 20].wall), ms(runs[STARTS * 19 / 20].wall));
    runs.sort_by_key(|run| run.user + run.system);
    let cpu = ms(runs[STARTS / 2].user + runs[STARTS / 2].system);
    println!("  {name:<28} wall {wall:>6.2} ms ({fast:.2} to {slow:.2}), CPU {cpu:>6.2} ms");
}

/// Independent tasks at slow answers: one at a time, four at a time.
fn parallel(server: &Server) {
    let slow = SLOW_ANSWER.as_millis();
    println!("\n{SLOW_TASKS} tasks, answers of {slow} ms:");
    server.set_delay(SLOW_ANSWER);
    let [one, four] = [1, 4].map(|permits| {
        let project = Project::new(server.base_url(), Git::Off, permits);
        project.plan(SLOW_TASKS);
        server.forget();
        let spent = project.run();
        let at_once = server.most_at_once();
        let calls = 1 + (SLOW_TASKS * CALLS_PER_TASK).div_ceil(permits);
        let ideal = SLOW_ANSWER * u32::try_from(calls).expect("few calls");
        println!(
            "  {permits} permits: wall {:>7.1} ms = {:.3} x the answers alone ({:.0} ms), {at_once} \
             at once",
            ms(spent.wall),
            ms(spent.wall) / ms(ideal),
            ms(ideal)
        );
        spent.wall
    });
    server.set_delay(Duration::ZERO);
    println!("  four at a time are {:.2} x as fast", ms(one) / ms(four));
}

fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}
