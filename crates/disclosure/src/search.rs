//! Finds moves that keep every sum: the attacker's question, inverted.

use std::collections::{BTreeSet, HashMap};

use microlp::{ComparisonOp, Error, OptimizationDirection, Problem, SolveOptions, Variable};

use crate::cycles::Cycles;
use crate::neighbours::RankedNeighbours;
use crate::system::{Move, Room, System};

/// Largest change of a figure with one step of another.
const STEP_MAX: i64 = 3;
/// Largest distance of a solution from whole numbers.
const WHOLE: f64 = 1e-6;
/// Linear programmes that a search in whole numbers may solve. A limit of time would make the choice
/// of cells depend on the machine.
const NODES_MAX: u64 = 2_000;
/// Leaves of a small group, which are all neighbours.
const SLAB_MAX: usize = 24;
/// Neighbours on each line, from the smallest programme to the largest.
const NEAR: [usize; 4] = [2, 6, 24, 96];
/// Leaves of a line that were moved last.
const RECENT_MAX: usize = 8;

/// Number of steps that a figure must be able to move in each direction.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Amounts {
    pub down: i64,
    pub up: i64,
}

/// The search ended without an answer.
#[derive(Debug)]
pub(crate) struct Failed;

/// Leaves that were moved last, by line and slab.
#[derive(Default)]
pub(crate) struct RecentMoves {
    lines: HashMap<usize, Vec<usize>>,
    slabs: HashMap<usize, Vec<usize>>,
}

impl RecentMoves {
    pub fn note(&mut self, ranked: &RankedNeighbours<'_>, step: &Move) {
        for (leaf, _) in &step.0 {
            for at in ranked.coordinates(*leaf) {
                note(self.lines.entry(at.line).or_default(), *leaf);
                note(self.slabs.entry(at.slab).or_default(), *leaf);
            }
        }
    }

    fn of(list: Option<&Vec<usize>>) -> impl Iterator<Item = usize> {
        list.into_iter().flatten().rev().copied()
    }
}

fn note(list: &mut Vec<usize>, leaf: usize) {
    if list.contains(&leaf) {
        return;
    }
    if list.len() == RECENT_MAX {
        list.remove(0);
    }
    list.push(leaf);
}

/// Costs of figures, and the order in which neighbours are tried.
pub(crate) struct Costs<'a> {
    /// Cost of a figure; `None` if it must not move.
    pub cost: &'a dyn Fn(usize) -> Option<f64>,
    /// Rank that neighbours are tried from; without it, they are tried from the least count that
    /// can move.
    pub start: Option<u64>,
    pub recent: &'a RecentMoves,
}

impl Costs<'_> {
    pub fn of(&self, figure: usize) -> Option<f64> {
        (self.cost)(figure)
    }

    pub fn from(&self, room: i64) -> u64 {
        self.start.unwrap_or(room.unsigned_abs() + 1)
    }

    pub fn recent(&self, line: usize) -> impl Iterator<Item = usize> {
        RecentMoves::of(self.recent.lines.get(&line))
    }

    pub fn recent_of_slab(&self, slab: usize) -> impl Iterator<Item = usize> {
        RecentMoves::of(self.recent.slabs.get(&slab))
    }
}

/// Search for moves of a system with certain counts.
pub(crate) struct MoveSearch<'a> {
    pub system: &'a System,
    pub ranked: RankedNeighbours<'a>,
    pub room: Room,
    /// Figures of a system that one linear programme searches as a whole.
    pub whole_max: usize,
}

/// Work that a search is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effort {
    /// Shortest paths only: the figure can do without a move.
    Any,
    /// Shortest paths, and linear programmes that grow until a move is found.
    Best,
}

/// Largest change of a figure with one step.
struct FigureChange {
    figure: usize,
    up: i64,
    down: i64,
    cost: f64,
}

impl MoveSearch<'_> {
    /// Returns a cheap move that changes figure `of` by one a step and can be repeated `amounts`
    /// times, if there is one.
    pub fn cheapest(
        &self,
        of: usize,
        amounts: Amounts,
        costs: &Costs<'_>,
        effort: Effort,
    ) -> Result<Option<Move>, Failed> {
        if self.system.figures.len() <= self.whole_max {
            let all: Vec<usize> = (0..self.system.figures.len()).collect();
            return self.among(&all, of, amounts, costs);
        }
        let cycles = Cycles {
            system: self.system,
            ranked: &self.ranked,
            room: &self.room,
            of,
            amounts,
            costs,
        };
        let found = cycles.cheapest();
        if found.is_some() || effort == Effort::Any {
            return Ok(found);
        }
        let mut last = Ok(None);
        for near in NEAR {
            let figures = self.neighbourhood(of, near, amounts, costs);
            last = self.among(&figures, of, amounts, costs);
            if let Ok(Some(_)) = last {
                break;
            }
        }
        last
    }

    /// Returns a figure with its neighbours, and all figures above them.
    fn neighbourhood(
        &self,
        of: usize,
        near: usize,
        amounts: Amounts,
        costs: &Costs<'_>,
    ) -> Vec<usize> {
        let ranked = &self.ranked;
        let from = costs.from(amounts.up);
        let mut leaves: Vec<usize> = ranked.leaves(of, costs.from(amounts.down), near).collect();
        for leaf in leaves.clone() {
            for at in ranked.coordinates(leaf) {
                leaves.extend(ranked.on_line(at.line, from, near));
                leaves.extend(costs.recent(at.line).take(near));
            }
        }
        if near > NEAR[0] {
            leaves.extend(&ranked.neighbours.firsts);
        }
        let mut all: BTreeSet<usize> = leaves.iter().copied().collect();
        all.insert(of);
        for leaf in leaves {
            for at in ranked.coordinates(leaf) {
                let beside = ranked.slabs_beside(self.system, leaf, *at);
                let beside = beside.filter(|_| near > NEAR[0]);
                for slab in beside.chain([at.slab]) {
                    let most = if ranked.slab_len(slab) <= SLAB_MAX {
                        SLAB_MAX
                    } else {
                        near
                    };
                    all.extend(ranked.in_slab(slab, from, most));
                }
            }
        }
        for leaf in all.clone() {
            all.extend(ranked.neighbours.above.of(leaf));
        }
        all.into_iter().collect()
    }

    /// Returns the cheapest move of some figures. Other figures do not move.
    fn among(
        &self,
        figures: &[usize],
        of: usize,
        amounts: Amounts,
        costs: &Costs<'_>,
    ) -> Result<Option<Move>, Failed> {
        let changes = self.changes(figures, amounts, costs);
        // Fractions are cheaper to solve; integers are needed only if the solution is not whole.
        for is_whole in [false, true] {
            match self.solved(&changes, of, is_whole)? {
                None => return Ok(None),
                Some(Solved::Move(step)) => {
                    let is_right = step.0.contains(&(of, 1))
                        && self.ranked.neighbours.is_balanced(&step)
                        && self.room.can_move(&step, amounts.up)
                        && self.room.can_move(&step, -amounts.down);
                    return is_right.then_some(Some(step)).ok_or(Failed);
                }
                Some(Solved::Fractions) => {}
            }
        }
        Err(Failed)
    }

    fn changes(&self, figures: &[usize], amounts: Amounts, costs: &Costs<'_>) -> Vec<FigureChange> {
        let mut changes = Vec::new();
        for place in figures {
            let room = self.room.0[*place];
            // A figure that rises with a step falls when the move is reversed, so `down` limits its
            // rise.
            let [up, down] = [amounts.down, amounts.up].map(|steps| match steps {
                0 => STEP_MAX,
                _ => (room / steps).min(STEP_MAX),
            });
            if (up > 0 || down > 0)
                && let Some(cost) = costs.of(*place)
            {
                changes.push(FigureChange {
                    figure: *place,
                    up,
                    down,
                    cost,
                });
            }
        }
        changes
    }

    fn solved(
        &self,
        changes: &[FigureChange],
        of: usize,
        is_whole: bool,
    ) -> Result<Option<Solved>, Failed> {
        let mut problem = Problem::new(OptimizationDirection::Minimize);
        let neighbours = self.ranked.neighbours;
        let mut sums: Vec<(usize, Variable, f64)> = Vec::new();
        let mut pairs: Vec<[Variable; 2]> = Vec::new();
        for change in changes {
            // The figure itself rises by exactly one with each step.
            let is_of = change.figure == of;
            let ups = if is_of { 1..=1 } else { 0..=change.up };
            let downs = if is_of { 0..=0 } else { 0..=change.down };
            let pair = [ups, downs].map(|range| match is_whole {
                true => problem
                    .add_integer_var(change.cost, (*range.start() as i32, *range.end() as i32)),
                false => problem.add_var(change.cost, (*range.start() as f64, *range.end() as f64)),
            });
            for sum in neighbours.sums.of(change.figure) {
                let sign = if neighbours.wholes[*sum] == change.figure {
                    -1.0
                } else {
                    1.0
                };
                sums.push((*sum, pair[0], sign));
                sums.push((*sum, pair[1], -sign));
            }
            pairs.push(pair);
        }
        if !changes.iter().any(|change| change.figure == of) {
            return Ok(None);
        }
        sums.sort_by_key(|(sum, _, _)| *sum);
        for sum in sums.chunk_by(|(one, ..), (other, ..)| one == other) {
            let terms: Vec<(Variable, f64)> =
                sum.iter().map(|(_, of, sign)| (*of, *sign)).collect();
            problem.add_constraint(&terms, ComparisonOp::Eq, 0.0);
        }
        let mut options = SolveOptions::default();
        options.node_limit = Some(NODES_MAX);
        let solution = match problem.solve_with(options) {
            Ok(outcome) => outcome.into_solution().map_err(|_| Failed)?,
            Err(Error::Infeasible) => return Ok(None),
            Err(_) => return Err(Failed),
        };
        let mut step = Vec::new();
        for (change, [up, down]) in changes.iter().zip(pairs) {
            let by = solution.var_value(up) - solution.var_value(down);
            if (by - by.round()).abs() > WHOLE {
                return Ok(Some(Solved::Fractions));
            }
            if by.round() != 0.0 {
                step.push((change.figure, by.round() as i64));
            }
        }
        Ok(Some(Solved::Move(Move(step))))
    }
}

enum Solved {
    Move(Move),
    Fractions,
}
