//! Checks of the figures, notices and restatements.

use super::{Block, Cell, Column, Section, Table, Writer, section, table};
use crate::tables::Status;
use crate::text::harmless;
use crate::{MovedPart, Notice};

/// A check, and the notices that it covers.
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
    /// Writes the checks with their results.
    pub(super) fn checks(self) -> Section {
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
        let title = self.say("Qualità dei dati", "Data quality");
        let table = table("checks", caption, columns, rows);
        section("quality", title, vec![table.into()])
    }

    /// Writes the checks with their results, and every notice as a sentence.
    pub(super) fn quality(self) -> Section {
        let report = self.report;
        let mut checks = self.checks();
        let warnings = report.warnings.iter().map(|notice| self.notice(notice));
        let doubts = report
            .doubts
            .iter()
            .map(|doubt| doubt.sentence(self.language));
        let notes: Vec<String> = warnings.chain(doubts).collect();
        if !notes.is_empty() {
            checks.blocks.push(Block::Notes(notes));
        }
        checks
    }

    /// Writes every edition of a closed year; no blocks when there is only one.
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
                cause => harmless(cause),
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
        let closings = table("restatements", caption, columns, rows.collect());
        let mut blocks = vec![closings.into()];
        if !self.report.moved.is_empty() {
            blocks.push(self.moved().into());
        }
        section("restatements", title, blocks)
    }

    /// Writes the figures that restatements changed.
    fn moved(self) -> Table {
        let columns = vec![
            Column::text(self.say("Cifra", "Figure")),
            Column::number(self.say("Prima", "Before")),
            Column::number(self.say("Rettificata", "Restated")),
            Column::number(self.say("Differenza", "Difference")),
            Column::text(self.say("Data", "Date")),
            Column::text(self.say("Motivo", "Cause")),
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
        let caption = self.say(
            "Cifre rettificate (numero di usi o di accessi)",
            "Restated figures (number of uses or of accesses)",
        );
        table("moved", caption, columns, rows.collect())
    }

    fn moved_part(self, part: &MovedPart) -> String {
        match part {
            MovedPart::ServiceUses => self.say("Usi, totale", "Uses, total"),
            MovedPart::Category(name) => {
                let name = harmless(&self.category(name));
                self.say(
                    &format!("Usi, categoria {name}"),
                    &format!("Uses, category {name}"),
                )
            }
            MovedPart::Ente(name) => {
                let name = harmless(&name.ente_name);
                self.say(&format!("Usi, ente {name}"), &format!("Uses, ente {name}"))
            }
            MovedPart::Device { device } => {
                let name = self.device(device);
                self.say(&format!("Accessi, {name}"), &format!("Accesses, {name}"))
            }
        }
    }
}
