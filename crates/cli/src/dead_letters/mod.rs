//! Dead letters: records of the events topic that were refused.
//!
//! The consumer copies a refused record to the dead-letter topic, with its reason, its [`LogPosition`]
//! in the events topic, and personal data masked. This module reads the letters ([`walk()`]), selects
//! them with a [`Filter`] and explains them ([`ShownLetter`]). It also turns them into valid events
//! ([`correct()`]), with the events of a corrected file if necessary.
//!
//! **A position counts once.** A consumer that crashed may send the same letter again.
//!
//! **Nothing is corrected by guessing.** A record goes back only if [`affluenza_event::parse`]
//! accepts it. Masked data stays masked. An event with a masked `source` or `id` would pass for
//! another event, so it is held back until the corrected file replaces the field.

mod correct;
mod correction;
mod filter;
mod letter;
mod masked;
mod position;
mod reason;
mod shown;
mod tally;
pub mod text;
mod walk;

pub use correct::{Corrected, REQUEUED_FROM, REQUEUED_STREAM, RequeueError, correct};
pub use correction::Corrections;
pub use filter::{Filter, LetterSelection, Since};
pub use letter::Letter;
pub use position::LogPosition;
pub use reason::LetterReason;
pub use shown::ShownLetter;
pub use tally::LetterTally;
pub use walk::{Walked, locate, walk};
