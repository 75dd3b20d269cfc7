//! Collects problems while the tables are read.

use std::collections::HashSet;
use std::ops::Range;

use affluenza_classify::hours::Zone;
use jiff::civil::Date;
use serde::de::DeserializeOwned;
use toml::value::Datetime;
use toml::{Spanned, Value};

use crate::model::Validity;
use crate::problem::{Fault, RegisterProblem};

/// Maximum length of a code, in bytes; same limit as in events.
const CODE_BYTES_MAX: usize = 64;

/// Position of an entry in the text.
#[derive(Debug, Clone)]
pub(crate) struct EntryPosition {
    pub line: usize,
    pub table: &'static str,
    pub code: String,
}

/// Text of the register and the problems found so far.
pub(crate) struct Checker<'t> {
    text: &'t str,
    problems: Vec<RegisterProblem>,
    /// Entries omitted because of a fault, by table and code. References to them are not reported.
    unreadable: HashSet<(&'static str, String)>,
}

impl<'t> Checker<'t> {
    pub(crate) fn new(text: &'t str) -> Self {
        Self {
            text,
            problems: Vec::new(),
            unreadable: HashSet::new(),
        }
    }

    /// Returns the problems in the order of the text.
    pub(crate) fn into_problems(mut self) -> Vec<RegisterProblem> {
        self.problems
            .sort_by(|a, b| (a.line, a.table, &a.code).cmp(&(b.line, b.table, &b.code)));
        self.problems
    }

    pub(crate) fn report(&mut self, place: &EntryPosition, fault: Fault) {
        if let Fault::Dangling { table, code, .. } = &fault
            && self.unreadable.contains(&(*table, code.clone()))
        {
            return;
        }
        self.problems.push(RegisterProblem {
            line: Some(place.line),
            table: place.table,
            code: place.code.clone(),
            fault,
        });
    }

    /// Returns the line of a span, counted from 1.
    pub(crate) fn line(&self, span: &Range<usize>) -> usize {
        let before = self.text.get(..span.start).unwrap_or(self.text);
        1 + before.bytes().filter(|byte| *byte == b'\n').count()
    }

    /// Reads one entry of a table whose entries have a `code`.
    pub(crate) fn entry<T: DeserializeOwned>(
        &mut self,
        table: &'static str,
        entry: Spanned<Value>,
    ) -> Option<(EntryPosition, T)> {
        let code = entry.get_ref().get("code").and_then(Value::as_str);
        let place = EntryPosition {
            line: self.line(&entry.span()),
            table,
            code: code.unwrap_or_default().to_owned(),
        };
        let mut parsed = self.shape(&place, entry.into_inner());
        if parsed.is_some() && !is_code(&place.code) {
            self.report(&place, Fault::BadCode);
            parsed = None;
        }
        if parsed.is_none() {
            self.unreadable.insert((table, place.code.clone()));
        }
        parsed.map(|parsed| (place, parsed))
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

    pub(crate) fn not_empty(
        &mut self,
        place: &EntryPosition,
        field: &'static str,
        text: Option<&str>,
    ) {
        if text.is_some_and(|text| text.trim().is_empty()) {
            self.report(place, Fault::Empty { field });
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
        let date = match found {
            Datetime {
                date: Some(date),
                time: None,
                offset: None,
            } => i16::try_from(date.year)
                .ok()
                .zip(i8::try_from(date.month).ok())
                .zip(i8::try_from(date.day).ok())
                .and_then(|((year, month), day)| Date::new(year, month, day).ok()),
            _ => None,
        };
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

/// True if `code` is valid in an event.
fn is_code(code: &str) -> bool {
    (1..=CODE_BYTES_MAX).contains(&code.len())
        && code
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
}
