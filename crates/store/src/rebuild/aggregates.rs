//! Rebuild of the aggregate from the facts, month by month.

use super::{FACTS, HOURLY, LONG, Run, Settled};
use crate::sql::{filled, quoted};
use crate::{Migration, Rebuilds, StoreError, migrations};

const VIEW: &str = "usage_hourly_from_events";

/// Number of cells, sums of events, accesses and service uses, and checksum of a month.
type Sums = (u64, u64, u64, u64, u64);

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
        let within = within(month);
        let settled = self.settled.condition("kafka_offset");
        let Some(rebuilt) = self.rebuilt else {
            return format!("SELECT * FROM {FACTS} WHERE {within} AND {settled}");
        };
        format!(
            "SELECT * FROM {} WHERE {within} AND toYYYYMM(time) = {rebuilt}
             UNION ALL SELECT * FROM {FACTS} WHERE {within} AND toYYYYMM(time) != {rebuilt} AND {settled}",
            run.shadow("events")
        )
    }
}

fn within(month: u32) -> String {
    let first = format!(
        "toDateTime(toDate('{:04}-{:02}-01'), 'UTC')",
        month / 100,
        month % 100
    );
    format!(
        "time >= {first} AND time < {first} + INTERVAL 1 MONTH + INTERVAL 1 HOUR AND toYYYYMM(hour_start) = {month}"
    )
}

/// Returns the SELECT of the materialized view over other facts. It comes from the migration, so
/// both stay equal.
fn view_select(facts: &str) -> String {
    let mut all = migrations().iter();
    let view = all.find(|one| one.object_name() == VIEW);
    view.map_or("", Migration::query)
        .replace("usage_events{local}", &format!("({facts})"))
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
        self.0.execute(&format!(
            "INSERT INTO {shadow} ({all}) SELECT {all} FROM ({}) SETTINGS {LONG}, insert_deduplicate = 1,
             insert_deduplication_token = {}",
            view_select(&source.sql(run, month)),
            quoted(&format!("rebuild-{}/hourly/{month}/{attempt}", run.id))
        ))
        .await
    }

    /// Returns true if a month of the shadow aggregate equals a recount of the facts, cell by cell.
    pub async fn hourly_is_right(
        &self,
        run: &Run,
        month: u32,
        source: HourlySource<'_>,
    ) -> Result<bool, StoreError> {
        let Columns { dimensions, .. } = self.hourly_columns().await?;
        let recount = format!(
            "SELECT {dimensions}, toUInt64(count()) AS e, toUInt64(countIf(resource = 'page')) AS a,
                    toUInt64(countIf(activity = 'service-use' AND outcome = 'completed')) AS s
             FROM ({})",
            source.sql(run, month)
        );
        let kept = format!(
            "SELECT {dimensions}, toUInt64(sum(h.events)) AS e, toUInt64(sum(h.accesses)) AS a, toUInt64(sum(h.service_uses)) AS s
             FROM {} AS h WHERE toYYYYMM(hour_start) = {month}",
            run.shadow("hourly")
        );
        let recount = self.sums(&recount, &dimensions).await?;
        let kept = self.sums(&kept, &dimensions).await?;
        Ok(recount == kept)
    }

    /// Sums the counts of a query for events `e`, accesses `a` and service uses `s` by dimensions.
    async fn sums(&self, from: &str, dimensions: &str) -> Result<Vec<Sums>, StoreError> {
        self.0.rows(&format!(
            "SELECT count(), sum(e), sum(a), sum(s), sum(cityHash64({dimensions}, e, a, s)) FROM ({from} GROUP BY {dimensions}) SETTINGS {LONG}"
        ))
        .await
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
        let parameters = [
            ("changes", &*run.changes()),
            ("id", &quoted(&run.id)),
            ("month", &month.to_string()),
            ("dimensions", &dimensions),
            ("shadow", &run.shadow("hourly")),
            ("within", &within(month)),
            ("settled", &settled.condition("kafka_offset")),
            ("long", LONG),
        ];
        let statement = filled(include_str!("../../sql/aggregate_changes.sql"), &parameters);
        self.0.execute(&statement).await
    }

    /// Swaps a month of the aggregate with its shadow.
    pub async fn swap_hourly(&self, run: &Run, month: u32) -> Result<(), StoreError> {
        self.swap_month(HOURLY, &run.shadow("hourly"), month).await
    }

    /// Returns the number of events in the shadow aggregate.
    pub async fn hourly_events(&self, run: &Run) -> Result<u64, StoreError> {
        self.0
            .count(&format!(
                "SELECT sum(h.events) FROM {} AS h",
                run.shadow("hourly")
            ))
            .await
    }

    async fn hourly_columns(&self) -> Result<Columns, StoreError> {
        let columns = self.columns_of(HOURLY).await?;
        let dimensions: Vec<&str> = columns
            .iter()
            .filter(|(_, data_type)| !data_type.contains("AggregateFunction"))
            .map(|(name, _)| name.as_str())
            .collect();
        let all: Vec<&str> = columns.iter().map(|(name, _)| name.as_str()).collect();
        Ok(Columns {
            dimensions: dimensions.join(", "),
            all: all.join(", "),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_select_is_that_of_the_view() {
        let select = view_select("SELECT 1");
        assert!(
            select.starts_with("SELECT\n    hour_start, local_date"),
            "{select}"
        );
        assert!(
            select.contains("uniqCombined64IfState(visitor, visitor != 0 AND resource != 'asset')")
        );
        assert_eq!(select.matches("FROM (SELECT 1)").count(), 1);
        assert!(!select.contains(FACTS));
    }
}
