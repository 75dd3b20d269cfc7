//! The figures of a year, as the report needs them. People only: bots are left out, and given
//! apart.

use clickhouse::Row;
use serde::{Deserialize, Serialize};

use crate::{Store, StoreError};

/// Completed service uses of an ente in a category, of one kind.
#[derive(Debug, Clone, PartialEq, Eq, Row, Serialize, Deserialize)]
pub struct UsageCell {
    /// Public body.
    pub ente: String,
    /// Category.
    pub category: String,
    /// `plain`, `payment` or `booking`.
    pub kind: String,
    /// Completed service uses.
    pub service_uses: u64,
}

/// Completed service uses of a service.
#[derive(Debug, Clone, PartialEq, Eq, Row, Serialize, Deserialize)]
pub struct ServiceUse {
    /// Service.
    pub service: String,
    /// Category.
    pub category: String,
    /// Completed service uses.
    pub service_uses: u64,
    /// In how many enti.
    pub enti: u64,
}

/// Use from a class of device.
#[derive(Debug, Clone, PartialEq, Eq, Row, Serialize, Deserialize)]
pub struct DeviceUse {
    /// Class of device.
    pub device: String,
    /// Accesses to pages and areas.
    pub accesses: u64,
    /// Completed service uses.
    pub service_uses: u64,
}

/// Use in an hour band.
#[derive(Debug, Clone, PartialEq, Eq, Row, Serialize, Deserialize)]
pub struct BandUse {
    /// `night`, `office` or `evening`.
    pub band: String,
    /// Distinct visitors of each hour, summed over the hours.
    pub users_hours: u64,
    /// Accesses to pages and areas.
    pub accesses: u64,
}

/// Use in an hour of the day.
#[derive(Debug, Clone, PartialEq, Eq, Row, Serialize, Deserialize)]
pub struct HourUse {
    /// 0 to 23, local.
    pub local_hour: u8,
    /// Distinct visitors of each hour, summed over the days.
    pub users_hours: u64,
    /// Accesses to pages and areas.
    pub accesses: u64,
}

/// The figures of a year.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct YearFigures {
    /// By ente, category and kind.
    pub usage: Vec<UsageCell>,
    /// By service, most used first.
    pub services: Vec<ServiceUse>,
    /// By device, bots among them.
    pub devices: Vec<DeviceUse>,
    /// By hour band.
    pub bands: Vec<BandUse>,
    /// By hour of the day.
    pub hours: Vec<HourUse>,
}

impl Store {
    /// The figures of `year`; empty lists when nothing was recorded.
    pub async fn year_figures(&self, year: i16) -> Result<YearFigures, StoreError> {
        Ok(YearFigures {
            usage: self
                .rows(&format!(
                    "SELECT ente, category, toString(kind) AS kind, service_uses FROM usage_by_ente WHERE year = {year}"
                ))
                .await?,
            services: self
                .rows(&format!(
                    "SELECT service, category, service_uses, enti FROM usage_by_service WHERE year = {year} AND service_uses > 0 ORDER BY service_uses DESC, service"
                ))
                .await?,
            devices: self
                .rows(&format!(
                    "SELECT toString(device) AS device, accesses, service_uses FROM usage_by_device WHERE year = {year} ORDER BY usage_by_device.device"
                ))
                .await?,
            bands: self
                .rows(&format!(
                    "SELECT toString(band) AS band, users_hours, accesses FROM usage_by_hour_band WHERE year = {year} ORDER BY usage_by_hour_band.band"
                ))
                .await?,
            hours: self
                .rows(&format!(
                    "SELECT local_hour, sum(users) AS users_hours, sum(u.accesses) AS accesses FROM users_by_hour AS u WHERE toYear(local_date) = {year} GROUP BY local_hour ORDER BY local_hour"
                ))
                .await?,
        })
    }
}
