use std::path::PathBuf;

use thiserror::Error;

/// Error of a spool operation.
#[derive(Debug, Error)]
pub enum SpoolError {
    /// The spool is full, and none of the given records was kept. Read and acknowledge records, or
    /// raise the limit.
    #[error("the spool is full: {used} of {max} bytes are in use, {wanted} more were wanted")]
    Full {
        /// Bytes in use.
        used: u64,
        /// Bytes of the refused records.
        wanted: u64,
        /// Limit in bytes.
        max: u64,
    },
    /// The record exceeds the configured limit.
    #[error("a record has {bytes} bytes, at most {max} are accepted")]
    TooLarge {
        /// Length of the record, in bytes.
        bytes: usize,
        /// Limit in bytes.
        max: u32,
    },
    /// The limits are invalid.
    #[error("{0}")]
    Limits(&'static str),
    /// The folder is open in another process, or in another `Spool` of this process.
    #[error("{} is in use by another process: give each its own folder", dir.display())]
    InUse {
        /// Folder of the spool.
        dir: PathBuf,
    },
    /// The folder contains a file that this version cannot read.
    #[error("{} is not a segment of a spool that this version reads", path.display())]
    Foreign {
        /// Path of the file.
        path: PathBuf,
    },
    /// The disk or the file system failed.
    #[error("cannot {what} {}: {cause}", path.display())]
    Io {
        /// Operation that failed, such as `open`.
        what: &'static str,
        /// Path of the file or folder.
        path: PathBuf,
        /// Error of the operating system.
        cause: std::io::Error,
    },
    /// The shared write that included these records failed. None of them is kept.
    #[error("not written: {cause}")]
    NotWritten {
        /// Error of the write.
        cause: String,
    },
    /// A failed write could not be undone, so the spool accepts nothing more. Open it again.
    #[error("the spool stopped after a failed write; open it again")]
    Stopped,
}

/// Converts an IO error, with the failed operation and its path.
pub(crate) fn io(
    what: &'static str,
    path: &std::path::Path,
) -> impl FnOnce(std::io::Error) -> SpoolError {
    let path = path.to_owned();
    move |cause| SpoolError::Io { what, path, cause }
}
