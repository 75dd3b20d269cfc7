//! Changes of use by service, and the status of services.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use affluenza_register::{Register, Service, Validity};
use affluenza_store::figures::{EnteServiceUse, YearFigures};
use jiff::civil::Date;
use serde::Serialize;

use super::CategoryRow;
use crate::names::CategoryName;
use crate::ratio::change_percent;
use crate::scope;

/// Largest number of services shown in a category.
const SHOWN: usize = 5;
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
    /// The first deployment began in the year.
    New,
    /// The last deployment ended in the year.
    Retired,
    /// Deployed all year, used in the compared year, and not even tried in this one.
    Unused,
    /// Deployed at the end of the year, and one of two conditions holds. Either more than half of
    /// at least ten attempts failed; or at least twelve uses ended before October, though in the
    /// compared year they did not.
    Broken,
}

/// A service with its change from the compared year.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Variation {
    /// Code in the register, or a code that is not registered.
    pub service: String,
    /// Italian name; the code if there is no name.
    pub service_name_it: String,
    /// English name; the Italian one or the code if there is no English name.
    pub service_name_en: String,
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
    /// Services, the greatest change first, up or down; at most five.
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
    /// Difference in percent of the compared year; `None` on a zero base.
    pub change_percent: Option<f64>,
}

/// Categories by their change from the compared year.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Moves {
    /// Categories that rose, the greatest rise first.
    pub rising: Vec<CategoryMove>,
    /// Categories that fell, the greatest fall first.
    pub falling: Vec<CategoryMove>,
}

impl Moves {
    pub(crate) fn build(categories: &[CategoryRow]) -> Self {
        let mut moves: Vec<CategoryMove> = categories
            .iter()
            .filter(|row| row.name.registered)
            .filter_map(|row| {
                let change = difference(row.kinds.service_uses, row.compared_service_uses?);
                Some(CategoryMove {
                    name: row.name.clone(),
                    change,
                    change_percent: row.change_percent,
                })
            })
            .collect();
        moves.sort_by_key(|row| (Reverse(row.change.abs()), row.name.category.clone()));
        let (rising, rest): (Vec<CategoryMove>, Vec<CategoryMove>) =
            moves.into_iter().partition(|row| row.change > 0);
        let falling = rest.into_iter().filter(|row| row.change < 0).collect();
        Self { rising, falling }
    }
}

/// Inputs of the variations of a year.
pub(crate) struct Variations<'f> {
    pub register: &'f Register,
    /// Limits the variations to this ente.
    pub ente: Option<&'f str>,
    pub year: i16,
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
        let deployed = scope::deployments(self.register, self.ente);
        let mut periods: BTreeMap<&str, Vec<Validity>> = BTreeMap::new();
        for deployment in deployed {
            let code = deployment.service.code();
            periods.entry(code).or_default().push(deployment.validity);
        }
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
        let last_day = Date::new(self.year, 12, 31).unwrap_or(Date::MAX);
        let category = known.map(|service| service.category_on(last_day).code());
        let stored = match (sum.category, base) {
            ("", Some(base)) => base.category,
            (own, _) => own,
        };
        let name_it = known.map_or(code, Service::name_it);
        let compared = base.map(|base| base.service_uses);
        Variation {
            service: known.map_or(code, Service::code).to_owned(),
            service_name_it: name_it.to_owned(),
            service_name_en: known
                .and_then(Service::name_en)
                .unwrap_or(name_it)
                .to_owned(),
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
        let first_day = Date::new(self.year, 1, 1).ok()?;
        let last_day = Date::new(self.year, 12, 31).ok()?;
        let next_year = Date::new(self.year.checked_add(1)?, 1, 1).ok()?;
        if periods.is_empty() {
            return None;
        }
        let ends: Option<Vec<Date>> = periods.iter().map(|period| period.to).collect();
        let end = ends.and_then(|ends| ends.into_iter().max());
        if end.is_some_and(|end| first_day < end && end <= next_year) {
            return Some(Status::Retired);
        }
        let at_the_end = periods.iter().any(|period| period.contains(last_day));
        if at_the_end && is_broken(sum, base, self.year) {
            return Some(Status::Broken);
        }
        let all_year = periods
            .iter()
            .any(|period| period.contains(first_day) && period.contains(last_day));
        if all_year && sum.attempts == 0 && base.is_some_and(|base| base.service_uses > 0) {
            return Some(Status::Unused);
        }
        let starts: Option<Vec<Date>> = periods.iter().map(|period| period.from).collect();
        let start = starts.and_then(|starts| starts.into_iter().min());
        start
            .is_some_and(|start| first_day <= start && start < next_year)
            .then_some(Status::New)
    }
}

fn is_broken(sum: &Sum<'_>, base: Option<&Sum<'_>>, year: i16) -> bool {
    let failed_percent = sum.failed as f64 * 100.0 / sum.attempts.max(1) as f64;
    if sum.attempts >= BROKEN_ATTEMPTS_MIN && failed_percent > BROKEN_FAILED_PERCENT {
        return true;
    }
    let (Some(last), Some(base)) = (sum.last_day, base.and_then(|base| base.last_day)) else {
        return false;
    };
    let ended = last.year() == year && last.month() <= BROKEN_MONTH;
    sum.service_uses >= BROKEN_USES_MIN && ended && base.month() > BROKEN_MONTH
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

/// Returns the services that changed most, by category in the order of `categories`.
pub(crate) fn by_category(
    categories: &[CategoryRow],
    variations: &[Variation],
) -> Vec<CategoryVariations> {
    let shown = categories.iter().map(|category| {
        let mut services: Vec<Variation> = variations
            .iter()
            .filter(|row| row.category.category == category.name.category)
            .filter(|row| row.change.is_some_and(|change| change != 0))
            .cloned()
            .collect();
        services.sort_by_key(|row| {
            let size = row.change.map_or(0, i64::unsigned_abs);
            (Reverse(size), row.service.clone())
        });
        services.truncate(SHOWN);
        CategoryVariations {
            name: category.name.clone(),
            services,
        }
    });
    shown.filter(|row| !row.services.is_empty()).collect()
}

/// Returns the services with a status, by status, then most used first.
pub(crate) fn with_status(variations: &[Variation]) -> Vec<Variation> {
    let mut rows: Vec<Variation> = variations
        .iter()
        .filter(|row| row.status.is_some())
        .cloned()
        .collect();
    rows.sort_by_key(|row| (row.status, Reverse(row.service_uses), row.service.clone()));
    rows
}

fn difference(now: u64, before: u64) -> i64 {
    now.cast_signed().wrapping_sub(before.cast_signed())
}
