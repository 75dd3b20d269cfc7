//! What the report needs beside the sums of a year: the same use by ente, by month, by day.

use clickhouse::Row;
use serde::{Deserialize, Serialize};

use crate::figures::Counted;
use crate::{Store, StoreError};

/// Use of a service in an ente, of one kind, with the attempts that came to nothing.
#[derive(Debug, Clone, PartialEq, Eq, Row, Serialize, Deserialize)]
pub struct EnteServiceUse {
    /// Public body.
    pub ente: String,
    /// Service.
    pub service: String,
    /// Category.
    pub category: String,
    /// `plain`, `payment` or `booking`.
    pub kind: String,
    /// Completed service uses.
    pub service_uses: u64,
    /// Uses that were given up.
    pub abandoned: u64,
    /// Uses that failed.
    pub failed: u64,
    /// Local day of the last completed use, `2017-12-31`; empty without one.
    pub last_day: String,
}

/// Use in a month from a class of device.
#[derive(Debug, Clone, PartialEq, Eq, Row, Serialize, Deserialize)]
pub struct MonthUse {
    /// Public body.
    pub ente: String,
    /// 1 to 12.
    pub month: u8,
    /// Class of device, bots among them.
    pub device: String,
    /// Accesses to pages and areas.
    pub accesses: u64,
    /// Completed service uses.
    pub service_uses: u64,
}

/// Visitors in a month.
#[derive(Debug, Clone, PartialEq, Eq, Row, Serialize, Deserialize)]
pub struct MonthVisitors {
    /// Public body.
    pub ente: String,
    /// 1 to 12.
    pub month: u8,
    /// Distinct visitors of each day, summed over the days.
    pub visitors_days: u64,
}

/// Use of an ente in an hour of the day.
#[derive(Debug, Clone, PartialEq, Eq, Row, Serialize, Deserialize)]
pub struct EnteHourUse {
    /// Public body.
    pub ente: String,
    /// `night`, `office` or `evening`.
    pub band: String,
    /// 0 to 23, local.
    pub local_hour: u8,
    /// Distinct visitors of each hour, summed over the days.
    pub users_hours: u64,
    /// Accesses to pages and areas.
    pub accesses: u64,
}

/// Use of an ente from a country.
#[derive(Debug, Clone, PartialEq, Eq, Row, Serialize, Deserialize)]
pub struct EnteCountryUse {
    /// Public body.
    pub ente: String,
    /// ISO 3166-1 alpha-2; empty when unknown.
    pub country: String,
    /// Accesses to pages and areas.
    pub accesses: u64,
    /// Completed service uses.
    pub service_uses: u64,
}

/// Use of an ente by how the person was identified.
#[derive(Debug, Clone, PartialEq, Eq, Row, Serialize, Deserialize)]
pub struct LoginUse {
    /// Public body.
    pub ente: String,
    /// `none`, `password`, `spid-1` to `spid-3`, `cie` or `cns`.
    pub login: String,
    /// Accesses to pages and areas.
    pub accesses: u64,
    /// Completed service uses.
    pub service_uses: u64,
}

/// Use of all enti on a day from a class of device.
#[derive(Debug, Clone, PartialEq, Eq, Row, Serialize, Deserialize)]
pub struct DayUse {
    /// Local day, `2017-12-31`.
    pub day: String,
    /// Class of device, bots among them.
    pub device: String,
    /// Accesses to pages and areas.
    pub accesses: u64,
    /// Completed service uses.
    pub service_uses: u64,
}

/// Use of all enti in an hour of the days of a week.
#[derive(Debug, Clone, PartialEq, Eq, Row, Serialize, Deserialize)]
pub struct WeekHourUse {
    /// 1 for Monday to 7 for Sunday.
    pub weekday: u8,
    /// `night`, `office` or `evening`.
    pub band: String,
    /// 0 to 23, local.
    pub local_hour: u8,
    /// Accesses to pages and areas.
    pub accesses: u64,
    /// Completed service uses.
    pub service_uses: u64,
}

/// The longest time without any event of an ente, after its first one.
#[derive(Debug, Clone, PartialEq, Eq, Row, Serialize, Deserialize)]
pub struct EnteSilence {
    /// Public body.
    pub ente: String,
    /// Days with events.
    pub days: u64,
    /// All events.
    pub events: u64,
    /// Days of the longest silence; 0 without one.
    pub silence_days: u64,
    /// Its first day, `2017-12-31`; empty without one.
    pub silence_from: String,
}

/// What was classified by a version of the rules.
#[derive(Debug, Clone, PartialEq, Eq, Row, Serialize, Deserialize)]
pub struct RulesUse {
    /// Version of the rules and of the register.
    pub rules: String,
    /// First local day with such events, `2017-01-01`.
    pub first_day: String,
    /// Last local day with such events.
    pub last_day: String,
    /// How many events.
    pub events: u64,
}

/// The details of a year. Lists by ente add up to the figures of all enti.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Detail {
    /// By ente, service and kind.
    pub services: Vec<EnteServiceUse>,
    /// By ente, month and device.
    pub months: Vec<MonthUse>,
    /// Visitors by ente and month.
    pub visitors: Vec<MonthVisitors>,
    /// By ente and hour.
    pub hours: Vec<EnteHourUse>,
    /// By ente and country.
    pub countries: Vec<EnteCountryUse>,
    /// By ente and kind of login.
    pub logins: Vec<LoginUse>,
    /// By day and device.
    pub days: Vec<DayUse>,
    /// The longest silence of each ente.
    pub silences: Vec<EnteSilence>,
    /// By version of the rules.
    pub rules: Vec<RulesUse>,
    /// By weekday and hour; empty in years that an earlier version of the program closed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub week: Vec<WeekHourUse>,
}

impl Store {
    /// The details of a year that others are compared with: services and months only.
    pub(crate) async fn base_detail(
        &self,
        year: i16,
        counted: Counted,
    ) -> Result<Detail, StoreError> {
        let of = people(counted);
        Ok(Detail {
            services: self
                .rows(&format!(
                    "SELECT toString(u.ente) AS ente, toString(u.service) AS service, toString(u.category) AS category, toString(u.kind) AS kind,
                            sum(u.service_uses) AS service_uses,
                            sumIf(u.events, u.outcome = 'abandoned') AS abandoned,
                            sumIf(u.events, u.outcome = 'failed') AS failed,
                            if(service_uses > 0, toString(maxIf(u.local_date, u.service_uses > 0)), '') AS last_day
                     FROM usage_hourly AS u WHERE toYear(u.local_date) = {year} AND u.activity = 'service-use'{of}
                     GROUP BY ente, service, category, kind ORDER BY ente, service, category, kind"
                ))
                .await?,
            months: self
                .rows(&format!(
                    "SELECT toString(u.ente) AS ente, toMonth(u.local_date) AS month, toString(u.device) AS device,
                            sum(u.accesses) AS accesses, sum(u.service_uses) AS service_uses
                     FROM usage_hourly AS u WHERE toYear(u.local_date) = {year}
                     GROUP BY ente, month, device ORDER BY ente, month, device"
                ))
                .await?,
            ..Detail::default()
        })
    }

    /// The details of a year.
    pub(crate) async fn detail(&self, year: i16, counted: Counted) -> Result<Detail, StoreError> {
        let of = people(counted);
        let facts = format!("FROM usage_hourly AS u WHERE toYear(u.local_date) = {year}{of}");
        Ok(Detail {
            visitors: self
                .rows(&format!(
                    "SELECT ente, month, sum(users) AS visitors_days FROM (
                         SELECT toString(u.ente) AS ente, toMonth(u.local_date) AS month, uniqCombined64IfMerge(u.visitors) AS users
                         {facts} GROUP BY ente, month, u.local_date)
                     GROUP BY ente, month HAVING visitors_days > 0 ORDER BY ente, month"
                ))
                .await?,
            hours: self
                .rows(&format!(
                    "SELECT ente, band, local_hour, sum(users) AS users_hours, sum(pages) AS accesses FROM (
                         SELECT toString(u.ente) AS ente, toString(u.band) AS band, u.local_hour AS local_hour,
                                uniqCombined64IfMerge(u.visitors) AS users, sum(u.accesses) AS pages
                         {facts} GROUP BY ente, band, local_hour, u.hour_start)
                     GROUP BY ente, band, local_hour ORDER BY ente, local_hour, band"
                ))
                .await?,
            countries: self
                .rows(&format!(
                    "SELECT toString(u.ente) AS ente, toString(u.country) AS country, sum(u.accesses) AS accesses, sum(u.service_uses) AS service_uses
                     {facts} GROUP BY ente, country HAVING accesses > 0 OR service_uses > 0 ORDER BY ente, country"
                ))
                .await?,
            logins: self
                .rows(&format!(
                    "SELECT toString(u.ente) AS ente, toString(u.login) AS login, sum(u.accesses) AS accesses, sum(u.service_uses) AS service_uses
                     {facts} GROUP BY ente, login HAVING accesses > 0 OR service_uses > 0 ORDER BY ente, login"
                ))
                .await?,
            days: self
                .rows(&format!(
                    "SELECT toString(u.local_date) AS day, toString(u.device) AS device, sum(u.accesses) AS accesses, sum(u.service_uses) AS service_uses
                     FROM usage_hourly AS u WHERE toYear(u.local_date) = {year} GROUP BY day, device ORDER BY day, device"
                ))
                .await?,
            silences: self.silences(year).await?,
            week: self.week(&format!("toYear(u.local_date) = {year}{of}")).await?,
            rules: self
                .rows(&format!(
                    "SELECT toString(e.rules) AS rules, toString(min(e.local_date)) AS first_day, toString(max(e.local_date)) AS last_day, count() AS events
                     FROM usage_events AS e WHERE toYear(e.local_date) = {year} GROUP BY rules ORDER BY first_day, rules"
                ))
                .await?,
            ..self.base_detail(year, counted).await?
        })
    }

    /// Use by weekday and hour, of what a condition on `u` lets through.
    pub(crate) async fn week(&self, condition: &str) -> Result<Vec<WeekHourUse>, StoreError> {
        self.rows(&format!(
            "SELECT toDayOfWeek(u.local_date) AS weekday, toString(u.band) AS band, u.local_hour AS local_hour,
                    sum(u.accesses) AS accesses, sum(u.service_uses) AS service_uses
             FROM usage_hourly AS u WHERE {condition}
             GROUP BY toDayOfWeek(u.local_date), u.band, u.local_hour HAVING accesses > 0 OR service_uses > 0
             ORDER BY weekday, local_hour, band"
        ))
        .await
    }

    /// The longest silence of each ente: between two days with events, or from the last of them to
    /// the last day that any ente has events on.
    async fn silences(&self, year: i16) -> Result<Vec<EnteSilence>, StoreError> {
        self.rows(&format!(
            "WITH ifNull((SELECT toUInt32(max(u.local_date)) + 1 FROM usage_hourly AS u WHERE toYear(u.local_date) = {year}), 0) AS over
             SELECT ente, toUInt64(length(days_list)) AS days, events, toUInt64(longest) AS silence_days,
                    if(longest = 0, '', toString(toDate(days_list[indexOf(gaps, longest)] + 1))) AS silence_from
             FROM (
                 SELECT toString(u.ente) AS ente, sum(u.events) AS events,
                        arraySort(groupUniqArray(toUInt16(u.local_date))) AS days_list,
                        arrayMap((day, next) -> next - day - 1, days_list, arrayPushBack(arrayPopFront(days_list), over)) AS gaps,
                        arrayMax(gaps) AS longest
                 FROM usage_hourly AS u WHERE toYear(u.local_date) = {year} GROUP BY ente)
             ORDER BY ente"
        ))
        .await
    }
}

fn people(counted: Counted) -> &'static str {
    match counted {
        Counted::People => " AND u.device != 'bot'",
        Counted::All => "",
    }
}
