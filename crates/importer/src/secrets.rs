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

use crate::visitor::{Salt, SaltSource, SaltsHeld, SystemSalts};

/// Time after the last use at which a secret is deleted. It covers logs that are rotated weekly and
/// imported the day after.
pub const SECRET_KEPT: Duration = Duration::from_secs(8 * 24 * 3_600);

/// Interval between deletions of secrets, in an import that runs for long.
const DELETION_INTERVAL: Duration = Duration::from_secs(3_600);

/// One secret a day and ente, in a folder that only the account of this program can read.
#[derive(Debug)]
pub struct KeptSecrets {
    folder: PathBuf,
    ente: String,
    /// Clock of the last uses.
    now: fn() -> SystemTime,
    /// Time of the last deletion.
    deleted: SystemTime,
}

impl KeptSecrets {
    /// Opens the secrets of an ente, and deletes those of all enti that were not used lately.
    pub fn open(folder: &Path, ente: &str, now: fn() -> SystemTime) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        fs::set_permissions(folder, Permissions::from_mode(0o700))?;
        let deleted = now();
        delete_unused(folder, deleted)?;
        Ok(Self {
            folder: folder.to_owned(),
            ente: ente.to_owned(),
            now,
            deleted,
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
            .set_modified((self.now)())?;
        let secret = fs::read(&path)?;
        secret.try_into().map_err(|_| {
            let text = format!("{} is damaged: delete it", path.display());
            io::Error::new(ErrorKind::InvalidData, text)
        })
    }

    fn expire(&mut self) -> io::Result<SaltsHeld> {
        let now = (self.now)();
        let since = now.duration_since(self.deleted);
        if since.is_ok_and(|since| since < DELETION_INTERVAL) {
            return Ok(SaltsHeld::Valid);
        }
        delete_unused(&self.folder, now)?;
        self.deleted = now;
        Ok(SaltsHeld::Expired)
    }
}

/// Deletes the secrets that were last used too long before `now`.
fn delete_unused(folder: &Path, now: SystemTime) -> io::Result<()> {
    for file in fs::read_dir(folder)? {
        let file = file?;
        let used = match file.metadata() {
            // Another import deletes, too.
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            metadata => metadata?.modified()?,
        };
        let unused = now.duration_since(used);
        if unused.is_ok_and(|unused| unused > SECRET_KEPT) {
            remove(&file.path())?;
        }
    }
    Ok(())
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
    use std::cell::Cell;

    use super::*;
    use jiff::civil::date;

    const HOUR: Duration = Duration::from_secs(3_600);

    thread_local! {
        static NOW: Cell<SystemTime> =
            Cell::new(SystemTime::UNIX_EPOCH + Duration::from_secs(1_778_745_903));
    }

    fn now() -> SystemTime {
        NOW.get()
    }

    fn wait(hours: u32) {
        NOW.set(NOW.get() + HOUR * hours);
    }

    fn secret(folder: &Path, ente: &str, day: i8) -> Salt {
        let mut secrets = KeptSecrets::open(folder, ente, now).unwrap();
        secrets.salt(date(2026, 5, day)).unwrap()
    }

    #[test]
    fn a_secret_is_the_same_until_it_is_not_needed() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let first = secret(folder, "e", 14);
        wait(24);
        assert_eq!(first, secret(folder, "e", 14), "the second part of a day");
        assert_ne!(first, secret(folder, "e", 15));
        assert_ne!(first, secret(folder, "f", 14));
        wait(8 * 24);
        assert_eq!(
            first,
            secret(folder, "e", 14),
            "eight days after its last use"
        );
        wait(8 * 24 + 1);
        assert_ne!(first, secret(folder, "e", 14));
        let names = fs::read_dir(folder).unwrap().count();
        assert_eq!(names, 1, "the others are deleted");
    }

    #[test]
    fn an_import_that_runs_for_days_keeps_the_secrets_in_use() {
        let folder = tempfile::tempdir().unwrap();
        let mut secrets = KeptSecrets::open(folder.path(), "e", now).unwrap();
        let mut kept = Vec::new();
        for day in 1..=28 {
            let salt = secrets.salt(date(2026, 5, day)).unwrap();
            // The next line of the day comes in the evening.
            wait(12);
            assert_eq!(secrets.expire().unwrap(), SaltsHeld::Expired);
            assert_eq!(
                secrets.expire().unwrap(),
                SaltsHeld::Valid,
                "not at each line"
            );
            assert_eq!(salt, secrets.salt(date(2026, 5, day)).unwrap());
            wait(12);
            secrets.expire().unwrap();
            kept.push(fs::read_dir(folder.path()).unwrap().count());
        }
        // Each was last used at noon.
        assert_eq!(kept[..9], [1, 2, 3, 4, 5, 6, 7, 8, 8]);
        assert_eq!(kept[27], 8);
        wait(9 * 24);
        secrets.expire().unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
