//! Distributes the events over the hours of the year.

use std::ops::Range;

use affluenza_classify::hours::LocalHour;
use affluenza_register::Validity;
use jiff::civil::Date;
use rand::RngExt;

use crate::COUNT_MAX;
use crate::agents::PersonDevice;
use crate::apportion::{apportion, apportion_whole, times};
use crate::busyness::{busyness, hours_of};
use crate::error::SimulationError;
use crate::figures::AccessFigures;
use crate::plan::PlanCell;
use crate::quota::{LoadCurve, Quota, YearPoint};
use crate::random::{Random, Seed};
use crate::visits::VisitClass;

/// Approximate number of events in a slice.
const SLICE_EVENTS: u64 = 8192;

/// Maximum number of slices of an hour: a slice covers at least a millisecond.
const SLICES_MAX: u64 = 3_600_000;

/// Visits with 1, 2 and 3 accesses, per thousand.
const ACCESSES_PERMILLE: [u64; 3] = [800, 150, 50];

/// Ratio of bot accesses to accesses by people.
const BOTS_SHARE: f64 = 0.03;

/// Percentage of desktops if the figures give none.
const DESKTOP_PERCENT: f64 = 61.0;

/// Weight of users without a use when users are distributed over hours, compared with users that
/// have a use.
const READERS_WEIGHT: f64 = 0.1;

/// Event counts by hour.
pub(crate) struct Schedule {
    hours: Vec<LocalHour>,
    curve: LoadCurve,
    /// Uses of each cell of the plan.
    cells: Vec<Quota>,
    /// Cells by the hour in which their next use falls due. Most cells of a large plan have uses in
    /// few hours.
    due: Vec<Vec<u32>>,
    /// Service uses, users and bot accesses of each hour. Without access figures the users are 0.
    uses: Vec<u64>,
    users: Vec<u64>,
    bots: Vec<u64>,
    /// Bands of hours; empty without access figures.
    bands: Vec<HourBand>,
    desktop_percent: f64,
    /// Next slice: its hour, and its number within the hour.
    next_hour: usize,
    next_part: u64,
}

/// A part of an hour with few events, so that memory stays small at any scale.
#[derive(Debug, Clone, Copy)]
pub(crate) struct HourSlice {
    pub local: LocalHour,
    /// Start and end, in milliseconds since the start of the hour.
    pub start_ms: u64,
    pub end_ms: u64,
    /// Users with an access; `None` without access figures.
    pub users: Option<u64>,
    pub bots: u64,
}

/// A band of hours and its visits.
struct HourBand {
    hours_of_day: Range<u8>,
    visits: u64,
    left: Vec<VisitsLeft>,
}

/// Visits of one class that are not drawn yet.
struct VisitsLeft {
    class: VisitClass,
    count: u64,
}

impl HourBand {
    fn new(hours_of_day: Range<u8>, visits: u64, desktop_percent: f64) -> Self {
        // Device shares are exact within each band, and access shares within each device, so the
        // overall shares are exact, too.
        let devices = [PersonDevice::Desktop, PersonDevice::Mobile];
        let shares = apportion(visits, &[desktop_percent, 100.0 - desktop_percent]);
        let mut left = Vec::new();
        for (device, share) in devices.into_iter().zip(shares) {
            for (accesses, count) in (1..).zip(apportion_whole(share, &ACCESSES_PERMILLE)) {
                let class = VisitClass { device, accesses };
                left.push(VisitsLeft { class, count });
            }
        }
        Self {
            hours_of_day,
            visits,
            left,
        }
    }

    fn accesses(&self) -> u64 {
        let left = self.left.iter();
        left.map(|it| it.count * u64::from(it.class.accesses)).sum()
    }

    /// Draws one of the visits that are left.
    fn draw(&mut self, random: &mut Random) -> Option<VisitClass> {
        let all: u64 = self.left.iter().map(|it| it.count).sum();
        let mut drawn = random.random_range(0..all.max(1));
        for VisitsLeft { class, count } in &mut self.left {
            if drawn < *count {
                *count -= 1;
                return Some(*class);
            }
            drawn -= *count;
        }
        None
    }
}

impl Schedule {
    pub(crate) fn new(
        cells: &[PlanCell],
        access: Option<&AccessFigures>,
        scale: f64,
        seed: Seed,
    ) -> Result<Self, SimulationError> {
        let hours = hours_of(seed.year);
        let mut random = seed.random("hours");
        // Each hour differs from the usual load by a factor of 0.85 to 1.15.
        let busy: Vec<f64> = hours
            .iter()
            .map(|local| busyness(local) * random.random_range(0.85..1.15))
            .collect();
        let desktop_percent = access.map_or(DESKTOP_PERCENT, |it| it.desktop_percent);
        let mut bands = Vec::new();
        let mut loads = busy.clone();
        for band in access.into_iter().flat_map(|it| &it.bands) {
            let hours_of_day = band.hours.clone();
            let places = places_in(&hours, &hours_of_day);
            let users = band.mean_users * places.len() as f64;
            let visits = users * scale;
            if visits > COUNT_MAX as f64 / 24.0 {
                return Err(SimulationError::BadScale(scale));
            }
            let of_band: f64 = places.iter().map(|place| busy[*place]).sum();
            for place in places {
                // Hours without users keep a small load, because a use needs an hour.
                loads[place] *= 1e-6 + users / of_band;
            }
            bands.push(HourBand::new(
                hours_of_day,
                times(1, visits),
                desktop_percent,
            ));
        }
        let curve = LoadCurve::new(loads.iter().copied());
        let mut cells: Vec<Quota> = cells
            .iter()
            .map(|cell| {
                let offered = hours_within(&hours, &cell.days);
                Quota::new(cell.uses, offered, &curve, random.random_range(0.0..1.0))
            })
            .collect();
        let mut due = vec![Vec::new(); hours.len()];
        let uses = uses_by_hour(&mut cells, &curve, &mut due);
        let users = users_by_hour(&hours, &bands, &uses, &loads);
        let accesses: u64 = bands.iter().map(HourBand::accesses).sum();
        // Crawlers run day and night, a little more at night.
        let crawling: Vec<f64> = hours
            .iter()
            .map(|local| if local.hour < 8 { 1.3 } else { 1.0 } * random.random_range(0.5..1.5))
            .collect();
        Ok(Self {
            bots: apportion(times(accesses, BOTS_SHARE), &crawling),
            hours,
            curve,
            cells,
            due,
            uses,
            users,
            bands,
            desktop_percent,
            next_hour: 0,
            next_part: 0,
        })
    }

    pub(crate) fn accesses(&self) -> u64 {
        self.bands.iter().map(HourBand::accesses).sum()
    }

    pub(crate) fn bot_accesses(&self) -> u64 {
        self.bots.iter().sum()
    }

    /// Returns the next slice, and writes its uses into `uses`, as cells of the plan in their
    /// order; `None` at the end of the year.
    pub(crate) fn next_slice(&mut self, uses: &mut Vec<u32>) -> Option<HourSlice> {
        let (hour, part) = (self.next_hour, self.next_part);
        let local = *self.hours.get(hour)?;
        let (users, bots) = (self.users[hour], self.bots[hour]);
        let events = (users + self.uses[hour] + bots) * 2;
        let parts = events.div_ceil(SLICE_EVENTS).clamp(1, SLICES_MAX);
        let end = YearPoint::end_of(hour, part, parts);
        uses.clear();
        let last = part + 1 == parts;
        if part == 0 {
            self.due[hour].sort_unstable();
        }
        for cell in &self.due[hour] {
            let count = self.cells[*cell as usize].take(&self.curve, end);
            uses.extend((0..count).map(|_| *cell));
        }
        if last {
            for cell in std::mem::take(&mut self.due[hour]) {
                if let Some(next) = self.cells[cell as usize].due_from(hour + 1, &self.curve) {
                    self.due[next].push(cell);
                }
            }
        }
        self.next_hour += usize::from(last);
        self.next_part = if last { 0 } else { part + 1 };
        Some(HourSlice {
            local,
            start_ms: before_part(SLICES_MAX, part, parts),
            end_ms: before_part(SLICES_MAX, part + 1, parts),
            users: (!self.bands.is_empty()).then(|| of_part(users, part, parts)),
            bots: of_part(bots, part, parts),
        })
    }

    /// Uses of a cell of the plan in each month of the year.
    pub(crate) fn uses_by_month(&self, cell: usize) -> [u64; 12] {
        let mut quota = self.cells[cell].clone();
        quota.reset();
        let mut month = 0;
        [(); 12].map(|()| {
            month += 1;
            let end = self
                .hours
                .partition_point(|local| local.date.month() <= month);
            quota.take(&self.curve, YearPoint::start_of(end))
        })
    }

    /// Draws device and accesses of one of the visits that are left in the band of `hour`.
    pub(crate) fn draw_visit(&mut self, hour: u8, random: &mut Random) -> VisitClass {
        let mut bands = self.bands.iter_mut();
        let band = bands.find(|band| band.hours_of_day.contains(&hour));
        let drawn = band.and_then(|band| band.draw(random));
        drawn.unwrap_or_else(|| self.without_access(random))
    }

    /// Draws the device of a visit without accesses.
    pub(crate) fn without_access(&self, random: &mut Random) -> VisitClass {
        let device = match random.random_bool(self.desktop_percent / 100.0) {
            true => PersonDevice::Desktop,
            false => PersonDevice::Mobile,
        };
        let accesses = 0;
        VisitClass { device, accesses }
    }
}

/// Returns the hours of the year in a band of the day, as indexes.
fn places_in(hours: &[LocalHour], hours_of_day: &Range<u8>) -> Vec<usize> {
    (0..hours.len())
        .filter(|place| hours_of_day.contains(&hours[*place].hour))
        .collect()
}

/// Returns the hours of some days, as ranges of indexes.
fn hours_within(hours: &[LocalHour], days: &[Validity]) -> Vec<Range<usize>> {
    let mut ranges = Vec::new();
    for Validity { from, to } in days {
        let [start, end] = [from.unwrap_or(Date::MIN), to.unwrap_or(Date::MAX)]
            .map(|day| hours.partition_point(|local| local.date < day));
        ranges.push(start..end);
    }
    ranges
}

/// Returns the uses of each hour, and adds each cell to the hour of its first use in `due`.
fn uses_by_hour(cells: &mut [Quota], curve: &LoadCurve, due: &mut [Vec<u32>]) -> Vec<u64> {
    let mut uses = vec![0; due.len()];
    for (cell, quota) in (0..).zip(cells) {
        let mut next = quota.due_from(0, curve);
        if let Some(first) = next {
            due[first].push(cell);
        }
        while let Some(hour) = next {
            uses[hour] += quota.take(curve, YearPoint::start_of(hour + 1));
            next = quota.due_from(hour + 1, curve);
        }
        quota.reset();
    }
    uses
}

/// Distributes the visits of each band over its hours. They follow the uses, so that a use has a
/// visit with an access in its hour as far as the figures allow.
fn users_by_hour(hours: &[LocalHour], bands: &[HourBand], uses: &[u64], loads: &[f64]) -> Vec<u64> {
    let all_uses = uses.iter().sum::<u64>().max(1) as f64;
    let readers = READERS_WEIGHT * all_uses / loads.iter().sum::<f64>();
    let mut users = vec![0; hours.len()];
    for band in bands {
        let places = places_in(hours, &band.hours_of_day);
        let weights: Vec<f64> = places
            .iter()
            .map(|place| uses[*place] as f64 + readers * loads[*place])
            .collect();
        for (place, count) in places.into_iter().zip(apportion(band.visits, &weights)) {
            users[place] = count;
        }
    }
    users
}

/// Returns the share in `count` of the parts before `part`.
fn before_part(count: u64, part: u64, parts: u64) -> u64 {
    (u128::from(count) * u128::from(part) / u128::from(parts)) as u64
}

/// Returns the share of a part in `count`. The shares of all parts add up to it.
fn of_part(count: u64, part: u64, parts: u64) -> u64 {
    before_part(count, part + 1, parts) - before_part(count, part, parts)
}
