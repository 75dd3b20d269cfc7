use std::collections::{HashMap, HashSet};

use crate::count::Count;
use crate::dimension::{TOTAL, Tree};
use crate::table::{Key, is_published};

/// The publishable cells of a [`CountTable`](crate::CountTable). Hidden counts are not stored.
pub struct Public<const N: usize> {
    trees: [Tree; N],
    published: Vec<[bool; N]>,
    shown: HashMap<Key<N>, u64>,
    hidden: HashSet<Key<N>>,
}

impl<const N: usize> Public<N> {
    pub(crate) fn new(
        trees: [Tree; N],
        published: Vec<[bool; N]>,
        shown: HashMap<Key<N>, u64>,
        hidden: HashSet<Key<N>>,
    ) -> Self {
        Self {
            trees,
            published,
            shown,
            hidden,
        }
    }

    /// Returns the count for one label in each dimension; `None` stands for the total. A label that
    /// never occurred counts 0. A cell outside the published tables is hidden.
    pub fn cell(&self, labels: [Option<&str>; N]) -> Count {
        let mut key = [TOTAL; N];
        let mut occurred = true;
        for dimension in 0..N {
            let Some(label) = labels[dimension] else {
                continue;
            };
            let node = self.trees[dimension].node(label);
            occurred &= node.is_some();
            key[dimension] = node.unwrap_or(u32::MAX);
        }
        if self.hidden.contains(&key) || !is_published(&self.published, &key) {
            Count::Hidden
        } else if occurred {
            Count::Shown(self.shown.get(&key).copied().unwrap_or(0))
        } else {
            Count::Shown(0)
        }
    }

    /// Returns every cell that is not zero, with its labels; `None` stands for the total. Cells are
    /// in the order of labels, totals first.
    pub fn cells(&self) -> impl Iterator<Item = ([Option<&str>; N], Count)> {
        let shown = self
            .shown
            .iter()
            .map(|(&key, &count)| (key, Count::Shown(count)));
        let hidden = self.hidden.iter().map(|&key| (key, Count::Hidden));
        let mut cells: Vec<(Key<N>, Count)> = shown.chain(hidden).collect();
        cells.sort_unstable_by_key(|(key, _)| *key);
        cells.into_iter().map(|(key, cell)| {
            let labels = std::array::from_fn(|dimension| {
                let node = key[dimension];
                (node != TOTAL).then(|| self.trees[dimension].labels[node as usize].as_str())
            });
            (labels, cell)
        })
    }

    /// Number of hidden cells.
    pub fn suppressed(&self) -> usize {
        self.hidden.len()
    }
}
