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

/// How long a question to the group's coordinator may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// How long the cluster may take to name the id of the topic.
const TOPIC_ID_PATIENCE: Duration = Duration::from_secs(5);

/// A record of the log. Borrows the client's memory: nothing is copied.
pub struct Record<'a>(pub(crate) BorrowedMessage<'a>);

impl Record<'_> {
    /// Its partition.
    pub fn partition(&self) -> Partition {
        Partition(self.0.partition())
    }

    /// Its place in the partition.
    pub fn offset(&self) -> Offset {
        Offset(self.0.offset())
    }

    /// When it was written, in milliseconds since 1970; none when the log does not say.
    pub fn written_ms(&self) -> Option<i64> {
        self.0.timestamp().to_millis()
    }

    /// Its bytes; empty for a tombstone.
    pub fn payload(&self) -> &[u8] {
        self.0.payload().unwrap_or_default()
    }

    /// The text of a header, if it has one of this name.
    pub fn header(&self, name: &str) -> Option<&str> {
        let (_, value) = self.headers().find(|(found, _)| *found == name)?;
        std::str::from_utf8(value).ok()
    }

    /// Its headers, in order; a header without a value has an empty one. A header whose name is
    /// not UTF-8 is none of ours, and left out.
    pub fn headers(&self) -> impl Iterator<Item = (&str, &[u8])> {
        let headers = self.0.headers();
        let count = headers.map_or(0, Headers::count);
        (0..count).filter_map(move |at| {
            // The client panics on such a name, which must not stop a partition.
            let header = catch_unwind(AssertUnwindSafe(|| headers?.try_get(at))).ok()??;
            Some((header.key, header.value.unwrap_or_default()))
        })
    }

    /// Its key; empty when it has none.
    pub fn key(&self) -> &[u8] {
        self.0.key().unwrap_or_default()
    }
}

/// What a poll brought.
pub enum Polled<'a> {
    /// A record.
    Record(Record<'a>),
    /// The group gives these partitions to this reader. Answer with [`Reader::assign`].
    Assigned(Vec<Partition>),
    /// The group takes these partitions back. Answer with [`Reader::release`]. `lost`: another
    /// member may own them already, so nothing may be committed for them any more.
    Revoked {
        /// Which.
        partitions: Vec<Partition>,
        /// Whether they are gone already.
        lost: bool,
    },
    /// Every record of `partition` before `next` was handed out. Beyond the last of them there are
    /// transaction markers or aborted records only.
    Ended {
        /// Which partition.
        partition: Partition,
        /// Where reading goes on.
        next: NextOffset,
    },
    /// The client cannot go on with something, and tries again.
    Trouble(Trouble),
    /// Nothing within the time given.
    Nothing,
}

/// An error of the client that may pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// The client's own words, which name an offset where there is one.
    pub cause: String,
    /// True for records that cannot be decoded: the client may go on behind them.
    pub may_skip: bool,
}

/// What the group remembers of a partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Committed {
    /// Which partition.
    pub partition: Partition,
    /// Where to read on; `None` when the group never committed, or forgot.
    pub next: Option<NextOffset>,
    /// The text that was committed with it.
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

enum Change {
    Assigned(Vec<Partition>),
    Revoked {
        partitions: Vec<Partition>,
        lost: bool,
    },
}

/// Collects the group's changes of assignment, so that the polling thread answers them in its
/// own loop rather than inside a callback: an answer takes questions to Kafka and to ClickHouse.
struct Context {
    changes: Mutex<VecDeque<Change>>,
    /// Set when the reader leaves: nobody answers changes any more, so they are answered on the
    /// spot. Leaving waits for that.
    leaving: AtomicBool,
    said: Said,
}

impl ClientContext for Context {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.said.note(&error, reason);
    }
}

impl ConsumerContext for Context {
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
                tracing::debug!(%error, "change of assignment while leaving");
            }
            return;
        }
        let partitions: Vec<Partition> = list
            .elements()
            .iter()
            .map(|element| Partition(element.partition()))
            .collect();
        let change = if assigning {
            Change::Assigned(partitions)
        } else {
            Change::Revoked {
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

/// A member of a consumer group that reads one topic. Used by one thread only: it polls, and it
/// alone commits.
pub struct Reader {
    consumer: BaseConsumer<Context>,
    topic: String,
    group: String,
    instance: String,
}

impl Reader {
    /// Joins the group of `config`. Partitions arrive later, through [`Reader::poll`].
    pub fn join(config: &Config) -> Result<Self, BusError> {
        let mut client = config.client();
        client
            .set("group.id", &config.group)
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            // A position that is not in the log is an alarm, never a guess.
            .set("auto.offset.reset", "error")
            .set("partition.assignment.strategy", "cooperative-sticky")
            .set("isolation.level", "read_committed")
            // Transaction markers are never handed out. The end of a log says that they were passed.
            .set("enable.partition.eof", "true")
            // A batch that was damaged on a disk must not be read as if it were whole.
            .set("check.crcs", "true")
            .set("session.timeout.ms", "10000")
            .set("heartbeat.interval.ms", "1000")
            // The default of a second makes a consumer that has filled its queue idle for that
            // long after it has emptied it.
            .set("fetch.queue.backoff.ms", "20")
            .set("fetch.wait.max.ms", "100")
            // How soon partitions that were added are noticed.
            .set("topic.metadata.refresh.interval.ms", "60000")
            .set("queued.max.messages.kbytes", "16384")
            .set("queued.min.messages", "20000");
        if !config.instance.is_empty() {
            client.set("group.instance.id", &config.instance);
        }
        // The configuration's own properties win over the defaults above.
        config.add_properties(&mut client);
        let context = Context {
            changes: Mutex::new(VecDeque::new()),
            leaving: AtomicBool::new(false),
            said: Said::default(),
        };
        let consumer: BaseConsumer<Context> = client
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
            Change::Assigned(partitions) => Polled::Assigned(partitions),
            Change::Revoked { partitions, lost } => Polled::Revoked { partitions, lost },
        })
    }

    /// The client's position counts the markers that it has passed, and nothing that it has not
    /// handed out.
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

    /// Most errors of a poll say that the client tries again.
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

    /// Whether another member has taken this one's name. The client then refuses everything with
    /// whatever error was at hand.
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

    /// What the group remembers of `partitions`.
    pub fn committed(&self, partitions: &[Partition]) -> Result<Vec<Committed>, BusError> {
        let list = self.list(
            partitions
                .iter()
                .map(|partition| (*partition, KafkaOffset::Invalid)),
        )?;
        let committed = self.consumer.committed_offsets(list, PATIENCE)?;
        committed.elements().iter().map(Committed::of).collect()
    }

    /// Begins to read partitions that were assigned, each from its place.
    pub fn assign(&self, starts: &[(Partition, NextOffset)]) -> Result<(), BusError> {
        let list = self.list(
            starts
                .iter()
                .map(|(partition, next)| (*partition, KafkaOffset::Offset(next.0))),
        )?;
        Ok(self.consumer.incremental_assign(&list)?)
    }

    /// Gives partitions back that were revoked or lost.
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

    /// Fetches `partitions` again.
    pub fn resume(&self, partitions: &[Partition]) -> Result<(), BusError> {
        let list = self.list(
            partitions
                .iter()
                .map(|partition| (*partition, KafkaOffset::Invalid)),
        )?;
        Ok(self.consumer.resume(&list)?)
    }

    /// Goes back to `next`: it and what follows are delivered again.
    pub fn seek(&self, partition: Partition, next: NextOffset) -> Result<(), BusError> {
        let to = KafkaOffset::Offset(next.0);
        Ok(self.consumer.seek(&self.topic, partition.0, to, PATIENCE)?)
    }

    /// Whether the group may already have given this reader's partitions to another member.
    pub fn assignment_lost(&self) -> bool {
        self.consumer.assignment_lost()
    }

    /// Commits, and waits for the broker to say that it has. Refused by the broker when this
    /// reader is not the partition's owner any more.
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

    /// Id of the topic now, asked of the cluster: a topic that was deleted and created again has
    /// another one, and this reader would go on in it at the offset of the old one.
    pub fn topic_id(&self) -> Result<String, BusError> {
        let asked = topic_id(self.consumer.client(), &self.topic, TOPIC_ID_PATIENCE);
        asked.ok_or_else(|| BusError::NoTopicId {
            topic: self.topic.clone(),
        })
    }

    /// What `partition` holds.
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
                tracing::debug!(%error, "change of assignment while leaving");
            }
        }
    }
}
