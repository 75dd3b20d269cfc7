//! A made-up region of many public bodies, attacked by someone who knows all its public figures.

mod attack;
mod region;

use std::collections::{BTreeMap, BTreeSet};

use affluenza_disclosure::edition::{OpenYear, Outcome, PublicYear, band_of};
use affluenza_disclosure::{Secret, Threshold};

use crate::attack::{Attacker, Labels};
use crate::region::{Region, YEAR};

const K: u64 = 3;
/// Number of bodies without the environment variable `BODIES`: just enough for a search along paths.
const BODIES: usize = 20;
const SEED: u64 = 21;

fn flat(_: &str) -> Option<String> {
    None
}

/// Two linear programmes for every hidden cell: 12 s for 20 bodies, 48 s for 29.
#[test]
fn nothing_hidden_is_recovered_in_a_region() {
    let bodies = std::env::var("BODIES").map_or(BODIES, |text| text.parse().expect("a number"));
    let year = Region::of(bodies, SEED).year();
    let open = OpenYear {
        year: YEAR,
        figures: &year.figures,
        offered: &year.offered,
        months: &[],
    };
    let outcome = Outcome::decide(open, Threshold { k: K }, &Secret([3; 32]), &[]);
    let Ok(Outcome::Edition(decided)) = outcome else {
        panic!("it can be protected: {outcome:?}");
    };
    let public = PublicYear::of(YEAR, &year.figures, &decided).expect("they agree");
    let cells = public.uses().cells().map(|(labels, cell)| {
        let labels: Labels<6> = labels.map(|label| label.map(str::to_owned));
        (labels, cell.shown())
    });
    let cells: BTreeMap<Labels<6>, Option<u64>> = cells.collect();
    let details = year.offered.iter().map(|offer| {
        let none = String::new;
        let [ente, category] = [offer.ente.clone(), offer.category.clone()];
        [
            ente,
            category,
            offer.kind.clone(),
            offer.service.clone(),
            none(),
            none(),
        ]
    });
    let details: Vec<[String; 6]> = details.collect::<BTreeSet<_>>().into_iter().collect();
    let attacker = Attacker {
        cells: &cells,
        parents: [flat, flat, flat, flat, flat, band_of],
        details: &details,
        tables: &[&[0, 1, 2], &[1, 3]],
    };
    let unknowns = attacker.unknowns().expect("it adds up");
    let recovered = unknowns.recovered(K).expect("it adds up");
    assert!(recovered.is_empty(), "seed {SEED}: {recovered:?}");
    println!(
        "{bodies} bodies, seed {SEED}: {} cells hidden",
        decided.uses.len()
    );
}
