#![doc = include_str!("README.md")]

mod config;
mod ended;
mod error;
mod file;
mod key;
mod log;
mod ring;
mod secret;
mod sessions;
mod store;

pub use config::Config;
pub use error::{KeyError, KeyRefusal};
pub use key::{Key, NewKey, Role, Scope};
pub use log::{AdminAction, AdminLog, BrokenLog, account};
pub use ring::KeyRing;
pub use secret::KeySecret;
pub(crate) use sessions::SessionEnd;
pub use sessions::Sessions;
pub use store::KeyStore;
