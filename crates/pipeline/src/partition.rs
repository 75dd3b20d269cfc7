//! One partition while this consumer owns it: the state of its steps, and the data of its blocks.

use std::time::Duration;

use affluenza_kafka::Partition;
use affluenza_store::BlockOrigin;

use crate::config::BlockLimits;
use crate::draft::Draft;
use crate::offset_metadata::{Intent, OffsetMetadata};
use crate::opening::StartPosition;
use crate::recent::Recent;
use crate::step::{BlockLook, BlockWaits, PartitionState};
use crate::writers::Writing;

pub(crate) struct OwnedPartition {
    pub(crate) partition: Partition,
    pub(crate) origin: BlockOrigin,
    pub(crate) state: PartitionState,
    /// Intent found after a crash, until the write of its block begins.
    intent: Option<Intent>,
    pub(crate) draft: Draft,
    recent: Recent,
    pub(crate) writing: Option<Writing>,
}

impl OwnedPartition {
    pub(crate) fn new(start: StartPosition, recent: Recent) -> Self {
        let repeats = start.intent.as_ref().map(Intent::extent);
        Self {
            partition: start.partition,
            origin: start.origin,
            state: PartitionState::assigned(start.next, repeats),
            intent: start.intent,
            draft: Draft::begin(start.next),
            recent,
            writing: None,
        }
    }

    /// Returns the number of identities in memory, and their size in bytes.
    pub(crate) fn memory(&self) -> (usize, usize) {
        self.recent.size()
    }

    /// True if no record may be added: the draft is complete, or it is full and waits for the block
    /// before it.
    pub(crate) fn is_full(&self, limits: BlockLimits) -> bool {
        let waits = self.state.is_writing() && self.draft.is_full(limits);
        waits || self.state.is_sealed(self.draft.end)
    }

    /// True if the draft is large and no block is being written.
    pub(crate) fn can_write(&self, limits: BlockLimits) -> bool {
        !self.state.is_writing() && self.draft.is_large(limits)
    }

    /// True if no block is being written and the draft needs none. A repeated block is left to the
    /// next owner.
    pub(crate) fn is_idle(&self) -> bool {
        !self.state.is_writing() && (self.draft.is_empty() || self.state.is_repeating())
    }

    /// Returns the ticket of the block that is being written.
    pub(crate) fn ticket(&self) -> Option<u64> {
        self.writing.as_ref().map(|writing| writing.ticket)
    }

    /// Returns the ticket of a block whose task has ended, and whose result was not received.
    pub(crate) fn ended(&self) -> Option<u64> {
        let writing = self.writing.as_ref()?;
        writing.task.is_finished().then_some(writing.ticket)
    }

    /// Discards the records that were read but not written: the next owner reads them.
    pub(crate) fn discard_draft(&mut self) {
        self.draft = Draft::begin(self.draft.first);
    }

    /// Extends the draft over offsets without a record, and returns the conditions for writing it.
    pub(crate) fn look(
        &mut self,
        now: Duration,
        limits: BlockLimits,
        waits: BlockWaits,
        is_last: bool,
    ) -> BlockLook {
        self.draft.extend(self.state.covered());
        BlockLook {
            now,
            first: self.draft.first,
            extent: self.draft.extent(),
            waited: self.draft.waited(),
            is_large: self.draft.is_large(limits),
            is_last,
            waits,
        }
    }

    /// Takes the draft out to be written, and begins the next one at its end. Also returns the time
    /// of the intent, in seconds since 1970, if the draft repeats one.
    pub(crate) fn seal(&mut self) -> (Draft, Option<u64>) {
        let intended_at = self.intent.take().map(|intent| intent.at);
        // Earlier blocks are stored by now, so that a look-up of older events finds them.
        self.draft.decide(&mut self.recent);
        let next = self.draft.next();
        (std::mem::replace(&mut self.draft, next), intended_at)
    }

    /// Returns the metadata of the offset at which the draft begins. An intent that is repeated
    /// keeps its time, by which its token is judged.
    pub(crate) fn metadata(&self, with_intent: bool) -> OffsetMetadata {
        let intent = with_intent.then(|| match &self.intent {
            Some(intent) => intent.clone(),
            None => self.draft.intent(&self.origin.rules),
        });
        OffsetMetadata {
            stream: self.origin.stream.clone(),
            intent,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Config;
    use crate::step::{PartitionAction, PartitionEvent, step};
    use affluenza_kafka::NextOffset;

    fn repeating(records: u64) -> OwnedPartition {
        let origin = BlockOrigin {
            stream: "c/t".into(),
            kafka_partition: 0,
            rules: "r".into(),
        };
        let start = StartPosition {
            partition: Partition(0),
            origin,
            next: NextOffset(10),
            intent: Some(Intent {
                end: NextOffset(11),
                records,
                checksum: 0,
                rules: "before".into(),
                at: 3,
            }),
            is_new: false,
        };
        OwnedPartition::new(start, Recent::blank())
    }

    #[test]
    fn a_repeated_block_keeps_its_end_and_its_intent() {
        let waits = BlockWaits {
            after_pause: Duration::ZERO,
            between: Duration::ZERO,
        };
        let limits = Config::default().block_limits(1);
        let mut owned = repeating(0);
        (owned.state, _) = step(owned.state, PartitionEvent::Ended(NextOffset(13)));
        let look = owned.look(Duration::ZERO, limits, waits, false);
        assert_eq!((look.extent.end, look.extent.records), (NextOffset(11), 0));
        assert_eq!(owned.draft.gaps.first(), Some(&(10..11)));
        assert!(owned.is_full(limits) && owned.is_idle());
        let repeated = owned.metadata(true).intent.expect("it has one");
        assert_eq!((repeated.at, &*repeated.rules), (3, "before"));
        (owned.state, _) = step(owned.state, PartitionEvent::Look(look));
        (owned.state, _) = step(owned.state, PartitionEvent::Accepted(Duration::ZERO));
        assert_eq!(owned.seal().1, Some(3));
        assert_eq!(owned.metadata(true).intent.expect("a new one").rules, "r");
        // Once it is written, the rest is covered, and only once.
        for _ in 0..2 {
            owned.look(Duration::ZERO, limits, waits, false);
            assert_eq!(
                (owned.draft.gaps.len(), &owned.draft.gaps[0]),
                (1, &(11..13))
            );
        }
    }

    #[test]
    fn a_missing_record_is_noticed() {
        let waits = BlockWaits {
            after_pause: Duration::ZERO,
            between: Duration::ZERO,
        };
        let limits = Config::default().block_limits(1);
        let mut owned = repeating(1);
        (owned.state, _) = step(owned.state, PartitionEvent::Ended(NextOffset(13)));
        let look = owned.look(Duration::ZERO, limits, waits, false);
        let (_, action) = step(owned.state, PartitionEvent::Look(look));
        assert_eq!(action, Some(PartitionAction::RefuseLog(NextOffset(11))));
    }
}
