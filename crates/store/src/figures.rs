//! The figures of a year, as the report needs them: of people, or of people and bots.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use clickhouse::Row;
use serde::{Deserialize, Serialize};

use crate::detail::DetailAsked;
pub use crate::detail::{
    DayUse, Detail, EnteCountryUse, EnteHourUse, EnteServiceUse, EnteSilence, LoginUse, MonthUse,
    MonthVisitors, RulesUse, WeekHourUse,
};
use crate::reading::Reading;
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
    /// Months of the year, as `2017-03`, whose figures may be wrong until they are compared. A year
    /// is not closed with any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub months_in_doubt: Vec<String>,
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

/// How much is read of a year.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Depth {
    /// All of it.
    Whole,
    /// As much as another year is compared with.
    Base,
    /// As much as one report compares with.
    Compared,
}

impl Store {
    /// The figures of `year`, both ways, all of one moment.
    pub async fn figures(&self, year: i16) -> Result<Figures, StoreError> {
        let [people, all] = self.read(year, Depth::Whole, BOTH).await?;
        Ok(Figures { people, all })
    }

    /// The figures of `year` that others are compared with, both ways, all of one moment.
    pub async fn base_figures(&self, year: i16) -> Result<Figures, StoreError> {
        let [people, all] = self.read(year, Depth::Base, BOTH).await?;
        Ok(Figures { people, all })
    }

    /// The figures of `year` with all details, all of one moment; empty lists when nothing was
    /// recorded.
    pub async fn year_figures(
        &self,
        year: i16,
        counted: Counted,
    ) -> Result<YearFigures, StoreError> {
        let [figures] = self.read(year, Depth::Whole, [counted]).await?;
        Ok(figures)
    }

    /// The figures of `year` that one report compares its own with.
    pub async fn compared_figures(
        &self,
        year: i16,
        counted: Counted,
    ) -> Result<YearFigures, StoreError> {
        let [figures] = self.read(year, Depth::Compared, [counted]).await?;
        Ok(figures)
    }

    async fn read<const N: usize>(
        &self,
        year: i16,
        depth: Depth,
        ways: [Counted; N],
    ) -> Result<[YearFigures; N], StoreError> {
        let mut reading = Reading::default();
        let asked = ways.map(|counted| match depth {
            Depth::Whole => DetailAsked::of_year(&mut reading, year, counted),
            Depth::Base => DetailAsked::of_base(&mut reading, year, counted),
            Depth::Compared => DetailAsked::of_compared(&mut reading, year, counted),
        });
        let lists = reading.read(self).await?;
        let mut figures = ways.map(|_| YearFigures::default());
        for (figures, asked) in figures.iter_mut().zip(&asked) {
            *figures = YearFigures::of(asked.answers(&lists)?, depth);
        }
        Ok(figures)
    }
}

/// People, and people with bots.
const BOTH: [Counted; 2] = [Counted::People, Counted::All];

impl YearFigures {
    /// Every figure as a sum of the details.
    fn of(detail: Detail, depth: Depth) -> Self {
        let hours = band_hours(&detail.hours);
        Self {
            months_in_doubt: Vec::new(),
            usage: cells(&detail.services),
            services: services(&detail.services),
            devices: devices(&detail.months),
            bands: bands(&hours),
            hours: hours_of_day(&hours),
            countries: countries(&detail.countries),
            detail: Some(match depth {
                Depth::Whole => detail,
                Depth::Base | Depth::Compared => Detail {
                    services: detail.services,
                    months: detail.months,
                    ..Detail::default()
                },
            }),
        }
    }
}

/// Kinds of use and classes of devices, in the order in which the tables of the schema have them.
const KINDS: [&str; 4] = ["none", "plain", "payment", "booking"];
const DEVICES: [&str; 6] = ["unknown", "desktop", "smartphone", "tablet", "bot", "other"];

fn place(name: &str, names: &[&str]) -> usize {
    names
        .iter()
        .position(|known| *known == name)
        .unwrap_or(names.len())
}

fn cells(services: &[EnteServiceUse]) -> Vec<UsageCell> {
    let mut sums: BTreeMap<(&str, &str, usize), (&str, u64)> = BTreeMap::new();
    for row in services {
        let key = (&*row.ente, &*row.category, place(&row.kind, &KINDS));
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
    // Services of as many uses stay in the order of their codes.
    used.sort_by_key(|row| Reverse(row.service_uses));
    used
}

fn devices(months: &[MonthUse]) -> Vec<DeviceUse> {
    let mut sums: BTreeMap<usize, DeviceUse> = BTreeMap::new();
    for row in months {
        let sum = sums
            .entry(place(&row.device, &DEVICES))
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

fn countries(countries: &[EnteCountryUse]) -> Vec<CountryUse> {
    let mut sums: BTreeMap<&str, CountryUse> = BTreeMap::new();
    for row in countries {
        let sum = sums.entry(&row.country).or_insert_with(|| CountryUse {
            country: row.country.clone(),
            accesses: 0,
            service_uses: 0,
        });
        sum.accesses += row.accesses;
        sum.service_uses += row.service_uses;
    }
    sums.into_values().collect()
}

/// Hours of all enti, by the bands in their order and by the hours of each.
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
    hours.sort_by_key(|row| (place(&row.band, &BANDS), row.local_hour));
    hours
}

const BANDS: [&str; 3] = ["night", "office", "evening"];

/// Use in an hour of the day, as far as it is in a band.
#[derive(Debug)]
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
