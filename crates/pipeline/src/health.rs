//! Whether the consumer lives, whether it can do its work, and what it tells Prometheus: what
//! [`Progress`] knows beyond counts.

use std::sync::{MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use affluenza_bus::{NextOffset, OpenTransaction, Partition, Sight};
use affluenza_store::silence::SilentPortal;
use affluenza_telemetry::Metrics;

use crate::settle::Holds;
use crate::standstill::{Cause, Standstill, Tracker};
use crate::{Config, PipelineError, Progress, Reconciled, mark};

/// How long ClickHouse may refuse before the consumer is not ready.
const WAIT_SHOWN: Duration = Duration::from_secs(10);

/// How it is.
#[derive(Debug)]
pub(crate) struct Health {
    /// Longest time that the polling thread may be busy with one thing.
    stuck_after: Duration,
    /// When the polling thread last began a round.
    beat: Option<Instant>,
    /// The partitions it has; none before the group has dealt them.
    owned: Option<Vec<Partition>>,
    /// Since when the group has not dealt them.
    undealt_since: Instant,
    /// Where partitions stand.
    tracker: Tracker,
    /// Those that do not move.
    standing: Vec<Standstill>,
    /// Topics, tables and views that are missing or altered.
    faults: Vec<String>,
    /// Since when ClickHouse has been refusing.
    waiting_since: Option<Instant>,
    /// The last trouble with Kafka, until the group has dealt partitions again.
    trouble: Option<String>,
    /// Why it has stopped for good.
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
            standing: Vec::new(),
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

    /// Shows what is counted under `metrics`.
    pub fn register(&self, metrics: &Metrics) {
        self.0.counters.register(metrics);
    }

    /// Whether the consumer moves. One that does not is better started anew.
    ///
    /// # Errors
    /// What is wrong, in one sentence.
    pub fn check_alive(&self) -> Result<(), String> {
        let health = self.health();
        match health.beat.map(|beat| beat.elapsed()) {
            Some(still) if still > health.stuck_after => {
                let seconds = still.as_secs();
                Err(format!("the reading thread has not moved for {seconds} s"))
            }
            _ => Ok(()),
        }
    }

    /// Whether the consumer does its work.
    ///
    /// # Errors
    /// What is wrong, in one sentence.
    pub fn check_ready(&self) -> Result<(), String> {
        self.check_alive()?;
        let health = self.health();
        if let Some(stopped) = &health.stopped {
            return Err(format!("stopped: {stopped}"));
        }
        if health.owned.is_none() {
            return Err(health.trouble.as_ref().map_or_else(
                || "the group has not dealt its partitions yet".to_owned(),
                |trouble| format!("joining the group again: {trouble}"),
            ));
        }
        if let Some(fault) = health.faults.first() {
            return Err(fault.clone());
        }
        if let Some(first) = health.standing.first() {
            return Err(match health.standing.len() - 1 {
                0 => first.to_string(),
                others => format!("{first}; {others} other partition(s) do not move either"),
            });
        }
        match health.waiting_since.map(|since| since.elapsed()) {
            Some(waited) if waited > WAIT_SHOWN => Err(format!(
                "ClickHouse has not taken a block for {} s",
                waited.as_secs()
            )),
            _ => Ok(()),
        }
    }

    /// The partitions it has now.
    pub fn owned(&self) -> Vec<Partition> {
        self.health().owned.clone().unwrap_or_default()
    }

    /// Says why the consumer has stopped at a guard.
    pub fn stopped_by(&self, error: &PipelineError) {
        self.0.counters.set_guard_stopped();
        self.health().stopped = Some(error.to_string());
    }

    /// Notes where partitions end, as Kafka says.
    pub(crate) fn set_ends(&self, ends: &[(Partition, NextOffset)]) {
        let now = Instant::now();
        let reached = self.0.ends.lock().unwrap_or_else(PoisonError::into_inner);
        let mut health = self.health();
        health.tracker.hears(now);
        // Partitions that were lost while Kafka was silent are kept until it answers again: no other consumer
        // names them meanwhile.
        if let Some(owned) = health.owned.clone() {
            health.tracker.keep(&owned);
        }
        for (partition, end) in ends {
            let is_owned = |owned: &Vec<Partition>| owned.contains(partition);
            // Taken back since Kafka was asked.
            if !health.owned.as_ref().is_some_and(is_owned) {
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

    /// Notes that Kafka does not say where partitions end.
    pub(crate) fn ends_are_unknown(&self, why: &str) {
        let reached = self.0.ends.lock().unwrap_or_else(PoisonError::into_inner);
        let mut health = self.health();
        let now = Instant::now();
        health.tracker.stand_at(&reached, now);
        health.tracker.hears_nothing(why.to_owned(), now);
    }

    /// Partitions that stand for no reason that is known, and where.
    pub(crate) fn unexplained(
        &self,
        limit: Duration,
        again: Duration,
    ) -> Vec<(Partition, NextOffset)> {
        self.health()
            .tracker
            .unexplained(limit, again, Instant::now())
    }

    /// Notes what a look at the log found where a partition stands.
    pub(crate) fn sighted(&self, partition: Partition, sight: Sight) {
        let mut health = self.health();
        health.tracker.sighted(partition, sight, Instant::now());
    }

    /// Shows which partitions have not moved for `limit`, and returns them.
    pub(crate) fn note_standstills(&self, limit: Duration) -> Vec<Standstill> {
        let mut health = self.health();
        let found = health.tracker.standstills(limit, Instant::now());
        self.0.counters.set_standstills(&health.standing, &found);
        health.standing.clone_from(&found);
        found
    }

    /// Why the group has dealt no partitions for `limit`, if it has not.
    pub(crate) fn undealt(&self, limit: Duration) -> Option<String> {
        let health = self.health();
        let waited = health.undealt_since.elapsed();
        if health.owned.is_some() || waited < limit {
            return None;
        }
        let why = health.trouble.as_deref().unwrap_or("no answer yet");
        let seconds = waited.as_secs();
        Some(format!(
            "the group has dealt this consumer no partitions for {seconds} s: {why}"
        ))
    }

    /// The first partition that no waiting gets past.
    pub(crate) fn hopeless(&self) -> Option<Standstill> {
        let health = self.health();
        let is_hopeless =
            |one: &&Standstill| matches!(one.cause, Cause::Unreadable | Cause::NotAllowed);
        health.standing.iter().find(is_hopeless).cloned()
    }

    /// Shows how many partitions the topic has.
    pub(crate) fn set_topic_partitions(&self, partitions: usize) {
        self.0.counters.set_topic_partitions(partitions);
    }

    /// Shows what topics and tables lack.
    pub(crate) fn set_faults(&self, faults: &[String]) {
        self.0.counters.set_faults(faults.len());
        self.health().faults = faults.to_vec();
    }

    /// Takes over the limits of the configuration.
    pub(crate) fn limit_by(&self, config: &Config) {
        self.health().stuck_after = Duration::from_secs(config.stuck_seconds);
    }

    /// A writer begins a step.
    pub(crate) fn begins(&self, partition: Partition, cause: Cause, what: &str) {
        let mut health = self.health();
        health
            .tracker
            .begins(partition, cause, what, Instant::now());
    }

    /// An attempt at the present step failed.
    pub(crate) fn fails(&self, partition: Partition, error: &dyn std::fmt::Display) {
        self.health().tracker.fails(partition, error.to_string());
    }

    /// Shows the transactions that hold partitions back now.
    pub fn set_open_transactions(&self, open: &[OpenTransaction]) {
        let now_ms = i64::try_from(mark::now())
            .unwrap_or(i64::MAX)
            .saturating_mul(1000);
        self.0.counters.set_open_transactions(open, now_ms);
    }

    /// Tells what a comparison of the accounts did.
    pub fn note_compared(&self, done: &Reconciled) {
        self.0.counters.add_compared(done, mark::now());
    }

    /// Tells that the accounts could not be compared.
    pub fn note_not_compared(&self) {
        self.0.counters.add_not_compared();
    }

    /// Tells which portals are silent.
    pub fn set_silent(&self, portals: &[SilentPortal]) {
        self.0.counters.set_silent(portals);
    }

    pub(crate) fn beat(&self) {
        self.health().beat = Some(Instant::now());
    }

    /// Whether the group has dealt its partitions, and this consumer some of them or none.
    pub(crate) fn is_dealt(&self) -> bool {
        self.health().owned.is_some()
    }

    pub(crate) fn owns(&self, owned: Option<Vec<Partition>>) {
        self.0.counters.set_owned(owned.as_deref().unwrap_or(&[]));
        let mut health = self.health();
        match &owned {
            Some(_) => health.trouble = None,
            // It may come back to the same partitions, and to what stops them.
            None if health.owned.is_some() => health.undealt_since = Instant::now(),
            None => {}
        }
        // Whose blocks these were is their next owner's to tell.
        health.waiting_since = None;
        health.owned = owned;
    }

    pub(crate) fn note_trouble(&self, error: &PipelineError) {
        self.0.counters.rejoined.inc();
        self.health().trouble = Some(error.to_string());
    }

    /// Notes what keeps this consumer from its partitions, as long as it has none.
    pub(crate) fn note_before_dealt(&self, cause: String) {
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

    /// Hits and misses of the classifier's memory, when last counted and now. Another classifier
    /// counts from 0.
    pub(crate) fn note_cached(&self, before: (u64, u64), now: (u64, u64)) {
        let since = |before: u64, now: u64| now.checked_sub(before).unwrap_or(now);
        let (hits, misses) = (since(before.0, now.0), since(before.1, now.1));
        self.0.counters.add_cached(hits, misses);
    }

    pub(crate) fn note_memory(&self, identities: usize, bytes: usize) {
        self.0.counters.set_memory(identities, bytes);
    }
}
