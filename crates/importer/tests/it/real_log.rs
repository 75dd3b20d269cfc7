//! Tests 10,000 real requests, one of them malformed (see tests/fixtures/README.md).

use std::collections::HashSet;

use affluenza_event::{Activity, Channel, Login, Outcome, Resource, UnixMillis};
use affluenza_importer::{Field, Input, LineFault};

use crate::{fixture, import, import_into, real_log, target};

#[test]
fn every_request_is_accounted_for() {
    let (events, summary) = import(&real_log());
    assert_eq!(events.len(), 9_999);
    assert_eq!(
        (
            summary.lines,
            summary.events(),
            summary.malformed,
            summary.blank
        ),
        (10_000, 9_999, 1, 0)
    );
    let malformed = &summary.first_malformed[0];
    assert_eq!(malformed.line, 8_899);
    assert_eq!(malformed.fault, LineFault::Unclosed(Field::UserAgent));
    assert_eq!(
        malformed.to_string(),
        "log:8899: the user agent has no closing quote"
    );
    // 17 lines repeat an earlier one; two more differ only in the last part of the address.
    assert_eq!(summary.repeated, 19);
    assert_eq!(summary.without_address, 0);
}

#[test]
fn every_event_is_one_that_the_consumer_takes() {
    let (events, summary) = import(&real_log());
    let (mut pages, mut failed, mut visitors) = (0, 0, HashSet::new());
    for kept in &events {
        let event = kept.event();
        assert_eq!(
            (event.ente.as_ref(), event.portal.as_ref()),
            ("c_d612", "www")
        );
        assert_eq!((event.channel, event.login), (Channel::Import, Login::None));
        assert_eq!((event.service.as_ref(), event.session), ("", 0));
        assert!(event.client.ip.is_some());
        assert_ne!(event.visitor, 0);
        visitors.insert(event.visitor);
        pages += u64::from(event.activity == Activity::Access(Resource::Page));
        failed += u64::from(event.outcome == Outcome::Failed);
        // The log covers 17 to 20 May 2015.
        assert!((1_431_820_800_000..1_432_166_400_000).contains(&event.time.0));
    }
    assert_eq!((pages, failed), (summary.pages, summary.failed));
    // Counted with awk: 202 + 8 + 3 times 404, 3 times 500, 2 times each of 403 and 416.
    assert_eq!(failed, 220);
    let (earliest, latest) = summary.period.unwrap();
    assert!(UnixMillis(1_431_820_800_000) <= earliest && latest < UnixMillis(1_432_166_400_000));
    // More visitors than addresses, fewer than requests.
    assert!(
        (1_754..5_000).contains(&visitors.len()),
        "{}",
        visitors.len()
    );
}

#[test]
fn identities_are_unique() {
    let (events, _) = import(&real_log());
    let keys: HashSet<_> = events.iter().map(|kept| &kept.key).collect();
    let identities: HashSet<_> = events.iter().map(|kept| kept.event().identity).collect();
    assert_eq!((keys.len(), identities.len()), (9_999, 9_999));
}

#[test]
fn the_key_is_the_identity() {
    let (events, _) = import(&real_log());
    for kept in &events[..100] {
        let json: serde_json::Value = serde_json::from_str(&kept.json).unwrap();
        assert_eq!(json["id"], kept.key.as_str());
        assert_eq!(json["source"], "urn:affluenza:import:c_d612:www");
    }
}

#[test]
fn gzip_gives_the_same_as_plain() {
    let plain = import(&real_log());
    let (events, summary) = import_into(
        target(),
        vec![Input::path(fixture("apache_combined_10k.log.gz"))],
    );
    assert_eq!(events, plain.0);
    assert_eq!(summary.events(), plain.1.events());
}

#[test]
fn no_address_of_the_log_is_in_an_event() {
    let log = real_log();
    let text = std::str::from_utf8(&log).unwrap();
    let addresses: HashSet<&str> = text
        .lines()
        .filter_map(|line| line.split(' ').next())
        .filter(|address| !address.ends_with(".0"))
        .collect();
    assert!(addresses.len() > 1_700, "{}", addresses.len());
    let (events, _) = import(&log);
    for kept in &events {
        let words = kept.json.split(|c: char| !(c.is_ascii_digit() || c == '.'));
        for word in words {
            assert!(!addresses.contains(word.trim_matches('.')), "{}", kept.json);
        }
    }
}
