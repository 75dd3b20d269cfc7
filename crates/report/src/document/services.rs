//! Services: the largest changes, their status, and the most used.

use super::counts::{ChangesShown, PublishedService, Slice};
use super::{Cell, Head, Section, SectionWriter, Table};
use crate::count::{Count, CountCells as _};
use crate::tables::{Status, Variation};

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

    /// Writes the main variations of each category.
    pub(super) fn variations(self) -> Section {
        let main = self.report.variations.iter();
        let main = main.flat_map(|category| &category.services);
        self.changed_services("variations", main.collect(), ChangesShown::Main)
    }

    /// Writes every service with other uses than in the compared year.
    pub(super) fn service_changes(self) -> Section {
        let all = self.report.service_changes.iter().collect();
        self.changed_services("service-changes", all, ChangesShown::All)
    }

    /// Writes changed services: `own` of the report, or those whose counts are published.
    fn changed_services(
        self,
        id: &'static str,
        own: Vec<&Variation>,
        shown: ChangesShown,
    ) -> Section {
        let mut heads = vec![
            Head::Words("category"),
            Head::Words("service"),
            Head::Year,
            Head::Before,
            Head::Figures("difference"),
            Head::Change,
        ];
        let rows: Vec<Vec<Cell>> = match self.public {
            None => {
                heads.push(Head::Words("status"));
                own.into_iter().map(|row| self.own_change(row)).collect()
            }
            Some((edition, register)) => {
                let categories = self.report.categories.iter();
                let changed =
                    categories.flat_map(|row| edition.changed(&row.name, register, shown));
                changed.map(|row| self.published_change(&row)).collect()
            }
        };
        let table = (!rows.is_empty()).then(|| self.table(id, &heads, rows).into());
        self.section(id, table.into_iter().collect())
    }

    fn own_change(self, row: &Variation) -> Vec<Cell> {
        vec![
            self.category(&row.category),
            self.service(&row.name),
            Cell::Count(row.service_uses),
            Cell::count(row.compared_service_uses),
            row.change.map_or(Cell::Undefined, Cell::Difference),
            Cell::change(row.change_percent),
            self.status(row.status),
        ]
    }

    fn published_change(self, row: &PublishedService) -> Vec<Cell> {
        let difference = row.now.difference_from(row.before);
        vec![
            self.category(&row.category),
            self.service(&row.name),
            row.now.into(),
            row.before.into(),
            difference.map_or(Cell::Suppressed, Cell::Difference),
            row.now.change_from(row.before),
        ]
    }

    /// Writes the services that one ente offers.
    pub(super) fn offered_services(self) -> Table {
        let heads = [
            Head::Words("service"),
            Head::Words("category"),
            Head::Year,
            Head::Before,
        ];
        let is_compared = self.report.compared_year.is_some();
        let rows = self.report.offered_services.iter().map(|row| {
            let before = row.compared_service_uses;
            let before = before.map_or(Cell::Undefined, Cell::Sparse);
            let mut cells = vec![
                self.service(&row.name),
                self.category(&row.category),
                Cell::Sparse(row.service_uses),
            ];
            cells.extend(is_compared.then_some(before));
            cells
        });
        self.table("offered-services", &heads, rows.collect())
    }

    /// Writes the largest changes of a service in an ente.
    pub(super) fn contributions(self) -> Section {
        let heads = [
            Head::Words("ente"),
            Head::Words("service"),
            Head::Year,
            Head::Before,
            Head::Figures("difference"),
            Head::Change,
        ];
        let rows = self.report.contributions.iter().map(|row| {
            vec![
                Cell::from(&row.ente),
                self.service(&row.service),
                Cell::Count(row.service_uses),
                Cell::Count(row.compared_service_uses),
                Cell::Difference(row.change),
                Cell::change(row.change_percent),
            ]
        });
        let rows: Vec<Vec<Cell>> = rows.collect();
        let table = (!rows.is_empty()).then(|| self.table("contributions", &heads, rows).into());
        self.section("contributions", table.into_iter().collect())
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
                self.service(&row.name),
                self.category(&row.category),
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
            vec![
                Cell::Count(row.rank as u64),
                self.service(&row.name),
                Cell::Count(row.service_uses),
                Cell::share(row.share_percent),
                Cell::Count(row.enti),
            ]
        });
        rows.collect()
    }

    fn published_top(self) -> Vec<Vec<Cell>> {
        let all: Count = self.uses(Slice::default(), &self.report.totals.kinds).all;
        let top = self.public.map(|(edition, register)| edition.top(register));
        let rows = top.into_iter().flatten().map(|service| {
            vec![
                self.service(&service.name),
                self.category(&service.category),
                service.now.into(),
                service.now.share_of(all),
            ]
        });
        rows.collect()
    }
}
