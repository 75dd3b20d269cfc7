//! Figures of a year for the report: of people, or of people and bots.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use clickhouse::Row;
use serde::{Deserialize, Serialize};

pub use crate::breakdown::{Breakdowns, ValueUse};
use crate::detail::DetailAsked;
pub use crate::detail::{
    CategoryMonthUse, DayUse, Detail, EnteHourUse, EnteServiceUse, EnteSilence, MonthUse,
    MonthVisitors, PortalVisitors, RulesUse, WeekHourUse,
};
use crate::reading::QueryGroup;
use crate::usage::Dimension;
use crate::{StoreError, Usage};

/// Completed service uses of an ente in a category, of one kind.
#[derive(Debug, Clone, PartialEq, Eq, Row, Serialize, Deserialize)]
pub struct UsageCell {
    /// Public body.
    pub ente: String,
    /// Category of the services.
    pub category: String,
    /// `plain`, `payment` or `booking`.
    pub kind: String,
    /// Completed service uses.
    pub service_uses: u64,
}

/// Completed service uses of a service.
#[derive(Debug, Clone, PartialEq, Eq, Row, Serialize, Deserialize)]
pub struct ServiceUse {
    /// Code of the service.
    pub service: String,
    /// Category of the service.
    pub category: String,
    /// Completed service uses.
    pub service_uses: u64,
    /// Number of enti with such uses.
    pub enti: u64,
}

/// Usage from a device class.
#[derive(Debug, Clone, PartialEq, Eq, Row, Serialize, Deserialize)]
pub struct DeviceUse {
    /// Device class.
    pub device: String,
    /// Accesses to pages and areas.
    pub accesses: u64,
    /// Completed service uses.
    pub service_uses: u64,
}

/// Usage in an hour band.
#[derive(Debug, Clone, PartialEq, Eq, Row, Serialize, Deserialize)]
pub struct BandUse {
    /// Hour band: `night`, `office` or `evening`.
    pub band: String,
    /// Distinct visitors of each hour, summed over the hours.
    pub users_hours: u64,
    /// Accesses to pages and areas.
    pub accesses: u64,
}

/// Usage in an hour of the day.
#[derive(Debug, Clone, PartialEq, Eq, Row, Serialize, Deserialize)]
pub struct HourUse {
    /// Local hour, 0 to 23.
    pub local_hour: u8,
    /// Distinct visitors of each hour, summed over the days.
    pub users_hours: u64,
    /// Accesses to pages and areas.
    pub accesses: u64,
}

/// Usage from a country.
#[derive(Debug, Clone, PartialEq, Eq, Row, Serialize, Deserialize)]
pub struct CountryUse {
    /// ISO 3166-1 alpha-2 code; empty if unknown.
    pub country: String,
    /// Accesses to pages and areas.
    pub accesses: u64,
    /// Completed service uses.
    pub service_uses: u64,
}

/// Local days, both included, as decimal numbers: 20170131.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DayRange {
    /// First day.
    pub first: u32,
    /// Last day.
    pub last: u32,
}

impl DayRange {
    /// Returns the days of a calendar year.
    pub fn of_year(year: i16) -> Self {
        Self::of_months(year, 1..=12)
    }

    /// Returns the days of some months of a calendar year, from the first of `months` to the last.
    pub fn of_months(year: i16, months: RangeInclusive<u8>) -> Self {
        let year = u32::from(year.unsigned_abs()) * 10_000;
        Self {
            first: year + u32::from(*months.start()) * 100 + 1,
            // No local date lies between the last day of a month and its 31st.
            last: year + u32::from(*months.end()) * 100 + 31,
        }
    }

    /// Returns the SQL condition on a column of local dates.
    pub(crate) fn condition(self, column: &str) -> String {
        let Self { first, last } = self;
        format!("toYYYYMMDD({column}) BETWEEN {first} AND {last}")
    }
}

/// Visitors included in the figures.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Counted {
    /// People, without bots.
    #[default]
    People,
    /// People and bots.
    All,
}

/// Figures of a year.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct YearFigures {
    /// Completed service uses by ente, category and kind.
    pub usage: Vec<UsageCell>,
    /// Completed service uses by service, most used first.
    pub services: Vec<ServiceUse>,
    /// Usage by device, including bots.
    pub devices: Vec<DeviceUse>,
    /// Usage by hour band.
    pub bands: Vec<BandUse>,
    /// Usage by hour of the day.
    pub hours: Vec<HourUse>,
    /// Usage by country.
    pub countries: Vec<CountryUse>,
    /// Details by ente, month and day. Lists that were not requested are empty.
    pub detail: Detail,
    /// Months of the year, as `2017-03`, whose figures may be wrong until a reconciliation. A year
    /// with such months is not closed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub months_in_doubt: Vec<String>,
}

impl YearFigures {
    /// Returns true if nothing was recorded.
    pub fn is_empty(&self) -> bool {
        self.usage.is_empty()
            && self.services.is_empty()
            && self.devices.is_empty()
            && self.bands.is_empty()
            && self.hours.is_empty()
    }
}

/// Figures of a year, without and with bots.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Figures {
    /// Figures of people.
    pub people: YearFigures,
    /// Figures of people and bots.
    pub all: YearFigures,
}

impl Figures {
    /// Returns the figures of `counted`.
    pub fn of(&self, counted: Counted) -> &YearFigures {
        match counted {
            Counted::People => &self.people,
            Counted::All => &self.all,
        }
    }
}

/// Amount of data read for a year.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Depth {
    /// All details.
    Whole,
    /// Data of the base year, which every figure of another year is compared with.
    Base,
    /// Data that one report compares with.
    Compared,
}

impl Usage {
    /// Returns the figures of `days` without and with bots, from one snapshot.
    pub async fn figures(&self, days: DayRange) -> Result<Figures, StoreError> {
        let [people, all] = self.read(days, Depth::Whole, BOTH).await?;
        Ok(Figures { people, all })
    }

    /// Returns the base figures of `year` without and with bots, from one snapshot.
    pub async fn base_figures(&self, year: i16) -> Result<Figures, StoreError> {
        let [people, all] = self
            .read(DayRange::of_year(year), Depth::Base, BOTH)
            .await?;
        Ok(Figures { people, all })
    }

    /// Returns the figures of `days` with all details, from one snapshot. The lists are empty if
    /// nothing was recorded.
    pub async fn figures_of_days(
        &self,
        days: DayRange,
        counted: Counted,
    ) -> Result<YearFigures, StoreError> {
        let [figures] = self.read(days, Depth::Whole, [counted]).await?;
        Ok(figures)
    }

    /// Returns the figures of `days` that one report compares its own figures with.
    pub async fn compared_figures(
        &self,
        days: DayRange,
        counted: Counted,
    ) -> Result<YearFigures, StoreError> {
        let [figures] = self.read(days, Depth::Compared, [counted]).await?;
        Ok(figures)
    }

    /// Returns the last of `days` with events, as `2017-12-31`.
    pub async fn newest_day(&self, days: DayRange) -> Result<Option<String>, StoreError> {
        let within = days.condition("u.local_date");
        let query = format!(
            "SELECT toString(max(u.local_date)) FROM usage_hourly AS u WHERE {within} HAVING count() > 0"
        );
        let newest: Vec<String> = self.0.rows(&query).await?;
        Ok(newest.into_iter().next())
    }

    async fn read<const N: usize>(
        &self,
        days: DayRange,
        depth: Depth,
        ways: [Counted; N],
    ) -> Result<[YearFigures; N], StoreError> {
        let mut reading = QueryGroup::default();
        let asked = ways.map(|counted| match depth {
            Depth::Whole => DetailAsked::of_year(&mut reading, days, counted),
            Depth::Base => DetailAsked::of_base(&mut reading, days, counted),
            Depth::Compared => DetailAsked::of_compared(&mut reading, days, counted),
        });
        let lists = reading.read(&self.0).await?;
        let mut figures = ways.map(|_| YearFigures::default());
        for (figures, asked) in figures.iter_mut().zip(&asked) {
            *figures = YearFigures::of(asked.answers(&lists)?, depth);
        }
        Ok(figures)
    }
}

/// People, then people and bots.
const BOTH: [Counted; 2] = [Counted::People, Counted::All];

impl YearFigures {
    /// Calculates every figure as a sum of the details.
    fn of(detail: Detail, depth: Depth) -> Self {
        let hours = band_hours(&detail.hours);
        Self {
            months_in_doubt: Vec::new(),
            usage: cells(&detail.services),
            services: services(&detail.services),
            devices: devices(&detail.months),
            bands: bands(&hours),
            hours: hours_of_day(&hours),
            countries: countries(detail.breakdowns.rows(Dimension::Country)),
            detail: match depth {
                Depth::Whole | Depth::Compared => detail,
                Depth::Base => Detail {
                    services: detail.services,
                    months: detail.months,
                    ..Detail::default()
                },
            },
        }
    }
}

/// Returns the place of a value in the order of the schema, by which the lists are sorted.
fn place(dimension: Dimension, value: &str) -> i16 {
    dimension.code(value).map_or(i16::MAX, i16::from)
}

fn cells(services: &[EnteServiceUse]) -> Vec<UsageCell> {
    let mut sums: BTreeMap<(&str, &str, i16), (&str, u64)> = BTreeMap::new();
    for row in services {
        let key = (
            &*row.ente,
            &*row.category,
            place(Dimension::Kind, &row.kind),
        );
        sums.entry(key).or_insert((&row.kind, 0)).1 += row.service_uses;
    }
    let used = sums.into_iter().filter(|(_, (_, uses))| *uses > 0);
    used.map(|((ente, category, _), (kind, service_uses))| UsageCell {
        ente: ente.to_owned(),
        category: category.to_owned(),
        kind: kind.to_owned(),
        service_uses,
    })
    .collect()
}

fn services(services: &[EnteServiceUse]) -> Vec<ServiceUse> {
    let mut sums: BTreeMap<(&str, &str), (u64, BTreeSet<&str>)> = BTreeMap::new();
    for row in services.iter().filter(|row| row.service_uses > 0) {
        let sum = sums.entry((&row.service, &row.category)).or_default();
        sum.0 += row.service_uses;
        sum.1.insert(&row.ente);
    }
    let mut used: Vec<ServiceUse> = sums
        .into_iter()
        .map(|((service, category), (service_uses, enti))| ServiceUse {
            service: service.to_owned(),
            category: category.to_owned(),
            service_uses,
            enti: enti.len() as u64,
        })
        .collect();
    // The stable sort keeps services with equal usage in the order of their codes.
    used.sort_by_key(|row| Reverse(row.service_uses));
    used
}

fn devices(months: &[MonthUse]) -> Vec<DeviceUse> {
    let mut sums: BTreeMap<i16, DeviceUse> = BTreeMap::new();
    for row in months {
        let sum = sums
            .entry(place(Dimension::Device, &row.device))
            .or_insert_with(|| DeviceUse {
                device: row.device.clone(),
                accesses: 0,
                service_uses: 0,
            });
        sum.accesses += row.accesses;
        sum.service_uses += row.service_uses;
    }
    sums.into_values().collect()
}

fn countries(countries: &[ValueUse]) -> Vec<CountryUse> {
    let mut sums: BTreeMap<&str, CountryUse> = BTreeMap::new();
    for row in countries {
        let sum = sums.entry(&row.value).or_insert_with(|| CountryUse {
            country: row.value.clone(),
            accesses: 0,
            service_uses: 0,
        });
        sum.accesses += row.accesses;
        sum.service_uses += row.service_uses;
    }
    sums.into_values().collect()
}

/// Sums the hours over all enti, in the order of bands and hours.
fn band_hours(hours: &[EnteHourUse]) -> Vec<BandHourUse> {
    let mut sums: BTreeMap<(&str, u8), BandHourUse> = BTreeMap::new();
    for row in hours {
        let sum = sums
            .entry((&row.band, row.local_hour))
            .or_insert_with(|| BandHourUse {
                band: row.band.clone(),
                local_hour: row.local_hour,
                users_hours: 0,
                accesses: 0,
            });
        sum.users_hours += row.users_hours;
        sum.accesses += row.accesses;
    }
    let mut hours: Vec<BandHourUse> = sums.into_values().collect();
    hours.sort_by_key(|row| (place(Dimension::Band, &row.band), row.local_hour));
    hours
}

/// Usage in an hour of the day, within one band.
#[derive(Debug)]
struct BandHourUse {
    band: String,
    local_hour: u8,
    users_hours: u64,
    accesses: u64,
}

/// Sums the hours by band. `hours` must be ordered by band.
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

/// Sums by hour. If bands change within a year, an hour belongs to more than one.
fn hours_of_day(hours: &[BandHourUse]) -> Vec<HourUse> {
    let mut sums: BTreeMap<u8, [u64; 2]> = BTreeMap::new();
    for hour in hours {
        let sum = sums.entry(hour.local_hour).or_default();
        sum[0] += hour.users_hours;
        sum[1] += hour.accesses;
    }
    sums.into_iter()
        .map(|(local_hour, [users_hours, accesses])| HourUse {
            local_hour,
            users_hours,
            accesses,
        })
        .collect()
}
