//! A year as open data: tidy CSV files that reveal no small count, and their catalogue in the
//! Italian profile of DCAT (DCAT-AP_IT), as JSON-LD. Licence CC BY 4.0.
//!
//! [`Edition::build`] turns public figures, the register and the publisher's settings into files in
//! memory. It does not query ClickHouse, and has no clock.
//!
//! **Every figure comes from an `affluenza_edition::PublicYear`**, like the public answers of the
//! API. There, all tables that are shown anywhere are protected together.
//!
//! The profile: *Profilo italiano di DCAT-AP (DCAT-AP_IT)*, version 1.0, Agenzia per l'Italia
//! Digitale. Data themes, frequencies, file types and licences come from the controlled
//! vocabularies of the EU Publications Office and of Italy.

mod catalogue;
mod config;
mod edition;
mod site;
mod tables;

pub use config::{Config, Incomplete, Publisher};
pub use edition::{CATALOGUE, Edition, File, Published};
pub use site::{Source, routes};
