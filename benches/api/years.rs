//! Eleven years of data: 2016 and 2017 come the whole way, from Kafka through the consumer; 2017
//! is then written nine times more as the years that follow, other events and other visitors.

use std::time::{Duration, Instant};

use crate::support::{Place, eventually};

const COPIES: u32 = 9;
const PATIENCE: Duration = Duration::from_secs(120);

/// Makes them, and says what there is.
pub fn eleven(place: &Place<'_>) -> String {
    let began = Instant::now();
    place.run(&["migrate"]);
    for year in ["2016", "2017"] {
        place.run(&["simulate", "--focus", year, "--seed", "7"]);
    }
    place.run(&["consume", "--once"]);
    let access = place.access();
    let ask = |query: &str| {
        access
            .ask(query, PATIENCE)
            .unwrap_or_else(|error| panic!("{query}: {error}"))
    };
    for copy in 1..=COPIES {
        ask(&format!(
            "INSERT INTO usage_events
             SELECT * REPLACE (addYears(time, {copy}) AS time, addYears(hour_start, {copy}) AS hour_start, addYears(local_date, {copy}) AS local_date,
                    cityHash64(identity, {copy}) AS identity, if(visitor = 0, 0, cityHash64(visitor, {copy})) AS visitor,
                    kafka_offset + {copy} * 1000000000 AS kafka_offset)
             FROM (SELECT * FROM usage_events WHERE local_date >= '2017-01-01' AND local_date < '2018-01-01')
             SETTINGS max_partitions_per_insert_block = 0, min_insert_block_size_rows = 1000000, max_insert_block_size = 1000000"
        ));
    }
    // As the server and the comparison after the consumer do by themselves once nothing has come in
    // for an hour: parts are merged, which makes their projections, and hours are worked out.
    for year in 2016..=2026 {
        for month in 1..=12 {
            ask(&format!(
                "OPTIMIZE TABLE usage_hourly PARTITION {} FINAL",
                year * 100 + month
            ));
        }
    }
    place.run(&["migrate"]);
    eventually("nothing is being merged", || {
        ask("SELECT count() FROM system.merges").trim() == "0"
    });
    let projected = access.rows(
        "SELECT count() FROM system.parts WHERE active AND database = currentDatabase() AND table = 'usage_hourly' AND rows > 0 AND NOT has(projections, 'by_month')",
    );
    // They are read the long way: whoever reads the figures must know how many.
    let bare = &projected[0][0];
    let rows = access.rows(
        "SELECT sum(service_uses), sum(accesses), sum(events), count(), min(local_date), max(local_date) FROM usage_hourly",
    );
    let [uses, accesses, events, hourly, first, last] = rows[0].as_slice() else {
        panic!("six figures: {rows:?}");
    };
    format!(
        "{first} to {last}: {uses} service uses, {accesses} accesses, {events} events in {hourly} rows, {bare} parts without projections; made in {} s",
        began.elapsed().as_secs()
    )
}

/// The ente with the most uses, and one in the middle.
pub fn enti(place: &Place<'_>) -> Vec<String> {
    let rows = place.access().rows(
        "SELECT toString(ente) FROM usage_hourly GROUP BY ente HAVING sum(service_uses) > 0 ORDER BY sum(service_uses) DESC",
    );
    let at = |at: usize| rows[at][0].clone();
    vec![at(0), at(rows.len() / 2)]
}
