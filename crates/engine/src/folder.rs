//! Folder of one engine, with a lock against a second engine.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::error::{EngineError, at};

/// Maximum time for which a start waits for the engine of a dead parent to stop.
const ABANDONED_MAX: Duration = Duration::from_secs(40);
const POLL: Duration = Duration::from_millis(50);

/// Folder of an engine. It is locked as long as this value, or a child process that inherited the
/// lock, exists.
#[derive(Debug)]
pub struct DataDir {
    path: PathBuf,
    lock: File,
}

impl DataDir {
    /// Creates the folder if necessary, readable by its owner only, and locks it.
    ///
    /// # Errors
    /// [`EngineError::InUse`] names the process that holds the folder. All others are disk errors.
    pub fn lock(path: &Path) -> Result<Self, EngineError> {
        make_private(path)?;
        // Child processes have other working directories, so the path must be absolute.
        let path = path.canonicalize().map_err(at(path))?;
        let lock_path = path.join("lock");
        let mut lock = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&lock_path)
            .map_err(at(&lock_path))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let pid = read_pid(&mut lock);
                return Err(EngineError::InUse { path, pid });
            }
            Err(TryLockError::Error(cause)) => return Err(EngineError::io(&lock_path, cause)),
        }
        write_pid(&mut lock).map_err(at(&lock_path))?;
        Ok(Self { path, lock })
    }

    /// Same as [`DataDir::lock`], but waits up to 40 s if the process named in the lock is dead and
    /// only its engine is still stopping, or is this process: a child that was just started holds
    /// each open file of its parent until its program runs.
    pub(crate) async fn lock_or_wait(path: &Path) -> Result<Self, EngineError> {
        let waiting = async {
            loop {
                match Self::lock(path) {
                    Err(EngineError::InUse { pid: Some(pid), .. })
                        if !is_alive(pid) || pid == std::process::id() =>
                    {
                        tokio::time::sleep(POLL).await;
                    }
                    other => return other,
                }
            }
        };
        match tokio::time::timeout(ABANDONED_MAX, waiting).await {
            Ok(locked) => locked,
            Err(_) => Self::lock(path),
        }
    }

    /// Absolute path of the folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Open lock file, for a child process to inherit.
    pub(crate) fn lock_file(&self) -> &File {
        &self.lock
    }

    /// Creates a subfolder if necessary and returns its path.
    pub(crate) fn sub(&self, name: &str) -> Result<PathBuf, EngineError> {
        let path = self.path.join(name);
        make_private(&path)?;
        Ok(path)
    }
}

fn make_private(path: &Path) -> Result<(), EngineError> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(at(path))
}

fn read_pid(lock: &mut File) -> Option<u32> {
    let mut text = String::new();
    lock.read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

fn write_pid(lock: &mut File) -> std::io::Result<()> {
    lock.set_len(0)?;
    lock.seek(SeekFrom::Start(0))?;
    writeln!(lock, "{}", std::process::id())
}

/// True if a process with this id is running. A zombie does not count.
fn is_alive(pid: u32) -> bool {
    let Ok(stat) = fs::read_to_string(format!("/proc/{pid}/stat")) else {
        return false;
    };
    // The command, in brackets, may contain any text; the state follows the last bracket.
    let state = stat
        .rsplit_once(") ")
        .and_then(|(_, rest)| rest.chars().next());
    !matches!(state, Some('Z' | 'X') | None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_second_lock_is_refused_and_names_the_holder() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("engine");
        let held = DataDir::lock(&path).unwrap();
        let refused = DataDir::lock(&path).unwrap_err();
        let me = std::process::id();
        assert!(matches!(refused, EngineError::InUse { pid: Some(pid), .. } if pid == me));
        drop(held);
        DataDir::lock_or_wait(&path).await.unwrap();
    }

    #[tokio::test]
    async fn children_that_start_meanwhile_do_not_keep_the_lock() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("engine");
        let others = std::thread::spawn(|| {
            for _ in 0..200 {
                std::process::Command::new("true").status().unwrap();
            }
        });
        while !others.is_finished() {
            DataDir::lock_or_wait(&path).await.unwrap();
        }
        others.join().unwrap();
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_one_clear_line() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        fs::write(&file, "x").unwrap();
        let message = DataDir::lock(&file.join("engine")).unwrap_err().to_string();
        assert!(
            message.contains("file") && message.contains("Not a directory"),
            "{message}"
        );
        assert!(!message.contains('\n'));
    }

    #[test]
    fn this_process_is_alive_and_a_reaped_child_is_not() {
        assert!(is_alive(std::process::id()));
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let pid = child.id();
        child.wait().unwrap();
        assert!(!is_alive(pid));
    }
}
