//! How often a line has been seen in this import.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};

/// Counts lines that cannot be told apart, exactly and whatever their order.
///
/// A log is written in order of time, but a shuffled or merged one is not, so every line of the
/// import is remembered: 64 bits of its hash, 10 to 20 bytes of memory a line (100 million
/// lines: 1 to 2 GB; half as much again for a moment while the set grows). Two different lines
/// share the 64 bits with a probability of 1 in 2^64 a pair, as events do in the consumer; the
/// later one then gets ordinal 1 and still counts. Only lines that repeat, which are few, take
/// an entry with a counter.
#[derive(Debug, Default)]
pub(crate) struct Ordinals {
    seen: HashSet<u64, BuildHasherDefault<AlreadyHashed>>,
    repeats: HashMap<u64, u32, BuildHasherDefault<AlreadyHashed>>,
}

impl Ordinals {
    /// The ordinal of a line: 0 the first time its hash is given, 1 the second, and so on.
    pub(crate) fn next(&mut self, hash: u64) -> u32 {
        if self.seen.insert(hash) {
            return 0;
        }
        let repeats = self.repeats.entry(hash).or_default();
        *repeats = repeats.saturating_add(1);
        *repeats
    }
}

/// Keys are hashes of good quality: hashing them again would only take time.
#[derive(Debug, Default)]
struct AlreadyHashed(u64);

impl Hasher for AlreadyHashed {
    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(byte);
        }
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }

    fn finish(&self) -> u64 {
        self.0
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
    }
}
