//! A year as open data: tidy CSV files from which no small count can be worked out, and a
//! catalogue of them in the Italian profile of DCAT (DCAT-AP_IT), as JSON-LD. Licence CC BY 4.0.
//!
//! From figures, register and the publisher's own data to files in memory: [`Edition::build`]. It
//! asks nothing of ClickHouse, and has no clock: the day of publication is handed in.
//!
//! **All tables of uses are protected as one**, in which they share margins; those of accesses as
//! another. A figure that is in two files is the same in both, or hidden in both.
//!
//! A year must be over before it is published: two editions of the same period, a week apart, differ by
//! the few uses of that week.
//!
//! The profile: *Profilo italiano di DCAT-AP (DCAT-AP_IT)*, version 1.0, Agenzia per l'Italia
//! Digitale; data themes, frequencies, file types and licences are those of the controlled vocabularies
//! of the EU Publications Office and of the Italian national ones.

mod catalogue;
mod config;
mod edition;
mod tables;

pub use config::{Config, Incomplete, Publisher};
pub use edition::{Edition, File};
