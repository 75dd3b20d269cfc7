//! Whether the consumer lives, whether it can do its work, and what it tells Prometheus: what
//! [`Progress`] knows beyond counts.

use std::sync::{MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use affluenza_bus::{NextOffset, OpenTransaction, Partition};
use affluenza_store::silence::SilentPortal;
use affluenza_telemetry::Metrics;

use crate::{PipelineError, Progress, Reconciled, mark};

/// How long the polling thread may be busy with one thing before it counts as stuck: longer than
/// Kafka and ClickHouse may take to answer together.
const STUCK_AFTER: Duration = Duration::from_secs(180);
/// How long ClickHouse may refuse before the consumer is not ready.
const WAIT_SHOWN: Duration = Duration::from_secs(10);

/// How it is.
#[derive(Debug, Default)]
pub(crate) struct Health {
    /// When the polling thread last began a round.
    beat: Option<Instant>,
    /// The partitions it has; none before the group has dealt them.
    owned: Option<Vec<Partition>>,
    /// Since when ClickHouse has been refusing.
    waiting_since: Option<Instant>,
    /// The last trouble with Kafka, until the group has dealt partitions again.
    trouble: Option<String>,
    /// Why it has stopped for good.
    stopped: Option<String>,
}

impl Health {
    pub(crate) fn write_went_well(&mut self) {
        self.waiting_since = None;
    }
}

impl Progress {
    pub(crate) fn health(&self) -> MutexGuard<'_, Health> {
        self.0.health.lock().unwrap_or_else(PoisonError::into_inner)
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
        match self.health().beat.map(|beat| beat.elapsed()) {
            Some(still) if still > STUCK_AFTER => {
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

    /// Tells where partitions end, as Kafka says.
    pub fn set_ends(&self, ends: &[(Partition, NextOffset)]) {
        let reached = self.0.ends.lock().unwrap_or_else(PoisonError::into_inner);
        let owned = self.owned();
        for (partition, end) in ends
            .iter()
            .filter(|(partition, _)| owned.contains(partition))
        {
            let at = reached.get(partition).map_or(0, |at| at.0);
            let lag = end.0.saturating_sub(at).max(0).unsigned_abs();
            self.0.counters.set_lag(*partition, lag);
        }
    }

    /// Tells which transactions hold partitions back now.
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
        if owned.is_some() {
            health.trouble = None;
        }
        // Whose blocks these were is their next owner's to tell.
        health.waiting_since = None;
        health.owned = owned;
    }

    pub(crate) fn note_trouble(&self, error: &PipelineError) {
        self.0.counters.rejoined.inc();
        self.health().trouble = Some(error.to_string());
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
