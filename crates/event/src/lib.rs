#![doc = include_str!("../README.md")]

mod address;
mod agent;
mod binary;
mod explain;
mod json;
mod model;
mod objects;
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
pub use explain::unknown_fields;
pub use model::{
    Activity, Channel, ClientAttributes, ClientReport, DroppedEvents, Event, Identity, Kind, Login,
    Origin, Outcome, Resource, UnixMillis,
};
pub use objects::read_object;
pub use packed::unpack;
pub use parse::parse;
pub use privacy::{mask, personal_data};
pub use read::{BYTE_ORDER_MARK, Message, Mode, Reading, origin_of_refused, read};
pub use redact::{FORM_FACTORS, PLATFORMS, redact, redact_header, redact_key};
pub use refusal::{FieldFault, Refusal, RefusalKind, nearest};
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
