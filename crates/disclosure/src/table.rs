use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use crate::dimension::{TOTAL, TableDimension, Tree};
use crate::draws::Draws;
use crate::protect::{Given, Unprotected, protected};
use crate::public::Public;
use crate::system::{Figure, System};

/// Least count that is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Threshold {
    /// Counts from 1 to `k - 1` are small. With 0 or 1, no count is small.
    pub k: u64,
}

impl Threshold {
    pub(crate) fn is_small(self, count: u64) -> bool {
        (1..self.k).contains(&count)
    }
}

/// Labels of a cell; `None` stands for the total.
pub type Labels<const N: usize> = [Option<String>; N];

/// Counts by `N` dimensions, to be published with all their margins.
pub struct CountTable<const N: usize> {
    dimensions: [TableDimension; N],
    /// Breakdowns that are shown, with every margin of each.
    published: Vec<[bool; N]>,
    /// Breakdown that is not shown, but known to lie below the shown ones.
    detail: Option<[bool; N]>,
    /// Counts by the index of their breakdown, the detail last. Labels of other dimensions are
    /// empty.
    parts: BTreeMap<(usize, [String; N]), u64>,
}

/// A cell: a node in each dimension.
pub(crate) type Key<const N: usize> = [u32; N];

impl<const N: usize> CountTable<N> {
    /// Creates one table with every margin: the cells, the sums over each dimension, over each two,
    /// and so on to the grand total.
    pub fn new(dimensions: [TableDimension; N]) -> Self {
        Self {
            dimensions,
            published: vec![[true; N]],
            detail: None,
            parts: BTreeMap::new(),
        }
    }

    /// Creates several tables that share margins, each given by the names of its dimensions.
    /// Dimensions that share no table are never shown together, and cost nothing.
    ///
    /// ```
    /// use affluenza_disclosure::{Count, CountTable, Secret, TableDimension, Threshold};
    ///
    /// let dimensions = ["ente", "category", "month"].map(TableDimension::flat);
    /// let mut tables = CountTable::linked(dimensions, &[&["ente", "category"], &["ente", "month"]]);
    /// tables.add(["vicchio", "tributi", "2017-01"], 33);
    /// let public = tables.suppress(Threshold { k: 3 }, &Secret([7; 32]), &[]).unwrap();
    /// assert_eq!(public.cell([Some("vicchio"), None, Some("2017-01")]), Count::Shown(33));
    /// assert_eq!(public.cell([None, Some("tributi"), Some("2017-01")]), Count::Hidden);
    /// ```
    ///
    /// # Panics
    /// Panics if a table names an unknown dimension.
    pub fn linked(dimensions: [TableDimension; N], tables: &[&[&str]]) -> Self {
        let table = Self::new(dimensions);
        Self {
            published: tables.iter().map(|names| table.mask(names)).collect(),
            ..table
        }
    }

    /// Adds the detail: a breakdown that is not shown, but publicly known to lie below the shown
    /// ones. For example, the category, kind and providers of each service are public. Cells of the
    /// detail may be zero; those never [added](Self::add_detail) are known to be zero.
    ///
    /// # Panics
    /// Panics if it names an unknown dimension.
    #[must_use]
    pub fn with_detail(self, names: &[&str]) -> Self {
        Self {
            detail: Some(self.mask(names)),
            ..self
        }
    }

    fn mask(&self, names: &[&str]) -> [bool; N] {
        for name in names {
            assert!(
                self.dimensions
                    .iter()
                    .any(|dimension| dimension.name == *name),
                "there is no dimension {name}"
            );
        }
        self.dimensions
            .map(|dimension| names.contains(&dimension.name))
    }

    /// Adds a count to a cell of every shown table. Counts of the same cell are summed, in any
    /// order; a cell without counts is 0. A label must be a leaf, not a parent of others.
    pub fn add(&mut self, labels: [&str; N], count: u64) {
        for table in 0..self.published.len() {
            self.add_to(table, labels, count);
        }
    }

    /// Adds a count to one of the linked tables, given by its index. Use it for counts that are
    /// known table by table, not by all dimensions at once. Labels of dimensions outside this table
    /// are ignored. Each table must be given in full.
    ///
    /// ```
    /// use affluenza_disclosure::{CountTable, TableDimension};
    ///
    /// let dimensions = ["ente", "category", "month"].map(TableDimension::flat);
    /// let mut tables = CountTable::linked(dimensions, &[&["ente", "category"], &["ente", "month"]]);
    /// tables.add_to(0, ["vicchio", "tributi", ""], 33);
    /// tables.add_to(1, ["vicchio", "", "2017-01"], 30);
    /// assert!(!tables.agree()); // 33 uses of Vicchio, or 30?
    /// tables.add_to(1, ["vicchio", "", "2017-02"], 3);
    /// assert!(tables.agree());
    /// ```
    ///
    /// # Panics
    /// Panics if there is no table of this index.
    pub fn add_to(&mut self, table: usize, labels: [&str; N], count: u64) {
        self.add_part(table, self.published[table], labels, count);
    }

    /// Adds a count, which may be zero, to a cell of the detail.
    ///
    /// # Panics
    /// Panics if the table has no detail.
    pub fn add_detail(&mut self, labels: [&str; N], count: u64) {
        let detail = self.detail.expect("a breakdown that is not shown");
        self.add_part(self.published.len(), detail, labels, count);
    }

    fn add_part(&mut self, place: usize, has: [bool; N], labels: [&str; N], count: u64) {
        let labels = std::array::from_fn(|at| match has[at] {
            true => labels[at].to_owned(),
            false => String::new(),
        });
        *self.parts.entry((place, labels)).or_default() += count;
    }

    /// True if all tables agree on the margins that they share. Tables that disagree cannot be
    /// protected.
    pub fn agree(&self) -> bool {
        let made = self.made();
        made.system.adds_up(&made.system.counts()) && made.agrees
    }

    /// Decides which cells may be shown. Cells of `also` are hidden in any case, unless they are
    /// zero.
    ///
    /// # Errors
    /// No protection was found, so nothing may be shown.
    pub fn suppress(
        &self,
        threshold: Threshold,
        draws: &dyn Draws,
        also: &[Labels<N>],
    ) -> Result<Public<N>, Unprotected> {
        self.suppress_with_known(threshold, draws, also, &[])
    }

    /// Decides which cells may be shown if those of `known` were published before. Known cells are
    /// shown in any case. Cells of `also` are hidden, unless they are zero or known. If no protection
    /// is found, all cells that are not known are hidden.
    ///
    /// ```
    /// use affluenza_disclosure::{Count, CountTable, Secret, TableDimension, Threshold};
    ///
    /// let mut table = CountTable::new(["ente", "month"].map(TableDimension::flat));
    /// for (ente, march, april) in [("firenze", 50, 70), ("vicchio", 30, 2), ("pelago", 40, 60)] {
    ///     table.add([ente, "2017-03"], march);
    ///     table.add([ente, "2017-04"], april);
    /// }
    /// let march = ["firenze", "vicchio", "pelago"].map(|ente| [ente, "2017-03"]);
    /// let march = march.map(|labels| labels.map(|label| Some(label.to_owned())));
    /// let public = table
    ///     .suppress_with_known(Threshold { k: 3 }, &Secret([7; 32]), &[], &march)
    ///     .unwrap();
    /// assert_eq!(public.cell([Some("vicchio"), Some("2017-03")]), Count::Shown(30));
    /// assert_eq!(public.cell([Some("vicchio"), Some("2017-04")]), Count::Hidden);
    /// assert_eq!(public.cell([Some("vicchio"), None]), Count::Hidden); // or 32 - 30
    /// ```
    ///
    /// # Errors
    /// The counts contradict each other, or no protection was found.
    pub fn suppress_with_known(
        &self,
        threshold: Threshold,
        draws: &dyn Draws,
        also: &[Labels<N>],
        known: &[Labels<N>],
    ) -> Result<Public<N>, Unprotected> {
        let made = self.made();
        if !made.agrees {
            return Err(Unprotected::Contradiction);
        }
        let given = Given {
            hidden: made.places(also),
            known: made.places(known),
        };
        let hidden = protected(&made.system, threshold, draws, &given)?;
        Ok(made.public(self.published.clone(), &hidden))
    }

    /// Applies an earlier decision: shows every cell except those of `hidden`.
    ///
    /// # Errors
    /// A small count would be shown, or the counts contradict each other.
    pub fn with_hidden(
        &self,
        threshold: Threshold,
        hidden: &[Labels<N>],
    ) -> Result<Public<N>, Unprotected> {
        let made = self.made();
        if !made.agrees || !made.system.adds_up(&made.system.counts()) {
            return Err(Unprotected::Contradiction);
        }
        let hidden = made.places(hidden);
        let figures = made.system.figures.iter().enumerate();
        let mut small = figures
            .filter(|(_, figure)| figure.is_shown && threshold.is_small(figure.count))
            .map(|(place, _)| place);
        if small.any(|place| !hidden.contains(&place)) {
            return Err(Unprotected::SmallShown);
        }
        Ok(made.public(self.published.clone(), &hidden))
    }

    fn trees(&self) -> [Tree; N] {
        std::array::from_fn(|dimension| {
            let of_parts = self.parts.keys().filter(|(place, _)| {
                let has = self.published.get(*place).copied().or(self.detail);
                has.is_some_and(|has| has[dimension])
            });
            let labels: BTreeSet<&str> = of_parts
                .map(|(_, labels)| labels[dimension].as_str())
                .collect();
            Tree::new(self.dimensions[dimension], labels.into_iter())
        })
    }

    /// Builds the system of every cell that is not zero, and every sum that the cells form.
    fn made(&self) -> BuiltTable<N> {
        let trees = self.trees();
        let mut shown: BTreeMap<Key<N>, u64> = BTreeMap::new();
        let mut agrees = true;
        for (table, has) in self.published.iter().enumerate() {
            let mut cells: BTreeMap<Key<N>, u64> = BTreeMap::new();
            let of_table = self.parts.iter().filter(|((of, _), _)| *of == table);
            for ((_, labels), count) in of_table.filter(|(_, count)| **count > 0) {
                each(&paths(&trees, has, labels), |key| {
                    *cells.entry(key).or_default() += count;
                });
            }
            let earlier = shown.iter().filter(|(key, _)| belongs(has, key));
            let before = &self.published[..table];
            let shared = cells.iter().filter(|(key, _)| is_published(before, key));
            agrees &= shared.eq(earlier);
            shown.extend(cells);
        }
        let mut made = BuiltTable {
            keys: shown.keys().copied().collect(),
            system: System::default(),
            trees,
            agrees,
        };
        for (key, count) in &shown {
            let figure = made.figure(key, *count, &self.published);
            made.system.figures.push(figure);
        }
        made.add_margins();
        if let Some(detail) = self.detail {
            self.add_details(&mut made, detail);
        }
        made
    }

    #[cfg(test)]
    pub(crate) fn system(&self) -> System {
        self.made().system
    }

    fn add_details(&self, made: &mut BuiltTable<N>, detail: [bool; N]) {
        let shown: HashMap<Key<N>, usize> = made.index();
        let coarser = self
            .published
            .iter()
            .filter(|table| (0..N).all(|at| detail[at] || !table[at]));
        let coarser: Vec<&[bool; N]> = coarser.collect();
        let mut sums: BTreeMap<(usize, usize), Vec<(usize, i64)>> = BTreeMap::new();
        let place = self.published.len();
        let details = self.parts.iter().filter(|((of, _), _)| *of == place);
        for ((_, labels), count) in details {
            let wholes = coarser.iter().map(|table| {
                let key = std::array::from_fn(|at| match table[at] {
                    true => made.trees[at].node(&labels[at]).unwrap_or(TOTAL),
                    false => TOTAL,
                });
                shown.get(&key).copied()
            });
            let wholes: Option<Vec<usize>> = wholes.collect();
            // A part of a zero is zero.
            let Some(wholes) = wholes else {
                made.agrees &= *count == 0;
                continue;
            };
            let key: Key<N> = std::array::from_fn(|at| match detail[at] {
                true => made.trees[at].node(&labels[at]).unwrap_or(TOTAL),
                false => TOTAL,
            });
            let part = made.system.figures.len();
            made.system.figures.push(Figure {
                count: *count,
                is_shown: false,
                height: 0,
                name: labels.join("|"),
                key: key.as_slice().into(),
            });
            for (table, whole) in wholes.into_iter().enumerate() {
                sums.entry((table, whole)).or_default().push((part, 1));
            }
        }
        for (table, has) in coarser.iter().enumerate() {
            let cells = shown.iter();
            let finest = cells.filter(|(key, _)| (0..N).all(|at| has[at] == (key[at] != TOTAL)));
            // Nested labels are split by the dimension, not into details.
            let finest = finest.filter(|(key, _)| {
                (0..N).all(|at| made.trees[at].height(key[at]) == 0 || !has[at])
            });
            for (_, whole) in finest {
                let mut sum = sums.remove(&(table, *whole)).unwrap_or_default();
                sum.push((*whole, -1));
                made.system.sums.push(sum);
            }
        }
    }
}

/// A table as a system of figures and sums.
struct BuiltTable<const N: usize> {
    /// Keys of the shown cells, which come first among the figures.
    keys: Vec<Key<N>>,
    system: System,
    trees: [Tree; N],
    agrees: bool,
}

impl<const N: usize> BuiltTable<N> {
    fn index(&self) -> HashMap<Key<N>, usize> {
        self.keys.iter().copied().zip(0..).collect()
    }

    fn label(&self, key: &Key<N>, dimension: usize) -> Option<&str> {
        let node = key[dimension];
        (node != TOTAL).then(|| self.trees[dimension].labels[node as usize].as_str())
    }

    fn figure(&self, key: &Key<N>, count: u64, published: &[[bool; N]]) -> Figure {
        let of = published.iter().filter(|table| belongs(table, key));
        let heights = of.map(|table| {
            let of = (0..N).filter(|at| table[*at]);
            of.map(|at| self.trees[at].height(key[at])).sum::<u32>()
        });
        let labels = (0..N).map(|at| self.label(key, at).unwrap_or("*"));
        Figure {
            count,
            is_shown: true,
            height: heights.max().unwrap_or(0),
            name: labels.collect::<Vec<_>>().join("|"),
            key: key.as_slice().into(),
        }
    }

    /// Adds a sum for every shown cell that others add up to over one dimension.
    fn add_margins(&mut self) {
        let index = self.index();
        let mut sums: BTreeMap<(usize, usize), Vec<(usize, i64)>> = BTreeMap::new();
        for (place, key) in self.keys.iter().enumerate() {
            for dimension in (0..N).filter(|at| key[*at] != TOTAL) {
                let mut whole = *key;
                let above = self.trees[dimension].path(key[dimension]).nth(1);
                whole[dimension] = above.unwrap_or(TOTAL);
                let sum = sums.entry((index[&whole], dimension)).or_default();
                sum.push((place, 1));
            }
        }
        for ((whole, _), mut sum) in sums {
            sum.push((whole, -1));
            self.system.sums.push(sum);
        }
    }

    /// Returns the indices of cells among the figures. Cells that are zero have none.
    fn places(&self, cells: &[Labels<N>]) -> HashSet<usize> {
        let index = self.index();
        cells
            .iter()
            .filter_map(|labels| {
                let mut key = [TOTAL; N];
                for at in 0..N {
                    if let Some(label) = &labels[at] {
                        key[at] = self.trees[at].node(label)?;
                    }
                }
                index.get(&key).copied()
            })
            .collect()
    }

    fn public(self, published: Vec<[bool; N]>, hidden: &HashSet<usize>) -> Public<N> {
        let (away, shown): (Vec<usize>, Vec<usize>) =
            (0..self.keys.len()).partition(|place| hidden.contains(place));
        let shown = shown
            .into_iter()
            .map(|place| (self.keys[place], self.system.figures[place].count));
        let (shown, hidden) = (
            shown.collect(),
            away.into_iter().map(|place| self.keys[place]).collect(),
        );
        Public::new(self.trees, published, shown, hidden)
    }
}

/// Returns the nodes, by dimension, that a count of a table contributes to.
fn paths<const N: usize>(
    trees: &[Tree; N],
    has: &[bool; N],
    labels: &[String; N],
) -> [Vec<u32>; N] {
    std::array::from_fn(|at| match trees[at].node(&labels[at]) {
        Some(leaf) if has[at] => trees[at].path(leaf).collect(),
        _ => vec![TOTAL],
    })
}

/// Visits every combination of the nodes given for each dimension.
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

/// True if every dimension that a cell is broken down by is in the table.
fn belongs<const N: usize>(table: &[bool; N], key: &Key<N>) -> bool {
    (0..N).all(|at| table[at] || key[at] == TOTAL)
}

/// True if a cell belongs to one of the tables.
pub(crate) fn is_published<const N: usize>(tables: &[[bool; N]], key: &Key<N>) -> bool {
    tables.iter().any(|table| belongs(table, key))
}
