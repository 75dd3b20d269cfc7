//! What everybody may see of a year is made of: see the crate `edition`.

use clickhouse::Row;
use serde::{Deserialize, Serialize};

use crate::figures::{BandUse, HourUse, MonthUse, WeekHourUse, YearFigures};

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
