//! Checks of the figures, notices and restatements.

use super::{Block, Cell, Head, Section, SectionWriter, Table};
use crate::tables::Status;
use crate::text::harmless;
use crate::{MovedPart, Notice};

/// A check, and the notices that it covers.
struct NoticeCheck {
    /// Message that names it.
    id: &'static str,
    finds: fn(&Notice) -> bool,
}

const CHECKS: [NoticeCheck; 7] = [
    NoticeCheck {
        id: "check-data",
        finds: |notice| {
            matches!(
                notice,
                Notice::NoData { .. } | Notice::NoDataToCompare { .. } | Notice::NoAccesses { .. }
            )
        },
    },
    NoticeCheck {
        id: "check-parts",
        finds: |notice| matches!(notice, Notice::KindsDoNotAddUp { .. }),
    },
    NoticeCheck {
        id: "check-sums",
        finds: |notice| {
            matches!(
                notice,
                Notice::ServiceUsesDisagree { .. }
                    | Notice::AccessesDisagree { .. }
                    | Notice::UsersDisagree { .. }
            )
        },
    },
    NoticeCheck {
        id: "check-offered",
        finds: |notice| {
            matches!(
                notice,
                Notice::ServicesNotOffered { .. } | Notice::CategoriesNotOffered { .. }
            )
        },
    },
    NoticeCheck {
        id: "check-registered",
        finds: |notice| {
            matches!(
                notice,
                Notice::UnregisteredUse { .. }
                    | Notice::UnregisteredEnti { .. }
                    | Notice::UnknownCategory { .. }
            )
        },
    },
    NoticeCheck {
        id: "check-silence",
        finds: |notice| matches!(notice, Notice::SilentDays { .. }),
    },
    NoticeCheck {
        id: "check-level",
        finds: |notice| matches!(notice, Notice::LevelShift { .. }),
    },
];

impl SectionWriter<'_> {
    /// Writes the checks with their results.
    fn checks(self) -> Table {
        let report = self.report;
        let mut rows: Vec<Vec<Cell>> = CHECKS
            .iter()
            .map(|check| {
                let warnings = report.warnings.iter();
                let found = warnings.filter(|notice| (check.finds)(notice));
                self.checked(check.id, found.count())
            })
            .collect();
        let statuses = report.service_status.iter();
        let broken = statuses.filter(|row| row.status == Some(Status::Broken));
        rows.push(self.checked("check-broken", broken.count()));
        if !report.sources.is_empty() {
            rows.push(self.checked("check-sources", report.doubts.len()));
        }
        self.table(
            "checks",
            &[Head::Words("check"), Head::Words("result")],
            rows,
        )
    }

    fn checked(self, id: &str, found: usize) -> Vec<Cell> {
        let result = match found {
            0 => self.say("check-passed"),
            found => self.say_with("check-found", &[("count", found.into())]),
        };
        vec![Cell::Text(self.say(id)), Cell::Text(result)]
    }

    /// Writes the checks with their results, and every notice as a sentence. Notices contain
    /// counts, so the public edition has none.
    pub(super) fn quality(self) -> Section {
        let report = self.report;
        // The checks of an ente are part of those of all.
        let checks = report.ente.is_none().then(|| self.checks().into());
        let mut blocks: Vec<Block> = checks.into_iter().collect();
        let mut warnings: Vec<&Notice> = report.warnings.iter().collect();
        if self.has_many_enti() {
            // Print shows the first notes, and there may be one of silent days for every ente.
            warnings.sort_by_key(|notice| matches!(notice, Notice::SilentDays { .. }));
        }
        let warnings = warnings.into_iter().map(|notice| self.notice(notice));
        let doubts = report.doubts.iter();
        let doubts = doubts.map(|doubt| doubt.sentence(self.language));
        let notes: Vec<String> = warnings.chain(doubts).collect();
        if !notes.is_empty() && self.public.is_none() {
            blocks.push(Block::Notes(notes));
        }
        self.section("quality", blocks)
    }

    /// Writes every edition of a closed year; no blocks when there is only one.
    pub(super) fn restatements(self) -> Section {
        let closings = &self.report.restatements;
        if closings.len() < 2 {
            return self.section("restatements", Vec::new());
        }
        let heads = [
            Head::Figures("seal"),
            Head::Words("date"),
            Head::Figures("uses"),
            Head::Words("cause"),
        ];
        let rows = closings.iter().map(|seal| {
            let cause = match &*seal.cause {
                "" => self.say("restatements.first"),
                cause => harmless(cause),
            };
            vec![
                Cell::Count(seal.number.into()),
                Cell::Text(self.language.day(&seal.sealed_at)),
                Cell::Count(seal.service_uses),
                Cell::Text(cause),
            ]
        });
        let closings = self.table("restatements", &heads, rows.collect());
        let moved = (!self.report.moved.is_empty()).then(|| self.moved().into());
        let blocks = [Some(closings.into()), moved];
        self.section("restatements", blocks.into_iter().flatten().collect())
    }

    /// Writes the figures that restatements changed.
    fn moved(self) -> Table {
        let heads = [
            Head::Words("figure"),
            Head::Figures("before"),
            Head::Figures("restated"),
            Head::Figures("difference"),
            Head::Words("date"),
            Head::Words("cause"),
        ];
        let rows = self.report.moved.iter().map(|moved| {
            vec![
                Cell::Text(self.moved_part(&moved.part)),
                Cell::Count(moved.before),
                Cell::Count(moved.after),
                Cell::Difference(moved.difference()),
                Cell::Text(self.language.day(&moved.sealed_at)),
                Cell::Text(harmless(&moved.cause)),
            ]
        });
        self.table("moved", &heads, rows.collect())
    }

    fn moved_part(self, part: &MovedPart) -> String {
        let (id, name) = match part {
            MovedPart::ServiceUses => return self.say("moved.total"),
            MovedPart::Category(name) => ("moved.category", name.shown(self.language)),
            MovedPart::Ente(name) => ("moved.ente", harmless(&name.ente_name)),
            MovedPart::Device { device } => ("moved.device", self.device(device)),
        };
        self.say_with(id, &[("name", name.into())])
    }
}
