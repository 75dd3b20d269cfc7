//! Collects problems while the tables are read.

use std::collections::HashSet;
use std::sync::Arc;

use affluenza_classify::hours::Zone;
use jiff::civil::Date;
use serde::de::DeserializeOwned;
use toml::Value;
use toml::value::Datetime;

use crate::model::Validity;
use crate::problem::{Fault, RegisterProblem};

/// Maximum length of a code, in bytes; same limit as in events.
const CODE_BYTES_MAX: usize = 64;

/// Line of a file.
#[derive(Debug, Clone)]
pub(crate) struct FileLine {
    /// Name of the file; empty for the first file of the register.
    pub file: Arc<str>,
    pub line: usize,
}

/// Position of an entry in the files.
#[derive(Debug, Clone)]
pub(crate) struct EntryPosition {
    pub at: FileLine,
    pub table: &'static str,
    pub code: String,
}

/// Problems found so far.
#[derive(Default)]
pub(crate) struct Checker {
    problems: Vec<RegisterProblem>,
    /// Entries omitted because of a fault, by table and code. References to them are not reported.
    unreadable: HashSet<(&'static str, String)>,
    /// True for a register of a seal, which must stay readable.
    pub(crate) is_sealed: bool,
}

impl Checker {
    pub(crate) fn of_sealed() -> Self {
        Self {
            is_sealed: true,
            ..Self::default()
        }
    }

    /// Returns the problems in the order of the files and lines.
    pub(crate) fn into_problems(mut self) -> Vec<RegisterProblem> {
        self.problems.sort_by(|a, b| {
            (&a.file, a.line, a.table, &a.code).cmp(&(&b.file, b.line, b.table, &b.code))
        });
        self.problems
    }

    pub(crate) fn report(&mut self, place: &EntryPosition, fault: Fault) {
        if let Fault::Dangling { table, code, .. } = &fault
            && self.unreadable.contains(&(*table, code.clone()))
        {
            return;
        }
        if self.is_sealed && fault.is_harmless() {
            return;
        }
        self.problems.push(RegisterProblem {
            file: Arc::clone(&place.at.file),
            line: Some(place.at.line),
            table: place.table,
            code: place.code.clone(),
            fault,
        });
    }

    /// Reports a fault of a file, at a line if it has one.
    pub(crate) fn report_file(&mut self, file: &Arc<str>, line: Option<usize>, fault: Fault) {
        self.problems.push(RegisterProblem {
            file: Arc::clone(file),
            line,
            table: "",
            code: String::new(),
            fault,
        });
    }

    /// True if a file was not read, or not completely.
    pub(crate) fn has_unreadable_file(&self) -> bool {
        self.problems.iter().any(|problem| problem.table.is_empty())
    }

    /// Reports the fault of an entry that is omitted.
    pub(crate) fn omit(&mut self, place: &EntryPosition, fault: Fault) {
        self.report(place, fault);
        self.unreadable.insert((place.table, place.code.clone()));
    }

    /// Reads one entry of a table whose entries have a `code`.
    pub(crate) fn entry<T: DeserializeOwned>(
        &mut self,
        place: EntryPosition,
        entry: impl Into<Value>,
    ) -> Option<(EntryPosition, T)> {
        match self.shape(&place, entry.into()) {
            Some(_) if !is_code(&place.code) => self.omit(&place, Fault::BadCode),
            Some(parsed) => return Some((place, parsed)),
            None => {
                self.unreadable.insert((place.table, place.code));
            }
        }
        None
    }

    /// Deserializes `value`, or reports its shape.
    pub(crate) fn shape<T: DeserializeOwned>(
        &mut self,
        place: &EntryPosition,
        value: Value,
    ) -> Option<T> {
        value
            .try_into()
            .map_err(|error: toml::de::Error| {
                // Joins the message into one line; `place` already holds the position.
                self.report(place, Fault::Shape(error.message().replace('\n', ", ")));
            })
            .ok()
    }

    /// Checks a name: it is not empty, and has one line.
    pub(crate) fn name(&mut self, place: &EntryPosition, field: &'static str, text: &str) {
        if text.trim().is_empty() {
            self.report(place, Fault::Empty { field });
        } else {
            self.one_line(place, field, text);
        }
    }

    pub(crate) fn one_line(&mut self, place: &EntryPosition, field: &'static str, text: &str) {
        if text.contains(char::is_control) {
            self.report(place, Fault::ControlCharacter { field });
        }
    }

    pub(crate) fn validity(
        &mut self,
        place: &EntryPosition,
        from: Option<Datetime>,
        to: Option<Datetime>,
    ) -> Validity {
        let validity = Validity {
            from: self.date(place, "valid_from", from),
            to: self.date(place, "valid_to", to),
        };
        if let (Some(from), Some(to)) = (validity.from, validity.to)
            && to <= from
        {
            self.report(place, Fault::Reversed { from, to });
        }
        validity
    }

    fn date(
        &mut self,
        place: &EntryPosition,
        field: &'static str,
        found: Option<Datetime>,
    ) -> Option<Date> {
        let found = found?;
        let date = civil_date(found);
        if date.is_none() {
            let found = found.to_string();
            self.report(place, Fault::BadDate { field, found });
        }
        date
    }

    pub(crate) fn zone(&mut self, place: &EntryPosition, name: Option<&str>) -> Option<Zone> {
        let name = name?;
        let zone = Zone::named(name).ok();
        if zone.is_none() {
            self.report(place, Fault::UnknownZone(name.to_owned()));
        }
        zone
    }
}

/// Returns the day of a TOML value that has no time of day.
pub(crate) fn civil_date(found: Datetime) -> Option<Date> {
    let (Some(date), None, None) = (found.date, found.time, found.offset) else {
        return None;
    };
    let [month, day] = [date.month, date.day].map(|part| i8::try_from(part).ok());
    Date::new(date.year.try_into().ok()?, month?, day?).ok()
}

/// True if `code` is valid in an event.
pub(crate) fn is_code(code: &str) -> bool {
    (1..=CODE_BYTES_MAX).contains(&code.len())
        && code
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
}
