//! Usage by any dimensions, for the aggregate API.
//!
//! The SQL consists only of texts from the closed enum of dimensions. Codes and dates of a request
//! are bound as parameters.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

use clickhouse::Row;
use clickhouse::query::Query;
use serde::{Deserialize, Serialize};

use crate::dimension::Dates;
use crate::sql::{Statement, statement};
use crate::{StoreError, Usage};

/// State of everything that figures are made of.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Row, Deserialize)]
pub struct Watermark {
    /// A text that changes with each block of events.
    pub blocks: String,
    /// A text that changes with repairs, rebuilds, erasures and months in doubt. Within a generation,
    /// events are only added.
    pub generation: String,
    /// Number of seals of closed years.
    pub seals: u64,
}

pub use crate::attribute::SharesOf;
pub use crate::dimension::Dimension;
pub use crate::known::{KnownCodes, UNREGISTERED};

/// Maximum number of codes that are listed though the register does not know them.
pub const USED_MAX: usize = 10_000;

/// Maximum number of rows in a result, before it is sorted.
pub const ROWS_MAX: usize = 200_000;

/// Number of portals that are listed though the register does not know them.
const PORTALS_MAX: usize = 1000;

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
    /// Accepted values by dimension. An event must match every dimension. [`UNREGISTERED`] accepts
    /// every code that is not known.
    pub filters: BTreeMap<Dimension, Vec<String>>,
    /// Codes of the register.
    pub known: Arc<KnownCodes>,
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
    /// Number of codes that the register does not know and that the row sums.
    pub codes: u64,
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

/// Portal of an ente, with its number of events.
#[derive(Debug, Clone, PartialEq, Eq, Row, Serialize, Deserialize)]
pub struct CodeSender {
    /// Public body as stored.
    pub ente: String,
    /// Portal as stored.
    pub portal: String,
    /// All events.
    pub events: u64,
}

/// Events of a month, bots included.
#[derive(Debug, Clone, PartialEq, Eq, Row, Serialize, Deserialize)]
pub struct MonthEvents {
    /// First day of the month, as days since 1970-01-01.
    pub month: i32,
    /// All events.
    pub events: u64,
}

/// Events of an ente in a month, bots included.
#[derive(Debug, Clone, PartialEq, Eq, Row, Serialize, Deserialize)]
pub struct EnteEvents {
    /// First day of the month, as days since 1970-01-01.
    pub month: i32,
    /// Public body as stored.
    pub ente: String,
    /// All events.
    pub events: u64,
}

/// A code that the register does not know, in events of an ente.
#[derive(Debug, Clone, PartialEq, Eq, Row, Serialize, Deserialize)]
pub struct UsedCode {
    /// Code as stored.
    pub code: String,
    /// Public body as stored; empty for any.
    pub ente: String,
}

/// Days on which an ente had events.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Row, Serialize, Deserialize)]
pub struct SeenDays {
    /// Public body, or [`UNREGISTERED`] for all that are not known.
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
            text.push_str(" AND u.device NOT IN ('bot', 'no-agent')");
        }
        if self.scope.is_some() {
            text.push_str(" AND u.ente IN {scope:Array(String)}");
        }
        let judged = self.judged();
        for dimension in self.filters.keys() {
            let column = dimension.filtered(dates);
            let mut any = format!("{column} IN {{filter_{}:Array(String)}}", dimension.name());
            if judged.contains(dimension) {
                let is_known = self.known.condition(*dimension, &column);
                any = format!("({any} OR NOT {is_known})");
            }
            text.push_str(&format!(" AND {any}"));
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

    /// Returns the dimensions that are filtered by what the register knows.
    fn judged(&self) -> BTreeSet<Dimension> {
        let filters = self.filters.iter();
        let unknown = filters.filter(|(dimension, values)| {
            self.known.has_lists(**dimension) && values.iter().any(|value| value == UNREGISTERED)
        });
        unknown.map(|(dimension, _)| *dimension).collect()
    }

    pub(crate) fn bind(&self, query: Query) -> Query {
        self.bind_with(query, self.judged())
    }

    /// Binds the parameters of the condition, and the known codes of these dimensions.
    fn bind_with(&self, query: Query, judged: BTreeSet<Dimension>) -> Query {
        let mut query = query
            .param("first", self.days.first)
            .param("last", self.days.last);
        if let Some(scope) = &self.scope {
            query = query.param("scope", scope);
        }
        for (dimension, values) in &self.filters {
            query = query.param(&format!("filter_{}", dimension.name()), values);
        }
        for (name, codes) in judged.into_iter().flat_map(|one| self.known.lists(one)) {
            query = query.param(&name, codes);
        }
        query
    }
}

impl UsageQuery {
    /// Returns the SQL with two levels. The inner one groups by the stored codes, so that
    /// projections answer it. The outer one sums the codes that the register does not know.
    ///
    /// A visitor's token is valid for a day and an ente. So visitors are counted by day and ente
    /// and then added. A union over more would give the same number with less precision.
    fn sql(&self) -> String {
        let dates = if self.users {
            Dates::Days
        } else {
            self.selection.dates(&self.group)
        };
        let condition = self.selection.condition(dates);
        let known = &self.selection.known;
        let (mut inner, mut keys, mut by) = (String::new(), Vec::new(), Vec::new());
        let (mut judged, mut are_known) = (Vec::new(), Vec::new());
        for (at, dimension) in self.group.iter().enumerate() {
            let (expression, key) = (dimension.expression(dates), format!("d.key_{at}"));
            inner.push_str(&format!("{expression} AS key_{at}, "));
            by.push(expression);
            if !known.has_lists(*dimension) {
                keys.push(key);
                continue;
            }
            let mut is_known = known.condition(*dimension, &key);
            // A code of the question is named, also if the register does not know it.
            if self.selection.filters.contains_key(dimension) {
                is_known.push_str(&format!(
                    " OR {key} IN {{filter_{}:Array(String)}}",
                    dimension.name()
                ));
            }
            if *dimension == Dimension::Ente && self.selection.scope.is_some() {
                is_known.push_str(&format!(" OR {key} IN {{scope:Array(String)}}"));
            }
            if *dimension == Dimension::Portal {
                is_known.push_str(&format!(" OR {key} IN ({})", most_used_portals(&condition)));
            }
            keys.push(format!("if({is_known}, {key}, '{UNREGISTERED}')"));
            judged.push(key);
            are_known.push(format!("({is_known})"));
        }
        let mut users = "toUInt64(0)";
        if self.users {
            users = "uniqCombined64IfMerge(u.visitors)";
            by.extend(["u.local_date".to_owned(), "u.ente".to_owned()]);
        }
        let by = match by.is_empty() {
            true => String::new(),
            false => format!("GROUP BY {}", by.join(", ")),
        };
        let codes = match judged.is_empty() {
            true => "toUInt64(0)".to_owned(),
            false => format!(
                "uniqExactIf(tuple({}), NOT ({}))",
                judged.join(", "),
                are_known.join(" AND ")
            ),
        };
        format!(
            "SELECT CAST([{}], 'Array(String)') AS keys, sum(d.service_uses) AS service_uses, sum(d.accesses) AS accesses, sum(d.events) AS events, sum(d.users) AS users, {codes} AS codes
             FROM (
                SELECT {inner}sum(u.service_uses) AS service_uses, sum(u.accesses) AS accesses, sum(u.events) AS events, {users} AS users
                FROM usage_hourly AS u WHERE {condition} {by}) AS d
             GROUP BY keys LIMIT {}",
            keys.join(", "),
            ROWS_MAX + 1
        )
    }

    fn bind(&self, query: Query) -> Query {
        let mut judged = self.selection.judged();
        judged.extend(&self.group);
        self.selection.bind_with(query, judged)
    }
}

/// Returns the query for the portals with the most events. The portals of an ente need not be in
/// the register, so the most used ones are kept.
fn most_used_portals(condition: &str) -> String {
    format!(
        "SELECT toString(u.portal) FROM usage_hourly AS u WHERE {condition} GROUP BY u.portal ORDER BY sum(u.events) DESC, u.portal LIMIT {PORTALS_MAX}"
    )
}

impl Usage {
    /// Returns the counts by the requested dimensions, unsorted. At most [`ROWS_MAX`] rows plus
    /// one, which shows that there are more.
    pub async fn counts(&self, query: &UsageQuery) -> Result<Vec<UsageRow>, StoreError> {
        let sql = query.sql();
        query
            .bind(self.0.client.query_raw(&sql))
            .fetch_all()
            .await
            .map_err(|error| self.0.judge("the query of usage", error))
    }

    /// Returns the portals with the most events, as stored, at most three.
    pub async fn senders(&self, selection: &Selection) -> Result<Vec<CodeSender>, StoreError> {
        let condition = selection.by_month_or_day();
        let sql = format!(
            "SELECT toString(u.ente) AS ente, toString(u.portal) AS portal, sum(u.events) AS events
             FROM usage_hourly AS u WHERE {condition}
             GROUP BY u.ente, u.portal ORDER BY events DESC, ente, portal LIMIT 3"
        );
        selection
            .bind(self.0.client.query_raw(&sql))
            .fetch_all()
            .await
            .map_err(|error| self.0.judge("the query of senders", error))
    }

    /// Returns the usage by minute from the facts. `range` is in seconds since 1970.
    pub async fn minutes(
        &self,
        range: Range<i64>,
        people: bool,
        scope: Option<&[String]>,
    ) -> Result<Vec<MinuteRow>, StoreError> {
        let people = if people {
            "AND device NOT IN ('bot', 'no-agent')"
        } else {
            ""
        };
        let of = if scope.is_some() {
            "AND ente IN {scope:Array(String)}"
        } else {
            ""
        };
        let sql = format!(
            "SELECT toUInt32(toStartOfMinute(time)) AS minute,
                    countIf(activity = 'service-use' AND outcome = 'completed') AS service_uses,
                    countIf(resource = 'page') AS accesses,
                    uniqExactIf(visitor, visitor != 0 AND resource IN ('none', 'page')) AS users
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

    /// Returns codes that the register does not know, with the enti whose events have them; at most
    /// [`USED_MAX`], and one more if there are others. Codes of dimensions that the register does not
    /// list come without enti.
    pub async fn used_unregistered(
        &self,
        dimension: Dimension,
        known: &KnownCodes,
    ) -> Result<Vec<UsedCode>, StoreError> {
        let column = dimension.expression(Dates::Months);
        let is_known = known.condition(dimension, &column);
        let ente = match known.has_lists(dimension) {
            true => "toString(u.ente)",
            false => "''",
        };
        let limit = USED_MAX + 1;
        let sql = format!(
            "SELECT DISTINCT {column} AS code, {ente} AS ente FROM usage_hourly AS u WHERE NOT {is_known} LIMIT {limit}"
        );
        let mut statement = Statement::from(&*sql);
        for (name, codes) in known.lists(dimension) {
            statement = statement.bind(name, codes.as_slice());
        }
        self.0.rows(statement).await
    }

    /// Returns those of some codes that any event of the enti in scope has.
    pub async fn used(
        &self,
        dimension: Dimension,
        codes: &[&String],
        scope: Option<&[String]>,
    ) -> Result<BTreeSet<String>, StoreError> {
        let selection = Selection {
            days: Days {
                first: 0,
                last: u16::MAX.into(),
                whole_months: true,
            },
            people: false,
            scope: scope.map(<[String]>::to_vec),
            filters: BTreeMap::from([(
                dimension,
                codes.iter().map(|&code| code.clone()).collect(),
            )]),
            known: Arc::default(),
        };
        let (column, condition) = (
            dimension.expression(Dates::Months),
            selection.by_month_or_day(),
        );
        let sql = format!("SELECT DISTINCT {column} FROM usage_hourly AS u WHERE {condition}");
        let query = selection.bind(self.0.client.query_raw(&sql));
        let used = query.fetch_all::<String>().await;
        let used = used.map_err(|error| self.0.judge("the query of codes", error))?;
        Ok(used.into_iter().collect())
    }

    /// Returns the days on which each ente had events, over all time.
    pub async fn seen_days(&self, known: &KnownCodes) -> Result<Vec<SeenDays>, StoreError> {
        // Grouping by day first allows a projection to answer the query.
        let is_known = known.condition(Dimension::Ente, "d.ente");
        let mut statement = statement!("seen_days").put("is_known", is_known);
        for (name, codes) in known.lists(Dimension::Ente) {
            statement = statement.bind(name, codes.as_slice());
        }
        self.0.rows(statement).await
    }

    /// Returns the number of events of each month that begins in a range of days. Within a generation
    /// of the [`Watermark`], the figures of a month have changed only if this number has.
    pub async fn events_of_months(
        &self,
        first: i32,
        last: i32,
    ) -> Result<Vec<MonthEvents>, StoreError> {
        let statement = statement!("events_of_months");
        self.0
            .rows(statement.bind("first", first).bind("last", last))
            .await
    }

    /// Returns the number of events of each ente in some months, given by their first days.
    pub async fn events_of_enti(&self, months: &[i32]) -> Result<Vec<EnteEvents>, StoreError> {
        let statement = statement!("events_of_enti").bind("months", months);
        self.0.rows(statement).await
    }

    /// Returns the watermark of the figures.
    pub async fn watermark(&self) -> Result<Watermark, StoreError> {
        self.0.one(statement!("watermark")).await
    }
}
