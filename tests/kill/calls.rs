//! A process that is killed at one of the calls by which it changes files: the tracer counts them,
//! and ends the process when it is about to make the one that is meant. So no moment between two
//! changes is left to luck.

use std::{
    collections::BTreeMap,
    ops::ControlFlow,
    os::unix::process::CommandExt,
    process::{Child, Command, Stdio},
};

use nix::{
    errno::Errno,
    libc::{
        SYS_fdatasync, SYS_fsync, SYS_ftruncate, SYS_linkat, SYS_mkdirat, SYS_pwrite64,
        SYS_renameat, SYS_renameat2, SYS_unlinkat, c_long,
    },
    sys::{
        ptrace::{self, Options},
        signal::{Signal, kill},
        wait::{WaitPidFlag, WaitStatus, waitpid},
    },
    unistd::Pid,
};

use super::super::support::sandbox::Sandbox;

/// Calls that change files, as they are named on this machine.
const CHANGES: [(c_long, &str); 9] = [
    (SYS_fdatasync, "sync"),
    (SYS_fsync, "sync"),
    (SYS_ftruncate, "resize"),
    (SYS_linkat, "link"),
    (SYS_mkdirat, "mkdir"),
    (SYS_pwrite64, "write"),
    (SYS_renameat, "rename"),
    (SYS_renameat2, "rename"),
    (SYS_unlinkat, "unlink"),
];

/// The older names of the same calls.
#[cfg(target_arch = "x86_64")]
const OLD_CHANGES: [(c_long, &str); 5] = [
    (nix::libc::SYS_link, "link"),
    (nix::libc::SYS_mkdir, "mkdir"),
    (nix::libc::SYS_rename, "rename"),
    (nix::libc::SYS_rmdir, "unlink"),
    (nix::libc::SYS_unlink, "unlink"),
];
#[cfg(not(target_arch = "x86_64"))]
const OLD_CHANGES: [(c_long, &str); 0] = [];

/// What a stop on the way into a call is, in the words of the system (`PTRACE_SYSCALL_INFO_ENTRY`).
const ENTRY: u8 = 1;

/// What a process did until it ended.
#[derive(Debug)]
pub(crate) struct Traced {
    /// The changes that it was about to make, in order; the last of a killed one was not made.
    pub(crate) calls: Vec<&'static str>,
    /// The exit code; none where it was killed.
    pub(crate) code: Option<i32>,
}

/// Whether this process may trace another.
pub(crate) fn can_trace(sandbox: &Sandbox) -> bool {
    let (mut child, leader) = start(sandbox, &["--version"]);
    let seized = ptrace::seize(leader, Options::empty());
    child.kill().unwrap();
    child.wait().unwrap();
    seized.is_ok()
}

/// Runs the binary, and kills it where it is about to make the change of this number, from 0.
pub(crate) fn trace(sandbox: &Sandbox, arguments: &[&str], kill_at: Option<usize>) -> Traced {
    let (mut child, leader) = start(sandbox, arguments);
    let options = Options::PTRACE_O_TRACESYSGOOD
        | Options::PTRACE_O_TRACECLONE
        | Options::PTRACE_O_TRACEEXEC
        | Options::PTRACE_O_EXITKILL;
    ptrace::seize(leader, options).unwrap();
    ptrace::interrupt(leader).unwrap();
    // It may begin.
    drop(child.stdin.take());
    let mut tracer = Tracer { leader, is_binary: false, calls: Vec::new(), kill_at };
    // The group, so that no other child of this process is waited for.
    let group = Pid::from_raw(-leader.as_raw());
    loop {
        let status = waitpid(group, Some(WaitPidFlag::__WALL)).unwrap();
        if let ControlFlow::Break(code) = tracer.follow(status) {
            return Traced { calls: tracer.calls, code };
        }
    }
}

/// A shell that becomes the binary when its input ends, in a group of its own.
fn start(sandbox: &Sandbox, arguments: &[&str]) -> (Child, Pid) {
    let binary = sandbox.command(arguments);
    let mut command = Command::new("/bin/sh");
    command.args(["-c", "read _; exec \"$0\" \"$@\""]).arg(binary.get_program());
    command.args(binary.get_args()).env_clear().process_group(0);
    for (name, value) in binary.get_envs() {
        command.env(name, value.expect("the environment is emptied as a whole"));
    }
    command.current_dir(binary.get_current_dir().expect("it is named"));
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    let child = command.spawn().unwrap();
    let leader = Pid::from_raw(i32::try_from(child.id()).unwrap());
    (child, leader)
}

struct Tracer {
    leader: Pid,
    /// The shell has become the binary.
    is_binary: bool,
    calls: Vec<&'static str>,
    kill_at: Option<usize>,
}

impl Tracer {
    /// Notes a stop and lets the process go on; its exit code at its end.
    fn follow(&mut self, status: WaitStatus) -> ControlFlow<Option<i32>> {
        match status {
            WaitStatus::Exited(pid, code) if pid == self.leader => ControlFlow::Break(Some(code)),
            WaitStatus::Signaled(pid, ..) if pid == self.leader => ControlFlow::Break(None),
            WaitStatus::PtraceSyscall(thread) => {
                self.note_call(thread);
                go_on(thread, None)
            }
            WaitStatus::PtraceEvent(thread, _, event) => {
                self.is_binary |= event == nix::libc::PTRACE_EVENT_EXEC;
                go_on(thread, None)
            }
            WaitStatus::Stopped(thread, signal) => go_on(thread, signal),
            WaitStatus::Exited(..)
            | WaitStatus::Signaled(..)
            | WaitStatus::Continued(_)
            | WaitStatus::StillAlive => ControlFlow::Continue(()),
        }
    }

    fn note_call(&mut self, thread: Pid) {
        // A thread that another one's end or the kill took away has nothing to tell.
        let Ok(info) = ptrace::syscall_info(thread) else {
            return;
        };
        if info.op != ENTRY || !self.is_binary {
            return;
        }
        let changes: BTreeMap<c_long, &str> = CHANGES.into_iter().chain(OLD_CHANGES).collect();
        let Some(name) = number(thread).and_then(|number| changes.get(&number)) else {
            return;
        };
        if self.kill_at == Some(self.calls.len()) {
            kill(self.leader, Signal::SIGKILL).expect("it is not waited for yet");
        }
        self.calls.push(name);
    }
}

/// Lets a thread go on to its next call; it may be gone.
fn go_on(thread: Pid, signal: impl Into<Option<Signal>>) -> ControlFlow<Option<i32>> {
    match ptrace::syscall(thread, signal) {
        Ok(()) | Err(Errno::ESRCH) => ControlFlow::Continue(()),
        Err(error) => panic!("cannot go on: {error}"),
    }
}

/// The number of the call that a thread is about to make.
fn number(thread: Pid) -> Option<c_long> {
    let registers = ptrace::getregs(thread).ok()?;
    #[cfg(target_arch = "x86_64")]
    let number = registers.orig_rax;
    #[cfg(target_arch = "aarch64")]
    let number = registers.regs[8];
    c_long::try_from(number).ok()
}
