//! Insert tokens, by which ClickHouse skips a repeated insert.

use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::BlockOrigin;

/// Permanent name of a block: stream, partition and range of offsets. ClickHouse skips a block
/// whose token it remembers.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct InsertToken(String);

impl InsertToken {
    /// Returns the token of the block with the offsets from `first_offset` to before `next_offset`.
    pub fn of(origin: &BlockOrigin, first_offset: u64, next_offset: u64) -> Self {
        Self(format!(
            "{}/{}/{first_offset}-{next_offset}",
            origin.stream, origin.kafka_partition
        ))
    }

    /// Returns the token of a position in the chain of seals. Only one insert per position is
    /// stored.
    pub(crate) fn of_seal(number: u32, attempt: u32) -> Self {
        Self(format!("seal-{number}/{attempt}"))
    }

    /// Returns the token of a month's correction after `generation` earlier ones.
    pub(crate) fn of_correction(month: u32, generation: u64) -> Self {
        Self(format!("correction/{month}/{generation}"))
    }

    /// Returns the token for the missing rest of a block whose own token is not reliable.
    /// `started_at` is the last start of the server.
    ///
    /// ClickHouse inserts a block as one part a month, and compares tokens for each month. Rests of
    /// one block therefore have one token until the server restarts, whatever they contain: a
    /// month that one attempt inserts late is not inserted again by the next.
    #[must_use]
    pub fn of_rest(&self, started_at: u64) -> Self {
        Self(format!("{}/rest-{started_at}", self.0))
    }

    /// Returns the token of a repeated insert into a table in which a repeated row changes nothing.
    #[must_use]
    pub fn of_repeat(&self, attempt: u64, at: u64) -> Self {
        Self(format!("{}/repeat-{attempt}-{at}", self.0))
    }

    /// Returns the token of the repair number `time` of the block. Two processes that restore the
    /// same facts use the same token.
    #[must_use]
    pub fn of_repair(&self, time: u64) -> Self {
        Self(format!("{}/repair-{time}", self.0))
    }

    /// Returns a unique token for a replaced ledger row. The newest row of a block is valid, so a
    /// repeated insert does no harm.
    #[must_use]
    pub fn of_recount(&self) -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        let at = since.map_or(0, |since| since.as_micros());
        Self(format!("{}/recount-{at}", self.0))
    }
}

impl fmt::Display for InsertToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
