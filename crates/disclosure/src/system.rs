//! Figures, and the sums that they are known to form.

/// A figure that is not zero, or one of the detail, which is never shown and may hold any count.
#[derive(Clone, Debug)]
pub(crate) struct Figure {
    pub count: u64,
    /// True if the figure is published unless hidden. False for a figure of the detail.
    pub is_shown: bool,
    /// Level of the total: 0 for a cell that no other shown cell adds up to.
    pub height: u32,
    /// Labels, joined to one text.
    pub name: String,
    /// Node in each dimension; [`TOTAL`](crate::dimension::TOTAL) where the figure has no label.
    pub key: Box<[u32]>,
}

impl Figure {
    /// Least count that everybody knows: 1 for a shown figure, since a zero is never hidden.
    pub fn least(&self) -> u64 {
        u64::from(self.is_shown)
    }
}

#[derive(Default)]
pub(crate) struct System {
    pub figures: Vec<Figure>,
    /// Signed figures that add up to zero.
    pub sums: Vec<Vec<(usize, i64)>>,
}

/// Figures that move together, so that every sum stays the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Move(pub Vec<(usize, i64)>);

impl System {
    pub fn counts(&self) -> Vec<i64> {
        let counts = self.figures.iter();
        counts.map(|figure| figure.count.cast_signed()).collect()
    }

    /// Returns the same system with other counts.
    #[cfg(test)]
    pub fn with(&self, counts: &[i64]) -> Self {
        let figures = self
            .figures
            .iter()
            .zip(counts)
            .map(|(figure, count)| Figure {
                count: count.unsigned_abs(),
                ..figure.clone()
            });
        Self {
            figures: figures.collect(),
            sums: self.sums.clone(),
        }
    }

    /// True if every sum is right for these counts.
    pub fn adds_up(&self, counts: &[i64]) -> bool {
        let mut sums = self.sums.iter();
        sums.all(|sum| sum.iter().map(|(at, sign)| counts[*at] * sign).sum::<i64>() == 0)
    }

    /// Returns how far each count is above the least one that everybody knows.
    pub fn room(&self, counts: &[i64]) -> Room {
        let figures = self.figures.iter().zip(counts);
        Room(
            figures
                .map(|(figure, count)| count - figure.least().cast_signed())
                .collect(),
        )
    }
}

/// Distance of each count from the least one that everybody knows.
pub(crate) struct Room(pub Vec<i64>);

impl Room {
    /// True if a figure can change by `by` without falling below its known least count.
    pub fn allows(&self, figure: usize, by: i64) -> bool {
        self.0[figure] + by >= 0
    }

    /// True if no figure falls below its known least count by `amount` steps of a move.
    pub fn can_move(&self, step: &Move, amount: i64) -> bool {
        let mut step = step.0.iter();
        step.all(|(figure, by)| self.allows(*figure, by * amount))
    }
}

impl Move {
    /// Moves counts by `amount` steps.
    pub fn apply(&self, counts: &mut [i64], amount: i64) {
        for (figure, by) in &self.0 {
            counts[*figure] += by * amount;
        }
    }
}
