//! Events with the same source and id count once: with another key, time or month, beyond the
//! consumer's memory, after a requeue, and across the closing of a year.

use affluenza_store::{Config as StoreConfig, Store};

use crate::support::{Engines, Place, eventually, stderr, write};

/// Limits the consumer's memory to four identities per partition.
const SHORT_MEMORY: (&str, &str) = ("AFFLUENZA__CONSUME__RECENT_IDENTITIES_MAX", "4");

fn event(id: &str, time: &str) -> String {
    format!(
        r#"{{"specversion":"1.0","type":"it.affluenza.service-use.v1","source":"https://portal.example.it","id":"{id}","time":"{time}","data":{{"ente":"c_d612","portal":"servizi-online","service":"tari","kind":"payment","visitor":"v-{id}"}}}}"#
    )
}

fn consume(place: &Place<'_>) {
    let output = place
        .command(&["consume", "--once"])
        .envs([SHORT_MEMORY])
        .output()
        .expect("the program runs");
    assert!(output.status.success(), "{}", stderr(&output));
}

/// Checks that facts, hour rows and ledger count this many events, the accounts balance, and a
/// repair changes nothing.
fn assert_counted(place: &Place<'_>, events: u64) {
    for query in [
        "SELECT count() FROM usage_events",
        "SELECT uniqExact(identity) FROM usage_events",
        "SELECT sum(h.events) FROM usage_hourly AS h",
        "SELECT sum(h.service_uses) FROM usage_hourly AS h",
        "SELECT sum(l.stored) FROM ingest_ledger AS l FINAL",
    ] {
        assert_eq!(place.count(query), events, "{query}");
    }
    for arguments in [
        &["audit"][..],
        &["audit", "--repair"],
        &["audit", "--repair"],
    ] {
        let said = place.run(arguments);
        assert!(
            said.contains("balanced: every record is accounted for"),
            "{said}"
        );
        assert_eq!(place.count("SELECT count() FROM usage_events"), events);
    }
}

/// Hash that identifies the copy of each event that is a fact.
const SURVIVORS: &str =
    "SELECT sum(cityHash64(identity, time, kafka_partition, kafka_offset)) FROM usage_events";

pub fn an_event_counts_once_whatever_its_key_and_time(engines: &Engines) {
    let place = engines.place("copies");
    place.run(&["migrate"]);
    let days = 1..=10;
    let mut records: Vec<(String, String)> = days
        .map(|day| {
            (
                format!("k{day}"),
                event(
                    &format!("o{day}"),
                    &format!("2025-06-{day:02}T10:00:00+02:00"),
                ),
            )
        })
        .collect();
    records.push(("k".into(), event("s1", "2025-06-10T10:00:00+02:00")));
    records.push(("k".into(), event("s2", "2025-05-31T10:00:00+02:00")));
    let produce = |records: &[(String, String)]| {
        place.produce(
            records
                .iter()
                .map(|(key, record)| (key.as_str(), record.as_bytes())),
        );
        consume(&place);
    };
    produce(&records);
    assert_counted(&place, 12);

    // Copies on other days and months, beyond the memory, in the same partition.
    produce(&[
        ("k".into(), event("f1", "2025-07-01T10:00:00+02:00")),
        ("k".into(), event("f2", "2025-07-02T10:00:00+02:00")),
        ("k".into(), event("f3", "2025-07-03T10:00:00+02:00")),
        ("k".into(), event("f4", "2025-07-04T10:00:00+02:00")),
        ("k".into(), event("s1", "2025-07-25T10:00:00+02:00")),
        ("k".into(), event("s2", "2025-06-26T10:00:00+02:00")),
        ("k".into(), event("s2", "2024-12-31T23:59:59+01:00")),
    ]);
    assert_counted(&place, 16);

    // A copy of every event in every partition, each with another time.
    let again: Vec<(String, String)> = (0..12)
        .flat_map(|key| {
            let copies = records
                .iter()
                .map(move |(_, record)| (format!("other-{key}"), record.clone()));
            copies.collect::<Vec<_>>()
        })
        .collect();
    produce(&again);
    assert!(place.count("SELECT uniqExact(kafka_partition) FROM ingest_ledger") > 2);
    assert_counted(&place, 16);

    // A replay into another database keeps the same copies.
    let replay = [
        ("AFFLUENZA__KAFKA__GROUP", "copies-replayed"),
        ("AFFLUENZA__CLICKHOUSE__DATABASE", "copies_replayed"),
        SHORT_MEMORY,
    ];
    for arguments in [&["migrate"][..], &["consume", "--once"], &["audit"]] {
        let output = place.command(arguments).envs(replay).output();
        let output = output.expect("the program runs");
        assert!(
            output.status.success(),
            "{arguments:?}: {}",
            stderr(&output)
        );
    }
    let replayed = Store::new(&StoreConfig {
        database: "copies_replayed".into(),
        ..place.clickhouse.clone()
    });
    let kept = place.wait(replayed.admin().count(SURVIVORS));
    assert_eq!(kept.expect("it is answered"), place.count(SURVIVORS));
}

pub fn a_closed_year_holds_no_copy(engines: &Engines) {
    let place = engines.place("copies_closed");
    place.run(&["migrate"]);
    let spawn = |seconds: &str, log: &str| {
        let search = [("AFFLUENZA__CONSUME__COPIES_SEARCH_SECONDS", seconds)];
        place.spawn_with(&["consume"], log, &search)
    };
    let copies = |count: usize, time: &str| {
        let records: Vec<_> = (0..count)
            .map(|key| (format!("k{key}"), event("one", time)))
            .collect();
        place.produce(
            records
                .iter()
                .map(|(key, record)| (key.as_str(), record.as_bytes())),
        );
    };
    copies(20, "2025-06-10T10:00:00+02:00");
    let consumer = spawn("240", "seldom.log");
    eventually("all copies are read", || place.records_processed() == 20);
    assert!(
        place.count("SELECT count() FROM usage_events") > 1,
        "partitions differ"
    );
    let closing = place.command(&["close-year", "2025"]).output();
    let closing = closing.expect("the program runs");
    assert!(
        !closing.status.success(),
        "a year with copies is not closed"
    );
    assert!(
        stderr(&closing).contains("do not balance"),
        "{}",
        stderr(&closing)
    );
    consumer.terminate();

    let consumer = spawn("1", "often.log");
    let is_one = || {
        [
            "SELECT count() FROM usage_events",
            "SELECT sum(h.events) FROM usage_hourly AS h",
        ]
        .iter()
        .all(|query| place.count(query) == 1)
            && place.months_in_doubt() == 0
    };
    eventually("one copy is left", is_one);
    place.run(&["close-year", "2025"]);
    let kept = place.count(SURVIVORS);
    // Copies of the event in the running year, in every partition.
    copies(20, "2026-02-01T10:00:00+01:00");
    eventually("the later copies are read", || {
        place.records_processed() == 40
    });
    eventually("one copy is left", is_one);
    consumer.terminate();
    assert_eq!(
        place.count(SURVIVORS),
        kept,
        "the copy of the closed year stays"
    );
    place.run(&["audit"]);
    place.run(&["verify-year", "2025"]);
}

pub fn a_requeued_event_that_was_sent_again_counts_once(engines: &Engines) {
    let place = engines.place("copies_requeued");
    place.run(&["migrate"]);
    let events: Vec<_> = (0..40)
        .map(|number| event(&format!("q{number}"), "2025-06-10T10:00:00+02:00"))
        .collect();
    let bad: Vec<_> = events
        .iter()
        .map(|event| event.replace("payment", "Payment"))
        .collect();
    // Valid events are stored although rejected records have the same ids, with any keys.
    let both = bad.iter().chain(&events).enumerate();
    let both: Vec<_> = both
        .map(|(number, record)| (format!("own-{}", number % 7), record))
        .collect();
    place.produce(
        both.iter()
            .map(|(key, record)| (key.as_str(), record.as_bytes())),
    );
    consume(&place);
    assert_counted(&place, 40);
    let list = place.run(&["dead-letters", "list", "--format", "json"]);
    let list: serde_json::Value = serde_json::from_str(&list).expect("the list is JSON");
    let mut letters = list["dead_letters"].as_array().expect("letters").clone();
    for letter in &mut letters {
        letter["event"]["data"]["kind"] = "payment".into();
    }
    let lines: Vec<String> = letters.iter().map(ToString::to_string).collect();
    let file = write(&place.folder, "corrected.json", lines.join("\n").as_bytes());
    let file = file.to_str().expect("a plain path");
    place.run(&["dead-letters", "requeue", "--corrected", file]);
    consume(&place);
    assert_counted(&place, 40);
}
