//! Upgrades between releases: consumers are restarted one by one while events arrive.

use std::time::Instant;

use crate::recovery::check_whole;
use crate::support::{Engines, Running, eventually};

/// Number of restarts of each of the two consumers.
const ROUNDS: usize = 2;

pub fn consumers_restart_one_after_the_other_under_load(engines: &Engines) {
    let place = engines.place("rolling");
    place.run(&["migrate"]);
    let start = |name: &str| -> Running {
        place.spawn_with(
            &["consume"],
            &format!("{name}.log"),
            &[("AFFLUENZA__KAFKA__INSTANCE", name)],
        )
    };
    let mut consumers = [Some(start("a")), Some(start("b"))];
    eventually("both have partitions", || {
        ["a", "b"].iter().all(|name| {
            let log = place.folder.join(format!("{name}.log"));
            std::fs::read_to_string(log).is_ok_and(|log| log.contains("partition assigned"))
        })
    });
    let load = |seed: &str| {
        let arguments = [
            "simulate", "--focus", "2017", "--scale", "0.1", "--seed", seed,
        ];
        place.spawn(&arguments, "load.log")
    };
    let began = Instant::now();
    let mut restarts = 0;
    for round in 0..ROUNDS {
        let mut loading = load(&round.to_string());
        for (number, name) in ["a", "b"].into_iter().enumerate() {
            // Waits for progress, so that the consumer is stopped while it works.
            let before = place.records_processed();
            eventually("blocks are written", || {
                place.records_processed() > before || loading.has_ended()
            });
            consumers[number].take().expect("it runs").terminate();
            consumers[number] = Some(start(name));
            restarts += 1;
        }
        eventually("the load ends", || loading.has_ended());
    }
    let total: u64 = place.ends().values().map(|end| end.0.unsigned_abs()).sum();
    eventually("all is stored", || {
        let mut running = consumers.iter_mut().flatten();
        assert!(running.all(|consumer| !consumer.has_ended()));
        place.records_processed() >= total
    });
    eprintln!(
        "rolling restart: {total} events, {restarts} restarts in {:.1} s",
        began.elapsed().as_secs_f64()
    );
    for consumer in consumers.into_iter().flatten() {
        consumer.terminate();
    }
    check_whole(&place, total);
    place.run(&["audit"]);
}
