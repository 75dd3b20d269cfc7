//! The figures of a year, as the report needs them: of people, or of people and bots.

use std::collections::BTreeMap;

use clickhouse::Row;
use serde::{Deserialize, Serialize};

pub use crate::detail::{
    DayUse, Detail, EnteCountryUse, EnteHourUse, EnteServiceUse, EnteSilence, LoginUse, MonthUse,
    MonthVisitors, RulesUse, WeekHourUse,
};
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

/// Use from a country.
#[derive(Debug, Clone, PartialEq, Eq, Row, Serialize, Deserialize)]
pub struct CountryUse {
    /// ISO 3166-1 alpha-2; empty when unknown.
    pub country: String,
    /// Accesses to pages and areas.
    pub accesses: u64,
    /// Completed service uses.
    pub service_uses: u64,
}

/// Whose use figures count.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Counted {
    /// People's, bots left out.
    #[default]
    People,
    /// People's and bots'.
    All,
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
    /// By country.
    pub countries: Vec<CountryUse>,
    /// By ente, month and day; `None` where it was not asked for, and in years that an earlier
    /// version of the program closed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<Detail>,
}

impl YearFigures {
    /// Whether nothing was recorded.
    pub fn is_empty(&self) -> bool {
        self.usage.is_empty()
            && self.services.is_empty()
            && self.devices.is_empty()
            && self.bands.is_empty()
            && self.hours.is_empty()
    }
}

/// The figures of a year, both ways.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Figures {
    /// Of people.
    pub people: YearFigures,
    /// Of people and bots.
    pub all: YearFigures,
}

impl Figures {
    /// The figures of `counted`.
    pub fn of(&self, counted: Counted) -> &YearFigures {
        match counted {
            Counted::People => &self.people,
            Counted::All => &self.all,
        }
    }
}

impl Store {
    /// The figures of `year`, both ways.
    pub async fn figures(&self, year: i16) -> Result<Figures, StoreError> {
        Ok(Figures {
            people: self.year_figures(year, Counted::People).await?,
            all: self.year_figures(year, Counted::All).await?,
        })
    }

    /// The figures of `year` that others are compared with, both ways.
    pub async fn base_figures(&self, year: i16) -> Result<Figures, StoreError> {
        let mut figures = Figures {
            people: self.sums(year, Counted::People).await?,
            all: self.sums(year, Counted::All).await?,
        };
        figures.people.detail = Some(self.base_detail(year, Counted::People).await?);
        figures.all.detail = Some(self.base_detail(year, Counted::All).await?);
        Ok(figures)
    }

    /// The figures of `year` with all details; empty lists when nothing was recorded.
    pub async fn year_figures(
        &self,
        year: i16,
        counted: Counted,
    ) -> Result<YearFigures, StoreError> {
        Ok(YearFigures {
            detail: Some(self.detail(year, counted).await?),
            ..self.sums(year, counted).await?
        })
    }

    /// The figures of `year` that one report compares its own with: uses and details, and none of
    /// users, which take longest to count.
    pub async fn compared_figures(
        &self,
        year: i16,
        counted: Counted,
    ) -> Result<YearFigures, StoreError> {
        Ok(YearFigures {
            usage: self.cells(year, counted).await?,
            services: self.services(year, counted).await?,
            detail: Some(self.base_detail(year, counted).await?),
            ..YearFigures::default()
        })
    }

    async fn cells(&self, year: i16, counted: Counted) -> Result<Vec<UsageCell>, StoreError> {
        let of = column_of(counted);
        self.rows(&format!(
            "SELECT ente, category, toString(kind) AS kind, v.service_uses{of} AS service_uses FROM usage_by_ente AS v
             WHERE year = {year} AND v.service_uses{of} > 0"
        ))
        .await
    }

    async fn services(&self, year: i16, counted: Counted) -> Result<Vec<ServiceUse>, StoreError> {
        let of = column_of(counted);
        self.rows(&format!(
            "SELECT service, category, v.service_uses{of} AS service_uses, v.enti{of} AS enti FROM usage_by_service AS v
             WHERE year = {year} AND v.service_uses{of} > 0 ORDER BY service_uses DESC, service"
        ))
        .await
    }

    /// The figures of `year` without details.
    pub async fn sums(&self, year: i16, counted: Counted) -> Result<YearFigures, StoreError> {
        let of = column_of(counted);
        // Visitors are merged once for bands and hours.
        let hours: Vec<BandHourUse> = self
            .rows(&format!(
                "SELECT toString(v.band) AS band, v.local_hour AS local_hour, sum(v.users{of}) AS users_hours, sum(v.accesses{of}) AS accesses
                 FROM users_by_hour AS v WHERE toYear(v.local_date) = {year}
                 GROUP BY v.band, v.local_hour ORDER BY v.band, v.local_hour"
            ))
            .await?;
        Ok(YearFigures {
            usage: self.cells(year, counted).await?,
            services: self.services(year, counted).await?,
            devices: self
                .rows(&format!(
                    "SELECT toString(device) AS device, accesses, service_uses FROM usage_by_device WHERE year = {year} ORDER BY usage_by_device.device"
                ))
                .await?,
            bands: bands(&hours),
            hours: hours_of_day(&hours),
            countries: self
                .rows(&format!(
                    "SELECT toString(v.country) AS country, v.accesses{of} AS accesses, v.service_uses{of} AS service_uses FROM usage_by_country AS v
                     WHERE year = {year} AND (v.accesses{of} > 0 OR v.service_uses{of} > 0) ORDER BY country"
                ))
                .await?,
            detail: None,
        })
    }
}

/// The views have a column for each way.
fn column_of(counted: Counted) -> &'static str {
    match counted {
        Counted::People => "",
        Counted::All => "_with_bots",
    }
}

/// Use in an hour of the day, as far as it is in a band.
#[derive(Debug, Row, Deserialize)]
struct BandHourUse {
    band: String,
    local_hour: u8,
    users_hours: u64,
    accesses: u64,
}

/// Sums by band, in the order in which the bands come.
fn bands(hours: &[BandHourUse]) -> Vec<BandUse> {
    let mut bands: Vec<BandUse> = Vec::new();
    for hour in hours {
        match bands.last_mut().filter(|last| last.band == hour.band) {
            Some(band) => {
                band.users_hours += hour.users_hours;
                band.accesses += hour.accesses;
            }
            None => bands.push(BandUse {
                band: hour.band.clone(),
                users_hours: hour.users_hours,
                accesses: hour.accesses,
            }),
        }
    }
    bands
}

/// Sums by hour. Where bands change within a year, an hour is in more than one.
fn hours_of_day(hours: &[BandHourUse]) -> Vec<HourUse> {
    let mut sums: BTreeMap<u8, [u64; 2]> = BTreeMap::new();
    for hour in hours {
        let sum = sums.entry(hour.local_hour).or_default();
        sum[0] += hour.users_hours;
        sum[1] += hour.accesses;
    }
    let hour = |(local_hour, [users_hours, accesses]): (u8, [u64; 2])| HourUse {
        local_hour,
        users_hours,
        accesses,
    };
    sums.into_iter().map(hour).collect()
}
