//! How far the figures can be trusted.

use super::{Block, Cell, Column, Section, Writer, section, table};
use crate::Notice;
use crate::tables::Status;

/// A check, and the notices that it leads to.
struct Check {
    name: (&'static str, &'static str),
    finds: fn(&Notice) -> bool,
}

const CHECKS: [Check; 7] = [
    Check {
        name: (
            "Ci sono dati, anche dell’anno di confronto",
            "There are data, of the compared year too",
        ),
        finds: |notice| {
            matches!(
                notice,
                Notice::NoData { .. } | Notice::NoDataToCompare { .. } | Notice::FiguresNotKept
            )
        },
    },
    Check {
        name: (
            "Le parti non superano il totale e lo compongono",
            "Parts do not exceed their total and add up to it",
        ),
        finds: |notice| matches!(notice, Notice::KindsDoNotAddUp { .. }),
    },
    Check {
        name: (
            "Somme dello stesso fatto, fatte per vie diverse, concordano",
            "Sums of the same thing, made in different ways, agree",
        ),
        finds: |notice| {
            matches!(
                notice,
                Notice::ServiceUsesDisagree { .. }
                    | Notice::AccessesDisagree { .. }
                    | Notice::UsersDisagree { .. }
            )
        },
    },
    Check {
        name: (
            "Si usano solo servizi offerti",
            "Only services on offer are used",
        ),
        finds: |notice| {
            matches!(
                notice,
                Notice::ServicesNotOffered { .. } | Notice::CategoriesNotOffered { .. }
            )
        },
    },
    Check {
        name: (
            "Enti, servizi e categorie sono nel registro",
            "Enti, services and categories are in the register",
        ),
        finds: |notice| {
            matches!(
                notice,
                Notice::UnregisteredUse { .. }
                    | Notice::UnregisteredEnti { .. }
                    | Notice::UnknownCategory { .. }
            )
        },
    },
    Check {
        name: ("Nessun ente tace per giorni", "No ente is silent for days"),
        finds: |notice| matches!(notice, Notice::SilentDays { .. }),
    },
    Check {
        name: (
            "Nessun salto di livello al cambio delle regole",
            "No sudden shift where the rules changed",
        ),
        finds: |notice| matches!(notice, Notice::LevelShift { .. }),
    },
];

impl Writer<'_> {
    /// The checks with their results, and every notice in words.
    pub(super) fn quality(self) -> Section {
        let report = self.report;
        let columns = vec![
            Column::text(self.say("Controllo", "Check")),
            Column::text(self.say("Esito", "Result")),
        ];
        let row = |name: (&str, &str), found: usize| {
            let result = match found {
                0 => self.say("regolare", "passed"),
                1 => self.say("1 segnalazione", "1 notice"),
                n => self.say(&format!("{n} segnalazioni"), &format!("{n} notices")),
            };
            vec![Cell::Text(self.say(name.0, name.1)), Cell::Text(result)]
        };
        let mut rows: Vec<Vec<Cell>> = CHECKS
            .iter()
            .map(|check| {
                let found = report
                    .warnings
                    .iter()
                    .filter(|notice| (check.finds)(notice));
                row(check.name, found.count())
            })
            .collect();
        let broken = report
            .service_status
            .iter()
            .filter(|row| row.status == Some(Status::Broken));
        rows.push(row(
            ("Nessun servizio è guasto", "No service is broken"),
            broken.count(),
        ));
        if !report.sources.is_empty() {
            rows.push(row(
                (
                    "I dati di altre fonti non si contraddicono",
                    "Figures of other sources do not contradict themselves",
                ),
                report.doubts.len(),
            ));
        }
        let caption = self.say("Controlli sui dati", "Checks on the data");
        let mut blocks = vec![table("checks", caption, columns, rows).into()];
        let warnings = report.warnings.iter().map(|notice| self.notice(notice));
        let doubts = report
            .doubts
            .iter()
            .map(|doubt| doubt.sentence(self.language));
        let notes: Vec<String> = warnings.chain(doubts).collect();
        if !notes.is_empty() {
            blocks.push(Block::Notes(notes));
        }
        section(
            "quality",
            self.say("Qualità dei dati", "Data quality"),
            blocks,
        )
    }

    /// Every edition of a closed year; nothing when there is one only.
    pub(super) fn restatements(self) -> Section {
        let title = self.say("Rettifiche", "Restatements");
        if self.report.restatements.len() < 2 {
            return section("restatements", title, Vec::new());
        }
        let columns = vec![
            Column::number(self.say("Sigillo", "Seal")),
            Column::text(self.say("Data", "Date")),
            Column::number(self.say("Usi", "Uses")),
            Column::text(self.say("Motivo", "Cause")),
        ];
        let rows = self.report.restatements.iter().map(|seal| {
            let cause = match &*seal.cause {
                "" => self.say("prima chiusura", "first closing"),
                cause => crate::text::harmless(cause),
            };
            vec![
                Cell::Count(seal.number.into()),
                Cell::Text(self.language.day(&seal.sealed_at)),
                Cell::Count(seal.service_uses),
                Cell::Text(cause),
            ]
        });
        let caption = self.say(
            "Chiusure dell’anno, dalla prima all’ultima (numero di usi)",
            "Closings of the year, from the first to the last (number of uses)",
        );
        let table = table("restatements", caption, columns, rows.collect());
        section("restatements", title, vec![table.into()])
    }
}
