//! Health of the consumer: the part of [`Progress`] for liveness, readiness and Prometheus.

use std::sync::{MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use affluenza_http::telemetry::Metrics;
use affluenza_kafka::{NextOffset, OpenTransaction, Partition, Sight};
use affluenza_store::silence::SilentPortal;

use crate::settle::Holds;
use crate::standstill::{Cause, Standstill, Tracker};
use crate::{Config, PipelineError, Progress, Reconciled, clock};

/// Time of failing writes to ClickHouse after which the consumer is not ready. Independent
/// of `standstill_seconds`: a refused insert is a known cause.
const FAILING_WRITES_MAX: Duration = Duration::from_secs(10);

/// Health of the consumer.
#[derive(Debug)]
pub(crate) struct Health {
    /// Maximum time that the polling thread may take for one step.
    stuck_after: Duration,
    /// Start of the polling thread's last round.
    beat: Option<Instant>,
    /// Owned partitions. `None` before the group has assigned any.
    owned: Option<Vec<Partition>>,
    /// Start of the time without an assignment.
    undealt_since: Instant,
    /// Progress of each partition.
    tracker: Tracker,
    /// Partitions at a standstill.
    standstills: Vec<Standstill>,
    /// Missing or altered topics, tables and views.
    faults: Vec<String>,
    /// Start of the failing writes to ClickHouse.
    waiting_since: Option<Instant>,
    /// Last trouble with Kafka, until the next assignment.
    trouble: Option<String>,
    /// Reason why the consumer stopped for good.
    stopped: Option<String>,
}

impl Default for Health {
    fn default() -> Self {
        Self {
            stuck_after: Duration::from_secs(Config::default().stuck_seconds),
            beat: None,
            owned: None,
            undealt_since: Instant::now(),
            tracker: Tracker::default(),
            standstills: Vec::new(),
            faults: Vec::new(),
            waiting_since: None,
            trouble: None,
            stopped: None,
        }
    }
}

impl Health {
    pub(crate) fn write_went_well(&mut self, partition: Partition) {
        self.waiting_since = None;
        self.tracker.is_written(partition);
    }
}

impl Progress {
    pub(crate) fn health(&self) -> MutexGuard<'_, Health> {
        self.0.health.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn holds(&self) -> &Holds {
        &self.0.holds
    }

    /// Registers the metrics under `metrics`.
    pub fn register(&self, metrics: &Metrics) {
        self.0.counters.register(metrics);
    }

    /// Checks that the polling thread advances. A stuck consumer should be restarted.
    ///
    /// # Errors
    /// Returns the reason in one sentence.
    pub fn check_alive(&self) -> Result<(), String> {
        let health = self.health();
        match health.beat.map(|beat| beat.elapsed()) {
            Some(still) if still > health.stuck_after => {
                let seconds = still.as_secs();
                Err(format!(
                    "the reading thread has made no progress for {seconds} s"
                ))
            }
            _ => Ok(()),
        }
    }

    /// Checks that the consumer processes its partitions.
    ///
    /// # Errors
    /// Returns the reason in one sentence.
    pub fn check_ready(&self) -> Result<(), String> {
        self.check_alive()?;
        let health = self.health();
        if let Some(stopped) = &health.stopped {
            return Err(format!("stopped: {stopped}"));
        }
        // A standstill names partition and cause, also while the consumer rejoins its group.
        if let Some(first) = health.standstills.first() {
            return Err(match health.standstills.len() - 1 {
                0 => first.to_string(),
                others => format!("{first}; {others} other partition(s) do not move either"),
            });
        }
        if health.owned.is_none() {
            return Err(health.trouble.as_ref().map_or_else(
                || "the group has not assigned its partitions yet".to_owned(),
                |trouble| format!("rejoining the group: {trouble}"),
            ));
        }
        if let Some(fault) = health.faults.first() {
            return Err(fault.clone());
        }
        match health.waiting_since.map(|since| since.elapsed()) {
            Some(waited) if waited > FAILING_WRITES_MAX => Err(format!(
                "ClickHouse has not accepted a block for {} s",
                waited.as_secs()
            )),
            _ => Ok(()),
        }
    }

    /// Returns the owned partitions.
    pub fn owned(&self) -> Vec<Partition> {
        self.health().owned.clone().unwrap_or_default()
    }

    /// Records why the consumer stopped because its position does not fit.
    pub fn stopped_by(&self, error: &PipelineError) {
        self.0.counters.set_guard_stopped();
        self.health().stopped = Some(error.to_string());
    }

    /// Records the ends of partitions reported by Kafka, and updates lag and waiting times.
    pub(crate) fn set_ends(&self, ends: &[(Partition, NextOffset)]) {
        let now = Instant::now();
        let reached = self.0.ends.lock().unwrap_or_else(PoisonError::into_inner);
        let mut health = self.health();
        health.tracker.hears(now);
        // Revoked partitions are kept while Kafka does not answer: no other consumer reports them
        // meanwhile.
        if let Some(owned) = health.owned.clone() {
            health.tracker.keep(&owned);
        }
        for (partition, end) in ends {
            let owned = health.owned.as_ref();
            // The partition was revoked since the query to Kafka.
            if !owned.is_some_and(|owned| owned.contains(partition)) {
                continue;
            }
            let at = reached.get(partition).copied().unwrap_or(NextOffset(0));
            let lag = end.0.saturating_sub(at.0).max(0).unsigned_abs();
            self.0.counters.set_lag(*partition, lag);
            health.tracker.see(*partition, at, *end, now);
        }
        for (partition, wait) in health.tracker.waits(now) {
            self.0.counters.set_wait(partition, wait);
        }
    }

    /// Records that Kafka does not report the ends of partitions.
    pub(crate) fn ends_are_unknown(&self, why: &str) {
        let reached = self.0.ends.lock().unwrap_or_else(PoisonError::into_inner);
        let mut health = self.health();
        let now = Instant::now();
        health.tracker.stand_at(&reached, now);
        health.tracker.hears_nothing(why.to_owned(), now);
    }

    /// Returns the partitions that stand still without a known cause, with their offsets.
    pub(crate) fn unexplained(
        &self,
        limit: Duration,
        again: Duration,
    ) -> Vec<(Partition, NextOffset)> {
        self.health()
            .tracker
            .unexplained(limit, again, Instant::now())
    }

    /// Records the result of reading the log at a partition's position.
    pub(crate) fn sighted(&self, partition: Partition, sight: Sight) {
        let mut health = self.health();
        health.tracker.sighted(partition, sight, Instant::now());
    }

    /// Publishes and returns the partitions that have not moved for `limit`.
    pub(crate) fn note_standstills(&self, limit: Duration) -> Vec<Standstill> {
        let mut health = self.health();
        let found = health.tracker.standstills(limit, Instant::now());
        self.0.counters.set_standstills(&health.standstills, &found);
        health.standstills.clone_from(&found);
        found
    }

    /// Returns the reason why the group has assigned no partitions for `limit`, if so.
    pub(crate) fn unassigned(&self, limit: Duration) -> Option<String> {
        let health = self.health();
        let waited = health.undealt_since.elapsed();
        if health.owned.is_some() || waited < limit {
            return None;
        }
        let why = health.trouble.as_deref().unwrap_or("no answer yet");
        let seconds = waited.as_secs();
        Some(format!(
            "the group has assigned no partitions to this consumer for {seconds} s: {why}"
        ))
    }

    /// Returns the first partition whose standstill no retry ends.
    pub(crate) fn hopeless(&self) -> Option<Standstill> {
        let health = self.health();
        let mut standing = health.standstills.iter();
        let found = standing.find(|one| matches!(one.cause, Cause::Unreadable | Cause::NotAllowed));
        found.cloned()
    }

    /// Publishes the number of partitions of the topic.
    pub(crate) fn set_topic_partitions(&self, partitions: usize) {
        self.0.counters.set_topic_partitions(partitions);
    }

    /// Publishes the faults of topics, tables and views.
    pub(crate) fn set_faults(&self, faults: &[String]) {
        self.0.counters.set_faults(faults.len());
        self.health().faults = faults.to_vec();
    }

    /// Sets the limits from the configuration.
    pub(crate) fn limit_by(&self, config: &Config) {
        self.health().stuck_after = Duration::from_secs(config.stuck_seconds);
    }

    /// Records that a writer begins a step.
    pub(crate) fn begins(&self, partition: Partition, cause: Cause, what: &str) {
        let mut health = self.health();
        health
            .tracker
            .begins(partition, cause, what, Instant::now());
    }

    /// Records that an attempt of the current step failed.
    pub(crate) fn fails(&self, partition: Partition, error: &dyn std::fmt::Display) {
        self.health().tracker.fails(partition, error.to_string());
    }

    /// Publishes the open transactions that hold partitions back.
    pub fn set_open_transactions(&self, open: &[OpenTransaction]) {
        let counters = &self.0.counters;
        counters.set_open_transactions(open, clock::millis());
    }

    /// Publishes the result of a reconciliation.
    pub fn note_compared(&self, done: &Reconciled) {
        self.0.counters.add_compared(done, clock::seconds());
    }

    /// Publishes that a reconciliation failed.
    pub fn note_not_compared(&self) {
        self.0.counters.add_not_compared();
    }

    /// Publishes the silent portals.
    pub fn set_silent(&self, portals: &[SilentPortal]) {
        self.0.counters.set_silent(portals);
    }

    pub(crate) fn beat(&self) {
        self.health().beat = Some(Instant::now());
    }

    /// True if the group has assigned partitions, even if this consumer owns none.
    pub(crate) fn is_assigned(&self) -> bool {
        self.health().owned.is_some()
    }

    pub(crate) fn owns(&self, owned: Option<Vec<Partition>>) {
        self.0.counters.set_owned(owned.as_deref().unwrap_or(&[]));
        let mut health = self.health();
        match &owned {
            Some(_) => health.trouble = None,
            // A new assignment may contain the same partitions, with the same cause of a standstill.
            None if health.owned.is_some() => health.undealt_since = Instant::now(),
            None => {}
        }
        // The next owner reports the state of the revoked partitions.
        health.waiting_since = None;
        health.owned = owned;
    }

    pub(crate) fn note_trouble(&self, error: &PipelineError) {
        self.0.counters.rejoined.inc();
        self.health().trouble = Some(error.to_string());
    }

    /// Records why the group has not assigned partitions yet.
    pub(crate) fn note_unassigned(&self, cause: String) {
        let mut health = self.health();
        if health.owned.is_none() {
            health.trouble = Some(cause);
        }
    }

    pub(crate) fn note_wait(&self) {
        self.0.counters.waits.inc();
        self.health().waiting_since.get_or_insert_with(Instant::now);
    }

    pub(crate) fn note_lookups(&self, events: usize) {
        self.0.counters.lookups.inc_by(events as u64);
    }

    pub(crate) fn note_recovery(&self) {
        self.0.counters.recovered.inc();
    }

    /// Adds the cache hits and misses since the last count.
    pub(crate) fn note_cached(&self, hits: u64, misses: u64) {
        self.0.counters.add_cached(hits, misses);
    }

    pub(crate) fn note_memory(&self, identities: usize, bytes: usize) {
        self.0.counters.set_memory(identities, bytes);
    }
}
