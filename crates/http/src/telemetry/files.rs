use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use tokio_util::sync::CancellationToken;

/// Polling interval.
const LOOK: Duration = Duration::from_secs(5);

/// Modification time and length, by which a replaced file is recognised. `None` if the file is
/// missing.
type Stamp = Option<(SystemTime, u64)>;

/// Files that may be replaced while a process runs.
#[derive(Debug, Default)]
pub struct Files(Vec<(PathBuf, Stamp)>);

impl Files {
    /// Records the current state. Missing files are watched, too.
    pub fn new(paths: impl IntoIterator<Item = PathBuf>) -> Self {
        let mut files = Self::default();
        files.watch(paths);
        files
    }

    /// Watches these files, and no others. A file that was watched before keeps its last known
    /// state, so that no change is missed.
    pub fn watch(&mut self, paths: impl IntoIterator<Item = PathBuf>) {
        let known = std::mem::take(&mut self.0);
        let stamped = paths.into_iter().map(|path| {
            let known = known.iter().find(|(known, _)| *known == path);
            let stamp = known.map_or_else(|| stamp(&path), |(_, stamp)| *stamp);
            (path, stamp)
        });
        self.0 = stamped.collect();
    }

    /// Waits until a file is replaced, by time or length, since the last call or since creation.
    /// Polls every five seconds. Returns false if `stop` is set first.
    pub async fn were_replaced(&mut self, stop: &CancellationToken) -> bool {
        loop {
            tokio::select! {
                () = tokio::time::sleep(LOOK) => {}
                () = stop.cancelled() => return false,
            }
            let mut were_replaced = false;
            for (path, seen) in &mut self.0 {
                let found = stamp(path);
                were_replaced |= found != *seen;
                *seen = found;
            }
            if were_replaced {
                return true;
            }
        }
    }
}

fn stamp(path: &Path) -> Stamp {
    let metadata = std::fs::metadata(path).ok()?;
    Some((metadata.modified().ok()?, metadata.len()))
}
