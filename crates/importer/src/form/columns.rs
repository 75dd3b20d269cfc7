//! Forms with a header that names the columns (W3C extended log file format).

use std::borrow::Cow;

use super::role::{Record, Role};
use super::text::{Misfit, Names};
use crate::fault::LineFault;
use crate::time::Clock;

/// Beginning of the header.
const HEADER: &[u8] = b"#Fields:";

/// A form with columns, which blanks or tabs separate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ColumnsForm {
    roles: Vec<Role>,
}

impl ColumnsForm {
    /// Reads a header, such as `#Fields: date time c-ip`. `None` for another line.
    pub(crate) fn of_header(line: &[u8], names: &Names) -> Option<Self> {
        let header = std::str::from_utf8(line.strip_prefix(HEADER)?).ok()?;
        let mut roles = Vec::new();
        for column in header.split_ascii_whitespace() {
            let role = names.get(&*column.to_ascii_lowercase()).copied();
            // Of two columns for one role, the first counts.
            let role = role.filter(|role| !roles.contains(role));
            roles.push(role.unwrap_or(Role::Skipped));
        }
        Some(Self { roles })
    }

    pub(crate) fn roles(&self) -> &[Role] {
        &self.roles
    }

    pub(crate) fn read<'a>(&self, line: &'a [u8], clock: &Clock) -> Result<Record<'a>, Misfit> {
        let separator = match memchr::memchr(b'\t', line) {
            Some(_) => b'\t',
            None => b' ',
        };
        let mut record = Record::default();
        let mut at = 0;
        let read = self.fill(&mut record, line, separator, clock, &mut at);
        read.and_then(|()| record.check())
            .map_err(|fault| Misfit { at, fault })?;
        Ok(record)
    }

    fn fill<'a>(
        &self,
        record: &mut Record<'a>,
        line: &'a [u8],
        separator: u8,
        clock: &Clock,
        at: &mut usize,
    ) -> Result<(), LineFault> {
        for role in &self.roles {
            let rest = line.get(*at..).ok_or(LineFault::Missing(*role))?;
            // The format allows texts in quotes, with doubled quotes inside.
            let (value, bytes) = match rest.strip_prefix(b"\"") {
                Some(quoted) => {
                    let end = memchr::memchr(b'"', quoted).ok_or(LineFault::Unclosed(*role))?;
                    (&quoted[..end], end + 2)
                }
                None => {
                    let end = memchr::memchr(separator, rest).unwrap_or(rest.len());
                    (&rest[..end], end)
                }
            };
            *at += bytes + 1;
            // A hyphen stands for an absent value, except for an absent user agent.
            if value == b"-" && *role != Role::Agent {
                continue;
            }
            record.put(*role, Cow::Borrowed(value), clock)?;
        }
        match line.get(*at..) {
            Some(rest) if !rest.is_empty() => Err(LineFault::TextAfter(
                self.roles.last().copied().unwrap_or(Role::Skipped),
            )),
            _ => Ok(()),
        }
    }
}
