//! Erasure by order of the events of an ente, a portal or a period. The ledger stays balanced:
//! stored events become *erased* events.

use clickhouse::Row;
use serde::{Deserialize, Serialize};

use crate::sql::{Statement, before_ends, statement};
use crate::{BlockOrigin, Facts, StoreError};

/// Waits for a mutation to finish, including the rewrite of the parts.
const NOW: &str = "SETTINGS mutations_sync = 2, max_execution_time = 0";

/// An erasure: selection of the events, and progress.
#[derive(Debug, Clone, PartialEq, Eq, Row, Serialize, Deserialize)]
pub struct Erasure {
    /// Identifier of the erasure.
    pub id: String,
    /// Public body.
    pub ente: String,
    /// Portal; empty for all portals of the public body.
    pub portal: String,
    /// First local day, in days since 1970.
    pub first_day: u16,
    /// Last local day, in days since 1970.
    pub last_day: u16,
    /// Reason given by the operator.
    pub reason: String,
    /// End of the erased range by stream and partition, as the next offset.
    pub ends: Vec<(String, u32, u64)>,
    /// Number of facts that the erasure deletes.
    pub facts: u64,
    /// Start time, in seconds since 1970.
    pub begun_at: u32,
    /// True if the erasure is complete.
    pub done: bool,
    /// Version of the row; the newest is valid.
    pub version: u64,
}

impl Erasure {
    /// Returns true if the erasure includes the fact of the record at `offset` of `origin`.
    pub fn covers(
        &self,
        ente: &str,
        portal: &str,
        day: u16,
        origin: &BlockOrigin,
        offset: u64,
    ) -> bool {
        self.ente == ente
            && (self.portal.is_empty() || self.portal == portal)
            && (self.first_day..=self.last_day).contains(&day)
            && self.ends.iter().any(|(stream, partition, next)| {
                *stream == origin.stream && *partition == origin.kafka_partition && offset < *next
            })
    }

    /// Returns the SQL condition on its facts, with the parameters of [`MATCHES`].
    fn facts(&self) -> String {
        format!("{MATCHES} AND ({})", before_ends(&self.ends))
    }
}

/// Condition on ente, portal and day of erased events.
const MATCHES: &str = include_str!("../sql/erased_events.sql");

impl Facts {
    /// Returns all erasures, oldest first.
    pub async fn erasures(&self) -> Result<Vec<Erasure>, StoreError> {
        self.0.rows(statement!("erasures")).await
    }

    /// Stores the progress of an erasure.
    pub async fn note_erasure(&self, erasure: &mut Erasure) -> Result<(), StoreError> {
        erasure.version += 1;
        let (mut streams, mut partitions, mut nexts) = (Vec::new(), Vec::new(), Vec::new());
        for (stream, partition, next) in &erasure.ends {
            streams.push(stream.as_str());
            partitions.push(*partition);
            nexts.push(*next);
        }
        let statement = statement!("note_erasure")
            .bind_fields(erasure)
            .bind("streams", streams)
            .bind("partitions", partitions)
            .bind("nexts", nexts);
        self.0.execute(statement).await
    }

    /// Returns the number of facts that are still to be erased.
    pub async fn facts_to_erase(&self, erasure: &Erasure) -> Result<u64, StoreError> {
        let query = Statement::from("SELECT count() FROM usage_events WHERE {facts}")
            .put("facts", erasure.facts())
            .bind_fields(erasure);
        self.0.one(query).await
    }

    /// Returns the number of events that are still to be erased from the aggregate.
    pub async fn events_to_erase(&self, erasure: &Erasure) -> Result<u64, StoreError> {
        let query =
            "SELECT sum(u.events) FROM (SELECT events FROM usage_hourly WHERE {matches}) AS u";
        let query = Statement::from(query)
            .put("matches", MATCHES)
            .bind_fields(erasure);
        self.0.one(query).await
    }

    /// Deletes the facts, then moves their count in the ledger from *stored* to *erased*. Can be
    /// repeated.
    pub async fn erase_facts(&self, erasure: &Erasure) -> Result<(), StoreError> {
        let delete = Statement::from(format!("DELETE WHERE {} {NOW}", erasure.facts()));
        let delete = delete.bind_fields(erasure);
        self.0.alter("usage_events", delete).await?;
        let boundary = self.0.boundary().await?;
        // Days with expired facts stay unchanged, because their missing facts do not show what was
        // erased.
        let statement = statement!("move_to_erased")
            .bind_fields(erasure)
            .bind("first_kept_day", erasure.first_day.max(boundary.day));
        self.0.execute(statement).await
    }

    /// Deletes the events from the aggregate. The reconciliation with the facts restores new events
    /// of the same ente and days.
    pub async fn erase_aggregates(&self, erasure: &Erasure) -> Result<(), StoreError> {
        let delete = Statement::from(format!("DELETE WHERE {MATCHES} {NOW}")).bind_fields(erasure);
        self.0.alter("usage_hourly", delete).await?;
        // A repair row invalidates cached answers.
        let statement = statement!("note_erased_hours").bind("records", erasure.facts);
        self.0.execute(statement).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_erasure_reaches_to_where_it_began() {
        let erasure = Erasure {
            id: "1".into(),
            ente: "c_a".into(),
            portal: String::new(),
            first_day: 10,
            last_day: 12,
            reason: "order".into(),
            ends: vec![("c/t".into(), 0, 100)],
            facts: 0,
            begun_at: 0,
            done: false,
            version: 0,
        };
        let origin = BlockOrigin {
            stream: "c/t".into(),
            kafka_partition: 0,
            rules: String::new(),
        };
        let of = |ente, day, offset| erasure.covers(ente, "www", day, &origin, offset);
        assert!(of("c_a", 10, 99) && of("c_a", 12, 0));
        assert!(!of("c_b", 10, 99) && !of("c_a", 13, 99) && !of("c_a", 10, 100));
        let portal = Erasure {
            portal: "a".into(),
            ..erasure.clone()
        };
        assert!(!portal.covers("c_a", "www", 10, &origin, 1));
        let other = BlockOrigin {
            stream: "c/other".into(),
            ..origin.clone()
        };
        assert!(!erasure.covers("c_a", "www", 10, &other, 1));
    }
}
