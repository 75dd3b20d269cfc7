//! Measures dashboards that poll: 64 clients, each with one question a second and the ETag of its last
//! answer. First without events, then with 1,000 events a second.
//!
//! Expected: a 304 costs the API about 0.1 ms, and a change of the figures two queries for all clients.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use affluenza_kafka::Writer;

use crate::client::{LIFTED, Served};
use crate::measure::cpu_of;
use crate::percentile;
use crate::support::{Engines, Place, eventually};

const CLIENTS: u32 = 64;
const SECONDS: u32 = 30;
/// Events a second.
const RATE: u32 = 1_000;
/// Questions of the clients, in turn. The events are of March 2017 in one ente, so half of the answers
/// change.
const PATHS: [&str; 8] = [
    "categories?period=2017",
    "categories?period=2016",
    "enti?period=2017&compare=year-before",
    "enti?period=2017&ente=c_l838",
    "hours?period=2017-03",
    "devices?period=2017-01",
    "usage?group=month&measure=accesses&period=2017",
    "top-services?period=2016",
];

pub fn measure(engines: &Engines) -> String {
    let place = engines.place("polling");
    place.run(&["migrate"]);
    for year in ["2016", "2017"] {
        place.run(&["simulate", "--focus", year, "--scale", "0.1"]);
    }
    place.run(&["consume", "--once"]);
    let key = place.run(&["keys", "create", "all"]);
    let served = Served::start(&place, "polled", LIFTED);
    let alone = poll(&served, key.trim());
    let consumer = place.spawn(&["consume"], "consume.log");
    let stored = || place.count("SELECT count() FROM usage_events");
    let before = stored();
    let over = AtomicBool::new(false);
    let beside = std::thread::scope(|scope| {
        scope.spawn(|| send(&place, &over));
        eventually("the first events are stored", || stored() > before);
        let beside = poll(&served, key.trim());
        over.store(true, Ordering::Relaxed);
        beside
    });
    consumer.terminate();
    format!(
        "{}{}",
        alone.line("without events"),
        beside.line(&format!("beside {RATE} events/s"))
    )
}

/// Sends events until `over`, in batches of a hundredth of a second.
fn send(place: &Place<'_>, over: &AtomicBool) {
    let bus = place.bus();
    let writer = Writer::new(&bus, &bus.topic).expect("Kafka can be written");
    let began = Instant::now();
    for batch in 0.. {
        if over.load(Ordering::Relaxed) {
            break;
        }
        std::thread::sleep((Duration::from_millis(10) * batch).saturating_sub(began.elapsed()));
        for at in 0..RATE / 100 {
            let event = format!(
                r#"{{"specversion":"1.0","type":"it.affluenza.access.v1","source":"https://bench.example.it","id":"{batch}-{at}","time":"2017-03-14T10:00:00Z","data":{{"ente":"c_d612","portal":"servizi-online","client":{{"user_agent":"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/145.0.0.0 Safari/537.36","country":"IT"}}}}}}"#
            );
            let key = at.to_string();
            let sent = writer.send(key.as_bytes(), event.as_bytes(), None, &[]);
            sent.expect("a record is taken");
        }
    }
    let flushed = writer.flush(Duration::from_secs(30));
    flushed.expect("all are acknowledged");
}

/// Answers to all clients.
struct Polls {
    /// Milliseconds until each answer, sorted.
    waits: Vec<f64>,
    statuses: BTreeMap<u16, usize>,
    /// CPU seconds of the API.
    cpu: f64,
}

impl Polls {
    fn line(&self, name: &str) -> String {
        let answers = self.waits.len();
        format!(
            "{CLIENTS} clients at one request a second, {name}: p50 {:.1} ms, p99 {:.1} ms (target 50 ms), {:.2} ms CPU a request, statuses {:?}\n",
            percentile(&self.waits, 50),
            percentile(&self.waits, 99),
            self.cpu * 1e3 / answers as f64,
            self.statuses
        )
    }
}

fn poll(served: &Served, key: &str) -> Polls {
    let cpu = || cpu_of(served.running.0.id());
    let (before, began) = (cpu(), Instant::now());
    let answers: Vec<(u16, f64)> = std::thread::scope(|scope| {
        let clients =
            (0..CLIENTS).map(|client| scope.spawn(move || ask(served, key, client, began)));
        let clients = Vec::from_iter(clients).into_iter();
        let answers = clients.flat_map(|client| client.join().expect("a client ends well"));
        answers.collect()
    });
    let mut polls = Polls {
        waits: answers.iter().map(|(_, wait)| *wait).collect(),
        statuses: BTreeMap::new(),
        cpu: cpu() - before,
    };
    polls.waits.sort_by(f64::total_cmp);
    for (status, _) in answers {
        *polls.statuses.entry(status).or_default() += 1;
    }
    polls
}

/// Asks one question a second. Returns status and milliseconds of each answer but the first, which no
/// ETag is known for.
fn ask(served: &Served, key: &str, client: u32, began: Instant) -> Vec<(u16, f64)> {
    let mut connection = served.client(key);
    let path = PATHS[client as usize % PATHS.len()];
    let mut etag = connection.ask(path, None).etag;
    let first = Duration::from_secs(1) * client / CLIENTS;
    let replies = (1..=SECONDS).map(|second| {
        let at = first + Duration::from_secs(second.into());
        std::thread::sleep(at.saturating_sub(began.elapsed()));
        let reply = connection.ask(path, etag.as_deref());
        etag.clone_from(&reply.etag);
        (reply.status, reply.milliseconds)
    });
    replies.collect()
}
