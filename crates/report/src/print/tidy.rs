//! The report as tidy data: one figure a line.

use crate::document::{Block, Cell, Column, Document, NameKind, Table};

use crate::print::PrintError;
use crate::print::csv_error::{Terminator, WriterBuilder};

/// Separators of fields and decimals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Separators {
    /// Commas between fields and a decimal point: RFC 4180, UTF-8.
    Comma,
    /// Semicolons between fields, a decimal comma, Italian headings and units, and a byte order
    /// mark. Excel with Italian settings opens such a file directly.
    Italian,
}

impl Separators {
    /// Returns the Italian word for an identifier in the Italian form.
    fn word(self, id: &str) -> String {
        let words = match self {
            Self::Comma => &[][..],
            Self::Italian => &ITALIAN,
        };
        let word = words.iter().find(|(known, _)| *known == id);
        word.map_or(id, |(_, word)| word).to_owned()
    }
}

/// Italian words for headings and identifiers.
const ITALIAN: [(&str, &str); 36] = [
    ("period", "periodo"),
    ("edition", "edizione"),
    ("subject", "soggetto"),
    ("section", "sezione"),
    ("table", "tabella"),
    ("part", "parte"),
    ("ente_code", "codice_ente"),
    ("category_code", "codice_categoria"),
    ("category", "categoria"),
    ("service_code", "codice_servizio"),
    ("service", "servizio"),
    ("item", "voce"),
    ("remark", "nota"),
    ("measure", "codice_misura"),
    ("measure_name", "misura"),
    ("unit", "unità"),
    ("value", "valore"),
    ("status", "stato"),
    ("provisional", "provvisoria"),
    ("part_of_closed", "parte di un anno chiuso"),
    ("reclassified", "riclassificata"),
    ("closed", "chiusa"),
    ("restated", "rettificata"),
    ("row", "riga"),
    ("total", "totale"),
    ("count", "numero"),
    ("number", "numero"),
    ("percent", "percento"),
    ("mean", "media"),
    ("working-h", "ore lavorative"),
    ("d", "giorni"),
    ("working-d", "giorni lavorativi"),
    ("months", "mesi"),
    ("not_defined", "non calcolabile"),
    ("not_available", "non disponibile"),
    ("suppressed", "nascosto"),
];

const HEADER: [&str; 19] = [
    "period",
    "edition",
    "subject",
    "section",
    "table",
    "part",
    "ente_code",
    "ente",
    "category_code",
    "category",
    "service_code",
    "service",
    "item",
    "remark",
    "measure",
    "measure_name",
    "unit",
    "value",
    "status",
];

/// Formats every figure of every table, one a line. `part` is `row` or `total`; a total is not to be
/// added to its rows. Registered names have columns with their codes; `item` is another name of the
/// row, such as a month, and `remark` has its other texts. `measure` is the column of the table.
/// `value` is unrounded. If it is empty, `status` is `not_defined`, `not_available` or `suppressed`.
pub fn csv(document: &Document, separators: Separators) -> Result<String, PrintError> {
    let (delimiter, terminator, mark) = match separators {
        Separators::Comma => (b',', Terminator::Any(b'\n'), ""),
        Separators::Italian => (b';', Terminator::CRLF, "\u{feff}"),
    };
    let mut writer = WriterBuilder::new()
        .delimiter(delimiter)
        .terminator(terminator)
        .from_writer(mark.as_bytes().to_vec());
    writer.write_record(HEADER.map(|head| separators.word(head)))?;
    let common = [
        document.period.to_string(),
        separators.word(document.state.into()),
        harmless(&document.subject),
    ];
    for section in &document.sections {
        for block in &section.blocks {
            let Block::Table(table) = block else {
                continue;
            };
            let place = [section.id.to_string(), table.id.to_string()];
            for record in records(table, separators) {
                writer.write_record(common.iter().chain(&place).chain(&record))?;
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

/// Returns the fields of every figure of a table, from `part` on.
fn records(table: &Table, separators: Separators) -> Vec<Vec<String>> {
    let parts = [("row", &table.rows), ("total", &table.sums)];
    let rows = parts
        .into_iter()
        .flat_map(|(part, rows)| rows.iter().map(move |row| (part, row)));
    let mut records = Vec::new();
    for (part, row) in rows {
        let part = separators.word(part);
        for (column, cell) in table.columns.iter().zip(row) {
            let Some(figure) = figure(cell, separators) else {
                continue;
            };
            let mut record = vec![part.clone()];
            record.extend(names(row, column));
            record.extend(measure(column));
            record.extend(figure);
            records.push(record);
        }
    }
    records
}

/// Returns the registered names of a figure with their codes, its item and its remark.
fn names(row: &[Cell], column: &Column) -> [String; 8] {
    let mut names = <[String; 8]>::default();
    let mut others = Vec::new();
    let of_column = column.named.as_ref();
    let of_row = row.iter().filter_map(|cell| match cell {
        Cell::Named(named) => Some(named),
        _ => None,
    });
    for named in of_row.chain(of_column) {
        let at = match named.kind {
            NameKind::Ente => 0,
            NameKind::Category => 2,
            NameKind::Service => 4,
        };
        names[at] = harmless(&named.code);
        names[at + 1] = harmless(&named.name);
    }
    for cell in row {
        if let Cell::Text(text) = cell {
            others.push(text.as_str());
        }
    }
    let mut others = others.into_iter();
    names[6] = harmless(others.next().unwrap_or_default());
    names[7] = harmless(&others.collect::<Vec<_>>().join(" · "));
    names
}

/// Returns id and heading of a column.
fn measure(column: &Column) -> [String; 2] {
    let id = match column.named {
        Some(_) => "in-category",
        None => &column.id,
    };
    [harmless(id), harmless(&column.head)]
}

/// Returns unit, value and status of a cell; `None` for texts.
fn figure(cell: &Cell, separators: Separators) -> Option<[String; 3]> {
    let (unit, status) = match cell {
        Cell::Empty | Cell::Text(_) | Cell::Named(_) => return None,
        Cell::Count(_) | Cell::Sparse(_) | Cell::Difference(_) => ("count", ""),
        Cell::Plain(_) => ("number", ""),
        Cell::Share(_) | Cell::Change(_) | Cell::Measured(_) => ("percent", ""),
        Cell::Mean(..) => ("mean", ""),
        Cell::Given(given) => (given.unit(), ""),
        Cell::Undefined => ("", "not_defined"),
        Cell::Unavailable => ("", "not_available"),
        Cell::Suppressed => ("", "suppressed"),
    };
    let value = cell.number().map_or_else(String::new, |number| {
        let number = number.to_string();
        match separators {
            Separators::Comma => number,
            Separators::Italian => number.replace('.', ","),
        }
    });
    let unit = separators.word(unit);
    Some([unit, value, separators.word(status)])
}

/// Marks a text that a spreadsheet would take for a formula.
fn harmless(text: &str) -> String {
    match text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        true => format!("'{text}"),
        false => text.to_owned(),
    }
}
