//! Reconciliation of the log, the ledger and the facts: queries for differences, and repairs of
//! single blocks. Module [`crate::hour_rows`] compares the hour rows.

use std::collections::HashSet;
use std::ops::Range;

use clickhouse::Row;
use serde::{Deserialize, Serialize};

use crate::rebuild::Settled;
use crate::retention::Boundary;
use crate::sql::filled;
use crate::{Facts, Ledger, StoreError};

/// Maximum number of listed differences of one kind.
pub(crate) const LISTED_MAX: usize = 1_000;

/// Totals of the ledger for a partition.
#[derive(Debug, Clone, PartialEq, Eq, Row, Serialize, Deserialize)]
pub struct PartitionAccount {
    /// Name of the log.
    pub stream: String,
    /// Partition of that log.
    pub kafka_partition: u32,
    /// First offset in the ledger.
    pub first_offset: u64,
    /// Offset after the last one in the ledger.
    pub next_offset: u64,
    /// Number of blocks.
    pub blocks: u64,
    /// Records read: the sum of the next six fields.
    pub records_read: u64,
    /// Records stored as facts.
    pub stored: u64,
    /// Records whose event was already stored.
    pub duplicate: u64,
    /// Records that can never become events.
    pub rejected: u64,
    /// Records that wait for a decision of the operator.
    pub quarantined: u64,
    /// Client reports.
    pub reports: u64,
    /// Records that were stored and later erased by order.
    pub erased: u64,
    /// Control offsets: transaction markers, aborted records or compacted records.
    pub control: u64,
    /// Offsets whose records were accepted as lost.
    pub lost: u64,
}

/// A block with offsets that are neither records nor known control offsets.
#[derive(Debug, Clone, PartialEq, Eq, Row, Serialize, Deserialize)]
pub struct UnexplainedOffsets {
    /// Name of the log.
    pub stream: String,
    /// Partition of that log.
    pub kafka_partition: u32,
    /// First offset of the block.
    pub first_offset: u64,
    /// Offset after the block.
    pub next_offset: u64,
    /// Records read.
    pub records_read: u64,
    /// Control offsets and lost offsets of the block.
    pub control: u64,
}

impl UnexplainedOffsets {
    /// Returns the number of unexplained offsets. A negative number means more explanations than
    /// offsets.
    pub fn offsets(&self) -> i64 {
        signed(self.next_offset - self.first_offset)
            - signed(self.records_read)
            - signed(self.control)
    }
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A gap or an overlap between two consecutive blocks of the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Row, Serialize, Deserialize)]
pub struct LedgerGap {
    /// Name of the log.
    pub stream: String,
    /// Partition of that log.
    pub kafka_partition: u32,
    /// Offset after the earlier block.
    pub ends_at: u64,
    /// First offset of the later block: larger than `ends_at` for a gap, smaller for an overlap.
    pub begins_at: u64,
}

/// A block whose facts differ from its ledger row.
#[derive(Debug, Clone, PartialEq, Eq, Row, Serialize, Deserialize)]
pub struct BlockDifference {
    /// Name of the log.
    pub stream: String,
    /// Partition of that log.
    pub kafka_partition: u32,
    /// First offset of the block.
    pub first_offset: u64,
    /// Offset after the block.
    pub next_offset: u64,
    /// Number of facts according to the ledger.
    pub stored: u64,
    /// Number of facts found.
    pub facts: u64,
    /// Number of distinct offsets among the facts.
    pub offsets: u64,
    /// Number of records read.
    pub records_read: u64,
    /// Checksum of the records as read.
    pub checksum: u64,
    /// Number of offsets whose records were accepted as lost.
    pub lost: u64,
    /// First local day of the events, in days since 1970.
    pub first_day: u16,
    /// Last local day of the events, in days since 1970.
    pub last_day: u16,
}

impl BlockDifference {
    fn place(&self) -> (&str, u32, u64) {
        (&self.stream, self.kafka_partition, self.first_offset)
    }
}

/// Facts that no ledger block covers.
#[derive(Debug, Clone, PartialEq, Eq, Row, Serialize, Deserialize)]
pub struct StrayFacts {
    /// Name of the log.
    pub stream: String,
    /// Partition of that log.
    pub kafka_partition: u32,
    /// First offset of the facts.
    pub first_offset: u64,
    /// Last offset of the facts.
    pub last_offset: u64,
    /// Number of facts.
    pub facts: u64,
    /// First local day of the facts, in days since 1970.
    pub first_day: u16,
    /// Last local day of the facts, in days since 1970.
    pub last_day: u16,
    /// Age of the oldest fact since its insert, in seconds.
    pub age_seconds: u64,
}

/// A day of an ente on which the ledger and the facts differ.
#[derive(Debug, Clone, PartialEq, Eq, Row, Serialize, Deserialize)]
pub struct DayDifference {
    /// Public body.
    pub ente: String,
    /// Local day, `YYYY-MM-DD`.
    pub day: String,
    /// Stored events according to the ledger.
    pub stored: i64,
    /// Number of facts found.
    pub facts: i64,
}

/// Period covered by a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckScope {
    /// No limit.
    All,
    /// Rows written within this number of hours.
    Hours(u32),
}

impl CheckScope {
    /// Adds an hour, because facts are inserted before the ledger row of their block.
    fn wider(self) -> Self {
        match self {
            Self::All => Self::All,
            Self::Hours(hours) => Self::Hours(hours.saturating_add(1)),
        }
    }

    /// Returns the SQL condition on `column`, a time of insert.
    pub(crate) fn condition(self, column: &str) -> String {
        match self {
            Self::All => "1".to_owned(),
            Self::Hours(hours) => format!("{column} >= now() - INTERVAL {hours} HOUR"),
        }
    }
}

/// Returns the SQL expression for the stored events of a ledger row, without days of expired facts.
pub(crate) fn stored_and_kept(boundary: Boundary) -> String {
    match boundary.day {
        0 => "stored".to_owned(),
        day => format!(
            "arraySum((d, f, n) -> if(f = 'stored' AND d >= toDate({day}), n, 0), `fates.day`, `fates.fate`, `fates.records`)"
        ),
    }
}

impl Ledger {
    /// Returns the totals of the ledger by partition.
    pub async fn partition_accounts(&self) -> Result<Vec<PartitionAccount>, StoreError> {
        self.0.rows(
            "SELECT toString(l.stream) AS stream, l.kafka_partition AS kafka_partition, min(l.first_offset) AS first_offset,
                    max(l.next_offset) AS next_offset, count() AS blocks, sum(l.records_read) AS records_read,
                    sum(l.stored) AS stored, sum(l.duplicate) AS duplicate, sum(l.rejected) AS rejected, sum(l.quarantined) AS quarantined, sum(l.reports) AS reports, sum(l.erased) AS erased, sum(l.control) AS control,
                    sum(l.lost) AS lost
             FROM ingest_ledger AS l FINAL GROUP BY stream, kafka_partition ORDER BY stream, kafka_partition",
        )
        .await
    }

    /// Returns the blocks whose offsets differ in number from their records, control and lost
    /// offsets.
    pub async fn unexplained_offsets(&self) -> Result<Vec<UnexplainedOffsets>, StoreError> {
        self.0.rows(&format!(
            "SELECT toString(l.stream) AS stream, l.kafka_partition AS kafka_partition, l.first_offset AS first_offset,
                    l.next_offset AS next_offset, l.records_read AS records_read, l.control + l.lost AS control
             FROM ingest_ledger AS l FINAL WHERE l.next_offset - l.first_offset != l.records_read + l.control + l.lost
             ORDER BY 1, 2, 3 LIMIT {LISTED_MAX}"
        ))
        .await
    }

    /// Writes the ledger row of a block again with another number of control offsets. The new row
    /// is one second younger than the old row: enough to replace it, without looking like a row of
    /// today.
    pub async fn set_control(
        &self,
        block: &UnexplainedOffsets,
        control: u64,
    ) -> Result<(), StoreError> {
        self.0.execute(&format!(
            "INSERT INTO ingest_ledger SELECT * REPLACE (toUInt64({control}) AS control, written_at + 1 AS written_at)
             FROM ingest_ledger FINAL
             WHERE stream = '{}' AND kafka_partition = {} AND first_offset = {} AND next_offset = {}
             SETTINGS insert_deduplicate = 0",
            block.stream, block.kafka_partition, block.first_offset, block.next_offset
        ))
        .await
    }

    /// Returns the gaps and overlaps between consecutive blocks of the ledger.
    pub async fn gaps(&self) -> Result<Vec<LedgerGap>, StoreError> {
        self.0.rows(&format!(
            "SELECT g.stream AS stream, g.kafka_partition AS kafka_partition, g.ends_at AS ends_at, g.first_offset AS begins_at FROM (
                SELECT toString(stream) AS stream, kafka_partition, first_offset,
                    lagInFrame(next_offset, 1, first_offset) OVER (
                        PARTITION BY stream, kafka_partition ORDER BY first_offset
                        ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) AS ends_at
                FROM ingest_ledger FINAL) AS g
             WHERE ends_at != begins_at ORDER BY 1, 2, 3 LIMIT {LISTED_MAX}"
        ))
        .await
    }

    /// Returns the blocks with fewer or more facts than the ledger says, for days with retained
    /// facts.
    ///
    /// A query may read the facts just before a block is written, and the ledger just after. So the
    /// query runs twice and returns only differences found both times.
    pub async fn block_differences(
        &self,
        scope: CheckScope,
    ) -> Result<Vec<BlockDifference>, StoreError> {
        let first = self.look_at_blocks(scope).await?;
        if first.is_empty() {
            return Ok(first);
        }
        let known: HashSet<_> = first.iter().map(BlockDifference::place).collect();
        let mut second = self.look_at_blocks(scope).await?;
        second.retain(|block| known.contains(&block.place()));
        Ok(second)
    }

    async fn look_at_blocks(&self, scope: CheckScope) -> Result<Vec<BlockDifference>, StoreError> {
        let boundary = self.0.boundary().await?;
        // A bitmap counts the offsets, because a hash set of all offsets would need too much
        // memory.
        let parameters = [
            ("stored", &*stored_and_kept(boundary)),
            ("of_blocks", &scope.condition("written_at")),
            ("of_facts", &scope.wider().condition("e.ingested_at")),
            ("of_days", &boundary.of_days("e.local_date")),
            ("listed_max", &LISTED_MAX.to_string()),
        ];
        self.0
            .rows(&filled(
                include_str!("../sql/block_differences.sql"),
                &parameters,
            ))
            .await
    }

    /// Returns the days and enti on which the ledger and the facts differ, for `days` since 1970.
    ///
    /// Only `settled` offsets count, because a concurrent insert may be visible in one table and
    /// not in the other.
    pub async fn day_differences(
        &self,
        days: Range<u16>,
        settled: &Settled,
    ) -> Result<Vec<DayDifference>, StoreError> {
        let start = days.start.max(self.0.boundary().await?.day);
        let end = days.end;
        let (of_blocks, of_facts) = (
            settled.condition("first_offset"),
            settled.condition("kafka_offset"),
        );
        self.0.rows(&format!(
            "SELECT ente, toString(date) AS day, sum(ledger) AS stored, sum(fact) AS facts FROM (
                SELECT toString(f.ente) AS ente, f.day AS date, toInt64(f.records) AS ledger, toInt64(0) AS fact
                FROM (SELECT * FROM ingest_ledger FINAL)
                ARRAY JOIN fates AS f WHERE {of_blocks} AND f.fate = 'stored' AND toUInt16(f.day) >= {start} AND toUInt16(f.day) < {end}
                UNION ALL
                SELECT toString(ente), local_date, toInt64(0), toInt64(count()) FROM usage_events
                WHERE {of_facts} AND toUInt16(local_date) >= {start} AND toUInt16(local_date) < {end} GROUP BY ente, local_date)
             GROUP BY ente, date HAVING stored != facts ORDER BY date, ente LIMIT {LISTED_MAX}"
        ))
        .await
    }

    /// Returns how often facts of a block were restored.
    pub async fn repairs_of(
        &self,
        stream: &str,
        kafka_partition: u32,
        first_offset: u64,
    ) -> Result<u64, StoreError> {
        self.0.count(&format!(
            "SELECT count() FROM ingest_repairs WHERE stream = '{stream}' AND kafka_partition = {kafka_partition}
             AND first_offset = {first_offset} AND what = 'facts'"
        ))
        .await
    }

    /// Records a repair of a block.
    pub async fn note_repair(
        &self,
        what: &str,
        stream: &str,
        kafka_partition: u32,
        offsets: Range<u64>,
        records: u64,
    ) -> Result<(), StoreError> {
        self.0.execute(&format!(
            "INSERT INTO ingest_repairs (stream, kafka_partition, first_offset, next_offset, what, records)
             VALUES ('{stream}', {kafka_partition}, {}, {}, '{what}', {records})",
            offsets.start, offsets.end
        ))
        .await
    }
}

impl Facts {
    /// Returns the number of facts by log and partition.
    pub async fn counts(&self) -> Result<Vec<(String, u32, u64)>, StoreError> {
        self.0.rows("SELECT toString(stream), kafka_partition, count() FROM usage_events GROUP BY ALL ORDER BY 1, 2")
            .await
    }

    /// Returns the facts that no ledger block covers.
    pub async fn strays(&self) -> Result<Vec<StrayFacts>, StoreError> {
        self.0.rows(&format!(
            "SELECT toString(e.stream) AS stream, e.kafka_partition AS kafka_partition, min(e.kafka_offset) AS first_offset,
                    max(e.kafka_offset) AS last_offset, count() AS facts, toUInt16(min(e.local_date)) AS first_day,
                    toUInt16(max(e.local_date)) AS last_day, toUInt64(greatest(dateDiff('second', min(e.ingested_at), now()), 0)) AS age_seconds
             FROM usage_events AS e
             ASOF LEFT JOIN (SELECT stream, kafka_partition, first_offset, next_offset FROM ingest_ledger FINAL) AS b
             ON e.stream = b.stream AND e.kafka_partition = b.kafka_partition AND e.kafka_offset >= b.first_offset
             WHERE e.kafka_offset >= b.next_offset
             GROUP BY e.stream, e.kafka_partition, b.next_offset
             ORDER BY 1, 2, 3 LIMIT {LISTED_MAX}"
        ))
        .await
    }

    /// Returns the months, as `YYYYMM`, with facts written within `scope`. [`CheckScope::All`] includes
    /// the months with aggregates. Months with expired facts are left out.
    pub async fn months(&self, scope: CheckScope) -> Result<Vec<u32>, StoreError> {
        let aggregates = match scope {
            CheckScope::All => "UNION ALL SELECT DISTINCT toYYYYMM(hour_start) FROM usage_hourly",
            CheckScope::Hours(_) => "",
        };
        self.0.rows(&format!(
            "SELECT DISTINCT month FROM (
                SELECT DISTINCT toYYYYMM(hour_start) AS month FROM usage_events WHERE {} {aggregates})
             WHERE {} ORDER BY month",
            scope.condition("ingested_at"),
            self.0.boundary().await?.of_months("month")
        ))
        .await
    }

    /// Returns the offsets of the facts of a partition within a range.
    pub async fn offsets(
        &self,
        stream: &str,
        kafka_partition: u32,
        offsets: Range<u64>,
    ) -> Result<Vec<u64>, StoreError> {
        self.0.rows(&format!(
            "SELECT kafka_offset FROM usage_events WHERE stream = '{stream}' AND kafka_partition = {kafka_partition}
             AND kafka_offset >= {} AND kafka_offset < {}",
            offsets.start, offsets.end
        ))
        .await
    }

    /// Returns offset and identity of the facts of a partition within a range.
    pub async fn identities(
        &self,
        stream: &str,
        kafka_partition: u32,
        offsets: Range<u64>,
    ) -> Result<Vec<(u64, u64)>, StoreError> {
        self.0.rows(&format!(
            "SELECT kafka_offset, identity FROM usage_events WHERE stream = '{stream}' AND kafka_partition = {kafka_partition}
             AND kafka_offset >= {} AND kafka_offset < {}",
            offsets.start, offsets.end
        ))
        .await
    }

    /// Deletes the facts in a range of offsets, which are then restored from the log. Used for
    /// facts that exist twice, which this program never writes.
    pub async fn delete(
        &self,
        stream: &str,
        kafka_partition: u32,
        offsets: Range<u64>,
    ) -> Result<(), StoreError> {
        let condition = format!(
            "stream = '{stream}' AND kafka_partition = {kafka_partition}
             AND kafka_offset >= {} AND kafka_offset < {}",
            offsets.start, offsets.end
        );
        self.0.delete("usage_events", &condition).await
    }
}
