//! Storage in ClickHouse. Only this crate depends on the ClickHouse client.
//!
//! [`Store`] migrates the schema, inserts [`FactBlock`]s exactly once, and runs the queries of the
//! pipeline, the API and the report. Each insert fixes the settings that deduplication depends on.
//! They are also checked against the server at start.

pub mod accept;
pub mod access;
pub mod accounts;
pub mod backup;
mod block;
pub mod broken;
mod cluster;
mod config;
pub mod copies;
mod detail;
pub mod doubts;
pub mod erasure;
mod error;
pub mod figures;
pub mod hour_rows;
pub mod hours;
pub mod imported;
#[cfg(test)]
mod inventory;
mod layout;
mod ledger;
mod migrate;
mod native;
pub mod open;
pub mod place;
pub mod producers;
mod projections;
mod reading;
pub mod rebuild;
pub mod register;
pub mod retention;
pub mod seals;
mod servers;
mod settings;
mod shape;
pub mod silence;
mod sql;
mod store;
pub mod usage;

pub use block::{BlockOrigin, Fact, FactBlock};
pub use cluster::schema;
pub use config::Config;
pub use error::StoreError;
pub use layout::Layout;
pub use ledger::{Fate, FateGroup, LedgerRow};
pub(crate) use migrate::{Migration, migrations};
pub use servers::Server;
pub use settings::INSERT as INSERT_SETTINGS;
pub use shape::SchemaFault;
pub use store::{InsertToken, Store, Times};
