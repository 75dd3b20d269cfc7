//! The two limits, and the work between them.

use std::io::{BufRead, BufReader, Write};
use std::process::Child;
use std::sync::Mutex;
use std::time::Duration;

use affluenza_event::UnixMillis;
use affluenza_kafka::{NextOffset, Polled, Reader, scan_range};
use affluenza_store::{BlockOrigin, EncodedBlock, FactBlock};

use crate::contender::Role;
use crate::plain;

/// Concurrent inserts, as by a consumer of four partitions.
const WRITERS: usize = 4;

/// Reads every record and adds up the lengths.
pub fn count(role: &Role) {
    let total: u64 = plain::ends(role)
        .values()
        .map(|end| end.0.unsigned_abs())
        .sum();
    let reader = Reader::join(&role.bus).expect("the group can be joined");
    let (mut records, mut bytes) = (0, 0);
    while records < total {
        match reader
            .poll(Duration::from_millis(5))
            .expect("Kafka answers")
        {
            Polled::Assigned(partitions) => {
                let starts = partitions.into_iter().map(|p| (p, NextOffset(0)));
                reader
                    .assign(&starts.collect::<Vec<_>>())
                    .expect("they can be read");
            }
            Polled::Record(record) => {
                records += 1;
                bytes += record.payload().len();
            }
            Polled::Revoked { .. }
            | Polled::Ended { .. }
            | Polled::Trouble(_)
            | Polled::Nothing => {}
        }
    }
    assert!(bytes > 0, "records have bytes");
}

/// Encodes all blocks, prints `ready`, waits for a line of input, and inserts the blocks.
pub fn insert(role: &Role) {
    let blocks = blocks(role);
    wait_for_start();
    let left = Mutex::new(blocks);
    std::thread::scope(|scope| {
        for _ in 0..WRITERS {
            scope.spawn(|| {
                let next = || left.lock().expect("nobody panics").pop();
                while let Some(block) = next() {
                    plain::insert(&role.access, &block);
                }
            });
        }
    });
}

/// Reads the log into memory, prints `ready`, waits for a line of input, and encodes all blocks.
pub fn work(role: &Role) {
    let cluster = affluenza_kafka::Cluster::new(&role.bus).expect("Kafka can be asked");
    let held = cluster
        .watermarks(&role.bus.topic)
        .expect("the topic is there");
    // Records are contiguous in memory, as a consumer receives them.
    let mut log = Vec::new();
    let mut records = Vec::new();
    for (partition, held) in held {
        scan_range(&role.bus, &role.bus.topic, partition, held, |record| {
            let written = record.written_ms().map_or(UnixMillis::UNKNOWN, UnixMillis);
            log.extend_from_slice(record.payload());
            records.push((record.offset(), written, record.payload().len()));
        })
        .expect("the log can be read");
    }
    let limits = affluenza_pipeline::Config::default().block_limits(WRITERS);
    let mut classifier = plain::classifier();
    let origin = BlockOrigin {
        stream: "plain".into(),
        kafka_partition: 0,
        rules: classifier.rules().to_owned(),
    };
    wait_for_start();
    let mut block = FactBlock::default();
    let mut rest = &log[..];
    for (offset, written, length) in records {
        let (payload, after) = rest.split_at(length);
        rest = after;
        let event = affluenza_event::parse(payload, written).expect("every record is an event");
        classifier.push(&event, offset, &mut block);
        if block.rows() >= limits.records || block.bytes() >= limits.bytes {
            let next = block.another();
            std::hint::black_box(std::mem::replace(&mut block, next).encode(&origin));
        }
    }
    std::hint::black_box(block.encode(&origin));
}

fn wait_for_start() {
    println!("ready");
    let mut go = String::new();
    std::io::stdin().read_line(&mut go).expect("a word comes");
}

fn blocks(role: &Role) -> Vec<EncodedBlock> {
    let limits = affluenza_pipeline::Config::default().block_limits(WRITERS);
    let mut classifier = plain::classifier();
    let cluster = affluenza_kafka::Cluster::new(&role.bus).expect("Kafka can be asked");
    let held = cluster
        .watermarks(&role.bus.topic)
        .expect("the topic is there");
    let mut encoded = Vec::new();
    for (partition, held) in held {
        let origin = BlockOrigin {
            stream: "plain".into(),
            kafka_partition: partition.0.unsigned_abs(),
            rules: classifier.rules().to_owned(),
        };
        let mut block = FactBlock::default();
        scan_range(&role.bus, &role.bus.topic, partition, held, |record| {
            plain::take(record, &mut classifier, &mut block);
            if block.rows() >= limits.records || block.bytes() >= limits.bytes {
                encoded.push(std::mem::take(&mut block).encode(&origin));
            }
        })
        .expect("the log can be read");
        if !block.is_empty() {
            encoded.push(block.encode(&origin));
        }
    }
    encoded
}

/// The input of a program that has finished its preparation.
pub struct Ready(std::process::ChildStdin);

pub fn wait_until_ready(child: &mut Child) -> Ready {
    let said = child.stdout.take().expect("its output is a pipe");
    let mut line = String::new();
    BufReader::new(said)
        .read_line(&mut line)
        .expect("it says something");
    assert_eq!(line, "ready\n");
    Ready(child.stdin.take().expect("its input is a pipe"))
}

impl Ready {
    pub fn go(mut self) {
        self.0.write_all(b"go\n").expect("it listens");
    }
}
