//! Numbers repeated lines of an import.

use std::collections::{HashMap, HashSet};

/// Counts equal lines exactly, in any order.
///
/// A shuffled or merged log is not ordered by time, so every line of the import is remembered by 64
/// bits of its hash. That takes 10 to 20 bytes per line (100 million lines: 1 to 2 GB, and half as
/// much again while the set grows). Two different lines collide with a probability of 1 in 2^64;
/// the later one then gets ordinal 1 and still counts. Only repeated lines, which are few, have a
/// counter.
#[derive(Debug, Default)]
pub(crate) struct Ordinals {
    seen: HashSet<u64>,
    repeats: HashMap<u64, u32>,
}

impl Ordinals {
    /// Returns the ordinal of a line: 0 for the first occurrence of its hash, then 1, and so on.
    pub(crate) fn next(&mut self, hash: u64) -> u32 {
        if self.seen.insert(hash) {
            return 0;
        }
        let repeats = self.repeats.entry(hash).or_default();
        *repeats = repeats.saturating_add(1);
        *repeats
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
