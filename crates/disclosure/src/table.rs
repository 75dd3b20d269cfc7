use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::dimension::{Dimension, TOTAL, Tree};
use crate::protect::Protection;
use crate::public::Public;

/// From which count on a cell is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Threshold {
    /// Counts from 1 to one less are small: 3 unless said otherwise. Nothing is small at 0 and 1.
    pub k: u64,
    /// Whether a zero is as telling as a small count. Every label that may occur must then have
    /// been [added](Table::add), with zero if need be.
    pub zero_is_small: bool,
}

impl Default for Threshold {
    fn default() -> Self {
        Self {
            k: 3,
            zero_is_small: false,
        }
    }
}

impl Threshold {
    pub(crate) fn is_small(self, count: u64) -> bool {
        count < self.k && (count > 0 || self.zero_is_small)
    }

    /// What the attacker knows a hidden cell to hold at least.
    pub(crate) fn least_hidden(self) -> u64 {
        u64::from(!self.zero_is_small)
    }

    /// By how much the greatest possible value must exceed the least.
    pub(crate) fn span(self) -> u64 {
        self.k.saturating_sub(self.least_hidden())
    }
}

/// Counts by `N` dimensions, to be published with all their margins.
pub struct Table<const N: usize> {
    dimensions: [Dimension; N],
    /// The breakdowns shown; whatever is a margin of one is shown with it.
    published: Vec<[bool; N]>,
    counts: BTreeMap<[String; N], u64>,
    /// Counts of one breakdown only, by its place; labels of other dimensions are empty.
    parts: BTreeMap<(usize, [String; N]), u64>,
}

/// A cell: a node in each dimension.
pub(crate) type Key<const N: usize> = [u32; N];

impl<const N: usize> Table<N> {
    /// One table with every margin: the cells, the sums over each dimension, over each two, and
    /// so on to the grand total.
    pub fn new(dimensions: [Dimension; N]) -> Self {
        Self {
            dimensions,
            published: vec![[true; N]],
            counts: BTreeMap::new(),
            parts: BTreeMap::new(),
        }
    }

    /// Several tables that share margins, each given by the names of its dimensions. Counts are
    /// still [added](Self::add) by all of the dimensions; those not together in a table are never
    /// shown together, and cost nothing.
    ///
    /// ```
    /// use affluenza_disclosure::{Cell, Dimension, Table, Threshold};
    ///
    /// let dimensions = [Dimension::flat("ente"), Dimension::flat("category"), Dimension::flat("month")];
    /// let mut tables = Table::linked(dimensions, &[&["ente", "category"], &["ente", "month"]]);
    /// tables.add(["vicchio", "tributi", "2017-01"], 33);
    /// let public = tables.suppress(Threshold::default());
    /// assert_eq!(public.cell([Some("vicchio"), None, Some("2017-01")]), Cell::Shown(33));
    /// assert_eq!(public.cell([None, Some("tributi"), Some("2017-01")]), Cell::Suppressed);
    /// ```
    ///
    /// # Panics
    /// If a table names a dimension that there is not.
    pub fn linked(dimensions: [Dimension; N], tables: &[&[&str]]) -> Self {
        for name in tables.iter().copied().flatten() {
            assert!(
                dimensions.iter().any(|dimension| dimension.name == *name),
                "there is no dimension {name}"
            );
        }
        let published = tables
            .iter()
            .map(|table| dimensions.map(|dimension| table.contains(&dimension.name)))
            .collect();
        Self {
            published,
            ..Self::new(dimensions)
        }
    }

    /// Adds a count to a cell. A cell may come in parts, and in any order; what never comes is 0.
    /// A label must not be one that others add up to.
    pub fn add(&mut self, labels: [&str; N], count: u64) {
        *self.counts.entry(labels.map(str::to_owned)).or_default() += count;
    }

    /// Adds a count to one of the linked tables alone, by its place among them: where counts are
    /// known table by table, not by all dimensions at once. Labels of dimensions that this table
    /// has not are passed over. Each table must be given in full.
    ///
    /// ```
    /// use affluenza_disclosure::{Cell, Dimension, Table, Threshold};
    ///
    /// let dimensions = [Dimension::flat("ente"), Dimension::flat("category"), Dimension::flat("month")];
    /// let mut tables = Table::linked(dimensions, &[&["ente", "category"], &["ente", "month"]]);
    /// tables.add_to(0, ["vicchio", "tributi", ""], 33);
    /// tables.add_to(1, ["vicchio", "", "2017-01"], 30);
    /// assert!(!tables.agree()); // 33 uses of Vicchio, or 30?
    /// tables.add_to(1, ["vicchio", "", "2017-02"], 3);
    /// assert!(tables.agree());
    /// let public = tables.suppress(Threshold::default());
    /// assert_eq!(public.cell([Some("vicchio"), None, None]), Cell::Shown(33));
    /// ```
    ///
    /// # Panics
    /// If there are not so many tables.
    pub fn add_to(&mut self, table: usize, labels: [&str; N], count: u64) {
        let dimensions = self.published[table];
        let labels = std::array::from_fn(|at| {
            let label = if dimensions[at] { labels[at] } else { "" };
            label.to_owned()
        });
        *self.parts.entry((table, labels)).or_default() += count;
    }

    /// Whether tables that were given apart say the same where they share margins. What does not
    /// agree cannot be protected.
    pub fn agree(&self) -> bool {
        let trees = self.trees();
        let tables: Vec<HashMap<Key<N>, u64>> = (0..self.published.len())
            .map(|table| {
                let mut cells = HashMap::new();
                self.each_cell_of_parts(&trees, |of, key, count| {
                    if of == table {
                        *cells.entry(key).or_default() += count;
                    }
                });
                cells
            })
            .collect();
        let shared = |of: usize, with: usize| -> BTreeMap<Key<N>, u64> {
            let cells = tables[of].iter();
            let shared = cells.filter(|(key, _)| is_published(&self.published[with..=with], key));
            shared.map(|(key, count)| (*key, *count)).collect()
        };
        let mut pairs = (0..tables.len()).flat_map(|one| (0..one).map(move |other| (one, other)));
        pairs.all(|(one, other)| shared(one, other) == shared(other, one))
    }

    fn trees(&self) -> [Tree; N] {
        std::array::from_fn(|dimension| {
            let of_parts = self
                .parts
                .keys()
                .filter(|(table, _)| self.published[*table][dimension])
                .map(|(_, labels)| labels);
            let labels: BTreeSet<&str> = self
                .counts
                .keys()
                .chain(of_parts)
                .map(|labels| labels[dimension].as_str())
                .collect();
            Tree::new(self.dimensions[dimension], labels.into_iter())
        })
    }

    /// Decides what may be shown.
    pub fn suppress(&self, threshold: Threshold) -> Public<N> {
        let trees = self.trees();
        let cells = self.cells(&trees, threshold);
        let hidden = Protection::new(&trees, &self.published, &cells, threshold).hidden();
        let shown = cells
            .into_iter()
            .filter(|(key, _)| !hidden.contains(key))
            .collect();
        Public::new(trees, self.published.clone(), shown, hidden)
    }

    /// Every published cell that is not zero; with the zeros, if these are to be protected.
    fn cells(&self, trees: &[Tree; N], threshold: Threshold) -> HashMap<Key<N>, u64> {
        let mut cells = HashMap::new();
        if threshold.zero_is_small {
            let all = std::array::from_fn(|dimension| {
                (TOTAL..trees[dimension].labels.len() as u32).collect::<Vec<_>>()
            });
            self.each_published(&all, |key| {
                cells.insert(key, 0);
            });
        }
        for (labels, &count) in self.counts.iter().filter(|(_, count)| **count > 0) {
            let paths = std::array::from_fn(|dimension| {
                let tree = &trees[dimension];
                let leaf = tree
                    .node(&labels[dimension])
                    .expect("the trees are made of these labels");
                tree.path(leaf).collect::<Vec<_>>()
            });
            self.each_published(&paths, |key| *cells.entry(key).or_default() += count);
        }
        self.each_cell_of_parts(trees, |table, key, count| {
            // A margin that several tables share is taken from the first.
            if !is_published(&self.published[..table], &key) {
                *cells.entry(key).or_default() += count;
            }
        });
        cells
    }

    /// Every cell, margins among them, that a count of a single table counts in.
    fn each_cell_of_parts(&self, trees: &[Tree; N], mut visit: impl FnMut(usize, Key<N>, u64)) {
        for ((table, labels), &count) in self.parts.iter().filter(|(_, count)| **count > 0) {
            let paths = std::array::from_fn(|dimension| {
                if !self.published[*table][dimension] {
                    return vec![TOTAL];
                }
                let tree = &trees[dimension];
                let leaf = tree
                    .node(&labels[dimension])
                    .expect("the trees are made of these labels");
                tree.path(leaf).collect::<Vec<_>>()
            });
            each(&paths, |key| visit(*table, key, count));
        }
    }

    /// Every published combination of the nodes given for each dimension.
    fn each_published(&self, nodes: &[Vec<u32>; N], mut visit: impl FnMut(Key<N>)) {
        each(nodes, |key| {
            if is_published(&self.published, &key) {
                visit(key);
            }
        });
    }
}

/// Every combination of the nodes given for each dimension.
fn each<const N: usize>(nodes: &[Vec<u32>; N], mut visit: impl FnMut(Key<N>)) {
    let mut at = [0; N];
    loop {
        visit(std::array::from_fn(|dimension| {
            nodes[dimension][at[dimension]]
        }));
        let Some(next) = (0..N).find(|&dimension| at[dimension] + 1 < nodes[dimension].len())
        else {
            return;
        };
        at[..next].fill(0);
        at[next] += 1;
    }
}

/// Whether a cell belongs to one of the tables: all that it is broken down by is in the table.
pub(crate) fn is_published<const N: usize>(tables: &[[bool; N]], key: &Key<N>) -> bool {
    tables
        .iter()
        .any(|table| (0..N).all(|dimension| table[dimension] || key[dimension] == TOTAL))
}
