//! Details of a year for the report: usage by ente, by month and by day.

use clickhouse::Row;
use serde::{Deserialize, Serialize};

use crate::StoreError;
use crate::breakdown::Breakdowns;
use crate::dimension::Dates;
use crate::figures::{Counted, DayRange};
use crate::reading::{Lists, QueryGroup, QueryIndex};
use crate::sql::filled;
use crate::usage::Dimension;

/// Usage of a service in an ente, of one kind, including unsuccessful attempts.
#[derive(Debug, Clone, PartialEq, Eq, Row, Serialize, Deserialize)]
pub struct EnteServiceUse {
    /// Public body.
    pub ente: String,
    /// Code of the service.
    pub service: String,
    /// Category of the service.
    pub category: String,
    /// `plain`, `payment` or `booking`.
    pub kind: String,
    /// Completed service uses.
    pub service_uses: u64,
    /// Service uses that the visitor abandoned.
    pub abandoned: u64,
    /// Service uses that failed.
    pub failed: u64,
    /// Local day of the last completed use, `2017-12-31`; empty without a use.
    pub last_day: String,
}

/// Usage in a month from a device class, at portals of a kind.
#[derive(Debug, Clone, PartialEq, Eq, Row, Serialize, Deserialize)]
pub struct MonthUse {
    /// Public body.
    pub ente: String,
    /// Month, 1 to 12.
    pub month: u8,
    /// Device class, including bots.
    pub device: String,
    /// Kind of the portal; `unknown` in seals that were made without it.
    #[serde(default = "unknown")]
    pub portal_kind: String,
    /// Accesses to pages and areas.
    pub accesses: u64,
    /// Completed service uses.
    pub service_uses: u64,
}

impl MonthUse {
    /// True unless the device is a bot or sent no user agent, as in the condition of the queries.
    pub fn is_of_people(&self) -> bool {
        !matches!(&*self.device, "bot" | "no-agent")
    }

    /// True if a report of this use counts the row.
    pub fn is_counted(&self, counted: Counted) -> bool {
        counted == Counted::All || self.is_of_people()
    }
}

fn unknown() -> String {
    "unknown".to_owned()
}

/// Visitors in a month.
#[derive(Debug, Clone, PartialEq, Eq, Row, Serialize, Deserialize)]
pub struct MonthVisitors {
    /// Public body.
    pub ente: String,
    /// Month, 1 to 12.
    pub month: u8,
    /// Distinct visitors of each day, summed over the days.
    pub visitors_days: u64,
}

/// Visitors of the portals of a kind.
#[derive(Debug, Clone, PartialEq, Eq, Row, Serialize, Deserialize)]
pub struct PortalVisitors {
    /// Public body.
    pub ente: String,
    /// Kind of the portals.
    pub portal_kind: String,
    /// Distinct visitors of each day, summed over the days.
    pub visitors_days: u64,
}

/// Usage of an ente in an hour of the day.
#[derive(Debug, Clone, PartialEq, Eq, Row, Serialize, Deserialize)]
pub struct EnteHourUse {
    /// Public body.
    pub ente: String,
    /// Hour band: `night`, `office` or `evening`.
    pub band: String,
    /// Local hour, 0 to 23.
    pub local_hour: u8,
    /// Distinct visitors of each hour, summed over the days.
    pub users_hours: u64,
    /// Accesses to pages and areas.
    pub accesses: u64,
}

/// Usage of all enti on a day from a device class.
#[derive(Debug, Clone, PartialEq, Eq, Row, Serialize, Deserialize)]
pub struct DayUse {
    /// Local day, `2017-12-31`.
    pub day: String,
    /// Device class, including bots.
    pub device: String,
    /// Accesses to pages and areas.
    pub accesses: u64,
    /// Completed service uses.
    pub service_uses: u64,
}

/// Usage of all enti by weekday and hour.
#[derive(Debug, Clone, PartialEq, Eq, Row, Serialize, Deserialize)]
pub struct WeekHourUse {
    /// Weekday, from 1 for Monday to 7 for Sunday.
    pub weekday: u8,
    /// Hour band: `night`, `office` or `evening`.
    pub band: String,
    /// Local hour, 0 to 23.
    pub local_hour: u8,
    /// Accesses to pages and areas.
    pub accesses: u64,
    /// Completed service uses.
    pub service_uses: u64,
}

/// Uses of a category in a month, of all enti.
#[derive(Debug, Clone, PartialEq, Eq, Row, Serialize, Deserialize)]
pub struct CategoryMonthUse {
    /// Category of the services.
    pub category: String,
    /// Month, 1 to 12.
    pub month: u8,
    /// Completed service uses.
    pub service_uses: u64,
}

/// The longest period without events of an ente, after its first event of the year.
#[derive(Debug, Clone, PartialEq, Eq, Row, Serialize, Deserialize)]
pub struct EnteSilence {
    /// Public body.
    pub ente: String,
    /// Number of days with events.
    pub days: u64,
    /// Number of events.
    pub events: u64,
    /// Length of the longest silence, in days; 0 without a silence.
    pub silence_days: u64,
    /// First day of the longest silence, `2017-12-31`; empty without a silence.
    pub silence_from: String,
}

/// Events classified by one version of the rules.
#[derive(Debug, Clone, PartialEq, Eq, Row, Serialize, Deserialize)]
pub struct RulesUse {
    /// Version of the rules and of the register.
    pub rules: String,
    /// First local day with such events, `2017-01-01`.
    pub first_day: String,
    /// Last local day with such events, `2017-12-31`.
    pub last_day: String,
    /// Number of events.
    pub events: u64,
}

/// Details of a year. Lists by ente add up to the figures of all enti.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Detail {
    /// Service uses by ente, service and kind.
    pub services: Vec<EnteServiceUse>,
    /// Usage by ente, month, device and kind of portal.
    pub months: Vec<MonthUse>,
    /// Visitors by ente and month.
    pub visitors: Vec<MonthVisitors>,
    /// Visitors by ente and kind of portal. They do not add up to those of the ente: a visitor of two
    /// portals counts at both.
    #[serde(default)]
    pub portal_visitors: Vec<PortalVisitors>,
    /// Usage by ente and hour.
    pub hours: Vec<EnteHourUse>,
    /// Usage by ente and other dimensions.
    #[serde(flatten)]
    pub breakdowns: Breakdowns,
    /// Usage by day and device.
    pub days: Vec<DayUse>,
    /// The longest silence of each ente.
    pub silences: Vec<EnteSilence>,
    /// Events by version of the rules.
    pub rules: Vec<RulesUse>,
    /// Usage by weekday and hour.
    pub week: Vec<WeekHourUse>,
    /// Uses by category and month.
    #[serde(default)]
    pub category_months: Vec<CategoryMonthUse>,
}

/// Queries for the details of a year.
#[derive(Debug)]
pub(crate) struct DetailAsked {
    services: QueryIndex,
    months: QueryIndex,
    hours: Option<QueryIndex>,
    breakdowns: Vec<BreakdownAsked>,
    rest: Option<RestAsked>,
}

/// Query for the usage by ente and a dimension.
#[derive(Debug)]
struct BreakdownAsked {
    dimension: Dimension,
    query: QueryIndex,
}

/// Queries only for a complete year.
#[derive(Debug)]
struct RestAsked {
    visitors: QueryIndex,
    portal_visitors: QueryIndex,
    days: QueryIndex,
    silences: QueryIndex,
    week: QueryIndex,
    category_months: QueryIndex,
    rules: QueryIndex,
}

impl BreakdownAsked {
    /// Adds the query for the usage by ente and `dimension`. `facts` is the rest of the query from
    /// `FROM` on.
    fn new(reading: &mut QueryGroup, dimension: Dimension, facts: &str) -> Self {
        let value = dimension.expression(Dates::Days);
        let query = reading.ask(format!(
            "SELECT toString(u.ente) AS ente, {value} AS value, sum(u.accesses) AS accesses, sum(u.service_uses) AS service_uses
             {facts} GROUP BY ente, value HAVING accesses > 0 OR service_uses > 0 ORDER BY ente, value"
        ));
        Self { dimension, query }
    }
}

impl DetailAsked {
    /// Adds the queries for the days that a report compares with. Leaves out the users, which are
    /// the slowest to count.
    pub fn of_compared(reading: &mut QueryGroup, days: DayRange, counted: Counted) -> Self {
        let within = days.condition("u.local_date");
        let facts = format!("FROM usage_hourly AS u WHERE {within}{}", people(counted));
        Self {
            breakdowns: vec![BreakdownAsked::new(reading, Dimension::Login, &facts)],
            ..Self::of_services(reading, days, counted)
        }
    }

    /// Adds the queries for the uses by service, and for the use by month and device.
    fn of_services(reading: &mut QueryGroup, days: DayRange, counted: Counted) -> Self {
        let of = people(counted);
        let within = days.condition("u.local_date");
        let facts = format!("FROM usage_hourly AS u WHERE {within}{of}");
        Self {
            services: reading.ask(format!(
                "SELECT toString(u.ente) AS ente, toString(u.service) AS service, toString(u.category) AS category, toString(u.kind) AS kind,
                        sum(u.service_uses) AS service_uses,
                        sumIf(u.events, u.outcome = 'abandoned') AS abandoned,
                        sumIf(u.events, u.outcome = 'failed') AS failed,
                        if(service_uses > 0, toString(maxIf(u.local_date, u.service_uses > 0)), '') AS last_day
                 {facts} AND u.activity = 'service-use'
                 GROUP BY ente, service, category, kind ORDER BY ente, service, category, kind"
            )),
            months: reading.ask(format!(
                "SELECT toString(u.ente) AS ente, toMonth(u.local_date) AS month, toString(u.device) AS device,
                        toString(u.portal_kind) AS portal_kind, sum(u.accesses) AS accesses, sum(u.service_uses) AS service_uses
                 FROM usage_hourly AS u WHERE {within}
                 GROUP BY ente, month, device, portal_kind ORDER BY ente, month, device, portal_kind"
            )),
            hours: None,
            breakdowns: Vec::new(),
            rest: None,
        }
    }

    /// Adds the queries for every figure of these days.
    pub fn of_base(reading: &mut QueryGroup, days: DayRange, counted: Counted) -> Self {
        let of = people(counted);
        let within = days.condition("u.local_date");
        let facts = format!("FROM usage_hourly AS u WHERE {within}{of}");
        // The figures of a year have sums over the enti of hours and countries.
        Self {
            hours: Some(reading.ask(format!(
                "SELECT ente, band, local_hour, sum(users) AS users_hours, sum(pages) AS accesses FROM (
                     SELECT toString(u.ente) AS ente, toString(u.band) AS band, u.local_hour AS local_hour,
                            uniqCombined64IfMerge(u.visitors) AS users, sum(u.accesses) AS pages
                     {facts} GROUP BY ente, band, local_hour, u.hour_start)
                 GROUP BY ente, band, local_hour ORDER BY ente, local_hour, band"
            ))),
            breakdowns: vec![BreakdownAsked::new(reading, Dimension::Country, &facts)],
            ..Self::of_services(reading, days, counted)
        }
    }

    /// Adds the queries for all details of these days.
    pub fn of_year(reading: &mut QueryGroup, days: DayRange, counted: Counted) -> Self {
        let of = people(counted);
        let within = days.condition("u.local_date");
        let facts = format!("FROM usage_hourly AS u WHERE {within}{of}");
        let rest = RestAsked {
            visitors: reading.ask(format!(
                "SELECT ente, month, sum(users) AS visitors_days FROM (
                     SELECT toString(u.ente) AS ente, toMonth(u.local_date) AS month, uniqCombined64IfMerge(u.visitors) AS users
                     {facts} GROUP BY ente, month, u.local_date)
                 GROUP BY ente, month HAVING visitors_days > 0 ORDER BY ente, month"
            )),
            portal_visitors: reading.ask(format!(
                "SELECT ente, portal_kind, sum(users) AS visitors_days FROM (
                     SELECT toString(u.ente) AS ente, toString(u.portal_kind) AS portal_kind, uniqCombined64IfMerge(u.visitors) AS users
                     {facts} GROUP BY ente, portal_kind, u.local_date)
                 GROUP BY ente, portal_kind HAVING visitors_days > 0 ORDER BY ente, portal_kind"
            )),
            days: reading.ask(format!(
                "SELECT toString(u.local_date) AS day, toString(u.device) AS device, sum(u.accesses) AS accesses, sum(u.service_uses) AS service_uses
                 FROM usage_hourly AS u WHERE {within} GROUP BY day, device ORDER BY day, device"
            )),
            silences: reading.ask(silences(&within)),
            week: reading.ask(week(&format!("{within}{of}"))),
            category_months: reading.ask(format!(
                "SELECT toString(u.category) AS category, toMonth(u.local_date) AS month, sum(u.service_uses) AS service_uses
                 {facts} GROUP BY category, month HAVING service_uses > 0 ORDER BY category, month"
            )),
            rules: reading.ask(format!(
                "SELECT toString(e.rules) AS rules, toString(min(e.local_date)) AS first_day, toString(max(e.local_date)) AS last_day, count() AS events
                 FROM usage_events AS e WHERE {} GROUP BY rules ORDER BY first_day, rules",
                days.condition("e.local_date")
            )),
        };
        let mut all = Self {
            rest: Some(rest),
            ..Self::of_base(reading, days, counted)
        };
        for dimension in Dimension::detailed() {
            if !all.breakdowns.iter().any(|one| one.dimension == dimension) {
                let asked = BreakdownAsked::new(reading, dimension, &facts);
                all.breakdowns.push(asked);
            }
        }
        all
    }

    /// Returns the results of the queries.
    pub fn answers(&self, lists: &Lists) -> Result<Detail, StoreError> {
        let mut detail = Detail {
            services: lists.rows(self.services)?,
            months: lists.rows(self.months)?,
            ..Detail::default()
        };
        if let Some(hours) = self.hours {
            detail.hours = lists.rows(hours)?;
        }
        let breakdowns = self.breakdowns.iter();
        let breakdowns = breakdowns.map(|one| Ok((one.dimension, lists.rows(one.query)?)));
        detail.breakdowns = breakdowns.collect::<Result<_, StoreError>>()?;
        let Some(rest) = &self.rest else {
            return Ok(detail);
        };
        Ok(Detail {
            visitors: lists.rows(rest.visitors)?,
            portal_visitors: lists.rows(rest.portal_visitors)?,
            days: lists.rows(rest.days)?,
            silences: lists.rows(rest.silences)?,
            week: lists.rows(rest.week)?,
            category_months: lists.rows(rest.category_months)?,
            rules: lists.rows(rest.rules)?,
            ..detail
        })
    }
}

fn week(condition: &str) -> String {
    format!(
        "SELECT toDayOfWeek(u.local_date) AS weekday, toString(u.band) AS band, u.local_hour AS local_hour,
                sum(u.accesses) AS accesses, sum(u.service_uses) AS service_uses
         FROM usage_hourly AS u WHERE {condition}
         GROUP BY toDayOfWeek(u.local_date), u.band, u.local_hour HAVING accesses > 0 OR service_uses > 0
         ORDER BY weekday, local_hour, band"
    )
}

/// Returns the query for the longest silence of each ente. A silence lies between two days with
/// events, or between the ente's last such day and the last day with events of any ente.
fn silences(within: &str) -> String {
    filled(include_str!("../sql/silences.sql"), &[("within", within)])
}

fn people(counted: Counted) -> &'static str {
    match counted {
        Counted::People => " AND u.device NOT IN ('bot', 'no-agent')",
        Counted::All => "",
    }
}
