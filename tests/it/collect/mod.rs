//! Events received over HTTP, from the request to the facts.

mod canary;
mod canary_log;
pub mod client;
mod faults;
mod page;

use std::io::Write as _;

use client::{Collector, ask, event, event_of, key, send};

use crate::support::{Engines, Place, eventually};

pub use canary::nothing_personal_is_kept;
pub use canary_log::nothing_personal_leaves_the_log;
pub use faults::accepted_events_survive_kills;
pub use page::a_browser_counts_its_visits;

const JSON: &str = "application/json";
const LINES: &str = "application/x-ndjson";

pub fn every_form_is_taken_in_and_counts_once(engines: &Engines) {
    let place = engines.place("collect_forms");
    place.run(&["migrate"]);
    let key = key(&place, &["--ente", "c_d612"]);
    let collector = Collector::start(&place, "collect.log", &[]);
    let at = &*collector.address;
    let batch = format!("[{},{}]", event(2), event(3));
    let lines = format!("{}\n\n{}\r\n", event(4), event(5));
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(event(6).as_bytes()).expect("it compresses");
    let gzip = gzip.finish().expect("it compresses");
    let bearer = format!("Bearer {key}");
    for _ in 0..2 {
        let single = send(
            at,
            &key,
            "application/cloudevents+json",
            event(1).as_bytes(),
        );
        assert_eq!(
            (single.status, single.json()["accepted"].as_u64()),
            (202, Some(1))
        );
        let kind = "application/cloudevents-batch+json";
        assert_eq!(send(at, &key, kind, batch.as_bytes()).json()["accepted"], 2);
        assert_eq!(
            send(at, &key, LINES, lines.as_bytes()).json()["accepted"],
            2
        );
        let headers = [
            ("Authorization", &*bearer),
            ("Content-Type", JSON),
            ("Content-Encoding", "gzip"),
        ];
        assert_eq!(ask(at, "POST /v1/events", &headers, &gzip).status, 202);
        let whole: serde_json::Value = serde_json::from_str(&event(7)).expect("it is JSON");
        let attributes = ["specversion", "type", "source", "id", "time"].map(|name| {
            (
                format!("ce-{name}"),
                whole[name].as_str().unwrap_or_default().to_owned(),
            )
        });
        let mut headers = vec![("X-API-Key", &*key), ("Content-Type", JSON)];
        headers.extend(attributes.iter().map(|(name, value)| (&**name, &**value)));
        let data = whole["data"].to_string();
        let binary = ask(at, "POST /v1/events", &headers, data.as_bytes());
        assert_eq!(binary.status, 202, "{binary:?}");
    }
    let mixed = format!(
        "[{},{},7,{},{}]",
        event(8),
        event(9).replace("2026", "2099"),
        event(10).replace("\"v10\"", "\"a.b@example.it\""),
        event_of("c_g999", 11)
    );
    let mixed = send(at, &key, JSON, mixed.as_bytes());
    assert_eq!(mixed.status, 202);
    assert_eq!(
        mixed.reasons(),
        [
            "time-ahead",
            "not-cloudevent",
            "personal-data",
            "foreign-ente"
        ]
    );
    assert_eq!(mixed.json()["results"][3]["index"], 4);
    collector.running.terminate();
    place.run(&["consume", "--once"]);
    assert_eq!(place.count("SELECT count() FROM usage_events"), 8);
    assert_eq!(
        place.count("SELECT uniqExact(visitor) FROM usage_events WHERE visitor != 0"),
        8
    );
    assert_refusals_are_in_the_accounts(&place);
}

/// Forms that the specifications allow and SDKs send, each with its source. `kafka` marks those that a
/// record of Kafka may have, too.
pub fn forms_of_the_specifications_are_taken_in(engines: &Engines) {
    let place = engines.place("collect_specified");
    place.run(&["migrate"]);
    let key = key(&place, &["--ente", "c_d612"]);
    let origins = [(
        "AFFLUENZA__COLLECT__ORIGINS",
        "[\"https://www.comune.example.it\"]",
    )];
    let collector = Collector::start(&place, "collect.log", &origins);
    let cases: Vec<serde_json::Value> =
        serde_json::from_str(include_str!("forms.json")).expect("they are JSON");
    let (mut accepted, mut refused, mut records) = (0, 0, Vec::new());
    for case in &cases {
        let headers = case["headers"].as_object().expect("headers").iter();
        let headers = headers.map(|(name, value)| (&**name, value.as_str().expect("a text")));
        let headers: Vec<(&str, &str)> =
            [("X-API-Key", &*key)].into_iter().chain(headers).collect();
        let body = case["body"].as_str().expect("a text");
        let answer = ask(
            &collector.address,
            "POST /v1/events",
            &headers,
            body.as_bytes(),
        );
        let reason = case["reason"].as_str();
        let status = if reason.is_some() { 422 } else { 202 };
        assert_eq!(answer.status, status, "{}: {answer:?}", case["name"]);
        assert_eq!(answer.reasons(), Vec::from_iter(reason), "{}", case["name"]);
        accepted += u64::from(reason.is_none());
        if case["kafka"] == true {
            records.push(body.as_bytes());
            refused += u64::from(reason.is_some());
        }
    }
    preflights_allow_any_attribute(&collector);
    collector.running.terminate();
    place.run(&["consume", "--once"]);
    assert_eq!(place.count("SELECT count() FROM usage_events"), accepted);

    let place = engines.place("specified");
    place.run(&["migrate"]);
    place.produce(records.iter().map(|record| ("key", *record)));
    let stored = records.len() as u64 - refused;
    assert_eq!(
        place.run(&["consume", "--once"]).trim(),
        format!(
            "read {} = stored {stored} + duplicate 0 + rejected 0 + quarantined {refused}",
            records.len()
        )
    );
}

/// Attributes of CloudEvents can be extended, so a page may send any header that begins with `ce-`.
fn preflights_allow_any_attribute(collector: &Collector) {
    let headers = [
        ("Origin", "https://www.comune.example.it"),
        ("Access-Control-Request-Method", "POST"),
        (
            "Access-Control-Request-Headers",
            "authorization, ce-id, ce-producer,ce-x",
        ),
    ];
    let answer = ask(&collector.address, "OPTIONS /v1/events", &headers, b"");
    assert_eq!(answer.status, 204, "{answer:?}");
    let head = answer.head.to_ascii_lowercase();
    for name in ["authorization", "ce-id", "ce-producer", "ce-x"] {
        let lines = head
            .lines()
            .filter(|line| line.starts_with("access-control-allow-headers:"));
        let mut names = lines.flat_map(|line| line.split([':', ',', ' ']));
        assert!(names.any(|found| found == name), "{name}: {head}");
    }
}

/// Checks that the audit lists refused events by ente and reason, and that the accounts still
/// balance.
fn assert_refusals_are_in_the_accounts(place: &Place<'_>) {
    let audit: serde_json::Value =
        serde_json::from_str(&place.run(&["audit", "--format", "json"])).expect("it is JSON");
    assert_eq!(audit["balanced"], true);
    let drops = audit["reported_drops"].as_array().expect("a list");
    let mut refused: Vec<(&str, u64)> = drops
        .iter()
        .map(|drop| {
            let reason = drop["reason"].as_str().expect("a reason");
            (reason, drop["events"].as_u64().expect("a count"))
        })
        .collect();
    refused.sort_unstable();
    let expected = [
        ("foreign-ente", 1),
        ("not-cloudevent", 1),
        ("personal-data", 1),
        ("time-ahead", 1),
    ];
    assert_eq!(refused, expected, "{audit:#}");
}

/// Without Kafka and with a full spool the collector answers 503. All events answered with 202
/// arrive later.
pub fn a_full_spool_refuses_and_keeps(engines: &Engines) {
    const A_BATCH: u64 = 900;
    let place = engines.place("collect_full");
    place.run(&["migrate"]);
    let key = key(&place, &["--ente", "c_d612"]);
    let without_kafka = [
        ("AFFLUENZA__KAFKA__BOOTSTRAP_SERVERS", "127.0.0.1:1"),
        ("AFFLUENZA__COLLECT__KAFKA_WAIT_MS_MAX", "100"),
        ("AFFLUENZA__COLLECT__SPOOL_MIB_MAX", "16"),
        ("AFFLUENZA__COLLECT__KEY_REQUESTS_PER_SECOND", "100000"),
    ];
    let collector = Collector::start(&place, "collect.log", &without_kafka);
    let mut accepted = 0;
    let refused = loop {
        let lines: Vec<String> = (accepted..accepted + A_BATCH).map(event).collect();
        let answer = send(&collector.address, &key, LINES, lines.join("\n").as_bytes());
        match answer.status {
            202 => accepted += A_BATCH,
            _ => break answer,
        }
        assert!(accepted < 100 * A_BATCH, "16 MiB are full one day");
    };
    assert!(accepted > 10 * A_BATCH, "{accepted}: {refused:?}");
    assert_eq!(refused.status, 503);
    let detail = refused.json()["detail"].to_string();
    assert!(detail.contains("the spool is full"), "{detail}");
    assert!(refused.header("retry-after").is_some(), "{refused:?}");
    collector.running.terminate();
    let collector = Collector::start(&place, "collect.log", &[]);
    eventually("the spool is in Kafka", || {
        let metrics = ask(&collector.address, "GET /metrics", &[], b"");
        String::from_utf8_lossy(&metrics.body).contains("\naffluenza_collect_spool_events 0\n")
    });
    collector.running.terminate();
    place.run(&["consume", "--once"]);
    let stored = "SELECT count() FROM usage_events";
    assert_eq!(
        place.count(stored),
        accepted,
        "what was accepted, and nothing else"
    );
}

pub fn mistakes_are_answered_clearly(engines: &Engines) {
    let place = engines.place("collect_mistakes");
    place.run(&["migrate"]);
    let writer = key(&place, &[]);
    let reader = place
        .run(&["keys", "create", "dashboard"])
        .trim()
        .to_owned();
    let collector = Collector::start(
        &place,
        "collect.log",
        &[(
            "AFFLUENZA__COLLECT__ORIGINS",
            "[\"https://app.example.it\"]",
        )],
    );
    let at = &*collector.address;
    let good = event(1);
    let long = event("x".repeat(70_000));
    let many = vec!["{}"; 1_001].join("\n");
    let huge = " ".repeat(1_100_000);
    let cases: [(&str, &str, &str, u16, &str); 10] = [
        ("", JSON, &good, 401, "unauthorized"),
        ("nonsense", JSON, &good, 401, "unauthorized"),
        (&reader, JSON, &good, 403, "forbidden"),
        (&writer, "text/plain", &good, 415, "unsupported-media-type"),
        (&writer, JSON, "[{", 400, "malformed-body"),
        (&writer, JSON, "", 400, "malformed-body"),
        (&writer, JSON, &long, 422, "all-refused"),
        (&writer, LINES, &many, 413, "too-many-events"),
        (&writer, LINES, &huge, 413, "too-large"),
        (&writer, JSON, "{\"a\":1}", 422, "all-refused"),
    ];
    for (key, kind, body, status, code) in cases {
        let answer = if key.is_empty() {
            ask(
                at,
                "POST /v1/events",
                &[("Content-Type", kind)],
                body.as_bytes(),
            )
        } else {
            send(at, key, kind, body.as_bytes())
        };
        assert_eq!(answer.status, status, "{code}: {answer:?}");
        assert_eq!(
            answer.header("content-type"),
            Some("application/problem+json")
        );
        assert_eq!(answer.json()["code"], code);
    }
    let bearer = format!("Bearer {writer}");
    let from = |origin: &'static str| {
        let headers = [
            ("Authorization", &*bearer),
            ("Content-Type", JSON),
            ("Origin", origin),
        ];
        ask(at, "POST /v1/events", &headers, good.as_bytes())
    };
    let listed = from("https://app.example.it");
    assert_eq!(listed.status, 202);
    assert_eq!(
        listed.header("access-control-allow-origin"),
        Some("https://app.example.it")
    );
    assert_eq!(
        from("https://evil.example").json()["code"],
        "foreign-origin"
    );
    let preflight = ask(
        at,
        "OPTIONS /v1/events",
        &[
            ("Origin", "https://app.example.it"),
            ("Access-Control-Request-Method", "POST"),
        ],
        b"",
    );
    assert_eq!(preflight.status, 204);
    let metrics = ask(at, "GET /metrics", &[], b"");
    let metrics = String::from_utf8_lossy(&metrics.body).into_owned();
    for line in [
        "affluenza_collect_events_accepted_total 1",
        "affluenza_collect_events_refused_total{reason=\"foreign-origin\"} 1",
        "affluenza_collect_events_refused_total{reason=\"too-large\"} 1",
    ] {
        assert!(metrics.contains(line), "{line}: {metrics}");
    }
    assert_eq!(ask(at, "GET /status", &[], b"").status, 200);
    assert_eq!(
        ask(at, "GET /openapi.json", &[], b"").json()["openapi"],
        "3.1.0"
    );
    collector.running.terminate();
}

pub fn keys_write_for_their_own_ente_only(engines: &Engines) {
    let place = engines.place("collect_matrix");
    place.run(&["migrate"]);
    let register = affluenza_register::Register::parse(
        &std::fs::read_to_string(crate::support::source("deploy/register.toml"))
            .expect("the register is there"),
    )
    .expect("the register is sound");
    let enti: Vec<&str> = register.enti().map(|ente| ente.code()).collect();
    let keys: Vec<String> = enti
        .iter()
        .map(|ente| key(&place, &["--ente", ente]))
        .collect();
    let collector = Collector::start(&place, "collect.log", &[]);
    for (own, key) in enti.iter().zip(&keys) {
        let batch: Vec<String> = enti
            .iter()
            .map(|ente| event_of(ente, format!("{own}-{ente}")))
            .collect();
        let answer = send(&collector.address, key, LINES, batch.join("\n").as_bytes());
        assert_eq!(answer.json()["accepted"], 1, "{own}: {answer:?}");
        assert_eq!(answer.reasons(), vec!["foreign-ente"; enti.len() - 1]);
        let foreign = enti
            .iter()
            .find(|ente| *ente != own)
            .expect("there are several");
        let alone = send(
            &collector.address,
            key,
            JSON,
            event_of(foreign, "alone").as_bytes(),
        );
        assert_eq!(
            (alone.status, alone.reasons()),
            (403, vec!["foreign-ente".to_owned()])
        );
    }
    collector.running.terminate();
    place.run(&["consume", "--once"]);
    let stored = place.count("SELECT count() FROM usage_events");
    assert_eq!(stored, enti.len() as u64);
    assert_eq!(
        place.count("SELECT uniqExact(ente) FROM usage_events"),
        stored
    );
}
