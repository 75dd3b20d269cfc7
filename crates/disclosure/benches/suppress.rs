//! Milliseconds to decide a set of tables, printed with the expected time. Run with `cargo bench -p
//! affluenza-disclosure`. Each time is the best of several rounds.

use std::hint::black_box;
use std::time::Instant;

use affluenza_disclosure::{CountTable, Secret, TableDimension, Threshold};

const ROUNDS: u32 = 3;
const USES: &str = include_str!("../../simulator/figures/focus-2017/usage_2017_by_ente.csv");

fn main() {
    let mut matrix = CountTable::new(["ente", "category", "kind"].map(TableDimension::flat));
    for [ente, category, kind, uses] in rows() {
        matrix.add([ente, category, kind], uses.parse().expect("a count"));
    }
    run("matrix of 2017, with all margins", "150", &matrix);
}

fn rows() -> impl Iterator<Item = [&'static str; 4]> {
    USES.lines().skip(1).map(|line| {
        let mut fields = line.split(',');
        std::array::from_fn(|_| fields.next().expect("four columns"))
    })
}

#[expect(clippy::print_stdout, reason = "what a benchmark is for")]
fn run<const N: usize>(what: &str, expected: &str, table: &CountTable<N>) {
    let mut best = f64::INFINITY;
    let mut suppressed = 0;
    for _ in 0..ROUNDS {
        let started = Instant::now();
        let public = table.suppress(Threshold { k: 3 }, &Secret([0; 32]), &[]);
        suppressed = black_box(public).map_or(0, |public| public.suppressed());
        best = best.min(started.elapsed().as_secs_f64());
    }
    println!(
        "{what:36} {:9.2} ms (expected {expected}), {suppressed} cells hidden",
        best * 1e3
    );
}
