//! Reconciliation of the log, the ledger and the facts: queries for differences, and repairs of
//! single blocks. Module [`crate::hour_rows`] compares the hour rows.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use clickhouse::Row;
use serde::{Deserialize, Serialize};

use crate::ledger::LogRange;
use crate::retention::Boundary;
use crate::sql::{IN_RANGE, Statement, statement};
use crate::{Facts, Ledger, Settled, StoreError};

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

/// Number of facts of a partition.
#[derive(Debug, Clone, PartialEq, Eq, Row, Serialize, Deserialize)]
pub struct FactCount {
    /// Name of the log.
    pub stream: String,
    /// Partition of that log.
    pub kafka_partition: u32,
    /// Number of facts.
    pub facts: u64,
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
        self.0.rows(statement!("partition_accounts")).await
    }

    /// Returns the blocks whose offsets differ in number from their records, control and lost
    /// offsets.
    pub async fn unexplained_offsets(&self) -> Result<Vec<UnexplainedOffsets>, StoreError> {
        let query = statement!("unexplained_offsets").bind("listed_max", LISTED_MAX);
        self.0.rows(query).await
    }

    /// Writes the ledger row of a block again with another number of control offsets. The new row
    /// is one second younger than the old row: enough to replace it, without looking like a row of
    /// today.
    pub async fn set_control(
        &self,
        block: &UnexplainedOffsets,
        control: u64,
    ) -> Result<(), StoreError> {
        let statement = statement!("set_control")
            .bind_fields(block)
            .bind("control", control);
        self.0.execute(statement).await
    }

    /// Returns the gaps and overlaps between consecutive blocks of the ledger.
    pub async fn gaps(&self) -> Result<Vec<LedgerGap>, StoreError> {
        let query = statement!("ledger_gaps").bind("listed_max", LISTED_MAX);
        self.0.rows(query).await
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
        let query = statement!("block_differences")
            .put("stored", stored_and_kept(boundary))
            .put("of_blocks", scope.condition("written_at"))
            .put("of_facts", scope.wider().condition("e.ingested_at"))
            .put("of_days", boundary.of_days("e.local_date"))
            .bind("listed_max", LISTED_MAX);
        self.0.rows(query).await
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
        let first_day = days.start.max(self.0.boundary().await?.day);
        let query = statement!("day_differences")
            .put("settled_blocks", settled.condition("first_offset"))
            .put("settled_facts", settled.condition("kafka_offset"))
            .bind("first_day", first_day)
            .bind("end_day", days.end)
            .bind("listed_max", LISTED_MAX);
        self.0.rows(settled.bind(query)).await
    }

    /// Returns how often facts of a block were restored.
    pub async fn repairs_of(&self, range: &LogRange<'_>) -> Result<u64, StoreError> {
        self.0.one(statement!("repairs_of").bind_range(range)).await
    }

    /// Records a repair of a block.
    pub async fn note_repair(
        &self,
        what: &str,
        range: &LogRange<'_>,
        records: u64,
    ) -> Result<(), StoreError> {
        let statement = statement!("note_repair")
            .bind_range(range)
            .bind("what", what)
            .bind("records", records);
        self.0.execute(statement).await
    }
}

/// A stored fact of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Row, Serialize, Deserialize)]
pub struct StoredFact {
    /// Offset in the partition.
    pub kafka_offset: u64,
    /// Month of its hour, in UTC, as `YYYYMM`.
    pub month: u32,
    /// True if the given rules classified it.
    pub has_rules: bool,
}

impl Facts {
    /// Returns the number of facts by log and partition.
    pub async fn counts(&self) -> Result<Vec<FactCount>, StoreError> {
        self.0.rows(statement!("fact_counts")).await
    }

    /// Returns the facts that no ledger block covers.
    pub async fn strays(&self) -> Result<Vec<StrayFacts>, StoreError> {
        let query = statement!("stray_facts").bind("listed_max", LISTED_MAX);
        self.0.rows(query).await
    }

    /// Returns the months, as `YYYYMM`, with facts written within `scope`. [`CheckScope::All`] includes
    /// the months with aggregates. Months with expired facts are left out.
    pub async fn months(&self, scope: CheckScope) -> Result<Vec<u32>, StoreError> {
        let hour_rows = match scope {
            CheckScope::All => "UNION ALL SELECT DISTINCT toYYYYMM(hour_start) FROM usage_hourly",
            CheckScope::Hours(_) => "",
        };
        let query = statement!("months_written")
            .put("written", scope.condition("ingested_at"))
            .put("hour_rows", hour_rows)
            .put("of_months", self.0.boundary().await?.of_months("month"));
        self.0.rows(query).await
    }

    /// Returns the number of facts.
    pub async fn count(&self) -> Result<u64, StoreError> {
        self.0.one("SELECT count() FROM usage_events").await
    }

    /// Returns the offsets of the facts of a partition within a range.
    pub async fn offsets(&self, range: &LogRange<'_>) -> Result<Vec<u64>, StoreError> {
        let query = "SELECT kafka_offset FROM usage_events WHERE {in_range}";
        let query = Statement::from(query).put("in_range", IN_RANGE);
        self.0.rows(query.bind_range(range)).await
    }

    /// Returns the facts of a partition within a range, each with a comparison of its rules with
    /// `rules`.
    pub async fn stored(
        &self,
        range: &LogRange<'_>,
        rules: &str,
    ) -> Result<Vec<StoredFact>, StoreError> {
        let query = "SELECT kafka_offset, toYYYYMM(hour_start) AS month, rules = {rules:String} AS has_rules FROM usage_events WHERE {in_range}";
        let query = Statement::from(query).put("in_range", IN_RANGE);
        self.0
            .rows(query.bind_range(range).bind("rules", rules))
            .await
    }

    /// Returns offset and identity of the facts of a partition within a range.
    pub async fn identities(&self, range: &LogRange<'_>) -> Result<HashMap<u64, u64>, StoreError> {
        let query = "SELECT kafka_offset, identity FROM usage_events WHERE {in_range}";
        let query = Statement::from(query).put("in_range", IN_RANGE);
        let rows = self.0.rows(query.bind_range(range)).await?;
        Ok(rows.into_iter().collect())
    }

    /// Deletes the facts in a range of offsets, which are then restored from the log. Used for
    /// facts that exist twice, which this program never writes.
    pub async fn delete(&self, range: &LogRange<'_>) -> Result<(), StoreError> {
        let condition = Statement::from(IN_RANGE).bind_range(range);
        self.0.delete("usage_events", condition).await
    }
}
