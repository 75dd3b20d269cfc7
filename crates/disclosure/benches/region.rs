//! Seconds to decide the edition of made-up regions. `BODIES=29,300` sets the sizes.

#[path = "../tests/region/mod.rs"]
mod region;

use std::time::Instant;

use affluenza_disclosure::edition::{OpenYear, Outcome};
use affluenza_disclosure::{Secret, Threshold};
use region::{Region, YEAR};

const SEED: u64 = 21;

#[expect(clippy::print_stdout, reason = "what a benchmark is for")]
fn main() {
    let bodies = std::env::var("BODIES").unwrap_or_else(|_| "29".to_owned());
    for bodies in bodies.split(',') {
        let region = Region::of(bodies.parse().expect("a number"), SEED);
        let year = region.year();
        let open = OpenYear {
            year: YEAR,
            figures: &year.figures,
            offered: &year.offered,
            months: &[],
        };
        let started = Instant::now();
        let outcome = Outcome::decide(open, Threshold { k: 3 }, &Secret([3; 32]), &[]);
        let seconds = started.elapsed().as_secs_f64();
        let Outcome::Edition(decided) = outcome.expect("it can be protected") else {
            continue;
        };
        println!(
            "{bodies} bodies: {seconds:.2} s, {} hidden",
            decided.uses.len()
        );
    }
}
