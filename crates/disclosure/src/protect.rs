//! Finds a move of hidden figures for every small figure.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap, HashSet};

use crate::cover::Cover;
use crate::draws::Draws;
use crate::neighbours::Neighbours;
use crate::search::{Amounts, Costs, Effort, Failed, MoveSearch, RecentMoves};
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
pub(crate) const HIDDEN: f64 = 0.01;
/// Exponent of the cost of a count: a cell of ten times the uses costs five times as much. This
/// balances lost uses against lost cells.
const WORTH: f64 = 0.7;
/// Largest relative difference that the secret adds to equal costs.
const TIE: f64 = 0.25;
/// Largest power of two by which the costs of a decoy are scaled. It is large enough to outweigh
/// the cost of any figure, so that every move can be drawn.
const LEAN_MAX: u32 = 10;
/// Figures of a system that one linear programme searches as a whole. Shortest paths search larger
/// ones.
const WHOLE_MAX: usize = 1_500;
/// Cost factor by the height of a figure: 1 for a cell, more for each level of totals.
const HEIGHTS: [f64; 4] = [1.0, 4.0, 40.0, 400.0];

/// Returns the figures that must not be shown: the small ones, those to hide, and as many others as
/// needed to leave at least `k` values possible for each.
///
/// They are chosen for counts that may differ from the true ones in hidden figures. So an attacker
/// who has the program learns no more than the shown cells; see the crate's documentation.
pub(crate) fn protected(
    system: &System,
    threshold: Threshold,
    draws: &dyn Draws,
    given: &Given,
) -> Chosen {
    let counts = system.counts();
    if !system.adds_up(&counts) {
        return Err(Unprotected::Contradiction);
    }
    let pattern = Pattern::new(system, threshold, draws, given);
    pattern.published(&counts)
}

/// Figures whose treatment is given.
#[derive(Default)]
pub(crate) struct Given {
    /// Figures to hide, whatever their count.
    pub hidden: HashSet<usize>,
    /// Figures that are public already. No move changes them.
    pub known: HashSet<usize>,
}

/// The figures to hide, if they can be protected.
pub(crate) type Chosen = Result<HashSet<usize>, Unprotected>;

/// A move away from the true counts.
struct Decoy {
    step: Move,
    amount: i64,
}

pub(crate) struct Pattern<'a> {
    pub system: &'a System,
    pub threshold: Threshold,
    draws: &'a dyn Draws,
    given: &'a Given,
    /// Cost factor of each figure, drawn from the secret to break ties.
    ties: Vec<f64>,
    pub neighbours: Neighbours,
    pub whole_max: usize,
}

impl<'a> Pattern<'a> {
    pub fn new(
        system: &'a System,
        threshold: Threshold,
        draws: &'a dyn Draws,
        given: &'a Given,
    ) -> Self {
        let ties = system.figures.iter().map(|figure| {
            let drawn = draws.draw("tie", &figure.name) as f64 / u64::MAX as f64;
            1.0 + TIE * drawn
        });
        Self {
            system,
            threshold,
            draws,
            given,
            ties: ties.collect(),
            neighbours: Neighbours::new(system),
            whole_max: WHOLE_MAX,
        }
    }

    /// Returns the figures to hide for true counts.
    pub fn published(&self, counts: &[i64]) -> Chosen {
        self.chosen(counts, &|alike| self.hidden(alike))
    }

    /// Returns the figures to hide for true counts. `hidden` returns those of counts that the
    /// decoys lead to.
    pub fn chosen(&self, counts: &[i64], hidden: &dyn Fn(&[i64]) -> Chosen) -> Chosen {
        let mut decoys = self.decoys(counts);
        loop {
            let alike = self.alike(counts, &mut decoys);
            let all = decoys.len();
            let hidden = match hidden(&alike) {
                // Next to known figures, the small ones that decoys make cannot always be protected.
                Err(Unprotected::NoneFound) if all > 0 && !self.given.known.is_empty() => {
                    decoys.truncate(all / 2);
                    continue;
                }
                hidden => hidden?,
            };
            decoys.retain(|decoy| self.moves_only(decoy, |figure| hidden.contains(&figure)));
            if decoys.len() == all {
                return Ok(hidden);
            }
            if self.system.figures.len() > self.whole_max {
                self.keep_small(counts, &mut decoys);
            }
        }
    }

    /// Returns the counts that the decoys lead to. Drops a decoy that has no room since others were
    /// dropped.
    fn alike(&self, counts: &[i64], decoys: &mut Vec<Decoy>) -> Vec<i64> {
        let mut room = self.system.room(counts);
        let mut alike = counts.to_vec();
        decoys.retain(|Decoy { step, amount }| {
            let is_able = room.can_move(step, *amount);
            if is_able {
                step.apply(&mut room.0, *amount);
                step.apply(&mut alike, *amount);
            }
            is_able
        });
        alike
    }

    /// Keeps decoys among small figures, which every choice hides. In a large system, each choice
    /// takes long.
    fn keep_small(&self, counts: &[i64], decoys: &mut Vec<Decoy>) {
        loop {
            let alike = self.alike(counts, decoys);
            let all = decoys.len();
            decoys.retain(|decoy| self.moves_only(decoy, |at| self.is_small(at, &alike)));
            if decoys.len() == all {
                return;
            }
        }
    }

    /// True if a decoy moves only such figures, apart from those that are never shown.
    fn moves_only(&self, decoy: &Decoy, is_such: impl Fn(usize) -> bool) -> bool {
        let mut figures = decoy.step.0.iter().map(|(figure, _)| *figure);
        figures.all(|figure| !self.system.figures[figure].is_shown || is_such(figure))
    }

    /// True if a figure must be hidden.
    pub fn is_small(&self, place: usize, counts: &[i64]) -> bool {
        self.system.figures[place].is_shown
            && !self.given.known.contains(&place)
            && (self.threshold.is_small(counts[place].unsigned_abs())
                || self.given.hidden.contains(&place))
    }

    /// Draws moves that make some large figures small, or change small ones.
    fn decoys(&self, counts: &[i64]) -> Vec<Decoy> {
        let k = self.threshold.k.cast_signed();
        let order = self.system.figures.iter();
        let order = order.map(|figure| self.draws.draw("order", &figure.name));
        let mut search = MoveSearch {
            system: self.system,
            ranked: self.neighbours.ranked(order.collect()),
            room: self.system.room(counts),
            whole_max: self.whole_max,
        };
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
            // If no such move exists or none is found, the true count is kept.
            if let Ok(Some(step)) = self.leaning(&search, &counts, place, amounts)
                && search.room.can_move(&step, amount)
            {
                step.apply(&mut counts, amount);
                step.apply(&mut search.room.0, amount);
                decoys.push(Decoy { step, amount });
            }
        }
        decoys
    }

    /// Draws a move of a figure.
    fn leaning(
        &self,
        search: &MoveSearch<'_>,
        counts: &[i64],
        place: usize,
        amounts: Amounts,
    ) -> Result<Option<Move>, Failed> {
        let of = &self.system.figures[place].name;
        let known: RefCell<HashMap<usize, f64>> = RefCell::default();
        let cost = |other: usize| {
            if self.given.known.contains(&other) {
                return None;
            }
            let mut known = known.borrow_mut();
            Some(*known.entry(other).or_insert_with(|| {
                let name = format!("{of} {}", self.system.figures[other].name);
                let drawn = self.draws.draw("lean", &name);
                let lean = f64::from(1_u32 << (drawn >> 1).trailing_zeros().min(LEAN_MAX));
                let lean = if drawn & 1 == 0 { lean } else { 1.0 / lean };
                let is_hidden = self.is_small(other, counts);
                let cost = if is_hidden {
                    HIDDEN
                } else {
                    self.cost(other, counts)
                };
                lean * cost.sqrt()
            }))
        };
        let costs = Costs {
            cost: &cost,
            start: Some(self.draws.draw("start", of)),
            recent: &RecentMoves::default(),
        };
        search.cheapest(place, amounts, &costs, Effort::Any)
    }

    /// Cost of hiding a figure; infinite for a known one.
    pub fn cost(&self, place: usize, counts: &[i64]) -> f64 {
        if self.given.known.contains(&place) {
            return f64::INFINITY;
        }
        let figure = &self.system.figures[place];
        if !figure.is_shown {
            return HIDDEN;
        }
        let height = HEIGHTS[(figure.height as usize).min(HEIGHTS.len() - 1)];
        height * (counts[place] as f64 + 1.0).powf(WORTH) * self.ties[place]
    }

    /// Returns the figures to hide for these counts. The secret only breaks ties. A figure that is in
    /// no move is not safe, so it is shown.
    pub fn hidden(&self, counts: &[i64]) -> Chosen {
        let moves = self.moves(counts)?;
        let figures = moves.values().flat_map(|step| &step.0);
        let figures = figures.map(|(figure, _)| *figure);
        Ok(figures
            .filter(|figure| self.system.figures[*figure].is_shown)
            .collect())
    }

    /// Returns the moves that make the small figures safe, by the figure that each was found for.
    pub fn moves(&self, counts: &[i64]) -> Result<BTreeMap<usize, Move>, Unprotected> {
        Cover::new(self, counts).moves()
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
                // Partners of the decoy are tried first.
                ("order", Some(_)) if self.towards.contains(cell) => 0,
                ("start", Some(_)) => 0,
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
    fn three_tables_lead_to_each_hidden_figure(whole_max: usize) {
        for thinned in [1, 12] {
            let system = year(thinned);
            let secret = Secret([5; 32]);
            let (threshold, given) = (Threshold { k: 3 }, Given::default());
            let none = Drawn {
                secret,
                decoy: None,
                towards: HashSet::new(),
            };
            let pattern = Pattern {
                whole_max,
                ..Pattern::new(&system, threshold, &none, &given)
            };
            let counts = system.counts();
            let room = system.room(&counts);
            let seen = pattern.published(&counts).expect("it can be protected");
            let moves = pattern.moves(&counts).expect("it can be protected");
            let mut values: BTreeMap<usize, HashSet<i64>> = BTreeMap::new();
            let some = moves.len().div_ceil(MOVES_MAX);
            for (small, step) in moves.iter().step_by(some) {
                for amount in -2..=2 {
                    if !room.can_move(step, amount) {
                        continue;
                    }
                    let mut other = counts.clone();
                    step.apply(&mut other, amount);
                    let name = |place: &usize| system.figures[*place].name.as_str();
                    let drawn = Drawn {
                        secret,
                        decoy: (amount != 0).then(|| (name(small), counts[*small])),
                        towards: step.0.iter().map(|(place, _)| name(place)).collect(),
                    };
                    let alike = system.with(&other);
                    let pattern = Pattern {
                        whole_max,
                        ..Pattern::new(&alike, threshold, &drawn, &given)
                    };
                    if pattern.published(&other).as_ref() == Ok(&seen) {
                        for place in &seen {
                            values.entry(*place).or_default().insert(other[*place]);
                        }
                    }
                }
            }
            let tried = moves
                .values()
                .step_by(some)
                .flat_map(|step| step.0.iter().map(|(place, _)| *place))
                .filter(|place| system.figures[*place].is_shown);
            for place in tried.collect::<HashSet<usize>>() {
                let found = values.get(&place).map_or(0, HashSet::len);
                assert!(found >= 3, "{}: {found} values", system.figures[place].name);
            }
            assert!(seen.len() > 15, "{} hidden", seen.len());
        }
    }

    #[test]
    fn three_tables_lead_to_each_hidden_figure_by_programmes() {
        three_tables_lead_to_each_hidden_figure(WHOLE_MAX);
    }

    #[test]
    fn three_tables_lead_to_each_hidden_figure_by_paths() {
        three_tables_lead_to_each_hidden_figure(0);
    }
}
