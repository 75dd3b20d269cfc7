//! Forms with a header that names the columns (W3C extended log file format).

use std::borrow::Cow;

use super::role::{FieldRole, LogRecord};
use super::text::{Misfit, Names};
use crate::fault::LineFault;
use crate::time::LogClock;

/// Beginning of the header.
const HEADER: &[u8] = b"#Fields:";

/// Beginning of the directive with the offset of the times.
const OFFSET: &[u8] = b"#GMT-Offset:";

/// Returns the offset that a directive names, as sign, hours and minutes.
pub(crate) fn offset_of(directive: &[u8]) -> Option<[u8; 5]> {
    directive.strip_prefix(OFFSET)?.trim_ascii().try_into().ok()
}

/// A form with columns, which blanks or tabs separate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ColumnsForm {
    roles: Vec<FieldRole>,
    /// Offset of the times, if a directive names one.
    pub(super) offset: Option<[u8; 5]>,
}

impl ColumnsForm {
    /// Reads a header, such as `#Fields: date time c-ip`. `None` for another line.
    pub(crate) fn of_header(line: &[u8], names: &Names) -> Option<Self> {
        let header = std::str::from_utf8(line.strip_prefix(HEADER)?).ok()?;
        let mut roles = Vec::new();
        for column in header.split_ascii_whitespace() {
            let role = names.get(&*column.to_ascii_lowercase()).copied();
            // Of two columns for one role, the first counts, or the first with forwarded addresses.
            let role = role.filter(|role| *role == FieldRole::Forwarded || !roles.contains(role));
            roles.push(role.unwrap_or(FieldRole::Skipped));
        }
        Some(Self {
            roles,
            offset: None,
        })
    }

    pub(crate) fn roles(&self) -> &[FieldRole] {
        &self.roles
    }

    pub(crate) fn read<'a>(
        &self,
        line: &'a [u8],
        clock: &LogClock,
    ) -> Result<LogRecord<'a>, Misfit> {
        let separator = match memchr::memchr(b'\t', line) {
            Some(_) => b'\t',
            None => b' ',
        };
        let mut record = LogRecord::default();
        record.offset = self.offset;
        let mut at = 0;
        let read = self.fill(&mut record, line, separator, clock, &mut at);
        read.and_then(|()| record.check())
            .map_err(|fault| Misfit { at, fault })?;
        Ok(record)
    }

    fn fill<'a>(
        &self,
        record: &mut LogRecord<'a>,
        line: &'a [u8],
        separator: u8,
        clock: &LogClock,
        at: &mut usize,
    ) -> Result<(), LineFault> {
        for role in &self.roles {
            let rest = line.get(*at..).ok_or(LineFault::Missing(*role))?;
            let column = quoted(rest, separator).unwrap_or_else(|| {
                let bytes = memchr::memchr(separator, rest).unwrap_or(rest.len());
                let value = Cow::Borrowed(&rest[..bytes]);
                LogColumn { value, bytes }
            });
            *at += column.bytes + 1;
            // A hyphen stands for an absent value, except for an absent user agent.
            if &*column.value == b"-" && *role != FieldRole::Agent {
                continue;
            }
            record.put(*role, column.value, clock)?;
        }
        match line.get(*at..) {
            Some(rest) if !rest.is_empty() => Err(LineFault::TextAfter(
                self.roles.last().copied().unwrap_or(FieldRole::Skipped),
            )),
            _ => Ok(()),
        }
    }
}

/// Value of a column, and its length in the line.
struct LogColumn<'a> {
    value: Cow<'a, [u8]>,
    bytes: usize,
}

/// Reads a text in quotes, with doubled quotes inside. `None` for another text, which may begin with
/// a quote.
fn quoted(text: &[u8], separator: u8) -> Option<LogColumn<'_>> {
    let inside = text.strip_prefix(b"\"")?;
    let mut from = 0;
    let mut has_doubled = false;
    loop {
        let quote = from + memchr::memchr(b'"', inside.get(from..)?)?;
        match inside.get(quote + 1) {
            Some(b'"') => {
                has_doubled = true;
                from = quote + 2;
            }
            Some(after) if *after != separator => return None,
            _ => {
                let value = match has_doubled {
                    true => Cow::Owned(without_doubled(&inside[..quote])),
                    false => Cow::Borrowed(&inside[..quote]),
                };
                let bytes = quote + 2;
                return Some(LogColumn { value, bytes });
            }
        }
    }
}

/// Replaces each two quotes by one.
fn without_doubled(text: &[u8]) -> Vec<u8> {
    let mut single = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(quote) = memchr::memchr(b'"', rest) {
        single.extend_from_slice(&rest[..=quote]);
        rest = rest.get(quote + 2..).unwrap_or_default();
    }
    single.extend_from_slice(rest);
    single
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_hold_blanks_and_doubled_quotes() {
        let names = Names::from([
            ("date".to_owned(), FieldRole::Date),
            ("time".to_owned(), FieldRole::Clock),
            ("cs-method".to_owned(), FieldRole::Method),
            ("cs-uri".to_owned(), FieldRole::Target),
            ("sc-status".to_owned(), FieldRole::Status),
            ("cs(user-agent)".to_owned(), FieldRole::Agent),
            ("cs-host".to_owned(), FieldRole::Host),
        ]);
        let header = b"#Fields: date time cs(User-Agent) cs-host cs-method cs-uri sc-status";
        let form = ColumnsForm::of_header(header, &names).unwrap();
        for (agent, expected) in [
            (r#""an agent""#, "an agent"),
            (r#""an ""agent"" of ""two""#, r#"an "agent" of "two"#),
            (r#""""an agent""""#, r#""an agent""#),
            (r#""""#, ""),
            // The second quote closes nothing, or is missing.
            (r#""an"+agent"#, r#""an"+agent"#),
            (r#""an+agent"#, r#""an+agent"#),
            ("-", "-"),
        ] {
            let line = format!("2026-05-14 08:05:03 {agent} - GET /a 200");
            let record = form.read(line.as_bytes(), &LogClock::default()).unwrap();
            let found = record.get(FieldRole::Agent).unwrap();
            assert_eq!(String::from_utf8_lossy(found), expected, "{agent}");
        }
    }
}
