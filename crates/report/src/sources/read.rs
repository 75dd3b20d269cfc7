//! Reads a TOML file of provenance and a CSV file of figures.

use std::collections::BTreeMap;
use std::str::FromStr;

use affluenza_register::CsvSheet;
use csv::StringRecord;
use jiff::civil::Date;
use serde::Deserialize;
use thiserror::Error;

use super::{
    ActiveServices, Alerts, Availability, Credentials, FigureSet, FigureTable, Figures, Provenance,
    TableForm, Tickets,
};

/// An error in a file of figures, and its correction.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SourceError {
    /// The file of provenance is not valid.
    #[error("{0}: give kind, source, date, imported_by, licence and file")]
    Provenance(String),
    /// The kind is unknown.
    #[error(
        "unknown kind {0:?}: use identity-credentials, help-desk, probe-alerts, availability, active-services or table"
    )]
    Kind(String),
    /// The file is not valid CSV.
    #[error("{0}")]
    Rows(String),
    /// A column is missing.
    #[error("column {0:?} is missing: add it, empty where the source does not say")]
    Column(String),
    /// A value does not match its column.
    #[error("line {line}, column {column:?}: {value:?} is not {expected}")]
    Value {
        /// Line of the CSV file.
        line: usize,
        /// Heading of the column.
        column: String,
        /// Value that was read.
        value: String,
        /// Expected form.
        expected: &'static str,
    },
    /// The CSV file has no rows.
    #[error("there are no rows: an absent source needs no file")]
    Empty,
    /// A row occurs twice.
    #[error("line {line}: {what} is there already: keep one of the two")]
    Twice {
        /// Line of the CSV file.
        line: usize,
        /// Year, month or ente of the row.
        what: String,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawProvenance {
    kind: String,
    source: String,
    date: String,
    imported_by: String,
    licence: String,
    file: String,
    /// Year of the figures; required for active services and tables.
    year: Option<i16>,
    /// Description of the columns; required for a table.
    table: Option<TableForm>,
}

/// Reads figures. `file` returns the text of the CSV file that the provenance names.
///
/// # Errors
/// One of the files is not valid. `E` is the error of `file`.
pub fn read_set<E: From<SourceError>>(
    provenance: &str,
    file: impl FnOnce(&str) -> Result<String, E>,
) -> Result<FigureSet, E> {
    let raw: RawProvenance = toml::from_str(provenance)
        .map_err(|error| SourceError::Provenance(located(provenance, &error)))?;
    let date = raw.date.parse::<Date>();
    let date = date.map_err(|_| {
        let date = &raw.date;
        SourceError::Provenance(format!("date {date:?} is not like 2018-03-01"))
    })?;
    let name = raw.file.clone();
    let text = file(&name)?;
    let figures = figures(&text, raw.kind, raw.year, raw.table, date.year());
    let figures = figures.map_err(|error| error.in_file(&name))?;
    Ok(FigureSet {
        provenance: Provenance {
            source: raw.source,
            date,
            imported_by: raw.imported_by,
            licence: raw.licence,
        },
        figures,
    })
}

/// Reads the rows of a kind from the text of a CSV file. No year is after `last_year`.
fn figures(
    text: &str,
    kind: String,
    year: Option<i16>,
    form: Option<TableForm>,
    last_year: i16,
) -> Result<Figures, SourceError> {
    let lines = CsvLines::read(text)?;
    let year = year.ok_or_else(|| SourceError::Provenance(format!("kind {kind} needs a year")));
    let figures = match &*kind {
        "identity-credentials" => Figures::IdentityCredentials(credentials(&lines)?),
        "help-desk" => Figures::HelpDesk(tickets(&lines)?),
        "probe-alerts" => Figures::ProbeAlerts(alerts(&lines)?),
        "availability" => Figures::Availability(availability(&lines)?),
        "active-services" => Figures::ActiveServices(active_services(&lines, year?)?),
        "table" => {
            let form =
                form.ok_or_else(|| SourceError::Provenance("a table needs [table]".to_owned()))?;
            form.check()?;
            Figures::Table(FigureTable {
                year: year?,
                cells: form.rows(&lines)?,
                form,
            })
        }
        _ => return Err(SourceError::Kind(kind)),
    };
    if figures.is_empty() {
        return Err(SourceError::Empty);
    }
    let mut years = figures.years().into_iter();
    match years.find(|year| !(YEAR_MIN..=last_year).contains(year)) {
        Some(year) => Err(SourceError::Rows(format!(
            "the year {year} is not from {YEAR_MIN} to {last_year}, the year of the source's date"
        ))),
        None => Ok(figures),
    }
}

/// First year of figures. An earlier one is written with two digits.
const YEAR_MIN: i16 = 1900;

impl SourceError {
    /// Adds the name of the CSV file to an error in it.
    fn in_file(self, name: &str) -> Self {
        match self {
            Self::Provenance(_) | Self::Kind(_) => self,
            error if name.is_empty() => error,
            error => Self::Rows(format!("{name}: {error}")),
        }
    }
}

/// A CSV file: headings in small letters, and rows with their line numbers.
pub(super) struct CsvLines {
    pub heads: Vec<String>,
    pub rows: Vec<CsvLine>,
}

pub(super) struct CsvLine {
    pub number: usize,
    cells: BTreeMap<String, String>,
}

/// Returns the message of an error with its line and column.
fn located(text: &str, error: &toml::de::Error) -> String {
    let before = error.span().and_then(|span| text.get(..span.start));
    let Some(before) = before else {
        return error.message().to_owned();
    };
    let line = before.matches('\n').count() + 1;
    let column = before
        .chars()
        .rev()
        .take_while(|letter| *letter != '\n')
        .count()
        + 1;
    format!("line {line}, column {column}: {}", error.message())
}

impl CsvLines {
    pub(super) fn read(text: &str) -> Result<Self, SourceError> {
        let mut sheet = CsvSheet::new(text);
        let names = sheet.columns().iter();
        let mut heads: Vec<String> = names.map(str::to_lowercase).collect();
        // A spreadsheet may write separators of empty columns.
        while heads.last().is_some_and(String::is_empty) {
            heads.pop();
        }
        for (at, head) in heads.iter().enumerate() {
            if heads[..at].contains(head) {
                return Err(SourceError::Twice {
                    line: 1,
                    what: format!("column {head:?}"),
                });
            }
        }
        let mut rows = Vec::new();
        let mut record = StringRecord::new();
        while let Some(number) = sheet.read(&mut record) {
            let mut further = record.iter().skip(heads.len());
            if record.len() < heads.len() || further.any(|cell| !cell.is_empty()) {
                return Err(SourceError::Rows(format!(
                    "line {number}: it has {} fields, but the first line has {}: put quotes around a text that contains the separator",
                    record.len(),
                    heads.len()
                )));
            }
            if record.iter().any(|cell| cell.contains(char::is_control)) {
                return Err(SourceError::Rows(format!(
                    "line {number}: a text has a line break or another control character: close the quotes (\")"
                )));
            }
            let cells = heads.iter().cloned();
            rows.push(CsvLine {
                number,
                cells: cells.zip(record.iter().map(str::to_owned)).collect(),
            });
        }
        Ok(Self { heads, rows })
    }
}

impl CsvLine {
    pub(super) fn text(&self, column: &str) -> Result<&str, SourceError> {
        let cell = self.cells.get(&column.to_lowercase());
        let cell = cell.map(String::as_str);
        cell.ok_or_else(|| SourceError::Column(column.to_owned()))
    }

    pub(super) fn number<T: FromStr>(&self, column: &str) -> Result<T, SourceError> {
        let found = self.optional(column)?;
        found.ok_or_else(|| self.wrong(column, ""))
    }

    pub(super) fn optional<T: FromStr>(&self, column: &str) -> Result<Option<T>, SourceError> {
        match self.text(column)? {
            "" => Ok(None),
            // Decimals may have a comma.
            text => {
                let number = text.replace(',', ".").parse();
                number.map(Some).map_err(|_| self.wrong(column, text))
            }
        }
    }

    fn month(&self) -> Result<u8, SourceError> {
        let month = self.number("month")?;
        match month {
            1..=12 => Ok(month),
            _ => Err(self.wrong("month", &month.to_string())),
        }
    }

    fn percent(&self, column: &str) -> Result<Option<f64>, SourceError> {
        let percent: Option<f64> = self.optional(column)?;
        match percent {
            Some(percent) if !(0.0..=100.0).contains(&percent) => {
                Err(self.wrong(column, &percent.to_string()))
            }
            percent => Ok(percent),
        }
    }

    fn wrong(&self, column: &str, value: &str) -> SourceError {
        let expected = match column {
            "month" => "a month from 1 to 12",
            _ if column.ends_with("percent") => "a share from 0 to 100",
            _ => "a whole number",
        };
        SourceError::Value {
            line: self.number,
            column: column.to_owned(),
            value: value.to_owned(),
            expected,
        }
    }
}

/// Refuses a row whose `key` occurred before.
pub(super) fn once(seen: &mut Vec<String>, line: &CsvLine, key: String) -> Result<(), SourceError> {
    if seen.contains(&key) {
        return Err(SourceError::Twice {
            line: line.number,
            what: key,
        });
    }
    seen.push(key);
    Ok(())
}

fn credentials(lines: &CsvLines) -> Result<Vec<Credentials>, SourceError> {
    let mut seen = Vec::new();
    let rows = lines.rows.iter().map(|line| {
        let year: i16 = line.number("year")?;
        once(&mut seen, line, year.to_string())?;
        Ok(Credentials {
            year,
            activated: line.number("activated")?,
            of_which_cns: line.optional("of_which_cns")?,
        })
    });
    rows.collect()
}

fn tickets(lines: &CsvLines) -> Result<Vec<Tickets>, SourceError> {
    let mut seen = Vec::new();
    let mut rows = Vec::new();
    for line in &lines.rows {
        let (year, month) = (line.number::<i16>("year")?, line.month()?);
        once(&mut seen, line, format!("{year}-{month:02}"))?;
        rows.push(Tickets {
            year,
            month,
            opened: line.number("opened")?,
            solved: line.optional("solved")?,
        });
    }
    rows.sort_by_key(|row| (row.year, row.month));
    Ok(rows)
}

/// Reads a column for each year and a row for each month.
fn alerts(lines: &CsvLines) -> Result<Vec<Alerts>, SourceError> {
    let mut rows = Vec::new();
    let mut seen = Vec::new();
    for line in &lines.rows {
        let month = line.month()?;
        once(&mut seen, line, format!("month {month}"))?;
        for head in lines.heads.iter().filter(|head| *head != "month") {
            let year = head.parse::<i16>();
            let year = year.map_err(|_| SourceError::Value {
                line: 1,
                column: head.clone(),
                value: head.clone(),
                expected: "a year",
            })?;
            if let Some(alerts) = line.optional(head)? {
                rows.push(Alerts {
                    year,
                    month,
                    alerts,
                });
            }
        }
    }
    rows.sort_by_key(|row| (row.year, row.month));
    Ok(rows)
}

fn availability(lines: &CsvLines) -> Result<Vec<Availability>, SourceError> {
    let mut seen = Vec::new();
    let mut rows = Vec::new();
    for line in &lines.rows {
        let (year, month) = (line.number::<i16>("year")?, line.month()?);
        once(&mut seen, line, format!("{year}-{month:02}"))?;
        let available = line.percent("available_percent")?;
        rows.push(Availability {
            year,
            month,
            available_percent: available.ok_or_else(|| line.wrong("available_percent", ""))?,
            agreed_percent: line.percent("agreed_percent")?,
        });
    }
    rows.sort_by_key(|row| (row.year, row.month));
    Ok(rows)
}

/// Reads a row for each ente: a column for each category, then the parts and the total.
pub(super) fn active_services(
    lines: &CsvLines,
    year: i16,
) -> Result<Vec<ActiveServices>, SourceError> {
    let own = ["ente", "of_which_payments", "of_which_bookings", "total"];
    let categories = lines.heads.iter();
    let categories = categories.filter(|head| !own.contains(&head.as_str()));
    let (mut rows, mut seen) = (Vec::new(), Vec::new());
    for line in &lines.rows {
        let ente = line.text("ente")?.to_owned();
        once(&mut seen, line, ente.clone())?;
        let counts = categories.clone();
        let counts = counts.map(|category| Ok((category.clone(), line.number(category)?)));
        rows.push(ActiveServices {
            year,
            ente,
            by_category: counts.collect::<Result<_, SourceError>>()?,
            of_which_payments: line.number("of_which_payments")?,
            of_which_bookings: line.number("of_which_bookings")?,
            total: line.number("total")?,
        });
    }
    Ok(rows)
}
