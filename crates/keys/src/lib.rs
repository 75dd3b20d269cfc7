//! API keys: who may ask for what, and who may write what.
//!
//! A key is a secret of 256 random bits. It is shown once, when it is created; the file of keys
//! holds its SHA-256 only. A [`KeyRing`] checks presented keys, and takes up a changed file by
//! itself. A [`KeyStore`] changes the file, each change being noted in the [`AdminLog`], whose
//! entries are chained by hashes, so that a changed or missing entry is noticed.
//!
//! This crate knows nothing of HTTP.
//!
//! ```
//! use affluenza_keys::{KeyRing, KeyStore, NewKey, Role, Scope};
//!
//! let folder = tempfile::tempdir()?;
//! let file = folder.path().join("keys.toml");
//! let new = NewKey { enti: Scope::of(["firenze"]), ..NewKey::new("dashboard", Role::Reader) };
//! let (key, secret) = KeyStore::new(&file).create(new)?;
//!
//! let ring = KeyRing::open(&file)?;
//! let known = ring.check(secret.expose())?;
//! assert_eq!(known.id, key.id);
//! assert!(known.enti.covers("firenze") && !known.enti.covers("prato"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod config;
mod error;
mod file;
mod key;
mod log;
mod ring;
mod secret;
mod store;

pub use config::Config;
pub use error::{KeyError, Refused};
pub use key::{Key, NewKey, Role, Scope};
pub use log::{AdminLog, BrokenLog, Entry, account};
pub use ring::KeyRing;
pub use secret::Secret;
pub use store::KeyStore;
