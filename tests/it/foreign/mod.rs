//! Third-party producers: the official Java client, librdkafka and a Python client, with every
//! codec, plain, idempotent and transactional, structured and binary.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::support::{Engines, Place, eventually, source, stderr};

const CLIENTS: [&str; 3] = ["java", "librdkafka", "kafka-python"];
const CODECS: [&str; 5] = ["none", "gzip", "snappy", "lz4", "zstd"];
/// Events that a producer sends in each form.
const EVENTS: u64 = 3;
/// Small blocks place markers and aborted records in the middle of blocks, at their ends, and
/// alone.
const SMALL_BLOCKS: (&str, &str) = ("AFFLUENZA__CONSUME__BLOCK_RECORDS_MAX", "7");
/// A static member id, so that a killed consumer is replaced at once.
const NAMED: (&str, &str) = ("AFFLUENZA__KAFKA__INSTANCE", "one");
const SETTINGS: [(&str, &str); 2] = [SMALL_BLOCKS, NAMED];

/// The interpreter for which `make foreign` installs the Python clients.
pub fn python() -> PathBuf {
    let python = source("target/tools/foreign/bin/python");
    assert!(
        python.exists(),
        "the Python clients are missing: run `make foreign`"
    );
    python
}

/// Third-party clients on the topic of a place.
struct Foreign<'p> {
    engines: &'p Engines,
    place: &'p Place<'p>,
}

impl Foreign<'_> {
    fn java(&self, command: &str) -> Child {
        let mut java = Command::new(self.engines.jars.java());
        java.arg("-cp")
            .arg(self.engines.jars.class_path())
            .arg(source("tests/it/foreign/Producers.java"));
        self.start(java, &[command])
    }

    fn python(&self, arguments: &[&str]) -> Child {
        let mut python = Command::new(python());
        python.arg(source("tests/it/foreign/producers.py"));
        self.start(python, arguments)
    }

    fn start(&self, mut command: Command, arguments: &[&str]) -> Child {
        let bus = self.place.bus();
        command
            .args([&bus.bootstrap_servers, &bus.topic])
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the client starts")
    }
}

fn ends_well(child: Child) {
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success(), "a client: {}", stderr(&output));
}

fn consume_once(place: &Place<'_>) {
    let output = place
        .command(&["consume", "--once"])
        .envs(SETTINGS)
        .output()
        .expect("the program runs");
    assert!(output.status.success(), "{}", stderr(&output));
}

/// Facts by portal, whose name contains client, codec, mode and form.
fn stored(place: &Place<'_>) -> BTreeMap<String, u64> {
    let query = "SELECT portal, count() FROM usage_events GROUP BY portal FORMAT TSV";
    let rows = place.access().rows(query).into_iter();
    rows.map(|row| (row[0].clone(), row[1].parse().expect("a number")))
        .collect()
}

fn audit(place: &Place<'_>) -> Value {
    let output = place
        .command(&["audit", "--format", "json"])
        .output()
        .expect("the program runs");
    serde_json::from_slice(&output.stdout).expect("an audit is JSON")
}

/// Checks that all readable records were read and every offset is accounted for.
fn check_balanced(place: &Place<'_>, audit: &Value) {
    assert_eq!(audit["balanced"], true, "{audit:#}");
    let unexplained = "SELECT toUInt64(sum(abs(toInt64(next_offset - first_offset) - toInt64(records_read) - toInt64(control)))) FROM ingest_ledger FINAL";
    assert_eq!(place.count(unexplained), 0);
    for partition in audit["partitions"].as_array().expect("a list") {
        let lag = match partition["committed_offset"].as_i64() {
            Some(at) => partition["log_next_offset"].as_i64().expect("an end") - at,
            None => 0,
        };
        assert_eq!(lag, 0, "{partition}");
    }
}

/// Events that all clients have committed.
fn expected() -> BTreeMap<String, u64> {
    let mut expected = BTreeMap::new();
    for form in ["structured", "binary"] {
        for codec in CODECS {
            for client in CLIENTS {
                for mode in ["plain", "idempotent", "commit"] {
                    expected.insert(format!("{client}-{codec}-{mode}-{form}"), EVENTS);
                }
            }
            if codec != "none" {
                expected.insert(format!("java-{codec}-topic-{form}"), EVENTS);
            }
        }
        expected.insert(format!("java-zstd-broker-{form}"), EVENTS);
    }
    expected.insert("kafka-python-none-untimed-structured".to_owned(), 1);
    expected
}

/// Consumes while clients write, killed repeatedly. Blocks then often end in control records.
fn consume_under_kills(place: &Place<'_>, clients: &mut [Child]) {
    let has_ended = |clients: &mut [Child]| {
        clients
            .iter_mut()
            .all(|client| client.try_wait().expect("it can be asked").is_some())
    };
    while !has_ended(clients) {
        let before = place.records_processed();
        let mut consumer = place.spawn_with(&["consume"], "killed.log", &SETTINGS);
        eventually("the consumer gets on, or the clients end", || {
            assert!(!consumer.has_ended(), "see killed.log");
            place.records_processed() > before + 20 || has_ended(clients)
        });
        consumer.kill();
    }
}

pub fn producers_of_every_kind_count_exactly(engines: &Engines) {
    let place = engines.place("foreign");
    place.run(&["migrate"]);
    let foreign = Foreign {
        engines,
        place: &place,
    };
    let mut clients = [foreign.java("all"), foreign.python(&["all"])];
    consume_under_kills(&place, &mut clients);
    clients.into_iter().for_each(ends_well);
    ends_well(foreign.java("elsewhere"));
    ends_well(foreign.python(&["odd"]));
    consume_once(&place);
    let mut expected = expected();
    assert_eq!(stored(&place), expected);
    assert_eq!(
        place.count("SELECT sum(rejected) FROM ingest_ledger FINAL"),
        1,
        "the tombstone"
    );
    // Each client aborts one transaction per codec and commits another one. Both markers and the
    // aborted records are control records.
    let control = place.count("SELECT sum(control) FROM ingest_ledger FINAL");
    assert!(control >= 15 * 2 + 15 * 2 * EVENTS, "{control}");
    check_balanced(&place, &audit(&place));

    open_transactions_are_named(&foreign);
    eventually("Kafka aborts what is left open", || {
        audit(&place)["open_transactions"]
            .as_array()
            .is_some_and(Vec::is_empty)
    });
    consume_once(&place);
    for partition in 0..3 {
        expected.insert(format!("librdkafka-none-behind{partition}-structured"), 1);
    }
    assert_eq!(stored(&place), expected);
    check_balanced(&place, &audit(&place));
    let told = place.run(&["close-year", "2025"]);
    assert!(told.contains("2025 closed"), "{told}");
}

/// Leaves three transactions open, each in its own partition.
fn open_transactions_are_named(foreign: &Foreign<'_>) {
    let place = foreign.place;
    let before = stored(place);
    ends_well(foreign.java("open"));
    ends_well(foreign.python(&["open"]));
    let audit = audit(place);
    let open = audit["open_transactions"].as_array().expect("a list");
    let topic = place.bus().topic;
    let names: Vec<Value> = open
        .iter()
        .map(|one| one["transactional_id"].clone())
        .collect();
    let wanted = CLIENTS.map(|client| Value::from(format!("{topic}-{client}-open")));
    assert_eq!(names, wanted, "{audit:#}");
    assert!(open.iter().all(|one| one["since_ms"].is_i64()), "{audit:#}");
    consume_once(place);
    assert_eq!(stored(place), before, "what is open is not counted");
    let said = place.run(&["audit"]);
    assert!(said.contains("an open transaction of producer"), "{said}");
}

/// A group member with another assignment strategy causes one clear error line.
pub fn another_assignor_is_refused(engines: &Engines) {
    let place = engines.place("assignor");
    place.run(&["migrate"]);
    let foreign = Foreign {
        engines,
        place: &place,
    };
    let mut member = foreign.python(&["other-assignor", &place.bus().group]);
    let mut said = String::new();
    let out = member.stdout.take().expect("its output is read");
    BufReader::new(out)
        .read_line(&mut said)
        .expect("it says that it has joined");
    assert_eq!(said, "joined\n");
    let output = place
        .command(&["consume"])
        .output()
        .expect("the program runs");
    assert_eq!(output.status.code(), Some(1));
    let said = stderr(&output);
    assert!(said.contains("use another partition assignor"), "{said}");
    drop(member.stdin.take());
    member.wait().expect("it ends");
}

/// A topic with compaction: removed records count as control, if the topic's configuration explains
/// them.
pub fn compacted_topics_balance(engines: &Engines) {
    let place = engines.place("compacted");
    let foreign = Foreign {
        engines,
        place: &place,
    };
    ends_well(foreign.python(&["compacted"]));
    place.run(&["migrate"]);
    ends_well(foreign.python(&["compact"]));
    // In a topic without compaction the same gap counts as a loss.
    ends_well(foreign.python(&["policy", "delete"]));
    consume_once(&place);
    let lost = audit(&place);
    let finding = &lost["findings"][0];
    assert_eq!(finding["code"], "offsets-without-record", "{lost:#}");
    assert!(finding["next_offset"].as_u64() > finding["first_offset"].as_u64());
    // With the explanation in place, the repair rewrites the ledger row.
    ends_well(foreign.python(&["policy", "compact"]));
    place.run(&["audit", "--repair"]);
    assert!(place.count("SELECT sum(control) FROM ingest_ledger FINAL") > 0);
    check_balanced(&place, &audit(&place));
    // New blocks are correct at once.
    ends_well(foreign.python(&["compact"]));
    consume_once(&place);
    check_balanced(&place, &audit(&place));
}
