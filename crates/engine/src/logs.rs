//! Log files of the engines: rotation with one old generation, and the tail of the newest file.

use std::fs::{self, File, OpenOptions};
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use crate::error::{EngineError, at};

/// Folder of an engine's logs, relative to its folder.
pub(crate) const LOGS: &str = "logs";
/// Maximum size of a log's tail that is read.
const TAIL_BYTES: u64 = 512 * 1024;
/// Number of last lines that are kept per log of an ended engine.
const LAST_LINES: usize = 20;
/// Number of error lines that are kept.
const TROUBLES: usize = 50;
/// Longer lines are truncated for display.
const LINE_CHARS: usize = 400;

/// Markers of lines that explain why an engine ended, most reliable first.
pub(crate) const SIGNS: [&str; 6] = [
    "DB::Exception: ",
    "Caused by: ",
    " FATAL ",
    " ERROR ",
    "<Error>",
    "Exception",
];

/// Tail of a log.
#[derive(Debug, Default)]
pub(crate) struct LogTail {
    /// Last lines, oldest first.
    pub last: Vec<String>,
    /// Last lines with one of the [`SIGNS`], oldest first.
    pub troubles: Vec<String>,
}

/// Renames `x.log` to `x.log.1`, so that each start has its own file and at most two files exist.
pub(crate) fn rotate(path: &Path) -> Result<(), EngineError> {
    let mut old = path.as_os_str().to_owned();
    old.push(".1");
    match fs::rename(path, &old) {
        Err(cause) if cause.kind() != std::io::ErrorKind::NotFound => {
            Err(EngineError::io(path, cause))
        }
        _ => Ok(()),
    }
}

/// Opens a log for a child process, in append mode.
pub(crate) fn append(path: &Path) -> Result<File, EngineError> {
    OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(path)
        .map_err(at(path))
}

/// Reads the tail of a log; empty if the log cannot be read.
pub(crate) fn tail(path: &Path) -> LogTail {
    let Ok(mut file) = File::open(path) else {
        return LogTail::default();
    };
    let length = file.metadata().map_or(0, |meta| meta.len());
    if file
        .seek(SeekFrom::Start(length.saturating_sub(TAIL_BYTES)))
        .is_err()
    {
        return LogTail::default();
    }
    let mut tail = LogTail::default();
    let lines = BufReader::new(file.take(TAIL_BYTES)).split(b'\n');
    for line in lines.map_while(Result::ok) {
        let line = String::from_utf8_lossy(&line);
        let line = line.trim_end();
        if line.is_empty() {
            continue;
        }
        let shown: String = line.chars().take(LINE_CHARS).collect();
        if SIGNS.iter().any(|sign| line.contains(sign)) {
            tail.troubles.push(shown.clone());
        }
        tail.last.push(shown);
    }
    for (lines, max) in [(&mut tail.last, LAST_LINES), (&mut tail.troubles, TROUBLES)] {
        lines.drain(..lines.len().saturating_sub(max));
    }
    tail
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_log_is_shown_and_rotation_starts_again() {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("x.log");
        assert!(tail(&log).last.is_empty());
        rotate(&log).unwrap();
        let chatter = "going down\n".repeat(LAST_LINES);
        fs::write(&log, format!("start\n\nCaused by: this\n{chatter}")).unwrap();
        let end = tail(&log);
        assert_eq!(end.last, ["going down"; LAST_LINES]);
        assert_eq!(end.troubles, ["Caused by: this"]);
        rotate(&log).unwrap();
        assert!(!log.exists());
        assert!(dir.path().join("x.log.1").exists());
    }
}
