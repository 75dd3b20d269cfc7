//! Answers to clients without a key: closed years, read from the public edition of each. All tables
//! of an edition are protected together. No other figure is used.

use std::cmp::{Ordering, Reverse};
use std::collections::BTreeMap;

use affluenza_classify::hours::Band;
use affluenza_disclosure::{Count, Public, derive, sum};
use affluenza_edition::{Editions, NoEdition, PublicYear, Year, hour_of};
use affluenza_register::Register;
use affluenza_store::usage::Dimension;
use affluenza_web::Problem;
use axum::http::StatusCode;

use crate::answer::Value;
use crate::counted::{KIND_COLUMNS, KINDS, NoFigures, compare_keys};
use crate::hours;
use crate::names::Names;
use crate::offers::{self, Grid};
use crate::period::Period;
use crate::question::{Measure, Question, Resource};

/// Resources that have public figures.
pub(crate) const OPEN: [Resource; 10] = [
    Resource::Usage,
    Resource::Categories,
    Resource::Enti,
    Resource::Matrix,
    Resource::TopServices,
    Resource::Variations,
    Resource::Hours,
    Resource::Bands,
    Resource::Devices,
    Resource::Catalogue,
];

fn needs_key(what: &str) -> Problem {
    let open = OPEN.map(|resource| format!("/v1/{}", resource.path()));
    Problem::unauthorized(format!(
        "{what}; without a key there are {} of whole years that are closed",
        open.join(", ")
    ))
}

/// Fails unless a client without a key may ask the question.
pub(crate) fn check(
    question: &Question,
    (period, compared): (Period, Option<Period>),
) -> Result<(), Problem> {
    if !OPEN.contains(&question.resource) {
        return Err(needs_key("this resource needs a key"));
    }
    let mut periods = [Some(period), compared].into_iter().flatten();
    if !periods.all(|period| period.whole_year().is_some()) {
        return Err(needs_key("a period other than a whole year needs a key"));
    }
    if !question.people || question.order.is_some() {
        return Err(needs_key("bots and other orders need a key"));
    }
    let is_counted = !matches!(
        question.resource,
        Resource::Variations | Resource::Hours | Resource::Bands | Resource::Catalogue
    );
    if is_counted && places(question).is_none() {
        return Err(needs_key(
            "this breakdown needs a key: public are service uses by ente, category and kind, by category and service, by ente and month, by hour; and accesses by device and month, by weekday and hour",
        ));
    }
    if !is_counted && !question.filters.is_empty() {
        return Err(needs_key("filters need a key here"));
    }
    Ok(())
}

/// Published tables of uses, as indices into the labels of an edition.
const TABLES_OF_USES: [&[usize]; 4] = [&[0, 1, 2], &[1, 3], &[0, 4], &[5]];
/// Published tables of accesses, as indices into the labels of an edition.
const TABLES_OF_ACCESSES: [&[usize]; 2] = [&[0, 1], &[2, 3]];

fn place(measure: Measure, dimension: Dimension) -> Option<usize> {
    use Dimension::{Band, Category, Device, Ente, Hour, Kind, Month, Service, Weekday};
    Some(match (measure, dimension) {
        (Measure::ServiceUses, Ente) => 0,
        (Measure::ServiceUses, Category) => 1,
        (Measure::ServiceUses, Kind) => 2,
        (Measure::ServiceUses, Service) => 3,
        (Measure::ServiceUses, Month) => 4,
        (Measure::ServiceUses, Hour | Band) => 5,
        (Measure::Accesses, Device) => 0,
        (Measure::Accesses, Month) => 1,
        (Measure::Accesses, Weekday) => 2,
        (Measure::Accesses, Hour | Band) => 3,
        _ => return None,
    })
}

/// True if the rows have a column for each kind.
fn has_kinds(question: &Question) -> bool {
    match question.resource {
        Resource::Categories | Resource::Enti => question.measure == Measure::ServiceUses,
        Resource::Matrix => question.by_kind && question.measure == Measure::ServiceUses,
        _ => false,
    }
}

/// Returns the label index of each dimension of a question, if one published table has all of them.
/// The year is that of the edition and needs no label.
fn places(question: &Question) -> Option<Vec<(Dimension, usize)>> {
    let mut dimensions = question.dimensions();
    dimensions.extend(question.filters.keys());
    if has_kinds(question) {
        dimensions.push(Dimension::Kind);
    }
    dimensions.retain(|dimension| *dimension != Dimension::Year);
    dimensions.sort_unstable();
    dimensions.dedup();
    let measure = question.measure;
    let places: Option<Vec<(Dimension, usize)>> = dimensions
        .into_iter()
        .map(|dimension| Some((dimension, place(measure, dimension)?)))
        .collect();
    let places = places?;
    let tables: &[&[usize]] = if measure == Measure::ServiceUses {
        &TABLES_OF_USES
    } else {
        &TABLES_OF_ACCESSES
    };
    let fits = |table: &&[usize]| places.iter().all(|(_, place)| table.contains(place));
    let is_twice = places
        .iter()
        .enumerate()
        .any(|(at, (_, place))| places[..at].iter().any(|(_, other)| other == place));
    (tables.iter().any(fits) && !is_twice).then_some(places)
}

fn no_figures(cause: NoEdition) -> NoFigures {
    match cause {
        NoEdition::Open(year) => {
            NoFigures::Question(needs_key(&format!("{year} is not closed, and needs a key")))
        }
        NoEdition::Broken(cause) => {
            tracing::error!(error = cause, "closed years cannot be published");
            NoFigures::Question(Problem::unavailable(
                "closed years are not shown until they have been verified",
                std::time::Duration::from_secs(60),
            ))
        }
        other => NoFigures::Question(not_published(other.to_string())),
    }
}

fn not_published(detail: String) -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        "not-published",
        "There is no public edition of this",
        detail,
    )
}

/// Builds the public answer to a question that [`check`] accepted.
pub(crate) fn grid(
    editions: &Editions,
    register: &Register,
    question: &Question,
    (period, compared): (Period, Option<Period>),
) -> Result<Grid, NoFigures> {
    let of = |period: Period| -> Result<Year, NoFigures> {
        let year = period.whole_year().unwrap_or_default();
        editions.year(year).map_err(no_figures)
    };
    let year = of(period)?.public;
    let now: &PublicYear = &year;
    let before = compared.map(of).transpose()?.map(|year| year.public);
    match question.resource {
        Resource::Hours | Resource::Bands => by_time(register, question, now, period),
        Resource::Variations => {
            let before = before.as_deref().unwrap_or(now);
            let periods = (period, compared.unwrap_or(period));
            Ok(variations(register, question, (now, before), periods))
        }
        _ => Ok(counted(
            &Names(register),
            question,
            (now, before.as_deref()),
        )),
    }
}

/// Cells by labels.
type Cells = BTreeMap<Vec<String>, Count>;

/// Returns the filtered cells of a question by the labels of `by`. One published table has both
/// `by` and the filters.
fn cells(question: &Question, public: &PublicYear, by: &[Dimension]) -> Cells {
    match question.measure {
        Measure::ServiceUses => picked(question, public, by, public.uses()),
        _ => picked(question, public, by, public.accesses()),
    }
}

fn picked<const N: usize>(
    question: &Question,
    public: &PublicYear,
    by: &[Dimension],
    table: &Public<N>,
) -> Cells {
    let place = |dimension: Dimension| place(question.measure, dimension);
    let mut fixed = [false; N];
    for dimension in by.iter().chain(question.filters.keys()) {
        if let Some(place) = place(*dimension) {
            fixed[place] = true;
        }
    }
    if fixed == [false; N] {
        let key = by.iter().map(|_| public.year().to_string()).collect();
        return Cells::from([(key, table.cell([None; N]))]);
    }
    let label = |labels: &[Option<&str>; N], dimension: Dimension| -> Option<String> {
        let Some(place) = place(dimension) else {
            return Some(public.year().to_string());
        };
        let label = labels[place]?;
        match dimension {
            Dimension::Hour => Some(hour_of(label)?.to_string()),
            Dimension::Band => hour_of(label).is_none().then(|| label.to_owned()),
            _ => Some(label.to_owned()),
        }
    };
    let mut parts: BTreeMap<Vec<String>, Vec<Count>> = BTreeMap::new();
    for (labels, cell) in table.cells() {
        let is_of = (0..N).all(|place| labels[place].is_some() == fixed[place]);
        let is_wanted = |(dimension, values): (&Dimension, &Vec<String>)| {
            label(&labels, *dimension).is_some_and(|label| values.contains(&label))
        };
        let key: Option<Vec<String>> = by
            .iter()
            .map(|dimension| label(&labels, *dimension))
            .collect();
        if let Some(key) = key
            && is_of
            && question.filters.iter().all(is_wanted)
        {
            parts.entry(key).or_default().push(cell);
        }
    }
    parts
        .into_iter()
        .map(|(key, cells)| (key, sum(cells)))
        .collect()
}

/// Returns the total of a question, or of one kind.
fn total(question: &Question, public: &PublicYear, kind: Option<&str>) -> Count {
    let by: &[Dimension] = if kind.is_some() {
        &[Dimension::Kind]
    } else {
        &[]
    };
    let cells = cells(question, public, by);
    let wanted = cells
        .into_iter()
        .filter(|(key, _)| kind.is_none_or(|kind| key.iter().any(|label| label == kind)));
    sum(wanted.map(|(_, cell)| cell))
}

fn counted(
    names: &Names<'_>,
    question: &Question,
    (now, before): (&PublicYear, Option<&PublicYear>),
) -> Grid {
    let dimensions = question.dimensions();
    let has_kinds = has_kinds(question);
    let mut columns: Vec<&'static str> = Vec::new();
    for dimension in &dimensions {
        columns.push(dimension.name());
        columns.extend(Names::columns(*dimension));
    }
    columns.push(question.measure.name());
    if has_kinds {
        columns.extend(KIND_COLUMNS);
    }
    columns.push("share_percent");
    if before.is_some() {
        columns.extend(["before", "difference", "change_percent", "state"]);
    }
    let cells_now = cells(question, now, &dimensions);
    let whole = total(question, now, None);
    let cells_before = before.map(|before| cells(question, before, &dimensions));
    let with_kind = [&dimensions[..], &[Dimension::Kind]].concat();
    let by_kind = if has_kinds {
        cells(question, now, &with_kind)
    } else {
        Cells::new()
    };
    let zero = Count::Shown(0);
    let mut keys: Vec<&Vec<String>> = cells_now
        .keys()
        .chain(cells_before.iter().flat_map(BTreeMap::keys))
        .collect();
    keys.sort_by(|a, b| in_order(a, b));
    keys.dedup();
    if question.resource == Resource::TopServices {
        // Hidden services come last, by label: a rank among the others would reveal their counts.
        let count = |key: &Vec<String>| cells_now.get(key).copied().unwrap_or(zero).shown();
        keys.sort_by_key(|key| Reverse(count(key)));
    }
    let row = |key: &Vec<String>| {
        let cell = cells_now.get(key).copied().unwrap_or(zero);
        let mut row = Vec::with_capacity(columns.len());
        for (dimension, label) in dimensions.iter().zip(key) {
            row.push(Value::Text(label.clone()));
            row.extend(names.of(*dimension, label));
        }
        row.push(shown(cell));
        if has_kinds {
            row.extend(KINDS.map(|kind| {
                let key = [&key[..], &[kind.to_owned()]].concat();
                shown(by_kind.get(&key).copied().unwrap_or(zero))
            }));
        }
        row.push(derived([cell, whole], |[part, whole]| {
            Value::share(part, whole)
        }));
        if let Some(cells_before) = &cells_before {
            let before = cells_before.get(key).copied().unwrap_or(zero);
            row.extend(compared_values(cell, before));
            // A zero is always shown, so a hidden count is not zero.
            let state = match (cell, before) {
                (_, Count::Shown(0)) => "new",
                (Count::Shown(0), _) => "vanished",
                _ => "both",
            };
            row.push(Value::Text(state.to_owned()));
        }
        row
    };
    let mut totals = vec![(question.measure.name(), shown(whole))];
    if has_kinds {
        let kinds = KINDS.map(|kind| shown(total(question, now, Some(kind))));
        totals.extend(KIND_COLUMNS.into_iter().zip(kinds));
    }
    if let Some(before) = before {
        let values = compared_values(whole, total(question, before, None));
        totals.extend(
            ["before", "difference", "change_percent"]
                .into_iter()
                .zip(values),
        );
    }
    let rows = keys.into_iter().map(row).collect();
    (columns, rows, totals)
}

/// Compares numbers, such as hours, by value, and all other labels as text.
fn in_order(a: &[String], b: &[String]) -> Ordering {
    let pairs = a.iter().zip(b).map(|(a, b)| compare_keys(a, b));
    pairs
        .into_iter()
        .find(|order| order.is_ne())
        .unwrap_or(Ordering::Equal)
}

/// Returns the compared count, the difference and the change in percent.
fn compared_values(now: Count, before: Count) -> [Value; 3] {
    [
        shown(before),
        derived([now, before], |[now, before]| {
            Value::Difference(now.cast_signed().wrapping_sub(before.cast_signed()))
        }),
        derived([now, before], |[now, before]| Value::change(now, before)),
    ]
}

fn by_time(
    register: &Register,
    question: &Question,
    public: &PublicYear,
    period: Period,
) -> Result<Grid, NoFigures> {
    if !public.has_hours() {
        return Err(NoFigures::Question(not_published(format!(
            "{} was closed by a version that kept no hours of all enti",
            public.year()
        ))));
    }
    let users = public.users();
    let zones = hours::zones(register, question, None);
    let labels: Vec<String> = public
        .accesses()
        .cells()
        .filter_map(|(labels, _)| match labels {
            [None, None, None, Some(hour)] => Some(hour.to_owned()),
            _ => None,
        })
        .chain(
            public
                .uses()
                .cells()
                .filter_map(|(labels, _)| match labels {
                    [None, None, None, None, None, Some(hour)] => Some(hour.to_owned()),
                    _ => None,
                }),
        )
        .collect();
    let figures = |is_wanted: &dyn Fn(&str) -> bool, users: Option<u64>| {
        let mut wanted: Vec<&str> = labels.iter().map(String::as_str).collect();
        wanted.retain(|label| is_wanted(label));
        wanted.sort_unstable();
        wanted.dedup();
        let accesses = wanted
            .iter()
            .map(|label| public.accesses().cell([None, None, None, Some(label)]));
        let uses = wanted.iter().map(|label| {
            public
                .uses()
                .cell([None, None, None, None, None, Some(label)])
        });
        hours::Figures {
            users: users.map_or(Count::Hidden, Count::Shown),
            accesses: sum(accesses),
            service_uses: sum(uses),
        }
    };
    let all = hours::Figures {
        users: users.map_or(Count::Hidden, |users| {
            Count::Shown(users.by_hour.values().sum())
        }),
        accesses: public.accesses().cell([None; 4]),
        service_uses: public.uses().cell([None; 6]),
    };
    Ok(if question.resource == Resource::Hours {
        let of = |hour: u8| {
            let users = users.map(|users| users.by_hour.get(&hour).copied().unwrap_or(0));
            figures(&|label| hour_of(label) == Some(hour), users)
        };
        hours::by_hour(&zones, period, of, &all)
    } else {
        let of = |band: Band| {
            let users = users.map(|users| users.by_band.get(band.as_str()).copied().unwrap_or(0));
            figures(&|label| label == band.as_str(), users)
        };
        hours::by_band(&zones, period, of, &all)
    })
}

/// Returns the state and change of each service, over all enti together.
fn variations(
    register: &Register,
    question: &Question,
    (now, before): (&PublicYear, &PublicYear),
    periods: (Period, Period),
) -> Grid {
    let of = |public: &PublicYear| -> BTreeMap<String, Count> {
        let cells = public.uses().cells();
        cells
            .filter_map(|(labels, cell)| match labels {
                [None, None, None, Some(service), None, None] => Some((service.to_owned(), cell)),
                _ => None,
            })
            .collect()
    };
    let (cells_now, cells_before) = (of(now), of(before));
    let offered = offers::services_offered(register, periods);
    let mut services: Vec<&String> = cells_now
        .keys()
        .chain(cells_before.keys())
        .chain(offered.keys())
        .collect();
    services.sort_unstable();
    services.dedup();
    let names = Names(register);
    let columns = vec![
        "service",
        "service_name_it",
        "service_name_en",
        "state",
        "service_uses",
        "before",
        "difference",
        "change_percent",
    ];
    let both = |service: &String| {
        let cell = |cells: &BTreeMap<String, Count>| {
            cells.get(service).copied().unwrap_or(Count::Shown(0))
        };
        [cell(&cells_now), cell(&cells_before)]
    };
    // The greatest difference comes first. Hidden differences come last, by label.
    services.sort_by_key(|service| {
        let known = derive(both(service), |[now, before]| now.abs_diff(before));
        Reverse(known)
    });
    let row = |service: &String| {
        let [now, before] = both(service);
        let is_offered = offered.get(service).copied().unwrap_or_default();
        let is_used = |cell: Count| cell != Count::Shown(0);
        let state = offers::state(is_offered, (is_used(now), is_used(before)))?;
        if question.state.is_some_and(|wanted| wanted != state) {
            return None;
        }
        let mut row = vec![Value::Text(service.clone())];
        row.extend(names.of(Dimension::Service, service));
        row.push(Value::Text(state.to_owned()));
        row.push(shown(now));
        row.extend(compared_values(now, before));
        Some(row)
    };
    let rows = services.into_iter().filter_map(row).collect();
    let totals = [now, before].map(|public| public.uses().cell([None; 6]));
    let [_, _, change] = compared_values(totals[0], totals[1]);
    let totals = vec![
        ("service_uses", shown(totals[0])),
        ("before", shown(totals[1])),
        ("change_percent", change),
    ];
    (columns, rows, totals)
}

/// Computes a value from cells. The value is hidden if one of them is.
fn derived<const N: usize>(cells: [Count; N], compute: impl FnOnce([u64; N]) -> Value) -> Value {
    derive(cells, compute).unwrap_or(Value::Suppressed)
}

pub(crate) fn shown(cell: Count) -> Value {
    cell.shown().map_or(Value::Suppressed, Value::Count)
}
