/// A count as it may be published.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cell {
    /// The exact count.
    Shown(u64),
    /// Hidden: the count is small, or a small count could be derived from it.
    Suppressed,
}

impl Cell {
    /// Returns the count, if it may be shown.
    pub fn shown(self) -> Option<u64> {
        match self {
            Self::Shown(count) => Some(count),
            Self::Suppressed => None,
        }
    }

    /// True if the count must not be shown.
    pub fn is_suppressed(self) -> bool {
        self == Self::Suppressed
    }
}

/// Computes a share, difference, mean or growth from counts. Returns `None` if one of them is
/// hidden.
///
/// ```
/// use affluenza_disclosure::{Cell, derive};
/// let growth = |[now, before]: [u64; 2]| now as f64 / before as f64 - 1.0;
/// assert_eq!(derive([Cell::Shown(30), Cell::Shown(20)], growth), Some(0.5));
/// assert_eq!(derive([Cell::Shown(30), Cell::Suppressed], growth), None);
/// ```
pub fn derive<const N: usize, T>(
    cells: [Cell; N],
    compute: impl FnOnce([u64; N]) -> T,
) -> Option<T> {
    let mut counts = [0; N];
    for (count, cell) in counts.iter_mut().zip(cells) {
        *count = cell.shown()?;
    }
    Some(compute(counts))
}

/// Adds counts. The sum is hidden if one of them is.
pub fn sum(cells: impl IntoIterator<Item = Cell>) -> Cell {
    cells
        .into_iter()
        .map(Cell::shown)
        .sum::<Option<u64>>()
        .map_or(Cell::Suppressed, Cell::Shown)
}
