//! Counts that may be hidden.

pub(crate) use affluenza_disclosure::Count;

use crate::document::{Cell, ChartValue};
use crate::ratio::{change_percent, share_percent};

/// Cells and values of a document, made from counts that may be hidden.
pub(crate) trait CountCells: Sized {
    /// Returns the count as a value of a chart.
    fn value(self) -> ChartValue;
    /// Returns the count for a mostly empty table, in which zero is a dash.
    fn sparse(self) -> Cell;
    /// Returns the share of this part in a whole. It is suppressed if one of them is hidden.
    fn share_of(self, whole: Self) -> Cell;
    /// Returns the change from an earlier count. It is suppressed if one of them is hidden.
    fn change_from(self, before: Self) -> Cell;
    /// Returns the difference from an earlier count, unless one of them is hidden.
    fn difference_from(self, before: Self) -> Option<i64>;
}

impl CountCells for Count {
    fn value(self) -> ChartValue {
        match self {
            Self::Shown(count) => ChartValue::Shown(count as f64),
            Self::Hidden => ChartValue::Hidden,
        }
    }

    fn sparse(self) -> Cell {
        self.shown().map_or(Cell::Suppressed, Cell::Sparse)
    }

    fn share_of(self, whole: Self) -> Cell {
        match (self, whole) {
            (Self::Shown(part), Self::Shown(whole)) => Cell::share(share_percent(part, whole)),
            _ => Cell::Suppressed,
        }
    }

    fn change_from(self, before: Self) -> Cell {
        match (self, before) {
            (Self::Shown(now), Self::Shown(before)) => {
                Cell::change(change_percent(now, Some(before)))
            }
            _ => Cell::Suppressed,
        }
    }

    fn difference_from(self, before: Self) -> Option<i64> {
        Some(self.shown()?.cast_signed() - before.shown()?.cast_signed())
    }
}

impl From<Count> for Cell {
    fn from(count: Count) -> Self {
        count.shown().map_or(Self::Suppressed, Self::Count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_computed_from_a_hidden_count_are_hidden() {
        let (shown, hidden) = (Count::Shown(30), Count::Hidden);
        assert_eq!(shown.share_of(Count::Shown(60)), Cell::Share(50.0));
        assert_eq!(shown.share_of(hidden), Cell::Suppressed);
        assert_eq!(shown.change_from(Count::Shown(40)), Cell::Change(-25.0));
        assert_eq!(shown.change_from(Count::Shown(0)), Cell::Undefined);
        assert_eq!(hidden.change_from(shown), Cell::Suppressed);
        assert_eq!(shown.difference_from(hidden), None);
        assert_eq!(
            (Cell::from(hidden), hidden.value()),
            (Cell::Suppressed, ChartValue::Hidden)
        );
    }
}
