//! Monitoring of a consumer: metrics that agree with the ledger, the names that alerts and
//! dashboards use, and the reason of a stop.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use affluenza_kafka::{NextOffset, Partition};
use jiff::{SignedDuration, Timestamp};

use crate::support::{Engines, Place, Running, eventually, set_offset, source};

/// A consumer with its monitoring address.
pub struct Watched {
    address: String,
    pub running: Running,
}

impl Watched {
    pub fn start(place: &Place<'_>, log: &str, settings: &[(&str, &str)]) -> Self {
        let running = place.spawn_with(&["consume", "--listen", "127.0.0.1:0"], log, settings);
        let path = place.folder.join(log);
        let mut address = None;
        eventually("the consumer says where it is watched", || {
            let text = std::fs::read_to_string(&path).unwrap_or_default();
            address = text
                .split_once("watched at http://")
                .and_then(|(_, rest)| Some(rest.split_once("/metrics")?.0.to_owned()));
            address.is_some()
        });
        let address = address.expect("it was found");
        Self { address, running }
    }

    /// Returns status and body.
    pub fn get(&self, path: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(&self.address).expect("it listens");
        stream
            .set_read_timeout(Some(Duration::from_secs(60)))
            .expect("it can be set");
        write!(stream, "GET {path} HTTP/1.0\r\n\r\n").expect("it reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("it answers");
        let (head, body) = answer.split_once("\r\n\r\n").expect("it has a head");
        let status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
        (status.expect("it has a status"), body.to_owned())
    }

    /// Returns the sum of a metric over all labels; `None` without samples.
    pub fn value(&self, name: &str) -> Option<f64> {
        let (_, scrape) = self.get("/metrics");
        let values = scrape.lines().filter_map(|line| {
            let rest = line.strip_prefix(name)?;
            let value = match rest.strip_prefix('{') {
                Some(labels) => labels.rsplit_once("} ")?.1,
                None => rest.strip_prefix(' ')?,
            };
            value.parse::<f64>().ok()
        });
        values.reduce(|all, one| all + one)
    }
}

pub fn event(portal: &str, id: usize, time: Timestamp) -> Vec<u8> {
    format!(
        r#"{{"specversion":"1.0","type":"it.affluenza.access.v1","source":"{portal}","id":"{id}","time":"{time}","data":{{"ente":"c_a","portal":"{portal}"}}}}"#
    )
    .into_bytes()
}

/// One event an hour, from nine days before `until`.
fn hourly(portal: &str, until: Timestamp) -> Vec<Vec<u8>> {
    let at = |hours: usize| until - SignedDuration::from_hours(hours as i64);
    (0..24 * 9)
        .map(|hours| event(portal, hours, at(hours)))
        .collect()
}

pub fn a_consumer_shows_its_state(engines: &Engines) {
    let place = engines.place("watching");
    place.run(&["migrate"]);
    let now = Timestamp::now();
    let three_days = SignedDuration::from_hours(72);
    let mut events = hourly("lively", now);
    events.extend(hourly("silent", now - three_days));
    events.push(event("lively", 0, now));
    events.push(b"no event".to_vec());
    place.produce(events.iter().map(|event| ("k", event.as_slice())));
    let fast = [("AFFLUENZA__CONSUME__RECONCILE_FIRST_SECONDS", "1")];
    let watched = Watched::start(&place, "watched.log", &fast);
    let all = events.len() as f64;
    eventually("everything is stored, compared and inspected", || {
        watched.value("affluenza_consume_records_total") == Some(all)
            && watched.value("affluenza_reconcile_runs_total") >= Some(1.0)
            && watched.value("affluenza_portals_silent") == Some(1.0)
            && watched.value("affluenza_consume_lag_records") == Some(0.0)
    });
    let (status, scrape) = watched.get("/metrics");
    assert_eq!(status, 200);
    for line in [
        format!(
            "affluenza_consume_records_total{{fate=\"stored\"}} {}",
            events.len() - 2
        ),
        "affluenza_consume_records_total{fate=\"duplicate\"} 1".to_owned(),
        "affluenza_consume_refused_total{reason=\"not-json\"} 1".to_owned(),
        "affluenza_consume_partitions 4".to_owned(),
        "affluenza_consume_guard_stopped 0".to_owned(),
        format!("affluenza_consume_recent_identities {}", events.len() - 2),
        "affluenza_consume_lag_records{partition=\"3\"} 0".to_owned(),
    ] {
        assert!(scrape.contains(&format!("\n{line}\n")), "{line}:\n{scrape}");
    }
    assert_eq!(place.records_processed(), events.len() as u64);
    let silent = watched.value("affluenza_portal_silent_seconds{ente=\"c_a\",portal=\"silent\"}");
    let seconds = three_days.as_secs_f64();
    assert!(silent.is_some_and(|silent| (seconds - 3600.0..seconds + 300.0).contains(&silent)));
    // The histogram of delays has a bucket of one day.
    let after = |le: &str| format!("affluenza_consume_stored_after_seconds_bucket{{le=\"{le}\"}}");
    assert!(scrape.contains(&after("86400.0")), "{scrape}");
    names_exist(&scrape);
    assert_eq!(watched.get("/status").0, 200);
    assert_eq!(watched.get("/live").0, 200);
    watched.running.terminate();
}

/// Checks that the scrape contains every metric of the alerts and dashboards.
fn names_exist(scrape: &str) {
    for file in ["prometheus/alerts.yaml", "grafana/consume.json"] {
        let text = std::fs::read_to_string(source("deploy").join(file)).expect("it is there");
        let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
        // Metrics of other roles are not in this scrape.
        let names: Vec<&str> = words
            .filter(|word| word.starts_with("affluenza_"))
            .filter(|word| !word.starts_with("affluenza_http_"))
            .filter(|word| !word.starts_with("affluenza_collect_"))
            // These have samples only while a partition stands still or a transaction is open.
            .filter(|word| *word != "affluenza_consume_standstill_seconds")
            .filter(|word| *word != "affluenza_consume_open_transaction_seconds")
            .collect();
        assert!(names.len() > 10, "{file}: {names:?}");
        for name in names {
            let has =
                scrape.contains(&format!("\n{name}{{")) || scrape.contains(&format!("\n{name} "));
            assert!(has, "{file} names {name}, which is not in:\n{scrape}");
        }
    }
}

pub fn a_stop_at_a_guard_is_shown(engines: &Engines) {
    let place = engines.place("guarded");
    place.run(&["migrate"]);
    place.produce([("k", b"no event".as_slice())]);
    set_offset(&place.bus(), Partition(0), NextOffset(0), "somebody else's");
    let mut watched = Watched::start(
        &place,
        "guarded.log",
        &[("AFFLUENZA__CONSUME__STOP_SHOWN_SECONDS", "5")],
    );
    eventually("it stops", || {
        watched
            .get("/status")
            .1
            .contains("metadata of another program")
    });
    assert_eq!(watched.get("/status").0, 503);
    assert_eq!(watched.value("affluenza_consume_guard_stopped"), Some(1.0));
    eventually("the process ends", || watched.running.has_ended());
    let log = std::fs::read_to_string(place.folder.join("guarded.log")).expect("it logs");
    assert!(
        log.contains("affluenza: partition 0: the committed offset carries"),
        "{log}"
    );
}
