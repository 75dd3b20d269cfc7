//! Reads the tables that refer to enti: portals and deployments.

use std::collections::BTreeMap;

use jiff::civil::Date;
use toml::{Spanned, Value};

use crate::check::{Checker, EntryPosition};
use crate::model::{Ente, Portal, Service, Validity};
use crate::problem::Fault;
use crate::raw::{RawDeployment, RawPortal};
use crate::register::{Map, Named, Names, Offer};

pub(crate) fn read_portals(
    checker: &mut Checker<'_>,
    raw: Vec<Spanned<Value>>,
    enti: &mut [Ente],
    ente_names: &Names,
) -> Vec<Portal> {
    let mut portals: Vec<(usize, Portal)> = Vec::new();
    let mut sources: Map<String, String> = Map::default();
    for entry in raw {
        let Some((place, raw)) = checker.entry::<RawPortal>("portal", entry) else {
            continue;
        };
        checker.not_empty(&place, "name", Some(&raw.name));
        checker.not_empty(&place, "source", Some(&raw.source));
        let Some(at) = ente_names.exact.get(raw.ente.as_str()) else {
            let (field, table) = ("ente", "ente");
            let code = raw.ente;
            checker.report(&place, Fault::Dangling { field, code, table });
            continue;
        };
        let ente = &enti[*at as usize];
        let full = format!("{}.{}", ente.code, raw.code);
        let twin = portals
            .iter()
            .find(|(of, portal)| of == &ente.index() && portal.code == raw.code)
            .map(|_| full.clone());
        let twin_source = sources.insert(raw.source.clone(), full);
        for (name, other) in [(&raw.code, twin), (&raw.source, twin_source)] {
            if let Some(other) = other {
                let name = name.clone();
                checker.report(&place, Fault::Duplicate { name, other });
            }
        }
        portals.push((
            ente.index(),
            Portal {
                zone: checker
                    .zone(&place, raw.zone.as_deref())
                    .unwrap_or_else(|| ente.zone.clone()),
                code: raw.code,
                name: raw.name,
                ente: ente.code.clone(),
                source: raw.source,
            },
        ));
    }
    portals.sort_by(|a, b| (a.0, &a.1.code).cmp(&(b.0, &b.1.code)));
    for ente in enti {
        let first = portals.partition_point(|(at, _)| *at < ente.index());
        let end = portals.partition_point(|(at, _)| *at <= ente.index());
        ente.portals = first..end;
    }
    portals.into_iter().map(|(_, portal)| portal).collect()
}

pub(crate) fn read_offers(
    checker: &mut Checker<'_>,
    raw: BTreeMap<String, BTreeMap<String, Spanned<Value>>>,
    enti: Named<'_, Ente>,
    services: Named<'_, Service>,
) -> Vec<Offer> {
    let mut offers = Vec::new();
    for (ente_code, of_ente) in raw {
        let ente = enti.find(&ente_code);
        for (service_code, value) in of_ente {
            let place = EntryPosition {
                line: checker.line(&value.span()),
                table: "deployments",
                code: format!("{ente_code}.{service_code}"),
            };
            let service = services.find(&service_code);
            for (field, code, found) in [
                ("ente", &ente_code, ente.is_some()),
                ("service", &service_code, service.is_some()),
            ] {
                if !found {
                    let (code, table) = (code.clone(), field);
                    checker.report(&place, Fault::Dangling { field, code, table });
                }
            }
            let periods = match value.into_inner() {
                Value::Array(periods) => periods,
                one => vec![one],
            };
            let raws: Vec<RawDeployment> = periods
                .into_iter()
                .filter_map(|period| checker.shape(&place, period))
                .collect();
            if let (Some(ente), Some(service)) = (ente, service) {
                offers.extend(read_periods(checker, &place, ente, service, raws));
            }
        }
    }
    offers.sort_by_key(|offer| (offer.ente, offer.service, offer.validity.from));
    offers
}

fn read_periods(
    checker: &mut Checker<'_>,
    place: &EntryPosition,
    ente: &Ente,
    service: &Service,
    raws: Vec<RawDeployment>,
) -> Vec<Offer> {
    let mut offers: Vec<Offer> = Vec::with_capacity(raws.len());
    for raw in raws {
        let validity = checker.validity(place, raw.valid_from, raw.valid_to);
        if validity.intersection(&Validity::default()).is_none() {
            // Reversed dates have been reported already.
            continue;
        }
        let within = validity
            .intersection(&service.validity)
            .and_then(|validity| validity.intersection(&ente.validity));
        let Some(validity) = within else {
            checker.report(place, Fault::NeverValid);
            continue;
        };
        for earlier in &offers {
            if let Some(both) = earlier.validity.intersection(&validity) {
                let on = both.from.unwrap_or(Date::MIN);
                checker.report(place, Fault::Overlap { on });
            }
        }
        offers.push(Offer {
            ente: ente.index,
            service: service.index,
            nature: raw.nature.unwrap_or(service.nature),
            validity,
        });
    }
    offers
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
