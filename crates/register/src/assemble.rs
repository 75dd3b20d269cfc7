//! Builds the register from its files: reads every table and resolves every reference.

use std::collections::BTreeSet;
use std::sync::Arc;

use affluenza_event::Kind;
use jiff::civil::Date;

use crate::check::{Checker, EntryPosition, civil_date};
use crate::claims::{Called, index};
use crate::model::{Category, Ente, EnteKind, Population, Service, Validity};
use crate::offers::{places, read_offers, read_portals};
use crate::problem::{Fault, RegisterErrors};
use crate::raw::{RawCategories, RawCategory, RawCategoryPeriod, RawEnte, RawService};
use crate::register::{Named, Names, Register};
use crate::tables::{Entries, OpenFile, TableReader};

pub(crate) fn assemble(
    text: &str,
    open: OpenFile<'_>,
    mut checker: Checker,
) -> Result<Register, RegisterErrors> {
    let tables = TableReader::read(&mut checker, open, text);
    if checker.has_unreadable_file() {
        // References to entries of this file would only hide the cause.
        return Err(RegisterErrors::new(checker.into_problems()));
    }
    let (categories, category_names) = read_categories(&mut checker, tables.categories);
    let (services, service_names) =
        read_services(&mut checker, tables.services, &categories, &category_names);
    let (mut enti, ente_names) = read_enti(&mut checker, tables.enti);
    let portals = read_portals(&mut checker, tables.portals, &mut enti, &ente_names);
    let offers = read_offers(
        &mut checker,
        tables.deployments,
        ente_names.of(&enti),
        service_names.of(&services),
    );

    let problems = checker.into_problems();
    if !problems.is_empty() {
        return Err(RegisterErrors::new(problems));
    }
    let mut register = Register {
        offers_of: places(&offers),
        enti,
        categories,
        services,
        portals,
        offers,
        ente_names,
        service_names,
        category_names,
        version: String::new(),
    };
    register.version = crate::version::version(&register);
    Ok(register)
}

fn read_categories(
    checker: &mut Checker,
    mut read: Entries<RawCategory>,
) -> (Vec<Arc<Category>>, Names) {
    read.sort_by(|a, b| a.1.code.cmp(&b.1.code));
    for (place, raw) in &read {
        checker.name(place, "name_it", &raw.name_it);
        checker.name(place, "name_en", &raw.name_en);
    }
    let called: Vec<_> = read
        .iter()
        .map(|(place, raw)| Called {
            place,
            claims: vec![&raw.code],
            name: &raw.name_it,
        })
        .collect();
    let names = index(checker, &called);
    let categories = (0u32..)
        .zip(read)
        .map(|(index, (_, raw))| {
            Arc::new(Category {
                index,
                code: raw.code,
                name_it: raw.name_it,
                name_en: raw.name_en,
            })
        })
        .collect();
    (categories, names)
}

fn read_services(
    checker: &mut Checker,
    mut read: Entries<RawService>,
    categories: &[Arc<Category>],
    category_names: &Names,
) -> (Vec<Service>, Names) {
    read.sort_by(|a, b| a.1.code.cmp(&b.1.code));
    for (place, raw) in &read {
        checker.name(place, "name_it", &raw.name_it);
        if let Some(name) = &raw.name_en {
            checker.name(place, "name_en", name);
        }
        for alias in &raw.aliases {
            checker.one_line(place, "aliases", alias);
        }
    }
    let called: Vec<_> = read
        .iter()
        .map(|(place, raw)| Called {
            place,
            claims: std::iter::once(&raw.code)
                .chain(&raw.aliases)
                .map(String::as_str)
                .collect(),
            name: &raw.name_it,
        })
        .collect();
    let names = index(checker, &called);
    let known = KnownCategories {
        named: category_names.of(categories),
        unknown: Arc::new(Category {
            index: 0,
            code: String::new(),
            name_it: String::new(),
            name_en: String::new(),
        }),
    };
    let services = (0u32..)
        .zip(read)
        .map(|(index, (place, raw))| {
            let (category, earlier) = match raw.category {
                RawCategories::Always(code) => (known.find(checker, &place, code), Vec::new()),
                RawCategories::History(periods) => history(checker, &place, periods, &known),
            };
            Service {
                index,
                validity: checker.validity(&place, raw.valid_from, raw.valid_to),
                code: raw.code,
                name_it: raw.name_it,
                name_en: raw.name_en,
                nature: raw.nature.unwrap_or(Kind::Plain),
                subject: raw.subject,
                life_event: raw.life_event,
                aliases: raw.aliases,
                category,
                earlier,
            }
        })
        .collect();
    (services, names)
}

struct KnownCategories<'c> {
    named: Named<'c, Arc<Category>>,
    /// Placeholder for an unknown category. The fault is reported, so no register is returned; the
    /// service stays in the list to keep the indexes of the other services.
    unknown: Arc<Category>,
}

impl KnownCategories<'_> {
    fn find(&self, checker: &mut Checker, place: &EntryPosition, code: String) -> Arc<Category> {
        match self.named.find(&code) {
            Some(category) => Arc::clone(category),
            None => {
                let field = "category";
                let table = "category";
                checker.report(place, Fault::Dangling { field, code, table });
                Arc::clone(&self.unknown)
            }
        }
    }
}

/// Current category, and earlier categories with their end dates.
type History = (Arc<Category>, Vec<(Date, Arc<Category>)>);

fn history(
    checker: &mut Checker,
    place: &EntryPosition,
    periods: Vec<RawCategoryPeriod>,
    known: &KnownCategories<'_>,
) -> History {
    let mut periods: Vec<(Validity, Arc<Category>)> = periods
        .into_iter()
        .map(|period| {
            let validity = checker.validity(place, period.valid_from, period.valid_to);
            (validity, known.find(checker, place, period.code))
        })
        .collect();
    periods.sort_by_key(|(validity, _)| validity.from);
    let joined = periods
        .windows(2)
        .all(|pair| pair[0].0.to.is_some() && pair[0].0.to == pair[1].0.from);
    let open = periods.first().is_some_and(|(it, _)| it.from.is_none())
        && periods.last().is_some_and(|(it, _)| it.to.is_none());
    if !(joined && open) {
        checker.report(place, Fault::CategoryHistory);
    }
    let last = periods
        .pop()
        .map_or_else(|| Arc::clone(&known.unknown), |(_, category)| category);
    let earlier = periods
        .into_iter()
        .filter_map(|(validity, category)| Some((validity.to?, category)))
        .collect();
    (last, earlier)
}

fn read_enti(checker: &mut Checker, mut read: Entries<RawEnte>) -> (Vec<Ente>, Names) {
    read.sort_by(|a, b| a.1.code.cmp(&b.1.code));
    let called: Vec<_> = read
        .iter()
        .map(|(place, raw)| Called {
            place,
            claims: std::iter::once(&raw.code)
                .chain(&raw.istat)
                .chain(&raw.belfiore)
                .chain(&raw.aliases)
                .map(String::as_str)
                .collect(),
            name: &raw.name,
        })
        .collect();
    let names = index(checker, &called);
    for (place, raw) in &read {
        checker.name(place, "name", &raw.name);
        for alias in &raw.aliases {
            checker.one_line(place, "aliases", alias);
        }
    }
    check_successors(checker, names.of(&read));
    read_members(checker, &mut read, &names);
    let enti = (0u32..)
        .zip(read)
        .map(|(index, (place, raw))| Ente {
            index,
            zone: checker
                .zone(&place, raw.zone.as_deref())
                .unwrap_or_default(),
            validity: checker.validity(&place, raw.valid_from, raw.valid_to),
            code: raw.code,
            name: raw.name,
            kind: raw.kind,
            istat: raw.istat,
            belfiore: raw.belfiore,
            population: raw.population,
            members: raw.members,
            aliases: raw.aliases,
            successor: raw.successor,
            patron: raw.patron,
            desk: raw.desk,
            portals: 0..0,
        })
        .collect();
    (enti, names)
}

/// Replaces names of members by their codes, and gives each ente with members their residents.
fn read_members(checker: &mut Checker, read: &mut Entries<RawEnte>, names: &Names) {
    for at in 0..read.len() {
        let (place, ente) = &read[at];
        if ente.members.is_empty() {
            continue;
        }
        if ente.kind == EnteKind::Comune {
            checker.report(place, Fault::MembersOfComune);
        }
        if ente.population.is_some() {
            checker.report(place, Fault::PopulationOfMembers);
        }
        let mut members: Vec<&RawEnte> = Vec::with_capacity(ente.members.len());
        for code in &ente.members {
            let Some((_, member)) = names.of(read).find(code) else {
                let (field, table, code) = ("members", "ente", code.clone());
                checker.report(place, Fault::Dangling { field, code, table });
                continue;
            };
            if member.kind != EnteKind::Comune {
                checker.report(place, Fault::MemberKind(code.clone()));
            }
            if members.iter().any(|other| other.code == member.code) {
                checker.report(place, Fault::RepeatedMember(code.clone()));
            }
            members.push(member);
        }
        members.sort_by(|a, b| a.code.cmp(&b.code));
        let population = population_of(&members, names.of(read));
        let codes = members.iter().map(|member| member.code.clone()).collect();
        let ente = &mut read[at].1;
        ente.members = codes;
        ente.population = population;
    }
}

/// Returns the sum of the residents of members with the oldest year and the common source; `None`
/// if a number is unknown. A member whose successor is a member, too, is counted in the successor.
fn population_of(
    members: &[&RawEnte],
    named: Named<'_, (EntryPosition, RawEnte)>,
) -> Option<Population> {
    let codes: BTreeSet<&str> = members.iter().map(|member| &*member.code).collect();
    let mut counts = Vec::new();
    for member in members {
        if !successors(&named, member).any(|later| codes.contains(&*later.code)) {
            counts.push(member.population.as_ref()?);
        }
    }
    let (first, others) = counts.split_first()?;
    let is_common = others.iter().all(|other| other.source == first.source);
    Some(Population {
        inhabitants: counts.iter().map(|count| count.inhabitants).sum(),
        year: counts.iter().map(|count| count.year).min()?,
        source: first.source.clone().filter(|_| is_common),
    })
}

/// Returns the ente that replaced this one, then the one that replaced that one, and so on. Bounded,
/// because a ring is reported and not removed.
fn successors<'n>(
    named: &'n Named<'n, (EntryPosition, RawEnte)>,
    ente: &'n RawEnte,
) -> impl Iterator<Item = &'n RawEnte> {
    std::iter::successors(Some(ente), |ente| {
        Some(&named.find(ente.successor.as_deref()?)?.1)
    })
    .skip(1)
    .take(named.entries.len())
}

fn check_successors(checker: &mut Checker, read: Named<'_, (EntryPosition, RawEnte)>) {
    let mut next: Vec<Option<usize>> = Vec::with_capacity(read.entries.len());
    for (place, ente) in read.entries {
        let successor = ente.successor.as_deref();
        let found = successor.and_then(|code| read.position(code));
        next.push(found);
        let Some(code) = successor else {
            continue;
        };
        if ente.valid_to.is_none() {
            checker.report(place, Fault::SuccessorWithoutEnd);
        }
        let code = code.to_owned();
        let Some(found) = found else {
            let (field, table) = ("successor", "ente");
            checker.report(place, Fault::Dangling { field, code, table });
            continue;
        };
        let successor = &read.entries[found].1;
        let validity = Validity {
            from: successor.valid_from.and_then(civil_date),
            to: successor.valid_to.and_then(civil_date),
        };
        if let Some(day) = ente.valid_to.and_then(civil_date)
            && !validity.contains(day)
        {
            checker.report(place, Fault::SuccessorNotValid { code, day });
        }
    }
    for at in rings(&next) {
        checker.report(&read.entries[at].0, Fault::SuccessorRing);
    }
}

/// Returns the nodes that lead back to themselves. Every node has at most one next node, so each is
/// visited twice at most.
fn rings(next: &[Option<usize>]) -> Vec<usize> {
    let mut rings = Vec::new();
    // Start of the walk that visited the node first.
    let mut visited_from: Vec<Option<usize>> = vec![None; next.len()];
    for start in 0..next.len() {
        let mut at = Some(start);
        while let Some(node) = at.filter(|node| visited_from[*node].is_none()) {
            visited_from[node] = Some(start);
            at = next[node];
        }
        let Some(first) = at.filter(|node| visited_from[*node] == Some(start)) else {
            continue;
        };
        let ring = std::iter::successors(Some(first), |node| {
            next[*node].filter(|node| *node != first)
        });
        rings.extend(ring);
    }
    rings
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::rings;

    proptest! {
        #[test]
        fn a_node_in_a_ring_is_one_that_reaches_itself(
            next in prop::collection::vec(prop::option::of(0usize..12), 12)
        ) {
            let reaches_itself = |start: &usize| {
                let mut at = next[*start];
                for _ in 0..next.len() {
                    if at == Some(*start) {
                        return true;
                    }
                    at = at.and_then(|node| next[node]);
                }
                false
            };
            let expected: Vec<usize> = (0..next.len()).filter(reaches_itself).collect();
            let mut found = rings(&next);
            found.sort_unstable();
            prop_assert_eq!(found, expected);
        }
    }
}
