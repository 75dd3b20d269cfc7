use std::path::PathBuf;

use thiserror::Error;

/// Why a spool could not do what it was asked to.
#[derive(Debug, Error)]
pub enum SpoolError {
    /// No room: nothing of what was given is kept. Read and acknowledge, or allow more bytes.
    #[error("the spool is full: {used} of {max} bytes are in use, {wanted} more were wanted")]
    Full {
        /// Bytes in use.
        used: u64,
        /// Bytes wanted.
        wanted: u64,
        /// Bytes allowed.
        max: u64,
    },
    /// A record that is too long for any spool with these limits.
    #[error("a record has {bytes} bytes, at most {max} are accepted")]
    TooLarge {
        /// Its length.
        bytes: usize,
        /// The most.
        max: u32,
    },
    /// Limits that make no sense.
    #[error("{0}")]
    Limits(&'static str),
    /// Another process, or another `Spool` of this one, has it open.
    #[error("{} is in use by another process: give each its own folder", dir.display())]
    InUse {
        /// The folder.
        dir: PathBuf,
    },
    /// A file in the folder that this version cannot read.
    #[error("{} is not a segment of a spool that this version reads", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// The disk.
    #[error("cannot {what} {}: {cause}", path.display())]
    Io {
        /// What was being done.
        what: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// Why it failed.
        cause: std::io::Error,
    },
    /// The write that this one was part of failed: nothing of it is kept.
    #[error("not written: {cause}")]
    NotWritten {
        /// Why.
        cause: String,
    },
    /// A write failed and could not be undone: nothing more can be promised. Open it again.
    #[error("the spool stopped after a failed write; open it again")]
    Stopped,
}

/// Turns an IO error into ours, with what was being done.
pub(crate) fn io(
    what: &'static str,
    path: &std::path::Path,
) -> impl FnOnce(std::io::Error) -> SpoolError {
    let path = path.to_owned();
    move |cause| SpoolError::Io { what, path, cause }
}
