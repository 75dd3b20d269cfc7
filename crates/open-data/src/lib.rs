//! A year as open data: tidy CSV files from which no small count can be worked out, and a
//! catalogue of them in the Italian profile of DCAT (DCAT-AP_IT), as JSON-LD. Licence CC BY 4.0.
//!
//! From figures that are public already, register and the publisher's own data to files in memory:
//! [`Edition::build`]. It asks nothing of ClickHouse, and has no clock.
//!
//! **Every figure comes from an `affluenza_edition::PublicYear`**, as the public answers of the API do, in
//! which all tables that are shown anywhere are protected together.
//!
//! The profile: *Profilo italiano di DCAT-AP (DCAT-AP_IT)*, version 1.0, Agenzia per l'Italia
//! Digitale; data themes, frequencies, file types and licences are those of the controlled vocabularies
//! of the EU Publications Office and of the Italian national ones.

mod catalogue;
mod config;
mod edition;
mod site;
mod tables;

pub use config::{Config, Incomplete, Publisher};
pub use edition::{CATALOGUE, Edition, File, Published};
pub use site::{Source, routes};
