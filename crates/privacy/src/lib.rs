//! Pseudonymisation of addresses and visitors, shared by the collector and the emitters of portals.
//!
//! An address is truncated to its network. A visitor's identifier becomes a pseudonym that cannot
//! be linked across days or across enti. The pseudonym is a hash with a random salt, which is kept
//! in memory for one day and never stored.
//!
//! ```
//! use affluenza_privacy::{Day, Pseudonyms, truncated};
//!
//! assert_eq!(truncated("203.0.113.77").unwrap().to_string(), "203.0.113.0");
//!
//! let pseudonyms = Pseudonyms::default();
//! let token = pseudonyms.token(Day(20_000), "c_d612", &[b"203.0.113.77", b"Mozilla/5.0"]).unwrap();
//! let again = pseudonyms.token(Day(20_000), "c_d612", &[b"203.0.113.77", b"Mozilla/5.0"]).unwrap();
//! assert_eq!(token, again);
//! let tomorrow = pseudonyms.token(Day(20_001), "c_d612", &[b"203.0.113.77", b"Mozilla/5.0"]).unwrap();
//! assert_ne!(token, tomorrow);
//! ```

mod address;
mod agent;
mod pseudonym;

pub use address::{truncate, truncated};
pub use agent::without_address;
pub use pseudonym::{Day, Pseudonyms, Token};
