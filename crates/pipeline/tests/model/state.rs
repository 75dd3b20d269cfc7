//! What the parties know, and what is on its way between them.

use affluenza_bus::NextOffset;

use crate::server::Server;

/// Records in the partition: offsets 0, 1, ….
pub const RECORDS: u8 = 3;
/// Consumers in the group.
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

/// As the shared invariants want an offset.
pub fn next(offset: u8) -> NextOffset {
    NextOffset(i64::from(offset))
}

/// What the server recognises a block by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Token {
    pub range: Range,
    /// Always 0, unless tokens wrongly name the attempt.
    pub attempt: u8,
}

/// A block of facts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Block {
    pub range: Range,
    /// Whether its first record is not in it, though its range says so.
    pub lacks_first: bool,
    /// Version of the rules that classified it.
    pub rules: u8,
}

impl Block {
    pub fn offsets(self) -> impl Iterator<Item = usize> {
        self.range
            .offsets()
            .skip(usize::from(u8::from(self.lacks_first)))
    }
}

/// What is committed beside an offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Intent {
    pub end: u8,
    pub rules: u8,
    /// Other blocks written since it was first committed.
    pub age: u8,
}

/// Where the group stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Committed {
    pub next: u8,
    pub intent: Option<Intent>,
}

/// A commit on its way to the broker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Request {
    pub from: usize,
    pub generation: u8,
    pub committed: Committed,
    /// Whether the sender still waits for the answer.
    pub awaited: bool,
}

/// The group's coordinator.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Broker {
    pub generation: u8,
    pub owner: Option<usize>,
    pub committed: Option<Committed>,
    pub requests: Vec<Request>,
}

/// What a consumer is doing with the partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Work {
    /// Nothing: it does not have it, or believes so.
    Away,
    /// Reading from `next` on.
    Reading {
        next: u8,
        /// Whether the group does not know of `next` yet.
        behind: bool,
        recovering: Option<Intent>,
    },
    /// Waiting for the broker.
    Committing {
        next: u8,
        /// Whether the group stood before `next` when the commit was sent.
        behind: bool,
        recovering: Option<Intent>,
        /// Written next, if the broker accepts.
        then: Option<(Block, u8)>,
    },
    /// Inserting facts.
    Writing {
        block: Block,
        /// Other blocks written since its intent.
        age: u8,
        /// Whether an attempt is out.
        waiting: bool,
    },
    /// The insert was acknowledged; the row of the ledger is next.
    Inserted { block: Block },
    /// All is written; the commit of the end is next.
    Recorded { block: Block },
}

/// A consumer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Member {
    /// The generation it is in, as far as it knows.
    pub generation: u8,
    pub work: Work,
}

impl Member {
    pub const AWAY: Self = Self {
        generation: 0,
        work: Work::Away,
    };
}

/// Everything.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct State {
    pub broker: Broker,
    pub members: [Member; MEMBERS],
    pub server: Server,
    pub faults_left: u8,
    /// Rules of a consumer that is started now.
    pub rules: u8,
    /// Attempts so far, counted only when tokens wrongly name them.
    pub attempts: u8,
    /// A consumer stopped, because the group forgot its offset.
    pub alarmed: bool,
    /// Whether an old block was found in the facts: its aggregates are right at rest only.
    pub looked_up: bool,
    /// What the code asserts, and did not hold.
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

    /// Notes that what the code asserts does not hold.
    pub fn expect(&mut self, holds: bool, what: &'static str) {
        if !holds && self.broken.is_none() {
            self.broken = Some(what);
        }
    }

    /// One past the last offset that the group has dealt with.
    pub fn position(&self) -> u8 {
        self.broker.committed.map_or(0, |committed| committed.next)
    }

    /// Nobody waits for the attempts and commits of `member` any more; they may still arrive.
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

    /// The attempt of `member` is over without an answer.
    pub fn stop_waiting(&mut self, member: usize) {
        if let Work::Writing { waiting, .. } = &mut self.members[member].work {
            *waiting = false;
        }
    }

    /// Another block was written: everything that carries an age is older now.
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
                Work::Writing { block, age, .. }
                | Work::Committing {
                    then: Some((block, age)),
                    ..
                } if other(block.range.first, block.range.end) => grown(age),
                _ => {}
            }
            if let Work::Reading {
                next, recovering, ..
            }
            | Work::Committing {
                next, recovering, ..
            } = &mut member.work
                && let Some(intent) = recovering
                && other(*next, intent.end)
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
