//! What must add up: the log, the ledger, the facts and the aggregates. Questions only, and the
//! one correction of aggregates that needs nothing but facts.

use std::collections::HashSet;
use std::ops::Range;
use std::time::Duration;

use clickhouse::Row;
use serde::{Deserialize, Serialize};

use crate::rebuild::Settled;
use crate::retention::Boundary;
use crate::{Store, StoreError};

/// Most differences of one kind that are listed.
pub(crate) const LISTED_MAX: usize = 1_000;

/// The ledger of a partition in all.
#[derive(Debug, Clone, PartialEq, Eq, Row, Serialize, Deserialize)]
pub struct PartitionAccount {
    /// Log.
    pub stream: String,
    /// Partition of that log.
    pub kafka_partition: u32,
    /// First offset that was dealt with.
    pub first_offset: u64,
    /// One past the last.
    pub next_offset: u64,
    /// Blocks.
    pub blocks: u64,
    /// Records read: the sum of the six that follow.
    pub records_read: u64,
    /// Stored as facts.
    pub stored: u64,
    /// Stored before.
    pub duplicate: u64,
    /// Can never become events.
    pub rejected: u64,
    /// Wait for a person.
    pub quarantined: u64,
    /// Client reports.
    pub reports: u64,
    /// Stored, and erased by order.
    pub erased: u64,
    /// Offsets without a record of a producer, shown to be transaction markers, aborted records or
    /// compaction.
    pub control: u64,
    /// Offsets whose records were accepted as lost.
    pub lost: u64,
}

/// A block whose offsets are neither records nor shown to be control.
#[derive(Debug, Clone, PartialEq, Eq, Row, Serialize, Deserialize)]
pub struct UnexplainedOffsets {
    /// Log.
    pub stream: String,
    /// Partition of that log.
    pub kafka_partition: u32,
    /// First offset of the block.
    pub first_offset: u64,
    /// One past its last offset.
    pub next_offset: u64,
    /// Records read.
    pub records_read: u64,
    /// Offsets of the block that are explained otherwise.
    pub control: u64,
}

impl UnexplainedOffsets {
    /// Offsets without an explanation; negative: more explanations than offsets.
    pub fn offsets(&self) -> i64 {
        let signed = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        signed(self.next_offset - self.first_offset)
            - signed(self.records_read)
            - signed(self.control)
    }
}

/// A place where one block of the ledger does not begin where the one before it ends.
#[derive(Debug, Clone, PartialEq, Eq, Row, Serialize, Deserialize)]
pub struct LedgerGap {
    /// Log.
    pub stream: String,
    /// Partition of that log.
    pub kafka_partition: u32,
    /// Where the earlier block ends.
    pub ends_at: u64,
    /// Where the next begins: beyond it in a gap, before it in an overlap.
    pub begins_at: u64,
}

/// A block whose facts are not what the ledger says.
#[derive(Debug, Clone, PartialEq, Eq, Row, Serialize, Deserialize)]
pub struct BlockDifference {
    /// Log.
    pub stream: String,
    /// Partition of that log.
    pub kafka_partition: u32,
    /// First offset of the block.
    pub first_offset: u64,
    /// One past its last offset.
    pub next_offset: u64,
    /// Facts that it has according to the ledger.
    pub stored: u64,
    /// Facts that there are.
    pub facts: u64,
    /// Distinct offsets among them.
    pub offsets: u64,
    /// Records that were read.
    pub records_read: u64,
    /// Checksum of the records as read.
    pub checksum: u64,
    /// Offsets whose records were accepted as lost.
    pub lost: u64,
    /// First local day of its events, in days since 1970.
    pub first_day: u16,
    /// Last local day of its events.
    pub last_day: u16,
}

/// Facts that no block of the ledger covers.
#[derive(Debug, Clone, PartialEq, Eq, Row, Serialize, Deserialize)]
pub struct StrayFacts {
    /// Log.
    pub stream: String,
    /// Partition of that log.
    pub kafka_partition: u32,
    /// First of their offsets.
    pub first_offset: u64,
    /// Last of their offsets.
    pub last_offset: u64,
    /// How many.
    pub facts: u64,
    /// First of their local days, in days since 1970.
    pub first_day: u16,
    /// Last of their local days.
    pub last_day: u16,
    /// Seconds since the first of them was written.
    pub age_seconds: u64,
}

/// An hour of an ente in which the aggregate is not what the facts say.
#[derive(Debug, Clone, PartialEq, Eq, Row, Serialize, Deserialize)]
pub struct AggregateDifference {
    /// Start of the hour, in seconds since 1970.
    pub hour_start: u32,
    /// Public body.
    pub ente: String,
    /// Events too few in the aggregate; negative: too many.
    pub events_missing: i64,
    /// Accesses too few in the aggregate.
    pub accesses_missing: i64,
    /// Service uses too few in the aggregate.
    pub service_uses_missing: i64,
}

/// A day of an ente on which the ledger's stored events are not the facts.
#[derive(Debug, Clone, PartialEq, Eq, Row, Serialize, Deserialize)]
pub struct DayDifference {
    /// Public body.
    pub ente: String,
    /// `YYYY-MM-DD`, local.
    pub day: String,
    /// Stored according to the ledger.
    pub stored: i64,
    /// Facts that there are.
    pub facts: i64,
}

/// How far back a look goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Everything.
    All,
    /// What was written within the last so many hours.
    Hours(u32),
}

impl Scope {
    /// Facts are written before the ledger's row of their block.
    fn wider(self) -> Self {
        match self {
            Self::All => Self::All,
            Self::Hours(hours) => Self::Hours(hours.saturating_add(1)),
        }
    }

    /// A condition on `column`, a time of writing.
    pub(crate) fn condition(self, column: &str) -> String {
        match self {
            Self::All => "1".to_owned(),
            Self::Hours(hours) => format!("{column} >= now() - INTERVAL {hours} HOUR"),
        }
    }
}

/// Dimensions of `usage_hourly`, in its order.
const DIMENSIONS: &str = "hour_start, local_date, local_hour, band, ente, portal, service, category, activity, kind, outcome, channel, login, device, country";

/// Stored events of a row of the ledger on days whose facts are still kept.
pub(crate) fn stored_and_kept(boundary: Boundary) -> String {
    match boundary.day {
        0 => "stored".to_owned(),
        day => format!(
            "arraySum((d, f, n) -> if(f = 'stored' AND d >= toDate({day}), n, 0), `fates.day`, `fates.fate`, `fates.records`)"
        ),
    }
}

/// Facts minus aggregate, row by row, of the hours of one month. Hours of zones that are half an
/// hour off may begin in the month before the event's.
fn facts_minus_aggregate(month: u32) -> String {
    let first = format!(
        "toDateTime(toDate('{:04}-{:02}-01'), 'UTC')",
        month / 100,
        month % 100
    );
    format!(
        "SELECT {DIMENSIONS}, toInt64(1) AS e, toInt64(resource = 'page') AS a,
                toInt64(activity = 'service-use' AND outcome = 'completed') AS s,
                if(resource = 'asset', 0, visitor) AS v
         FROM usage_events
         WHERE time >= {first} AND time < {first} + INTERVAL 1 MONTH + INTERVAL 1 HOUR AND toYYYYMM(hour_start) = {month}
         UNION ALL
         SELECT {DIMENSIONS}, -toInt64(events), -toInt64(accesses), -toInt64(service_uses), toUInt64(0)
         FROM usage_hourly WHERE toYYYYMM(hour_start) = {month}"
    )
}

impl Store {
    /// The ledger in all, by partition.
    pub async fn partition_accounts(&self) -> Result<Vec<PartitionAccount>, StoreError> {
        self.rows(
            "SELECT toString(l.stream) AS stream, l.kafka_partition AS kafka_partition, min(l.first_offset) AS first_offset,
                    max(l.next_offset) AS next_offset, count() AS blocks, sum(l.records_read) AS records_read,
                    sum(l.stored) AS stored, sum(l.duplicate) AS duplicate, sum(l.rejected) AS rejected, sum(l.quarantined) AS quarantined, sum(l.reports) AS reports, sum(l.erased) AS erased, sum(l.control) AS control,
                    sum(l.lost) AS lost
             FROM ingest_ledger AS l FINAL GROUP BY stream, kafka_partition ORDER BY stream, kafka_partition",
        )
        .await
    }

    /// Facts of each partition of each log, and the distinct offsets among them.
    pub async fn fact_counts(&self) -> Result<Vec<(String, u32, u64)>, StoreError> {
        self.rows("SELECT toString(stream), kafka_partition, count() FROM usage_events GROUP BY ALL ORDER BY 1, 2")
            .await
    }

    /// Blocks whose offsets are not as many as their records and control offsets.
    pub async fn unexplained_offsets(&self) -> Result<Vec<UnexplainedOffsets>, StoreError> {
        self.rows(&format!(
            "SELECT toString(l.stream) AS stream, l.kafka_partition AS kafka_partition, l.first_offset AS first_offset,
                    l.next_offset AS next_offset, l.records_read AS records_read, l.control + l.lost AS control
             FROM ingest_ledger AS l FINAL WHERE l.next_offset - l.first_offset != l.records_read + l.control + l.lost
             ORDER BY 1, 2, 3 LIMIT {LISTED_MAX}"
        ))
        .await
    }

    /// Writes the row of a block again with another number of control offsets. The new row is a
    /// second younger than the old one: it must win, and must not look as if it were of today.
    pub async fn set_control(
        &self,
        block: &UnexplainedOffsets,
        control: u64,
    ) -> Result<(), StoreError> {
        self.execute(&format!(
            "INSERT INTO ingest_ledger SELECT * REPLACE (toUInt64({control}) AS control, written_at + 1 AS written_at)
             FROM ingest_ledger FINAL
             WHERE stream = '{}' AND kafka_partition = {} AND first_offset = {} AND next_offset = {}
             SETTINGS insert_deduplicate = 0",
            block.stream, block.kafka_partition, block.first_offset, block.next_offset
        ))
        .await
    }

    /// Where blocks of the ledger do not join.
    pub async fn ledger_gaps(&self) -> Result<Vec<LedgerGap>, StoreError> {
        self.rows(&format!(
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

    /// Blocks whose facts are fewer or more than the ledger says, of days whose facts are kept.
    ///
    /// A query may see the facts as they were just before a block was written, and the ledger as
    /// it was just after. So what differs is looked at again: by then its facts can be seen.
    pub async fn block_differences(
        &self,
        scope: Scope,
    ) -> Result<Vec<BlockDifference>, StoreError> {
        let first = self.look_at_blocks(scope).await?;
        if first.is_empty() {
            return Ok(first);
        }
        let place = |block: &BlockDifference| {
            let BlockDifference {
                stream,
                kafka_partition,
                first_offset,
                ..
            } = block;
            (stream.clone(), *kafka_partition, *first_offset)
        };
        let known: HashSet<_> = first.iter().map(place).collect();
        let mut second = self.look_at_blocks(scope).await?;
        second.retain(|block| known.contains(&place(block)));
        Ok(second)
    }

    async fn look_at_blocks(&self, scope: Scope) -> Result<Vec<BlockDifference>, StoreError> {
        let boundary = self.boundary().await?;
        let (of_blocks, of_facts, of_days) = (
            scope.condition("written_at"),
            scope.wider().condition("e.ingested_at"),
            boundary.of_days("e.local_date"),
        );
        let stored = stored_and_kept(boundary);
        // Offsets are counted as bits: a set of them all would take more memory than there is.
        self.rows(&format!(
            "SELECT toString(l.stream) AS stream, l.kafka_partition AS kafka_partition, l.first_offset AS first_offset,
                    l.next_offset AS next_offset, l.stored AS stored, f.facts AS facts, f.offsets AS offsets,
                    l.records_read AS records_read, l.checksum AS checksum, l.lost AS lost,
                    toUInt16(if(f.facts = 0, l.first_day, least(l.first_day, f.first_day))) AS first_day, toUInt16(greatest(l.last_day, f.last_day)) AS last_day
             FROM (SELECT stream, kafka_partition, first_offset, next_offset, toUInt64({stored}) AS stored, records_read, checksum, lost,
                          toUInt16(arrayMin(if(empty(`fates.day`), [toDate(0)], `fates.day`))) AS first_day,
                          toUInt16(arrayMax(if(empty(`fates.day`), [toDate(0)], `fates.day`))) AS last_day
                   FROM ingest_ledger FINAL WHERE {of_blocks}) AS l
             LEFT JOIN (
                SELECT b.stream AS stream, b.kafka_partition AS kafka_partition, b.first_offset AS first_offset,
                       count() AS facts, groupBitmap(toUInt64(e.kafka_offset - b.first_offset)) AS offsets,
                       toUInt16(min(e.local_date)) AS first_day, toUInt16(max(e.local_date)) AS last_day
                FROM usage_events AS e
                ASOF JOIN (SELECT stream, kafka_partition, first_offset, next_offset FROM ingest_ledger FINAL) AS b
                ON e.stream = b.stream AND e.kafka_partition = b.kafka_partition AND e.kafka_offset >= b.first_offset
                WHERE e.kafka_offset < b.next_offset AND {of_facts} AND {of_days}
                GROUP BY stream, kafka_partition, first_offset
             ) AS f ON l.stream = f.stream AND l.kafka_partition = f.kafka_partition AND l.first_offset = f.first_offset
             WHERE l.stored != f.facts OR f.facts != f.offsets
             ORDER BY 1, 2, 3 LIMIT {LISTED_MAX}"
        ))
        .await
    }

    /// Facts that no block of the ledger covers.
    pub async fn stray_facts(&self) -> Result<Vec<StrayFacts>, StoreError> {
        self.rows(&format!(
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

    /// Months, as `YYYYMM`, with facts of `stream` that were written within `scope`, at least
    /// `age` ago, and that no block of the ledger accounts for yet: their insert failed or died
    /// midway, and the aggregate gets its share of them when the block is written again.
    pub async fn unsettled_months(
        &self,
        stream: &str,
        scope: Scope,
        age: Duration,
    ) -> Result<Vec<u32>, StoreError> {
        self.rows(&format!(
            "SELECT DISTINCT toYYYYMM(e.hour_start) FROM usage_events AS e
             LEFT JOIN (SELECT kafka_partition, max(next_offset) AS reached FROM ingest_ledger WHERE stream = '{stream}' GROUP BY kafka_partition) AS l
             ON e.kafka_partition = l.kafka_partition
             WHERE e.stream = '{stream}' AND e.kafka_offset >= l.reached AND {}
               AND e.ingested_at <= now() - INTERVAL {} SECOND",
            scope.condition("e.ingested_at"),
            age.as_secs()
        ))
        .await
    }

    /// Months, as `YYYYMM`, of which there are facts written within `scope`; or, for
    /// [`Scope::All`], aggregates. Only those whose facts are kept.
    pub async fn months(&self, scope: Scope) -> Result<Vec<u32>, StoreError> {
        let aggregates = match scope {
            Scope::All => "UNION ALL SELECT DISTINCT toYYYYMM(hour_start) FROM usage_hourly",
            Scope::Hours(_) => "",
        };
        self.rows(&format!(
            "SELECT DISTINCT month FROM (
                SELECT DISTINCT toYYYYMM(hour_start) AS month FROM usage_events WHERE {} {aggregates})
             WHERE {} ORDER BY month",
            scope.condition("ingested_at"),
            self.boundary().await?.of_months("month")
        ))
        .await
    }

    /// Hours and enti of a month in which the aggregate is not what the facts say, in whatever
    /// dimension.
    pub async fn aggregate_differences(
        &self,
        month: u32,
    ) -> Result<Vec<AggregateDifference>, StoreError> {
        self.rows(&format!(
            "SELECT toUnixTimestamp(d.hour_start) AS hour_start, toString(d.ente) AS ente, sum(d.events) AS events_missing,
                    sum(d.accesses) AS accesses_missing, sum(d.uses) AS service_uses_missing FROM (
                SELECT {DIMENSIONS}, sum(e) AS events, sum(a) AS accesses, sum(s) AS uses
                FROM ({}) GROUP BY {DIMENSIONS} HAVING events != 0 OR accesses != 0 OR uses != 0) AS d
             GROUP BY d.hour_start, d.ente ORDER BY hour_start, ente LIMIT {LISTED_MAX}",
            facts_minus_aggregate(month)
        ))
        .await
    }

    /// Adds to the aggregate of a month what it lacks of the facts, and takes away what it has
    /// beyond them. Returns how many of its cells that were.
    ///
    /// Sums count modulo 2^64, so that a correction may be negative; visitors are a set, to which
    /// those of the facts are added.
    pub async fn correct_aggregate(&self, month: u32) -> Result<u64, StoreError> {
        let cells: u64 = self
            .count(&format!(
                "SELECT count() FROM (SELECT {DIMENSIONS}, sum(e) AS events, sum(a) AS accesses, sum(s) AS uses
                 FROM ({}) GROUP BY {DIMENSIONS} HAVING events != 0 OR accesses != 0 OR uses != 0)",
                facts_minus_aggregate(month)
            ))
            .await?;
        if cells == 0 {
            return Ok(0);
        }
        self.execute(&format!(
            "INSERT INTO usage_hourly ({DIMENSIONS}, events, accesses, service_uses, visitors)
             SELECT {DIMENSIONS}, toUInt64(sum(e)), toUInt64(sum(a)), toUInt64(sum(s)), uniqCombined64IfState(v, v != 0)
             FROM ({}) GROUP BY {DIMENSIONS} HAVING sum(e) != 0 OR sum(a) != 0 OR sum(s) != 0
             SETTINGS insert_deduplicate = 0, max_partitions_per_insert_block = 0, async_insert = 0",
            facts_minus_aggregate(month)
        ))
        .await?;
        self.execute(&format!(
            "INSERT INTO ingest_repairs (what, month, records) VALUES ('aggregate', {month}, {cells})"
        ))
        .await?;
        Ok(cells)
    }

    /// Days of an ente, within a range of days since 1970, on which the ledger's stored events are
    /// not the facts. Only of what is `settled`: of a block that is written meanwhile, the facts
    /// may be seen without the ledger, or the ledger without the facts.
    pub async fn day_differences(
        &self,
        days: Range<u16>,
        settled: &Settled,
    ) -> Result<Vec<DayDifference>, StoreError> {
        let start = days.start.max(self.boundary().await?.day);
        let end = days.end;
        let (of_blocks, of_facts) = (
            settled.condition("first_offset"),
            settled.condition("kafka_offset"),
        );
        self.rows(&format!(
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

    /// Offsets of a partition within a range that are facts.
    pub async fn fact_offsets(
        &self,
        stream: &str,
        kafka_partition: u32,
        offsets: Range<u64>,
    ) -> Result<Vec<u64>, StoreError> {
        self.rows(&format!(
            "SELECT kafka_offset FROM usage_events WHERE stream = '{stream}' AND kafka_partition = {kafka_partition}
             AND kafka_offset >= {} AND kafka_offset < {}",
            offsets.start, offsets.end
        ))
        .await
    }

    /// Offset and identity of the facts of a partition within a range.
    pub async fn fact_identities(
        &self,
        stream: &str,
        kafka_partition: u32,
        offsets: Range<u64>,
    ) -> Result<Vec<(u64, u64)>, StoreError> {
        self.rows(&format!(
            "SELECT kafka_offset, identity FROM usage_events WHERE stream = '{stream}' AND kafka_partition = {kafka_partition}
             AND kafka_offset >= {} AND kafka_offset < {}",
            offsets.start, offsets.end
        ))
        .await
    }

    /// How often facts of this block have been restored before.
    pub async fn repairs_of(
        &self,
        stream: &str,
        kafka_partition: u32,
        first_offset: u64,
    ) -> Result<u64, StoreError> {
        self.count(&format!(
            "SELECT count() FROM ingest_repairs WHERE stream = '{stream}' AND kafka_partition = {kafka_partition}
             AND first_offset = {first_offset} AND what = 'facts'"
        ))
        .await
    }

    /// Notes a repair of a block.
    pub async fn note_repair(
        &self,
        what: &str,
        stream: &str,
        kafka_partition: u32,
        offsets: Range<u64>,
        records: u64,
    ) -> Result<(), StoreError> {
        self.execute(&format!(
            "INSERT INTO ingest_repairs (stream, kafka_partition, first_offset, next_offset, what, records)
             VALUES ('{stream}', {kafka_partition}, {}, {}, '{what}', {records})",
            offsets.start, offsets.end
        ))
        .await
    }

    /// Removes the facts of a range of offsets, to be restored from the log. For facts that stand
    /// twice, which no path of this program writes.
    pub async fn delete_facts(
        &self,
        stream: &str,
        kafka_partition: u32,
        offsets: Range<u64>,
    ) -> Result<(), StoreError> {
        self.execute(&format!(
            "DELETE FROM usage_events WHERE stream = '{stream}' AND kafka_partition = {kafka_partition}
             AND kafka_offset >= {} AND kafka_offset < {} SETTINGS lightweight_deletes_sync = 2",
            offsets.start, offsets.end
        ))
        .await
    }
}
