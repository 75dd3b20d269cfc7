//! Register of public bodies (*enti*), portals, services, categories and deployments. A deployment
//! means that an ente offers a service. Enti, services, deployments and the categories of services
//! have validity dates.
//!
//! A register is a TOML text. [`Register::parse`] returns a register in which every reference
//! resolves, or *all* problems of the text, each with its position and its remedy. The caller reads
//! and reloads the file: the crate has no IO, no clock and no randomness.
//!
//! ```
//! let register = affluenza_register::Register::parse(r#"
//!     [[category]]
//!     code = "tributi"
//!     name_it = "Tributi"
//!     name_en = "Local taxes"
//!
//!     [[ente]]
//!     code = "c_b036"
//!     name = "Borgo San Lorenzo"
//!     kind = "comune"
//!     aliases = ["Borgo S.Lorenzo", "Borgo S.L."]
//!
//!     [[service]]
//!     code = "dichiarazione-tari"
//!     name_it = "Dichiarazione TARI"
//!     category = "tributi"
//!
//!     [deployments.c_b036]
//!     dichiarazione-tari = { valid_from = 2017-03-01 }
//! "#).unwrap();
//!
//! let borgo = register.ente("borgo_san_lorenzo").unwrap();
//! assert_eq!(borgo.code(), "c_b036");
//! let tari = register.service("dichiarazione-tari").unwrap();
//! let day = jiff::civil::date(2017, 12, 31);
//! assert_eq!(tari.category_on(day).code(), "tributi");
//! assert!(register.deployed(borgo, tari, day));
//! assert!(!register.deployed(borgo, tari, jiff::civil::date(2017, 2, 28)));
//! ```

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
pub use problem::{Fault, Problem, RegisterErrors};
pub use register::Register;
