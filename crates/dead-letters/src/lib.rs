//! Dead letters: records of the events topic that did not become events.
//!
//! The consumer copies such a record to the dead-letter topic, with personal data masked, the
//! reason, and its [`Position`] in the events topic. Here they are found again ([`walk`]),
//! told apart by a [`Filter`], explained ([`text`]), and turned into records that are events
//! ([`correct`]), where need be after a [`Correction`] in the form of a JSON Patch.
//!
//! **A position counts once.** A consumer that crashed may send the same letter again.
//!
//! **Nothing is corrected by guessing.** A record goes back only if [`affluenza_event::parse`]
//! accepts it. What was masked stays masked: an event whose `source` or `id` is masked would be
//! taken for another one, and is held back until the patch replaces them.
//!
//! Not here: printing, and the sending itself; both belong to the command.
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
