//! Child processes that cannot be orphaned.
//!
//! An engine is never a direct child of the program. The program executes itself again with a
//! hidden argument, and this second process, the holder, runs the engine. The holder either
//! supervises the Java process or hosts the ClickHouse library. This module implements both sides.
//!
//! - **Standard input is the lifeline.** The parent holds the other end of the pipe and writes
//!   nothing to it. If the pipe closes, on purpose or because the parent was killed, the holder
//!   stops the engine cleanly. After the grace time it kills the engine. The line `kill` kills the
//!   engine at once.
//! - **Standard output carries reports**, one per line: the process id of the engine, and its exit
//!   status.
//! - **The holder has its own session**, so that Ctrl-C in a terminal only reaches the parent,
//!   which must drain first.
//! - **The holder inherits the folder's lock**, so that no second engine starts on the data while
//!   the first one is stopping.

mod hosted;
mod parent;
mod report;
mod supervisor;

use std::ffi::OsStr;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::error::has_less_room;
use crate::logs::SIGNS;
use crate::{Engine, EngineError};
pub(crate) use parent::{Child, Launch};

/// Hidden first argument of a holder process.
const HIDDEN: &str = "__affluenza-engine";
/// Mode: run the program named in the arguments.
pub(crate) const SUPERVISE: &str = "supervise";
/// Mode: call the library named in the arguments.
pub(crate) const HOST: &str = "host";

/// Runs the engine and never returns if this process is a holder; otherwise does nothing.
///
/// Every program that starts engines must call this first in `main`: before any thread runs, and
/// with standard input and output untouched.
pub fn run_if_child() {
    let mut args = std::env::args_os().skip(1);
    if args.next().as_deref() != Some(OsStr::new(HIDDEN)) {
        return;
    }
    let mode = args.next();
    let grace = args.next().and_then(|arg| arg.to_str()?.parse().ok());
    let code = match (mode, grace.map(Duration::from_millis), args.next()) {
        (Some(mode), Some(grace), Some(program)) if mode == SUPERVISE => {
            supervisor::run(grace, &program, args)
        }
        (Some(mode), Some(grace), Some(library)) if mode == HOST => {
            hosted::run(grace, &library, args)
        }
        _ => 2,
    };
    std::process::exit(code)
}

/// Exit status of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExitStatus {
    /// Exit code of a regular end.
    Code(i32),
    /// Signal that killed the process.
    Signal(i32),
    /// The process never started, or its status is unknown.
    Unknown,
}

impl fmt::Display for ExitStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => write!(f, "exit code {code}"),
            Self::Signal(9) => f.write_str("killed by signal 9"),
            Self::Signal(signal) => write!(f, "signal {signal}"),
            Self::Unknown => f.write_str("it could not be run"),
        }
    }
}

impl From<std::process::ExitStatus> for ExitStatus {
    fn from(status: std::process::ExitStatus) -> Self {
        use std::os::unix::process::ExitStatusExt;
        match (status.code(), status.signal()) {
            (Some(code), _) => Self::Code(code),
            (None, Some(signal)) => Self::Signal(signal),
            (None, None) => Self::Unknown,
        }
    }
}

/// Exit status of an engine, with its last log lines.
///
/// `Display` is one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChildExit {
    /// Engine that ended.
    pub engine: Engine,
    /// Exit status of its process.
    pub status: ExitStatus,
    /// Last lines of its logs, oldest first.
    pub last_lines: Vec<String>,
    /// Last lines of its logs that report an error, oldest first.
    pub troubles: Vec<String>,
    /// Folder with its logs.
    pub logs: PathBuf,
}

impl ChildExit {
    /// Creates an exit without any details.
    fn unknown(engine: Engine) -> Self {
        Self {
            engine,
            status: ExitStatus::Unknown,
            last_lines: Vec::new(),
            troubles: Vec::new(),
            logs: PathBuf::new(),
        }
    }

    /// True if an error line contains this text.
    pub(crate) fn said(&self, text: &str) -> bool {
        self.troubles.iter().any(|line| line.contains(text))
    }

    /// Converts the exit to the error of a failed start.
    pub(crate) fn explain(self, folder: &Path) -> EngineError {
        const MIB: u64 = 1 << 20;
        if self.said("No space left on device") || has_less_room(folder, MIB) {
            return EngineError::DiskFull {
                path: folder.to_path_buf(),
            };
        }
        EngineError::Exited(self)
    }

    /// Returns the most informative log line.
    fn telling_line(&self) -> Option<&str> {
        let said = SIGNS
            .iter()
            .find_map(|sign| self.troubles.iter().rev().find(|line| line.contains(*sign)));
        said.or(self.last_lines.last()).map(String::as_str)
    }
}

impl fmt::Display for ChildExit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ended unexpectedly ({})", self.engine, self.status)?;
        if let Some(line) = self.telling_line() {
            write!(f, ", its last line: {line:?}")?;
        }
        write!(f, "; see {}", self.logs.display())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exit_is_one_line_with_the_most_useful_log_line() {
        let exit = ChildExit {
            status: ExitStatus::Code(1),
            last_lines: vec!["INFO bye".into()],
            troubles: vec!["x ERROR no way".into(), "Exception".into()],
            logs: "d/logs".into(),
            ..ChildExit::unknown(Engine::Kafka)
        };
        assert_eq!(
            exit.to_string(),
            "Kafka ended unexpectedly (exit code 1), its last line: \"x ERROR no way\"; see d/logs"
        );
    }
}
