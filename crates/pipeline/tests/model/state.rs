//! State of consumers, broker and server, and the messages between them.

use affluenza_kafka::NextOffset;
use affluenza_pipeline::step::{BlockPhase, PartitionState};

use crate::server::Server;

/// Number of records in the partition, at offsets from 0.
pub const RECORDS: u8 = 3;
/// Number of consumers in the group.
pub const MEMBERS: usize = 2;

/// Offsets from `first` up to, not including, `end`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Range {
    pub first: u8,
    pub end: u8,
}

impl Range {
    pub fn offsets(self) -> impl Iterator<Item = usize> {
        usize::from(self.first)..usize::from(self.end)
    }
}

/// Converts an offset for the shared invariants.
pub fn next(offset: u8) -> NextOffset {
    NextOffset(i64::from(offset))
}

/// Returns an offset of the consumer as one of the model.
pub fn at(offset: NextOffset) -> u8 {
    u8::try_from(offset.0).expect("the log of the model is short")
}

/// Insert token, by which the server recognises a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Token {
    pub range: Range,
    /// Number of the attempt; 0 unless tokens wrongly contain it.
    pub attempt: u8,
}

/// Block of facts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Block {
    pub range: Range,
    /// True if the block lacks the first record of its range.
    pub lacks_first: bool,
    /// Version of the rules that classified the block.
    pub rules: u8,
}

impl Block {
    pub fn offsets(self) -> impl Iterator<Item = usize> {
        self.range
            .offsets()
            .skip(usize::from(u8::from(self.lacks_first)))
    }
}

/// Intent in the metadata of a committed offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Intent {
    pub end: u8,
    pub rules: u8,
    /// Other blocks written since the intent was first committed.
    pub age: u8,
}

/// Committed offset of the group, with its metadata.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Committed {
    pub next: u8,
    pub intent: Option<Intent>,
}

/// Commit on its way to the broker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Request {
    pub from: usize,
    pub generation: u8,
    pub committed: Committed,
    /// True while the sender waits for the answer.
    pub awaited: bool,
}

/// Coordinator of the group.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Broker {
    pub generation: u8,
    pub owner: Option<usize>,
    pub committed: Option<Committed>,
    pub requests: Vec<Request>,
}

/// Block of a consumer between its intent and its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Work {
    /// No block.
    Idle,
    /// The intent of the block is not committed yet.
    Planned {
        block: Block,
        /// Other blocks written since the block's first intent.
        age: u8,
    },
    /// Inserting facts and hour rows.
    Writing {
        block: Block,
        age: u8,
        /// True while an attempt has no answer.
        waiting: bool,
    },
    /// The insert was acknowledged; the ledger row is next.
    Inserted { block: Block },
}

/// Consumer in the group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Member {
    /// Last generation that the consumer knows.
    pub generation: u8,
    /// State of the partition in the consumer; `None` unless the consumer believes that it owns the
    /// partition.
    pub partition: Option<PartitionState>,
    /// Intent found with the assignment, until its block is written again.
    pub recovering: Option<Intent>,
    pub work: Work,
}

impl Member {
    pub const AWAY: Self = Self {
        generation: 0,
        partition: None,
        recovering: None,
        work: Work::Idle,
    };

    /// True while a commit has no answer.
    pub fn is_committing(&self) -> bool {
        let partition = self.partition;
        partition.is_some_and(|partition| matches!(partition.phase(), BlockPhase::Committing(_)))
    }
}

/// Complete state of the model.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct State {
    pub broker: Broker,
    pub members: [Member; MEMBERS],
    pub server: Server,
    pub faults_left: u8,
    /// Version of the rules of a consumer that starts now.
    pub rules: u8,
    /// Attempts so far, counted only if tokens wrongly contain them.
    pub attempts: u8,
    /// True if a consumer stopped because the group's offset is missing or does not fit.
    pub alarmed: bool,
    /// True if an old block was found in the facts: its aggregates are right at rest only.
    pub looked_up: bool,
    /// First assertion of the code that failed.
    pub broken: Option<&'static str>,
}

impl State {
    pub fn start(faults: u8) -> Self {
        Self {
            broker: Broker::default(),
            members: [Member::AWAY; MEMBERS],
            server: Server::default(),
            faults_left: faults,
            rules: 0,
            attempts: 0,
            alarmed: false,
            looked_up: false,
            broken: None,
        }
    }

    /// Notes a failed assertion of the code.
    pub fn expect(&mut self, holds: bool, what: &'static str) {
        if !holds && self.broken.is_none() {
            self.broken = Some(what);
        }
    }

    /// Returns the offset committed by the group, or 0.
    pub fn position(&self) -> u8 {
        self.broker.committed.map_or(0, |committed| committed.next)
    }

    /// Ends the work of `member`. Its attempts and commits may still arrive, but no answer is
    /// awaited.
    pub fn abandon(&mut self, member: usize) {
        self.members[member] = Member::AWAY;
        for insert in &mut self.server.inserts {
            if insert.sender == Some(member) {
                insert.sender = None;
            }
        }
        self.server.inserts.sort_unstable();
        for request in &mut self.broker.requests {
            if request.from == member {
                request.awaited = false;
            }
        }
    }

    /// Ends the work of `member`, and its ownership of the partition.
    pub fn release(&mut self, member: usize) {
        self.abandon(member);
        if self.broker.owner == Some(member) {
            self.broker.owner = None;
        }
    }

    /// Ends the current attempt of `member` without an answer.
    pub fn stop_waiting(&mut self, member: usize) {
        if let Work::Writing { waiting, .. } = &mut self.members[member].work {
            *waiting = false;
        }
    }

    /// Adds `by` to the age of every intent, block and insert, except those of the block `written`.
    pub fn grow_older(&mut self, written: Option<Token>, by: u8) {
        use crate::guards::AGE_MAX;
        let grown = |age: &mut u8| *age = (*age + by).min(AGE_MAX);
        let other = |first, end| written.is_none_or(|token| token.range != Range { first, end });
        let committed = self.broker.committed.iter_mut();
        let requested = self.broker.requests.iter_mut().map(|r| &mut r.committed);
        for committed in committed.chain(requested) {
            if let Some(intent) = &mut committed.intent
                && other(committed.next, intent.end)
            {
                grown(&mut intent.age);
            }
        }
        for member in &mut self.members {
            match &mut member.work {
                Work::Writing { block, age, .. } | Work::Planned { block, age }
                    if other(block.range.first, block.range.end) =>
                {
                    grown(age);
                }
                _ => {}
            }
            if let Some(partition) = member.partition
                && let Some(intent) = &mut member.recovering
                && other(at(partition.first()), intent.end)
            {
                grown(&mut intent.age);
            }
        }
        for insert in &mut self.server.inserts {
            if other(insert.block.range.first, insert.block.range.end) {
                grown(&mut insert.age);
            }
        }
    }
}
