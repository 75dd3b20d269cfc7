use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use subtle::ConstantTimeEq as _;

use crate::keys::file::{self, Stamp};
use crate::keys::secret::{decode_digest, digest, id_of};
use crate::keys::{Key, KeyError, KeyRefusal};

/// Minimum interval between two checks of the file.
const LOOK: Duration = Duration::from_secs(1);

/// Checks presented keys against the key file, and reloads a replaced file.
#[derive(Debug)]
pub struct KeyRing {
    path: PathBuf,
    held: RwLock<LoadedKeys>,
}

#[derive(Debug)]
struct LoadedKeys {
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
    /// Loads the keys. A missing file has no keys.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, KeyError> {
        let path = path.into();
        let stamp = Stamp::of(&path);
        let keys = known(&path)?;
        Ok(Self {
            path,
            held: RwLock::new(LoadedKeys {
                stamp,
                looked: Instant::now(),
                keys,
            }),
        })
    }

    /// Returns the key that the presented secret belongs to. The comparison takes constant time, so
    /// its duration reveals nothing about the secret.
    pub fn check(&self, presented: &str) -> Result<Arc<Key>, KeyRefusal> {
        let id = id_of(presented).ok_or(KeyRefusal::Malformed)?;
        self.look();
        self.find(id, presented).or_else(|refused| {
            // The key may have been created within the last second.
            if refused == KeyRefusal::Unknown {
                self.reload();
                return self.find(id, presented);
            }
            Err(refused)
        })
    }

    fn find(&self, id: &str, presented: &str) -> Result<Arc<Key>, KeyRefusal> {
        let held = self.held.read().unwrap_or_else(PoisonError::into_inner);
        let known = held.keys.get(id).ok_or(KeyRefusal::Unknown)?;
        if !bool::from(known.hash.ct_eq(&digest(presented))) {
            return Err(KeyRefusal::Unknown);
        }
        known.key.usable()?;
        Ok(known.key.clone())
    }

    /// Returns a key of the file, which may have ended.
    pub(crate) fn stored(&self, id: &str) -> Result<Arc<Key>, KeyRefusal> {
        self.look();
        let held = self.held.read().unwrap_or_else(PoisonError::into_inner);
        let known = held.keys.get(id).ok_or(KeyRefusal::Unknown)?;
        Ok(known.key.clone())
    }

    /// Returns true if there are no keys, so that a service can report a start without any.
    pub fn is_empty(&self) -> bool {
        let held = self.held.read().unwrap_or_else(PoisonError::into_inner);
        held.keys.is_empty()
    }

    /// Checks the file for changes, at most once a second.
    fn look(&self) {
        let is_due = {
            let held = self.held.read().unwrap_or_else(PoisonError::into_inner);
            held.looked.elapsed() >= LOOK
        };
        if is_due {
            self.reload();
        }
    }

    /// Reloads the file if it was replaced. If it cannot be read, the old keys stay valid.
    pub fn reload(&self) {
        let mut held = self.held.write().unwrap_or_else(PoisonError::into_inner);
        held.looked = Instant::now();
        let stamp = Stamp::of(&self.path);
        if stamp == held.stamp {
            return;
        }
        match known(&self.path) {
            Ok(keys) => {
                tracing::info!(keys = keys.len(), "keys reloaded");
                held.stamp = stamp;
                held.keys = keys;
            }
            Err(error) => {
                // Keeping the stamp logs the error once per unreadable file.
                held.stamp = stamp;
                tracing::error!(%error, "the keys cannot be read: the previous ones stay active");
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
            let hash = decode_digest(&key.hash)?;
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
