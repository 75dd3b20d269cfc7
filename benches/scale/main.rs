//! Measures the program with 29, 300, 2,000 and 8,000 public bodies: the register, the start, the
//! cost of an event, the API, the closing of a year, the report, the first page, and the memory of
//! every process.
//!
//! `make bench-scale` runs it. `ENTI=29,300` chooses the sizes, `EVENTS=500000` the events of a
//! year with 8,000 bodies (fewer bodies have proportionally fewer), and `BOUND=60` the seconds
//! after which a step is killed and printed as `> 60`.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a bench prints its result"
)]

#[expect(dead_code, reason = "the tests need more of it")]
#[path = "../../tests/it/browser.rs"]
mod browser;
#[path = "../api/client.rs"]
mod client;
#[expect(dead_code, reason = "the tests need more of it")]
#[path = "../../tests/it/http.rs"]
mod http;
#[expect(dead_code, reason = "another bench needs more of it")]
#[path = "../path/measure.rs"]
mod measure;
mod region;
mod run;
#[expect(dead_code, reason = "the tests need more of it")]
#[path = "../../tests/it/support.rs"]
mod support;
mod table;

use std::sync::Arc;

use crate::region::Size;
use crate::support::Engines;
use crate::table::Table;

/// Bodies for which `EVENTS` are given.
const COUNTRY: usize = 8_000;

fn main() {
    affluenza_engine::run_if_child();
    // Cargo also runs benches as tests of all targets; then the start is enough.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let enti = std::env::var("ENTI").ok().filter(|text| !text.is_empty());
    let enti = enti.unwrap_or_else(|| "29,300,2000,8000".to_owned());
    let events = number("EVENTS", 5_000_000);
    let bound = std::time::Duration::from_secs(number("BOUND", 900));
    let runtime = tokio::runtime::Runtime::new().expect("threads can be started");
    let engines = Arc::new(runtime.block_on(Engines::start()));
    let columns = enti.split(',').map(|enti| {
        let enti: usize = enti.trim().parse().expect("ENTI are numbers");
        let events = events * enti as u64 / COUNTRY as u64;
        Size {
            enti,
            events,
            bound,
        }
        .measure(&engines)
    });
    println!("{}", Table(columns.collect()));
    let engines = Arc::into_inner(engines).expect("nobody else has them");
    runtime.block_on(engines.stop());
}

fn number(name: &str, default: u64) -> u64 {
    let text = std::env::var(name).ok().filter(|text| !text.is_empty());
    text.map_or(default, |text| {
        text.parse()
            .unwrap_or_else(|_| panic!("{name} is a number"))
    })
}

/// Returns the percentile of `sorted`, by the nearest rank.
fn percentile(sorted: &[f64], percent: usize) -> f64 {
    let at = (sorted.len() * percent).div_ceil(100).max(1) - 1;
    sorted[at.min(sorted.len() - 1)]
}
