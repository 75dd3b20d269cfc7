use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use tokio_util::sync::CancellationToken;

/// Polling interval.
const LOOK: Duration = Duration::from_secs(5);

/// Modification time and length, by which a replaced file is recognised. `None` if the file is
/// missing.
type Stamp = Option<(SystemTime, u64)>;

/// Files that may be replaced while a process runs.
#[derive(Debug)]
pub struct Files {
    paths: Vec<PathBuf>,
    seen: Vec<Stamp>,
}

impl Files {
    /// Records the current state. Missing files are watched, too.
    pub fn new(paths: impl IntoIterator<Item = PathBuf>) -> Self {
        let paths: Vec<PathBuf> = paths.into_iter().collect();
        let seen = stamps(&paths);
        Self { paths, seen }
    }

    /// Waits until a file is replaced, by time or length, since the last call or since creation.
    /// Polls every five seconds. Returns false if `stop` is set first.
    pub async fn were_replaced(&mut self, stop: &CancellationToken) -> bool {
        loop {
            tokio::select! {
                () = tokio::time::sleep(LOOK) => {}
                () = stop.cancelled() => return false,
            }
            let found = stamps(&self.paths);
            if found != self.seen {
                self.seen = found;
                return true;
            }
        }
    }
}

fn stamps(paths: &[PathBuf]) -> Vec<Stamp> {
    paths
        .iter()
        .map(|path| {
            let metadata = std::fs::metadata(path).ok()?;
            Some((metadata.modified().ok()?, metadata.len()))
        })
        .collect()
}
