//! Dead letters are found, explained, corrected and requeued without counting anything twice.

use std::collections::BTreeMap;

use affluenza_bus::{Cluster, Writer, scan};
use serde_json::Value;

use crate::support::{Engines, Place, stderr, write};

/// Corrects the kind of a service use.
const MEND_KIND: &str = r#"[{"op": "replace", "path": "/data/kind", "value": "plain"}]"#;
/// Removes the field that identified a person.
const DROP_SESSION: &str = r#"[{"op": "remove", "path": "/data/session"}]"#;

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
    assert_eq!(place.dealt_with(), held);
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
        (&["--fate", "quarantined"][..], 2),
        (&["--reason", "not-json", "--reason", "time-ahead"], 2),
        (&["--since", "2020-01-01"], 5),
        (&["--until", "2020-01-01"], 0),
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
        "\n    \"data\": {\n      \"ente\": \"c_d612\"",
        "affluenza-reason: unknown-shape",
        "what to do",
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
        raw.contains(r"\u{1b}[2J") && !raw.contains('\u{1b}'),
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
    let patch = write(&place.folder, "patch.json", MEND_KIND.as_bytes());
    let patch = patch.to_str().expect("a plain path");
    let (code, text) = said(
        &place,
        &["dead-letters", "requeue", at, "--patch", patch, "--dry-run"],
    );
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
    let kind = write(&place.folder, "kind.json", MEND_KIND.as_bytes());
    let kind = kind.to_str().expect("a plain path");
    let session = write(&place.folder, "session.json", DROP_SESSION.as_bytes());
    let session = session.to_str().expect("a plain path");
    let requeue =
        |arguments: &[&str]| said(&place, &[&["dead-letters", "requeue"], arguments].concat());

    // A dry run prints the result and changes nothing.
    let before = place.ends();
    let (code, text) = requeue(&["--all", "--patch", kind, "--dry-run"]);
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("would requeue 1, hold back 4"), "{text}");
    for reason in [
        "patch-not-applied",
        "unknown-shape",
        "time-ahead",
        "unknown-type",
        "masked",
    ] {
        assert!(text.contains(reason), "{reason}: {text}");
    }
    // Without a patch no dead letter is an event.
    let (code, text) = requeue(&["--all"]);
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("requeued 0, held back 5"), "{text}");
    assert_eq!(place.ends(), before, "nothing was sent");

    // By position: a repeated position is requeued once, and a second command yields a duplicate.
    let at = found["unknown-shape"];
    let (code, text) = requeue(&[at, at, "--patch", kind]);
    assert!(
        code == 0 && text.contains("requeued 1, held back 0"),
        "{code} {text}"
    );
    let fates = place.run(&["consume", "--once"]);
    assert!(fates.contains("read 1 = stored 1 + duplicate 0"), "{fates}");
    assert_balance(&place, 2);
    assert_eq!(requeue(&[at, "--patch", kind]).0, 0);
    let fates = place.run(&["consume", "--once"]);
    assert!(fates.contains("read 1 = stored 0 + duplicate 1"), "{fates}");
    assert_balance(&place, 2);

    // By filter, twice: the event is stored once, without the personal data.
    let by_reason = ["--reason", "personal-data", "--patch", session];
    assert_eq!(requeue(&by_reason).0, 0);
    assert_eq!(requeue(&by_reason).0, 0);
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
    let patch =
        "[\n  {\"op\": \"remove\", \"path\": \"/a\"},\n  {\"op\": \"mend\", \"path\": \"/a\"}\n]";
    let patch = write(&place.folder, "patch.json", patch.as_bytes());
    let patch = patch.to_str().expect("a plain path");
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
        &["requeue", "--all", "--patch", patch],
        1,
        &["patch.json", "operation 2 at line 3 column 3", "mend"],
    );
    fails(
        &["requeue", "--all", "--patch", "/none.json"],
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
    fails(
        &["list", "--since", "2017-03-02", "--until", "2017-03-01"],
        1,
        &["--since", "--until"],
    );
    fails(&["show", "seven"], 2, &["seven", "0/1042"]);
}
