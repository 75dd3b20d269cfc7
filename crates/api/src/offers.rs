//! Services offered, by the register, compared with services used.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use affluenza_register::{Register, Validity};
use affluenza_store::Store;
use affluenza_store::usage::{Dimension, UsageQuery};
use jiff::civil::Date;

use crate::answer::Value;
use crate::counted::NoFigures;
use crate::names::Names;
use crate::period::Period;
use crate::question::Question;

pub(crate) type Grid = (
    Vec<&'static str>,
    Vec<Vec<Value>>,
    Vec<(&'static str, Value)>,
);
/// Uses by ente and service.
type Uses = BTreeMap<(String, String), u64>;

fn date(day: affluenza_classify::hours::LocalDate) -> Date {
    Date::new(
        day.year(),
        day.month().cast_signed(),
        day.day().cast_signed(),
    )
    .unwrap_or(Date::MAX)
}

/// True if the validity covers any day of the period.
fn overlaps(validity: Validity, period: Period) -> bool {
    let (first, last) = (date(period.first()), date(period.last()));
    validity.from.is_none_or(|from| from <= last) && validity.to.is_none_or(|to| to > first)
}

async fn uses(
    store: &Store,
    question: &Question,
    scope: Option<&[String]>,
    period: Period,
) -> Result<Uses, NoFigures> {
    let query = UsageQuery {
        group: vec![Dimension::Ente, Dimension::Service],
        selection: question.selection(period, scope),
        users: false,
    };
    let mut uses = Uses::new();
    for row in store.usage(&query).await? {
        if let [ente, service] = &row.keys[..]
            && row.service_uses > 0
        {
            *uses.entry((ente.clone(), service.clone())).or_default() += row.service_uses;
        }
    }
    Ok(uses)
}

/// Codes selected by a question and a scope.
struct Wanted<'q> {
    question: &'q Question,
    scope: Option<&'q [String]>,
}

impl Wanted<'_> {
    fn is(&self, dimension: Dimension, code: &str) -> bool {
        let filter = self.question.filters.get(&dimension);
        filter.is_none_or(|values| values.iter().any(|value| value == code))
            && (dimension != Dimension::Ente
                || self
                    .scope
                    .is_none_or(|scope| scope.iter().any(|ente| ente == code)))
    }
}

/// Returns the state of a service from whether it was offered, and used, in the period and in the
/// compared one. Returns `None` for a service that was used in neither and is not offered now.
pub(crate) fn state(
    (here, there): (bool, bool),
    (is_used, was_used): (bool, bool),
) -> Option<&'static str> {
    if !is_used && !was_used && !here {
        return None;
    }
    Some(match (here, there) {
        (false, false) => "UNREGISTERED",
        (false, true) => "RETIRED",
        (true, false) => "NEW",
        (true, true) if !is_used && !was_used => "UNUSED",
        (true, true) if !is_used => "BROKEN",
        _ => "CHANGED",
    })
}

/// Returns the services of the register, and whether any ente offers each in the first and in the
/// second period.
pub(crate) fn services_offered(
    register: &Register,
    (period, before): (Period, Period),
) -> BTreeMap<String, (bool, bool)> {
    let mut offered: BTreeMap<String, (bool, bool)> = BTreeMap::new();
    for offer in register.deployments() {
        let entry = offered.entry(offer.service.code().to_owned()).or_default();
        entry.0 |= overlaps(offer.validity, period);
        entry.1 |= overlaps(offer.validity, before);
    }
    offered
}

/// Returns the changes between two periods, by ente and service.
pub(crate) async fn variations(
    store: &Store,
    register: &Register,
    question: &Question,
    scope: Option<&[String]>,
    (period, before): (Period, Period),
) -> Result<Grid, NoFigures> {
    let (now, then) = tokio::try_join!(
        uses(store, question, scope, period),
        uses(store, question, scope, before)
    )?;
    let wanted = Wanted { question, scope };
    // Offered in the period, and in the compared one.
    let mut offered: BTreeMap<(String, String), (bool, bool)> = BTreeMap::new();
    for offer in register.deployments() {
        let category = offer.service.category_on(date(period.last()));
        if !wanted.is(Dimension::Ente, offer.ente.code())
            || !wanted.is(Dimension::Service, offer.service.code())
            || !wanted.is(Dimension::Category, category.code())
        {
            continue;
        }
        let key = (
            offer.ente.code().to_owned(),
            offer.service.code().to_owned(),
        );
        let entry = offered.entry(key).or_default();
        entry.0 |= overlaps(offer.validity, period);
        entry.1 |= overlaps(offer.validity, before);
    }
    let keys: BTreeSet<&(String, String)> = now
        .keys()
        .chain(then.keys())
        .chain(offered.keys())
        .collect();
    let mut rows = Vec::new();
    for key in keys {
        let count = |uses: &Uses| uses.get(key).copied().unwrap_or(0);
        let (here, there) = offered.get(key).copied().unwrap_or_default();
        let (now, then) = (count(&now), count(&then));
        let Some(state) = state((here, there), (now > 0, then > 0)) else {
            continue;
        };
        if question.state.is_none_or(|wanted| wanted == state) {
            rows.push((key, now, then, state));
        }
    }
    rows.sort_by_key(|(key, now, then, _)| (Reverse(now.abs_diff(*then)), *key));
    let names = Names(register);
    let columns = vec![
        "ente",
        "ente_name",
        "service",
        "service_name_it",
        "service_name_en",
        "state",
        "service_uses",
        "before",
        "difference",
        "change_percent",
    ];
    let totals = sums(rows.iter().map(|(_, now, then, _)| (*now, *then)));
    let rows = rows
        .into_iter()
        .map(|((ente, service), now, then, state)| {
            let mut row = vec![Value::Text(ente.clone())];
            row.extend(names.of(Dimension::Ente, ente));
            row.push(Value::Text(service.clone()));
            row.extend(names.of(Dimension::Service, service));
            row.push(Value::Text(state.to_owned()));
            row.extend([
                Value::Count(now),
                Value::Count(then),
                Value::Difference(now.cast_signed().wrapping_sub(then.cast_signed())),
                Value::change(now, then),
            ]);
            row
        })
        .collect();
    Ok((columns, rows, totals))
}

fn sums(rows: impl Iterator<Item = (u64, u64)>) -> Vec<(&'static str, Value)> {
    let (now, before) = rows.fold((0, 0), |sum, row| (sum.0 + row.0, sum.1 + row.1));
    vec![
        ("service_uses", Value::Count(now)),
        ("before", Value::Count(before)),
        ("change_percent", Value::change(now, before)),
    ]
}

/// Returns the number of services that each ente offered in a period, and how many of them were
/// used.
pub(crate) async fn offered_versus_used(
    store: &Store,
    register: &Register,
    question: &Question,
    scope: Option<&[String]>,
    period: Period,
) -> Result<Grid, NoFigures> {
    let uses = uses(store, question, scope, period).await?;
    let wanted = Wanted { question, scope };
    #[derive(Default)]
    struct Ente {
        offered: BTreeSet<String>,
        used: u64,
        uses: u64,
        unregistered: u64,
    }
    let mut enti: BTreeMap<String, Ente> = BTreeMap::new();
    for offer in register.deployments() {
        let category = offer.service.category_on(date(period.last()));
        if overlaps(offer.validity, period)
            && wanted.is(Dimension::Ente, offer.ente.code())
            && wanted.is(Dimension::Service, offer.service.code())
            && wanted.is(Dimension::Category, category.code())
        {
            let ente = enti.entry(offer.ente.code().to_owned()).or_default();
            ente.offered.insert(offer.service.code().to_owned());
        }
    }
    for ((ente, service), count) in &uses {
        let ente = enti.entry(ente.clone()).or_default();
        ente.uses += count;
        if ente.offered.contains(service) {
            ente.used += 1;
        } else {
            ente.unregistered += 1;
        }
    }
    let names = Names(register);
    let columns = vec![
        "ente",
        "ente_name",
        "services_offered",
        "services_used",
        "services_unused",
        "used_share_percent",
        "services_used_unregistered",
        "service_uses",
    ];
    let sum = |of: fn(&Ente) -> u64| Value::Count(enti.values().map(of).sum());
    let totals = vec![
        ("services_offered", sum(|ente| ente.offered.len() as u64)),
        ("services_used", sum(|ente| ente.used)),
        ("service_uses", sum(|ente| ente.uses)),
    ];
    let rows = enti
        .iter()
        .map(|(code, ente)| {
            let offered = ente.offered.len() as u64;
            let mut row = vec![Value::Text(code.clone())];
            row.extend(names.of(Dimension::Ente, code));
            row.extend([
                Value::Count(offered),
                Value::Count(ente.used),
                Value::Count(offered - ente.used),
                Value::share(ente.used, offered),
                Value::Count(ente.unregistered),
                Value::Count(ente.uses),
            ]);
            row
        })
        .collect();
    Ok((columns, rows, totals))
}

/// Returns the services of the register, and the number of enti that offer each in a period.
pub(crate) fn catalogue(
    register: &Register,
    question: &Question,
    scope: Option<&[String]>,
    period: Period,
) -> Grid {
    let wanted = Wanted { question, scope };
    let mut enti: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for offer in register.deployments() {
        if overlaps(offer.validity, period) && wanted.is(Dimension::Ente, offer.ente.code()) {
            enti.entry(offer.service.code())
                .or_default()
                .insert(offer.ente.code());
        }
    }
    let narrowed = scope.is_some() || question.filters.contains_key(&Dimension::Ente);
    let names = Names(register);
    let mut rows = Vec::new();
    for service in register.services() {
        let category = service.category_on(date(period.last())).code();
        let offering = enti.get(service.code()).map_or(0, BTreeSet::len);
        if !wanted.is(Dimension::Service, service.code())
            || !wanted.is(Dimension::Category, category)
            || narrowed && offering == 0
        {
            continue;
        }
        let mut row = vec![Value::Text(service.code().to_owned())];
        row.extend(names.of(Dimension::Service, service.code()));
        row.push(Value::Text(category.to_owned()));
        row.extend(names.of(Dimension::Category, category));
        row.extend([
            Value::Text(service.nature().as_str().to_owned()),
            Value::Count(offering as u64),
            Value::text(service.subject()),
            Value::text(service.life_event()),
            Value::text(
                service
                    .validity()
                    .from
                    .map(|day| day.to_string())
                    .as_deref(),
            ),
            Value::text(service.validity().to.map(|day| day.to_string()).as_deref()),
        ]);
        rows.push(row);
    }
    let columns = vec![
        "service",
        "service_name_it",
        "service_name_en",
        "category",
        "category_name_it",
        "category_name_en",
        "nature",
        "enti",
        "subject",
        "life_event",
        "valid_from",
        "valid_to",
    ];
    let totals = vec![("services", Value::Count(rows.len() as u64))];
    (columns, rows, totals)
}
