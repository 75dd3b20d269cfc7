//! Definitions and units of the figures.

use super::{Block, Cell, Head, Section, SectionWriter};
use crate::tables::{BROKEN_ATTEMPTS_MIN, BROKEN_FAILED_PERCENT, BROKEN_USES_MIN};

/// Defined terms. Each is a message `term-…` with the attribute `text` and, for figures, `unit`.
const TERMS: [&str; 16] = [
    "term-use",
    "term-kinds",
    "term-visit",
    "term-visitors",
    "term-users-per-hour",
    "term-off-hours",
    "term-change",
    "term-share",
    "term-offered",
    "term-per-resident",
    "term-new",
    "term-unused",
    "term-broken",
    "term-device",
    "term-login",
    "term-signs",
];

impl SectionWriter<'_> {
    /// Writes the definitions, the units and the sources of the figures.
    pub(super) fn method(self) -> Section {
        let heads = [
            Head::Words("term"),
            Head::Words("definition"),
            Head::Words("unit"),
        ];
        let percent = self.language.share(Some(BROKEN_FAILED_PERCENT));
        let words = [
            ("percent", percent.into()),
            ("attempts", BROKEN_ATTEMPTS_MIN.into()),
            ("uses", BROKEN_USES_MIN.into()),
        ];
        let rows = TERMS.map(|term| {
            let unit = self.language.message(&format!("{term}.unit"), &[]);
            vec![
                Cell::Text(self.say(term)),
                Cell::Text(self.say_with(&format!("{term}.text"), &words)),
                Cell::Text(unit.unwrap_or_default()),
            ]
        });
        let table = self.table("definitions", &heads, rows.to_vec());
        let words = [
            ("zone", self.report.hours.time_zone.as_str().into()),
            ("version", self.report.register_version.as_str().into()),
        ];
        let source = self.say_with("method.source", &words);
        let mut blocks = vec![Block::Text(source)];
        // The report of all enti defines the terms.
        if self.report.ente.is_none() {
            blocks.push(table.into());
        }
        self.section("method", blocks)
    }
}
