//! Changes of use by service, and the status of services.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use affluenza_register::{Register, Service, Validity};
use affluenza_store::figures::{EnteServiceUse, YearFigures};
use jiff::civil::Date;
use serde::Serialize;

use super::CategoryRow;
use crate::count::{Count, CountCells as _};
use crate::names::{CategoryName, ServiceName};
use crate::period::ReportPeriod;
use crate::ratio::{BASE_MIN, change_percent};
use crate::scope;

/// Largest number of services among the main variations of a category.
pub(crate) const MAIN: usize = 3;
/// Least change of a main variation: this part of all uses of the year, in per mille.
const MAIN_CHANGE_PER_MILLE: u64 = 4;
/// Largest number of categories among the rising, and among the falling ones.
const MOVED: usize = 3;
/// Least uses of the compared year for a category to rise or fall.
const MOVED_BASE_MIN: u64 = 100;
/// Share of failed attempts above which a service is broken, in percent.
pub const BROKEN_FAILED_PERCENT: f64 = 50.0;
/// Least attempts for a service to be called broken by its failures.
pub const BROKEN_ATTEMPTS_MIN: u64 = 10;
/// Least uses for a fall to zero to be significant.
pub const BROKEN_USES_MIN: u64 = 12;
/// Latest month in which use may end to count as a fall to zero.
pub const BROKEN_MONTH: i8 = 9;

/// Status of a service in the year, by the register and its use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// The first deployment began on a counted day.
    New,
    /// The last deployment ended on a counted day.
    Retired,
    /// Deployed on all counted days, used in the compared year, and not even tried in this one.
    Unused,
    /// Deployed on the last counted day, and one of two conditions holds. Either more than half of
    /// at least ten attempts failed; or at least twelve uses ended before October, though in the
    /// compared year they did not. The second one needs counted days after October.
    Broken,
}

/// A service with its change from the compared year.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Variation {
    /// Code and names of the service.
    #[serde(flatten)]
    pub name: ServiceName,
    /// Category on the last day of the year.
    #[serde(flatten)]
    pub category: CategoryName,
    /// Completed service uses.
    pub service_uses: u64,
    /// Service uses of the compared year; `None` without data of it.
    pub compared_service_uses: Option<u64>,
    /// Difference in uses; `None` without data of the compared year.
    pub change: Option<i64>,
    /// Difference in percent of the compared year; `None` on a zero or missing base.
    pub change_percent: Option<f64>,
    /// Attempts: uses that were completed, abandoned or failed.
    pub attempts: u64,
    /// Failed attempts.
    pub failed: u64,
    /// Status in the year; `None` if no status applies.
    pub status: Option<Status>,
}

/// The services of a category that changed most.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CategoryVariations {
    /// Code and names of the category.
    #[serde(flatten)]
    pub name: CategoryName,
    /// Services, the greatest change first, up or down; at most three.
    pub services: Vec<Variation>,
}

/// A registered category that rose or fell.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CategoryMove {
    /// Code and names of the category.
    #[serde(flatten)]
    pub name: CategoryName,
    /// Difference in uses.
    pub change: i64,
    /// Difference in percent of the compared year.
    pub change_percent: f64,
}

/// Categories by their change from the compared year, in percent.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Moves {
    /// Categories that rose most; at most three.
    pub rising: Vec<CategoryMove>,
    /// Categories that fell most; at most three.
    pub falling: Vec<CategoryMove>,
}

/// Uses of a category in the year and in the compared year.
pub(crate) struct CategoryCounts {
    pub name: CategoryName,
    pub now: Count,
    pub before: Count,
}

impl CategoryCounts {
    pub(crate) fn of(row: &CategoryRow) -> Self {
        Self {
            name: row.name.clone(),
            now: Count::Shown(row.kinds.service_uses),
            before: row
                .compared_service_uses
                .map_or(Count::Hidden, Count::Shown),
        }
    }
}

impl Moves {
    /// Ranks registered categories with enough uses in the compared year. Hidden counts have no
    /// rank.
    pub(crate) fn build(categories: impl Iterator<Item = CategoryCounts>) -> Self {
        let moves = categories.filter_map(|row| {
            let base = row.before.shown().filter(|base| *base >= MOVED_BASE_MIN)?;
            Some(CategoryMove {
                change: row.now.difference_from(row.before)?,
                change_percent: change_percent(row.now.shown()?, Some(base))?,
                name: row.name,
            })
        });
        let mut moves: Vec<CategoryMove> = moves.filter(|row| row.name.registered).collect();
        moves.sort_by(|a, b| b.change_percent.total_cmp(&a.change_percent));
        let (rising, rest): (Vec<CategoryMove>, Vec<CategoryMove>) =
            moves.into_iter().partition(|row| row.change > 0);
        let falling = rest.into_iter().rev().filter(|row| row.change < 0);
        Self {
            rising: rising.into_iter().take(MOVED).collect(),
            falling: falling.take(MOVED).collect(),
        }
    }
}

/// Inputs of the variations of a year.
pub(crate) struct Variations<'f> {
    pub register: &'f Register,
    /// Limits the variations to this ente.
    pub ente: Option<&'f str>,
    pub period: ReportPeriod,
    pub now: &'f YearFigures,
    /// Figures of the compared year, if it has data.
    pub before: Option<&'f YearFigures>,
}

#[derive(Default)]
struct Sum<'f> {
    category: &'f str,
    service_uses: u64,
    attempts: u64,
    failed: u64,
    last_day: Option<Date>,
}

impl Variations<'_> {
    /// Returns every service that was used or tried in either year, or has a status, by code.
    pub(crate) fn build(&self) -> Vec<Variation> {
        let now = sums(self.register, self.now);
        let before = self.before.map(|figures| sums(self.register, figures));
        let mut codes: BTreeSet<&str> = now.keys().copied().collect();
        codes.extend(before.iter().flat_map(BTreeMap::keys));
        let periods = periods(self.register, self.ente);
        codes.extend(periods.keys().copied());

        let none = Sum::default();
        let rows = codes.into_iter().map(|code| {
            let sum = now.get(code).unwrap_or(&none);
            let base = before.as_ref().map(|sums| sums.get(code).unwrap_or(&none));
            let periods = periods.get(code).map_or(&[][..], Vec::as_slice);
            self.row(code, sum, base, periods)
        });
        rows.filter(|row| {
            let used = row.attempts > 0 || row.compared_service_uses.is_some_and(|uses| uses > 0);
            used || row.status.is_some()
        })
        .collect()
    }

    fn row(
        &self,
        code: &str,
        sum: &Sum<'_>,
        base: Option<&Sum<'_>>,
        periods: &[Validity],
    ) -> Variation {
        let known = self.register.service(code);
        let last_day = self.period.last();
        let category = known.map(|service| service.category_on(last_day).code());
        let stored = match (sum.category, base) {
            ("", Some(base)) => base.category,
            (own, _) => own,
        };
        let compared = base.map(|base| base.service_uses);
        Variation {
            name: ServiceName::of(self.register, code),
            category: CategoryName::of(self.register, category.unwrap_or(stored)),
            service_uses: sum.service_uses,
            compared_service_uses: compared,
            change: compared.map(|base| difference(sum.service_uses, base)),
            change_percent: change_percent(sum.service_uses, compared),
            attempts: sum.attempts,
            failed: sum.failed,
            status: self.status(sum, base, periods),
        }
    }

    /// Returns the first status that applies: retired, broken, unused, new.
    fn status(
        &self,
        sum: &Sum<'_>,
        base: Option<&Sum<'_>>,
        periods: &[Validity],
    ) -> Option<Status> {
        let (first_day, last_day) = (self.period.first(), self.period.last());
        let turn = Turn::of(periods, self.period);
        if turn == Some(Turn::Stopped) {
            return Some(Status::Retired);
        }
        let at_the_end = periods.iter().any(|period| period.contains(last_day));
        if at_the_end && is_broken(sum, base, self.period) {
            return Some(Status::Broken);
        }
        let all_year = periods
            .iter()
            .any(|period| period.contains(first_day) && period.contains(last_day));
        if all_year && sum.attempts == 0 && base.is_some_and(|base| base.service_uses > 0) {
            return Some(Status::Unused);
        }
        turn.map(|_| Status::New)
    }
}

/// Start or end of a service on the counted days, by its deployments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Turn {
    /// The first deployment began in the year.
    Started,
    /// The last deployment ended in the year.
    Stopped,
}

impl Turn {
    /// Returns the turn of a service that is deployed in these periods.
    pub(crate) fn of(periods: &[Validity], period: ReportPeriod) -> Option<Self> {
        let (first_day, last_day) = (period.first(), period.last());
        let next_day = last_day.tomorrow().ok()?;
        let ends: Option<Vec<Date>> = periods.iter().map(|period| period.to).collect();
        let end = ends.and_then(|ends| ends.into_iter().max());
        if end.is_some_and(|end| first_day < end && end <= next_day) {
            return Some(Self::Stopped);
        }
        let starts: Option<Vec<Date>> = periods.iter().map(|period| period.from).collect();
        let start = starts.and_then(|starts| starts.into_iter().min());
        let is_new = start.is_some_and(|start| first_day <= start && start <= last_day);
        is_new.then_some(Self::Started)
    }

    /// Returns the turns of the services deployed in one ente or in all, by code.
    pub(crate) fn all(
        register: &Register,
        ente: Option<&str>,
        period: ReportPeriod,
    ) -> BTreeMap<String, Self> {
        let turns = periods(register, ente).into_iter();
        let turns = turns
            .filter_map(|(code, periods)| Some((code.to_owned(), Self::of(&periods, period)?)));
        turns.collect()
    }
}

/// Returns the periods of deployment of each service, by code.
fn periods<'r>(register: &'r Register, ente: Option<&str>) -> BTreeMap<&'r str, Vec<Validity>> {
    let mut periods: BTreeMap<&str, Vec<Validity>> = BTreeMap::new();
    for deployment in scope::deployments(register, ente) {
        let code = deployment.service.code();
        periods.entry(code).or_default().push(deployment.validity);
    }
    periods
}

fn is_broken(sum: &Sum<'_>, base: Option<&Sum<'_>>, period: ReportPeriod) -> bool {
    let failed_percent = sum.failed as f64 * 100.0 / sum.attempts.max(1) as f64;
    if sum.attempts >= BROKEN_ATTEMPTS_MIN && failed_percent > BROKEN_FAILED_PERCENT {
        return true;
    }
    let (Some(last), Some(base)) = (sum.last_day, base.and_then(|base| base.last_day)) else {
        return false;
    };
    // A service may pause for less than a month.
    let is_late = period.last().month() > BROKEN_MONTH + 1;
    let ended = last.year() == period.year() && last.month() <= BROKEN_MONTH;
    is_late && sum.service_uses >= BROKEN_USES_MIN && ended && base.month() > BROKEN_MONTH
}

fn code<'f>(register: &'f Register, service: &'f str) -> &'f str {
    register.service(service).map_or(service, Service::code)
}

/// Sums the uses of each service.
fn sums<'f>(register: &'f Register, figures: &'f YearFigures) -> BTreeMap<&'f str, Sum<'f>> {
    let mut sums: BTreeMap<&str, Sum<'_>> = BTreeMap::new();
    for row in &figures.detail.services {
        let EnteServiceUse {
            service_uses,
            abandoned,
            failed,
            ..
        } = *row;
        let sum = sums.entry(code(register, &row.service)).or_default();
        sum.category = &row.category;
        sum.service_uses += service_uses;
        sum.attempts += service_uses + abandoned + failed;
        sum.failed += failed;
        sum.last_day = sum.last_day.max(row.last_day.parse().ok());
    }
    sums
}

/// Returns the least change of a main variation in a year of so many uses.
pub(crate) fn main_change_min(service_uses: u64) -> u64 {
    (service_uses * MAIN_CHANGE_PER_MILLE / 1_000).max(BASE_MIN)
}

/// Returns the services with other uses than in the compared year, in the order of `categories`,
/// then the greatest change first.
pub(crate) fn changes(categories: &[CategoryRow], variations: &[Variation]) -> Vec<Variation> {
    let places = categories.iter().enumerate();
    let places: BTreeMap<&str, usize> = places
        .map(|(place, row)| (&*row.name.category, place))
        .collect();
    let changed = variations.iter();
    let changed = changed.filter(|row| row.change.is_some_and(|change| change != 0));
    let mut changed: Vec<Variation> = changed.cloned().collect();
    changed.sort_by_cached_key(|row| {
        let place = places.get(&*row.category.category).copied();
        let size = row.change.map_or(0, i64::unsigned_abs);
        (place, Reverse(size), row.name.service.clone())
    });
    changed
}

/// Returns the main ones of these changes: by category, at most three, none below a part of all
/// uses of the year.
pub(crate) fn main_variations(changes: &[Variation], service_uses: u64) -> Vec<CategoryVariations> {
    let least = main_change_min(service_uses);
    let by_category = changes.chunk_by(|a, b| a.category == b.category);
    let main = by_category.map(|services| CategoryVariations {
        name: services[0].category.clone(),
        services: services
            .iter()
            .take(MAIN)
            .filter(|row| {
                row.change
                    .is_some_and(|change| change.unsigned_abs() >= least)
            })
            .cloned()
            .collect(),
    });
    main.filter(|row| !row.services.is_empty()).collect()
}

/// Returns the services with a status, by status, then most used first.
pub(crate) fn with_status(variations: &[Variation]) -> Vec<Variation> {
    let mut rows: Vec<Variation> = variations
        .iter()
        .filter(|row| row.status.is_some())
        .cloned()
        .collect();
    rows.sort_by_key(|row| {
        (
            row.status,
            Reverse(row.service_uses),
            row.name.service.clone(),
        )
    });
    rows
}

pub(super) fn difference(now: u64, before: u64) -> i64 {
    now.cast_signed().wrapping_sub(before.cast_signed())
}
