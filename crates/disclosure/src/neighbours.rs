//! Neighbours of figures: what they add up to, and the figures that differ in one label.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;

use crate::dimension::TOTAL;
use crate::system::{Move, System};

/// Lists of figures by an index.
#[derive(Clone, Default)]
pub(crate) struct Groups {
    starts: Vec<usize>,
    members: Vec<usize>,
}

impl Groups {
    /// Creates `most` lists from pairs of list and member.
    pub fn new(most: usize, pairs: impl Iterator<Item = (usize, usize)> + Clone) -> Self {
        let mut starts = vec![0; most + 1];
        pairs.clone().for_each(|(group, _)| starts[group + 1] += 1);
        for at in 0..most {
            starts[at + 1] += starts[at];
        }
        let mut next = starts.clone();
        let mut members = vec![0; starts[most]];
        for (group, member) in pairs {
            members[next[group]] = member;
            next[group] += 1;
        }
        Self { starts, members }
    }

    pub fn of(&self, group: usize) -> &[usize] {
        &self.members[self.starts[group]..self.starts[group + 1]]
    }

    fn sort_by_key<K: Ord>(&mut self, key: impl Fn(usize) -> K) {
        for at in 1..self.starts.len() {
            let members = &mut self.members[self.starts[at - 1]..self.starts[at]];
            members.sort_unstable_by_key(|member| key(*member));
        }
    }
}

/// A leaf in one dimension.
#[derive(Clone, Copy)]
pub(crate) struct Coordinate {
    pub dimension: usize,
    /// Leaves that differ in this dimension only.
    pub line: usize,
    /// Leaves of the same breakdown with the same label in this dimension.
    pub slab: usize,
}

/// Neighbours of every figure. A *leaf* is a figure that no others add up to.
pub(crate) struct Neighbours {
    /// Sums that a figure is in.
    pub sums: Groups,
    /// Figure that the others of each sum add up to.
    pub wholes: Vec<usize>,
    /// Figures that a figure adds up to, over any number of sums.
    pub above: Groups,
    /// Leaves that add up to a figure; a leaf itself.
    pub leaves: Groups,
    /// Figures of a leaf that have a label in its first dimension, and so lie inside its row: those
    /// above it, and itself.
    pub inside: Groups,
    /// Figures above a leaf that have no label in its first dimension, and so hold its whole line.
    pub outside: Groups,
    /// Dimensions of each leaf.
    coordinates: Vec<Vec<Coordinate>>,
    /// Slabs of each breakdown with a label, by dimension and node: of the other linked tables.
    slabs_of: HashMap<(usize, u32), Vec<usize>>,
    lines: Groups,
    slabs: Groups,
    /// Leaf of each line with a node.
    by_node: HashMap<(usize, u32), usize>,
    /// A leaf of each breakdown.
    pub firsts: Vec<usize>,
}

/// Numbers keys in the order of their first use.
struct KeyNumbers<K>(HashMap<K, usize>);

impl<K: Hash + Eq> KeyNumbers<K> {
    fn of(&mut self, key: K) -> usize {
        let next = self.0.len();
        *self.0.entry(key).or_insert(next)
    }
}

impl Neighbours {
    pub fn new(system: &System) -> Self {
        let all = system.figures.len();
        let in_sums = system.sums.iter().enumerate();
        let in_sums = in_sums.flat_map(|(at, sum)| sum.iter().map(move |(of, _)| (*of, at)));
        let sums = Groups::new(all, in_sums);
        let wholes: Vec<usize> = system.sums.iter().map(|sum| whole(sum)).collect();
        let mut is_leaf = vec![true; all];
        wholes.iter().for_each(|whole| is_leaf[*whole] = false);
        let above: Vec<(usize, usize)> = (0..all)
            .flat_map(|figure| {
                let above = above(figure, &sums, &wholes);
                above.into_iter().map(move |whole| (figure, whole))
            })
            .collect();
        let selves = (0..all).filter(|of| is_leaf[*of]).map(|leaf| (leaf, leaf));
        let below = above.iter().filter(|(of, _)| is_leaf[*of]);
        let below = below.map(|(leaf, whole)| (*whole, *leaf)).chain(selves);
        let leaves = Groups::new(all, below);
        let mut neighbours = Self {
            sums,
            wholes,
            firsts: Vec::new(),
            inside: Groups::default(),
            outside: Groups::default(),
            above: Groups::new(all, above.iter().copied()),
            leaves,
            coordinates: vec![Vec::new(); all],
            slabs_of: HashMap::new(),
            lines: Groups::default(),
            slabs: Groups::default(),
            by_node: HashMap::new(),
        };
        neighbours.locate(system, &is_leaf);
        neighbours
    }

    fn locate(&mut self, system: &System, is_leaf: &[bool]) {
        let mut breakdowns = KeyNumbers(HashMap::new());
        let (mut lines, mut slabs) = (KeyNumbers(HashMap::new()), KeyNumbers(HashMap::new()));
        for (leaf, figure) in system.figures.iter().enumerate() {
            if !is_leaf[leaf] {
                continue;
            }
            let breakdown: Vec<bool> = figure.key.iter().map(|node| *node != TOTAL).collect();
            if breakdowns.of(breakdown.clone()) == self.firsts.len() {
                self.firsts.push(leaf);
            }
            for dimension in (0..figure.key.len()).filter(|at| breakdown[*at]) {
                let mut others = figure.key.clone();
                let node = std::mem::replace(&mut others[dimension], u32::MAX);
                let known = slabs.0.len();
                let slab = slabs.of((breakdown.clone(), dimension, node));
                if slab == known {
                    self.slabs_of
                        .entry((dimension, node))
                        .or_default()
                        .push(slab);
                }
                let line = lines.of(others);
                self.by_node.insert((line, node), leaf);
                self.coordinates[leaf].push(Coordinate {
                    dimension,
                    line,
                    slab,
                });
            }
        }
        self.sort_dimensions();
        self.split_above(system);
        let coordinates = self.coordinates.iter().enumerate();
        let coordinates = coordinates.flat_map(|(leaf, of)| of.iter().map(move |at| (leaf, at)));
        let in_lines = coordinates.clone().map(|(leaf, at)| (at.line, leaf));
        self.lines = Groups::new(lines.0.len(), in_lines);
        let in_slabs = coordinates.map(|(leaf, at)| (at.slab, leaf));
        self.slabs = Groups::new(slabs.0.len(), in_slabs);
    }

    /// Sorts the dimensions of each leaf: that of the longest lines of its breakdown comes first.
    fn sort_dimensions(&mut self) {
        let mut lines: HashMap<Vec<usize>, Vec<HashSet<usize>>> = HashMap::new();
        let dimensions =
            |of: &[Coordinate]| -> Vec<usize> { of.iter().map(|at| at.dimension).collect() };
        for of in &self.coordinates {
            let known = lines.entry(dimensions(of)).or_default();
            known.resize_with(of.len(), HashSet::new);
            for (known, at) in known.iter_mut().zip(of) {
                known.insert(at.line);
            }
        }
        for of in &mut self.coordinates {
            let lines = &lines[&dimensions(of)];
            let mut sorted: Vec<(usize, Coordinate)> = lines
                .iter()
                .map(HashSet::len)
                .zip(of.iter().copied())
                .collect();
            sorted.sort_by_key(|(lines, _)| *lines);
            *of = sorted.into_iter().map(|(_, at)| at).collect();
        }
    }

    /// Splits the figures above each leaf by its first dimension.
    fn split_above(&mut self, system: &System) {
        let [mut inside, mut outside] = [Vec::new(), Vec::new()];
        for (leaf, of) in self.coordinates.iter().enumerate() {
            let Some(Coordinate { dimension, .. }) = of.first() else {
                continue;
            };
            inside.push((leaf, leaf));
            for figure in self.above.of(leaf) {
                match system.figures[*figure].key[*dimension] {
                    TOTAL => outside.push((leaf, *figure)),
                    _ => inside.push((leaf, *figure)),
                }
            }
        }
        let all = self.coordinates.len();
        self.inside = Groups::new(all, inside.into_iter());
        self.outside = Groups::new(all, outside.into_iter());
    }

    /// True if every sum stays right.
    pub fn is_balanced(&self, step: &Move) -> bool {
        let mut terms: Vec<(usize, i64)> = Vec::new();
        for (figure, by) in &step.0 {
            let sums = self.sums.of(*figure).iter();
            terms.extend(sums.map(|sum| match self.wholes[*sum] == *figure {
                true => (*sum, -by),
                false => (*sum, *by),
            }));
        }
        terms.sort_unstable();
        let mut sums = terms.chunk_by(|(one, _), (other, _)| one == other);
        sums.all(|sum| sum.iter().map(|(_, by)| by).sum::<i64>() == 0)
    }

    /// Sorts the leaves of lines and slabs by a rank.
    pub fn ranked(&self, rank: Vec<u64>) -> RankedNeighbours<'_> {
        let [lines, slabs, leaves] = [&self.lines, &self.slabs, &self.leaves].map(|groups| {
            let mut groups = groups.clone();
            groups.sort_by_key(|leaf| (rank[leaf], leaf));
            groups
        });
        RankedNeighbours {
            neighbours: self,
            lines,
            slabs,
            leaves,
            rank,
        }
    }
}

/// Returns the figure that the others of a sum add up to.
fn whole(sum: &[(usize, i64)]) -> usize {
    let whole = sum.iter().find(|(_, sign)| *sign < 0);
    whole.map_or(sum[0].0, |(of, _)| *of)
}

fn above(figure: usize, sums: &Groups, wholes: &[usize]) -> Vec<usize> {
    let mut above = Vec::new();
    let mut next = figure;
    let mut seen = 0;
    loop {
        for sum in sums.of(next) {
            let whole = wholes[*sum];
            if whole != next && !above.contains(&whole) {
                above.push(whole);
            }
        }
        if seen == above.len() {
            return above;
        }
        next = above[seen];
        seen += 1;
    }
}

/// Neighbours in an order of leaves.
pub(crate) struct RankedNeighbours<'n> {
    pub neighbours: &'n Neighbours,
    lines: Groups,
    slabs: Groups,
    leaves: Groups,
    rank: Vec<u64>,
}

impl RankedNeighbours<'_> {
    /// Returns the places of a leaf; that of the longest lines comes first.
    pub fn coordinates(&self, leaf: usize) -> &[Coordinate] {
        &self.neighbours.coordinates[leaf]
    }

    /// Returns the place of a leaf that has a label in a dimension.
    pub fn coordinate(&self, leaf: usize, dimension: usize) -> Option<Coordinate> {
        let mut coordinates = self.coordinates(leaf).iter();
        coordinates.find(|at| at.dimension == dimension).copied()
    }

    /// Returns the leaf that has another label in one dimension, that of `like`.
    pub fn with_label(
        &self,
        system: &System,
        leaf: usize,
        dimension: usize,
        like: usize,
    ) -> Option<usize> {
        let line = self.coordinate(leaf, dimension)?.line;
        let node = system.figures[like].key[dimension];
        self.neighbours.by_node.get(&(line, node)).copied()
    }

    /// Returns at most `most` leaves of a line, from a rank on; the first ones follow the last.
    pub fn on_line(&self, line: usize, from: u64, most: usize) -> impl Iterator<Item = usize> {
        self.near(self.lines.of(line), from, most)
    }

    /// Number of leaves of a slab.
    pub fn slab_len(&self, slab: usize) -> usize {
        self.slabs.of(slab).len()
    }

    /// Returns at most `most` leaves of a slab.
    pub fn in_slab(&self, slab: usize, from: u64, most: usize) -> impl Iterator<Item = usize> {
        self.near(self.slabs.of(slab), from, most)
    }

    /// Returns the slabs of the other tables with the same label in one dimension.
    pub fn slabs_beside(
        &self,
        system: &System,
        leaf: usize,
        at: Coordinate,
    ) -> impl Iterator<Item = usize> {
        let node = system.figures[leaf].key[at.dimension];
        let slabs = self.neighbours.slabs_of.get(&(at.dimension, node));
        slabs
            .into_iter()
            .flatten()
            .copied()
            .filter(move |slab| *slab != at.slab)
    }

    /// Returns at most `most` of the leaves that add up to a figure.
    pub fn leaves(&self, figure: usize, from: u64, most: usize) -> impl Iterator<Item = usize> {
        self.near(self.leaves.of(figure), from, most)
    }

    fn near<'l>(
        &self,
        leaves: &'l [usize],
        from: u64,
        most: usize,
    ) -> impl Iterator<Item = usize> + use<'l> {
        let start = leaves.partition_point(|leaf| self.rank[*leaf] < from);
        let (before, after) = leaves.split_at(start);
        after.iter().chain(before).copied().take(most)
    }
}
