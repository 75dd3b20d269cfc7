//! An attacker who knows the published cells, their sums, the detail below them, and the rules of
//! suppression. For each hidden cell, a linear programme gives the least and the greatest possible
//! value.

use std::collections::BTreeMap;

use microlp::{ComparisonOp, Error, OptimizationDirection, Problem, Variable};

/// Labels of a cell; `None` is the total.
pub type Labels<const N: usize> = [Option<String>; N];

/// Next higher label of a dimension; `None` is the total.
pub type Parent = fn(&str) -> Option<String>;

/// The attacker's knowledge.
pub struct Attacker<'a, const N: usize> {
    /// Every published cell that is not zero: its count, or `None` if it is hidden.
    pub cells: &'a BTreeMap<Labels<N>, Option<u64>>,
    pub parents: [Parent; N],
    /// Detail below published cells; labels of other dimensions are empty.
    pub details: &'a [[String; N]],
    /// Dimensions of each table that details add up to.
    pub tables: &'a [&'a [usize]],
}

/// Values that the attacker cannot rule out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Range {
    pub least: f64,
    pub most: f64,
}

impl Range {
    /// True if fewer than `k` whole numbers are left, or only small ones.
    pub fn is_recovered(self, k: u64) -> bool {
        let (least, most) = ((self.least - 1e-6).ceil(), (self.most + 1e-6).floor());
        most - least + 1.0 < k as f64 || most < k as f64
    }
}

/// The published cells contradict the attacker's assumptions.
#[derive(Debug, PartialEq)]
pub struct Contradiction;

/// Unknown counts, and the sums that they form.
pub struct Unknowns<const N: usize> {
    /// Index of each hidden cell.
    places: BTreeMap<Labels<N>, usize>,
    /// Least value of each unknown.
    least: Vec<f64>,
    sums: Vec<(Vec<(usize, f64)>, f64)>,
}

impl<const N: usize> Attacker<'_, N> {
    /// Returns every sum the attacker can set up: a cell, and the cells that add up to it.
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
        // A cell that is published nowhere, not even as hidden, gives no sum.
        sums.retain(|(whole, _), _| self.cells.contains_key(whole));
        sums
    }

    pub fn unknowns(&self) -> Result<Unknowns<N>, Contradiction> {
        let hidden = self.cells.iter().filter(|(_, shown)| shown.is_none());
        let places: BTreeMap<Labels<N>, usize> =
            hidden.map(|(key, _)| key.clone()).zip(0..).collect();
        let mut unknowns = Unknowns {
            least: vec![1.0; places.len()],
            places,
            sums: Vec::new(),
        };
        for ((whole, _), parts) in self.sums() {
            let signed = parts
                .iter()
                .map(|part| (*part, 1.0))
                .chain([(&whole, -1.0)]);
            unknowns.add(signed.map(|(key, sign)| (self.cells[key], key, sign)))?;
        }
        let mut of_details: BTreeMap<Labels<N>, Vec<usize>> = BTreeMap::new();
        for detail in self.details {
            let wholes = self.tables.iter().map(|table| -> Labels<N> {
                std::array::from_fn(|at| table.contains(&at).then(|| detail[at].clone()))
            });
            let wholes: Vec<Labels<N>> = wholes.collect();
            // A part of a zero is zero.
            if wholes.iter().all(|whole| self.cells.contains_key(whole)) {
                for whole in wholes {
                    of_details
                        .entry(whole)
                        .or_default()
                        .push(unknowns.least.len());
                }
                unknowns.least.push(0.0);
            }
        }
        for key in self.cells.keys().filter(|_| !self.details.is_empty()) {
            let is_finest =
                |table: &&&[usize]| (0..N).all(|at| table.contains(&at) == key[at].is_some());
            if self.tables.iter().any(|table| is_finest(&table)) {
                let parts = of_details.remove(key).unwrap_or_default();
                let terms = parts.into_iter().map(|part| (part, 1.0)).collect();
                unknowns.equal(terms, key, self.cells[key])?;
            }
        }
        Ok(unknowns)
    }
}

impl<const N: usize> Unknowns<N> {
    fn add<'k>(
        &mut self,
        terms: impl Iterator<Item = (Option<u64>, &'k Labels<N>, f64)>,
    ) -> Result<(), Contradiction> {
        let (mut unknown, mut known) = (Vec::new(), 0.0);
        for (count, key, sign) in terms {
            match count {
                Some(count) => known += sign * count as f64,
                None => unknown.push((self.places[key], sign)),
            }
        }
        self.push(unknown, -known)
    }

    /// Adds an equation: the parts add up to a cell.
    fn equal(
        &mut self,
        mut parts: Vec<(usize, f64)>,
        key: &Labels<N>,
        count: Option<u64>,
    ) -> Result<(), Contradiction> {
        if count.is_none() {
            parts.push((self.places[key], -1.0));
        }
        self.push(parts, count.unwrap_or(0) as f64)
    }

    fn push(&mut self, terms: Vec<(usize, f64)>, is: f64) -> Result<(), Contradiction> {
        if terms.is_empty() && is != 0.0 {
            return Err(Contradiction);
        }
        if !terms.is_empty() {
            self.sums.push((terms, is));
        }
        Ok(())
    }

    /// Returns the possible values of a hidden cell.
    pub fn range(&self, of: &Labels<N>) -> Result<Range, Contradiction> {
        let of = self.places[of];
        Ok(Range {
            least: self.solve(OptimizationDirection::Minimize, of)?,
            most: self.solve(OptimizationDirection::Maximize, of)?,
        })
    }

    fn solve(&self, direction: OptimizationDirection, of: usize) -> Result<f64, Contradiction> {
        let mut problem = Problem::new(direction);
        let variable = |(place, least): (usize, &f64)| {
            let objective = if place == of { 1.0 } else { 0.0 };
            problem.add_var(objective, (*least, f64::INFINITY))
        };
        let variables: Vec<Variable> = self.least.iter().enumerate().map(variable).collect();
        for (terms, is) in &self.sums {
            let terms: Vec<_> = terms
                .iter()
                .map(|(at, sign)| (variables[*at], *sign))
                .collect();
            problem.add_constraint(&terms, ComparisonOp::Eq, *is);
        }
        match problem.solve() {
            Ok(outcome) => Ok(outcome
                .into_solution()
                .expect("no limit of time")
                .objective()),
            Err(Error::Unbounded) => Ok(f64::INFINITY),
            Err(Error::Infeasible) => Err(Contradiction),
            Err(error) => panic!("the attacker's programme: {error}"),
        }
    }

    /// Returns every hidden cell that the attacker recovers.
    pub fn recovered(&self, k: u64) -> Result<Vec<(&Labels<N>, Range)>, Contradiction> {
        let mut recovered = Vec::new();
        for key in self.places.keys() {
            let range = self.range(key)?;
            if range.is_recovered(k) {
                recovered.push((key, range));
            }
        }
        Ok(recovered)
    }
}
