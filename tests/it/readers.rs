//! Analysts of some enti, defined in the users file of a separate engine. They read the rows of
//! their enti in all tables and views, no others, and change nothing.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use affluenza_store::Config;
use affluenza_store::access::{EnteReader, READABLE, statements};

use crate::http::Access;
use crate::support::{Engines, Place, eventually, source};

const ENTE: &str = "c_d612";
const PASSWORD: &str = "of the analyst of one ente";
/// Output of `printf %s PASSWORD | sha256sum`, as in the README.
const PASSWORD_SHA256: &str = "973c6f7dcd133c8396ff5a97c01a2baf87119b7079cced725d4e464e7e2b6154";
const PATIENCE: Duration = Duration::from_secs(30);

/// Configures the Kafka of the tests, a separate engine and an analyst.
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

/// Reads the address and the users of the engine from the file that its owner writes.
fn users(place: &Place<'_>) -> Users {
    let file = place.folder.join("data/endpoints.json");
    let mut told = serde_json::Value::Null;
    eventually("the engine is there", || {
        let text = std::fs::read_to_string(&file).unwrap_or_default();
        told = serde_json::from_str(&text).unwrap_or_default();
        told["clickhouse"].is_string()
    });
    let text = |name: &str| told[name].as_str().expect("it is told").to_owned();
    let access = |user: String, password: String, database: &str| Access {
        address: text("clickhouse").replace("http://", ""),
        user,
        password,
        database: database.to_owned(),
    };
    Users {
        all: access(text("user"), text("password"), "affluenza"),
        reader: access(text("reader"), text("reader_password"), "affluenza"),
        analyst: access(
            "analyst".to_owned(),
            PASSWORD.to_owned(),
            "affluenza_analyst",
        ),
    }
}

fn one(access: &Access, query: &str) -> u64 {
    access.rows(query)[0][0].parse().expect("a number")
}

pub fn analysts_see_their_enti_in_every_table(engines: &Engines) {
    let place = engines.place("readers");
    let config = configured(&place);
    let settings = [("AFFLUENZA_CONFIG", config.as_str())];
    let run = |arguments: &[&str]| {
        let output = place.command(arguments).envs(settings).output();
        let output = output.expect("the program runs");
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        String::from_utf8(output.stdout).expect("it prints text")
    };
    let passwords = [
        run(&["readers", "create", "anna"]),
        run(&["readers", "create", "maria", "--ente", "firenze"]),
    ];
    let _up = place.spawn_with(&["up"], "up.log", &settings);
    let users = users(&place);
    let log = place.folder.join("up.log");
    let created = ["anna", "maria"].map(|user| Access {
        user: user.to_owned(),
        password: passwords[usize::from(user == "maria")].trim().to_owned(),
        database: format!("affluenza_{user}"),
        ..users.reader.clone()
    });
    eventually("it is ready", || {
        std::fs::read_to_string(&log).is_ok_and(|log| log.contains("running; Ctrl-C"))
    });
    let before = answers(&users);
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
    // Precomputes the hours now; the consumer's reconciliation would do so later.
    run(&["migrate"]);

    let open = rows_are_of_one_ente(&users);
    everything_else_is_closed(&users, &open);
    nothing_of_others_is_told(&users, &before);
    nothing_can_be_changed(&users);
    every_column_of_a_view_is_explained(&users);
    sources_of_dbt_are_the_views(&users);
    guides_run_as_printed(&users);
    created_readers_read(&users, &created, &run);
    statements_for_a_server_are_read(&users);
    a_question_ends_with_its_client(&users);
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
        // The list of services is public.
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
    // Totals without an ente also cover only the analyst's ente.
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
        let is_refused = |name: &str, why: &[&str]| {
            let asked = format!("SELECT count() FROM {name}");
            let asked = users.analyst.ask(&asked, PATIENCE);
            let is_refused = |said: &String| why.iter().any(|why| said.contains(why));
            assert!(asked.as_ref().is_err_and(is_refused), "{name}: {asked:?}");
        };
        is_refused(&format!("affluenza.{table}"), &["ACCESS_DENIED"]);
        if !open.contains(table) {
            is_refused(table, &["UNKNOWN_TABLE"]);
            closed += 1;
        }
    }
    assert!(closed > 8, "{closed} tables are closed");
    for user in ["default", "affluenza_views_analyst"] {
        let other = Access {
            user: user.to_owned(),
            password: String::new(),
            ..users.analyst.clone()
        };
        let asked = other.ask("SELECT count() FROM affluenza.usage_events", PATIENCE);
        assert!(asked.is_err(), "{user}: {asked:?}");
    }
}

/// Codes, names, counts and sizes of all data outside the analyst's ente.
struct OfOthers {
    texts: Vec<String>,
    numbers: BTreeSet<String>,
}

impl OfOthers {
    /// Leaves out the numbers that stood in answers before there was any event.
    fn of(users: &Users, before: &[Answer]) -> Self {
        let column =
            |query: &str| -> Vec<String> { users.all.rows(query).into_iter().flatten().collect() };
        let texts = column(&format!(
            "SELECT DISTINCT ente FROM usage_hourly WHERE ente != '{ENTE}'
             UNION DISTINCT SELECT arrayJoin([code, name]) FROM enti WHERE code != '{ENTE}'"
        ));
        let of_tables = "SELECT arrayJoin([sum(p.rows), sum(p.bytes_on_disk), sum(p.data_compressed_bytes), sum(p.data_uncompressed_bytes)])
             FROM system.parts AS p WHERE p.database = 'affluenza' AND p.active GROUP BY p.table";
        let counts = "SELECT arrayJoin([count(), sum(u.events), sum(u.service_uses), sum(u.accesses)]) FROM usage_hourly AS u";
        let of_others = format!("{counts} WHERE ente != '{ENTE}'");
        let of_enti = format!("{of_others} GROUP BY ente");
        let own = format!("{counts} WHERE ente = '{ENTE}'");
        let mut known: BTreeSet<String> = column(&own).into_iter().collect();
        for answer in before {
            known.extend(numbers_in(answer.text()).map(str::to_owned));
        }
        let numbers = [of_tables, &of_others, &of_enti]
            .into_iter()
            .flat_map(column);
        // Small numbers match by chance, so they are left out.
        let numbers = numbers.filter(|number| number.len() > 3 && !known.contains(number));
        Self {
            texts,
            numbers: numbers.collect(),
        }
    }

    fn found_in(&self, answer: &str) -> Option<&str> {
        let numbers: BTreeSet<&str> = numbers_in(answer).collect();
        let text = self.texts.iter().find(|text| answer.contains(*text));
        let number = self
            .numbers
            .iter()
            .find(|number| numbers.contains(&***number));
        text.or(number).map(String::as_str)
    }
}

fn numbers_in(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_ascii_digit())
}

/// A statement of the fixture and what ClickHouse answered the analyst.
struct Answer {
    expected: &'static str,
    statement: &'static str,
    result: Result<String, String>,
}

impl Answer {
    fn text(&self) -> &str {
        let (Ok(text) | Err(text)) = &self.result;
        text
    }
}

fn answers(users: &Users) -> Vec<Answer> {
    let lines = include_str!("readers/statements.txt").lines();
    let statements = lines.filter_map(|line| line.split_once(' '));
    let statements = statements.filter(|(expected, _)| *expected != "#");
    let answers = statements.map(|(expected, statement)| Answer {
        expected,
        statement,
        result: users.analyst.ask(statement.trim(), PATIENCE),
    });
    answers.collect()
}

/// Checks the result of every statement of the fixture.
fn nothing_of_others_is_told(users: &Users, before: &[Answer]) {
    let foreign = OfOthers::of(users, before);
    assert!(foreign.texts.len() > 20 && foreign.numbers.len() > 10);
    // A user with full access sees data of other enti, so the search can find them.
    let told = users.all.ask("SELECT * FROM usage_by_ente", PATIENCE);
    assert!(foreign.found_in(&told.expect("it is answered")).is_some());
    let mut wrong = Vec::new();
    let answers = answers(users);
    for answer in &answers {
        let (said, statement) = (answer.text(), answer.statement);
        let answered = if answer.result.is_ok() {
            "own"
        } else {
            "denied"
        };
        if answered != answer.expected {
            wrong.push(format!("{answered}: {statement}: {said:.300}"));
        }
        // An error message may repeat the statement.
        if let Some(found) = foreign.found_in(said)
            && !statement.contains(found)
        {
            wrong.push(format!("{found} is found by {statement}: {said:.300}"));
        }
    }
    let tried = answers.len();
    assert!(tried >= 117, "{tried} statements");
    assert!(wrong.is_empty(), "of {tried}:\n{}", wrong.join("\n"));
    eprintln!("readers: {tried} statements, nothing of others");
}

/// ClickHouse cancels a query when its client disconnects. Without the limits of readers it would
/// run for a minute.
fn a_question_ends_with_its_client(users: &Users) {
    const ID: &str = "left-alone";
    let Access {
        address,
        user,
        password,
        ..
    } = &users.analyst;
    let question = "SELECT count() FROM numbers(15000000000) WHERE sipHash64(number) % 7 = 9";
    let mut stream = TcpStream::connect(address).expect("it listens");
    let request = format!(
        "POST /?query_id={ID} HTTP/1.1\r\nHost: x\r\nX-ClickHouse-User: {user}\r\nX-ClickHouse-Key: {password}\r\nContent-Length: {}\r\n\r\n{question}",
        question.len()
    );
    stream.write_all(request.as_bytes()).expect("it is sent");
    let running = format!("SELECT count() FROM system.processes WHERE query_id = '{ID}'");
    eventually("it runs", || one(&users.all, &running) == 1);
    let began = Instant::now();
    drop(stream);
    eventually("it ends", || one(&users.all, &running) == 0);
    // Ended by the disconnect, not by the limit of a minute.
    assert!(began.elapsed() < Duration::from_secs(45));
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

/// Views name exactly the columns of their queries, with their types, and explain each.
fn every_column_of_a_view_is_explained(users: &Users) {
    for access in [&users.reader, &users.analyst] {
        let views = access.rows(
            "SELECT name, as_select FROM system.tables WHERE database = currentDatabase() AND engine = 'View' ORDER BY name",
        );
        assert!(views.len() >= 16, "{views:?}");
        for row in &views {
            let [view, query] = [&row[0], &row[1].replace("\\'", "'")];
            let columns = access.rows(&format!(
                "SELECT name, type, comment FROM system.columns WHERE database = currentDatabase() AND table = '{view}' ORDER BY position"
            ));
            for column in &columns {
                assert!(column[2].len() > 3, "{view}: {column:?}");
            }
            // In the analyst's database the query reads tables that the analyst may not read.
            if access.user == users.analyst.user {
                continue;
            }
            let described = access.rows(&format!("DESCRIBE TABLE ({query})"));
            let types = |rows: &[Vec<String>]| -> Vec<Vec<String>> {
                rows.iter().map(|row| row[..2].to_vec()).collect()
            };
            assert_eq!(types(&columns), types(&described), "{view}");
        }
    }
}

/// Compares the sources of dbt with the comments of the views, or writes them if UPDATE_SCHEMAS is set.
fn sources_of_dbt_are_the_views(users: &Users) {
    let query = std::fs::read_to_string(source("deploy/dbt/sources.sql")).expect("it is there");
    let made = users
        .reader
        .ask(&format!("{query}\nFORMAT TSVRaw"), PATIENCE);
    let made = made.expect("a reader may ask for comments");
    let file = source("deploy/dbt/models/sources.yml");
    if std::env::var_os("UPDATE_SCHEMAS").is_some() {
        std::fs::write(&file, &made).expect("it can be written");
    }
    let kept = std::fs::read_to_string(&file).expect("it is there");
    assert_eq!(made, kept, "run the test once with UPDATE_SCHEMAS=1");
}

/// The statements of the analysts' guides and of the cookbook, with their names.
fn statements_for_analysts() -> Vec<(String, String)> {
    let mut found = Vec::new();
    for guide in ["analyst.md", "analyst.it.md"] {
        let text = std::fs::read_to_string(source("deploy/guides").join(guide));
        let text = text.expect("it is there");
        let blocks = text.split("```sql\n").skip(1);
        let blocks = blocks.filter_map(|rest| rest.split("\n```").next());
        found.extend(blocks.map(|sql| (guide.to_owned(), sql.to_owned())));
        assert!(found.len() > 1, "{guide}");
    }
    for entry in std::fs::read_dir(source("deploy/cookbook")).expect("it is there") {
        let path = entry.expect("it can be read").path();
        if path.extension().is_some_and(|end| end == "sql") {
            let sql = std::fs::read_to_string(&path).expect("it can be read");
            found.push((path.display().to_string(), sql));
        }
    }
    found
}

/// Runs every statement as both kinds of analysts. The ledger covers all enti, so its statement is
/// closed to readers of some.
fn guides_run_as_printed(users: &Users) {
    for (name, sql) in statements_for_analysts() {
        for access in [&users.reader, &users.analyst] {
            let asked = access.post("&param_year=2017", sql.as_bytes(), PATIENCE);
            let is_closed = name.ends_with("accounting.sql") && access.user == users.analyst.user;
            assert_eq!(
                asked.is_err(),
                is_closed,
                "{name} as {}: {asked:?}",
                access.user
            );
        }
    }
}

/// Users that a command created before the engine started.
fn created_readers_read(users: &Users, created: &[Access; 2], run: &impl Fn(&[&str]) -> String) {
    let [anna, maria] = created;
    let count = "SELECT count() FROM usage_by_ente";
    assert_eq!(one(maria, count), one(&users.analyst, count));
    assert_eq!(one(anna, count), one(&users.reader, count));
    for (name, sql) in statements_for_analysts() {
        for access in created {
            let asked = access.post("&param_year=2017", sql.as_bytes(), PATIENCE);
            let is_closed = name.ends_with("accounting.sql");
            assert_eq!(
                asked.is_err(),
                is_closed,
                "{name} as {}: {asked:?}",
                access.user
            );
        }
    }
    for access in created {
        for statement in [
            "CREATE DATABASE mine",
            "CREATE TABLE mine (a UInt8) ENGINE = Memory",
            "INSERT INTO usage_events SELECT * FROM usage_events",
            "SELECT count() FROM affluenza.usage_events",
            "SELECT 1 SETTINGS max_memory_usage = 0",
        ] {
            let asked = access.ask(statement, PATIENCE);
            assert!(asked.is_err(), "{}: {statement}: {asked:?}", access.user);
        }
    }
    let list = || -> serde_json::Value {
        let text = run(&["readers", "list", "--format", "json"]);
        serde_json::from_str(&text).expect("it is JSON")
    };
    let anna = serde_json::json!({ "user": "anna", "enti": [] });
    let maria = serde_json::json!({ "user": "maria", "enti": [ENTE] });
    assert_eq!(list(), serde_json::json!([anna, maria]));
    run(&["readers", "drop", "anna"]);
    assert_eq!(list(), serde_json::json!([maria]));
    run(&["readers", "create", "maria"]);
    assert_eq!(list(), serde_json::json!([{ "user": "maria", "enti": [] }]));
}

/// ClickHouse reads every statement for a server with access management.
fn statements_for_a_server_are_read(users: &Users) {
    let reader = |enti: &[&str]| EnteReader {
        user: "anna".to_owned(),
        password_sha256: PASSWORD_SHA256.to_owned(),
        enti: enti.iter().map(|code| (*code).to_owned()).collect(),
    };
    let readers = [reader(&[ENTE]), reader(&[])];
    let all = statements(&Config::default(), &readers);
    assert!(all.len() > 60, "{}", all.len());
    for statement in all {
        let text = statement.replace('\\', "\\\\").replace('\'', "\\'");
        let read = users
            .all
            .ask(&format!("SELECT formatQuery('{text}')"), PATIENCE);
        assert!(read.is_ok(), "{statement}: {read:?}");
    }
}
