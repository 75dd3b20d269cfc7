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

/// Pause between two looks of the serving thread at whether it shall end.
const SERVE: Duration = Duration::from_millis(100);

/// Bounds of a [`Courier`].
#[derive(Debug, Clone, Copy)]
pub struct CourierLimits {
    /// How long a record waits for others, in milliseconds.
    pub linger_ms: u32,
    /// After how long without an acknowledgement a record counts as not delivered, in
    /// milliseconds.
    pub patience_ms: u32,
    /// Most bytes on their way.
    pub queue_bytes_max: usize,
}

/// Writes records of many senders to one topic and tells each sender when all of its own are
/// acknowledged by every in-sync replica.
///
/// It is not idempotent in Kafka's sense: a record may be written twice when an acknowledgement
/// is lost. Whoever uses it must have duplicates dropped behind Kafka, and is spared the fatal
/// states of Kafka's own idempotence.
pub struct Courier {
    producer: Arc<BaseProducer<Context>>,
    topic: String,
    ended: Arc<AtomicBool>,
    server: Option<JoinHandle<()>>,
}

/// Some records that are waited for together.
pub struct Parcel<'c> {
    courier: &'c Courier,
    pending: Arc<Pending>,
    answer: oneshot::Receiver<Delivery>,
}

/// How a parcel ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// Every record is acknowledged.
    Acknowledged,
    /// At least one is not, as far as is known.
    Failed,
}

/// The queue has no room, or the record can never be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotTaken;

struct Pending {
    /// Records without an answer, and one more until the parcel is closed.
    left: AtomicU32,
    has_failed: AtomicBool,
    answer: Mutex<Option<oneshot::Sender<Delivery>>>,
}

impl Pending {
    fn settle_one(&self) {
        // Each record's own failure happens before this, on whichever thread.
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
            // Nobody listens when the request was given up.
            let _ = answer.send(delivery);
        }
    }
}

struct Context {
    is_away: Arc<AtomicBool>,
}

impl ClientContext for Context {
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

impl ProducerContext for Context {
    type DeliveryOpaque = Arc<Pending>;

    fn delivery(&self, result: &DeliveryResult<'_>, pending: Arc<Pending>) {
        match result {
            Ok(_) => self.is_away.store(false, Ordering::Relaxed),
            Err(_) => pending.has_failed.store(true, Ordering::Release),
        }
        pending.settle_one();
    }
}

impl Courier {
    /// Prepares to write to `topic`. Kafka need not be there yet.
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
            // See `Writer`: the key leads to the same partition, whoever writes.
            .set("partitioner", "murmur2_random")
            .set("message.timeout.ms", limits.patience_ms.to_string())
            .set("retry.backoff.ms", "50");
        config.add_properties(&mut client);
        let context = Context {
            is_away: Arc::default(),
        };
        let producer: Arc<BaseProducer<Context>> = Arc::new(
            client
                .create_with_context(context)
                .map_err(BusError::Setting)?,
        );
        let ended = Arc::new(AtomicBool::new(false));
        let server = std::thread::Builder::new()
            .name("kafka-answers".into())
            .spawn({
                let (producer, ended) = (Arc::clone(&producer), Arc::clone(&ended));
                move || {
                    while !ended.load(Ordering::Relaxed) {
                        producer.poll(SERVE);
                    }
                }
            })
            .map_err(BusError::Thread)?;
        Ok(Self {
            producer,
            topic: topic.to_owned(),
            ended,
            server: Some(server),
        })
    }

    /// An empty parcel.
    pub fn parcel(&self) -> Parcel<'_> {
        let (answer_in, answer) = oneshot::channel();
        Parcel {
            courier: self,
            pending: Arc::new(Pending {
                left: AtomicU32::new(1),
                has_failed: AtomicBool::new(false),
                answer: Mutex::new(Some(answer_in)),
            }),
            answer,
        }
    }

    /// Whether no broker could be reached when it was last tried.
    pub fn is_away(&self) -> bool {
        self.producer.context().is_away.load(Ordering::Relaxed)
    }

    /// Records on their way.
    pub fn queued(&self) -> usize {
        usize::try_from(self.producer.in_flight_count()).unwrap_or(0)
    }
}

impl Drop for Courier {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        if let Some(server) = self.server.take() {
            // A thread that panicked has said so.
            let _ = server.join();
        }
    }
}

impl Parcel<'_> {
    /// Puts a record on its way. `written_ms` is the record's time, `header` one that it carries.
    pub fn send(
        &self,
        key: &[u8],
        payload: &[u8],
        written_ms: i64,
        header: Option<(&str, &str)>,
    ) -> Result<(), NotTaken> {
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
                // The parcel itself still holds one, so this is never the last.
                self.pending.left.fetch_sub(1, Ordering::Relaxed);
                Err(NotTaken)
            }
        }
    }

    /// Waits for the acknowledgement of all records that were sent.
    pub async fn delivered(self) -> Delivery {
        self.pending.settle_one();
        // The sender is dropped unanswered only with the producer.
        self.answer.await.unwrap_or(Delivery::Failed)
    }
}
