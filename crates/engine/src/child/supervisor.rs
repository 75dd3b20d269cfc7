//! Process that supervises a program (Kafka's `java`). The program dies with the supervisor, and
//! ends at the latest after the grace time of a stop.
#![expect(
    unsafe_code,
    reason = "the death signal must be set between fork and exec"
)]

use std::ffi::{OsStr, OsString};
use std::io::{self, BufRead};
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, PidfdFlags, Signal};

use super::ExitStatus;
use super::report::{KILL, ReportLine};

/// Runs the program until it ends or the lifeline closes.
pub(super) fn run(grace: Duration, program: &OsStr, args: impl Iterator<Item = OsString>) -> i32 {
    let mut reports = io::stdout();
    let mut command = Command::new(program);
    // The parent has opened standard error as the engine's console log.
    command.args(args).stdin(Stdio::null());
    if let Ok(log) = rustix::io::dup(rustix::stdio::stderr()) {
        command.stdout(Stdio::from(log));
    }
    let me = rustix::process::getpid();
    // SAFETY: only system calls run between fork and exec; nothing allocates or locks.
    unsafe {
        command.pre_exec(move || die_with(me));
    }
    // The death signal follows the *thread* that forked. This is the first thread and it waits
    // below, so the signal fires exactly when the process dies.
    let (mut child, pidfd) = match command.spawn().and_then(|child| {
        let pidfd = rustix::process::pidfd_open(Pid::from_child(&child), PidfdFlags::empty())?;
        Ok((child, pidfd))
    }) {
        Ok(both) => both,
        Err(cause) => {
            ReportLine::Error(format!("{}: {cause}", program.display())).send(&mut reports);
            return 1;
        }
    };
    ReportLine::Pid(child.id()).send(&mut reports);
    std::thread::spawn(move || obey(&pidfd, grace));
    let status = child.wait().map_or(ExitStatus::Unknown, ExitStatus::from);
    ReportLine::Exit(status).send(&mut reports);
    0
}

/// Tells the kernel to kill the new process when its parent dies.
fn die_with(parent: Pid) -> io::Result<()> {
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
    // If the parent died before this call, the kernel would never send the signal.
    if rustix::process::getppid() != Some(parent) {
        return Err(io::Error::from(io::ErrorKind::BrokenPipe));
    }
    Ok(())
}

fn send(signal: Signal, engine: &OwnedFd) {
    // The call only fails if the engine is already gone.
    let _ = rustix::process::pidfd_send_signal(engine, signal);
}

/// Waits for the kill command or the end of the lifeline, then stops the engine.
fn obey(engine: &OwnedFd, grace: Duration) {
    for line in io::stdin().lock().lines().map_while(Result::ok) {
        if line == KILL {
            send(Signal::KILL, engine);
            return;
        }
    }
    send(Signal::TERM, engine);
    std::thread::sleep(grace);
    send(Signal::KILL, engine);
}
