use std::collections::BTreeMap;

/// A dimension that a table is broken down by, such as ente, category or month. Its labels add up
/// to a total; nested labels add up to parent labels first.
#[derive(Clone, Copy, Debug)]
pub struct TableDimension {
    pub(crate) name: &'static str,
    parent: fn(&str) -> Option<String>,
}

impl TableDimension {
    /// Creates a dimension whose labels add up directly to the total.
    pub const fn flat(name: &'static str) -> Self {
        Self {
            name,
            parent: |_| None,
        }
    }

    /// Creates a dimension whose labels add up to parent labels, and these to the total. `parent`
    /// returns the next higher label, or `None` for the total. Repeated calls must reach `None`.
    ///
    /// ```
    /// use affluenza_disclosure::{Count, CountTable, Secret, TableDimension, Threshold};
    ///
    /// let day = TableDimension::nested("day", |date| Some(date.rsplit_once('-')?.0.to_owned()));
    /// let mut table = CountTable::new([day]);
    /// for (date, uses) in [("2017-03-01", 5), ("2017-03-02", 2), ("2017-04-01", 8)] {
    ///     table.add([date], uses);
    /// }
    /// let public = table.suppress(Threshold { k: 3 }, &Secret([7; 32]), &[]).unwrap();
    /// assert_eq!(public.cell([Some("2017-03-02")]), Count::Hidden);
    /// assert_eq!(public.cell([Some("2017-03")]), Count::Shown(7));
    /// assert_eq!(public.cell([Some("2017")]), Count::Shown(15));
    /// ```
    pub const fn nested(name: &'static str, parent: fn(&str) -> Option<String>) -> Self {
        Self { name, parent }
    }
}

/// Node of the total in every dimension.
pub(crate) const TOTAL: u32 = 0;

/// The labels of a dimension as a tree below its total.
pub(crate) struct Tree {
    /// Label of each node. The total's label is empty and never looked up.
    pub labels: Vec<String>,
    parents: Vec<u32>,
    heights: Vec<u32>,
    nodes: BTreeMap<String, u32>,
}

impl Tree {
    pub fn new<'a>(dimension: TableDimension, leaves: impl Iterator<Item = &'a str>) -> Self {
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
        // Nodes are numbered in the order of labels, so that the order of the input does not
        // matter.
        let nodes: BTreeMap<String, u32> = parents.keys().cloned().zip(TOTAL + 1..).collect();
        let parents: Vec<u32> = std::iter::once(TOTAL)
            .chain(parents.values().map(|parent| match parent {
                Some(label) => nodes[label],
                None => TOTAL,
            }))
            .collect();
        let mut heights = vec![0; parents.len()];
        for leaf in TOTAL + 1..parents.len() as u32 {
            let mut node = leaf;
            let mut height = 0;
            while node != TOTAL {
                node = parents[node as usize];
                height += 1;
                heights[node as usize] = height.max(heights[node as usize]);
            }
        }
        Self {
            labels: std::iter::once(String::new())
                .chain(nodes.keys().cloned())
                .collect(),
            heights,
            parents,
            nodes,
        }
    }

    pub fn node(&self, label: &str) -> Option<u32> {
        self.nodes.get(label).copied()
    }

    /// Returns the node and all its ancestors, the total last.
    pub fn path(&self, node: u32) -> impl Iterator<Item = u32> {
        std::iter::successors(Some(node), |&node| {
            (node != TOTAL).then(|| self.parents[node as usize])
        })
    }

    /// Returns the steps from the node down to its deepest leaf: 0 for a leaf, 1 for the total of a
    /// flat dimension.
    pub fn height(&self, node: u32) -> u32 {
        self.heights[node as usize]
    }
}
