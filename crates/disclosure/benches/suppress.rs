//! Milliseconds to decide on a set of tables, beside what was expected. Run with
//! `cargo bench -p affluenza-disclosure`. Times are the best of several rounds.

use std::hint::black_box;
use std::time::Instant;

use affluenza_disclosure::{Dimension, Table, Threshold};

const ROUNDS: u32 = 15;
const USES: &str = include_str!("../../simulator/figures/focus-2017/usage_2017_by_ente.csv");

fn main() {
    let mut matrix = Table::new(["ente", "category", "kind"].map(Dimension::flat));
    for [ente, category, kind, uses] in rows() {
        matrix.add([ente, category, kind], uses.parse().expect("a count"));
    }
    run("matrix of 2017, with all margins", "5", &matrix);

    // The same enti, categories and kinds, every cell used, a month at a time.
    let mut year = Table::new(["ente", "category", "kind", "month"].map(Dimension::flat));
    let mut draw = 1_u64;
    for cell in 0..29 * 12 * 3 * 12_u64 {
        draw = draw
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let uses = match draw >> 61 {
            0 => (draw >> 40) % 3,
            size => (draw >> 32) % 10_u64.pow(size as u32),
        };
        let [ente, category, kind, month] =
            [cell % 29, cell / 29 % 12, cell / 348 % 3, cell / 1044].map(|label| label.to_string());
        year.add([&ente, &category, &kind, &month], uses);
    }
    run("29 x 12 x 3 x 12 months, 8% small", "1000", &year);
}

fn rows() -> impl Iterator<Item = [&'static str; 4]> {
    USES.lines().skip(1).map(|line| {
        let mut fields = line.split(',');
        std::array::from_fn(|_| fields.next().expect("four columns"))
    })
}

#[expect(clippy::print_stdout, reason = "what a benchmark is for")]
fn run<const N: usize>(what: &str, expected: &str, table: &Table<N>) {
    let mut best = f64::INFINITY;
    let mut suppressed = 0;
    for _ in 0..ROUNDS {
        let started = Instant::now();
        suppressed = black_box(table.suppress(Threshold::default())).suppressed();
        best = best.min(started.elapsed().as_secs_f64());
    }
    println!(
        "{what:36} {:9.2} ms (expected {expected}), {suppressed} cells hidden",
        best * 1e3
    );
}
