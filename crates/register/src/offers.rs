//! Reads the tables that refer to enti: portals and deployments.

use crate::check::{Checker, EntryPosition};
use crate::model::{Ente, Portal, Service, Validity};
use crate::problem::Fault;
use crate::raw::RawPortal;
use crate::register::{Map, Named, Names, Offer};
use crate::tables::{DeploymentEntry, Entries};

pub(crate) fn read_portals(
    checker: &mut Checker,
    raw: Entries<RawPortal>,
    enti: &mut [Ente],
    ente_names: &Names,
) -> Vec<Portal> {
    let mut portals: Vec<(usize, Portal, EntryPosition)> = Vec::with_capacity(raw.len());
    let mut sources: Map<String, String> = Map::default();
    for (place, raw) in raw {
        checker.name(&place, "name", &raw.name);
        checker.name(&place, "source", &raw.source);
        let Some(ente) = ente_names.of(enti).find(&raw.ente) else {
            let (field, table) = ("ente", "ente");
            let code = raw.ente;
            checker.report(&place, Fault::Dangling { field, code, table });
            continue;
        };
        let full = format!("{}.{}", ente.code, raw.code);
        if let Some(other) = sources.insert(raw.source.clone(), full) {
            let name = raw.source.clone();
            checker.report(&place, Fault::Duplicate { name, other });
        }
        let portal = Portal {
            zone: checker
                .zone(&place, raw.zone.as_deref())
                .unwrap_or_else(|| ente.zone.clone()),
            code: raw.code,
            name: raw.name,
            ente: ente.code.clone(),
            source: raw.source,
            kind: raw.kind,
        };
        portals.push((ente.index(), portal, place));
    }
    portals.sort_by(|a, b| (a.0, &a.1.code).cmp(&(b.0, &b.1.code)));
    for pair in portals.windows(2) {
        let [(_, first, _), (_, second, place)] = pair else {
            continue;
        };
        if (&first.ente, &first.code) == (&second.ente, &second.code) {
            let name = second.code.clone();
            let other = format!("{}.{}", first.ente, first.code);
            checker.report(place, Fault::Duplicate { name, other });
        }
    }
    for ente in enti {
        let first = portals.partition_point(|(at, ..)| *at < ente.index());
        let end = portals.partition_point(|(at, ..)| *at <= ente.index());
        ente.portals = first..end;
    }
    portals.into_iter().map(|(_, portal, _)| portal).collect()
}

pub(crate) fn read_offers(
    checker: &mut Checker,
    raw: Vec<DeploymentEntry>,
    enti: Named<'_, Ente>,
    services: Named<'_, Service>,
) -> Vec<Offer> {
    let mut offers: Vec<(Offer, EntryPosition)> = Vec::with_capacity(raw.len());
    for offered in raw {
        let ente = enti.find(offered.ente());
        let service = services.find(offered.service());
        for (field, code, found) in [
            ("ente", offered.ente(), ente.is_some()),
            ("service", offered.service(), service.is_some()),
        ] {
            if !found {
                let (code, table) = (code.to_owned(), field);
                checker.report(&offered.place, Fault::Dangling { field, code, table });
            }
        }
        if let (Some(ente), Some(service)) = (ente, service)
            && let Some(offer) = read_offer(checker, &offered, ente, service)
        {
            offers.push((offer, offered.place));
        }
    }
    offers.sort_by_key(|(offer, _)| (offer.ente, offer.service, offer.validity.from));
    report_overlaps(checker, &offers);
    offers.into_iter().map(|(offer, _)| offer).collect()
}

fn read_offer(
    checker: &mut Checker,
    offered: &DeploymentEntry,
    ente: &Ente,
    service: &Service,
) -> Option<Offer> {
    let (raw, place) = (&offered.raw, &offered.place);
    let validity = checker.validity(place, raw.valid_from, raw.valid_to);
    // Reversed dates have been reported already.
    validity.intersection(&Validity::default())?;
    let within = validity
        .intersection(&service.validity)
        .and_then(|validity| validity.intersection(&ente.validity));
    if within.is_none() {
        checker.report(place, Fault::NeverValid);
    }
    Some(Offer {
        ente: ente.index,
        service: service.index,
        nature: raw.nature.unwrap_or(service.nature),
        validity: within?,
    })
}

/// Reports every period that begins before an earlier one of its ente and service ends. `offers` is
/// sorted by ente, service and first day.
fn report_overlaps(checker: &mut Checker, offers: &[(Offer, EntryPosition)]) {
    for periods in offers.chunk_by(|(a, _), (b, _)| (a.ente, a.service) == (b.ente, b.service)) {
        let mut longest = periods[0].0.validity;
        for (Offer { validity, .. }, place) in &periods[1..] {
            if let Some(both) = longest.intersection(validity) {
                checker.report(place, Fault::Overlap { on: both.from });
            }
            let is_longer = longest
                .to
                .is_some_and(|end| validity.to.is_none_or(|to| to > end));
            if is_longer {
                longest = *validity;
            }
        }
    }
}

/// Returns the range of each ente and service in `offers`, which is sorted by them.
pub(crate) fn places(offers: &[Offer]) -> Map<(u32, u32), std::ops::Range<u32>> {
    let mut places: Map<_, std::ops::Range<u32>> = Map::default();
    for (at, offer) in (0u32..).zip(offers) {
        places
            .entry((offer.ente, offer.service))
            .and_modify(|range| range.end = at + 1)
            .or_insert(at..at + 1);
    }
    places
}
