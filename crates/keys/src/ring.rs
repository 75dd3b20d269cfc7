use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use subtle::ConstantTimeEq as _;

use crate::file::{self, Stamp};
use crate::secret::{digest, id_of, unhex};
use crate::{Key, KeyError, Refused};

/// Pause between two looks at the file.
const LOOK: Duration = Duration::from_secs(1);

/// Checks presented keys against the file, and takes up a replaced file by itself.
#[derive(Debug)]
pub struct KeyRing {
    path: PathBuf,
    held: RwLock<Held>,
}

#[derive(Debug)]
struct Held {
    stamp: Stamp,
    looked: Instant,
    keys: HashMap<String, Known>,
}

#[derive(Debug)]
struct Known {
    key: Arc<Key>,
    hash: [u8; 32],
}

impl KeyRing {
    /// Reads the keys; a file that is not there holds none.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, KeyError> {
        let path = path.into();
        let stamp = Stamp::of(&path);
        let keys = known(&path)?;
        Ok(Self {
            path,
            held: RwLock::new(Held {
                stamp,
                looked: Instant::now(),
                keys,
            }),
        })
    }

    /// Whose key this is. The time it takes does not tell how much of a secret was right.
    pub fn check(&self, presented: &str) -> Result<Arc<Key>, Refused> {
        let id = id_of(presented).ok_or(Refused::Malformed)?;
        self.look();
        self.find(id, presented).or_else(|refused| {
            // It may have been made this very moment.
            if refused == Refused::Unknown {
                self.reload();
                return self.find(id, presented);
            }
            Err(refused)
        })
    }

    fn find(&self, id: &str, presented: &str) -> Result<Arc<Key>, Refused> {
        let held = self.held.read().unwrap_or_else(PoisonError::into_inner);
        let known = held.keys.get(id).ok_or(Refused::Unknown)?;
        if !bool::from(known.hash.ct_eq(&digest(presented))) {
            return Err(Refused::Unknown);
        }
        if known.key.revoked.is_some() {
            return Err(Refused::Revoked);
        }
        if known.key.expires.is_some_and(|at| at <= Timestamp::now()) {
            return Err(Refused::Expired);
        }
        Ok(known.key.clone())
    }

    /// Whether there is any key at all, so that a start without one can be told.
    pub fn is_empty(&self) -> bool {
        let held = self.held.read().unwrap_or_else(PoisonError::into_inner);
        held.keys.is_empty()
    }

    /// Looks at the file, once a second at most.
    fn look(&self) {
        let is_due = {
            let held = self.held.read().unwrap_or_else(PoisonError::into_inner);
            held.looked.elapsed() >= LOOK
        };
        if is_due {
            self.reload();
        }
    }

    /// Takes up the file if it was replaced. One that cannot be read leaves the old keys in force.
    pub fn reload(&self) {
        let mut held = self.held.write().unwrap_or_else(PoisonError::into_inner);
        held.looked = Instant::now();
        let stamp = Stamp::of(&self.path);
        if stamp == held.stamp {
            return;
        }
        match known(&self.path) {
            Ok(keys) => {
                tracing::info!(keys = keys.len(), "keys read anew");
                held.stamp = stamp;
                held.keys = keys;
            }
            Err(error) => {
                // Said once for each file that cannot be used.
                held.stamp = stamp;
                tracing::error!(%error, "the keys cannot be read: those of before stay in force");
            }
        }
    }
}

fn known(path: &Path) -> Result<HashMap<String, Known>, KeyError> {
    let (file, _) = file::read(path)?;
    Ok(file
        .keys
        .into_iter()
        .filter_map(|key| {
            let hash = unhex(&key.hash)?;
            Some((
                key.id.clone(),
                Known {
                    key: Arc::new(key),
                    hash,
                },
            ))
        })
        .collect())
}
