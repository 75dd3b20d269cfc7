use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::{Message, Offset as KafkaOffset, TopicPartitionList};

use crate::logging::Logging;
use crate::{BusError, Cluster, Config, Partition, Record, Watermarks};

/// Longest wait for a record before the end of the log.
const SILENCE_MAX: Duration = Duration::from_secs(30);

/// Calls `show` for every record that `topic` holds now, outside of any consumer group. The order
/// is by partition, then by offset.
pub fn scan(
    config: &Config,
    topic: &str,
    mut show: impl FnMut(&Record<'_>),
) -> Result<(), BusError> {
    let broken = try_scan(config, topic, |record| {
        show(record);
        ControlFlow::<()>::Continue(())
    })?;
    debug_assert!(broken.is_none(), "a scan is never interrupted");
    Ok(())
}

/// Like [`scan`], until `show` breaks. Returns the break value.
pub fn try_scan<B>(
    config: &Config,
    topic: &str,
    mut show: impl FnMut(&Record<'_>) -> ControlFlow<B>,
) -> Result<Option<B>, BusError> {
    let scanner = Scanner::new(config, topic)?;
    for (partition, held) in Cluster::new(config)?.watermarks(topic)? {
        if let ControlFlow::Break(broken) = scanner.read(partition, held, &mut show)? {
            return Ok(Some(broken));
        }
    }
    Ok(None)
}

/// Calls `show` for the records of a partition from `offsets.low` up to, not including,
/// `offsets.high`. Reads in order, outside of any consumer group. Fails if the topic does not hold
/// all of them.
pub fn scan_range(
    config: &Config,
    topic: &str,
    partition: Partition,
    offsets: Watermarks,
    show: impl FnMut(&Record<'_>),
) -> Result<(), BusError> {
    let held = Cluster::new(config)?.watermarks(topic)?;
    let held = held.into_iter().find(|(found, _)| *found == partition);
    if !held.is_some_and(|(_, held)| held.low <= offsets.low && offsets.high <= held.high) {
        return Err(BusError::OutOfRange {
            topic: topic.to_owned(),
        });
    }
    scan_ranges(config, topic, &[(partition, offsets)], show)
}

/// Calls `show` for the records of several ranges, one range after another, over one connection.
/// The caller has checked that the topic holds the ranges.
pub fn scan_ranges(
    config: &Config,
    topic: &str,
    ranges: &[(Partition, Watermarks)],
    mut show: impl FnMut(&Record<'_>),
) -> Result<(), BusError> {
    let scanner = Scanner::new(config, topic)?;
    for (partition, offsets) in ranges {
        let broken = scanner.read(*partition, *offsets, &mut |record| {
            show(record);
            ControlFlow::<()>::Continue(())
        })?;
        debug_assert!(broken.is_continue(), "a scan is never interrupted");
    }
    Ok(())
}

struct Scanner<'c> {
    consumer: BaseConsumer<Logging>,
    config: &'c Config,
    topic: &'c str,
}

impl<'c> Scanner<'c> {
    fn new(config: &'c Config, topic: &'c str) -> Result<Self, BusError> {
        let mut client = config.client();
        client
            // Never joined: librdkafka requires a group id for reading.
            .set("group.id", "affluenza-scan")
            .set("enable.auto.commit", "false")
            .set("auto.offset.reset", "error")
            // A log may end in transaction markers, which are never delivered.
            .set("enable.partition.eof", "true")
            .set("check.crcs", "true");
        Ok(Self {
            consumer: client
                .create_with_context(Logging::default())
                .map_err(BusError::Setting)?,
            config,
            topic,
        })
    }

    fn read<B>(
        &self,
        partition: Partition,
        offsets: Watermarks,
        show: &mut impl FnMut(&Record<'_>) -> ControlFlow<B>,
    ) -> Result<ControlFlow<B>, BusError> {
        if offsets.high <= offsets.low {
            return Ok(ControlFlow::Continue(()));
        }
        let mut list = TopicPartitionList::new();
        let low = KafkaOffset::Offset(offsets.low.0);
        list.add_partition_offset(self.topic, partition.0, low)?;
        self.consumer.assign(&list)?;
        let mut heard = Instant::now();
        loop {
            let Some(message) = self.consumer.poll(Duration::from_millis(100)) else {
                if heard.elapsed() > SILENCE_MAX {
                    return Err(BusError::Unreachable {
                        bootstrap_servers: self.config.bootstrap_servers.clone(),
                        cause: format!("no record for {} s", SILENCE_MAX.as_secs()),
                    });
                }
                continue;
            };
            let message = match message {
                Err(KafkaError::PartitionEOF(ended)) if ended == partition.0 => {
                    return Ok(ControlFlow::Continue(()));
                }
                Err(KafkaError::PartitionEOF(_)) => continue,
                message => message?,
            };
            heard = Instant::now();
            let offset = message.offset();
            if offset < offsets.high.0
                && let ControlFlow::Break(broken) = show(&Record(message))
            {
                return Ok(ControlFlow::Break(broken));
            }
            if offset + 1 >= offsets.high.0 {
                return Ok(ControlFlow::Continue(()));
            }
        }
    }
}
