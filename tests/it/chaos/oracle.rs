//! The oracle: the expected content of ClickHouse, computed from the log alone.
//!
//! It shares the Kafka client and the event parser with the program, and nothing else: no blocks,
//! group offsets, bounded memory of identities or ledger.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use affluenza_event::{Activity, UnixMillis};
use affluenza_kafka::Config as BusConfig;

use crate::http::Access;

/// Maximum number of positions that a verdict lists.
const NAMED_MAX: usize = 20;

/// Position of a record: partition and offset.
type Place = (i32, i64);

/// The expected result, from the log.
#[derive(Debug, Default)]
pub struct Truth {
    pub records: u64,
    /// Position and identity of the first event of each identity in its partition.
    pub events: BTreeMap<Place, u64>,
    pub duplicates: u64,
    pub rejected: u64,
    pub quarantined: u64,
    refused: BTreeSet<Place>,
    /// Number of events by activity, outcome and kind.
    totals: BTreeMap<String, u64>,
}

impl Truth {
    /// Reads the whole log.
    pub fn of(bus: &BusConfig) -> Self {
        let mut truth = Self::default();
        let mut seen: HashSet<(i32, u64)> = HashSet::new();
        affluenza_kafka::scan(bus, &bus.topic, |record| {
            let place = (record.partition().0, record.offset().0);
            truth.records += 1;
            match affluenza_event::parse(
                record.payload(),
                record.written_ms().map_or(UnixMillis::UNKNOWN, UnixMillis),
            ) {
                Ok(event) if seen.insert((place.0, event.identity.0)) => {
                    truth.events.insert(place, event.identity.0);
                    let (activity, kind) = match event.activity {
                        Activity::Access(_) => ("access", "none"),
                        Activity::ServiceUse(kind) => ("service-use", kind.into()),
                    };
                    let total = format!("{activity} {} {kind}", event.outcome);
                    *truth.totals.entry(total).or_default() += 1;
                }
                Ok(_) => truth.duplicates += 1,
                Err(refusal) => {
                    match refusal.kind.is_quarantined() {
                        false => truth.rejected += 1,
                        true => truth.quarantined += 1,
                    }
                    truth.refused.insert(place);
                }
            }
        })
        .expect("the log can be read");
        truth
    }
}

/// Differences of ClickHouse and the dead letters from the log.
#[derive(Debug, Default)]
pub struct Verdict {
    /// Events without a fact.
    pub lost: Vec<String>,
    /// Facts beyond the first one of an event.
    pub double: Vec<String>,
    /// Differences of aggregates, ledger and dead letters.
    pub others: Vec<String>,
}

impl Verdict {
    pub fn is_clean(&self) -> bool {
        self.lost.is_empty() && self.double.is_empty() && self.others.is_empty()
    }

    /// The first positions of each kind of difference.
    pub fn places(&self) -> String {
        let kinds = [
            ("lost", &self.lost),
            ("double", &self.double),
            ("differs", &self.others),
        ];
        let lines = kinds.iter().flat_map(|(kind, places)| {
            let named = places.iter().take(NAMED_MAX);
            named.map(move |place| format!("{kind}: {place}\n"))
        });
        lines.collect()
    }
}

/// Compares everything that is counted with the log.
pub fn compare(truth: &Truth, bus: &BusConfig, clickhouse: &Access) -> Verdict {
    let mut verdict = Verdict::default();
    facts(truth, clickhouse, &mut verdict);
    aggregates(truth, clickhouse, &mut verdict);
    ledger(truth, clickhouse, &mut verdict);
    dead_letters(truth, bus, &mut verdict);
    verdict
}

fn facts(truth: &Truth, clickhouse: &Access, verdict: &mut Verdict) {
    let mut found: BTreeMap<Place, u64> = BTreeMap::new();
    let rows =
        clickhouse.rows("SELECT kafka_partition, kafka_offset, identity, rules FROM usage_events");
    for row in rows {
        let place: Place = (number(&row[0]), number(&row[1]));
        let identity: u64 = number(&row[2]);
        let name = format!(
            "partition {} offset {} ({}, rules {})",
            place.0, place.1, identity, row[3]
        );
        match truth.events.get(&place) {
            None => verdict.double.push(format!("{name}: no first event")),
            Some(first) if *first != identity => {
                verdict.double.push(format!("{name}: another event"));
            }
            Some(_) if found.insert(place, identity).is_some() => {
                verdict.double.push(format!("{name}: twice"));
            }
            Some(_) => {}
        }
    }
    let missing = truth
        .events
        .iter()
        .filter(|(place, _)| !found.contains_key(place));
    // For an event treated as a duplicate across partitions, names the position of the stored copy.
    let places: HashMap<u64, Place> = found.iter().map(|(place, id)| (*id, *place)).collect();
    let named = missing.map(|((partition, offset), identity)| {
        let elsewhere = places.get(identity);
        format!("partition {partition} offset {offset} ({identity}, stored at {elsewhere:?})")
    });
    verdict.lost.extend(named);
}

fn aggregates(truth: &Truth, clickhouse: &Access, verdict: &mut Verdict) {
    let cells = clickhouse.rows(
        "SELECT toString(hour_start), ente, category, kind, device, sum(e), sum(a), sum(s) FROM (
            SELECT hour_start, ente, category, kind, device, toInt64(events) AS e, toInt64(accesses) AS a, toInt64(service_uses) AS s
            FROM usage_hourly
            UNION ALL
            SELECT hour_start, ente, category, kind, device, toInt64(-1), -toInt64(resource = 'page'),
                   -toInt64(activity = 'service-use' AND outcome = 'completed')
            FROM usage_events)
         GROUP BY ALL HAVING sum(e) != 0 OR sum(a) != 0 OR sum(s) != 0 ORDER BY ALL",
    );
    let cell = |row: &Vec<String>| {
        format!(
            "aggregate minus facts, (hour, ente, category, kind, device, events, accesses, uses): {}",
            row.join(" ")
        )
    };
    verdict.others.extend(cells.iter().map(cell));
    let visitors = clickhouse.rows(
        "SELECT toString(hour_start), sum(h), sum(f) FROM (
            SELECT hour_start, uniqCombined64IfMerge(visitors) AS h, 0 AS f FROM usage_hourly GROUP BY hour_start
            UNION ALL
            SELECT hour_start, 0, uniqCombined64If(visitor, visitor != 0 AND resource != 'asset') FROM usage_events GROUP BY hour_start)
         GROUP BY hour_start HAVING sum(h) != sum(f) ORDER BY hour_start",
    );
    let hour = |row: &Vec<String>| format!("visitors (hour, aggregate, facts): {}", row.join(" "));
    verdict.others.extend(visitors.iter().map(hour));
    let found: BTreeMap<String, u64> = clickhouse
        .rows("SELECT concat(toString(activity), ' ', toString(outcome), ' ', toString(kind)), sum(events) FROM usage_hourly GROUP BY ALL HAVING sum(events) != 0")
        .into_iter()
        .map(|row| (row[0].clone(), number(&row[1])))
        .collect();
    if found != truth.totals {
        verdict.others.push(format!(
            "totals of the aggregate {found:?}, of the log {:?}",
            truth.totals
        ));
    }
}

fn ledger(truth: &Truth, clickhouse: &Access, verdict: &mut Verdict) {
    let found = clickhouse.rows(
        "SELECT sum(records_read), sum(stored), sum(duplicate), sum(rejected), sum(quarantined) FROM ingest_ledger FINAL",
    );
    let found: Vec<u64> = found[0].iter().map(|cell| number(cell)).collect();
    let stored = truth.events.len() as u64;
    let expected = [
        truth.records,
        stored,
        truth.duplicates,
        truth.rejected,
        truth.quarantined,
    ];
    if found != expected {
        verdict.others.push(format!(
            "ledger (read, stored, duplicate, rejected, quarantined): {found:?}, the log says {expected:?}"
        ));
    }
}

/// Checks that every rejected record has a dead letter. A record may have several, because a
/// retried block sends its dead letters again with the same position.
fn dead_letters(truth: &Truth, bus: &BusConfig, verdict: &mut Verdict) {
    let mut found = BTreeSet::new();
    affluenza_kafka::scan(bus, &bus.dead_letter_topic, |letter| {
        let header = |name| letter.header(name).unwrap_or_default();
        found.insert((
            number(header("affluenza-partition")),
            number(header("affluenza-offset")),
        ));
    })
    .expect("the dead letters can be read");
    for place in truth.refused.symmetric_difference(&found) {
        verdict
            .others
            .push(format!("dead letters, partition and offset: {place:?}"));
    }
}

fn number<T: std::str::FromStr>(text: &str) -> T {
    text.parse()
        .unwrap_or_else(|_| panic!("{text:?} is not a number"))
}
