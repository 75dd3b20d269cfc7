//! Numbers repeated lines of an import.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};

use xxhash_rust::xxh3::xxh3_64;

/// Counts equal lines exactly, in any order.
///
/// A shuffled or merged log is not ordered by time, so every line of the import is remembered by 64
/// bits of its hash. That takes 10 to 20 bytes per line (100 million lines: 1 to 2 GB, and half as
/// much again while the set grows). Two different lines collide with a probability of 1 in 2^64;
/// the later one then gets ordinal 1 and still counts. Only repeated lines, which are few, have a
/// counter.
#[derive(Debug, Default)]
pub(crate) struct Ordinals {
    lines: SeenLines,
    /// Lines of the previous file of a log that is followed.
    before: SeenLines,
}

#[derive(Debug, Default)]
struct SeenLines {
    seen: HashSet<u64, BuildHasherDefault<OfHash>>,
    repeats: HashMap<u64, u32>,
}

/// Hasher of numbers that are hashes.
#[derive(Debug, Default)]
struct OfHash(u64);

impl Hasher for OfHash {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = xxh3_64(bytes);
    }
}

impl Ordinals {
    /// Returns the ordinal of a line: 0 for the first occurrence of its hash, then 1, and so on.
    pub(crate) fn next(&mut self, hash: u64) -> u32 {
        let last = self.lines.last(hash).or_else(|| self.before.last(hash));
        let ordinal = last.map_or(0, |last| last.saturating_add(1));
        self.lines.seen.insert(hash);
        if ordinal > 0 {
            self.lines.repeats.insert(hash, ordinal);
        }
        ordinal
    }

    /// Forgets all lines but those since the last call. Lines of a log that is followed are in the
    /// order of time, so an equal line is one of the last.
    pub(crate) fn forget_old(&mut self) {
        self.before = std::mem::take(&mut self.lines);
    }
}

impl SeenLines {
    /// Returns the last ordinal of a hash; `None` for an unknown one.
    fn last(&self, hash: u64) -> Option<u32> {
        let is_seen = self.seen.contains(&hash);
        is_seen.then(|| self.repeats.get(&hash).copied().unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinals_count_from_zero_for_each_hash() {
        let mut ordinals = Ordinals::default();
        let given: Vec<_> = [7, 9, 7, 7, 9, 1].map(|hash| ordinals.next(hash)).into();
        assert_eq!(given, [0, 0, 1, 2, 1, 0]);
        ordinals.forget_old();
        assert_eq!([7, 7, 2].map(|hash| ordinals.next(hash)), [3, 4, 0]);
        ordinals.forget_old();
        assert_eq!([7, 9].map(|hash| ordinals.next(hash)), [5, 0]);
    }
}
