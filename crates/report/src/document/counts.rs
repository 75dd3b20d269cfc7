//! Counts of people's use, as the edition shows them.
//!
//! The internal edition shows the counts of the report. **The public edition reads every count from
//! the protected tables**, so it cannot reveal a hidden one. Its rows are never ordered by counts
//! that may be hidden.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use affluenza_disclosure::{Public, sum};
use affluenza_register::Register;

use super::{Cell, SectionWriter};
use crate::Report;
use crate::count::{Count, CountCells as _};
use crate::findings::{EnteTotals, FindingCounts, ServiceCounts, ShareCounts, YearFinding};
use crate::names::{CategoryName, ServiceName};
use crate::tables::{
    CategoryCounts, EnteName, Kinds, MAIN, Moves, PortalKindRow, TOP, Turn, main_change_min,
};
use crate::text::harmless;

/// Protected tables of a year, as published elsewhere.
#[derive(Clone, Copy)]
pub struct PublicEdition<'e> {
    /// Counts below this are hidden.
    pub small_count: u64,
    /// Completed uses of people by ente, category, kind, service, month (`2017-03`) and hour in its
    /// band (`office 09`).
    pub uses: &'e Public<6>,
    /// Uses of the compared year.
    pub uses_before: Option<&'e Public<6>>,
    /// Accesses of people by kind of portal, device, month, weekday and hour in its band.
    pub accesses: &'e Public<5>,
    /// True if users by hour may be shown: none of these counts is small, and no hour has hidden
    /// accesses or uses.
    pub has_users: bool,
}

/// Kinds of uses in the protected tables, in the order of [`UseCounts::kinds`].
const KINDS: [&str; 3] = ["plain", "payment", "booking"];

/// Ente and category of counted uses; `None` stands for all.
#[derive(Clone, Copy, Default)]
pub(super) struct Slice<'p> {
    pub ente: Option<&'p str>,
    pub category: Option<&'p str>,
}

impl<'p> Slice<'p> {
    pub(super) fn in_category(category: &'p CategoryName) -> Self {
        Self {
            ente: None,
            category: Some(&category.category),
        }
    }
}

/// Uses of a row of a table.
#[derive(Clone, Copy)]
pub(super) struct UseCounts {
    /// Plain uses, payments and bookings.
    pub kinds: [Count; 3],
    /// All uses.
    pub all: Count,
}

impl From<&Kinds> for UseCounts {
    fn from(kinds: &Kinds) -> Self {
        Self {
            kinds: [kinds.plain, kinds.payments, kinds.bookings].map(Count::Shown),
            all: Count::Shown(kinds.service_uses),
        }
    }
}

impl UseCounts {
    /// Returns the cells of the kinds and of their sum.
    pub(super) fn cells(self) -> [Cell; 4] {
        let [plain, payments, bookings] = self.kinds.map(Count::sparse);
        [plain, payments, bookings, self.all.into()]
    }
}

/// An ente with its uses in both years.
pub(super) struct EnteCounts {
    pub name: EnteName,
    pub now: Count,
    pub before: Count,
}

/// A service with its published uses in both years.
pub(super) struct PublishedService {
    pub category: CategoryName,
    pub name: ServiceName,
    pub now: Count,
    pub before: Count,
}

/// Changed services that a table shows.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum ChangesShown {
    /// The main variations.
    Main,
    /// All.
    All,
}

impl PublicEdition<'_> {
    pub(super) fn uses(&self, of: Slice<'_>) -> UseCounts {
        let (ente, category) = (of.ente, of.category);
        UseCounts {
            kinds: KINDS.map(|kind| {
                self.uses
                    .cell([ente, category, Some(kind), None, None, None])
            }),
            all: self.uses.cell([ente, category, None, None, None, None]),
        }
    }

    fn visits(&self, device: Option<&str>, month: Option<&str>) -> Count {
        self.accesses.cell([None, device, month, None, None])
    }

    fn visits_of_kind(&self, kind: &str, device: Option<&str>) -> Count {
        self.accesses.cell([Some(kind), device, None, None, None])
    }

    /// Returns the enti with uses in the order of names, unknown ones last. Having uses is no
    /// secret, because a zero is never hidden.
    pub(super) fn enti(&self, register: &Register) -> Vec<EnteName> {
        Self::enti_of([Some(self.uses), None], register)
    }

    fn enti_of(tables: [Option<&Public<6>>; 2], register: &Register) -> Vec<EnteName> {
        let mut enti: Vec<EnteName> = Vec::new();
        for (labels, _) in tables.into_iter().flatten().flat_map(Public::cells) {
            if let [Some(code), None, None, None, None, None] = labels {
                enti.push(EnteName::of(register, code));
            }
        }
        enti.sort_by_cached_key(|name| {
            (
                !name.registered,
                harmless(&name.ente_name),
                name.ente.clone(),
            )
        });
        enti.dedup();
        enti
    }

    /// Returns the uses of each ente in both years; none without a compared year.
    pub(super) fn changed_enti(&self, register: &Register) -> Vec<EnteCounts> {
        let Some(before) = self.uses_before else {
            return Vec::new();
        };
        let enti = Self::enti_of([Some(self.uses), Some(before)], register);
        let counts = enti.into_iter().map(|name| {
            let labels = [Some(&*name.ente), None, None, None, None, None];
            EnteCounts {
                now: self.uses.cell(labels),
                before: before.cell(labels),
                name,
            }
        });
        counts.collect()
    }

    /// Returns every service used in either year, in the order of categories and codes.
    fn services(&self, register: &Register) -> Vec<PublishedService> {
        let tables = [Some(self.uses), self.uses_before].into_iter().flatten();
        let mut keys: Vec<(&str, &str)> = Vec::new();
        for (labels, _) in tables.flat_map(Public::cells) {
            if let [None, Some(category), None, Some(service), None, None] = labels {
                keys.push((category, service));
            }
        }
        keys.sort_unstable();
        keys.dedup();
        let published = keys.into_iter().map(|(category, service)| {
            let labels = [None, Some(category), None, Some(service), None, None];
            let before = self.uses_before.map(|before| before.cell(labels));
            PublishedService {
                category: CategoryName::of(register, category),
                name: ServiceName::of(register, service),
                now: self.uses.cell(labels),
                before: before.unwrap_or(Count::Hidden),
            }
        });
        published.collect()
    }

    /// Returns the services used most, of those with public counts.
    pub(super) fn top(&self, register: &Register) -> Vec<PublishedService> {
        let mut services = self.services(register);
        services.retain(|service| service.now.shown().is_some_and(|uses| uses > 0));
        services.sort_by_cached_key(|service| {
            (Reverse(service.now.shown()), service.name.service.clone())
        });
        services.truncate(TOP);
        services
    }

    /// Returns the services of a category that changed, of those with public counts in both years,
    /// the greatest change first.
    pub(super) fn changed(
        &self,
        category: &CategoryName,
        register: &Register,
        shown: ChangesShown,
    ) -> Vec<PublishedService> {
        let least = match (shown, self.uses(Slice::default()).all) {
            (ChangesShown::Main, Count::Shown(all)) => main_change_min(all),
            (ChangesShown::Main, Count::Hidden) => return Vec::new(),
            (ChangesShown::All, _) => 1,
        };
        let size = |service: &PublishedService| {
            let moved = service.now.difference_from(service.before);
            moved.map(i64::unsigned_abs)
        };
        let mut services = self.services(register);
        services.retain(|service| {
            service.category == *category && size(service).is_some_and(|size| size >= least)
        });
        services
            .sort_by_cached_key(|service| (Reverse(size(service)), service.name.service.clone()));
        if shown == ChangesShown::Main {
            services.truncate(MAIN);
        }
        services
    }

    /// Returns the findings that rest on published counts alone.
    pub(super) fn findings(&self, report: &Report, register: &Register) -> Vec<YearFinding> {
        let turns = Turn::all(register, None, report.period);
        // A service that changed its category has a row in both.
        let mut services: BTreeMap<String, ServiceCounts> = BTreeMap::new();
        for row in self.services(register) {
            let code = row.name.service.clone();
            if register.service(&code).is_none() {
                continue;
            }
            let turn = turns.get(&code).copied();
            let of_service = services.entry(code).or_insert_with(|| ServiceCounts {
                turn,
                name: row.name,
                ente: None,
                now: Count::default(),
                before: Count::default(),
            });
            of_service.now += row.now;
            of_service.before += row.before;
        }
        let enti = EnteTotals::all(report).into_iter().map(|ente| EnteTotals {
            uses: self
                .uses(Slice {
                    ente: Some(&ente.name.ente),
                    category: None,
                })
                .all,
            ..ente
        });
        let counts = FindingCounts {
            compared_year: report.compared_year.unwrap_or(report.year),
            is_of_ente: false,
            uses: self.uses(Slice::default()).all,
            uses_before: self.before(Slice::default()).unwrap_or(Count::Hidden),
            services: services.into_values().collect(),
            services_of_enti: Vec::new(),
            enti: enti.collect(),
            services_without_uses: ShareCounts::hidden(),
            uses_not_offered: Count::Hidden,
            moves: self.known_moves(report),
            mobile: [
                ShareCounts {
                    part: self.mobile_visits(None),
                    whole: self.visits(None, None),
                },
                ShareCounts::hidden(),
            ],
            off_hours: [ShareCounts::hidden(); 2],
            identity: [ShareCounts::hidden(); 2],
        };
        counts.findings()
    }

    /// Returns the categories that rose and fell, if no other can have moved more: none without the
    /// public counts of every category.
    fn known_moves(&self, report: &Report) -> Moves {
        let mut categories = self.categories(report);
        match categories.any(|row| row.now.is_hidden() || row.before.is_hidden()) {
            true => Moves::default(),
            false => self.moves(report),
        }
    }

    /// Returns the categories that rose and fell, of those with public counts.
    pub(super) fn moves(&self, report: &Report) -> Moves {
        Moves::build(self.categories(report))
    }

    fn categories(&self, report: &Report) -> impl Iterator<Item = CategoryCounts> {
        report.categories.iter().map(|row| {
            let slice = Slice::in_category(&row.name);
            CategoryCounts {
                name: row.name.clone(),
                now: self.uses(slice).all,
                before: self.before(slice).unwrap_or(Count::Hidden),
            }
        })
    }

    pub(super) fn before(&self, of: Slice<'_>) -> Option<Count> {
        let labels = [of.ente, of.category, None, None, None, None];
        Some(self.uses_before?.cell(labels))
    }

    /// Returns the visits by smartphone and tablet in a month, or in all.
    fn mobile_visits(&self, month: Option<&str>) -> Count {
        let devices = ["smartphone", "tablet"];
        sum(devices.map(|device| self.visits(Some(device), month)))
    }
}

impl SectionWriter<'_> {
    /// Returns the rows of ente, category and kind that are published and not zero.
    pub(super) fn published_cells(self) -> Vec<Vec<Cell>> {
        let mut rows = Vec::new();
        let Some((edition, register)) = self.public else {
            return rows;
        };
        for ente in edition.enti(register) {
            for category in &self.report.usage.categories {
                let uses = edition.uses(Slice {
                    ente: Some(&ente.ente),
                    ..Slice::in_category(category)
                });
                if uses.all != Count::Shown(0) {
                    let mut row = vec![Cell::from(&ente), self.category(category)];
                    row.extend(uses.cells());
                    rows.push(row);
                }
            }
        }
        rows
    }

    /// Returns uses by kind: `own` of the report, or those that may be published.
    pub(super) fn uses(self, of: Slice<'_>, own: &Kinds) -> UseCounts {
        match self.public {
            None => own.into(),
            Some((edition, _)) => edition.uses(of),
        }
    }

    /// Returns the uses of the compared year; `None` without figures of it.
    pub(super) fn uses_before(self, of: Slice<'_>, own: Option<u64>) -> Option<Count> {
        match self.public {
            None => own.map(Count::Shown),
            Some((edition, _)) => edition.before(of),
        }
    }

    /// Returns the uses of a month, `2017-03`.
    pub(super) fn uses_in(self, month: &str, own: u64) -> Count {
        let labels = [None, None, None, None, Some(month), None];
        self.public
            .map_or(Count::Shown(own), |(edition, _)| edition.uses.cell(labels))
    }

    /// Returns the visits by a device in a month; `None` stands for all.
    pub(super) fn visits(self, device: Option<&str>, month: Option<&str>, own: u64) -> Count {
        self.public.map_or(Count::Shown(own), |(edition, _)| {
            edition.visits(device, month)
        })
    }

    /// Returns the visits of the portals of a kind by a device; `None` stands for all.
    pub(super) fn visits_of_kind(
        self,
        kind: &PortalKindRow,
        device: Option<&str>,
        own: u64,
    ) -> Count {
        self.public.map_or(Count::Shown(own), |(edition, _)| {
            edition.visits_of_kind(kind.portal_kind, device)
        })
    }

    /// Returns the visits by smartphone and tablet in a month, or in all.
    pub(super) fn mobile_visits(self, month: Option<&str>, own: u64) -> Count {
        self.public.map_or(Count::Shown(own), |(edition, _)| {
            edition.mobile_visits(month)
        })
    }

    /// Returns the visits in an hour of the day, over all bands.
    pub(super) fn visits_at(self, hour: u8, own: u64) -> Count {
        self.visits_in(None, hour, own)
    }

    /// Returns the visits on a weekday in an hour of the day.
    pub(super) fn visits_on(self, weekday: u8, hour: u8, own: u64) -> Count {
        self.visits_in(Some(&weekday.to_string()), hour, own)
    }

    fn visits_in(self, weekday: Option<&str>, hour: u8, own: u64) -> Count {
        self.public.map_or(Count::Shown(own), |(edition, _)| {
            let bands = ["night", "office", "evening"];
            let cells = bands.map(|band| {
                let label = format!("{band} {hour:02}");
                edition
                    .accesses
                    .cell([None, None, None, weekday, Some(&*label)])
            });
            sum(cells)
        })
    }
}
