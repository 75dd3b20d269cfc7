//! API keys for reading figures and sending events.
//!
//! A key is a secret of 256 random bits. The secret is shown once, when the key is created. The key
//! file stores only its SHA-256. A [`KeyRing`] checks presented keys and reloads the file when it
//! changes. A [`KeyStore`] changes the file and records every change in the [`AdminLog`]. The
//! entries of the log form a hash chain, so a changed or missing entry is detected.
//!
//! This crate does not depend on HTTP.
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
