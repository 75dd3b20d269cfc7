use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// Error of reading or changing keys.
#[derive(Debug, Error)]
pub enum KeyError {
    /// A file cannot be read or written.
    #[error("{path} cannot be used: {cause}")]
    Io {
        /// Path of the file.
        path: PathBuf,
        /// Error of the operating system.
        cause: io::Error,
    },
    /// The key file was not written by this program, or is damaged.
    #[error("keys {path}: {cause}; restore the file from a copy")]
    Damaged {
        /// Path of the key file.
        path: PathBuf,
        /// Description of the damage, in one line.
        cause: String,
    },
    /// No key has this id.
    #[error("there is no key {id}; see `affluenza keys list`")]
    Unknown {
        /// Requested key id.
        id: String,
    },
    /// The key is already revoked.
    #[error("key {id} has been revoked already, at {at}")]
    Revoked {
        /// Key id.
        id: String,
        /// Time of the revocation.
        at: jiff::Timestamp,
    },
    /// The attributes of a new key are invalid.
    #[error("{0}")]
    Invalid(String),
    /// The operating system returned no random bytes.
    #[error("the system gives no random bytes: {0}")]
    Random(getrandom::Error),
    /// The log of administrative access is damaged.
    #[error("{0}; nothing was changed")]
    Log(#[from] crate::keys::BrokenLog),
}

impl KeyError {
    pub(crate) fn io(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |cause| Self::Io { path, cause }
    }
}

/// Reason for refusing a presented key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum KeyRefusal {
    /// The text is not a complete key: the format or the checksum is wrong.
    #[error("the key is incomplete: it is cut or mistyped")]
    Malformed,
    /// No key has this secret.
    #[error("this key is unknown")]
    Unknown,
    /// The session has ended, or was made with another secret.
    #[error("the session has ended: sign in again with the key")]
    SessionEnded,
    /// The key does not read figures of enti, so it has no session.
    #[error("only a reader's key begins a session of the pages")]
    NoReader,
    /// The key has expired.
    #[error("this key has expired: ask for a new one")]
    Expired,
    /// The key was revoked.
    #[error("this key was revoked: ask for a new one")]
    Revoked,
}
