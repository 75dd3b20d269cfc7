//! One file of a spool.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::error::io;
use super::{SpoolError, frame};

/// First bytes of a segment: the file type and the version of its format.
const HEADER: &[u8; 8] = b"afspool1";
/// Length of the header, and of an empty segment, in bytes.
pub(crate) const HEADER_BYTES: u64 = HEADER.len() as u64;
const SUFFIX: &str = ".spool";

/// A file of consecutive records.
#[derive(Debug)]
pub(crate) struct Segment {
    /// Number of the first record.
    pub(crate) first: u64,
    /// Bytes known to be on disk.
    pub(crate) bytes: u64,
    pub(crate) file: std::sync::Arc<File>,
    pub(crate) path: PathBuf,
}

/// Result of scanning a segment.
pub(crate) struct Scan {
    /// Number after the last valid record.
    pub(crate) end: u64,
    /// SpoolPosition after the last valid record, in bytes.
    pub(crate) sound_bytes: u64,
    /// Number of records missing between valid ones.
    pub(crate) damaged: u64,
}

impl Segment {
    fn path(dir: &Path, first: u64) -> PathBuf {
        dir.join(format!("{first:020}{SUFFIX}"))
    }

    /// Removes a segment whose creation or first write failed.
    pub(crate) fn remove(dir: &Path, first: u64) -> Result<(), SpoolError> {
        let path = Self::path(dir, first);
        match fs::remove_file(&path) {
            Err(cause) if cause.kind() != std::io::ErrorKind::NotFound => {
                Err(io("delete", &path)(cause))
            }
            _ => sync_dir(dir),
        }
    }

    /// Creates a segment, and syncs it and its folder.
    pub(crate) fn create(dir: &Path, first: u64) -> Result<Self, SpoolError> {
        let path = Self::path(dir, first);
        let mut file = File::options()
            .create(true)
            .truncate(true)
            .read(true)
            .write(true)
            .open(&path)
            .map_err(io("create", &path))?;
        file.write_all(HEADER).map_err(io("write", &path))?;
        file.sync_all().map_err(io("sync", &path))?;
        sync_dir(dir)?;
        Ok(Self {
            first,
            bytes: HEADER_BYTES,
            file: file.into(),
            path,
        })
    }

    /// Returns the segments in `dir`, in order.
    pub(crate) fn list(dir: &Path) -> Result<Vec<Self>, SpoolError> {
        let mut segments = Vec::new();
        for entry in fs::read_dir(dir).map_err(io("read", dir))? {
            let path = entry.map_err(io("read", dir))?.path();
            let name = path.file_name().and_then(|name| name.to_str());
            let Some(number) = name.and_then(|name| name.strip_suffix(SUFFIX)) else {
                continue;
            };
            let first = number
                .parse()
                .map_err(|_| SpoolError::Foreign { path: path.clone() })?;
            let file = File::options()
                .read(true)
                .write(true)
                .open(&path)
                .map_err(io("open", &path))?;
            let bytes = file.metadata().map_err(io("read", &path))?.len();
            segments.push(Self {
                first,
                bytes,
                file: file.into(),
                path,
            });
        }
        segments.sort_by_key(|segment| segment.first);
        Ok(segments)
    }

    /// Scans the segment. A segment without a complete header is empty: the machine stopped while
    /// it was being created.
    pub(crate) fn scan(&self, record_bytes_max: u32) -> Result<Scan, SpoolError> {
        let content = fs::read(&self.path).map_err(io("read", &self.path))?;
        let mut scan = Scan {
            end: self.first,
            sound_bytes: 0,
            damaged: 0,
        };
        if !content.starts_with(HEADER) {
            let torn = content.iter().all(|byte| *byte == 0) || HEADER.starts_with(&content[..]);
            return match torn {
                true => Ok(scan),
                false => Err(SpoolError::Foreign {
                    path: self.path.clone(),
                }),
            };
        }
        scan.sound_bytes = HEADER_BYTES;
        let mut at = HEADER.len();
        while let Some(skipped) = frame::find(&content[at..], record_bytes_max) {
            at += skipped;
            let found = frame::decode(&content[at..], record_bytes_max)
                .expect("a sound record was found here");
            scan.damaged += found.number.saturating_sub(scan.end);
            scan.end = found.number + 1;
            at += frame::HEADER_BYTES + found.record.len();
            scan.sound_bytes = at as u64;
        }
        Ok(scan)
    }

    /// Truncates the file to `bytes` and syncs it.
    pub(crate) fn cut(&mut self, bytes: u64) -> Result<(), SpoolError> {
        self.file.set_len(bytes).map_err(io("cut", &self.path))?;
        self.file.sync_all().map_err(io("sync", &self.path))?;
        self.bytes = bytes;
        Ok(())
    }

    /// Writes `frames` at `at`, and returns when they are on disk.
    pub(crate) fn write(
        file: &File,
        path: &Path,
        at: u64,
        frames: &[u8],
    ) -> Result<(), SpoolError> {
        file.write_all_at(frames, at).map_err(io("write", path))?;
        file.sync_data().map_err(io("sync", path))
    }

    pub(crate) fn delete(self) -> Result<(), SpoolError> {
        fs::remove_file(&self.path).map_err(io("delete", &self.path))
    }
}

pub(crate) fn sync_dir(dir: &Path) -> Result<(), SpoolError> {
    let folder = File::open(dir).map_err(io("open", dir))?;
    folder.sync_all().map_err(io("sync", dir))
}
