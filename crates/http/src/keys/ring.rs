use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use crate::keys::file::{self, Stamp};
use crate::keys::secret::{decode_digest, digest, id_of};
use crate::keys::{Key, KeyError, KeyRefusal};

/// Prefix of a session.
const SESSION: &str = "session.";
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

impl Known {
    /// Returns the key unless it has ended.
    fn usable(&self) -> Result<Arc<Key>, KeyRefusal> {
        if self.key.revoked.is_some() {
            return Err(KeyRefusal::Revoked);
        }
        if self.key.expires.is_some_and(|at| at <= Timestamp::now()) {
            return Err(KeyRefusal::Expired);
        }
        Ok(self.key.clone())
    }

    /// Returns the mark of a session that ends at this second: a keyed hash in the form of HMAC.
    fn mark(&self, until: i64) -> [u8; 32] {
        let inner = Sha256::new().chain_update(self.hash).chain_update([0x36]);
        let inner = inner.chain_update(until.to_be_bytes()).finalize();
        let outer = Sha256::new().chain_update(self.hash).chain_update([0x5c]);
        outer.chain_update(inner).finalize().into()
    }
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

    /// Returns the key that the presented secret or session belongs to. The comparison takes constant
    /// time, so its duration reveals nothing about the secret.
    pub fn check(&self, presented: &str) -> Result<Arc<Key>, KeyRefusal> {
        if let Some(session) = presented.strip_prefix(SESSION) {
            self.look();
            return self.find_session(session);
        }
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
        known.usable()
    }

    /// Returns a session: a text that stands for the presented secret until a time.
    ///
    /// It is made from the stored hash. So it outlives a restart, and ends with the key. A session
    /// cannot be prolonged: it is no secret.
    pub fn session(&self, presented: &str, until: Timestamp) -> Result<String, KeyRefusal> {
        let id = id_of(presented).ok_or(KeyRefusal::Malformed)?;
        self.find(id, presented)?;
        let until = until.as_second();
        let held = self.held.read().unwrap_or_else(PoisonError::into_inner);
        let mark = held.keys.get(id).ok_or(KeyRefusal::Unknown)?.mark(until);
        Ok(format!("{SESSION}{id}.{until}.{}", hex::encode(mark)))
    }

    fn find_session(&self, session: &str) -> Result<Arc<Key>, KeyRefusal> {
        let mut parts = session.splitn(3, '.');
        let (Some(id), Some(until), Some(mark)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(KeyRefusal::Malformed);
        };
        let until: i64 = until.parse().map_err(|_| KeyRefusal::Malformed)?;
        let mark = decode_digest(mark).ok_or(KeyRefusal::Malformed)?;
        let held = self.held.read().unwrap_or_else(PoisonError::into_inner);
        let known = held.keys.get(id).ok_or(KeyRefusal::Unknown)?;
        if !bool::from(known.mark(until).ct_eq(&mark)) {
            return Err(KeyRefusal::Unknown);
        }
        if until <= Timestamp::now().as_second() {
            return Err(KeyRefusal::Expired);
        }
        known.usable()
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
