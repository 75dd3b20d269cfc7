use std::time::Duration;

use thiserror::Error;

/// Destination of events. This crate provides HTTP. A program with a Kafka client implements its
/// own transport, with the event's id as record key (`Envelope::key`).
pub trait Transport: Send + 'static {
    /// Sends a batch and returns once it is stored safely. Returns the events that were refused for
    /// good; all others are accepted.
    ///
    /// # Errors
    /// The batch as a whole was not accepted. It is sent again, so events may arrive twice.
    fn send(&mut self, events: &[Vec<u8>]) -> Result<Vec<Refused>, SendError>;
}

/// Event that will never be accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Index in the batch.
    pub index: usize,
    /// Code of the reason: letters, digits, `-` and `_`.
    pub reason: String,
}

/// Reason why a batch was not accepted.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SendError {
    /// The batch may be accepted later.
    #[error("{cause}")]
    Later {
        /// Cause of the failure.
        cause: String,
        /// Shortest wait that the collector requested.
        after: Option<Duration>,
    },
    /// The batch holds an unacceptable event. It is sent again in smaller batches. An event refused
    /// alone is dropped with this reason.
    #[error("refused: {reason}")]
    Never {
        /// Code of the reason: letters, digits, `-` and `_`.
        reason: String,
    },
}
