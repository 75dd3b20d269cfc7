//! Findings on the first page, and as titles of sections.

use super::{Block, FindingLine, Section, SectionWriter};
use crate::findings::{FIRST_PAGE, YearFinding};

impl SectionWriter<'_> {
    /// Returns the findings of this edition.
    fn findings(self) -> Vec<YearFinding> {
        match self.public {
            None => self.report.findings.clone(),
            Some(_) if self.is_empty() => Vec::new(),
            Some((edition, register)) => match &self.report.ente {
                None => edition.findings(self.report, register),
                Some(ente) => edition.findings_of(&ente.ente, self.report),
            },
        }
    }

    /// Writes the first findings into the summary. The first finding about a section becomes the
    /// statement of the section.
    pub(super) fn add_findings(self, sections: &mut [Section]) {
        let findings = self.findings();
        for section in &mut *sections {
            let mut own = findings.iter();
            let own = own.find(|finding| finding.section() == section.id);
            section.statement = own.map(|finding| finding.title(self.language, self.report.period));
        }
        let first = findings.iter().take(FIRST_PAGE);
        let lines: Vec<FindingLine> = first
            .map(|finding| self.finding_line(finding, sections))
            .collect();
        let summary = sections.iter_mut().find(|section| section.id == "summary");
        let Some(summary) = summary else {
            return;
        };
        if self.is_empty() {
            summary
                .blocks
                .insert(0, Block::Text(self.say("note-no-data")));
        } else if !lines.is_empty() {
            summary.blocks.insert(0, Block::Findings(lines));
        }
    }

    fn finding_line(self, finding: &YearFinding, sections: &[Section]) -> FindingLine {
        let mut proving = sections.iter();
        let proving = proving.find(|section| section.id == finding.section());
        let reference = proving.map(|section| {
            let title = section.heading(self.language);
            self.say_with("finding-reference", &[("title", title.into())])
        });
        FindingLine {
            figure: finding.figure(),
            sentence: finding.sentence(self.language, self.report.period),
            section: proving.map(|section| section.id.clone()),
            reference: reference.unwrap_or_default(),
        }
    }
}
