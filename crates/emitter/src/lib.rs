//! For portals: tells that they are used, without ever making a page wait.
//!
//! [`Emitter::emit`] treats what is personal, checks the event, numbers it and puts it into a
//! bounded queue; it neither waits nor does any IO. A thread takes it from there: to a spool on
//! disk, if there is one, and to the collector, again and again until it is accepted. The same
//! event sent twice counts once, so nothing is lost and nothing double.
//!
//! What had to be dropped is counted by public body and reason and reported to the collector,
//! and each event carries the number that its process gave it: a gap is seen.
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
//! The key of a portal belongs to one public body. Addresses are truncated, and what identifies a
//! visitor becomes a token that means nothing after that day: see [`affluenza_privacy`].

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
