//! CSV files with a header line. Each row keeps its position for error messages.

use std::ops::Deref;

use csv::{ErrorKind, StringRecord};
use serde::de::DeserializeOwned;

use crate::error::FiguresError;

/// A row of a file of figures.
#[derive(Debug, Clone)]
pub(crate) struct FigureRow<T> {
    file: String,
    pub line: u64,
    value: T,
}

impl<T> Deref for FigureRow<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T> FigureRow<T> {
    pub(crate) fn error(&self, cause: String, remedy: &str) -> FiguresError {
        FiguresError::new(&self.file, Some(self.line), cause, remedy)
    }
}

/// Reads the rows of a file, whose header line must have `columns`. Fields of these columns must
/// not be empty.
pub(crate) fn rows<T: DeserializeOwned>(
    file: &str,
    text: &str,
    columns: &[&str],
) -> Result<Vec<FigureRow<T>>, FiguresError> {
    let text = text.trim_start_matches('\u{feff}');
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes());
    let header = reader.headers().map_err(|error| invalid(file, &error))?;
    let header = header.clone();
    let place_of = |column: &str| header.iter().position(|it| it == column);
    if let Some(column) = columns.iter().find(|column| place_of(column).is_none()) {
        let found = header.iter().collect::<Vec<_>>().join(",");
        let cause = format!("there is no column {column} in {found:?}");
        let remedy = "name the columns in the first line, separated by commas";
        return Err(FiguresError::new(file, Some(1), cause, remedy));
    }
    let mut rows = Vec::new();
    for record in reader.records() {
        let value = record.map_err(|error| invalid(file, &error))?;
        let line = value.position().map_or(0, csv::Position::line);
        let file = file.to_owned();
        let record = FigureRow { file, line, value };
        let is_empty = |column: &str| place_of(column).is_some_and(|at| record[at].is_empty());
        if let Some(column) = columns.iter().find(|column| is_empty(column)) {
            return Err(record.error(format!("{column} is empty"), "fill it in"));
        }
        match record.deserialize(Some(&header)) {
            Ok(value) => rows.push(FigureRow {
                file: record.file,
                line,
                value,
            }),
            Err(error) => return Err(unreadable(&record, &header, &error)),
        }
    }
    Ok(rows)
}

fn invalid(file: &str, error: &csv::Error) -> FiguresError {
    let line = error.position().map(csv::Position::line);
    let cause = match error.kind() {
        ErrorKind::UnequalLengths {
            expected_len, len, ..
        } => format!("{len} fields where the header has {expected_len}"),
        _ => error.to_string(),
    };
    let remedy =
        "write comma-separated values under one header line, texts with commas in double quotes";
    FiguresError::new(file, line, cause, remedy)
}

/// Names the field of a row that is not of its type.
fn unreadable(
    record: &FigureRow<StringRecord>,
    header: &StringRecord,
    error: &csv::Error,
) -> FiguresError {
    let place = match error.kind() {
        ErrorKind::Deserialize { err, .. } => err.field().map(|field| field as usize),
        _ => return invalid(&record.file, error),
    };
    // The library names no field for a word out of a list.
    let place = place
        .or_else(|| {
            header
                .iter()
                .position(|column| matches!(column, "kind" | "status"))
        })
        .unwrap_or(0);
    let column = header.get(place).unwrap_or("");
    let remedy = match column {
        "kind" => "write plain, payment or booking",
        "status" => "write new, retired or nothing",
        "year" => "write a year such as 2017, without separators",
        "value" => "write a number such as 61, without separators",
        "service_uses" => "write a whole number, without separators",
        _ => "write a whole number or nothing, without separators",
    };
    let text = record.get(place).unwrap_or("");
    record.error(format!("{column} is {text:?}"), remedy)
}
