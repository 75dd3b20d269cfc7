//! Changes by a rebuild: each event in the present facts and in the second database.

use clickhouse::Row;
use serde::{Deserialize, Serialize};

use super::{FACTS, LONG, SecondDatabase};
use crate::sql::{Statement, joined, statement};
use crate::{Rebuilds, Settled, StoreError};

/// Columns that tell where and when a fact was read, or that the statement itself compares.
const COMPARED_APART: &str = "time, session, visitor, identity, stream, kafka_partition, kafka_offset, rules, ingested_at, ente, category, kind, device, device_rule, portal, portal_kind, service";

/// Changes made by a run, summed over its months.
#[derive(Debug, Clone, PartialEq, Eq, Row, Serialize, Deserialize)]
pub struct RebuildChange {
    /// Local year of the events.
    pub year: u16,
    /// Public body, before; empty for added events.
    pub ente: String,
    /// Category, before.
    pub category: String,
    /// Kind of a service use; `none` for an access.
    pub kind: String,
    /// Class of the device, before.
    pub device: String,
    /// Public body, after; empty for removed events.
    pub to_ente: String,
    /// Category, after.
    pub to_category: String,
    /// Kind, after.
    pub to_kind: String,
    /// Class of the device, after.
    pub to_device: String,
    /// Reason for the change: register, device rule, or names of other columns.
    pub why: String,
    /// Number of changed events; negative if they were removed.
    pub events: i64,
    /// Number of accesses to pages among these events.
    pub accesses: i64,
    /// Number of completed service uses among these events.
    pub service_uses: i64,
}

/// Events of a month as a set.
#[derive(Default, PartialEq, Eq, Row, Serialize, Deserialize)]
struct IdentitySet {
    facts: u64,
    checksum: u64,
}

impl Rebuilds {
    /// Returns all changes of a run, largest first.
    pub async fn changes(&self, id: &str) -> Result<Vec<RebuildChange>, StoreError> {
        self.0
            .rows(statement!("rebuild_changes").bind("id", id))
            .await
    }
}

impl SecondDatabase {
    /// Lists the changes of the run `id` in `rebuild_changes`: present facts before `ends` against
    /// the facts of the second database. Months whose facts may have expired are left out.
    pub async fn compare(&self, id: &str, ends: &Settled) -> Result<(), StoreError> {
        let of_run = Statement::from("id = {id:String}").bind("id", id);
        self.live
            .patient()
            .delete("rebuild_changes", of_run)
            .await?;
        let columns = self.columns_of(FACTS).await?.into_iter();
        let others = columns.filter(|name| !COMPARED_APART.split(", ").any(|apart| apart == name));
        let others: Vec<String> = others.collect();
        let causes = others
            .iter()
            .map(|name| format!("if(a.{name} != b.{name}, '{name}', '')"));
        let moved = statement!("moved_facts")
            .put("causes", joined(causes))
            .put("others", others.join(", "));
        let months = statement!("fact_months").put("live", self.live.name()).put(
            "of_months",
            self.second.boundary().await?.of_months("month"),
        );
        for month in self.second.rows::<u32>(months).await? {
            let of_month = |statement: Statement| {
                let statement = statement
                    .put("live", self.live.name())
                    .put("condition", ends.condition("kafka_offset"))
                    .put("long", LONG)
                    .bind("id", id)
                    .bind("month", month);
                ends.bind(statement)
            };
            self.second.execute(of_month(moved.clone())).await?;
            let live = format!("{}.{FACTS}", self.live.name());
            let before = statement!("identity_set").put("table", live);
            let before: IdentitySet = self.second.one(of_month(before)).await?;
            let after = statement!("identity_set").put("table", FACTS);
            let after: IdentitySet = self.second.one(of_month(after)).await?;
            if before != after {
                for differing in [statement!("removed_facts"), statement!("added_facts")] {
                    self.second.execute(of_month(differing)).await?;
                }
            }
        }
        Ok(())
    }
}
