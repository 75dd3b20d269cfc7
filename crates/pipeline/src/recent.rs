//! Memory of recent events, to find duplicates.
//!
//! The identities of a partition's newest events are kept in memory. A duplicate carries the time
//! of its original, so every event at or after the *horizon* is decided here. Older events are
//! looked up in ClickHouse. The decision is the same: an event is a duplicate if an earlier record
//! of its partition had the same identity. (A key always leads to the same partition, so duplicates
//! meet there.)

use std::hash::{BuildHasherDefault, Hasher};

use hashbrown::HashSet;

/// Result of looking up an event in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sighting {
    /// Not seen before; remembered from now on.
    New,
    /// Duplicate.
    Seen,
    /// Older than the horizon: ClickHouse must be queried.
    BeyondHorizon,
}

/// Identities of a partition's newest events, in two generations. When the younger one is full, the
/// older one is dropped as a whole. That costs an event much less than evicting one by one.
#[derive(Debug)]
pub(crate) struct Recent {
    younger: Generation,
    older: Generation,
    /// Time in milliseconds since 1970 from which every stored event is in one of the generations.
    horizon_ms: i64,
    generation_max: usize,
}

#[derive(Debug)]
struct Generation {
    seen: HashSet<u64, BuildHasherDefault<Hashed>>,
    newest_ms: i64,
}

/// Hasher that passes identities through, as they are hashes already.
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

    /// Returns true if the identity is new.
    fn remember(&mut self, time_ms: i64, identity: u64) -> bool {
        self.newest_ms = self.newest_ms.max(time_ms);
        self.seen.insert(identity)
    }
}

impl Recent {
    /// Returns a memory of a log without stored events. It remembers at most `capacity` identities,
    /// and at least half as many once so many were seen.
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            younger: Generation::new(),
            older: Generation::new(),
            horizon_ms: i64::MIN,
            generation_max: capacity.div_ceil(2),
        }
    }

    /// Returns a memory that knows no past event: every event is looked up.
    pub(crate) fn blank() -> Self {
        let mut recent = Self::new(0);
        recent.distrust_before(i64::MAX);
        recent
    }

    /// Returns a memory of stored events. `newest` holds time and identity of the newest events,
    /// and `complete` is true if these are all.
    pub(crate) fn warm(capacity: usize, newest: &[(i64, u64)], complete: bool) -> Self {
        let mut recent = Self::new(capacity);
        if !complete {
            // The list may omit further events of its oldest instant.
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

    /// Raises the horizon to `time_ms`: another log may have stored earlier events.
    pub(crate) fn distrust_before(&mut self, time_ms: i64) {
        self.horizon_ms = self.horizon_ms.max(time_ms);
    }

    /// Returns the number of identities in memory, and their size in bytes.
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
        // The former older generation is now the younger one, and is reused after clearing.
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
    fn forgotten_identities_are_looked_up() {
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
        /// Memory agrees with a complete record of the past, for any order and capacity.
        #[test]
        fn memory_never_lies(
            events in proptest::collection::vec((0i64..600_000, 0u64..50), 1..400),
            capacity in 1usize..60,
        ) {
            // By the contract, an identity has one time.
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
