//! The steps of a partition: one pure function from a state and an event to the next state and an
//! action.
//!
//! The function does no IO and knows no clock and no threads: times are part of the events. The
//! consumer executes the actions and reports their results as events. The model in `tests/model`
//! calls the same function for commits, writes and rebalances, in every order of crashes and late
//! messages.
//!
//! ```text
//! Reading ── Look: a block is ready, or an end is owed ──▶ Committing
//!    ▲                                                      │    │
//!    ├── Refused, or Accepted without a block ──────────────┘    │
//!    │                                                           │
//!    └──── Written ──── Writing ◀──── Accepted with a block ─────┘
//! ```
//!
//! `Revoked` releases a partition that is reading. A running commit or write ends first: `Written`
//! then commits the end, and the answer releases the partition. `Lost` releases it at once.

use std::time::Duration;

use affluenza_kafka::NextOffset;

use crate::invariants::{self, Extent};

/// Backoff after a refused commit.
const COMMIT_PAUSE: Duration = Duration::from_millis(500);

/// Work on a block of the partition. Records of the next block are read meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BlockPhase {
    /// No block is being committed or written.
    Reading,
    /// A commit has no answer yet. If it holds the intent of a block, the block has this end.
    Committing(Option<NextOffset>),
    /// The block of a committed intent is being written to ClickHouse.
    Writing,
    /// The partition was released: every event is ignored.
    Released,
}

/// State of one partition. Times are counted from the start of the consumer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PartitionState {
    phase: BlockPhase,
    /// Offset committed by the group.
    committed: NextOffset,
    /// End of the last block that was begun: the draft begins here.
    first: NextOffset,
    /// Every record before this offset was received. A record of the draft does not move it.
    received: NextOffset,
    /// Block of an intent found after a crash, until its write begins.
    repeats: Option<Extent>,
    /// True once the group has revoked the partition.
    is_leaving: bool,
    /// Time at which fetching restarts at the end of the draft. No record is accepted until then.
    blocked_until: Option<Duration>,
    /// Time when the last block was begun.
    begun: Option<Duration>,
    /// Time from which a refused commit may be repeated.
    commit_after: Option<Duration>,
}

/// Times that decide when a small draft is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockWaits {
    /// Minimum age of the draft, once `between` has passed since the last block was begun.
    pub after_pause: Duration,
    /// Time after the last block was begun during which only a draft of this age is due.
    pub between: Duration,
}

/// Draft, and the conditions for writing it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockLook {
    /// Time of this look.
    pub now: Duration,
    /// First offset of the draft.
    pub first: NextOffset,
    /// End, records and checksum of the draft.
    pub extent: Extent,
    /// Age of the draft: time since its first record, or since its first offset without one. `None`
    /// if it covers no offset.
    pub waited: Option<Duration>,
    /// True if the draft is large enough to be written at once.
    pub is_large: bool,
    /// True if no record will follow: the draft is written without waiting.
    pub is_last: bool,
    /// Times to wait for more records.
    pub waits: BlockWaits,
}

/// Input of [`step`]: a message or result of Kafka or ClickHouse, or a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PartitionEvent {
    /// The client returned a record.
    Arrived {
        /// Offset of the record.
        offset: i64,
        /// One past the last offset of the draft.
        draft_end: NextOffset,
    },
    /// The client has read the log up to its end, which is this offset.
    Ended(NextOffset),
    /// Fetching must restart at the end of the draft, not before this time. The next record is
    /// unreadable, the client may have skipped it, or a replay may not read it yet.
    Unreadable(Duration),
    /// The time is this now: a stopped partition may be due for fetching.
    Retry(Duration),
    /// A block may be due.
    Look(BlockLook),
    /// The broker accepted the commit at this time.
    Accepted(Duration),
    /// The broker refused the commit at this time, or the assignment was lost before it was sent.
    Refused(Duration),
    /// ClickHouse has facts, hour rows and ledger row of the block with this end.
    Written(NextOffset),
    /// The group revokes the partition, and waits until it is released.
    Revoked,
    /// The group has given the partition to another member, or the consumer joins again.
    Lost,
}

/// Action for the consumer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PartitionAction {
    /// Add the record to the draft.
    Take,
    /// Read the record again later: it follows the end of the block that is repeated.
    ReadAgain,
    /// Stop fetching the partition.
    StopFetching,
    /// Fetch the partition again, from the end of the draft.
    Fetch,
    /// Commit an offset.
    Commit {
        /// Offset to commit.
        next: NextOffset,
        /// True to commit the intent of the draft with it.
        with_intent: bool,
    },
    /// Write the draft, and begin the next one at its end.
    Write,
    /// Stop: the log does not hold the block of the intent, which ends at this offset.
    RefuseLog(NextOffset),
    /// Cancel a running write: the partition can be handed over.
    Release,
}

/// Returns the next state of a partition and the action that it requires.
pub fn step(
    mut state: PartitionState,
    event: PartitionEvent,
) -> (PartitionState, Option<PartitionAction>) {
    use PartitionEvent as Event;
    if state.phase == BlockPhase::Released {
        return (state, None);
    }
    let action = match event {
        Event::Arrived { offset, draft_end } => state.arrived(offset, draft_end),
        Event::Ended(next) => state.ended(next),
        Event::Unreadable(until) => state.block(until),
        Event::Retry(now) => state.retry(now),
        Event::Look(look) => state.look(look),
        Event::Accepted(now) => state.accepted(now),
        Event::Refused(now) => state.refused(now),
        Event::Written(end) => state.written(end),
        Event::Revoked => state.revoked(),
        Event::Lost => state.release(),
    };
    (state, action)
}

impl PartitionState {
    /// Returns the state of a partition that the group has assigned: its committed offset, and the
    /// block of the intent in the offset metadata.
    pub fn assigned(committed: NextOffset, repeats: Option<Extent>) -> Self {
        Self {
            phase: BlockPhase::Reading,
            committed,
            first: committed,
            received: committed,
            repeats,
            is_leaving: false,
            blocked_until: None,
            begun: None,
            commit_after: None,
        }
    }

    /// Returns the work on a block.
    pub fn phase(&self) -> BlockPhase {
        self.phase
    }

    /// Returns the offset at which the draft begins.
    pub fn first(&self) -> NextOffset {
        self.first
    }

    /// Returns the offset up to which the draft may cover offsets without a record: all records
    /// before it were received. A repeated block keeps its end.
    pub fn covered(&self) -> NextOffset {
        self.repeats
            .map_or(self.received, |block| self.received.min(block.end))
    }

    /// True if a block is being written.
    pub fn is_writing(&self) -> bool {
        self.phase == BlockPhase::Writing
    }

    /// True until the write of the intent's block begins.
    pub fn is_repeating(&self) -> bool {
        self.repeats.is_some()
    }

    /// True if a draft with this end repeats an intent and is complete: no record may be added.
    pub fn is_sealed(&self, draft_end: NextOffset) -> bool {
        self.repeats
            .is_some_and(|block| invariants::reaches_intent(block.end, draft_end))
    }

    /// True once the group has revoked the partition.
    pub fn is_leaving(&self) -> bool {
        self.is_leaving
    }

    /// True while an unreadable record, or the bound of a replay, holds the partition up.
    pub fn is_blocked(&self) -> bool {
        self.blocked_until.is_some()
    }

    /// True if the last commit was refused.
    pub fn was_refused(&self) -> bool {
        self.commit_after.is_some()
    }

    fn arrived(&mut self, offset: i64, draft_end: NextOffset) -> Option<PartitionAction> {
        // The client may return records again after a rebalance.
        if self.is_blocked() || !invariants::is_unread(draft_end, offset) {
            return None;
        }
        match self.repeats {
            Some(block) if offset >= block.end.0 => {
                // The offsets up to the end of the repeated block hold no record.
                self.received = self.received.max(block.end);
                Some(PartitionAction::ReadAgain)
            }
            _ => Some(PartitionAction::Take),
        }
    }

    fn ended(&mut self, next: NextOffset) -> Option<PartitionAction> {
        // The position behind an unreadable record is not the end of the log.
        if !self.is_blocked() && !self.is_leaving {
            self.received = self.received.max(next);
        }
        None
    }

    fn block(&mut self, until: Duration) -> Option<PartitionAction> {
        if self.is_blocked() {
            return None;
        }
        self.blocked_until = Some(until);
        Some(PartitionAction::StopFetching)
    }

    fn retry(&mut self, now: Duration) -> Option<PartitionAction> {
        self.blocked_until.filter(|until| now >= *until)?;
        self.blocked_until = None;
        Some(PartitionAction::Fetch)
    }

    fn look(&mut self, look: BlockLook) -> Option<PartitionAction> {
        if self.phase != BlockPhase::Reading || self.is_leaving {
            return None;
        }
        assert_eq!(
            self.first, look.first,
            "the draft begins where the last block ended"
        );
        let is_ready = match self.repeats {
            Some(block) if !invariants::reaches_intent(block.end, look.extent.end) => false,
            Some(block) if !invariants::recovers_exactly(block, look.extent) => {
                return Some(PartitionAction::RefuseLog(block.end));
            }
            Some(_) => true,
            None => look.extent.end > look.first && self.is_due(look),
        };
        // A refused end is committed again, even if no block follows.
        let owes_commit = self.first > self.committed;
        let is_early = self.commit_after.is_some_and(|after| look.now < after);
        if is_early || !(is_ready || owes_commit) {
            return None;
        }
        assert!(
            !is_ready || invariants::block_follows(self.first, look.first, look.extent.end),
            "an intent begins where the last block ended, and is not empty"
        );
        Some(self.commit(is_ready.then_some(look.extent.end)))
    }

    fn is_due(&self, look: BlockLook) -> bool {
        let pause = self.begun.map(|begun| look.now.saturating_sub(begun));
        let wait = match pause {
            Some(pause) if pause < look.waits.between => look.waits.between,
            _ => look.waits.after_pause,
        };
        look.is_last || look.is_large || look.waited.is_some_and(|waited| waited >= wait)
    }

    /// Commits the end of the last block, and the intent of the next one with it.
    fn commit(&mut self, block_end: Option<NextOffset>) -> PartitionAction {
        assert!(
            invariants::position_advances(self.committed, self.first),
            "the committed offset never moves back"
        );
        self.phase = BlockPhase::Committing(block_end);
        PartitionAction::Commit {
            next: self.first,
            with_intent: block_end.is_some(),
        }
    }

    fn accepted(&mut self, now: Duration) -> Option<PartitionAction> {
        let BlockPhase::Committing(block_end) = self.phase else {
            return None;
        };
        self.committed = self.first;
        self.commit_after = None;
        match block_end {
            Some(end) if !self.is_leaving => {
                self.phase = BlockPhase::Writing;
                self.first = end;
                self.received = self.received.max(end);
                self.repeats = None;
                self.begun = Some(now);
                Some(PartitionAction::Write)
            }
            // The partition is leaving: the next owner finds the intent and writes the block.
            _ => self.read_on(),
        }
    }

    fn refused(&mut self, now: Duration) -> Option<PartitionAction> {
        if !matches!(self.phase, BlockPhase::Committing(_)) {
            return None;
        }
        self.commit_after = Some(now + COMMIT_PAUSE);
        self.read_on()
    }

    fn read_on(&mut self) -> Option<PartitionAction> {
        if self.is_leaving {
            return self.release();
        }
        self.phase = BlockPhase::Reading;
        None
    }

    fn written(&mut self, end: NextOffset) -> Option<PartitionAction> {
        if self.phase != BlockPhase::Writing {
            return None;
        }
        assert!(
            invariants::commits_what_was_written(end, self.first),
            "the next block begins where the written one ends"
        );
        self.phase = BlockPhase::Reading;
        // A leaving partition commits the end alone, as no block follows.
        self.is_leaving.then(|| self.commit(None))
    }

    fn revoked(&mut self) -> Option<PartitionAction> {
        self.is_leaving = true;
        // Records that were only read are left to the next owner.
        self.received = self.first;
        match self.phase {
            // The end of a running block is committed while the partition is still owned.
            BlockPhase::Writing | BlockPhase::Committing(_) => None,
            BlockPhase::Reading | BlockPhase::Released => self.release(),
        }
    }

    fn release(&mut self) -> Option<PartitionAction> {
        self.phase = BlockPhase::Released;
        Some(PartitionAction::Release)
    }
}

#[cfg(test)]
mod tests;
