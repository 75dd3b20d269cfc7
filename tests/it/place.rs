//! The group's offsets and the log are compared with the ledger. A difference causes an alarm with
//! both numbers and a command. After this command the accounts balance and years can be closed.

use std::path::Path;

use affluenza_engine::{Cache, Kafka, KafkaJars, KafkaSettings};
use affluenza_kafka::{Cluster, NextOffset, Partition, Writer};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::support::{Engines, Place, eventually, set_offset, stderr};

const PARTITION: Partition = Partition(0);

/// A service use in a year, identified by a letter and a number.
fn event(letter: char, number: u32, year: u32) -> String {
    format!(
        r#"{{"specversion":"1.0","type":"it.affluenza.service-use.v1","source":"https://web.example.it","id":"{letter}{number}","time":"{year}-06-10T10:00:00+02:00","data":{{"ente":"c_d612","portal":"web","service":"tari","kind":"payment"}}}}"#
    )
}

fn events(letter: char, count: u32) -> Vec<String> {
    (0..count)
        .map(|number| event(letter, number, 2025))
        .collect()
}

fn produce(place: &Place<'_>, records: &[String]) {
    place.produce(records.iter().map(|record| ("k", record.as_bytes())));
}

/// A place whose topic has one partition.
fn prepared<'e>(engines: &'e Engines, name: &str) -> Place<'e> {
    let place = engines.place(name);
    migrate(&place);
    place
}

fn migrate(place: &Place<'_>) {
    let migrate = place
        .command(&["migrate"])
        .env("AFFLUENZA__KAFKA__PARTITIONS", "1")
        .output()
        .expect("the program runs");
    assert!(migrate.status.success(), "{}", stderr(&migrate));
}

fn facts(place: &Place<'_>) -> u64 {
    place.count("SELECT count() FROM usage_events")
}

fn uses(place: &Place<'_>) -> u64 {
    place.count("SELECT sum(h.service_uses) FROM usage_hourly AS h")
}

/// Checks that every event counts once, in the facts and in the aggregate.
fn counted(place: &Place<'_>, events: u64) {
    assert_eq!((facts(place), uses(place)), (events, events));
    let distinct = place.count("SELECT uniqExact(identity) FROM usage_events");
    assert_eq!(distinct, events, "each event once");
}

/// Runs a command that must fail with one line that contains all `words`.
fn refused(place: &Place<'_>, arguments: &[&str], words: &[&str]) {
    let output = place.command(arguments).output().expect("the program runs");
    let said = stderr(&output);
    let complaint = said.lines().last().unwrap_or_default();
    assert!(!output.status.success(), "{arguments:?} succeeded");
    for word in words {
        assert!(complaint.contains(word), "{word:?} is not in: {said}");
    }
}

fn audit(place: &Place<'_>) -> Value {
    let output = place
        .command(&["audit", "--format", "json"])
        .output()
        .expect("the program runs");
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", stderr(&output)))
}

/// Codes of the findings, sorted and without duplicates.
fn findings(place: &Place<'_>) -> Vec<String> {
    let audit = audit(place);
    let found = audit["findings"].as_array().expect("findings are a list");
    let mut codes: Vec<String> = found
        .iter()
        .map(|finding| finding["code"].as_str().expect("a code").to_owned())
        .collect();
    codes.sort();
    codes.dedup();
    codes
}

fn balanced(place: &Place<'_>) {
    assert_eq!(findings(place), Vec::<String>::new());
}

/// Arguments of the command that the first finding with this code recommends.
fn remedy(place: &Place<'_>, code: &str) -> Vec<String> {
    let audit = audit(place);
    let found = audit["findings"].as_array().expect("findings are a list");
    let finding = found.iter().find(|finding| finding["code"] == code);
    let finding = finding.unwrap_or_else(|| panic!("{code}: {audit}"));
    let remedy = finding["remedy"].as_str().expect("each has a remedy");
    let command = remedy.split(['(', ',']).next().unwrap_or_default();
    command
        .split_whitespace()
        .skip(1)
        .map(str::to_owned)
        .collect()
}

/// Runs the command of the first finding with this code.
fn follow(place: &Place<'_>, code: &str) -> String {
    let arguments = remedy(place, code);
    let arguments: Vec<&str> = arguments
        .iter()
        .map(|word| if word == "TEXT" { "a test" } else { word })
        .collect();
    place.run(&arguments)
}

/// Committed offsets that were moved back, moved forward or lost.
pub fn a_place_that_was_moved_is_an_alarm(engines: &Engines) {
    let place = prepared(engines, "moved");
    let bus = place.bus();
    produce(&place, &events('a', 10));
    place.run(&["consume", "--once"]);
    counted(&place, 10);

    for back in [5, 9, 0] {
        set_offset(&bus, PARTITION, NextOffset(back), "");
        let stands = format!("the group stands at {back}, but the ledger reaches to 10");
        let advice = "affluenza accept place --partition 0 --reason TEXT";
        refused(&place, &["consume", "--once"], &[&stands, advice]);
        counted(&place, 10);
        assert_eq!(findings(&place), ["place-behind-ledger"]);
        refused(&place, &["close-year", "2025"], &["2025 do not balance"]);
        let told = follow(&place, "place-behind-ledger");
        assert!(told.contains("stands at 10"), "{told}");
        balanced(&place);
    }

    // The consumer reads skipped records from the log first.
    produce(&place, &events('b', 10));
    set_offset(&bus, PARTITION, NextOffset(15), "");
    place.run(&["consume", "--once"]);
    counted(&place, 20);
    balanced(&place);
    // Offsets beyond the end of the log cannot be read.
    set_offset(&bus, PARTITION, NextOffset(25), "");
    let stands = "the group stands at 25, but the log ends at 20, and the ledger at 20";
    refused(&place, &["consume", "--once"], &[stands, "accept place"]);
    place.run(&["accept", "place", "--partition", "0", "--reason", "a test"]);

    // A group that has lost its offsets.
    let other = ("AFFLUENZA__KAFKA__GROUP", "moved-again");
    let output = place
        .command(&["consume", "--once"])
        .env(other.0, other.1)
        .output();
    let said = stderr(&output.expect("the program runs"));
    assert!(said.contains("the ledger reaches to 20"), "{said}");
    let accept = ["accept", "place", "--partition", "0", "--reason", "a test"];
    for arguments in [&accept[..], &["consume", "--once"]] {
        let output = place.command(arguments).env(other.0, other.1).output();
        let output = output.expect("the program runs");
        assert!(output.status.success(), "{}", stderr(&output));
    }
    counted(&place, 20);
    place.run(&["close-year", "2025"]);
}

/// Arguments of the command that accepts a loss.
fn loss<'w>(from: &'w str, to: &'w str) -> Vec<&'w str> {
    let range = ["--partition", "0", "--from", from, "--to", to];
    [&["accept", "loss"], &range[..], &["--reason", "a test"]].concat()
}

/// Records that were deleted before they were read, and unreadable records that are skipped.
pub fn a_loss_is_accepted_once_and_shown(engines: &Engines) {
    let place = prepared(engines, "losses");
    let bus = place.bus();
    produce(&place, &events('a', 10));
    place.run(&["consume", "--once"]);
    produce(&place, &events('b', 10));
    let cluster = Cluster::new(&bus).expect("Kafka can be asked");
    place
        .wait(cluster.delete_records(&bus.topic, &[(PARTITION, NextOffset(15))]))
        .expect("records can be deleted");
    assert_eq!(findings(&place), ["deleted-unread"]);
    let advice = "affluenza accept loss --partition 0 --from 10 --to 15 --reason TEXT";
    refused(
        &place,
        &["consume", "--once"],
        &["5 records were deleted before they were read", advice],
    );
    refused(&place, &["close-year", "2025"], &["2025 do not balance"]);
    let told = follow(&place, "deleted-unread");
    assert!(told.contains("5 records accepted as lost"), "{told}");
    place.run(&["consume", "--once"]);
    counted(&place, 15);
    let told = place.run(&["audit"]);
    assert!(
        told.contains("offsets 10 to 15: 5 records lost: a test"),
        "{told}"
    );
    let repaired = place.run(&["audit", "--repair"]);
    assert!(repaired.contains("balanced"), "{repaired}");
    place.run(&["close-year", "2025"]);

    refused(
        &place,
        &loss("15", "20"),
        &["accounts for all of these records"],
    );
    refused(&place, &loss("20", "30"), &["ends at 20 at most"]);
    // Skips records that are gone, and none that can be read.
    produce(&place, &events('c', 3));
    refused(&place, &loss("21", "22"), &["begin at 20"]);
    refused(
        &place,
        &loss("20", "22"),
        &["holds the record 20", "can be read"],
    );
    place
        .wait(cluster.delete_records(&bus.topic, &[(PARTITION, NextOffset(22))]))
        .expect("records can be deleted");
    refused(&place, &loss("20", "23"), &["ends at 22"]);
    place.run(&loss("20", "22"));
    place.run(&["consume", "--once"]);
    counted(&place, 16);
    balanced(&place);
    let acts = place.run(&["keys", "log"]);
    assert_eq!(acts.matches("accept-loss").count(), 7, "{acts}");
}

/// Facts without a record: beyond the end of the log, and of an unknown stream.
pub fn facts_without_a_record_are_named_and_removed(engines: &Engines) {
    let place = prepared(engines, "made_up");
    let of_2024: Vec<String> = (0..7).map(|number| event('o', number, 2024)).collect();
    produce(&place, &of_2024);
    produce(&place, &events('a', 10));
    place.run(&["consume", "--once"]);
    counted(&place, 17);
    make_up(&place, "kafka_offset + 1000000 AS kafka_offset");
    let alarm = "10 facts at offsets 1000007 to 1000016 lie beyond the ledger";
    refused(&place, &["consume", "--once"], &[alarm, "accept facts"]);
    // A year without such facts can still be closed.
    place.run(&["close-year", "2024"]);
    let told = follow(&place, "facts-outside-ledger");
    assert!(told.contains("10 facts removed"), "{told}");
    counted(&place, 17);
    balanced(&place);
    make_up(&place, "'another/log' AS stream");
    let told = follow(&place, "facts-outside-ledger");
    assert!(told.contains("10 facts removed"), "{told}");
    counted(&place, 17);
    balanced(&place);
    place.run(&["consume", "--once"]);
    place.run(&["close-year", "2025"]);
    let told = place.run(&["audit"]);
    assert!(
        told.contains("10 facts without a record removed: a test"),
        "{told}"
    );
}

/// Inserts ten facts without a record.
fn make_up(place: &Place<'_>, columns: &str) {
    let statement = format!(
        "INSERT INTO usage_events SELECT * REPLACE({columns}, identity + 9 AS identity) FROM usage_events WHERE local_date >= '2025-01-01'"
    );
    place
        .wait(place.store().admin().run_statement(&statement))
        .expect("facts can be invented");
    assert_eq!((facts(place), uses(place)), (27, 17));
    assert!(findings(place).contains(&"facts-outside-ledger".to_owned()));
    refused(place, &["close-year", "2025"], &["2025 do not balance"]);
}

/// Overlapping rows of the ledger, as older versions wrote them after an offset reset.
pub fn overlapping_rows_become_one(engines: &Engines) {
    let place = prepared(engines, "overlaps");
    let bus = place.bus();
    for letter in ['a', 'b'] {
        produce(&place, &events(letter, 10));
        place.run(&["consume", "--once"]);
    }
    let row = "INSERT INTO ingest_ledger SELECT * REPLACE(5 AS first_offset, 5 AS records_read, 5 AS stored, [5] AS `fates.records`, 1 AS checksum) FROM (SELECT * FROM ingest_ledger FINAL WHERE first_offset = 0)";
    let copies =
        "INSERT INTO usage_events SELECT * FROM usage_events WHERE kafka_offset BETWEEN 5 AND 9";
    for statement in [row, copies] {
        place
            .wait(place.store().admin().run_statement(statement))
            .expect("rows can be written");
    }
    assert_eq!((facts(&place), uses(&place)), (25, 20));
    assert!(findings(&place).contains(&"ledger-overlap".to_owned()));
    assert_eq!(remedy(&place, "ledger-overlap"), ["audit", "--repair"]);
    let told = place.run(&["audit", "--repair"]);
    assert!(told.contains("balanced"), "{told}");
    counted(&place, 20);
    assert_eq!(place.count("SELECT count() FROM ingest_ledger FINAL"), 2);
    // The log no longer has these records: the facts count, and the other offsets are accepted as
    // lost.
    place
        .wait(place.store().admin().run_statement(row))
        .expect("rows can be written");
    let cluster = Cluster::new(&bus).expect("Kafka can be asked");
    place
        .wait(cluster.delete_records(&bus.topic, &[(PARTITION, NextOffset(10))]))
        .expect("records can be deleted");
    follow(&place, "ledger-overlap");
    counted(&place, 20);
    balanced(&place);
    place.run(&["close-year", "2025"]);
}

/// The topic is deleted and recreated while a consumer is frozen for less than its session timeout.
pub fn a_topic_swapped_under_a_consumer_is_noticed(engines: &Engines) {
    let place = prepared(engines, "swapped");
    let bus = place.bus();
    produce(&place, &events('a', 10));
    let mut consumer = place.spawn(&["consume"], "consumer.log");
    eventually("ten events are counted", || facts(&place) == 10);
    let committed = || {
        let cluster = Cluster::new(&bus).expect("Kafka can be asked");
        let committed = cluster.committed(&bus).expect("Kafka answers");
        committed[0].next == Some(NextOffset(10))
    };
    eventually("they are committed", committed);
    let pid = Pid::from_child(&consumer.0);
    kill_process(pid, Signal::STOP).expect("it can be frozen");
    let cluster = Cluster::new(&bus).expect("Kafka can be asked");
    place
        .wait(cluster.delete_topic(&bus.topic))
        .expect("the topic can be deleted");
    migrate(&place);
    produce(&place, &events('b', 25));
    kill_process(pid, Signal::CONT).expect("it can go on");
    eventually("the consumer stops", || consumer.has_ended());
    let said = std::fs::read_to_string(place.folder.join("consumer.log")).expect("it has a log");
    assert!(said.contains("created again"), "{said}");
    counted(&place, 10);
    refused(&place, &["consume", "--once"], &["--accept-new-stream"]);
    place.run(&["consume", "--once", "--accept-new-stream"]);
    counted(&place, 35);
    balanced(&place);
}

/// The disk of a broker, including the group's offsets, is restored from an older copy.
pub fn a_restored_log_is_read_as_a_new_stream(engines: &Engines) {
    let place = engines.place("put_back");
    let mut broker = Broker::start(engines, &place);
    migrate(&place);
    broker.produce(&place, &events('a', 10));
    place.run(&["consume", "--once"]);
    broker.copy("data", "snapshot");
    broker.produce(&place, &events('b', 10));
    place.run(&["consume", "--once"]);
    counted(&place, 20);
    broker.copy("snapshot", "data");

    // The log is shorter than the ledger.
    assert!(findings(&place).contains(&"log-shorter".to_owned()));
    let words = [
        "the ledger reaches to 20, but the log ends at 10",
        "affluenza accept log",
    ];
    refused(&place, &["consume", "--once"], &words);
    // The log has grown again: other records have the offsets of `b`.
    broker.produce(&place, &events('c', 10));
    assert!(findings(&place).contains(&"log-differs".to_owned()));
    let words = ["other records at offsets 10 to 20", "affluenza accept log"];
    refused(&place, &["consume", "--once"], &words);
    refused(&place, &["rebuild"], &words);
    refused(&place, &["audit", "--repair"], &["do not balance"]);
    counted(&place, 20);
    follow(&place, "log-differs");
    place.run(&["consume", "--once"]);
    counted(&place, 30);
    balanced(&place);

    // Again, with other batches: the repair removes no valid facts.
    broker.copy("snapshot", "data");
    broker.produce(&place, &events('e', 6));
    refused(&place, &["consume", "--once"], &["affluenza accept log"]);
    refused(&place, &["audit", "--repair"], &["do not balance"]);
    counted(&place, 30);
    place.run(&["accept", "log", "--reason", "a test"]);
    place.run(&["consume", "--once"]);
    counted(&place, 36);
    balanced(&place);
    place.run(&["close-year", "2025"]);
    broker.stop();
}

/// A broker whose disk can be copied and restored.
struct Broker<'e> {
    engines: &'e Engines,
    jars: KafkaJars,
    settings: KafkaSettings,
    running: Option<Kafka>,
    folder: std::path::PathBuf,
}

impl<'e> Broker<'e> {
    fn start(engines: &'e Engines, place: &Place<'_>) -> Self {
        let cache = Cache::from_env().expect("there is a cache folder");
        let jars = cache.prepare_kafka(&|line| eprintln!("{line}"));
        let jars = jars.expect("Kafka can be fetched");
        let folder = place.folder.join("broker");
        std::fs::create_dir(&folder).expect("a folder can be made");
        let mut settings = KafkaSettings::new(folder.join("data"));
        settings.port = Some(crate::chaos::lasting_port());
        let start = Kafka::start(&settings, &jars);
        let running = engines.runtime.block_on(start).expect("Kafka starts");
        let text = std::fs::read_to_string(&place.config).expect("it is there");
        let before = place.bus().bootstrap_servers;
        let text = text.replace(&before, &running.bootstrap());
        std::fs::write(&place.config, text).expect("it can be written");
        Self {
            engines,
            jars,
            settings,
            running: Some(running),
            folder,
        }
    }

    fn produce(&self, place: &Place<'_>, records: &[String]) {
        let mut bus = place.bus();
        bus.bootstrap_servers = self.running.as_ref().expect("it runs").bootstrap();
        let writer = Writer::new(&bus, &bus.topic).expect("Kafka can be written");
        for record in records {
            writer
                .send(b"k", record.as_bytes(), None, &[])
                .expect("a record is taken");
        }
        let patience = std::time::Duration::from_secs(30);
        writer.flush(patience).expect("all are acknowledged");
    }

    /// Replaces a folder by another one while the broker is stopped.
    fn copy(&mut self, from: &str, to: &str) {
        self.stop();
        let (from, to) = (self.folder.join(from), self.folder.join(to));
        if to.exists() {
            std::fs::remove_dir_all(&to).expect("it can be removed");
        }
        copy_folder(&from, &to);
        let start = Kafka::start(&self.settings, &self.jars);
        let running = self.engines.runtime.block_on(start);
        self.running = Some(running.expect("Kafka starts again"));
    }

    fn stop(&mut self) {
        if let Some(running) = self.running.take() {
            let stopped = self.engines.runtime.block_on(running.stop());
            stopped.expect("Kafka stops");
        }
    }
}

fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir(to).expect("a folder can be made");
    for entry in std::fs::read_dir(from).expect("it can be read") {
        let entry = entry.expect("it can be read");
        let target = to.join(entry.file_name());
        if entry.file_type().expect("it has a type").is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).expect("it can be copied");
        }
    }
}
