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

    /// Decides what may be shown.
    pub fn suppress(&self, threshold: Threshold) -> Public<N> {
        let trees: [Tree; N] = std::array::from_fn(|dimension| {
            let labels: BTreeSet<&str> = self
                .counts
                .keys()
                .map(|labels| labels[dimension].as_str())
                .collect();
            Tree::new(self.dimensions[dimension], labels.into_iter())
        });
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
        cells
    }

    /// Every published combination of the nodes given for each dimension.
    fn each_published(&self, nodes: &[Vec<u32>; N], mut visit: impl FnMut(Key<N>)) {
        let mut at = [0; N];
        loop {
            let key = std::array::from_fn(|dimension| nodes[dimension][at[dimension]]);
            if is_published(&self.published, &key) {
                visit(key);
            }
            let Some(next) = (0..N).find(|&dimension| at[dimension] + 1 < nodes[dimension].len())
            else {
                return;
            };
            at[..next].fill(0);
            at[next] += 1;
        }
    }
}

/// Whether a cell belongs to one of the tables: all that it is broken down by is in the table.
pub(crate) fn is_published<const N: usize>(tables: &[[bool; N]], key: &Key<N>) -> bool {
    tables
        .iter()
        .any(|table| (0..N).all(|dimension| table[dimension] || key[dimension] == TOTAL))
}
