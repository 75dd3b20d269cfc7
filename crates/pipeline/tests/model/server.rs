//! ClickHouse: tables with a window of tokens, and inserts that write one table after another.

use crate::guards::Guards;
use crate::state::{Block, RECORDS, Range, Token};

/// Table that counts offsets.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Table {
    /// Number of times each offset is counted; 2 means 2 or more.
    pub counted: [u8; RECORDS as usize],
    /// Version of the rules that classified each offset.
    pub rules: [u8; RECORDS as usize],
    /// Remembered tokens, each with the number of later tokens.
    pub tokens: Vec<(Token, u8)>,
}

impl Table {
    pub fn remembers(&self, token: Token) -> bool {
        self.tokens.iter().any(|(known, _)| *known == token)
    }

    /// Adds tokens of other partitions and evicts the oldest.
    pub fn push_out(&mut self, by: u8, window: u8) {
        for (_, later) in &mut self.tokens {
            *later += by;
        }
        self.tokens.retain(|(_, later)| *later < window);
    }

    pub fn remember(&mut self, token: Token, window: u8) {
        self.push_out(1, window);
        self.tokens.push((token, 0));
    }

    pub fn forget(&mut self, token: Token) {
        self.tokens.retain(|(known, _)| *known != token);
    }

    fn add(&mut self, block: Block) {
        for offset in block.offsets() {
            self.counted[offset] = (self.counted[offset] + 1).min(2);
            self.rules[offset] = block.rules;
        }
    }

    /// Deletes the rows of a range.
    pub fn drop_part(&mut self, range: Range) {
        for offset in range.offsets() {
            self.counted[offset] = 0;
            self.rules[offset] = 0;
        }
    }
}

/// Table that an insert writes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Stage {
    Facts,
    Aggregate,
}

/// Attempt that the server has received.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Insert {
    /// Member that waits for the answer.
    pub sender: Option<usize>,
    pub block: Block,
    pub token: Token,
    pub stage: Stage,
    /// Other blocks written since the insert was sent.
    pub age: u8,
}

/// State of ClickHouse.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Server {
    pub facts: Table,
    pub aggregate: Table,
    /// One row for each first offset, like a ReplacingMergeTree read with FINAL.
    pub ledger: Vec<Range>,
    /// Running inserts. Their order is irrelevant; they are sorted so that equal states compare
    /// equal.
    pub inserts: Vec<Insert>,
}

/// Result of one step of an insert.
#[derive(Debug, PartialEq, Eq)]
pub enum Landed {
    /// The facts have a new block under this token; the aggregates are next.
    Facts(Token),
    /// The facts had the block already; the aggregates are next.
    Skipped,
    /// The insert has ended.
    Done(Insert),
}

impl Server {
    pub fn receive(&mut self, insert: Insert) {
        self.inserts.push(insert);
        self.inserts.sort_unstable();
    }

    /// Makes an insert write its next table.
    pub fn land(&mut self, index: usize, guards: Guards) -> Landed {
        let mut insert = self.inserts.remove(index);
        match insert.stage {
            Stage::Facts => {
                let is_repeat = self.facts.remembers(insert.token);
                if is_repeat && !guards.hours_follow_skipped_facts {
                    return Landed::Done(insert);
                }
                insert.stage = Stage::Aggregate;
                self.receive(insert);
                if is_repeat {
                    return Landed::Skipped;
                }
                self.facts.add(insert.block);
                self.facts.remember(insert.token, guards.window());
                Landed::Facts(insert.token)
            }
            Stage::Aggregate => {
                let is_repeat =
                    guards.aggregates_remember_tokens && self.aggregate.remembers(insert.token);
                if !is_repeat {
                    self.aggregate.add(insert.block);
                    self.aggregate.remember(insert.token, guards.window());
                }
                Landed::Done(insert)
            }
        }
    }

    pub fn record(&mut self, range: Range) {
        self.ledger.retain(|row| row.first != range.first);
        self.ledger.push(range);
        self.ledger.sort_unstable();
    }

    /// Returns the row that reaches furthest.
    pub fn last_row(&self) -> Option<Range> {
        self.ledger
            .iter()
            .copied()
            .max_by_key(|row| (row.end, row.first))
    }

    /// Returns the number of ledger rows that cover an offset.
    pub fn recorded(&self, offset: usize) -> usize {
        self.ledger
            .iter()
            .filter(|row| row.offsets().any(|covered| covered == offset))
            .count()
    }

    /// True if ledger, facts and aggregates have each offset before `position` once.
    pub fn agrees_up_to(&self, position: u8) -> bool {
        (0..usize::from(position)).all(|offset| {
            self.facts.counted[offset] == 1
                && self.aggregate.counted[offset] == 1
                && self.facts.rules[offset] == self.aggregate.rules[offset]
                && self.recorded(offset) == 1
        })
    }

    /// Rebuilds everything before `position` from the log.
    pub fn reconcile(&mut self, position: u8) {
        for offset in 0..usize::from(position) {
            self.facts.counted[offset] = 1;
            self.aggregate.counted[offset] = 1;
            self.aggregate.rules[offset] = self.facts.rules[offset];
        }
        for first in 0..position {
            let missing = self.recorded(usize::from(first)) == 0;
            if missing {
                self.record(Range {
                    first,
                    end: first + 1,
                });
            }
        }
    }

    /// True if a fact of the range is stored, even if its token is forgotten.
    pub fn has_facts(&self, range: Range) -> bool {
        range.offsets().any(|offset| self.facts.counted[offset] > 0)
    }
}
