//! Takes events in over HTTP, removes what is personal, and hands them to Kafka or a spool.
//!
//! `POST /v1/events` answers 202 only when every event it counts as accepted would outlive this
//! process: in Kafka, acknowledged by all in-sync replicas, or on the disk in a spool that drains
//! into Kafka by itself. What is refused is said one by one, with stable codes ([`Reason`]), and
//! counted.
//!
//! The way of a request: `body` takes it apart, `treat` makes each event fit to be kept,
//! `keep` keeps them. `page` is the way of visits that pages tell of with the script of
//! `beacon`.
//!
//! It knows nothing of the consumer and of ClickHouse.

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
mod report;
mod salts;
mod tally;
mod treat;
mod zones;

pub use collector::{CollectError, Collector, Parts};
pub use config::{Config, Page};
pub use openapi::document;
pub use outcome::{Answer, ItemResult, Reason, Refused};
