//! Charts, independent of their format.

use affluenza_words::{Language, WordArgs};

use super::{Cell, Table};

/// Form of a chart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChartKind {
    /// Horizontal bars, for names.
    Bars,
    /// Horizontal bars to both sides of zero, for differences.
    Changes,
    /// Upright columns, for hours and months.
    Columns,
    /// Lines over months.
    Lines,
    /// Squares in rows and columns, the larger the greater the value. A series is a row.
    Heat,
}

/// A chart.
#[derive(Debug, Clone, PartialEq)]
pub struct Chart {
    /// Unique name: `categories-chart`.
    pub id: &'static str,
    /// Title with the unit.
    pub title: String,
    /// Text alternative for readers who cannot see the chart.
    pub description: String,
    /// Form of the chart.
    pub kind: ChartKind,
    /// Labels of the values.
    pub labels: Vec<String>,
    /// Series of values; the report's own year first.
    pub series: Vec<Series>,
    /// True if the values are percentages.
    pub percent: bool,
}

/// A named series of chart values.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// Name for the legend.
    pub name: String,
    /// One value for each label.
    pub values: Vec<ChartValue>,
}

/// A value of a chart.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ChartValue {
    /// A value that is drawn.
    Shown(f64),
    /// Suppressed: the figure would reveal too much about too few people.
    Hidden,
    /// Not available, or not defined.
    Missing,
}

impl ChartValue {
    /// Returns the value, if it is drawn.
    pub fn shown(self) -> Option<f64> {
        match self {
            Self::Shown(value) => Some(value),
            Self::Hidden | Self::Missing => None,
        }
    }
}

impl From<Option<f64>> for ChartValue {
    fn from(value: Option<f64>) -> Self {
        value.map_or(Self::Missing, Self::Shown)
    }
}

/// A chart has the values that its table shows, so it reveals nothing more.
impl From<&Cell> for ChartValue {
    fn from(cell: &Cell) -> Self {
        match cell {
            Cell::Suppressed => Self::Hidden,
            cell => cell.number().into(),
        }
    }
}

/// A drawn value with the labels of its place.
struct PlacedValue {
    label: String,
    value: f64,
}

impl Series {
    /// Returns the sum of the values that are drawn.
    fn sum(&self) -> f64 {
        let shown = self.values.iter().filter_map(|value| value.shown());
        shown.sum()
    }
}

impl Chart {
    /// Creates a chart of counts. The document describes it.
    pub(super) fn new(
        id: &'static str,
        title: String,
        kind: ChartKind,
        labels: Vec<String>,
        series: Vec<Series>,
    ) -> Self {
        Self {
            id,
            title,
            description: String::new(),
            kind,
            labels,
            series,
            percent: false,
        }
    }

    /// Creates a heat map of these columns of a table, a row for each of its rows.
    pub(super) fn heat(
        id: &'static str,
        title: String,
        table: &Table,
        columns: std::ops::Range<usize>,
    ) -> Self {
        let labels = table.columns[columns.clone()].iter();
        let labels = labels.map(|column| column.short.replace('\n', " "));
        let series = table.rows.iter().map(|row| Series {
            name: row[0].text().unwrap_or_default().to_owned(),
            values: row[columns.clone()].iter().map(ChartValue::from).collect(),
        });
        let kind = ChartKind::Heat;
        Self::new(id, title, kind, labels.collect(), series.collect())
    }

    /// Puts the greatest values of the first series first, and of a heat map the rows with the greatest
    /// sums. Only drawn values count, so the order reveals no hidden one.
    pub(crate) fn sort_by_size(&mut self) {
        if self.kind == ChartKind::Heat {
            self.series.sort_by(|a, b| b.sum().total_cmp(&a.sum()));
            return;
        }
        let Some(first) = self.series.first() else {
            return;
        };
        let size = |place: usize| first.values[place].shown().unwrap_or(f64::NEG_INFINITY);
        let mut order: Vec<usize> = (0..self.labels.len()).collect();
        order.sort_by(|a, b| size(*b).total_cmp(&size(*a)));
        let labels = order.iter().map(|place| self.labels[*place].clone());
        self.labels = labels.collect();
        for series in &mut self.series {
            let values = order.iter().map(|place| series.values[*place]);
            series.values = values.collect();
        }
    }

    /// True if the chart has nothing to draw.
    pub(super) fn is_empty(&self) -> bool {
        self.shown().all(|value| value == 0.0)
    }

    /// Returns the values that are drawn.
    pub(crate) fn shown(&self) -> impl Iterator<Item = f64> + Clone {
        let values = self.series.iter().flat_map(|series| &series.values);
        values.filter_map(|value| value.shown())
    }

    /// Returns the greatest value, and 0 if no value is greater.
    pub(crate) fn greatest(&self) -> f64 {
        self.shown().fold(0.0, f64::max)
    }

    /// Formats a value.
    pub(crate) fn show(&self, value: f64, language: Language) -> String {
        match self.percent {
            true => Cell::Share(value),
            false if self.kind == ChartKind::Changes => Cell::Difference(value.round() as i64),
            false if value > 0.0 && self.greatest() < 1.0 => Cell::Mean(value, 2),
            false if value < 10.0 && value.fract() > 0.0 => Cell::Mean(value, 1),
            false => Cell::Count(value.round() as u64),
        }
        .show(language)
    }

    /// Returns what the chart shows: its greatest and least value, the ends of a line, and the
    /// number of values that are not drawn.
    pub(super) fn describe(&self, language: Language) -> String {
        let series = match self.kind {
            ChartKind::Heat => &self.series[..],
            _ => &self.series[..self.series.len().min(1)],
        };
        let placed = series.iter().flat_map(|row| {
            let values = self.labels.iter().zip(&row.values);
            values.filter_map(|(label, value)| {
                let label = match self.kind {
                    ChartKind::Heat => format!("{} · {label}", row.name),
                    _ => label.clone(),
                };
                let value = value.shown()?;
                Some(PlacedValue { label, value })
            })
        });
        let placed: Vec<PlacedValue> = placed.collect();
        let mut parts = Vec::new();
        let greatest = placed.iter().max_by(|a, b| a.value.total_cmp(&b.value));
        let least = placed.iter().min_by(|a, b| a.value.total_cmp(&b.value));
        parts.extend(self.ends("chart-range", greatest, least, language));
        if self.kind == ChartKind::Lines && placed.len() > 2 {
            parts.extend(self.ends("chart-trend", placed.first(), placed.last(), language));
        }
        for (id, kind) in [
            ("chart-hidden", ChartValue::Hidden),
            ("chart-missing", ChartValue::Missing),
        ] {
            let values = series.iter().flat_map(|row| &row.values);
            let count = values.filter(|value| **value == kind).count();
            if count > 0 {
                parts.push(language.say(id, &[("count", count.into())]));
            }
        }
        parts.join(" ")
    }

    fn ends(
        &self,
        id: &str,
        first: Option<&PlacedValue>,
        last: Option<&PlacedValue>,
        language: Language,
    ) -> Option<String> {
        let (first, last) = (first?, last?);
        let words: &WordArgs<'_> = &[
            ("first", self.show(first.value, language).into()),
            ("first-label", first.label.as_str().into()),
            ("last", self.show(last.value, language).into()),
            ("last-label", last.label.as_str().into()),
        ];
        Some(language.say(id, words))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_has_the_ends_of_the_values_and_counts_what_is_not_drawn() {
        let values = vec![
            ChartValue::Shown(40.0),
            (&Cell::Suppressed).into(),
            (&Cell::Unavailable).into(),
            (&Cell::Count(1_200)).into(),
            ChartValue::Shown(50.0),
        ];
        let labels = ["May", "June", "July", "August", "September"].map(str::to_owned);
        let series = vec![Series {
            name: "2017".to_owned(),
            values,
        }];
        let title = String::new();
        let chart = Chart::new("test-chart", title, ChartKind::Lines, labels.into(), series);
        assert_eq!(
            chart.describe(Language::EN),
            "Greatest: 1,200 (August). Least: 40 (May). At the beginning: 40 (May). At the end: 50 (September). \
             Suppressed (*): 1. Missing: 1."
        );
    }
}
