//! ClickHouse's own way: the same classification in SQL, as an expert would have it. One text for all who
//! leave it to ClickHouse, whatever brings the events there.

use std::time::{Duration, Instant};

use crate::contender::Target;
use crate::plain;

/// How long one run may take.
const PATIENCE: Duration = Duration::from_secs(600);

/// The events are texts of JSON in `{table}`, each read once into the fields that the classification needs.
/// Reading them a block at a time matters: a Kafka table with these fields as columns (`JSONEachRow`)
/// makes new columns, with dictionaries, for each record, and took 3.8 times the CPU time altogether.
const TEXTS: &str = "(WITH JSONExtract(Body, 'Tuple({event})') AS e \
    SELECT e.type AS type, e.source AS source, e.id AS id, e.time AS time, e.data AS data, {position} FROM {table})";

fn texts(table: &str, position: &str) -> String {
    TEXTS
        .replace("{table}", table)
        .replace("{position}", position)
}

/// ClickHouse reads by itself: JSON with types, a dictionary for categories, one list of regular
/// expressions for devices, the same target tables. As texts, or, as its manual has it, with the fields
/// as `columns`.
pub fn kafka_engine(target: &Target<'_, '_>, events: u64, columns: bool) {
    let engine = include_str!("sql/kafka_engine.sql");
    let (columns, format, source) = if columns {
        ("{event}", "JSONEachRow", "queue".to_owned())
    } else {
        (
            "Body String",
            "RawBLOB",
            texts("queue", "_partition, _offset"),
        )
    };
    let engine = engine
        .replace("{columns}", columns)
        .replace("{format}", format);
    run(target, &engine, &source);
    wait_for(target, events, || ());
    // The offsets are committed when reading ends.
    run(
        target,
        "DROP TABLE queue_to_facts SYNC;\nDROP TABLE queue SYNC;\n",
        "",
    );
}

/// What the exporter of the OpenTelemetry Collector writes to. Nothing is kept in it: facts are made while
/// a block comes in.
pub fn make_otel_logs(target: &Target<'_, '_>) {
    let source = texts("otel_logs", "0 AS _partition, 0 AS _offset");
    run(
        target,
        include_str!("../peers/otelcol/otel_logs.sql"),
        &source,
    );
}

/// Makes what the classification looks up.
pub fn make_categories(target: &Target<'_, '_>) {
    run(target, include_str!("sql/categories.sql"), "");
}

/// Until all events are facts.
pub fn wait_for(target: &Target<'_, '_>, events: u64, mut meanwhile: impl FnMut()) {
    let until = Instant::now() + PATIENCE;
    while target.facts() < events {
        assert!(Instant::now() < until, "the facts become more");
        meanwhile();
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Runs statements, each ended by a line's end. `source` is what `{classification}` reads.
fn run(target: &Target<'_, '_>, sql: &str, source: &str) {
    let bus = target.place.bus();
    let sql = sql
        .replace("{classification}", include_str!("sql/classification.sql"))
        .replace("{source}", source)
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

/// Services and their categories, as rows of an INSERT.
fn services() -> String {
    let register = plain::register();
    let day = jiff::civil::date(2017, 7, 1);
    let row = |service: &affluenza_register::Service| {
        let category = service.category_on(day).code();
        format!("('{}', '{category}')", service.code())
    };
    register.services().map(row).collect::<Vec<_>>().join(", ")
}
