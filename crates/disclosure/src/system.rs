//! Figures, and the sums that they are known to make.

/// A figure that is not zero, or one that is not shown and may be anything.
#[derive(Clone, Debug)]
pub(crate) struct Figure {
    pub count: u64,
    /// Published, unless it must be hidden; a figure of the detail never is.
    pub is_shown: bool,
    /// How much it is a total: 0 for a cell that no other shown cell adds up to.
    pub height: u32,
    /// Its labels.
    pub name: String,
}

impl Figure {
    /// What it holds at least, as everybody knows: a zero is shown.
    pub fn least(&self) -> u64 {
        u64::from(self.is_shown)
    }
}

#[derive(Default)]
pub(crate) struct System {
    pub figures: Vec<Figure>,
    /// Figures with signs that add up to zero.
    pub sums: Vec<Vec<(usize, i64)>>,
}

/// Figures that move together, so that every sum stays as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Move(pub Vec<(usize, i64)>);

impl System {
    pub fn counts(&self) -> Vec<i64> {
        let counts = self.figures.iter();
        counts.map(|figure| figure.count.cast_signed()).collect()
    }

    /// The same with other counts.
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

    /// Whether every sum is right for these counts.
    pub fn adds_up(&self, counts: &[i64]) -> bool {
        let mut sums = self.sums.iter();
        sums.all(|sum| sum.iter().map(|(at, sign)| counts[*at] * sign).sum::<i64>() == 0)
    }

    /// Counts moved by so much, if no figure falls below what it is known to hold.
    pub fn moved(&self, counts: &[i64], step: &Move, amount: i64) -> Option<Vec<i64>> {
        let mut moved = counts.to_vec();
        for (figure, by) in &step.0 {
            moved[*figure] += by * amount;
            if moved[*figure] < self.figures[*figure].least().cast_signed() {
                return None;
            }
        }
        Some(moved)
    }
}
