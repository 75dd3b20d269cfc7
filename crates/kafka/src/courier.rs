use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, DeliveryResult, Producer, ProducerContext};
use tokio::sync::oneshot;

use crate::logging::log;
use crate::{BusError, Config};

/// Longest wait of the polling thread, and of the end of a producer. rdkafka spins for the last
/// millisecond of each wait. Its own polling thread waits for 100 ms, and took 0.8% of a core at rest.
const POLL: Duration = Duration::from_secs(1);

/// Bounds of a [`ConcurrentProducer`].
#[derive(Debug, Clone, Copy)]
pub struct CourierLimits {
    /// Longest wait for further records of a batch, in milliseconds.
    pub linger_ms: u32,
    /// Timeout of an acknowledgement, in milliseconds. A record counts as failed afterwards.
    pub patience_ms: u32,
    /// Limit of the send queue, in bytes.
    pub queue_bytes_max: usize,
}

/// Writes records of many senders to one topic. Each sender learns when every in-sync replica has
/// acknowledged all of its records.
///
/// The producer is not idempotent in Kafka's sense: a record may be written twice when an
/// acknowledgement is lost. Consumers must drop duplicates. In return, the producer never enters
/// the fatal states of Kafka's idempotence.
pub struct ConcurrentProducer {
    producer: Arc<BaseProducer<CourierContext>>,
    topic: String,
    is_over: Arc<AtomicBool>,
    poller: Option<JoinHandle<()>>,
}

/// Group of records whose acknowledgements are awaited together.
pub struct DeliveryGroup<'c> {
    courier: &'c ConcurrentProducer,
    pending: Arc<Pending>,
    answer: oneshot::Receiver<Delivery>,
}

/// Outcome of a [`DeliveryGroup`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// Every record was acknowledged.
    Acknowledged,
    /// At least one record was not acknowledged. It may have been written all the same.
    Failed,
}

/// The queue is full, or the record can never be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EnqueueError;

struct Pending {
    /// Records without an answer, plus one until [`DeliveryGroup::delivered`] is called.
    left: AtomicU32,
    has_failed: AtomicBool,
    answer: Mutex<Option<oneshot::Sender<Delivery>>>,
}

impl Pending {
    fn settle_one(&self) {
        // `AcqRel` makes failures visible that other threads stored before their decrement.
        if self.left.fetch_sub(1, Ordering::AcqRel) != 1 {
            return;
        }
        let delivery = match self.has_failed.load(Ordering::Acquire) {
            false => Delivery::Acknowledged,
            true => Delivery::Failed,
        };
        let answer = self
            .answer
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(answer) = answer {
            // The receiver is gone when the request was cancelled.
            let _ = answer.send(delivery);
        }
    }
}

struct CourierContext {
    is_away: Arc<AtomicBool>,
}

impl ClientContext for CourierContext {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        if error.rdkafka_error_code() == Some(RDKafkaErrorCode::AllBrokersDown) {
            self.is_away.store(true, Ordering::Relaxed);
        }
        tracing::debug!(%error, reason, "kafka client error");
    }
}

impl ProducerContext for CourierContext {
    type DeliveryOpaque = Arc<Pending>;

    fn delivery(&self, result: &DeliveryResult<'_>, pending: Arc<Pending>) {
        match result {
            Ok(_) => self.is_away.store(false, Ordering::Relaxed),
            Err(_) => pending.has_failed.store(true, Ordering::Release),
        }
        pending.settle_one();
    }
}

impl ConcurrentProducer {
    /// Creates the producer and its polling thread. Kafka need not be reachable yet.
    pub fn new(config: &Config, topic: &str, limits: CourierLimits) -> Result<Self, BusError> {
        let mut client = config.client();
        let kib = (limits.queue_bytes_max / 1024).max(1);
        client
            .set("acks", "all")
            .set("compression.codec", "lz4")
            .set("linger.ms", limits.linger_ms.to_string())
            .set("batch.size", "524288")
            .set("batch.num.messages", "20000")
            .set("queue.buffering.max.messages", "1000000")
            .set("queue.buffering.max.kbytes", kib.to_string())
            // Same partitioner as `Writer`, so that a key maps to the same partition.
            .set("partitioner", "murmur2_random")
            .set("message.timeout.ms", limits.patience_ms.to_string())
            .set("retry.backoff.ms", "50");
        config.add_properties(&mut client);
        let context = CourierContext {
            is_away: Arc::default(),
        };
        let producer: BaseProducer<_> = client
            .create_with_context(context)
            .map_err(BusError::Setting)?;
        let producer = Arc::new(producer);
        let (polled, is_over) = (Arc::clone(&producer), Arc::<AtomicBool>::default());
        let ends = Arc::clone(&is_over);
        let poller = std::thread::Builder::new()
            .name("deliveries".to_owned())
            .spawn(move || {
                while !ends.load(Ordering::Relaxed) {
                    polled.poll(POLL);
                }
            })
            .map_err(|error| KafkaError::ClientCreation(error.to_string()))?;
        Ok(Self {
            producer,
            topic: topic.to_owned(),
            is_over,
            poller: Some(poller),
        })
    }

    /// Creates an empty parcel.
    pub fn parcel(&self) -> DeliveryGroup<'_> {
        let (answer_in, answer) = oneshot::channel();
        DeliveryGroup {
            courier: self,
            pending: Arc::new(Pending {
                left: AtomicU32::new(1),
                has_failed: AtomicBool::new(false),
                answer: Mutex::new(Some(answer_in)),
            }),
            answer,
        }
    }

    /// True if librdkafka reported all brokers down and no record was acknowledged since.
    pub fn is_away(&self) -> bool {
        self.producer.context().is_away.load(Ordering::Relaxed)
    }

    /// Number of records that are queued or in flight.
    pub fn queued(&self) -> usize {
        usize::try_from(self.producer.in_flight_count()).unwrap_or(0)
    }
}

impl Drop for ConcurrentProducer {
    /// Waits for the polling thread, so that the client ends before the program.
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        if let Some(poller) = self.poller.take() {
            drop(poller.join());
        }
    }
}

impl DeliveryGroup<'_> {
    /// Queues a record. `written_ms` is the record's timestamp, `header` an optional header.
    pub fn send(
        &self,
        key: &[u8],
        payload: &[u8],
        written_ms: i64,
        header: Option<(&str, &str)>,
    ) -> Result<(), EnqueueError> {
        self.pending.left.fetch_add(1, Ordering::Relaxed);
        let mut record: BaseRecord<'_, [u8], [u8], Arc<Pending>> =
            BaseRecord::with_opaque_to(&self.courier.topic, Arc::clone(&self.pending))
                .payload(payload)
                .key(key)
                .timestamp(written_ms);
        if let Some((key, value)) = header {
            let value = Some(value);
            record =
                record.headers(OwnedHeaders::new_with_capacity(1).insert(Header { key, value }));
        }
        match self.courier.producer.send(record) {
            Ok(()) => Ok(()),
            Err(_) => {
                // The count cannot reach 0 here: the parcel holds one until `delivered`.
                self.pending.left.fetch_sub(1, Ordering::Relaxed);
                Err(EnqueueError)
            }
        }
    }

    /// Waits until every record has been acknowledged or has failed.
    pub async fn delivered(self) -> Delivery {
        self.pending.settle_one();
        // The sender is dropped without an answer only if the producer is dropped.
        self.answer.await.unwrap_or(Delivery::Failed)
    }
}
