//! Measures an ordinary day: a few events a second, in an empty month and in one that holds many.
//! The whole program runs (collector, consumer, API), then ClickHouse's Kafka engine at its default
//! flush, and at one that is as fresh as the program.
//!
//! The CPU time is that of all processes, without the sender. Freshness is measured afterwards,
//! because its queries cost CPU time, too.

use std::fmt;
use std::time::{Duration, Instant};

use crate::contender::{Contender, Target};
use crate::freshness::{Sender, Watcher, now_ms, setting};
use crate::in_sql::{self, Form};
use crate::measure::cpu_of;
use crate::support::{Engines, Place, Running, eventually};

/// Time after a start or a change of the rate, so that one-time work does not count.
const SETTLE: Duration = Duration::from_secs(10);
/// Duration of the measurement of freshness, in seconds.
const FRESH_SECONDS: u32 = 20;
/// Default flush of the Kafka engine (`stream_flush_interval_ms`).
const DEFAULT_FLUSH_MS: u32 = 7_500;
/// Events before the first measurement.
const WARM: u64 = 200_000;
/// Interval at which events are sent, as a collector sends the events of many visitors.
const BATCH: Duration = Duration::from_millis(100);
const BATCHES_A_SECOND: u64 = 10;
/// Interval between two blocks of the program.
const OUR_FLUSH_MS: u32 = 1_250;

/// A program that stores events as they arrive.
#[derive(Debug, Clone, Copy)]
enum Way {
    Affluenza,
    KafkaEngine { flush_ms: u32 },
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Affluenza => f.write_str("affluenza"),
            Self::KafkaEngine { flush_ms } => write!(f, "Kafka engine, flush {flush_ms} ms"),
        }
    }
}

/// Prints the cost of each way at each of `RATES`, in months of 0 and of `MONTH` events.
#[expect(clippy::print_stdout, reason = "a bench prints its result")]
pub fn measure(engines: &Engines) {
    let seconds = setting("SECONDS", 60);
    let rates = std::env::var("RATES").unwrap_or_else(|_| "0,1,10,100,1000".into());
    let rates: Vec<u32> = rates
        .split(',')
        .map(|rate| rate.parse().expect("RATES are numbers"))
        .collect();
    println!(
        "| | month | events/s | CPU % | own | ClickHouse | Kafka | inserts/s | selects/s | rows merged an event | parts | p50 ms | p99 ms |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|---|---|---|");
    warm_up(engines);
    for month in [0, setting("MONTH", 1_000_000)] {
        for (number, way) in [
            Way::Affluenza,
            Way::KafkaEngine {
                flush_ms: DEFAULT_FLUSH_MS,
            },
            Way::KafkaEngine {
                flush_ms: OUR_FLUSH_MS,
            },
        ]
        .into_iter()
        .enumerate()
        {
            let place = engines.place(&format!("live_{month}_{number}"));
            migrate(&place);
            let target = Target::new(&place, engines, Contender::Affluenza, number);
            let run = Run {
                engines,
                target: &target,
                up: start(way, &target),
                seconds,
            };
            let mut sent = u64::from(month);
            fill(&place, sent);
            in_sql::wait_for(&target, sent, || ());
            for rate in &rates {
                let measured = run.at(*rate, &mut sent);
                println!("| {way} | {month} | {rate} | {measured} |");
            }
            stop(way, run);
            target.drop_database();
        }
    }
}

/// Creates the topic with one partition, the default. Tests use more.
fn migrate(place: &Place<'_>) {
    let mut migrate = place.command(&["migrate"]);
    let status = migrate.env("AFFLUENZA__KAFKA__PARTITIONS", "1").status();
    assert!(status.is_ok_and(|it| it.success()), "the topic can be made");
}

/// Lets Java compile what it runs often, and ClickHouse fill its caches.
fn warm_up(engines: &Engines) {
    let place = engines.place("live_warm");
    migrate(&place);
    fill(&place, WARM);
    place.run(&["consume", "--once"]);
}

fn start(way: Way, target: &Target<'_, '_>) -> Option<Running> {
    let Way::KafkaEngine { flush_ms } = way else {
        let settings = [
            ("AFFLUENZA__KAFKA__GROUP", target.group.as_str()),
            ("AFFLUENZA__CLICKHOUSE__DATABASE", &target.access.database),
        ];
        let up = target.place.spawn_with(&["up"], "up.log", &settings);
        let log = target.place.folder.join("up.log");
        eventually("up is ready", || {
            std::fs::read_to_string(&log).is_ok_and(|log| log.contains("running; Ctrl-C"))
        });
        return Some(up);
    };
    in_sql::make_categories(target);
    in_sql::start_kafka_engine(target, Form::Text, flush_ms);
    None
}

fn stop(way: Way, run: Run<'_, '_, '_>) {
    match way {
        Way::KafkaEngine { .. } => in_sql::stop_kafka_engine(run.target),
        Way::Affluenza => run.up.into_iter().for_each(Running::terminate),
    }
}

/// Sends this many events, spread over the running month.
fn fill(place: &Place<'_>, events: u64) {
    let now = now_ms();
    let today = jiff::Timestamp::now().to_zoned_datetime(jiff::tz::TimeZone::UTC);
    let month = today.first_of_month().and_then(|day| day.start_of_day());
    let first = month.expect("a month begins").timestamp().as_millisecond();
    let first = first.unsigned_abs();
    Sender::to(place).send(0..events, Duration::ZERO, |number| {
        first + (now - first) * number / events
    });
}

struct Run<'r, 'p, 'e> {
    engines: &'r Engines,
    target: &'r Target<'p, 'e>,
    up: Option<Running>,
    seconds: u32,
}

impl Run<'_, '_, '_> {
    /// Measures one rate. `sent` counts the events of all rates.
    fn at(&self, rate: u32, sent: &mut u64) -> Cost {
        let sender = Sender::to(self.target.place);
        std::thread::sleep(SETTLE);
        let before = self.used();
        let began = Instant::now();
        let events = u64::from(rate) * u64::from(self.seconds);
        for batch in 0..u64::from(self.seconds) * BATCHES_A_SECOND {
            let due = |batch: u64| u64::from(rate) * batch / BATCHES_A_SECOND;
            let at = BATCH * u32::try_from(batch).expect("a bench is short");
            std::thread::sleep((began + at).saturating_duration_since(Instant::now()));
            let numbers = *sent + due(batch)..*sent + due(batch + 1);
            if !numbers.is_empty() {
                sender.send(numbers, Duration::ZERO, |_| now_ms());
            }
        }
        let until = began + Duration::from_secs(self.seconds.into());
        std::thread::sleep(until.saturating_duration_since(Instant::now()));
        let wall = began.elapsed().as_secs_f64();
        let used = self.used().since(&before);
        *sent += events;
        in_sql::wait_for(self.target, *sent, || ());
        let mut waits = Vec::new();
        if rate > 0 {
            let mut watcher = Watcher::new(self.target.access.clone());
            watcher.pass_over_stored();
            waits = watcher.follow(self.target.place, *sent, rate, FRESH_SECONDS);
            *sent += waits.len() as u64;
        }
        waits.sort_unstable();
        Cost {
            used,
            wall,
            events,
            waits,
            parts: self.number(
                "SELECT count() FROM system.parts WHERE active AND database = currentDatabase()",
            ),
        }
    }

    fn used(&self) -> Used {
        let event = |name: &str| {
            self.number(&format!(
                "SELECT sum(value) FROM system.events WHERE event = '{name}'"
            ))
        };
        Used {
            own: self.up.as_ref().map_or(0.0, |up| cpu_of(up.0.id())),
            clickhouse: cpu_of(self.engines.clickhouse.pid()),
            kafka: cpu_of(self.engines.kafka.pid()),
            inserts: event("InsertQuery"),
            selects: event("SelectQuery"),
            merged: event("MergedRows"),
        }
    }

    fn number(&self, query: &str) -> f64 {
        self.target.access.rows(query)[0][0]
            .parse()
            .expect("a number")
    }
}

/// Counters since the start of the processes: CPU seconds, statements and rows.
#[derive(Debug)]
struct Used {
    own: f64,
    clickhouse: f64,
    kafka: f64,
    inserts: f64,
    selects: f64,
    merged: f64,
}

impl Used {
    fn since(&self, before: &Self) -> Self {
        Self {
            own: self.own - before.own,
            clickhouse: self.clickhouse - before.clickhouse,
            kafka: self.kafka - before.kafka,
            inserts: self.inserts - before.inserts,
            selects: self.selects - before.selects,
            merged: self.merged - before.merged,
        }
    }
}

/// Cost of one rate.
struct Cost {
    used: Used,
    /// Duration in seconds.
    wall: f64,
    events: u64,
    /// Delays until an event is counted, in milliseconds, sorted.
    waits: Vec<u64>,
    /// Active parts at the end.
    parts: f64,
}

impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let used = &self.used;
        let all = used.own + used.clickhouse + used.kafka;
        for seconds in [all, used.own, used.clickhouse, used.kafka] {
            write!(f, "{:.1} | ", seconds * 100.0 / self.wall)?;
        }
        for statements in [used.inserts, used.selects] {
            write!(f, "{:.1} | ", statements / self.wall)?;
        }
        if self.events == 0 {
            return write!(f, "| {:.0} | |", self.parts);
        }
        let at = |percent: usize| self.waits[(self.waits.len() - 1) * percent / 100];
        let merged = used.merged / self.events as f64;
        write!(
            f,
            "{merged:.1} | {:.0} | {} | {}",
            self.parts,
            at(50),
            at(99)
        )
    }
}
