//! Dead letters are found, explained, corrected and requeued without counting anything twice.

use std::collections::BTreeMap;

use affluenza_kafka::{Cluster, Writer, scan};
use serde_json::Value;

use crate::support::{Engines, Place, stderr, write};

fn event(id: u64) -> String {
    format!(
        r#"{{"specversion":"1.0","type":"it.affluenza.service-use.v1","source":"https://servizi.example.it","id":"{id}","time":"2017-03-01T10:00:00+01:00","data":{{"ente":"c_d612","portal":"servizi-online","service":"s","kind":"plain","session":"s{id}"}}}}"#
    )
}

/// Runs the program and returns its exit code and all output.
fn said(place: &Place<'_>, arguments: &[&str]) -> (i32, String) {
    let output = place.command(arguments).output().expect("the program runs");
    let code = output.status.code().expect("it ends by itself");
    let complaint = stderr(&output);
    assert!(!complaint.contains("panicked"), "{complaint}");
    let printed = String::from_utf8(output.stdout).expect("it prints text");
    (code, printed + &complaint)
}

/// Lists the dead letters as JSON, with a filter.
fn listed(place: &Place<'_>, filter: &[&str]) -> Value {
    let arguments = [&["dead-letters", "list", "--format", "json"], filter].concat();
    serde_json::from_str(&place.run(&arguments)).expect("the list is JSON")
}

/// Writes a file with the letter at `position`, its event changed by `correct`. Returns its path.
fn corrected(place: &Place<'_>, position: &str, correct: impl FnOnce(&mut Value)) -> String {
    let shown = place.run(&["dead-letters", "show", position]);
    let mut letter: Value = serde_json::from_str(&shown).expect("a letter is JSON");
    correct(&mut letter["event"]);
    let name = format!("corrected-{}.json", position.replace('/', "-"));
    let file = write(&place.folder, &name, letter.to_string().as_bytes());
    file.to_str().expect("a plain path").to_owned()
}

fn with_plain_kind(event: &mut Value) {
    event["data"]["kind"] = "plain".into();
}

/// Removes the field that identified a person.
fn without_session(event: &mut Value) {
    let data = event["data"].as_object_mut().expect("it has data");
    data.remove("session").expect("it has a session");
}

fn positions(list: &Value) -> BTreeMap<&str, &str> {
    let letters = list["dead_letters"].as_array().expect("letters");
    letters
        .iter()
        .map(|letter| {
            let text = |name: &str| letter[name].as_str().expect("a text");
            (text("reason"), text("position"))
        })
        .collect()
}

/// Checks that every record of the events topic has one outcome, and that each event is one fact.
fn assert_balance(place: &Place<'_>, facts: u64) {
    let unbalanced = "SELECT count() FROM ingest_ledger FINAL WHERE records_read != stored + duplicate + rejected + quarantined";
    assert_eq!(place.count(unbalanced), 0);
    let held: u64 = place.ends().values().map(|end| end.0.unsigned_abs()).sum();
    assert_eq!(place.records_processed(), held);
    assert_eq!(place.count("SELECT count() FROM usage_events"), facts);
    assert_eq!(
        place.count("SELECT uniqExact(identity) FROM usage_events"),
        facts
    );
    assert_eq!(place.count("SELECT sum(events) FROM usage_hourly"), facts);
}

/// Writes one good record and five bad ones and consumes them.
fn with_bad_records<'e>(engines: &'e Engines, name: &str) -> Place<'e> {
    let place = engines.place(name);
    place.run(&["migrate"]);
    let shape = event(2).replace("\"plain\"", "\"other\"");
    let personal = event(3).replace("\"s3\"", "\"mario.rossi@example.it\"");
    let ahead = event(4).replace("2017-03-01", "2099-03-01");
    let foreign = event(5).replace("it.affluenza.service-use.v1", "com.example.other");
    let good = event(1);
    let records: [&[u8]; 6] = [
        good.as_bytes(),
        b"\x1b[2J no json",
        shape.as_bytes(),
        personal.as_bytes(),
        ahead.as_bytes(),
        foreign.as_bytes(),
    ];
    place.produce(records.map(|record| ("one partition", record)));
    let fates = place.run(&["consume", "--once"]);
    assert!(
        fates.contains("read 6 = stored 1 + duplicate 0 + rejected 3 + quarantined 2"),
        "{fates}"
    );
    place
}

pub fn each_is_listed_and_shown_once(engines: &Engines) {
    let place = with_bad_records(engines, "dead_letters_listed");
    deliver_again(&place);
    let list = listed(&place, &[]);
    let found = positions(&list);
    assert_eq!(
        found.keys().copied().collect::<Vec<_>>(),
        [
            "not-json",
            "personal-data",
            "time-ahead",
            "unknown-shape",
            "unknown-type"
        ]
    );
    assert_eq!((&list["letters"], &list["shown"]), (&5.into(), &5.into()));
    assert_eq!(list["by_reason"]["unknown-shape"], 1);
    assert_eq!(
        (&list["repeated"], &list["foreign"]),
        (&5.into(), &1.into())
    );

    for (filter, letters) in [
        (&["--reason", "not-json", "--reason", "time-ahead"][..], 2),
        (&["--since", "2020-01-01"], 5),
        (&["--since", "2100-01-01"], 0),
        (&["--partition", "77"], 0),
    ] {
        assert_eq!(listed(&place, filter)["letters"], letters, "{filter:?}");
    }
    let limited = listed(&place, &["--limit", "2"]);
    assert_eq!(
        (&limited["letters"], &limited["shown"]),
        (&5.into(), &2.into())
    );
    let text = place.run(&["dead-letters", "list"]);
    assert!(text.contains("5 dead letters\n  not-json"), "{text}");

    let show = |reason: &str| place.run(&["dead-letters", "show", found[reason]]);
    let shape = show("unknown-shape");
    for part in [
        "\"event\": {\n    \"data\": {\n      \"ente\": \"c_d612\"",
        "\"reason\": \"unknown-shape\"",
        "\"what_to_do\": \"Compare its data",
    ] {
        assert!(shape.contains(part), "{part:?}: {shape}");
    }
    let personal = show("personal-data");
    assert!(
        personal.contains("\"session\": \"****") && !personal.contains("mario"),
        "{personal}"
    );
    let raw = show("not-json");
    assert!(
        raw.contains(r"\u001b[2J") && !raw.contains('\u{1b}'),
        "{raw}"
    );

    // A recreated topic has other records at the same offsets.
    let cluster = Cluster::new(&place.bus()).expect("Kafka can be asked");
    place
        .wait(cluster.delete_topic(&place.bus().topic))
        .expect("the topic can be deleted");
    place.run(&["migrate"]);
    let list = listed(&place, &[]);
    assert_eq!(list["dead_letters"][0]["is_current_stream"], false);
    let streams = list["by_other_stream"].as_object().expect("streams");
    let (stream, letters) = streams.iter().next().expect("one other stream");
    assert_eq!(letters, 5);
    let at = positions(&list)["unknown-shape"];
    let file = corrected(&place, at, with_plain_kind);
    let arguments = ["dead-letters", "requeue", "--corrected", &file, "--dry-run"];
    let (code, text) = said(&place, &arguments);
    assert!(code == 0 && text.contains(stream), "{code} {text}");
}

/// Repeats the dead letters, as a consumer does that was killed after sending them, and adds a
/// foreign record.
fn deliver_again(place: &Place<'_>) {
    let bus = place.bus();
    let writer = Writer::new(&bus, &bus.dead_letter_topic).expect("Kafka can be written");
    scan(&bus, &bus.dead_letter_topic, |letter| {
        let headers: Vec<(&str, &str)> = letter
            .headers()
            .map(|(name, value)| (name, std::str::from_utf8(value).expect("headers are text")))
            .collect();
        writer
            .send(letter.key(), letter.payload(), None, &headers)
            .expect("it is taken");
    })
    .expect("the letters can be read");
    writer
        .send(b"", b"somebody else's", None, &[])
        .expect("it is taken");
    writer
        .flush(std::time::Duration::from_secs(30))
        .expect("all are acknowledged");
}

pub fn requeued_ones_count_exactly_once(engines: &Engines) {
    let place = with_bad_records(engines, "dead_letters_requeued");
    let list = listed(&place, &[]);
    let found = positions(&list);
    let at = found["unknown-shape"];
    let kind = corrected(&place, at, with_plain_kind);
    let session = corrected(&place, found["personal-data"], without_session);
    let requeue =
        |arguments: &[&str]| said(&place, &[&["dead-letters", "requeue"], arguments].concat());

    // A dry run prints the result and changes nothing.
    let before = place.ends();
    let (code, text) = requeue(&["--corrected", &kind, "--dry-run"]);
    assert!(
        code == 0 && text.contains("would requeue 1, hold back 0"),
        "{code} {text}"
    );
    // Without a correction no dead letter is an event.
    let (code, text) = requeue(&["--all"]);
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("requeued 0, held back 5"), "{text}");
    for reason in [
        "not-json",
        "unknown-shape",
        "time-ahead",
        "unknown-type",
        "masked",
    ] {
        assert!(text.contains(reason), "{reason}: {text}");
    }
    // A correction that does not help is held back, too.
    let file = corrected(&place, at, |event| event["data"]["kind"] = "x".into());
    let (code, text) = requeue(&["--corrected", &file]);
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("requeued 0, held back 1"), "{text}");
    assert_eq!(place.ends(), before, "nothing was sent");

    // A second command yields a duplicate.
    let kind = corrected(&place, at, with_plain_kind);
    let (code, text) = requeue(&["--corrected", &kind]);
    assert!(
        code == 0 && text.contains("requeued 1, held back 0"),
        "{code} {text}"
    );
    let fates = place.run(&["consume", "--once"]);
    assert!(fates.contains("read 1 = stored 1 + duplicate 0"), "{fates}");
    assert_balance(&place, 2);
    assert_eq!(requeue(&["--corrected", &kind]).0, 0);
    let fates = place.run(&["consume", "--once"]);
    assert!(fates.contains("read 1 = stored 0 + duplicate 1"), "{fates}");
    assert_balance(&place, 2);

    // Requeued twice: the event is stored once, without the personal data.
    assert_eq!(requeue(&["--corrected", &session]).0, 0);
    assert_eq!(requeue(&["--corrected", &session]).0, 0);
    let fates = place.run(&["consume", "--once"]);
    assert!(fates.contains("read 2 = stored 1 + duplicate 1"), "{fates}");
    assert_balance(&place, 3);
    assert_eq!(
        listed(&place, &[])["letters"],
        5,
        "requeueing made no dead letter"
    );

    // The audit fails unless Kafka, ledger, facts and aggregates agree.
    place.run(&["audit"]);

    // Requeued records have the key of the corrected event and name their origin.
    let mut origins = Vec::new();
    let bus = place.bus();
    scan(&bus, &bus.topic, |record| {
        if let Some(from) = record.header("affluenza-requeued-from") {
            let key = String::from_utf8_lossy(record.key()).into_owned();
            origins.push((from.to_owned(), key));
        }
    })
    .expect("the events can be read");
    origins.sort();
    let mut expected: Vec<(String, String)> = [("unknown-shape", "2"), ("personal-data", "3")]
        .into_iter()
        .flat_map(|(reason, key)| vec![(found[reason].to_owned(), key.to_owned()); 2])
        .collect();
    expected.sort();
    assert_eq!(origins, expected);
}

pub fn mistakes_have_one_clear_line(engines: &Engines) {
    let place = engines.place("dead_letters_mistakes");
    let letters = "{\"position\": \"0/7\", \"event\": {}}\n{\"position\": \"0/8\"}";
    let corrected = write(&place.folder, "corrected.json", letters.as_bytes());
    let corrected = corrected.to_str().expect("a plain path");
    let fails = |arguments: &[&str], code: i32, words: &[&str]| {
        let (found, text) = said(&place, &[&["dead-letters"], arguments].concat());
        assert_eq!(found, code, "{arguments:?}: {text}");
        let complaint = text.lines().last().unwrap_or_default();
        assert!(
            complaint.starts_with("affluenza: "),
            "{arguments:?}: {text}"
        );
        for word in words {
            assert!(
                complaint.contains(word),
                "{arguments:?} does not say {word:?}: {complaint}"
            );
        }
    };
    fails(
        &["list"],
        1,
        &["dead_letters_mistakes", "affluenza migrate"],
    );
    place.run(&["migrate"]);
    assert_eq!(place.run(&["dead-letters", "list"]), "no dead letters\n");
    assert_eq!(listed(&place, &[])["letters"], 0);
    fails(&["requeue", "--all"], 1, &["no dead letters"]);
    fails(&["show", "0/7"], 1, &["0/7", "the topic is empty"]);
    fails(
        &["requeue", "0/7", "1/8"],
        1,
        &["0/7, 1/8", "nothing was requeued"],
    );
    fails(
        &["requeue", "--corrected", corrected],
        1,
        &[
            "corrected.json",
            "missing field `event` at line 2 column 19",
        ],
    );
    fails(
        &["requeue", "--corrected", "/none.json"],
        1,
        &["/none.json", "No such file"],
    );
    fails(&["requeue"], 2, &["POSITION", "--reason", "--all"]);
    fails(
        &["requeue", "0/7", "--reason", "not-json"],
        2,
        &["POSITION", "--reason"],
    );
    fails(
        &["list", "--reason", "no-json"],
        2,
        &["no-json", "not-json", "personal-data"],
    );
    fails(
        &["list", "--since", "yesterday"],
        2,
        &["yesterday", "2017-03-26"],
    );
    fails(&["show", "seven"], 2, &["seven", "0/1042"]);
}
