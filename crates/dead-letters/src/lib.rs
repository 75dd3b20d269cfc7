//! Dead letters: records of the events topic that were refused.
//!
//! The consumer copies a refused record to the dead-letter topic, with its reason, its [`Position`]
//! in the events topic, and personal data masked. This crate reads the letters ([`walk`]), selects
//! them with a [`Filter`] and explains them ([`text`]). It also turns them into valid events
//! ([`correct`]), if necessary with a [`Correction`] in the form of a JSON Patch.
//!
//! **A position counts once.** A consumer that crashed may send the same letter again.
//!
//! **Nothing is corrected by guessing.** A record goes back only if [`affluenza_event::parse`]
//! accepts it. Masked data stays masked. An event with a masked `source` or `id` would pass for
//! another event, so it is held back until a patch replaces the field.
//!
//! Printing and sending are not part of this crate: the command does both.
//!
//! ```
//! use affluenza_dead_letters::{Correction, Position};
//!
//! let position: Position = "3/1042".parse().unwrap();
//! assert_eq!((position.partition.0, position.offset.0), (3, 1042));
//!
//! let patch = r#"[{"op": "replace", "path": "/data/kind", "value": "plain"}]"#;
//! let correction = Correction::parse(patch).unwrap();
//! let record = correction.apply(br#"{"data":{"kind":"other"}}"#).unwrap();
//! assert_eq!(record, br#"{"data":{"kind":"plain"}}"#);
//! ```

mod correction;
mod filter;
mod letter;
mod masked;
mod moment;
mod position;
mod reason;
mod requeue;
mod seen;
mod tally;
pub mod text;
mod walk;

pub use correction::{Correction, CorrectionError, NotApplied};
pub use filter::{Filter, Selection};
pub use letter::{Fate, Letter, UnknownFate};
pub use moment::{BadMoment, Moment};
pub use position::{BadPosition, Position};
pub use reason::{Reason, UnknownReason};
pub use requeue::{Corrected, Hindrance, REQUEUED_FROM, REQUEUED_STREAM, correct};
pub use tally::Tally;
pub use walk::{Walked, locate, walk};
