//! An attacker who knows the published cells, their sums and the rules of suppression, and solves
//! two linear programmes for every hidden cell.

mod attack;

use std::collections::BTreeMap;

use affluenza_disclosure::{Count, CountTable, Public, Secret, TableDimension, Threshold};
use proptest::prelude::*;

use crate::attack::{Attacker, Labels, Parent};

const USES: &str = include_str!("../../simulator/figures/focus-2017/usage_2017_by_ente.csv");

/// Counts, their dimensions, and the breakdowns that are published.
struct Case<const N: usize> {
    counts: Vec<([String; N], u64)>,
    /// Next higher label, by dimension.
    parents: [Parent; N],
    tables: Vec<Vec<usize>>,
    threshold: Threshold,
}

const NAMES: [&str; 4] = ["a", "b", "c", "d"];

impl<const N: usize> Case<N> {
    fn new(counts: Vec<([String; N], u64)>, threshold: Threshold) -> Self {
        Self {
            counts,
            parents: [|_| None; N],
            tables: vec![(0..N).collect()],
            threshold,
        }
    }

    fn suppress(&self) -> Public<N> {
        let dimensions =
            std::array::from_fn(|at| TableDimension::nested(NAMES[at], self.parents[at]));
        let tables: Vec<Vec<&str>> = self
            .tables
            .iter()
            .map(|table| table.iter().map(|at| NAMES[*at]).collect())
            .collect();
        let tables: Vec<&[&str]> = tables.iter().map(Vec::as_slice).collect();
        let mut table = CountTable::linked(dimensions, &tables);
        for (labels, count) in &self.counts {
            table.add(labels.each_ref().map(String::as_str), *count);
        }
        table
            .suppress(self.threshold, &Secret([9; 32]), &[])
            .expect("it can be protected")
    }

    /// True count of every published cell, computed independently of the crate.
    fn truth(&self) -> BTreeMap<Labels<N>, u64> {
        let mut cells = BTreeMap::new();
        for table in &self.tables {
            let mut of_table = BTreeMap::new();
            for (labels, count) in &self.counts {
                let mut keys = vec![std::array::from_fn(|_| None)];
                for &at in table {
                    let mut further = Vec::new();
                    for key in keys {
                        let mut label = Some(labels[at].clone());
                        while let Some(of_level) = label {
                            let mut key: Labels<N> = key.clone();
                            key[at] = Some(of_level.clone());
                            further.push(key);
                            label = (self.parents[at])(&of_level);
                        }
                        further.push(key);
                    }
                    keys = further;
                }
                for key in keys {
                    *of_table.entry(key).or_insert(0) += count;
                }
            }
            cells.extend(of_table);
        }
        cells
    }

    /// Panics if the attacker recovers a cell, and prints it.
    fn attack(&self, public: &Public<N>) {
        let k = self.threshold.k;
        let truth = self.truth();
        for (key, &count) in &truth {
            match cell(public, key) {
                Count::Shown(shown) => assert!(
                    shown == count && !(1..k).contains(&count),
                    "{key:?}: {shown} of {count}"
                ),
                Count::Hidden => assert!(count > 0, "{key:?}: a zero is hidden"),
            }
        }
        let cells = truth
            .keys()
            .map(|key| (key.clone(), cell(public, key).shown()));
        let cells = cells.collect();
        let attacker = Attacker {
            cells: &cells,
            parents: self.parents,
            details: &[],
            tables: &[],
        };
        let unknowns = attacker.unknowns().expect("it adds up");
        let recovered = unknowns.recovered(k).expect("it adds up");
        assert!(recovered.is_empty(), "{recovered:?} of {cells:?}");
    }
}

fn cell<const N: usize>(public: &Public<N>, key: &Labels<N>) -> Count {
    public.cell(key.each_ref().map(Option::as_deref))
}

fn rows_of_2017() -> Vec<([String; 3], u64)> {
    csv::Reader::from_reader(USES.as_bytes())
        .deserialize()
        .map(|row| row.expect("a row"))
        .map(
            |(ente, category, kind, uses): (String, String, String, u64)| {
                ([ente, category, kind], uses)
            },
        )
        .collect()
}

#[test]
fn nothing_of_the_matrix_of_2017_can_be_worked_out() {
    for k in [2, 3, 5, 10] {
        let case = Case::new(rows_of_2017(), Threshold { k });
        let public = case.suppress();
        case.attack(&public);
        assert_eq!(public.cell([None, None, None]), Count::Shown(749_866));
    }
}

/// The matrix has 239 cells with all margins; 8 of them are small.
#[test]
fn little_of_the_matrix_of_2017_is_lost() {
    let case = Case::new(rows_of_2017(), Threshold { k: 3 });
    let public = case.suppress();
    let truth = case.truth();
    let hidden = truth
        .iter()
        .filter(|(key, _)| cell(&public, key).is_hidden());
    let lost: u64 = hidden.map(|(_, count)| count).sum();
    let all: u64 = truth.values().sum();
    assert!(public.suppressed() <= 60, "{} hidden", public.suppressed());
    assert!(lost * 60 < all, "{lost} of {all} lost");
    let is_total = |key: &&Labels<3>| key.iter().flatten().count() < 2;
    for key in truth.keys().filter(is_total) {
        assert!(!cell(&public, key).is_hidden(), "the total of {key:?}");
    }
}

#[test]
fn a_single_person_is_not_found_in_any_margin() {
    let row = |labels: [&str; 2], count| (labels.map(str::to_owned), count);
    let alone = Case::new(vec![row(["firenze", "tributi"], 1)], Threshold { k: 3 });
    assert_eq!(alone.suppress().suppressed(), 4);
    let row_of_one = vec![
        row(["firenze", "tributi"], 700),
        row(["firenze", "lavoro"], 800),
        row(["vicchio", "lavoro"], 1),
    ];
    let case = Case::new(row_of_one, Threshold { k: 3 });
    case.attack(&case.suppress());
}

#[test]
fn no_data_is_nothing_to_hide() {
    let table = CountTable::new(["ente", "category"].map(TableDimension::flat));
    let public = table.suppress(Threshold { k: 3 }, &Secret([0; 32]), &[]);
    let public = public.expect("there is nothing to protect");
    assert_eq!(public.cell([None, None]), Count::Shown(0));
    assert_eq!(public.cell([Some("firenze"), None]), Count::Shown(0));
    assert_eq!(public.cells().count(), 0);
}

fn threshold() -> impl Strategy<Value = Threshold> {
    (0_u64..7).prop_map(|k| Threshold { k })
}

fn counts<const N: usize>(sizes: [u8; N]) -> impl Strategy<Value = Vec<([String; N], u64)>> {
    let labels = sizes.map(|size| (0..size).prop_map(|label| format!("{}{label}", label % 2)));
    let count = prop_oneof![2 => 1_u64..4, 1 => 4_u64..12, 1 => 12_u64..2_000];
    prop::collection::vec((labels, count), 0..40)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn one_way(counts in counts([8]), threshold in threshold()) {
        let case = Case::new(counts, threshold);
        case.attack(&case.suppress());
    }

    #[test]
    fn two_way(counts in counts([5, 4]), threshold in threshold()) {
        let case = Case::new(counts, threshold);
        case.attack(&case.suppress());
    }

    #[test]
    fn three_way(counts in counts([5, 4, 3]), threshold in threshold()) {
        let case = Case::new(counts, threshold);
        case.attack(&case.suppress());
    }

    /// Labels with the same first digit add up to the label of that digit.
    #[test]
    fn over_time(counts in counts([3, 3, 6]), threshold in threshold()) {
        let parent = |label: &str| (label.len() > 1).then(|| label[..1].to_owned());
        let case = Case { parents: [|_| None, |_| None, parent], ..Case::new(counts, threshold) };
        case.attack(&case.suppress());
    }

    #[test]
    fn tables_that_share_margins(counts in counts([4, 3, 2, 4]), threshold in threshold()) {
        let tables = vec![vec![0, 1, 2], vec![0, 3], vec![2, 3]];
        let case = Case { tables, ..Case::new(counts, threshold) };
        case.attack(&case.suppress());
    }

    #[test]
    fn the_order_of_rows_does_not_matter(counts in counts([4, 3, 3]), threshold in threshold()) {
        let mut reversed = counts.clone();
        reversed.reverse();
        let (one, other) = (Case::new(counts, threshold), Case::new(reversed, threshold));
        prop_assert!(one.suppress().cells().eq(other.suppress().cells()));
    }

    /// Tables given one by one hide the same cells as tables given at once.
    #[test]
    fn tables_given_apart(counts in counts([4, 3, 2, 4]), threshold in threshold()) {
        let names: [&[&str]; 3] = [&["a", "b", "c"], &["a", "d"], &["c", "d"]];
        let tables = vec![vec![0, 1, 2], vec![0, 3], vec![2, 3]];
        let case = Case { tables: tables.clone(), ..Case::new(counts.clone(), threshold) };
        let mut apart = CountTable::linked(NAMES.map(TableDimension::flat), &names);
        for (labels, count) in &counts {
            for table in 0..tables.len() {
                apart.add_to(table, labels.each_ref().map(String::as_str), *count);
            }
        }
        prop_assert!(apart.agree());
        let apart = apart.suppress(threshold, &Secret([9; 32]), &[]).expect("it can be protected");
        let at_once = case.suppress();
        prop_assert!(apart.cells().eq(at_once.cells()));
    }
}
