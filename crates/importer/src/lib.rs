//! Converts access logs in common or combined log format (Apache, nginx) to access events.
//!
//! Every line counts as exactly one event, one malformed line or one blank line. Memory does not
//! depend on the length of lines. It grows by 10 to 20 bytes per line, which number repeated lines.
//!
//! **Imports are idempotent.** The consumer drops an event with the `source` and `id` of an earlier
//! one. An id is a hash of the line's content and an ordinal among equal lines of the import. Log
//! times have a resolution of one second, so two requests can look equal; both count. A log may be
//! imported again, in another order, in parts, or with new lines at its end. Two cases are
//! ambiguous:
//!
//! - Equal lines in parts that separate commands import, if the whole was never imported: they
//!   count once. Pass all parts to one command.
//! - Files of one command that overlap but are not equal: the shared lines count as repeated
//!   requests. [`Summary::repeated`] shows that. Import such files one by one.
//!
//! **Personal data are removed.** Addresses are truncated to IPv4 /24 and IPv6 /48. Host names,
//! user names and forwarded addresses are dropped; paths and referers are read, but not kept. The
//! visitor token is a hash with a secret salt for one import and one day. None of these data enter
//! the id in a form that could be guessed.
//!
//! The rules that separate pages from assets are at the top of `request.rs`. Kafka and bot
//! detection are outside this crate.
//!
//! ```
//! use affluenza_importer::{AccessLog, Input, SystemSalts, Target};
//!
//! let log = r#"203.0.113.7 - - [26/Mar/2017:03:00:00 +0200] "GET /servizi/tari HTTP/1.1" 200 5123 "-" "Mozilla/5.0"
//! a line of something else
//! "#;
//! let target = Target::new("c_d612", "servizi-online")?.with_service("/servizi/tari=tari".parse()?)?;
//! let mut import = AccessLog::new(target, vec![Input::reader("example", log.as_bytes())], SystemSalts)?;
//!
//! let event = import.next_event()?.unwrap();
//! let event: serde_json::Value = serde_json::from_slice(event.json)?;
//! assert_eq!(event["time"], "2017-03-26T03:00:00+02:00");
//! assert_eq!(event["data"]["service"], "tari");
//! assert_eq!(event["data"]["client"]["ip"], "203.0.113.0");
//!
//! assert!(import.next_event()?.is_none());
//! assert_eq!((import.summary().lines, import.summary().events(), import.summary().malformed), (2, 1, 1));
//! assert!(import.summary().first_malformed[0].to_string().starts_with("example:2: no time"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

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
pub use line::{Fault, Field};
pub use summary::{MALFORMED_LISTED_MAX, Malformed, SameContent, Summary};
pub use target::{ServicePrefix, Target, TargetError};
pub use visitor::{Salt, SaltSource, SystemSalts};

/// Maximum length of a line, in bytes without its line end. A longer line is malformed. Apache and
/// nginx accept 8 KiB for the request line and each header; an escaped byte takes at most four
/// bytes.
pub const LINE_BYTES_MAX: usize = 64 * 1024;
