//! The engines' log files: one generation is kept, and the end of the newest is shown.

use std::collections::VecDeque;
use std::fs::{self, File, OpenOptions};
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use crate::error::{EngineError, at};

/// How much of a log's end is looked at.
const TAIL_BYTES: u64 = 512 * 1024;
/// How many lines are kept of each log of an engine that ended.
const LAST_LINES: usize = 20;
/// How many lines are kept that tell of an error.
const TROUBLES: usize = 50;
/// A line longer than this is cut when it is shown.
const LINE_CHARS: usize = 400;

/// What marks a line that tells why an engine ended, the surest sign first.
pub(crate) const SIGNS: [&str; 6] = [
    "DB::Exception: ",
    "Caused by: ",
    " FATAL ",
    " ERROR ",
    "<Error>",
    "Exception",
];

/// The end of a log.
#[derive(Debug, Default)]
pub(crate) struct Tail {
    /// The last lines, oldest first.
    pub last: Vec<String>,
    /// The last lines with one of the [`SIGNS`], oldest first.
    pub troubles: Vec<String>,
}

/// Renames `x.log` to `x.log.1`, so that each start has its own file and
/// no more than two are ever kept.
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

/// Opens a log for a child process to append to.
pub(crate) fn append(path: &Path) -> Result<File, EngineError> {
    OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(path)
        .map_err(at(path))
}

/// Reads the end of a log; nothing if it cannot be read.
pub(crate) fn tail(path: &Path) -> Tail {
    let Ok(mut file) = File::open(path) else {
        return Tail::default();
    };
    let length = file.metadata().map_or(0, |meta| meta.len());
    if file
        .seek(SeekFrom::Start(length.saturating_sub(TAIL_BYTES)))
        .is_err()
    {
        return Tail::default();
    }
    let mut last = VecDeque::new();
    let mut troubles = VecDeque::new();
    for line in BufReader::new(file.take(TAIL_BYTES))
        .split(b'\n')
        .map_while(Result::ok)
    {
        let line = String::from_utf8_lossy(&line);
        let line = line.trim_end();
        if line.is_empty() {
            continue;
        }
        let shown: String = line.chars().take(LINE_CHARS).collect();
        if SIGNS.iter().any(|sign| line.contains(sign)) {
            push(&mut troubles, TROUBLES, shown.clone());
        }
        push(&mut last, LAST_LINES, shown);
    }
    Tail {
        last: last.into(),
        troubles: troubles.into(),
    }
}

fn push(lines: &mut VecDeque<String>, max: usize, line: String) {
    if lines.len() == max {
        lines.pop_front();
    }
    lines.push_back(line);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_log_is_shown_and_rotation_starts_anew() {
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
