//! An attacker who knows all that is published, that it adds up, and the rules by which it was
//! suppressed. What he can find out of a hidden cell are the least and the greatest value that a
//! linear programme leaves for it.

use std::collections::BTreeMap;

use microlp::{ComparisonOp, Error, OptimizationDirection, Problem, Variable};

/// The labels of a cell; none is the total.
pub type Labels<const N: usize> = [Option<String>; N];

/// The next higher label of a dimension; none is the total.
pub type Parent = fn(&str) -> Option<String>;

#[derive(Clone, Copy, PartialEq)]
pub enum Numbers {
    Real,
    Whole,
}

/// What the attacker has got.
pub struct Attacker<'a, const N: usize> {
    /// Every published cell that is not zero: its count, or none if it is hidden.
    pub cells: &'a BTreeMap<Labels<N>, Option<u64>>,
    pub parents: [Parent; N],
    /// What a hidden cell holds at least.
    pub least: u64,
    pub numbers: Numbers,
}

impl<const N: usize> Attacker<'_, N> {
    /// Every sum that he can set up: a cell, and the cells that add up to it.
    fn sums(&self) -> BTreeMap<(Labels<N>, usize), Vec<&Labels<N>>> {
        let mut sums: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for key in self.cells.keys() {
            for at in 0..N {
                if let Some(label) = &key[at] {
                    let mut whole = key.clone();
                    whole[at] = (self.parents[at])(label);
                    sums.entry((whole, at)).or_default().push(key);
                }
            }
        }
        // What is nowhere published, not even as hidden, is no sum.
        sums.retain(|(whole, _), _| self.cells.contains_key(whole));
        sums
    }

    /// Fails when what is shown does not add up, or tells too much of a cell below `k`, given with
    /// its true value.
    pub fn attack(&self, k: u64, small: impl IntoIterator<Item = (Labels<N>, u64)>) {
        let sums = self.sums();
        for ((whole, at), parts) in &sums {
            let known: Option<u64> = parts.iter().map(|key| self.cells[*key]).sum();
            if let (Some(known), Some(shown)) = (known, self.cells[whole]) {
                assert_eq!(known, shown, "{whole:?} does not add up over {at}");
            }
        }
        for (key, count) in small {
            let bound = |direction| self.solve(direction, &key, &sums);
            let low = bound(OptimizationDirection::Minimize);
            let high = bound(OptimizationDirection::Maximize);
            assert!(
                high + 1e-6 >= k as f64 && high - low + 1e-6 >= (k - self.least) as f64,
                "{key:?}: the attacker knows that {count} is from {low} to {high}, in {:?}",
                self.cells
            );
        }
    }

    /// The least or greatest value that a hidden cell can have.
    fn solve(
        &self,
        direction: OptimizationDirection,
        of: &Labels<N>,
        sums: &BTreeMap<(Labels<N>, usize), Vec<&Labels<N>>>,
    ) -> f64 {
        let mut problem = Problem::new(direction);
        let hidden = self.cells.iter().filter(|(_, shown)| shown.is_none());
        let variables: BTreeMap<&Labels<N>, Variable> = hidden
            .map(|(key, _)| {
                let objective = if key == of { 1.0 } else { 0.0 };
                let variable = match self.numbers {
                    Numbers::Real => problem.add_var(objective, (self.least as f64, f64::INFINITY)),
                    Numbers::Whole => {
                        problem.add_integer_var(objective, (self.least as i32, 100_000))
                    }
                };
                (key, variable)
            })
            .collect();
        for ((whole, _), parts) in sums {
            let mut terms = Vec::new();
            let mut constant = 0.0;
            let signed = parts.iter().map(|part| (*part, 1.0)).chain([(whole, -1.0)]);
            for (key, sign) in signed {
                match self.cells[key] {
                    Some(count) => constant += sign * count as f64,
                    None => terms.push((variables[key], sign)),
                }
            }
            if !terms.is_empty() {
                problem.add_constraint(&terms, ComparisonOp::Eq, -constant);
            }
        }
        match problem.solve() {
            Ok(outcome) => outcome
                .into_solution()
                .expect("no limit of time")
                .objective(),
            Err(Error::Unbounded) => f64::INFINITY,
            Err(error) => panic!("the attacker's programme: {error}"),
        }
    }
}
