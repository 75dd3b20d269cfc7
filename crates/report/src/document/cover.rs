//! The cover and the summary of the main figures.

use affluenza_store::figures::Counted;

use super::counts::PublicEdition;
use super::{Block, Cell, Document, EditionState, MainFigure, Section, SectionWriter};
use crate::count::{Count, CountCells as _};
use crate::face::CentreFace;
use crate::text::harmless;

impl SectionWriter<'_> {
    /// Writes the document without its sections.
    pub(super) fn cover(self) -> Document {
        let report = self.report;
        let enti = report.usage.enti.len().max(report.offered.enti.len());
        let subject = match &report.ente {
            Some(ente) => harmless(&ente.ente_name),
            None => self.say_with("subject", &[("enti", enti.into())]),
        };
        Document {
            language: self.language,
            title: self.say("title"),
            subject,
            period: report.period,
            is_of_ente: report.ente.is_some(),
            enti: report.enti(),
            edition: self.edition(),
            state: self.state(),
            seal_hash: report.seal.as_ref().map(|seal| seal.hash.clone()),
            sealed_at: report.seal.as_ref().map(|seal| seal.sealed_at.clone()),
            centre: CentreFace::default(),
            sections: Vec::new(),
            brief: Vec::new(),
        }
    }

    fn state(self) -> EditionState {
        let report = self.report;
        match &report.seal {
            Some(seal) if seal.cause.is_empty() => EditionState::Closed,
            Some(_) => EditionState::Restated,
            None if !report.of_closed_year => EditionState::Provisional,
            None if report.period.is_year() => EditionState::Reclassified,
            None => EditionState::PartOfClosed,
        }
    }

    fn edition(self) -> Vec<String> {
        let report = self.report;
        let mut lines = Vec::new();
        if self.public.is_some() {
            lines.push(self.say("edition-public"));
        }
        let compared = report.compared_year.map(|_| self.say("edition-compared"));
        let counted = match report.counted {
            Counted::People => self.say("edition-people"),
            Counted::All => self.say("edition-all"),
        };
        let zone = &report.hours.time_zone;
        let words = [
            ("zone", zone.as_str().into()),
            ("zone-id", zone.replace('/', "-").into()),
        ];
        let zone = self.say_with("edition-zone", &words);
        let line: Vec<String> = compared.into_iter().chain([counted, zone]).collect();
        lines.push(line.join(" · "));
        if report.ente.is_some() && self.public.is_none() {
            lines.push(self.say("edition-internal"));
        }
        let Some(seal) = &report.seal else {
            let until = report.data_until.filter(|_| report.period.has_begun());
            lines.extend(until.map(|_| self.say("edition-until")));
            lines.push(self.say(match self.state() {
                EditionState::PartOfClosed => "edition-of-part",
                EditionState::Reclassified => "edition-reclassified",
                _ => "edition-provisional",
            }));
            return lines;
        };
        let words = [
            ("sealed", self.language.day(&seal.sealed_at).into()),
            ("number", seal.number.into()),
        ];
        lines.push(self.say_with("edition-closed", &words));
        let cause = harmless(&seal.cause);
        if !cause.is_empty() {
            // A cause may name members of staff.
            lines.push(match self.public {
                None => self.say_with("edition-restated-for", &[("cause", cause.into())]),
                Some(_) => self.say("edition-restated"),
            });
        }
        let words = [("hash", seal.hash.as_str().into())];
        lines.push(self.say_with("edition-hash", &words));
        lines
    }

    /// Writes the main figures.
    pub(super) fn summary(self) -> Section {
        let report = self.report;
        let mut facts = Vec::new();
        if !report.is_empty() {
            facts.extend(self.facts_of_uses());
            facts.extend(self.facts_of_visits());
        }
        facts.push(self.fact_of_offer());
        if report.ente.is_none() {
            let offered = Cell::Count(report.offered.total);
            facts.push(self.fact("fact-offered", offered, self.say("detail-offered")));
        }
        self.section("summary", vec![Block::Facts(facts)])
    }

    /// Returns the number of services; of one ente with those used, which are not published.
    pub(super) fn fact_of_offer(self) -> MainFigure {
        let report = self.report;
        let services = Cell::Count(report.services_offered as u64);
        let detail = match (&report.ente, self.public) {
            (Some(_), None) => {
                let used = report.offered_services.iter();
                let used = used.filter(|row| row.service_uses > 0).count();
                self.say_with("detail-services-used", &[("used", used.into())])
            }
            _ => self.say("detail-services"),
        };
        self.fact("fact-services", services, detail)
    }

    fn fact(self, id: &str, value: Cell, detail: String) -> MainFigure {
        MainFigure {
            label: self.say(id),
            value,
            detail,
        }
    }

    /// Returns all uses, and the payments and bookings among them; those of one ente if it has any.
    pub(super) fn facts_of_uses(self) -> Vec<MainFigure> {
        let totals = &self.report.totals;
        let uses = self.uses(self.scope(), &totals.kinds);
        let before = self.uses_before(self.scope(), totals.compared_service_uses);
        let [_, payments, bookings] = uses.kinds;
        let growth = self.growth(uses.all, before);
        let mut facts = vec![self.fact("fact-uses", uses.all.into(), growth)];
        for (id, count) in [("fact-payments", payments), ("fact-bookings", bookings)] {
            if self.report.ente.is_none() || count != Count::Shown(0) {
                facts.push(self.fact(id, count.into(), self.part(count, uses.all)));
            }
        }
        facts
    }

    fn part(self, count: Count, all: Count) -> String {
        match count.share_of(all) {
            Cell::Undefined => self.say("detail-no-share"),
            share => {
                let words = [("share", share.show(self.language).into())];
                self.say_with("detail-share", &words)
            }
        }
    }

    fn growth(self, now: Count, before: Option<Count>) -> String {
        if self.report.compared_year.is_none() {
            return String::new();
        }
        match before.map_or(Cell::Undefined, |before| now.change_from(before)) {
            Cell::Undefined => self.say("detail-no-growth"),
            growth => {
                let words = [("growth", growth.show(self.language).into())];
                self.say_with("detail-growth", &words)
            }
        }
    }

    pub(super) fn facts_of_visits(self) -> Vec<MainFigure> {
        let report = self.report;
        let devices = &report.devices;
        let mut facts = Vec::new();
        if !self.has_visits() {
            let reason = self.say("detail-no-visits");
            facts.push(self.fact("fact-visits", Cell::Unavailable, reason));
            facts.extend(self.fact_of_off_hours());
            return facts;
        }
        let all = self.visits(None, None, devices.accesses);
        match self.public {
            Some(_) => facts.push(self.fact("fact-visits", all.into(), String::new())),
            None => {
                let accesses = &report.accesses;
                let words = [("visitors", accesses.visitors_days.into())];
                let visitors = self.say_with("detail-visitors", &words);
                facts.push(self.fact("fact-visits", Cell::Count(accesses.accesses), visitors));
            }
        }
        let mobile = self.mobile_visits(None, devices.smartphone_and_tablet.accesses);
        match mobile.share_of(all) {
            Cell::Undefined => {}
            share => facts.push(self.fact("fact-mobile", share, self.say("detail-mobile"))),
        }
        facts.extend(self.fact_of_off_hours());
        facts
    }

    /// Returns the share of users out of office hours, which the public edition lacks.
    fn fact_of_off_hours(self) -> Option<MainFigure> {
        let share = self.report.hours.off_hours_share_percent;
        let share = share.filter(|_| self.public.is_none())?;
        let detail = self.say("detail-off-hours");
        Some(self.fact("fact-off-hours", Cell::Share(share), detail))
    }

    /// Writes how the public edition protects people.
    pub(super) fn protection(self, edition: &PublicEdition<'_>) -> Section {
        let hidden = edition.uses.suppressed() + edition.accesses.suppressed();
        let words = [
            ("last", edition.small_count.saturating_sub(1).into()),
            ("hidden", hidden.into()),
        ];
        let text = self.say_with("protection.text", &words);
        self.section("protection", vec![Block::Text(text)])
    }
}
