//! Follows a log that grows and is rotated.
//!
//! The content of the beginning of a file identifies it, so a file is known again after it was
//! renamed, compressed or copied. A start after a kill reads the file from its beginning, because the
//! ordinals of equal lines depend on the lines before, and returns the lines that are new.

use std::fs::{self, File, Metadata};
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_128;

use crate::ImportError;
use crate::input::{Content, Decoded, decode, open_file, read_error};

/// Number of bytes at the beginning of a file that identify it, if it has as many.
const HEAD_BYTES_MAX: u64 = 1_024;

/// Position in a log that is followed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FollowPosition {
    /// Hash of the beginning of the file.
    head: String,
    /// Number of bytes in the hash.
    head_bytes: u64,
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
    opened: Option<FileId>,
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
        let head = &sample[..sample.len().min(HEAD_BYTES_MAX as usize)];
        Self {
            head: hash(head),
            head_bytes: head.len() as u64,
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
    fn is_in(&self, path: &Path) -> bool {
        let mut head = Vec::new();
        let read =
            open_file(path).map(|content| content.take(self.head_bytes).read_to_end(&mut head));
        matches!(read, Ok(Ok(_)))
            && head.len() as u64 == self.head_bytes
            && hash(&head) == self.head
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

    /// Opens the file at the path; `None` while it does not exist. A compressed file is refused: its
    /// length says nothing about the lines that were read.
    pub(crate) fn open(&mut self) -> Result<Option<Content>, ImportError> {
        let name = self.path.display().to_string();
        let file = match File::open(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            file => file.map_err(|source| read_error(&name, source))?,
        };
        let metadata = file
            .metadata()
            .map_err(|source| read_error(&name, source))?;
        self.opened = Some(FileId::of(&metadata));
        match decode(&name, Box::new(file))? {
            Decoded {
                is_compressed: true,
                ..
            } => Err(ImportError::FollowedCompressed { name }),
            Decoded { content, .. } => Ok(Some(content)),
        }
    }

    /// True if another file is at the path, or the file was cut below what was read of it.
    pub(crate) fn is_replaced(&self, bytes_read: u64) -> bool {
        // While a rotation has moved the file, the old one may still grow.
        let Ok(metadata) = fs::metadata(&self.path) else {
            return false;
        };
        self.opened != Some(FileId::of(&metadata)) || metadata.len() < bytes_read
    }
}
