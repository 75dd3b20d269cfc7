//! Findings of the public edition as sentences, for the web pages.

use affluenza_disclosure::edition::{Dimension, Label, PublicMeasure, PublicYear};
use affluenza_disclosure::sum;
use affluenza_store::figures::YearFigures;
use affluenza_words::Language;

use super::counts::{PublicEdition, Slice};
use crate::count::Count;
use crate::findings::{EnteTotals, FindingCounts, ShareCounts, YearFinding, first_sentences};
use crate::report::{Report, ReportRequest};
use crate::tables::{CategoryCounts, Moves};

impl PublicEdition<'_> {
    /// Returns the first findings of all enti, or of the ente of the request.
    pub fn sentences(
        &self,
        question: &ReportRequest<'_>,
        compared_year: Option<i16>,
        language: Language,
    ) -> Vec<String> {
        // The counts are those of the edition. The report has what the register says.
        let none = YearFigures::default();
        let compared = compared_year.map(|year| (year, &none));
        let report = Report::build(question, &none, compared);
        let findings = match question.ente {
            None => self.findings(&report, question.register),
            Some(ente) => self.findings_of(ente, &report),
        };
        first_sentences(&findings, language, report.period)
    }

    /// Returns the findings that the published tables of an ente allow: they have no services.
    pub(super) fn findings_of(&self, ente: &str, report: &Report) -> Vec<YearFinding> {
        let slice = |category| Slice {
            ente: Some(ente),
            category,
        };
        let before = |slice| self.before(slice).unwrap_or(Count::Hidden);
        let categories = report.categories.iter().map(|row| {
            let slice = slice(Some(&*row.name.category));
            CategoryCounts {
                name: row.name.clone(),
                now: self.uses(slice).all,
                before: before(slice),
            }
        });
        let categories: Vec<CategoryCounts> = categories.collect();
        let mut rows = categories.iter();
        // A category with a hidden count may have moved more than any other.
        let moves = match rows.any(|row| row.now.is_hidden() || row.before.is_hidden()) {
            true => Moves::default(),
            false => Moves::build(categories.into_iter()),
        };
        let uses = [self.uses(slice(None)).all, before(slice(None))];
        let counts = FindingCounts {
            is_of_ente: true,
            moves,
            ..FindingCounts::of_uses(report, uses)
        };
        counts.findings()
    }
}

/// Published tables of a month: uses by ente, and accesses by device.
#[derive(Clone, Copy)]
pub struct PublicMonth<'e> {
    /// Month of the calendar, 1 to 12.
    pub month: u8,
    /// Tables of the month, or of its closed year.
    pub now: &'e PublicYear,
    /// Tables of the same month of the compared year, or of that year.
    pub before: Option<&'e PublicYear>,
}

impl PublicMonth<'_> {
    /// Returns the first findings of all enti, or of the ente of the request.
    pub fn sentences(&self, question: &ReportRequest<'_>, language: Language) -> Vec<String> {
        let none = YearFigures::default();
        let compared = self.before.map(|before| (before.period().year, &none));
        let report = Report::build(question, &none, compared);
        let counts = match question.ente {
            Some(ente) => FindingCounts {
                is_of_ente: true,
                ..FindingCounts::of_uses(&report, self.both(|of| self.uses_of(of, ente)))
            },
            None => {
                let enti = EnteTotals::all(&report).into_iter().map(|ente| EnteTotals {
                    uses: self.uses_of(self.now, &ente.name.ente),
                    ..ente
                });
                let mobile = [Some(self.now), self.before];
                FindingCounts {
                    enti: enti.collect(),
                    mobile: mobile.map(|of| of.map_or(ShareCounts::hidden(), |of| self.mobile(of))),
                    ..FindingCounts::of_uses(&report, self.both(|of| self.uses(of)))
                }
            }
        };
        first_sentences(&counts.findings(), language, report.period)
    }

    /// Returns a count of both years; hidden without a compared year.
    fn both(&self, count: impl Fn(&PublicYear) -> Count) -> [Count; 2] {
        [Some(self.now), self.before].map(|of| of.map_or(Count::Hidden, &count))
    }

    fn uses(&self, of: &PublicYear) -> Count {
        self.cell(of, PublicMeasure::Uses, None)
    }

    fn uses_of(&self, of: &PublicYear, ente: &str) -> Count {
        let label = Label::new(Dimension::Ente, ente);
        self.cell(of, PublicMeasure::Uses, Some(label))
    }

    /// Returns the accesses by smartphone and tablet.
    fn mobile(&self, of: &PublicYear) -> ShareCounts {
        let devices = ["smartphone", "tablet"].map(|device| {
            let label = Label::new(Dimension::Device, device);
            self.cell(of, PublicMeasure::Accesses, Some(label))
        });
        ShareCounts {
            part: sum(devices),
            whole: self.cell(of, PublicMeasure::Accesses, None),
        }
    }

    /// Returns the count of the month with this label, or of all.
    fn cell(&self, of: &PublicYear, measure: PublicMeasure, label: Option<Label>) -> Count {
        let by = label.iter().map(|label| label.dimension);
        let cells = of.cells_of_month(measure, &Vec::from_iter(by), self.month);
        let mut cells = cells.into_iter();
        let found = cells.find(|cell| cell.labels.first() == label.as_ref());
        // A zero has no cell, and is never hidden.
        found.map_or(Count::Shown(0), |cell| cell.count)
    }
}
