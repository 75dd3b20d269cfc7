//! Plain at-least-once: the consumer without the exactly-once protocol. All other parts are those
//! of the program.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use affluenza_classify::device::ConfiguredBots;
use affluenza_classify::geo::Geo;
use affluenza_event::UnixMillis;
use affluenza_kafka::{Cluster, NextOffset, Partition, Polled, Reader, Record};
use affluenza_pipeline::{Classifier, Config};
use affluenza_register::Register;
use affluenza_store::{BlockOrigin, EncodedBlock, FactBlock, INSERT_SETTINGS};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::contender::Role;
use crate::http::Access;

const POLL_WAIT: Duration = Duration::from_millis(5);
const PATIENCE: Duration = Duration::from_secs(60);

pub fn register() -> Register {
    let text = include_str!("../../deploy/register.toml");
    Register::parse(text).expect("the example register is right")
}

pub fn classifier() -> Classifier {
    Classifier::new(register(), Geo::none(), ConfiguredBots::default())
}

/// Returns the current end offsets of the partitions.
pub fn ends(role: &Role) -> BTreeMap<Partition, NextOffset> {
    let cluster = Cluster::new(&role.bus).expect("Kafka can be asked");
    let held = cluster
        .watermarks(&role.bus.topic)
        .expect("the topic is there");
    held.into_iter()
        .map(|(partition, held)| (partition, held.high))
        .collect()
}

pub fn consume(role: &Role) {
    let mut plain = Plain::new(role);
    let ends = ends(role);
    while plain.committed != ends {
        plain.poll();
        let at_end: Vec<Partition> = plain
            .parts
            .iter()
            .filter(|(partition, part)| ends.get(partition) == Some(&part.next))
            .map(|(partition, _)| *partition)
            .collect();
        for partition in at_end {
            plain.write(partition);
        }
        while let Ok(written) = plain.written.try_recv() {
            plain.commit(written);
        }
    }
}

/// State of an assigned partition.
struct Part {
    block: FactBlock,
    next: NextOffset,
}

/// A partition and the next offset after an inserted block.
type Written = (Partition, NextOffset);

struct Plain<'r> {
    role: &'r Role,
    config: Config,
    classifier: Classifier,
    reader: Reader,
    parts: BTreeMap<Partition, Part>,
    writing: BTreeSet<Partition>,
    committed: BTreeMap<Partition, NextOffset>,
    done: Sender<Written>,
    written: Receiver<Written>,
}

impl<'r> Plain<'r> {
    fn new(role: &'r Role) -> Self {
        let (done, written) = channel();
        Self {
            role,
            config: Config::default(),
            classifier: classifier(),
            reader: Reader::join(&role.bus).expect("the group can be joined"),
            parts: BTreeMap::new(),
            writing: BTreeSet::new(),
            committed: BTreeMap::new(),
            done,
            written,
        }
    }

    fn poll(&mut self) {
        // As in a consumer, the partitions share the memory.
        let limits = self.config.block_limits(self.parts.len());
        // 512 records per call, as in the program's own loop.
        for _ in 0..512 {
            match self.reader.poll(POLL_WAIT).expect("Kafka answers") {
                Polled::Assigned(partitions) => {
                    let starts = partitions.iter().map(|p| (*p, NextOffset(0)));
                    let starts: Vec<_> = starts.collect();
                    self.reader.assign(&starts).expect("they can be read");
                    self.parts
                        .extend(starts.into_iter().map(|(partition, next)| {
                            let block = FactBlock::default();
                            (partition, Part { block, next })
                        }));
                }
                Polled::Record(record) => {
                    let partition = record.partition();
                    let part = self.parts.get_mut(&partition).expect("it is ours");
                    take(&record, &mut self.classifier, &mut part.block);
                    part.next = record.offset().next();
                    // As in the program, a block grows further while the previous one is inserted.
                    let is_writing = self.writing.contains(&partition);
                    let enough = |limit: usize| limit - if is_writing { 0 } else { limit / 3 };
                    if part.block.rows() >= enough(limits.records)
                        || part.block.bytes() >= enough(limits.bytes)
                    {
                        return self.write(partition);
                    }
                }
                Polled::Revoked { .. }
                | Polled::Ended { .. }
                | Polled::Trouble(_)
                | Polled::Nothing => return,
            }
        }
    }

    /// Starts to insert the block of a partition. Each partition has one insert in flight at most.
    fn write(&mut self, partition: Partition) {
        while self.writing.contains(&partition) {
            let written = self.written.recv().expect("a writer answers");
            self.commit(written);
        }
        let part = self.parts.get_mut(&partition).expect("it is ours");
        if part.block.is_empty() {
            return;
        }
        let (block, next) = (std::mem::take(&mut part.block), part.next);
        let origin = BlockOrigin {
            stream: "plain".into(),
            kafka_partition: partition.0.unsigned_abs(),
            rules: self.classifier.rules().to_owned(),
        };
        let (access, done) = (self.role.access.clone(), self.done.clone());
        self.writing.insert(partition);
        std::thread::spawn(move || {
            insert(&access, &block.encode(&origin));
            done.send((partition, next)).expect("it is waited for");
        });
    }

    fn commit(&mut self, (partition, next): Written) {
        self.reader
            .commit(partition, next, "")
            .expect("it can be committed");
        self.committed.insert(partition, next);
        self.writing.remove(&partition);
    }
}

pub fn take(record: &Record<'_>, classifier: &mut Classifier, block: &mut FactBlock) {
    let event = affluenza_event::parse(
        record.payload(),
        record.written_ms().map_or(UnixMillis::UNKNOWN, UnixMillis),
    )
    .expect("every record is an event");
    classifier.push(&event, record.offset(), block);
}

/// Inserts a block as the program does, but without the settings that make a retry idempotent.
pub fn insert(access: &Access, block: &EncodedBlock) {
    let mut settings = String::new();
    for (name, value) in INSERT_SETTINGS {
        let value = match *name {
            "insert_deduplicate" => "0",
            "deduplicate_insert" | "deduplicate_insert_select" => "disable",
            _ => value,
        };
        settings.push_str(&format!("&{name}={value}"));
    }
    for (statement, rows) in [
        (FactBlock::insert_facts("usage_events"), &block.facts),
        (FactBlock::insert_hours(), &block.hours),
    ] {
        let query = utf8_percent_encode(&statement, NON_ALPHANUMERIC);
        access
            .post(&format!("&query={query}{settings}"), rows, PATIENCE)
            .expect("ClickHouse takes a block");
    }
}
