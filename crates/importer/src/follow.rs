//! Follows a log that grows and is rotated.
//!
//! The content of the beginning of a file identifies it, so a file is known again after it was
//! renamed, compressed or copied. A start after a kill reads the file from its beginning, because the
//! ordinals of equal lines depend on the lines before, and returns the lines that are new.

use std::collections::HashSet;
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

/// Files of a followed log since a position.
#[derive(Debug, Default)]
pub(crate) struct OlderFiles {
    /// Files to read, the oldest first, without the one at the path.
    pub(crate) files: Vec<FollowedFile>,
    /// Reasons why others cannot be read.
    pub(crate) not_read: Vec<String>,
    /// True if the file of the position is gone.
    pub(crate) is_incomplete: bool,
}

/// A file that was rotated.
struct Rotated {
    modified: SystemTime,
    path: PathBuf,
    /// Beginning of the file, or the reason why it cannot be read.
    head: Result<Vec<u8>, String>,
}

/// Endings of compressed files, also of those that are not read.
const COMPRESSED: [&[u8]; 9] = [
    b".gz", b".bz2", b".zst", b".xz", b".lzma", b".lz4", b".Z", b".zip", b".7z",
];

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

/// True if `other` is `name` with a number or a date before or after its extension, or compressed:
/// `access.log.1`, `access.log-20260514.gz`, `access-2026-05-14T10-05-03.123.log`.
fn is_rotated(name: &[u8], other: &[u8]) -> bool {
    let mut endings = COMPRESSED.iter();
    let plain = endings.find_map(|ending| other.strip_suffix(*ending));
    let is_compressed = plain.is_some();
    let plain = plain.unwrap_or(other);
    let dot = memchr::memrchr(b'.', name).unwrap_or(name.len());
    let (stem, extension) = name.split_at(dot);
    let mark = plain
        .strip_prefix(name)
        .or_else(|| plain.strip_prefix(stem)?.strip_suffix(extension));
    match mark {
        Some(b"") => is_compressed,
        Some(b".old") => true,
        Some(mark @ [b'.' | b'-' | b'_', ..]) => {
            mark.iter().any(u8::is_ascii_digit)
                && mark
                    .iter()
                    .all(|byte| byte.is_ascii_digit() || b".-_+:TZ".contains(byte))
        }
        _ => false,
    }
}

/// Reads the beginning of a file that identifies it, or the reason why that is impossible.
fn head(path: &Path) -> Result<Vec<u8>, String> {
    let mut content = open_file(path).map_err(|error| error.to_string())?;
    lines::head(&mut content, HEAD_BYTES_MAX)
        .map_err(|error| read_error(&path.display().to_string(), error).to_string())
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

    /// Returns the files since `position`.
    pub(crate) fn older_files(&self, position: &FollowPosition) -> io::Result<OlderFiles> {
        let mut older = OlderFiles::default();
        if position.is_in(&self.path) {
            return Ok(older);
        }
        let mut rotated = self.rotated()?;
        let place = rotated
            .iter()
            .position(|file| matches!(&file.head, Ok(head) if position.is_of(head)));
        older.is_incomplete = place.is_none();
        // The file of the position may be the last one that cannot be read.
        let first = place.unwrap_or(rotated.len().saturating_sub(1));
        for file in rotated.drain(first..) {
            match file.head {
                Ok(_) if older.is_incomplete => {}
                Ok(_) => older.files.push(FollowedFile {
                    path: file.path,
                    known_bytes: 0,
                }),
                Err(reason) => older.not_read.push(reason),
            }
        }
        if let Some(file) = older.files.first_mut() {
            file.known_bytes = position.bytes;
        }
        Ok(older)
    }

    /// Returns the files that were rotated, the oldest first. Of a file that is being compressed, only
    /// one of the two is there.
    fn rotated(&self) -> io::Result<Vec<Rotated>> {
        let folder = match self.path.parent() {
            Some(folder) if folder != Path::new("") => folder,
            _ => Path::new("."),
        };
        let name = self.path.file_name().unwrap_or_default().as_encoded_bytes();
        let mut files = Vec::new();
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            let other = path.file_name().unwrap_or_default().as_encoded_bytes();
            if !is_rotated(name, other) {
                continue;
            }
            // Another program may delete it at the same time.
            let Ok(metadata) = fs::metadata(&path) else {
                continue;
            };
            if metadata.is_file() && metadata.len() > 0 {
                files.push(Rotated {
                    modified: metadata.modified()?,
                    head: head(&path),
                    path,
                });
            }
        }
        files.sort_by(|one, other| (one.modified, &one.path).cmp(&(other.modified, &other.path)));
        let mut heads = HashSet::new();
        files.retain(|file| match &file.head {
            Ok(head) => heads.insert(hash(head)),
            Err(_) => true,
        });
        Ok(files)
    }

    /// Opens the file at the path, or an older one. `None` while there is no file at the path.
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

    /// True if the open file was cut below what was read of it. It may have grown again since, but
    /// then it begins otherwise than the file of `position`.
    pub(crate) fn is_cut(&self, position: &FollowPosition, bytes_read: u64) -> bool {
        let length = self.opened.as_ref().and_then(|file| file.metadata().ok());
        let head = self
            .content("")
            .ok()
            .and_then(|mut opened| lines::head(&mut opened.content, position.head_bytes).ok());
        length.is_some_and(|opened| opened.len() < bytes_read)
            || head.is_some_and(|head| !position.is_of(&head))
    }

    /// True if another file is at the path and has a line, and the open one has been quiet since.
    pub(crate) fn is_replaced(&mut self, bytes_read: u64) -> bool {
        let opened = self.opened.as_ref().and_then(|file| file.metadata().ok());
        // While a rotation has moved the file, the old one may still grow.
        let (Some(opened), Ok(at_path)) = (opened, fs::metadata(&self.path)) else {
            return false;
        };
        if FileId::of(&opened) == FileId::of(&at_path) {
            return false;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_rotated_files_are_taken() {
        let is_taken = |name: &str, other: &str| is_rotated(name.as_bytes(), other.as_bytes());
        for other in [
            "access.log.1",
            "access.log.12.gz",
            "access.log.1.xz",
            "access.log.gz",
            "access.log.old",
            "access.log-20260514",
            "access.log-20260514-1715670000.zst",
            "access.log.2026-05-14",
            "access.log.2026-05-14T10:05:03Z.bz2",
            "access.log.1778745903",
            "access-20260514.log",
            "access-2026-05-14T10-05-03.123.log.gz",
            "access.2026-05-14.log",
            "access_20260514.log",
        ] {
            assert!(is_taken("access.log", other), "{other}");
        }
        for other in [
            "access.log",
            "access.log.offset",
            "access.log.swp",
            "access.log~",
            "access.log.1.tmp",
            "access.log.txt.gz",
            "access.log2",
            "access.log.",
            "access.logger.1",
            "access-admin.log",
            "access-admin.log.1",
            "error.log.1",
        ] {
            assert!(!is_taken("access.log", other), "{other}");
        }
        assert!(is_taken("access_log", "access_log.1"));
        assert!(!is_taken("access_log", "access_log_ssl.1"));
    }
}
