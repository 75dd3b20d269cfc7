//! Dead letters: records of the events topic that were refused.
//!
//! The consumer copies a refused record to the dead-letter topic, with its reason, its [`LogPosition`]
//! in the events topic, and personal data masked. This module reads the letters ([`walk()`]) and
//! explains them ([`text`]). It also turns them into valid events ([`correct()`]), with the events
//! of a corrected file if necessary.
//!
//! **A position counts once.** A consumer that crashed may send the same letter again.
//!
//! **Nothing is corrected by guessing.** A record goes back only if [`affluenza_event::parse`]
//! accepts it. Masked data stays masked. An event with a masked `source` or `id` would pass for
//! another event, so it is held back until the corrected file replaces the field.

mod correct;
mod letter;
mod reason;
pub mod text;
mod walk;

pub use correct::{Corrected, Corrections, RequeueError, correct, read_corrections};
#[cfg(test)]
pub use letter::example;
pub use letter::{Letter, LogPosition};
pub use reason::codes;
pub use walk::{LetterCounts, walk};
