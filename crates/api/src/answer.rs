//! An answer: rows with named columns, and the metadata needed to read them.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::BTreeMap;

use affluenza_disclosure::{Count, derive};
use affluenza_register::Validity;
use affluenza_store::usage::UNREGISTERED;
use rust_xlsxwriter::XlsxError;
use serde::Serialize;
use serde_json::{Map, Value as Json, json};
use utoipa::ToSchema;

use crate::columns::heading_it;
use crate::workbook::{SheetCell, SheetTable};

/// A figure or a name in a row.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A name or a code.
    Text(String),
    /// Stands for this number of codes that the register does not know.
    Unregistered(u64),
    /// A count, which may be hidden.
    Count(Count),
    /// A difference of counts.
    Difference(i64),
    /// A share, a mean or a percentage.
    Ratio(f64),
    /// The column does not apply to the row.
    Nothing,
    /// Not defined, such as a ratio on a base of zero.
    NotDefined,
    /// Computed from a hidden count.
    Hidden,
}

impl Value {
    /// Returns a count that is not hidden.
    pub fn count(count: u64) -> Self {
        Self::Count(Count::Shown(count))
    }

    /// Returns `part` of `whole` in percent.
    pub fn share(part: Count, whole: Count) -> Self {
        Self::derived([part, whole], |[part, whole]| match whole {
            0 => Self::NotDefined,
            _ => Self::Ratio(round(part as f64 * 100.0 / whole as f64)),
        })
    }

    /// Returns the change from `before`.
    pub fn difference(now: Count, before: Count) -> Self {
        derive([now, before], difference).map_or(Self::Hidden, Self::Difference)
    }

    /// Returns the change from `before` in percent.
    pub fn change(now: Count, before: Count) -> Self {
        Self::derived([now, before], |[now, before]| match before {
            0 => Self::NotDefined,
            _ => {
                let (now, before) = (now as f64, before as f64);
                Self::Ratio(round((now - before) * 100.0 / before))
            }
        })
    }

    /// Returns `sum` divided by `number`.
    pub fn mean(sum: Count, number: f64) -> Self {
        Self::derived([sum], |[sum]| match number > 0.0 {
            true => Self::Ratio(round(sum as f64 / number)),
            false => Self::NotDefined,
        })
    }

    /// Computes a value from counts. The value is hidden if one of them is.
    fn derived<const N: usize>(counts: [Count; N], compute: impl FnOnce([u64; N]) -> Self) -> Self {
        derive(counts, compute).unwrap_or(Self::Hidden)
    }

    /// Returns the text, or [`Self::Nothing`] without one.
    pub fn text(text: Option<&str>) -> Self {
        text.map_or(Self::Nothing, |text| Self::Text(text.to_owned()))
    }

    /// Returns the first day of a validity and the day after its last one.
    pub fn days(validity: Validity) -> [Self; 2] {
        let days = [validity.from, validity.to];
        days.map(|day| Self::text(day.map(|day| day.to_string()).as_deref()))
    }

    /// Compares values for sorting. Values that are hidden or not defined come last in both
    /// directions.
    pub(crate) fn compare(&self, other: &Self, descending: bool) -> Ordering {
        let ordering = match (self.sort_key(), other.sort_key()) {
            (Some(a), Some(b)) => a.compare(&b),
            (a, b) => return b.is_some().cmp(&a.is_some()),
        };
        match descending {
            true => ordering.reverse(),
            false => ordering,
        }
    }

    fn sort_key(&self) -> Option<SortKey<'_>> {
        match self {
            Self::Text(text) => Some(SortKey::Text(text)),
            Self::Unregistered(_) => Some(SortKey::Text(UNREGISTERED)),
            Self::Count(count) => count.shown().map(|count| SortKey::Number(count as f64)),
            Self::Difference(difference) => Some(SortKey::Number(*difference as f64)),
            Self::Ratio(ratio) => Some(SortKey::Number(*ratio)),
            Self::Nothing | Self::NotDefined | Self::Hidden => None,
        }
    }

    pub(crate) fn json(&self) -> Json {
        match self {
            Self::Text(text) => json!(text),
            Self::Unregistered(_) => json!(UNREGISTERED),
            Self::Count(count) => json!(count),
            Self::Difference(difference) => json!(difference),
            Self::Ratio(ratio) => json!(ratio),
            Self::Nothing | Self::NotDefined | Self::Hidden => Json::Null,
        }
    }

    /// Returns the reason why there is no value, or the meaning of the code.
    fn note(&self, is_italian: bool) -> Option<Cow<'static, str>> {
        Some(match (self, is_italian) {
            (Self::Unregistered(codes), false) => {
                format!("{codes} codes that are not in the register").into()
            }
            (Self::Unregistered(codes), true) => {
                format!("{codes} codici che non sono nel registro").into()
            }
            (Self::NotDefined, _) => "n.d.".into(),
            (Self::Hidden | Self::Count(Count::Hidden), false) => Count::SUPPRESSED.into(),
            (Self::Hidden | Self::Count(Count::Hidden), true) => "non pubblicato".into(),
            _ => return None,
        })
    }

    /// Returns the value as a cell of a workbook.
    fn cell(&self) -> SheetCell {
        match self {
            Self::Text(text) => SheetCell::Text(text.clone()),
            Self::Unregistered(_) => SheetCell::Text(UNREGISTERED.to_owned()),
            Self::Count(Count::Shown(count)) => SheetCell::Number(*count as f64),
            Self::Difference(difference) => SheetCell::Number(*difference as f64),
            Self::Ratio(ratio) => SheetCell::Number(*ratio),
            Self::Nothing | Self::NotDefined | Self::Hidden | Self::Count(Count::Hidden) => {
                SheetCell::Empty
            }
        }
    }

    /// Formats the value for a CSV file.
    pub(crate) fn plain(&self, decimal: char) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Unregistered(_) => UNREGISTERED.to_owned(),
            Self::Count(Count::Shown(count)) => count.to_string(),
            Self::Difference(difference) => difference.to_string(),
            Self::Ratio(ratio) => ratio.to_string().replace('.', &decimal.to_string()),
            Self::Nothing | Self::NotDefined | Self::Hidden | Self::Count(Count::Hidden) => {
                String::new()
            }
        }
    }
}

/// Value by which a row is sorted. A column has values of one kind.
enum SortKey<'v> {
    Text(&'v str),
    Number(f64),
}

impl SortKey<'_> {
    fn compare(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Text(a), Self::Text(b)) => compare_texts(a, b),
            (Self::Number(a), Self::Number(b)) => a.total_cmp(b),
            (Self::Text(_), Self::Number(_)) => Ordering::Greater,
            (Self::Number(_), Self::Text(_)) => Ordering::Less,
        }
    }
}

/// Compares numbers by value, all other labels as text.
pub(crate) fn compare_texts(a: &str, b: &str) -> Ordering {
    match (a.parse::<u64>(), b.parse::<u64>()) {
        (Ok(a), Ok(b)) => a.cmp(&b),
        _ => a.cmp(b),
    }
}

/// Returns the change from `before` to `now`.
fn difference([now, before]: [u64; 2]) -> i64 {
    now.cast_signed().wrapping_sub(before.cast_signed())
}

/// Rounds to four decimals, so that floating-point errors do not show.
fn round(value: f64) -> f64 {
    (value * 10_000.0).round() / 10_000.0
}

/// A range of local days, first and last included.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Span {
    /// First local day, `YYYY-MM-DD`.
    pub from: String,
    /// Last local day, included.
    pub to: String,
    /// Number of days.
    pub days: i32,
}

/// A caution to read before using the figures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Warning {
    /// Stable name.
    pub code: &'static str,
    /// One sentence.
    pub text: String,
}

/// Days with and without events of an ente.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct EnteCompleteness {
    /// Code of the public body.
    pub ente: String,
    /// Days of the period with at least one event.
    pub days_with_data: u32,
    /// Days of the period in pauses that are unusually long for the ente, up to the newest day with
    /// data of any ente. Days without uses that are usual for a small ente do not count.
    pub days_missing: u32,
    /// The longest of these pauses, `FROM..TO`, at most five.
    #[schema(max_items = 5)]
    pub gaps: Vec<String>,
}

/// Largest number of enti, and of losses, that an answer names with its figures.
pub(crate) const NAMED_MAX: usize = 10;

/// Completeness of the figures.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Completeness {
    /// Days of the period up to the newest day with data.
    pub days: u32,
    /// Days on which no ente had an event.
    pub days_missing: u32,
    /// At most ten enti with data, those with the most missing days first. The link `completeness`
    /// leads to the list of all enti.
    #[schema(max_items = 10)]
    pub enti: Vec<EnteCompleteness>,
    /// Number of other enti with data.
    #[schema(value_type = u64)]
    pub enti_more: usize,
    /// Largest possible number of lost records of the period.
    pub records_lost: u64,
    /// At most ten losses that may concern the period, the largest first.
    #[schema(max_items = 10)]
    pub losses: Vec<Loss>,
    /// Number of other losses.
    #[schema(value_type = u64)]
    pub losses_more: usize,
}

/// Records that were lost before they were counted. An operator accepted the loss.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Loss {
    /// Largest possible number of lost records.
    pub records: u64,
    /// First day that the loss may concern.
    pub from: String,
    /// Last day that the loss may concern.
    pub to: String,
    /// Reason given by the operator.
    pub reason: String,
}

/// Metadata needed to read the figures.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Meta {
    /// Name of the resource.
    pub resource: &'static str,
    /// Unit of each column that holds figures, by column name.
    pub units: BTreeMap<String, String>,
    /// Period of the figures.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub period: Option<Span>,
    /// Newest day with data of a period that is not over. `year-before` and `before` compare the days
    /// up to it with as many days of the other period.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data_up_to: Option<String>,
    /// Period of the comparison.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compared_with: Option<Span>,
    /// Time zone of the local days and hours; several, separated by commas, where portals differ.
    pub time_zone: String,
    /// `people`: without bots; `all`: with bots.
    pub counted: &'static str,
    /// At most ten enti in the key's scope; absent when the key reaches all.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_items = 10)]
    pub scope: Option<Vec<String>>,
    /// Number of other enti in the key's scope.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u64>)]
    pub scope_more: Option<usize>,
    /// Time of the last change that was noticed before the figures were read, RFC 3339; of public
    /// figures the time of closing. An answer 304 confirms that they are still current.
    pub as_of: String,
    /// Version of the register that names and offers come from.
    pub register_version: String,
    /// Number of rows on all pages.
    #[schema(value_type = u64)]
    pub rows: usize,
    /// Completeness of the figures.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub completeness: Option<Completeness>,
    /// Cautions to read before using the figures.
    pub warnings: Vec<Warning>,
}

/// An answer before it is formatted.
#[derive(Debug, Clone)]
pub struct UnformattedAnswer {
    /// Metadata of the answer.
    pub meta: Meta,
    /// Column names.
    pub columns: Vec<&'static str>,
    /// Rows, with one value for each column.
    pub rows: Vec<Vec<Value>>,
    /// Sums over all rows, on all pages.
    pub totals: Vec<(&'static str, Value)>,
    /// Links to related addresses, by relation.
    pub links: Vec<(&'static str, String)>,
}

impl UnformattedAnswer {
    /// Formats the answer as one JSON document.
    pub fn to_json(&self) -> Vec<u8> {
        let rows: Vec<Json> = self
            .rows
            .iter()
            .map(|row| object(self.columns.iter().copied().zip(row)))
            .collect();
        let totals = object(self.totals.iter().map(|(name, value)| (*name, value)));
        let links: Map<String, Json> = self
            .links
            .iter()
            .map(|(relation, address)| ((*relation).to_owned(), json!({ "href": address })))
            .collect();
        let document = json!({ "meta": self.meta, "data": rows, "totals": totals, "links": links });
        document.to_string().into_bytes()
    }

    /// Formats the answer as CSV. `Tidy` uses comma, decimal point and LF. `ExcelItaly` uses Italian
    /// headings, semicolon, decimal comma, byte order mark and CRLF. A cell without a value is empty;
    /// the last column states the reasons.
    pub fn to_csv(&self, flavour: Flavour) -> Vec<u8> {
        let decimal = match flavour {
            Flavour::Tidy => '.',
            Flavour::ExcelItaly => ',',
        };
        let mut text = String::new();
        if flavour == Flavour::ExcelItaly {
            text.push('\u{feff}');
        }
        let is_italian = flavour == Flavour::ExcelItaly;
        push_line(&mut text, self.heads(is_italian), flavour);
        for row in &self.rows {
            let cells = row.iter().map(|value| value.plain(decimal));
            let status = self.status(row, is_italian);
            push_line(&mut text, cells.chain([status]), flavour);
        }
        text.into_bytes()
    }

    /// Formats the answer as a workbook, with the columns of the CSV.
    pub fn to_xlsx(&self, is_italian: bool) -> Result<Vec<u8>, XlsxError> {
        let rows = self.rows.iter().map(|row| {
            let status = SheetCell::Text(self.status(row, is_italian));
            let cells = row.iter().map(Value::cell);
            cells.chain([status]).collect()
        });
        let table = SheetTable {
            name: self.meta.resource.to_owned(),
            heads: self.heads(is_italian).collect(),
            rows: rows.collect(),
        };
        table.to_xlsx()
    }

    /// Returns the headings of a table, with that of the reasons for cells without a value.
    fn heads(&self, is_italian: bool) -> impl Iterator<Item = String> {
        let heads = self.columns.iter().map(move |column| match is_italian {
            true => heading_it(column).to_owned(),
            false => (*column).to_owned(),
        });
        let status = if is_italian { "Note" } else { "status" };
        heads.chain([status.to_owned()])
    }

    /// Returns the reasons for cells of a row without a value.
    fn status(&self, row: &[Value], is_italian: bool) -> String {
        let noted = self.columns.iter().zip(row).filter_map(|(column, value)| {
            let heading = if is_italian {
                heading_it(column)
            } else {
                column
            };
            Some(format!("{heading}: {}", value.note(is_italian)?))
        });
        Vec::from_iter(noted).join("; ")
    }
}

/// CSV dialect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Flavour {
    /// For programs.
    Tidy,
    /// For Excel in Italian.
    ExcelItaly,
}

fn push_line(text: &mut String, cells: impl Iterator<Item = String>, flavour: Flavour) {
    let (separator, end) = match flavour {
        Flavour::Tidy => (',', "\n"),
        Flavour::ExcelItaly => (';', "\r\n"),
    };
    for (at, cell) in cells.enumerate() {
        if at > 0 {
            text.push(separator);
        }
        push_cell(text, &cell, separator, flavour);
    }
    text.push_str(end);
}

fn object<'a>(cells: impl Iterator<Item = (&'static str, &'a Value)>) -> Json {
    let (mut object, mut notes) = (Map::new(), Map::new());
    for (name, value) in cells {
        object.insert(name.to_owned(), value.json());
        if let Some(note) = value.note(false) {
            notes.insert(name.to_owned(), json!(note));
        }
    }
    if !notes.is_empty() {
        object.insert("notes".to_owned(), Json::Object(notes));
    }
    Json::Object(object)
}

/// Appends a cell, quoted if needed. In the file for Excel, a cell that it would take for a formula
/// gets an apostrophe, since codes come from events.
fn push_cell(text: &mut String, cell: &str, separator: char, flavour: Flavour) {
    let is_number = cell.parse::<f64>().is_ok() || cell.replace(',', ".").parse::<f64>().is_ok();
    let is_formula = flavour == Flavour::ExcelItaly
        && cell.starts_with(['=', '+', '-', '@', '\t', '\r'])
        && !is_number;
    let quoted = is_formula
        || cell.contains([separator, '"', '\n', '\r', ',', ';']) && !is_number
        || cell.contains(separator);
    if !quoted {
        text.push_str(cell);
        return;
    }
    text.push('"');
    if is_formula {
        text.push('\'');
    }
    text.push_str(&cell.replace('"', "\"\""));
    text.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(text: &str, separator: char) -> String {
        let mut out = String::new();
        let flavour = match separator {
            ';' => Flavour::ExcelItaly,
            _ => Flavour::Tidy,
        };
        push_cell(&mut out, text, separator, flavour);
        out
    }

    #[test]
    fn cells_are_quoted_where_need_be() {
        assert_eq!(cell("a;b", ','), "\"a;b\"");
        assert_eq!(cell("1,5", ';'), "1,5");
        assert_eq!(cell("say \"x\"", ','), "\"say \"\"x\"\"\"");
        assert_eq!(cell("=1+1", ';'), "\"'=1+1\"");
        assert_eq!(cell("=1+1", ','), "=1+1");
        assert_eq!(cell("-3", ';'), "-3");
        assert_eq!(cell("-x", ';'), "\"'-x\"");
    }

    #[test]
    fn a_base_of_zero_has_no_change() {
        let [zero, four, five] = [0, 4, 5].map(Count::Shown);
        assert_eq!(Value::change(five, zero), Value::NotDefined);
        assert_eq!(Value::change(zero, four), Value::Ratio(-100.0));
        assert_eq!(Value::share(zero, zero).plain(','), "");
        assert_eq!(Value::Ratio(12.5).plain(','), "12,5");
    }

    #[test]
    fn a_value_of_a_hidden_count_is_hidden() {
        let (hidden, four) = (Count::Hidden, Count::Shown(4));
        for value in [
            Value::Count(hidden),
            Value::share(hidden, four),
            Value::difference(four, hidden),
            Value::change(hidden, four),
            Value::mean(hidden, 0.0),
        ] {
            assert_eq!(value.json(), Json::Null);
            assert_eq!(value.plain(','), "");
            assert_eq!(value.note(false).as_deref(), Some("suppressed"));
        }
        assert_eq!(Value::count(4).json(), json!(4));
    }
}
