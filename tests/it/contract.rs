//! The examples of the contract, sent through the real log.

use std::collections::BTreeMap;
use std::time::Duration;

use affluenza_kafka::Writer;
use serde_json::Value;

use crate::support::{Engines, Place, source};

/// Kafka timestamp of the examples: 2026-01-01T00:00:00Z.
const WRITTEN_MS: i64 = 1_767_225_600_000;

/// The record of an example.
pub struct Example {
    pub name: String,
    /// Reason of the rejection; `None` for a valid example.
    pub reason: Option<String>,
    pub payload: Vec<u8>,
    pub headers: Vec<(String, String)>,
}

/// Reads the examples of `schemas/examples/{kind}`, by name.
pub fn examples(kind: &str) -> Vec<Example> {
    let folder = source(&format!("schemas/examples/{kind}"));
    let mut found: Vec<Example> = std::fs::read_dir(folder)
        .expect("the examples are there")
        .map(|entry| entry.expect("the folder can be read").path())
        .map(|path| {
            let name = path.file_stem().expect("a file has a name");
            let name = name.to_string_lossy().into_owned();
            let bytes = std::fs::read(&path).expect("an example can be read");
            let (payload, headers) = match kind {
                "binary" => in_binary_mode(&bytes),
                _ => (bytes, Vec::new()),
            };
            Example {
                reason: name.split_once("--").map(|(reason, _)| reason.to_owned()),
                name,
                payload,
                headers,
            }
        })
        .collect();
    found.sort_by(|one, other| one.name.cmp(&other.name));
    found
}

fn in_binary_mode(bytes: &[u8]) -> (Vec<u8>, Vec<(String, String)>) {
    let record: Value = serde_json::from_slice(bytes).expect("an example is JSON");
    let headers = record["headers"].as_object().expect("it has headers");
    let headers = headers
        .iter()
        .map(|(name, value)| (name.clone(), value.as_str().unwrap_or_default().to_owned()));
    (
        record["payload"].to_string().into_bytes(),
        headers.collect(),
    )
}

/// Writes examples to the topic, with one key to keep their order.
fn produce(place: &Place<'_>, examples: &[Example]) {
    let bus = place.bus();
    let writer = Writer::new(&bus, &bus.topic).expect("Kafka can be written");
    for example in examples {
        let headers: Vec<(&str, &str)> = example
            .headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        writer
            .send(b"examples", &example.payload, Some(WRITTEN_MS), &headers)
            .expect("a record is taken");
    }
    writer
        .flush(Duration::from_secs(30))
        .expect("all are acknowledged");
}

fn is_report(example: &Example) -> bool {
    example.name.starts_with("client-report")
}

pub fn examples_are_what_their_names_say(engines: &Engines) {
    let place = engines.place("contract");
    place.run(&["migrate"]);
    let all: Vec<Example> = ["good", "bad", "binary"]
        .into_iter()
        .flat_map(examples)
        .collect();
    produce(&place, &all);
    place.run(&["consume", "--once"]);
    // A service use in version 1 and the same in version 2 are one event.
    let stored = all
        .iter()
        .filter(|example| example.reason.is_none() && !is_report(example))
        .count() as u64
        - 1;
    assert_eq!(place.count("SELECT count() FROM usage_events"), stored);
    assert_eq!(
        place.count("SELECT sum(duplicate) FROM ingest_ledger FINAL"),
        1
    );
    assert_eq!(place.records_processed(), all.len() as u64);
    let mut expected: BTreeMap<&str, u64> = BTreeMap::new();
    for reason in all.iter().filter_map(|example| example.reason.as_deref()) {
        *expected.entry(reason).or_default() += 1;
    }
    for (reason, records) in expected {
        let counted = place.count(&format!(
            "SELECT sum(f.records) FROM (SELECT * FROM ingest_ledger FINAL) ARRAY JOIN fates AS f WHERE f.reason = '{reason}'"
        ));
        assert_eq!(counted, records, "{reason}");
    }
    // Both modes and both versions report the same login.
    assert_eq!(
        place.count("SELECT count() FROM usage_events WHERE login = 'spid-2'"),
        2
    );
    assert_eq!(
        place.count("SELECT count() FROM usage_events WHERE login = 'cns'"),
        1
    );
    place.run(&["audit"]);
}

pub fn letters_in_binary_mode_are_shown_and_sent_again(engines: &Engines) {
    let place = engines.place("contract_letters");
    place.run(&["migrate"]);
    let binary = examples("binary");
    produce(&place, &binary);
    place.run(&["consume", "--once"]);
    let (letter, at) = binary
        .iter()
        .zip(0..)
        .find(|(example, _)| example.name == "bad-time--no-offset")
        .map(|(example, at): (&Example, u64)| (example, at))
        .expect("there is such an example");
    let partition = place.count("SELECT toUInt64(any(kafka_partition)) FROM ingest_ledger FINAL");
    let position = format!("{partition}/{at}");
    let shown = place.run(&["dead-letters", "show", &position]);
    let source = letter.headers.iter().find(|(name, _)| name == "ce_source");
    let (_, source) = source.expect("it has a source");
    assert!(shown.contains(source), "{shown}");
    // A corrected dead letter becomes an event.
    let before = place.count("SELECT count() FROM usage_events");
    let mut letter: serde_json::Value = serde_json::from_str(&shown).expect("a letter is JSON");
    letter["event"]["time"] = "2025-11-24T09:15:30+01:00".into();
    let letter = letter.to_string();
    let file = crate::support::write(&place.folder, "corrected.json", letter.as_bytes());
    let file = file.to_str().expect("the path is text");
    place.run(&["dead-letters", "requeue", "--corrected", file]);
    place.run(&["consume", "--once"]);
    assert_eq!(place.count("SELECT count() FROM usage_events"), before + 1);
}
