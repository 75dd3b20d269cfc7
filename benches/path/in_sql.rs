//! Classification in SQL, as a ClickHouse expert would write it. All contenders that
//! classify in ClickHouse share one text.

use std::time::{Duration, Instant};

use crate::contender::Target;
use crate::plain;

/// Maximum duration of one run.
const PATIENCE: Duration = Duration::from_secs(600);

/// Reads JSON texts from `{table}`, each once, into the fields that the classification needs.
/// Parsing a block at a time matters. A Kafka table with these fields as columns (`JSONEachRow`)
/// creates columns and dictionaries for each record, and took 3.8 times the total CPU time.
const TEXTS: &str = "(WITH JSONExtract(Body, 'Tuple({event})') AS e \
    SELECT e.type AS type, e.source AS source, e.id AS id, e.time AS time, e.data AS data, {position} FROM {table})";

fn texts(table: &str, position: &str) -> String {
    TEXTS
        .replace("{table}", table)
        .replace("{position}", position)
}

/// Form in which ClickHouse's Kafka engine reads an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// One text, which the classification parses.
    Text,
    /// The event's fields, as in the manual.
    Columns,
}

/// Starts ClickHouse's Kafka engine: typed JSON, a dictionary of categories, one list of regular
/// expressions for devices, the same target tables. It writes a block every `flush_ms`.
pub fn start_kafka_engine(target: &Target<'_, '_>, form: Form, flush_ms: u32) {
    let (columns, format, source) = match form {
        Form::Columns => ("{event}", "JSONEachRow", "queue".to_owned()),
        Form::Text => (
            "Body String",
            "RawBLOB",
            texts("queue", "_partition, _offset"),
        ),
    };
    let engine = include_str!("sql/kafka_engine.sql")
        .replace("{columns}", columns)
        .replace("{format}", format)
        .replace("{flush_ms}", &flush_ms.to_string());
    run(target, &engine, &source);
}

/// Stops the Kafka engine. ClickHouse commits the offsets when reading ends.
pub fn stop_kafka_engine(target: &Target<'_, '_>) {
    run(
        target,
        "DROP TABLE queue_to_facts SYNC;\nDROP TABLE queue SYNC;\nDROP TABLE facts_to_hours SYNC;\n",
        "",
    );
}

/// Creates the table that a peer inserts texts into, in a column `Body`. The table keeps nothing; a
/// materialized view makes facts of each inserted block. `sql` creates both.
pub fn make_texts(target: &Target<'_, '_>, table: &str, sql: &str) {
    let source = texts(table, "0 AS _partition, 0 AS _offset");
    run(target, sql, &source);
}

/// Creates the dictionary that the classification uses.
pub fn make_categories(target: &Target<'_, '_>) {
    run(target, include_str!("sql/categories.sql"), "");
}

/// Waits until all events are facts.
pub fn wait_for(target: &Target<'_, '_>, events: u64, mut meanwhile: impl FnMut()) {
    let until = Instant::now() + PATIENCE;
    while target.facts() < events {
        assert!(Instant::now() < until, "the facts become more");
        meanwhile();
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Runs statements, each ended by `;` at the end of a line. `source` replaces the table that
/// `{classification}` reads.
fn run(target: &Target<'_, '_>, sql: &str, source: &str) {
    let bus = target.place.bus();
    let sql = sql
        .replace("{classification}", include_str!("sql/classification.sql"))
        .replace("{source}", source)
        .replace(
            "{hours}",
            &affluenza_store::hour_rows::hour_rows_of("usage_events"),
        )
        .replace("{event}", include_str!("sql/event.sql"))
        .replace("{brokers}", &bus.bootstrap_servers)
        .replace("{topic}", &bus.topic)
        .replace("{group}", &target.group)
        .replace("{user}", &target.access.user)
        .replace("{password}", &target.access.password)
        .replace("{database}", &target.access.database)
        .replace("{services}", &services());
    for statement in sql.split(";\n").filter(|text| !text.trim().is_empty()) {
        target
            .access
            .ask(statement, PATIENCE)
            .unwrap_or_else(|error| panic!("{statement}: {error}"));
    }
}

/// Returns services and their categories as rows of an INSERT.
fn services() -> String {
    let register = plain::register();
    let day = jiff::civil::date(2017, 7, 1);
    let row = |service: &affluenza_register::Service| {
        let category = service.category_on(day).code();
        format!("('{}', '{category}')", service.code())
    };
    register.services().map(row).collect::<Vec<_>>().join(", ")
}
