//! What "exactly once" rests on, as functions without state.
//!
//! The consumer asks them at the places where they must hold, and the model in `tests/model`
//! asks the same functions while it walks through every order of crashes, late messages and
//! rebalances. A rule that is only a sentence can drift away from the code; these cannot.
//!
//! An offset here is always a [`NextOffset`]: one past what has been dealt with. A block covers
//! the offsets from `first` up to, not including, `end`.
//!
//! ```
//! use affluenza_bus::NextOffset;
//! use affluenza_pipeline::invariants::{block_follows, position_advances};
//!
//! // The group stands at 40, and the block of the intent is 40 to 49.
//! assert!(block_follows(NextOffset(40), NextOffset(40), NextOffset(50)));
//! assert!(position_advances(NextOffset(40), NextOffset(50)));
//! ```

use affluenza_bus::NextOffset;

/// What of a block must be the same whenever it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    /// One past its last offset.
    pub end: NextOffset,
    /// How many records it holds. Fewer than its offsets, where the log has gaps.
    pub records: u64,
    /// Of the records as read.
    pub checksum: u64,
}

/// The last row of a partition's ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LastRow {
    /// First offset of its block.
    pub first: NextOffset,
    /// Where the ledger ends.
    pub end: NextOffset,
    /// Of the records as read.
    pub checksum: u64,
}

/// The group may be read on from `next`: the ledger ends there, or its last row is the block of
/// the pending intent. From any other place records would be counted again under other ranges,
/// or dropped under a token that other records had.
pub fn place_is_ledgers_end(next: NextOffset, intent: Option<Extent>, last: LastRow) -> bool {
    let is_last_row = |intent: Extent| {
        last.first == next && last.end == intent.end && last.checksum == intent.checksum
    };
    last.end == next || intent.is_some_and(is_last_row)
}

/// Whether an intent may be committed beside the offset `committed`: its block begins right
/// there and is not empty. Anything else would leave records out, or count them in two blocks.
pub fn block_follows(committed: NextOffset, first: NextOffset, end: NextOffset) -> bool {
    first == committed && first < end
}

/// Whether a partition may stand at `after`, having stood at `before`. A position that moves
/// back has its records read again under other ranges, and so under other tokens.
pub fn position_advances(before: NextOffset, after: NextOffset) -> bool {
    after >= before
}

/// Whether a record at `offset` belongs into a draft that reaches to `draft_end`. After a change
/// of assignment the client may deliver records again.
pub fn is_unread(draft_end: NextOffset, offset: i64) -> bool {
    offset >= draft_end.0
}

/// Whether a draft that repeats an intent has reached its end: nothing more goes into it.
pub fn reaches_intent(intent_end: NextOffset, draft_end: NextOffset) -> bool {
    draft_end >= intent_end
}

/// Whether what was read again is the block of the intent: its token stands for the range, so a
/// longer or shorter block under it would be skipped in part, or counted in part twice.
pub fn recovers_exactly(intent: Extent, draft: Extent) -> bool {
    intent == draft
}

/// Whether the consumer may commit now. Not for a partition that is lost (the broker refuses
/// that too, see the model), and not while a block is on its way: it has no answer yet, and its
/// intent must go on standing beside the offset.
pub fn may_commit(assignment_lost: bool, writing: bool) -> bool {
    !assignment_lost && !writing
}

/// Whether `written_end`, up to which ClickHouse has everything, is the offset that the next
/// draft begins at: only what was acknowledged is committed, and nothing falls in between.
pub fn commits_what_was_written(written_end: NextOffset, next_first: NextOffset) -> bool {
    written_end == next_first
}

/// Whether every record read has exactly one fate.
pub fn fates_balance(read: u64, fates: &[u64]) -> bool {
    read == fates.iter().sum::<u64>()
}

/// Whether an insert token names this partition and this range of this log: nothing of the
/// moment, such as an attempt or a consumer, may be part of it.
pub fn token_names_range(
    token: &str,
    stream: &str,
    kafka_partition: u32,
    first: u64,
    end: u64,
) -> bool {
    token
        .strip_prefix(stream)
        .is_some_and(|place| place == format!("/{kafka_partition}/{first}-{end}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXTENT: Extent = Extent {
        end: NextOffset(5),
        records: 3,
        checksum: 9,
    };

    const EXTENT_ROW: LastRow = LastRow {
        first: NextOffset(2),
        end: NextOffset(5),
        checksum: 9,
    };

    #[test]
    fn a_block_begins_where_the_group_stands_and_holds_something() {
        let follows =
            |at, first, end| block_follows(NextOffset(at), NextOffset(first), NextOffset(end));
        assert!(follows(4, 4, 5));
        assert!(!follows(4, 5, 6));
        assert!(!follows(4, 3, 6));
        assert!(!follows(4, 4, 4));
    }

    #[test]
    fn a_block_read_again_is_the_same_in_everything() {
        assert!(recovers_exactly(EXTENT, EXTENT));
        for other in [
            Extent {
                end: NextOffset(6),
                ..EXTENT
            },
            Extent {
                records: 4,
                ..EXTENT
            },
            Extent {
                checksum: 8,
                ..EXTENT
            },
        ] {
            assert!(!recovers_exactly(EXTENT, other));
        }
    }

    #[test]
    fn a_place_is_where_the_ledger_ends() {
        let last = EXTENT_ROW;
        assert!(place_is_ledgers_end(NextOffset(5), None, last));
        assert!(place_is_ledgers_end(NextOffset(2), Some(EXTENT), last));
        assert!(!place_is_ledgers_end(NextOffset(2), None, last));
        assert!(!place_is_ledgers_end(NextOffset(6), Some(EXTENT), last));
        let other = Extent {
            checksum: 8,
            ..EXTENT
        };
        assert!(!place_is_ledgers_end(NextOffset(2), Some(other), last));
    }

    #[test]
    fn a_token_is_its_range_and_nothing_else() {
        let names = |token| token_names_range(token, "c/t", 1, 4, 5);
        assert!(names("c/t/1/4-5"));
        assert!(!names("c/t/1/4-5#2"));
        assert!(!names("c/t/1/4-51"));
        assert!(!names("c/t2/1/4-5"));
    }
}
