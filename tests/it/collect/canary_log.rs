//! Personal data, words and identifiers in every part of a record from a Kafka client. They must
//! stay in the topic that the client wrote to.

use std::time::Duration;

use affluenza_event::{as_structured, unpack};
use affluenza_kafka::{Writer, scan};
use aho_corasick::AhoCorasick;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::Write as _;

use super::canary::{FIELDS, assert_clean_files, in_base64, put};
use super::client::event;
use crate::support::{Engines, Place, eventually};

/// Other canaries than over HTTP, where not even Kafka's files may contain any.
const CANARIES: [&str; 6] = [
    "93.45.171.219",
    "2001:db8:77:1:2:3:4:6",
    "canarina.segreta@example.it",
    "CNRSGR85T50A562W",
    NAME,
    IDENTIFIER,
];
const NAME: &str = "Canarina Segreta";
/// A value that resembles a token or a code.
const IDENTIFIER: &str = "canarina-0042-7f3e";
/// Fields that are stored by design: they identify a portal or an event, not a person.
const CODES: [&str; 8] = [
    "/type",
    "/source",
    "/id",
    "/producer",
    "/data/ente",
    "/data/portal",
    "/data/service",
    // Free text that is classified; personal data in it are masked.
    "/data/client/user_agent",
];

pub fn nothing_personal_leaves_the_log(engines: &Engines) {
    let place = engines.place("canary_log");
    place.run(&["migrate"]);
    let sent = plant(&place);
    let consumer = place.spawn_with(&["consume"], "consume.log", &[("AFFLUENZA_LOG", "debug")]);
    eventually("everything is consumed", || {
        place.records_processed() >= sent
    });
    consumer.terminate();
    let stored = place.count("SELECT count() FROM usage_events");
    let letters = assert_letters_are_clean(&place);
    assert!(
        stored > 20 && letters > 100,
        "{stored} stored, {letters} not"
    );
    assert_eq!(
        stored + letters + place.count("SELECT sum(duplicate) FROM ingest_ledger FINAL"),
        sent
    );
    let said = place.run(&["dead-letters", "list", "--limit", "1000"]);
    assert_clean(said.as_bytes(), "the list of dead letters");
    // Two modes carry the same id under two keys: one copy stays.
    place.run(&["audit", "--repair"]);
    assert_clean_files(&place.folder, assert_clean);
    let access = place.access();
    let patience = Duration::from_secs(60);
    let tables = access.ask("SHOW TABLES", patience).expect("it is answered");
    for table in tables.lines() {
        let rows = access.ask(&format!("SELECT * FROM `{table}`"), patience);
        assert_clean(rows.expect("it is answered").as_bytes(), table);
    }
}

/// Writes each canary in each field and in each mode. Returns the number of records.
fn plant(place: &Place<'_>) -> u64 {
    let bus = place.bus();
    let writer = Writer::new(&bus, &bus.topic).expect("Kafka can be written");
    let mut sent = 0;
    let mut send = |key: &str, payload: &[u8], headers: &[(&str, &str)]| {
        let taken = writer.send(key.as_bytes(), payload, None, headers);
        taken.expect("a record is taken");
        sent += 1;
    };
    for (number, canary) in CANARIES.iter().enumerate() {
        for field in FIELDS {
            let is_word = [NAME, IDENTIFIER].contains(canary);
            if is_word && CODES.contains(&field) {
                continue;
            }
            let name = field.replace('/', "-");
            let fresh = |mode: &str| on_the_log(&format!("{mode}{number}{name}"));
            let mut whole = fresh("structured");
            put(&mut whole, field, canary);
            send(canary, whole.to_string().as_bytes(), &[]);
            // A copy with an invalid time is rejected.
            whole["time"] = "some day".into();
            send("", whole.to_string().as_bytes(), &[]);
            let mut packed = fresh("packed");
            put(&mut packed, field, canary);
            send("", in_base64(&packed).as_bytes(), &[]);
            packed["time"] = "some day".into();
            send("", in_base64(&packed).as_bytes(), &[]);
        }
        let hidden = STANDARD.encode(canary);
        let twice = STANDARD.encode(format!("{{\"nome\":\"{hidden}\"}}"));
        for text in [&hidden, &twice] {
            send(
                "",
                format!("{{\"id\":\"7\",\"nome\":\"{text}\"}}").as_bytes(),
                &[],
            );
        }
        for payload in others(canary) {
            send(
                canary,
                &payload,
                &[("ce_specversion", "1.0"), ("ce_nome", canary)],
            );
            send("", &payload, &[]);
        }
        let name = format!("ce_{canary}");
        for headers in [
            ("ce_subject", *canary),
            ("ce_time", canary),
            (&name, "x"),
            ("content-type", canary),
        ] {
            let all = [
                ("ce_specversion", "1.0"),
                ("ce_type", "it.affluenza.access.v1"),
                headers,
            ];
            send(canary, b"{\"ente\":\"c_d612\"}", &all);
        }
    }
    writer
        .flush(Duration::from_secs(30))
        .expect("all are acknowledged");
    sent
}

/// An event as a Kafka client writes it: with a pseudonym and a country instead of an address.
fn on_the_log(id: &str) -> serde_json::Value {
    let mut whole: serde_json::Value = serde_json::from_str(&event(id)).expect("it is JSON");
    let pseudonym = format!(
        "v{:016x}",
        std::hash::BuildHasher::hash_one(
            &std::hash::BuildHasherDefault::<std::hash::DefaultHasher>::default(),
            id
        )
    );
    whole["data"]["visitor"] = pseudonym.into();
    whole["data"]["client"]
        .as_object_mut()
        .expect("an object")
        .remove("ip");
    whole["data"]["client"]["country"] = "IT".into();
    whole
}

/// Payloads that are not an event.
fn others(canary: &str) -> Vec<Vec<u8>> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(canary.as_bytes()).expect("it compresses");
    vec![
        format!("{{\"nome\":\"{canary}\"").into_bytes(),
        format!("{{\"nome\":{{\"{canary}\":[\"{canary}\"]}}}}").into_bytes(),
        format!("[{}, {{\"nome\":\"{canary}\"}}]", event(1)).into_bytes(),
        format!("GET /?q={canary} HTTP/1.1").into_bytes(),
        canary.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        [b"\xff\xfe ", canary.as_bytes()].concat(),
        gzip.finish().expect("it compresses"),
    ]
}

/// Checks the dead letters and returns their number.
fn assert_letters_are_clean(place: &Place<'_>) -> u64 {
    let topic = place.bus().dead_letter_topic;
    let mut letters = 0;
    scan(&place.bus(), &topic, |record| {
        letters += 1;
        assert_clean(record.key(), "the key of a letter");
        assert_clean(record.payload(), "a letter");
        for (name, value) in record.headers() {
            assert_clean(name.as_bytes(), "the name of a header");
            assert_clean(value, name);
        }
        let structured = as_structured(record.payload(), record.headers());
        let payload = structured.as_deref().unwrap_or(record.payload());
        assert_clean(payload, "a letter in structured mode");
        if let Some(Ok(unpacked)) = unpack(payload) {
            assert_clean(&unpacked, "an unpacked letter");
        }
    })
    .expect("the topic can be read");
    letters
}

fn assert_clean(bytes: &[u8], place: &str) {
    let sought = AhoCorasick::builder()
        .ascii_case_insensitive(true)
        .build(CANARIES)
        .expect("a few short texts");
    if let Some(found) = sought.find(bytes) {
        let canary = CANARIES[found.pattern().as_usize()];
        panic!("{canary} is in {place}: {}", String::from_utf8_lossy(bytes));
    }
}
