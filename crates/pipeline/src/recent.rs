//! Which events were seen before.
//!
//! The identities of the newest events of a partition are kept in memory. A duplicate carries
//! the time of its original, so everything that happened at or after the *horizon* is decided
//! here; for an older event ClickHouse is asked. The decision is the same either way: an event
//! is a duplicate when an earlier record of its partition had the same identity. (A key always
//! leads to the same partition, so that is where duplicates meet.)

use std::collections::BTreeMap;

use hashbrown::HashSet;

/// Events are forgotten a minute of event time at once.
const BUCKET_MS: i64 = 60_000;

/// What memory knows of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sighting {
    /// Not seen before; it is remembered now.
    New,
    /// Seen before.
    Seen,
    /// Older than memory reaches: ClickHouse must be asked.
    BeyondHorizon,
}

/// The identities of the newest events of a partition.
#[derive(Debug)]
pub(crate) struct Recent {
    seen: HashSet<u64>,
    buckets: BTreeMap<i64, Vec<u64>>,
    /// Every event at or after it that was stored is in `seen`.
    horizon_ms: i64,
    capacity: usize,
}

impl Recent {
    /// Nothing was stored before.
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            seen: HashSet::new(),
            buckets: BTreeMap::new(),
            horizon_ms: i64::MIN,
            capacity,
        }
    }

    /// Knows nothing of the past: every event is looked up.
    pub(crate) fn blank() -> Self {
        let mut recent = Self::new(0);
        recent.distrust_before(i64::MAX);
        recent
    }

    /// Remembers what was stored before: `newest` holds time and identity of the newest events,
    /// and `complete` says whether those are all.
    pub(crate) fn warm(capacity: usize, newest: &[(i64, u64)], complete: bool) -> Self {
        let mut recent = Self::new(capacity);
        if !complete {
            // Events of the oldest instant may be cut off in the middle.
            recent.horizon_ms = newest
                .iter()
                .map(|(time, _)| *time)
                .min()
                .map_or(i64::MAX, |oldest| oldest.saturating_add(1));
        }
        for (time, identity) in newest {
            if *time >= recent.horizon_ms {
                recent.remember(*time, *identity);
            }
        }
        recent
    }

    /// Events before `time_ms` may have been stored by another log: memory does not speak of them.
    pub(crate) fn distrust_before(&mut self, time_ms: i64) {
        self.horizon_ms = self.horizon_ms.max(time_ms);
    }

    pub(crate) fn see(&mut self, time_ms: i64, identity: u64) -> Sighting {
        if self.seen.contains(&identity) {
            return Sighting::Seen;
        }
        if time_ms < self.horizon_ms {
            return Sighting::BeyondHorizon;
        }
        self.remember(time_ms, identity);
        Sighting::New
    }

    fn remember(&mut self, time_ms: i64, identity: u64) {
        if !self.seen.insert(identity) {
            return;
        }
        self.buckets
            .entry(time_ms.div_euclid(BUCKET_MS))
            .or_default()
            .push(identity);
        while self.seen.len() > self.capacity {
            let Some((bucket, identities)) = self.buckets.pop_first() else {
                break;
            };
            for identity in identities {
                self.seen.remove(&identity);
            }
            self.horizon_ms = self.horizon_ms.max((bucket + 1) * BUCKET_MS);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_repeated_event_is_seen() {
        let mut recent = Recent::new(10);
        assert_eq!(recent.see(1, 7), Sighting::New);
        assert_eq!(recent.see(1, 7), Sighting::Seen);
    }

    #[test]
    fn what_was_forgotten_is_asked_for() {
        let mut recent = Recent::new(2);
        for minute in 0..4 {
            recent.see(minute * BUCKET_MS, minute.unsigned_abs());
        }
        assert_eq!(recent.see(0, 0), Sighting::BeyondHorizon);
        assert_eq!(recent.see(3 * BUCKET_MS, 3), Sighting::Seen);
    }

    #[test]
    fn an_incomplete_warm_start_does_not_trust_its_oldest_instant() {
        let mut recent = Recent::warm(10, &[(20, 2), (10, 1)], false);
        assert_eq!(recent.see(10, 5), Sighting::BeyondHorizon);
        assert_eq!(recent.see(20, 2), Sighting::Seen);
        assert_eq!(recent.see(20, 9), Sighting::New);
    }

    proptest! {
        /// Memory and a perfect record of the past agree, whatever the order and the capacity.
        #[test]
        fn memory_never_lies(
            events in proptest::collection::vec((0i64..600_000, 0u64..50), 1..400),
            capacity in 1usize..60,
        ) {
            // An identity has one time, as the contract says.
            let time_of = |identity: u64| events.iter().find(|(_, i)| *i == identity).map_or(0, |(t, _)| *t);
            let mut recent = Recent::new(capacity);
            let mut past = std::collections::HashSet::new();
            for (_, identity) in &events {
                let known = past.contains(identity);
                match recent.see(time_of(*identity), *identity) {
                    Sighting::New => prop_assert!(!known),
                    Sighting::Seen => prop_assert!(known),
                    Sighting::BeyondHorizon => {}
                }
                past.insert(*identity);
            }
            prop_assert!(recent.seen.len() <= capacity.max(1));
        }
    }
}
