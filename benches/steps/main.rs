//! Measures the steps of the consumer for each event: decode, classify, encode, and all three
//! together. Runs over records that fit a CPU cache and over a log that does not. The simulator
//! generates the events, a scaled-down year.
//!
//! `make bench` runs it. Expected for all three steps: 670 ns an event, 1.5 million events a second
//! on one core.

use std::hint::black_box;
use std::ops::Range;

use affluenza_classify::device::ConfiguredBots;
use affluenza_classify::geo::Geo;
use affluenza_event::{Event, UnixMillis};
use affluenza_kafka::Offset;
use affluenza_pipeline::{Classifier, Config};
use affluenza_register::Register;
use affluenza_simulator::{Options, Simulation, TargetFigures};
use affluenza_store::{BlockOrigin, FactBlock};
use criterion::{Criterion, SamplingMode, Throughput, criterion_group, criterion_main};

/// Share of the year's events: about 20,000, which fit a large cache.
const SCALE: f64 = 0.01;
/// Share for the log: about 400,000, ten times the size of a cache.
const LOG_SCALE: f64 = 0.2;

fn register() -> Register {
    let text = include_str!("../../deploy/register.toml");
    Register::parse(text).expect("the example register is right")
}

fn simulation(scale: f64) -> Simulation {
    let figures = TargetFigures::focus(2017).expect("they come with the program");
    let options = Options {
        scale,
        ..Options::default()
    };
    Simulation::new(&figures, &register(), &options).expect("the figures are right")
}

/// Records in contiguous memory, as they arrive from Kafka.
struct Log {
    bytes: Vec<u8>,
    records: Vec<(Range<usize>, UnixMillis)>,
}

impl Log {
    fn new(scale: f64) -> Self {
        let mut log = Self {
            bytes: Vec::new(),
            records: Vec::new(),
        };
        let mut simulation = simulation(scale);
        let mut json = Vec::new();
        while let Some((time, _)) = simulation.next_into(&mut json) {
            let start = log.bytes.len();
            log.bytes.extend_from_slice(&json);
            log.records.push((start..log.bytes.len(), time));
        }
        log
    }

    /// Writes the same events in another form of JSON.
    fn rewritten(&self, write: fn(&serde_json::Value) -> serde_json::Result<Vec<u8>>) -> Self {
        let mut log = Self {
            bytes: Vec::new(),
            records: Vec::new(),
        };
        for (json, written) in self.records() {
            let event = serde_json::from_slice(json).expect("events are JSON");
            let start = log.bytes.len();
            log.bytes
                .extend(write(&event).expect("events can be written"));
            log.records.push((start..log.bytes.len(), written));
        }
        log
    }

    fn records(&self) -> impl Iterator<Item = (&[u8], UnixMillis)> {
        let record = |(place, written): &(Range<usize>, _)| (&self.bytes[place.clone()], *written);
        self.records.iter().map(record)
    }

    fn name(&self) -> String {
        let records = self.records.len();
        format!("{records} events of {} bytes", self.bytes.len() / records)
    }
}

fn decode(bytes: &[u8], written: UnixMillis) -> Event<'_> {
    affluenza_event::parse(bytes, written).expect("the simulator's events are right")
}

fn origin(classifier: &Classifier) -> BlockOrigin {
    BlockOrigin {
        stream: "cluster/topic".into(),
        kafka_partition: 0,
        rules: classifier.rules().to_owned(),
    }
}

fn classifier() -> Classifier {
    Classifier::new(register(), Geo::none(), ConfiguredBots::default())
}

fn steps(criterion: &mut Criterion) {
    let log = Log::new(SCALE);
    let mut classifier = classifier();
    let origin = origin(&classifier);
    let mut group = criterion.benchmark_group(log.name());
    group.throughput(Throughput::Elements(log.records.len() as u64));
    let sorted = log.rewritten(serde_json::to_vec);
    let indented = log.rewritten(serde_json::to_vec_pretty);
    for (name, log) in [
        ("decode", &log),
        ("decode, fields sorted by name", &sorted),
        ("decode, indented", &indented),
    ] {
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                for (json, written) in log.records() {
                    black_box(decode(black_box(json), written));
                }
            });
        });
    }
    let events: Vec<Event<'_>> = log
        .records()
        .map(|(json, written)| decode(json, written))
        .collect();
    group.bench_function("classify", |bencher| {
        bencher.iter(|| {
            for event in &events {
                classifier.classify(black_box(event), Offset(0), |fact| {
                    black_box(fact);
                });
            }
        });
    });
    let mut block = FactBlock::default();
    for event in &events {
        classifier.push(event, Offset(0), &mut block);
    }
    group.bench_function("encode", |bencher| {
        bencher.iter(|| black_box(black_box(&block).encode(&origin)));
    });
    group.bench_function("decode, classify, encode", |bencher| {
        bencher.iter(|| all(&log, &mut classifier, &origin));
    });
    group.finish();
}

/// Measures all three steps over a log that fits no cache, as a consumer reads it.
fn replay(criterion: &mut Criterion) {
    let log = Log::new(LOG_SCALE);
    let mut classifier = classifier();
    let origin = origin(&classifier);
    let mut group = criterion.benchmark_group(log.name());
    group.throughput(Throughput::Elements(log.records.len() as u64));
    group.sampling_mode(SamplingMode::Flat).sample_size(15);
    group.bench_function("decode, classify, encode", |bencher| {
        bencher.iter(|| all(&log, &mut classifier, &origin));
    });
    group.finish();
}

fn all(log: &Log, classifier: &mut Classifier, origin: &BlockOrigin) {
    let limits = Config::default().block_limits(1);
    let mut block = FactBlock::default();
    for (json, written) in log.records() {
        classifier.push(&decode(black_box(json), written), Offset(0), &mut block);
        if block.rows() >= limits.records || block.bytes() >= limits.bytes {
            let next = block.another();
            black_box(std::mem::replace(&mut block, next).encode(origin));
        }
    }
    black_box(block.encode(origin));
}

criterion_group!(benches, steps, replay);
criterion_main!(benches);
