//! Kafka and the collector are killed under load: every event answered with 202 is stored once.

use std::collections::{BTreeSet, HashMap};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use affluenza_engine::{Cache, Kafka, KafkaSettings};
use affluenza_event::Identity;

use super::client::{Client, Collector, SOURCE, event, key};
use crate::chaos::{Random, lasting_port, seed};
use crate::support::{Engines, Place, eventually};

/// Number of portals that send concurrently.
const PORTALS: u64 = 4;
/// Number of events in a request.
const BATCH: u64 = 20;
/// Minimum of accepted events between two faults.
const STEP: u64 = 1_000;
/// Pause of a portal after each request, because the test is not about speed.
const PAUSE: Duration = Duration::from_millis(4);
/// Number of times that Kafka is killed and restarted.
const ROUNDS: u64 = 2;
/// Environment variable with the minimum of seconds that Kafka stays down each time. Without it,
/// Kafka returns once enough events are accepted.
const AWAY: &str = "COLLECT_AWAY_SECONDS";

/// State shared by the portals.
struct Shared {
    address: Mutex<String>,
    key: String,
    accepted: Mutex<BTreeSet<u64>>,
    count: AtomicU64,
    sent_again: AtomicU64,
    next: AtomicU64,
    shall_end: AtomicBool,
    /// True if the test has failed; portals then stop waiting for responses.
    has_failed: AtomicBool,
}

/// Sends batches and retries each until the response is 202, as an emitter does.
fn portal(shared: &Shared) {
    let bearer = format!("Bearer {}", shared.key);
    let headers = [
        ("Authorization", &*bearer),
        ("Content-Type", "application/x-ndjson"),
    ];
    let mut client = None;
    while !shared.shall_end.load(Ordering::Relaxed) {
        let first = shared.next.fetch_add(BATCH, Ordering::Relaxed);
        let ids = first..first + BATCH;
        let body: Vec<String> = ids.clone().map(event).collect();
        let body = body.join("\n");
        while !shared.has_failed.load(Ordering::Relaxed) {
            let address = shared.address.lock().expect("no portal panics").clone();
            let mut connected = match client.take() {
                Some(client) => client,
                None => match Client::connect(&address) {
                    Ok(client) => client,
                    Err(_) => {
                        // The collector is down; after its restart it has another address.
                        std::thread::sleep(Duration::from_millis(20));
                        continue;
                    }
                },
            };
            match connected.ask("POST /v1/events", &headers, body.as_bytes()) {
                Ok(answer) if answer.status == 202 => {
                    assert_eq!(answer.json()["accepted"], BATCH, "{answer:?}");
                    client = Some(connected);
                    break;
                }
                Ok(answer) => {
                    assert!([429, 503].contains(&answer.status), "{answer:?}");
                    assert!(answer.header("retry-after").is_some(), "{answer:?}");
                    client = Some(connected);
                    std::thread::sleep(Duration::from_millis(20));
                }
                // Without a response, the batch may or may not have been accepted.
                Err(_) => {
                    shared.sent_again.fetch_add(BATCH, Ordering::Relaxed);
                }
            }
        }
        shared
            .accepted
            .lock()
            .expect("no portal panics")
            .extend(ids);
        shared.count.fetch_add(BATCH, Ordering::Relaxed);
        std::thread::sleep(PAUSE);
    }
}

fn away() -> Duration {
    let seconds = std::env::var(AWAY).map(|seconds| {
        seconds
            .parse()
            .unwrap_or_else(|_| panic!("{AWAY} must be a whole number of seconds, not '{seconds}'"))
    });
    Duration::from_secs(seconds.unwrap_or(0))
}

struct World<'e> {
    place: Place<'e>,
    engines: &'e Engines,
    settings: KafkaSettings,
    kafka: Option<Kafka>,
    bootstrap: String,
    collector: Option<Collector>,
}

impl World<'_> {
    fn environment(&self) -> [(&str, &str); 2] {
        [
            ("AFFLUENZA__KAFKA__BOOTSTRAP_SERVERS", &self.bootstrap),
            ("AFFLUENZA__COLLECT__KAFKA_WAIT_MS_MAX", "500"),
        ]
    }

    fn run(&self, arguments: &[&str]) {
        let mut command = self.place.command(arguments);
        let output = command.envs(self.environment()).output().expect("it runs");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "affluenza {arguments:?}: {said}");
    }

    fn start_kafka(&mut self) {
        let cache = Cache::from_env().expect("there is a cache folder");
        let jars = cache
            .prepare_kafka(&|_: &str| {})
            .expect("Kafka can be fetched");
        let start = Kafka::start(&self.settings, &jars);
        self.kafka = Some(self.engines.runtime.block_on(start).expect("Kafka starts"));
    }

    fn kill_kafka(&mut self) {
        let kafka = self.kafka.take().expect("Kafka runs");
        self.engines.runtime.block_on(kafka.kill());
    }

    fn start_collector(&mut self, shared: &Shared) {
        let collector = Collector::start(&self.place, "collect.log", &self.environment());
        *shared.address.lock().expect("no portal panics") = collector.address.clone();
        self.collector = Some(collector);
    }

    fn kill_collector(&mut self) {
        self.collector.take().expect("it runs").running.kill();
    }
}

pub fn accepted_events_survive_kills(engines: &Engines) {
    let seed = seed();
    let away = away();
    eprintln!("collect: seed {seed}, Kafka away for at least {away:?} each time");
    let mut random = Random::new(seed);
    let place = engines.place("collect_faults");
    let mut settings = KafkaSettings::new(place.folder.join("own-kafka"));
    let port = lasting_port();
    settings.port = Some(port);
    let properties = [
        // A killed broker is admitted again after its session ends.
        ("broker.session.timeout.ms", "1500"),
        ("broker.heartbeat.interval.ms", "300"),
    ];
    settings.properties = properties
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
    let mut world = World {
        place,
        engines,
        settings,
        kafka: None,
        bootstrap: format!("127.0.0.1:{port}"),
        collector: None,
    };
    world.start_kafka();
    world.run(&["migrate"]);
    let shared = Shared {
        address: Mutex::default(),
        key: key(&world.place, &[]),
        accepted: Mutex::default(),
        count: AtomicU64::new(0),
        sent_again: AtomicU64::new(0),
        next: AtomicU64::new(0),
        shall_end: AtomicBool::new(false),
        has_failed: AtomicBool::new(false),
    };
    world.start_collector(&shared);
    std::thread::scope(|scope| {
        for _ in 0..PORTALS {
            scope.spawn(|| portal(&shared));
        }
        let _ends = EndsPortals(&shared);
        let mut more = |what: &str| {
            let until = shared.count.load(Ordering::Relaxed) + random.between(STEP, 2 * STEP);
            eventually(what, || shared.count.load(Ordering::Relaxed) >= until);
        };
        for _ in 0..ROUNDS {
            more("events are accepted");
            world.kill_kafka();
            let gone = Instant::now();
            more("events are accepted without Kafka");
            while gone.elapsed() < away / 2 {
                more("events are accepted without Kafka");
            }
            world.kill_collector();
            world.start_collector(&shared);
            more("events are accepted after a restart without Kafka");
            while gone.elapsed() < away {
                more("events are accepted after a restart without Kafka");
            }
            let without = gone.elapsed().as_secs_f64();
            eprintln!("collect: Kafka was away for {without:.1} s");
            world.start_kafka();
            more("events are accepted while the spool drains");
            world.kill_collector();
            world.start_collector(&shared);
        }
        more("events are accepted at the end");
    });
    let log = world.place.folder.join("collect.log");
    let address = shared.address.lock().expect("no portal panics").clone();
    eventually("the spool is empty", || {
        let metrics = super::ask(&address, "GET /metrics", &[], b"").body;
        let metrics = String::from_utf8_lossy(&metrics).into_owned();
        metrics.contains("affluenza_collect_spool_events 0\n")
    });
    let collector = world.collector.take().expect("it runs");
    collector.running.terminate();
    world.run(&["consume", "--once"]);
    let log = std::fs::read_to_string(log).expect("there is a log");
    assert!(!log.contains("panicked"), "{log}");
    compare(&world.place, &shared);
    let kafka = world.kafka.take().expect("it runs");
    engines.runtime.block_on(kafka.stop()).expect("Kafka stops");
}

/// Stops the portals even if a wait times out, so that the test reports the failure.
struct EndsPortals<'s>(&'s Shared);

impl Drop for EndsPortals<'_> {
    fn drop(&mut self) {
        self.0
            .has_failed
            .store(std::thread::panicking(), Ordering::Relaxed);
        self.0.shall_end.store(true, Ordering::Relaxed);
    }
}

/// Compares stored and accepted events: each exactly once, and no others.
fn compare(place: &Place<'_>, shared: &Shared) {
    let accepted = shared.accepted.lock().expect("no portal panics");
    let wanted: HashMap<u64, u64> = accepted
        .iter()
        .map(|id| (Identity::of(SOURCE, &id.to_string()).0, *id))
        .collect();
    let stored = place.count("SELECT count() FROM usage_events");
    let different = place.count("SELECT uniqExact(identity) FROM usage_events");
    let sum = place.count("SELECT sum(identity) FROM usage_events");
    let wanted_sum = wanted.keys().fold(0_u64, |sum, id| sum.wrapping_add(*id));
    eprintln!(
        "collect: {} accepted, {} sent again without an answer, {stored} stored, {} duplicates dropped",
        accepted.len(),
        shared.sent_again.load(Ordering::Relaxed),
        place.count("SELECT sum(duplicate) FROM ingest_ledger FINAL"),
    );
    assert_eq!(stored, different, "nothing is stored twice");
    assert_eq!(stored, wanted.len() as u64, "nothing is lost");
    assert_eq!(sum, wanted_sum, "what is stored is what was accepted");
}
