//! Finds moves by shortest paths.
//!
//! In one dimension, the leaves of a breakdown form a bipartite graph: a *row* is a slab of leaves
//! with the same label, a *line* has the leaves that differ in that label only, and each leaf joins
//! its row to its line. A path that steps alternately along rows and lines, one leaf rising and the
//! next one falling, changes no sum over the dimension. Its cost is what remains in the sums inside
//! each row, and in the sums of the first line and the last.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::dimension::TOTAL;
use crate::neighbours::{Coordinate, Groups, Neighbours, RankedNeighbours};
use crate::search::{Amounts, Costs};
use crate::system::{Move, Room, System};

/// Leaves of a figure that a move starts at.
const STARTS_MAX: usize = 3;
/// Leaves of a line, or of a row, that are tried.
const NEAR_MAX: usize = 8;
/// Leaves of a row that are tried as corners of a box.
const ROW_MAX: usize = 32;
/// Figures, and leaves of each, that are tried in place of the total of a line.
const ALIKE_MAX: usize = 6;
/// Lines that a search leaves.
const LINES_MAX: usize = 12;

/// A change of leaves, with all figures above them.
#[derive(Clone, Default)]
struct CycleChange(Vec<(usize, i64)>);

impl CycleChange {
    fn add(&mut self, figure: usize, by: i64) {
        match self.0.iter().position(|(of, _)| *of == figure) {
            Some(at) => {
                self.0[at].1 += by;
                if self.0[at].1 == 0 {
                    self.0.swap_remove(at);
                }
            }
            None => self.0.push((figure, by)),
        }
    }

    fn add_leaf(&mut self, ranked: &RankedNeighbours<'_>, leaf: usize, by: i64) {
        let above = ranked.neighbours.above.of(leaf).iter().chain([&leaf]);
        above.for_each(|figure| self.add(*figure, by));
    }

    fn of(&self, figure: usize) -> i64 {
        let change = self.0.iter().find(|(of, _)| *of == figure);
        change.map_or(0, |(_, by)| *by)
    }
}

/// Cheapest move so far.
struct Cheapest {
    cost: f64,
    step: Option<Move>,
}

/// Search for the cheapest move of one figure.
pub(crate) struct Cycles<'a> {
    pub system: &'a System,
    pub ranked: &'a RankedNeighbours<'a>,
    pub room: &'a Room,
    /// Figure that the move changes by one a step.
    pub of: usize,
    pub amounts: Amounts,
    pub costs: &'a Costs<'a>,
}

/// Shortest known way to a line: the leaves that rise and fall in each row.
#[derive(Clone, Default)]
struct Way {
    cost: f64,
    pairs: Vec<[usize; 2]>,
}

/// Leaves of two rows on one line.
struct Edge {
    leaves: [usize; 2],
    cost: f64,
}

/// Paths from one leaf.
struct Paths {
    dimension: usize,
    first: usize,
    /// Leaves that may be the last to fall, by row.
    last: BTreeMap<usize, Vec<usize>>,
    ways: HashMap<usize, Way>,
    /// Lines by the bits of the cost of the way. Costs are not negative, so their bits are in the
    /// order of their values.
    open: BTreeSet<(u64, usize)>,
}

impl Cycles<'_> {
    /// Returns the cheapest of the moves that are tried.
    pub fn cheapest(&self) -> Option<Move> {
        let mut best = Cheapest {
            cost: f64::INFINITY,
            step: None,
        };
        let from = self.costs.from(self.amounts.down);
        for leaf in self.ranked.leaves(self.of, from, STARTS_MAX) {
            if !self.can(leaf, self.amounts.down) {
                continue;
            }
            let coordinates = self.ranked.coordinates(leaf);
            if let Some(at) = coordinates.first() {
                self.follow(*at, leaf, &mut best);
                self.boxes(*at, leaf, &mut best);
            }
            // A path changes no total of a row. A total that is small needs a shift.
            if best.step.is_none() {
                let of = &self.system.figures[self.of].key;
                let shifts = coordinates.iter().filter(|at| of[at.dimension] != TOTAL);
                shifts.for_each(|at| self.shift(*at, leaf, &mut best));
            }
        }
        best.step
    }

    /// Follows the shortest paths from a leaf.
    fn follow(&self, at: Coordinate, leaf: usize, best: &mut Cheapest) {
        let mut paths = Paths {
            dimension: at.dimension,
            first: leaf,
            last: BTreeMap::new(),
            ways: HashMap::new(),
            open: BTreeSet::new(),
        };
        for last in self.last(at, leaf) {
            let row = self.ranked.coordinate(last, at.dimension);
            if let Some(row) = row.filter(|_| last != leaf && self.can(last, self.amounts.up)) {
                paths.last.entry(row.slab).or_default().push(last);
            }
        }
        self.pass(leaf, &Way::default(), &mut paths, best);
        for _ in 0..LINES_MAX {
            let Some((_, line)) = paths.open.pop_first() else {
                return;
            };
            let way = paths.ways[&line].clone();
            if way.cost >= best.cost {
                return;
            }
            let is_free = |rising: usize| {
                let is_visited = way.pairs.iter().any(|pair| pair.contains(&rising));
                rising != leaf && !is_visited && self.can(rising, self.amounts.down)
            };
            for rising in self.rising_at_ends(&way, &paths) {
                if is_free(rising) {
                    self.end(rising, &way, &paths, best);
                }
            }
            for rising in self.near_on_line(line, self.amounts.down) {
                if is_free(rising) {
                    self.pass(rising, &way, &mut paths, best);
                }
            }
        }
    }

    /// Leaves that may be the last to fall: of the first line, or of a line that differs from it in
    /// a cheap figure.
    fn last(&self, at: Coordinate, leaf: usize) -> Vec<usize> {
        let neighbours = self.ranked.neighbours;
        let above = neighbours.above.of(leaf).iter().copied();
        let mut of_line = [self.of]
            .into_iter()
            .chain(above)
            .filter(|figure| self.system.figures[*figure].key[at.dimension] == TOTAL);
        let mut last = self.near_on_line(at.line, self.amounts.up);
        let Some(of_line) = of_line.next() else {
            return last;
        };
        let sums = neighbours.sums.of(of_line).iter();
        let sums = sums.filter(|sum| neighbours.wholes[**sum] != of_line);
        let mut alike: Vec<(f64, usize)> = Vec::new();
        for (figure, sign) in sums.flat_map(|sum| &self.system.sums[*sum]) {
            let has_room = self.room.allows(*figure, -self.amounts.up);
            if has_room
                && *sign > 0
                && *figure != of_line
                && let Some(cost) = self.costs.of(*figure)
            {
                alike.push((cost, *figure));
            }
        }
        alike.sort_unstable_by(|one, other| one.0.total_cmp(&other.0).then(one.1.cmp(&other.1)));
        let from = self.costs.from(self.amounts.up);
        for (_, figure) in alike.iter().take(ALIKE_MAX) {
            let leaves = self.ranked.leaves(*figure, from, ALIKE_MAX);
            last.extend(
                leaves.filter(|last| self.difference(&neighbours.outside, leaf, *last).is_some()),
            );
        }
        last
    }

    /// Leaves of the line that a way leads to, in the rows where a path can end.
    fn rising_at_ends(&self, way: &Way, paths: &Paths) -> Vec<usize> {
        let [_, falling] = way.pairs[way.pairs.len() - 1];
        let rows = paths.last.values();
        rows.filter_map(|last| {
            self.ranked
                .with_label(self.system, falling, paths.dimension, last[0])
        })
        .collect()
    }

    /// Closes a way in a row where it can end.
    fn end(&self, rising: usize, way: &Way, paths: &Paths, best: &mut Cheapest) {
        let neighbours = self.ranked.neighbours;
        let row = self.ranked.coordinate(rising, paths.dimension);
        let last = row.and_then(|row| paths.last.get(&row.slab));
        for falling in last.into_iter().flatten().filter(|last| **last != rising) {
            let passing = self.difference(&neighbours.inside, rising, *falling);
            let closing = self.difference(&neighbours.outside, paths.first, *falling);
            if let (Some(passing), Some(closing)) = (passing, closing)
                && way.cost + passing + closing < best.cost
            {
                let mut pairs = way.pairs.clone();
                pairs.push([rising, *falling]);
                self.close(&pairs, best);
            }
        }
    }

    /// Passes a row, from a leaf that rises to each one that can fall.
    fn pass(&self, rising: usize, way: &Way, paths: &mut Paths, best: &mut Cheapest) {
        let dimension = paths.dimension;
        let Neighbours {
            inside, outside, ..
        } = self.ranked.neighbours;
        let Some(row) = self.ranked.coordinate(rising, dimension) else {
            return;
        };
        let near = self
            .ranked
            .in_slab(row.slab, self.costs.from(self.amounts.up), NEAR_MAX);
        let last = paths.last.get(&row.slab).into_iter().flatten().copied();
        let recent = self.costs.recent_of_slab(row.slab);
        let all: Vec<usize> = last.chain(recent).chain(near).collect();
        for falling in all {
            if falling == rising || !self.can(falling, self.amounts.up) {
                continue;
            }
            let Some(cost) = self.difference(inside, rising, falling) else {
                continue;
            };
            let cost = way.cost + cost;
            if cost >= best.cost {
                continue;
            }
            let Some(at) = self.ranked.coordinate(falling, dimension) else {
                continue;
            };
            if let Some(closing) = self.difference(outside, paths.first, falling)
                && cost + closing < best.cost
            {
                let mut pairs = way.pairs.clone();
                pairs.push([rising, falling]);
                self.close(&pairs, best);
            }
            let known = paths.ways.get(&at.line).map(|way| way.cost);
            if known.is_none_or(|known| cost < known) {
                if let Some(known) = known {
                    paths.open.remove(&(known.to_bits(), at.line));
                }
                let mut pairs = way.pairs.clone();
                pairs.push([rising, falling]);
                paths.open.insert((cost.to_bits(), at.line));
                paths.ways.insert(at.line, Way { cost, pairs });
            }
        }
    }

    fn near_on_line(&self, line: usize, room: i64) -> Vec<usize> {
        let near = self.ranked.on_line(line, self.costs.from(room), NEAR_MAX);
        let mut all: Vec<usize> = self.costs.recent(line).chain(near).collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// True if a leaf can fall by this much.
    fn can(&self, leaf: usize, by: i64) -> bool {
        self.room.allows(leaf, -by) && self.costs.of(leaf).is_some()
    }

    /// Returns the cost of the figures of one of two leaves that the other one lacks. The first leaf
    /// rises, the second one falls.
    fn difference(&self, of: &Groups, rising: usize, falling: usize) -> Option<f64> {
        let [rising, falling] = [of.of(rising), of.of(falling)];
        let mut cost = 0.0;
        for (figures, others, room) in [
            (rising, falling, self.amounts.down),
            (falling, rising, self.amounts.up),
        ] {
            for figure in figures.iter().filter(|figure| !others.contains(figure)) {
                if !self.room.allows(*figure, -room) {
                    return None;
                }
                cost += self.costs.of(*figure)?;
            }
        }
        Some(cost)
    }

    /// Tries the corners of a box of two rows: in each, from the first leaf to a second one, and from
    /// a third one to a fourth, so that totals inside the rows cancel.
    fn boxes(&self, at: Coordinate, leaf: usize, best: &mut Cheapest) {
        let row: Vec<usize> = self.ranked.in_slab(at.slab, 0, ROW_MAX).collect();
        for other in self.near_on_line(at.line, self.amounts.up) {
            let edge = |one: usize| {
                let label = |one| {
                    self.ranked
                        .with_label(self.system, one, at.dimension, other)
                };
                self.edge([one, label(one)?])
            };
            let Some(first) = edge(leaf).filter(|first| other != leaf && first.cost < best.cost)
            else {
                continue;
            };
            let others = row.iter().filter(|one| **one != leaf);
            let others: Vec<Edge> = others.filter_map(|one| edge(*one)).collect();
            self.corners(first, &others, best);
        }
    }

    fn corners(&self, first: Edge, others: &[Edge], best: &mut Cheapest) {
        let share = |one: &Edge, other: &Edge| self.share(one.leaves[0], other.leaves[0]);
        let near_first: Vec<&Edge> = others.iter().filter(|edge| share(&first, edge)).collect();
        for second in &near_first {
            for third in others {
                let cost = first.cost + second.cost + third.cost;
                if cost >= best.cost || !share(second, third) || share(&first, third) {
                    continue;
                }
                for fourth in &near_first {
                    let is_second = fourth.leaves == second.leaves;
                    if is_second || cost + fourth.cost >= best.cost || !share(third, fourth) {
                        continue;
                    }
                    let [[a, a2], [b, b2]] = [first.leaves, second.leaves];
                    let [[c, c2], [d, d2]] = [third.leaves, fourth.leaves];
                    self.close(&[[a, b], [c, d], [b2, a2], [d2, c2]], best);
                }
            }
        }
    }

    /// Returns leaves of two rows, with the cost of the cells that they are in.
    fn edge(&self, leaves: [usize; 2]) -> Option<Edge> {
        let inside = &self.ranked.neighbours.inside;
        let mut cost = 0.0;
        for leaf in leaves {
            let mut figures = inside.of(leaf).iter();
            let cell = figures.find(|figure| self.system.figures[**figure].is_shown);
            cost += self.costs.of(*cell.unwrap_or(&leaf))?;
        }
        Some(Edge { leaves, cost })
    }

    /// True if two leaves of a row have a total inside it in common.
    fn share(&self, one: usize, other: usize) -> bool {
        let inside = &self.ranked.neighbours.inside;
        let mut figures = inside
            .of(one)
            .iter()
            .filter(|figure| inside.of(other).contains(figure));
        figures.any(|figure| {
            self.system.figures[*figure]
                .key
                .iter()
                .filter(|node| **node != TOTAL)
                .count()
                > 1
        })
    }

    fn close(&self, pairs: &[[usize; 2]], best: &mut Cheapest) {
        let mut change = CycleChange::default();
        for [rising, falling] in pairs {
            change.add_leaf(self.ranked, *rising, 1);
            change.add_leaf(self.ranked, *falling, -1);
        }
        self.keep_cheaper(change, best);
    }

    /// Steps from one label to another in each table that is broken down by a dimension.
    fn shift(&self, at: Coordinate, leaf: usize, best: &mut Cheapest) {
        for other in self.near_on_line(at.line, self.amounts.up) {
            if other == leaf || !self.can(other, self.amounts.up) {
                continue;
            }
            let mut change = CycleChange::default();
            change.add_leaf(self.ranked, leaf, 1);
            change.add_leaf(self.ranked, other, -1);
            let slabs = self.ranked.slabs_beside(self.system, leaf, at);
            let is_whole = slabs.into_iter().all(|slab| {
                let pair = self.pair_beside(slab, at, other);
                pair.map(|pair| self.shift_beside(pair, &mut change))
                    .is_some()
            });
            if is_whole {
                self.keep_cheaper(change, best);
            }
        }
    }

    /// Returns the cheapest pair of leaves of another table with the labels of a shift.
    fn pair_beside(&self, slab: usize, at: Coordinate, like: usize) -> Option<[usize; 2]> {
        let near = self
            .ranked
            .in_slab(slab, self.costs.from(self.amounts.down), NEAR_MAX);
        let pairs = near.filter_map(|rising| {
            let falling = self
                .ranked
                .with_label(self.system, rising, at.dimension, like)?;
            let is_able = self.can(rising, self.amounts.down) && self.can(falling, self.amounts.up);
            let cost = self.costs.of(rising)? + self.costs.of(falling)?;
            is_able.then_some((cost, [rising, falling]))
        });
        let cheapest = pairs.min_by(|(one, _), (other, _)| one.total_cmp(other));
        cheapest.map(|(_, pair)| pair)
    }

    /// Adds a pair of leaves to a shift. Figures that both tables share are changed already.
    fn shift_beside(&self, [rising, falling]: [usize; 2], change: &mut CycleChange) {
        let mut beside = CycleChange::default();
        beside.add_leaf(self.ranked, rising, 1);
        beside.add_leaf(self.ranked, falling, -1);
        for (figure, by) in beside.0 {
            if change.of(figure) == 0 {
                change.add(figure, by);
            }
        }
    }

    fn keep_cheaper(&self, change: CycleChange, best: &mut Cheapest) {
        if change.of(self.of) != 1 {
            return;
        }
        let mut cost = 0.0;
        for (figure, by) in &change.0 {
            let lowest = (by * self.amounts.up).min(-by * self.amounts.down);
            let has_room = self.room.allows(*figure, lowest);
            match self.costs.of(*figure) {
                Some(of) if has_room => cost += of,
                _ => return,
            }
        }
        let mut step = Move(change.0);
        step.0.sort_unstable();
        if cost < best.cost && self.ranked.neighbours.is_balanced(&step) {
            *best = Cheapest {
                cost,
                step: Some(step),
            };
        }
    }
}
