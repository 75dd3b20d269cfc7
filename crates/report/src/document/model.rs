//! What a printed report is made of, whatever it is printed as.

use super::super::Language;

/// A report, laid out as sections in one language.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// Language of every text in it.
    pub language: Language,
    /// What it is: `Focus 2017`.
    pub title: String,
    /// Whose it is: an ente, or all enti of the centre.
    pub subject: String,
    /// The year.
    pub year: i16,
    /// Edition, comparison, whose use counts: one line each.
    pub edition: Vec<String>,
    /// When the figures were sealed, RFC 3339; `None` for a provisional edition.
    pub sealed_at: Option<String>,
    /// The sections in order.
    pub sections: Vec<Section>,
}

/// A part of a report under a heading.
#[derive(Debug, Clone, PartialEq)]
pub struct Section {
    /// Short name, the same in every language: `categories`.
    pub id: &'static str,
    /// Heading.
    pub title: String,
    /// What is below it.
    pub blocks: Vec<Block>,
}

/// A piece of a section.
#[derive(Debug, Clone, PartialEq)]
pub enum Block {
    /// A paragraph.
    Text(String),
    /// Remarks, one paragraph each.
    Notes(Vec<String>),
    /// The figures that matter most.
    Facts(Vec<Fact>),
    /// A table.
    Table(Table),
    /// A chart; the table with its figures follows it.
    Chart(Chart),
}

/// A figure that matters.
#[derive(Debug, Clone, PartialEq)]
pub struct Fact {
    /// What it is of, with its unit.
    pub label: String,
    /// The figure.
    pub value: Cell,
    /// What is to be added to it; empty for nothing.
    pub detail: String,
}

/// A table. Every row has as many cells as there are columns.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    /// Name of its own: `usage-by-ente`.
    pub id: &'static str,
    /// What it shows, and in which unit.
    pub caption: String,
    /// The columns.
    pub columns: Vec<Column>,
    /// The rows.
    pub rows: Vec<Vec<Cell>>,
    /// Sums below the rows.
    pub sums: Vec<Vec<Cell>>,
    /// Whether its columns are of one kind, and may be split into groups.
    pub matrix: bool,
    /// Whether a terminal shows its chart instead.
    pub charted: bool,
}

/// A column of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its heading.
    pub head: String,
    /// The heading where there is little room.
    pub short: String,
    /// Whether it holds text rather than numbers.
    pub text: bool,
}

impl Column {
    /// A column of text.
    pub fn text(head: impl Into<String>) -> Self {
        let head = head.into();
        Self {
            short: head.clone(),
            head,
            text: true,
        }
    }

    /// A column of numbers.
    pub fn number(head: impl Into<String>) -> Self {
        Self {
            text: false,
            ..Self::text(head)
        }
    }

    /// The same with a heading for where there is little room.
    #[must_use]
    pub fn or(self, short: impl Into<String>) -> Self {
        Self {
            short: short.into(),
            ..self
        }
    }
}

/// What stands in a table.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// Nothing: the column does not apply to the row.
    Empty,
    /// Text.
    Text(String),
    /// A count.
    Count(u64),
    /// A count in a table that is mostly empty: nothing is shown as a dash.
    Sparse(u64),
    /// A year or another number that is not grouped.
    Plain(i64),
    /// A difference of counts, with its sign.
    Difference(i64),
    /// A share in percent.
    Share(f64),
    /// A change in percent, with its sign.
    Change(f64),
    /// A mean or ratio, with so many decimals.
    Mean(f64, u8),
    /// There can be no figure: a change on nothing, a share of nothing.
    Undefined,
    /// There is a figure, and nobody has given it.
    Unavailable,
    /// There is a figure, and it would tell too much about too few people.
    Suppressed,
}

impl Cell {
    /// A share, where there is one.
    pub fn share(percent: Option<f64>) -> Self {
        percent.map_or(Self::Undefined, Self::Share)
    }

    /// A change, where it is defined.
    pub fn change(percent: Option<f64>) -> Self {
        percent.map_or(Self::Undefined, Self::Change)
    }

    /// A count, where there is one.
    pub fn count(count: Option<u64>) -> Self {
        count.map_or(Self::Undefined, Self::Count)
    }

    /// The figure as a number, where it is one.
    pub fn number(&self) -> Option<f64> {
        match *self {
            Self::Count(count) | Self::Sparse(count) => Some(count as f64),
            Self::Plain(number) | Self::Difference(number) => Some(number as f64),
            Self::Share(number) | Self::Change(number) | Self::Mean(number, _) => Some(number),
            _ => None,
        }
    }

    /// The cell as the language writes it.
    pub fn show(&self, language: Language) -> String {
        match self {
            Self::Empty => String::new(),
            Self::Text(text) => text.clone(),
            Self::Count(count) => language.count(*count),
            Self::Sparse(0) => "–".to_owned(),
            Self::Sparse(count) => language.count(*count),
            Self::Plain(number) => number.to_string(),
            Self::Difference(difference) => language.difference(*difference),
            Self::Share(percent) => language.share(Some(*percent)),
            Self::Change(percent) => language.change(Some(*percent)),
            Self::Mean(mean, decimals) => language.mean(*mean, *decimals),
            Self::Undefined => language.not_available().to_owned(),
            Self::Unavailable => language.unavailable().to_owned(),
            Self::Suppressed => "*".to_owned(),
        }
    }
}

/// How a chart shows its figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChartKind {
    /// Horizontal bars, for names.
    Bars,
    /// Upright columns, for hours and months.
    Columns,
    /// A line over months.
    Lines,
}

/// A chart.
#[derive(Debug, Clone, PartialEq)]
pub struct Chart {
    /// Name of its own: `categories-chart`.
    pub id: &'static str,
    /// What it shows, and in which unit.
    pub title: String,
    /// The same for who cannot see it.
    pub description: String,
    /// How.
    pub kind: ChartKind,
    /// What the values are of.
    pub labels: Vec<String>,
    /// The values, the year's own first.
    pub series: Vec<Series>,
    /// Whether values are percents.
    pub percent: bool,
}

/// The values of a chart that belong together.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// What they are of.
    pub name: String,
    /// One for each label; `None` where there is none.
    pub values: Vec<Option<f64>>,
}
