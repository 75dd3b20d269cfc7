//! A rebuilt month of facts: verification, list of changes, and swap.

use clickhouse::Row;
use serde::{Deserialize, Serialize};

use super::{FACTS, LONG, Run, Settled};
use crate::sql::{joined, statement};
use crate::{Rebuilds, StoreError};

/// Origin of facts in the shadow table that were not read from the log.
#[derive(Debug, Clone, PartialEq, Eq, Row, Serialize, Deserialize)]
pub struct FactSource {
    /// Log that the facts were originally read from.
    pub stream: String,
    /// Partition of that log.
    pub kafka_partition: u32,
    /// First offset of the facts.
    pub first_offset: u64,
    /// Last offset of the facts.
    pub last_offset: u64,
    /// Number of facts.
    pub facts: u64,
}

/// Columns of a fact that cannot change, such as its origin and identity, or that the statement
/// itself compares.
const COMPARED_APART: &str = "time, session, visitor, identity, stream, kafka_partition, kafka_offset, rules, ingested_at, ente, category, kind, device, device_rule, portal, service";

/// Facts of a partition as a set.
#[derive(PartialEq, Eq, Row, Serialize, Deserialize)]
struct OffsetSet {
    log: String,
    kafka_partition: u32,
    facts: u64,
    /// Number of distinct offsets.
    offsets: u64,
    checksum: u64,
}

impl Rebuilds {
    /// Returns true if a month of the shadow table contains exactly the settled offsets of the
    /// current table, each once.
    pub async fn facts_are_whole(
        &self,
        run: &Run,
        month: u32,
        settled: &Settled,
    ) -> Result<bool, StoreError> {
        // A bitmap counts distinct offsets exactly, with much less memory than a hash set.
        let query = statement!("offset_sets")
            .put("long", LONG)
            .bind("month", month);
        let present = query
            .clone()
            .put("table", FACTS)
            .put("condition", settled.condition("kafka_offset"));
        let present: Vec<OffsetSet> = self.0.rows(settled.bind(present)).await?;
        let shadow = query.put("table", run.shadow("events")).put("condition", 1);
        let shadow: Vec<OffsetSet> = self.0.rows(shadow).await?;
        Ok(shadow.iter().all(|set| set.facts == set.offsets) && present == shadow)
    }

    /// Drops a month of the shadow facts, which is then filled again.
    pub async fn drop_rebuilt(&self, run: &Run, month: u32) -> Result<(), StoreError> {
        self.drop_month(&run.shadow("events"), month).await
    }

    /// Returns the months of the hours of a month's facts, current and rebuilt. Usually only that
    /// month.
    pub async fn hour_months(&self, run: &Run, month: u32) -> Result<Vec<u32>, StoreError> {
        let query = statement!("hour_months")
            .put("shadow", run.shadow("events"))
            .put("long", LONG)
            .bind("month", month);
        self.0.rows(query).await
    }

    /// Lists the changes of a month, by joining each fact with its current version.
    pub async fn compare_facts(&self, run: &Run, month: u32) -> Result<(), StoreError> {
        self.forget_changes(run, month).await?;
        let columns = self.columns_of(FACTS).await?.into_iter();
        let others = columns
            .map(|column| column.name)
            .filter(|name| !COMPARED_APART.split(", ").any(|apart| apart == name));
        let others: Vec<String> = others.collect();
        let causes = others
            .iter()
            .map(|name| format!("if(a.{name} != b.{name}, '{name}', '')"));
        let statement = statement!("moved_facts")
            .put("changes", run.changes())
            .put("causes", joined(causes))
            .put("others", others.join(", "))
            .put("shadow", run.shadow("events"))
            .put("long", LONG)
            .bind("id", &*run.id)
            .bind("month", month);
        self.0.execute(statement).await
    }

    /// Swaps a month of the facts with its shadow.
    pub async fn swap_facts(&self, run: &Run, month: u32) -> Result<(), StoreError> {
        self.swap_month(FACTS, &run.shadow("events"), month).await
    }

    /// Returns the number of facts in the shadow table, and the origins of the copied facts. A
    /// copied fact has the time of its first insert, which is before the start of the run.
    pub async fn rebuilt_facts(&self, run: &Run) -> Result<(u64, Vec<FactSource>), StoreError> {
        let shadow = run.shadow("events");
        let all = self
            .0
            .one::<u64>(format!("SELECT count() FROM {shadow}"))
            .await?;
        let query = statement!("copied_facts")
            .put("shadow", shadow)
            .put("long", LONG)
            .bind("started_at", run.started_at);
        let copied = self.0.rows(query).await?;
        Ok((all, copied))
    }

    /// Counts the facts of the run's months that were inserted since its start under other rules:
    /// by a consumer that does not use the current register yet.
    pub async fn facts_of_other_rules(&self, run: &Run) -> Result<u64, StoreError> {
        let query = statement!("facts_of_other_rules")
            .bind("months", &*run.months)
            .bind("started_at", run.started_at)
            .bind("rules", &*run.rules);
        self.0.one(query).await
    }
}
