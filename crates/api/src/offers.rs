//! Services offered, by the register, compared with services used.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use affluenza_disclosure::edition::Label;
use affluenza_disclosure::{Count, derive, sum};
use affluenza_register::{Deployment, Register, Validity};
use affluenza_store::usage::Dimension;

use crate::answer::Value;
use crate::asked::{AnswerPage, Asked};
use crate::counted::{COMPARED_COLUMNS, compared};
use crate::names::CodeNames;
use crate::period::Period;
use crate::source::{FigureSource, NoFigures, PeriodCounts, Split};

/// True if the validity covers any day of the period.
fn is_valid_in(validity: Validity, period: Period) -> bool {
    let (first, last) = (period.first(), period.last());
    validity.from.is_none_or(|from| from <= last) && validity.to.is_none_or(|to| to > first)
}

/// Codes selected by a question and a scope.
struct SelectedCodes<'q> {
    asked: &'q Asked<'q>,
    scope: Option<&'q [String]>,
}

impl SelectedCodes<'_> {
    fn has(&self, dimension: Dimension, code: &str) -> bool {
        let filter = self.asked.question.filters.get(&dimension);
        filter.is_none_or(|values| values.iter().any(|value| value == code))
            && (dimension != Dimension::Ente
                || self
                    .scope
                    .is_none_or(|scope| scope.iter().any(|ente| ente == code)))
    }

    /// Returns the selected offers of the register. Categories are those of the period's last day.
    fn offers<'r>(&'r self, register: &'r Register) -> impl Iterator<Item = Deployment<'r>> {
        register.deployments().filter(move |offer| {
            let category = offer.service.category_on(self.asked.period.last());
            self.has(Dimension::Ente, offer.ente.code())
                && self.has(Dimension::Service, offer.service.code())
                && self.has(Dimension::Category, category.code())
        })
    }
}

/// A service in two periods.
#[derive(Debug, Clone, Copy, Default)]
struct ComparedService {
    now: Count,
    before: Count,
    is_offered: bool,
    was_offered: bool,
    /// Number of codes that the register does not know.
    codes: u64,
}

impl ComparedService {
    /// Returns the state; `None` for a service that was used in neither period and is not offered
    /// now. A zero is always shown, so a hidden count is a use.
    fn state(&self) -> Option<&'static str> {
        let [is_used, was_used] = [self.now, self.before].map(|count| count != Count::Shown(0));
        if !is_used && !was_used && !self.is_offered {
            return None;
        }
        Some(match (self.is_offered, self.was_offered) {
            (false, false) => "UNREGISTERED",
            (false, true) => "RETIRED",
            (true, false) => "NEW",
            (true, true) if !is_used && !was_used => "UNUSED",
            (true, true) if !is_used => "BROKEN",
            _ => "CHANGED",
        })
    }
}

/// Returns the ente or the service of an offer.
fn offer_label(dimension: Dimension, offer: &Deployment<'_>) -> Label {
    let code = match dimension {
        Dimension::Ente => offer.ente.code(),
        _ => offer.service.code(),
    };
    Label::new(dimension, code)
}

/// Returns every service used or offered in either period, by labels.
fn joined(
    now: PeriodCounts,
    before: PeriodCounts,
    offers: impl Iterator<Item = (Vec<Label>, [bool; 2])>,
) -> BTreeMap<Vec<Label>, ComparedService> {
    let mut variations: BTreeMap<Vec<Label>, ComparedService> = BTreeMap::new();
    for (labels, counts) in now.rows {
        let variation = variations.entry(labels).or_default();
        (variation.now, variation.codes) = (counts.count, counts.codes);
    }
    for (labels, counts) in before.rows {
        let variation = variations.entry(labels).or_default();
        variation.before = counts.count;
        variation.codes = variation.codes.max(counts.codes);
    }
    for (labels, [is_offered, was_offered]) in offers {
        let variation = variations.entry(labels).or_default();
        variation.is_offered |= is_offered;
        variation.was_offered |= was_offered;
    }
    variations
}

/// Builds the changes between two periods, by ente and service. Uses of a service by one ente are
/// not published, so public changes are by service.
pub(crate) async fn variations(
    source: FigureSource<'_>,
    asked: &Asked<'_>,
    register: &Register,
) -> Result<AnswerPage, NoFigures> {
    let by: &[Dimension] = match source.is_public() {
        true => &[Dimension::Service],
        false => &[Dimension::Ente, Dimension::Service],
    };
    let periods = [asked.period, asked.compared.unwrap_or(asked.period)];
    let (question, scope) = (asked.question, source.scope());
    let (now, before) = tokio::try_join!(
        source.counts(question, periods[0], by, Split::No),
        source.counts(question, periods[1], by, Split::No)
    )?;
    let published = [now.total.count, before.total.count];
    let wanted = SelectedCodes { asked, scope };
    let offers = wanted.offers(register).map(|offer| {
        let labels = by.iter().map(|dimension| offer_label(*dimension, &offer));
        let is_offered = periods.map(|period| is_valid_in(offer.validity, period));
        (labels.collect(), is_offered)
    });
    let mut rows: Vec<(Vec<Label>, ComparedService)> = joined(now, before, offers)
        .into_iter()
        .filter(|(_, row)| match (row.state(), question.state) {
            (Some(state), Some(wanted)) => state == wanted,
            (state, _) => state.is_some(),
        })
        .collect();
    // The greatest difference comes first. Hidden differences come last, by label.
    rows.sort_by_key(|(_, row)| {
        Reverse(derive([row.now, row.before], |[now, before]| {
            now.abs_diff(before)
        }))
    });
    // A sum of rows would be hidden with any of them, so the public total is a published one.
    let [now, before] = match source.is_public() {
        true => published,
        false => [
            sum(rows.iter().map(|(_, row)| row.now)),
            sum(rows.iter().map(|(_, row)| row.before)),
        ],
    };
    let names = CodeNames(register);
    let mut columns = CodeNames::columns(by);
    columns.extend(["state", "service_uses"]);
    columns.extend(COMPARED_COLUMNS);
    let page = AnswerPage::new(question, columns, &rows, |(labels, row)| {
        let mut values = names.row(labels, row.codes);
        values.extend([Value::text(row.state()), Value::Count(row.now)]);
        values.extend(compared(row.now, row.before));
        values
    })?;
    let totals = vec![
        ("service_uses", Value::Count(now)),
        ("before", Value::Count(before)),
        ("change_percent", Value::change(now, before)),
    ];
    Ok(AnswerPage { totals, ..page })
}

/// Services of an ente.
#[derive(Default)]
struct EnteOffer {
    offered: BTreeSet<String>,
    used: u64,
    used_unregistered: u64,
    uses: Count,
    /// Number of codes that the register does not know.
    codes: u64,
}

/// Builds the number of services that each ente offered in a period, and how many of them were
/// used.
pub(crate) async fn offered_versus_used(
    source: FigureSource<'_>,
    asked: &Asked<'_>,
    register: &Register,
) -> Result<AnswerPage, NoFigures> {
    let by = [Dimension::Ente, Dimension::Service];
    let uses = source
        .counts(asked.question, asked.period, &by, Split::No)
        .await?;
    let scope = source.scope();
    let mut enti: BTreeMap<String, EnteOffer> = BTreeMap::new();
    for offer in (SelectedCodes { asked, scope }).offers(register) {
        if is_valid_in(offer.validity, asked.period) {
            let ente = enti.entry(offer.ente.code().to_owned()).or_default();
            ente.offered.insert(offer.service.code().to_owned());
        }
    }
    for (labels, counts) in &uses.rows {
        let [ente, service] = &labels[..] else {
            continue;
        };
        let ente = enti.entry(ente.text.clone()).or_default();
        ente.uses += counts.count;
        ente.codes += counts.codes;
        match ente.offered.contains(&service.text) {
            true => ente.used += 1,
            // A row of unknown codes has their number.
            false => ente.used_unregistered += counts.codes.max(1),
        }
    }
    let mut columns = CodeNames::columns(&[Dimension::Ente]);
    columns.extend([
        "services_offered",
        "services_used",
        "services_unused",
        "used_share_percent",
        "services_used_unregistered",
        "service_uses",
    ]);
    let (names, rows) = (CodeNames(register), Vec::from_iter(&enti));
    let page = AnswerPage::new(asked.question, columns, &rows, |(code, ente)| {
        let offered = ente.offered.len() as u64;
        let mut row = names.row(&[Label::new(Dimension::Ente, *code)], ente.codes);
        row.extend([
            Value::count(offered),
            Value::count(ente.used),
            Value::count(offered - ente.used),
            Value::share(Count::Shown(ente.used), Count::Shown(offered)),
            Value::count(ente.used_unregistered),
            Value::Count(ente.uses),
        ]);
        row
    })?;
    let offered = enti.values().map(|ente| ente.offered.len() as u64).sum();
    let used = enti.values().map(|ente| ente.used).sum();
    let totals = vec![
        ("services_offered", Value::count(offered)),
        ("services_used", Value::count(used)),
        ("service_uses", Value::Count(uses.total.count)),
    ];
    Ok(AnswerPage { totals, ..page })
}

/// Builds the services of the register, and the number of enti that offer each in a period.
pub(crate) fn catalogue(
    asked: &Asked<'_>,
    register: &Register,
    scope: Option<&[String]>,
) -> Result<AnswerPage, NoFigures> {
    let (question, period) = (asked.question, asked.period);
    let wanted = SelectedCodes { asked, scope };
    let mut enti: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for offer in register.deployments() {
        if is_valid_in(offer.validity, period) && wanted.has(Dimension::Ente, offer.ente.code()) {
            let offering = enti.entry(offer.service.code()).or_default();
            offering.insert(offer.ente.code());
        }
    }
    let is_narrowed = scope.is_some() || question.filters.contains_key(&Dimension::Ente);
    let names = CodeNames(register);
    let mut rows = Vec::new();
    for service in register.services() {
        let category = service.category_on(period.last()).code();
        let offering = enti.get(service.code()).map_or(0, BTreeSet::len);
        if !wanted.has(Dimension::Service, service.code())
            || !wanted.has(Dimension::Category, category)
            || is_narrowed && offering == 0
        {
            continue;
        }
        let labels = [
            Label::new(Dimension::Service, service.code()),
            Label::new(Dimension::Category, category),
        ];
        let mut row = names.row(&labels, 0);
        row.extend([
            Value::Text(service.nature().to_string()),
            Value::count(offering as u64),
            Value::text(service.subject()),
            Value::text(service.life_event()),
        ]);
        row.extend(Value::days(service.validity()));
        rows.push(row);
    }
    let mut columns = CodeNames::columns(&[Dimension::Service, Dimension::Category]);
    columns.extend([
        "nature",
        "enti",
        "subject",
        "life_event",
        "valid_from",
        "valid_to",
    ]);
    let page = AnswerPage::new(question, columns, &rows, Vec::clone)?;
    let totals = vec![("services", Value::count(rows.len() as u64))];
    Ok(AnswerPage { totals, ..page })
}
