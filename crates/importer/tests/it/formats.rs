//! Tests lines of nginx and Apache, and their events.

use affluenza_importer::{FieldRole, Input, LineFault};

use crate::{Kept, fixture, import, import_into, target};

fn events(name: &str) -> (Vec<Kept>, affluenza_importer::Summary) {
    let target = target()
        .with_service("/servizi/pagamenti=pagopa".parse().unwrap())
        .unwrap();
    import_into(target, vec![Input::path(fixture(name))])
}

/// Renders the events for review, one per line, after the consumer's parser has accepted them.
fn shown(events: &[Kept]) -> String {
    let checked = |kept: &Kept| {
        kept.event();
        kept.json.clone()
    };
    events.iter().map(checked).collect::<Vec<_>>().join("\n")
}

#[test]
fn nginx() {
    let (events, summary) = events("nginx.log");
    assert_eq!((summary.lines, summary.events()), (6, 6));
    insta::assert_snapshot!(shown(&events));
    // Forwarded address, full IPv4 address, user name and the end of an IPv6 address.
    for personal in ["198.51.100.23", "203.0.113.7", "mario", "7348"] {
        assert!(!shown(&events).contains(personal), "{personal}");
    }
}

#[test]
fn apache() {
    let (events, summary) = events("apache_variants.log");
    assert_eq!(
        (summary.lines, summary.events(), summary.malformed),
        (10, 8, 2)
    );
    assert_eq!(summary.without_address, 1);
    insta::assert_snapshot!(shown(&events));
    for personal in ["203.0.113.9", "203-0-113-9", "rossi", ":3:4:5:6"] {
        assert!(!shown(&events).contains(personal), "{personal}");
    }
    let faults: Vec<_> = summary
        .first_malformed
        .iter()
        .map(|line| (line.line, line.fault))
        .collect();
    assert_eq!(
        faults,
        [
            (8, LineFault::Missing(FieldRole::Agent)),
            (9, LineFault::Bad(FieldRole::Time))
        ]
    );
}

#[test]
fn a_visitor_is_one_person_on_one_day() {
    let (events, _) = events("nginx.log");
    let visitors: Vec<_> = events.iter().map(|kept| kept.event().visitor).collect();
    // Same browser before and after the clock change; the others differ.
    assert_eq!(visitors[0], visitors[1]);
    assert_eq!(visitors[3], visitors[4]);
    assert_ne!(visitors[0], visitors[2]);
    assert_ne!(visitors[4], visitors[5]);
}

#[test]
fn a_long_user_agent_is_cut_and_bytes_that_are_no_text_are_tolerated() {
    let mut log = br#"- - - [26/Mar/2017:03:00:00 +0200] "GET /\xff"#.to_vec();
    log.extend(b"\xFF HTTP/1.1\" 200 1 \"\xFE\" \"\xC3");
    log.extend("è".repeat(20_000).bytes());
    log.extend(b"\"");
    let (events, summary) = import(&log);
    assert_eq!((summary.events(), summary.without_address), (1, 1));
    let event = events[0].event();
    assert_eq!((event.visitor, event.client.ip), (0, None));
    let agent = event.client.user_agent.expect("it is recorded");
    assert!(
        agent.starts_with("\u{FFFD}èè") && agent.len() <= 1024,
        "{}",
        agent.len()
    );
}

#[test]
fn lines_that_are_no_requests_are_counted_and_the_first_are_listed() {
    let log = "secret\n\n  \t\n".repeat(100);
    let (events, summary) = import(log.as_bytes());
    assert!(events.is_empty());
    assert_eq!(
        (summary.lines, summary.malformed, summary.blank),
        (300, 100, 200)
    );
    let lines: Vec<_> = summary
        .first_malformed
        .iter()
        .map(|line| line.line)
        .collect();
    assert_eq!(lines, (0..20).map(|nth| nth * 3 + 1).collect::<Vec<_>>());
    assert!(!format!("{summary:?}").contains("secret"));
}

#[test]
fn a_line_without_end_is_passed_over() {
    let line = r#"203.0.113.7 - - [26/Mar/2017:03:00:00 +0200] "GET / HTTP/1.1" 200 1"#;
    let log = format!("{line} \"{}\n{line}\n", "x".repeat(1_000_000));
    let (_, summary) = import(log.as_bytes());
    assert_eq!((summary.lines, summary.events()), (2, 1));
    assert_eq!(summary.first_malformed[0].fault, LineFault::TooLong);
}
