use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde_json::json;

use crate::keys::file::{self, KeyFile};
use crate::keys::secret::{KeySecret, digest};
use crate::keys::{AdminAction, AdminLog, Key, KeyError, NewKey};

/// Changes the key file. Each change is first recorded in the log of administrative access.
#[derive(Debug, Clone)]
pub struct KeyStore {
    path: PathBuf,
}

impl KeyStore {
    /// Opens the key file at `path`. The file may be missing.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Returns all keys, including revoked ones, oldest first.
    pub fn list(&self) -> Result<Vec<Key>, KeyError> {
        Ok(file::read(&self.path)?.0.keys)
    }

    /// Creates a key. The returned secret is not stored anywhere.
    pub fn create(&self, new: NewKey) -> Result<(Key, KeySecret), KeyError> {
        let now = now();
        new.check(now)?;
        let _lock = file::lock(&self.path)?;
        let mut keys = self.settled()?;
        let (id, secret) = loop {
            let (id, secret) = KeySecret::random()?;
            if keys.keys.iter().all(|key| key.id != id) {
                break (id, secret);
            }
        };
        let key = Key {
            id,
            name: new.name,
            role: new.role,
            enti: new.enti,
            portals: new.portals,
            sources: new.sources,
            created: now,
            expires: new.expires,
            revoked: None,
            hash: hex::encode(digest(secret.expose())),
        };
        keys.keys.push(key.clone());
        let detail = json!({
            "name": key.name, "role": key.role, "enti": key.enti, "portals": key.portals,
            "sources": key.sources, "expires": key.expires,
        });
        self.replace(&keys, now, "key-create", &key.id, detail)?;
        Ok((key, secret))
    }

    /// Revokes a key. Running processes refuse it within about two seconds.
    pub fn revoke(&self, id: &str) -> Result<Key, KeyError> {
        let now = now();
        let _lock = file::lock(&self.path)?;
        let mut keys = self.settled()?;
        let Some(key) = keys.keys.iter_mut().find(|key| key.id == id) else {
            return Err(KeyError::Unknown { id: id.to_owned() });
        };
        if let Some(at) = key.revoked {
            return Err(KeyError::Revoked {
                id: id.to_owned(),
                at,
            });
        }
        key.revoked = Some(now);
        let key = key.clone();
        self.replace(&keys, now, "key-revoke", id, json!({ "name": key.name }))?;
        Ok(key)
    }

    /// Returns the log of administrative access, in the folder of the key file.
    pub fn log(&self) -> AdminLog {
        AdminLog::new(self.path.with_extension("log"))
    }

    /// Verifies the hash chain of the log, and that the key file has the hash in the last entry
    /// that changed it. Returns the entries.
    pub fn verify(&self) -> Result<Vec<AdminAction>, KeyError> {
        let _lock = self
            .path
            .exists()
            .then(|| file::lock(&self.path))
            .transpose()?;
        let entries = self.log().verify()?;
        let (_, text) = file::read(&self.path)?;
        let noted = entries.iter().rev().find_map(|entry| entry.keys.as_deref());
        let held = hex::encode(digest(&text));
        if noted.map_or(!text.is_empty(), |noted| noted != held) {
            return Err(KeyError::Damaged {
                path: self.path.clone(),
                cause: "it differs from the log of administrative access: it was changed by hand, or entries at the end of the log are missing".into(),
            });
        }
        Ok(entries)
    }

    /// Completes or discards an interrupted change, then reads the keys.
    fn settled(&self) -> Result<KeyFile, KeyError> {
        let draft = file::draft_of(&self.path);
        match fs::read_to_string(&draft) {
            Ok(text) => {
                let entries = self.log().verify()?;
                let noted = entries.iter().rev().find_map(|entry| entry.keys.clone());
                if noted == Some(hex::encode(digest(&text))) {
                    file::replace(&self.path)?;
                } else {
                    fs::remove_file(&draft).map_err(KeyError::io(&draft))?;
                }
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(KeyError::io(&draft)(error)),
        }
        Ok(file::read(&self.path)?.0)
    }

    /// Writes the draft, then the log entry, then renames the draft. [`Self::settled`] can complete
    /// or discard an interrupted change at every step.
    fn replace(
        &self,
        keys: &KeyFile,
        at: Timestamp,
        action: &str,
        id: &str,
        detail: serde_json::Value,
    ) -> Result<(), KeyError> {
        let text = file::text(keys);
        file::write_draft(&self.path, &text)?;
        let mut entry = AdminAction::new(at, action, id, detail);
        entry.keys = Some(hex::encode(digest(&text)));
        self.log().append_locked(entry)?;
        file::replace(&self.path)
    }

    /// Returns the path of the key file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Records another administrative action, such as the closing of a year.
    pub fn note(
        &self,
        action: &str,
        subject: &str,
        detail: serde_json::Value,
    ) -> Result<(), KeyError> {
        let _lock = file::lock(&self.path)?;
        self.log()
            .append_locked(AdminAction::new(now(), action, subject, detail))
    }
}

/// Returns the current time in whole seconds, which are easier to read.
fn now() -> Timestamp {
    let now = Timestamp::now();
    Timestamp::from_second(now.as_second()).unwrap_or(now)
}
