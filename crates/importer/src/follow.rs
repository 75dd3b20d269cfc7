//! Follows a log that grows and is rotated.
//!
//! The content of the beginning of a file identifies it, so a file is known again after it was
//! renamed, compressed or copied. A start after a kill reads the file from its beginning, because the
//! ordinals of equal lines depend on the lines before, and returns the lines that are new.

use std::fs::{self, File, Metadata};
use std::io;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_128;

use crate::ImportError;
use crate::input::{Decoded, decode, open_file, read_error};
use crate::layout::has_request;
use crate::lines;

/// Number of bytes at the beginning of a file that identify it, if it has as many. The header of a
/// W3C log, which all its files share, is shorter.
const HEAD_BYTES_MAX: usize = 4 * 1024;

/// Number of looks at which a renamed file must have no new bytes before it is left. A server has
/// processes that write to the old file until each opens the new one.
pub const QUIET_LOOKS: u32 = 10;

/// Position in a log that is followed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FollowPosition {
    /// Hash of the beginning of the file, without the NUL bytes before lines.
    head: String,
    /// Number of bytes in the hash.
    head_bytes: usize,
    /// Number of bytes whose lines were returned, after decompression.
    bytes: u64,
}

/// File that keeps the position in a followed log.
#[derive(Debug)]
pub struct KeptPosition(PathBuf);

impl KeptPosition {
    /// Returns the file in `folder` for the log at `path`, whose events have `source`.
    pub fn of(folder: &Path, source: &str, path: &Path) -> io::Result<Self> {
        let path = std::path::absolute(path)?;
        fs::create_dir_all(folder)?;
        let name = [source.as_bytes(), path.as_os_str().as_encoded_bytes()].join(&0);
        Ok(Self(folder.join(format!("{}.json", hash(&name)))))
    }

    /// Reads the position; `None` before the first.
    pub fn read(&self) -> io::Result<Option<FollowPosition>> {
        match fs::read(&self.0) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            text => Ok(Some(serde_json::from_slice(&text?)?)),
        }
    }

    /// Replaces the position in one step.
    pub fn write(&self, position: &FollowPosition) -> io::Result<()> {
        let new = self.0.with_extension("new");
        fs::write(&new, serde_json::to_vec(position)?)?;
        fs::rename(&new, &self.0)
    }
}

/// A file of a log that is followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FollowedFile {
    pub(crate) path: PathBuf,
    /// Number of bytes whose lines were returned before.
    pub(crate) known_bytes: u64,
}

/// The path of a log that is followed.
#[derive(Debug)]
pub(crate) struct Followed {
    path: PathBuf,
    /// File that is read.
    opened: Option<Arc<File>>,
    /// Number of bytes that were read at the last look, and of looks without a new one since
    /// another file has a line.
    bytes: u64,
    quiet_looks: u32,
}

/// Reader of an open file from its beginning, with its own offset.
struct FromStart {
    file: Arc<File>,
    offset: u64,
}

impl io::Read for FromStart {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read_at(buffer, self.offset)?;
        self.offset += read as u64;
        Ok(read)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct FileId {
    device: u64,
    inode: u64,
}

impl FileId {
    fn of(metadata: &Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
        }
    }
}

impl FollowPosition {
    /// Returns the position after `bytes` of the file that begins with `sample`.
    pub(crate) fn new(sample: &[u8], bytes: u64) -> Self {
        let head = &sample[..sample.len().min(HEAD_BYTES_MAX)];
        Self {
            head: hash(head),
            head_bytes: head.len(),
            bytes,
        }
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(crate) fn at(&self, bytes: u64) -> Self {
        Self {
            bytes,
            ..self.clone()
        }
    }

    /// True if the file begins like the file of this position.
    pub(crate) fn is_in(&self, path: &Path) -> bool {
        let read = open_file(path).map(|mut content| lines::head(&mut content, self.head_bytes));
        matches!(read, Ok(Ok(head)) if self.is_of(&head))
    }

    /// True for the beginning of the file, which may have grown.
    fn is_of(&self, head: &[u8]) -> bool {
        let head = head.get(..self.head_bytes);
        head.is_some_and(|head| hash(head) == self.head)
    }
}

fn hash(head: &[u8]) -> String {
    format!("{:032x}", xxh3_128(head))
}

impl Followed {
    pub(crate) fn new(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            opened: None,
            bytes: 0,
            quiet_looks: 0,
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the files since `position`, the oldest first, without the one at the path. `None` if
    /// the file of the position is gone.
    pub(crate) fn older_files(
        &self,
        position: &FollowPosition,
    ) -> io::Result<Option<Vec<FollowedFile>>> {
        if position.is_in(&self.path) {
            return Ok(Some(Vec::new()));
        }
        let mut rotated = self.rotated()?;
        let Some(place) = rotated.iter().position(|(_, path)| position.is_in(path)) else {
            return Ok(None);
        };
        let files = rotated.drain(place..).map(|(_, path)| FollowedFile {
            path,
            known_bytes: 0,
        });
        let mut files: Vec<_> = files.collect();
        files[0].known_bytes = position.bytes;
        Ok(Some(files))
    }

    /// Files of the folder whose names begin with that of the log, the oldest first.
    fn rotated(&self) -> io::Result<Vec<(SystemTime, PathBuf)>> {
        let folder = match self.path.parent() {
            Some(folder) if folder != Path::new("") => folder,
            _ => Path::new("."),
        };
        let name = self.path.file_name().unwrap_or_default().as_encoded_bytes();
        let mut files = Vec::new();
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let other = entry.file_name();
            if other.as_encoded_bytes().starts_with(name) && other.as_encoded_bytes() != name {
                files.push((entry.metadata()?.modified()?, entry.path()));
            }
        }
        files.sort();
        Ok(files)
    }

    /// Opens the file at the path, or an older one. `None` while there is none at the path.
    pub(crate) fn open(&mut self, older: Option<&Path>) -> Result<Option<Decoded>, ImportError> {
        let path = older.unwrap_or(&self.path);
        let name = path.display().to_string();
        let file = match File::open(path) {
            Err(error) if older.is_none() && error.kind() == io::ErrorKind::NotFound => {
                return Ok(None);
            }
            file => file.map_err(|source| ImportError::Open {
                name: name.clone(),
                source,
            })?,
        };
        self.opened = Some(Arc::new(file));
        self.quiet_looks = 0;
        let decoded = self.content(&name)?;
        if older.is_none() && decoded.is_compressed {
            // Its length says nothing about the lines that were read.
            return Err(ImportError::FollowedCompressed { name });
        }
        Ok(Some(decoded))
    }

    /// Reads the open file from its beginning. Errors use `name`.
    pub(crate) fn content(&self, name: &str) -> Result<Decoded, ImportError> {
        let file = self.opened.clone();
        let file = file.ok_or_else(|| read_error(name, io::ErrorKind::NotFound.into()))?;
        decode(name, Box::new(FromStart { file, offset: 0 }))
    }

    /// Returns `position` in the open file with a longer beginning, if the file has grown.
    pub(crate) fn extended(&self, position: &FollowPosition) -> FollowPosition {
        if position.head_bytes < HEAD_BYTES_MAX
            && let Ok(mut opened) = self.content("")
            && let Ok(head) = lines::head(&mut opened.content, HEAD_BYTES_MAX)
            && position.is_of(&head)
        {
            return FollowPosition::new(&head, position.bytes);
        }
        position.clone()
    }

    /// True if the open file was cut below what was read of it, or if another one is at the path,
    /// has a line, and the open one has been quiet since.
    pub(crate) fn is_replaced(&mut self, bytes_read: u64) -> bool {
        let opened = self.opened.as_ref().and_then(|file| file.metadata().ok());
        // While a rotation has moved the file, the old one may still grow.
        let (Some(opened), Ok(at_path)) = (opened, fs::metadata(&self.path)) else {
            return false;
        };
        if FileId::of(&opened) == FileId::of(&at_path) {
            return at_path.len() < bytes_read;
        }
        let is_quiet = self.bytes == bytes_read && self.has_request();
        self.quiet_looks = if is_quiet { self.quiet_looks + 1 } else { 0 };
        self.bytes = bytes_read;
        self.quiet_looks >= QUIET_LOOKS
    }

    /// True if the file at the path has a line of a request.
    fn has_request(&self) -> bool {
        let sample = open_file(&self.path).map(|mut content| lines::sample(&mut content));
        matches!(sample, Ok(Ok(sample)) if has_request(&sample))
    }
}
