//! Compares the whole path: several contenders read one log of a real Kafka and write to one real
//! ClickHouse. Runs are interleaved, and results are medians.
//!
//! `make bench-path SCALE=0.7 ROUNDS=5 CONTENDERS=affluenza,plain` runs it. `make bench-freshness`
//! measures the time until an event is counted, and `make bench-live` the cost of an ordinary day.
//! Contenders other than the program itself run in copies of this one.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a bench prints its result"
)]

mod contender;
mod flink;
mod freshness;
#[path = "../../tests/it/http.rs"]
mod http;
mod in_sql;
mod limits;
mod live;
mod measure;
mod otelcol;
mod plain;
#[expect(dead_code, reason = "the tests need more of it")]
#[path = "../../tests/it/support.rs"]
mod support;
mod table;

use std::sync::Arc;

use crate::contender::{Contender, Target};
use crate::measure::Measured;
use crate::support::Engines;

fn main() {
    affluenza_engine::run_if_child();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let Some(role) = contender::Role::of(&arguments) {
        return role.play();
    }
    // Cargo also runs benches as tests of all targets; then the start is enough.
    if !arguments.iter().any(|argument| argument == "--bench") {
        return;
    }
    let runtime = tokio::runtime::Runtime::new().expect("threads can be started");
    let engines = Arc::new(runtime.block_on(Engines::start()));
    if std::env::var_os("FRESHNESS").is_some() {
        freshness::measure(&engines);
    } else if std::env::var_os("LIVE").is_some() {
        live::measure(&engines);
    } else {
        println!("{}", table::of(&compare(&engines)));
    }
    let engines = Arc::into_inner(engines).expect("nobody else has them");
    runtime.block_on(engines.stop());
}

/// Measurements of each contender, by round.
struct Results {
    events: u64,
    contenders: Vec<Contender>,
    rounds: Vec<Vec<(Contender, Measured)>>,
}

fn compare(engines: &Engines) -> Results {
    let place = engines.place("path");
    place.run(&["migrate"]);
    let scale = std::env::var("SCALE").unwrap_or_else(|_| "0.5".into());
    place.run(&[
        "simulate", "--focus", "2017", "--scale", &scale, "--seed", "7",
    ]);
    let events: u64 = place.ends().values().map(|end| end.0.unsigned_abs()).sum();
    let rounds: usize =
        std::env::var("ROUNDS").map_or(5, |rounds| rounds.parse().expect("ROUNDS is a number"));
    eprintln!("{events} events in the log, {rounds} rounds");
    let contenders = Contender::chosen();
    let mut results = Results {
        events,
        contenders: contenders.clone(),
        rounds: Vec::new(),
    };
    let mut totals = None;
    // The first round has cold caches and does not count.
    for round in 0..=rounds {
        let mut measured = Vec::new();
        for at in 0..contenders.len() {
            // The order rotates, so that each contender goes first equally often.
            let contender = contenders[(at + round) % contenders.len()];
            let target = Target::new(&place, engines, contender, round);
            let result = contender.run(&target, engines, events);
            eprintln!("round {round}, {contender}: {result}");
            measured.push((contender, result));
            if contender.writes() {
                let found = target.totals();
                let (first, expected) = &*totals.get_or_insert((contender, found.clone()));
                assert_eq!(&found, expected, "{contender} counts as {first} does");
            }
            target.drop_database();
        }
        if round > 0 {
            results.rounds.push(measured);
        }
    }
    results
}
