#![doc = include_str!("../README.md")]

mod access_log;
mod encode;
mod input;
mod line;
mod lines;
mod ordinals;
mod request;
mod summary;
mod target;
mod text;
mod time;
mod visitor;

pub use access_log::{AccessLog, ImportError, ImportedEvent};
pub use input::Input;
pub use line::{Field, LineFault};
pub use summary::{MALFORMED_LISTED_MAX, Malformed, SameContent, Summary};
pub use target::{ServicePrefix, Target, TargetError};
pub use visitor::{Salt, SaltSource, SystemSalts};

/// Maximum length of a line, in bytes without its line end. A longer line is malformed. Apache and
/// nginx accept 8 KiB for the request line and each header; an escaped byte takes at most four
/// bytes.
pub const LINE_BYTES_MAX: usize = 64 * 1024;
