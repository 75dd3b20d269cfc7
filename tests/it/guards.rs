//! Offsets that do not fit the log: each causes a specific alarm, and nothing is written.

use affluenza_kafka::{Cluster, NextOffset, Partition};

use crate::rebuild::history::Event;
use crate::support::{Engines, Place, set_offset, stderr};

const PARTITION: Partition = Partition(0);

fn produce(place: &Place<'_>, numbers: std::ops::Range<u64>) {
    let records: Vec<String> = numbers.map(|number| Event(number).json()).collect();
    place.produce(records.iter().map(|record| ("k", record.as_bytes())));
}

pub fn places_that_do_not_fit_are_alarms(engines: &Engines) {
    let place = engines.place("guards");
    let migrate = place
        .command(&["migrate"])
        .env("AFFLUENZA__KAFKA__PARTITIONS", "1")
        .output();
    assert!(migrate.expect("the program runs").status.success());
    produce(&place, 0..100);
    place.run(&["consume", "--once"]);
    produce(&place, 100..110);
    let bus = place.bus();
    let cluster = Cluster::new(&bus).expect("Kafka can be asked");
    let stream = cluster.identity(&bus.topic).expect("the topic is there");
    let ours = format!("affluenza/1 stream={stream}");
    let intent = |end: i64, records: u64, sum: &str| {
        format!("{ours} end={end} records={records} sum={sum} rules=2026.11.1+x at=1490515200")
    };
    let none = "0000000000000000";
    let cases = [
        // Committed offset, metadata, and text of the alarm.
        (
            100,
            "somebody else's".to_owned(),
            "metadata of another program",
        ),
        (
            100,
            format!("{ours} end=ten"),
            "metadata of another program",
        ),
        (
            100,
            "affluenza/1 stream=cluster/topic".to_owned(),
            "belong to stream cluster/topic",
        ),
        (111, ours.clone(), "the log ends at 110"),
        (100, intent(500, 400, none), "the log ends at 110"),
        (
            100,
            intent(110, 10, none),
            "differ from those read before the crash",
        ),
    ];
    for (at, metadata, words) in cases {
        set_offset(&bus, PARTITION, NextOffset(at), &metadata);
        alarms(&place, words);
    }
    set_offset(&bus, PARTITION, NextOffset(100), &ours);
    place
        .wait(cluster.delete_records(&bus.topic, &[(PARTITION, NextOffset(105))]))
        .expect("records can be deleted");
    alarms(&place, "5 records were deleted before they were read");
    // Skipping by hand is still an alarm, because no record shows that the loss was intended.
    set_offset(&bus, PARTITION, NextOffset(105), "");
    alarms(&place, "--from 100 --to 105");
    // Follows the instruction of the alarm.
    place.run(&[
        "accept",
        "loss",
        "--partition",
        "0",
        "--from",
        "100",
        "--to",
        "105",
        "--reason",
        "a test",
    ]);
    place.run(&["consume", "--once"]);
    assert_eq!(place.count("SELECT count() FROM usage_events"), 105);
    let told = place.run(&["audit"]);
    assert!(
        told.contains("offsets 100 to 105: 5 records lost: a test"),
        "the loss stays on the books: {told}"
    );
}

fn alarms(place: &Place<'_>, words: &str) {
    let output = place
        .command(&["consume", "--once"])
        .output()
        .expect("the program runs");
    let said = stderr(&output);
    let complaint = said.lines().last().unwrap_or_default();
    assert!(!output.status.success(), "{words}");
    assert!(
        complaint.starts_with("affluenza: partition 0: ") && complaint.contains(words),
        "{words}: {said}"
    );
    assert_eq!(
        place.count("SELECT count() FROM usage_events"),
        100,
        "nothing is written: {words}"
    );
}
