use std::fmt;
use std::ops::AddAssign;

use serde::{Serialize, Serializer};

/// A count as it may be published.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Count {
    /// The exact count.
    Shown(u64),
    /// Hidden: the count is small, or a small count could be derived from it.
    Hidden,
}

impl Count {
    /// Note on a hidden count, in answers and files.
    pub const SUPPRESSED: &'static str = "suppressed";

    /// Returns the count, if it may be shown.
    pub fn shown(self) -> Option<u64> {
        match self {
            Self::Shown(count) => Some(count),
            Self::Hidden => None,
        }
    }

    /// True if the count must not be shown.
    pub fn is_hidden(self) -> bool {
        self == Self::Hidden
    }
}

/// Zero, which is always shown.
impl Default for Count {
    fn default() -> Self {
        Self::Shown(0)
    }
}

/// The sum is hidden if one of the counts is.
impl AddAssign for Count {
    fn add_assign(&mut self, other: Self) {
        *self = sum([*self, other]);
    }
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Shown(count) => count.fmt(f),
            Self::Hidden => f.write_str(Self::SUPPRESSED),
        }
    }
}

/// A number, or null for a hidden count.
impl Serialize for Count {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.shown().serialize(serializer)
    }
}

/// Computes a share, difference, mean or growth from counts. Returns `None` if one of them is
/// hidden.
///
/// ```
/// use affluenza_disclosure::{Count, derive};
/// let growth = |[now, before]: [u64; 2]| now as f64 / before as f64 - 1.0;
/// assert_eq!(derive([Count::Shown(30), Count::Shown(20)], growth), Some(0.5));
/// assert_eq!(derive([Count::Shown(30), Count::Hidden], growth), None);
/// ```
pub fn derive<const N: usize, T>(
    counts: [Count; N],
    compute: impl FnOnce([u64; N]) -> T,
) -> Option<T> {
    let mut numbers = [0; N];
    for (number, count) in numbers.iter_mut().zip(counts) {
        *number = count.shown()?;
    }
    Some(compute(numbers))
}

/// Adds counts. The sum is hidden if one of them is.
pub fn sum(counts: impl IntoIterator<Item = Count>) -> Count {
    counts
        .into_iter()
        .map(Count::shown)
        .sum::<Option<u64>>()
        .map_or(Count::Hidden, Count::Shown)
}
