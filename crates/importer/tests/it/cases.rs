//! Imports logs that were read wrongly once (tests/fixtures/cases), and logs with a single client.

use std::collections::HashSet;

use affluenza_event::{Activity, Outcome, Resource};
use affluenza_importer::{
    ClientChoice, ClientField, ImportError, Input, LogReading, Summary, network,
};

use crate::{Kept, fixture, import_as, reading, target};

fn case(name: &str) -> (Vec<Kept>, Summary) {
    let input = Input::path(fixture("cases").join(name));
    import_as(&reading(), target(), vec![input]).unwrap()
}

fn visitors(events: &[Kept]) -> usize {
    let visitors = events.iter().map(|kept| kept.event().visitor);
    visitors.collect::<HashSet<_>>().len()
}

fn of_text(log: &str, reading: &LogReading) -> Result<(Vec<Kept>, Summary), ImportError> {
    let input = Input::reader("log", std::io::Cursor::new(log.to_owned()));
    import_as(reading, target(), vec![input])
}

fn forwarded(trusted: &[&str]) -> LogReading {
    LogReading {
        clients: ClientChoice {
            field: ClientField::Forwarded,
            trusted: trusted.iter().map(|text| network(text).unwrap()).collect(),
        },
        ..LogReading::default()
    }
}

#[test]
fn each_case_has_its_events_and_visitors() {
    for (name, events, people) in [
        ("caddy.json", 1, 1),
        ("copytruncate-nul.log", 2, 1),
        ("iis.log", 1, 1),
        ("ip-port.log", 3, 1),
        ("scanner-404.log", 5, 1),
        ("syslog-prefix.log", 3, 3),
        ("vhost-hostname.log", 3, 3),
    ] {
        let (found, summary) = case(name);
        assert_eq!((found.len(), visitors(&found)), (events, people), "{name}");
        assert_eq!(summary.malformed, 0, "{name}");
    }
}

/// A client that is taken from an unknown prefix would make all visitors one.
#[test]
fn lines_after_an_unknown_prefix_are_not_understood() {
    let line =
        "203.0.113.7 - - [14/May/2026:10:05:03 +0200] \"GET / HTTP/1.1\" 200 1 \"-\" \"A\"\n";
    for prefix in [
        "mag 14 10:05:03 web1 nginx: ",
        "14 May 10:05:03 web1 nginx: ",
        "web-abc nginx ",
        "pod/web-abc nginx ",
    ] {
        let (events, summary) = of_text(&format!("{prefix}{line}"), &reading()).unwrap();
        assert_eq!((events.len(), summary.malformed), (0, 1), "{prefix}");
    }
    for prefix in [
        "2026-05-14 10:05:03 ",
        "2026-05-14 10:05:03,123 web1 nginx[7]: ",
    ] {
        let (events, _) = of_text(&format!("{prefix}{line}"), &reading()).unwrap();
        let ip = events[0].event().client.ip.unwrap();
        assert_eq!(ip.to_string(), "203.0.113.0", "{prefix}");
    }
}

#[test]
fn times_and_devices_of_single_cases_are_right() {
    let (caddy, summary) = case("caddy.json");
    assert!(
        caddy[0].json.contains("\"2026-05-14T08:05:03+00:00\""),
        "{}",
        caddy[0].json
    );
    assert!(summary.layouts[0].description.starts_with("Caddy JSON"));
    let (iis, summary) = case("iis.log");
    assert!(
        iis[0].json.contains("\"2026-05-14T08:05:03+00:00\""),
        "{}",
        iis[0].json
    );
    assert!(
        !iis[0].json.contains("user_agent"),
        "the log has no field for it"
    );
    assert!(summary.layouts[0].description.starts_with("IIS W3C"));
    let (syslog, _) = case("syslog-prefix.log");
    assert_eq!(
        syslog[0].event().client.ip.unwrap().to_string(),
        "198.51.100.0"
    );
    for kept in &case("scanner-404.log").0 {
        let event = kept.event();
        assert_eq!(event.activity, Activity::Access(Resource::Page));
        assert_eq!(event.outcome, Outcome::Failed);
    }
}

#[test]
fn a_balancer_is_not_taken_for_the_visitors() {
    let log = std::fs::read_to_string(fixture("cases/forwarded-last.log")).unwrap();
    let refused = of_text(&log, &LogReading::default())
        .unwrap_err()
        .to_string();
    assert!(
        refused.contains("3 of the first 3 lines have one client, a private address"),
        "{refused}"
    );
    assert!(refused.contains("--client forwarded"), "{refused}");
    assert_eq!(visitors(&of_text(&log, &reading()).unwrap().0), 1);
    assert_eq!(visitors(&of_text(&log, &forwarded(&[])).unwrap().0), 3);
    assert_eq!(
        visitors(&of_text(&log, &forwarded(&["10.0.0.0/8"])).unwrap().0),
        3
    );
    // Another proxy than the trusted one: its lists are not believed.
    let error = of_text(&log, &forwarded(&["192.0.2.1"])).unwrap_err();
    assert!(matches!(error, ImportError::SingleClient { .. }), "{error}");
}

#[test]
fn a_thousand_lines_of_nearly_one_client_stop_the_import() {
    let line = |host: &str, nth: usize| {
        format!(
            "{host} - - [14/May/2026:10:{:02}:{:02} +0200] \"GET / HTTP/1.1\" 200 1\n",
            nth / 60 % 60,
            nth % 60
        )
    };
    let log = |lines: usize, of_others: usize| -> String {
        let host = |nth| {
            if nth < of_others {
                format!("198.51.100.{}", nth % 250)
            } else {
                "203.0.113.7".into()
            }
        };
        (0..lines).map(|nth| line(&host(nth), nth)).collect()
    };
    let refused = of_text(&log(1_000, 20), &LogReading::default())
        .unwrap_err()
        .to_string();
    assert!(
        refused.contains("980 of the first 1000 lines have one client, so"),
        "{refused}"
    );
    assert!(refused.contains("add X-Forwarded-For"), "{refused}");
    for (lines, of_others) in [(999, 0), (1_000, 200)] {
        assert!(
            of_text(&log(lines, of_others), &LogReading::default()).is_ok(),
            "{lines} {of_others}"
        );
    }
}

#[test]
fn look_alikes_of_two_servers_are_two_events() {
    let import = |name: &str, server: &str| {
        let target = target().of_server(server).unwrap();
        let input = Input::path(fixture("cases").join(name));
        import_as(&reading(), target, vec![input])
            .unwrap()
            .0
            .remove(0)
    };
    let (a, b) = (
        import("two-servers-a.log", "web-1"),
        import("two-servers-b.log", "web-2"),
    );
    assert_ne!(a.event().identity, b.event().identity);
    let again = import("two-servers-a.log", "web-1");
    assert_eq!(a.event().identity, again.event().identity);
}
