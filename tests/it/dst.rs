//! Days of 23 and 25 hours through the whole path, with a ClickHouse in UTC and another one in the
//! zone itself.

use affluenza_engine::{Cache, ClickHouse, ClickHouseSettings};
use affluenza_store::{Config as StoreConfig, Store};
use serde_json::Value;

use crate::support::{Engines, Place};

/// Midnight in Rome on the days of the two clock changes, in UTC seconds.
const MARCH: i64 = 1_490_482_800;
const OCTOBER: i64 = 1_509_228_000;

/// An event every half hour with distinct visitors, on the 23 hours of 26 March 2017 and the 25 of
/// 29 October.
fn records() -> Vec<String> {
    let halves =
        |midnight: i64, hours: i64| (0..hours * 2).map(move |half| midnight + half * 1_800);
    halves(MARCH, 23)
        .chain(halves(OCTOBER, 25))
        .map(|second| {
            let time = jiff::Timestamp::from_second(second).expect("a time");
            format!(
                r#"{{"specversion":"1.0","type":"it.affluenza.service-use.v1","source":"s","id":"{second}","time":"{time}","data":{{"ente":"c_a","portal":"www","service":"imu","kind":"plain","visitor":"{second}"}}}}"#
            )
        })
        .collect()
}

/// Results of one ClickHouse: the report, and the users in each hour of the two days.
#[derive(PartialEq, Debug)]
struct Said {
    report: Value,
    march: Vec<u64>,
    october: Vec<u64>,
}

fn ask(place: &Place<'_>, server: &ClickHouse, group: &str) -> Said {
    let run = |arguments: &[&str]| {
        let output = place
            .command(arguments)
            .env("AFFLUENZA__CLICKHOUSE__URL", server.http_url())
            .env("AFFLUENZA__CLICKHOUSE__USER", server.user())
            .env("AFFLUENZA__CLICKHOUSE__PASSWORD", server.password())
            .env("AFFLUENZA__KAFKA__GROUP", group)
            .output()
            .expect("the program runs");
        assert!(
            output.status.success(),
            "{arguments:?}: {}",
            crate::support::stderr(&output)
        );
        String::from_utf8(output.stdout).expect("it prints text")
    };
    run(&["migrate"]);
    run(&["consume", "--once"]);
    let report = run(&["report", "--year", "2017", "--format", "json"]);
    let store = Store::new(&StoreConfig {
        url: server.http_url(),
        database: "dst".into(),
        user: server.user().to_owned(),
        password: server.password().to_owned().into(),
        ..StoreConfig::default()
    });
    let users = |day: &str| {
        let of_hour = |hour: u64| {
            place.wait(store.admin().count(&format!(
                "SELECT sum(users) FROM users_by_hour WHERE local_date = '{day}' AND local_hour = {hour}"
            )))
        };
        (0..24)
            .map(|hour| of_hour(hour).expect("the view answers"))
            .collect()
    };
    Said {
        report: serde_json::from_str(&report).expect("it is JSON"),
        march: users("2017-03-26"),
        october: users("2017-10-29"),
    }
}

pub fn days_of_23_and_25_hours_are_the_same_in_every_server(engines: &Engines) {
    let place = engines.place("dst");
    place.run(&["migrate"]);
    place.produce(records().iter().map(|record| ("k", record.as_bytes())));
    let in_utc = ask(&place, &engines.clickhouse, "dst.utc");

    let cache = Cache::from_env().expect("there is a cache folder");
    let library = cache
        .prepare_clickhouse(&|_: &str| ())
        .expect("it is in the cache");
    let settings = ClickHouseSettings {
        timezone: "Europe/Rome".into(),
        memory_mib: 1_024,
        ..ClickHouseSettings::new(place.folder.join("rome"))
    };
    let rome = place
        .wait(ClickHouse::start(&settings, &library))
        .expect("a second ClickHouse starts");
    let in_rome = ask(&place, &rome, "dst.rome");
    place.wait(rome.stop()).expect("it stops");

    assert_eq!(in_utc, in_rome);
    let hours = |at_two: u64| -> Vec<u64> {
        (0..24)
            .map(|hour| if hour == 2 { at_two } else { 2 })
            .collect()
    };
    assert_eq!(in_utc.march, hours(0), "no hour from two to three");
    assert_eq!(in_utc.october, hours(4), "two hours from two to three");
    // 23 + 25 hours of two uses each; the nights have 8 - 1 and 8 + 1 hours.
    assert_eq!(in_utc.report["totals"]["service_uses"], 96);
    let bands = in_utc.report["hours"]["bands"].as_array().expect("bands");
    let of_band = |name: &str| {
        let band = bands
            .iter()
            .find(|band| band["band"] == name)
            .expect("a band");
        (
            band["users_hours"].as_u64(),
            band["hours_existing"].as_u64(),
        )
    };
    assert_eq!(of_band("night"), (Some(32), Some(8 * 365)));
    assert_eq!(of_band("office"), (Some(40), Some(10 * 365)));
    assert_eq!(of_band("evening"), (Some(24), Some(6 * 365)));
}
