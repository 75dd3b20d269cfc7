//! Lines of the CSV files of a register.

use csv::StringRecord;
use jiff::civil::Date;
use toml::value::{self, Datetime};
use toml::{Table, Value};

use crate::check::{Checker, EntryPosition};
use crate::problem::Fault;
use crate::raw::RawDeployment;

/// Columns of the CSV files of a table.
pub(crate) struct Columns {
    pub table: &'static str,
    pub names: &'static [&'static str],
    /// Number of names, from the first, that every file has.
    pub required: usize,
    /// Columns that identify an entry in a message.
    pub code: &'static [&'static str],
}

pub(crate) const ENTE: Columns = Columns {
    table: "ente",
    names: &[
        "code",
        "name",
        "kind",
        "istat",
        "belfiore",
        "zone",
        INHABITANTS,
        YEAR,
        SOURCE,
        "members",
        "aliases",
        "valid_from",
        "valid_to",
        "successor",
        "patron",
        "desk",
    ],
    required: 3,
    code: &["code"],
};
pub(crate) const PORTAL: Columns = Columns {
    table: "portal",
    names: &["code", "name", "ente", "source", "kind", "zone"],
    required: 4,
    code: &["code"],
};
pub(crate) const DEPLOYMENT: Columns = Columns {
    table: "deployments",
    names: &["ente", "service", "valid_from", "valid_to", "nature"],
    required: 2,
    code: &["ente", "service"],
};
/// Number of inhabitants, which TOML has in `population`.
const INHABITANTS: &str = "inhabitants";
/// Year of the count, which TOML has in `population`.
const YEAR: &str = "inhabitants_year";
/// Source of the count, which TOML has in `population`.
const SOURCE: &str = "inhabitants_source";
/// Separator of aliases and of members in a CSV field.
const LIST_SEPARATOR: char = '|';
/// Digits of an Istat code. Spreadsheets drop leading zeros.
const ISTAT_DIGITS: usize = 6;

/// Line of a CSV file.
pub(crate) struct Row<'r> {
    pub place: EntryPosition,
    pub header: &'r [&'static str],
    pub fields: &'r StringRecord,
}

impl<'r> Row<'r> {
    /// Name of the first column whose text has a control character.
    pub(crate) fn column_with_control(&self) -> Option<&'static str> {
        let mut cells = self.cells();
        let found = cells.find(|(_, cell)| cell.contains(char::is_control));
        found.map(|(column, _)| column)
    }

    /// Columns with a value. Empty fields are absent.
    fn cells(&self) -> impl Iterator<Item = (&'static str, &'r str)> {
        let cells = self.header.iter().copied().zip(self.fields);
        cells.filter(|(_, cell)| !cell.is_empty())
    }

    pub(crate) fn cell(&self, column: &str) -> Option<&'r str> {
        let mut cells = self.cells();
        cells
            .find(|(name, _)| *name == column)
            .map(|(_, cell)| cell)
    }

    /// Code of the entry in a message.
    pub(crate) fn code(&self, columns: &Columns) -> String {
        let mut code = String::new();
        for (at, column) in columns.code.iter().enumerate() {
            if at > 0 {
                code.push('.');
            }
            code.push_str(self.cell(column).unwrap_or_default());
        }
        code
    }

    fn day(&self, checker: &mut Checker, field: &'static str) -> Option<Datetime> {
        let cell = self.cell(field)?;
        let day = day(cell);
        if day.is_none() {
            let found = cell.to_owned();
            checker.report(&self.place, Fault::BadDate { field, found });
        }
        day
    }

    fn number(&self, checker: &mut Checker, field: &'static str) -> Option<i64> {
        let cell = self.cell(field)?;
        let number = cell.parse().ok();
        if number.is_none() {
            let found = cell.to_owned();
            checker.report(&self.place, Fault::BadNumber { field, found });
        }
        number
    }

    pub(crate) fn deployment(&self, checker: &mut Checker) -> Option<RawDeployment> {
        Some(RawDeployment {
            valid_from: self.day(checker, "valid_from"),
            valid_to: self.day(checker, "valid_to"),
            nature: match self.cell("nature") {
                Some(nature) => Some(checker.shape(&self.place, nature.into())?),
                None => None,
            },
        })
    }

    /// Returns the TOML table that the line stands for.
    pub(crate) fn table(&self, checker: &mut Checker) -> Table {
        let (mut table, mut population) = (Table::new(), Table::new());
        for (column, cell) in self.cells() {
            let value: Option<Value> = match column {
                INHABITANTS | YEAR => {
                    let key = if column == YEAR { "year" } else { column };
                    let number = self.number(checker, column);
                    population.extend(number.map(|number| (key.to_owned(), number.into())));
                    None
                }
                SOURCE => {
                    population.insert("source".to_owned(), cell.into());
                    None
                }
                "valid_from" | "valid_to" => self.day(checker, column).map(Value::Datetime),
                "aliases" | "members" => {
                    if cell.contains([',', ';']) {
                        let (field, found) = (column, cell.to_owned());
                        checker.report(&self.place, Fault::ListSeparator { field, found });
                    }
                    let names = cell.split(LIST_SEPARATOR).map(str::trim);
                    let names = names.filter(|name| !name.is_empty());
                    Some(names.map(Value::from).collect::<Vec<_>>().into())
                }
                "istat" if cell.bytes().all(|byte| byte.is_ascii_digit()) => {
                    Some(format!("{cell:0>ISTAT_DIGITS$}").into())
                }
                _ => Some(cell.into()),
            };
            table.extend(value.map(|value| (column.to_owned(), value)));
        }
        if !population.is_empty() {
            table.insert("population".to_owned(), population.into());
        }
        table
    }
}

/// Reads a day, as 2017-03-01 or as an Italian spreadsheet writes it, 01/03/2017.
fn day(text: &str) -> Option<Datetime> {
    let mut parts = text.split(['-', '/']);
    let [first, second, third] = [parts.next()?, parts.next()?, parts.next()?];
    let (year, month, day) = if text.contains('/') {
        (third, second, first)
    } else {
        (first, second, third)
    };
    if parts.next().is_some() || year.len() != 4 {
        return None;
    }
    let day = Date::new(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?).ok()?;
    let day = value::Date {
        year: day.year().try_into().ok()?,
        month: day.month().unsigned_abs(),
        day: day.day().unsigned_abs(),
    };
    Some(day.into())
}
