//! Creates eleven years of data. The years 2016 and 2017 take the whole path, from Kafka through the
//! consumer. The year 2017 is then inserted nine more times, as the following years, with other
//! events and visitors. `TIMES=6` inserts each of these six times, some weeks apart: 105 million
//! events.

use std::time::{Duration, Instant};

use crate::support::{Place, eventually};

const COPIES: u32 = 9;
const PATIENCE: Duration = Duration::from_secs(120);

/// Creates the data unless an earlier run kept them, and returns a summary.
pub fn eleven(place: &Place<'_>) -> String {
    let began = Instant::now();
    let made = place.folder.join("made");
    if !made.exists() {
        make(place);
        std::fs::write(&made, "").expect("a file can be written");
    }
    let access = place.access();
    let projected = access.rows(
        "SELECT count(), countIf(empty(projections)) FROM system.parts WHERE active AND database = currentDatabase() AND table = 'usage_hourly' AND rows > 0",
    );
    let [parts, bare] = projected[0].as_slice() else {
        panic!("two figures: {projected:?}");
    };
    assert_eq!(bare, "0", "of {parts} parts some have no projections");
    let rows = access.rows(
        "SELECT sum(service_uses), sum(accesses), sum(events), count(), min(local_date), max(local_date) FROM usage_hourly",
    );
    let [uses, accesses, events, hourly, first, last] = rows[0].as_slice() else {
        panic!("six figures: {rows:?}");
    };
    format!(
        "{first} to {last}: {uses} service uses, {accesses} accesses, {events} events in {hourly} rows and {parts} parts; made in {} s",
        began.elapsed().as_secs()
    )
}

fn make(place: &Place<'_>) {
    place.run(&["migrate"]);
    for year in ["2016", "2017"] {
        place.run(&["simulate", "--focus", year, "--seed", "7"]);
    }
    place.run(&["consume", "--once"]);
    let times = std::env::var("TIMES").ok().filter(|text| !text.is_empty());
    let times = times.map_or(1, |text| text.parse::<u32>().expect("TIMES is a number"));
    for copy in 0..COPIES * times {
        // Shifts by whole weeks, so that every hour keeps its day of the week.
        let (years, days) = (copy % COPIES + 1, copy / COPIES * 7);
        let later =
            |column: &str| format!("addDays(addYears({column}, {years}), {days}) AS {column}");
        let (time, hour, date) = (later("time"), later("hour_start"), later("local_date"));
        ask(place, &format!(
            "INSERT INTO usage_events
             SELECT * REPLACE ({time}, {hour}, {date},
                    cityHash64(identity, {copy} + 1) AS identity, if(visitor = 0, 0, cityHash64(visitor, {copy} + 1)) AS visitor,
                    kafka_offset + ({copy} + 1) * 1000000000 AS kafka_offset)
             FROM (SELECT * FROM usage_events WHERE local_date >= '2017-01-01' AND local_date < '2018-01-01')
             SETTINGS max_partitions_per_insert_block = 0, min_insert_block_size_rows = 1000000, max_insert_block_size = 1000000"
        ));
        let copied = format!("usage_events WHERE intDiv(kafka_offset, 1000000000) = {copy} + 1");
        ask(
            place,
            &format!(
                "INSERT INTO usage_hourly SETTINGS max_partitions_per_insert_block = 0 {}",
                affluenza_store::hour_rows::hour_rows_of(&copied)
            ),
        );
    }
    // Does what happens after an hour without new data: computes the hours, adds missing
    // projections and merges each month.
    settled(place, "merges");
    place.run(&["migrate"]);
    settled(place, "mutations WHERE NOT is_done");
    for year in 2015..=2027 {
        for month in 1..=12 {
            ask(
                place,
                &format!(
                    "OPTIMIZE TABLE usage_hourly PARTITION {} FINAL",
                    year * 100 + month
                ),
            );
        }
    }
    settled(place, "merges");
}

fn ask(place: &Place<'_>, query: &str) -> String {
    let answer = place.access().ask(query, PATIENCE);
    answer.unwrap_or_else(|error| panic!("{query}: {error}"))
}

/// Waits until a system table, with a condition, has no rows.
fn settled(place: &Place<'_>, of: &str) {
    eventually(of, || {
        ask(place, &format!("SELECT count() FROM system.{of}")).trim() == "0"
    });
}

/// Returns the ente with the most uses and the median one.
pub fn enti(place: &Place<'_>) -> Vec<String> {
    let rows = place.access().rows(
        "SELECT toString(ente) FROM usage_hourly GROUP BY ente HAVING sum(service_uses) > 0 ORDER BY sum(service_uses) DESC",
    );
    let at = |at: usize| rows[at][0].clone();
    vec![at(0), at(rows.len() / 2)]
}
