//! Rebuilds of all figures from the log, during new events and after kills.

pub mod history;

use std::collections::BTreeMap;

use affluenza_kafka::{Cluster, NextOffset, Partition};
use serde_json::Value;

use crate::support::{Engines, eventually};
use history::{Event, History, moves, told};

pub fn facts_follow_the_register(engines: &Engines) {
    let history = History::new(engines, "rebuild_facts", 3_000);
    let whole = history.figures();
    let expected = moves((0..3_000).map(Event));
    let after = &history.after;
    let tried = history.rebuild(after, &["--dry-run"]);
    assert_eq!(told(&tried), expected);
    assert_eq!(history.figures(), whole, "a dry run changes nothing");
    history.check_balance();

    let letters = dead_letters(&history);
    let rebuilt = history.rebuild(after, &[]);
    assert_eq!(told(&rebuilt), expected);
    assert_eq!(rebuilt["facts"], 3_000);
    assert_eq!(rebuilt["copied"], serde_json::json!([]));
    assert_eq!(dead_letters(&history), letters, "none is sent again");
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
    let again = history.rebuild(after, &[]);
    assert_eq!(told(&again), BTreeMap::new(), "nothing moves twice");
    assert_eq!(history.figures(), figures);
    let text = history.run(&history.before, &["rebuild", "--dry-run"]);
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
        let rebuilt = history.rebuild(&history.after, &[]);
        drop(stop);
        let pause = rebuilt["pause_seconds"].as_f64().expect("seconds");
        assert!(pause > 0.0, "consumers pause for the exchange");
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
    let moved = told(&history.rebuild(&history.after, &[]));
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

/// Phases in which a rebuild is killed, each some milliseconds after it began.
const KILLED_AT: [(&str, u64); 5] = [
    ("copying", 0),
    ("replaying", 3),
    ("replaying", 900),
    ("exchanging", 0),
    ("settling", 0),
];

pub fn killed_rebuilds_go_on(engines: &Engines) {
    let history = History::new(engines, "rebuild_killed", 2_000);
    let mut present = history.figures();
    history.rebuild(&history.after, &[]);
    let mut other = history.figures();
    let forth: u64 = moves((0..2_000).map(Event)).values().sum();
    for (round, (phase, later)) in KILLED_AT.into_iter().enumerate() {
        // Alternates between the two registers.
        let register = if round % 2 == 0 {
            &history.before
        } else {
            &history.after
        };
        let reached = format!("SELECT count() FROM rebuilds FINAL WHERE phase = '{phase}'");
        let mut rebuild = history.spawn(register, &["rebuild"]);
        let mut is_killed = false;
        eventually("the rebuild gets that far", || {
            is_killed = history.place.count(&reached) == 1;
            is_killed || rebuild.has_ended()
        });
        assert!(
            is_killed || phase == "exchanging",
            "round {round}: it ended before {phase}"
        );
        std::thread::sleep(std::time::Duration::from_millis(later));
        rebuild.kill();
        if round == 0 {
            check_refusals(&history);
        }
        if is_killed {
            let done = history.rebuild(register, &[]);
            assert_eq!(done["resumed"], true, "round {round}");
            let moved: u64 = told(&done).values().sum();
            assert_eq!(moved, forth, "round {round}: the whole change is listed");
        }
        assert_eq!(history.figures(), present, "round {round}");
        history.check_balance();
        std::mem::swap(&mut present, &mut other);
    }
    // A cancelled rebuild changes nothing.
    let mut rebuild = history.spawn(&history.after, &["rebuild"]);
    eventually("the log is replayed", || {
        assert!(!rebuild.has_ended());
        history
            .place
            .count("SELECT count() FROM rebuilds FINAL WHERE phase = 'replaying'")
            == 1
    });
    rebuild.kill();
    let tried = history.rebuild(&history.before, &["--abandon", "--dry-run"]);
    assert_eq!(tried["resumed"], false);
    assert_eq!(history.figures(), other);
    history.check_balance();
}

/// Checks that no rebuild with other rules continues an unfinished one.
fn check_refusals(history: &History<'_>) {
    let refused = history.fails(&history.after, &["rebuild"]);
    assert!(
        refused.contains("began with rules") && refused.contains("--abandon"),
        "{refused}"
    );
}

/// The fate of each record is decided again: facts without a record and missing ones are found, and
/// erased events stay erased.
pub fn only_what_the_log_gives_is_kept(engines: &Engines) {
    let history = History::new(engines, "rebuild_decides", 1_500);
    let whole = history.figures();
    let erase = [
        "erase", "--ente", "c_other", "--period", "2017-02", "--reason", "order 3",
    ];
    history.run(&history.before, &erase);
    let erased = history.figures();
    assert!(erased[0] < whole[0]);
    let same = history.rebuild(&history.before, &[]);
    assert_eq!(told(&same), BTreeMap::new());
    assert_eq!(history.figures(), erased, "erased events stay erased");
    history.check_balance();

    // Under the codes of another register, too.
    let order = [
        "erase", "--ente", "c_old", "--period", "2017-03", "--reason", "order 4",
    ];
    history.run(&history.before, &order);
    let erased = history.figures();
    history.rebuild(&history.after, &[]);
    assert_eq!(
        history.figures()[0],
        erased[0],
        "no erased event comes back"
    );
    history.check_balance();
    history.rebuild(&history.before, &[]);
    assert_eq!(history.figures(), erased);

    // A consumer of a new event reads it after the orders.
    let more = "SELECT count() FROM usage_events";
    history.produce(1_500..1_600);
    history.run(&history.before, &["consume", "--once"]);
    let whole = history.figures();

    // Stored facts are changed by hand.
    history.execute(
        "ALTER TABLE usage_events UPDATE country = 'FR' WHERE kafka_offset % 50 = 0 SETTINGS mutations_sync = 2",
    );
    let repaired = history.rebuild(&history.before, &[]);
    let changed: u64 = told(&repaired).values().sum();
    let replayed = format!("{more} WHERE kafka_offset % 50 = 0 AND country = 'FR'");
    // Facts before the last order are copied, those after it are read again.
    assert!(
        changed > 0 && history.place.count(&replayed) > 0,
        "{repaired}"
    );
    assert_eq!(history.figures(), whole);
    history.check_balance();
}

/// Returns the number of dead letters.
fn dead_letters(history: &History<'_>) -> u64 {
    let bus = history.place.bus();
    let cluster = Cluster::new(&bus).expect("Kafka can be asked");
    let held = cluster.watermarks(&bus.dead_letter_topic);
    let held = held.expect("the topic is there").into_iter();
    held.map(|(_, held)| held.high.0.unsigned_abs()).sum()
}

pub fn events_that_the_log_lost_come_from_the_facts(engines: &Engines) {
    let history = History::new(engines, "rebuild_retention", 2_000);
    let reference = history.rebuild(&history.after, &["--dry-run"]);
    assert_eq!(reference["copied"], serde_json::json!([]));
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
    let text = history.run(&history.after, &["rebuild", "--dry-run"]);
    assert!(
        text.contains("the log cannot give partition 0 from 0 to"),
        "{text}"
    );
    let rebuilt = history.rebuild(&history.after, &[]);
    let copied = |rebuilt: &Value| {
        let sources = rebuilt["copied"].as_array().expect("sources are a list");
        sources
            .iter()
            .map(|source| source["facts"].as_u64().expect("a count"))
            .sum::<u64>()
    };
    // A block whose first records are gone is copied as a whole.
    let blocks = facts_before..facts_before + 700;
    assert!(blocks.contains(&copied(&rebuilt)), "{rebuilt}");
    assert_eq!(rebuilt["facts"], 2_000);
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
    let back = history.rebuild(&history.before, &[]);
    assert_eq!(copied(&back), 2_000);
    assert_eq!(back["facts"], 2_300);
    let undone = moves((0..2_300).map(Event))
        .into_iter()
        .map(|([a, b, c, d], events)| ([c, d, a, b], events))
        .collect();
    assert_eq!(told(&back), undone);
    history.check_balance();
}
