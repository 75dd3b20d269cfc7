//! Emits usage events of a portal without delaying its pages.
//!
//! [`Emitter::emit`] pseudonymizes personal data, checks and numbers the event, and puts it into a
//! bounded queue. It neither waits nor performs IO. A thread writes queued events to a spool on
//! disk, if there is one. It sends them to the collector and retries until they are accepted.
//! Duplicates count once, so a retry neither loses events nor counts them twice.
//!
//! Dropped events are counted by ente and reason and reported to the collector. Each event carries
//! a sequence number of its process, so that gaps are detected.
//!
//! ```no_run
//! use std::time::Duration;
//! use affluenza_emitter::{Config, Emitter, HttpTransport, Kind, Limits, Login, Usage};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let key = std::env::var("AFFLUENZA_KEY")?;
//! let transport = HttpTransport::new("http://collector:8080", &key)?;
//! let config = Config::new("https://servizi.comune.example.it")
//!     .spool("/var/spool/portal", Limits::default());
//! let emitter = Emitter::start(config, transport)?;
//!
//! emitter.emit(
//!     Usage::service("c_d612", "servizi-online", "pagamento-multe", Kind::Payment)
//!         .login(Login::Spid2)
//!         .address("203.0.113.77".parse()?)
//!         .user_agent("Mozilla/5.0 ..."),
//! )?;
//!
//! emitter.close(Duration::from_secs(5));
//! # Ok(())
//! # }
//! ```
//!
//! The key of a portal belongs to one ente. Addresses are truncated. A visitor's identifier becomes
//! a token that is useless after that day: see [`affluenza_privacy`].

mod config;
mod emitter;
mod encode;
#[cfg(feature = "http")]
mod http;
mod shared;
mod transport;
mod usage;
mod worker;

pub use affluenza_event::{Channel, Kind, Login, Outcome, Refusal, Resource};
pub use affluenza_spool::{Limits, SpoolError};
pub use config::{Config, StartError};
pub use emitter::{EmitError, Emitter, Unsent};
#[cfg(feature = "http")]
pub use http::{HttpTransport, UrlError};
pub use shared::Statistics;
pub use transport::{Refused, SendError, Transport};
pub use usage::Usage;
