//! Access logs in common or combined log format (Apache, nginx), read as access events.
//!
//! Every line becomes one event, one malformed line or one blank line, and is counted as such;
//! the lines of one import add up. Memory does not grow with the length of lines or files, but
//! for 10 to 20 bytes a line to number repeated ones.
//!
//! **Importing again changes nothing.** The consumer drops an event with the `source` and `id`
//! of an earlier one, so an id is a hash of what its line says and an ordinal among the lines of
//! the import that say the same (a log's clock has seconds, so two requests can look alike; both
//! count). The same log may be given twice, in another order, cut into parts, or longer than
//! last time. Two cases cannot be told apart:
//!
//! - Two lines that say the same, in parts that separate commands import, when the whole never
//!   was imported: they count once. Give all parts to one command.
//! - Files of one command that share some lines, but are not equal: the shared lines pass for
//!   repeated requests. [`Summary::repeated`] shows it. Import such files one by one.
//!
//! **No personal data gets through.** Addresses are truncated to IPv4 /24 and IPv6 /48, host and
//! user names and forwarded addresses are dropped, paths and referers are read and dropped; the
//! visitor's token is a hash with a secret that exists for one import and one day. None of it
//! enters the id in a form that could be guessed.
//!
//! How pages and their parts are told apart is at the top of `request.rs`. Not here: Kafka, and
//! what a bot is; both belong to others.
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

/// Longest line read, in bytes without its line end. A longer one is malformed. Apache and nginx
/// accept 8 KiB of request line and as much for each header, escaped at up to four for one.
pub const LINE_BYTES_MAX: usize = 64 * 1024;
