//! Upgrades between releases: consumers are restarted one by one while events arrive, and databases
//! of every earlier schema are migrated with data.

use std::time::Instant;

use affluenza_store::{Config as StoreConfig, Store, migrations};

use crate::recovery::check_whole;
use crate::support::{Engines, Place, Running, eventually};

/// Number of restarts of each of the two consumers.
const ROUNDS: usize = 2;

pub fn consumers_restart_one_after_the_other_under_load(engines: &Engines) {
    let place = engines.place("rolling");
    place.run(&["migrate"]);
    let start = |name: &str| -> Running {
        place.spawn_with(
            &["consume"],
            &format!("{name}.log"),
            &[("AFFLUENZA__KAFKA__INSTANCE", name)],
        )
    };
    let mut consumers = [Some(start("a")), Some(start("b"))];
    eventually("both have partitions", || {
        ["a", "b"].iter().all(|name| {
            let log = place.folder.join(format!("{name}.log"));
            std::fs::read_to_string(log).is_ok_and(|log| log.contains("partition assigned"))
        })
    });
    let load = |seed: &str| {
        let arguments = [
            "simulate", "--focus", "2017", "--scale", "0.1", "--seed", seed,
        ];
        place.spawn(&arguments, "load.log")
    };
    let began = Instant::now();
    let mut restarts = 0;
    for round in 0..ROUNDS {
        let mut loading = load(&round.to_string());
        for (number, name) in ["a", "b"].into_iter().enumerate() {
            // Waits for progress, so that the consumer is stopped while it works.
            let before = place.dealt_with();
            eventually("blocks are written", || {
                place.dealt_with() > before || loading.has_ended()
            });
            consumers[number].take().expect("it runs").terminate();
            consumers[number] = Some(start(name));
            restarts += 1;
        }
        eventually("the load ends", || loading.has_ended());
    }
    let total: u64 = place.ends().values().map(|end| end.0.unsigned_abs()).sum();
    eventually("all is stored", || {
        let mut running = consumers.iter_mut().flatten();
        assert!(running.all(|consumer| !consumer.has_ended()));
        place.dealt_with() >= total
    });
    eprintln!(
        "rolling restart: {total} events, {restarts} restarts in {:.1} s",
        began.elapsed().as_secs_f64()
    );
    for consumer in consumers.into_iter().flatten() {
        consumer.terminate();
    }
    check_whole(&place, total);
    place.run(&["audit"]);
}

/// Last migrations of earlier schemas.
const EARLIER: [&str; 3] = [
    "0013_rebuild_changes",
    "0035_usage_by_country",
    "0063_ingest_ledger_fates",
];

const JOURNAL: &str = "CREATE TABLE schema_migrations (name String, checksum String, applied_at DateTime('UTC') DEFAULT now()) ENGINE = MergeTree ORDER BY name";

/// Creates the database of an earlier release, with the facts and the ledger of `place`.
fn earlier(engines: &Engines, place: &Place<'_>, database: &str, last: &str) {
    let store = Store::new(&StoreConfig {
        url: engines.clickhouse.http_url(),
        database: database.to_owned(),
        user: engines.clickhouse.user().to_owned(),
        password: engines.clickhouse.password().to_owned().into(),
        ..StoreConfig::default()
    });
    let run = |store: &Store, statement: &str| {
        place
            .wait(store.run_statement(statement))
            .unwrap_or_else(|error| panic!("{statement}: {error}"));
    };
    run(
        &place.store(),
        &format!("CREATE DATABASE {database} ENGINE = Atomic"),
    );
    run(&store, JOURNAL);
    for migration in migrations().iter().filter(|one| one.name <= last) {
        run(&store, migration.sql);
        run(
            &store,
            &format!(
                "INSERT INTO schema_migrations (name, checksum) VALUES ('{}', '{}')",
                migration.name,
                migration.checksum()
            ),
        );
    }
    run(
        &store,
        "INSERT INTO usage_events SELECT * FROM upgrading.usage_events SETTINGS max_partitions_per_insert_block = 0",
    );
    run(
        &store,
        "INSERT INTO ingest_ledger (stream, kafka_partition, first_offset, next_offset, records_read, stored, duplicate, rejected, quarantined,
            `fates.ente`, `fates.day`, `fates.fate`, `fates.reason`, `fates.records`, checksum, rules, written_at)
         SELECT stream, kafka_partition, first_offset, next_offset, records_read, stored, duplicate, rejected, quarantined,
            `fates.ente`, `fates.day`, arrayMap(fate -> toInt8(fate), `fates.fate`), `fates.reason`, `fates.records`, checksum, rules, written_at
         FROM upgrading.ingest_ledger FINAL",
    );
}

pub fn every_earlier_schema_becomes_this_one(engines: &Engines) {
    let place = engines.place("upgrading");
    place.run(&["migrate"]);
    place.run(&[
        "simulate", "--focus", "2017", "--scale", "0.02", "--seed", "14",
    ]);
    place.produce([("k", b"no event".as_slice())]);
    place.run(&["consume", "--once"]);
    let report = ["report", "--year", "2017", "--format", "json"];
    let figures = place.run(&report);
    for last in EARLIER {
        let database = format!("upgrading_from_{}", &last[..4]);
        earlier(engines, &place, &database, last);
        let run = |arguments: &[&str]| {
            let output = place
                .command(arguments)
                .env("AFFLUENZA__CLICKHOUSE__DATABASE", &database)
                .output()
                .expect("the program runs");
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            (
                output.status.success(),
                String::from_utf8_lossy(&output.stdout).into_owned(),
                said,
            )
        };
        let (refused, _, said) = run(&["consume", "--once"]);
        assert!(
            !refused && said.contains("affluenza migrate"),
            "{last}: {said}"
        );
        let (done, _, said) = run(&["migrate"]);
        assert!(done, "{last}: {said}");
        let (_, upgraded, said) = run(&report);
        assert_eq!(upgraded, figures, "{last}: {said}");
        let (balanced, _, said) = run(&["audit"]);
        assert!(balanced, "{last}: {said}");
    }
}
