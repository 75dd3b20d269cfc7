use std::fmt;
use std::time::{Duration, Instant};

use rdkafka::admin::{
    AdminClient, AdminOptions, NewPartitions, NewTopic, ResourceSpecifier, TopicReplication,
};
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::{ClientConfig, TopicPartitionList};

use crate::group::Group;
use crate::logging::Logging;
use crate::topic_id::topic_id;
use crate::{BusError, Committed, Config, NextOffset, Partition};

/// Timeout of a request to the cluster.
const PATIENCE: Duration = Duration::from_secs(20);
/// Timeout of a request that is sent every few seconds.
const ENDS_PATIENCE: Duration = Duration::from_secs(5);
const ASK_AGAIN: Duration = Duration::from_millis(50);
/// Timeout of the first request, enough for a healthy broker.
const FIRST_ANSWER: Duration = Duration::from_secs(1);
/// Time without an answer after which a failed connection is returned as an error. A broker that is
/// only silent is logged and waited for until [`PATIENCE`].
const SAID_AFTER: Duration = Duration::from_secs(4);
/// Poll interval while waiting for the first answer.
const LOOK: Duration = Duration::from_millis(100);

/// Identity of a log: the ids that Kafka gave the cluster and the topic. A topic that is deleted
/// and created again keeps its name and gets another id.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct StreamIdentity {
    /// Id of the cluster.
    pub cluster: String,
    /// Id of the topic.
    pub topic_id: String,
}

impl fmt::Display for StreamIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.cluster, self.topic_id)
    }
}

/// Offsets held by a partition: from `low` up to, not including, `high`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Watermarks {
    /// First offset that retention has not deleted.
    pub low: NextOffset,
    /// Offset of the next record, or of the first record of an open transaction. Later records are
    /// not delivered yet.
    pub high: NextOffset,
}

/// Replicas of a partition, by broker id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replicas {
    /// Leader, which producers and consumers talk to; `None` without one.
    pub leader: Option<i32>,
    /// Brokers assigned a replica.
    pub all: Vec<i32>,
    /// Brokers whose replica is as long as the leader's.
    pub in_sync: Vec<i32>,
}

/// Queries and administration of a Kafka cluster.
pub struct Cluster {
    /// Never subscribes. A consumer is used because it reports why a connection fails, which an
    /// admin client does not, and because it shuts down at once.
    client: BaseConsumer<Logging>,
    settings: ClientConfig,
    bootstrap_servers: String,
}

impl Cluster {
    /// Creates the client. Sends nothing yet.
    pub fn new(config: &Config) -> Result<Self, BusError> {
        let settings = config.client();
        let client = settings
            .create_with_context(Logging::default())
            .map_err(BusError::Setting)?;
        Ok(Self {
            client,
            settings,
            bootstrap_servers: config.bootstrap_servers.clone(),
        })
    }

    fn admin(&self) -> Result<AdminClient<Logging>, BusError> {
        self.settings
            .create_with_context(Logging::default())
            .map_err(BusError::Setting)
    }

    /// Discards queued events, which accumulate in a client that is not polled, above all while
    /// brokers are away.
    fn drop_events(&self) {
        while self.client.poll(Duration::ZERO).is_some() {}
    }

    /// Waits for the first answer of a broker and returns the cluster id, at once if it is already
    /// known. Fails without further waiting when a broker refuses this client.
    fn reach(&self) -> Result<String, BusError> {
        let began = Instant::now();
        let mut is_said = false;
        self.drop_events();
        if let Some(cluster) = self.client.client().fetch_cluster_id(FIRST_ANSWER) {
            return Ok(cluster);
        }
        loop {
            // There are no records to read: polling runs the callbacks that record connection
            // failures.
            drop(self.client.poll(LOOK));
            if let Some(cluster) = self.client.client().fetch_cluster_id(LOOK) {
                return Ok(cluster);
            }
            match self.client.context().failure() {
                Some(failure) if failure.is_refusal => {
                    return Err(BusError::Refused {
                        bootstrap_servers: self.bootstrap_servers.clone(),
                        cause: failure.cause,
                    });
                }
                Some(failure) if began.elapsed() >= SAID_AFTER => {
                    return Err(self.unreachable(failure.cause));
                }
                None if began.elapsed() >= PATIENCE => {
                    return Err(self.unreachable("no answer".to_owned()));
                }
                None if began.elapsed() >= SAID_AFTER && !is_said => {
                    let (servers, seconds) = (&self.bootstrap_servers, PATIENCE.as_secs());
                    tracing::warn!(
                        "Kafka at {servers} does not answer yet: waiting for {seconds} s in all"
                    );
                    is_said = true;
                }
                _ => {}
            }
        }
    }

    /// Creates the topics that do not exist yet.
    pub async fn create_topics(&self, config: &Config) -> Result<(), BusError> {
        tokio::task::block_in_place(|| self.reach())?;
        let in_sync = config.min_insync_replicas.to_string();
        let [events, dead_letters, erasures] = [
            (&config.topic, config.partitions),
            (&config.dead_letter_topic, 1),
            (&config.erasure_topic, 1),
        ]
        .map(|(name, partitions)| {
            let replication = TopicReplication::Fixed(config.replication);
            let topic = NewTopic::new(name, partitions, replication);
            match config.min_insync_replicas {
                0 => topic,
                _ => topic.set("min.insync.replicas", &in_sync),
            }
        });
        // Few and small records that are never deleted, whatever the brokers' defaults.
        let erasures = erasures
            .set("cleanup.policy", "delete")
            .set("retention.ms", "-1")
            .set("retention.bytes", "-1");
        let topics = [events, dead_letters, erasures];
        let options = AdminOptions::new()
            .operation_timeout(Some(PATIENCE))
            .request_timeout(Some(PATIENCE));
        let results = self
            .admin()?
            .create_topics(&topics, &options)
            .await
            .map_err(|error| self.unreachable(error.to_string()))?;
        for result in results {
            match result {
                Ok(_) | Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
                Err((topic, code)) => {
                    return Err(BusError::CreateTopic {
                        topic,
                        cause: code.to_string(),
                    });
                }
            }
        }
        Ok(())
    }

    /// Raises the number of partitions of `topic` to `to`.
    ///
    /// Kafka then maps keys to other partitions. An event that a portal sends once before and once
    /// after the change may arrive through two partitions.
    pub async fn raise_partitions(&self, topic: &str, to: usize) -> Result<(), BusError> {
        let options = AdminOptions::new()
            .operation_timeout(Some(PATIENCE))
            .request_timeout(Some(PATIENCE));
        let change = NewPartitions::new(topic, to);
        for result in self.admin()?.create_partitions([&change], &options).await? {
            if let Err((topic, code)) = result {
                return Err(BusError::CreateTopic {
                    topic,
                    cause: code.to_string(),
                });
            }
        }
        Ok(())
    }

    /// Deletes a topic with all its records.
    pub async fn delete_topic(&self, topic: &str) -> Result<(), BusError> {
        let options = AdminOptions::new()
            .operation_timeout(Some(PATIENCE))
            .request_timeout(Some(PATIENCE));
        let results = self
            .admin()?
            .delete_topics(&[topic], &options)
            .await
            .map_err(|error| self.unreachable(error.to_string()))?;
        match results.into_iter().next() {
            Some(Err((topic, RDKafkaErrorCode::UnknownTopicOrPartition))) => {
                Err(BusError::NoTopic { topic })
            }
            Some(Err((_, code))) => Err(KafkaError::AdminOp(code).into()),
            _ => Ok(()),
        }
    }

    /// Deletes a consumer group without members.
    pub async fn delete_group(&self, group: &str) -> Result<(), BusError> {
        let options = AdminOptions::new().request_timeout(Some(PATIENCE));
        let deleted = self.admin()?.delete_groups(&[group], &options).await?;
        match deleted.into_iter().next() {
            Some(Err((_, code))) if code != RDKafkaErrorCode::GroupIdNotFound => {
                Err(KafkaError::AdminOp(code).into())
            }
            _ => Ok(()),
        }
    }

    /// Deletes the records of `topic` before the given offsets, as retention does.
    pub async fn delete_records(
        &self,
        topic: &str,
        before: &[(Partition, NextOffset)],
    ) -> Result<(), BusError> {
        let mut list = TopicPartitionList::new();
        for (partition, next) in before {
            list.add_partition_offset(topic, partition.0, rdkafka::Offset::Offset(next.0))?;
        }
        let options = AdminOptions::new()
            .operation_timeout(Some(PATIENCE))
            .request_timeout(Some(PATIENCE));
        let deleted = self.admin()?.delete_records(&list, &options).await?;
        for element in deleted.elements() {
            element.error()?;
        }
        Ok(())
    }

    /// Returns the identity of `topic`.
    pub fn identity(&self, topic: &str) -> Result<StreamIdentity, BusError> {
        let cluster = self.reach()?;
        let Some(topic_id) = topic_id(self.client.client(), topic, PATIENCE) else {
            // `watermarks` fails if the topic does not exist; otherwise the cluster did not answer.
            self.watermarks(topic)?;
            return Err(self.unreachable("no answer about the topic".into()));
        };
        Ok(StreamIdentity { cluster, topic_id })
    }

    /// Returns the partitions of `topic` in order, each with its replicas.
    pub fn replicas(&self, topic: &str) -> Result<Vec<(Partition, Replicas)>, BusError> {
        self.reach()?;
        let metadata = self
            .client
            .fetch_metadata(Some(topic), PATIENCE)
            .map_err(|error| self.unreachable(error.to_string()))?;
        let topic_metadata = metadata
            .topics()
            .first()
            .filter(|found| found.error().is_none())
            .ok_or_else(|| BusError::NoTopic {
                topic: topic.to_owned(),
            })?;
        let found = topic_metadata.partitions().iter().map(|partition| {
            let replicas = Replicas {
                leader: Some(partition.leader()).filter(|leader| *leader >= 0),
                all: partition.replicas().to_vec(),
                in_sync: partition.isr().to_vec(),
            };
            (Partition(partition.id()), replicas)
        });
        let mut found: Vec<_> = found.collect();
        found.sort_by_key(|(partition, _)| partition.0);
        Ok(found)
    }

    /// Like [`Self::replicas`], for a topic that was just created: retries until every broker knows
    /// it.
    pub fn replicas_of_new(&self, topic: &str) -> Result<Vec<(Partition, Replicas)>, BusError> {
        let until = Instant::now() + PATIENCE;
        loop {
            match self.replicas(topic) {
                Err(BusError::NoTopic { .. }) if Instant::now() < until => {
                    std::thread::sleep(ASK_AGAIN);
                }
                other => return other,
            }
        }
    }

    /// True if log compaction removes records of `topic` that a newer record with the same key
    /// replaces.
    pub async fn is_compacted(&self, topic: &str) -> Result<bool, BusError> {
        let options = AdminOptions::new().request_timeout(Some(PATIENCE));
        let asked = [ResourceSpecifier::Topic(topic)];
        let described = self.admin()?.describe_configs(&asked, &options).await?;
        let described = described.into_iter().next();
        let settings = match described {
            Some(Ok(settings)) => settings,
            Some(Err(code)) => return Err(KafkaError::AdminOp(code).into()),
            None => return Err(self.unreachable("no answer about the topic's settings".into())),
        };
        let policy = settings.get("cleanup.policy");
        let policy = policy.and_then(|entry| entry.value.as_deref());
        Ok(policy.is_some_and(|policy| policy.contains("compact")))
    }

    /// Logs a warning if compaction is on for a topic of events. Without an answer, nothing is known.
    pub async fn warn_of_compaction(&self, topic: &str) {
        if self.is_compacted(topic).await.unwrap_or(false) {
            tracing::warn!(
                topic,
                "compaction deletes events that have the key of a newer one: set cleanup.policy=delete"
            );
        }
    }

    /// Fails with the name of the first topic that does not exist.
    pub fn check_topics(&self, topics: &[&str]) -> Result<(), BusError> {
        topics
            .iter()
            .try_for_each(|topic| self.replicas(topic).map(drop))
    }

    /// Returns the partitions of `topic` in order, each with its watermarks.
    pub fn watermarks(&self, topic: &str) -> Result<Vec<(Partition, Watermarks)>, BusError> {
        let partitions = self.replicas(topic)?.into_iter();
        partitions
            .map(|(Partition(id), _)| {
                let (low, high) = self.client.fetch_watermarks(topic, id, PATIENCE)?;
                let watermarks = Watermarks {
                    low: NextOffset(low),
                    high: NextOffset(high),
                };
                Ok((Partition(id), watermarks))
            })
            .collect()
    }

    /// Returns the end offsets of `partitions` of `topic`.
    pub fn ends_of(
        &self,
        topic: &str,
        partitions: &[Partition],
    ) -> Result<Vec<(Partition, NextOffset)>, BusError> {
        self.drop_events();
        if partitions.is_empty() {
            // An unreachable broker must be noticed without partitions, too.
            let asked = self.client.fetch_metadata(Some(topic), ENDS_PATIENCE);
            asked.map_err(|error| self.unreachable(error.to_string()))?;
        }
        let ends = partitions.iter().map(|partition| {
            let asked = self
                .client
                .fetch_watermarks(topic, partition.0, ENDS_PATIENCE);
            let (_, high) = asked.map_err(|error| match error.rdkafka_error_code() {
                // The client does not know an added partition at once.
                Some(RDKafkaErrorCode::UnknownPartition) => error.into(),
                _ => self.unreachable(error.to_string()),
            })?;
            Ok((*partition, NextOffset(high)))
        });
        ends.collect()
    }

    /// Returns the committed offset of the group of `config` in each partition, without joining the
    /// group.
    pub fn committed(&self, config: &Config) -> Result<Vec<Committed>, BusError> {
        let consumer: BaseConsumer<Logging> = config
            .client()
            .set("group.id", &config.group)
            .create_with_context(Logging::default())
            .map_err(BusError::Setting)?;
        let mut list = TopicPartitionList::new();
        for (partition, _) in self.watermarks(&config.topic)? {
            list.add_partition(&config.topic, partition.0);
        }
        let committed = consumer.committed_offsets(list, PATIENCE)?;
        committed.elements().iter().map(Committed::of).collect()
    }

    /// Returns the members of the group of `config` and their partitions.
    pub fn group(&self, config: &Config) -> Result<Group, BusError> {
        self.reach()?;
        Group::of(&self.client, config, PATIENCE)
    }

    /// Commits offsets and metadata for the group of `config`. Fails while the group has members.
    pub fn set_committed(
        &self,
        config: &Config,
        places: &[(Partition, NextOffset)],
        metadata: &str,
    ) -> Result<(), BusError> {
        let consumer: BaseConsumer<Logging> = config
            .client()
            .set("group.id", &config.group)
            .create_with_context(Logging::default())
            .map_err(BusError::Setting)?;
        let mut list = TopicPartitionList::new();
        for (partition, next) in places {
            let mut element = list.add_partition(&config.topic, partition.0);
            element.set_offset(rdkafka::Offset::Offset(next.0))?;
            element.set_metadata(metadata);
        }
        match consumer.commit(&list, CommitMode::Sync) {
            Err(error)
                if matches!(
                    error.rdkafka_error_code(),
                    Some(RDKafkaErrorCode::UnknownMemberId | RDKafkaErrorCode::IllegalGeneration)
                ) =>
            {
                Err(BusError::GroupBusy {
                    group: config.group.clone(),
                })
            }
            other => Ok(other?),
        }
    }

    fn unreachable(&self, cause: String) -> BusError {
        BusError::Unreachable {
            bootstrap_servers: self.bootstrap_servers.clone(),
            cause,
        }
    }
}
