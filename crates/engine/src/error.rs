//! What can go wrong, each in one line that names the cause and the mend.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::Engine;
use crate::child::ChildExit;

/// Why an engine, its files or its folder cannot be used.
///
/// `Display` is always one line, fit to be shown to an operator as it is.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// No usable `java` command.
    #[error(
        "Java is missing: no working java {looked}; install a JDK 17 or newer, or set JAVA_HOME to one"
    )]
    NoJava {
        /// Where it was looked for.
        looked: String,
    },
    /// A `java` command that is too old for Kafka 4.
    #[error("Java at {path} is version {found}, and Kafka needs 17 or newer: install a newer JDK, or set JAVA_HOME to one", path = .path.display())]
    OldJava {
        /// The command that was found.
        path: PathBuf,
        /// The version it told.
        found: String,
    },
    /// A package client is missing.
    #[error("{tool} is missing, and is needed once to fetch {what}: install {tool}, or fill {cache} from a machine that has it", cache = .cache.display())]
    NoTool {
        /// The command's name.
        tool: &'static str,
        /// What it would have fetched.
        what: &'static str,
        /// The cache that can be filled otherwise.
        cache: PathBuf,
    },
    /// A package client ran and failed.
    #[error(
        "{tool} could not fetch {what} ({detail}): check the network and the {tool} settings, then start again"
    )]
    Fetch {
        /// The command's name.
        tool: &'static str,
        /// What it was to fetch.
        what: &'static str,
        /// The last telling line that it printed.
        detail: String,
    },
    /// A file is not the one that this version was built for.
    #[error("{path} has the wrong checksum (SHA-256 {found}, expected {expected}): delete {remove} and start again", path = .path.display(), remove = .remove.display())]
    WrongChecksum {
        /// The file.
        path: PathBuf,
        /// The sum it has.
        found: String,
        /// The sum it should have.
        expected: String,
        /// The folder whose removal leads to a fresh download.
        remove: PathBuf,
    },
    /// A package client brought something else than what this version was built for.
    #[error("{detail}: the package mirror or the clients' own caches (~/.m2, ~/.npm) hold another file than the pinned one, mend that and start again (nothing was kept in {cache})", cache = .cache.display())]
    Fetched {
        /// Which file, and what is wrong with it.
        detail: String,
        /// The cache that it was not put into.
        cache: PathBuf,
    },
    /// A set of files lacks a member, or has one too many.
    #[error("{path} is {problem}: delete {remove} and start again", path = .path.display(), remove = .remove.display())]
    WrongFiles {
        /// The file.
        path: PathBuf,
        /// `missing` or `not expected here`.
        problem: &'static str,
        /// The folder whose removal leads to a fresh download.
        remove: PathBuf,
    },
    /// Another process works on the folder.
    #[error("{path} is in use by {holder}: stop that one first, or choose another folder", path = .path.display(), holder = holder(*.pid))]
    InUse {
        /// The folder.
        path: PathBuf,
        /// The process that holds it, if it could be learnt.
        pid: Option<u32>,
    },
    /// A configured port belongs to another program.
    #[error(
        "port {port} on 127.0.0.1, wanted for {engine}, is taken by another program: free it, or configure another port"
    )]
    PortTaken {
        /// The engine that wanted it.
        engine: Engine,
        /// The port.
        port: u16,
    },
    /// Free ports were taken by others again and again.
    #[error(
        "no free port could be kept for {engine} in {attempts} attempts: configure fixed ports"
    )]
    NoFreePort {
        /// The engine that wanted one.
        engine: Engine,
        /// How often it was tried.
        attempts: u32,
    },
    /// The disk, or the user's share of it, is full.
    #[error("the disk is full: {path} could not be written; free some space, or choose another folder", path = .path.display())]
    DiskFull {
        /// What was being written.
        path: PathBuf,
    },
    /// Missing rights, or a disk that is read only.
    #[error("{path} is not writable ({cause}): give this user the right to write there, or choose another folder", path = .path.display())]
    NotWritable {
        /// What was being written.
        path: PathBuf,
        /// The system's own words.
        cause: io::Error,
    },
    /// Any other trouble with a file.
    #[error("{path}: {cause}", path = .path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The system's own words.
        cause: io::Error,
    },
    /// A setting that cannot be used.
    #[error("{what} cannot be {value:?}: {mend}")]
    Setting {
        /// The setting's name in plain words.
        what: &'static str,
        /// The value it has.
        value: String,
        /// What it may be.
        mend: &'static str,
    },
    /// The engine ended before it was ready.
    #[error("{0}")]
    Exited(ChildExit),
    /// The engine runs but does not answer.
    #[error("{engine} did not answer within {seconds} s: see {log}", seconds = .waited.as_secs(), log = .log.display())]
    NotReady {
        /// The engine.
        engine: Engine,
        /// How long it was asked.
        waited: Duration,
        /// Where it says why.
        log: PathBuf,
    },
    /// The engine had to be killed because it did not stop by itself.
    #[error("{engine} did not stop within {seconds} s and was killed: its data is recovered at the next start", seconds = .waited.as_secs())]
    NotStopped {
        /// The engine.
        engine: Engine,
        /// How long it had been given.
        waited: Duration,
    },
    /// A child process could not be started at all.
    #[error("{program} could not be started: {cause}", program = .program.display())]
    Spawn {
        /// The program.
        program: PathBuf,
        /// The system's own words.
        cause: io::Error,
    },
}

impl EngineError {
    /// Says of an [`io::Error`] what was being touched, and tells a full disk
    /// and missing rights from the rest.
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

/// `map_err(at(path))`, for the many file operations.
pub(crate) fn at(path: &Path) -> impl FnOnce(io::Error) -> EngineError + '_ {
    move |cause| EngineError::io(path, cause)
}

/// Whether the disk with this folder has less room than that. Not every program tells
/// that it failed for that reason, or even notices.
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
    fn a_full_disk_and_missing_rights_are_told_apart() {
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
