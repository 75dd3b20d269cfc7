//! Distributes the events over the hours of the year.

use std::ops::Range;

use crate::COUNT_MAX;
use crate::apportion::{apportion, apportion_whole};
use crate::calendar::{Hour, YearCalendar, busyness};
use crate::error::SimulationError;
use crate::figures::AccessFigures;
use crate::plan::{PlanCell, times};
use crate::random::Random;
use crate::simulation::Options;
use crate::urn::Urn;

/// Visits with 1, 2 and 3 accesses, per thousand.
const ACCESSES_PERMILLE: [u64; 3] = [800, 150, 50];

/// Ratio of bot accesses to accesses by people.
const BOTS_SHARE: f64 = 0.03;

/// Percentage of desktops if the figures give none.
const DESKTOP_PERCENT: f64 = 61.0;

/// Event counts of a whole stream.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Completed service uses, as in the figures.
    pub service_uses: u64,
    /// Abandoned or failed service uses, in addition to the figures.
    pub attempts: u64,
    /// Accesses by people.
    pub accesses: u64,
    /// Accesses by bots, in addition to the figures.
    pub bot_accesses: u64,
}

impl Counts {
    /// Number of all events.
    pub fn total(&self) -> u64 {
        self.service_uses + self.attempts + self.accesses + self.bot_accesses
    }
}

/// Event counts by hour.
pub(crate) struct Schedule {
    pub calendar: YearCalendar,
    /// Users of each hour; all 0 without access figures.
    pub users: Vec<u64>,
    /// Service uses of each hour.
    pub uses: Vec<u64>,
    /// Bot accesses of each hour.
    pub bots: Vec<u64>,
    /// Parts of the year with constant offers.
    pub segments: Vec<YearSegment>,
    /// Bands of hours; empty without access figures.
    pub bands: Vec<HourBand>,
    pub desktop_percent: f64,
}

/// A part of the year and its uses, by cell of the plan.
pub(crate) struct YearSegment {
    pub hours: Range<usize>,
    pub uses: Vec<u64>,
}

/// A band of hours and its visits.
pub(crate) struct HourBand {
    pub hours_of_day: Range<u8>,
    /// Visits by colour; see [`HourBand::visit`].
    pub visits: Urn,
    pub accesses: u64,
}

impl HourBand {
    fn new(hours_of_day: Range<u8>, visits: u64, desktop_percent: f64) -> Self {
        // Device shares are exact within each band, and access shares within each device, so the
        // overall shares are exact, too.
        let devices = apportion(visits, &[desktop_percent, 100.0 - desktop_percent]);
        let counts: Vec<u64> = devices
            .into_iter()
            .flat_map(|count| apportion_whole(count, &ACCESSES_PERMILLE))
            .collect();
        Self {
            hours_of_day,
            accesses: counts
                .iter()
                .enumerate()
                .map(|(colour, count)| count * u64::from(Self::visit(colour).1))
                .sum(),
            visits: Urn::new(&counts),
        }
    }

    /// Decodes a colour of the urn: true for a desktop, and the number of accesses of the visit.
    pub(crate) fn visit(colour: usize) -> (bool, u8) {
        let of_device = ACCESSES_PERMILLE.len();
        (colour < of_device, (colour % of_device) as u8 + 1)
    }
}

impl Schedule {
    pub(crate) fn new(
        year: i16,
        cells: &[PlanCell],
        access: Option<&AccessFigures>,
        options: &Options,
    ) -> Result<Self, SimulationError> {
        let calendar = YearCalendar::new(year, &options.zone)?;
        let mut random = Random::new(options.seed, year, "hours");
        let busy: Vec<f64> = calendar
            .hours
            .iter()
            .map(|hour| {
                // Each hour differs from the usual load by a factor of 0.85 to 1.15.
                let noise = 0.85 + random.below(301) as f64 / 1000.0;
                busyness(calendar.date(hour.day), hour.hour) * noise
            })
            .collect();
        let desktop_percent = access.map_or(DESKTOP_PERCENT, |it| it.desktop_percent);
        let mut users = vec![0; busy.len()];
        let mut bands = Vec::new();
        for band in access.into_iter().flat_map(|it| &it.bands) {
            let hours_of_day = band.from_hour..band.to_hour;
            let weights: Vec<f64> = calendar
                .hours
                .iter()
                .zip(&busy)
                .map(|(hour, busy)| {
                    if hours_of_day.contains(&hour.hour) {
                        *busy
                    } else {
                        0.0
                    }
                })
                .collect();
            let hours = weights.iter().filter(|weight| **weight > 0.0).count();
            let visits = band.mean_users * hours as f64 * options.scale;
            if visits > COUNT_MAX as f64 / 24.0 {
                return Err(SimulationError::BadScale(options.scale));
            }
            let visits = (visits + 0.5).floor() as u64;
            for (all, of_band) in users.iter_mut().zip(apportion(visits, &weights)) {
                *all += of_band;
            }
            bands.push(HourBand::new(hours_of_day, visits, desktop_percent));
        }
        let accesses: u64 = bands.iter().map(|band| band.accesses).sum();
        let bots = if options.bots {
            times(accesses, BOTS_SHARE)
        } else {
            0
        };
        let segments = segments(&calendar, cells, &busy);
        Ok(Self {
            uses: uses(&segments, &users, &busy),
            bots: apportion(bots, &crawling(&calendar, &mut random)),
            calendar,
            users,
            segments,
            bands,
            desktop_percent,
        })
    }

    /// Returns the band of an hour.
    pub(crate) fn band_mut(&mut self, hour: u8) -> Option<&mut HourBand> {
        self.bands
            .iter_mut()
            .find(|band| band.hours_of_day.contains(&hour))
    }

    pub(crate) fn accesses(&self) -> u64 {
        self.bands.iter().map(|band| band.accesses).sum()
    }

    pub(crate) fn hour(&self, place: usize) -> Option<&Hour> {
        self.calendar.hours.get(place)
    }
}

/// Weights of bot accesses by hour. Crawlers run day and night, a little more at night.
fn crawling(calendar: &YearCalendar, random: &mut Random) -> Vec<f64> {
    calendar
        .hours
        .iter()
        .map(|hour| {
            let quiet = if hour.hour < 8 { 1.3 } else { 1.0 };
            quiet * (500 + random.below(1000)) as f64
        })
        .collect()
}

/// Splits the year wherever a service begins or ends. Distributes the uses of each cell over the
/// parts that offer the service.
fn segments(calendar: &YearCalendar, cells: &[PlanCell], busy: &[f64]) -> Vec<YearSegment> {
    let mut cuts: Vec<u16> = vec![0, calendar.days];
    for days in cells.iter().flat_map(|cell| &cell.days) {
        cuts.extend([days.start, days.end]);
    }
    cuts.sort_unstable();
    cuts.dedup();
    let days: Vec<Range<u16>> = cuts.windows(2).map(|pair| pair[0]..pair[1]).collect();
    let mut segments: Vec<YearSegment> = days
        .iter()
        .map(|days| YearSegment {
            hours: calendar.hours_of(days),
            uses: vec![0; cells.len()],
        })
        .collect();
    let weights: Vec<f64> = segments
        .iter()
        .map(|segment| busy[segment.hours.clone()].iter().sum())
        .collect();
    for (place, cell) in cells.iter().enumerate() {
        let offered: Vec<f64> = days
            .iter()
            .zip(&weights)
            .map(|(part, weight)| {
                let mut days = cell.days.iter();
                if days.any(|days| days.start <= part.start && part.end <= days.end) {
                    *weight
                } else {
                    0.0
                }
            })
            .collect();
        for (segment, uses) in segments.iter_mut().zip(apportion(cell.uses, &offered)) {
            segment.uses[place] = uses;
        }
    }
    segments
}

/// Distributes the service uses over the hours, in proportion to the users if known.
fn uses(segments: &[YearSegment], users: &[u64], busy: &[f64]) -> Vec<u64> {
    let mut uses = Vec::with_capacity(busy.len());
    for segment in segments {
        let total = segment.uses.iter().sum();
        let of_users = &users[segment.hours.clone()];
        if of_users.iter().any(|users| *users > 0) {
            uses.extend(apportion_whole(total, of_users));
        } else {
            uses.extend(apportion(total, &busy[segment.hours.clone()]));
        }
    }
    uses
}
