//! List of the printed figures that an earlier rule showed, and that are hidden now.

use std::collections::BTreeSet;

use affluenza_disclosure::Labels;

use crate::attack::Attacker;
use crate::made::{self, Made};
use crate::{Cells, K, OF_USES, TABLES, cells, details, first, true_count};

const LIST: &str = include_str!("../../HIDDEN.md");
/// Cells that the earlier rule hid. It knew the matrix of ente, category and kind only, neither
/// catalogue nor register, and took an attacker without the program.
const BEFORE: &str = include_str!("hidden_before_2017.csv");
const HEAD: &str = "\
# Printed figures of 2017 that were public and are hidden now

The test `the_list_of_hidden_figures_is_right` compares this file with a run. `UPDATE_HIDDEN=1` makes the test write the
file. The uses are the printed ones, spread over the services of the example register. `*` is the total of a dimension.

The earlier rule protected the matrix of ente, category and kind by sums alone. None of the listed counts is small.
If one of the listed cells were shown, the attacker would recover a hidden cell. The reason names the smallest one.
\"Offers\" are the kind of each service and the enti that offer it, from register and catalogue.

";

fn is_of_matrix(labels: &Labels<6>) -> bool {
    labels[3..].iter().all(Option::is_none)
}

fn name(labels: &Labels<6>) -> String {
    let label = |label: &Option<String>| label.clone().unwrap_or_else(|| "*".to_owned());
    labels[..3].iter().map(label).collect::<Vec<_>>().join(", ")
}

/// Returns why a cell is hidden: the cell that the attacker recovers once this one is shown.
fn reason(made: &Made, uses: &Cells<6>, of: &Labels<6>) -> String {
    let mut uses = uses.clone();
    uses.insert(of.clone(), Some(true_count(made, of)));
    let hidden = uses
        .iter()
        .filter(|(labels, shown)| shown.is_none() && is_of_matrix(labels));
    let mut hidden: Vec<&Labels<6>> = hidden.map(|(labels, _)| labels).collect();
    hidden.sort_by_cached_key(|labels| true_count(made, labels));
    let knowledge = [(Vec::new(), "sums"), (details(made), "sums and offers")];
    for (details, by) in &knowledge {
        let attacker = Attacker {
            cells: &uses,
            parents: OF_USES,
            details,
            tables: &TABLES,
        };
        let unknowns = attacker.unknowns().expect("it adds up");
        let is_recovered =
            |labels: &&&Labels<6>| unknowns.range(labels).expect("it adds up").is_recovered(K);
        if let Some(found) = hidden.iter().find(is_recovered) {
            let found = name(found);
            return format!("secondary: gives away `{found}` by {by}");
        }
    }
    "decoy: the choice of cells must not give counts away to a reader with the program".to_owned()
}

/// Number of cells and sum of their uses, as a line of the list.
fn summary(made: &Made, when: &str, hidden: &[&Labels<6>], all: &[&Labels<6>]) -> String {
    let sum =
        |cells: &[&Labels<6>]| -> u64 { cells.iter().map(|labels| true_count(made, labels)).sum() };
    let share = sum(hidden) as f64 / sum(all) as f64 * 100.0;
    let (hidden, all) = (hidden.len(), all.len());
    format!(
        "* Hidden {when}: {hidden} of {all} cells, with {share:.2} % of the uses of all cells.\n"
    )
}

/// Names of the cells that the earlier rule hid.
fn hidden_before() -> BTreeSet<String> {
    let register = made::register();
    let lines = BEFORE.lines().skip(1);
    let name = |line: &str| {
        let (ente, rest) = line.split_once(',').expect("three columns");
        let code = register.ente(ente).map_or(ente, |ente| ente.code());
        format!("{code}, {}", rest.replace(',', ", "))
    };
    lines.map(name).collect()
}

fn list(made: &Made) -> String {
    let before = hidden_before();
    let uses = cells(first(made).uses());
    let all: Vec<&Labels<6>> = uses.keys().filter(|labels| is_of_matrix(labels)).collect();
    let now = all.iter().copied().filter(|labels| uses[*labels].is_none());
    let now: Vec<&Labels<6>> = now.collect();
    let then = all
        .iter()
        .copied()
        .filter(|labels| before.contains(&name(labels)));
    let then: Vec<&Labels<6>> = then.collect();
    assert_eq!(then.len(), before.len(), "the same cells");
    let mut text = HEAD.to_owned();
    text += &summary(made, "before", &then, &all);
    text += &summary(made, "now", &now, &all);
    text += "\n| ente, category, kind | uses | reason |\n|---|--:|---|\n";
    for labels in now.iter().filter(|labels| !then.contains(labels)) {
        let (name, count) = (name(labels), true_count(made, labels));
        text += &format!("| `{name}` | {count} | {} |\n", reason(made, &uses, labels));
    }
    text
}

#[test]
fn the_list_of_hidden_figures_is_right() {
    let list = list(&made::printed());
    if std::env::var_os("UPDATE_HIDDEN").is_some() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/HIDDEN.md");
        std::fs::write(path, &list).expect("it can be written");
    } else {
        assert_eq!(list, LIST, "run the test with UPDATE_HIDDEN=1");
    }
}
