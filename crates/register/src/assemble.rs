//! Builds the register from its text: reads every table and resolves every reference.

use std::sync::Arc;

use affluenza_event::Kind;
use jiff::civil::Date;
use toml::{Spanned, Value};

use crate::check::{Checker, EntryPosition};
use crate::claims::{Called, index};
use crate::model::{Category, Ente, Service, Validity};
use crate::offers::{places, read_offers, read_portals};
use crate::problem::{Fault, RegisterErrors, RegisterProblem};
use crate::raw::{RawCategories, RawCategory, RawCategoryPeriod, RawEnte, RawRegister, RawService};
use crate::register::{Named, Names, Register};

pub(crate) fn assemble(text: &str) -> Result<Register, RegisterErrors> {
    let raw: RawRegister = toml::from_str(text).map_err(|error| {
        let line = error.span().map(|span| Checker::new(text).line(&span));
        RegisterErrors::new(vec![RegisterProblem {
            line,
            table: "",
            code: String::new(),
            fault: Fault::Shape(error.message().replace('\n', ", ")),
        }])
    })?;
    let mut checker = Checker::new(text);

    let (categories, category_names) = read_categories(&mut checker, raw.category);
    let (services, service_names) =
        read_services(&mut checker, raw.service, &categories, &category_names);
    let (mut enti, ente_names) = read_enti(&mut checker, raw.ente);
    let portals = read_portals(&mut checker, raw.portal, &mut enti, &ente_names);
    let offers = read_offers(
        &mut checker,
        raw.deployments,
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
    checker: &mut Checker<'_>,
    raw: Vec<Spanned<Value>>,
) -> (Vec<Arc<Category>>, Names) {
    let mut read: Vec<(EntryPosition, RawCategory)> = raw
        .into_iter()
        .filter_map(|entry| checker.entry("category", entry))
        .collect();
    read.sort_by(|a, b| a.1.code.cmp(&b.1.code));
    for (place, raw) in &read {
        checker.not_empty(place, "name_it", Some(&raw.name_it));
        checker.not_empty(place, "name_en", Some(&raw.name_en));
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
    checker: &mut Checker<'_>,
    raw: Vec<Spanned<Value>>,
    categories: &[Arc<Category>],
    category_names: &Names,
) -> (Vec<Service>, Names) {
    let mut read: Vec<(EntryPosition, RawService)> = raw
        .into_iter()
        .filter_map(|entry| checker.entry("service", entry))
        .collect();
    read.sort_by(|a, b| a.1.code.cmp(&b.1.code));
    for (place, raw) in &read {
        checker.not_empty(place, "name_it", Some(&raw.name_it));
        checker.not_empty(place, "name_en", raw.name_en.as_deref());
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
    fn find(
        &self,
        checker: &mut Checker<'_>,
        place: &EntryPosition,
        code: String,
    ) -> Arc<Category> {
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
    checker: &mut Checker<'_>,
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

fn read_enti(checker: &mut Checker<'_>, raw: Vec<Spanned<Value>>) -> (Vec<Ente>, Names) {
    let mut read: Vec<(EntryPosition, RawEnte)> = raw
        .into_iter()
        .filter_map(|entry| checker.entry("ente", entry))
        .collect();
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
    let named = names.of(&read);
    for (place, raw) in &read {
        checker.not_empty(place, "name", Some(&raw.name));
        if let Some(successor) = &raw.successor {
            check_successor(checker, place, raw, successor, &named);
        }
    }
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
            aliases: raw.aliases,
            successor: raw.successor,
            patron: raw.patron,
            desk: raw.desk,
            portals: 0..0,
        })
        .collect();
    (enti, names)
}

fn check_successor(
    checker: &mut Checker<'_>,
    place: &EntryPosition,
    ente: &RawEnte,
    successor: &str,
    read: &Named<'_, (EntryPosition, RawEnte)>,
) {
    if ente.valid_to.is_none() {
        checker.report(place, Fault::SuccessorWithoutEnd);
    }
    let Some((_, first)) = read.find(successor) else {
        let fault = Fault::Dangling {
            field: "successor",
            code: successor.to_owned(),
            table: "ente",
        };
        return checker.report(place, fault);
    };
    let mut at = first;
    // The number of enti bounds the walk, so it also ends in a ring that does not include this
    // ente.
    for _ in 0..read.entries.len() {
        if at.code == ente.code {
            return checker.report(place, Fault::SuccessorRing);
        }
        let successor = at.successor.as_deref();
        match successor.and_then(|code| read.find(code)) {
            Some((_, further)) => at = further,
            None => return,
        }
    }
}
