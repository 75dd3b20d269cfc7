//! Tests 10,000 real requests, one of them malformed (see tests/fixtures/README.md).

use std::collections::HashSet;

use affluenza_classify::device::{Device, Hints, classify};
use affluenza_event::{Activity, Channel, Login, Outcome, Resource};
use affluenza_importer::{FieldRole, Input, LineFault};

use crate::{fixture, import, import_into, real_log, target};

#[test]
fn every_request_is_accounted_for() {
    let (events, summary) = import(&real_log());
    assert_eq!((events.len(), summary.events()), (9_999, 9_999));
    assert_eq!(
        (summary.lines, summary.malformed, summary.blank),
        (10_000, 1, 0)
    );
    let malformed = &summary.first_malformed[0];
    assert_eq!(malformed.line, 8_899);
    assert_eq!(malformed.fault, LineFault::Unclosed(FieldRole::Agent));
    assert_eq!(
        malformed.to_string(),
        "log:8899: the user agent has no closing quote"
    );
    // 17 lines repeat an earlier one; two more differ only in the last part of the address.
    assert_eq!((summary.repeated, summary.without_address), (19, 0));
    // Counted with awk: 202 + 8 + 3 times 404, 3 times 500, 2 times each of 403 and 416.
    assert_eq!(summary.failed, 220);
    let (earliest, latest) = summary.period.unwrap();
    assert!(DAYS.contains(&earliest.0) && DAYS.contains(&latest.0));
}

/// 17 to 20 May 2015, in milliseconds since 1970.
const DAYS: std::ops::Range<i64> = 1_431_820_800_000..1_432_166_400_000;

#[test]
fn the_consumer_takes_every_event_under_its_own_identity() {
    let (events, summary) = import(&real_log());
    let (mut pages, mut failed) = (0, 0);
    let (mut visitors, mut identities, mut keys) = (HashSet::new(), HashSet::new(), HashSet::new());
    for kept in &events {
        let event = kept.event();
        assert_eq!(
            (event.ente.as_ref(), event.portal.as_ref()),
            ("c_d612", "www")
        );
        assert_eq!((event.channel, event.login), (Channel::Import, Login::None));
        assert_eq!((event.service.as_ref(), event.session), ("", 0));
        assert!(event.client.ip.is_some() && event.visitor != 0);
        assert!(DAYS.contains(&event.time.0));
        let has_failed = event.outcome == Outcome::Failed;
        pages += u64::from(event.activity == Activity::Access(Resource::Page) && !has_failed);
        failed += u64::from(has_failed);
        visitors.insert(event.visitor);
        identities.insert(event.identity);
        keys.insert(&kept.key);
        let json: serde_json::Value = serde_json::from_str(&kept.json).unwrap();
        assert_eq!(json["id"], kept.key.as_str());
        assert_eq!(json["source"], "urn:affluenza:import:c_d612:www");
    }
    assert_eq!((pages, failed), (summary.pages, summary.failed));
    assert_eq!((keys.len(), identities.len()), (9_999, 9_999));
    // More visitors than addresses, fewer than requests.
    let visitors = visitors.len();
    assert!((1_754..5_000).contains(&visitors), "{visitors}");
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

/// Counts of a log, which README.md compares with those of GoAccess.
#[derive(Default)]
struct Counts {
    requests: usize,
    not_understood: u64,
    errors: usize,
    without_agent: usize,
    bots: usize,
    visitors: usize,
    visitors_without_error: usize,
    pages_of_people: usize,
}

impl Counts {
    /// Counts a log of a server in `zone`, so that both programs have the same days.
    fn of(name: &str, zone: &str) -> Self {
        let target = target().in_zone(zone).unwrap();
        let (events, summary) = import_into(target, vec![Input::path(fixture(name))]);
        let mut counts = Self {
            requests: events.len(),
            not_understood: summary.malformed,
            ..Self::default()
        };
        let (mut visitors, mut without_error) = (HashSet::new(), HashSet::new());
        for kept in &events {
            let event = kept.event();
            let is_error = event.outcome == Outcome::Failed;
            let has_no_agent = event.client.user_agent.as_deref() == Some("");
            let agent = event.client.user_agent.as_deref().unwrap_or_default();
            let is_bot = classify(agent, &Hints::NONE).device == Device::Bot;
            let is_page = event.activity == Activity::Access(Resource::Page);
            counts.errors += usize::from(is_error);
            counts.without_agent += usize::from(has_no_agent);
            counts.bots += usize::from(is_bot);
            counts.pages_of_people += usize::from(is_page && !is_error && !has_no_agent && !is_bot);
            visitors.insert(event.visitor);
            if !is_error {
                without_error.insert(event.visitor);
            }
        }
        counts.visitors = visitors.len();
        counts.visitors_without_error = without_error.len();
        counts
    }

    fn row(&self, name: &str) -> String {
        let Self {
            requests,
            not_understood,
            errors,
            without_agent,
            bots,
            visitors,
            visitors_without_error,
            pages_of_people,
        } = self;
        format!(
            "{name}: {requests} requests, {not_understood} not understood, {errors} errors, \
             {without_agent} without an agent, {bots} of bots, {visitors} visitors, \
             {visitors_without_error} of them with a request that is no error, \
             {pages_of_people} pages of people"
        )
    }
}

#[test]
fn three_real_logs_have_the_counts_of_the_table() {
    let rows = [
        ("apache_combined_10k", "UTC"),
        ("join_form_probes", "Europe/Amsterdam"),
        ("nasa_1995_4k", "America/New_York"),
    ]
    .map(|(name, zone)| Counts::of(&format!("{name}.log.gz"), zone).row(name));
    insta::assert_snapshot!(rows.join("\n"));
}
