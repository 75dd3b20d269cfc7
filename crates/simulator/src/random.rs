//! Random numbers by purpose.
//!
//! Streams are stable across platforms: ChaCha8 is specified, and the draws use only integers and
//! the basic operations of floating-point numbers.

use rand::distr::Distribution;
use rand::distr::weighted::WeightedIndex;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use sha2::{Digest, Sha256};

/// A stream of random numbers.
pub(crate) type Random = ChaCha8Rng;

/// Seed of all random numbers of a simulation.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seed {
    pub seed: u64,
    pub year: i16,
}

impl Seed {
    /// Creates the stream for one purpose. Separate streams keep one purpose from shifting the
    /// others when it draws more numbers.
    pub(crate) fn random(self, purpose: &str) -> Random {
        let digest = Sha256::new()
            .chain_update(b"affluenza simulator 2")
            .chain_update(self.seed.to_le_bytes())
            .chain_update(self.year.to_le_bytes())
            .chain_update(purpose.as_bytes())
            .finalize();
        Random::from_seed(digest.into())
    }
}

/// Items that are drawn with fixed weights.
pub(crate) struct Weighted<T> {
    items: Vec<T>,
    index: WeightedIndex<f64>,
}

impl<T: Copy> Weighted<T> {
    /// Returns `None` if there is no item with a weight above 0.
    pub(crate) fn new(weights: impl IntoIterator<Item = (T, f64)>) -> Option<Self> {
        let (items, weights): (Vec<T>, Vec<f64>) = weights.into_iter().unzip();
        let index = WeightedIndex::new(weights).ok()?;
        Some(Self { items, index })
    }

    /// Prepares a list that is written in the code and has weights.
    pub(crate) fn list(weights: &[(T, u32)]) -> Self {
        let weights = weights
            .iter()
            .map(|(item, weight)| (*item, f64::from(*weight)));
        Self::new(weights).expect("a written list has weights above 0")
    }

    pub(crate) fn draw(&self, random: &mut Random) -> T {
        self.items[self.index.sample(random)]
    }
}
