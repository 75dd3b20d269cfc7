//! Usage by dimensions, compared with another period. Most resources are views of it.

use std::cmp::{Ordering, Reverse};
use std::collections::BTreeMap;

use affluenza_disclosure::Count;
use affluenza_disclosure::edition::Label;
use affluenza_store::usage::Dimension;

use crate::answer::{Value, compare_texts};
use crate::asked::{AnswerPage, Asked};
use crate::names::{CodeNames, unregistered};
use crate::question::{Measure, Question, Resource};
use crate::source::{FigureSource, NoFigures, PeriodCounts, RowCounts, Split};

const KIND_COLUMNS: [&str; 3] = ["of_which_plain", "of_which_payments", "of_which_bookings"];
pub(crate) const COMPARED_COLUMNS: [&str; 3] = ["before", "difference", "change_percent"];

/// A row before it is formatted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct CountedRow {
    labels: Vec<Label>,
    now: RowCounts,
    before: Count,
}

/// Builds the rows of a question, with their totals.
pub(crate) async fn page(
    source: FigureSource<'_>,
    asked: &Asked<'_>,
    names: &CodeNames<'_>,
) -> Result<AnswerPage, NoFigures> {
    let question = asked.question;
    let dimensions = question.dimensions();
    let split = Split::of(question, source.tables(asked));
    let months = asked.compared.map(|other| asked.period.months_since(other));
    let months = months.unwrap_or_default();
    let earlier = earlier(question, months);
    let (now, before) = tokio::try_join!(
        source.counts(question, asked.period, &dimensions, split),
        async {
            match asked.compared {
                Some(period) => source.counts(&earlier, period, &dimensions, split).await,
                None => Ok(PeriodCounts::default()),
            }
        }
    )?;
    let (whole, whole_before) = (now.total, before.total.count);
    let mut rows = joined(now, before, months);
    sort(&mut rows, question, &dimensions, source.is_public());
    let columns = columns(question, &dimensions, split);
    let page = AnswerPage::new(question, columns, &rows, |row| {
        let mut values = names.row(&row.labels, row.now.codes);
        values.push(Value::Count(row.now.count));
        if split == Split::Kinds {
            values.extend(row.now.kinds.map(Value::Count));
        }
        if split == Split::Enti {
            values.push(Value::count(row.now.enti));
        }
        if question.measure != Measure::Users {
            values.push(Value::share(row.now.count, whole.count));
        }
        if asked.compared.is_some() {
            values.extend(compared(row.now.count, row.before));
            values.push(Value::Text(state(row).to_owned()));
        }
        values
    })?;
    let unknown = rows.iter().find_map(|row| unregistered(&row.labels));
    let warning = match unknown {
        Some(label) => {
            source
                .unregistered(asked, label.dimension, whole.codes)
                .await?
        }
        None => None,
    };
    let mut totals = vec![(question.measure.name(), Value::Count(whole.count))];
    if split == Split::Kinds {
        totals.extend(KIND_COLUMNS.into_iter().zip(whole.kinds.map(Value::Count)));
    }
    if asked.compared.is_some() {
        let values = compared(whole.count, whole_before);
        totals.extend(COMPARED_COLUMNS.into_iter().zip(values));
    }
    Ok(AnswerPage {
        totals,
        warnings: warning.into_iter().collect(),
        ..page
    })
}

pub(crate) fn columns(
    question: &Question,
    dimensions: &[Dimension],
    split: Split,
) -> Vec<&'static str> {
    let mut columns = CodeNames::columns(dimensions);
    columns.push(question.measure.name());
    match split {
        Split::Kinds => columns.extend(KIND_COLUMNS),
        Split::Enti => columns.push("enti"),
        Split::No => {}
    }
    if question.measure != Measure::Users {
        columns.push("share_percent");
    }
    if question.compare.is_some() {
        columns.extend(COMPARED_COLUMNS);
        columns.push("state");
    }
    columns
}

/// Returns the compared count, the difference and the change in percent.
pub(crate) fn compared(now: Count, before: Count) -> [Value; 3] {
    [
        Value::Count(before),
        Value::difference(now, before),
        Value::change(now, before),
    ]
}

/// Joins the rows of two periods, in the order of labels. The second one began so many months before.
fn joined(now: PeriodCounts, before: PeriodCounts, months: i32) -> Vec<CountedRow> {
    let mut rows: BTreeMap<Vec<Label>, CountedRow> = BTreeMap::new();
    for (labels, counts) in now.rows {
        rows.entry(labels).or_default().now = counts;
    }
    for (mut labels, counts) in before.rows {
        labels
            .iter_mut()
            .for_each(|label| shift(label.dimension, &mut label.text, months));
        let row = rows.entry(labels).or_default();
        row.before += counts.count;
        row.now.codes = row.now.codes.max(counts.codes);
    }
    rows.into_iter()
        .map(|(labels, row)| CountedRow { labels, ..row })
        .collect()
}

/// Returns the question for the other period: its months and years are so many months earlier.
fn earlier(question: &Question, months: i32) -> Question {
    let mut earlier = question.clone();
    for (dimension, values) in &mut earlier.filters {
        for value in values {
            shift(*dimension, value, -months);
        }
    }
    earlier
}

/// Moves a month or a year by so many months, to the month or year that it is compared with.
fn shift(dimension: Dimension, text: &mut String, months: i32) {
    let mut parts = text.split('-').map(str::parse::<i32>);
    match (dimension, parts.next(), parts.next()) {
        (Dimension::Month, Some(Ok(year)), Some(Ok(month))) => {
            let at = year * 12 + month - 1 + months;
            *text = format!("{:04}-{:02}", at.div_euclid(12), at.rem_euclid(12) + 1);
        }
        (Dimension::Year, Some(Ok(year)), None) => {
            *text = format!("{:04}", year + months / 12);
        }
        _ => {}
    }
}

/// Sorts the rows in the resource's own order. Public rows are in the order of their labels; only
/// top services are ranked, with hidden counts last.
fn sort(rows: &mut [CountedRow], question: &Question, dimensions: &[Dimension], is_public: bool) {
    let in_time = dimensions.iter().any(|dimension| {
        use Dimension::{Day, Hour, Month, Weekday, Year};
        matches!(dimension, Day | Hour | Month | Weekday | Year)
    });
    let is_ranked = match is_public {
        true => question.resource == Resource::TopServices,
        false => !in_time,
    };
    rows.sort_by(|a, b| {
        let by_count = Reverse(a.now.count.shown()).cmp(&Reverse(b.now.count.shown()));
        let by_count = if is_ranked { by_count } else { Ordering::Equal };
        by_count.then_with(|| compare_labels(&a.labels, &b.labels))
    });
}

fn compare_labels(a: &[Label], b: &[Label]) -> Ordering {
    let mut pairs = a
        .iter()
        .zip(b)
        .map(|(a, b)| compare_texts(&a.text, &b.text));
    pairs.find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
}

/// Returns the state of a row. A zero is always shown, so a hidden count is not zero.
fn state(row: &CountedRow) -> &'static str {
    match (row.now.count, row.before) {
        (_, Count::Shown(0)) => "new",
        (Count::Shown(0), _) => "vanished",
        _ => "both",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::question::Resource;

    #[test]
    fn filters_on_months_follow_the_other_period() {
        let pairs = [("month", "2017-03,2017-01"), ("year", "2017")];
        let pairs = pairs.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let question = Question::parse(Resource::Usage, &pairs).unwrap();
        let earlier = earlier(&question, 14);
        assert_eq!(earlier.filters[&Dimension::Month], ["2015-11", "2016-01"]);
        assert_eq!(earlier.filters[&Dimension::Year], ["2016"]);
    }
}
