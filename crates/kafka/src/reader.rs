use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer, ConsumerContext};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{BorrowedMessage, Headers, Message};
use rdkafka::topic_partition_list::TopicPartitionListElem;
use rdkafka::types::RDKafkaRespErr;
use rdkafka::{Offset as KafkaOffset, TopicPartitionList};

use crate::error::is_refusal;
use crate::logging::{Said, log};
use crate::probe::is_undecodable;
use crate::topic_id::topic_id;
use crate::{BusError, Config, NextOffset, Offset, Partition};

/// Timeout of a request to the group coordinator.
const PATIENCE: Duration = Duration::from_secs(20);

/// Timeout of a request for the topic id.
const TOPIC_ID_PATIENCE: Duration = Duration::from_secs(5);

/// Timestamps before the year 2000 are mistakes.
const WRITTEN_MS_MIN: i64 = 946_684_800_000;

/// Record of the log. Borrows the client's memory, without a copy.
pub struct Record<'a>(pub(crate) BorrowedMessage<'a>);

impl Record<'_> {
    /// Partition of the record.
    pub fn partition(&self) -> Partition {
        Partition(self.0.partition())
    }

    /// Offset of the record in its partition.
    pub fn offset(&self) -> Offset {
        Offset(self.0.offset())
    }

    /// Timestamp in milliseconds since 1970. `None` if the log has none, or one that no producer can
    /// mean: seconds in place of milliseconds lie in 1970.
    pub fn written_ms(&self) -> Option<i64> {
        let written = self.0.timestamp().to_millis();
        written.filter(|ms| *ms >= WRITTEN_MS_MIN)
    }

    /// Payload of the record; empty for a tombstone.
    pub fn payload(&self) -> &[u8] {
        self.0.payload().unwrap_or_default()
    }

    /// Returns the value of a header; `None` if it is missing or not UTF-8.
    pub fn header(&self, name: &str) -> Option<&str> {
        let (_, value) = self.headers().find(|(found, _)| *found == name)?;
        std::str::from_utf8(value).ok()
    }

    /// Returns the headers in order. A missing value becomes an empty one. Headers whose name is
    /// not UTF-8 are skipped.
    pub fn headers(&self) -> impl Iterator<Item = (&str, &[u8])> {
        let headers = self.0.headers();
        let count = headers.map_or(0, Headers::count);
        (0..count).filter_map(move |at| {
            // rdkafka panics on a name that is not UTF-8; the panic must not stop the partition.
            let header = catch_unwind(AssertUnwindSafe(|| headers?.try_get(at))).ok()??;
            Some((header.key, header.value.unwrap_or_default()))
        })
    }

    /// Key of the record; empty if it has none.
    pub fn key(&self) -> &[u8] {
        self.0.key().unwrap_or_default()
    }
}

/// Result of a poll.
pub enum Polled<'a> {
    /// A record.
    Record(Record<'a>),
    /// The group assigned these partitions. Answer with [`Reader::assign`].
    Assigned(Vec<Partition>),
    /// The group revoked these partitions. Answer with [`Reader::release`].
    Revoked {
        /// Revoked partitions.
        partitions: Vec<Partition>,
        /// True if another member may already own the partitions, so that commits are not allowed
        /// any more.
        lost: bool,
    },
    /// Every record of `partition` before `next` was delivered. Only transaction markers and
    /// aborted records follow the last one.
    Ended {
        /// Partition whose end was reached.
        partition: Partition,
        /// Next offset to read.
        next: NextOffset,
    },
    /// The client had an error and retries.
    Trouble(Trouble),
    /// Neither a record nor a change within the timeout.
    Nothing,
}

/// Error of the client that may be transient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// Message of the client, with the offset if there is one.
    pub cause: String,
    /// True if a record cannot be decoded. The client may then continue after it.
    pub may_skip: bool,
}

/// Committed offset of the group in one partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Committed {
    /// Partition of the committed offset.
    pub partition: Partition,
    /// Next offset to read; `None` if the group never committed, or the offset has expired.
    pub next: Option<NextOffset>,
    /// Offset metadata.
    pub metadata: String,
}

impl Committed {
    pub(crate) fn of(element: &TopicPartitionListElem<'_>) -> Result<Self, BusError> {
        element.error()?;
        Ok(Self {
            partition: Partition(element.partition()),
            next: match element.offset() {
                KafkaOffset::Offset(offset) => Some(NextOffset(offset)),
                _ => None,
            },
            metadata: element.metadata().to_owned(),
        })
    }
}

enum AssignmentChange {
    Assigned(Vec<Partition>),
    Revoked {
        partitions: Vec<Partition>,
        lost: bool,
    },
}

/// Queues changes of assignment for the polling thread, which answers them outside of the callback.
/// An answer takes requests to Kafka and ClickHouse.
struct ReaderContext {
    changes: Mutex<VecDeque<AssignmentChange>>,
    /// Set when the reader is dropped. Changes are then answered in the callback, because the
    /// polling thread does not answer them any more and the client waits for the answers.
    leaving: AtomicBool,
    said: Said,
}

impl ClientContext for ReaderContext {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.said.note(&error, reason);
    }
}

impl ConsumerContext for ReaderContext {
    fn rebalance(
        &self,
        consumer: &BaseConsumer<Self>,
        code: RDKafkaRespErr,
        list: &mut TopicPartitionList,
    ) {
        let assigning = code == RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS;
        if self.leaving.load(Ordering::Relaxed) {
            let answer = if assigning {
                consumer.incremental_assign(list)
            } else {
                consumer.incremental_unassign(list)
            };
            if let Err(error) = answer {
                tracing::debug!(%error, "assignment changed while leaving the group");
            }
            return;
        }
        let partitions: Vec<Partition> = list
            .elements()
            .iter()
            .map(|element| Partition(element.partition()))
            .collect();
        let change = if assigning {
            AssignmentChange::Assigned(partitions)
        } else {
            AssignmentChange::Revoked {
                partitions,
                lost: consumer.assignment_lost(),
            }
        };
        self.changes
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push_back(change);
    }
}

/// Member of a consumer group that reads one topic. One thread polls and commits.
pub struct Reader {
    consumer: BaseConsumer<ReaderContext>,
    topic: String,
    group: String,
    instance: String,
}

impl Reader {
    /// Joins the group of `config`. Assigned partitions arrive through [`Reader::poll`].
    pub fn join(config: &Config) -> Result<Self, BusError> {
        let mut client = config.client();
        client
            .set("group.id", &config.group)
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            // An offset outside of the log is an error: never reset it silently.
            .set("auto.offset.reset", "error")
            .set("partition.assignment.strategy", "cooperative-sticky")
            .set("isolation.level", "read_committed")
            // Markers are never delivered. The end-of-partition event shows that they were passed.
            .set("enable.partition.eof", "true")
            // Detects batches that were damaged on disk.
            .set("check.crcs", "true")
            .set("session.timeout.ms", "10000")
            .set("heartbeat.interval.ms", "1000")
            // With the default of one second, the consumer stays idle for that long after it has
            // emptied a full queue.
            .set("fetch.queue.backoff.ms", "20")
            // The broker answers at once when a record arrives.
            .set("fetch.wait.max.ms", "500")
            // Longest delay until added partitions are noticed.
            .set("topic.metadata.refresh.interval.ms", "60000")
            .set("queued.max.messages.kbytes", "16384")
            .set("queued.min.messages", "20000");
        if !config.instance.is_empty() {
            client.set("group.instance.id", &config.instance);
        }
        // Configured properties override the defaults above.
        config.add_properties(&mut client);
        let context = ReaderContext {
            changes: Mutex::new(VecDeque::new()),
            leaving: AtomicBool::new(false),
            said: Said::default(),
        };
        let consumer: BaseConsumer<ReaderContext> = client
            .create_with_context(context)
            .map_err(BusError::Setting)?;
        consumer.subscribe(&[&config.topic])?;
        Ok(Self {
            consumer,
            topic: config.topic.clone(),
            group: config.group.clone(),
            instance: config.instance.clone(),
        })
    }

    /// Waits up to `wait` for a record or a change of assignment.
    pub fn poll(&self, wait: Duration) -> Result<Polled<'_>, BusError> {
        if let Some(change) = self.change() {
            return Ok(change);
        }
        match self.consumer.poll(wait) {
            Some(Ok(message)) => Ok(Polled::Record(Record(message))),
            Some(Err(KafkaError::PartitionEOF(partition))) => Ok(self.ended(Partition(partition))),
            Some(Err(error)) => self.judge(error),
            None => Ok(self.change().unwrap_or(Polled::Nothing)),
        }
    }

    fn change(&self) -> Option<Polled<'static>> {
        let change = self
            .consumer
            .context()
            .changes
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop_front()?;
        Some(match change {
            AssignmentChange::Assigned(partitions) => Polled::Assigned(partitions),
            AssignmentChange::Revoked { partitions, lost } => Polled::Revoked { partitions, lost },
        })
    }

    /// Reports the client's position at the end of a partition. The position includes markers that
    /// were passed, but no record that was not delivered.
    fn ended(&self, partition: Partition) -> Polled<'static> {
        let position = self.consumer.position().ok();
        let position = position.and_then(|list| {
            let found = list.find_partition(&self.topic, partition.0)?;
            match found.offset() {
                KafkaOffset::Offset(next) => Some(NextOffset(next)),
                _ => None,
            }
        });
        position.map_or(Polled::Nothing, |next| Polled::Ended { partition, next })
    }

    /// Returns permanent errors as such. The client retries after all others.
    fn judge(&self, error: KafkaError) -> Result<Polled<'_>, BusError> {
        match error.rdkafka_error_code() {
            Some(RDKafkaErrorCode::InconsistentGroupProtocol) => Err(BusError::OtherAssignor {
                group: self.group.clone(),
            }),
            Some(RDKafkaErrorCode::AutoOffsetReset | RDKafkaErrorCode::OffsetOutOfRange) => {
                Err(BusError::OutOfRange {
                    topic: self.topic.clone(),
                })
            }
            Some(RDKafkaErrorCode::UnknownTopicOrPartition | RDKafkaErrorCode::UnknownTopic) => {
                Err(BusError::NoTopic {
                    topic: self.topic.clone(),
                })
            }
            _ if self.is_fenced(&error) => Err(self.fenced()),
            Some(RDKafkaErrorCode::Fatal) => Err(error.into()),
            _ if matches!(error, KafkaError::MessageConsumptionFatal(_)) => Err(error.into()),
            code => Ok(Polled::Trouble(Trouble {
                cause: self.consumer.context().said.take(&error),
                may_skip: code.is_some_and(is_undecodable),
            })),
        }
    }

    /// True if another member joined with the same `group.instance.id`. Later calls of the client
    /// then fail with various error codes.
    fn is_fenced(&self, error: &KafkaError) -> bool {
        let fenced = RDKafkaErrorCode::FencedInstanceId;
        error.rdkafka_error_code() == Some(fenced)
            || self
                .consumer
                .client()
                .fatal_error()
                .is_some_and(|(code, _)| code == fenced)
    }

    fn fenced(&self) -> BusError {
        BusError::Fenced {
            instance: self.instance.clone(),
        }
    }

    /// Returns the committed offsets of `partitions`.
    pub fn committed(&self, partitions: &[Partition]) -> Result<Vec<Committed>, BusError> {
        let list = self.list(
            partitions
                .iter()
                .map(|partition| (*partition, KafkaOffset::Invalid)),
        )?;
        let committed = self.consumer.committed_offsets(list, PATIENCE)?;
        committed.elements().iter().map(Committed::of).collect()
    }

    /// Starts to read assigned partitions, each from its offset.
    pub fn assign(&self, starts: &[(Partition, NextOffset)]) -> Result<(), BusError> {
        let list = self.list(
            starts
                .iter()
                .map(|(partition, next)| (*partition, KafkaOffset::Offset(next.0))),
        )?;
        Ok(self.consumer.incremental_assign(&list)?)
    }

    /// Releases partitions that were revoked or lost.
    pub fn release(&self, partitions: &[Partition]) -> Result<(), BusError> {
        let list = self.list(
            partitions
                .iter()
                .map(|partition| (*partition, KafkaOffset::Invalid)),
        )?;
        Ok(self.consumer.incremental_unassign(&list)?)
    }

    /// Stops fetching `partitions` until [`Reader::resume`].
    pub fn pause(&self, partitions: &[Partition]) -> Result<(), BusError> {
        let list = self.list(
            partitions
                .iter()
                .map(|partition| (*partition, KafkaOffset::Invalid)),
        )?;
        Ok(self.consumer.pause(&list)?)
    }

    /// Resumes fetching `partitions`.
    pub fn resume(&self, partitions: &[Partition]) -> Result<(), BusError> {
        let list = self.list(
            partitions
                .iter()
                .map(|partition| (*partition, KafkaOffset::Invalid)),
        )?;
        Ok(self.consumer.resume(&list)?)
    }

    /// Seeks to `next`: this record and all later ones are delivered again.
    pub fn seek(&self, partition: Partition, next: NextOffset) -> Result<(), BusError> {
        let to = KafkaOffset::Offset(next.0);
        Ok(self.consumer.seek(&self.topic, partition.0, to, PATIENCE)?)
    }

    /// True if the group may already have assigned this reader's partitions to another member.
    pub fn assignment_lost(&self) -> bool {
        self.consumer.assignment_lost()
    }

    /// Commits `next` with `metadata` and waits for the broker's answer. The broker refuses the
    /// commit if this reader does not own the partition any more.
    pub fn commit(
        &self,
        partition: Partition,
        next: NextOffset,
        metadata: &str,
    ) -> Result<(), BusError> {
        let mut list = TopicPartitionList::new();
        let mut element = list.add_partition(&self.topic, partition.0);
        element.set_offset(KafkaOffset::Offset(next.0))?;
        if !metadata.is_empty() {
            element.set_metadata(metadata);
        }
        match self.consumer.commit(&list, CommitMode::Sync) {
            Ok(()) => Ok(()),
            Err(cause) if self.is_fenced(&cause) => Err(self.fenced()),
            Err(cause) => Err(BusError::Commit {
                partition,
                next,
                refused: is_refusal(&cause),
                cause,
            }),
        }
    }

    /// Requests the current id of the topic. A topic that was deleted and created again has another
    /// id, and this reader would continue in it at the old offset.
    pub fn topic_id(&self) -> Result<String, BusError> {
        let asked = topic_id(self.consumer.client(), &self.topic, TOPIC_ID_PATIENCE);
        asked.ok_or_else(|| BusError::NoTopicId {
            topic: self.topic.clone(),
        })
    }

    /// Returns the watermarks of `partition`.
    pub fn watermarks(&self, partition: Partition) -> Result<crate::Watermarks, BusError> {
        let (low, high) = self
            .consumer
            .fetch_watermarks(&self.topic, partition.0, PATIENCE)?;
        Ok(crate::Watermarks {
            low: NextOffset(low),
            high: NextOffset(high),
        })
    }

    fn list(
        &self,
        partitions: impl Iterator<Item = (Partition, KafkaOffset)>,
    ) -> Result<TopicPartitionList, BusError> {
        let mut list = TopicPartitionList::new();
        for (partition, offset) in partitions {
            list.add_partition_offset(&self.topic, partition.0, offset)?;
        }
        Ok(list)
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.consumer
            .context()
            .leaving
            .store(true, Ordering::Relaxed);
        while let Some(change) = self.change() {
            let answer = match change {
                Polled::Assigned(partitions) => {
                    let list = self.list(partitions.into_iter().map(|p| (p, KafkaOffset::Invalid)));
                    list.and_then(|list| Ok(self.consumer.incremental_assign(&list)?))
                }
                Polled::Revoked { partitions, .. } => self.release(&partitions),
                Polled::Record(_) | Polled::Ended { .. } | Polled::Trouble(_) | Polled::Nothing => {
                    Ok(())
                }
            };
            if let Err(error) = answer {
                tracing::debug!(%error, "assignment changed while leaving the group");
            }
        }
    }
}
