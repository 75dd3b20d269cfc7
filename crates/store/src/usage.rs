//! Usage by any dimensions, for the aggregate API.
//!
//! The SQL consists only of texts from the closed enum of dimensions. Codes and dates of a request
//! are bound as parameters.

use std::collections::BTreeMap;
use std::ops::Range;

use clickhouse::Row;
use clickhouse::query::Query;
use serde::{Deserialize, Serialize};

use crate::dimension::Dates;
use crate::sql::statement;
use crate::{StoreError, Usage};

/// State of everything that figures are made of.
#[derive(Debug, Clone, Default, PartialEq, Eq, Row, Deserialize)]
pub struct Watermark {
    /// A text that changes whenever figures may change: with new blocks, repairs, rebuilds, and
    /// months in doubt.
    pub figures: String,
    /// Number of seals of closed years.
    pub seals: u64,
}

pub use crate::attribute::SharesOf;
pub use crate::dimension::Dimension;

/// Maximum number of rows in a result, before it is sorted.
pub const ROWS_MAX: usize = 100_000;

/// Local days, both included, as days since 1970-01-01.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Days {
    /// First day.
    pub first: i32,
    /// Last day.
    pub last: i32,
    /// True if the range consists of whole months.
    pub whole_months: bool,
}

/// Selection of events.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Selection {
    /// Range of local days.
    pub days: Days,
    /// True to exclude bots.
    pub people: bool,
    /// Enti that the caller may see; `None` for all.
    pub scope: Option<Vec<String>>,
    /// Accepted values by dimension. An event must match every dimension.
    pub filters: BTreeMap<Dimension, Vec<String>>,
}

/// A query for usage: grouping and selection.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct UsageQuery {
    /// Dimensions of the groups, in order.
    pub group: Vec<Dimension>,
    /// Selection of the events.
    pub selection: Selection,
    /// True to also count distinct visitors, which is slower.
    pub users: bool,
}

/// Counts of one group.
#[derive(Debug, Clone, Default, PartialEq, Eq, Row, Serialize, Deserialize)]
pub struct UsageRow {
    /// Values of the requested dimensions, in order.
    pub keys: Vec<String>,
    /// Completed service uses.
    pub service_uses: u64,
    /// Accesses to pages and areas.
    pub accesses: u64,
    /// All events, including abandoned uses and page assets.
    pub events: u64,
    /// Distinct visitors of each day and ente, summed over days and enti; 0 if not requested.
    pub users: u64,
}

/// Usage in an hour of the day.
#[derive(Debug, Clone, PartialEq, Eq, Row, Serialize, Deserialize)]
pub struct HourUsage {
    /// Local hour, 0 to 23.
    pub local_hour: u8,
    /// Hour band: `night`, `office` or `evening`.
    pub band: String,
    /// Distinct visitors of each hour, summed over the hours.
    pub users_hours: u64,
    /// Accesses to pages and areas.
    pub accesses: u64,
    /// Completed service uses.
    pub service_uses: u64,
}

/// A minute of the live view.
#[derive(Debug, Clone, PartialEq, Eq, Row, Serialize, Deserialize)]
pub struct MinuteRow {
    /// Start of the minute, in seconds since 1970.
    pub minute: u32,
    /// Completed service uses.
    pub service_uses: u64,
    /// Accesses to pages and areas.
    pub accesses: u64,
    /// Distinct visitors.
    pub users: u64,
}

/// Days on which an ente had events.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Row, Serialize, Deserialize)]
pub struct SeenDays {
    /// Public body.
    pub ente: String,
    /// Days since 1970-01-01, in order.
    pub days: Vec<u16>,
}

impl Dates {
    const fn column(self) -> &'static str {
        match self {
            Self::Days => "u.local_date",
            Self::Months => "toStartOfMonth(u.local_date)",
        }
    }
}

impl Selection {
    fn dates(&self, group: &[Dimension]) -> Dates {
        let mut dimensions = group.iter().chain(self.filters.keys());
        let days = dimensions.any(|dimension| dimension.needs_days());
        if self.days.whole_months && !days {
            Dates::Months
        } else {
            Dates::Days
        }
    }

    /// Returns the SQL condition, with parameters.
    fn condition(&self, dates: Dates) -> String {
        let column = dates.column();
        let mut text =
            format!("{column} BETWEEN toDate({{first:Int32}}) AND toDate({{last:Int32}})");
        if self.people {
            text.push_str(" AND u.device != 'bot'");
        }
        if self.scope.is_some() {
            text.push_str(" AND u.ente IN {scope:Array(String)}");
        }
        for dimension in self.filters.keys() {
            text.push_str(&format!(
                " AND {} IN {{filter_{}:Array(String)}}",
                dimension.filtered(dates),
                dimension.name()
            ));
        }
        text
    }

    /// Returns the condition by days.
    pub(crate) fn by_day(&self) -> String {
        self.condition(Dates::Days)
    }

    /// Returns the condition by months if possible, else by days.
    pub(crate) fn by_month_or_day(&self) -> String {
        self.condition(self.dates(&[]))
    }

    /// Returns the selection including bots.
    pub(crate) fn of_all_devices(&self) -> Self {
        Self {
            people: false,
            ..self.clone()
        }
    }

    pub(crate) fn bind(&self, query: Query) -> Query {
        let mut query = query
            .param("first", self.days.first)
            .param("last", self.days.last);
        if let Some(scope) = &self.scope {
            query = query.param("scope", scope);
        }
        for (dimension, values) in &self.filters {
            query = query.param(&format!("filter_{}", dimension.name()), values);
        }
        query
    }
}

impl UsageQuery {
    fn sql(&self) -> String {
        let dates = if self.users {
            Dates::Days
        } else {
            self.selection.dates(&self.group)
        };
        let keys: Vec<String> = self
            .group
            .iter()
            .map(|dimension| dimension.expression(dates))
            .collect();
        let condition = self.selection.condition(dates);
        let limit = ROWS_MAX + 1;
        if self.users {
            return with_users(&keys, &condition, limit);
        }
        let (list, group) = listed(&keys);
        format!(
            "SELECT {list} AS keys, sum(u.service_uses) AS service_uses, sum(u.accesses) AS accesses, sum(u.events) AS events, toUInt64(0) AS users
             FROM usage_hourly AS u WHERE {condition} {group} LIMIT {limit}"
        )
    }
}

/// Returns the query with distinct visitors. A visitor's token is valid for a day and an ente. So
/// visitors are counted by day and ente and then added. A union over more would give the same
/// number with less precision.
fn with_users(keys: &[String], condition: &str, limit: usize) -> String {
    let (mut inner, mut outer, mut by) = (String::new(), Vec::new(), Vec::new());
    for (at, key) in keys.iter().enumerate() {
        inner.push_str(&format!("{key} AS key_{at}, "));
        by.push(key.as_str());
        outer.push(format!("d.key_{at}"));
    }
    by.extend(["u.local_date", "u.ente"]);
    let (list, group) = listed(&outer);
    format!(
        "SELECT {list} AS keys, sum(d.service_uses) AS service_uses, sum(d.accesses) AS accesses, sum(d.events) AS events, sum(d.users) AS users
         FROM (
            SELECT {inner}sum(u.service_uses) AS service_uses, sum(u.accesses) AS accesses, sum(u.events) AS events, uniqCombined64IfMerge(u.visitors) AS users
            FROM usage_hourly AS u WHERE {condition} GROUP BY {}) AS d
         {group} LIMIT {limit}",
        by.join(", ")
    )
}

/// Returns the keys as one array column, and their GROUP BY clause.
fn listed(keys: &[String]) -> (String, String) {
    if keys.is_empty() {
        return ("CAST([], 'Array(String)')".to_owned(), String::new());
    }
    let keys = keys.join(", ");
    (
        format!("CAST([{keys}], 'Array(String)')"),
        format!("GROUP BY {keys}"),
    )
}

impl Usage {
    /// Returns the counts by the requested dimensions, unsorted. At most [`ROWS_MAX`] rows plus
    /// one, which shows that there are more.
    pub async fn counts(&self, query: &UsageQuery) -> Result<Vec<UsageRow>, StoreError> {
        let sql = query.sql();
        query
            .selection
            .bind(self.0.client.query_raw(&sql))
            .fetch_all()
            .await
            .map_err(|error| self.0.judge("the query of usage", error))
    }

    /// Returns the usage by minute from the facts. `range` is in seconds since 1970.
    pub async fn minutes(
        &self,
        range: Range<i64>,
        people: bool,
        scope: Option<&[String]>,
    ) -> Result<Vec<MinuteRow>, StoreError> {
        let people = if people { "AND device != 'bot'" } else { "" };
        let of = if scope.is_some() {
            "AND ente IN {scope:Array(String)}"
        } else {
            ""
        };
        let sql = format!(
            "SELECT toUInt32(toStartOfMinute(time)) AS minute,
                    countIf(activity = 'service-use' AND outcome = 'completed') AS service_uses,
                    countIf(resource = 'page') AS accesses,
                    uniqExactIf(visitor, visitor != 0 AND resource != 'asset') AS users
             FROM usage_events WHERE time >= fromUnixTimestamp64Milli({{start:Int64}}, 'UTC') AND time < fromUnixTimestamp64Milli({{end:Int64}}, 'UTC') {people} {of}
             GROUP BY minute ORDER BY minute"
        );
        let mut query = self
            .0
            .client
            .query_raw(&sql)
            .param("start", range.start.saturating_mul(1000))
            .param("end", range.end.saturating_mul(1000));
        if let Some(scope) = scope {
            query = query.param("scope", scope);
        }
        query
            .fetch_all()
            .await
            .map_err(|error| self.0.judge("the query of minutes", error))
    }

    /// Returns the days on which each ente had events, over all time.
    pub async fn seen_days(&self) -> Result<Vec<SeenDays>, StoreError> {
        // Grouping by day first allows a projection to answer the query.
        self.0.rows(statement!("seen_days")).await
    }

    /// Returns the watermark of the figures.
    pub async fn watermark(&self) -> Result<Watermark, StoreError> {
        self.0.one(statement!("watermark")).await
    }
}
