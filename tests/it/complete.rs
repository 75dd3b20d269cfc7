//! Answers and reports state their completeness: days with data, existing hours, one snapshot.

use std::io::Write as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::api::{Served, serve};
use crate::support::{Engines, Place, eventually};

fn access(id: &str, ente: &str, day: &str) -> String {
    format!(
        r#"{{"specversion":"1.0","type":"it.affluenza.access.v1","source":"s","id":"{id}","time":"{day}T09:00:00Z","data":{{"ente":"{ente}","portal":"www","resource":"page","client":{{"user_agent":"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/63.0.3239.84 Safari/537.36"}}}}}}"#
    )
}

/// Sends events and waits until the ledger contains them.
fn send(place: &Place<'_>, events: &[String]) {
    let before = place.records_processed();
    place.produce(events.iter().map(|event| ("k", event.as_bytes())));
    eventually("the events are processed", || {
        place.records_processed() == before + events.len() as u64
    });
}

/// Accesses of an ente in a period, and the days with and without data.
fn said(api: &Served<'_>, key: &str, period: &str, ente: &str) -> (Value, Value, Value) {
    let path = format!("enti?measure=accesses&period={period}&ente={ente}");
    let answer = api.data(key, &path);
    let note = &answer["meta"]["completeness"]["enti"][0];
    (
        answer["totals"]["accesses"].clone(),
        note["days_with_data"].clone(),
        note["days_missing"].clone(),
    )
}

pub fn the_note_is_true_seconds_after_the_last_block(engines: &Engines) {
    let place = engines.place("complete");
    place.run(&["migrate"]);
    let _consumer = place.spawn(&["consume"], "consume.log");
    send(&place, &[access("first", "c_b036", "2011-01-01")]);
    let api = serve(place);
    let key = api.key(&["all"]);
    let place = &api.place;

    // Two new days within seconds, and no events after them.
    send(place, &[access("june", "c_d612", "2012-06-01")]);
    std::thread::sleep(Duration::from_secs(4));
    send(place, &[access("july", "c_d612", "2012-07-01")]);
    becomes_true(&api, &key, "2012-07-01", "c_d612", (1, 1, 0));

    // A day that other enti already have: the numbers of days and of enti stay the same.
    send(place, &[access("other", "c_b036", "2012-07-01")]);
    becomes_true(&api, &key, "2012-07-01", "c_b036", (1, 1, 0));

    // A burst over many days, in several blocks.
    for month in 1..=6 {
        let days: Vec<String> = (1..=28)
            .map(|day| {
                access(
                    &format!("burst-{month}-{day}"),
                    "c_d612",
                    &format!("2013-{month:02}-{day:02}"),
                )
            })
            .collect();
        send(place, &days);
    }
    becomes_true(&api, &key, "2013-06-01..2013-06-28", "c_d612", (28, 28, 0));
    // The newest year is that of the newest event.
    send(place, &[access("newest", "c_d612", "2014-03-01")]);
    eventually("the newest year is known", || {
        let answer = api.data(&key, "enti?measure=accesses");
        answer["meta"]["period"]["from"] == "2014-01-01" && answer["totals"]["accesses"] == 1
    });
}

/// Polls until figures and note are as expected, and prints the delay.
fn becomes_true(
    api: &Served<'_>,
    key: &str,
    period: &str,
    ente: &str,
    (accesses, with, missing): (u64, u64, u64),
) {
    let expected = (accesses.into(), with.into(), missing.into());
    let began = Instant::now();
    eventually(&format!("{ente} in {period} is {expected:?}"), || {
        said(api, key, period, ente) == expected
    });
    eprintln!("{ente} in {period}: true after {:?}", began.elapsed());
}

const ZONES: &str = r#"
    [[ente]]
    code = "c_rome"
    name = "Roma"
    kind = "comune"

    [[ente]]
    code = "c_calcutta"
    name = "Calcutta"
    kind = "comune"
    zone = "Asia/Kolkata"
"#;

/// In this night the hour from 02:00 to 03:00 exists in Kolkata, but not in Rome.
pub fn hours_exist_in_the_zone_of_their_portal(engines: &Engines) {
    let place = engines.place("zones");
    let file = crate::support::write(&place.folder, "zones.toml", ZONES.as_bytes());
    let mut config = std::fs::File::options()
        .append(true)
        .open(&place.config)
        .expect("the configuration is there");
    writeln!(config, "\n[register]\nfile = {file:?}").expect("it can be written");
    place.run(&["migrate"]);
    let _consumer = place.spawn(&["consume"], "consume.log");
    let at = |id: &str, ente: &str, time: &str| {
        access(id, ente, "2017-03-25").replace("2017-03-25T09:00:00Z", time)
    };
    send(
        &place,
        &[
            // Two events after 02:00 in Kolkata, one at 03:30 in Rome.
            at("1", "c_calcutta", "2017-03-25T20:40:00Z"),
            at("2", "c_calcutta", "2017-03-25T21:20:00Z"),
            at("3", "c_rome", "2017-03-26T01:30:00Z"),
        ],
    );
    let api = serve(place);
    let key = api.key(&["all"]);
    for (ente, zone, existing, night) in [
        ("&ente=c_calcutta", "Asia/Kolkata", 1.0, 8.0),
        ("&ente=c_rome", "Europe/Rome", 0.0, 7.0),
        ("", "Asia/Kolkata, Europe/Rome", 1.0, 8.0),
    ] {
        let answer = api.data(&key, &format!("hours?period=2017-03-26{ente}"));
        assert_eq!(answer["meta"]["time_zone"], zone);
        assert_eq!(answer["data"][2]["hours_existing"], existing, "{ente}");
        let bands = api.data(&key, &format!("bands?period=2017-03-26{ente}"));
        assert_eq!(bands["data"][0]["hours_existing"], night, "{ente}");
        let warned = answer["meta"]["warnings"]
            .to_string()
            .contains("several-time-zones");
        assert_eq!(warned, ente.is_empty());
    }
    let report = |more: &[&str]| -> Value {
        let arguments = [&["report", "--year", "2017", "--format", "json"], more].concat();
        serde_json::from_str(&api.place.run(&arguments)).expect("it is JSON")
    };
    // Within a year, Rome lacks an hour in March and has one twice in October.
    assert_eq!(
        report(&[])["hours"]["time_zone"],
        "Asia/Kolkata, Europe/Rome"
    );
    let calcutta = report(&["--ente", "c_calcutta"]);
    assert_eq!(calcutta["hours"]["time_zone"], "Asia/Kolkata");
    assert_eq!(
        calcutta["hours"]["hours_of_day"][2]["hours_existing"],
        365.0
    );
}

/// Reports during hundreds of new events per second: all tables of a report have the same total.
pub fn a_report_is_of_one_moment(engines: &Engines) {
    let place = engines.place("moment");
    place.run(&["migrate"]);
    let _consumer = place.spawn(&["consume"], "consume.log");
    let first = [
        access("before", "c_d612", "2016-01-01"),
        access("first", "c_d612", "2017-01-01"),
    ];
    send(&place, &first);
    let stop = AtomicBool::new(false);
    let (mut reports, mut last, mut moved) = (0, 0, 0);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut number = 0_u32;
            while !stop.load(Ordering::Relaxed) {
                let events: Vec<String> = (0..100)
                    .map(|one| {
                        number += 1;
                        let day = format!("2017-{:02}-{:02}", number % 12 + 1, one % 28 + 1);
                        access(&format!("e{number}"), ["c_d612", "c_b036"][one % 2], &day)
                    })
                    .collect();
                place.produce(events.iter().map(|event| ("k", event.as_bytes())));
                std::thread::sleep(Duration::from_millis(200));
            }
        });
        while moved < 5 && reports < 100 {
            let report = place.run(&["report", "--year", "2017", "--format", "json"]);
            let report: Value = serde_json::from_str(&report).expect("it is JSON");
            let accesses = adds_up(&report);
            moved += u32::from(accesses > last);
            last = accesses;
            reports += 1;
        }
        closings_end(&place);
        stop.store(true, Ordering::Relaxed);
    });
    eprintln!(
        "{reports} reports, {moved} with more than the previous one, {last} accesses at last"
    );
    assert!(moved >= 5, "events came in between");
}

/// A year without new events can be closed. A year with hundreds of new events per second is
/// closed, or one line states the reason.
fn closings_end(place: &Place<'_>) {
    let began = Instant::now();
    let told = place.run(&["close-year", "2016"]);
    eprintln!("{told} after {:?}", began.elapsed());
    let output = place.command(&["close-year", "2017"]).output();
    let output = output.expect("the program runs");
    let said = crate::support::stderr(&output);
    eprintln!("2017: {} {said} after {:?}", output.status, began.elapsed());
    let has_one_line = said.trim().lines().count() == 1 && said.contains("2017");
    assert!(output.status.success() || has_one_line, "{said}");
}

/// Returns the accesses of a report, which are equal in all its tables.
fn adds_up(report: &Value) -> u64 {
    let sum = |rows: &Value| -> u64 {
        let rows = rows.as_array().into_iter().flatten();
        rows.filter_map(|row| row["accesses"].as_u64()).sum()
    };
    let places = ["italy_accesses", "abroad_accesses", "unknown_accesses"];
    let places = places.map(|place| report["places"][place].as_u64().expect("a count"));
    let sums = [
        sum(&report["accesses"]["enti"]),
        sum(&report["devices"]["classes"]),
        sum(&report["months"]),
        sum(&report["logins"]),
        sum(&report["hours"]["bands"]),
        sum(&report["hours"]["hours_of_day"]),
        places.iter().sum(),
    ];
    assert_eq!(sums, [sums[0]; 7]);
    sums[0]
}
