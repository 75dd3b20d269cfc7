//! Measures the API on eleven years of data, with 7.5 million service uses per decade and the
//! matching accesses. Measures each resource with and without ETag, many clients at once, and a key
//! that polls while another floods. `make bench-polling` measures dashboards that poll while events come in.
//!
//! `make bench-api` runs it. `make bench-api KEEP=/folder` keeps the data in the folder for the
//! next run, which saves two minutes. The bench is bounded in count and time and uses only the
//! loopback interface.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a bench prints its result"
)]

mod asking;
#[expect(dead_code, reason = "another bench needs more of it")]
mod client;
mod crowd;
mod flood;
#[path = "../../tests/it/http.rs"]
mod http;
#[expect(dead_code, reason = "another bench needs more of it")]
#[path = "../path/measure.rs"]
mod measure;
mod polling;
#[expect(dead_code, reason = "the tests need more of it")]
#[path = "../../tests/it/support.rs"]
mod support;
mod years;

use std::path::Path;
use std::sync::Arc;

use crate::client::Served;
use crate::support::Engines;

fn main() {
    affluenza_engine::run_if_child();
    // Cargo also runs benches as tests of all targets; then the start is enough.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let runtime = tokio::runtime::Runtime::new().expect("threads can be started");
    let kept = std::env::var_os("KEEP").filter(|folder| !folder.is_empty());
    let engines = Arc::new(runtime.block_on(async {
        match &kept {
            Some(folder) => Engines::start_in(Path::new(folder)).await,
            None => Engines::start().await,
        }
    }));
    match std::env::var_os("POLLING") {
        Some(_) => println!("{}", polling::measure(&engines)),
        None => measure(&engines),
    }
    let engines = Arc::into_inner(engines).expect("nobody else has them");
    runtime.block_on(engines.stop());
}

fn measure(engines: &Engines) {
    let folder = engines.folder.join("bench_api");
    std::fs::create_dir_all(&folder).expect("the folder can be made");
    let place = engines.place_in(folder, "bench_api");
    println!("{}", years::eleven(&place));
    let all = place.run(&["keys", "create", "all"]);
    let enti = years::enti(&place);
    let [big, small] = enti.as_slice() else {
        panic!("two enti are asked about");
    };
    let of_ente = |ente: &str| place.run(&["keys", "create", ente, "--ente", ente]);
    let (of_big, of_small) = (of_ente(big), of_ente(small));

    let lifted = Served::start(&place, "lifted", client::LIFTED);
    println!("{}", asking::each_resource(&lifted, all.trim(), big));
    println!("{}", crowd::together(&lifted, all.trim()));
    drop(lifted);
    // Uses the default limits.
    let usual = Served::start(&place, "usual", &[]);
    println!(
        "{}",
        flood::beside(&usual, (of_big.trim(), big), (of_small.trim(), small))
    );
}

/// Returns the percentile of `sorted`, by the nearest rank.
fn percentile(sorted: &[f64], percent: usize) -> f64 {
    let at = (sorted.len() * percent).div_ceil(100).max(1) - 1;
    sorted[at.min(sorted.len() - 1)]
}
