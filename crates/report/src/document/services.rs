//! Services: the largest changes, their status, and the most used.

use super::counts::Slice;
use super::{Cell, Head, Section, SectionWriter};
use crate::count::{Count, CountCells as _};
use crate::tables::{Status, Variation};
use crate::text::harmless;

impl SectionWriter<'_> {
    fn status(self, status: Option<Status>) -> Cell {
        let id = match status {
            None => return Cell::Empty,
            Some(Status::New) => "status-new",
            Some(Status::Retired) => "status-retired",
            Some(Status::Unused) => "status-unused",
            Some(Status::Broken) => "status-broken",
        };
        Cell::Text(self.say(id))
    }

    fn varied(self, row: &Variation) -> Cell {
        let name = self
            .language
            .choose(&row.service_name_it, &row.service_name_en);
        Cell::Text(harmless(name))
    }

    /// Writes the services that changed most, by category.
    pub(super) fn variations(self) -> Section {
        let mut heads = vec![
            Head::Words("category"),
            Head::Words("service"),
            Head::Year,
            Head::Before,
            Head::Figures("difference"),
            Head::Change,
        ];
        let rows = match self.public {
            None => {
                heads.push(Head::Words("status"));
                self.own_variations()
            }
            Some((edition, _)) if edition.uses_before.is_some() => self.published_variations(),
            Some(_) => Vec::new(),
        };
        let is_compared = self.report.compared_year.is_some();
        let is_shown = is_compared && (!rows.is_empty() || self.public.is_some());
        let table = is_shown.then(|| self.table("variations", &heads, rows).into());
        self.section("variations", table.into_iter().collect())
    }

    fn own_variations(self) -> Vec<Vec<Cell>> {
        let mut rows = Vec::new();
        for category in &self.report.variations {
            for (place, row) in category.services.iter().enumerate() {
                // The category's name is written once, above its services.
                let name = match place {
                    0 => Cell::Text(self.category(&category.name)),
                    _ => Cell::Empty,
                };
                rows.push(vec![
                    name,
                    self.varied(row),
                    Cell::Count(row.service_uses),
                    Cell::count(row.compared_service_uses),
                    row.change.map_or(Cell::Undefined, Cell::Difference),
                    Cell::change(row.change_percent),
                    self.status(row.status),
                ]);
            }
        }
        rows
    }

    fn published_variations(self) -> Vec<Vec<Cell>> {
        let mut rows = Vec::new();
        for category in &self.report.categories {
            let changed = self.public.map(|(edition, register)| {
                edition.changed(&category.name, register, self.language)
            });
            for service in changed.into_iter().flatten() {
                let difference = service.now.difference_from(service.before);
                rows.push(vec![
                    Cell::Text(self.category(&category.name)),
                    Cell::Text(service.name),
                    service.now.into(),
                    service.before.into(),
                    difference.map_or(Cell::Suppressed, Cell::Difference),
                    service.now.change_from(service.before),
                ]);
            }
        }
        rows
    }

    /// Writes new, retired, unused and broken services.
    pub(super) fn statuses(self) -> Section {
        if self.report.service_status.is_empty() {
            return self.section("service-status", Vec::new());
        }
        let heads = [
            Head::Words("status"),
            Head::Words("service"),
            Head::Words("category"),
            Head::Figures("uses"),
            Head::Figures("failed"),
        ];
        let rows = self.report.service_status.iter().map(|row| {
            vec![
                self.status(row.status),
                self.varied(row),
                Cell::Text(self.category(&row.category)),
                Cell::Count(row.service_uses),
                Cell::Sparse(row.failed),
            ]
        });
        let table = self.table("service-status", &heads, rows.collect());
        self.section("service-status", vec![table.into()])
    }

    /// Writes the most used services.
    pub(super) fn top_services(self) -> Section {
        let (heads, rows) = match self.public {
            None => (
                &[
                    Head::Figures("rank"),
                    Head::Words("service"),
                    Head::Figures("uses"),
                    Head::Figures("share"),
                    Head::Figures("enti"),
                ][..],
                self.own_top(),
            ),
            Some(_) => (
                &[
                    Head::Words("service"),
                    Head::Words("category"),
                    Head::Figures("uses"),
                    Head::Figures("share"),
                ][..],
                self.published_top(),
            ),
        };
        let is_shown = !rows.is_empty() || self.public.is_some();
        let table = is_shown.then(|| self.table("top-services", heads, rows).into());
        self.section("top-services", table.into_iter().collect())
    }

    fn own_top(self) -> Vec<Vec<Cell>> {
        let rows = self.report.top_services.iter().map(|row| {
            let name = self
                .language
                .choose(&row.service_name_it, &row.service_name_en);
            vec![
                Cell::Count(row.rank as u64),
                Cell::Text(harmless(name)),
                Cell::Count(row.service_uses),
                Cell::share(row.share_percent),
                Cell::Count(row.enti),
            ]
        });
        rows.collect()
    }

    fn published_top(self) -> Vec<Vec<Cell>> {
        let all: Count = self.uses(Slice::default(), &self.report.totals.kinds).all;
        let top = self
            .public
            .map(|(edition, register)| edition.top(register, self.language));
        let rows = top.into_iter().flatten().map(|service| {
            vec![
                Cell::Text(service.name),
                Cell::Text(self.category(&service.category)),
                service.now.into(),
                service.now.share_of(all),
            ]
        });
        rows.collect()
    }
}
