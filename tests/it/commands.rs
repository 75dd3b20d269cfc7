//! Commands of the program: `--format json` prints one document, names stand for codes, and a failure
//! has its exit code.

use serde_json::Value;

use crate::support::{Engines, Place, source, stderr, write};

/// Runs a command, and returns its exit code and its result as JSON.
fn json(place: &Place<'_>, arguments: &[&str]) -> (Option<i32>, Value) {
    let all = [arguments, &["--format", "json"]].concat();
    let output = place.command(&all).output().expect("the program runs");
    let value = serde_json::from_slice(&output.stdout);
    let value = value.unwrap_or_else(|error| panic!("{all:?}: {error}: {}", stderr(&output)));
    (output.status.code(), value)
}

pub fn results_are_one_json_document(engines: &Engines) {
    let (place, _) = engines.demo();
    let register = source("deploy/register.toml");
    let register = register.to_str().expect("the path is text");
    for (arguments, pointer) in [
        (&["audit"][..], "/balanced"),
        (&["verify-year"], "/1/sha256"),
        (&["verify-year", "2017"], "/0/service_uses"),
        (&["year-changes", "2017"], ""),
        (&["register", "check"], "/enti"),
        (&["register", "diff", register], "/differences"),
        (&["register", "unresolved"], ""),
        (&["config", "print"], "/kafka/topic"),
        (&["keys", "create", "json"], "/secret"),
        (&["keys", "list"], "/0/name"),
        (&["keys", "log"], "/0/action"),
        (&["readers", "list"], ""),
        (&["migrate"], "/done"),
        (&["events", "--last", "1"], "/0/fate"),
        (&["dead-letters", "list"], "/dead_letters"),
        (&["report", "--year", "2017"], "/totals/service_uses"),
        (&["erase", "--ente", "Firenze", "--dry-run"], "/facts"),
    ] {
        let (code, value) = json(&place, arguments);
        assert_eq!(code, Some(0), "{arguments:?}");
        assert!(value.pointer(pointer).is_some(), "{arguments:?}: {value}");
    }
    // Findings are printed, and are a failure.
    let (code, value) = json(&place, &["check-data", "--year", "2017"]);
    let findings = value["findings"].as_array().map(Vec::len);
    assert_eq!(code, Some(i32::from(findings > Some(0))), "{value}");
}

pub fn names_stand_for_codes_and_failures_have_their_code(engines: &Engines) {
    let place = engines.place("commands");
    place.run(&["migrate"]);
    let sent = place.run(&[
        "emit",
        "--ente",
        "firenze",
        "--portal",
        "servizi-online",
        "--service",
        "Visure anagrafiche",
        "--kind",
        "plain",
    ]);
    let sent: Value = serde_json::from_str(&sent).expect("the event is JSON");
    assert_eq!(sent["data"]["ente"], "c_d612");
    assert_eq!(sent["data"]["service"], "visure-anagrafiche");
    let odd = ["emit", "--ente", "nowhere", "--portal", "p"];
    let odd = place.command(&odd).output().expect("the program runs");
    assert!(odd.status.success());
    assert!(stderr(&odd).contains("the register has no ente \"nowhere\""));

    let _consumer = place.spawn(&["consume"], "consume.log");
    // Three requests, of different seconds.
    let three = |line: &str| -> String {
        let seconds = ["10:00:00", "10:00:01", "10:00:02"].into_iter();
        seconds
            .map(|second| line.replace("10:00:00", second))
            .collect()
    };
    let import = |name: &str, line: &str, more: &[&str]| {
        let log = write(&place.folder, name, three(line).as_bytes());
        let log = log.to_str().expect("the path is text");
        let to = [
            "import",
            "access-log",
            "--ente",
            "Firenze",
            "--portal",
            "servizi-online",
        ];
        json(&place, &[&to[..], &["--single-client", log], more].concat())
    };
    let line = "198.51.100.7 - - [14/May/2026:10:00:00 +0200] \"GET /tributi HTTP/1.1\" 200 5 \"-\" \"Mozilla/5.0\"\n";
    let (code, imported) = import(
        "good.log",
        line,
        &["--service", "/tributi=Visure anagrafiche"],
    );
    assert_eq!(code, Some(0), "{imported}");
    assert_eq!(imported["stored"], 3);
    assert_eq!(
        place.count("SELECT count() FROM usage_events WHERE service = 'visure-anagrafiche'"),
        4
    );
    // Events of a future that the consumer refuses.
    let late = line.replace("2026", "2100");
    let (code, imported) = import("late.log", &late, &[]);
    assert_eq!(
        (code, &imported["stored"]),
        (Some(1), &0.into()),
        "{imported}"
    );
    assert_eq!(imported["rejected"]["time-ahead"], 3, "{imported}");
    let (code, imported) = import(
        "other.log",
        "no log\n",
        &["--log-format", "$remote_addr|$msec|$request|$status"],
    );
    assert_eq!(
        (code, &imported["events"]),
        (Some(1), &0.into()),
        "{imported}"
    );
}
