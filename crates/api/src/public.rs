//! What whoever has no key may see: figures of whole years that are over, of all enti, in tables
//! that are protected together, small counts hidden.

use affluenza_disclosure::{Cell, Dimension as Side, Public, Table, Threshold, sum};
use affluenza_store::usage::{Dimension, HourRow, Selection, UsageQuery};
use affluenza_store::{Store, StoreError};
use affluenza_web::Problem;

use crate::answer::Value;
use crate::counted::Line;
use crate::period::Period;
use crate::question::{Measure, Question, Resource};

/// The tables that are public: what is shown of a year is read from these and no others.
const OPEN: [Resource; 5] = [
    Resource::Categories,
    Resource::Enti,
    Resource::Matrix,
    Resource::Catalogue,
    Resource::Bands,
];

/// Fails unless the question is one of the few that everybody may ask.
pub(crate) fn check(question: &Question, period: Period, today: i32) -> Result<(), Problem> {
    let needs_key = |what: &str| {
        Problem::unauthorized(format!(
            "{what}; without a key there are /v1/categories, /v1/enti, /v1/matrix, /v1/bands and /v1/catalogue of whole years that are over"
        ))
    };
    if !OPEN.contains(&question.resource) {
        return Err(needs_key("this resource needs a key"));
    }
    if period.whole_year().is_none() || period.last().days() >= today {
        return Err(needs_key(
            "a period other than a whole year that is over needs a key",
        ));
    }
    let is_plain = question.filters.is_empty()
        && question.compare.is_none()
        && question.order.is_none()
        && question.people
        && question.measure == Measure::ServiceUses;
    if !is_plain {
        return Err(needs_key(
            "filters, comparisons, orders and other measures need a key",
        ));
    }
    Ok(())
}

/// Service uses of a year by ente, category and kind, with every margin, small counts hidden.
pub(crate) async fn protected(
    store: &Store,
    period: Period,
    small_count: u64,
) -> Result<Public<3>, StoreError> {
    let rows = store
        .usage(&UsageQuery {
            group: vec![Dimension::Ente, Dimension::Category, Dimension::Kind],
            selection: Selection {
                days: period.selected(),
                people: true,
                scope: None,
                filters: Default::default(),
            },
            users: false,
        })
        .await?;
    let mut table = Table::new([
        Side::flat("ente"),
        Side::flat("category"),
        Side::flat("kind"),
    ]);
    for row in rows.iter().filter(|row| row.service_uses > 0) {
        if let [ente, category, kind] = &row.keys[..] {
            table.add([ente, category, kind], row.service_uses);
        }
    }
    Ok(table.suppress(threshold(small_count)))
}

fn threshold(small_count: u64) -> Threshold {
    Threshold {
        k: small_count,
        ..Threshold::default()
    }
}

/// Writes what the protected table says over the figures of a page.
pub(crate) fn hide(
    question: &Question,
    public: &Public<3>,
    (page, rows): (&[Line], &mut [Vec<Value>]),
    columns: &[&'static str],
    totals: &mut [(&'static str, Value)],
) {
    let total = public.cell([None, None, None]);
    for (column, value) in totals.iter_mut() {
        if let Some(kind) = kind_of(column) {
            *value = shown(public.cell([None, None, kind]));
        }
    }
    for (line, row) in page.iter().zip(rows) {
        let first = line.keys.first().map(String::as_str);
        let (ente, category) = match question.resource {
            Resource::Categories => (None, first),
            Resource::Enti => (first, None),
            _ => (first, line.keys.get(1).map(String::as_str)),
        };
        let cell = public.cell([ente, category, None]);
        for (column, value) in columns.iter().zip(row) {
            if *column == "share_percent" && (cell.is_suppressed() || total.is_suppressed()) {
                *value = Value::Suppressed;
            }
            let Some(kind) = kind_of(column) else {
                continue;
            };
            *value = shown(public.cell([ente, category, kind]));
        }
    }
}

/// The kind that a column counts; none inside for all of them.
fn kind_of(column: &str) -> Option<Option<&'static str>> {
    Some(match column {
        "service_uses" => None,
        "of_which_plain" => Some("plain"),
        "of_which_payments" => Some("payment"),
        "of_which_bookings" => Some("booking"),
        _ => return None,
    })
}

/// Puts rows in the order of their labels: that of the figures would tell between which others a
/// hidden one lies.
pub(crate) fn arrange(lines: &mut [Line]) {
    lines.sort_by(|a, b| a.keys.cmp(&b.keys));
}

/// Hides what is small in figures by hour, in one figure at a time.
pub(crate) fn cells_of_hours(
    hours: &[HourRow],
    of: fn(&HourRow) -> u64,
    small_count: u64,
) -> Vec<Cell> {
    let label = |hour: &HourRow| format!("{} {}", hour.local_hour, hour.band);
    let mut table = Table::new([Side::flat("hour")]);
    for hour in hours {
        table.add([&label(hour)], of(hour));
    }
    let public = table.suppress(threshold(small_count));
    hours
        .iter()
        .map(|hour| public.cell([Some(&label(hour))]))
        .collect()
}

/// The sum of cells; hidden if one of them is.
pub(crate) fn sum_of(cells: impl IntoIterator<Item = Cell>) -> Cell {
    sum(cells)
}

pub(crate) fn shown(cell: Cell) -> Value {
    cell.shown().map_or(Value::Suppressed, Value::Count)
}
