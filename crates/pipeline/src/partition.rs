//! State of one partition while this consumer owns it.

use std::time::{Duration, Instant};

use affluenza_kafka::{NextOffset, Partition, Record};
use affluenza_store::BlockOrigin;
use tokio::task::JoinHandle;

use crate::classify::Classifier;
use crate::config::BlockLimits;
use crate::draft::Draft;
use crate::offset_metadata::{Intent, OffsetMetadata};
use crate::recent::Recent;
use crate::{PipelineError, invariants};

/// Minimum times from the first record of a block to its writing.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BlockWaits {
    /// After a pause.
    pub(crate) after_pause: Duration,
    /// Otherwise. Also the shortest pause: the time since the last block was begun.
    pub(crate) between: Duration,
}

/// Block that is being written to ClickHouse.
pub(crate) struct Writing {
    /// Distinguishes the result of this block from that of a cancelled one.
    pub(crate) ticket: u64,
    pub(crate) task: JoinHandle<()>,
}

/// Outcome of offering a record to a partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Taken {
    /// The record is in the draft, or was part of an earlier block.
    In,
    /// The record lies behind the block that is being recovered, and must be read again after it.
    Later,
}

pub(crate) struct PartitionState {
    pub(crate) partition: Partition,
    pub(crate) origin: BlockOrigin,
    /// Offset committed by the group.
    pub(crate) committed: NextOffset,
    /// Intent found after a crash, until its block has been written again.
    recovering: Option<Intent>,
    /// Every record before this offset was received.
    handed_out: NextOffset,
    pub(crate) draft: Draft,
    recent: Recent,
    pub(crate) writing: Option<Writing>,
    /// Time when the last block was begun.
    begun: Option<Instant>,
    /// Time from which a refused commit may be retried.
    pub(crate) commit_after: Option<Instant>,
    /// Time at which an unreadable record is retried. Nothing is fetched until then.
    pub(crate) retry_at: Option<Instant>,
}

impl PartitionState {
    pub(crate) fn new(
        partition: Partition,
        origin: BlockOrigin,
        committed: NextOffset,
        recovering: Option<Intent>,
        recent: Recent,
    ) -> Self {
        Self {
            partition,
            origin,
            committed,
            recovering,
            handed_out: committed,
            draft: Draft::begin(committed),
            recent,
            writing: None,
            begun: None,
            commit_after: None,
            retry_at: None,
        }
    }

    /// Returns the number of identities in memory, and their size in bytes.
    pub(crate) fn memory(&self) -> (usize, usize) {
        self.recent.size()
    }

    /// True if the draft can take another record.
    pub(crate) fn has_room(&self, limits: BlockLimits) -> bool {
        self.writing.is_none() || !self.draft.is_full(limits)
    }

    /// True if the draft is large enough, and no other block is being written.
    pub(crate) fn is_waiting(&self, limits: BlockLimits) -> bool {
        self.writing.is_none() && self.draft.is_large(limits)
    }

    /// Adds a record to the draft. A record before the draft's end is skipped: the client may
    /// deliver records again after a rebalance.
    pub(crate) fn take(
        &mut self,
        record: &Record<'_>,
        classifier: &mut Classifier,
    ) -> Result<Taken, PipelineError> {
        let offset = record.offset().0;
        if !invariants::is_unread(self.draft.end, offset) {
            return Ok(Taken::In);
        }
        if let Some(intent) = &self.recovering
            && offset >= intent.end.0
        {
            // The recovered block ends with offsets that hold no record.
            self.draft.extend(intent.end);
            self.check_intent()?;
            return Ok(Taken::Later);
        }
        self.draft.take(record, classifier);
        self.check_intent()?;
        Ok(Taken::In)
    }

    /// Notes that every record before `next` was received.
    pub(crate) fn ended(&mut self, next: NextOffset) {
        self.handed_out = self.handed_out.max(next);
    }

    /// Extends the draft over offsets without a record, up to the last received position. A
    /// recovered block is not extended beyond its end.
    pub(crate) fn pass_gap(&mut self) -> Result<(), PipelineError> {
        let end = match &self.recovering {
            Some(intent) => self.handed_out.min(intent.end),
            None => self.handed_out,
        };
        if end <= self.draft.end {
            return Ok(());
        }
        self.draft.extend(end);
        self.check_intent()
    }

    fn check_intent(&self) -> Result<(), PipelineError> {
        match &self.recovering {
            Some(intent)
                if invariants::reaches_intent(intent.end, self.draft.end)
                    && !self.matches(intent) =>
            {
                Err(PipelineError::LogChanged {
                    partition: self.partition,
                    next: intent.end.0,
                })
            }
            _ => Ok(()),
        }
    }

    fn matches(&self, intent: &Intent) -> bool {
        let intended = invariants::Extent {
            end: intent.end,
            records: intent.records,
            checksum: intent.checksum,
        };
        invariants::recovers_exactly(intended, self.draft.extent())
    }

    /// Returns true if the draft is to be written now. A recovered block is ready only at exactly
    /// the end of its intent.
    pub(crate) fn is_ready(
        &self,
        limits: BlockLimits,
        waits: BlockWaits,
        now: Instant,
        draining: bool,
    ) -> bool {
        if self.writing.is_some() || self.draft.is_empty() {
            return false;
        }
        match &self.recovering {
            Some(intent) => invariants::reaches_intent(intent.end, self.draft.end),
            None => {
                let is_paused = self
                    .begun
                    .is_none_or(|begun| now.duration_since(begun) >= waits.between);
                let wait = match is_paused {
                    true => waits.after_pause,
                    false => waits.between,
                };
                draining || self.draft.is_large(limits) || self.draft.is_due(now, wait)
            }
        }
    }

    /// True if the block of an intent has not been written again yet.
    pub(crate) fn is_recovering(&self) -> bool {
        self.recovering.is_some()
    }

    /// Returns the ticket of the block that is being written.
    pub(crate) fn ticket(&self) -> Option<u64> {
        self.writing.as_ref().map(|writing| writing.ticket)
    }

    /// True if the task that wrote a block has ended, and its result was not received.
    pub(crate) fn is_abandoned(&self) -> bool {
        let writing = self.writing.as_ref();
        writing.is_some_and(|writing| writing.task.is_finished())
    }

    /// Discards the records that were read but not written: the next owner reads them.
    pub(crate) fn discard_draft(&mut self) {
        self.draft = Draft::begin(self.draft.first);
        self.handed_out = self.draft.first;
    }

    /// True if the draft repeats an intent and is complete, so that no record may be added.
    pub(crate) fn is_sealed(&self) -> bool {
        self.recovering
            .as_ref()
            .is_some_and(|intent| invariants::reaches_intent(intent.end, self.draft.end))
    }

    /// True if the end of a written block is not committed yet.
    pub(crate) fn owes_commit(&self) -> bool {
        self.writing.is_none() && self.draft.first > self.committed
    }

    /// Takes the draft out to be written and begins the next one at its end. Also returns the time
    /// of the intent, in seconds since 1970, if the draft repeats one.
    pub(crate) fn seal(&mut self) -> (Draft, Option<u64>) {
        let intended_at = self.recovering.take().map(|intent| intent.at);
        self.begun = Some(Instant::now());
        // Earlier blocks are stored by now, so that a look-up of older events finds them.
        self.draft.decide(&mut self.recent);
        let next = self.draft.next();
        (std::mem::replace(&mut self.draft, next), intended_at)
    }

    /// Returns the offset metadata to commit with the offset at which the draft begins. An intent
    /// that is repeated keeps its time, by which its token is judged.
    pub(crate) fn mark(&self, with_intent: bool) -> OffsetMetadata {
        let intent = || match &self.recovering {
            Some(intent) => intent.clone(),
            None => self.draft.intent(&self.origin.rules),
        };
        OffsetMetadata {
            stream: self.origin.stream.clone(),
            intent: with_intent.then(intent),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Config;

    fn partition(intent: Option<(i64, u64)>) -> PartitionState {
        let origin = BlockOrigin {
            stream: "c/t".into(),
            kafka_partition: 0,
            rules: "r".into(),
        };
        let intent = intent.map(|(end, records)| Intent {
            end: NextOffset(end),
            records,
            checksum: 0,
            rules: "before".into(),
            at: 3,
        });
        PartitionState::new(
            Partition(0),
            origin,
            NextOffset(10),
            intent,
            Recent::blank(),
        )
    }

    fn is_ready(state: &PartitionState) -> bool {
        let waits = BlockWaits {
            after_pause: Duration::ZERO,
            between: Duration::ZERO,
        };
        state.is_ready(
            Config::default().block_limits(1),
            waits,
            Instant::now(),
            false,
        )
    }

    #[test]
    fn markers_at_the_end_of_a_log_are_a_block() {
        let mut state = partition(None);
        assert!(!is_ready(&state));
        state.ended(NextOffset(12));
        state.pass_gap().unwrap();
        assert_eq!(state.draft.gaps.first(), Some(&(10..12)));
        assert_eq!((state.draft.read, state.draft.end), (0, NextOffset(12)));
        assert!(is_ready(&state));
        // A second call adds nothing.
        state.pass_gap().unwrap();
        assert_eq!(state.draft.gaps.len(), 1);
    }

    #[test]
    fn a_block_that_is_repeated_ends_where_it_did_before() {
        let mut state = partition(Some((11, 0)));
        state.ended(NextOffset(13));
        state.pass_gap().unwrap();
        assert_eq!(state.draft.end, NextOffset(11));
        assert!(state.is_sealed() && is_ready(&state));
        let repeated = state.mark(true).intent.unwrap();
        assert_eq!((repeated.at, &*repeated.rules), (3, "before"));
        state.seal();
        state.pass_gap().unwrap();
        assert_eq!(
            (state.draft.first, state.draft.end),
            (NextOffset(11), NextOffset(13))
        );
    }

    #[test]
    fn a_block_is_written_at_once_after_a_pause_and_later_otherwise() {
        let (after_pause, between) = (Duration::from_millis(20), Duration::from_secs(1));
        let waits = BlockWaits {
            after_pause,
            between,
        };
        let limits = Config::default().block_limits(1);
        let mut state = partition(None);
        let mut next = 11;
        let mut open = |state: &mut PartitionState| {
            state.ended(NextOffset(next));
            state.pass_gap().unwrap();
            next += 1;
            Instant::now()
        };
        let opened = open(&mut state);
        assert!(state.is_ready(limits, waits, opened + after_pause, false));
        state.seal();
        let opened = open(&mut state);
        assert!(!state.is_ready(limits, waits, opened + between / 2, false));
        // The wait counts from the last block, not from the first record.
        let begun = state.begun.unwrap();
        assert!(state.is_ready(limits, waits, begun + between + after_pause, false));
    }

    #[test]
    fn a_missing_record_is_noticed() {
        let mut state = partition(Some((11, 1)));
        state.ended(NextOffset(13));
        let changed = state.pass_gap();
        assert!(matches!(
            changed,
            Err(PipelineError::LogChanged { next: 11, .. })
        ));
    }

    #[test]
    fn records_left_to_the_next_owner_are_not_skipped() {
        let mut state = partition(None);
        state.ended(NextOffset(12));
        state.discard_draft();
        state.pass_gap().unwrap();
        assert!(state.draft.is_empty());
    }
}
