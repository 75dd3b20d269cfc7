//! Bad and repeated records.

use std::process::Stdio;

use crate::support::{Engines, Place};

fn event(id: u64, time: &str) -> String {
    format!(
        r#"{{"specversion":"1.0","type":"it.affluenza.service-use.v1","source":"https://servizi.example.it","id":"{id}","time":"{time}","data":{{"ente":"c_d612","portal":"servizi-online","service":"s","kind":"plain","session":"s{}"}}}}"#,
        id % 7
    )
}

pub fn bad_records_stop_nothing(engines: &Engines) {
    let place = engines.place("bad_records");
    place.run(&["migrate"]);
    let good = event(1, "2017-03-01T10:00:00+01:00");
    let ahead = event(2, "2099-01-01T00:00:00Z");
    let shape = good
        .replace("\"plain\"", "\"other\"")
        .replace("\"id\":\"1\"", "\"id\":\"3\"");
    let hidden = good
        .replace("it.affluenza.service-use.v1", "anna.neri@example.it")
        .replace(
            "\"id\":\"1\"",
            "\"id\":\"\\u0061nna.bianchi\\u0040example.it\"",
        );
    let personal = good.replace(
        "\"session\":\"s1\"",
        "\"session\":\"mario.rossi@example.it\"",
    );
    let foreign = good.replace("it.affluenza.service-use.v1", "com.example.other");
    // About the longest text that the broker accepts.
    let long = format!("\"{}\"", "x".repeat(999_000));
    let records: [&[u8]; 9] = [
        good.as_bytes(),
        b"",
        b"\xff\xfe no text",
        ahead.as_bytes(),
        shape.as_bytes(),
        personal.as_bytes(),
        foreign.as_bytes(),
        hidden.as_bytes(),
        long.as_bytes(),
    ];
    place.produce(records.into_iter().map(|record| ("one partition", record)));
    let fates = place.run(&["consume", "--once"]);
    assert_eq!(
        fates.trim(),
        "read 9 = stored 1 + duplicate 0 + rejected 5 + quarantined 3"
    );
    let letters = dead_letters(&place);
    let reasons: Vec<&str> = letters.iter().map(|(reason, _)| reason.as_str()).collect();
    assert_eq!(
        reasons,
        [
            "not-json",
            "not-json",
            "time-ahead",
            "unknown-shape",
            "personal-data",
            "unknown-type",
            "personal-data",
            "too-large"
        ]
    );
    assert!(
        letters
            .iter()
            .all(|(_, letter)| !["mario", "anna", "bianchi", "neri"]
                .iter()
                .any(|name| letter.contains(name))),
        "personal data is masked"
    );
}

/// Reason, detail and payload of each dead letter, in order.
fn dead_letters(place: &Place<'_>) -> Vec<(String, String)> {
    let bus = place.bus();
    let mut letters = Vec::new();
    affluenza_kafka::scan(&bus, &bus.dead_letter_topic, |letter| {
        let reason = letter
            .header("affluenza-reason")
            .unwrap_or_default()
            .to_owned();
        letters.push((
            reason,
            letter
                .header("affluenza-detail")
                .unwrap_or_default()
                .to_owned()
                + &String::from_utf8_lossy(letter.payload()),
        ));
    })
    .expect("the dead letters can be read");
    letters
}

pub fn duplicates_count_once_at_any_distance(engines: &Engines) {
    let place = engines.place("duplicates");
    place.run(&["migrate"]);
    // Memory for five identities: most duplicates are beyond it and need a look-up in the facts.
    let settings = [("AFFLUENZA__CONSUME__RECENT_IDENTITIES_MAX", "5")];
    let consume = || {
        let output = place
            .command(&["consume", "--once"])
            .envs(settings)
            .stderr(Stdio::inherit())
            .output()
            .expect("the program runs");
        assert!(output.status.success());
        String::from_utf8(output.stdout).expect("it prints text")
    };
    let events: Vec<String> = (0..200u64)
        .map(|id| {
            event(
                id,
                &format!(
                    "2017-{:02}-{:02}T10:{:02}:00+01:00",
                    1 + id % 12,
                    1 + id % 28,
                    id % 60
                ),
            )
        })
        .collect();
    let keys: Vec<String> = (0..200u64).map(|id| format!("s{}", id % 7)).collect();
    let send = |order: &[usize]| {
        place.produce(
            order
                .iter()
                .map(|at| (keys[*at].as_str(), events[*at].as_bytes())),
        );
    };
    let forward: Vec<usize> = (0..events.len()).collect();
    let backward: Vec<usize> = forward.iter().rev().copied().collect();
    // Duplicates within one block, in later blocks and in another order.
    send(&forward);
    send(&forward[..50]);
    assert_eq!(
        consume().trim(),
        "read 250 = stored 200 + duplicate 50 + rejected 0 + quarantined 0"
    );
    send(&backward);
    assert_eq!(
        consume().trim(),
        "read 200 = stored 0 + duplicate 200 + rejected 0 + quarantined 0"
    );
    assert_eq!(place.count("SELECT count() FROM usage_events"), 200);
    assert_eq!(place.count("SELECT sum(events) FROM usage_hourly"), 200);
}
