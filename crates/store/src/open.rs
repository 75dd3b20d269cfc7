//! What the open data of a year is made of.

use clickhouse::Row;
use serde::{Deserialize, Serialize};

use crate::{Store, StoreError};

/// Completed service uses of people in a month.
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
    /// Local month, `2017-03`.
    pub month: String,
    /// Completed service uses.
    pub service_uses: u64,
}

/// Accesses of people in an hour of the week of a month.
#[derive(Debug, Clone, PartialEq, Eq, Row, Serialize, Deserialize)]
pub struct AccessRow {
    /// Class of device.
    pub device: String,
    /// Local month, `2017-03`.
    pub month: String,
    /// 1 for Monday to 7 for Sunday.
    pub weekday: u8,
    /// 0 to 23, local.
    pub hour: u8,
    /// Accesses to pages and areas.
    pub accesses: u64,
}

/// A year in the detail in which its public tables are protected together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OpenFigures {
    /// Uses.
    pub uses: Vec<UseRow>,
    /// Accesses.
    pub accesses: Vec<AccessRow>,
}

impl Store {
    /// The figures of `year`; empty lists when nothing was recorded.
    ///
    /// # Errors
    /// ClickHouse does not answer.
    pub async fn open_figures(&self, year: i16) -> Result<OpenFigures, StoreError> {
        Ok(OpenFigures {
            uses: self
                .rows(&format!(
                    "SELECT toString(ente) AS ente, toString(category) AS category, toString(kind) AS kind, toString(service) AS service,
                         formatDateTime(local_date, '%Y-%m') AS month, sum(u.service_uses) AS service_uses
                     FROM usage_hourly AS u
                     WHERE device != 'bot' AND activity = 'service-use' AND toYear(local_date) = {year}
                     GROUP BY ente, category, kind, service, month HAVING service_uses > 0
                     ORDER BY ente, category, kind, service, month"
                ))
                .await?,
            accesses: self
                .rows(&format!(
                    "SELECT toString(device) AS device, formatDateTime(local_date, '%Y-%m') AS month,
                         toDayOfWeek(local_date) AS weekday, local_hour AS hour, sum(u.accesses) AS accesses
                     FROM usage_hourly AS u
                     WHERE device != 'bot' AND toYear(local_date) = {year}
                     GROUP BY device, month, weekday, hour HAVING accesses > 0
                     ORDER BY device, month, weekday, hour"
                ))
                .await?,
        })
    }
}
