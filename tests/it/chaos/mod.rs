//! Fault injection: processes are killed and stopped at any moment, offsets are lost, rules change,
//! and an aggregate rejects rows. At the end every event of the log must be counted exactly once.
//! The expected result is recounted from the log, without the program's pipeline.
//!
//! `make chaos SEED=7 KILLS=200` starts a long run. The seed determines the faults, their order and
//! the progress before each. The exact moment within a process depends on the machine.

mod faults;
mod load;
mod oracle;
mod random;
mod run;
mod setup;
mod world;

use crate::support::Engines;
pub use random::Random;
use run::Run;
pub use setup::lasting_port;

/// Kills in the run that belongs to the normal tests.
const KILLS: usize = 20;
const SEED: u64 = 2017;

pub fn nothing_is_lost_or_double(engines: &Engines) {
    let kills = of_environment("CHAOS_KILLS").map_or(KILLS, |kills| kills as usize);
    let mut run = Run::start(&engines.runtime, seed(), kills);
    run.go();
    run.finish();
}

/// Seed of the faults, from `CHAOS_SEED` or the default.
pub fn seed() -> u64 {
    match std::env::var("CHAOS_SEED").as_deref() {
        Ok("clock") => setup::nanos() % 1_000_000_007,
        _ => of_environment("CHAOS_SEED").unwrap_or(SEED),
    }
}

/// A number that `make chaos` sets.
fn of_environment(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(
        text.parse()
            .unwrap_or_else(|_| panic!("{name}={text}: give a number")),
    )
}
