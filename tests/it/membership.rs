//! A group whose topic gets more partitions, and static members.

use std::path::Path;

use crate::rebuild::history::Event;
use crate::support::{Engines, Place, eventually};

/// Finds new partitions within 500 ms instead of a minute, and leaves the search for copies to the
/// audit.
const QUICK: [(&str, &str); 2] = [
    (
        "AFFLUENZA__KAFKA__PROPERTIES__TOPIC.METADATA.REFRESH.INTERVAL.MS",
        "\"500\"",
    ),
    ("AFFLUENZA__CONSUME__COPIES_SEARCH_SECONDS", "240"),
];

fn produce(place: &Place<'_>, numbers: std::ops::Range<u64>) {
    let records: Vec<(String, String)> = numbers
        .map(|number| (format!("s{number}"), Event(number).json()))
        .collect();
    place.produce(
        records
            .iter()
            .map(|(key, record)| (key.as_str(), record.as_bytes())),
    );
}

fn said(place: &Place<'_>, log: &str, words: &str) -> usize {
    let text = std::fs::read_to_string(Path::new(&place.folder).join(log)).unwrap_or_default();
    text.matches(words).count()
}

pub fn partitions_are_added_to_a_running_topic(engines: &Engines) {
    let place = engines.place("added");
    let migrate = |partitions: &str, arguments: &[&str]| {
        let output = place
            .command(&[&["migrate"], arguments].concat())
            .env("AFFLUENZA__KAFKA__PARTITIONS", partitions)
            .output()
            .expect("the program runs");
        assert!(output.status.success());
        String::from_utf8(output.stdout).expect("it prints text")
    };
    migrate("2", &[]);
    let mut consumer = place.spawn_with(&["consume"], "consumer.log", &QUICK);
    produce(&place, 0..1_000);
    eventually("the first events are counted", || {
        assert!(!consumer.has_ended());
        place.records_processed() == 1_000
    });
    let told = migrate("3", &["--add-partitions"]);
    assert!(told.contains("2 partitions before, 3 now"), "{told}");
    let told = migrate("3", &["--add-partitions"]);
    assert!(told.contains("nothing to do"), "{told}");
    eventually("the third partition is read", || {
        said(&place, "consumer.log", "partition assigned") == 3
    });
    // Sends the same events again: most keys now map to another partition.
    produce(&place, 0..2_000);
    eventually("every record is processed", || {
        assert!(!consumer.has_ended());
        place.records_processed() == 3_000
    });
    consumer.terminate();
    assert_eq!(place.ends().len(), 3);
    assert!(place.count("SELECT uniqExact(kafka_partition) FROM usage_events") == 3);

    // Copies in two old partitions are found only by a search of the facts.
    let before = place.count("SELECT count() FROM usage_events");
    let audit = place
        .command(&["audit", "--format", "json"])
        .output()
        .expect("the program runs");
    let text = String::from_utf8_lossy(&audit.stdout);
    let twice = text.matches("\"event-stored-twice\"").count() as u64;
    assert_eq!(before, 2_000 + twice, "the audit names each: {text}");
    assert!(twice > 0 && !audit.status.success(), "{twice}");
    let told = place.run(&["audit", "--repair"]);
    assert!(
        told.contains("balanced: every record is accounted for"),
        "{told}"
    );
    for (query, expected) in [
        ("SELECT count() FROM usage_events", 2_000),
        ("SELECT uniqExact(identity) FROM usage_events", 2_000),
        ("SELECT sum(h.events) FROM usage_hourly AS h", 2_000),
        (
            "SELECT sum(l.duplicate) FROM ingest_ledger AS l FINAL",
            1_000,
        ),
    ] {
        assert_eq!(place.count(query), expected, "{query}");
    }
    place.run(&["audit"]);
}

pub fn named_members_come_back_to_their_partitions(engines: &Engines) {
    let place = engines.place("named");
    place.run(&["migrate"]);
    produce(&place, 0..500);
    let member = |name: &str, log: &str| {
        place.spawn_with(
            &["consume"],
            log,
            &[
                ("AFFLUENZA__KAFKA__INSTANCE", name),
                (
                    "AFFLUENZA__KAFKA__PROPERTIES__SESSION.TIMEOUT.MS",
                    "\"45000\"",
                ),
            ],
        )
    };
    let assigned = |log: &str| said(&place, log, "partition assigned");
    let first = member("first", "first.log");
    let mut second = member("second", "second.log");
    eventually("both have two partitions", || {
        let given_back = said(&place, "first.log", "partition revoked")
            + said(&place, "second.log", "partition revoked");
        assigned("first.log") + assigned("second.log") == 4 + given_back
            && assigned("first.log").min(assigned("second.log")) >= 2
            && assigned("first.log") - said(&place, "first.log", "partition revoked") == 2
    });
    let before = assigned("second.log");
    first.kill();
    produce(&place, 500..1_000);
    let again = member("first", "again.log");
    eventually("it is given the partitions that it had", || {
        assert!(!second.has_ended());
        assigned("again.log") == 2
    });
    eventually("everything is counted", || {
        place.records_processed() == 1_000
    });
    assert_eq!(
        assigned("second.log"),
        before,
        "no other member noticed the absence"
    );
    // A second member with the same name: the first one is fenced and ends.
    let usurper = member("first", "usurper.log");
    let mut again = again;
    eventually("the first of that name ends", || again.has_ended());
    assert!(said(&place, "again.log", "kafka.instance") >= 1);
    produce(&place, 1_000..1_500);
    eventually("everything is counted", || {
        place.records_processed() == 1_500
    });
    usurper.terminate();
    second.terminate();
    assert_eq!(place.count("SELECT count() FROM usage_events"), 1_500);
    place.run(&["audit"]);
}
