//! Secrets of the visitor tokens, kept in a folder for a few days.
//!
//! A day's log may come in parts: rotation in the morning splits each day between two files, and two
//! servers have two logs. A visitor of both parts is one visitor only if both imports use one secret.

use std::fs::{self, OpenOptions, Permissions};
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use jiff::civil::Date;

use crate::visitor::{Salt, SaltSource, SystemSalts};

/// Time after the last use at which a secret is deleted. It covers logs that are rotated weekly and
/// imported the day after.
pub const SECRET_KEPT: Duration = Duration::from_secs(8 * 24 * 3_600);

/// One secret a day and ente, in a folder that only the account of this program can read.
#[derive(Debug)]
pub struct KeptSecrets {
    folder: PathBuf,
    ente: String,
    now: SystemTime,
}

impl KeptSecrets {
    /// Opens the secrets of an ente, and deletes those of all enti that were not used lately.
    pub fn open(folder: &Path, ente: &str, now: SystemTime) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        fs::set_permissions(folder, Permissions::from_mode(0o700))?;
        for file in fs::read_dir(folder)? {
            let file = file?;
            let used = file.metadata()?.modified()?;
            if now
                .duration_since(used)
                .is_ok_and(|unused| unused > SECRET_KEPT)
            {
                remove(&file.path())?;
            }
        }
        Ok(Self {
            folder: folder.to_owned(),
            ente: ente.to_owned(),
            now,
        })
    }

    /// Creates a secret. If another import created it first, that one counts.
    fn create(&self, path: &Path) -> io::Result<()> {
        let mut name = path.as_os_str().to_owned();
        name.push(format!(".{}", std::process::id()));
        let new = PathBuf::from(name);
        // The file appears under its name with its content.
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(0o600);
        options.open(&new)?.write_all(&SystemSalts.random()?)?;
        let linked = fs::hard_link(&new, path);
        remove(&new)?;
        match linked {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
            _ => Ok(()),
        }
    }
}

impl SaltSource for KeptSecrets {
    fn salt(&mut self, day: Date) -> io::Result<Salt> {
        // Codes of enti have no "@", and no code is the name of a folder then.
        let path = self.folder.join(format!("{}@{day}", self.ente));
        if !path.exists() {
            self.create(&path)?;
        }
        OpenOptions::new()
            .append(true)
            .open(&path)?
            .set_modified(self.now)?;
        let secret = fs::read(&path)?;
        secret.try_into().map_err(|_| {
            let text = format!("{} is damaged: delete it", path.display());
            io::Error::new(ErrorKind::InvalidData, text)
        })
    }
}

/// Removes a file that another import may remove at the same time.
fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn a_secret_is_the_same_until_it_is_not_needed() {
        let folder = tempfile::tempdir().unwrap();
        let start = SystemTime::UNIX_EPOCH + Duration::from_secs(1_778_745_903);
        let secret = |ente: &str, day: i8, days: u64| {
            let now = start + Duration::from_secs(days * 24 * 3_600);
            let mut secrets = KeptSecrets::open(folder.path(), ente, now).unwrap();
            secrets.salt(date(2026, 5, day)).unwrap()
        };
        let first = secret("e", 14, 0);
        assert_eq!(first, secret("e", 14, 1), "the second part of a day");
        assert_ne!(first, secret("e", 15, 1));
        assert_ne!(first, secret("f", 14, 1));
        assert_eq!(first, secret("e", 14, 9), "eight days after its last use");
        assert_ne!(first, secret("e", 14, 18));
        let names = fs::read_dir(folder.path()).unwrap().count();
        assert_eq!(names, 1, "the others are deleted");
    }
}
