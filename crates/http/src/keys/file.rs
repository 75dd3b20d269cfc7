//! The key file, which is always replaced as a whole.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use rustix::fs::FlockOperation;
use serde::{Deserialize, Serialize};

use crate::keys::secret::decode_digest;
use crate::keys::{Key, KeyError};

/// Maximum size of the key file, in bytes: a few hundred thousand keys.
const FILE_BYTES_MAX: u64 = 64 << 20;

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct KeyFile {
    #[serde(default, rename = "key")]
    pub keys: Vec<Key>,
}

/// Inode, size and modification time of a file. A different stamp means that the file was replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp(Option<(u64, u64, SystemTime)>);

impl Stamp {
    pub fn of(path: &Path) -> Self {
        let metadata = fs::metadata(path).ok();
        Self(metadata.and_then(|data| Some((data.ino(), data.len(), data.modified().ok()?))))
    }
}

/// Returns the keys and the text of the file. A missing file has no keys.
pub(crate) fn read(path: &Path) -> Result<(KeyFile, String), KeyError> {
    match fs::metadata(path) {
        Ok(data) if data.len() > FILE_BYTES_MAX => {
            return Err(damaged(path, format!("it has {} bytes", data.len())));
        }
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Default::default()),
        Err(error) => return Err(KeyError::io(path)(error)),
    }
    let text = fs::read_to_string(path).map_err(KeyError::io(path))?;
    if text.trim().is_empty() {
        // A full disk may have cut it; a file of this program has a comment at least.
        let cause = "it is empty, so all keys would be lost: remove it if there were none";
        return Err(damaged(path, cause.to_owned()));
    }
    let file: KeyFile =
        toml::from_str(&text).map_err(|error| damaged(path, error.message().replace('\n', " ")))?;
    if let Some(key) = file
        .keys
        .iter()
        .find(|key| decode_digest(&key.hash).is_none())
    {
        return Err(damaged(path, format!("key {} has no whole hash", key.id)));
    }
    Ok((file, text))
}

fn damaged(path: &Path, cause: String) -> KeyError {
    let path = path.to_owned();
    KeyError::Damaged { path, cause }
}

pub(crate) fn text(file: &KeyFile) -> String {
    let body = toml::to_string(file).expect("keys have text keys only");
    format!("# Written by `affluenza keys`. Holds hashes, no secrets.\n{body}")
}

/// Exclusive lock on the key file and its log, held until dropped.
pub(crate) struct Lock(#[expect(dead_code, reason = "closing it releases the lock")] File);

pub(crate) fn lock(path: &Path) -> Result<Lock, KeyError> {
    let path = path.with_extension("lock");
    if let Some(folder) = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
    {
        fs::create_dir_all(folder).map_err(KeyError::io(folder))?;
    }
    let file = private(&path).map_err(KeyError::io(&path))?;
    rustix::fs::flock(&file, FlockOperation::LockExclusive)
        .map_err(|error| KeyError::io(&path)(error.into()))?;
    Ok(Lock(file))
}

fn private(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
}

pub(crate) fn draft_of(path: &Path) -> PathBuf {
    path.with_extension("draft")
}

/// Writes and syncs the text that will replace the key file.
pub(crate) fn write_draft(path: &Path, text: &str) -> Result<(), KeyError> {
    let draft = draft_of(path);
    private(&draft)
        .and_then(|mut file| {
            file.set_len(0)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()
        })
        .map_err(KeyError::io(&draft))
}

/// Renames the draft to the key file and syncs the folder.
pub(crate) fn replace(path: &Path) -> Result<(), KeyError> {
    fs::rename(draft_of(path), path)
        .and_then(|()| sync_folder(path))
        .map_err(KeyError::io(path))
}

/// Syncs the folder of `path`, so that a new name survives a crash.
pub(crate) fn sync_folder(path: &Path) -> std::io::Result<()> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}
