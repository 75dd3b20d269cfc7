//! Prometheus metrics of the consumer. Counts change once for each block or assignment, never once
//! for each event.

use std::borrow::Cow;
use std::time::Duration;

use affluenza_http::telemetry::Metrics;
use affluenza_kafka::{OpenTransaction, Partition};
use affluenza_store::Fate;
use affluenza_store::silence::SilentPortal;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Metric;

use crate::Reconciled;
use crate::standstill::Standstill;
use crate::write::Written;

/// Bucket bounds for the time to write, in seconds.
const WRITE_SECONDS: [f64; 11] = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 20.0, 60.0];
/// Bucket bounds for the age of records, in seconds: from a fresh record to a day.
const AGE_SECONDS: [f64; 12] = [
    0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 15.0, 60.0, 300.0, 1800.0, 21_600.0, 86_400.0,
];
/// Bucket bounds for the number of records in a block.
const RECORDS: [f64; 9] = [
    10.0, 100.0, 500.0, 1_000.0, 5_000.0, 10_000.0, 20_000.0, 45_000.0, 65_536.0,
];

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct FateLabel {
    fate: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RefusalLabel {
    reason: Cow<'static, str>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct PartitionLabel {
    partition: i32,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StandstillLabel {
    partition: i32,
    offset: i64,
    cause: &'static str,
}

impl From<&Standstill> for StandstillLabel {
    fn from(standstill: &Standstill) -> Self {
        Self {
            partition: standstill.partition.0,
            offset: standstill.offset.0,
            cause: standstill.cause.into(),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct WhatLabel {
    what: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct PortalLabel {
    ente: String,
    portal: String,
}

/// Metrics of the consumer. They count even if they are not registered.
#[derive(Debug)]
pub(crate) struct ConsumerCounters {
    records: Family<FateLabel, Counter>,
    refused: Family<RefusalLabel, Counter>,
    block_records: Histogram,
    block_seconds: Histogram,
    insert_seconds: Histogram,
    stored_after: Histogram,
    last_block: Gauge,
    lag: Family<PartitionLabel, Gauge>,
    held_back: Family<PartitionLabel, Gauge>,
    held_back_seconds: Family<PartitionLabel, Gauge>,
    waited: Family<PartitionLabel, Gauge>,
    standstill: Family<StandstillLabel, Gauge>,
    faults: Gauge,
    topic_partitions: Gauge,
    partitions: Gauge,
    identities: Gauge,
    identity_bytes: Gauge,
    cache_hits: Counter,
    cache_misses: Counter,
    pub(crate) lookups: Counter,
    pub(crate) recovered: Counter,
    pub(crate) rejoined: Counter,
    pub(crate) waits: Counter,
    guard_stopped: Gauge,
    repaired: Family<WhatLabel, Counter>,
    compared: Counter,
    not_compared: Counter,
    not_mended: Gauge,
    last_compared: Gauge,
    silent: Family<PortalLabel, Gauge>,
    silent_portals: Gauge,
}

impl Default for ConsumerCounters {
    fn default() -> Self {
        let counters = Self {
            records: Family::default(),
            refused: Family::default(),
            block_records: Histogram::new(RECORDS),
            block_seconds: Histogram::new(WRITE_SECONDS),
            insert_seconds: Histogram::new(WRITE_SECONDS),
            stored_after: Histogram::new(AGE_SECONDS),
            last_block: Gauge::default(),
            lag: Family::default(),
            held_back: Family::default(),
            held_back_seconds: Family::default(),
            waited: Family::default(),
            standstill: Family::default(),
            faults: Gauge::default(),
            topic_partitions: Gauge::default(),
            partitions: Gauge::default(),
            identities: Gauge::default(),
            identity_bytes: Gauge::default(),
            cache_hits: Counter::default(),
            cache_misses: Counter::default(),
            lookups: Counter::default(),
            recovered: Counter::default(),
            rejoined: Counter::default(),
            waits: Counter::default(),
            guard_stopped: Gauge::default(),
            repaired: Family::default(),
            compared: Counter::default(),
            not_compared: Counter::default(),
            not_mended: Gauge::default(),
            last_compared: Gauge::default(),
            silent: Family::default(),
            silent_portals: Gauge::default(),
        };
        // A rate needs an initial sample of zero.
        for (_, fate) in FATES {
            counters
                .records
                .get_or_create(&FateLabel { fate })
                .inc_by(0);
        }
        for (what, _) in repairs(&Reconciled::default()) {
            counters
                .repaired
                .get_or_create(&WhatLabel { what })
                .inc_by(0);
        }
        counters
    }
}

const FATES: [(Fate, &str); 5] = [
    (Fate::Stored, "stored"),
    (Fate::Duplicate, "duplicate"),
    (Fate::Rejected, "rejected"),
    (Fate::Quarantined, "quarantined"),
    (Fate::Report, "report"),
];

fn repairs(done: &Reconciled) -> [(&'static str, u64); 5] {
    [
        ("facts-restored", done.facts_restored),
        ("facts-doubled", done.facts_doubled),
        ("copies-removed", done.copies_removed),
        ("ledger-rows", done.ledger_rows),
        ("cells-corrected", done.cells_corrected),
    ]
}

impl ConsumerCounters {
    /// Registers the metrics.
    pub(crate) fn register(&self, metrics: &Metrics) {
        self.register_flow(metrics);
        self.register_state(metrics);
        metrics.register(
            "reconcile_repaired",
            "Rows and cells repaired, by kind",
            self.repaired.clone(),
        );
        metrics.register(
            "reconcile_runs",
            "Comparisons of ledger, facts and aggregates",
            self.compared.clone(),
        );
        metrics.register(
            "reconcile_failures",
            "Comparisons that failed",
            self.not_compared.clone(),
        );
        metrics.register(
            "reconcile_not_mended",
            "Differences that the last comparison could not repair",
            self.not_mended.clone(),
        );
        metrics.register(
            "reconcile_last_timestamp_seconds",
            "End of the last comparison, in seconds since 1970",
            self.last_compared.clone(),
        );
        metrics.register(
            "portals_silent",
            "Portals that are silent for longer than usual",
            self.silent_portals.clone(),
        );
        metrics.register(
            "portal_silent_seconds",
            "Silence of a portal that usually sends events, in seconds",
            self.silent.clone(),
        );
    }

    fn register_flow(&self, metrics: &Metrics) {
        metrics.register(
            "consume_records",
            "Records of written blocks, by fate",
            self.records.clone(),
        );
        metrics.register(
            "consume_refused",
            "Records that did not become events, by reason",
            self.refused.clone(),
        );
        metrics.register(
            "consume_block_records",
            "Records in a written block",
            self.block_records.clone(),
        );
        metrics.register(
            "consume_block_seconds",
            "Time to write a block: dead letters, facts and ledger",
            self.block_seconds.clone(),
        );
        metrics.register(
            "consume_insert_seconds",
            "Time to insert the facts of a block",
            self.insert_seconds.clone(),
        );
        metrics.register(
            "consume_stored_after_seconds",
            "Time from the first record of a block entering the log to its storage",
            self.stored_after.clone(),
        );
        metrics.register(
            "consume_device_cache_hits",
            "User agents classified from the cache",
            self.cache_hits.clone(),
        );
        metrics.register(
            "consume_device_cache_misses",
            "User agents classified by the rules",
            self.cache_misses.clone(),
        );
        metrics.register(
            "consume_lookups",
            "Events older than the identities in memory, looked up in ClickHouse",
            self.lookups.clone(),
        );
        metrics.register(
            "consume_intents_recovered",
            "Blocks finished that an earlier owner had begun",
            self.recovered.clone(),
        );
        metrics.register(
            "consume_rejoins",
            "Rejoins of the group after an error",
            self.rejoined.clone(),
        );
        metrics.register(
            "consume_waits",
            "Failed requests to ClickHouse that are retried",
            self.waits.clone(),
        );
    }

    fn register_state(&self, metrics: &Metrics) {
        metrics.register(
            "consume_last_block_timestamp_seconds",
            "Time of the last written block, in seconds since 1970",
            self.last_block.clone(),
        );
        metrics.register(
            "consume_partitions",
            "Partitions assigned to this consumer",
            self.partitions.clone(),
        );
        metrics.register(
            "consume_recent_identities",
            "Events remembered to find duplicates",
            self.identities.clone(),
        );
        metrics.register(
            "consume_recent_bytes",
            "Memory used by the events remembered to find duplicates",
            self.identity_bytes.clone(),
        );
        metrics.register(
            "consume_guard_stopped",
            "1 when the consumer has stopped because its offset in the log does not fit the ledger",
            self.guard_stopped.clone(),
        );
        register_family(
            metrics,
            "consume_lag_records",
            "Records that wait in the log, by partition",
            &self.lag,
        );
        register_family(
            metrics,
            "consume_open_transaction_records",
            "Records that cannot be read before an open transaction of a producer ends, by partition",
            &self.held_back,
        );
        register_family(
            metrics,
            "consume_open_transaction_seconds",
            "Age of a producer's open transaction, by partition",
            &self.held_back_seconds,
        );
        register_family(
            metrics,
            "consume_unread_seconds",
            "Observed wait of the oldest record that is not stored, by partition",
            &self.waited,
        );
        register_family(
            metrics,
            "consume_standstill_seconds",
            "Time since a partition moved although records wait; no sample when all move",
            &self.standstill,
        );
        metrics.register(
            "consume_faults",
            "Topics, tables and views that are missing or altered",
            self.faults.clone(),
        );
        metrics.register(
            "consume_topic_partitions",
            "Partitions of the topic",
            self.topic_partitions.clone(),
        );
    }

    pub(crate) fn add_block(&self, written: &Written) {
        for (fate, name) in FATES {
            let label = FateLabel { fate: name };
            let records = written.fates.of(fate);
            self.records.get_or_create(&label).inc_by(records);
        }
        let refused = written.fates.groups();
        for (group, records) in refused.filter(|(group, _)| !group.reason.is_empty()) {
            let reason = group.reason.clone();
            let label = RefusalLabel { reason };
            self.refused.get_or_create(&label).inc_by(records);
        }
        self.block_records.observe(written.read as f64);
        self.block_seconds.observe(written.took.as_secs_f64());
        if let Some(took) = written.inserted_in {
            self.insert_seconds.observe(took.as_secs_f64());
        }
        if let Some(oldest_ms) = written.oldest_ms {
            let age_ms = written.stored_at_ms.saturating_sub(oldest_ms);
            self.stored_after.observe(age_ms.max(0) as f64 / 1000.0);
        }
        self.last_block.set(written.stored_at_ms / 1000);
    }

    pub(crate) fn add_cached(&self, hits: u64, misses: u64) {
        self.cache_hits.inc_by(hits);
        self.cache_misses.inc_by(misses);
    }

    pub(crate) fn set_memory(&self, identities: usize, bytes: usize) {
        self.identities.set(signed(identities as u64));
        self.identity_bytes.set(signed(bytes as u64));
    }

    pub(crate) fn set_owned(&self, owned: &[Partition]) {
        self.partitions.set(signed(owned.len() as u64));
        // Other consumers report the partitions that this one lost.
        self.lag.clear();
        self.waited.clear();
    }

    pub(crate) fn set_wait(&self, partition: Partition, wait: Duration) {
        let label = PartitionLabel {
            partition: partition.0,
        };
        self.waited
            .get_or_create(&label)
            .set(signed(wait.as_secs()));
    }

    /// Publishes the standstills. A sample that stays is never removed in between, as a scrape
    /// would then resolve the alert.
    pub(crate) fn set_standstills(&self, before: &[Standstill], now: &[Standstill]) {
        let kept: Vec<StandstillLabel> = now.iter().map(StandstillLabel::from).collect();
        for gone in before.iter().map(StandstillLabel::from) {
            if !kept.contains(&gone) {
                self.standstill.remove(&gone);
            }
        }
        for (label, standstill) in kept.iter().zip(now) {
            self.standstill
                .get_or_create(label)
                .set(signed(standstill.seconds));
        }
    }

    pub(crate) fn set_topic_partitions(&self, partitions: usize) {
        self.topic_partitions.set(signed(partitions as u64));
    }

    pub(crate) fn set_faults(&self, faults: usize) {
        self.faults.set(signed(faults as u64));
    }

    pub(crate) fn set_lag(&self, partition: Partition, records: u64) {
        let label = PartitionLabel {
            partition: partition.0,
        };
        self.lag.get_or_create(&label).set(signed(records));
    }

    pub(crate) fn set_open_transactions(&self, open: &[OpenTransaction], now_ms: i64) {
        self.held_back.clear();
        self.held_back_seconds.clear();
        for one in open {
            let label = PartitionLabel {
                partition: one.partition,
            };
            let waiting = signed(one.waiting);
            self.held_back.get_or_create(&label).set(waiting);
            let seconds = one
                .since_ms
                .map_or(0, |since| (now_ms - since).max(0) / 1000);
            self.held_back_seconds.get_or_create(&label).set(seconds);
        }
    }

    pub(crate) fn set_guard_stopped(&self) {
        self.guard_stopped.set(1);
    }

    pub(crate) fn add_compared(&self, done: &Reconciled, now_seconds: u64) {
        for (what, count) in repairs(done) {
            self.repaired
                .get_or_create(&WhatLabel { what })
                .inc_by(count);
        }
        self.compared.inc();
        self.not_mended.set(signed(done.failures.len() as u64));
        self.last_compared.set(signed(now_seconds));
    }

    pub(crate) fn add_not_compared(&self) {
        self.not_compared.inc();
    }

    pub(crate) fn set_silent(&self, portals: &[SilentPortal]) {
        self.silent.clear();
        for silent in portals {
            let label = PortalLabel {
                ente: silent.ente.clone(),
                portal: silent.portal.clone(),
            };
            let seconds = signed(silent.silent_seconds);
            self.silent.get_or_create(&label).set(seconds);
        }
        self.silent_portals.set(signed(portals.len() as u64));
    }
}

fn register_family<M: Metric + Clone>(metrics: &Metrics, name: &str, help: &str, family: &M) {
    metrics.register(name, help, family.clone());
}

fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
