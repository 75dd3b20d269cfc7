use std::collections::{BTreeMap, BTreeSet};

/// What a table is broken down by: ente, category, month. Its labels add up to a total, if it is
/// nested over the steps in between.
#[derive(Clone, Copy, Debug)]
pub struct Dimension {
    pub(crate) name: &'static str,
    parent: fn(&str) -> Option<String>,
}

impl Dimension {
    /// Labels that add up to the total.
    pub const fn flat(name: &'static str) -> Self {
        Self {
            name,
            parent: |_| None,
        }
    }

    /// Labels that add up to others, these again to others or to the total: `parent` names the
    /// next higher label, none if that is the total. It must come to an end.
    ///
    /// ```
    /// use affluenza_disclosure::{Cell, Dimension, Table, Threshold};
    ///
    /// let day = Dimension::nested("day", |date| Some(date.rsplit_once('-')?.0.to_owned()));
    /// let mut table = Table::new([day]);
    /// for (date, uses) in [("2017-03-01", 5), ("2017-03-02", 2), ("2017-04-01", 8)] {
    ///     table.add([date], uses);
    /// }
    /// let public = table.suppress(Threshold::default());
    /// assert_eq!(public.cell([Some("2017-03-02")]), Cell::Suppressed);
    /// assert_eq!(public.cell([Some("2017-03")]), Cell::Shown(7));
    /// assert_eq!(public.cell([Some("2017")]), Cell::Shown(15));
    /// ```
    pub const fn nested(name: &'static str, parent: fn(&str) -> Option<String>) -> Self {
        Self { name, parent }
    }
}

/// The total of every dimension.
pub(crate) const TOTAL: u32 = 0;

/// The labels of a dimension as a tree below its total.
pub(crate) struct Tree {
    /// By node; that of the total is empty and never looked up.
    pub labels: Vec<String>,
    parents: Vec<u32>,
    leaves: Vec<u32>,
    nodes: BTreeMap<String, u32>,
}

/// Nodes of one dimension that move together, up or down, so that every sum stays as it is.
pub(crate) type Shift = Vec<(u32, Direction)>;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Direction {
    Up,
    Down,
}

impl Direction {
    pub fn times(self, other: Self) -> Self {
        if self == other { Self::Up } else { Self::Down }
    }
}

impl Tree {
    pub fn new<'a>(dimension: Dimension, leaves: impl Iterator<Item = &'a str>) -> Self {
        let mut parents = BTreeMap::new();
        for leaf in leaves {
            let mut label = leaf.to_owned();
            while !parents.contains_key(&label) {
                let parent = (dimension.parent)(&label);
                parents.insert(label, parent.clone());
                let Some(parent) = parent else { break };
                label = parent;
            }
        }
        // In the order of labels, so that it does not matter in which they came.
        let nodes: BTreeMap<String, u32> = parents.keys().cloned().zip(TOTAL + 1..).collect();
        let node_of = |label: &Option<String>| label.as_ref().map_or(TOTAL, |label| nodes[label]);
        let parents: Vec<u32> = std::iter::once(TOTAL)
            .chain(parents.values().map(node_of))
            .collect();
        let inner: BTreeSet<u32> = parents.iter().skip(1).copied().collect();
        // Without a label, the total is all there is.
        let leaves = (TOTAL..parents.len() as u32).filter(|node| !inner.contains(node));
        let leaves = leaves.filter(|&node| node != TOTAL || nodes.is_empty());
        Self {
            labels: std::iter::once(String::new())
                .chain(nodes.keys().cloned())
                .collect(),
            leaves: leaves.collect(),
            parents,
            nodes,
        }
    }

    pub fn node(&self, label: &str) -> Option<u32> {
        self.nodes.get(label).copied()
    }

    /// The node, what it adds up to, and so on: the total last.
    pub fn path(&self, node: u32) -> impl Iterator<Item = u32> {
        std::iter::successors(Some(node), |&node| {
            (node != TOTAL).then(|| self.parents[node as usize])
        })
    }

    /// Every way in which a node can move up: the total and all between with it, or against
    /// another that moves down.
    pub fn shifts(&self, node: u32) -> Vec<Shift> {
        let is_below = |&leaf: &u32| self.path(leaf).any(|above| above == node);
        let (below, others): (Vec<u32>, Vec<u32>) =
            self.leaves.iter().partition(|leaf| is_below(leaf));
        let mut shifts = Vec::with_capacity(below.len() * (1 + others.len()));
        for leaf in below {
            shifts.push(self.path(leaf).map(|node| (node, Direction::Up)).collect());
            shifts.extend(others.iter().map(|&other| self.exchange(leaf, other)));
        }
        shifts
    }

    /// What moves where one leaf gains what another loses: not that which both add up to.
    fn exchange(&self, gains: u32, loses: u32) -> Shift {
        let of_gaining: Vec<u32> = self.path(gains).collect();
        let of_losing: Vec<u32> = self.path(loses).collect();
        let up = of_gaining.iter().filter(|node| !of_losing.contains(node));
        let down = of_losing.iter().filter(|node| !of_gaining.contains(node));
        up.map(|&node| (node, Direction::Up))
            .chain(down.map(|&node| (node, Direction::Down)))
            .collect()
    }
}
