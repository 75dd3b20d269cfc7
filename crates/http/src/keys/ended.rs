use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock};
use std::time::{Duration, Instant};

use crate::keys::file::{self, Stamp};
use crate::keys::{KeyError, SessionEnd};

/// Minimum interval between two checks of the file.
const LOOK: Duration = Duration::from_secs(1);
/// Largest number of ended sessions of a key that are kept. With more, the earliest one stands for
/// all that end before it.
const ENDED_MAX: usize = 1_000;

/// Ends of sessions by key, in microseconds since 1970.
type Ends = BTreeMap<String, BTreeSet<i64>>;

/// Sessions that ended before their time. They are kept in a file until that time.
#[derive(Debug)]
pub(crate) struct EndedSessions {
    path: PathBuf,
    held: RwLock<LoadedEnds>,
}

#[derive(Debug)]
struct LoadedEnds {
    stamp: Stamp,
    looked: Instant,
    ends: Ends,
}

impl EndedSessions {
    /// Reads the file. A missing file has no sessions.
    pub fn open(path: PathBuf) -> Result<Self, KeyError> {
        let held = LoadedEnds {
            stamp: Stamp::of(&path),
            looked: Instant::now(),
            ends: read(&path)?,
        };
        Ok(Self {
            path,
            held: RwLock::new(held),
        })
    }

    /// Ends a session. If the file cannot be written, the session ends for this process only.
    pub fn end(&self, session: &SessionEnd<'_>, now: i64) {
        let mut held = self.held.write().unwrap_or_else(PoisonError::into_inner);
        add(&mut held.ends, session);
        if let Err(error) = self.write(&mut held, session, now) {
            tracing::warn!(%error, "other servers accept a session whose reader has signed out");
        }
    }

    /// Adds a session to the file, which another process may have changed.
    fn write(
        &self,
        held: &mut LoadedEnds,
        session: &SessionEnd<'_>,
        now: i64,
    ) -> Result<(), KeyError> {
        let _lock = file::lock(&self.path)?;
        let mut ends = read(&self.path)?;
        add(&mut ends, session);
        for ends in ends.values_mut() {
            *ends = ends.split_off(&now);
        }
        ends.retain(|_, ends| !ends.is_empty());
        let text = serde_json::to_string(&ends).expect("keys are text");
        file::write_draft(&self.path, &text)?;
        file::replace(&self.path)?;
        held.stamp = Stamp::of(&self.path);
        held.ends = ends;
        Ok(())
    }

    /// Returns true for a session that was ended, also by another process with the same file.
    pub fn has(&self, session: &SessionEnd<'_>) -> bool {
        let held = self.held.read().unwrap_or_else(PoisonError::into_inner);
        if held.looked.elapsed() < LOOK {
            return is_ended(&held.ends, session);
        }
        drop(held);
        let mut held = self.held.write().unwrap_or_else(PoisonError::into_inner);
        held.looked = Instant::now();
        let stamp = Stamp::of(&self.path);
        if stamp != held.stamp {
            // Keeping the stamp logs the error once per unreadable file.
            held.stamp = stamp;
            match read(&self.path) {
                Ok(ends) => held.ends = ends,
                Err(error) => tracing::error!(%error, "ended sessions cannot be read"),
            }
        }
        is_ended(&held.ends, session)
    }
}

fn add(ends: &mut Ends, session: &SessionEnd<'_>) {
    let of_key = ends.entry(session.id.to_owned()).or_default();
    of_key.insert(session.until);
    while of_key.len() > ENDED_MAX {
        of_key.pop_first();
    }
}

fn is_ended(ends: &Ends, session: &SessionEnd<'_>) -> bool {
    ends.get(session.id).is_some_and(|ends| {
        let is_full = ends.len() == ENDED_MAX;
        ends.contains(&session.until) || (is_full && ends.first() > Some(&session.until))
    })
}

fn read(path: &Path) -> Result<Ends, KeyError> {
    let text = match fs::read_to_string(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Ends::new()),
        text => text.map_err(KeyError::io(path))?,
    };
    serde_json::from_str(&text).map_err(|error| KeyError::Damaged {
        path: path.to_owned(),
        cause: format!("ended sessions: {error}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_earliest_of_many_ended_sessions_stands_for_those_before_it() {
        let mut ends = Ends::new();
        let session = |until| SessionEnd { id: "a", until };
        for until in 1..=ENDED_MAX as i64 {
            add(&mut ends, &session(2 * until));
        }
        assert!(is_ended(&ends, &session(2)) && !is_ended(&ends, &session(3)));
        add(&mut ends, &session(5));
        assert_eq!(ends["a"].len(), ENDED_MAX);
        assert!(is_ended(&ends, &session(2)) && !is_ended(&ends, &session(7)));
        let other = SessionEnd { id: "b", until: 2 };
        assert!(!is_ended(&ends, &other));
    }
}
