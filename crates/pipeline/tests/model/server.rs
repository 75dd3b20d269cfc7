//! ClickHouse: tables with a window of tokens, and inserts that write one table after another.

use crate::guards::Guards;
use crate::state::{Block, RECORDS, Range, Token};

/// A table that counts offsets.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Table {
    /// How often each offset is counted; 2 stands for more, too.
    pub counted: [u8; RECORDS as usize],
    /// Rules that classified it.
    pub rules: [u8; RECORDS as usize],
    /// Each with the number of tokens that came after it.
    pub tokens: Vec<(Token, u8)>,
}

impl Table {
    pub fn remembers(&self, token: Token) -> bool {
        self.tokens.iter().any(|(known, _)| *known == token)
    }

    /// Tokens of other partitions arrive, and the oldest are forgotten.
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

    /// The rows of a range vanish.
    pub fn drop_part(&mut self, range: Range) {
        for offset in range.offsets() {
            self.counted[offset] = 0;
            self.rules[offset] = 0;
        }
    }
}

/// Which table an insert writes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Stage {
    Facts,
    Aggregate,
}

/// An attempt that the server has received.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Insert {
    /// Who waits for the answer, if anybody.
    pub sender: Option<usize>,
    pub block: Block,
    pub token: Token,
    pub stage: Stage,
    /// Other blocks written since it was sent.
    pub age: u8,
}

/// The server.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Server {
    pub facts: Table,
    pub aggregate: Table,
    /// One row a first offset, as a ReplacingMergeTree read with FINAL.
    pub ledger: Vec<Range>,
    /// In no particular order, so sorted: states that differ in it only are one.
    pub inserts: Vec<Insert>,
}

/// What came of a step of an insert.
#[derive(Debug, PartialEq, Eq)]
pub enum Landed {
    /// The facts have a new block under this token; the aggregates are next.
    Facts(Token),
    /// The aggregates are next, the facts had the block already.
    Skipped,
    /// The insert is done.
    Done(Insert),
}

impl Server {
    pub fn receive(&mut self, insert: Insert) {
        self.inserts.push(insert);
        self.inserts.sort_unstable();
    }

    /// Lets an insert write its next table.
    pub fn land(&mut self, index: usize, guards: Guards) -> Landed {
        let mut insert = self.inserts.remove(index);
        match insert.stage {
            Stage::Facts => {
                let is_repeat = self.facts.remembers(insert.token);
                if is_repeat && !guards.views_receive_repeats {
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

    /// The row that reaches furthest.
    pub fn last_row(&self) -> Option<Range> {
        self.ledger
            .iter()
            .copied()
            .max_by_key(|row| (row.end, row.first))
    }

    /// How many rows of the ledger speak of an offset.
    pub fn recorded(&self, offset: usize) -> usize {
        self.ledger
            .iter()
            .filter(|row| row.offsets().any(|covered| covered == offset))
            .count()
    }

    /// Whether ledger, facts and aggregates have each offset before `position` once.
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

    /// Whether the facts have a block. Its token may be forgotten, so that only they can tell.
    pub fn has_facts(&self, range: Range) -> bool {
        range.offsets().any(|offset| self.facts.counted[offset] > 0)
    }
}
