use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use affluenza_kafka::{NextOffset, Partition};
use affluenza_store::Fate;

use crate::health::Health;
use crate::metrics::ConsumerCounters;
use crate::settle::Holds;
use crate::write::Written;

/// Progress of the consumer. Cheap to clone; all clones share the same state.
#[derive(Debug, Clone, Default)]
pub struct Progress(pub(crate) Arc<ProgressState>);

#[derive(Debug, Default)]
pub(crate) struct ProgressState {
    read: AtomicU64,
    stored: AtomicU64,
    duplicate: AtomicU64,
    rejected: AtomicU64,
    quarantined: AtomicU64,
    reports: AtomicU64,
    blocks: AtomicU64,
    pub(crate) ends: Mutex<BTreeMap<Partition, NextOffset>>,
    reasons: Mutex<BTreeMap<Cow<'static, str>, u64>>,
    pub(crate) health: Mutex<Health>,
    pub(crate) counters: ConsumerCounters,
    pub(crate) holds: Holds,
}

/// Snapshot of [`Progress`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProgressSnapshot {
    /// Records of written blocks.
    pub read: u64,
    /// Records stored as facts.
    pub stored: u64,
    /// Records of events that were stored before.
    pub duplicate: u64,
    /// Records that can never become events.
    pub rejected: u64,
    /// Records with personal data or an unknown shape: not counted unless sent again.
    pub quarantined: u64,
    /// Client reports.
    pub reports: u64,
    /// Number of blocks written.
    pub blocks: u64,
    /// Committed offset of each partition that this consumer has owned.
    pub ends: BTreeMap<Partition, NextOffset>,
    /// Refused records by reason.
    pub reasons: BTreeMap<Cow<'static, str>, u64>,
}

impl std::fmt::Display for ProgressSnapshot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "read {} = stored {} + duplicate {} + rejected {} + quarantined {}",
            self.read, self.stored, self.duplicate, self.rejected, self.quarantined
        )?;
        match self.reports {
            0 => Ok(()),
            reports => write!(f, " + reports {reports}"),
        }
    }
}

fn load(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}

fn add(counter: &AtomicU64, count: u64) {
    counter.fetch_add(count, Ordering::Relaxed);
}

impl Progress {
    /// Returns the current counts.
    pub fn snapshot(&self) -> ProgressSnapshot {
        let inner = &*self.0;
        ProgressSnapshot {
            read: load(&inner.read),
            stored: load(&inner.stored),
            duplicate: load(&inner.duplicate),
            rejected: load(&inner.rejected),
            quarantined: load(&inner.quarantined),
            reports: load(&inner.reports),
            blocks: load(&inner.blocks),
            ends: inner
                .ends
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .clone(),
            reasons: inner
                .reasons
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .clone(),
        }
    }

    /// True if every partition of `ends` is committed up to its offset.
    pub fn reached(&self, ends: &BTreeMap<Partition, NextOffset>) -> bool {
        self.missing(ends).is_empty()
    }

    /// Returns the partitions of `ends` that are not committed up to their offset.
    pub(crate) fn missing(&self, ends: &BTreeMap<Partition, NextOffset>) -> Vec<Partition> {
        let reached = self.0.ends.lock().unwrap_or_else(PoisonError::into_inner);
        ends.iter()
            .filter(|(partition, end)| {
                end.0 != 0 && reached.get(partition).is_none_or(|at| at < end)
            })
            .map(|(partition, _)| *partition)
            .collect()
    }

    /// True if this consumer owns partition 0 and so does the work of which the group needs one
    /// instance.
    pub fn leads(&self) -> bool {
        self.owned().contains(&Partition(0))
    }

    pub(crate) fn stands_at(&self, partition: Partition, end: NextOffset) {
        self.0
            .ends
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(partition, end);
    }

    pub(crate) fn add(&self, written: &Written) {
        let (read, fates) = (written.read, &written.fates);
        let inner = &*self.0;
        add(&inner.read, read);
        add(&inner.stored, fates.of(Fate::Stored));
        add(&inner.duplicate, fates.of(Fate::Duplicate));
        add(&inner.rejected, fates.of(Fate::Rejected));
        add(&inner.quarantined, fates.of(Fate::Quarantined));
        add(&inner.reports, fates.of(Fate::Report));
        add(&inner.blocks, 1);
        let mut reasons = inner.reasons.lock().unwrap_or_else(PoisonError::into_inner);
        for (group, records) in fates.groups().filter(|(group, _)| !group.reason.is_empty()) {
            *reasons.entry(group.reason.clone()).or_default() += records;
        }
        drop(reasons);
        self.0.counters.add_block(written);
        self.health().write_went_well(written.partition);
    }
}
