//! Finds a move of hidden figures for every small figure.

use std::collections::{BTreeMap, HashSet};

use crate::draws::Draws;
use crate::search::{Amounts, Failed, cheapest};
use crate::system::{Move, System};
use crate::table::Threshold;

/// Reason why nothing may be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unprotected {
    /// Counts of several tables contradict each other.
    Contradiction,
    /// No set of hidden cells was found that protects every small one.
    NoneFound,
    /// A small count is not among the cells that were to be hidden.
    SmallShown,
}

impl std::fmt::Display for Unprotected {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Contradiction => "tables that are published together contradict each other",
            Self::NoneFound => "no way was found to hide the small counts",
            Self::SmallShown => "a small count is not among the cells to be hidden",
        })
    }
}

impl std::error::Error for Unprotected {}

impl From<Failed> for Unprotected {
    fn from(Failed: Failed) -> Self {
        Self::NoneFound
    }
}

/// One figure in this many becomes a decoy, among figures of at most `2k - 2`.
const DECOY_ONE_IN: u64 = 8;
/// Cost of a figure that is hidden anyway; above zero so that moves stay short.
const HIDDEN: f64 = 0.01;
/// Exponent of the cost of a count: a cell of ten times the uses costs five times as much. This
/// balances lost uses against lost cells.
const WORTH: f64 = 0.7;
/// Largest relative difference that the secret adds to equal costs.
const TIE: f64 = 0.25;
/// Largest power of two by which the costs of a decoy are scaled. It is large enough to outweigh
/// the cost of any figure, so that every move can be drawn.
const LEAN_MAX: u32 = 10;
/// Cost factor by the height of a figure: 1 for a cell, more for each level of totals.
const HEIGHTS: [f64; 4] = [1.0, 4.0, 40.0, 400.0];

/// Returns the figures that must not be shown: the small ones, those of `also`, and as many others
/// as needed to leave at least `k` values possible for each.
///
/// They are chosen for counts that may differ from the true ones in hidden figures. So an attacker
/// who has the program learns no more than the shown cells; see the crate's documentation.
pub(crate) fn protected(
    system: &System,
    threshold: Threshold,
    draws: &dyn Draws,
    also: &HashSet<usize>,
) -> Chosen {
    let counts = system.counts();
    if !system.adds_up(&counts) {
        return Err(Unprotected::Contradiction);
    }
    let pattern = Pattern::new(system, threshold, draws, also);
    pattern.chosen(&counts, &|alike| Ok(pattern.hidden(alike)?.0))
}

/// The figures to hide, if they can be protected.
pub(crate) type Chosen = Result<HashSet<usize>, Unprotected>;

/// A move away from the true counts.
struct Decoy {
    step: Move,
    amount: i64,
}

pub(crate) struct Pattern<'a> {
    system: &'a System,
    threshold: Threshold,
    draws: &'a dyn Draws,
    also: &'a HashSet<usize>,
    /// Cost factor of each figure, drawn from the secret to break ties.
    ties: Vec<f64>,
}

impl<'a> Pattern<'a> {
    pub fn new(
        system: &'a System,
        threshold: Threshold,
        draws: &'a dyn Draws,
        also: &'a HashSet<usize>,
    ) -> Self {
        let ties = system.figures.iter().map(|figure| {
            let drawn = draws.draw("tie", &figure.name) as f64 / u64::MAX as f64;
            1.0 + TIE * drawn
        });
        Self {
            system,
            threshold,
            draws,
            also,
            ties: ties.collect(),
        }
    }

    /// Returns the figures to hide for true counts. `hidden` returns those of counts that the
    /// decoys lead to.
    pub fn chosen(&self, counts: &[i64], hidden: &dyn Fn(&[i64]) -> Chosen) -> Chosen {
        let system = self.system;
        let mut decoys = self.decoys(counts);
        loop {
            let alike = decoys.iter().try_fold(counts.to_vec(), |counts, decoy| {
                system.moved(&counts, &decoy.step, decoy.amount)
            });
            // A decoy may have no room once others were dropped.
            let Some(alike) = alike else {
                decoys.pop();
                continue;
            };
            let hidden = hidden(&alike)?;
            let all = decoys.len();
            decoys.retain(|decoy| {
                let mut moved = decoy.step.0.iter();
                moved
                    .all(|(figure, _)| !system.figures[*figure].is_shown || hidden.contains(figure))
            });
            if decoys.len() == all {
                return Ok(hidden);
            }
        }
    }

    fn small(&self, counts: &[i64]) -> HashSet<usize> {
        let figures = self.system.figures.iter().enumerate();
        let small = figures.filter(|(place, figure)| {
            figure.is_shown
                && (self.threshold.is_small(counts[*place].unsigned_abs())
                    || self.also.contains(place))
        });
        small.map(|(place, _)| place).collect()
    }

    /// Draws moves that make some large figures small, or change small ones.
    fn decoys(&self, counts: &[i64]) -> Vec<Decoy> {
        let k = self.threshold.k.cast_signed();
        let mut counts = counts.to_vec();
        let mut decoys = Vec::new();
        for (place, figure) in self.system.figures.iter().enumerate() {
            let count = counts[place];
            let drawn = self.draws.draw("decoy", &figure.name);
            if k < 2 || !figure.is_shown || count > 2 * k - 2 || drawn % DECOY_ONE_IN != 0 {
                continue;
            }
            let wanted = 1 + (drawn / DECOY_ONE_IN).cast_signed().rem_euclid(k - 1);
            let amount = wanted - count;
            if amount == 0 {
                continue;
            }
            let amounts = Amounts {
                down: (-amount).max(0),
                up: amount.max(0),
            };
            let small = self.small(&counts);
            let step = cheapest(self.system, &counts, place, amounts, &|other| {
                let name = format!("{} {}", figure.name, self.system.figures[other].name);
                let drawn = self.draws.draw("lean", &name);
                let lean = f64::from(1_u32 << (drawn >> 1).trailing_zeros().min(LEAN_MAX));
                let lean = if drawn & 1 == 0 { lean } else { 1.0 / lean };
                Some(lean * self.cost(other, &counts, &small).sqrt())
            });
            // If no such move exists or none is found, the true count is kept.
            if let Ok(Some(step)) = step
                && let Some(moved) = self.system.moved(&counts, &step, amount)
            {
                counts = moved;
                decoys.push(Decoy { step, amount });
            }
        }
        decoys
    }

    fn cost(&self, place: usize, counts: &[i64], hidden: &HashSet<usize>) -> f64 {
        let figure = &self.system.figures[place];
        if !figure.is_shown || hidden.contains(&place) {
            return HIDDEN;
        }
        let height = HEIGHTS[(figure.height as usize).min(HEIGHTS.len() - 1)];
        height * (counts[place] as f64 + 1.0).powf(WORTH) * self.ties[place]
    }

    /// Returns the figures to hide for these counts, and the move that makes each small figure
    /// safe. The secret only breaks ties.
    pub fn hidden(
        &self,
        counts: &[i64],
    ) -> Result<(HashSet<usize>, BTreeMap<usize, Move>), Unprotected> {
        let small = self.small(counts);
        let mut hidden = small.clone();
        let mut in_order: Vec<usize> = small.into_iter().collect();
        // The smallest figures go first: they need the most, and their moves help the others.
        in_order.sort_unstable_by_key(|place| (counts[*place], *place));
        let mut moves: BTreeMap<usize, Move> = BTreeMap::new();
        for place in in_order {
            let step = self.safe(place, counts, &|other| {
                Some(self.cost(other, counts, &hidden))
            })?;
            let step = step.ok_or(Unprotected::NoneFound)?;
            hidden.extend(self.shown(&step));
            moves.insert(place, step);
        }
        self.show_superfluous(counts, &mut hidden, &mut moves)?;
        Ok((hidden, moves))
    }

    fn shown(&self, step: &Move) -> impl Iterator<Item = usize> {
        let figures = step.0.iter().map(|(figure, _)| *figure);
        figures.filter(|figure| self.system.figures[*figure].is_shown)
    }

    /// Returns the cheapest move that leaves a figure at least `k` values.
    fn safe(
        &self,
        place: usize,
        counts: &[i64],
        cost: &dyn Fn(usize) -> Option<f64>,
    ) -> Result<Option<Move>, Unprotected> {
        let span = self.threshold.k.cast_signed() - 1;
        let mut best: Option<(f64, Move)> = None;
        for down in 0..=span.min(counts[place] - 1) {
            let amounts = Amounts {
                down,
                up: span - down,
            };
            let Some(step) = cheapest(self.system, counts, place, amounts, cost)? else {
                continue;
            };
            let total = step.0.iter().filter_map(|(figure, _)| cost(*figure)).sum();
            if best.as_ref().is_none_or(|(least, _)| total < *least) {
                best = Some((total, step));
            }
        }
        Ok(best.map(|(_, step)| step))
    }

    /// Shows superfluous figures again, the most valuable first. A figure is superfluous if no move
    /// contains it, or if every small figure whose move contains it has another move.
    fn show_superfluous(
        &self,
        counts: &[i64],
        hidden: &mut HashSet<usize>,
        moves: &mut BTreeMap<usize, Move>,
    ) -> Result<(), Unprotected> {
        let none = HashSet::new();
        let others = hidden.iter().filter(|place| !moves.contains_key(place));
        let mut others: Vec<usize> = others.copied().collect();
        others.sort_unstable_by(|one, other| {
            let [cost, cost_of_other] = [one, other].map(|at| self.cost(*at, counts, &none));
            cost_of_other.total_cmp(&cost).then(one.cmp(other))
        });
        for place in others {
            hidden.remove(&place);
            let affected = moves.iter();
            let affected =
                affected.filter(|(_, step)| step.0.iter().any(|(figure, _)| *figure == place));
            let affected: Vec<usize> = affected.map(|(of, _)| *of).collect();
            let mut replaced = Vec::new();
            for of in &affected {
                let step = self.safe(*of, counts, &|other| {
                    let is_free = !self.system.figures[other].is_shown || hidden.contains(&other);
                    is_free.then_some(HIDDEN)
                })?;
                match step {
                    Some(step) => replaced.push((*of, step)),
                    None => break,
                }
            }
            if replaced.len() == affected.len() {
                moves.extend(replaced);
            } else {
                hidden.insert(place);
            }
        }
        // A figure that is in no move is not safe, so it is shown unless a move of a small figure
        // covers it.
        let covered: HashSet<usize> = moves.values().flat_map(|step| self.shown(step)).collect();
        hidden.retain(|place| covered.contains(place));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{CountTable, Secret, TableDimension};

    const USES: &str = include_str!("../../simulator/figures/focus-2017/usage_2017_by_ente.csv");

    /// Largest number of moves tried; the program runs on every table that a move leads to.
    const MOVES_MAX: usize = 10;

    /// Draws with a decoy for one figure, which leans towards some others.
    struct Drawn<'a> {
        secret: Secret,
        decoy: Option<(&'a str, i64)>,
        towards: HashSet<&'a str>,
    }

    impl Draws for Drawn<'_> {
        fn draw(&self, purpose: &str, cell: &str) -> u64 {
            match (purpose, self.decoy) {
                ("decoy", Some((of, count))) if of == cell => {
                    DECOY_ONE_IN * (count.unsigned_abs() - 1)
                }
                ("decoy", _) => 1,
                // Returns a lean that the program can really draw.
                ("lean", Some((of, _))) => {
                    let is_towards = self.towards.contains(&cell[of.len() + 1..]);
                    (1 << 40) | u64::from(is_towards)
                }
                _ => self.secret.draw(purpose, cell),
            }
        }
    }

    /// Uses by ente, category and kind, each split into two services that not every ente offers.
    fn year(thinned: u64) -> System {
        let names = ["ente", "category", "kind", "service"];
        let tables: [&[&str]; 2] = [&names[..3], &[names[1], names[3]]];
        let mut table =
            CountTable::linked(names.map(TableDimension::flat), &tables).with_detail(&names);
        for (at, row) in csv::Reader::from_reader(USES.as_bytes())
            .deserialize()
            .enumerate()
        {
            let (ente, category, kind, uses): (String, String, String, u64) = row.expect("a row");
            let uses = uses / thinned + 1;
            for (service, part) in [("one", uses / 3), ("other", uses - uses / 3)] {
                let service = format!("{category} {kind} {service} {}", at % 2);
                let labels = [&*ente, &*category, &*kind, &*service];
                table.add(labels, part);
                table.add_detail(labels, part);
            }
        }
        table.system()
    }

    /// Three tables for each hidden figure; the program can publish the same edition from each of
    /// them.
    #[test]
    fn three_tables_lead_to_each_hidden_figure() {
        for thinned in [1, 12] {
            let system = year(thinned);
            let secret = Secret([5; 32]);
            let (threshold, also) = (Threshold { k: 3 }, HashSet::new());
            let none = Drawn {
                secret,
                decoy: None,
                towards: HashSet::new(),
            };
            let seen = protected(&system, threshold, &none, &also).expect("it can be protected");
            let pattern = Pattern::new(&system, threshold, &none, &also);
            let counts = system.counts();
            let (_, moves) = pattern.hidden(&counts).expect("it can be protected");
            let mut values: BTreeMap<usize, HashSet<i64>> = BTreeMap::new();
            let some = moves.len().div_ceil(MOVES_MAX);
            for (small, step) in moves.iter().step_by(some) {
                for amount in -2..=2 {
                    let Some(other) = system.moved(&counts, step, amount) else {
                        continue;
                    };
                    let name = |place: &usize| system.figures[*place].name.as_str();
                    let drawn = Drawn {
                        secret,
                        decoy: (amount != 0).then(|| (name(small), counts[*small])),
                        towards: step.0.iter().map(|(place, _)| name(place)).collect(),
                    };
                    let alike = system.with(&other);
                    if protected(&alike, threshold, &drawn, &also).as_ref() == Ok(&seen) {
                        for place in &seen {
                            values.entry(*place).or_default().insert(other[*place]);
                        }
                    }
                }
            }
            let tried = moves
                .values()
                .step_by(some)
                .flat_map(|step| pattern.shown(step));
            for place in tried.collect::<HashSet<usize>>() {
                let found = values.get(&place).map_or(0, HashSet::len);
                assert!(found >= 3, "{}: {found} values", system.figures[place].name);
            }
            assert!(seen.len() > 30, "{} hidden", seen.len());
        }
    }
}
