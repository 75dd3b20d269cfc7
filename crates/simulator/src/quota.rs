//! Spreads a total over the hours of the year.

use std::ops::Range;

/// Point in the year: full hours since its start, and a part of the next hour below 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct YearPoint {
    hour: usize,
    part: f64,
}

impl YearPoint {
    /// Returns the start of an hour, which is the end of the one before it.
    pub(crate) fn start_of(hour: usize) -> Self {
        Self { hour, part: 0.0 }
    }

    /// Returns the end of part number `part`, from 0, of the `parts` of an hour.
    pub(crate) fn end_of(hour: usize, part: u64, parts: u64) -> Self {
        if part + 1 < parts {
            let part = (part + 1) as f64 / parts as f64;
            Self { hour, part }
        } else {
            Self::start_of(hour + 1)
        }
    }
}

/// Running sum of the load of the hours.
pub(crate) struct LoadCurve {
    /// Load before each hour, and before the end of the year.
    before: Vec<f64>,
}

impl LoadCurve {
    pub(crate) fn new(loads: impl IntoIterator<Item = f64>) -> Self {
        let mut sum = 0.0;
        let mut before = vec![sum];
        for load in loads {
            sum += load;
            before.push(sum);
        }
        Self { before }
    }

    fn hours(&self) -> usize {
        self.before.len() - 1
    }

    /// Load of those of `hours` that are before `point`.
    fn within(&self, hours: &Range<usize>, point: YearPoint) -> f64 {
        if point.hour < hours.start {
            0.0
        } else if point.hour < hours.end {
            let (start, end) = (self.before[point.hour], self.before[point.hour + 1]);
            start + (end - start) * point.part - self.before[hours.start]
        } else {
            self.before[hours.end] - self.before[hours.start]
        }
    }
}

/// A total that falls due over the year in proportion to a load.
///
/// At each point in the year, the due count is the total times the elapsed share of the load,
/// rounded down. So counts of any parts of the year add up to the total, in constant memory.
#[derive(Debug, Clone)]
pub(crate) struct Quota {
    total: u64,
    /// Hours with a load, as sorted ranges.
    hours: Vec<Range<usize>>,
    load: f64,
    /// Offset of the rounding, 0 to 1. Quotas with different offsets do not fall due together.
    offset: f64,
    taken: u64,
}

impl Quota {
    /// Creates a quota for `hours`, which must have a load in `curve`.
    pub(crate) fn new(
        total: u64,
        hours: Vec<Range<usize>>,
        curve: &LoadCurve,
        offset: f64,
    ) -> Self {
        let mut quota = Self {
            total,
            hours,
            load: 0.0,
            offset,
            taken: 0,
        };
        quota.load = quota.load_until(curve, YearPoint::start_of(curve.hours()));
        quota
    }

    /// Takes the count that is due at `point` and not taken yet.
    pub(crate) fn take(&mut self, curve: &LoadCurve, point: YearPoint) -> u64 {
        let count = self.due_at(curve, point).saturating_sub(self.taken);
        self.taken += count;
        count
    }

    /// Returns the first hour from `hour` on at whose end a further count is due.
    pub(crate) fn due_from(&self, hour: usize, curve: &LoadCurve) -> Option<usize> {
        if self.taken == self.total {
            return None;
        }
        // A cell with many uses is due in the next hour.
        if self.is_due_in(curve, hour) {
            return Some(hour);
        }
        let (mut before, mut after) = (hour, curve.hours());
        while after - before > 1 {
            let middle = before.midpoint(after);
            match self.is_due_in(curve, middle) {
                true => after = middle,
                false => before = middle,
            }
        }
        (after < curve.hours()).then_some(after)
    }

    fn is_due_in(&self, curve: &LoadCurve, hour: usize) -> bool {
        self.due_at(curve, YearPoint::start_of(hour + 1)) > self.taken
    }

    fn due_at(&self, curve: &LoadCurve, point: YearPoint) -> u64 {
        let share = self.load_until(curve, point) / self.load;
        // The share is 1 at the end, because the same sums are divided.
        let due = (self.total as f64 * share + self.offset).floor() as u64;
        due.min(self.total)
    }

    /// Starts the year again.
    pub(crate) fn reset(&mut self) {
        self.taken = 0;
    }

    fn load_until(&self, curve: &LoadCurve, point: YearPoint) -> f64 {
        let loads = self.hours.iter().map(|hours| curve.within(hours, point));
        loads.sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn parts_add_up_to_the_total(
            total in 0u64..100_000,
            loads in proptest::collection::vec(0u32..9, 3..60),
            offset in 0.0f64..1.0,
            parts in 1u64..4,
        ) {
            prop_assume!(loads[1..].iter().sum::<u32>() > 0);
            let hours = loads.len();
            let curve = LoadCurve::new(loads.iter().map(|load| f64::from(*load)));
            let mut quota = Quota::new(total, vec![1..2, 2..hours], &curve, offset);
            let mut sum = 0;
            for (hour, load) in loads.iter().enumerate() {
                for part in 0..parts {
                    let count = quota.take(&curve, YearPoint::end_of(hour, part, parts));
                    prop_assert!(count == 0 || hour > 0 && *load > 0);
                    sum += count;
                }
            }
            prop_assert_eq!(sum, total);
        }
    }
}
