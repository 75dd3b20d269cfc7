//! A bounded cache of verdicts.

use std::hash::{BuildHasher, Hash, Hasher};

use quick_cache::unsync::Cache;
use quick_cache::{Equivalent, OptionsBuilder, Weighter};
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::agent;
use super::class::DeviceVerdict;
use super::classifier::classify;
use super::hints::Hints;
use super::own::ConfiguredBots;

/// Limits of a [`CachedClassifier`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CacheLimits {
    /// Maximum number of entries; 0 counts as 1.
    pub entries_max: usize,
    /// Maximum number of bytes, of the strings and of the entries that hold them.
    pub bytes_max: usize,
}

impl Default for CacheLimits {
    /// 16,384 entries and 8 MiB: some weeks of distinct user agents of a medium portal, at 500
    /// bytes each.
    fn default() -> Self {
        Self {
            entries_max: 16_384,
            bytes_max: 8 << 20,
        }
    }
}

/// [`classify`] with a cache: the same verdicts, faster.
///
/// Each worker has its own cache. A hit takes some tens of nanoseconds and allocates nothing. New
/// user agents evict those that are rarely seen, and the cache never exceeds its limits.
///
/// ```
/// use affluenza_classify::device::{CacheLimits, CachedClassifier, Device, Hints};
///
/// let mut classifier = CachedClassifier::new(CacheLimits::default());
/// let verdict = classifier.classify("Wget/1.21", &Hints::NONE);
/// assert_eq!(verdict.device, Device::Bot);
/// assert_eq!(classifier.classify("Wget/1.21", &Hints::NONE), verdict);
/// ```
#[derive(Debug)]
pub struct CachedClassifier {
    verdicts: Cache<VerdictKey, DeviceVerdict, EntryWeight, HashState>,
    own_bots: ConfiguredBots,
    hits: u64,
    misses: u64,
}

impl CachedClassifier {
    /// Creates an empty cache with these limits.
    #[must_use]
    pub fn new(limits: CacheLimits) -> Self {
        let entries_max = limits.entries_max.max(1);
        let weight_capacity = limits.bytes_max.max(ENTRY_BYTES) as u64;
        let options = OptionsBuilder::new()
            .estimated_items_capacity(entries_max)
            .weight_capacity(weight_capacity)
            .build()
            .expect("both capacities are given");
        let weight = EntryWeight {
            // Minimum weight of an entry. `entries_max` entries of this weight fill the capacity,
            // so one capacity limits both bytes and entries.
            least: weight_capacity.div_ceil(entries_max as u64),
        };
        Self {
            verdicts: Cache::with_options(
                options,
                weight,
                HashState,
                quick_cache::unsync::DefaultLifecycle::default(),
            ),
            own_bots: ConfiguredBots::default(),
            hits: 0,
            misses: 0,
        }
    }

    /// Adds the bots of this installation, which take precedence over every rule. Clears the cache.
    ///
    /// ```
    /// use affluenza_classify::device::{CachedClassifier, Device, Hints, ConfiguredBots};
    ///
    /// let own = ConfiguredBots::new(["ComuneCheck"]);
    /// let mut classifier = CachedClassifier::default().with_bots(own);
    /// let probe = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36 comunecheck/2";
    /// assert_eq!(classifier.classify(probe, &Hints::NONE).rule.as_str(), "bot.configured");
    /// ```
    #[must_use]
    pub fn with_bots(mut self, own_bots: ConfiguredBots) -> Self {
        self.verdicts.clear();
        self.own_bots = own_bots;
        self
    }

    /// Returns the verdict of [`classify`], from the cache if possible. Checks the configured bots
    /// first.
    #[inline]
    pub fn classify(&mut self, user_agent: impl AsRef<[u8]>, hints: &Hints) -> DeviceVerdict {
        let key = KeyRef {
            agent: agent::cut(user_agent.as_ref()),
            hints: hints.bits(),
        };
        if let Some(verdict) = self.verdicts.get(&key) {
            self.hits += 1;
            return *verdict;
        }
        self.remember(key, hints)
    }

    #[cold]
    fn remember(&mut self, key: KeyRef<'_>, hints: &Hints) -> DeviceVerdict {
        self.misses += 1;
        let verdict = self
            .own_bots
            .verdict(key.agent)
            .unwrap_or_else(|| classify(key.agent, hints));
        let key = VerdictKey {
            agent: key.agent.into(),
            hints: key.hints,
        };
        self.verdicts.insert(key, verdict);
        verdict
    }

    /// Numbers of cache hits and misses since creation.
    #[must_use]
    pub const fn hits_and_misses(&self) -> (u64, u64) {
        (self.hits, self.misses)
    }

    /// Current number of entries.
    #[must_use]
    pub fn len(&self) -> usize {
        self.verdicts.len()
    }

    /// True if the cache is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.verdicts.is_empty()
    }

    /// Current size in bytes, as counted towards [`CacheLimits::bytes_max`].
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.verdicts.weight()
    }
}

impl Default for CachedClassifier {
    fn default() -> Self {
        Self::new(CacheLimits::default())
    }
}

#[derive(Debug, PartialEq, Eq)]
struct VerdictKey {
    agent: Box<[u8]>,
    hints: u32,
}

/// A borrowed key, so that a look-up allocates nothing.
struct KeyRef<'a> {
    agent: &'a [u8],
    hints: u32,
}

impl Hash for KeyRef<'_> {
    #[inline]
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write(self.agent);
        state.write_u32(self.hints);
    }
}

impl Hash for VerdictKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let Self { agent, hints } = self;
        KeyRef {
            agent,
            hints: *hints,
        }
        .hash(state);
    }
}

impl Equivalent<VerdictKey> for KeyRef<'_> {
    #[inline]
    fn equivalent(&self, key: &VerdictKey) -> bool {
        self.hints == key.hints && *self.agent == *key.agent
    }
}

/// Overhead of an entry in addition to the string: key, verdict, slot and table entry.
const ENTRY_BYTES: usize = size_of::<VerdictKey>() + size_of::<DeviceVerdict>() + 48;

#[derive(Debug, Clone, Copy)]
struct EntryWeight {
    least: u64,
}

impl Weighter<VerdictKey, DeviceVerdict> for EntryWeight {
    fn weight(&self, key: &VerdictKey, _: &DeviceVerdict) -> u64 {
        ((key.agent.len() + ENTRY_BYTES) as u64).max(self.least)
    }
}

/// XXH3 of the user agent, mixed with the hints.
#[derive(Debug, Clone, Copy, Default)]
struct HashState;

impl BuildHasher for HashState {
    type Hasher = AgentHasher;

    #[inline]
    fn build_hasher(&self) -> AgentHasher {
        AgentHasher(0)
    }
}

struct AgentHasher(u64);

impl Hasher for AgentHasher {
    #[inline]
    fn write(&mut self, bytes: &[u8]) {
        self.0 = xxh3_64_with_seed(bytes, self.0);
    }

    #[inline]
    fn write_u32(&mut self, number: u32) {
        self.0 = (self.0 ^ u64::from(number))
            .wrapping_mul(0x9e37_79b9_7f4a_7c15)
            .rotate_left(32);
    }

    #[inline]
    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::{AGENT_BYTES_MAX, Device};

    const CHROME_LIKE: &str = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 \
                               (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36";

    #[test]
    fn remembered_verdicts_are_the_same_and_hints_tell_them_apart() {
        let mut cached = CachedClassifier::default();
        let tablet = Hints::NONE.mobile("?0").platform("\"Android\"");
        for _ in 0..3 {
            for hints in [Hints::NONE, tablet] {
                assert_eq!(
                    cached.classify(CHROME_LIKE, &hints),
                    classify(CHROME_LIKE, &hints)
                );
            }
        }
        assert_eq!(cached.classify(CHROME_LIKE, &tablet).device, Device::Tablet);
        assert_eq!(cached.hits_and_misses(), (5, 2));
    }

    #[test]
    fn what_differs_behind_the_cut_is_one_entry() {
        let mut cached = CachedClassifier::default();
        let long = "x".repeat(AGENT_BYTES_MAX);
        cached.classify(format!("{long}bot"), &Hints::NONE);
        cached.classify(format!("{long}curl/"), &Hints::NONE);
        assert_eq!(cached.len(), 1);
    }

    #[test]
    fn neither_entries_nor_bytes_pass_their_limit() {
        let limits = CacheLimits {
            entries_max: 64,
            bytes_max: 1 << 20,
        };
        let mut few = CachedClassifier::new(limits);
        let limits = CacheLimits {
            entries_max: 1 << 20,
            bytes_max: 16 << 10,
        };
        let mut light = CachedClassifier::new(limits);
        for number in 0..3_000 {
            few.classify(format!("agent-{number}"), &Hints::NONE);
            light.classify(
                format!("agent-{number}-{}", "x".repeat(number % 900)),
                &Hints::NONE,
            );
            assert!(few.len() <= 64);
            assert!(light.bytes() <= 16 << 10);
        }
        assert!(few.len() > 32 && light.len() > 8, "the caches are in use");
    }
}
