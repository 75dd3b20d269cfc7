#![doc = include_str!("../README.md")]

mod assemble;
mod check;
mod claims;
mod contents;
pub mod diff;
mod model;
mod names;
mod offers;
mod problem;
pub mod public_index;
mod raw;
mod register;
mod rows;
#[cfg(test)]
mod schema;
mod sheet;
mod tables;
mod version;

pub use affluenza_event::Kind;
pub use contents::self_contained;
pub use model::{
    Category, Deployment, Ente, EnteKind, Population, Portal, PortalKind, Service, Validity,
};
pub use names::key as comparison_key;
pub use problem::{Fault, RegisterErrors, RegisterProblem};
pub use register::Register;
pub use sheet::CsvSheet;
