//! Cache of the engines' files. The package clients fetch each file once; it is verified and shared
//! by all checkouts of the user.

pub(crate) mod checksums;
mod clickhouse;
mod kafka;
mod tools;

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::error::{EngineError, at, has_less_room};
use checksums::Checksums;
pub use clickhouse::ClickHouseLibrary;
pub(crate) use kafka::ClassArchive;
pub use kafka::KafkaJars;

/// Environment variable with the cache folder.
const CACHE_VARIABLE: &str = "AFFLUENZA_CACHE";
/// Name prefix of folders whose fetch is in progress.
const FETCHING: &str = ".fetch-";

/// Folder with the engines' files. Any number of processes may share it.
#[derive(Debug, Clone)]
pub struct Cache {
    dir: PathBuf,
}

impl Cache {
    /// Uses this folder, which may not exist yet.
    #[must_use]
    pub fn at(dir: PathBuf) -> Self {
        Self { dir }
    }

    /// Determines the cache folder from the environment: `AFFLUENZA_CACHE`, else
    /// `$XDG_CACHE_HOME/affluenza`, else `~/.cache/affluenza`.
    ///
    /// # Errors
    /// [`EngineError::Setting`] if none of the three gives an absolute path.
    pub fn from_env() -> Result<Self, EngineError> {
        Self::from_variables(|name| std::env::var_os(name).filter(|value| !value.is_empty()))
    }

    fn from_variables(get: impl Fn(&str) -> Option<OsString>) -> Result<Self, EngineError> {
        let dir = get(CACHE_VARIABLE)
            .map(PathBuf::from)
            .or_else(|| Some(PathBuf::from(get("XDG_CACHE_HOME")?).join("affluenza")))
            .or_else(|| Some(PathBuf::from(get("HOME")?).join(".cache").join("affluenza")))
            .unwrap_or_default();
        if dir.is_absolute() {
            return Ok(Self::at(dir));
        }
        Err(EngineError::Setting {
            what: "the cache folder",
            value: dir.display().to_string(),
            mend: "set AFFLUENZA_CACHE to the absolute path of a folder",
        })
    }

    /// Path of the cache folder.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Returns the folder of a verified file set, and fetches the set if it is missing.
    ///
    /// `fetch` fills an empty temporary folder, which is renamed after the verification. The final
    /// name therefore never holds an incomplete set.
    fn obtain(
        &self,
        set: &FileSet<'_>,
        progress: &dyn Fn(&str),
        fetch: &dyn Fn(&Path, &Path) -> Result<(), EngineError>,
    ) -> Result<PathBuf, EngineError> {
        let home = self.dir.join(set.folder_name());
        if !home.exists() {
            make_dir(&self.dir)?;
            let _turn = self.take_turn(progress)?;
            // Another process may have fetched the set in the meantime.
            if !home.exists() {
                progress(&format!(
                    "fetching {} into {}",
                    set.title,
                    self.dir.display()
                ));
                self.fetch_into(&home, set, fetch)?;
            }
        }
        set.checksums
            .verify_cheaply(&home, &|| progress(&format!("verifying {}", set.title)))?;
        // The engines have other working directories, so the path must be absolute.
        home.canonicalize().map_err(at(&home))
    }

    fn fetch_into(
        &self,
        home: &Path,
        set: &FileSet<'_>,
        fetch: &dyn Fn(&Path, &Path) -> Result<(), EngineError>,
    ) -> Result<(), EngineError> {
        self.clear_abandoned();
        // npm does not notice that a full disk truncates a file.
        if has_less_room(&self.dir, set.room_bytes) {
            return Err(EngineError::DiskFull {
                path: self.dir.clone(),
            });
        }
        let work = tempfile::Builder::new()
            .prefix(FETCHING)
            .tempdir_in(&self.dir)
            .map_err(at(&self.dir))?;
        let files = work.path().join("files");
        make_dir(&files)?;
        fetch(work.path(), &files)?;
        let verified = set.checksums.verify_cheaply(&files, &|| {});
        verified.map_err(|error| error.after_fetch(&self.dir))?;
        fs::rename(&files, home).map_err(at(home))
    }

    /// Removes the remains of killed fetches. The lock guarantees that no other fetch is running.
    fn clear_abandoned(&self) {
        let entries = fs::read_dir(&self.dir).into_iter().flatten().flatten();
        for entry in entries.filter(|e| e.file_name().to_string_lossy().starts_with(FETCHING)) {
            if let Err(cause) = fs::remove_dir_all(entry.path()) {
                tracing::debug!(path = %entry.path().display(), %cause, "not removed");
            }
        }
    }

    /// Locks the cache against fetches by other processes.
    fn take_turn(&self, progress: &dyn Fn(&str)) -> Result<File, EngineError> {
        let path = self.dir.join("lock");
        let lock = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(at(&path))?;
        match lock.try_lock() {
            Ok(()) => return Ok(lock),
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(cause)) => return Err(EngineError::io(&path, cause)),
        }
        progress("waiting for another process that is fetching the engines");
        lock.lock().map_err(at(&path))?;
        Ok(lock)
    }
}

/// A pinned set of files.
struct FileSet<'a> {
    /// Name for messages.
    title: &'static str,
    /// Prefix of the folder name.
    name: &'static str,
    checksums: Checksums<'a>,
    /// Disk space that the fetch needs, in bytes.
    room_bytes: u64,
}

impl FileSet<'_> {
    /// Folder name with the checksum of the list, so that two program versions can share a cache.
    fn folder_name(&self) -> String {
        format!("{}-{}", self.name, self.checksums.short_digest())
    }
}

impl EngineError {
    /// Converts a checksum error of a new fetch. The temporary folder is already gone, so the
    /// message blames the mirror or the client's own cache.
    fn after_fetch(self, cache: &Path) -> Self {
        let (path, detail) = match self {
            Self::WrongChecksum {
                path,
                found,
                expected,
                ..
            } => (
                path,
                format!("came with SHA-256 {found} instead of {expected}"),
            ),
            Self::WrongFiles { path, problem, .. } => (path, format!("is {problem}")),
            other => return other,
        };
        let name = Path::new(path.file_name().unwrap_or(path.as_os_str())).display();
        Self::Fetched {
            detail: format!("{name} {detail}"),
            cache: cache.to_path_buf(),
        }
    }
}

fn make_dir(path: &Path) -> Result<(), EngineError> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(at(path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    fn set() -> FileSet<'static> {
        // SHA-256 of the text "hello".
        let text = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824  a.jar\n";
        FileSet {
            title: "a test",
            name: "test",
            checksums: Checksums::parse(text),
            room_bytes: 0,
        }
    }

    #[test]
    fn files_are_fetched_once_and_a_changed_one_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let cache = Cache::at(dir.path().join("cache"));
        let fetched = Cell::new(0);
        let fetch = |_: &Path, files: &Path| {
            fetched.set(fetched.get() + 1);
            fs::write(files.join("a.jar"), "hello").map_err(at(files))
        };
        let home = cache.obtain(&set(), &|_| {}, &fetch).unwrap();
        assert_eq!(home, cache.obtain(&set(), &|_| {}, &fetch).unwrap());
        assert_eq!(fetched.get(), 1);

        fs::write(home.join("a.jar"), "hallo").unwrap();
        let refused = cache.obtain(&set(), &|_| {}, &fetch).unwrap_err();
        assert!(matches!(&refused, EngineError::WrongChecksum { remove, .. } if *remove == home));
        fs::remove_dir_all(&home).unwrap();
        cache.obtain(&set(), &|_| {}, &fetch).unwrap();
        assert_eq!(fetched.get(), 2);
    }

    #[test]
    fn the_environment_says_where_and_a_relative_path_is_refused() {
        let from = |variables: &[(&str, &str)]| {
            let found = |name: &str| variables.iter().find(|(key, _)| *key == name);
            let get = |name: &str| found(name).map(|(_, value)| OsString::from(value));
            Cache::from_variables(get).map(|cache| cache.dir().to_path_buf())
        };
        let home = ("HOME", "/home/u");
        let xdg = ("XDG_CACHE_HOME", "/x");
        assert_eq!(
            from(&[home]).unwrap(),
            Path::new("/home/u/.cache/affluenza")
        );
        assert_eq!(from(&[home, xdg]).unwrap(), Path::new("/x/affluenza"));
        assert_eq!(
            from(&[home, xdg, (CACHE_VARIABLE, "/c")]).unwrap(),
            Path::new("/c")
        );
        assert!(matches!(
            from(&[home, (CACHE_VARIABLE, "c")]),
            Err(EngineError::Setting { .. })
        ));
        assert!(matches!(from(&[]), Err(EngineError::Setting { .. })));
    }

    #[test]
    fn a_wrong_file_is_never_put_in_place_and_leaves_nothing_behind() {
        let dir = tempfile::tempdir().unwrap();
        let cache = Cache::at(dir.path().to_path_buf());
        fs::create_dir(dir.path().join(".fetch-killed")).unwrap();
        let fetch =
            |_: &Path, files: &Path| fs::write(files.join("a.jar"), "other").map_err(at(files));
        let refused = cache.obtain(&set(), &|_| {}, &fetch).unwrap_err();
        assert!(matches!(refused, EngineError::Fetched { .. }), "{refused}");
        let left: Vec<_> = fs::read_dir(dir.path())
            .unwrap()
            .map(|e| e.unwrap().file_name())
            .collect();
        assert_eq!(left, ["lock"]);
    }

    #[test]
    fn many_at_once_fetch_once() {
        let dir = tempfile::tempdir().unwrap();
        let cache = Cache::at(dir.path().to_path_buf());
        let fetched = std::sync::atomic::AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    let fetch = |_: &Path, files: &Path| {
                        fetched.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                        fs::write(files.join("a.jar"), "hello").map_err(at(files))
                    };
                    cache.obtain(&set(), &|_| {}, &fetch).unwrap();
                });
            }
        });
        assert_eq!(fetched.into_inner(), 1);
    }
}
