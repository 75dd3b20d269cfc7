//! Usage by hour of the day. Hourly users are distinct visitors, which cannot be added: a year has
//! some ten thousand sets of them. So the table `hours_of_months` caches the result of each month.
//!
//! **A cached month is used only while it is valid**, which every query checks. The month must have
//! the same number of events as when it was cached, with no repair or rebuild since. Events are
//! only ever added to a month, so the same number means the same events. Other months are counted
//! from the sets of visitors. So the cache affects only the speed, never the figures.

use std::collections::{BTreeMap, HashMap};

use clickhouse::Row;
use serde::{Deserialize, Serialize};

use crate::sql::joined;
use crate::usage::{Dimension, HourUsage, Selection};
use crate::{StoreError, Usage};

/// Usage of an ente in an hour of the day.
#[derive(Debug, Clone, PartialEq, Eq, Row, Serialize, Deserialize)]
pub struct EnteHour {
    /// Public body.
    pub ente: String,
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

/// A month whose cached result differs from the aggregate.
#[derive(Debug, Clone, PartialEq, Eq, Row, Serialize, Deserialize)]
pub struct HoursDifference {
    /// First day of the month, `2017-03-01`.
    pub month: String,
    /// Public body.
    pub ente: String,
    /// Cached number of users, without bots.
    pub users_kept: u64,
    /// Current number of users, without bots.
    pub users: u64,
}

/// A row of `hours_of_months`, without or with bots.
#[derive(Debug, Row, Serialize, Deserialize)]
struct StoredHour {
    /// First day of the month, in days since 1970.
    month: u16,
    ente: String,
    events: u64,
    generation: String,
    local_hour: Vec<u8>,
    band: Vec<String>,
    users: Vec<u64>,
    accesses: Vec<u64>,
    service_uses: Vec<u64>,
}

/// Months of a selection with a valid cached result.
struct Months {
    kept: BTreeMap<u16, Vec<EnteHour>>,
    /// True if no other month of the selection has events.
    are_all: bool,
}

/// First day of a month, in days since 1970, and its number of events.
type MonthEvents = (u16, u64);

/// Query for the generation, which changes with each repair and when a rebuild exchanges its tables.
const GENERATION: &str = "SELECT assumeNotNull(concat(toString((SELECT count() FROM ingest_repairs)), '/', toString((SELECT sum(r.version) FROM rebuilds AS r FINAL WHERE NOT r.dry_run AND r.phase NOT IN ('copying', 'replaying', 'abandoned')))))";

/// Returns the query for the usage by month, ente and hour, from the sets of visitors.
fn counted(condition: &str) -> String {
    format!(
        "SELECT month, ente, local_hour, band, sum(e) AS events,
                sum(users_1) AS users, sum(accesses_1) AS accesses, sum(uses_1) AS service_uses,
                sum(users_2) AS users_with_bots, sum(accesses_2) AS accesses_with_bots, sum(uses_2) AS service_uses_with_bots
         FROM (
            SELECT toStartOfMonth(u.local_date) AS month, u.ente AS ente, u.local_hour AS local_hour, u.band AS band, sum(u.events) AS e,
                   uniqCombined64IfMergeIf(u.visitors, u.device NOT IN ('bot', 'no-agent')) AS users_1,
                   sumIf(u.accesses, u.device NOT IN ('bot', 'no-agent')) AS accesses_1, sumIf(u.service_uses, u.device NOT IN ('bot', 'no-agent')) AS uses_1,
                   uniqCombined64IfMerge(u.visitors) AS users_2, sum(u.accesses) AS accesses_2, sum(u.service_uses) AS uses_2
            FROM usage_hourly AS u WHERE {condition} GROUP BY month, ente, u.hour_start, local_hour, band)
         GROUP BY month, ente, local_hour, band"
    )
}

fn listed(months: &[u16]) -> String {
    joined(months.iter().map(|day| format!("toDate({day})")))
}

impl Usage {
    /// Returns usage by ente and hour of the day, in this order.
    pub async fn hours_by_ente(&self, selection: &Selection) -> Result<Vec<EnteHour>, StoreError> {
        let is_plain = selection.filters.keys().all(|by| *by == Dimension::Ente);
        if !is_plain {
            return self.hours_from_visitors(selection, &[]).await;
        }
        let Months { kept, are_all } = self.kept_months(selection).await?;
        let rest = if are_all {
            Vec::new()
        } else {
            let fresh: Vec<u16> = kept.keys().copied().collect();
            self.hours_from_visitors(selection, &fresh).await?
        };
        let mut sums: BTreeMap<(String, u8, String), EnteHour> = BTreeMap::new();
        for row in kept.into_values().flatten().chain(rest) {
            let key = (row.ente.clone(), row.local_hour, row.band.clone());
            match sums.get_mut(&key) {
                None => drop(sums.insert(key, row)),
                Some(sum) => {
                    sum.users_hours += row.users_hours;
                    sum.accesses += row.accesses;
                    sum.service_uses += row.service_uses;
                }
            }
        }
        Ok(sums.into_values().collect())
    }

    /// Returns users, accesses and service uses by hour of the day. A visitor of two enti counts
    /// twice, because visitors are known only within an ente.
    pub async fn hours(&self, selection: &Selection) -> Result<Vec<HourUsage>, StoreError> {
        let mut sums: BTreeMap<(u8, String), HourUsage> = BTreeMap::new();
        for row in self.hours_by_ente(selection).await? {
            let sum = sums
                .entry((row.local_hour, row.band.clone()))
                .or_insert(HourUsage {
                    local_hour: row.local_hour,
                    band: row.band,
                    users_hours: 0,
                    accesses: 0,
                    service_uses: 0,
                });
            sum.users_hours += row.users_hours;
            sum.accesses += row.accesses;
            sum.service_uses += row.service_uses;
        }
        Ok(sums.into_values().collect())
    }

    /// Counts from the sets of visitors, without the months in `except`.
    async fn hours_from_visitors(
        &self,
        selection: &Selection,
        except: &[u16],
    ) -> Result<Vec<EnteHour>, StoreError> {
        let mut condition = selection.by_day();
        if !except.is_empty() {
            condition.push_str(&format!(
                " AND toStartOfMonth(u.local_date) NOT IN ({})",
                listed(except)
            ));
        }
        let sql = format!(
            "SELECT toString(ente) AS ente, local_hour, toString(band) AS band, sum(users) AS users_hours, sum(a) AS accesses, sum(s) AS service_uses FROM (
                SELECT u.ente AS ente, u.local_hour AS local_hour, u.band AS band,
                       uniqCombined64IfMerge(u.visitors) AS users, sum(u.accesses) AS a, sum(u.service_uses) AS s
                FROM usage_hourly AS u WHERE {condition} GROUP BY u.ente, u.hour_start, u.local_hour, u.band)
             GROUP BY ente, local_hour, band ORDER BY ente, local_hour, band"
        );
        selection
            .bind(self.0.client.query_raw(&sql))
            .fetch_all()
            .await
            .map_err(|error| self.0.judge("the query of hours", error))
    }

    /// Returns the whole months of a selection whose cached result is valid.
    async fn kept_months(&self, selection: &Selection) -> Result<Months, StoreError> {
        let of = if selection.people { "" } else { "_with_bots" };
        // A month that ends after the last day has only its events up to that day, so its cached
        // result is not used.
        let all = selection.of_all_devices();
        let months = format!(
            "SELECT toUInt16(toStartOfMonth(u.local_date)) AS month, sum(u.events) AS events FROM usage_hourly AS u
             WHERE {} GROUP BY toStartOfMonth(u.local_date)",
            all.by_month_or_day()
        );
        let kept = format!(
            "SELECT toUInt16(u.month) AS month, toString(u.ente) AS ente, u.events AS events, u.generation AS generation,
                    u.`hours.local_hour` AS local_hour, arrayMap(band -> toString(band), u.`hours.band`) AS band,
                    u.`hours.users{of}` AS users, u.`hours.accesses{of}` AS accesses, u.`hours.service_uses{of}` AS service_uses
             FROM hours_of_months AS u WHERE {}",
            all.by_day().replace("u.local_date", "u.month")
        );
        let (months, kept, generation) = tokio::try_join!(
            async {
                let query = selection.bind(self.0.client.query_raw(&months));
                let rows = query.fetch_all::<MonthEvents>().await;
                rows.map_err(|error| self.0.judge("the query of months", error))
            },
            async {
                let query = selection.bind(self.0.client.query_raw(&kept));
                let rows = query.fetch_all::<StoredHour>().await;
                rows.map_err(|error| self.0.judge("the query of months", error))
            },
            self.0.rows::<String>(GENERATION)
        )?;
        let generation = generation.into_iter().next().unwrap_or_default();
        let mut rows: HashMap<u16, Vec<StoredHour>> = HashMap::new();
        for row in kept {
            rows.entry(row.month).or_default().push(row);
        }
        let mut found = Months {
            kept: BTreeMap::new(),
            are_all: true,
        };
        for (month, events) in months {
            let rows = rows.remove(&month).unwrap_or_default();
            let holds = rows.iter().all(|row| row.generation == generation)
                && rows.iter().map(|row| row.events).sum::<u64>() == events;
            if holds {
                let hours = rows.into_iter().flat_map(StoredHour::hours).collect();
                found.kept.insert(month, hours);
            } else {
                found.are_all = false;
            }
        }
        Ok(found)
    }

    /// Calculates the months again whose cached result is no longer valid. Returns their number.
    ///
    /// Concurrent queries count from the sets of visitors. Two concurrent runs may store an invalid
    /// month, which the next run replaces.
    pub async fn keep_hours(&self) -> Result<usize, StoreError> {
        let generation: Vec<String> = self.0.rows(GENERATION).await?;
        let generation = crate::sql::quoted(&generation.concat());
        let stale: Vec<(u16, u32)> = self.0
            .rows(&format!(
                "SELECT toUInt16(month), toYYYYMM(month) FROM (
                    SELECT toStartOfMonth(u.local_date) AS month, sum(u.events) AS present, toUInt64(0) AS kept, toUInt64(0) AS older
                    FROM usage_hourly AS u GROUP BY toStartOfMonth(u.local_date)
                    UNION ALL
                    SELECT k.month, toUInt64(0), sum(k.events), countIf(k.generation != {generation}) FROM hours_of_months AS k GROUP BY k.month)
                 GROUP BY month HAVING sum(present) != sum(kept) OR sum(older) > 0 ORDER BY month"
            ))
            .await?;
        for (month, partition) in &stale {
            self.forget_hours(*partition).await?;
            self.0.execute(&format!(
                "INSERT INTO hours_of_months
                 SELECT month, ente, sum(h.events), {generation}, groupArray(local_hour), groupArray(band),
                        groupArray(users), groupArray(accesses), groupArray(service_uses),
                        groupArray(users_with_bots), groupArray(accesses_with_bots), groupArray(service_uses_with_bots)
                 FROM ({}) AS h GROUP BY month, ente HAVING sum(h.events) > 0 ORDER BY ente
                 SETTINGS max_execution_time = 0, async_insert = 0",
                counted(&format!(
                    "u.local_date >= toDate({month}) AND u.local_date < toDate({month}) + INTERVAL 1 MONTH"
                ))
            ))
            .await?;
        }
        Ok(stale.len())
    }

    /// Returns the enti of a month (`YYYYMM`) whose cached result seems valid but differs from the
    /// sets of visitors.
    pub async fn hours_differences(&self, month: u32) -> Result<Vec<HoursDifference>, StoreError> {
        let first = format!("toDate('{:04}-{:02}-01')", month / 100, month % 100);
        let sums = counted(&format!(
            "u.local_date >= {first} AND u.local_date < {first} + INTERVAL 1 MONTH"
        ));
        self.0.rows(&format!(
            "SELECT toString(k.month) AS month, toString(k.ente) AS ente, arraySum(k.`hours.users`) AS users_kept, n.users AS users
             FROM hours_of_months AS k
             INNER JOIN (
                SELECT ente, sum(h.events) AS events, sum(h.users) AS users, sum(h.users_with_bots) AS with_bots,
                       sum(h.accesses) AS accesses, sum(h.service_uses) AS service_uses
                FROM ({sums}) AS h GROUP BY ente) AS n ON k.ente = n.ente
             WHERE k.month = {first} AND k.events = n.events AND k.generation = ({GENERATION})
               AND (arraySum(k.`hours.users`) != n.users OR arraySum(k.`hours.users_with_bots`) != n.with_bots
                    OR arraySum(k.`hours.accesses`) != n.accesses OR arraySum(k.`hours.service_uses`) != n.service_uses)
             ORDER BY ente"
        ))
        .await
    }

    /// Deletes the cached result of a month, given as `YYYYMM`.
    pub async fn forget_hours(&self, month: u32) -> Result<(), StoreError> {
        let action = format!("DROP PARTITION {month}");
        self.0.alter("hours_of_months", &action).await
    }
}

impl StoredHour {
    fn hours(self) -> impl Iterator<Item = EnteHour> {
        let Self {
            ente,
            local_hour,
            band,
            users,
            accesses,
            service_uses,
            ..
        } = self;
        let rows = local_hour.into_iter().zip(band).zip(users);
        let rows = rows.zip(accesses).zip(service_uses);
        rows.map(
            move |((((local_hour, band), users_hours), accesses), service_uses)| EnteHour {
                ente: ente.clone(),
                local_hour,
                band,
                users_hours,
                accesses,
                service_uses,
            },
        )
    }
}
