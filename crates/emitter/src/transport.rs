use std::time::Duration;

use thiserror::Error;

/// Where events go. The crate brings one over HTTP; a program that has a Kafka client gives its
/// own, with the event's id as the key (`Envelope::key`).
pub trait Transport: Send + 'static {
    /// Sends a batch and returns once it is safe there. Of single events it may tell that they
    /// were refused, for good; all others are accepted.
    ///
    /// # Errors
    /// When the batch as a whole was not accepted. It is sent again, so events may come twice.
    fn send(&mut self, events: &[Vec<u8>]) -> Result<Vec<Refused>, SendError>;
}

/// An event that will never be accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Its place in the batch.
    pub index: usize,
    /// Why, as a code of letters, digits, `-` and `_`.
    pub reason: String,
}

/// Why a batch was not accepted.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SendError {
    /// It may be accepted later.
    #[error("{cause}")]
    Later {
        /// What happened.
        cause: String,
        /// How long to wait at least, if the other side said so.
        after: Option<Duration>,
    },
    /// Something in it is not wanted: it is sent again in smaller parts, and what is refused
    /// alone is dropped with this reason.
    #[error("refused: {reason}")]
    Never {
        /// A code of letters, digits, `-` and `_`.
        reason: String,
    },
}
