use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{Header, Message, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, DeliveryResult, Producer, ProducerContext};

use crate::logging::log;
use crate::{BusError, Config, Offset, Partition};

/// Acknowledged records of one partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Acknowledged {
    /// First acknowledged offset.
    pub first: Offset,
    /// Last acknowledged offset.
    pub last: Offset,
    /// Number of records. It is smaller than the range if other producers wrote in between.
    pub records: u64,
}

#[derive(Default)]
struct DeliveryTally {
    acknowledged: BTreeMap<Partition, Acknowledged>,
    failed: u64,
    first_failure: Option<String>,
}

struct WriterContext {
    tally: Mutex<DeliveryTally>,
}

impl ClientContext for WriterContext {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(%error, reason, "kafka client error");
    }
}

impl ProducerContext for WriterContext {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, _opaque: Self::DeliveryOpaque) {
        let mut tally = self.tally.lock().unwrap_or_else(PoisonError::into_inner);
        match result {
            Ok(message) => {
                let offset = Offset(message.offset());
                let entry = tally
                    .acknowledged
                    .entry(Partition(message.partition()))
                    .or_insert(Acknowledged {
                        first: offset,
                        last: offset,
                        records: 0,
                    });
                entry.first = entry.first.min(offset);
                entry.last = entry.last.max(offset);
                entry.records += 1;
            }
            Err((error, _)) => {
                tally.failed += 1;
                tally.first_failure.get_or_insert_with(|| error.to_string());
            }
        }
    }
}

/// Writes records to one topic and counts the acknowledgements. [`Writer::send`] waits while the
/// bounded queue is full.
pub struct Writer {
    producer: BaseProducer<WriterContext>,
    topic: String,
}

impl Writer {
    /// Creates a producer for `topic`.
    pub fn new(config: &Config, topic: &str) -> Result<Self, BusError> {
        let mut client = config.client();
        client
            .set("enable.idempotence", "true")
            .set("acks", "all")
            .set("compression.codec", "lz4")
            .set("linger.ms", "20")
            .set("batch.size", "524288")
            .set("batch.num.messages", "20000")
            .set("queue.buffering.max.messages", "200000")
            .set("queue.buffering.max.kbytes", "131072")
            // Partitioner of the Java clients: a key maps to the same partition whichever client
            // writes it.
            .set("partitioner", "murmur2_random")
            .set("message.timeout.ms", "60000");
        config.add_properties(&mut client);
        let context = WriterContext {
            tally: Mutex::new(DeliveryTally::default()),
        };
        Ok(Self {
            producer: client
                .create_with_context(context)
                .map_err(BusError::Setting)?,
            topic: topic.to_owned(),
        })
    }

    /// Topic of this writer.
    pub fn topic(&self) -> &str {
        &self.topic
    }

    /// Queues a record. `written_ms` is its timestamp; `None`: the present time.
    pub fn send(
        &self,
        key: &[u8],
        payload: &[u8],
        written_ms: Option<i64>,
        headers: &[(&str, &str)],
    ) -> Result<(), BusError> {
        let mut record: BaseRecord<'_, [u8], [u8]> =
            BaseRecord::to(&self.topic).payload(payload).key(key);
        if let Some(written_ms) = written_ms {
            record = record.timestamp(written_ms);
        }
        if !headers.is_empty() {
            let mut owned = OwnedHeaders::new_with_capacity(headers.len());
            for (key, value) in headers {
                owned = owned.insert(Header {
                    key,
                    value: Some(*value),
                });
            }
            record = record.headers(owned);
        }
        loop {
            match self.producer.send(record) {
                Ok(()) => break,
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), back)) => {
                    record = back;
                    self.producer.poll(Duration::from_millis(50));
                    self.check()?;
                }
                Err((error, _)) => return Err(error.into()),
            }
        }
        self.producer.poll(Duration::ZERO);
        Ok(())
    }

    /// Waits until every record sent so far is acknowledged, at most `patience`.
    pub fn flush(&self, patience: Duration) -> Result<BTreeMap<Partition, Acknowledged>, BusError> {
        let until = Instant::now() + patience;
        while self.producer.in_flight_count() > 0 {
            if Instant::now() >= until {
                return Err(BusError::NotAcknowledged {
                    topic: self.topic.clone(),
                    failed: u64::try_from(self.producer.in_flight_count()).unwrap_or(0),
                    first: format!("no answer within {} s", patience.as_secs()),
                });
            }
            // librdkafka's flush sends lingering batches at once and serves the acknowledgements.
            let _ = self.producer.flush(Duration::from_millis(100));
        }
        self.check()?;
        let tally = self.tally();
        Ok(tally.acknowledged.clone())
    }

    fn check(&self) -> Result<(), BusError> {
        let tally = self.tally();
        match &tally.first_failure {
            None => Ok(()),
            Some(first) => Err(BusError::NotAcknowledged {
                topic: self.topic.clone(),
                failed: tally.failed,
                first: first.clone(),
            }),
        }
    }

    fn tally(&self) -> std::sync::MutexGuard<'_, DeliveryTally> {
        self.producer
            .context()
            .tally
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
