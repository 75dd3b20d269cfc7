//! Events that are facts more than once: what no memory of a consumer can rule out, since two
//! copies of an event may come in through different partitions.

use clickhouse::Row;
use serde::{Deserialize, Serialize};

use crate::accounts::{LISTED_MAX, Scope};
use crate::{Store, StoreError};

/// Finding them takes a month's identities; what does not fit in memory goes to disk.
const SETTINGS: &str = "SETTINGS max_execution_time = 0, max_bytes_before_external_group_by = 500000000, max_bytes_ratio_before_external_group_by = 0";

/// A fact whose event is another, earlier written fact as well.
#[derive(Debug, Clone, PartialEq, Eq, Row, Serialize, Deserialize)]
pub struct Copy {
    /// Log it came from.
    pub stream: String,
    /// Partition of that log.
    pub kafka_partition: u32,
    /// Its offset.
    pub kafka_offset: u64,
    /// Public body.
    pub ente: String,
    /// `YYYY-MM-DD`, local.
    pub day: String,
    /// Log that the first fact came from.
    pub first_stream: String,
    /// Partition of the first fact.
    pub first_partition: u32,
    /// Offset of the first fact.
    pub first_offset: u64,
}

impl Store {
    /// Facts of a month, beyond the first of each event, whose event was written within `scope`
    /// once more. Facts of one and the same offset are no copies: they are a block too many.
    pub async fn copies(&self, month: u32, scope: Scope) -> Result<Vec<Copy>, StoreError> {
        let written = match scope {
            Scope::All => String::new(),
            Scope::Hours(_) => format!(
                "AND identity IN (SELECT identity FROM usage_events WHERE toYYYYMM(time) = {month} AND {})",
                scope.condition("ingested_at")
            ),
        };
        // Twice over the month: once for the few identities, once for where they are.
        self.rows(&format!(
            "SELECT c.2 AS stream, c.3 AS kafka_partition, c.4 AS kafka_offset, c.5 AS ente, c.6 AS day,
                    facts[1].2 AS first_stream, facts[1].3 AS first_partition, facts[1].4 AS first_offset
             FROM (
                SELECT arraySort(groupUniqArray((toUnixTimestamp(ingested_at), toString(stream), kafka_partition, kafka_offset,
                                                 toString(ente), toString(local_date)))) AS facts
                FROM usage_events
                WHERE toYYYYMM(time) = {month} AND identity IN (
                    SELECT identity FROM usage_events WHERE toYYYYMM(time) = {month} {written}
                    GROUP BY identity HAVING count() > 1)
                GROUP BY identity HAVING uniqExact(stream, kafka_partition, kafka_offset) > 1)
             ARRAY JOIN arraySlice(facts, 2) AS c
             WHERE (stream, kafka_partition, kafka_offset) != (first_stream, first_partition, first_offset)
             ORDER BY stream, kafka_partition, kafka_offset LIMIT {LISTED_MAX} {SETTINGS}"
        ))
        .await
    }

    /// Removes copies from the facts, and notes it.
    pub async fn delete_copies(&self, copies: &[Copy]) -> Result<(), StoreError> {
        let Some(first) = copies.first() else {
            return Ok(());
        };
        let places: Vec<String> = copies
            .iter()
            .map(|copy| {
                let Copy {
                    stream,
                    kafka_partition,
                    kafka_offset,
                    ..
                } = copy;
                format!("('{stream}', {kafka_partition}, {kafka_offset})")
            })
            .collect();
        self.execute(&format!(
            "DELETE FROM usage_events WHERE (toString(stream), kafka_partition, kafka_offset) IN ({}) SETTINGS lightweight_deletes_sync = 2",
            places.join(", ")
        ))
        .await?;
        tracing::warn!(
            copies = copies.len(),
            partition = first.kafka_partition,
            offset = first.kafka_offset,
            "events that were facts twice are facts once now"
        );
        Ok(())
    }
}
