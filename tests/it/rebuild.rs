//! Rebuilds of history: aggregates from facts and facts from the log, during new events and after
//! kills.

pub mod history;

use std::collections::BTreeMap;
use std::path::Path;

use affluenza_kafka::{Cluster, NextOffset, Partition};
use serde_json::Value;

use crate::support::{Engines, eventually};
use history::{Event, History, moves, told};

pub fn damaged_aggregates_are_rebuilt(engines: &Engines) {
    let history = History::new(engines, "rebuild_aggregates", 3_000);
    let whole = history.figures();
    let register = &history.before;
    history.execute("DELETE FROM usage_hourly WHERE local_date = '2017-01-04'");
    history.execute(
        "INSERT INTO usage_hourly SELECT * FROM usage_hourly WHERE local_date = '2017-03-05' SETTINGS insert_deduplicate = 0",
    );
    let damaged = history.figures();
    assert_ne!(damaged, whole);

    let tried = history.rebuild(register, &["aggregates", "--dry-run"]);
    assert_eq!(history.figures(), damaged, "a dry run changes nothing");
    assert!(tried["afterwards"].is_null());
    let moved = |value: &Value| value["events_moved"].as_u64().expect("a count");
    let of_a_day = |day: &str| {
        history.place.count(&format!(
            "SELECT count() FROM usage_events WHERE local_date = '{day}'"
        ))
    };
    assert_eq!(
        moved(&tried),
        of_a_day("2017-01-04") + of_a_day("2017-03-05")
    );

    let january = history.rebuild(register, &["aggregates", "--period", "2017-01"]);
    assert_eq!(january["months"], serde_json::json!([201_701]));
    assert_eq!(moved(&january), of_a_day("2017-01-04"));
    // Only January was rebuilt, and still all figures are complete.
    assert_eq!(history.figures(), whole);
    history.check_balance();
    let again = history.rebuild(register, &["aggregates"]);
    assert_eq!(moved(&again), 0);
    assert_eq!(history.figures(), whole);
    history.check_balance();
}

pub fn facts_follow_the_register(engines: &Engines) {
    let history = History::new(engines, "rebuild_facts", 3_000);
    let whole = history.figures();
    let expected = moves((0..3_000).map(Event));
    let after = &history.after;
    let tried = history.rebuild(after, &["facts", "--dry-run"]);
    assert_eq!(told(&tried), expected);
    assert_eq!(history.figures(), whole, "a dry run changes nothing");
    history.check_balance();

    let march = history.rebuild(after, &["facts", "--period", "2017-03"]);
    assert_eq!(
        told(&march),
        moves((0..3_000).map(Event).filter(|event| event.month() == 3))
    );
    history.check_balance();
    let rest = history.rebuild(after, &["facts"]);
    assert_eq!(
        told(&rest),
        moves((0..3_000).map(Event).filter(|event| event.month() != 3))
    );
    assert_eq!(rest["rows"], 3_000);
    assert_eq!(rest["rows_from_log"], 3_000);
    history.check_balance();
    let figures = history.figures();
    for at in [0, 1, 3, 5] {
        assert_eq!(figures[at], whole[at], "totals stay");
    }
    let count = |table: &str, event: fn(&Event) -> (&'static str, &'static str), number: u64| {
        let (ente, category) = event(&Event(number));
        history.place.count(&format!(
            "SELECT {table} WHERE ente = '{ente}' AND category = '{category}' AND service = '{}'",
            Event(number).service()
        ))
    };
    for number in [0, 1, 2, 4] {
        let of_events = (0..3_000)
            .filter(|other| {
                Event(*other).after() == Event(number).after()
                    && Event(*other).service() == Event(number).service()
            })
            .count() as u64;
        assert_eq!(
            count("count() FROM usage_events", Event::after, number),
            of_events
        );
        assert_eq!(
            count("sum(h.events) FROM usage_hourly AS h", Event::after, number),
            of_events
        );
    }
    assert_eq!(
        history.place.count("SELECT sum(f.records) FROM ingest_ledger FINAL ARRAY JOIN fates AS f WHERE f.ente = 'c_old'"),
        0,
        "the ledger knows the ente by its new code, repeated events too"
    );
    let again = history.rebuild(after, &["facts"]);
    assert_eq!(told(&again), BTreeMap::new(), "nothing moves twice");
    assert_eq!(history.figures(), figures);
    let text = history.run(&history.before, &["rebuild", "facts", "--dry-run"]);
    assert!(text.contains("c_new casa plain desktop -> c_old tributi plain desktop  (register: ente, register: category)"), "{text}");
}

pub fn consumers_go_on_meanwhile(engines: &Engines) {
    let history = History::new(engines, "rebuild_live", 2_000);
    let mut consumer = history.spawn(&history.after, &["consume"]);
    let total = std::thread::scope(|scope| {
        let (stop, stopped) = std::sync::mpsc::channel::<()>();
        let history = &history;
        let producer = scope.spawn(move || {
            let mut next = 2_000;
            while stopped.try_recv() == Err(std::sync::mpsc::TryRecvError::Empty) {
                history.produce(next..next + 50);
                next += 50;
                std::thread::sleep(std::time::Duration::from_millis(20));
            }
            next
        });
        history.rebuild(&history.after, &["facts"]);
        history.rebuild(&history.after, &["aggregates"]);
        drop(stop);
        producer.join().expect("the producer ends well")
    });
    let records: u64 = history
        .place
        .ends()
        .values()
        .map(|end| end.0.unsigned_abs())
        .sum();
    eventually("the consumer catches up", || {
        assert!(!consumer.has_ended());
        history.place.records_processed() == records
    });
    consumer.terminate();
    let figures = history.figures();
    assert_eq!(figures[..2], [total, total], "none lost, none double");
    assert_eq!(figures[3], total, "the aggregate as the facts");
    history.check_balance();
    assert!(total > 2_000, "events came in: {total}");
    let moved = told(&history.rebuild(&history.after, &["facts"]));
    assert_eq!(moved, BTreeMap::new(), "consumer and rebuild agree");
    assert_eq!(
        history
            .place
            .count("SELECT count() FROM usage_events WHERE ente = 'c_new'"),
        (0..total)
            .filter(|number| Event(*number).ente() == "c_old")
            .count() as u64
    );
}

/// Moments of a kill: milliseconds after a query returns 1.
const KILLED_AT: [(&str, u64); 4] = [
    (
        "SELECT toUInt64(count() > 0) FROM system.parts WHERE database = currentDatabase() AND active AND table LIKE 'rebuilding%events'",
        3,
    ),
    (
        "SELECT toUInt64(max(length(compared)) >= 1) FROM rebuilds FINAL WHERE phase = 'working'",
        1,
    ),
    (
        "SELECT toUInt64(max(length(swapped)) >= 2) FROM rebuilds FINAL WHERE phase = 'working'",
        7,
    ),
    (
        "SELECT toUInt64(count() > 0) FROM rebuilds FINAL WHERE phase = 'settling'",
        0,
    ),
];

pub fn killed_rebuilds_go_on(engines: &Engines) {
    let history = History::new(engines, "rebuild_killed", 2_000);
    let mut present = history.figures();
    history.rebuild(&history.after, &["facts"]);
    let mut other = history.figures();
    let forth = moves((0..2_000).map(Event));
    for (round, (condition, later)) in KILLED_AT.into_iter().enumerate() {
        // Alternates between the two registers.
        let register = if round % 2 == 0 {
            &history.before
        } else {
            &history.after
        };
        let mut rebuild = history.spawn(register, &["rebuild", "facts"]);
        eventually("the rebuild gets that far", || {
            assert!(!rebuild.has_ended(), "it ended before {condition}");
            history.place.count(condition) == 1
        });
        std::thread::sleep(std::time::Duration::from_millis(later));
        rebuild.kill();
        if round == 0 {
            check_refusals(&history, register);
        }
        let done = history.rebuild(register, &["facts"]);
        assert_eq!(done["resumed"], true);
        let moved: u64 = told(&done).values().sum();
        assert_eq!(
            moved,
            forth.values().sum::<u64>(),
            "round {round}: the whole change is listed"
        );
        assert_eq!(history.figures(), present, "round {round}");
        history.check_balance();
        std::mem::swap(&mut present, &mut other);
    }
    // A cancelled rebuild leaves consistent data.
    let mut rebuild = history.spawn(&history.before, &["rebuild", "facts"]);
    eventually("a month is in place", || {
        assert!(!rebuild.has_ended());
        history.place.count(
            "SELECT count() FROM rebuilds FINAL WHERE length(swapped) = 1 AND phase = 'working'",
        ) == 1
    });
    rebuild.kill();
    history.rebuild(&history.before, &["aggregates", "--abandon"]);
    history.check_balance();
    let rest = history.rebuild(&history.before, &["facts"]);
    assert_eq!(rest["resumed"], false);
    assert_eq!(history.figures(), present);
    history.check_balance();
}

/// Checks that no other rebuild can start while one to the register `before` is unfinished.
fn check_refusals(history: &History<'_>, before: &Path) {
    let refused = history.fails(before, &["rebuild", "aggregates", "--period", "2017"]);
    assert!(
        refused.contains("`affluenza rebuild facts` continues it") && refused.contains("--abandon"),
        "{refused}"
    );
    let refused = history.fails(&history.after, &["rebuild", "facts"]);
    assert!(
        refused.contains("began with rules") && refused.contains("--abandon"),
        "{refused}"
    );
}

pub fn events_that_the_log_lost_come_from_the_facts(engines: &Engines) {
    let history = History::new(engines, "rebuild_retention", 2_000);
    let reference = history.rebuild(&history.after, &["facts", "--dry-run"]);
    assert_eq!(reference["rows_from_log"], 2_000);
    let (place, bus) = (&history.place, history.place.bus());
    let ends = place.ends();
    // All of one partition, and a third of the other.
    let before = [1, 3].map(|part| {
        let partition = Partition(i32::from(part == 3));
        (partition, NextOffset(ends[&partition].0 / part))
    });
    let cluster = Cluster::new(&bus).expect("Kafka can be asked");
    place
        .wait(cluster.delete_records(&bus.topic, &before))
        .expect("records can be deleted");
    let facts_before: u64 = before
        .iter()
        .map(|(partition, next)| {
            place.count(&format!(
                "SELECT count() FROM usage_events WHERE kafka_partition = {} AND kafka_offset < {}",
                partition.0, next.0
            ))
        })
        .sum();
    let text = history.run(&history.after, &["rebuild", "facts", "--dry-run"]);
    assert!(
        text.contains(&format!("{} from the log", 2_000 - facts_before)),
        "{text}"
    );
    assert!(
        text.contains("the log does not hold partition 1 from 0 to"),
        "{text}"
    );
    let rebuilt = history.rebuild(&history.after, &["facts"]);
    let copied = |rebuilt: &Value| {
        let sources = rebuilt["copied"].as_array().expect("sources are a list");
        sources
            .iter()
            .map(|source| source["facts"].as_u64().expect("a count"))
            .sum::<u64>()
    };
    assert_eq!(copied(&rebuilt), facts_before);
    assert_eq!(rebuilt["rows_from_log"], 2_000 - facts_before);
    assert_eq!(
        rebuilt["changes"], reference["changes"],
        "the same as from the log"
    );
    history.check_balance();

    // The topic is recreated, so all data come from the facts.
    place
        .wait(cluster.delete_topic(&bus.topic))
        .expect("the topic can be deleted");
    place.run(&["migrate"]);
    history.produce(2_000..2_300);
    history.run(
        &history.after,
        &["consume", "--once", "--accept-new-stream"],
    );
    let back = history.rebuild(&history.before, &["facts"]);
    assert_eq!(copied(&back), 2_000);
    assert_eq!(back["rows_from_log"], 300);
    let undone = moves((0..2_300).map(Event))
        .into_iter()
        .map(|([a, b, c, d], events)| ([c, d, a, b], events))
        .collect();
    assert_eq!(told(&back), undone);
    history.check_balance();
}
