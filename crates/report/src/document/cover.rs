//! The cover and the summary of the main figures.

use affluenza_store::figures::Counted;

use super::sources::Names;
use super::{Block, Cell, Document, Fact, Section, Writer, section};
use crate::text::harmless;

impl Writer<'_> {
    /// Writes the document without its sections. `names` decides whether staff members may be
    /// named, as in the cause of a restatement.
    pub(super) fn cover(self, names: Names) -> Document {
        let report = self.report;
        let enti = report.usage.enti.len().max(report.offered.enti.len());
        let subject = match &report.ente {
            Some(ente) => harmless(&ente.ente_name),
            None => self.say(
                &format!("Portali di {enti} enti"),
                &format!("Portals of {enti} enti"),
            ),
        };
        Document {
            language: self.language,
            title: format!(
                "{} · {}",
                self.say("Uso dei servizi in rete", "Use of online services"),
                report.year
            ),
            subject,
            year: report.year,
            edition: self.edition(names),
            sealed_at: report.seal.as_ref().map(|seal| seal.sealed_at.clone()),
            sections: Vec::new(),
        }
    }

    fn edition(self, names: Names) -> Vec<String> {
        let report = self.report;
        let mut line = Vec::new();
        if let Some(year) = report.compared_year {
            line.push(self.say(
                &format!("confronto con il {year}"),
                &format!("compared with {year}"),
            ));
        }
        line.push(match report.counted {
            Counted::People => self.say("solo persone", "people only"),
            Counted::All => self.say("persone e bot", "people and bots"),
        });
        let zone = &report.hours.time_zone;
        line.push(self.say(&format!("ora locale {zone}"), &format!("local time {zone}")));
        let mut lines = vec![line.join(" · ")];
        if report.ente.is_some() {
            lines.push(self.say(
                "edizione interna: contiene cifre piccole, non va pubblicata",
                "internal edition: it has small counts, and is not to be published",
            ));
        }
        let Some(seal) = &report.seal else {
            lines.push(self.say(
                "edizione provvisoria: l’anno non è chiuso",
                "provisional edition: the year is not closed",
            ));
            return lines;
        };
        let day = self.language.day(&seal.sealed_at);
        let number = seal.number;
        lines.push(self.say(
            &format!("anno chiuso il {day} · sigillo n. {number}"),
            &format!("year closed on {day} · seal no. {number}"),
        ));
        let cause = harmless(&seal.cause);
        match names {
            _ if cause.is_empty() => {}
            Names::Told => lines.push(self.say(
                &format!("rettificato: {cause}"),
                &format!("restated: {cause}"),
            )),
            Names::Withheld => lines.push(self.say("rettificato", "restated")),
        }
        lines.push(format!("SHA-256 {}", seal.hash));
        lines
    }

    /// Writes the main figures.
    pub(super) fn summary(self) -> Section {
        let report = self.report;
        let mut facts = Vec::new();
        let mut add = |label: String, value: Cell, detail: String| {
            facts.push(Fact {
                label,
                value,
                detail,
            });
        };
        if !report.is_empty() {
            let kinds = &report.totals.kinds;
            let change = self.growth();
            add(
                self.say("usi dei servizi", "service uses"),
                Cell::Count(kinds.service_uses),
                change,
            );
            let part = |count: u64| {
                let share = crate::ratio::share_percent(count, kinds.service_uses);
                let share = self.language.share(share);
                self.say(
                    &format!("{share} degli usi"),
                    &format!("{share} of the uses"),
                )
            };
            add(
                self.say("pagamenti", "payments"),
                Cell::Count(kinds.payments),
                part(kinds.payments),
            );
            add(
                self.say("prenotazioni", "bookings"),
                Cell::Count(kinds.bookings),
                part(kinds.bookings),
            );
            if let Some(accesses) = &report.accesses {
                let visitors = self.language.count(accesses.visitors_days);
                add(
                    self.say("accessi", "accesses"),
                    Cell::Count(accesses.accesses),
                    self.say(
                        &format!("{visitors} visitatori-giorno"),
                        &format!("{visitors} visitor-days"),
                    ),
                );
            }
            add(
                self.say(
                    "accessi da smartphone e tablet",
                    "accesses by smartphone and tablet",
                ),
                Cell::share(report.devices.smartphone_and_tablet.share_percent),
                self.say("del totale", "of all"),
            );
            add(
                self.say(
                    "utenti fuori dall’orario di ufficio",
                    "users out of office hours",
                ),
                Cell::share(report.hours.off_hours_share_percent),
                self.say("del totale", "of all"),
            );
        }
        let day = self.language.date(report.offered_on);
        add(
            self.say("servizi offerti", "services offered"),
            Cell::Count(report.offered.total),
            self.say(&format!("al {day}"), &format!("on {day}")),
        );
        let title = self.say("In sintesi", "At a glance");
        section("summary", title, vec![Block::Facts(facts)])
    }

    fn growth(self) -> String {
        let Some(year) = self.report.compared_year else {
            return String::new();
        };
        let growth = self.language.change(self.report.totals.growth_percent);
        self.say(
            &format!("{growth} sul {year}"),
            &format!("{growth} on {year}"),
        )
    }
}
