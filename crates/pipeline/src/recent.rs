//! Which events were seen before.
//!
//! The identities of the newest events of a partition are kept in memory. A duplicate carries
//! the time of its original, so everything that happened at or after the *horizon* is decided
//! here; for an older event ClickHouse is asked. The decision is the same either way: an event
//! is a duplicate when an earlier record of its partition had the same identity. (A key always
//! leads to the same partition, so that is where duplicates meet.)

use std::hash::{BuildHasherDefault, Hasher};

use hashbrown::HashSet;

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

/// The identities of the newest events of a partition, in two generations: when the younger one
/// is full the older one is forgotten as a whole, which costs an event much less than forgetting
/// one for each.
#[derive(Debug)]
pub(crate) struct Recent {
    younger: Generation,
    older: Generation,
    /// Every event at or after it that was stored is in one of the two.
    horizon_ms: i64,
    generation_max: usize,
}

#[derive(Debug)]
struct Generation {
    seen: HashSet<u64, BuildHasherDefault<Hashed>>,
    newest_ms: i64,
}

/// Identities are hashes already.
#[derive(Debug, Default)]
struct Hashed(u64);

impl Hasher for Hashed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, identity: u64) {
        self.0 = identity;
    }
}

impl Generation {
    fn new() -> Self {
        Self {
            seen: HashSet::default(),
            newest_ms: i64::MIN,
        }
    }

    /// Whether it is there for the first time.
    fn remember(&mut self, time_ms: i64, identity: u64) -> bool {
        self.newest_ms = self.newest_ms.max(time_ms);
        self.seen.insert(identity)
    }
}

impl Recent {
    /// Nothing was stored before. Remembers at most `capacity` identities, and at least half as
    /// many once there are so many.
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            younger: Generation::new(),
            older: Generation::new(),
            horizon_ms: i64::MIN,
            generation_max: capacity.div_ceil(2),
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
                recent.older.remember(*time, *identity);
            }
        }
        recent
    }

    /// Events before `time_ms` may have been stored by another log: memory does not speak of them.
    pub(crate) fn distrust_before(&mut self, time_ms: i64) {
        self.horizon_ms = self.horizon_ms.max(time_ms);
    }

    /// Identities that are remembered, and the bytes they take.
    pub(crate) fn size(&self) -> (usize, usize) {
        let [younger, older] = [&self.younger.seen, &self.older.seen];
        (
            younger.len() + older.len(),
            younger.allocation_size() + older.allocation_size(),
        )
    }

    pub(crate) fn see(&mut self, time_ms: i64, identity: u64) -> Sighting {
        if self.older.seen.contains(&identity) {
            return Sighting::Seen;
        }
        if time_ms < self.horizon_ms {
            return if self.younger.seen.contains(&identity) {
                Sighting::Seen
            } else {
                Sighting::BeyondHorizon
            };
        }
        if !self.younger.remember(time_ms, identity) {
            return Sighting::Seen;
        }
        if self.younger.seen.len() >= self.generation_max {
            self.forget_older();
        }
        Sighting::New
    }

    fn forget_older(&mut self) {
        std::mem::swap(&mut self.younger, &mut self.older);
        // What was the older one is the younger one now, and begins anew in the same memory.
        let forgotten = &mut self.younger;
        if !forgotten.seen.is_empty() {
            self.horizon_ms = self.horizon_ms.max(forgotten.newest_ms.saturating_add(1));
        }
        forgotten.seen.clear();
        forgotten.newest_ms = i64::MIN;
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
        let mut recent = Recent::new(4);
        for time in 0..7 {
            assert_eq!(recent.see(time, time.unsigned_abs()), Sighting::New);
        }
        assert_eq!(recent.see(1, 1), Sighting::BeyondHorizon);
        assert_eq!(recent.see(1, 9), Sighting::BeyondHorizon);
        for time in 4..7 {
            assert_eq!(recent.see(time, time.unsigned_abs()), Sighting::Seen);
        }
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
            prop_assert!(recent.younger.seen.len() + recent.older.seen.len() <= capacity + 1);
        }
    }
}
