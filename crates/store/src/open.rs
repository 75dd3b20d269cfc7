//! Source figures of a year's public tables: see the crate `edition`.

use clickhouse::Row;
use serde::{Deserialize, Serialize};

use crate::figures::{BandUse, HourUse, MonthUse, WeekHourUse, YearFigures};

/// Completed service uses of people, without bots.
#[derive(Debug, Clone, PartialEq, Eq, Row, Serialize, Deserialize)]
pub struct UseRow {
    /// Public body.
    pub ente: String,
    /// Category of the service.
    pub category: String,
    /// `plain`, `payment` or `booking`.
    pub kind: String,
    /// Code of the service.
    pub service: String,
    /// Completed service uses.
    pub service_uses: u64,
}

/// Figures of a year in the detail needed to protect its public tables together. Without bots.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OpenFigures {
    /// Completed service uses.
    pub uses: Vec<UseRow>,
    /// Usage by ente, month and device.
    pub months: Vec<MonthUse>,
    /// Usage by hour of the day.
    pub hours: Vec<HourUse>,
    /// Usage by hour band.
    pub bands: Vec<BandUse>,
    /// Usage by weekday and hour.
    pub week: Vec<WeekHourUse>,
}

impl OpenFigures {
    /// Returns the figures of a closed year as they were sealed.
    pub fn of_closed(people: &YearFigures) -> Self {
        let detail = &people.detail;
        let uses = detail.services.iter().filter(|row| row.service_uses > 0);
        let uses = uses.map(|row| UseRow {
            ente: row.ente.clone(),
            category: row.category.clone(),
            kind: row.kind.clone(),
            service: row.service.clone(),
            service_uses: row.service_uses,
        });
        let months = detail.months.iter().filter(|row| row.is_of_people());
        Self {
            uses: uses.collect(),
            months: months.cloned().collect(),
            hours: people.hours.clone(),
            bands: people.bands.clone(),
            week: detail.week.clone(),
        }
    }

    /// Returns true if nothing was recorded.
    pub fn is_empty(&self) -> bool {
        self.uses.is_empty() && self.months.is_empty()
    }
}
