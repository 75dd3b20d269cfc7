//! Errors, each in one line that names the cause and the remedy.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::Engine;
use crate::child::ChildExit;

/// Reason why an engine, its files or its folder cannot be used.
///
/// `Display` is always one line for the operator.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the message of a variant names its fields")]
pub enum EngineError {
    /// No usable `java` command.
    #[error(
        "Java is missing: no working java {looked}; install a JDK 17 or newer, or set JAVA_HOME to one"
    )]
    NoJava {
        /// Place of the search.
        looked: String,
    },
    /// A `java` command that is too old for Kafka 4.
    #[error("Java at {path} is version {found}, and Kafka needs 17 or newer: install a newer JDK, or set JAVA_HOME to one", path = .path.display())]
    OldJava {
        path: PathBuf,
        /// Version that the command reported.
        found: String,
    },
    /// A package client is missing.
    #[error("{tool} is missing, and is needed once to fetch {what}: install {tool}, or fill {cache} from a machine that has it", cache = .cache.display())]
    NoTool {
        tool: &'static str,
        what: &'static str,
        /// Cache folder, which can also be copied from another machine.
        cache: PathBuf,
    },
    /// A package client ran and failed.
    #[error(
        "{tool} could not fetch {what} ({detail}): check the network and the {tool} settings, then start again"
    )]
    Fetch {
        tool: &'static str,
        what: &'static str,
        /// First error line of its output.
        detail: String,
    },
    /// A file differs from the pinned one.
    #[error("{path} has the wrong checksum (SHA-256 {found}, expected {expected}): delete {remove} and start again", path = .path.display(), remove = .remove.display())]
    WrongChecksum {
        path: PathBuf,
        found: String,
        expected: String,
        /// Folder to delete for a fresh download.
        remove: PathBuf,
    },
    /// A package client fetched a file that differs from the pinned one.
    #[error("{detail}: the package mirror or the clients' own caches (~/.m2, ~/.npm) hold another file than the pinned one: correct it and start again (nothing was kept in {cache})", cache = .cache.display())]
    Fetched {
        detail: String,
        /// Cache folder, which stays unchanged.
        cache: PathBuf,
    },
    /// A file set has a missing or an extra file.
    #[error("{path} is {problem}: delete {remove} and start again", path = .path.display(), remove = .remove.display())]
    WrongFiles {
        path: PathBuf,
        /// `missing` or `not expected here`.
        problem: &'static str,
        /// Folder to delete for a fresh download.
        remove: PathBuf,
    },
    /// Another process uses the folder.
    #[error("{path} is in use by {holder}: stop that one first, or choose another folder", path = .path.display(), holder = holder(*.pid))]
    InUse {
        path: PathBuf,
        /// Id of the process that holds the lock, if known.
        pid: Option<u32>,
    },
    /// Another program uses a configured port.
    #[error(
        "port {port} on 127.0.0.1, wanted for {engine}, is taken by another program: free it, or configure another port"
    )]
    PortTaken { engine: Engine, port: u16 },
    /// Other programs took each of the free ports.
    #[error(
        "no free port could be kept for {engine} in {attempts} attempts: configure fixed ports"
    )]
    NoFreePort { engine: Engine, attempts: u32 },
    /// The disk or the user's quota is full.
    #[error("the disk is full: {path} could not be written; free some space, or choose another folder", path = .path.display())]
    DiskFull { path: PathBuf },
    /// Missing rights or a read-only disk.
    #[error("{path} is not writable ({cause}): give this user the right to write there, or choose another folder", path = .path.display())]
    NotWritable { path: PathBuf, cause: io::Error },
    /// Any other file error.
    #[error("{path}: {cause}", path = .path.display())]
    Io { path: PathBuf, cause: io::Error },
    /// A setting with an invalid value.
    #[error("{what} cannot be {value:?}: {mend}")]
    Setting {
        /// Name of the setting in plain words.
        what: &'static str,
        value: String,
        /// Accepted values.
        mend: &'static str,
    },
    /// The engine ended before it was ready.
    #[error("{0}")]
    Exited(ChildExit),
    /// The engine runs but does not answer.
    #[error("{engine} did not answer within {seconds} s: see {log}", seconds = .waited.as_secs(), log = .log.display())]
    NotReady {
        engine: Engine,
        waited: Duration,
        /// Log file with the reason.
        log: PathBuf,
    },
    /// The engine did not stop in time and was killed.
    #[error("{engine} did not stop within {seconds} s and was killed: its data is recovered at the next start", seconds = .waited.as_secs())]
    NotStopped { engine: Engine, waited: Duration },
    /// A child process could not be started.
    #[error("{program} could not be started: {cause}", program = .program.display())]
    Spawn { program: PathBuf, cause: io::Error },
}

impl EngineError {
    /// Adds the path to an [`io::Error`], and distinguishes a full disk and missing rights from
    /// other errors.
    pub(crate) fn io(path: &Path, cause: io::Error) -> Self {
        let path = path.to_path_buf();
        match cause.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::DiskFull { path },
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                Self::NotWritable { path, cause }
            }
            _ => Self::Io { path, cause },
        }
    }
}

/// Adapter for `map_err(at(path))`.
pub(crate) fn at(path: &Path) -> impl FnOnce(io::Error) -> EngineError + '_ {
    move |cause| EngineError::io(path, cause)
}

/// True if the disk of the folder has less free space than `bytes`. Many programs do not report a
/// full disk as the cause, or do not notice it.
pub(crate) fn has_less_room(folder: &Path, bytes: u64) -> bool {
    rustix::fs::statvfs(folder).is_ok_and(|disk| disk.f_bavail * disk.f_frsize < bytes)
}

fn holder(pid: Option<u32>) -> String {
    match pid {
        Some(pid) => format!("process {pid}"),
        None => "another process".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_and_missing_rights_differ() {
        let path = Path::new("/data/x");
        let full = EngineError::io(path, io::Error::from_raw_os_error(28));
        assert_eq!(
            full.to_string(),
            "the disk is full: /data/x could not be written; free some space, or choose another folder"
        );
        let denied = EngineError::io(path, io::Error::from_raw_os_error(13));
        assert!(matches!(denied, EngineError::NotWritable { .. }));
        let other = EngineError::io(path, io::Error::from_raw_os_error(20));
        assert!(matches!(other, EngineError::Io { .. }));
    }

    #[test]
    fn every_message_is_one_line() {
        let error = EngineError::InUse {
            path: PathBuf::from("d"),
            pid: Some(7),
        };
        assert_eq!(
            error.to_string(),
            "d is in use by process 7: stop that one first, or choose another folder"
        );
    }
}
