//! Prints nanoseconds per operation and the expected limit. Run with `cargo bench -p
//! affluenza-classify`.
//!
//! The corpus is `tests/fixtures/user_agents.tsv`, with real browsers and bots. Each time is the
//! best of several rounds, because other load on the machine can only add time.

use std::hint::black_box;
use std::net::IpAddr;
use std::time::Instant;

use affluenza_classify::device::{CachedClassifier, Hints, classify};
use affluenza_classify::geo::truncate_ip;
use affluenza_classify::hours::Zone;
use jiff::civil::date;

const ROUNDS: u32 = 15;
const CORPUS: &str = include_str!("../tests/fixtures/user_agents.tsv");

fn main() {
    let agents: Vec<&str> = CORPUS
        .lines()
        .filter(|line| !line.starts_with('#'))
        .skip(1)
        .filter_map(|line| line.split('\t').next())
        .collect();
    print(
        "device, not cached",
        "4,000",
        best(agents.len(), || {
            for agent in &agents {
                black_box(classify(black_box(agent), &Hints::NONE));
            }
        }),
    );

    let mut cached = CachedClassifier::default();
    print(
        "device, cached",
        "60",
        best(agents.len(), || {
            for agent in &agents {
                black_box(cached.classify(black_box(agent), &Hints::NONE));
            }
        }),
    );

    let rome = Zone::default();
    let year_ms = 31_536_000_000_i64;
    let instants: Vec<i64> = (0..10_000)
        .map(|step| 1_483_228_800_000 + step * (year_ms / 10_000))
        .collect();
    print(
        "local hour",
        "150",
        best(instants.len(), || {
            for instant in &instants {
                black_box(rome.local(black_box(*instant)));
            }
        }),
    );

    let (from, to) = (date(2017, 1, 1), date(2018, 1, 1));
    print(
        "hours of a year",
        "5,000",
        best(1, || {
            black_box(rome.existing_hours(black_box(from), black_box(to)));
        }),
    );

    let address: IpAddr = "2a01:e11:5007:ef10:1:2:3:4".parse().expect("an address");
    print(
        "truncate address",
        "5",
        best(1_000, || {
            for _ in 0..1_000 {
                black_box(truncate_ip(black_box(address)));
            }
        }),
    );
}

/// Returns nanoseconds per operation in the fastest round.
fn best(operations: usize, mut work: impl FnMut()) -> f64 {
    work();
    (0..ROUNDS)
        .map(|_| {
            let start = Instant::now();
            work();
            start.elapsed().as_nanos() as f64 / operations as f64
        })
        .fold(f64::INFINITY, f64::min)
}

#[expect(clippy::print_stdout, reason = "printing is what a bench is for")]
fn print(what: &str, expected: &str, nanoseconds: f64) {
    println!("{what:24} {nanoseconds:10.1} ns   (expected below {expected} ns)");
}
