//! Facts: inserts, and searches for the original of an event.

use std::collections::HashSet;

use bytes::Bytes;

use crate::sql::joined;
use crate::{BlockOrigin, FactBlock, Facts, InsertToken, Ledger, StoreError};

/// Maximum number of identities in one query.
const IDENTITIES_A_QUERY: usize = 5_000;

/// Facts searched for the original of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Times {
    /// Facts within the time range of the events, which are few. A copy has the time of its
    /// original, unless its producer changed the timestamp.
    Same,
    /// All facts. The query reads every identity.
    Any,
}

impl Facts {
    pub(crate) fn ledger(&self) -> Ledger {
        Ledger(self.0.clone())
    }

    /// Inserts a block of facts, and through the view its aggregates. Repeating it with the same
    /// token has no effect.
    pub async fn insert(&self, block: Bytes, token: &InsertToken) -> Result<(), StoreError> {
        let statement = format!(
            "INSERT INTO usage_events ({}) FORMAT Native",
            FactBlock::columns()
        );
        self.0.insert("usage_events", statement, block, token).await
    }

    /// Returns the identities of `events` that already exist in an earlier fact. A fact is earlier
    /// if it comes from another log, a partition with a smaller number, or a smaller offset of the
    /// same partition. The block begins at `first_offset` of `origin`. Later facts are copies,
    /// which are removed (`copies.rs`).
    pub async fn stored_before(
        &self,
        origin: &BlockOrigin,
        first_offset: u64,
        events: &[(i64, u64)],
        times: Times,
    ) -> Result<HashSet<u64>, StoreError> {
        let mut found = HashSet::new();
        for chunk in events.chunks(IDENTITIES_A_QUERY) {
            let (Some(first), Some(last)) = (
                chunk.iter().map(|(time, _)| *time).min(),
                chunk.iter().map(|(time, _)| *time).max(),
            ) else {
                continue;
            };
            let identities = chunk.iter().map(|(_, identity)| identity.to_string());
            let of_times = match times {
                Times::Same => format!(
                    "time BETWEEN fromUnixTimestamp64Milli({first}, 'UTC') AND fromUnixTimestamp64Milli({last}, 'UTC')"
                ),
                Times::Any => "1".to_owned(),
            };
            let query = format!(
                "SELECT DISTINCT identity FROM usage_events
                 WHERE {of_times} AND identity IN ({})
                   AND (stream != '{}' OR kafka_partition < {partition} OR (kafka_partition = {partition} AND kafka_offset < {first_offset}))",
                joined(identities),
                origin.stream,
                partition = origin.kafka_partition,
            );
            found.extend(self.0.rows::<u64>(&query).await?);
        }
        Ok(found)
    }

    /// Returns event time and identity of the facts of a partition before `before_offset`: at most
    /// `limit`, newest event first.
    pub async fn newest_identities(
        &self,
        origin: &BlockOrigin,
        before_offset: u64,
        limit: usize,
    ) -> Result<Vec<(i64, u64)>, StoreError> {
        self.0
            .rows(&format!(
                "SELECT toUnixTimestamp64Milli(time) AS time_ms, identity FROM usage_events
             WHERE stream = '{}' AND kafka_partition = {} AND kafka_offset < {before_offset}
             ORDER BY time DESC LIMIT {limit}",
                origin.stream, origin.kafka_partition
            ))
            .await
    }

    /// Returns the time of the newest event, in milliseconds since 1970. Facts of the log `except`
    /// are ignored.
    pub async fn newest_event(&self, except: Option<&str>) -> Result<Option<i64>, StoreError> {
        let condition = except.map_or("1".to_owned(), |stream| format!("stream != '{stream}'"));
        let newest: Vec<i64> = self.0
            .rows(&format!(
                "SELECT toUnixTimestamp64Milli(max(time)) FROM usage_events WHERE {condition} HAVING count() > 0"
            ))
            .await?;
        Ok(newest.first().copied())
    }

    /// Returns the number of facts of an import in the given ranges of offsets (partition, first,
    /// last).
    pub async fn stored_imports(
        &self,
        stream: &str,
        ente: &str,
        portal: &str,
        ranges: &[(u32, u64, u64)],
    ) -> Result<u64, StoreError> {
        if ranges.is_empty() {
            return Ok(0);
        }
        let places: Vec<String> = ranges
            .iter()
            .map(|(partition, first, last)| {
                format!(
                    "(kafka_partition = {partition} AND kafka_offset BETWEEN {first} AND {last})"
                )
            })
            .collect();
        let query = format!(
            "SELECT count() FROM usage_events WHERE stream = ? AND ente = ? AND portal = ? AND channel = 'import' AND ({})",
            places.join(" OR ")
        );
        self.0
            .client
            .query(&query)
            .bind(stream)
            .bind(ente)
            .bind(portal)
            .fetch_one()
            .await
            .map_err(|error| self.0.judge("the count of imported events", error))
    }
}
