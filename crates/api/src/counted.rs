//! Usage by dimensions, compared with another period. Most resources are views of it.

use std::cmp::{Ordering, Reverse};
use std::collections::{BTreeMap, BTreeSet};

use affluenza_store::usage::{Dimension, ROWS_MAX, UsageQuery, UsageRow};
use affluenza_store::{Store, StoreError};
use affluenza_web::Problem;

use crate::answer::Value;
use crate::names::Names;
use crate::period::Period;
use crate::question::{Measure, Question, Resource};

/// Kinds of service uses. They add up to all service uses.
pub(crate) const KINDS: [&str; 3] = ["plain", "payment", "booking"];
pub(crate) const KIND_COLUMNS: [&str; 3] =
    ["of_which_plain", "of_which_payments", "of_which_bookings"];

/// Reason why there are no figures.
#[derive(Debug)]
pub(crate) enum NoFigures {
    /// The question cannot be answered.
    Question(Problem),
    /// The database failed.
    Store(StoreError),
}

impl From<StoreError> for NoFigures {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// A row before it is formatted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Line {
    pub keys: Vec<String>,
    pub now: u64,
    pub before: u64,
    pub kinds: [u64; 3],
    pub enti: u64,
}

/// Rows and their sums.
#[derive(Debug, Default)]
pub(crate) struct Counted {
    pub lines: Vec<Line>,
    pub now: u64,
    pub before: u64,
}

/// Additional dimension that a row is split by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Split {
    No,
    Kinds,
    Enti,
}

fn split(question: &Question) -> Split {
    match question.resource {
        _ if question.measure == Measure::Users => Split::No,
        Resource::Categories | Resource::Enti if question.measure == Measure::ServiceUses => {
            Split::Kinds
        }
        Resource::Matrix if question.by_kind && question.measure == Measure::ServiceUses => {
            Split::Kinds
        }
        Resource::TopServices => Split::Enti,
        _ => Split::No,
    }
}

fn measured(row: &UsageRow, measure: Measure) -> u64 {
    match measure {
        Measure::ServiceUses => row.service_uses,
        Measure::Accesses => row.accesses,
        Measure::Events => row.events,
        Measure::Users => row.users,
    }
}

/// Queries the figures of a question.
pub(crate) async fn count(
    store: &Store,
    question: &Question,
    scope: Option<&[String]>,
    (period, compared): (Period, Option<Period>),
) -> Result<Counted, NoFigures> {
    let dimensions = question.dimensions();
    let split = split(question);
    let query = |period: Period, group: Vec<Dimension>| UsageQuery {
        group,
        selection: question.selection(period, scope),
        users: question.measure == Measure::Users,
    };
    let mut group = dimensions.clone();
    match split {
        Split::Kinds => group.push(Dimension::Kind),
        Split::Enti => group.push(Dimension::Ente),
        Split::No => {}
    }
    let asked = query(period, group.clone());
    let before = compared.map(|period| query(period, group));
    let (now, before) = tokio::try_join!(store.usage(&asked), async {
        match &before {
            Some(before) => store.usage(before).await,
            None => Ok(Vec::new()),
        }
    })?;
    if now.len() > ROWS_MAX || before.len() > ROWS_MAX {
        let names = Dimension::ALL.map(Dimension::name);
        return Err(NoFigures::Question(Problem::parameter(
            "group",
            format!(
                "the answer would have more than {ROWS_MAX} rows: group by less, or narrow it with a filter or a shorter period"
            ),
            &names,
        )));
    }
    let mut counted = gathered(question.measure, split, dimensions.len(), (now, before));
    if question.measure == Measure::Users {
        // Users are not additive: a visitor in two groups is one user of the total.
        let total = async |period| -> Result<u64, StoreError> {
            let rows = store.usage(&query(period, Vec::new())).await?;
            Ok(rows.first().map_or(0, |row| row.users))
        };
        counted.now = total(period).await?;
        counted.before = match compared {
            Some(period) => total(period).await?,
            None => 0,
        };
    }
    sort(&mut counted.lines, question, &dimensions);
    Ok(counted)
}

fn gathered(
    measure: Measure,
    split: Split,
    width: usize,
    (now, before): (Vec<UsageRow>, Vec<UsageRow>),
) -> Counted {
    let mut lines: BTreeMap<Vec<String>, Line> = BTreeMap::new();
    let mut enti: BTreeMap<Vec<String>, BTreeSet<String>> = BTreeMap::new();
    let rows = now.into_iter().map(|row| (row, true));
    let rows = rows.chain(before.into_iter().map(|row| (row, false)));
    for (mut row, is_now) in rows {
        let count = measured(&row, measure);
        if count == 0 {
            continue;
        }
        let rest = row.keys.split_off(width.min(row.keys.len()));
        if is_now && split == Split::Enti {
            enti.entry(row.keys.clone())
                .or_default()
                .extend(rest.iter().cloned());
        }
        let line = lines.entry(row.keys).or_default();
        if !is_now {
            line.before += count;
            continue;
        }
        line.now += count;
        let kind = rest
            .first()
            .and_then(|kind| KINDS.iter().position(|known| known == kind));
        if split == Split::Kinds
            && let Some(kind) = kind
        {
            line.kinds[kind] += count;
        }
    }
    let mut counted = Counted::default();
    for (keys, mut line) in lines {
        counted.now += line.now;
        counted.before += line.before;
        line.enti = enti.get(&keys).map_or(0, |enti| enti.len() as u64);
        line.keys = keys;
        counted.lines.push(line);
    }
    counted
}

fn sort(lines: &mut [Line], question: &Question, dimensions: &[Dimension]) {
    let by_keys = |a: &Line, b: &Line| {
        let pairs = a.keys.iter().zip(&b.keys);
        pairs
            .map(|(a, b)| compare_keys(a, b))
            .find(|order| order.is_ne())
            .unwrap_or(Ordering::Equal)
    };
    let Some(order) = &question.order else {
        let in_time = dimensions.iter().any(|dimension| {
            use Dimension::{Day, Hour, Month, Weekday, Year};
            matches!(dimension, Day | Hour | Month | Weekday | Year)
        });
        if !in_time {
            lines.sort_by(|a, b| {
                Reverse(a.now)
                    .cmp(&Reverse(b.now))
                    .then_with(|| by_keys(a, b))
            });
        } else {
            lines.sort_by(by_keys);
        }
        return;
    };
    let place = dimensions
        .iter()
        .position(|dimension| dimension.name() == order.column);
    lines.sort_by(|a, b| {
        let ordering = match (place, order.column.as_str()) {
            (Some(place), _) => compare_keys(&a.keys[place], &b.keys[place]),
            (None, "before") => a.before.cmp(&b.before),
            (None, "difference") => difference(a).cmp(&difference(b)),
            (None, "change_percent") => change(a).total_cmp(&change(b)),
            _ => a.now.cmp(&b.now),
        };
        let ordering = if order.descending {
            ordering.reverse()
        } else {
            ordering
        };
        ordering.then_with(|| by_keys(a, b))
    });
}

/// Compares numbers by value, all other labels as text.
pub(crate) fn compare_keys(a: &str, b: &str) -> Ordering {
    match (a.parse::<u64>(), b.parse::<u64>()) {
        (Ok(a), Ok(b)) => a.cmp(&b),
        _ => a.cmp(b),
    }
}

fn difference(line: &Line) -> i64 {
    line.now
        .cast_signed()
        .wrapping_sub(line.before.cast_signed())
}

/// Returns the growth factor. Growth from zero sorts above all others.
fn change(line: &Line) -> f64 {
    if line.before == 0 {
        return f64::INFINITY;
    }
    line.now as f64 / line.before as f64
}

/// Returns the columns and rows of a page.
pub(crate) fn table(
    question: &Question,
    names: &Names<'_>,
    counted: &Counted,
    page: &[Line],
) -> (Vec<&'static str>, Vec<Vec<Value>>) {
    let dimensions = question.dimensions();
    let (split, compares) = (split(question), question.compare.is_some());
    let additive = question.measure != Measure::Users;
    let mut columns: Vec<&'static str> = Vec::new();
    for dimension in &dimensions {
        columns.push(dimension.name());
        columns.extend(Names::columns(*dimension));
    }
    columns.push(question.measure.name());
    if split == Split::Kinds {
        columns.extend(KIND_COLUMNS);
    }
    if split == Split::Enti {
        columns.push("enti");
    }
    if additive {
        columns.push("share_percent");
    }
    if compares {
        columns.extend(["before", "difference", "change_percent", "state"]);
    }
    let row = |line: &Line| {
        let mut row = Vec::with_capacity(columns.len());
        for (dimension, key) in dimensions.iter().zip(&line.keys) {
            row.push(Value::Text(key.clone()));
            row.extend(names.of(*dimension, key));
        }
        row.push(Value::Count(line.now));
        if split == Split::Kinds {
            row.extend(line.kinds.map(Value::Count));
        }
        if split == Split::Enti {
            row.push(Value::Count(line.enti));
        }
        if additive {
            row.push(Value::share(line.now, counted.now));
        }
        if compares {
            row.extend([
                Value::Count(line.before),
                Value::Difference(difference(line)),
                Value::change(line.now, line.before),
                Value::Text(state(line).to_owned()),
            ]);
        }
        row
    };
    let rows = page.iter().map(row).collect();
    (columns, rows)
}

fn state(line: &Line) -> &'static str {
    match (line.now, line.before) {
        (_, 0) => "new",
        (0, _) => "vanished",
        _ => "both",
    }
}

/// Returns the sums over all rows.
pub(crate) fn totals(question: &Question, counted: &Counted) -> Vec<(&'static str, Value)> {
    let mut totals = vec![(question.measure.name(), Value::Count(counted.now))];
    if split(question) == Split::Kinds {
        let sum = |kind: usize| counted.lines.iter().map(|line| line.kinds[kind]).sum();
        let sums = [0, 1, 2].map(|kind| Value::Count(sum(kind)));
        totals.extend(KIND_COLUMNS.into_iter().zip(sums));
    }
    if question.compare.is_some() {
        let line = Line {
            now: counted.now,
            before: counted.before,
            ..Line::default()
        };
        totals.extend([
            ("before", Value::Count(counted.before)),
            ("difference", Value::Difference(difference(&line))),
            ("change_percent", Value::change(counted.now, counted.before)),
        ]);
    }
    totals
}
