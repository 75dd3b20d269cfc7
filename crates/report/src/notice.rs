//! Cautions to read before trusting the figures.

use std::collections::{BTreeMap, BTreeSet};

use affluenza_store::figures::{DayUse, YearFigures};
use jiff::ToSpan;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::names::UNREGISTERED;
use crate::ratio::share_percent;
use crate::report::{Report, ReportRequest};
use crate::scope;
use crate::tables::{CrossTable, Kinds};

/// A caution about the data that the tables alone do not show.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "code", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Notice {
    /// Nothing was recorded in the year.
    NoData {
        /// Requested year.
        year: i16,
    },
    /// Nothing was recorded in the compared year, so there are no changes to show.
    NoDataToCompare {
        /// Compared year.
        year: i16,
    },
    /// Portals sent service uses, but no accesses: their number is unknown, not zero.
    NoAccesses {
        /// Year of the report.
        year: i16,
    },
    /// Plain uses, payments and bookings do not add up to all service uses.
    KindsDoNotAddUp {
        /// All service uses.
        service_uses: u64,
        /// Sum of plain uses, payments and bookings.
        kinds_sum: u64,
    },
    /// Uses of services or enti that are not registered.
    UnregisteredUse {
        /// Number of uses.
        service_uses: u64,
    },
    /// Uses of enti that are not registered. They are part of the unregistered uses.
    UnregisteredEnti {
        /// Number of enti.
        enti: usize,
        /// Number of uses.
        service_uses: u64,
    },
    /// Uses in a category that is not registered.
    UnknownCategory {
        /// Code of the category.
        category: String,
        /// Number of uses.
        service_uses: u64,
    },
    /// Registered services that were used, but offered by no ente on the last day of the year.
    ServicesNotOffered {
        /// Number of services.
        services: usize,
        /// Number of uses.
        service_uses: u64,
    },
    /// Enti used in categories in which they offered no service on the last day of the year.
    CategoriesNotOffered {
        /// Number of enti.
        enti: usize,
        /// Number of pairs of ente and category.
        ente_categories: usize,
        /// Number of uses.
        service_uses: u64,
    },
    /// Service uses summed by ente and by service differ.
    ServiceUsesDisagree {
        /// Sum over enti.
        by_ente: u64,
        /// Sum over services.
        by_service: u64,
    },
    /// People's accesses summed by device and by band differ.
    AccessesDisagree {
        /// Sum over classes of people's devices.
        by_device: u64,
        /// Sum over bands.
        by_band: u64,
    },
    /// Users summed by band and by hour of the day differ.
    UsersDisagree {
        /// Sum over bands.
        by_band: u64,
        /// Sum over hours of the day.
        by_hour: u64,
    },
    /// An ente with many events a day had none for several days.
    SilentDays {
        /// Code of the ente, registered or not.
        ente: String,
        /// Number of days without events.
        days: u64,
        /// First day without events, `2017-08-14`.
        from: String,
    },
    /// The share of a class of device shifted when the classification rules changed.
    LevelShift {
        /// Class of device.
        device: String,
        /// First day of the new rules, `2017-08-14`.
        day: String,
        /// Version of the new rules and the register.
        rules: String,
        /// Share of accesses in the four weeks before, in percent.
        before_percent: f64,
        /// Share of accesses in the four weeks after, in percent.
        after_percent: f64,
    },
    /// Figures of these months may be too low or too high, until reconciliation with the events.
    MonthsInDoubt {
        /// The months, `2017-03`.
        months: Vec<String>,
    },
    /// Records were lost before they were counted, and an operator accepted the loss.
    RecordsLost(AcceptedLoss),
}

/// Lost records that may belong to the year.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AcceptedLoss {
    /// Largest possible number of lost records.
    pub records: u64,
    /// First day that the loss may concern, `2017-08-14`.
    pub from: String,
    /// Last day that the loss may concern.
    pub to: String,
    /// Reason given by the operator.
    pub reason: String,
}

/// Least mean of events a day for a silence to stand out.
const SILENCE_EVENTS_A_DAY_MIN: u64 = 20;
/// Least days of a silence; fewer are a holiday.
const SILENCE_DAYS_MIN: u64 = 3;
/// Days compared on either side of a change of rules.
const SHIFT_DAYS: i64 = 28;
/// Least accesses on either side for a shift to be significant.
const SHIFT_ACCESSES_MIN: u64 = 1_000;
/// Change of a device's share, in percentage points, above which it counts as a shift.
const SHIFT_POINTS: f64 = 10.0;

/// Returns notices on the figures themselves: uses that cannot be assigned by the register, and
/// sums that disagree.
pub(crate) fn on_figures(
    figures: &YearFigures,
    kinds: &Kinds,
    usage: &CrossTable,
    people_accesses: u64,
) -> Vec<Notice> {
    let mut notices = Vec::new();
    let kinds_sum = kinds.plain + kinds.payments + kinds.bookings;
    let service_uses = kinds.service_uses;
    if kinds_sum != service_uses {
        notices.push(Notice::KindsDoNotAddUp {
            service_uses,
            kinds_sum,
        });
    }
    unplaced(usage, &mut notices);

    let by_service = figures.services.iter().map(|row| row.service_uses).sum();
    if by_service != service_uses {
        notices.push(Notice::ServiceUsesDisagree {
            by_ente: service_uses,
            by_service,
        });
    }
    let by_band = figures.bands.iter().map(|row| row.accesses).sum();
    // Figures to compare with others have no hours.
    if !figures.bands.is_empty() && by_band != people_accesses {
        notices.push(Notice::AccessesDisagree {
            by_device: people_accesses,
            by_band,
        });
    }
    let by_band = figures.bands.iter().map(|row| row.users_hours).sum();
    let by_hour = figures.hours.iter().map(|row| row.users_hours).sum();
    if by_band != by_hour {
        notices.push(Notice::UsersDisagree { by_band, by_hour });
    }
    notices
}

fn unplaced(usage: &CrossTable, notices: &mut Vec<Notice>) {
    for (category, count) in &usage.by_category {
        let known = usage.categories.iter().find(|c| c.category == *category);
        if known.is_none_or(|known| known.registered) || *count == 0 {
            continue;
        }
        notices.push(if category == UNREGISTERED {
            Notice::UnregisteredUse {
                service_uses: *count,
            }
        } else {
            Notice::UnknownCategory {
                category: category.clone(),
                service_uses: *count,
            }
        });
    }
    let strangers = usage.enti.iter().filter(|row| !row.name.registered);
    let enti = strangers.clone().count();
    if enti > 0 {
        notices.push(Notice::UnregisteredEnti {
            enti,
            service_uses: strangers.map(|row| row.total).sum(),
        });
    }
}

/// Returns notices on use of services that were not offered on the last day of the year.
///
/// Figures by service do not always include the ente. So two coarser checks are made: services that
/// no ente offered, and enti used in categories in which they offered no service.
pub(crate) fn on_offer(
    question: &ReportRequest<'_>,
    figures: &YearFigures,
    report: &Report,
) -> Vec<Notice> {
    let (register, day) = (question.register, report.offered_on);
    let (usage, offered) = (&report.usage, &report.offered);
    let mut notices = Vec::new();
    let on_offer: BTreeSet<usize> = scope::deployments(register, question.ente)
        .filter(|deployment| deployment.validity.contains(day))
        .map(|deployment| deployment.service.index())
        .collect();
    let (mut services, mut service_uses) = (BTreeSet::new(), 0);
    for row in &figures.services {
        let Some(service) = register.service(&row.service) else {
            continue;
        };
        if row.service_uses > 0 && !on_offer.contains(&service.index()) {
            services.insert(service.index());
            service_uses += row.service_uses;
        }
    }
    if !services.is_empty() {
        notices.push(Notice::ServicesNotOffered {
            services: services.len(),
            service_uses,
        });
    }

    let (mut enti, mut ente_categories, mut service_uses) = (BTreeSet::new(), 0, 0);
    let offered = offered.by_ente();
    for row in usage.enti.iter().filter(|row| row.name.registered) {
        let offered = offered.get(&*row.name.ente);
        for (category, count) in &row.by_category {
            let known = register.category(category).is_some();
            let on_offer = offered.and_then(|row| row.by_category.get(category));
            if known && *count > 0 && on_offer.is_none_or(|services| *services == 0) {
                enti.insert(&row.name.ente);
                ente_categories += 1;
                service_uses += count;
            }
        }
    }
    if ente_categories > 0 {
        notices.push(Notice::CategoriesNotOffered {
            enti: enti.len(),
            ente_categories,
            service_uses,
        });
    }
    notices
}

/// Returns notices on days without events, and on shares that shifted when the rules changed.
pub(crate) fn on_time(figures: &YearFigures) -> Vec<Notice> {
    let detail = &figures.detail;
    let mut notices = Vec::new();
    for row in &detail.silences {
        let busy = row.events >= SILENCE_EVENTS_A_DAY_MIN * row.days;
        if busy && row.silence_days >= SILENCE_DAYS_MIN {
            notices.push(Notice::SilentDays {
                ente: row.ente.clone(),
                days: row.silence_days,
                from: row.silence_from.clone(),
            });
        }
    }
    for rules in detail.rules.iter().skip(1) {
        notices.extend(shifts(&detail.days, &rules.first_day, &rules.rules));
    }
    notices
}

/// Returns the classes of device whose share of accesses shifted at `first_day`.
fn shifts(days: &[DayUse], first_day: &str, rules: &str) -> Vec<Notice> {
    let Ok(first) = first_day.parse::<Date>() else {
        return Vec::new();
    };
    let (from, until) = (first - SHIFT_DAYS.days(), first + SHIFT_DAYS.days());
    let mut sums: BTreeMap<&str, [u64; 2]> = BTreeMap::new();
    for row in days {
        let Ok(day) = row.day.parse::<Date>() else {
            continue;
        };
        if from <= day && day < until {
            sums.entry(&row.device).or_default()[usize::from(day >= first)] += row.accesses;
        }
    }
    let all_before: u64 = sums.values().map(|[before, _]| before).sum();
    let all_after: u64 = sums.values().map(|[_, after]| after).sum();
    if all_before.min(all_after) < SHIFT_ACCESSES_MIN {
        return Vec::new();
    }
    let shifted = sums.iter().filter_map(|(device, [before, after])| {
        let before_percent = share_percent(*before, all_before)?;
        let after_percent = share_percent(*after, all_after)?;
        ((after_percent - before_percent).abs() > SHIFT_POINTS).then(|| Notice::LevelShift {
            device: (*device).to_owned(),
            day: first_day.to_owned(),
            rules: rules.to_owned(),
            before_percent,
            after_percent,
        })
    });
    shifted.collect()
}
