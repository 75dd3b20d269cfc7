//! Findings of the public edition as sentences, for the web pages.

use affluenza_store::figures::YearFigures;
use affluenza_words::Language;

use super::counts::{PublicEdition, Slice};
use crate::count::Count;
use crate::findings::{FindingCounts, ShareCounts, YearFinding, first_sentences};
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
        let counts = FindingCounts {
            compared_year: report.compared_year.unwrap_or(report.year),
            is_of_ente: true,
            uses: self.uses(slice(None)).all,
            uses_before: before(slice(None)),
            services: Vec::new(),
            services_of_enti: Vec::new(),
            enti: Vec::new(),
            services_without_uses: ShareCounts::hidden(),
            moves,
            mobile: [ShareCounts::hidden(); 2],
            off_hours: [ShareCounts::hidden(); 2],
            identity: [ShareCounts::hidden(); 2],
        };
        counts.findings()
    }
}
