//! A bounded, checksummed and fsynced log on disk, for what cannot be sent at once.
//!
//! Records are appended at one end and read, in order, at the other. [`Spool::append`] returns
//! when its records are on disk; threads that append at the same time share one `fdatasync`.
//! A reader says with [`Spool::ack`] how far it has got, and what lies before that is deleted.
//! After a crash everything that was appended and not acknowledged is there again: a record may
//! be delivered twice, but none is lost. A full spool refuses, and never overwrites.
//!
//! A folder belongs to one `Spool` at a time; a lock sees to it.
//!
//! ```
//! use affluenza_spool::{Limits, Spool};
//! # fn main() -> Result<(), affluenza_spool::SpoolError> {
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
//! On disk a spool is a row of segments, each named by the number of its first record, and a
//! file `acked`. A record is a magic word, its length, its number, a checksum of the two with the
//! content, and the content. Damage inside a segment is skipped and reported; what is not whole at
//! the end of the last one is a write that nobody was told of, and is cut off.

mod acked;
mod error;
mod frame;
mod log;
mod segment;

pub use error::SpoolError;
pub use log::{Batch, Spool};

/// How large a spool may grow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes on disk, at most. What does not fit is refused.
    pub bytes_max: u64,
    /// From how many bytes on a new segment is begun. A segment is deleted as a whole, so it
    /// should be a small part of `bytes_max`.
    pub segment_bytes: u64,
    /// Bytes of one record, at most.
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

/// A place in a spool: the number of the record that comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position(pub u64);

/// What was found when a spool was opened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Recovery {
    /// Records that are whole and not acknowledged.
    pub records: u64,
    /// Bytes cut off at the end: the torn rest of a write that was never confirmed.
    pub torn_bytes: u64,
    /// Records missing in the middle, because the disk gave back something else than what was
    /// written. They are lost.
    pub damaged_records: u64,
}
