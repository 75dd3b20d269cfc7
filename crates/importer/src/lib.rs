#![doc = include_str!("../README.md")]

mod access_log;
mod clients;
mod encode;
mod fault;
mod follow;
mod form;
mod found;
mod input;
mod layout;
mod lines;
mod ordinals;
mod request;
mod rivals;
mod secrets;
mod stream;
mod summary;
mod target;
mod text;
mod time;
mod visitor;

pub use access_log::{AccessLog, ImportError, ImportedEvent, LayoutFound, LogFormat, LogReading};
pub use clients::{ClientChoice, ClientField, SingleClient, network};
pub use fault::LineFault;
pub use follow::{FollowPosition, KeptPosition, QUIET_LOOKS};
pub use form::{FieldRole, FormatError};
pub use input::Input;
pub use ipnet::IpNet;
pub use secrets::{KeptSecrets, SECRET_KEPT};
pub use summary::{MALFORMED_LISTED_MAX, Malformed, SameContent, Summary};
pub use target::{ServicePrefix, Target, TargetError};
pub use visitor::{Salt, SaltSource, SaltsHeld, SystemSalts};

/// Maximum length of a line, in bytes without its line end. A longer line is malformed. Apache and
/// nginx accept 8 KiB for the request line and each header; an escaped byte takes at most four
/// bytes.
pub const LINE_BYTES_MAX: usize = 64 * 1024;
