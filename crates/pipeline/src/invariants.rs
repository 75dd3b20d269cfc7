//! Invariants of "exactly once", as functions without state.
//!
//! The consumer asserts them where they must hold. The model in `tests/model` calls the same
//! functions in every order of crashes, late messages and rebalances. So the rules cannot drift
//! away from the code.
//!
//! An offset here is always a [`NextOffset`]: one past the last processed record. A block covers
//! the offsets from `first` up to, not including, `end`.
//!
//! ```
//! use affluenza_kafka::NextOffset;
//! use affluenza_pipeline::invariants::{block_follows, position_advances};
//!
//! // The group stands at 40, and the block of the intent is 40 to 49.
//! assert!(block_follows(NextOffset(40), NextOffset(40), NextOffset(50)));
//! assert!(position_advances(NextOffset(40), NextOffset(50)));
//! ```

use affluenza_kafka::NextOffset;

/// Properties of a block that every reading must reproduce.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Extent {
    /// One past the last offset of the block.
    pub end: NextOffset,
    /// Number of records. Smaller than the number of offsets if the log has gaps.
    pub records: u64,
    /// Checksum of the records as read.
    pub checksum: u64,
}

/// Last row of a partition's ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LastRow {
    /// First offset of the row's block.
    pub first: NextOffset,
    /// End of the ledger.
    pub end: NextOffset,
    /// Checksum of the records as read.
    pub checksum: u64,
}

/// Returns true if the group may continue at `next`: the ledger ends there, or its last row is the
/// block of the pending intent. From any other offset, records would be counted again under other
/// ranges, or dropped under a token that other records had.
pub fn place_is_ledgers_end(next: NextOffset, intent: Option<Extent>, last: LastRow) -> bool {
    let is_last_row = intent.is_some_and(|intent| {
        last.first == next && last.end == intent.end && last.checksum == intent.checksum
    });
    last.end == next || is_last_row
}

/// Returns true if an intent may be committed with the offset `committed`: its block begins there
/// and is not empty. Anything else would omit records or count them in two blocks.
pub fn block_follows(committed: NextOffset, first: NextOffset, end: NextOffset) -> bool {
    first == committed && first < end
}

/// Returns true if a partition may move from `before` to `after`. After a step back, records would
/// be read again under other ranges and so under other tokens.
pub fn position_advances(before: NextOffset, after: NextOffset) -> bool {
    after >= before
}

/// Returns true if a record at `offset` is new to a draft that ends at `draft_end`. The client may
/// deliver records again after a rebalance.
pub fn is_unread(draft_end: NextOffset, offset: i64) -> bool {
    offset >= draft_end.0
}

/// Returns true if a draft that repeats an intent has reached the intent's end and takes no more.
pub fn reaches_intent(intent_end: NextOffset, draft_end: NextOffset) -> bool {
    draft_end >= intent_end
}

/// Returns true if the records read again are exactly the block of the intent. The token names the
/// range: a longer block would be skipped in part, a shorter one counted twice in part.
pub fn recovers_exactly(intent: Extent, draft: Extent) -> bool {
    intent == draft
}

/// Returns true if the consumer may commit now. A lost partition must not be committed; the broker
/// refuses that, too (see the model). While a block is being written, its intent must stay in the
/// offset metadata.
pub fn may_commit(assignment_lost: bool, writing: bool) -> bool {
    !assignment_lost && !writing
}

/// Returns true if the next draft begins at `written_end`, up to which ClickHouse has everything.
/// So only acknowledged records are committed, and no offset is left out.
pub fn commits_what_was_written(written_end: NextOffset, next_first: NextOffset) -> bool {
    written_end == next_first
}

/// Returns true if every record read has exactly one fate.
pub fn fates_balance(read: u64, fates: &[u64]) -> bool {
    read == fates.iter().sum::<u64>()
}

/// Returns true if an insert token names exactly this partition and range of this log. A token must
/// not contain anything that varies, such as an attempt or a consumer.
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

/// Returns true if no block of a month was in flight while hour rows were compared with facts.
///
/// `ledger_end` was read before the comparison, `facts_reach` after it. A block writes its facts
/// before its hour rows, and both before its ledger row. If the facts reach no farther than the
/// ledger did, all their blocks were complete before, and no other block had hour rows yet. Then a
/// difference is a fault. A correction by that difference stays right, whatever is inserted before
/// the correction arrives.
pub fn is_settled(ledger_end: NextOffset, facts_reach: NextOffset) -> bool {
    facts_reach <= ledger_end
}

/// Returns true if the hour rows of a block are in doubt, given that ClickHouse may have forgotten
/// its token. Facts come before hour rows, so stored facts prove nothing about hour rows. A
/// restarted server may have lost either. Such months are recorded before the block has its ledger
/// row.
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

    /// Two consecutive blocks of one event each, and a comparison of their month. Each block writes
    /// facts, hour rows and ledger in this order; the first may lose its hour rows.
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

        /// One step of the comparison, which reads hour rows or facts first: ClickHouse may read
        /// them in either order.
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

        /// Tries every order of the remaining steps. Returns the number of settled comparisons.
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
                // The second block of a partition begins after the first is complete.
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
