//! A bounded, checksummed and fsynced log on disk for records that cannot be sent immediately.
//!
//! Records are appended at one end and read in order at the other. [`Spool::append`] returns when
//! its records are on disk. Threads that append at the same time share one `fdatasync`. A reader
//! acknowledges its position with [`Spool::ack`], and earlier records are deleted. After a crash
//! every record that was appended and not acknowledged is still there. A record may be delivered
//! twice, but none is lost. A full spool refuses new records and never overwrites old ones.
//!
//! A lock ensures that only one `Spool` uses a folder.
//!
//! ```
//! use affluenza_collector::spool::{Limits, Spool};
//! # fn main() -> Result<(), affluenza_collector::spool::SpoolError> {
//! # let dir = tempfile::tempdir().unwrap();
//! let (spool, recovery) = Spool::open(dir.path(), Limits::default())?;
//! assert_eq!(recovery.records, 0);
//! spool.append(&["first", "second"])?;
//!
//! let batch = spool.read(spool.acked(), 100, 1 << 20)?;
//! assert_eq!(batch.records, [b"first".to_vec(), b"second".to_vec()]);
//! spool.ack(batch.next)?;
//! assert!(spool.is_empty());
//! # Ok(())
//! # }
//! ```
//!
//! On disk a spool is a sequence of segments and the file `acked`. Each segment is named by the
//! number of its first record. A record has a magic word, its length, its number, a checksum, and
//! the content. The checksum covers length, number and content. Damage inside a segment is skipped
//! and reported. An incomplete record at the end of the last segment was never confirmed, so it is
//! cut off.

mod acked;
mod error;
mod frame;
mod log;
mod segment;

use std::path::PathBuf;

pub use error::SpoolError;
pub use log::{Batch, Spool};

/// Size limits of a spool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Maximum bytes on disk. Records that do not fit are refused.
    pub bytes_max: u64,
    /// Size in bytes at which a new segment begins. A segment is deleted as a whole, so it should
    /// be a small part of `bytes_max`.
    pub segment_bytes: u64,
    /// Maximum bytes of one record.
    pub record_bytes_max: u32,
}

impl Default for Limits {
    /// 256 MiB, in segments of 8 MiB, of records up to 1 MiB.
    fn default() -> Self {
        Self {
            bytes_max: 256 << 20,
            segment_bytes: 8 << 20,
            record_bytes_max: 1 << 20,
        }
    }
}

/// SpoolPosition in a spool: the number of the next record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SpoolPosition(pub u64);

/// Result of opening a spool.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recovery {
    /// Valid records that are not acknowledged.
    pub records: u64,
    /// Bytes cut off at the end: the remainder of a write that was never confirmed.
    pub torn_bytes: u64,
    /// Records lost in the middle, because the disk did not return the written bytes.
    pub damaged_records: u64,
    /// Files that lack these records, or begin after them.
    pub damaged_files: Vec<PathBuf>,
}
