//! Reads the CSV files and reports invalid values with their position.

use std::collections::BTreeMap;

use affluenza_event::Kind;

use super::csv_file::{CsvRow, CsvTable};
use super::{
    AccessFigures, BandFigures, CategoryFigures, EnteFigures, TargetFigures, VariationRow,
    VariationStatus, YearTables, check, file,
};
use crate::error::FiguresError;

/// Returns the text of a file by its name; `None` if it does not exist.
type Open<'o> = &'o dyn Fn(&str) -> Result<Option<String>, FiguresError>;

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
    let mut years = read_categories(&CsvTable::read(name, &text)?)?;
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
            tables.by_ente = read_by_ente(&CsvTable::read(&name, &text)?)?;
        }
        let name = file::variations(*of);
        if let Some(text) = open(&name)? {
            tables.variations = read_variations(&CsvTable::read(&name, &text)?)?;
        }
        check::usage(*of, tables)?;
    }
    let name = file::access(year);
    let access = match open(&name)? {
        Some(text) => Some(read_access(&CsvTable::read(&name, &text)?)?),
        None => None,
    };
    Ok(TargetFigures {
        year,
        years,
        access,
    })
}

fn read_categories(table: &CsvTable<'_>) -> Result<BTreeMap<i16, YearTables>, FiguresError> {
    let mut years: BTreeMap<i16, YearTables> = BTreeMap::new();
    for row in table.rows() {
        let year = row.number("year", "a year such as 2017")?;
        if !(1900..=2200).contains(&year) {
            return Err(row.error(format!("year is {year}"), "write a year such as 2017"));
        }
        let tables = years.entry(year).or_default();
        let category = row.text("category")?.to_owned();
        if tables.categories.iter().any(|it| it.category == category) {
            return Err(row.error(
                format!("category {category:?} of {year} is there twice"),
                "add the two lines up or remove one",
            ));
        }
        tables.categories.push(CategoryFigures {
            line: row.line,
            category,
            uses: row.number("service_uses", "a whole number")?,
            payments: row.optional("of_which_payments", "a whole number or nothing")?,
            bookings: row.optional("of_which_bookings", "a whole number or nothing")?,
        });
    }
    Ok(years)
}

fn read_by_ente(table: &CsvTable<'_>) -> Result<Vec<EnteFigures>, FiguresError> {
    let mut rows: Vec<EnteFigures> = Vec::new();
    for row in table.rows() {
        let category = Some(row.optional_text("category")).filter(|text| !text.is_empty());
        let read = EnteFigures {
            line: row.line,
            ente: row.text("ente")?.to_owned(),
            category: category.map(str::to_owned),
            kind: kind(&row)?,
            uses: row.number("service_uses", "a whole number")?,
        };
        if read.category.is_none() && read.kind != Kind::Booking {
            return Err(row.error(
                format!("{} uses without a category", read.kind),
                "fill the category in: only bookings may go without",
            ));
        }
        let first = rows.iter().find(|other| {
            (&other.ente, &other.category, other.kind) == (&read.ente, &read.category, read.kind)
        });
        if let Some(first) = first {
            return Err(row.error(
                format!(
                    "the same ente, category and kind are on line {}",
                    first.line
                ),
                "add the two lines up or remove one",
            ));
        }
        rows.push(read);
    }
    Ok(rows)
}

fn kind(row: &CsvRow<'_>) -> Result<Kind, FiguresError> {
    let text = row.text("kind")?;
    text.parse().map_err(|_| {
        row.error(
            format!("kind is {text:?}"),
            "write plain, payment or booking",
        )
    })
}

fn read_variations(table: &CsvTable<'_>) -> Result<Vec<VariationRow>, FiguresError> {
    table
        .rows()
        .map(|row| {
            Ok(VariationRow {
                line: row.line,
                category: row.text("category")?.to_owned(),
                service: row.text("service_it")?.to_owned(),
                change: row.optional("change", "a whole number or nothing")?,
                status: match row.optional_text("status") {
                    "" => VariationStatus::Going,
                    "new" => VariationStatus::New,
                    "retired" => VariationStatus::Retired,
                    other => {
                        return Err(row.error(
                            format!("status is {other:?}"),
                            "write new, retired or nothing",
                        ));
                    }
                },
            })
        })
        .collect()
}

fn read_access(table: &CsvTable<'_>) -> Result<AccessFigures, FiguresError> {
    let mut desktop = None;
    let mut mobile = None;
    let mut shares = Vec::new();
    let mut bands = Vec::new();
    for row in table.rows() {
        let measure = row.text("measure")?;
        let value: f64 = row.number("value", "a number such as 61")?;
        if !(0.0..=1e12).contains(&value) {
            return Err(row.error(format!("value is {value}"), "write a number from 0 up"));
        }
        if measure == "desktop_share_percent" {
            desktop = Some((row.line, value));
        } else if measure == "smartphone_and_tablet_share_percent" {
            mobile = Some((row.line, value));
        } else if let Some((from_hour, to_hour)) = hours(measure, "mean_users_per_hour_", "_", "") {
            bands.push(BandFigures {
                from_hour,
                to_hour,
                mean_users: value,
            });
        } else if let Some((from, to)) = hours(measure, "accesses_", "_to_", "_share_percent") {
            shares.push(check::Share {
                line: row.line,
                from_hour: from,
                to_hour: to,
                percent: value,
            });
        } else {
            return Err(row.error(
                format!("measure {measure:?} is not known"),
                "write desktop_share_percent, smartphone_and_tablet_share_percent, mean_users_per_hour_HH_HH or accesses_HH_to_HH_share_percent",
            ));
        }
    }
    check::access(table.file, desktop, mobile, bands, &shares)
}

/// Parses the two hours in the name of a measure.
fn hours(measure: &str, before: &str, between: &str, after: &str) -> Option<(u8, u8)> {
    let middle = measure.strip_prefix(before)?.strip_suffix(after)?;
    let (from, to) = middle.split_once(between)?;
    let (from, to) = (from.parse().ok()?, to.parse().ok()?);
    (from <= 24 && to <= 24).then_some((from, to))
}
