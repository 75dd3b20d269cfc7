#![doc = include_str!("../README.md")]

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
mod script;
pub mod spool;
mod tally;
mod treat;
mod warn;

pub use collector::{CollectError, Collector, Parts};
pub use config::{Config, Page};
pub use openapi::document;
pub use outcome::{Answer, ItemResult, Reason, Refused};
pub use treat::Trial;
pub use warn::{Warning, Warnings};
