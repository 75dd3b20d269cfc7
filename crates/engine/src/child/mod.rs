//! Child processes that cannot be orphaned.
//!
//! An engine never runs as a direct, bare child. The program executes itself
//! again with a hidden argument, and that second process holds the engine: it
//! either runs the Java child, or hosts the ClickHouse library in itself. Both
//! ends of the arrangement are in this module.
//!
//! - **Standard input is the lifeline.** The parent holds the other end of the
//!   pipe and writes nothing to it. When it closes, be it on purpose or because
//!   the parent was killed, the engine is stopped cleanly, and killed if that
//!   takes too long. The line `kill` ends it at once.
//! - **Standard output carries reports**, one a line: the engine's process
//!   number, and how it ended.
//! - **Its own session**, so that Ctrl-C in a terminal reaches the parent only,
//!   which has to drain first.
//! - **The folder's lock is inherited**, so that no second engine can start on
//!   the data while the first one is still stopping.

mod hosted;
mod parent;
mod report;
mod supervisor;

use std::ffi::OsStr;
use std::fmt;
use std::path::{Path, PathBuf};

use crate::error::has_less_room;
use crate::logs::SIGNS;
use crate::{Engine, EngineError};
pub(crate) use parent::{Child, Launch};

/// The first argument of a process that holds an engine. Nobody types it.
const HIDDEN: &str = "__affluenza-engine";
/// Run the program named in the arguments.
pub(crate) const SUPERVISE: &str = "supervise";
/// Call the library named in the arguments.
pub(crate) const HOST: &str = "host";

/// Runs the engine and never returns, if this process was started to hold one;
/// does nothing otherwise.
///
/// Must be the first call in `main` of every program that starts engines: no
/// thread may run yet, and standard input and output must be untouched.
pub fn run_if_child() {
    let mut args = std::env::args_os().skip(1);
    if args.next().as_deref() != Some(OsStr::new(HIDDEN)) {
        return;
    }
    let code = match args.next() {
        Some(mode) if mode == SUPERVISE => supervisor::run(args),
        Some(mode) if mode == HOST => hosted::run(args),
        _ => 2,
    };
    std::process::exit(code)
}

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExitStatus {
    /// By itself, with this code.
    Code(i32),
    /// Killed by this signal.
    Signal(i32),
    /// It never started, or nobody could tell.
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

/// An engine that has ended, and what it said last.
///
/// `Display` is one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChildExit {
    /// Which engine.
    pub engine: Engine,
    /// How it ended.
    pub status: ExitStatus,
    /// The last lines of its logs, oldest first.
    pub last_lines: Vec<String>,
    /// The last lines of its logs that tell of an error, oldest first.
    pub troubles: Vec<String>,
    /// The folder with its logs.
    pub logs: PathBuf,
}

impl ChildExit {
    /// An engine of which nothing is known.
    fn unknown(engine: Engine) -> Self {
        Self {
            engine,
            status: ExitStatus::Unknown,
            last_lines: Vec::new(),
            troubles: Vec::new(),
            logs: PathBuf::new(),
        }
    }

    /// Whether one of its lines about errors holds this text.
    pub(crate) fn said(&self, text: &str) -> bool {
        self.troubles.iter().any(|line| line.contains(text))
    }

    /// The error of a start that failed like this.
    pub(crate) fn explain(self, folder: &Path) -> EngineError {
        const MIB: u64 = 1 << 20;
        if self.said("No space left on device") || has_less_room(folder, MIB) {
            return EngineError::DiskFull {
                path: folder.to_path_buf(),
            };
        }
        EngineError::Exited(self)
    }

    /// The line that says most.
    fn telling_line(&self) -> Option<&str> {
        let said = |sign: &&str| self.troubles.iter().rev().find(|line| line.contains(*sign));
        let line = SIGNS.iter().find_map(said).or(self.last_lines.last())?;
        Some(line.as_str())
    }
}

impl fmt::Display for ChildExit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ended unexpectedly ({})", self.engine, self.status)?;
        if let Some(line) = self.telling_line() {
            write!(f, ", its last words: {line:?}")?;
        }
        write!(f, "; see {}", self.logs.display())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exit_is_told_in_one_line_with_the_line_that_says_most() {
        let exit = ChildExit {
            status: ExitStatus::Code(1),
            last_lines: vec!["INFO bye".into()],
            troubles: vec!["x ERROR no way".into(), "Exception".into()],
            logs: "d/logs".into(),
            ..ChildExit::unknown(Engine::Kafka)
        };
        assert_eq!(
            exit.to_string(),
            "Kafka ended unexpectedly (exit code 1), its last words: \"x ERROR no way\"; see d/logs"
        );
    }
}
