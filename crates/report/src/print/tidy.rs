//! The report as tidy data: one figure a line.

use crate::document::{Block, Cell, Document, Table};

use crate::print::PrintError;
use crate::print::csv_error::{Terminator, WriterBuilder};

/// Separators of fields and decimals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Separators {
    /// Commas between fields and a decimal point: RFC 4180, UTF-8.
    Comma,
    /// Semicolons between fields, a decimal comma, and a byte order mark. Excel with Italian
    /// settings opens such a file directly.
    Italian,
}

const HEADER: [&str; 9] = [
    "period", "subject", "section", "table", "label", "column", "unit", "value", "status",
];

/// Formats every figure of every table, one a line. `label` joins the text cells of the row;
/// `column` is the heading. `value` is unrounded. If `value` is empty, `status` is `not_defined`,
/// `not_available` or `suppressed`.
pub fn csv(document: &Document, separators: Separators) -> Result<String, PrintError> {
    let (delimiter, terminator, mark) = match separators {
        Separators::Comma => (b',', Terminator::Any(b'\n'), ""),
        Separators::Italian => (b';', Terminator::CRLF, "\u{feff}"),
    };
    let mut writer = WriterBuilder::new()
        .delimiter(delimiter)
        .terminator(terminator)
        .from_writer(mark.as_bytes().to_vec());
    writer.write_record(HEADER)?;
    for section in &document.sections {
        for block in &section.blocks {
            if let Block::Table(table) = block {
                for record in records(table, separators) {
                    let [label, column, unit, value, status] = record;
                    writer.write_record([
                        document.period.to_string().as_str(),
                        harmless(&document.subject).as_str(),
                        &section.id,
                        &table.id,
                        harmless(&label).as_str(),
                        harmless(&column).as_str(),
                        &unit,
                        &value,
                        &status,
                    ])?;
                }
            }
        }
    }
    let bytes = writer.into_inner().map_err(|error| error.into_error());
    let bytes = bytes.map_err(affluenza_error)?;
    Ok(String::from_utf8(bytes).expect("text was written"))
}

fn affluenza_error(error: std::io::Error) -> PrintError {
    PrintError::Rows(error.into())
}

/// Returns label, column, unit, value and status of every figure of a table.
fn records(table: &Table, separators: Separators) -> Vec<[String; 5]> {
    let mut records = Vec::new();
    for row in table.rows.iter().chain(&table.sums) {
        let cells = table.columns.iter().zip(row);
        let labels = cells.filter_map(|(column, cell)| match cell {
            Cell::Text(text) if column.text => Some(text.as_str()),
            _ => None,
        });
        let label = labels.collect::<Vec<_>>().join(" · ");
        for (column, cell) in table.columns.iter().zip(row) {
            let (unit, status) = match cell {
                Cell::Empty | Cell::Text(_) => continue,
                Cell::Count(_) | Cell::Sparse(_) | Cell::Difference(_) => ("count", ""),
                Cell::Plain(_) => ("number", ""),
                Cell::Share(_) | Cell::Change(_) | Cell::Measured(_) => ("percent", ""),
                Cell::Mean(..) => ("mean", ""),
                Cell::Given(given) => (given.unit(), ""),
                Cell::Undefined => ("", "not_defined"),
                Cell::Unavailable => ("", "not_available"),
                Cell::Suppressed => ("", "suppressed"),
            };
            let value = cell
                .number()
                .map_or_else(String::new, |number| match separators {
                    Separators::Comma => number.to_string(),
                    Separators::Italian => number.to_string().replace('.', ","),
                });
            records.push([
                label.clone(),
                column.head.clone(),
                unit.to_owned(),
                value,
                status.to_owned(),
            ]);
        }
    }
    records
}

/// Marks a text that a spreadsheet would take for a formula.
fn harmless(text: &str) -> String {
    match text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        true => format!("'{text}"),
        false => text.to_owned(),
    }
}
