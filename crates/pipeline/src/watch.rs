//! Checks at intervals that the partitions of a consumer advance, and logs standstills.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use affluenza_http::telemetry::CancellationToken;
use affluenza_kafka::{BusError, Cluster, Config as BusConfig, NextOffset, Partition, Sight};
use affluenza_store::Store;

use crate::{Config, Progress};

/// Pause between two queries for the ends of partitions.
const LOOK: Duration = Duration::from_secs(5);
/// Pause between two reads of the record at a standstill, and between two log lines about it.
const LOOK_AGAIN: Duration = Duration::from_secs(60);
/// Pause between two checks of topics and tables.
const GROUND_LOOK: Duration = Duration::from_secs(30);
/// Timeout of ClickHouse for such a check.
const GROUND_PATIENCE: Duration = Duration::from_secs(10);

/// Monitor of the partitions of one consumer.
pub struct StandstillMonitor {
    bus: BusConfig,
    store: Store,
    progress: Progress,
    /// Minimum duration of a standstill that is reported.
    limit: Duration,
    /// Time of the last log line about each partition at a standstill.
    said: BTreeMap<Partition, Instant>,
    undealt_said: Option<Instant>,
    ground_said: Vec<String>,
    ground_looked: Option<Instant>,
}

impl StandstillMonitor {
    /// Creates a monitor; [`StandstillMonitor::watch`] runs it.
    pub fn new(bus: &BusConfig, store: Store, progress: Progress, config: &Config) -> Self {
        Self {
            bus: bus.clone(),
            store,
            progress,
            limit: Duration::from_secs(config.standstill_seconds),
            said: BTreeMap::new(),
            undealt_said: None,
            ground_said: Vec::new(),
            ground_looked: None,
        }
    }

    /// Monitors the partitions until `stop` is set.
    pub async fn watch(mut self, stop: CancellationToken) {
        let cluster = match Cluster::new(&self.bus) {
            Ok(cluster) => Arc::new(cluster),
            Err(error) => {
                tracing::error!(%error, "cannot monitor the partitions");
                return;
            }
        };
        loop {
            tokio::select! {
                () = self.round(&cluster) => {}
                () = stop.cancelled() => return,
            }
            tokio::select! {
                () = tokio::time::sleep(LOOK) => {}
                () = stop.cancelled() => return,
            }
        }
    }

    async fn round(&mut self, cluster: &Arc<Cluster>) {
        if !self.knows_ends(cluster).await {
            // Kafka's silence is the cause: further queries would only delay its report.
            self.say();
            return;
        }
        for (partition, at) in self.progress.unexplained(self.limit, LOOK_AGAIN) {
            self.look_at_record(partition, at).await;
        }
        let looked = self.ground_looked;
        if looked.is_none_or(|looked| looked.elapsed() >= GROUND_LOOK) {
            self.ground_looked = Some(Instant::now());
            self.check_topics_and_schema(cluster).await;
        }
        self.say();
    }

    /// Queries the ends of the partitions from Kafka. Returns false without an answer.
    async fn knows_ends(&self, cluster: &Arc<Cluster>) -> bool {
        let (asked, topic) = (Arc::clone(cluster), self.bus.topic.clone());
        let owned = self.progress.owned();
        let answer = tokio::task::spawn_blocking(move || asked.ends_of(&topic, &owned)).await;
        match answer {
            Ok(Ok(ends)) => {
                self.progress.set_ends(&ends);
                return true;
            }
            Ok(Err(error)) => {
                tracing::warn!(%error, "cannot read the lag");
                self.progress.ends_are_unknown(&error.to_string());
            }
            Err(error) => tracing::warn!(%error, "cannot read the lag"),
        }
        false
    }

    async fn look_at_record(&self, partition: Partition, at: NextOffset) {
        let bus = self.bus.clone();
        let look = tokio::task::spawn_blocking(move || Sight::at(&bus, &bus.topic, partition, at));
        match look.await {
            Ok(Ok(sight)) => self.progress.sighted(partition, sight),
            Ok(Err(error)) => {
                tracing::warn!(%error, partition = partition.0, "cannot inspect the log")
            }
            Err(error) => tracing::warn!(%error, "cannot inspect the log"),
        }
    }

    /// Checks the topics, tables and views that the consumer needs.
    async fn check_topics_and_schema(&mut self, cluster: &Arc<Cluster>) {
        let mut missing = Vec::new();
        let (asked, bus) = (Arc::clone(cluster), self.bus.clone());
        let topics = tokio::task::spawn_blocking(move || {
            let partitions = asked.replicas(&bus.topic)?.len();
            asked.check_topics(&[&bus.dead_letter_topic])?;
            Ok(partitions)
        });
        match topics.await {
            Ok(Err(error @ BusError::NoTopic { .. })) => missing.push(error.to_string()),
            Ok(Ok(partitions)) => self.progress.set_topic_partitions(partitions),
            // Without an answer nothing changes; `knows_ends` reports that Kafka is unreachable.
            Ok(Err(_)) | Err(_) => return,
        }
        let faults = self.store.admin().schema_faults();
        match tokio::time::timeout(GROUND_PATIENCE, faults).await {
            Ok(Ok(faults)) => missing.extend(faults.iter().map(ToString::to_string)),
            Ok(Err(error)) if !error.is_transient() => missing.push(error.to_string()),
            Ok(Err(_)) | Err(_) => return,
        }
        for fault in &missing {
            if !self.ground_said.contains(fault) {
                tracing::error!(fault, "topics or tables are missing or altered");
            }
        }
        self.progress.set_faults(&missing);
        self.ground_said = missing;
    }

    fn say(&mut self) {
        let standing = self.progress.note_standstills(self.limit);
        for standstill in &standing {
            let said = self.said.get(&standstill.partition);
            if said.is_none_or(|said| said.elapsed() >= LOOK_AGAIN) {
                tracing::error!(
                    partition = standstill.partition.0,
                    offset = standstill.offset.0,
                    cause = %standstill.cause,
                    "{standstill}"
                );
                self.said.insert(standstill.partition, Instant::now());
            }
        }
        let moving = self.said.extract_if(.., |partition, _| {
            standing.iter().all(|one| one.partition != *partition)
        });
        for (partition, _) in moving {
            tracing::warn!(
                partition = partition.0,
                "the partition moves again, or is assigned to another member"
            );
        }
        self.say_undealt();
    }

    fn say_undealt(&mut self) {
        let Some(why) = self.progress.unassigned(self.limit) else {
            self.undealt_said = None;
            return;
        };
        let said = self.undealt_said;
        if said.is_none_or(|said| said.elapsed() >= LOOK_AGAIN) {
            tracing::error!("{why}");
            self.undealt_said = Some(Instant::now());
        }
    }
}
