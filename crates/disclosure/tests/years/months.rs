//! Months that are closed one by one, and the years that contain them, attacked by someone who has
//! kept every edition.

use affluenza_disclosure::edition::{ClosedPeriod, OpenMonth, Outcome, PublicYear};
use affluenza_disclosure::{Labels, Public, Secret, Threshold};
use affluenza_store::open::OpenFigures;

use crate::made::Made;
use crate::{
    Cells, K, OF_ACCESSES, OF_USES, SEED, cells, details, hidden, made, published, published_with,
    recovered,
};

const SECRET: Secret = Secret([4; 32]);
/// Place of the month among the labels of uses and of accesses.
const MONTHS: [usize; 2] = [4, 2];

/// Figures of one month.
fn of_month(figures: &OpenFigures, month: u8) -> OpenFigures {
    let months = figures.months.iter().filter(|row| row.month == month);
    OpenFigures {
        months: months.cloned().collect(),
        ..OpenFigures::default()
    }
}

/// Decides a month, given all editions of the year's months so far.
fn close(made: &Made, month: u8, before: &[PublicYear]) -> Option<PublicYear> {
    let period = ClosedPeriod::month(made.year, month);
    let figures = of_month(&made.figures, month);
    let open = OpenMonth {
        period,
        figures: &figures,
        editions: before,
    };
    let decided = Outcome::decide_month(open, Threshold { k: K }, &SECRET);
    match decided.expect("it can be protected") {
        Outcome::Edition(decided) => {
            Some(PublicYear::of(period, &figures, &decided).expect("it fits"))
        }
        Outcome::Unchanged => None,
    }
}

/// Adds the cells of a month to those of its year. What is shown in one edition is known.
fn collect<const N: usize>(all: &mut Cells<N>, public: &Public<N>, at: usize, label: &str) {
    for (labels, shown) in cells(public) {
        let mut labels: Labels<N> = labels;
        labels[at] = Some(label.to_owned());
        let known = all.entry(labels.clone()).or_insert(None);
        if let (Some(known), Some(shown)) = (&known, shown) {
            assert_eq!(*known, shown, "{labels:?} is the same in both");
        }
        *known = known.or(shown);
    }
}

/// Attacks the editions of some months, and of the year if it is closed. Returns the number of
/// hidden cells, and the cells that the attacker recovers.
fn attack(made: &Made, months: &[PublicYear], year: Option<&PublicYear>) -> (usize, Vec<String>) {
    let mut uses = year.map(|year| cells(year.uses())).unwrap_or_default();
    let mut accesses = year.map(|year| cells(year.accesses())).unwrap_or_default();
    for edition in months {
        let label = &edition.period().to_string();
        collect(&mut uses, edition.uses(), MONTHS[0], label);
        collect(&mut accesses, edition.accesses(), MONTHS[1], label);
    }
    let known = match year {
        Some(_) => details(made),
        None => Vec::new(),
    };
    let mut found = recovered(&uses, OF_USES, &known);
    found.extend(recovered(&accesses, OF_ACCESSES, &[]));
    (hidden(&uses).len() + hidden(&accesses).len(), found)
}

/// Twenty-four months of few uses: after each month, after each year, and with the register known.
#[test]
fn nothing_hidden_is_recovered_from_months_and_their_year() {
    let mut all = [0; 3];
    for made in made::small(SEED).into_iter().take(2) {
        let mut months = Vec::new();
        for month in 1..=12 {
            months.extend(close(&made, month, &months));
            let (hidden, found) = attack(&made, &months, None);
            assert_eq!(found, [""; 0], "{}-{month:02}", made.year);
            all[0] += hidden;
        }
        assert_eq!(months.len(), 12);
        let year = published_with(&made, &SECRET, &[], &months).expect("there is an edition");
        let (hidden, found) = attack(&made, &months, Some(&year));
        assert_eq!(found, [""; 0], "{}", made.year);
        all[1] += hidden;
        all[2] += hidden_cells(&crate::first(&made));
        let total = year.uses().cell([None; 6]);
        println!("{}: {total} uses, {hidden} cells hidden", made.year);
        assert!(!total.is_hidden(), "the total of {}", made.year);
    }
    let [of_months, of_years, without] = all;
    println!("{of_months} hidden in months, {of_years} in years; {without} without months");
}

fn hidden_cells(year: &PublicYear) -> usize {
    year.uses().suppressed() + year.accesses().suppressed()
}

/// The attacker sees what a year gives away that was protected without regard to its months.
#[test]
fn a_year_protected_alone_gives_its_months_away() {
    let made = &made::small(SEED)[0];
    let mut months = Vec::new();
    for month in 1..=12 {
        months.extend(close(made, month, &months));
    }
    let leak = (0..16).find(|secret| {
        let alone = published(made, &Secret([*secret; 32]), &[]).expect("it is the first");
        let (_, found) = attack(made, &months, Some(&alone));
        !found.is_empty()
    });
    println!("the year alone with secret {leak:?} gives cells away");
    assert!(leak.is_some(), "the attacker finds a leak");
}

/// Late uses of a month are published if they are many, and hidden wherever they are few.
#[test]
fn a_restated_month_does_not_tell_of_few_late_uses() {
    let mut made = made::small(SEED).swap_remove(0);
    let late = made.figures.months.iter().position(|row| row.month == 3);
    let late = late.expect("there are uses in March");
    let mut months = Vec::new();
    for month in 1..=3 {
        months.extend(close(&made, month, &months));
    }
    made.figures.months[late].service_uses += 1;
    assert!(
        close(&made, 3, &months).is_none(),
        "one late use is no edition"
    );
    let mut other = made.figures.months.iter();
    let other = other.rposition(|row| row.month == 3 && row.ente != made.figures.months[late].ente);
    made.figures.months[other.expect("another ente")].service_uses += 2 * K;
    let restated = close(&made, 3, &months).expect("seven uses came late");
    let [then, now] = [&months[2], &restated].map(|edition| cells(edition.uses()));
    crate::has_not_moved_little(&then, &now);
    assert_eq!(recovered(&now, OF_USES, &[]), [""; 0]);
}
