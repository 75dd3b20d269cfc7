//! Blocks whose token ClickHouse may have forgotten and whose hour rows were lost. Every answer
//! about the month shows a warning until the month is reconciled. Also: corrections that meet
//! another one.

use affluenza_kafka::{NextOffset, Partition};
use affluenza_store::doubts::TokenReliability;
use serde_json::Value;

use crate::api::{Served, serve};
use crate::audit::findings;
use crate::recovery::check_whole;
use crate::support::{Engines, Place, set_offset, source, stderr, write};

const PARTITION: Partition = Partition(0);
const MONTH: u32 = 201_703;
const MARK: &str = "months-in-doubt";

/// Consumes events of 2017.
fn consumed<'e>(engines: &'e Engines, name: &str) -> (Place<'e>, u64) {
    let place = engines.place(name);
    place.run(&["migrate"]);
    place.run(&[
        "simulate", "--focus", "2017", "--scale", "0.005", "--seed", "6",
    ]);
    place.run(&["consume", "--once"]);
    let total = place.ends().values().map(|end| end.0.unsigned_abs()).sum();
    check_whole(&place, total);
    (place, total)
}

fn execute(place: &Place<'_>, statement: &str) {
    place
        .wait(place.store().admin().run_statement(statement))
        .expect("the statement is done");
}

/// Simulates a crash: offset metadata and facts of a block, but only some of its hour rows. The
/// intent is of the time `at`, in seconds since 1970.
fn as_after_a_crash(place: &Place<'_>, at: u64) {
    let rows = place.access().rows(
        "SELECT stream, first_offset, next_offset, records_read, hex(checksum), rules FROM ingest_ledger FINAL
         WHERE kafka_partition = 0 ORDER BY first_offset DESC LIMIT 1",
    );
    let [stream, first, next, records, sum, rules] = &rows[0][..] else {
        panic!("{rows:?}");
    };
    execute(
        place,
        &format!(
            "DELETE FROM ingest_ledger WHERE kafka_partition = 0 AND first_offset = {first} SETTINGS lightweight_deletes_sync = 2"
        ),
    );
    execute(
        place,
        "DELETE FROM usage_hourly WHERE toYYYYMM(hour_start) = 201703 SETTINGS lightweight_deletes_sync = 2",
    );
    let sum = sum.to_lowercase();
    let intent = format!(
        "affluenza/1 stream={stream} end={next} records={records} sum={sum:0>16} rules={rules} at={at}"
    );
    let first = first.parse().expect("an offset");
    set_offset(&place.bus(), PARTITION, NextOffset(first), &intent);
}

pub fn lost_hour_rows_are_marked_and_rebuilt(engines: &Engines) {
    let (place, total) = consumed(engines, "doubts");
    // The block is much older than the start of this server.
    as_after_a_crash(&place, 1);
    place.run(&["consume", "--once"]);
    // Only the doubt leads to the rows, because the hourly reconciliation has not started.
    check_whole(&place, total);
    let settled = "SELECT count() FROM months_in_doubt FINAL WHERE settled";
    assert!(place.count(settled) >= 12, "every month of the block");
    place.run(&["audit"]);
}

/// ClickHouse knows the token of the facts, which other rules classified. Their hour rows are made
/// from them, not from the second reading.
pub fn newer_rules_do_not_split_a_block(engines: &Engines) {
    let (place, total) = consumed(engines, "newer_rules");
    // Times within the clock tolerance count as after the server's start.
    let now = place.count("SELECT toUInt64(toUnixTimestamp(now()))");
    as_after_a_crash(&place, now + 61);
    let register = std::fs::read_to_string(source("deploy/register.toml")).expect("it is there");
    let register = register.replace("category = \"ambiente\"", "category = \"tributi\"");
    let register = write(&place.folder, "moved.toml", register.as_bytes());
    let output = place
        .command(&["consume", "--once"])
        .env("AFFLUENZA__REGISTER__FILE", register)
        .output()
        .expect("the program runs");
    assert!(output.status.success(), "{}", stderr(&output));
    check_whole(&place, total);
    assert!(place.count("SELECT count() FROM months_in_doubt FINAL WHERE settled") > 0);
}

pub fn every_answer_says_so(engines: &Engines) {
    let (place, total) = consumed(engines, "said");
    place.run(&["register", "apply"]);
    let api = serve(place);
    let key = api.key(&["admin", "--role", "admin"]);
    let (place, period) = (&api.place, "usage?period=2017");
    assert!(!is_marked(&api, &key, period));
    let months = [MONTH].into();
    place
        .wait(place.store().ledger().doubt_months(&months, None))
        .expect("it is written down");
    crate::support::eventually("the API says so", || is_marked(&api, &key, period));
    for path in [
        "usage?period=2017-03",
        "hours?period=2017-03-31",
        "variations?period=2017",
    ] {
        assert!(is_marked(&api, &key, path), "{path}");
    }
    assert!(!is_marked(&api, &key, "usage?period=2017-05"));
    let public = api.ask("/v1/usage?period=2017", &[]);
    assert_eq!(
        public.status, 401,
        "an open year is not public: {}",
        public.body
    );
    let report = place.run(&["report", "--year", "2017", "--format", "json"]);
    assert!(report.contains("months_in_doubt"), "the report says so");
    assert_eq!(findings(place), ["month-in-doubt"]);

    place.run(&["audit", "--repair"]);
    check_whole(place, total);
    crate::support::eventually("the mark is gone", || !is_marked(&api, &key, period));
    // A closed year is public, and what was doubted is right by now.
    place.run(&["close-year", "2017"]);
    crate::support::eventually("the year is public", || {
        api.ask("/v1/usage?period=2017", &[]).status == 200
    });
}

fn is_marked(api: &Served<'_>, key: &str, path: &str) -> bool {
    let answer: Value = api.with_key(key, path).json();
    let warnings = answer["meta"]["warnings"].as_array();
    let warnings = warnings.unwrap_or_else(|| panic!("{path}: {answer}"));
    warnings.iter().any(|warning| warning["code"] == MARK)
}

pub fn a_correction_counts_once(engines: &Engines) {
    let (place, total) = consumed(engines, "corrections");
    let store = place.store();
    execute(
        &place,
        "DELETE FROM usage_hourly WHERE toYYYYMM(hour_start) = 201703 AND toDayOfMonth(hour_start) < 9 SETTINGS lightweight_deletes_sync = 2",
    );
    // Two corrections from the same state; the second one arrives late.
    let made = || {
        place.wait(async {
            let hours = store.usage().aggregate_differences(MONTH).await?;
            store.usage().correction_of(MONTH, &hours).await
        })
    };
    let both = [made(), made()].map(|made| made.expect("it is computed").expect("there is one"));
    for correction in both {
        place
            .wait(store.usage().correct_hours(correction))
            .expect("it is taken");
    }
    check_whole(&place, total);
}

pub fn users_are_compared_too(engines: &Engines) {
    let (place, total) = consumed(engines, "swollen");
    let users = || place.count("SELECT sum(users) FROM users_by_hour");
    let whole = users();
    let columns = "hour_start, local_date, local_hour, band, ente, portal, service, category, activity, kind, outcome, channel, login, device, country";
    // Some cells lose their visitors, others get visitors that no fact has.
    execute(
        &place,
        "ALTER TABLE usage_hourly UPDATE visitors = initializeAggregation('uniqCombined64IfState', toUInt64(0), toUInt8(0)) WHERE toYYYYMM(hour_start) = 201703 SETTINGS mutations_sync = 2",
    );
    assert!(users() < whole);
    assert_eq!(findings(&place), ["aggregate-differs"]);
    place.run(&["audit", "--repair"]);
    assert_eq!(users(), whole);
    execute(
        &place,
        &format!(
            "INSERT INTO usage_hourly ({columns}, visitors) SELECT {columns}, uniqCombined64IfState(number, number > 0)
             FROM (SELECT DISTINCT {columns} FROM usage_hourly WHERE toYYYYMM(hour_start) = 201704 LIMIT 20) AS cells CROSS JOIN numbers(50) AS n GROUP BY {columns}"
        ),
    );
    assert!(users() > whole);
    // The precomputed hours differ from the changed visitor sets, too.
    assert_eq!(findings(&place), ["aggregate-differs", "hours-differ"]);
    place.run(&["audit", "--repair"]);
    assert_eq!(users(), whole);
    check_whole(&place, total);
}

pub fn tokens_are_forgotten_by_inserts(engines: &Engines) {
    let (place, _) = consumed(engines, "tokens");
    let token = |since: u64| {
        place
            .wait(place.store().ledger().token_reliability(since))
            .expect("ClickHouse answers")
    };
    let now = place.count("SELECT toUInt64(toUnixTimestamp(now()))");
    assert!(matches!(token(1), TokenReliability::ServerRestarted(_)));
    // The test server started some time ago. Times within the clock tolerance count as after its
    // start.
    let later = now + 61;
    assert_eq!(token(later), TokenReliability::Known);
    for table in ["usage_events", "usage_hourly"] {
        execute(
            &place,
            &format!("ALTER TABLE {table} MODIFY SETTING non_replicated_deduplication_window = 20"),
        );
    }
    // These ledger rows stand for inserts that evict the token.
    execute(
        &place,
        &format!(
            "INSERT INTO ingest_ledger (stream, kafka_partition, first_offset, next_offset, written_at)
             SELECT 'other', 9, number, number + 1, toDateTime({later}, 'UTC') FROM numbers(6)"
        ),
    );
    assert_eq!(token(later), TokenReliability::MayBeForgotten);
}

pub fn facts_changed_by_hand_are_named(engines: &Engines) {
    let (place, total) = consumed(engines, "altered");
    let french = || place.count("SELECT sum(events) FROM usage_hourly WHERE country = 'FR'");
    let before = french();
    execute(
        &place,
        "ALTER TABLE usage_events UPDATE country = 'FR' WHERE toYYYYMM(time) = 201703 SETTINGS mutations_sync = 2",
    );
    assert_eq!(findings(&place), ["aggregate-differs"]);
    let said = place.run(&["audit", "--repair"]);
    assert!(
        said.contains("facts were changed after they were stored") && said.contains("'FR'"),
        "{said}"
    );
    place.run(&["rebuild"]);
    check_whole(&place, total);
    assert_eq!(french(), before);
    let said = place.run(&["audit", "--repair"]);
    assert!(!said.contains("facts were changed"), "{said}");
}
