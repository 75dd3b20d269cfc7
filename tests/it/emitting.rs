//! Creating events by hand and with a library that numbers them, and checking them before sending.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::process::{Output, Stdio};

use serde_json::Value;

use crate::contract::examples;
use crate::support::{Engines, program, source, stderr};

const PRODUCER: &str = "019ab5d2-7c1a-7abc-8def-0123456789ab";

pub fn event(number: u64) -> String {
    format!(
        r#"{{"specversion":"1.0","type":"it.affluenza.access.v1","source":"https://servizi.example.it","id":"{number}","time":"2025-03-01T10:00:00+01:00","producer":"{PRODUCER}","sequence":"{number}","data":{{"ente":"c_d612","portal":"servizi-online"}}}}"#
    )
}

pub fn report(id: &str, last: u64, dropped: &str) -> String {
    format!(
        r#"{{"specversion":"1.0","type":"it.affluenza.client-report.v1","source":"https://servizi.example.it","id":"{id}","time":"2025-03-01T11:00:00+01:00","data":{{"producer":"{PRODUCER}","last_sequence":{last},"dropped":{dropped}}}}}"#
    )
}

pub fn numbers_that_never_arrive_are_named(engines: &Engines) {
    let place = engines.place("numbers");
    place.run(&["migrate"]);
    // 70 to 79 are lost; one of the others is refused, which still counts as received.
    let mut records: Vec<String> = (1..=200)
        .filter(|number| !(70..80).contains(number))
        .map(event)
        .collect();
    records[40] = records[40].replace("servizi-online", "mario@example.it");
    // One event arrives twice.
    records.push(event(7));
    place.produce(
        records
            .iter()
            .map(|record| ("one partition", record.as_bytes())),
    );
    let reported = report(
        "r1",
        203,
        r#"[{"ente":"c_d612","reason":"queue-full","events":9}]"#,
    );
    place.produce([("r", reported.as_bytes()), ("r", reported.as_bytes())]);
    assert_eq!(
        place.run(&["consume", "--once"]).trim(),
        "read 193 = stored 189 + duplicate 1 + rejected 0 + quarantined 1 + reports 2"
    );
    let audit = || -> Value {
        let text = place.run(&["audit", "--on-their-way", "0", "--format", "json"]);
        serde_json::from_str(&text).expect("an audit is JSON")
    };
    let found = audit();
    assert_eq!(found["balanced"], true);
    // A repeated report counts once.
    assert_eq!(found["reported_drops"][0]["events"], 9);
    let gap = &found["producer_gaps"][0];
    assert_eq!(gap["producer"], PRODUCER);
    assert_eq!(
        (&gap["ente"], &gap["portal"]),
        (&"c_d612".into(), &"servizi-online".into())
    );
    assert_eq!((&gap["missing"], &gap["reported"]), (&13.into(), &9.into()));
    assert_eq!(gap["ranges"], serde_json::json!([[70, 79], [201, 203]]));
    // Missing events may still arrive.
    let text = place.run(&["audit"]);
    assert!(!text.contains("lost before the log"), "{text}");
    assert!(
        text.contains(
            "dropped before the log, as 1 producers reported: 9 events of c_d612: queue-full"
        ),
        "{text}"
    );
    let text = place.run(&["audit", "--on-their-way", "0"]);
    assert!(
        text.contains(
            "13 never arrived, 9 of them reported as dropped (numbers 70 to 79, 201 to 203)"
        ),
        "{text}"
    );
    // A later report explains the rest, so nothing counts as lost.
    let explained = report(
        "r2",
        203,
        r#"[{"ente":"c_d612","reason":"queue-full","events":4}]"#,
    );
    place.produce([("r", explained.as_bytes())]);
    place.run(&["consume", "--once"]);
    assert_eq!(audit()["producer_gaps"], serde_json::json!([]));
    // The ledger's accounts by day and ente include the reports.
    assert_eq!(
        place.count("SELECT sum(reports) FROM ingest_ledger FINAL"),
        3
    );
}

pub fn one_event_by_hand(engines: &Engines) {
    let place = engines.place("by_hand");
    place.run(&["migrate"]);
    let common = ["emit", "--ente", "c_d612", "--portal", "servizi-online"];
    let dry = place.run(&[&common[..], &["--ip", "203.0.113.77", "--dry-run"]].concat());
    assert!(dry.contains("\"ip\":\"203.0.113.0\""), "{dry}");
    let payment = [
        "--service",
        "multe",
        "--kind",
        "payment",
        "--login",
        "spid-2",
    ];
    let sent = place.run(&[&common[..], &payment].concat());
    let sent: Value = serde_json::from_str(&sent).expect("what was sent is printed");
    assert_eq!(sent["type"], "it.affluenza.service-use.v1");
    assert_eq!(
        place.run(&["consume", "--once"]).trim(),
        "read 1 = stored 1 + duplicate 0 + rejected 0 + quarantined 0"
    );
    let refused = |arguments: &[&str]| {
        let output = place
            .command(&[&common[..], arguments].concat())
            .output()
            .expect("the program runs");
        assert!(!output.status.success());
        stderr(&output)
    };
    let line = refused(&["--visitor", "mario@example.it"]);
    assert!(
        line.contains("/data/visitor: found an e-mail address"),
        "{line}"
    );
    let line = refused(&["--url", "http://127.0.0.1:1"]);
    assert!(line.contains("AFFLUENZA_KEY is not set"), "{line}");
}

fn check(arguments: &[&str], input: &[u8]) -> Output {
    let mut child = program(&[&["check-events"], arguments].concat())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut stdin = child.stdin.take().expect("its input is a pipe");
    // A program that has ended does not read its input.
    let _ = stdin.write_all(input);
    drop(stdin);
    child.wait_with_output().expect("it ends")
}

pub fn events_are_checked_before_they_are_sent(_: &Engines) {
    let refusals = |output: &Output| -> Vec<Value> {
        let found: Value = serde_json::from_slice(&output.stdout).expect("the result is JSON");
        found["refused"].as_array().expect("a list").clone()
    };
    for example in examples("good").into_iter().chain(examples("bad")) {
        // `check` accepts an array or one event a line, which the consumer rejects.
        if ["not-cloudevent--array", "not-json--two-values"].contains(&example.name.as_str()) {
            continue;
        }
        let output = check(&["-", "--format", "json"], &example.payload);
        assert_eq!(
            output.status.success(),
            example.reason.is_none(),
            "{}",
            example.name
        );
        if example.payload.is_empty() {
            assert!(stderr(&output).contains("holds no event"));
        } else {
            let reasons: Vec<Value> = refusals(&output)
                .iter()
                .map(|failure| failure["reason"].clone())
                .collect();
            let expected: Vec<Value> = example.reason.into_iter().map(Value::from).collect();
            assert_eq!(reasons, expected, "{}", example.name);
        }
    }
    let several = source("schemas/examples/events.ndjson");
    let register = source("deploy/register.toml");
    let [several, register] = [several, register].map(|path| path.display().to_string());
    let output = check(&[&several, "--register", &register], b"");
    assert!(output.status.success());
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.contains("0 would be refused"), "{text}");
    // The examples have codes of the example register.
    assert!(!text.contains("the register does not have"), "{text}");
    let mut by_line = BTreeMap::new();
    let lines = format!(
        "{}\n{}\nno json\n",
        event(1),
        event(2).replace("c_d612", "c d612")
    );
    for failure in refusals(&check(&["-", "--format", "json"], lines.as_bytes())) {
        by_line.insert(failure["line"].as_u64(), failure["pointer"].clone());
    }
    assert_eq!(
        by_line,
        BTreeMap::from([(Some(2), "/data/ente".into()), (Some(3), "".into())])
    );
}

pub fn the_last_events_are_listed_with_their_fates(engines: &Engines) {
    let place = engines.place("events");
    place.run(&["migrate"]);
    let records = [
        event(1),
        event(1),
        event(2).replace("servizi-online", "servizi_online"),
        event(3).replace("\"id\":\"3\"", "\"id\":\"mario@example.it\""),
        report("r", 3, "[]"),
        event(4),
    ];
    let records = records.iter().map(|record| ("key", record.as_bytes()));
    place.produce(records);
    let list = |arguments: &[&str]| -> Vec<Value> {
        let command = [&["events", "--format", "ndjson"], arguments].concat();
        let text = place.run(&command);
        let lines = text.lines().filter(|line| !line.is_empty());
        lines
            .map(|line| serde_json::from_str(line).expect("a line is JSON"))
            .collect()
    };
    assert_eq!(list(&[]).len(), 0, "the consumer has decided nothing yet");
    place.run(&["consume", "--once"]);
    let found = list(&[]);
    let fates: Vec<&Value> = found.iter().map(|event| &event["fate"]).collect();
    let expected = [
        "accepted",
        "duplicate",
        "accepted",
        "refused",
        "report",
        "accepted",
    ];
    assert_eq!(fates, expected);
    let detail = |at: usize| found[at]["detail"].as_str().unwrap_or_default();
    assert!(
        detail(2).contains("did you mean \"servizi-online\"?"),
        "{}",
        detail(2)
    );
    assert_eq!(found[3]["reason"], "personal-data");
    assert!(
        detail(3).starts_with("/id: found an e-mail address"),
        "{}",
        detail(3)
    );
    let text = serde_json::to_string(&found).expect("it is JSON");
    assert!(!text.contains("mario"), "{text}");
    assert_eq!(list(&["--last", "1"]).len(), 1);
    assert_eq!(list(&["--ente", "firenze"]).len(), 5);
    assert_eq!(list(&["--source", "https://other"]).len(), 0);
}
