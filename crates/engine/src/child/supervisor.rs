//! The process that holds a program (Kafka's `java`) and outlives neither its
//! parent nor, by more than the grace time, the wish to stop.
#![expect(
    unsafe_code,
    reason = "the death signal must be set between fork and exec"
)]

use std::ffi::OsString;
use std::io::{self, BufRead};
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, PidfdFlags, Signal};

use super::ExitStatus;
use super::report::{KILL, Report};

/// `GRACE_MS PROGRAM ARGS…`: runs the program until it ends or the lifeline closes.
pub(super) fn run(mut args: impl Iterator<Item = OsString>) -> i32 {
    let mut reports = io::stdout();
    let grace = args
        .next()
        .and_then(|arg| arg.to_str()?.parse().ok())
        .map(Duration::from_millis);
    let (Some(grace), Some(program)) = (grace, args.next()) else {
        return 2;
    };
    let mut command = Command::new(&program);
    // Standard error is the engine's console log, opened by the parent.
    command.args(args).stdin(Stdio::null());
    if let Ok(log) = rustix::io::dup(rustix::stdio::stderr()) {
        command.stdout(Stdio::from(log));
    }
    let me = rustix::process::getpid();
    // SAFETY: between fork and exec only system calls are made, nothing allocates or locks.
    unsafe {
        command.pre_exec(move || die_with(me));
    }
    // This thread is the process's first and waits below: the death signal, which
    // follows the *thread* that forked, fires exactly when this process dies.
    let (mut child, pidfd) = match command.spawn().and_then(|child| {
        let pidfd = rustix::process::pidfd_open(Pid::from_child(&child), PidfdFlags::empty())?;
        Ok((child, pidfd))
    }) {
        Ok(both) => both,
        Err(cause) => {
            Report::Error(format!("{}: {cause}", program.display())).send(&mut reports);
            return 1;
        }
    };
    Report::Pid(child.id()).send(&mut reports);
    std::thread::spawn(move || obey(&pidfd, grace));
    let status = child.wait().map_or(ExitStatus::Unknown, ExitStatus::from);
    Report::Exit(status).send(&mut reports);
    0
}

/// Asks the kernel to kill the process that is about to be executed when its parent dies.
fn die_with(parent: Pid) -> io::Result<()> {
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
    // The parent may have died just before that: then nobody would ever send the signal.
    if rustix::process::getppid() != Some(parent) {
        return Err(io::Error::from(io::ErrorKind::BrokenPipe));
    }
    Ok(())
}

/// Waits for an order on the lifeline, or for its end, and carries it out.
fn obey(engine: &OwnedFd, grace: Duration) {
    let signal = |signal| {
        // Fails only if the engine is gone, and then all is well.
        let _ = rustix::process::pidfd_send_signal(engine, signal);
    };
    for line in io::stdin().lock().lines().map_while(Result::ok) {
        if line == KILL {
            signal(Signal::KILL);
            return;
        }
    }
    signal(Signal::TERM);
    std::thread::sleep(grace);
    signal(Signal::KILL);
}
