//! Fields of a log line, by their meaning.

use std::borrow::Cow;

use serde::Deserialize;
use strum::{Display, EnumCount};

use crate::clients;
use crate::fault::LineFault;
use crate::text::unescape;
use crate::time::{LogClock, LogTime};

/// Meaning of a field.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Display, EnumCount,
)]
#[serde(rename_all = "lowercase")]
pub enum FieldRole {
    /// Address or host name of the client.
    #[strum(serialize = "client")]
    Client,
    /// List of addresses that proxies forwarded.
    #[strum(serialize = "forwarded addresses")]
    Forwarded,
    /// Date and time.
    #[strum(serialize = "time")]
    Time,
    /// Date, in UTC.
    #[strum(serialize = "date")]
    Date,
    /// Time of day, in UTC.
    #[strum(serialize = "time of day")]
    Clock,
    /// Method, target and protocol.
    #[strum(serialize = "request")]
    Request,
    /// Method of the request.
    #[strum(serialize = "method")]
    Method,
    /// Path of the request, with or without a query.
    #[strum(serialize = "path")]
    Target,
    /// Query of the request.
    #[strum(serialize = "query")]
    Query,
    /// Status of the response.
    #[strum(serialize = "status")]
    Status,
    /// Size of the response.
    #[strum(serialize = "size in bytes")]
    Bytes,
    /// Page that linked to the target.
    #[strum(serialize = "referer")]
    Referer,
    /// Client program.
    #[strum(serialize = "user agent")]
    Agent,
    /// Host name of the portal.
    #[strum(serialize = "virtual host")]
    Host,
    /// Name that the machine of the client gave for its user (RFC 1413).
    #[strum(serialize = "ident")]
    Ident,
    /// Name of a login, which may contain any character.
    #[strum(serialize = "user")]
    User,
    /// Field that is not read.
    #[strum(serialize = "field")]
    #[serde(skip)]
    Skipped,
}

impl FieldRole {
    /// True for a field that every event needs.
    fn is_needed(self) -> bool {
        matches!(self, Self::Time | Self::Status)
    }
}

/// Fields of a line.
#[derive(Debug, Default)]
pub(crate) struct LogRecord<'a> {
    fields: [Option<Cow<'a, [u8]>>; FieldRole::COUNT],
    pub(crate) time: Option<LogTime>,
    pub(crate) status: u16,
    /// True if the log records user agents.
    pub(crate) is_agent_recorded: bool,
    /// True if a line lacks the field of the user agent when its request had none.
    pub(crate) may_lack_agent: bool,
    /// Offset of date and clock, if the header of the log names one.
    pub(crate) offset: Option<[u8; 5]>,
    escapes: Escapes,
    naming: Naming,
}

/// Escapes in the texts of a form.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Escapes {
    #[default]
    None,
    /// Those of Apache and nginx.
    Backslash,
}

/// Source of the meaning of fields.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Naming {
    /// The log or the operator names the fields. A wrong value that no event needs is absent.
    #[default]
    Named,
    /// Lines are recognised by their values. A wrong value shows that a line has another form.
    Recognised,
}

impl<'a> LogRecord<'a> {
    pub(crate) fn get(&self, role: FieldRole) -> Option<&[u8]> {
        self.fields[role as usize].as_deref()
    }

    /// Creates a record of a form of text.
    pub(crate) fn of_text(naming: Naming) -> Self {
        Self {
            escapes: Escapes::Backslash,
            naming,
            ..Self::default()
        }
    }

    /// Decodes the escapes of the log.
    pub(crate) fn unescaped<'r>(&self, value: &'r [u8]) -> Cow<'r, [u8]> {
        match self.escapes {
            Escapes::Backslash => unescape(value),
            Escapes::None => Cow::Borrowed(value),
        }
    }

    /// True if a text can be the name of a login. In a form that is recognised, a client in it shows
    /// that an unknown prefix stands before the line.
    pub(crate) fn can_be_user(&self, text: &[u8]) -> bool {
        // Jetty writes two blanks.
        let text = text.trim_ascii();
        let mut words = text.split(|byte| *byte == b' ');
        self.naming == Naming::Named
            || !text.contains(&b' ')
            || words.all(|word| word != b"-" && !clients::is_address(word))
    }

    /// True for a client, and for any word next to a host that is an address: that may be the client.
    fn can_be_client(&self, text: &[u8]) -> bool {
        let has_address = || self.get(FieldRole::Host).is_some_and(clients::is_address);
        clients::is_client(text) || clients::is_word(text) && has_address()
    }

    /// Checks the value of a field, and keeps it.
    pub(crate) fn put(
        &mut self,
        role: FieldRole,
        value: Cow<'a, [u8]>,
        clock: &LogClock,
    ) -> Result<(), LineFault> {
        let is_valid = match role {
            FieldRole::Skipped | FieldRole::User => return Ok(()),
            FieldRole::Forwarded if clients::has_forwarded(self) => return Ok(()),
            FieldRole::Time => {
                self.time = LogTime::parse(&value, clock);
                self.time.is_some()
            }
            FieldRole::Status => match status(&value) {
                Some(status) => {
                    self.status = status;
                    true
                }
                None => false,
            },
            // HAProxy writes a plus sign before the size of an answer that is not complete.
            FieldRole::Bytes => {
                let digits = value.strip_prefix(b"+").unwrap_or(&value);
                &*value == b"-" || digits.iter().all(u8::is_ascii_digit)
            }
            // Clients can send any text in front of the addresses that proxies add.
            FieldRole::Forwarded => self.naming == Naming::Named || clients::is_list(&value),
            // The second field of a line is no client if it is the absent name of a login.
            FieldRole::Client if &*value == b"-" => self.get(FieldRole::Host).is_none(),
            FieldRole::Client => self.can_be_client(&value),
            // A comma ends the first address of a list.
            FieldRole::Host => !matches!(*value, [] | [.., b',']) && !value.contains(&b' '),
            _ => true,
        };
        match (is_valid, self.naming) {
            (true, _) => self.fields[role as usize] = Some(value),
            (false, Naming::Named) if !role.is_needed() => {}
            (false, _) => return Err(LineFault::Bad(role)),
        }
        Ok(())
    }

    /// Checks that the line has what an event needs.
    pub(crate) fn check(&mut self) -> Result<(), LineFault> {
        if let (Some(date), Some(clock)) = (self.get(FieldRole::Date), self.get(FieldRole::Clock)) {
            self.time = match self.offset {
                Some(offset) => LogTime::at_offset(date, clock, offset),
                None => LogTime::in_utc(date, clock),
            };
            if self.time.is_none() {
                return Err(LineFault::Bad(FieldRole::Time));
            }
        }
        if self.time.is_none() {
            return Err(LineFault::Missing(FieldRole::Time));
        }
        if self.get(FieldRole::Status).is_none() {
            return Err(LineFault::Missing(FieldRole::Status));
        }
        let has_request = self.get(FieldRole::Request).is_some()
            || self.get(FieldRole::Method).is_some() && self.get(FieldRole::Target).is_some();
        if has_request {
            Ok(())
        } else {
            Err(LineFault::Missing(FieldRole::Request))
        }
    }
}

/// Parses a status of one to three digits, as JSON has it for 0.
fn status(text: &[u8]) -> Option<u16> {
    let is_status = matches!(text.len(), 1 | 3) && text.iter().all(u8::is_ascii_digit);
    is_status.then(|| {
        let digits = text.iter().map(|digit| u16::from(digit - b'0'));
        digits.fold(0, |status, digit| status * 10 + digit)
    })
}
