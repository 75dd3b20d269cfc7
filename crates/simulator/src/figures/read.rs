//! Reads the CSV files and reports invalid values with their position.

use std::collections::BTreeMap;
use std::ops::Range;

use affluenza_event::Kind;
use csv::{ErrorKind, StringRecord};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::check::{self, Percentage};
use super::{
    AccessFigures, BandFigures, CategoryFigures, EnteFigures, TargetFigures, VariationRow,
    VariationStatus, YearTables, file,
};
use crate::error::FiguresError;

/// Returns the text of a file by its name; `None` if it does not exist.
type Open<'o> = &'o dyn Fn(&str) -> Result<Option<String>, FiguresError>;

/// A row of a CSV file with its line.
struct FigureRow<'f, T> {
    file: &'f str,
    line: u64,
    value: T,
}

impl<T> FigureRow<'_, T> {
    fn error(&self, cause: String, mend: &str) -> FiguresError {
        FiguresError::new(self.file, Some(self.line), cause, mend)
    }
}

/// Reads the rows of a file under a header line, which must have `columns`.
fn rows<'f, T: DeserializeOwned>(
    file: &'f str,
    text: &str,
    columns: &[&str],
) -> Result<Vec<FigureRow<'f, T>>, FiguresError> {
    let text = text.trim_start_matches('\u{feff}');
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes());
    let header = reader.headers().map_err(|error| invalid(file, &error))?;
    let header = header.clone();
    if let Some(column) = columns
        .iter()
        .find(|column| !header.iter().any(|it| it == **column))
    {
        let found = header.iter().collect::<Vec<_>>().join(",");
        return Err(FiguresError::new(
            file,
            Some(1),
            format!("there is no column {column} in {found:?}"),
            "name the columns in the first line, separated by commas",
        ));
    }
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|error| invalid(file, &error))?;
        let line = record.position().map_or(0, csv::Position::line);
        if let Some(column) = columns
            .iter()
            .find(|column| field(&header, &record, column).is_empty())
        {
            let cause = format!("{column} is empty");
            return Err(FiguresError::new(file, Some(line), cause, "fill it in"));
        }
        let value = record
            .deserialize(Some(&header))
            .map_err(|error| not_a_number(file, &header, &record, &error))?;
        rows.push(FigureRow { file, line, value });
    }
    Ok(rows)
}

fn field<'r>(header: &StringRecord, record: &'r StringRecord, column: &str) -> &'r str {
    let place = header.iter().position(|it| it == column);
    place.and_then(|place| record.get(place)).unwrap_or("")
}

fn invalid(file: &str, error: &csv::Error) -> FiguresError {
    let line = error.position().map(csv::Position::line);
    let cause = match error.kind() {
        ErrorKind::UnequalLengths {
            expected_len, len, ..
        } => format!("{len} fields where the header has {expected_len}"),
        _ => error.to_string(),
    };
    let mend =
        "write comma-separated values under one header line, texts with commas in double quotes";
    FiguresError::new(file, line, cause, mend)
}

fn not_a_number(
    file: &str,
    header: &StringRecord,
    record: &StringRecord,
    error: &csv::Error,
) -> FiguresError {
    let place = match error.kind() {
        ErrorKind::Deserialize { err, .. } => err.field().unwrap_or(0) as usize,
        _ => return invalid(file, error),
    };
    let column = header.get(place).unwrap_or("");
    let wanted = match column {
        "year" => "a year such as 2017",
        "value" => "a number such as 61",
        "service_uses" => "a whole number",
        _ => "a whole number or nothing",
    };
    FiguresError::new(
        file,
        record.position().map(csv::Position::line),
        format!("{column} is {:?}", record.get(place).unwrap_or("")),
        format!("write {wanted}, without separators"),
    )
}

pub(crate) fn read(year: i16, open: Open<'_>) -> Result<TargetFigures, FiguresError> {
    let name = file::BY_CATEGORY;
    let text = open(name)?.ok_or_else(|| {
        FiguresError::new(
            name,
            None,
            "the file is missing",
            "write one with the columns year, category, service_uses, of_which_payments, of_which_bookings",
        )
    })?;
    let mut years = read_categories(&text)?;
    if !years.contains_key(&year) {
        let known: Vec<_> = years.keys().map(i16::to_string).collect();
        let known = known.join(", ");
        return Err(FiguresError::new(
            name,
            None,
            format!("it has no line of {year}"),
            format!("add the categories of that year, or choose one of those it has ({known})"),
        ));
    }
    for (of, tables) in &mut years {
        let name = file::by_ente(*of);
        if let Some(text) = open(&name)? {
            tables.by_ente = read_by_ente(&name, &text)?;
        }
        let name = file::variations(*of);
        if let Some(text) = open(&name)? {
            tables.variations = read_variations(&name, &text)?;
        }
        check::usage(*of, tables)?;
    }
    let name = file::access(year);
    let access = match open(&name)? {
        Some(text) => Some(read_access(&name, &text)?),
        None => None,
    };
    Ok(TargetFigures {
        year,
        years,
        access,
    })
}

#[derive(Deserialize)]
struct CategoryFields {
    year: i16,
    category: String,
    service_uses: u64,
    of_which_payments: Option<u64>,
    of_which_bookings: Option<u64>,
}

fn read_categories(text: &str) -> Result<BTreeMap<i16, YearTables>, FiguresError> {
    let mut years: BTreeMap<i16, YearTables> = BTreeMap::new();
    let columns = ["year", "category", "service_uses"];
    for row in rows::<CategoryFields>(file::BY_CATEGORY, text, &columns)? {
        let (year, category) = (row.value.year, &row.value.category);
        if !(1900..=2200).contains(&year) {
            return Err(row.error(format!("year is {year}"), "write a year such as 2017"));
        }
        let tables = years.entry(year).or_default();
        if tables.categories.iter().any(|it| it.category == *category) {
            return Err(row.error(
                format!("category {category:?} of {year} is there twice"),
                "add the two lines up or remove one",
            ));
        }
        tables.categories.push(CategoryFigures {
            line: row.line,
            category: row.value.category,
            uses: row.value.service_uses,
            payments: row.value.of_which_payments,
            bookings: row.value.of_which_bookings,
        });
    }
    Ok(years)
}

#[derive(Deserialize)]
struct EnteFields {
    ente: String,
    category: Option<String>,
    kind: String,
    service_uses: u64,
}

fn read_by_ente(name: &str, text: &str) -> Result<Vec<EnteFigures>, FiguresError> {
    let mut figures: Vec<EnteFigures> = Vec::new();
    for row in rows::<EnteFields>(name, text, &["ente", "kind", "service_uses"])? {
        let fields = &row.value;
        let kind = Kind::ALL.iter().find(|kind| kind.as_str() == fields.kind);
        let kind = *kind.ok_or_else(|| {
            let cause = format!("kind is {:?}", fields.kind);
            row.error(cause, "write plain, payment or booking")
        })?;
        if fields.category.is_none() && kind != Kind::Booking {
            return Err(row.error(
                format!("{kind} uses without a category"),
                "fill the category in: only bookings may go without",
            ));
        }
        let first = figures.iter().find(|other| {
            (&other.ente, &other.category, other.kind) == (&fields.ente, &fields.category, kind)
        });
        if let Some(EnteFigures { line, .. }) = first {
            return Err(row.error(
                format!("the same ente, category and kind are on line {line}"),
                "add the two lines up or remove one",
            ));
        }
        figures.push(EnteFigures {
            line: row.line,
            ente: row.value.ente,
            category: row.value.category,
            kind,
            uses: row.value.service_uses,
        });
    }
    Ok(figures)
}

#[derive(Deserialize)]
struct VariationFields {
    category: String,
    service_it: String,
    change: Option<i64>,
    status: Option<String>,
}

fn read_variations(name: &str, text: &str) -> Result<Vec<VariationRow>, FiguresError> {
    let mut figures = Vec::new();
    for row in rows::<VariationFields>(name, text, &["category", "service_it"])? {
        let status = match row.value.status.as_deref() {
            None => VariationStatus::Going,
            Some("new") => VariationStatus::New,
            Some("retired") => VariationStatus::Retired,
            Some(other) => {
                let cause = format!("status is {other:?}");
                return Err(row.error(cause, "write new, retired or nothing"));
            }
        };
        figures.push(VariationRow {
            line: row.line,
            category: row.value.category,
            service: row.value.service_it,
            change: row.value.change,
            status,
        });
    }
    Ok(figures)
}

#[derive(Deserialize)]
struct MeasureFields {
    measure: String,
    value: f64,
}

fn read_access(name: &str, text: &str) -> Result<AccessFigures, FiguresError> {
    let (mut desktop, mut mobile) = (None, None);
    let mut bands = Vec::new();
    let mut shares = Vec::new();
    for row in rows::<MeasureFields>(name, text, &["measure", "value"])? {
        let MeasureFields { measure, value } = &row.value;
        let (line, value) = (row.line, *value);
        if !(0.0..=1e12).contains(&value) {
            return Err(row.error(format!("value is {value}"), "write a number from 0 up"));
        }
        let percentage = |hours| Percentage { line, hours, value };
        if measure == "desktop_share_percent" {
            desktop = Some(percentage(0..24));
        } else if measure == "smartphone_and_tablet_share_percent" {
            mobile = Some(percentage(0..24));
        } else if let Some(hours) = hours(measure, "mean_users_per_hour_", "_", "") {
            bands.push(BandFigures {
                from_hour: hours.start,
                to_hour: hours.end,
                mean_users: value,
            });
        } else if let Some(hours) = hours(measure, "accesses_", "_to_", "_share_percent") {
            shares.push(percentage(hours));
        } else {
            return Err(row.error(
                format!("measure {measure:?} is not known"),
                "write desktop_share_percent, smartphone_and_tablet_share_percent, mean_users_per_hour_HH_HH or accesses_HH_to_HH_share_percent",
            ));
        }
    }
    bands.sort_by_key(|band| band.from_hour);
    check::bands(name, &bands, &shares)?;
    Ok(AccessFigures {
        desktop_percent: check::desktop_percent(name, desktop, mobile)?,
        bands,
    })
}

/// Parses the two hours in the name of a measure.
fn hours(measure: &str, before: &str, between: &str, after: &str) -> Option<Range<u8>> {
    let middle = measure.strip_prefix(before)?.strip_suffix(after)?;
    let (from, to) = middle.split_once(between)?;
    let (from, to) = (from.parse().ok()?, to.parse().ok()?);
    (from <= 24 && to <= 24).then_some(from..to)
}
