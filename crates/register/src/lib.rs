#![doc = include_str!("../README.md")]

mod assemble;
mod check;
mod claims;
pub mod diff;
mod model;
mod names;
mod offers;
mod problem;
mod raw;
mod register;
#[cfg(test)]
mod schema;
mod version;

pub use affluenza_event::Kind;
pub use model::{Category, Deployment, Ente, EnteKind, Population, Portal, Service, Validity};
pub use problem::{Fault, RegisterErrors, RegisterProblem};
pub use register::Register;
