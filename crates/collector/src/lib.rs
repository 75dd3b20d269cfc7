//! Accepts events over HTTP, removes personal data, and hands the events to Kafka or a spool.
//!
//! `POST /v1/events` answers 202 only when every accepted event would survive a crash of this
//! process. Such an event is in Kafka, acknowledged by all in-sync replicas, or on disk in a spool
//! that drains into Kafka. Each refused event is listed with a stable code ([`Reason`]) and
//! counted.
//!
//! Path of a request: `body` splits it into events, `treat` removes personal data from each event,
//! and `keep` stores the events. `page` handles visits that pages report with the script of
//! `beacon`.
//!
//! The collector depends neither on the consumer nor on ClickHouse.

mod beacon;
mod body;
mod collector;
mod config;
mod counters;
mod http;
mod keep;
mod openapi;
mod outcome;
mod page;
mod pseudonym;
mod report;
mod salts;
pub mod spool;
mod tally;
mod treat;
mod zones;

pub use collector::{CollectError, Collector, Parts};
pub use config::{Config, Page};
pub use openapi::document;
pub use outcome::{Answer, ItemResult, Reason, Refused};
