//! Rebuild of the aggregate from the facts, month by month.

use clickhouse::Row;
use serde::{Deserialize, Serialize};

use super::{FACTS, HOURLY, LONG, Run, Settled};
use crate::hour_rows::{facts_of, hour_rows_of};
use crate::sql::{quoted, statement};
use crate::{Rebuilds, StoreError};

/// Number of cells, sums of the counts, and checksum of a month.
#[derive(PartialEq, Eq, Row, Serialize, Deserialize)]
struct MonthSums {
    cells: u64,
    events: u64,
    accesses: u64,
    service_uses: u64,
    checksum: u64,
}

/// Facts for a month of the aggregate.
#[derive(Debug, Clone, Copy)]
pub struct HourlySource<'s> {
    /// Settled facts of the current table.
    pub settled: &'s Settled,
    /// Month of event time whose facts come from the shadow table.
    pub rebuilt: Option<u32>,
}

impl HourlySource<'_> {
    /// Returns the query for the facts whose hours belong to `month`. Hours of time zones with
    /// half-hour offsets may begin in the month before the event.
    fn sql(&self, run: &Run, month: u32) -> String {
        let within = facts_of(month);
        let settled = self.settled.condition("kafka_offset");
        let Some(rebuilt) = self.rebuilt else {
            return format!("SELECT * FROM {FACTS} WHERE {within} AND {settled}");
        };
        statement!("rebuilt_and_settled")
            .put("shadow", run.shadow("events"))
            .put("within", within)
            .put("rebuilt", rebuilt)
            .put("settled", settled)
            .text()
    }
}

/// Columns of the aggregate: its dimensions, and all columns.
struct Columns {
    dimensions: String,
    all: String,
}

impl Rebuilds {
    /// Fills a month of the shadow aggregate, in one INSERT with a token of the run.
    pub async fn fill_hourly(
        &self,
        run: &Run,
        month: u32,
        source: HourlySource<'_>,
        attempt: u32,
    ) -> Result<(), StoreError> {
        let shadow = run.shadow("hourly");
        // Dropping the partition removes the rows and the token of an earlier attempt.
        self.drop_month(&shadow, month).await?;
        let Columns { all, .. } = self.hourly_columns().await?;
        let token = format!("rebuild-{}/hourly/{month}/{attempt}", run.id);
        let statement = statement!("fill_hourly")
            .put("shadow", shadow)
            .put("columns", all)
            .put(
                "hours",
                hour_rows_of(&format!("({})", source.sql(run, month))),
            )
            .put("long", LONG)
            .put("token", quoted(&token));
        self.0.execute(source.settled.bind(statement)).await
    }

    /// Returns true if a month of the shadow aggregate equals a recount of the facts, cell by cell.
    pub async fn hourly_is_right(
        &self,
        run: &Run,
        month: u32,
        source: HourlySource<'_>,
    ) -> Result<bool, StoreError> {
        let Columns { dimensions, .. } = self.hourly_columns().await?;
        let recount = statement!("recounted_hours").put("facts", source.sql(run, month));
        let kept = statement!("shadow_hours")
            .put("shadow", run.shadow("hourly"))
            .put("month", month);
        let [recount, kept] = [recount, kept].map(|cells| {
            let cells = cells.put("dimensions", &dimensions).text();
            let sums = statement!("month_sums")
                .put("dimensions", &dimensions)
                .put("cells", cells)
                .put("long", LONG);
            source.settled.bind(sums)
        });
        let recount: Vec<MonthSums> = self.0.rows(recount).await?;
        Ok(recount == self.0.rows(kept).await?)
    }

    /// Lists the differences between a month of the shadow aggregate and the current one, cell by
    /// cell. Unsettled facts exist only in the current one and do not count as differences.
    pub async fn compare_hourly(
        &self,
        run: &Run,
        month: u32,
        settled: &Settled,
    ) -> Result<(), StoreError> {
        self.forget_changes(run, month).await?;
        let Columns { dimensions, .. } = self.hourly_columns().await?;
        let statement = statement!("aggregate_changes")
            .put("changes", run.changes())
            .put("dimensions", dimensions)
            .put("shadow", run.shadow("hourly"))
            .put("within", facts_of(month))
            .put("settled", settled.condition("kafka_offset"))
            .put("long", LONG)
            .bind("id", &*run.id)
            .bind("month", month);
        self.0.execute(settled.bind(statement)).await
    }

    /// Swaps a month of the aggregate with its shadow.
    pub async fn swap_hourly(&self, run: &Run, month: u32) -> Result<(), StoreError> {
        self.swap_month(HOURLY, &run.shadow("hourly"), month).await
    }

    /// Returns the number of events in the shadow aggregate.
    pub async fn hourly_events(&self, run: &Run) -> Result<u64, StoreError> {
        let shadow = run.shadow("hourly");
        let query = format!("SELECT sum(h.events) FROM {shadow} AS h");
        self.0.one(query).await
    }

    async fn hourly_columns(&self) -> Result<Columns, StoreError> {
        let columns = self.columns_of(HOURLY).await?;
        let dimensions: Vec<&str> = columns
            .iter()
            .filter(|column| !column.kind.contains("AggregateFunction"))
            .map(|column| column.name.as_str())
            .collect();
        let all: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
        Ok(Columns {
            dimensions: dimensions.join(", "),
            all: all.join(", "),
        })
    }
}
