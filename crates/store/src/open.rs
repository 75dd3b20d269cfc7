//! What everybody may see of a year is made of: see the crate `edition`.

use clickhouse::Row;
use serde::{Deserialize, Serialize};

use crate::figures::{BandUse, HourUse, MonthUse, WeekHourUse, YearFigures};
use crate::usage::{Days, Selection};
use crate::{Store, StoreError};

/// Completed service uses of people.
#[derive(Debug, Clone, PartialEq, Eq, Row, Serialize, Deserialize)]
pub struct UseRow {
    /// Public body.
    pub ente: String,
    /// Category.
    pub category: String,
    /// `plain`, `payment` or `booking`.
    pub kind: String,
    /// Service.
    pub service: String,
    /// Completed service uses.
    pub service_uses: u64,
}

/// A year in the detail in which its public tables are protected together. Of people.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OpenFigures {
    /// Uses of services.
    pub uses: Vec<UseRow>,
    /// By ente, month and device.
    pub months: Vec<MonthUse>,
    /// By hour of the day.
    pub hours: Vec<HourUse>,
    /// By hour band.
    pub bands: Vec<BandUse>,
    /// By weekday and hour; empty when the year was closed before there was such a list.
    pub week: Vec<WeekHourUse>,
}

impl OpenFigures {
    /// Those of a closed year, as they were when it was closed; none if it was closed by a version
    /// that kept no details.
    pub fn of_closed(people: &YearFigures) -> Option<Self> {
        let detail = people.detail.as_ref()?;
        let uses = detail.services.iter().filter(|row| row.service_uses > 0);
        let uses = uses.map(|row| UseRow {
            ente: row.ente.clone(),
            category: row.category.clone(),
            kind: row.kind.clone(),
            service: row.service.clone(),
            service_uses: row.service_uses,
        });
        let months = detail.months.iter().filter(|row| row.device != "bot");
        Some(Self {
            uses: uses.collect(),
            months: months.cloned().collect(),
            hours: people.hours.clone(),
            bands: people.bands.clone(),
            week: detail.week.clone(),
        })
    }

    /// Whether nothing was recorded.
    pub fn is_empty(&self) -> bool {
        self.uses.is_empty() && self.months.is_empty()
    }
}

impl Store {
    /// The figures of a year, given by its first and last day; empty lists when nothing was
    /// recorded. Read one after the other: events that come in meanwhile may be in some only.
    ///
    /// # Errors
    /// ClickHouse does not answer.
    pub async fn open_figures(&self, days: Days) -> Result<OpenFigures, StoreError> {
        let selection = Selection {
            days,
            people: true,
            scope: None,
            filters: Default::default(),
        };
        // Whole months, as the projection has them.
        let months = format!(
            "FROM usage_hourly AS u WHERE toStartOfMonth(u.local_date) BETWEEN toDate({}) AND toDate({}) AND u.device != 'bot'",
            days.first, days.last
        );
        let hours = self.usage_hours(&selection).await?;
        let mut figures = OpenFigures {
            uses: self
                .rows(&format!(
                    "SELECT toString(u.ente) AS ente, toString(u.category) AS category, toString(u.kind) AS kind, toString(u.service) AS service,
                            sum(u.service_uses) AS service_uses
                     {months} GROUP BY u.ente, u.category, u.kind, u.service HAVING service_uses > 0
                     ORDER BY ente, category, kind, service"
                ))
                .await?,
            months: self
                .rows(&format!(
                    "SELECT toString(u.ente) AS ente, toMonth(toStartOfMonth(u.local_date)) AS month, toString(u.device) AS device,
                            sum(u.accesses) AS accesses, sum(u.service_uses) AS service_uses
                     {months} GROUP BY u.ente, toStartOfMonth(u.local_date), u.device HAVING accesses > 0 OR service_uses > 0
                     ORDER BY ente, month, device"
                ))
                .await?,
            week: self
                .week(&format!(
                    "u.local_date BETWEEN toDate({}) AND toDate({}) AND u.device != 'bot'",
                    days.first, days.last
                ))
                .await?,
            ..OpenFigures::default()
        };
        for row in hours {
            let (users_hours, accesses) = (row.users_hours, row.accesses);
            add(
                &mut figures.hours,
                |hour| hour.local_hour == row.local_hour,
                HourUse {
                    local_hour: row.local_hour,
                    users_hours: 0,
                    accesses: 0,
                },
                |hour| {
                    hour.users_hours += users_hours;
                    hour.accesses += accesses;
                },
            );
            add(
                &mut figures.bands,
                |band| band.band == row.band,
                BandUse {
                    band: row.band.clone(),
                    users_hours: 0,
                    accesses: 0,
                },
                |band| {
                    band.users_hours += users_hours;
                    band.accesses += accesses;
                },
            );
        }
        Ok(figures)
    }
}

impl Store {
    /// A text that differs whenever the figures of whole months may: events only ever come to
    /// these, unless something is mended or made anew.
    ///
    /// # Errors
    /// ClickHouse does not answer.
    pub async fn year_mark(&self, days: Days) -> Result<String, StoreError> {
        let marks: Vec<String> = self
            .rows(&format!(
                "SELECT assumeNotNull(concat(toString(sum(u.events)), '/', toString((SELECT count() FROM ingest_repairs)), '/', toString((SELECT sum(version) FROM rebuilds))))
                 FROM usage_hourly AS u WHERE toStartOfMonth(u.local_date) BETWEEN toDate({}) AND toDate({})",
                days.first, days.last
            ))
            .await?;
        Ok(marks.into_iter().next().unwrap_or_default())
    }

    /// Local years of which there are any events, in order.
    ///
    /// # Errors
    /// ClickHouse does not answer.
    pub async fn years(&self) -> Result<Vec<i16>, StoreError> {
        self.rows("SELECT DISTINCT toInt16(toYear(toStartOfMonth(u.local_date))) AS year FROM usage_hourly AS u GROUP BY toStartOfMonth(u.local_date) HAVING sum(u.events) > 0 ORDER BY year")
            .await
    }
}

/// Adds to the row that is meant, or to a new one.
fn add<T>(rows: &mut Vec<T>, is_meant: impl Fn(&T) -> bool, new: T, add: impl FnOnce(&mut T)) {
    let at = rows.iter().position(is_meant).unwrap_or_else(|| {
        rows.push(new);
        rows.len() - 1
    });
    add(&mut rows[at]);
}
