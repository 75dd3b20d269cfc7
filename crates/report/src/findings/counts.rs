//! Counts that the rules of findings read.

use std::collections::{BTreeMap, BTreeSet};

use affluenza_classify::hours::Band;
use affluenza_register::Service;
use affluenza_store::figures::YearFigures;
use affluenza_store::usage::Dimension;
use jiff::civil::Date;

use crate::count::Count;
use crate::names::ServiceName;
use crate::notice::Notice;
use crate::report::{Report, ReportRequest};
use crate::scope;
use crate::tables::{CrossRow, CrossTable, Devices, EnteName, Moves, Turn, Variation};

/// Kinds of login with a digital identity. A level may follow, as in `spid-2`.
const IDENTITIES: [&str; 3] = ["spid", "cie", "cns"];

/// A count, and the count that it is a part of.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ShareCounts {
    pub part: Count,
    pub whole: Count,
}

impl ShareCounts {
    pub(crate) fn shown(part: u64, whole: u64) -> Self {
        Self {
            part: Count::Shown(part),
            whole: Count::Shown(whole),
        }
    }

    pub(crate) fn hidden() -> Self {
        Self {
            part: Count::Hidden,
            whole: Count::Hidden,
        }
    }
}

/// Uses of a service, in one ente or in all, in the year and in the compared year.
#[derive(Debug, Clone)]
pub(crate) struct ServiceCounts {
    pub name: ServiceName,
    pub ente: Option<EnteName>,
    pub now: Count,
    pub before: Count,
    pub turn: Option<Turn>,
}

/// Uses and offered services of an ente.
#[derive(Debug, Clone)]
pub(crate) struct EnteTotals {
    pub name: EnteName,
    pub uses: Count,
    pub offered: u64,
}

/// Counts that the rules read. Parts that an edition may not show are empty.
#[derive(Debug, Clone)]
pub(crate) struct FindingCounts {
    pub compared_year: i16,
    /// True for the report of one ente.
    pub is_of_ente: bool,
    pub uses: Count,
    pub uses_before: Count,
    /// Registered services in all enti.
    pub services: Vec<ServiceCounts>,
    /// Registered services in each registered ente.
    pub services_of_enti: Vec<ServiceCounts>,
    /// Registered enti.
    pub enti: Vec<EnteTotals>,
    /// Services of the only ente without uses, and all that it offers.
    pub services_without_uses: ShareCounts,
    /// Uses of the only ente of services that it does not offer.
    pub uses_not_offered: Count,
    pub moves: Moves,
    /// Accesses by smartphone and tablet, in both years.
    pub mobile: [ShareCounts; 2],
    /// Users out of office hours, in both years.
    pub off_hours: [ShareCounts; 2],
    /// Uses with a digital identity, in both years.
    pub identity: [ShareCounts; 2],
}

impl FindingCounts {
    /// Returns all uses of the year and of the compared year, without any other part.
    pub(crate) fn of_uses(report: &Report, [uses, uses_before]: [Count; 2]) -> Self {
        Self {
            compared_year: report.compared_year.unwrap_or(report.year),
            is_of_ente: false,
            uses,
            uses_before,
            services: Vec::new(),
            services_of_enti: Vec::new(),
            enti: Vec::new(),
            services_without_uses: ShareCounts::hidden(),
            uses_not_offered: Count::Hidden,
            moves: Moves::default(),
            mobile: [ShareCounts::hidden(); 2],
            off_hours: [ShareCounts::hidden(); 2],
            identity: [ShareCounts::hidden(); 2],
        }
    }

    /// Returns the counts of an internal report. Counts in doubt are hidden, or left out.
    pub(crate) fn of(
        report: &Report,
        question: &ReportRequest<'_>,
        figures: &YearFigures,
        before: Option<&YearFigures>,
        variations: &[Variation],
    ) -> Self {
        let doubts = Doubts::of(&report.warnings);
        let register = question.register;
        let turns = Turn::all(register, question.ente, report.period);
        let known = variations.iter();
        let known = known.filter(|row| register.service(&row.name.service).is_some());
        let services = known.map(|row| ServiceCounts {
            name: row.name.clone(),
            ente: None,
            now: Count::Shown(row.service_uses),
            before: row
                .compared_service_uses
                .map_or(Count::Hidden, Count::Shown),
            turn: turns.get(&row.name.service).copied(),
        });
        let services_of_enti = report.contributions.iter().map(|row| ServiceCounts {
            name: row.service.clone(),
            ente: Some(row.ente.clone()),
            now: Count::Shown(row.service_uses),
            before: Count::Shown(row.compared_service_uses),
            turn: None,
        });
        let totals = &report.totals;
        let counts = Self {
            compared_year: report.compared_year.unwrap_or(report.year),
            is_of_ente: question.ente.is_some(),
            uses: doubts.uses(Some(totals.kinds.service_uses)),
            uses_before: doubts.uses(totals.compared_service_uses),
            services: services.collect(),
            services_of_enti: services_of_enti.collect(),
            enti: EnteTotals::all(report),
            services_without_uses: services_without_uses(question, figures, report.offered_on),
            uses_not_offered: Count::Shown(uses_not_offered(report)),
            moves: report.moves.clone(),
            mobile: [Some(figures), before].map(|year| doubts.mobile(year)),
            off_hours: [Some(figures), before].map(|year| doubts.off_hours(year)),
            identity: [Some(figures), before].map(|year| doubts.identity(year)),
        };
        match doubts.of_uses {
            false => counts,
            true => Self {
                services: Vec::new(),
                services_of_enti: Vec::new(),
                enti: Vec::new(),
                services_without_uses: ShareCounts::hidden(),
                uses_not_offered: Count::Hidden,
                moves: Moves::default(),
                ..counts
            },
        }
    }
}

impl EnteTotals {
    /// Returns the registered enti with uses or services.
    pub(crate) fn all(report: &Report) -> Vec<Self> {
        let rows = report.usage.enti.iter().chain(&report.offered.enti);
        let known = rows.filter(|row| row.name.registered);
        let codes: BTreeSet<&str> = known.map(|row| &*row.name.ente).collect();
        let [uses, offered] = [&report.usage, &report.offered].map(CrossTable::by_ente);
        let enti = codes.into_iter().filter_map(|code| {
            let row = uses.get(code).or(offered.get(code))?;
            let total =
                |rows: &BTreeMap<&str, &CrossRow>| rows.get(code).map_or(0, |row| row.total);
            Some(Self {
                name: row.name.clone(),
                uses: Count::Shown(total(&uses)),
                offered: total(&offered),
            })
        });
        enti.collect()
    }
}

/// Returns the number of services of the ente without uses, of those offered on the day; hidden for all
/// enti.
fn services_without_uses(
    question: &ReportRequest<'_>,
    figures: &YearFigures,
    day: Date,
) -> ShareCounts {
    let hidden = ShareCounts::hidden();
    let (Some(ente), register) = (question.ente, question.register) else {
        return hidden;
    };
    let offered: BTreeSet<&str> = scope::deployments(register, Some(ente))
        .filter(|deployment| deployment.validity.contains(day))
        .map(|deployment| deployment.service.code())
        .collect();
    let used = figures.services.iter().filter(|row| row.service_uses > 0);
    let used = used.filter_map(|row| register.service(&row.service));
    let used: BTreeSet<&str> = used.map(Service::code).collect();
    ShareCounts::shown(
        offered.difference(&used).count() as u64,
        offered.len() as u64,
    )
}

/// Returns the uses of the only ente of services that it does not offer on the last day.
fn uses_not_offered(report: &Report) -> u64 {
    let offered = report.offered_services.iter();
    let offered: u64 = offered.map(|row| row.service_uses).sum();
    report.totals.kinds.service_uses.saturating_sub(offered)
}

/// Figures that a finding must not rest on, because the report doubts them.
struct Doubts {
    of_uses: bool,
    of_accesses: bool,
    of_users: bool,
}

impl Doubts {
    fn of(notices: &[Notice]) -> Self {
        let mut doubts = Self {
            of_uses: false,
            of_accesses: false,
            of_users: false,
        };
        for notice in notices {
            match notice {
                Notice::MonthsInDoubt { .. } => {
                    doubts = Self {
                        of_uses: true,
                        of_accesses: true,
                        of_users: true,
                    }
                }
                Notice::KindsDoNotAddUp { .. } | Notice::ServiceUsesDisagree { .. } => {
                    doubts.of_uses = true;
                }
                Notice::AccessesDisagree { .. } => doubts.of_accesses = true,
                Notice::UsersDisagree { .. } => doubts.of_users = true,
                _ => {}
            }
        }
        doubts
    }

    fn uses(&self, count: Option<u64>) -> Count {
        let count = count.filter(|_| !self.of_uses);
        count.map_or(Count::Hidden, Count::Shown)
    }

    fn mobile(&self, year: Option<&YearFigures>) -> ShareCounts {
        let devices = year.filter(|_| !self.of_accesses);
        devices.map_or(ShareCounts::hidden(), |year| {
            let devices = Devices::build(&year.devices);
            ShareCounts::shown(devices.smartphone_and_tablet.accesses, devices.accesses)
        })
    }

    /// Returns the users out of office hours. Without accesses, users are only those of services,
    /// and not to be compared with those of another year.
    fn off_hours(&self, year: Option<&YearFigures>) -> ShareCounts {
        let bands = year.filter(|_| !self.of_users);
        let bands = bands.filter(|year| year.bands.iter().any(|row| row.accesses > 0));
        bands.map_or(ShareCounts::hidden(), |year| {
            let bands = year.bands.iter();
            let office = <&str>::from(Band::Office);
            let off = bands.clone().filter(|row| row.band != office);
            ShareCounts::shown(
                off.map(|row| row.users_hours).sum(),
                bands.map(|row| row.users_hours).sum(),
            )
        })
    }

    fn identity(&self, year: Option<&YearFigures>) -> ShareCounts {
        let logins = year.filter(|_| !self.of_uses);
        logins.map_or(ShareCounts::hidden(), |year| {
            let rows = year.detail.breakdowns.rows(Dimension::Login).iter();
            let with_identity = rows.clone().filter(|row| {
                let kind = row.value.split('-').next().unwrap_or_default();
                IDENTITIES.contains(&kind)
            });
            ShareCounts::shown(
                with_identity.map(|row| row.service_uses).sum(),
                rows.map(|row| row.service_uses).sum(),
            )
        })
    }
}
