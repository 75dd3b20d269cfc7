//! Whole years, attacked by someone who knows all their public figures.

#[path = "../attack/mod.rs"]
mod attack;
mod listed;
mod made;
mod months;

use std::collections::{BTreeMap, BTreeSet};

use affluenza_disclosure::edition::{OpenYear, Outcome, PublicYear, band_of};
use affluenza_disclosure::{Labels, Public, Secret, Threshold};

use crate::attack::{Attacker, Parent};
use crate::made::Made;

const K: u64 = 3;
const SEED: u64 = 2018;

fn flat(_: &str) -> Option<String> {
    None
}

const OF_USES: [Parent; 6] = [flat, flat, flat, flat, flat, band_of];
const OF_ACCESSES: [Parent; 5] = [flat, flat, flat, flat, band_of];
/// Breakdowns above the detail: by ente, category and kind, and by category and service.
const TABLES: [&[usize]; 2] = [&[0, 1, 2], &[1, 3]];

type Cells<const N: usize> = BTreeMap<Labels<N>, Option<u64>>;

fn published(made: &Made, secret: &Secret, earlier: &[PublicYear]) -> Option<PublicYear> {
    published_with(made, secret, earlier, &[])
}

/// Public edition of a year with closed months.
fn published_with(
    made: &Made,
    secret: &Secret,
    earlier: &[PublicYear],
    months: &[PublicYear],
) -> Option<PublicYear> {
    let year = OpenYear {
        year: made.year,
        figures: &made.figures,
        offered: &made.offered,
        months,
    };
    let decided = Outcome::decide(year, Threshold { k: K }, secret, earlier);
    match decided.expect("it can be protected") {
        Outcome::Edition(decided) => {
            Some(PublicYear::of(made.year, &made.figures, &decided).expect("it fits"))
        }
        Outcome::Unchanged => None,
    }
}

fn first(made: &Made) -> PublicYear {
    published(made, &Secret([3; 32]), &[]).expect("there is no earlier edition")
}

fn cells<const N: usize>(public: &Public<N>) -> Cells<N> {
    let owned = |labels: [Option<&str>; N]| labels.map(|label| label.map(str::to_owned));
    let cells = public.cells();
    cells
        .map(|(labels, cell)| (owned(labels), cell.shown()))
        .collect()
}

fn hidden<const N: usize>(cells: &Cells<N>) -> BTreeSet<&Labels<N>> {
    let hidden = cells.iter().filter(|(_, shown)| shown.is_none());
    hidden.map(|(labels, _)| labels).collect()
}

/// Detail known to the attacker: offers of the register, and the actual uses.
fn details(made: &Made) -> Vec<[String; 6]> {
    let part = |of: [&String; 4]| -> [String; 6] {
        std::array::from_fn(|at| {
            of.get(at)
                .map_or_else(String::new, |label| (*label).clone())
        })
    };
    let offered = made.offered.iter();
    let offered = offered.map(|of| part([&of.ente, &of.category, &of.kind, &of.service]));
    let used = made.figures.uses.iter();
    let used = used.map(|of| part([&of.ente, &of.category, &of.kind, &of.service]));
    let details: BTreeSet<[String; 6]> = offered.chain(used).collect();
    details.into_iter().collect()
}

/// Labels of the hidden cells that the attacker recovers.
fn recovered<const N: usize>(
    cells: &Cells<N>,
    parents: [Parent; N],
    details: &[[String; N]],
) -> Vec<String> {
    let attacker = Attacker {
        cells,
        parents,
        details,
        tables: &TABLES,
    };
    let unknowns = attacker.unknowns().expect("it adds up");
    let found = unknowns.recovered(K).expect("it adds up");
    found
        .into_iter()
        .map(|found| format!("{found:?}"))
        .collect()
}

fn years() -> Vec<Made> {
    let mut years = made::small(SEED);
    years.push(made::printed());
    years
}

/// True count of a cell without month and hour.
fn true_count(made: &Made, labels: &Labels<6>) -> u64 {
    let is_of =
        |of: [&String; 4]| (0..4).all(|at| labels[at].as_ref().is_none_or(|label| label == of[at]));
    let rows = made.figures.uses.iter();
    let rows = rows.filter(|row| is_of([&row.ente, &row.category, &row.kind, &row.service]));
    rows.map(|row| row.service_uses).sum()
}

/// Sums of the true counts without month and hour: of the hidden cells, and of all cells.
fn lost(made: &Made, cells: &Cells<6>) -> [u64; 2] {
    let of_uses = cells
        .iter()
        .filter(|(labels, _)| labels[4].is_none() && labels[5].is_none());
    let mut sums = [0; 2];
    for (labels, shown) in of_uses {
        let count = true_count(made, labels);
        sums[0] += if shown.is_none() { count } else { 0 };
        sums[1] += count;
    }
    sums
}

#[test]
fn nothing_hidden_is_recovered() {
    println!("seed {SEED}");
    let mut events = 0;
    for made in years() {
        let public = first(&made);
        let (uses, accesses) = (cells(public.uses()), cells(public.accesses()));
        let [lost, all] = lost(&made, &uses);
        println!(
            "{}: {} of {} cells hidden, with {lost} of {all} uses; {} of {} of accesses",
            made.year,
            hidden(&uses).len(),
            uses.len(),
            hidden(&accesses).len(),
            accesses.len()
        );
        // The attack is run with the known offers, and without.
        for details in [details(&made), Vec::new()] {
            assert_eq!(
                recovered(&uses, OF_USES, &details),
                [""; 0],
                "{}",
                made.year
            );
        }
        assert_eq!(
            recovered(&accesses, OF_ACCESSES, &[]),
            [""; 0],
            "{}",
            made.year
        );
        assert!(
            uses[&[const { None }; 6]].is_some(),
            "the total of {}",
            made.year
        );
        if made.year != 2017 {
            let months = made.figures.months.iter();
            events += months
                .map(|row| row.accesses + row.service_uses)
                .sum::<u64>();
            continue;
        }
        for (labels, shown) in &uses {
            let is_total = labels[1..].iter().all(Option::is_none);
            assert!(!is_total || shown.is_some(), "the total of {labels:?}");
        }
    }
    assert_eq!(events, 5_718);
}

/// A late use changes a few cells by one. A reader who kept the earlier edition must not find it.
#[test]
fn a_restated_year_does_not_tell_of_few_late_uses() {
    for mut made in made::small(SEED).into_iter().take(3) {
        let before = first(&made);
        made.add_late(0, 1);
        let secret = Secret([3; 32]);
        let none = published(&made, &secret, &[before]);
        assert!(none.is_none(), "one late use is no edition of its own");
        made.add_late(0, K - 1);
        made.add_late(1, 1);
        let earlier = first(
            &made::small(SEED)
                .into_iter()
                .find(|of| of.year == made.year)
                .expect("the same"),
        );
        let (uses_then, accesses_then) = (cells(earlier.uses()), cells(earlier.accesses()));
        let now = published(&made, &secret, &[earlier]).expect("four uses came late");
        let (uses, accesses) = (cells(now.uses()), cells(now.accesses()));
        has_not_moved_little(&uses_then, &uses);
        has_not_moved_little(&accesses_then, &accesses);
        assert_eq!(recovered(&uses, OF_USES, &details(&made)), [""; 0]);
    }
}

fn has_not_moved_little<const N: usize>(then: &Cells<N>, now: &Cells<N>) {
    for (labels, shown) in now {
        match (then.get(labels).copied().unwrap_or(Some(0)), shown) {
            (None, shown) => assert!(shown.is_none(), "{labels:?} was hidden"),
            (Some(then), Some(now)) => {
                assert!(
                    !(1..K).contains(&then.abs_diff(*now)),
                    "{labels:?}: {then}, {now}"
                );
            }
            (Some(_), None) => {}
        }
    }
}
