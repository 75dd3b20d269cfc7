//! The spool: append, read and acknowledge.

use std::collections::VecDeque;
use std::fs::{self, File, TryLockError};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use super::error::io;
use super::segment::{self, Segment};
use super::{Limits, Recovery, SpoolError, SpoolPosition, acked, frame};

/// A spool. Threads share it by reference or in an `Arc`.
#[derive(Debug)]
pub struct Spool {
    dir: PathBuf,
    limits: Limits,
    state: Mutex<SpoolState>,
    /// Notified after each write, successful or failed.
    written: Condvar,
    /// Lock on the folder while the spool is open.
    _lock: File,
}

/// Records read from a spool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// Records in the order of appending.
    pub records: Vec<Vec<u8>>,
    /// SpoolPosition of the next read. Acknowledge it after the records are processed.
    pub next: SpoolPosition,
}

#[derive(Debug)]
struct SpoolState {
    /// Segments in order. The last one receives writes.
    segments: VecDeque<Segment>,
    /// Size of the segments on disk, in bytes.
    bytes: u64,
    acked: u64,
    /// Number after the last record on disk.
    durable: u64,
    /// Number after the last accepted record.
    end: u64,
    /// Accepted frames whose write has not begun.
    waiting: Vec<u8>,
    /// Bytes of the frames in the current write.
    writing_bytes: u64,
    is_writing: bool,
    /// Number of failed writes. Every thread that waits for one of them gets an error.
    failures: u64,
    /// Error of the last failed write.
    last_failure: String,
    /// True if a failed write could not be undone.
    is_stopped: bool,
    /// End of the last read, where the next read most likely continues.
    cursor: SpoolCursor,
}

#[derive(Debug, Clone, Copy)]
struct SpoolCursor {
    number: u64,
    segment: u64,
    at: u64,
}

impl Spool {
    /// Opens the spool in `dir`, creates the folder if needed, and recovers from a crash.
    ///
    /// # Errors
    /// If the folder is in use, cannot be used, or contains unknown files.
    pub fn open(dir: &Path, limits: Limits) -> Result<(Self, Recovery), SpoolError> {
        check(&limits)?;
        fs::create_dir_all(dir).map_err(io("create", dir))?;
        let lock = lock(dir)?;
        let mut recovery = Recovery::default();
        let mut segments: VecDeque<Segment> = Segment::list(dir)?.into();
        let mut end = segments.front().map_or(0, |first| first.first);
        let acked_before = acked::load(dir);
        let count = segments.len();
        for (index, segment) in segments.iter_mut().enumerate() {
            // A gap between two segments was acknowledged, or is damage.
            let known = end.max(acked_before.map_or(0, |position| position.0));
            let scan = segment.scan(limits.record_bytes_max)?;
            let damaged = segment.first.saturating_sub(known) + scan.damaged;
            if damaged > 0 {
                recovery.damaged_records += damaged;
                recovery.damaged_files.push(segment.path.clone());
            }
            end = end.max(scan.end);
            if index + 1 == count && scan.sound_bytes < segment.bytes {
                recovery.torn_bytes = segment.bytes - scan.sound_bytes;
                segment.cut(scan.sound_bytes)?;
            }
        }
        // The next number must not be acknowledged already.
        let end = end.max(acked_before.map_or(0, |position| position.0));
        // Writes go to a new segment, never after the data of an earlier process.
        while segments
            .back()
            .is_some_and(|last| last.first >= end || last.bytes < segment::HEADER_BYTES)
        {
            if let Some(empty) = segments.pop_back() {
                empty.delete()?;
            }
        }
        segments.push_back(Segment::create(dir, end)?);
        let oldest = segments.front().map_or(end, |first| first.first);
        let acked = acked_before.map_or(oldest, |position| position.0.clamp(oldest, end));
        let spool = Self {
            dir: dir.to_owned(),
            limits,
            state: Mutex::new(SpoolState {
                bytes: segments.iter().map(|segment| segment.bytes).sum(),
                segments,
                acked,
                durable: end,
                end,
                waiting: Vec::new(),
                writing_bytes: 0,
                is_writing: false,
                failures: 0,
                last_failure: String::new(),
                is_stopped: false,
                cursor: SpoolCursor {
                    number: u64::MAX,
                    segment: 0,
                    at: 0,
                },
            }),
            written: Condvar::new(),
            _lock: lock,
        };
        spool.delete_acked(&mut spool.state())?;
        recovery.records = end - acked;
        Ok((spool, recovery))
    }

    /// Appends `records` in order, and returns when they are on disk. The records of one call are
    /// consecutive. A crash during the call may keep only the first few.
    ///
    /// # Errors
    /// [`SpoolError::Full`] if the records do not fit: none is kept. After any other error some of
    /// them may exist after a crash, without a guarantee.
    pub fn append(&self, records: &[impl AsRef<[u8]>]) -> Result<(), SpoolError> {
        let mut wanted = 0;
        for record in records {
            let bytes = record.as_ref().len();
            if bytes > self.limits.record_bytes_max as usize {
                return Err(SpoolError::TooLarge {
                    bytes,
                    max: self.limits.record_bytes_max,
                });
            }
            wanted += frame::framed_bytes(bytes);
        }
        let mut state = self.state();
        if state.is_stopped {
            return Err(SpoolError::Stopped);
        }
        let used = state.bytes + state.writing_bytes + state.waiting.len() as u64;
        if used + wanted > self.limits.bytes_max {
            return Err(SpoolError::Full {
                used,
                wanted,
                max: self.limits.bytes_max,
            });
        }
        for record in records {
            let number = state.end;
            frame::encode(&mut state.waiting, number, record.as_ref());
            state.end += 1;
        }
        let (until, failures) = (state.end, state.failures);
        loop {
            if state.failures != failures {
                return Err(SpoolError::NotWritten {
                    cause: state.last_failure.clone(),
                });
            }
            if state.durable >= until {
                return Ok(());
            }
            if state.is_writing {
                state = self
                    .written
                    .wait(state)
                    .unwrap_or_else(PoisonError::into_inner);
            } else {
                state = self.write_waiting(state)?;
            }
        }
    }

    /// Writes the waiting frames on behalf of every thread that waits for them.
    fn write_waiting<'s>(
        &'s self,
        mut state: MutexGuard<'s, SpoolState>,
    ) -> Result<MutexGuard<'s, SpoolState>, SpoolError> {
        let frames = std::mem::take(&mut state.waiting);
        let until = state.end;
        let last = state.segments.back().expect("a spool has a segment");
        let (file, path, at) = (Arc::clone(&last.file), last.path.clone(), last.bytes);
        let needs_new =
            at + frames.len() as u64 > self.limits.segment_bytes && at > segment::HEADER_BYTES;
        let first = state.durable;
        state.is_writing = true;
        state.writing_bytes = frames.len() as u64;
        drop(state);
        let result = if needs_new {
            Segment::create(&self.dir, first).and_then(|new| {
                Segment::write(&new.file, &new.path, new.bytes, &frames)?;
                Ok(Some(new))
            })
        } else {
            Segment::write(&file, &path, at, &frames).map(|()| None)
        };
        let mut state = self.state();
        state.is_writing = false;
        state.writing_bytes = 0;
        self.written.notify_all();
        match result {
            Ok(new) => {
                if let Some(new) = new {
                    state.bytes += new.bytes;
                    state.segments.push_back(new);
                }
                let written = frames.len() as u64;
                state.bytes += written;
                state
                    .segments
                    .back_mut()
                    .expect("a spool has a segment")
                    .bytes += written;
                state.durable = until;
                Ok(state)
            }
            Err(error) => {
                self.undo(&mut state, needs_new.then_some(first), &error);
                Err(error)
            }
        }
    }

    /// Undoes a failed write: removes its bytes from the disk, and drops the waiting frames, whose
    /// numbers would leave a gap.
    fn undo(&self, state: &mut SpoolState, new: Option<u64>, error: &SpoolError) {
        state.failures += 1;
        state.last_failure = error.to_string();
        state.waiting.clear();
        state.end = state.durable;
        let undone = match new {
            Some(first) => Segment::remove(&self.dir, first),
            None => {
                let last = state.segments.back_mut().expect("a spool has a segment");
                last.cut(last.bytes)
            }
        };
        state.is_stopped = undone.is_err();
    }

    /// Reads from `from` up to `records_max` records and about `bytes_max` bytes. Returns at least
    /// one record if there is any. Skips damaged records.
    ///
    /// # Errors
    /// If the disk fails.
    pub fn read(
        &self,
        from: SpoolPosition,
        records_max: usize,
        bytes_max: usize,
    ) -> Result<Batch, SpoolError> {
        let mut batch = Batch {
            records: Vec::new(),
            next: from,
        };
        let mut bytes = 0;
        while batch.records.len() < records_max && bytes < bytes_max {
            let Some(part) = self.locate(batch.next) else {
                break;
            };
            let mut reading = SpoolRead {
                part,
                record_bytes_max: self.limits.record_bytes_max,
                records_max: records_max - batch.records.len(),
                bytes_max: bytes_max - bytes,
            };
            bytes += reading.read_into(&mut batch)?;
            self.state().cursor = SpoolCursor {
                number: batch.next.0,
                segment: reading.part.segment,
                at: reading.part.at,
            };
        }
        Ok(batch)
    }

    /// Returns the unread part of the segment that contains `position`; `None` at the end of the
    /// spool.
    fn locate(&self, position: SpoolPosition) -> Option<SegmentRest> {
        let state = self.state();
        if position.0 >= state.durable {
            return None;
        }
        let after = state
            .segments
            .partition_point(|segment| segment.first <= position.0);
        let index = after.saturating_sub(1);
        let segment = &state.segments[index];
        let is_cursor = state.cursor.number == position.0 && state.cursor.segment == segment.first;
        Some(SegmentRest {
            segment: segment.first,
            file: Arc::clone(&segment.file),
            path: segment.path.clone(),
            at: if is_cursor {
                state.cursor.at
            } else {
                segment::HEADER_BYTES
            },
            end: segment.bytes,
            next_segment: match state.segments.get(index + 1) {
                Some(next) => next.first,
                None => state.durable,
            },
        })
    }

    /// Acknowledges all records before `position`, and deletes segments without other records.
    ///
    /// # Errors
    /// If the disk fails. The records may then be delivered again.
    pub fn ack(&self, position: SpoolPosition) -> Result<(), SpoolError> {
        let mut state = self.state();
        if position.0 <= state.acked {
            return Ok(());
        }
        state.acked = position.0.min(state.durable);
        acked::store(&self.dir, SpoolPosition(state.acked))?;
        self.delete_acked(&mut state)
    }

    fn delete_acked(&self, state: &mut SpoolState) -> Result<(), SpoolError> {
        // A drained spool starts a new segment, so that the old one can be deleted.
        let last = state.segments.back().expect("a spool has a segment");
        let is_drained = state.acked == state.end && !state.is_writing;
        if is_drained && last.bytes > self.limits.segment_bytes / 2 {
            let new = Segment::create(&self.dir, state.end)?;
            state.bytes += new.bytes;
            state.segments.push_back(new);
        }
        while state
            .segments
            .get(1)
            .is_some_and(|second| second.first <= state.acked)
        {
            let Some(oldest) = state.segments.pop_front() else {
                break;
            };
            state.bytes -= oldest.bytes;
            oldest.delete()?;
        }
        Ok(())
    }

    /// Returns the acknowledged position of the reader.
    pub fn acked(&self) -> SpoolPosition {
        SpoolPosition(self.state().acked)
    }

    /// Returns the position after the last record on disk.
    pub fn end(&self) -> SpoolPosition {
        SpoolPosition(self.state().durable)
    }

    /// Returns the number of records on disk that are not acknowledged.
    pub fn len(&self) -> u64 {
        let state = self.state();
        state.durable - state.acked
    }

    /// Returns true if every record is acknowledged.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the size of the segments on disk, in bytes.
    pub fn bytes(&self) -> u64 {
        self.state().bytes
    }

    fn state(&self) -> MutexGuard<'_, SpoolState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Unread remainder of a segment.
struct SegmentRest {
    segment: u64,
    file: Arc<File>,
    path: PathBuf,
    at: u64,
    end: u64,
    /// Number of the first record of the next segment.
    next_segment: u64,
}

struct SpoolRead {
    part: SegmentRest,
    record_bytes_max: u32,
    records_max: usize,
    bytes_max: usize,
}

/// Bytes per read. A longer record is read separately.
const CHUNK_BYTES: u64 = 256 * 1024;

impl SpoolRead {
    /// Adds records to `batch` and returns their bytes. At the end of the segment, `batch.next`
    /// moves to the next segment.
    fn read_into(&mut self, batch: &mut Batch) -> Result<usize, SpoolError> {
        let (mut records, mut bytes) = (0, 0);
        let longest = frame::framed_bytes(self.record_bytes_max as usize);
        let mut chunk_bytes = CHUNK_BYTES;
        while self.part.at < self.part.end {
            let length = chunk_bytes.min(self.part.end - self.part.at);
            let mut chunk = vec![0; usize::try_from(length).unwrap_or(0)];
            self.part
                .file
                .read_exact_at(&mut chunk, self.part.at)
                .map_err(io("read", &self.part.path))?;
            let mut at = 0;
            while let Some(found) = frame::decode(&chunk[at..], self.record_bytes_max) {
                if found.number >= batch.next.0 {
                    if records >= self.records_max || (bytes >= self.bytes_max && records > 0) {
                        self.part.at += at as u64;
                        return Ok(bytes);
                    }
                    batch.records.push(found.record.to_vec());
                    batch.next = SpoolPosition(found.number + 1);
                    records += 1;
                    bytes += found.record.len();
                }
                at += frame::HEADER_BYTES + found.record.len();
            }
            let is_short = at == 0 && length < longest && length == chunk_bytes;
            if is_short {
                // The record may continue after the chunk.
                chunk_bytes = longest;
                continue;
            }
            if at == 0 {
                at = self.skip_damage()?;
            }
            chunk_bytes = CHUNK_BYTES;
            self.part.at += at as u64;
        }
        batch.next = batch.next.max(SpoolPosition(self.part.next_segment));
        Ok(bytes)
    }

    /// Returns the distance in bytes to the next valid record, or to the end of the segment.
    fn skip_damage(&self) -> Result<usize, SpoolError> {
        let length = usize::try_from(self.part.end - self.part.at).unwrap_or(0);
        let mut rest = vec![0; length];
        self.part
            .file
            .read_exact_at(&mut rest, self.part.at)
            .map_err(io("read", &self.part.path))?;
        let skipped = frame::find(&rest[1..], self.record_bytes_max);
        Ok(skipped.map_or(length, |skipped| 1 + skipped))
    }
}

fn check(limits: &Limits) -> Result<(), SpoolError> {
    if limits.record_bytes_max > 64 << 20 {
        return Err(SpoolError::Limits(
            "record_bytes_max of a spool is at most 64 MiB",
        ));
    }
    if limits.segment_bytes < frame::framed_bytes(limits.record_bytes_max as usize) {
        return Err(SpoolError::Limits(
            "segment_bytes of a spool must hold at least one record of record_bytes_max",
        ));
    }
    if limits.bytes_max < limits.segment_bytes.saturating_mul(2) {
        return Err(SpoolError::Limits(
            "bytes_max of a spool must be at least two segments",
        ));
    }
    Ok(())
}

fn lock(dir: &Path) -> Result<File, SpoolError> {
    let path = dir.join("lock");
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(io("open", &path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(SpoolError::InUse {
            dir: dir.to_owned(),
        }),
        Err(TryLockError::Error(cause)) => Err(io("lock", &path)(cause)),
    }
}
