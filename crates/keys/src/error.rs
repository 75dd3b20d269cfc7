use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// Why keys cannot be read or changed.
#[derive(Debug, Error)]
pub enum KeyError {
    /// A file cannot be read or written.
    #[error("{path} cannot be used: {cause}")]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        cause: io::Error,
    },
    /// The file of keys is not what this program writes.
    #[error("keys {path}: {cause}; restore the file from a copy")]
    Damaged {
        /// Which.
        path: PathBuf,
        /// What is wrong, in one line.
        cause: String,
    },
    /// There is no such key.
    #[error("there is no key {id}; see `affluenza keys list`")]
    Unknown {
        /// Which.
        id: String,
    },
    /// The key was revoked before.
    #[error("key {id} has been revoked already, at {at}")]
    Revoked {
        /// Which.
        id: String,
        /// When.
        at: jiff::Timestamp,
    },
    /// A new key that makes no sense.
    #[error("{0}")]
    Invalid(String),
    /// The system gives no random bytes.
    #[error("the system gives no random bytes: {0}")]
    Random(getrandom::Error),
    /// The log of administrative access does not hold.
    #[error("{0}; nothing was changed")]
    Log(#[from] crate::BrokenLog),
}

impl KeyError {
    pub(crate) fn io(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |cause| Self::Io { path, cause }
    }
}

/// Why a presented key is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Refused {
    /// It is not of the form of a key, or cut, or mistyped.
    #[error("this is not a whole key: it is cut or mistyped")]
    Malformed,
    /// No key has this secret.
    #[error("this key is unknown")]
    Unknown,
    /// Its time has passed.
    #[error("this key has expired: ask for a new one")]
    Expired,
    /// It was withdrawn.
    #[error("this key was revoked: ask for a new one")]
    Revoked,
}
