//! What the consumer does to each event, step by step: decode, classify, encode, and the three
//! together. Events are those of the simulator, of a whole year in small.
//!
//! `make bench`. Expected of all three together: 670 ns an event, 1.5 million events a
//! second on one core.

use std::hint::black_box;

use affluenza_bus::Offset;
use affluenza_classify::device::OwnBots;
use affluenza_classify::geo::Geo;
use affluenza_event::{Event, UnixMillis};
use affluenza_pipeline::Classifier;
use affluenza_register::Register;
use affluenza_simulator::{Figures, Options, Simulation};
use affluenza_store::{BlockOrigin, FactBlock};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

/// Share of the year's events: some twenty thousand, which is more than caches hold.
const SCALE: f64 = 0.01;

fn register() -> Register {
    let text = include_str!("../../deploy/register.toml");
    Register::parse(text).expect("the example register is right")
}

fn records() -> Vec<(Vec<u8>, UnixMillis)> {
    let figures = Figures::focus(2017).expect("they come with the program");
    let options = Options {
        scale: SCALE,
        ..Options::default()
    };
    let simulation =
        Simulation::new(&figures, &register(), &options).expect("the figures are right");
    simulation
        .map(|record| (record.json, record.time))
        .collect()
}

fn decode(bytes: &[u8], written: UnixMillis) -> Event<'_> {
    affluenza_event::parse(bytes, written).expect("the simulator's events are right")
}

fn steps(criterion: &mut Criterion) {
    let records = records();
    let bytes: usize = records.iter().map(|(json, _)| json.len()).sum();
    let mut classifier =
        Classifier::new(register(), Geo::none(), OwnBots::default()).expect("its zones are known");
    let origin = BlockOrigin {
        stream: "cluster/topic".into(),
        kafka_partition: 0,
        rules: classifier.rules().to_owned(),
    };
    let mut group = criterion.benchmark_group(format!(
        "{} events of {} bytes",
        records.len(),
        bytes / records.len()
    ));
    group.throughput(Throughput::Elements(records.len() as u64));
    group.bench_function("decode", |bencher| {
        bencher.iter(|| {
            for (json, written) in &records {
                black_box(decode(black_box(json), *written));
            }
        });
    });
    let events: Vec<Event<'_>> = records
        .iter()
        .map(|(json, written)| decode(json, *written))
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
        bencher.iter(|| {
            let mut block = FactBlock::default();
            for (json, written) in &records {
                classifier.push(&decode(black_box(json), *written), Offset(0), &mut block);
            }
            black_box(block.encode(&origin))
        });
    });
    group.finish();
}

criterion_group!(benches, steps);
criterion_main!(benches);
