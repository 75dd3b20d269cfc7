//! Retention, erasure and restoring of backups: aggregates and accounts remain correct.

use std::process::Output;

use affluenza_kafka::Cluster;
use affluenza_store::{Config as StoreConfig, Store};
use serde_json::Value;

use crate::support::{Engines, Place, eventually, retention_until_may_2017, source, stderr};

/// Figures of the aggregates alone, and of the accounts.
fn aggregates(place: &Place<'_>) -> Vec<u64> {
    [
        "SELECT sum(h.events) FROM usage_hourly AS h",
        "SELECT sum(h.service_uses) FROM usage_hourly AS h",
        "SELECT sum(cityHash64(ente, category, local_date, local_hour) * n) FROM (
            SELECT ente, category, local_date, local_hour, sum(h.events) AS n FROM usage_hourly AS h GROUP BY ALL)",
        "SELECT sum(users) FROM users_by_hour",
        "SELECT sum(records_read) FROM ingest_ledger FINAL",
    ]
    .into_iter()
    .map(|query| place.count(query))
    .collect()
}

fn facts(place: &Place<'_>) -> u64 {
    place.count("SELECT count() FROM usage_events")
}

fn execute(place: &Place<'_>, statement: &str) {
    place
        .wait(place.store().admin().run_statement(statement))
        .unwrap_or_else(|error| panic!("{statement}: {error}"));
}

fn balanced(place: &Place<'_>) -> Value {
    let audit: Value =
        serde_json::from_str(&place.run(&["audit", "--format", "json"])).expect("JSON");
    assert_eq!(audit["balanced"], true);
    audit
}

/// Stores sampled events of some years.
fn stored<'e>(engines: &'e Engines, name: &str, years: &[&str]) -> Place<'e> {
    let place = engines.place(name);
    place.run(&["migrate"]);
    for year in years {
        place.run(&[
            "simulate", "--focus", year, "--scale", "0.01", "--seed", "7",
        ]);
    }
    place.run(&["consume", "--once"]);
    place
}

fn refused(output: &Output, why: &str) {
    assert!(!output.status.success());
    let said = stderr(output);
    assert!(said.contains(why), "{said}");
}

pub fn expired_facts_leave_the_aggregates_alone(engines: &Engines) {
    let place = stored(engines, "expiry", &["2016", "2017"]);
    let (whole, before) = (aggregates(&place), facts(&place));
    let (months, first_day) = retention_until_may_2017();
    let setting = ("AFFLUENZA__RETENTION__FACTS_MONTHS", months.to_string());
    let migrate = || {
        place
            .command(&["migrate"])
            .env(setting.0, &setting.1)
            .output()
    };
    let said = migrate().expect("it runs");
    let said = String::from_utf8_lossy(&said.stdout).into_owned();
    assert!(said.contains("compared from 2017-05 on"), "{said}");
    execute(
        &place,
        "ALTER TABLE usage_events MATERIALIZE TTL SETTINGS mutations_sync = 2",
    );
    execute(&place, "OPTIMIZE TABLE usage_events FINAL");
    let kept = place.count(&format!(
        "SELECT countIf(time >= '{first_day}') FROM usage_events"
    ));
    assert!(
        kept > 0 && kept == facts(&place) && kept < before,
        "{kept} of {before}"
    );

    // Reconciliation and rebuilds do not change the aggregates.
    assert_eq!(balanced(&place)["compared_from"], 201_705);
    place.run(&["audit", "--repair"]);
    assert_eq!(aggregates(&place), whole);
    place.run(&["rebuild"]);
    assert_eq!((facts(&place), aggregates(&place)), (kept, whole.clone()));
    balanced(&place);

    // Missing facts of retained days are still found and restored, and no others.
    execute(
        &place,
        "DELETE FROM usage_events WHERE local_date >= '2017-05-01' AND kafka_offset % 3 = 0 SETTINGS lightweight_deletes_sync = 2",
    );
    assert!(facts(&place) < kept);
    place.run(&["audit", "--repair"]);
    assert_eq!((facts(&place), aggregates(&place)), (kept, whole.clone()));

    // Commands that need the facts of a whole year fail with the reason.
    let output = |arguments: &[&str]| place.command(arguments).output().expect("it runs");
    refused(&output(&["close-year", "2017"]), "only from 2017-05 on");
    place.run(&["report", "--year", "2016"]);

    // An event older than the retained facts may be a duplicate, so it becomes a dead letter.
    let event = r#"{"specversion":"1.0","type":"it.affluenza.access.v1","source":"s","id":"late","time":"2016-05-02T09:00:00Z","data":{"ente":"c_a","portal":"www"}}"#;
    place.produce([("k", event.as_bytes())]);
    place.run(&["consume", "--once"]);
    let letters = place.run(&["dead-letters", "list"]);
    assert!(letters.contains("beyond-retention"), "{letters}");
    assert_eq!(aggregates(&place)[..4], whole[..4]);

    // Expired facts stay deleted after the limit is removed.
    let forever = place.command(&["migrate"]).env(setting.0, "0").output();
    assert!(forever.expect("it runs").status.success());
    assert_eq!(balanced(&place)["compared_from"], 201_705);
}

pub fn a_foreign_ttl_stops_the_consumer(engines: &Engines) {
    let place = engines.place("foreign_ttl");
    place.run(&["migrate"]);
    execute(
        &place,
        "ALTER TABLE usage_events MODIFY TTL toDate(time) + INTERVAL 20 YEAR",
    );
    let output = place.command(&["consume", "--once"]).output();
    refused(&output.expect("it runs"), "has a TTL that was not set by");
}

pub fn erased_events_stay_gone_and_the_accounts_balance(engines: &Engines) {
    let place = stored(engines, "erasing", &["2017"]);
    let of = |condition: &str| {
        place.count(&format!(
            "SELECT count() FROM usage_events WHERE {condition}"
        ))
    };
    let spring = "ente = 'c_d612' AND local_date >= '2017-03-01' AND local_date <= '2017-04-30'";
    let (before, erased) = (facts(&place), of(spring));
    assert!(erased > 10, "{erased}");
    let order = ["erase", "--ente", "Firenze", "--period", "2017-03..2017-04"];
    let said = place.run(&[&order[..], &["--dry-run"]].concat());
    assert!(
        said.contains(&format!("{erased} facts and {erased} events")),
        "{said}"
    );
    assert_eq!(facts(&place), before);
    refused(
        &place.command(&order).output().expect("it runs"),
        "--reason",
    );
    let said = place.run(&[&order[..], &["--reason", "order 12/2026"]].concat());
    assert!(
        said.starts_with(&format!("{erased} facts erased")),
        "{said}"
    );

    let check = || {
        assert_eq!((of(spring), facts(&place)), (0, before - erased));
        let events = place.count("SELECT sum(h.events) FROM usage_hourly AS h");
        assert_eq!(events, before - erased);
        let in_ledger = place.count("SELECT sum(erased) FROM ingest_ledger FINAL");
        assert_eq!(in_ledger, erased);
        balanced(&place);
    };
    check();
    // No command that recreates history from the log restores erased facts.
    place.run(&["audit", "--repair"]);
    place.run(&["rebuild"]);
    check();
    execute(
        &place,
        "DELETE FROM usage_events WHERE kafka_offset % 2 = 0 SETTINGS lightweight_deletes_sync = 2",
    );
    place.run(&["audit", "--repair"]);
    check();
    execute(&place, "TRUNCATE TABLE ingest_ledger");
    place.run(&["audit", "--repair"]);
    check();
    let told = || {
        let done = "SELECT sum(facts) FROM erasures FINAL WHERE done AND reason = 'order 12/2026'";
        place.count(done)
    };
    assert_eq!(told(), erased);
    // The database is lost, and a new one is filled from the log.
    execute(&place, "DROP DATABASE erasing SYNC");
    place.run(&["migrate"]);
    place.run(&["consume", "--once"]);
    check();
    assert_eq!(told(), erased);
}

/// A backup older than an erasure does not restore erased data. Without the record of erasures the
/// restore fails.
pub fn a_backup_does_not_bring_back_what_was_erased(engines: &Engines) {
    let place = stored(engines, "erased_since", &["2017"]);
    let order = |period: &str, reason: &str| {
        place.run(&[
            "erase", "--ente", "Firenze", "--period", period, "--reason", reason,
        ])
    };
    order("2017-01", "order 1");
    place.run(&["backup", "older"]);
    // A backup that does not exist leaves the database and its views as they were.
    let before = facts(&place);
    let misspelt = ["restore", "oldest", "--set-aside", "erased_aside"];
    refused(
        &place.command(&misspelt).output().expect("it runs"),
        "there is no backup oldest",
    );
    assert_eq!(facts(&place), before);
    balanced(&place);
    order("2017-03..2017-04", "order 2");
    // Events of the same days after the erasure, which stay.
    place.run(&[
        "simulate", "--focus", "2017", "--scale", "0.005", "--seed", "8",
    ]);
    place.run(&["consume", "--once"]);
    let (whole, count) = (aggregates(&place), facts(&place));
    let erased = "SELECT sum(erased) FROM ingest_ledger FINAL";
    let (report, gone) = (report_of_firenze(&place), place.count(erased));
    let restore = || {
        execute(&place, "DROP DATABASE erased_since SYNC");
        let output = place.command(&["restore", "older"]).output();
        output.expect("it runs")
    };
    let check = || {
        assert_eq!((aggregates(&place), facts(&place)), (whole.clone(), count));
        assert_eq!(
            (report_of_firenze(&place), place.count(erased)),
            (report.clone(), gone)
        );
        let done = place.count("SELECT count() FROM erasures FINAL WHERE done");
        assert_eq!(done, 2);
        balanced(&place);
    };
    let said = restore();
    assert!(said.status.success(), "{}", stderr(&said));
    let said = String::from_utf8_lossy(&said.stdout).into_owned();
    assert!(said.contains("erased again: "), "{said}");
    check();
    place.run(&["audit", "--repair"]);
    check();

    // A database restored without the program: the audit reports it, and its repair erases again.
    execute(&place, "DROP DATABASE erased_since SYNC");
    let from = "RESTORE DATABASE erased_since FROM File('older')";
    let outside = Store::new(&StoreConfig {
        database: "default".into(),
        ..place.clickhouse.clone()
    });
    place
        .wait(outside.admin().run_statement(from))
        .expect("ClickHouse restores");
    let audit = place.command(&["audit"]).output().expect("it runs");
    let told = String::from_utf8_lossy(&audit.stdout).into_owned();
    // A running consumer logs it, too, where an alert can find it.
    let soon = [("AFFLUENZA__CONSUME__RECONCILE_FIRST_SECONDS", "1")];
    let consumer = place.spawn_with(&["consume"], "consumer.log", &soon);
    eventually("the consumer tells", || {
        let log = std::fs::read_to_string(place.folder.join("consumer.log"));
        log.is_ok_and(|log| log.contains("is noted but was not applied"))
    });
    consumer.kill();
    assert!(
        !audit.status.success() && told.contains("is noted but was not applied"),
        "{told}"
    );
    place.run(&["audit", "--repair"]);
    check();

    // The topic of erasures is lost: the restore fails and prints the orders to repeat.
    let topic = place.bus().erasure_topic;
    let cluster = Cluster::new(&place.bus()).expect("Kafka can be asked");
    place.wait(cluster.delete_topic(&topic)).expect("it goes");
    let again = "affluenza erase --ente 'Firenze' --period '2017-03..2017-04' --reason 'order 2'";
    let lost = restore();
    refused(
        &lost,
        "erased_since.erasures, which notes erasures, is not there",
    );
    refused(&lost, again);
    refused(&lost, "repeat those of the 1 above");
    assert!(!stderr(&lost).contains("order 1"), "{}", stderr(&lost));
    // A recreated topic has no information about an older database.
    execute(&place, "DROP DATABASE erased_since SYNC");
    place.run(&["migrate"]);
    refused(&restore(), "has no notes of database erased_since of ");
}

/// Report of the ente whose days were erased.
fn report_of_firenze(place: &Place<'_>) -> String {
    let answer = place.run(&[
        "report", "--year", "2017", "--ente", "firenze", "--format", "json",
    ]);
    let report: Value = serde_json::from_str(&answer).expect("JSON");
    report.to_string()
}

/// Runs the `affluenza` commands of the first block below a heading of the operator's guide.
fn runbook(place: &Place<'_>, heading: &str, replace: impl Fn(&str) -> String) {
    let guide = std::fs::read_to_string(source("deploy/guides/operator.md"));
    let guide = guide.expect("it is there");
    let (_, below) = guide
        .split_once(&format!("{heading}\n"))
        .expect("it is a heading");
    let block = below
        .split("```sh\n")
        .nth(1)
        .and_then(|rest| rest.split("```").next());
    let commands: Vec<String> = block
        .expect("it has a block")
        .lines()
        .filter_map(|line| line.strip_prefix("affluenza "))
        .map(|line| replace(line.split('#').next().unwrap_or_default()))
        .collect();
    assert!(commands.len() > 1, "{commands:?}");
    for command in commands {
        place.run(&command.split_whitespace().collect::<Vec<_>>());
    }
}

pub fn a_backup_comes_back_and_the_log_adds_the_rest(engines: &Engines) {
    let place = stored(engines, "restoring", &["2016"]);
    place.run(&["backup", "first"]);
    let output = |arguments: &[&str]| place.command(arguments).output().expect("it runs");
    refused(
        &output(&["backup", "first"]),
        "there is a backup first already",
    );
    let missing = ["backup", "more", "--base", "none"];
    refused(&output(&missing), "there is no backup none");
    place.run(&[
        "simulate", "--focus", "2017", "--scale", "0.005", "--seed", "8",
    ]);
    place.run(&["consume", "--once"]);
    place.run(&["backup", "second", "--base", "first"]);
    place.run(&[
        "simulate", "--focus", "2017", "--scale", "0.01", "--seed", "9",
    ]);
    place.run(&["consume", "--once"]);
    let (whole, count) = (aggregates(&place), facts(&place));
    let restore = || {
        place
            .command(&["restore", "second"])
            .output()
            .expect("it runs")
    };
    refused(&restore(), "is not empty");
    execute(&place, "DROP DATABASE restoring SYNC");
    refused(&output(&["restore", "none"]), "there is no backup none");
    let said = restore();
    assert!(said.status.success(), "{}", stderr(&said));
    let said = String::from_utf8_lossy(&said.stdout).into_owned();
    assert!(said.contains("the accounts balance"), "{said}");
    assert_eq!((aggregates(&place), facts(&place)), (whole.clone(), count));
    // Repairs a damaged database with the commands of the guide.
    execute(&place, "DROP TABLE usage_hourly SYNC");
    execute(
        &place,
        "ALTER TABLE usage_events DELETE WHERE kafka_offset % 3 = 0 SETTINGS mutations_sync = 2",
    );
    let damaged = facts(&place);
    runbook(&place, "### A lost or damaged database", |command| {
        command
            .replace("2026-03-02", "second")
            .replace("affluenza_old", "restoring_old")
    });
    assert_eq!((aggregates(&place), facts(&place)), (whole, count));
    let evidence = "SELECT count() FROM restoring_old.usage_events";
    assert_eq!(place.count(evidence), damaged, "the damaged rows are kept");
    let made_of_tables = "SELECT count() FROM system.tables WHERE database = 'restoring_old' AND engine LIKE '%View'";
    assert_eq!(
        place.count(made_of_tables),
        0,
        "nothing feeds the new tables"
    );
    // Consumers continue from their offsets.
    place.run(&[
        "simulate", "--focus", "2016", "--scale", "0.005", "--seed", "10",
    ]);
    place.run(&["consume", "--once"]);
    balanced(&place);
    assert!(facts(&place) > count);
    refused(
        &place
            .command(&["backup", "../x"])
            .output()
            .expect("it runs"),
        "use letters, digits",
    );
}
