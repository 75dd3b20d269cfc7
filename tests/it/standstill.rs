//! Partitions that stand still: the log, the metric, `/status` and `audit` name partition, offset
//! and cause. Faults come from outside: changed bytes of a segment, deleted topics and views, a
//! member with another assignment strategy, stopped processes.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use affluenza_kafka::{Cluster, Config as BusConfig, NextOffset, Polled, Reader, Writer};
use jiff::Timestamp;
use rustix::process::{Pid, Signal, kill_process};

use crate::api::serve;
use crate::support::{Engines, Place, Running, eventually, stderr};
use crate::watching::{Watched, event};

/// One partition, so that the offset of each record is known.
const ONE: [(&str, &str); 1] = [("AFFLUENZA__KAFKA__PARTITIONS", "1")];

/// Timeout until a standstill is reported, with a margin for a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);
/// Greatest age of a figure that the API gives, with a margin for a busy machine.
const OLD_MAX: Duration = Duration::from_secs(25);

fn migrated<'e>(engines: &'e Engines, name: &str) -> Place<'e> {
    let place = engines.place(name);
    let migrate = place.command(&["migrate"]).envs(ONE).output();
    assert!(migrate.expect("the program runs").status.success());
    place
}

/// Sends a batch of events with the current time.
fn produce(place: &Place<'_>, ids: std::ops::Range<usize>) {
    let now = Timestamp::now();
    let events: Vec<Vec<u8>> = ids.map(|id| event("lively", id, now)).collect();
    place.produce(events.iter().map(|event| ("k", event.as_slice())));
}

/// Output of `audit`, which must fail.
fn not_balanced(place: &Place<'_>) -> String {
    let output = place.command(&["audit"]).output();
    let output = output.expect("the program runs");
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &stderr(&output);
    assert!(!output.status.success(), "{said}");
    said
}

fn facts(place: &Place<'_>) -> u64 {
    place.count("SELECT count() FROM usage_events")
}

/// Polls until each of four places contains `words`, and prints the delay in seconds.
struct Look<'p> {
    place: &'p Place<'p>,
    log: &'p str,
    began: Instant,
}

impl Look<'_> {
    fn seconds(&self, what: &str, mut condition: impl FnMut() -> bool) {
        while !condition() {
            assert!(
                self.began.elapsed() < PATIENCE,
                "timed out: {what}\n{}",
                self.log()
            );
            std::thread::sleep(Duration::from_millis(100));
        }
        let seconds = self.began.elapsed().as_secs_f64();
        eprintln!("standstill {}: {what} after {seconds:.1} s", self.log);
    }

    /// Checks metric, log and readiness of a partition that stands at `offset`.
    fn names(&self, watched: &Watched, offset: i64, cause: &str, words: &str) {
        let metric = format!(
            "affluenza_consume_standstill_seconds{{partition=\"0\",offset=\"{offset}\",cause=\"{cause}\"}} "
        );
        self.seconds("metric", || watched.get("/metrics").1.contains(&metric));
        let stands = format!("partition 0 has stood at offset {offset} ");
        self.seconds("readiness", || {
            let (status, said) = watched.get("/status");
            status == 503 && said.contains(&stands) && said.contains(words)
        });
        self.seconds("log", || {
            let log = self.log();
            let mut errors = log.lines().filter(|line| line.contains("ERROR"));
            errors.any(|line| line.contains(&stands) && line.contains(words))
        });
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.place.folder.join(self.log)).unwrap_or_default()
    }
}

/// A segment of the only partition of a place's topic, modified in place.
struct Segment {
    path: PathBuf,
    whole: Vec<u8>,
}

impl Segment {
    fn of(engines: &Engines, place: &Place<'_>) -> Self {
        let wanted = format!("{}-0", place.bus().topic);
        let mut folders = vec![engines.folder.join("kafka")];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).expect("it is a folder") {
                let path = entry.expect("it can be listed").path();
                if path.is_dir() && path.file_name().is_some_and(|name| *name == *wanted) {
                    let path = path.join("00000000000000000000.log");
                    let whole = std::fs::read(&path).expect("there is a segment");
                    return Self { path, whole };
                }
                if path.is_dir() {
                    folders.push(path);
                }
            }
        }
        panic!("no folder {wanted}");
    }

    /// Position of the batch that contains `offset`.
    fn batch(&self, offset: i64) -> usize {
        let mut at = 0;
        loop {
            let base = i64::from_be_bytes(self.whole[at..at + 8].try_into().expect("8 bytes"));
            let length =
                i32::from_be_bytes(self.whole[at + 8..at + 12].try_into().expect("4 bytes"));
            let last =
                i32::from_be_bytes(self.whole[at + 23..at + 27].try_into().expect("4 bytes"));
            if base + i64::from(last) >= offset {
                return at;
            }
            at += 12 + usize::try_from(length).expect("a length");
        }
    }

    fn write(&self, at: usize, bytes: &[u8]) {
        use std::os::unix::fs::FileExt;
        let file = std::fs::File::options().write(true).open(&self.path);
        let file = file.expect("it can be opened");
        file.write_all_at(bytes, u64::try_from(at).expect("it fits"))
            .expect("it can be written");
    }

    /// Flips a bit in the records of a batch, as a bad disk does.
    fn flip(&self, offset: i64) {
        let at = self.batch(offset) + 70;
        self.write(at, &[self.whole[at] ^ 0x10]);
    }

    /// Sets a codec that no client knows, with a valid checksum.
    fn make_unknown_codec(&self, offset: i64) {
        let at = self.batch(offset);
        let length = i32::from_be_bytes(self.whole[at + 8..at + 12].try_into().expect("4 bytes"));
        let end = at + 12 + usize::try_from(length).expect("a length");
        let mut batch = self.whole[at + 21..end].to_vec();
        batch[1] = (batch[1] & !7) | 6;
        self.write(at + 21, &batch);
        self.write(at + 17, &crc32c(&batch).to_be_bytes());
    }

    fn heal(&self) {
        self.write(0, &self.whole);
    }
}

fn crc32c(bytes: &[u8]) -> u32 {
    let step = |crc: u32, _| (crc >> 1) ^ (0x82f6_3b78 & (crc & 1).wrapping_neg());
    !bytes
        .iter()
        .fold(!0, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), step))
}

pub fn a_damaged_batch_is_named_and_not_skipped(engines: &Engines) {
    for (name, damage) in [
        ("damaged", Segment::flip as fn(&Segment, i64)),
        ("codec", Segment::make_unknown_codec),
    ] {
        let place = migrated(engines, name);
        produce(&place, 0..5);
        place.run(&["consume", "--once"]);
        produce(&place, 5..10);
        produce(&place, 10..15);
        let segment = Segment::of(engines, &place);
        damage(&segment, 5);
        let began = Instant::now();
        let once = place.command(&["consume", "--once"]).output();
        let said = stderr(once.as_ref().expect("the program runs"));
        let words = "partition 0 has stood at offset 5";
        assert!(
            said.contains(words) && !once.expect("it ran").status.success(),
            "{said}"
        );
        eprintln!(
            "{name}: --once ended after {:.1} s",
            began.elapsed().as_secs_f64()
        );
        let log = format!("{name}.log");
        let look = Look {
            place: &place,
            log: &log,
            began: Instant::now(),
        };
        let watched = Watched::start(&place, &log, &[]);
        look.names(&watched, 5, "unreadable", "the record cannot be read");
        look.seconds("audit", || {
            not_balanced(&place).contains("partition 0, offsets 5 to 15: records wait and are not read: the record cannot be read")
        });
        assert_eq!(facts(&place), 5, "{name}: nothing behind it is read");
        segment.heal();
        // The consumer retries without a restart.
        eventually("everything is read", || facts(&place) == 15);
        eventually("it is well", || watched.get("/status").0 == 200);
        let gone = watched.value("affluenza_consume_standstill_seconds");
        assert_eq!(gone, None, "{name}");
        watched.running.terminate();
        assert!(place.run(&["audit"]).contains("balanced"));
    }
}

pub fn a_missing_topic_is_named(engines: &Engines) {
    let place = migrated(engines, "letterless");
    let bus = place.bus();
    let cluster = Cluster::new(&bus).expect("Kafka can be asked");
    let watched = Watched::start(&place, "letterless.log", &[]);
    produce(&place, 0..1);
    eventually("it is well", || {
        facts(&place) == 1 && watched.get("/status").0 == 200
    });
    place
        .wait(cluster.delete_topic(&bus.dead_letter_topic))
        .expect("a topic can be deleted");
    let look = Look {
        place: &place,
        log: "letterless.log",
        began: Instant::now(),
    };
    let words = format!("topic {} does not exist", bus.dead_letter_topic);
    look.seconds("readiness", || {
        let (status, said) = watched.get("/status");
        status == 503 && said.contains(&words)
    });
    assert_eq!(watched.value("affluenza_consume_faults"), Some(1.0));
    assert!(look.log().contains(&words));
    assert!(not_balanced(&place).contains(&words));
    // The first bad record stops its partition, which reports it.
    place.produce([("k", b"no event".as_slice())]);
    let look = Look {
        began: Instant::now(),
        ..look
    };
    look.seconds("metric", || {
        let scrape = watched.get("/metrics").1;
        scrape.contains("offset=\"1\",cause=\"dead-letters\"} ")
    });
    look.seconds("log", || {
        look.log()
            .contains("dead letters to topic letterless.dead-letters")
    });
    drop(watched);
    let start = place.command(&["consume"]).output();
    let said = stderr(&start.expect("the program runs"));
    assert!(
        said.lines()
            .last()
            .is_some_and(|line| line.contains(&words)),
        "{said}"
    );
    place.run(&["migrate"]);
    place.run(&["consume", "--once"]);
    assert!(place.run(&["audit"]).contains("balanced"));
}

pub fn a_missing_or_altered_view_is_named(engines: &Engines) {
    let place = migrated(engines, "viewless");
    let watched = Watched::start(&place, "viewless.log", &[]);
    produce(&place, 0..1);
    eventually("it is well", || {
        facts(&place) == 1 && watched.get("/status").0 == 200
    });
    let run = |sql: &str| {
        place
            .wait(place.store().admin().run_statement(sql))
            .expect("it runs")
    };
    run("DROP VIEW usage_by_ente");
    let look = Look {
        place: &place,
        log: "viewless.log",
        began: Instant::now(),
    };
    let words = "view usage_by_ente is missing";
    look.seconds("readiness", || {
        let (status, said) = watched.get("/status");
        status == 503 && said.contains(words)
    });
    assert_eq!(watched.value("affluenza_consume_faults"), Some(1.0));
    assert!(look.log().contains(words));
    produce(&place, 1..3);
    eventually("inserts go on", || facts(&place) == 3);
    assert!(not_balanced(&place).contains(words));
    drop(watched);
    let start = place.command(&["consume"]).output();
    let said = stderr(&start.expect("the program runs"));
    assert!(
        said.lines().last().is_some_and(|line| line.contains(words)),
        "{said}"
    );
    run("CREATE OR REPLACE VIEW usage_by_device AS SELECT 1 AS nothing");
    let said = not_balanced(&place);
    assert!(
        said.contains("view usage_by_device has another query"),
        "{said}"
    );
    let told = place.run(&["migrate"]);
    assert!(told.contains("usage_by_device, usage_by_ente"), "{told}");
    place.run(&["audit"]);
    let counted = "SELECT sum(events) FROM usage_hourly";
    assert_eq!(place.count(counted), 3);
    run("ALTER TABLE ingest_ledger DROP COLUMN erased");
    let start = place.command(&["consume", "--once"]).output();
    let said = stderr(&start.expect("the program runs"));
    assert!(
        said.contains("table ingest_ledger has no column erased"),
        "{said}"
    );
}

/// Sends an event whose record is older than the limit for waiting records.
fn produce_old(place: &Place<'_>, id: usize, seconds: i64) {
    let now = Timestamp::now();
    let bus = place.bus();
    let writer = Writer::new(&bus, &bus.topic).expect("Kafka can be written");
    let written = now.as_millisecond() - seconds * 1000;
    let event = event("lively", id, now);
    let sent = writer.send(b"k", &event, Some(written), &[]);
    sent.expect("a record is taken");
    let flushed = writer.flush(Duration::from_secs(30));
    flushed.expect("it is acknowledged");
}

pub fn a_partition_without_an_owner_is_named(engines: &Engines) {
    let place = migrated(engines, "ownerless");
    produce(&place, 0..1);
    place.run(&["consume", "--once"]);
    produce_old(&place, 1, 60);
    assert!(
        place.run(&["audit"]).contains("balanced"),
        "a minute is not long"
    );
    place.run(&["consume", "--once"]);
    produce_old(&place, 2, 200);
    let said = not_balanced(&place);
    assert!(
        said.contains(
            "partition 0, offsets 2 to 3: records wait and are not read, the first for 2"
        ) && said.contains("no consumer of the group ownerless runs"),
        "{said}"
    );
    // A member with another assignment strategy occupies the group.
    let mut other = place.bus();
    let range = (
        "partition.assignment.strategy".to_owned(),
        "range".to_owned(),
    );
    other.properties.extend([range]);
    let member = Reader::join(&other).expect("the group can be joined");
    eventually("the other member is given the partition", || {
        let polled = member.poll(Duration::from_millis(100));
        matches!(polled, Ok(Polled::Assigned(_)))
    });
    // The other member stays in the group only while it polls.
    let mut running = place.spawn(&["consume"], "ownerless.log");
    eventually("the consumer ends", || {
        drop(member.poll(Duration::from_millis(100)));
        running.has_ended()
    });
    let log = std::fs::read_to_string(place.folder.join("ownerless.log")).unwrap_or_default();
    assert!(log.contains("use another partition assignor"), "{log}");
    drop(member);
    place.run(&["consume", "--once"]);
    assert!(place.run(&["audit"]).contains("balanced"));
}

fn signal(pid: u32, signal: Signal) {
    let pid = Pid::from_raw(pid.cast_signed()).expect("it has a number");
    kill_process(pid, signal).expect("it can be signalled");
}

/// Maximum duration of a shutdown after a signal, with a margin for a busy machine.
const END_MAX: Duration = Duration::from_secs(30);

fn says(place: &Place<'_>, log: &str, words: &str) {
    let path = place.folder.join(log);
    eventually(words, || {
        std::fs::read_to_string(&path).is_ok_and(|text| text.contains(words))
    });
}

fn ends(name: &str, running: Running) {
    let began = Instant::now();
    let status = running.end();
    let took = began.elapsed();
    eprintln!(
        "{name} ended {:.1} s after SIGTERM: {status}",
        took.as_secs_f64()
    );
    assert!(took < END_MAX, "{name} took {took:?}");
}

pub fn frozen_servers_are_named_and_hold_no_end(shared: &Engines) {
    // Separate servers, because other tests would stand still with the shared ones.
    let engines = shared.runtime.block_on(Engines::start());
    let place = migrated(&engines, "frozen");
    produce(&place, 0..1);
    place.run(&["consume", "--once"]);

    let (clickhouse, kafka) = (engines.clickhouse.pid(), engines.kafka.pid());
    let watched = Watched::start(&place, "clickhouse.log", &[]);
    eventually("it is well", || watched.get("/status").0 == 200);
    signal(clickhouse, Signal::STOP);
    produce(&place, 1..2);
    let look = Look {
        place: &place,
        log: "clickhouse.log",
        began: Instant::now(),
    };
    look.names(&watched, 1, "clickhouse", "waiting for ClickHouse");
    let audit = place.spawn(&["audit"], "audit.log");
    ends("consume, ClickHouse frozen", watched.running);
    ends("audit, ClickHouse frozen", audit);
    signal(clickhouse, Signal::CONT);
    let serving = place.spawn(&["serve"], "serve-clickhouse.log");
    says(&place, "serve-clickhouse.log", "http://");
    signal(clickhouse, Signal::STOP);
    ends("serve, ClickHouse frozen", serving);
    signal(clickhouse, Signal::CONT);

    let watched = Watched::start(&place, "kafka.log", &[]);
    eventually("it is well", || watched.get("/status").0 == 200);
    eventually("the record is stored", || facts(&place) == 2);
    let cluster = Cluster::new(&place.bus()).expect("Kafka can be asked");
    eventually("its offset is committed", || {
        let committed = cluster.committed(&place.bus()).expect("Kafka answers");
        committed[0].next == Some(NextOffset(2))
    });
    let collect = place.spawn(&["collect", "--listen", "127.0.0.1:0"], "collect-kafka.log");
    says(&place, "collect-kafka.log", "collecting");
    signal(kafka, Signal::STOP);
    let look = Look {
        place: &place,
        log: "kafka.log",
        began: Instant::now(),
    };
    look.names(&watched, 2, "kafka", "Kafka");
    let audit = place.spawn(&["audit"], "audit-kafka.log");
    let said = || std::fs::read_to_string(place.folder.join("audit-kafka.log")).unwrap_or_default();
    let look = Look {
        place: &place,
        log: "audit-kafka.log",
        began: Instant::now(),
    };
    look.seconds("Kafka away said", || said().contains("does not answer"));
    ends("consume, Kafka frozen", watched.running);
    ends("collect, Kafka frozen", collect);
    ends("audit, Kafka frozen", audit);
    signal(kafka, Signal::CONT);
    // A broker that was frozen for a minute may need as long to register again.
    eventually("the rest is consumed", || {
        let output = place.command(&["consume", "--once"]).output();
        output.is_ok_and(|output| output.status.success())
    });
    assert!(place.run(&["audit"]).contains("balanced"));
    old_figures_are_refused(place, clickhouse);
    shared.runtime.block_on(engines.stop());
}

/// A figure whose age is not known is not given, even if the API has kept it.
fn old_figures_are_refused(place: Place<'_>, clickhouse: u32) {
    let api = serve(place);
    let key = api.key(&["all"]);
    let bearer = format!("Bearer {key}");
    // Asked once: clients would wait and ask again.
    let status = || {
        let headers = [("Authorization", &*bearer)];
        api.ask("/v1/usage?period=2026", &headers).status
    };
    eventually("the API answers", || status() == 200);
    signal(clickhouse, Signal::STOP);
    let began = Instant::now();
    eventually("the API answers no more", || status() == 503);
    let took = began.elapsed();
    signal(clickhouse, Signal::CONT);
    eprintln!(
        "ClickHouse frozen: no figures after {:.1} s",
        took.as_secs_f64()
    );
    assert!(took < OLD_MAX, "{took:?}");
    eventually("the API answers again", || status() == 200);
}

pub fn overridden_guards_and_kafka_away_are_refused(engines: &Engines) {
    let place = migrated(engines, "guarded_settings");
    for (name, value) in [
        ("ISOLATION_LEVEL", "read_uncommitted"),
        ("AUTO_OFFSET_RESET", "latest"),
        ("AUTO.OFFSET_RESET", "earliest"),
        ("ENABLE_AUTO_COMMIT", "true"),
        ("CHECK_CRCS", "false"),
        ("GROUP_ID", "another"),
        ("PARTITION_ASSIGNMENT_STRATEGY", "range"),
    ] {
        let variable = format!("AFFLUENZA__KAFKA__PROPERTIES__{name}");
        for arguments in [&["config", "check"][..], &["consume", "--once"]] {
            let output = place.command(arguments).env(&variable, value).output();
            let output = output.expect("the program runs");
            let said = stderr(&output);
            let plain = name.to_lowercase();
            assert!(
                !output.status.success() && said.contains(&plain),
                "{name}: {said}"
            );
        }
    }
    let nowhere = BusConfig {
        bootstrap_servers: "127.0.0.1:9".into(),
        ..place.bus()
    };
    for arguments in [&["audit"][..], &["consume", "--once"], &["migrate"]] {
        let began = Instant::now();
        let output = place
            .command(arguments)
            .env(
                "AFFLUENZA__KAFKA__BOOTSTRAP_SERVERS",
                &nowhere.bootstrap_servers,
            )
            .output();
        let said = stderr(&output.expect("the program runs"));
        assert!(said.contains("Connection refused"), "{said}");
        eprintln!(
            "{arguments:?} without Kafka: {:.1} s",
            began.elapsed().as_secs_f64()
        );
        // About four seconds are expected; the rest is a margin for a busy machine.
        assert!(began.elapsed() < Duration::from_secs(15), "{arguments:?}");
    }
}
