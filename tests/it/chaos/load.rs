//! The load: simulator streams, some of them repeated, and bad records.

use std::os::unix::process::ExitStatusExt as _;
use std::time::Duration;

use affluenza_kafka::Writer;
use rustix::process::Signal;

use super::random::Random;
use super::world::World;
use crate::support::Running;

/// Share of a year's figures in a stream.
const SCALE: &str = "0.01";

/// A producer that adds streams to the log.
pub struct Load {
    random: Random,
    first_seed: u64,
    streams: u64,
    /// Events per second while faults are injected.
    rate: u64,
    producer: Option<Running>,
    bad: u64,
}

impl Load {
    pub fn new(seed: u64, rate: u64) -> Self {
        Self {
            random: Random::new(seed ^ 0x10AD),
            first_seed: seed % 1_000_000,
            streams: 0,
            rate,
            producer: None,
            bad: 0,
        }
    }

    /// Returns the arguments of the next stream: a new one, or a repeated one.
    fn stream(&mut self) -> Vec<String> {
        let repeats = self.streams > 0 && self.random.percent(30);
        let number = if repeats {
            self.random.between(0, self.streams - 1)
        } else {
            self.streams += 1;
            self.streams - 1
        };
        let year = if number.is_multiple_of(2) {
            "2017"
        } else {
            "2016"
        };
        let seed = (self.first_seed + number).to_string();
        [
            "simulate", "--focus", year, "--scale", SCALE, "--seed", &seed,
        ]
        .map(str::to_owned)
        .into()
    }

    /// Writes a backlog at full speed.
    pub fn burst(&mut self, world: &World, streams: usize) {
        for _ in 0..streams {
            let arguments = self.stream();
            world.run(&arguments);
        }
        self.bad_records(world, 40);
    }

    /// Restarts the producer if it has ended.
    pub fn keep_on(&mut self, world: &World) {
        let has_ended = |producer: &mut Running| producer.has_ended();
        if !self.producer.as_mut().is_none_or(has_ended) {
            return;
        }
        let mut arguments = self.stream();
        arguments.extend(["--rate".to_owned(), self.rate.to_string()]);
        self.bad_records(world, 10);
        self.producer = Some(world.spawn(&arguments, "producer.log", &[]));
    }

    /// Stops the producer; all records that it has written are acknowledged.
    pub fn stop(&mut self) {
        if let Some(mut producer) = self.producer.take()
            && !producer.has_ended()
        {
            let status = producer.end();
            // A producer that has just started has no signal handler yet and has written nothing.
            let is_young = status.signal() == Some(Signal::TERM.as_raw());
            assert!(status.success() || is_young, "it ends well: {status}");
        }
    }

    /// Writes records that never become events to all partitions.
    fn bad_records(&mut self, world: &World, records_max: u64) {
        let bus = world.bus();
        let writer = Writer::new(&bus, &bus.topic).expect("Kafka can be written");
        for _ in 0..self.random.between(1, records_max) {
            self.bad += 1;
            let id = self.bad;
            let record = match id % 4 {
                0 => String::new(),
                1 => format!("not JSON {id}"),
                2 => format!(
                    r#"{{"specversion":"1.0","type":"it.affluenza.service-use.v1","source":"chaos","id":"{id}","time":"2017-03-26T10:00:00+02:00","data":{{"ente":"c_d612","portal":"p","service":"s","kind":"unheard-of"}}}}"#
                ),
                _ => format!(
                    r#"{{"specversion":"1.0","type":"it.affluenza.access.v1","source":"chaos","id":"{id}","time":"2017-03-26T10:00:00+02:00","data":{{"ente":"c_d612","portal":"p","session":"mario.rossi{id}@example.it"}}}}"#
                ),
            };
            writer
                .send(id.to_string().as_bytes(), record.as_bytes(), None, &[])
                .expect("a record is taken");
        }
        writer
            .flush(Duration::from_secs(60))
            .expect("all are acknowledged");
    }
}
