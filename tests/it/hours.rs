//! Precomputed hours equal the figures from the visitors, include changes at once, and are checked
//! by the audit.

use std::collections::BTreeMap;
use std::sync::Arc;

use affluenza_store::hours::EnteHour;
use affluenza_store::usage::{Days, Dimension, Selection};

use crate::support::{Engines, Place, stderr};

/// Days since 1970 of 1 January 2017, and of the day after the year.
const YEAR: (i32, i32) = (17_167, 17_532);

fn selections() -> Vec<Selection> {
    let mut all = Vec::new();
    for (first, last, whole_months) in [
        (YEAR.0, YEAR.1 - 1, true),
        // From 11 January to 10 March.
        (YEAR.0 + 10, YEAR.0 + 68, false),
        // March, and the previous year, which has no events.
        (YEAR.0 + 59, YEAR.0 + 89, true),
        (YEAR.0 - 366, YEAR.0 - 1, true),
    ] {
        for people in [true, false] {
            for scope in [None, Some(vec!["c_d612".to_owned(), "c_b036".to_owned()])] {
                for filter in [None, Some((Dimension::Ente, "c_d612"))] {
                    let of = filter.map(|(by, value)| (by, vec![value.to_owned()]));
                    all.push(Selection {
                        days: Days {
                            first,
                            last,
                            whole_months,
                        },
                        people,
                        scope: scope.clone(),
                        filters: of.into_iter().collect(),
                        known: Arc::default(),
                    });
                }
            }
        }
    }
    // A filter that the precomputed hours of a month do not have.
    let mut by_device = all[0].clone();
    let device = vec!["desktop".to_owned()];
    by_device.filters.insert(Dimension::Device, device);
    all.push(by_device);
    all
}

type Figures = BTreeMap<(String, u8, String), (u64, u64, u64)>;

fn asked(place: &Place<'_>, selection: &Selection) -> Figures {
    let rows = place.wait(place.store().usage().hours_by_ente(selection));
    let of = |row: EnteHour| {
        let key = (row.ente, row.local_hour, row.band);
        (key, (row.users_hours, row.accesses, row.service_uses))
    };
    let figures = rows.expect("it answers").into_iter().map(of);
    figures.filter(|(_, counts)| *counts != (0, 0, 0)).collect()
}

/// Returns the exact figures from the facts.
fn recounted(place: &Place<'_>, selection: &Selection) -> Figures {
    let Days { first, last, .. } = selection.days;
    let mut condition = format!("local_date BETWEEN toDate({first}) AND toDate({last})");
    if selection.people {
        condition.push_str(" AND device NOT IN ('bot', 'no-agent')");
    }
    let filter = selection.filters.get(&Dimension::Ente);
    for enti in selection.scope.iter().chain(filter) {
        condition.push_str(&format!(" AND ente IN ('{}')", enti.join("', '")));
    }
    if let Some(devices) = selection.filters.get(&Dimension::Device) {
        condition.push_str(&format!(" AND device IN ('{}')", devices.join("', '")));
    }
    let rows = place.access().rows(&format!(
        "SELECT ente, local_hour, band, sum(u), sum(a), sum(s) FROM (
            SELECT ente, local_hour, band, uniqExactIf(visitor, visitor != 0 AND resource IN ('none', 'page')) AS u,
                   countIf(resource = 'page') AS a, countIf(activity = 'service-use' AND outcome = 'completed') AS s
            FROM usage_events WHERE {condition} GROUP BY ente, hour_start, local_hour, band)
         GROUP BY ente, local_hour, band HAVING sum(u) + sum(a) + sum(s) > 0"
    ));
    let number = |cell: &String| cell.parse().expect("a number");
    rows.iter()
        .map(|row| {
            let key = (row[0].clone(), number(&row[1]) as u8, row[2].clone());
            (key, (number(&row[3]), number(&row[4]), number(&row[5])))
        })
        .collect()
}

fn all_are_right(place: &Place<'_>, when: &str) {
    for selection in selections() {
        let (found, right) = (asked(place, &selection), recounted(place, &selection));
        assert!(
            found == right,
            "{when}, {selection:?}: {found:?}, not {right:?}"
        );
    }
}

fn kept_months(place: &Place<'_>) -> u64 {
    place.count("SELECT uniqExact(month) FROM hours_of_months")
}

pub fn precalculated_hours_are_right(engines: &Engines) {
    let place = engines.place("hours");
    place.run(&["migrate"]);
    place.run(&[
        "simulate", "--focus", "2017", "--scale", "0.02", "--seed", "7",
    ]);
    // The late first reconciliation keeps a slow consumer from precomputing the hours.
    let consume = || {
        let mut command = place.command(&["consume", "--once"]);
        command.env("AFFLUENZA__CONSUME__RECONCILE_FIRST_SECONDS", "3600");
        let output = command.output().expect("it runs");
        assert!(output.status.success(), "{}", stderr(&output));
    };
    consume();
    assert_eq!(kept_months(&place), 0);
    all_are_right(&place, "nothing is kept");
    let keep = || {
        place
            .wait(place.store().usage().keep_hours())
            .expect("it is kept")
    };
    assert_eq!(keep(), 12);
    assert_eq!(keep(), 0);
    all_are_right(&place, "every month is kept");

    // A late event is counted at once.
    let event = br#"{"specversion":"1.0","type":"it.affluenza.access.v1","source":"https://test","id":"late","time":"2017-03-05T10:00:00+01:00","data":{"ente":"c_d612","portal":"servizi-online","visitor":"late","client":{"user_agent":"Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:120.0) Gecko/20100101 Firefox/120.0"}}}"#;
    place.produce([("late", &event[..])]);
    consume();
    all_are_right(&place, "March has another event");
    assert_eq!(keep(), 1);
    all_are_right(&place, "March is kept again");

    // A rebuild discards the precomputed hours and computes them again.
    place.run(&["rebuild"]);
    all_are_right(&place, "all months were rebuilt");
    // Merging the rows of the rebuild is no change of the figures.
    let store = place.store();
    let watermark = || place.wait(store.usage().watermark()).expect("it is read");
    let before = watermark();
    place
        .wait(store.admin().run_statement("OPTIMIZE TABLE rebuilds FINAL"))
        .expect("the rows are merged");
    assert_eq!(watermark(), before);
    assert_eq!(keep(), 0);

    wrong_ones_are_found(&place);
}

/// Only a manual change can corrupt precomputed hours; the audit finds it.
fn wrong_ones_are_found(place: &Place<'_>) {
    let execute = |statement: &str| {
        let done = place.wait(place.store().admin().run_statement(statement));
        done.expect("the statement is carried out");
    };
    execute(
        "ALTER TABLE hours_of_months UPDATE `hours.users` = arrayMap(users -> users + 1, `hours.users`)
         WHERE month = '2017-04-01' AND ente = 'c_d612' SETTINGS mutations_sync = 2",
    );
    let output = place.command(&["audit"]).output().expect("it runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(!output.status.success(), "{text}{}", stderr(&output));
    let found = text.matches("its precalculated hours have").count();
    assert!(
        found == 1 && text.contains("month 2017-04, c_d612"),
        "{text}"
    );
    let repaired = place.run(&["audit", "--repair"]);
    assert!(
        repaired.contains("every record is accounted for"),
        "{repaired}"
    );
    all_are_right(place, "April was put right");
    assert_eq!(kept_months(place), 12);
}
