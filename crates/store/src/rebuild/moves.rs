//! A rebuilt month of facts: verification, list of changes, and swap.

use clickhouse::Row;
use serde::{Deserialize, Serialize};

use super::{FACTS, LONG, Run, Settled, listed};
use crate::sql::{filled, quoted};
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

/// Facts of a partition as a set: log, partition, facts, distinct offsets, and checksum.
type OffsetSet = (String, u32, u64, u64, u64);

impl Rebuilds {
    /// Returns true if a month of the shadow table contains exactly the settled offsets of the
    /// current table, each once.
    pub async fn facts_are_whole(
        &self,
        run: &Run,
        month: u32,
        settled: &Settled,
    ) -> Result<bool, StoreError> {
        let condition = settled.condition("kafka_offset");
        let present = self.offset_sets(FACTS, month, &condition).await?;
        let shadow = self.offset_sets(&run.shadow("events"), month, "1").await?;
        let each_once = shadow
            .iter()
            .all(|(_, _, facts, distinct, _)| facts == distinct);
        Ok(each_once && present == shadow)
    }

    async fn offset_sets(
        &self,
        table: &str,
        month: u32,
        condition: &str,
    ) -> Result<Vec<OffsetSet>, StoreError> {
        // A bitmap counts distinct offsets exactly, with much less memory than a hash set.
        self.0.rows(&format!(
            "SELECT toString(t.stream) AS s, kafka_partition, count(), groupBitmap(kafka_offset), sum(cityHash64(kafka_offset))
             FROM {table} AS t WHERE toYYYYMM(time) = {month} AND {condition}
             GROUP BY s, kafka_partition ORDER BY s, kafka_partition SETTINGS {LONG}"
        ))
        .await
    }

    /// Drops a month of the shadow facts, which is then filled again.
    pub async fn drop_rebuilt(&self, run: &Run, month: u32) -> Result<(), StoreError> {
        self.drop_month(&run.shadow("events"), month).await
    }

    /// Returns the months of the hours of a month's facts, current and rebuilt. Usually only that
    /// month.
    pub async fn hour_months(&self, run: &Run, month: u32) -> Result<Vec<u32>, StoreError> {
        self.0.rows(&format!(
            "SELECT DISTINCT month FROM (
                SELECT DISTINCT toYYYYMM(hour_start) AS month FROM {FACTS} WHERE toYYYYMM(time) = {month}
                UNION ALL SELECT DISTINCT toYYYYMM(hour_start) FROM {} WHERE toYYYYMM(time) = {month}) ORDER BY month SETTINGS {LONG}",
            run.shadow("events")
        ))
        .await
    }

    /// Lists the changes of a month, by joining each fact with its current version.
    pub async fn compare_facts(&self, run: &Run, month: u32) -> Result<(), StoreError> {
        self.forget_changes(run, month).await?;
        let columns = self.columns_of(FACTS).await?;
        // Columns that cannot change, such as origin and identity, or that are compared separately
        // below.
        let aside = [
            "time",
            "session",
            "visitor",
            "identity",
            "stream",
            "kafka_partition",
            "kafka_offset",
            "rules",
            "ingested_at",
            "ente",
            "category",
            "kind",
            "device",
            "device_rule",
            "portal",
            "service",
        ];
        let others: Vec<&str> = columns
            .iter()
            .map(|(name, _)| name.as_str())
            .filter(|name| !aside.contains(name))
            .collect();
        let mut causes = vec![
            "if(a.ente != b.ente, 'register: ente', '')".to_owned(),
            "if(a.portal != b.portal, 'register: portal', '')".to_owned(),
            "if(a.service != b.service, 'register: service', '')".to_owned(),
            "if(a.category != b.category, 'register: category', '')".to_owned(),
            "if(a.kind != b.kind, 'kind', '')".to_owned(),
            "if(a.device != b.device OR a.device_rule != b.device_rule, concat('device rule: ', a.device_rule, ' -> ', b.device_rule), '')".to_owned(),
        ];
        causes.extend(
            others
                .iter()
                .map(|name| format!("if(a.{name} != b.{name}, '{name}', '')")),
        );
        let mut read: Vec<&str> = vec![
            "stream",
            "kafka_partition",
            "kafka_offset",
            "ente",
            "portal",
            "service",
            "category",
            "kind",
            "device",
            "device_rule",
        ];
        read.extend(&others);
        let read = read.join(", ");
        let parameters = [
            ("changes", &*run.changes()),
            ("id", &quoted(&run.id)),
            ("month", &month.to_string()),
            ("causes", &causes.join(", ")),
            ("read", &read),
            ("shadow", &run.shadow("events")),
            ("long", LONG),
        ];
        let statement = filled(include_str!("../../sql/moved_facts.sql"), &parameters);
        self.0.execute(&statement).await
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
            .count(&format!("SELECT count() FROM {shadow}"))
            .await?;
        let copied = self.0
            .rows(&format!(
                "SELECT toString(t.stream) AS stream, t.kafka_partition AS kafka_partition, min(t.kafka_offset) AS first_offset,
                        max(t.kafka_offset) AS last_offset, count() AS facts
                 FROM {shadow} AS t WHERE ingested_at < toDateTime({}, 'UTC')
                 GROUP BY stream, kafka_partition ORDER BY stream, kafka_partition SETTINGS {LONG}",
                run.started_at
            ))
            .await?;
        Ok((all, copied))
    }

    /// Counts the facts of the run's months that were inserted since its start under other rules:
    /// by a consumer that does not use the current register yet.
    pub async fn facts_of_other_rules(&self, run: &Run) -> Result<u64, StoreError> {
        self.0.count(&format!(
            "SELECT count() FROM {FACTS} WHERE toYYYYMM(time) IN ({}) AND ingested_at >= toDateTime({}, 'UTC') AND rules != {}",
            listed(&run.months),
            run.started_at,
            quoted(&run.rules)
        ))
        .await
    }
}
