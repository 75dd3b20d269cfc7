//! Analysts of some enti, in an engine of their own whose users file knows them: they read the rows of their
//! enti in every table and view, nothing of others, and change nothing.

use std::collections::BTreeSet;
use std::time::Duration;

use affluenza_store::access::READABLE;

use crate::http::Access;
use crate::support::{Engines, Place, eventually};

const ENTE: &str = "c_d612";
const PASSWORD: &str = "of the analyst of one ente";
/// `printf %s PASSWORD | sha256sum`, as the README says.
const PASSWORD_SHA256: &str = "973c6f7dcd133c8396ff5a97c01a2baf87119b7079cced725d4e464e7e2b6154";
const PATIENCE: Duration = Duration::from_secs(30);

/// The place's Kafka, an engine of its own, and an analyst.
fn configured(place: &Place<'_>) -> String {
    let bus = place.bus();
    let text = format!(
        r#"
        [kafka]
        bootstrap_servers = "{}"
        topic = "{}"
        dead_letter_topic = "{}"
        group = "{}"

        [[engine.readers]]
        user = "analyst"
        password_sha256 = "{PASSWORD_SHA256}"
        enti = ["{ENTE}"]
        "#,
        bus.bootstrap_servers, bus.topic, bus.dead_letter_topic, bus.group
    );
    let file = crate::support::write(&place.folder, "readers.toml", text.as_bytes());
    file.to_str().expect("a plain path").to_owned()
}

struct Users {
    all: Access,
    reader: Access,
    analyst: Access,
}

/// Where the engine is, and who may log in, as its owner tells other commands.
fn users(place: &Place<'_>) -> Users {
    let file = place.folder.join("data/endpoints.json");
    let mut told = serde_json::Value::Null;
    eventually("the engine is there", || {
        let text = std::fs::read_to_string(&file).unwrap_or_default();
        told = serde_json::from_str(&text).unwrap_or_default();
        told["clickhouse"].is_string()
    });
    let text = |name: &str| told[name].as_str().expect("it is told").to_owned();
    let access = |user: String, password: String| Access {
        address: text("clickhouse").replace("http://", ""),
        user,
        password,
        database: "affluenza".to_owned(),
    };
    Users {
        all: access(text("user"), text("password")),
        reader: access(text("reader"), text("reader_password")),
        analyst: access("analyst".to_owned(), PASSWORD.to_owned()),
    }
}

fn one(access: &Access, query: &str) -> u64 {
    access.rows(query)[0][0].parse().expect("a number")
}

pub fn analysts_see_their_enti_in_every_table(engines: &Engines) {
    let place = engines.place("readers");
    let config = configured(&place);
    let settings = [("AFFLUENZA_CONFIG", config.as_str())];
    let _up = place.spawn_with(&["up"], "up.log", &settings);
    let users = users(&place);
    let log = place.folder.join("up.log");
    let run = |arguments: &[&str]| {
        let output = place.command(arguments).envs(settings).output();
        let output = output.expect("the program runs");
        assert!(output.status.success(), "{arguments:?}: {output:?}");
    };
    eventually("it is ready", || {
        std::fs::read_to_string(&log).is_ok_and(|log| log.contains("running; Ctrl-C"))
    });
    run(&["register", "apply"]);
    run(&[
        "simulate", "--focus", "2017", "--scale", "0.01", "--seed", "11",
    ]);
    let sent: i64 = place.ends().values().map(|end| end.0).sum();
    eventually("all is stored", || {
        one(
            &users.all,
            "SELECT sum(records_read) FROM ingest_ledger FINAL",
        ) == sent.unsigned_abs()
    });
    // The comparison that follows the consumer works them out later.
    run(&["migrate"]);

    let open = rows_are_of_one_ente(&users);
    everything_else_is_closed(&users, &open);
    nothing_can_be_changed(&users);
    let stranger = Access {
        password: "another".to_owned(),
        ..users.analyst.clone()
    };
    let refused = stranger.ask("SELECT 1", PATIENCE);
    assert!(refused.is_err_and(|said| said.contains("AUTHENTICATION_FAILED")));
}

/// Returns the tables that an analyst may read.
fn rows_are_of_one_ente(users: &Users) -> BTreeSet<&'static str> {
    let columns = users.all.rows(
        "SELECT table, name FROM system.columns WHERE database = 'affluenza' AND name = 'ente'",
    );
    let of_enti: BTreeSet<&str> = columns.iter().map(|row| row[0].as_str()).collect();
    let mut narrowed = 0;
    for readable in READABLE {
        let table = readable.table;
        let count = |access: &Access, condition: &str| {
            one(access, &format!("SELECT count() FROM {table} {condition}"))
        };
        // The register's dictionaries are no secret; views read with the rights of who asks.
        let column = readable.ente.or_else(|| {
            let is_view = table.starts_with("usage_by") || table == "users_by_hour";
            (is_view && of_enti.contains(table)).then_some("ente")
        });
        let Some(column) = column else {
            count(&users.analyst, "");
            continue;
        };
        let own = format!("WHERE {column} = '{ENTE}'");
        let (seen, all) = (count(&users.analyst, ""), count(&users.all, ""));
        assert_eq!(seen, count(&users.all, &own), "{table}");
        assert_eq!(all, count(&users.reader, ""), "{table}");
        if table != "register_holidays" && table != "register_desk_hours" {
            assert!(seen > 0 && seen < all, "{table}: {seen} of {all}");
            narrowed += 1;
        }
        let others = format!("WHERE {column} != '{ENTE}'");
        assert_eq!(count(&users.analyst, &others), 0, "{table}");
    }
    assert!(narrowed >= 8, "{narrowed} tables");
    // Sums that name no ente are of its own, too.
    for (column, table) in [
        ("service_uses", "usage_by_category"),
        ("accesses", "usage_by_device"),
    ] {
        let sum = |access: &Access| one(access, &format!("SELECT sum({column}) FROM {table}"));
        assert!(sum(&users.analyst) < sum(&users.all), "{table}");
    }
    READABLE.iter().map(|readable| readable.table).collect()
}

fn everything_else_is_closed(users: &Users, open: &BTreeSet<&str>) {
    let tables = users.all.rows(
        "SELECT name FROM system.tables WHERE database = 'affluenza' AND name NOT LIKE '.inner%'",
    );
    let mut closed = 0;
    for table in tables.iter().map(|row| row[0].as_str()) {
        if open.contains(table) {
            continue;
        }
        let asked = users
            .analyst
            .ask(&format!("SELECT count() FROM {table}"), PATIENCE);
        assert!(
            asked
                .as_ref()
                .is_err_and(|said| said.contains("ACCESS_DENIED")),
            "{table}: {asked:?}"
        );
        closed += 1;
    }
    assert!(closed > 8, "{closed} tables are closed");
    for query in [
        "SELECT * FROM file('users.xml', 'LineAsString')",
        "SELECT * FROM url('http://127.0.0.1:1/', 'LineAsString', 'l String')",
        "SELECT count() FROM remote('127.0.0.1', 'affluenza', 'usage_events', 'default', '')",
        "SELECT count() FROM merge('affluenza', '^ingest_ledger$')",
    ] {
        let asked = users.analyst.ask(query, PATIENCE);
        assert!(asked.is_err(), "{query}: {asked:?}");
    }
    // A way around the table's name is no way around its rows.
    let around = "SELECT countIf(ente != 'c_d612') FROM merge('affluenza', '^usage_events$')";
    if let Ok(found) = users.analyst.ask(around, PATIENCE) {
        assert_eq!(found.trim(), "0");
    }
}

fn nothing_can_be_changed(users: &Users) {
    let facts = one(&users.all, "SELECT count() FROM usage_events");
    for access in [&users.analyst, &users.reader] {
        for statement in [
            "INSERT INTO usage_events SELECT * FROM usage_events",
            "ALTER TABLE usage_events DELETE WHERE 1",
            "ALTER TABLE usage_hourly DROP PARTITION 201703",
            "DELETE FROM usage_events WHERE 1",
            "TRUNCATE TABLE usage_hourly",
            "DROP TABLE usage_hourly",
            "DROP ROW POLICY IF EXISTS any ON usage_events",
            "CREATE TABLE mine (a UInt8) ENGINE = Memory",
            "CREATE USER other",
            "GRANT SELECT ON *.* TO analyst",
            "SYSTEM STOP MERGES usage_hourly",
            "SET readonly = 0",
            "SELECT 1 SETTINGS max_execution_time = 3600",
            "SELECT 1 SETTINGS max_memory_usage = 100000000000",
        ] {
            let asked = access.ask(statement, PATIENCE);
            assert!(asked.is_err(), "{}: {statement}: {asked:?}", access.user);
        }
    }
    assert_eq!(one(&users.all, "SELECT count() FROM usage_events"), facts);
}
