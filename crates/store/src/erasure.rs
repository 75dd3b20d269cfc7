//! Erasure by order of the events of an ente, a portal or a period. The ledger stays balanced:
//! stored events become *erased* events.

use clickhouse::Row;
use serde::{Deserialize, Serialize};

use crate::sql::{filled, joined, quoted};
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

    /// Returns the SQL condition on ente, portal and day.
    fn matches(&self) -> String {
        let portal = if self.portal.is_empty() {
            "1".to_owned()
        } else {
            format!("portal = {}", quoted(&self.portal))
        };
        format!(
            "ente = {} AND {portal} AND local_date >= toDate({}) AND local_date <= toDate({})",
            quoted(&self.ente),
            self.first_day,
            self.last_day
        )
    }

    /// Returns the SQL condition on facts.
    fn facts(&self) -> String {
        let ends = self.ends.iter().map(|(stream, partition, next)| {
            format!(
                "(stream = {} AND kafka_partition = {partition} AND kafka_offset < {next})",
                quoted(stream)
            )
        });
        let ends: Vec<String> = ends.collect();
        let ends = if ends.is_empty() {
            "0".to_owned()
        } else {
            ends.join(" OR ")
        };
        format!("{} AND ({ends})", self.matches())
    }
}

impl Facts {
    /// Returns all erasures, oldest first.
    pub async fn erasures(&self) -> Result<Vec<Erasure>, StoreError> {
        self.0.rows(
            "SELECT e.id AS id, toString(e.ente) AS ente, toString(e.portal) AS portal, toUInt16(e.first_day) AS first_day,
                    toUInt16(e.last_day) AS last_day, e.reason AS reason,
                    arrayZip(arrayMap(s -> toString(s), e.`ends.stream`), e.`ends.kafka_partition`, e.`ends.next_offset`) AS ends,
                    e.facts AS facts, toUnixTimestamp(e.begun_at) AS begun_at, e.done AS done, e.version AS version
             FROM erasures AS e FINAL ORDER BY begun_at, id",
        )
        .await
    }

    /// Stores the progress of an erasure.
    pub async fn note_erasure(&self, erasure: &mut Erasure) -> Result<(), StoreError> {
        erasure.version += 1;
        let ends = &erasure.ends;
        self.0.execute(&format!(
            "INSERT INTO erasures (id, ente, portal, first_day, last_day, reason, `ends.stream`, `ends.kafka_partition`, `ends.next_offset`, facts, begun_at, done, version)
             VALUES ({}, {}, {}, toDate({}), toDate({}), {}, [{}], [{}], [{}], {}, toDateTime({}, 'UTC'), {}, {})",
            quoted(&erasure.id),
            quoted(&erasure.ente),
            quoted(&erasure.portal),
            erasure.first_day,
            erasure.last_day,
            quoted(&erasure.reason),
            joined(ends.iter().map(|end| quoted(&end.0))),
            joined(ends.iter().map(|end| end.1.to_string())),
            joined(ends.iter().map(|end| end.2.to_string())),
            erasure.facts,
            erasure.begun_at,
            erasure.done,
            erasure.version
        ))
        .await
    }

    /// Returns the number of facts that are still to be erased.
    pub async fn facts_to_erase(&self, erasure: &Erasure) -> Result<u64, StoreError> {
        let facts = erasure.facts();
        self.0
            .count(&format!("SELECT count() FROM usage_events WHERE {facts}"))
            .await
    }

    /// Returns the number of events that are still to be erased from the aggregate.
    pub async fn events_to_erase(&self, erasure: &Erasure) -> Result<u64, StoreError> {
        let matches = erasure.matches();
        self.0
            .count(&format!(
                "SELECT sum(u.events) FROM (SELECT events FROM usage_hourly WHERE {matches}) AS u"
            ))
            .await
    }

    /// Deletes the facts, then moves their count in the ledger from *stored* to *erased*. Can be
    /// repeated.
    pub async fn erase_facts(&self, erasure: &Erasure) -> Result<(), StoreError> {
        let facts = erasure.facts();
        let action = format!("DELETE WHERE {facts} {NOW}");
        self.0.alter("usage_events", &action).await?;
        let boundary = self.0.boundary().await?;
        // Days with expired facts stay unchanged, because their missing facts do not show what was
        // erased.
        let parameters = [
            ("ente", &*quoted(&erasure.ente)),
            (
                "first_day",
                &erasure.first_day.max(boundary.day).to_string(),
            ),
            ("last_day", &erasure.last_day.to_string()),
        ];
        let statement = filled(include_str!("../sql/move_to_erased.sql"), &parameters);
        self.0.execute(&statement).await
    }

    /// Deletes the events from the aggregate. The reconciliation with the facts restores new events
    /// of the same ente and days.
    pub async fn erase_aggregates(&self, erasure: &Erasure) -> Result<(), StoreError> {
        let matches = erasure.matches();
        let action = format!("DELETE WHERE {matches} {NOW}");
        self.0.alter("usage_hourly", &action).await?;
        // A repair row invalidates cached answers.
        self.0
            .execute(&format!(
                "INSERT INTO ingest_repairs (what, month, records) VALUES ('aggregate', 0, {})",
                erasure.facts
            ))
            .await
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
