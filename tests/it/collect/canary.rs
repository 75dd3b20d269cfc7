//! Personal data in every field of an event: no stored byte may contain any.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::time::Duration;

use aho_corasick::AhoCorasick;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::client::{Collector, ask, event, key};
use crate::support::{Engines, Place, Running, eventually};

/// Addresses, an e-mail address, a fiscal code and a name that occur nowhere else.
const CANARIES: [&str; 5] = [
    "93.45.171.217",
    "2001:db8:77:1:2:3:4:5",
    "canarino.segreto@example.it",
    "CNRSGR85T10A562S",
    NAME,
];
const NAME: &str = "Canarino Segreto";

/// All fields of an event, as JSON pointers.
pub(super) const FIELDS: [&str; 20] = [
    "/specversion",
    "/type",
    "/source",
    "/id",
    "/time",
    "/producer",
    "/sequence",
    "/extension",
    "/data/ente",
    "/data/portal",
    "/data/service",
    "/data/kind",
    "/data/session",
    "/data/visitor",
    "/data/nome",
    "/data/client/user_agent",
    "/data/client/ip",
    "/data/client/country",
    "/data/client/platform",
    "/data/client/form_factors",
];

pub fn nothing_personal_is_kept(engines: &Engines) {
    let place = engines.place("collect_canary");
    place.run(&["migrate"]);
    let secret = key(&place, &["--ente", "c_d612"]);
    let own_spool = [
        // A second collector whose Kafka is unreachable, so that its events stay in the spool.
        ("AFFLUENZA__KAFKA__BOOTSTRAP_SERVERS", "127.0.0.1:1"),
        ("AFFLUENZA__COLLECT__KAFKA_WAIT_MS_MAX", "100"),
    ];
    let collector = Collector::start(&place, "collect.log", &[("AFFLUENZA_LOG", "debug")]);
    let mut consumer = Some(consume(&place));
    let accepted = plant(&collector.address, &secret);
    collector.running.terminate();
    let spooling = Collector::start(&place, "collect.log", &own_spool);
    assert_eq!(plant(&spooling.address, &secret), accepted);
    spooling.running.terminate();
    eventually("everything is consumed", || {
        let high: i64 = place.ends().values().map(|end| end.0).sum();
        place.records_processed() == high.unsigned_abs()
    });
    assert!(
        accepted > 20,
        "most fields have room for what is replaced: {accepted}"
    );
    let stored = place.count("SELECT count() FROM usage_events");
    assert!(stored > 0 && stored <= accepted);
    consumer.take().expect("it runs").terminate();
    for folder in stores(engines, &place) {
        assert_clean_files(&folder, assert_clean);
    }
    assert_clean_topics(&place);
    assert_clean_tables(&place);
}

fn consume(place: &Place<'_>) -> Running {
    place.spawn_with(&["consume"], "consume.log", &[("AFFLUENZA_LOG", "debug")])
}

/// Sends each canary in each field, alone, in headers and in the query. Returns the number of
/// accepted events.
fn plant(address: &str, key: &str) -> u64 {
    let bearer = format!("Bearer {key}");
    let mut accepted = 0;
    for (number, canary) in CANARIES.iter().enumerate() {
        let forwarded = [
            ("Authorization", &*bearer),
            ("Content-Type", "application/json"),
            ("X-Forwarded-For", canary),
            ("User-Agent", canary),
            ("Referer", canary),
            ("ce-canary", canary),
        ];
        let query = canary.replace(' ', "%20");
        for field in FIELDS {
            // A user agent is free text: no rule can recognise a name in it.
            if field == "/data/client/user_agent" && *canary == NAME {
                continue;
            }
            let mut sent: serde_json::Value =
                serde_json::from_str(&event(format!("{number}{}", field.replace('/', "-"))))
                    .expect("it is JSON");
            put(&mut sent, field, canary);
            let line = format!("POST /v1/events?who={query}");
            let answer = ask(address, &line, &forwarded, sent.to_string().as_bytes());
            assert!(
                [202, 403, 422].contains(&answer.status),
                "{field}: {answer:?}"
            );
            accepted += u64::from(answer.status == 202);
            // A copy with base64 data counts as a duplicate; a batch is another way in.
            let packed = in_base64(&sent);
            for (kind, body) in [
                ("application/cloudevents+json", packed.clone()),
                ("application/cloudevents-batch+json", format!("[{packed}]")),
            ] {
                let mut headers = forwarded;
                headers[1].1 = kind;
                let again = ask(address, &line, &headers, body.as_bytes());
                let is_same = again.status == answer.status;
                assert!(is_same, "{field}: {again:?} packed, {answer:?} plain");
                accepted += u64::from(again.status == 202);
            }
        }
        let broken = format!("{{\"id\":\"{canary}\"");
        let answer = ask(address, "POST /v1/events", &forwarded, broken.as_bytes());
        assert_eq!(answer.status, 422, "{answer:?}");
        // In the path, and as a key.
        ask(address, &format!("GET /{query}"), &forwarded, b"");
        let wrong =
            [("Authorization", &*format!("Bearer {canary}"))].map(|(n, v)| (n, v.to_owned()));
        let wrong: Vec<(&str, &str)> = wrong.iter().map(|(n, v)| (*n, &**v)).collect();
        assert_eq!(ask(address, "POST /v1/events", &wrong, b"").status, 401);
    }
    accepted
}

/// Returns the event with `data_base64` instead of `data`.
pub(super) fn in_base64(whole: &serde_json::Value) -> String {
    let mut packed = whole.clone();
    let data = packed["data"].take().to_string();
    let fields = packed.as_object_mut().expect("it is an object");
    fields.remove("data");
    fields.insert("data_base64".into(), STANDARD.encode(data).into());
    packed.to_string()
}

pub(super) fn put(event: &mut serde_json::Value, path: &str, text: &str) {
    let (parent, name) = path.rsplit_once('/').expect("it is a path");
    let parent = event.pointer_mut(parent).expect("the event has it");
    parent[name] = text.into();
}

/// All folders that may hold stored data.
fn stores(engines: &Engines, place: &Place<'_>) -> Vec<PathBuf> {
    let mut folders = vec![place.folder.clone()];
    folders.extend(engines.folders());
    folders
}

/// Finds canaries in any case. The folders of the engines hold the data of all tests, so one pass
/// searches for all canaries.
static SOUGHT: LazyLock<AhoCorasick> = LazyLock::new(|| {
    AhoCorasick::builder()
        .ascii_case_insensitive(true)
        .build(CANARIES)
        .expect("a few short texts")
});

fn assert_clean(bytes: &[u8], place: &str) {
    if let Some(found) = SOUGHT.find(bytes) {
        panic!("{} is in {place}", CANARIES[found.pattern().as_usize()]);
    }
}

pub(super) fn assert_clean_files(folder: &Path, assert_clean: fn(&[u8], &str)) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            assert_clean_files(&path, assert_clean);
        } else if let Ok(bytes) = std::fs::read(&path) {
            // A running engine creates and deletes files; the bytes that were read count.
            assert_clean(&bytes, &path.display().to_string());
        }
    }
}

/// Kafka compresses its files, so the records are also read one by one.
fn assert_clean_topics(place: &Place<'_>) {
    let bus = place.bus();
    let mut records = 0;
    for topic in [&bus.topic, &bus.dead_letter_topic] {
        affluenza_kafka::scan(&bus, topic, |record| {
            records += 1;
            assert_clean(record.key(), topic);
            assert_clean(record.payload(), topic);
            for (_, value) in record.headers() {
                assert_clean(value, topic);
            }
        })
        .expect("the topic can be read");
    }
    assert!(records > 0);
}

/// ClickHouse compresses its files, so every row of every table is also read.
fn assert_clean_tables(place: &Place<'_>) {
    let access = place.access();
    let patience = Duration::from_secs(60);
    let tables = access.ask("SHOW TABLES", patience).expect("it is answered");
    for table in tables.lines() {
        let rows = access.ask(&format!("SELECT * FROM `{table}`"), patience);
        assert_clean(rows.expect("it is answered").as_bytes(), table);
    }
}
