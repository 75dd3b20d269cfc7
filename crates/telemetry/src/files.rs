use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use crate::Stop;

/// Pause between two looks.
const LOOK: Duration = Duration::from_secs(5);

/// What tells whether a file is the one of before.
type Stamp = Option<(SystemTime, u64)>;

/// Files that may be replaced while a process runs.
#[derive(Debug)]
pub struct Files {
    paths: Vec<PathBuf>,
    seen: Vec<Stamp>,
}

impl Files {
    /// As they are now; one that is not there may come.
    pub fn new(paths: impl IntoIterator<Item = PathBuf>) -> Self {
        let paths: Vec<PathBuf> = paths.into_iter().collect();
        let seen = stamps(&paths);
        Self { paths, seen }
    }

    /// Waits until any of them was replaced, by time or length, since this was called last or they were
    /// named: within five seconds. `false`: `stop` was told before.
    pub async fn were_replaced(&mut self, stop: &Stop) -> bool {
        loop {
            tokio::select! {
                () = tokio::time::sleep(LOOK) => {}
                () = stop.told() => return false,
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
    let stamp = |path: &PathBuf| {
        let metadata = std::fs::metadata(path).ok()?;
        Some((metadata.modified().ok()?, metadata.len()))
    };
    paths.iter().map(stamp).collect()
}
