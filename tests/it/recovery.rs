//! Consumers that are killed, and consumers that join and leave.

use crate::support::{Engines, Place, eventually};

/// Shares of the log after which a consumer is killed.
const KILLED_AT: [f64; 5] = [0.02, 0.2, 0.21, 0.55, 0.8];
/// Session timeout: the minimum that Kafka allows.
const SESSION: (&str, &str) = (
    "AFFLUENZA__KAFKA__PROPERTIES__SESSION.TIMEOUT.MS",
    "\"6000\"",
);

pub fn killed_consumers_lose_and_double_nothing(engines: &Engines) {
    let place = engines.place("killed");
    place.run(&["migrate"]);
    for year in ["2016", "2017"] {
        place.run(&[
            "simulate", "--focus", year, "--scale", "0.1", "--seed", "11",
        ]);
    }
    let total: u64 = place.ends().values().map(|end| end.0.unsigned_abs()).sum();
    for part in KILLED_AT {
        let mut consumer = place.spawn_with(&["consume"], "consumer.log", &[SESSION]);
        eventually("the consumer gets on", || {
            assert!(
                !consumer.has_ended(),
                "it ended by itself; see consumer.log"
            );
            place.records_processed() as f64 >= total as f64 * part
        });
        consumer.kill();
    }
    place.run(&["consume", "--once"]);
    check_whole(&place, total);
    place.run(&["audit"]);
}

pub fn two_consumers_share_and_hand_over(engines: &Engines) {
    let place = engines.place("shared");
    place.run(&["migrate"]);
    place.run(&[
        "simulate", "--focus", "2017", "--scale", "0.1", "--seed", "12",
    ]);
    let mut first = place.spawn(&["consume"], "first.log");
    eventually("the first consumer gets on", || {
        assert!(!first.has_ended());
        place.records_processed() > 0
    });
    // The second consumer joins, takes over partitions while they are written, and leaves.
    let second = place.spawn(&["consume"], "second.log");
    let joined = place.folder.join("second.log");
    eventually("the second consumer is given partitions", || {
        std::fs::read_to_string(&joined).is_ok_and(|log| log.contains("partition assigned"))
    });
    place.run(&[
        "simulate", "--focus", "2016", "--scale", "0.1", "--seed", "12",
    ]);
    // `consume --once` ends when all records are processed, although other members have partitions.
    place.run(&["consume", "--once"]);
    let total: u64 = place.ends().values().map(|end| end.0.unsigned_abs()).sum();
    second.terminate();
    eventually("the first consumer finishes", || {
        assert!(!first.has_ended());
        place.records_processed() >= total
    });
    first.terminate();
    check_whole(&place, total);
}

/// Checks that every offset is one fact, and that the aggregates equal the facts.
pub fn check_whole(place: &Place<'_>, total: u64) {
    let facts = place.count("SELECT count() FROM usage_events");
    assert_eq!(
        facts,
        total,
        "none lost, none double; {} records, facts of one event: {:?}",
        place.records_processed(),
        place.access().rows(
            "SELECT toString(groupArray((kafka_partition, kafka_offset, time))) FROM usage_events
             GROUP BY identity HAVING count() > 1 LIMIT 5"
        )
    );
    assert_eq!(
        place.count("SELECT uniqExact(kafka_partition, kafka_offset) FROM usage_events"),
        total,
        "each offset once"
    );
    assert_eq!(
        place.count("SELECT sum(events) FROM usage_hourly"),
        total,
        "the aggregate as the facts"
    );
    let recounted = "SELECT sum(cityHash64(hour_start, ente, category, kind, toString(device), events)) FROM (
        SELECT hour_start, ente, category, kind, device, toUInt64(count()) AS events FROM usage_events GROUP BY ALL)";
    let kept = "SELECT sum(cityHash64(hour_start, ente, category, kind, toString(device), events)) FROM (
        SELECT hour_start, ente, category, kind, device, toUInt64(sum(h.events)) AS events FROM usage_hourly AS h GROUP BY ALL)";
    assert_eq!(place.count(recounted), place.count(kept), "cell by cell");
    assert_eq!(
        place.records_processed(),
        total,
        "the ledger accounts for every record"
    );
}
