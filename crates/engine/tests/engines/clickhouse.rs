//! Life cycle of a ClickHouse.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use affluenza_engine::{ClickHouse, ClickHouseSettings, EngineError, ExitStatus};

use crate::{library, procs, runtime, wire};

const TABLE: &str = "CREATE TABLE affluenza.t (n UInt32) ENGINE = MergeTree ORDER BY n \
                     SETTINGS non_replicated_deduplication_window = 100";

pub fn life() {
    let dir = tempfile::tempdir().unwrap();
    let library = library();
    let settings = ClickHouseSettings {
        timezone: "Europe/Rome".to_owned(),
        ..ClickHouseSettings::new(dir.path().join("clickhouse"))
    };
    runtime().block_on(async {
        let begin = Instant::now();
        let clickhouse = ClickHouse::start(&settings, &library).await.unwrap();
        eprintln!("clickhouse: first start {:?}", begin.elapsed());
        let password = clickhouse.password().to_owned();
        assert_eq!(wire::ask(&clickhouse, "SELECT timezone()"), "Europe/Rome");
        wire::ask(&clickhouse, "CREATE DATABASE affluenza ENGINE = Atomic");
        wire::ask(&clickhouse, TABLE);
        wire::ask(
            &clickhouse,
            "INSERT INTO affluenza.t SELECT number FROM numbers(1000)",
        );
        assert_ne!(
            procs::session(clickhouse.pid()),
            procs::session(std::process::id())
        );

        let second = ClickHouse::start(&settings, &library).await.unwrap_err();
        assert!(matches!(second, EngineError::InUse { .. }), "{second}");
        let elsewhere = ClickHouseSettings {
            tcp_port: Some(clickhouse.http_port()),
            ..ClickHouseSettings::new(dir.path().join("other"))
        };
        let taken = ClickHouse::start(&elsewhere, &library).await.unwrap_err();
        assert!(matches!(taken, EngineError::PortTaken { .. }), "{taken}");
        strangers_may_do_nothing(&clickhouse, dir.path());

        let begin = Instant::now();
        clickhouse.stop().await.unwrap();
        eprintln!("clickhouse: stop {:?}", begin.elapsed());
        assert_eq!(procs::in_folder(&settings.dir), []);

        let begin = Instant::now();
        let clickhouse = ClickHouse::start(&settings, &library).await.unwrap();
        eprintln!("clickhouse: second start {:?}", begin.elapsed());
        assert_eq!(clickhouse.password(), password);
        assert_eq!(
            wire::ask(&clickhouse, "SELECT count() FROM affluenza.t"),
            "1000"
        );

        let exited = clickhouse.exited();
        procs::kill_nine(clickhouse.pid());
        let exit = exited.await;
        assert_eq!(exit.status, ExitStatus::Signal(9));
        assert!(matches!(
            clickhouse.stop().await,
            Err(EngineError::Exited(_))
        ));

        let wrong = ClickHouseSettings {
            timezone: "Europe/Roma".to_owned(),
            ..settings
        };
        let refused = ClickHouse::start(&wrong, &library).await.unwrap_err();
        assert!(matches!(refused, EngineError::Setting { .. }), "{refused}");
        assert_eq!(procs::in_folder(dir.path()), []);
    });
}

/// The engine needs a user without a password, which any local program can use.
fn strangers_may_do_nothing(clickhouse: &ClickHouse, dir: &Path) {
    let secret = dir.join("clickhouse").join("password");
    let secret = secret.display();
    for query in [
        "SELECT count() FROM affluenza.t".to_owned(),
        format!("SELECT * FROM file('{secret}', 'LineAsString')"),
        format!("INSERT INTO FUNCTION file('{secret}', 'TSV', 'x String') VALUES ('x')"),
        format!("CREATE TEMPORARY TABLE f (x String) ENGINE = File('TSV', '{secret}')"),
        "CREATE TABLE default.x (x String) ENGINE = Memory".to_owned(),
        "SYSTEM SHUTDOWN".to_owned(),
    ] {
        let answer = wire::ask_as(clickhouse, "default", "", &query);
        assert!(is_refused(&answer), "{query}: {answer}");
    }
    // Each query is exempt from one of the two limits.
    for query in [
        "SELECT 1",
        "KILL QUERY WHERE 1",
        "SHOW GRANTS",
        "SYSTEM STOP LISTEN HTTP",
    ] {
        for _ in 0..3 {
            let answer = wire::ask_as(clickhouse, "default", "", query);
            assert!(is_refused(&answer), "{query}: {answer}");
        }
    }
    let answer = wire::ask_as(clickhouse, clickhouse.user(), "guess", "SELECT 1");
    assert!(answer.contains("AUTHENTICATION_FAILED"), "{answer}");
}

fn is_refused(answer: &str) -> bool {
    let reasons = [
        "ACCESS_DENIED",
        "QUOTA_EXCEEDED",
        "TOO_MANY_SIMULTANEOUS_QUERIES",
    ];
    reasons.iter().any(|reason| answer.contains(reason))
}

/// Simulates a `kill -9` between token and part: the token exists, the part does not.
pub fn lost_part() {
    const INSERT: &str = "INSERT INTO affluenza.t SETTINGS async_insert = 0, \
        deduplicate_insert = 'enable', insert_deduplication_token = 'block 1' \
        SELECT number FROM numbers(10)";
    const COUNT: &str = "SELECT count() FROM affluenza.t";
    let dir = tempfile::tempdir().unwrap();
    let library = library();
    let settings = ClickHouseSettings::new(dir.path().join("clickhouse"));
    runtime().block_on(async {
        let clickhouse = ClickHouse::start(&settings, &library).await.unwrap();
        wire::ask(&clickhouse, "CREATE DATABASE affluenza ENGINE = Atomic");
        wire::ask(&clickhouse, TABLE);
        wire::ask(&clickhouse, INSERT);
        wire::ask(&clickhouse, INSERT);
        assert_eq!(
            wire::ask(&clickhouse, COUNT),
            "10",
            "the token must be active"
        );
        let part = wire::ask(
            &clickhouse,
            "SELECT path FROM system.parts WHERE database = 'affluenza' AND active",
        );
        clickhouse.kill().await;
        assert_eq!(procs::in_folder(&settings.dir), []);
        fs::remove_dir_all(part).unwrap();

        let clickhouse = ClickHouse::start(&settings, &library).await.unwrap();
        assert_eq!(clickhouse.repair().lost_parts, ["all_1_1_0"]);
        assert_eq!(wire::ask(&clickhouse, COUNT), "0");
        wire::ask(&clickhouse, INSERT);
        assert_eq!(wire::ask(&clickhouse, COUNT), "10", "the retry must count");
        wire::ask(&clickhouse, INSERT);
        assert_eq!(wire::ask(&clickhouse, COUNT), "10", "and only once");

        let process = procs::watch(clickhouse.pid());
        drop(clickhouse);
        process.wait();
        assert_eq!(procs::in_folder(&settings.dir), []);
    });
}

/// Clients of a restarted engine send queries as soon as it listens, before its session has run its
/// last statement.
pub fn asked_early() {
    let dir = tempfile::tempdir().unwrap();
    let library = library();
    let mut settings = ClickHouseSettings::new(dir.path().join("clickhouse"));
    let runtime = runtime();
    let first = runtime
        .block_on(ClickHouse::start(&settings, &library))
        .unwrap();
    let address = format!("127.0.0.1:{}", first.http_port());
    settings.http_port = Some(first.http_port());
    let password = first.password().to_owned();
    runtime.block_on(first.stop()).unwrap();

    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    wire::try_ask(&address, &password, "SELECT sleep(0.3)");
                }
            });
        }
        for _ in 0..5 {
            let clickhouse = runtime
                .block_on(ClickHouse::start(&settings, &library))
                .inspect_err(|_| is_over.store(true, Ordering::Relaxed))
                .unwrap();
            let ends = runtime.block_on(async {
                tokio::time::timeout(Duration::from_secs(1), clickhouse.exited()).await
            });
            if let Ok(exit) = ends {
                is_over.store(true, Ordering::Relaxed);
                panic!("it ended by itself: {exit:?}");
            }
            runtime
                .block_on(clickhouse.stop())
                .inspect_err(|_| is_over.store(true, Ordering::Relaxed))
                .unwrap();
        }
        is_over.store(true, Ordering::Relaxed);
    });
}
