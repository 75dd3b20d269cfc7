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

    /// Returns the offers of the selected enti, sorted by ente and service.
    fn offers_of_enti<'r>(
        &'r self,
        register: &'r Register,
    ) -> impl Iterator<Item = Deployment<'r>> {
        let filter = self.asked.question.filters.get(&Dimension::Ente);
        let selected = filter.map(Vec::as_slice).or(self.scope);
        // A question about a few enti does not read the offers of thousands.
        let few = selected.map(BTreeSet::from_iter);
        let all = few.is_none().then(|| register.deployments());
        let few = few.into_iter().flatten();
        few.filter_map(move |code| register.ente(code))
            .flat_map(move |ente| register.deployments_of(ente))
            .chain(all.into_iter().flatten())
            .filter(move |offer| self.has(Dimension::Ente, offer.ente.code()))
    }

    /// Returns the selected offers of the register, sorted by ente and service. Categories are
    /// those of the period's last day.
    fn offers<'r>(&'r self, register: &'r Register) -> impl Iterator<Item = Deployment<'r>> {
        self.offers_of_enti(register).filter(move |offer| {
            let category = offer.service.category_on(self.asked.period.last());
            self.has(Dimension::Service, offer.service.code())
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
    /// Adds the use of the same service from another source.
    fn add(&mut self, part: Self) {
        self.now += part.now;
        self.before += part.before;
        self.is_offered |= part.is_offered;
        self.was_offered |= part.was_offered;
        self.codes = self.codes.max(part.codes);
    }

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

/// Returns every service used or offered in either period, sorted by labels.
fn joined(
    now: PeriodCounts,
    before: PeriodCounts,
    offers: impl Iterator<Item = (Vec<Label>, ComparedService)>,
) -> Vec<(Vec<Label>, ComparedService)> {
    let nothing = ComparedService::default();
    let now = now.rows.into_iter().map(|(labels, counts)| {
        let (now, codes) = (counts.count, counts.codes);
        (
            labels,
            ComparedService {
                now,
                codes,
                ..nothing
            },
        )
    });
    let before = before.rows.into_iter().map(|(labels, counts)| {
        let (before, codes) = (counts.count, counts.codes);
        (
            labels,
            ComparedService {
                before,
                codes,
                ..nothing
            },
        )
    });
    let mut variations: Vec<_> = now.chain(before).chain(offers).collect();
    // Each of the three is sorted by labels, unless it is by service only. A stable sort merges them.
    variations.sort_by(|(a, _), (b, _)| a.cmp(b));
    variations.dedup_by(|(labels, part), (kept, whole)| {
        let is_same = labels == kept;
        if is_same {
            whole.add(*part);
        }
        is_same
    });
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
        let offered = ComparedService {
            is_offered: is_valid_in(offer.validity, periods[0]),
            was_offered: is_valid_in(offer.validity, periods[1]),
            ..ComparedService::default()
        };
        (labels.collect(), offered)
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
    let page = AnswerPage::new(question, variation_columns(by), &rows, |(labels, row)| {
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

/// Returns the columns of variations by these dimensions.
pub(crate) fn variation_columns(by: &[Dimension]) -> Vec<&'static str> {
    let mut columns = CodeNames::columns(by);
    columns.extend(["state", "service_uses"]);
    columns.extend(COMPARED_COLUMNS);
    columns
}

/// Returns the columns of services offered and used.
pub(crate) fn offer_columns() -> Vec<&'static str> {
    let mut columns = CodeNames::columns(&[Dimension::Ente]);
    columns.extend([
        "services_offered",
        "services_used",
        "services_unused",
        "used_share_percent",
        "services_used_unregistered",
        "service_uses",
    ]);
    columns
}

/// Returns the columns of the catalogue.
pub(crate) fn catalogue_columns() -> Vec<&'static str> {
    let mut columns = CodeNames::columns(&[Dimension::Service, Dimension::Category]);
    columns.extend([
        "nature",
        "enti",
        "subject",
        "life_event",
        "valid_from",
        "valid_to",
    ]);
    columns
}

/// Services of an ente.
#[derive(Default)]
struct EnteOffer<'r> {
    offered: BTreeSet<&'r str>,
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
    let mut enti: BTreeMap<&str, EnteOffer<'_>> = BTreeMap::new();
    let wanted = SelectedCodes { asked, scope };
    for offer in wanted.offers(register) {
        if is_valid_in(offer.validity, asked.period) {
            let ente = enti.entry(offer.ente.code()).or_default();
            ente.offered.insert(offer.service.code());
        }
    }
    for (labels, counts) in &uses.rows {
        let [ente, service] = &labels[..] else {
            continue;
        };
        let ente = enti.entry(&ente.text).or_default();
        ente.uses += counts.count;
        ente.codes += counts.codes;
        match ente.offered.contains(service.text.as_str()) {
            true => ente.used += 1,
            // A row of unknown codes has their number.
            false => ente.used_unregistered += counts.codes.max(1),
        }
    }
    let (names, rows) = (CodeNames(register), Vec::from_iter(&enti));
    let page = AnswerPage::new(asked.question, offer_columns(), &rows, |(code, ente)| {
        let offered = ente.offered.len() as u64;
        let mut row = names.row(&[Label::new(Dimension::Ente, **code)], ente.codes);
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
    // Number of enti of each service, and the last of them: an ente may offer a service twice.
    let mut enti = vec![(0, None); register.services().len()];
    for offer in wanted.offers_of_enti(register) {
        let (offering, last) = &mut enti[offer.service.index()];
        let ente = Some(offer.ente.index());
        if is_valid_in(offer.validity, period) && *last != ente {
            (*offering, *last) = (*offering + 1, ente);
        }
    }
    let is_narrowed = scope.is_some() || question.filters.contains_key(&Dimension::Ente);
    let names = CodeNames(register);
    let mut rows = Vec::new();
    for service in register.services() {
        let category = service.category_on(period.last()).code();
        let (offering, _) = enti[service.index()];
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
            Value::count(offering),
            Value::text(service.subject()),
            Value::text(service.life_event()),
        ]);
        row.extend(Value::days(service.validity()));
        rows.push(row);
    }
    let page = AnswerPage::new(question, catalogue_columns(), &rows, Vec::clone)?;
    let totals = vec![("services", Value::count(rows.len() as u64))];
    Ok(AnswerPage { totals, ..page })
}
