//! Measures the time from sending an event until queries count it, in facts and aggregates, at a
//! constant rate. By default a block is written 20 ms after a pause, then at most once every 1.25 s,
//! or every 2.5 s in a backlog. Expected: at most the 1.25 s that a record waits in a block, plus
//! some tens of milliseconds for the insert.

use std::collections::BTreeMap;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use affluenza_kafka::Writer;

use crate::http::Access;
use crate::support::{Engines, Place, eventually};

/// Interval between two queries.
const LOOK: Duration = Duration::from_millis(5);
/// Width of a histogram bar, in milliseconds.
const BAR_MS: u64 = 50;
/// Events before the measurement, so that the consumer has joined its group.
const WARM: u64 = 64;
/// Longest time that an event may take after the last was sent.
const PATIENCE: Duration = Duration::from_secs(60);

pub fn setting(name: &str, default: u32) -> u32 {
    std::env::var(name).map_or(default, |value| {
        value
            .parse()
            .unwrap_or_else(|_| panic!("{name} is a number"))
    })
}

pub fn now_ms() -> u64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("the clock is right");
    u64::try_from(since.as_millis()).expect("it is not that late")
}

/// Sends `RATE` events a second for `SECONDS`, and prints the distribution of the delays.
pub fn measure(engines: &Engines) {
    let (rate, seconds) = (setting("RATE", 1_000), setting("SECONDS", 30));
    let place = engines.place("freshness");
    place.run(&["migrate"]);
    let consumer = place.spawn(&["consume"], "consume.log");
    let mut watcher = Watcher::new(place.access());
    Sender::to(&place).send(0..WARM, Duration::ZERO, |_| now_ms());
    eventually("the first events are counted", || {
        watcher.look();
        watcher.seen == WARM
    });
    let waits = watcher.follow(&place, WARM, rate, seconds);
    consumer.terminate();
    print(rate, waits);
}

/// Sends events to the topic of a place.
pub struct Sender(Writer);

impl Sender {
    pub fn to(place: &Place<'_>) -> Self {
        let bus = place.bus();
        Self(Writer::new(&bus, &bus.topic).expect("Kafka can be written"))
    }

    /// Sends the events with these numbers, one every `pause`, with their times in milliseconds.
    pub fn send(
        &self,
        numbers: std::ops::Range<u64>,
        pause: Duration,
        time_of: impl Fn(u64) -> u64,
    ) {
        let began = Instant::now();
        for (at, number) in (0..).zip(numbers) {
            std::thread::sleep((pause * at).saturating_sub(began.elapsed()));
            let time = time_of(number).cast_signed();
            let time = jiff::Timestamp::from_millisecond(time).expect("a time");
            let event = format!(
                r#"{{"specversion":"1.0","type":"it.affluenza.access.v1","source":"https://bench.example.it","id":"{number}","time":"{time}","data":{{"ente":"c_d612","portal":"servizi-online","client":{{"user_agent":"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/145.0.0.0 Safari/537.36","country":"IT"}}}}}}"#
            );
            self.0
                .send(number.to_string().as_bytes(), event.as_bytes(), None, &[])
                .expect("a record is taken");
        }
        self.0.flush(PATIENCE).expect("all are acknowledged");
    }
}

/// Finds new facts once the aggregate counts them, too.
pub struct Watcher {
    access: Access,
    /// Newest offset seen, by partition.
    newest: BTreeMap<u64, u64>,
    seen: u64,
}

impl Watcher {
    pub fn new(access: Access) -> Self {
        Self {
            access,
            newest: BTreeMap::new(),
            seen: 0,
        }
    }

    /// Passes over the events that are stored by now.
    pub fn pass_over_stored(&mut self) {
        let ends = "SELECT kafka_partition, max(kafka_offset), count() FROM usage_events GROUP BY kafka_partition FORMAT TSV";
        let ends = self.numbers(ends);
        self.seen = ends.iter().map(|row| row[2]).sum();
        self.newest = ends.iter().map(|row| (row[0], row[1])).collect();
    }

    /// Sends events with numbers from `first` on for `seconds`, and returns the delays of all.
    pub fn follow(&mut self, place: &Place<'_>, first: u64, rate: u32, seconds: u32) -> Vec<u64> {
        let events = u64::from(rate) * u64::from(seconds);
        let all = self.seen + events;
        let mut waits = Vec::new();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let pause = Duration::from_secs(1) / rate;
                Sender::to(place).send(first..first + events, pause, |_| now_ms());
            });
            let until = Instant::now() + Duration::from_secs(seconds.into()) + PATIENCE;
            while self.seen < all {
                waits.extend(self.look());
                assert!(Instant::now() < until, "every event is counted in the end");
                std::thread::sleep(LOOK);
            }
        });
        waits
    }

    /// Returns the delays in milliseconds of the events that are counted since the last call.
    fn look(&mut self) -> Vec<u64> {
        let old: Vec<String> = self
            .newest
            .iter()
            .map(|(partition, newest)| {
                format!(" AND NOT (kafka_partition = {partition} AND kafka_offset <= {newest})")
            })
            .collect();
        let query = format!(
            "SELECT kafka_partition, kafka_offset, toUnixTimestamp64Milli(time) FROM usage_events WHERE 1{} FORMAT TSV",
            old.concat()
        );
        let rows = self.numbers(&query);
        self.seen += rows.len() as u64;
        while self.numbers("SELECT sum(events) FROM usage_hourly FORMAT TSV")[0][0] < self.seen {}
        let now = now_ms();
        for row in &rows {
            let newest = self.newest.entry(row[0]).or_default();
            *newest = row[1].max(*newest);
        }
        rows.iter().map(|row| now.saturating_sub(row[2])).collect()
    }

    fn numbers(&self, query: &str) -> Vec<Vec<u64>> {
        let number = |cell: &String| cell.parse().expect("a number");
        let rows = self.access.rows(query);
        rows.iter()
            .map(|row| row.iter().map(number).collect())
            .collect()
    }
}

#[expect(clippy::print_stdout, reason = "a bench prints its result")]
fn print(rate: u32, mut waits: Vec<u64>) {
    waits.sort_unstable();
    let at = |percent: usize| waits[(waits.len() - 1) * percent / 100];
    println!(
        "\n{} events at {rate} a second, from sending to counted: p50 {} ms, p90 {} ms, p99 {} ms, longest {} ms\n",
        waits.len(),
        at(50),
        at(90),
        at(99),
        at(100)
    );
    let mut bars: BTreeMap<u64, usize> = BTreeMap::new();
    for wait in &waits {
        *bars.entry(wait / BAR_MS).or_default() += 1;
    }
    let most = bars.values().max().copied().unwrap_or(1);
    for (bar, events) in bars {
        let (from, to) = (bar * BAR_MS, (bar + 1) * BAR_MS);
        let stars = "*".repeat((events * 60).div_ceil(most));
        println!("{from:>5}-{to:<5} ms {events:>8} {stars}");
    }
}
