//! Finds for every small cell a hidden box of cells that can be shifted.

use std::collections::{HashMap, HashSet};

use crate::dimension::{Direction, Shift, Tree};
use crate::table::{Key, Threshold, is_published};

pub(crate) struct Protection<'a, const N: usize> {
    trees: &'a [Tree; N],
    published: &'a [[bool; N]],
    /// Every published cell that can be hidden.
    cells: &'a HashMap<Key<N>, u64>,
    threshold: Threshold,
    hidden: HashSet<Key<N>>,
    /// The cells of the box that protects a small one.
    boxes: HashMap<Key<N>, Vec<Key<N>>>,
}

/// What a search may do to find a box.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Hiding {
    /// Hide further cells, at their cost.
    Further,
    /// Use only what is hidden.
    Nothing,
}

/// A box in the making: a shift chosen in the first dimensions, the small cell's own place in the others.
#[derive(Clone)]
struct Cuboid<const N: usize> {
    corners: Vec<(Key<N>, Direction)>,
    cost: u64,
    /// How far the small cell can be moved.
    up: u64,
    down: u64,
}

impl<'a, const N: usize> Protection<'a, N> {
    pub fn new(
        trees: &'a [Tree; N],
        published: &'a [[bool; N]],
        cells: &'a HashMap<Key<N>, u64>,
        threshold: Threshold,
    ) -> Self {
        Self {
            trees,
            published,
            cells,
            threshold,
            hidden: HashSet::new(),
            boxes: HashMap::new(),
        }
    }

    /// The cells that must not be shown.
    pub fn hidden(mut self) -> HashSet<Key<N>> {
        // The smallest first: they need the most, and what they hide serves the others.
        let mut small: Vec<(u64, Key<N>)> = self
            .cells
            .iter()
            .filter(|(_, count)| self.threshold.is_small(**count))
            .map(|(key, count)| (*count, *key))
            .collect();
        small.sort_unstable();
        self.hidden.extend(small.iter().map(|(_, key)| *key));
        for &(_, key) in &small {
            let corners = self
                .cheapest_box(key, Hiding::Further)
                .expect("the box of nothing but totals is always there");
            self.hidden.extend(&corners);
            self.boxes.insert(key, corners);
        }
        self.show_superfluous();
        self.hidden
    }

    /// Shows again, the most valuable first, what no small cell needs: because it is in no box,
    /// or because those whose box it is in have another.
    fn show_superfluous(&mut self) {
        let mut complementary: Vec<(u64, Key<N>)> = self
            .hidden
            .iter()
            .map(|key| (self.cells[key], *key))
            .filter(|(count, _)| !self.threshold.is_small(*count))
            .collect();
        complementary.sort_unstable_by(|left, right| right.cmp(left));
        let mut users: HashMap<Key<N>, Vec<Key<N>>> = HashMap::new();
        for (small, corners) in &self.boxes {
            for corner in corners {
                users.entry(*corner).or_default().push(*small);
            }
        }
        for (_, key) in complementary {
            self.hidden.remove(&key);
            let affected: Vec<Key<N>> = users
                .get(&key)
                .into_iter()
                .flatten()
                .copied()
                .filter(|small| self.boxes[small].contains(&key))
                .collect();
            let replaced: Option<Vec<_>> = affected
                .iter()
                .map(|small| Some((*small, self.cheapest_box(*small, Hiding::Nothing)?)))
                .collect();
            let Some(replaced) = replaced else {
                self.hidden.insert(key);
                continue;
            };
            for (small, corners) in replaced {
                for corner in &corners {
                    users.entry(*corner).or_default().push(small);
                }
                self.boxes.insert(small, corners);
            }
        }
    }

    /// The published cells of the box around a small cell that costs least to hide.
    fn cheapest_box(&self, small: Key<N>, hiding: Hiding) -> Option<Vec<Key<N>>> {
        let start = Cuboid {
            corners: vec![(small, Direction::Up)],
            cost: 0,
            up: u64::MAX,
            down: self.cells[&small].saturating_sub(self.threshold.least_hidden()),
        };
        let search = Search {
            protection: self,
            hiding,
            choices: std::array::from_fn(|dimension| self.choices(&start, dimension, hiding)),
        };
        let mut best = None;
        search.extend(0, &start, &mut best);
        Some(
            best?
                .corners
                .into_iter()
                .map(|(key, _)| key)
                .filter(|key| is_published(self.published, key))
                .collect(),
        )
    }

    /// The shifts that one dimension offers, each with what it costs when nothing else moves,
    /// the cheapest first.
    fn choices(&self, start: &Cuboid<N>, dimension: usize, hiding: Hiding) -> Vec<(u64, Shift)> {
        let node = start.corners[0].0[dimension];
        let mut choices: Vec<(u64, Shift)> = self.trees[dimension]
            .shifts(node)
            .into_iter()
            .filter_map(|shift| Some((self.shifted(start, dimension, &shift, hiding)?.cost, shift)))
            .collect();
        choices.sort_by_key(|(cost, _)| *cost);
        choices
    }

    /// The box with a shift in one more dimension; none if that would move a cell that cannot move.
    fn shifted(
        &self,
        from: &Cuboid<N>,
        dimension: usize,
        shift: &Shift,
        hiding: Hiding,
    ) -> Option<Cuboid<N>> {
        let mut to = Cuboid {
            corners: Vec::with_capacity(from.corners.len() * shift.len()),
            cost: 0,
            ..*from
        };
        for &(mut key, direction) in &from.corners {
            for &(node, step) in shift {
                key[dimension] = node;
                let direction = direction.times(step);
                to.corners.push((key, direction));
                if !is_published(self.published, &key) {
                    continue;
                }
                // A zero is shown, and stays where it is.
                let count = *self.cells.get(&key)?;
                if !self.hidden.contains(&key) {
                    if hiding == Hiding::Nothing {
                        return None;
                    }
                    // One more for each cell: of equal values, the fewest.
                    to.cost += count + 1;
                }
                let room = count.saturating_sub(self.threshold.least_hidden());
                match direction {
                    Direction::Up => to.down = to.down.min(room),
                    Direction::Down => to.up = to.up.min(room),
                }
            }
        }
        Some(to)
    }
}

/// Branch and bound over the shifts of each dimension. What is hidden and what can move only
/// gets worse with every further one.
struct Search<'a, const N: usize> {
    protection: &'a Protection<'a, N>,
    hiding: Hiding,
    choices: [Vec<(u64, Shift)>; N],
}

impl<const N: usize> Search<'_, N> {
    fn extend(&self, dimension: usize, from: &Cuboid<N>, best: &mut Option<Cuboid<N>>) {
        if dimension == N {
            *best = Some(from.clone());
            return;
        }
        let too_dear = |cost: u64, best: &Option<Cuboid<N>>| {
            best.as_ref().is_some_and(|best| cost >= best.cost)
        };
        for (least, shift) in &self.choices[dimension] {
            if too_dear(*least, best) {
                return;
            }
            let Some(to) = self.protection.shifted(from, dimension, shift, self.hiding) else {
                continue;
            };
            if self.protects(&to) && !too_dear(to.cost, best) {
                self.extend(dimension + 1, &to, best);
            }
        }
    }

    /// Whether enough values are possible. Then the greatest is not small: the cell cannot be
    /// lowered by more than it exceeds the least.
    fn protects(&self, shifted: &Cuboid<N>) -> bool {
        shifted.up.saturating_add(shifted.down) >= self.protection.threshold.span()
    }
}
