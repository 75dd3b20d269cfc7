//! What is done to addresses and visitors before an event goes anywhere: the same in the
//! collector and in a portal's emitter.
//!
//! An address is truncated to its network. A visitor's identifier becomes a token that can be
//! linked neither across days nor across enti: it is hashed with a random salt that lives in
//! memory for a day and is written nowhere.
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
