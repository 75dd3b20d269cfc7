//! Wire and domain types of usage events, and their parser.
//!
//! An event travels as [CloudEvents 1.0](https://cloudevents.io) JSON. [`wire`] holds the JSON
//! shape; [`parse`] turns a record into an [`Event`], in which invalid states do not exist. A
//! record that cannot become an event yields a [`Refusal`]. A *rejected* record can never become an
//! event. A *quarantined* record needs a person's decision: a known type with an unknown shape, or
//! personal data that must not be stored.
//!
//! The crate has no IO, no clock and no randomness: the same bytes always give the same event.
//!
//! ```
//! let record = br#"{
//!   "specversion": "1.0",
//!   "type": "it.affluenza.service-use.v1",
//!   "source": "https://servizi.example.it",
//!   "id": "0190e9a4-7b44-7c4e-9d54-0a6c1f6f3f5e",
//!   "time": "2017-03-26T10:00:00+02:00",
//!   "data": {"ente": "c_d612", "portal": "servizi-online", "service": "visure-anagrafiche", "kind": "plain"}
//! }"#;
//! let event = affluenza_event::parse(record, affluenza_event::UnixMillis(1_490_515_200_000)).unwrap();
//! assert_eq!(event.time.0, 1_490_515_200_000);
//! assert_eq!(event.ente, "c_d612");
//! ```

mod address;
mod agent;
mod binary;
mod canonical;
mod model;
mod packed;
mod parse;
mod privacy;
mod read;
mod redact;
mod refusal;
#[cfg(test)]
mod schema;
mod shape;
mod time;
mod token;
mod upcast;
pub mod wire;

pub use address::{truncate, truncated};
pub use agent::without_address;
pub use binary::{as_structured, is_event_header, is_json};
pub use model::{
    Activity, Channel, Client, ClientReport, Dropped, Event, Identity, Kind, Login, Origin,
    Outcome, Resource, UnixMillis,
};
pub use packed::unpack;
pub use parse::parse;
pub use privacy::{mask, personal_data};
pub use read::{BYTE_ORDER_MARK, Message, Mode, Reading, origin_of_refused, read};
pub use redact::{FORM_FACTORS, PLATFORMS, redact, redact_header, redact_key};
pub use refusal::{Quarantine, Refusal, Reject};
pub use token::VisitorToken;

/// Largest record accepted, in bytes.
pub const EVENT_BYTES_MAX: usize = 64 * 1024;

/// Furthest that an event's time may lie ahead of the time of its record, in milliseconds. The past
/// has no such limit, because history is imported.
pub const AHEAD_MS_MAX: i64 = 10 * 60 * 1000;

/// `type` of a visit to a page or area of a portal or app.
pub const ACCESS_V1: &str = "it.affluenza.access.v1";

/// `type` of a service use.
pub const SERVICE_USE_V1: &str = "it.affluenza.service-use.v1";

/// `type` of a service use with an outcome, and with separate login means and level.
/// [`SERVICE_USE_V1`] remains accepted.
pub const SERVICE_USE_V2: &str = "it.affluenza.service-use.v2";

/// `type` of a report on events that a producer had to drop.
pub const CLIENT_REPORT_V1: &str = "it.affluenza.client-report.v1";

/// Event types of the contract.
pub const TYPES: [&str; 4] = [ACCESS_V1, SERVICE_USE_V1, SERVICE_USE_V2, CLIENT_REPORT_V1];
