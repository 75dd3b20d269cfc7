//! One ente among others: uses for each resident, services that others offer, and next steps.

use super::{Block, Cell, Head, MainFigure, Section, SectionWriter};
use crate::count::Count;
use crate::names::ServiceName;
use crate::tables::{PEERS_MIN, PeerGroup, Peers, Status};
use crate::text::harmless;

/// Largest number of services that a step names.
const NAMED_MAX: usize = 3;

impl SectionWriter<'_> {
    /// Writes the uses for each resident, and those of bodies of like size.
    pub(super) fn peers(self) -> Section {
        let report = self.report;
        let has_uses = self.uses(self.scope(), &report.totals.kinds).all != Count::Hidden;
        let peers = report.peers.as_ref();
        let peers = peers.filter(|_| has_uses && !self.is_empty());
        let Some(peers) = peers else {
            return self.section("peers", Vec::new());
        };
        let (Some(residents), Some(rate)) = (peers.residents, peers.uses_per_1000_residents) else {
            let text = self.say("peers.no-residents");
            return self.section("peers", vec![Block::Text(text)]);
        };
        let residents = ("residents", u64::from(residents).into());
        let own = MainFigure {
            label: self.say("fact-uses-per-1000"),
            value: Cell::Mean(rate, 1),
            detail: String::new(),
        };
        let Some(group) = &peers.like_size else {
            let words = [residents, ("least", PEERS_MIN.into())];
            let text = self.say_with("peers.none", &words);
            return self.section("peers", vec![Block::Facts(vec![own]), Block::Text(text)]);
        };
        let words = [
            residents,
            ("enti", group.enti.into()),
            ("from", u64::from(group.residents_from).into()),
            ("to", u64::from(group.residents_to).into()),
        ];
        let text = self.say_with("peers.compared", &words);
        let facts = std::iter::once(own).chain(self.facts_of_peers(group));
        let blocks = vec![Block::Facts(facts.collect()), Block::Text(text)];
        self.section("peers", blocks)
    }

    fn facts_of_peers(self, group: &PeerGroup) -> [MainFigure; 2] {
        let enti = [("enti", group.enti.into())];
        let fact = |id: &str, value| MainFigure {
            label: self.say_with(id, &enti),
            value,
            detail: String::new(),
        };
        [
            fact(
                "fact-median",
                Cell::Mean(group.median_uses_per_1000_residents, 1),
            ),
            fact("fact-rank", Cell::Count(group.rank as u64)),
        ]
    }

    /// Writes the services that others offer and this ente does not.
    pub(super) fn peer_offers(self) -> Section {
        let Some(peers) = &self.report.peers else {
            return self.section("peer-offers", Vec::new());
        };
        let heads = [
            Head::Words("service"),
            Head::Words("category"),
            Head::Figures("offered-by"),
        ];
        let rows = peers.missing.iter().map(|row| {
            vec![
                self.service(&row.name),
                self.category(&row.category),
                Cell::Count(row.enti as u64),
            ]
        });
        let rows: Vec<Vec<Cell>> = rows.collect();
        let text = (!rows.is_empty()).then(|| Block::Text(self.others(peers)));
        let table = self.table("peer-offers", &heads, rows);
        let blocks = text.into_iter().chain([table.into()]);
        self.section("peer-offers", blocks.collect())
    }

    /// Returns who the others are: members of the union, or bodies of like size.
    fn others(self, peers: &Peers) -> String {
        let others = ("others", peers.others.into());
        match &peers.union {
            Some(union) => {
                let words = [others, ("union", harmless(union).into())];
                self.say_with("peer-offers.of-union", &words)
            }
            None => self.say_with("peer-offers.of-size", &[others]),
        }
    }

    /// Writes what to look at next: at most one step of each kind.
    pub(super) fn next_steps(self) -> Section {
        let report = self.report;
        let Some(peers) = &report.peers else {
            return self.section("next-steps", Vec::new());
        };
        // Uses of services by ente are not published.
        let is_internal = self.public.is_none();
        let has_events = report.accesses.accesses + report.totals.kinds.service_uses > 0;
        let silent = (is_internal && !has_events).then(|| self.say("step-silent"));
        let offered = report.offered_services.iter();
        let unused = offered.filter(|row| is_internal && has_events && row.service_uses == 0);
        let unused = unused.map(|row| row.name.shown(self.language)).collect();
        let broken = report.service_status.iter();
        let broken = broken.filter(|row| is_internal && row.status == Some(Status::Broken));
        let broken = broken.map(|row| row.name.shown(self.language)).collect();
        let others = report.top_services.iter();
        let others = others
            .filter(|row| is_internal && row.category.registered && !self.is_offered(&row.name));
        let others = others.map(|row| row.name.shown(self.language)).collect();
        let missing = peers.missing.iter();
        let missing = missing.map(|row| row.name.shown(self.language)).collect();
        let named = [
            ("step-broken", broken),
            ("step-unused", unused),
            ("step-not-offered", others),
            ("step-missing", missing),
        ];
        let named = named
            .into_iter()
            .filter_map(|(id, names)| self.step(id, names));
        let steps = silent.into_iter().chain(named).collect();
        self.section("next-steps", vec![Block::Notes(steps)])
    }

    /// True for a service that the only ente offers on the last day.
    pub(super) fn is_offered(self, name: &ServiceName) -> bool {
        let mut offered = self.report.offered_services.iter();
        offered.any(|row| row.name.service == name.service)
    }

    /// Returns a step about these services; `None` without any.
    fn step(self, id: &str, names: Vec<String>) -> Option<String> {
        let services = names.len();
        let named = self.named(names, NAMED_MAX);
        let words = [("services", services.into()), ("names", named.into())];
        (services > 0).then(|| self.say_with(id, &words))
    }

    /// Returns the first names, and the number of the others.
    pub(super) fn named(self, mut names: Vec<String>, most: usize) -> String {
        let more = names.len().saturating_sub(most);
        names.truncate(most);
        let named = names.join(", ");
        if more == 0 {
            return named;
        }
        let words = [("names", named.into()), ("more", more.into())];
        self.say_with("step-names", &words)
    }
}
