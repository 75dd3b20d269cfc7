use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Bounds of the consumer. A block is written when it reaches any of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Most records in a block.
    pub block_records_max: usize,
    /// Most memory of a block, in bytes.
    pub block_bytes_max: usize,
    /// Longest that a record waits in a block, in milliseconds; five times as long while there is
    /// a backlog.
    pub block_wait_ms_max: u64,
    /// Identities kept in memory a partition, to find duplicates without asking ClickHouse.
    pub recent_identities_max: usize,
    /// Whether to begin with a log that ClickHouse has no records of, although it has records of
    /// another one. Off, so that a topic that was created anew is noticed.
    pub accept_new_stream: bool,
    /// Minutes between two comparisons of ledger, facts and aggregates, by the consumer that owns
    /// partition 0. 0: none.
    pub reconcile_minutes: u32,
    /// Seconds from its start to the first of them.
    pub reconcile_first_seconds: u32,
    /// How far back such a comparison goes, in hours of writing.
    pub reconcile_hours: u32,
    /// Seconds between two searches for copies of stored events among the facts of new blocks, by the
    /// consumer that owns partition 0. A copy that no memory knew counts until the next search.
    pub copies_search_seconds: u32,
    /// Address and port of `/metrics`, `/status` and `/live`, such as `127.0.0.1:9464`; port 0 takes
    /// a free one. Empty: none.
    pub listen: String,
    /// File with the certificate of that address and those above it, in PEM. Empty: plain HTTP.
    pub tls_certificate: PathBuf,
    /// File with its private key, in PEM.
    pub tls_key: PathBuf,
    /// When the consumer stops because its place in the log does not fit: for how long `/metrics`
    /// and `/status` say so before the process ends, in seconds. Longer than two scrapes are apart.
    pub stop_shown_seconds: u64,
    /// Seconds that a partition may stand still while records wait in it. Then the log, `/status` and
    /// the metric `affluenza_consume_standstill_seconds` name partition, offset and cause.
    pub standstill_seconds: u64,
    /// Seconds that the reading thread may be busy with one thing before `/live` says that it is
    /// stuck, and age of the oldest unread record from which on `audit` says "not balanced". Longer
    /// than Kafka and ClickHouse may take to answer together.
    pub stuck_seconds: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            block_records_max: 65_536,
            block_bytes_max: 8 * 1024 * 1024,
            block_wait_ms_max: 400,
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

impl Config {
    /// What is wrong with it, one line a problem.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let mut range = |name: &str, value: usize, low: usize, high: usize| {
            if !(low..=high).contains(&value) {
                problems.push(format!("consume.{name} = {value}: use {low} to {high}"));
            }
        };
        range("block_records_max", self.block_records_max, 1, 1_000_000);
        range(
            "block_bytes_max",
            self.block_bytes_max,
            64 * 1024,
            256 * 1024 * 1024,
        );
        range(
            "block_wait_ms_max",
            usize::try_from(self.block_wait_ms_max).unwrap_or(usize::MAX),
            1,
            60_000,
        );
        range(
            "recent_identities_max",
            self.recent_identities_max,
            1,
            10_000_000,
        );
        for (name, seconds, low, high) in [
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
            let seconds = usize::try_from(seconds).unwrap_or(usize::MAX);
            range(name, seconds, low, high);
        }
        problems
    }
}
