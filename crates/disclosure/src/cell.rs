/// A count as it may be published.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cell {
    /// The count.
    Shown(u64),
    /// Not to be shown: small itself, or what a small one could be worked out from.
    Suppressed,
}

impl Cell {
    /// The count, if it may be shown.
    pub fn shown(self) -> Option<u64> {
        match self {
            Self::Shown(count) => Some(count),
            Self::Suppressed => None,
        }
    }

    /// Whether the count must not be shown.
    pub fn is_suppressed(self) -> bool {
        self == Self::Suppressed
    }
}

/// A share, difference, mean or growth computed from counts: none if one of them is hidden.
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

/// The sum of counts: hidden if one of them is.
pub fn sum(cells: impl IntoIterator<Item = Cell>) -> Cell {
    cells
        .into_iter()
        .map(Cell::shown)
        .sum::<Option<u64>>()
        .map_or(Cell::Suppressed, Cell::Shown)
}
