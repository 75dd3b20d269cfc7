//! Users and accesses by band and by hour of the local day.

use affluenza_classify::hours::{Band, ExistingHours, Zone};
use affluenza_store::figures::{BandUse, HourUse, WeekHourUse};
use jiff::ToSpan as _;
use serde::Serialize;
use strum::VariantArray as _;

use crate::period::ReportPeriod;
use crate::ratio::share_percent;

/// A range of whole local hours, the end excluded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct HourRange {
    /// First local hour, 0 to 23.
    pub from: u8,
    /// Local hour of the end, excluded, 1 to 24.
    pub to: u8,
}

/// Use in a band of the day.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BandRow {
    /// `night`, `office` or `evening`.
    pub band: &'static str,
    /// Local hours of the band.
    pub local_hours: Vec<HourRange>,
    /// Hours of the band that existed on the counted days, after changes of the clock.
    pub hours_existing: u64,
    /// Distinct visitors of each hour, summed over the hours.
    pub users_hours: u64,
    /// Users summed over hours, divided by the hours that existed; `None` if none did.
    pub users_per_hour_mean: Option<f64>,
    /// Number of accesses.
    pub accesses: u64,
}

/// Use in an hour of the day.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct HourRow {
    /// Local hour, 0 to 23.
    pub local_hour: u8,
    /// Time for which the clock showed this hour on the counted days, in hours.
    pub hours_existing: f64,
    /// Distinct visitors of each such hour, summed over the days.
    pub users_hours: u64,
    /// Users summed over days, divided by the hours that existed; `None` if none did.
    pub users_per_hour_mean: Option<f64>,
    /// Number of accesses.
    pub accesses: u64,
}

/// Use on a weekday.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WeekdayRow {
    /// Weekday, from 1 for Monday to 7 for Sunday.
    pub weekday: u8,
    /// Number of accesses by local hour, from 0 to 23.
    pub accesses: [u64; 24],
}

/// Users and accesses by time of day.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Hours {
    /// Name in the IANA time zone database; several are separated by commas.
    pub time_zone: String,
    /// Use by band.
    pub bands: Vec<BandRow>,
    /// Share of users outside office hours among the users of all bands, in percent; `None` without
    /// users. Users are summed over hours, so longer bands weigh more.
    pub off_hours_share_percent: Option<f64>,
    /// Use by hour of the day, all 24.
    pub hours_of_day: Vec<HourRow>,
    /// Use by weekday, all seven; empty for one ente, whose weekdays are not counted.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub weekdays: Vec<WeekdayRow>,
}

impl Hours {
    pub(crate) fn build(
        period: ReportPeriod,
        zones: &[Zone],
        bands: &[BandUse],
        hours: &[HourUse],
        week: &[WeekHourUse],
    ) -> Self {
        let first = period.first();
        // A period of which no day has passed has no hours.
        let end = period.last().saturating_add(1.day()).max(first);
        let existing = ExistingHours::of_any(zones, first, end);
        let bands: Vec<BandRow> = Band::VARIANTS
            .iter()
            .map(|band| band_row(*band, &existing, bands))
            .collect();
        let off = bands
            .iter()
            .filter(|row| row.band != <&str>::from(Band::Office));
        let off = off.map(|row| row.users_hours).sum();
        let all = bands.iter().map(|row| row.users_hours).sum();
        Self {
            time_zone: zones.iter().map(Zone::name).collect::<Vec<_>>().join(", "),
            off_hours_share_percent: share_percent(off, all),
            bands,
            hours_of_day: (0..24)
                .map(|hour| hour_row(hour, &existing, hours))
                .collect(),
            weekdays: weekdays(week),
        }
    }
}

fn weekdays(week: &[WeekHourUse]) -> Vec<WeekdayRow> {
    if week.is_empty() {
        return Vec::new();
    }
    let rows = (1..=7).map(|weekday| {
        let mut accesses = [0; 24];
        for row in week.iter().filter(|row| row.weekday == weekday) {
            if let Some(hour) = accesses.get_mut(usize::from(row.local_hour)) {
                *hour += row.accesses;
            }
        }
        WeekdayRow { weekday, accesses }
    });
    rows.collect()
}

fn band_row(band: Band, existing: &ExistingHours, bands: &[BandUse]) -> BandRow {
    let (hours, hours_existing) = (band.hours(), existing.hours_in(band));
    let name = <&str>::from(band);
    let of_band = bands.iter().filter(|row| row.band == name);
    let users_hours = of_band.clone().map(|row| row.users_hours).sum();
    BandRow {
        band: name,
        local_hours: vec![HourRange {
            from: hours.start,
            to: hours.end,
        }],
        hours_existing,
        users_hours,
        users_per_hour_mean: mean(users_hours, hours_existing as f64),
        accesses: of_band.map(|row| row.accesses).sum(),
    }
}

fn hour_row(local_hour: u8, existing: &ExistingHours, hours: &[HourUse]) -> HourRow {
    let of_hour = hours.iter().filter(|row| row.local_hour == local_hour);
    let hours_existing = existing.hours_at(local_hour);
    let users_hours = of_hour.clone().map(|row| row.users_hours).sum();
    HourRow {
        local_hour,
        hours_existing,
        users_hours,
        users_per_hour_mean: mean(users_hours, hours_existing),
        accesses: of_hour.map(|row| row.accesses).sum(),
    }
}

fn mean(users_hours: u64, hours: f64) -> Option<f64> {
    (hours > 0.0).then(|| users_hours as f64 / hours)
}
