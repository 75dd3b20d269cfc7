use std::path::PathBuf;

use affluenza_http::out_of_range;
use serde::{Deserialize, Serialize};

/// Limits and intervals of the consumer. A block is written when it is two thirds full or due.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Maximum number of records in a block.
    pub block_records_max: usize,
    /// Memory of the blocks that a consumer fills, in bytes. Its partitions share it: a block takes
    /// half of it at most, and an eighth at least.
    pub block_bytes_max: usize,
    /// Maximum time that a record waits for its block, in milliseconds, and time between two blocks
    /// of a partition. After a pause a block is written at once, and so is one that is two thirds
    /// full. Twice as long while there is a backlog. Fresher figures cost more CPU.
    pub block_wait_ms_max: u64,
    /// Identities kept in memory for each partition, to find duplicates without a query to
    /// ClickHouse.
    pub recent_identities_max: usize,
    /// True to start reading a log of which ClickHouse has no records, although it has records of
    /// another log. False by default, so that a re-created topic is noticed.
    pub accept_new_stream: bool,
    /// Minutes between two reconciliations of ledger, facts and aggregates, run by the consumer
    /// that owns partition 0. 0 turns them off.
    pub reconcile_minutes: u32,
    /// Seconds from the start of the consumer to the first reconciliation.
    pub reconcile_first_seconds: u32,
    /// Hours that a reconciliation reaches back, by the time of writing.
    pub reconcile_hours: u32,
    /// Seconds between two searches for copies of stored events among the facts of new blocks, run
    /// by the consumer that owns partition 0. A copy outside the memory of recent identities is
    /// counted until the next search.
    pub copies_search_seconds: u32,
    /// Address and port of `/metrics`, `/status` and `/live`, such as `127.0.0.1:9464`. Port 0
    /// takes a free port. Empty: no listener.
    pub listen: String,
    /// File with the certificate of `listen` and its issuers, in PEM. Empty: plain HTTP.
    pub tls_certificate: PathBuf,
    /// File with the private key of the certificate, in PEM.
    pub tls_key: PathBuf,
    /// Seconds that `/metrics` and `/status` show the reason before the process ends, after the
    /// consumer stopped because its position in the log does not fit. Use more than the scrape
    /// interval.
    pub stop_shown_seconds: u64,
    /// Seconds without progress, while records wait, after which a partition counts as standing
    /// still. The log, `/status` and the metric `affluenza_consume_standstill_seconds` then name
    /// partition, offset and cause. After ten seconds of failing writes to ClickHouse, `/status`
    /// answers 503 whatever this setting is.
    pub standstill_seconds: u64,
    /// Seconds that the polling thread may take for one step before `/live` reports that it is
    /// stuck. Also the age of the oldest unread record at which `audit` reports "not balanced" and
    /// `close-year` closes nothing. Use more than the timeouts of Kafka and ClickHouse together.
    pub stuck_seconds: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            block_records_max: 262_144,
            block_bytes_max: 32 * 1024 * 1024,
            block_wait_ms_max: 1250,
            recent_identities_max: 150_000,
            accept_new_stream: false,
            reconcile_minutes: 60,
            reconcile_first_seconds: 30,
            reconcile_hours: 26,
            copies_search_seconds: 60,
            listen: String::new(),
            tls_certificate: PathBuf::new(),
            tls_key: PathBuf::new(),
            stop_shown_seconds: 60,
            standstill_seconds: 30,
            stuck_seconds: 180,
        }
    }
}

/// Limits of one block.
#[derive(Debug, Clone, Copy)]
pub struct BlockLimits {
    /// Maximum number of records.
    pub records: usize,
    /// Maximum memory, in bytes.
    pub bytes: usize,
}

impl Config {
    /// Returns the limits of a block of a consumer with this number of partitions.
    pub fn block_limits(&self, partitions: usize) -> BlockLimits {
        BlockLimits {
            records: self.block_records_max,
            bytes: self.block_bytes_max / partitions.clamp(2, 8),
        }
    }

    /// Returns the settings out of range, one line for each.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let (records, bytes) = (self.block_records_max as u64, self.block_bytes_max as u64);
        let identities = self.recent_identities_max as u64;
        for (name, value, low, high) in [
            ("block_records_max", records, 1, 1_000_000),
            ("block_bytes_max", bytes, 64 * 1024, 256 * 1024 * 1024),
            ("block_wait_ms_max", self.block_wait_ms_max, 1, 60_000),
            ("recent_identities_max", identities, 1, 10_000_000),
            (
                "copies_search_seconds",
                u64::from(self.copies_search_seconds),
                1,
                240,
            ),
            ("stop_shown_seconds", self.stop_shown_seconds, 0, 3600),
            ("standstill_seconds", self.standstill_seconds, 5, 3600),
            ("stuck_seconds", self.stuck_seconds, 60, 3600),
        ] {
            problems.extend(out_of_range("consume", name, value, low..=high));
        }
        problems
    }
}
