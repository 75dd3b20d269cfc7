//! The accounts balance; the audit finds and repairs data that were damaged in the database.

use serde_json::Value;

use crate::support::{Engines, Place};

/// Figures that must be equal before the damage and after the repair.
pub fn figures(place: &Place<'_>) -> Vec<u64> {
    [
        "SELECT count() FROM usage_events",
        "SELECT sum(cityHash64(kafka_partition, kafka_offset, time, ente, category, device)) FROM usage_events",
        "SELECT sum(h.events) FROM usage_hourly AS h",
        "SELECT sum(h.service_uses) FROM usage_hourly AS h",
        "SELECT sum(h.accesses) FROM usage_hourly AS h",
        "SELECT sum(users) FROM users_by_hour",
        "SELECT sum(records_read) FROM ingest_ledger FINAL",
    ]
    .into_iter()
    .map(|query| place.count(query))
    .collect()
}

/// Codes of the findings of an audit, sorted and without duplicates.
pub fn findings(place: &Place<'_>) -> Vec<String> {
    let output = place
        .command(&["audit", "--format", "json"])
        .output()
        .expect("the program runs");
    let audit: Value = serde_json::from_slice(&output.stdout).expect("an audit is JSON");
    let mut codes: Vec<String> = audit["findings"]
        .as_array()
        .expect("findings are a list")
        .iter()
        .map(|finding| finding["code"].as_str().expect("a code").to_owned())
        .collect();
    codes.sort();
    codes.dedup();
    assert_eq!(
        output.status.success(),
        codes.is_empty(),
        "the exit code says whether it balances"
    );
    assert_eq!(audit["balanced"], codes.is_empty());
    codes
}

pub fn lost_rows_are_named_and_repaired(engines: &Engines) {
    let place = engines.place("audit");
    place.run(&["migrate"]);
    place.run(&[
        "simulate", "--focus", "2017", "--scale", "0.02", "--seed", "5",
    ]);
    // Sends the same stream again: every record of it is a duplicate.
    place.run(&[
        "simulate", "--focus", "2017", "--scale", "0.02", "--seed", "5",
    ]);
    place.produce([("k", b"no event".as_slice())]);
    let small_blocks = [("AFFLUENZA__CONSUME__BLOCK_RECORDS_MAX", "3000")];
    let status = place
        .command(&["consume", "--once"])
        .envs(small_blocks)
        .status()
        .expect("the program runs");
    assert!(status.success());
    assert_eq!(findings(&place), Vec::<String>::new());
    let whole = figures(&place);
    let read = whole[6];
    assert_eq!(
        read,
        place
            .ends()
            .values()
            .map(|end| end.0.unsigned_abs())
            .sum::<u64>()
    );

    let execute = |statement: &str| {
        place
            .wait(place.store().admin().run_statement(statement))
            .expect("the damage can be done");
    };
    // Facts disappear, as if a part were lost; the aggregate still counts them.
    execute(
        "DELETE FROM usage_events WHERE kafka_partition = 1 AND kafka_offset BETWEEN 4000 AND 4999",
    );
    assert_eq!(
        findings(&place),
        ["aggregate-differs", "day-differs", "facts-missing"]
    );
    mend(&place, &whole);
    // The aggregate loses some hours and has others twice.
    execute("DELETE FROM usage_hourly WHERE local_date = '2017-05-04'");
    execute(
        "INSERT INTO usage_hourly SELECT * FROM usage_hourly WHERE local_date = '2017-06-07' SETTINGS insert_deduplicate = 0",
    );
    assert_eq!(findings(&place), ["aggregate-differs"]);
    mend(&place, &whole);
    // An acknowledged block is missing in facts, aggregate and ledger.
    execute(
        "DELETE FROM ingest_ledger WHERE kafka_partition = 2 AND first_offset = (SELECT min(first_offset) FROM ingest_ledger WHERE kafka_partition = 2 AND first_offset > 0)",
    );
    let gap = findings(&place);
    assert!(
        gap.contains(&"ledger-gap".to_owned()) && gap.contains(&"facts-outside-ledger".to_owned()),
        "{gap:?}"
    );
    mend(&place, &whole);
    // The first block of a partition is missing, so no ledger row precedes the gap.
    let first = "WHERE kafka_partition = 2 AND first_offset = 0";
    execute(&format!("DELETE FROM ingest_ledger {first}"));
    assert!(findings(&place).contains(&"ledger-gap".to_owned()));
    mend(&place, &whole);
    // Some facts exist twice.
    execute(
        "INSERT INTO usage_events SELECT * FROM usage_events WHERE kafka_partition = 3 AND kafka_offset < 500 SETTINGS insert_deduplicate = 0",
    );
    assert!(findings(&place).contains(&"facts-too-many".to_owned()));
    mend(&place, &whole);
    assert!(
        place.count("SELECT count() FROM ingest_repairs") >= 4,
        "repairs are on record"
    );
}

fn mend(place: &Place<'_>, whole: &[u64]) {
    let told = place.run(&["audit", "--repair"]);
    assert!(
        told.contains("balanced: every record is accounted for"),
        "{told}"
    );
    assert_eq!(findings(place), Vec::<String>::new());
    assert_eq!(figures(place), whole, "{told}");
}

/// The consumer also reconciles periodically and repairs the differences.
pub fn consumers_reconcile_without_a_command(engines: &Engines) {
    let place = engines.place("reconcile");
    place.run(&["migrate"]);
    place.run(&[
        "simulate", "--focus", "2016", "--scale", "0.005", "--seed", "6",
    ]);
    place.run(&["consume", "--once"]);
    let whole = figures(&place);
    place
        .wait(
            place
                .store()
                .admin()
                .run_statement("DELETE FROM usage_events WHERE kafka_offset % 3 = 0"),
        )
        .expect("the damage can be done");
    let consumer = place.spawn_with(
        &["consume"],
        "consumer.log",
        &[("AFFLUENZA__CONSUME__RECONCILE_FIRST_SECONDS", "1")],
    );
    crate::support::eventually("the consumer repairs the deletion", || {
        figures(&place) == whole && place.months_in_doubt() == 0
    });
    consumer.terminate();
    assert_eq!(findings(&place), Vec::<String>::new());
}
