//! What the engines are made of: fetched once through the package clients,
//! verified, and kept outside the tree for every checkout of this user.

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

/// Overrides where the cache is.
const CACHE_VARIABLE: &str = "AFFLUENZA_CACHE";
/// How the names of folders begin that are being filled.
const FETCHING: &str = ".fetch-";

/// The folder with the engines' files. Any number of processes may use it at once.
#[derive(Debug, Clone)]
pub struct Cache {
    dir: PathBuf,
}

impl Cache {
    /// The cache in this folder, which need not exist yet.
    #[must_use]
    pub fn at(dir: PathBuf) -> Self {
        Self { dir }
    }

    /// The cache where the environment wants it: `AFFLUENZA_CACHE`, else
    /// `$XDG_CACHE_HOME/affluenza`, else `~/.cache/affluenza`.
    ///
    /// # Errors
    /// [`EngineError::Setting`] when none of the three can be had.
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

    /// The folder.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Finds Java, and Kafka's jars, which are fetched with Maven if they are not there yet.
    /// `progress` is told of what takes long.
    ///
    /// Blocks: seconds when files are fetched, some tens of milliseconds otherwise.
    ///
    /// # Errors
    /// Java or Maven is missing, the fetch failed, or a jar is not the one expected.
    pub fn prepare_kafka(&self, progress: &dyn Fn(&str)) -> Result<KafkaJars, EngineError> {
        kafka::prepare(self, progress)
    }

    /// Finds the ClickHouse library, which is fetched with npm if it is not there yet.
    /// `progress` is told of what takes long.
    ///
    /// Blocks: some ten seconds when the library is fetched, about a second when it
    /// must be verified again, next to nothing otherwise.
    ///
    /// # Errors
    /// npm is missing, the fetch failed, or the library is not the one expected.
    pub fn prepare_clickhouse(
        &self,
        progress: &dyn Fn(&str),
    ) -> Result<ClickHouseLibrary, EngineError> {
        clickhouse::prepare(self, progress)
    }

    /// The folder of a verified set of files, fetched if it is not there.
    ///
    /// `fetch` fills an empty folder beside the final one, which gets its name only
    /// when it is complete and verified: there is never half a set under that name.
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
            // Another process may have fetched it while this one waited for its turn.
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
        // The engines have other working directories.
        home.canonicalize().map_err(at(&home))
    }

    fn fetch_into(
        &self,
        home: &Path,
        set: &FileSet<'_>,
        fetch: &dyn Fn(&Path, &Path) -> Result<(), EngineError>,
    ) -> Result<(), EngineError> {
        self.clear_abandoned();
        // npm, for one, does not notice when it writes only half of a file.
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

    /// Removes what fetches that were killed have left: whoever has the turn is the only one.
    fn clear_abandoned(&self) {
        let entries = fs::read_dir(&self.dir).into_iter().flatten().flatten();
        for entry in entries.filter(|e| e.file_name().to_string_lossy().starts_with(FETCHING)) {
            if let Err(cause) = fs::remove_dir_all(entry.path()) {
                tracing::debug!(path = %entry.path().display(), %cause, "not removed");
            }
        }
    }

    /// Holds back every other process that wants to fetch into this cache.
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

/// A pinned set of files that belong together.
struct FileSet<'a> {
    /// For messages.
    title: &'static str,
    /// The start of its folder's name.
    name: &'static str,
    checksums: Checksums<'a>,
    /// How much room on the disk its fetch takes.
    room_bytes: u64,
}

impl FileSet<'_> {
    /// Another pin has another folder, so that two versions of this program can share a cache.
    fn folder_name(&self) -> String {
        format!("{}-{}", self.name, self.checksums.short_digest())
    }
}

impl EngineError {
    /// A wrong file straight from the package client lies in a folder that is gone
    /// by the time anybody could delete it: what may be wrong is behind the client.
    fn after_fetch(self, cache: &Path) -> Self {
        match self {
            Self::WrongChecksum {
                path,
                found,
                expected,
                ..
            } => {
                let name = path.file_name().unwrap_or(path.as_os_str());
                let detail = format!(
                    "{} came with SHA-256 {found} instead of {expected}",
                    Path::new(name).display()
                );
                Self::Fetched {
                    detail,
                    cache: cache.to_path_buf(),
                }
            }
            Self::WrongFiles { path, problem, .. } => {
                let name = path.file_name().unwrap_or(path.as_os_str());
                let detail = format!("{} is {problem}", Path::new(name).display());
                Self::Fetched {
                    detail,
                    cache: cache.to_path_buf(),
                }
            }
            other => other,
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
        // The sum of the text "hello".
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
