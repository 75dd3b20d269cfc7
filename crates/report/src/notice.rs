//! What a reader must know before trusting the figures.

use std::collections::BTreeSet;

use affluenza_register::Register;
use affluenza_store::figures::YearFigures;
use jiff::civil::Date;
use serde::Serialize;

use crate::names::UNREGISTERED;
use crate::tables::{CrossTable, Kinds};

/// Something about the data that the tables alone do not tell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "code", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Notice {
    /// Nothing was recorded in the year.
    NoData {
        /// The year asked for.
        year: i16,
    },
    /// Nothing was recorded in the year to compare with, so there is no change to show.
    NoDataToCompare {
        /// The compared year.
        year: i16,
    },
    /// Plain uses, payments and bookings are not all service uses.
    KindsDoNotAddUp {
        /// All service uses.
        service_uses: u64,
        /// Plain uses, payments and bookings together.
        kinds_sum: u64,
    },
    /// Uses of services or enti that the register does not know.
    UnregisteredUse {
        /// How many uses.
        service_uses: u64,
    },
    /// Uses of enti that the register does not know; they are among the unregistered uses.
    UnregisteredEnti {
        /// How many enti.
        enti: usize,
        /// How many uses.
        service_uses: u64,
    },
    /// Uses in a category that the register does not know.
    UnknownCategory {
        /// Its code.
        category: String,
        /// How many uses.
        service_uses: u64,
    },
    /// Registered services that were used, and that no ente offered on the last day of the year.
    ServicesNotOffered {
        /// How many services.
        services: usize,
        /// How many uses.
        service_uses: u64,
    },
    /// Enti that were used in categories in which they offered nothing on the last day of the
    /// year.
    CategoriesNotOffered {
        /// How many enti.
        enti: usize,
        /// How many pairs of ente and category.
        ente_categories: usize,
        /// How many uses.
        service_uses: u64,
    },
    /// Service uses summed by ente and by service are not the same.
    ServiceUsesDisagree {
        /// Sum over enti.
        by_ente: u64,
        /// Sum over services.
        by_service: u64,
    },
    /// People's accesses summed by device and by band are not the same.
    AccessesDisagree {
        /// Sum over classes of people's devices.
        by_device: u64,
        /// Sum over bands.
        by_band: u64,
    },
    /// Users summed by band and by hour of the day are not the same.
    UsersDisagree {
        /// Sum over bands.
        by_band: u64,
        /// Sum over hours of the day.
        by_hour: u64,
    },
}

/// Notices on the figures themselves: uses that the register cannot place, sums that disagree.
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
    if by_band != people_accesses {
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
    let strangers = || usage.enti.iter().filter(|row| !row.name.registered);
    if strangers().next().is_some() {
        notices.push(Notice::UnregisteredEnti {
            enti: strangers().count(),
            service_uses: strangers().map(|row| row.total).sum(),
        });
    }
}

/// Notices on use of what the register says was not on offer on `day`.
///
/// Figures by service do not say in which ente, so two coarser questions are asked: of services
/// that nobody offered, and of enti in categories in which they offered nothing.
pub(crate) fn on_offer(
    register: &Register,
    day: Date,
    figures: &YearFigures,
    usage: &CrossTable,
    offered: &CrossTable,
) -> Vec<Notice> {
    let mut notices = Vec::new();
    let on_offer: BTreeSet<usize> = register
        .deployments_on(day)
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
    for row in usage.enti.iter().filter(|row| row.name.registered) {
        for (category, count) in &row.by_category {
            let known = register.category(category).is_some();
            if known && *count > 0 && offered.count(&row.name.ente, category) == 0 {
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
