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

/// Whether nothing of a month was in flight while its hour rows were compared with its facts.
///
/// `ledger_end` was read before the comparison, `facts_reach` after it. A block has its facts
/// before its hour rows, and both before its row of the ledger. So facts that reach no farther
/// than the ledger did belong to blocks that were whole before, and no other block had hour rows
/// yet. What differs then is a fault, and a correction by that difference stays right whatever is
/// inserted before it arrives.
pub fn is_settled(ledger_end: NextOffset, facts_reach: NextOffset) -> bool {
    facts_reach <= ledger_end
}

/// Whether the hour rows of a block are in doubt that ClickHouse may not know any more by its
/// token. Facts come before hour rows, so facts that are there tell nothing about these; and a
/// server that was started again may have lost either. Such months are written down before the
/// block has its row of the ledger.
pub fn hours_are_in_doubt(facts_were_found: bool, server_was_restarted: bool) -> bool {
    facts_were_found || server_was_restarted
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

    /// Two blocks of one event each, one after the other, and a comparison of their month. Each
    /// writes facts, hour rows and ledger in this order; the first may lose its hour rows.
    #[derive(Clone, Copy, Default)]
    struct Month {
        written: [u8; 2],
        loses_hours: bool,
        compared: u8,
        ledger_end: i64,
        facts_minus_hours: i64,
        seen: i64,
    }

    impl Month {
        fn reached(&self, stage: u8) -> i64 {
            self.written.iter().filter(|at| **at >= stage).count() as i64
        }

        fn hours(&self) -> i64 {
            let lost = self.loses_hours && self.written[0] >= 2;
            self.reached(2) - i64::from(lost)
        }

        /// Hour rows before facts in one of its readings, and facts before hour rows in the other:
        /// ClickHouse may read them either way.
        fn compare(&mut self, hours_first: bool) {
            match (self.compared, hours_first) {
                (0, _) => self.ledger_end = self.reached(3),
                (1, true) => self.facts_minus_hours -= self.hours(),
                (2, true) => self.facts_minus_hours += self.reached(1),
                (1, false) => self.facts_minus_hours += self.reached(1),
                (2, false) => self.facts_minus_hours -= self.hours(),
                (3, _) => self.seen = self.reached(1),
                _ => {}
            }
            self.compared += 1;
        }

        /// Walks through every order of what is left. Returns how many comparisons were settled.
        fn walk(self, hours_first: bool) -> u64 {
            if self.compared == 4 {
                let settled = is_settled(NextOffset(self.ledger_end), NextOffset(self.seen));
                let fault = i64::from(self.loses_hours && self.ledger_end > 0);
                assert!(!settled || self.facts_minus_hours == fault);
                return u64::from(settled);
            }
            let mut next = self;
            next.compare(hours_first);
            let mut settled = next.walk(hours_first);
            for block in 0..2 {
                // The second block of a partition begins when the first is whole.
                let may = self.written[block] < 3 && (block == 0 || self.written[0] == 3);
                if may {
                    let mut next = self;
                    next.written[block] += 1;
                    settled += next.walk(hours_first);
                }
            }
            settled
        }
    }

    #[test]
    fn a_settled_comparison_shows_the_fault_and_nothing_else() {
        for (hours_first, loses_hours) in
            [(true, true), (true, false), (false, true), (false, false)]
        {
            let month = Month {
                loses_hours,
                ..Month::default()
            };
            assert!(month.walk(hours_first) > 0, "some order is settled");
        }
    }
}
