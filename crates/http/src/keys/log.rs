//! Append-only log of administrative access. Each entry contains the hash of the previous entry.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::keys::{KeyError, file};

/// An administrative action.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdminAction {
    /// Position in the chain, from 1.
    pub number: u64,
    /// Time of the action.
    pub at: Timestamp,
    /// Operating system account that performed the action.
    pub by: String,
    /// Kind of action: `key-create`, `key-revoke`, …
    pub action: String,
    /// Object of the action, such as a key id.
    pub subject: String,
    /// Further attributes of the action.
    pub detail: Value,
    /// SHA-256 of the key file after the action, if the action changed the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keys: Option<String>,
    /// Hash of the previous entry; empty in the first one.
    pub previous: String,
}

impl AdminAction {
    pub(crate) fn new(at: Timestamp, action: &str, subject: &str, detail: Value) -> Self {
        Self {
            number: 0,
            at,
            by: account(),
            action: action.to_owned(),
            subject: subject.to_owned(),
            detail,
            keys: None,
            previous: String::new(),
        }
    }
}

/// Returns the account name and its uid, or only the uid if `USER` is not set.
pub fn account() -> String {
    let number = rustix::process::getuid().as_raw();
    match std::env::var("USER") {
        Ok(name) if !name.is_empty() => format!("{name} ({number})"),
        _ => number.to_string(),
    }
}

/// Damage found in the log.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum BrokenLog {
    /// The line cannot be parsed as an entry.
    #[error("log of administrative access, line {line}: not an entry: {cause}")]
    Unreadable {
        /// Line number, from 1.
        line: u64,
        /// Reason from the parser.
        cause: String,
    },
    /// The content of the line does not match its hash.
    #[error("log of administrative access, line {line}: it was changed")]
    Changed {
        /// Line number, from 1.
        line: u64,
    },
    /// The line does not continue the chain of the previous line.
    #[error("log of administrative access, line {line}: a line before it was changed or removed")]
    Unchained {
        /// Line number, from 1.
        line: u64,
    },
}

/// The log of administrative access.
#[derive(Debug, Clone)]
pub struct AdminLog {
    path: PathBuf,
}

impl AdminLog {
    /// Opens the log at `path`. The file may be missing.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Returns the path of the log.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns every entry if the hash chain is valid. Ignores an unfinished last line left by a
    /// crash.
    pub fn verify(&self) -> Result<Vec<AdminAction>, KeyError> {
        let text = self.text()?;
        let mut entries: Vec<AdminAction> = Vec::new();
        let mut previous = String::new();
        for (line, text) in (1..).zip(whole(&text).lines()) {
            let (hash, content) = text.split_once(' ').ok_or(BrokenLog::Unreadable {
                line,
                cause: "it has no hash".into(),
            })?;
            if hash_of(&previous, content) != hash {
                // A matching hash over another predecessor means that an earlier line changed.
                let entry: Option<AdminAction> = serde_json::from_str(content).ok();
                return Err(match entry {
                    Some(entry)
                        if entry.previous != previous
                            && hash_of(&entry.previous, content) == hash =>
                    {
                        BrokenLog::Unchained { line }
                    }
                    _ => BrokenLog::Changed { line },
                }
                .into());
            }
            let entry: AdminAction =
                serde_json::from_str(content).map_err(|error| BrokenLog::Unreadable {
                    line,
                    cause: error.to_string(),
                })?;
            if entry.number != line || entry.previous != previous {
                return Err(BrokenLog::Unchained { line }.into());
            }
            previous = hash.to_owned();
            entries.push(entry);
        }
        Ok(entries)
    }

    /// Returns the hash of the last entry, which covers the whole chain. `None` for an empty log.
    pub fn head(&self) -> Result<Option<String>, KeyError> {
        let text = self.text()?;
        let last = whole(&text).lines().last().map(str::to_owned);
        Ok(last.and_then(|line| line.split_once(' ').map(|(hash, _)| hash.to_owned())))
    }

    /// Appends an entry. The caller must hold the lock.
    pub(crate) fn append_locked(&self, mut entry: AdminAction) -> Result<(), KeyError> {
        let entries = self.verify()?;
        let previous = self.head()?.unwrap_or_default();
        entry.number = entries.len() as u64 + 1;
        entry.previous.clone_from(&previous);
        let content = serde_json::to_string(&entry).expect("an entry has text keys only");
        let line = format!("{} {content}\n", hash_of(&previous, &content));
        let whole_bytes = whole(&self.text()?).len() as u64;
        let mut options = OpenOptions::new();
        options
            .append(true)
            .create(true)
            .mode(0o600)
            .open(&self.path)
            .and_then(|mut log| {
                // A crash may have left a partial line.
                log.set_len(whole_bytes)?;
                log.write_all(line.as_bytes())?;
                log.sync_all()?;
                file::sync_folder(&self.path)
            })
            .map_err(KeyError::io(&self.path))
    }

    fn text(&self) -> Result<String, KeyError> {
        match fs::read_to_string(&self.path) {
            Ok(text) => Ok(text),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(String::new()),
            Err(error) => Err(KeyError::io(&self.path)(error)),
        }
    }
}

/// Returns the part of `text` up to the last newline.
fn whole(text: &str) -> &str {
    text.rfind('\n').map_or("", |end| &text[..=end])
}

fn hash_of(previous: &str, content: &str) -> String {
    let digest = Sha256::new()
        .chain_update(previous)
        .chain_update("\n")
        .chain_update(content)
        .finalize();
    hex::encode(digest)
}
