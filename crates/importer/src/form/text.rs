//! Forms of text: fields between fixed texts.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::format::{FormatPiece, Pieces, apache, has_variable, nginx, without_directive};
use super::role::{FieldRole, LogRecord, Naming};
use crate::FormatError;
use crate::fault::LineFault;
use crate::time::LogClock;

/// Roles by the name of a variable or directive, in lower case if names ignore case.
pub(crate) type Names = BTreeMap<String, FieldRole>;

/// Part of a form.
#[derive(Debug, Clone, PartialEq, Eq)]
enum TextStep {
    /// Text of every line. A blank stands for one or more.
    Text(Vec<u8>),
    Field {
        role: FieldRole,
        end: FieldEnd,
    },
    /// Steps that a line may lack.
    Optional(Vec<TextStep>),
}

/// End of a field.
#[derive(Debug, Clone, PartialEq, Eq)]
enum FieldEnd {
    /// A quote that is not escaped.
    Quote,
    /// The text that follows.
    Text(Vec<u8>),
    /// A slash, which begins the next field.
    Slash,
    /// The end of the line, or a blank if more text may follow.
    Line,
}

/// A form of text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TextForm {
    steps: Vec<TextStep>,
    has_rest: bool,
    naming: Naming,
}

impl TextForm {
    /// Compiles a form of the catalogue.
    pub(crate) fn of_catalogue(
        line: &str,
        has_rest: bool,
        roles: &Names,
    ) -> Result<Self, FormatError> {
        let line = line.trim_end_matches("}}");
        let parts = line.split("{{").map(|part| with_ends(nginx(part, roles)));
        let mut parts = parts.collect::<Result<Vec<_>, _>>()?;
        let mut steps = parts.pop().unwrap_or_default();
        while let Some(mut before) = parts.pop() {
            before.push(TextStep::Optional(steps));
            steps = before;
        }
        let naming = Naming::Recognised;
        Self {
            steps,
            has_rest,
            naming,
        }
        .checked()
    }

    /// Compiles a format string as nginx or Apache writes it.
    pub(crate) fn of_server(
        format: &str,
        nginx_names: &Names,
        apache_names: &Names,
    ) -> Result<Self, FormatError> {
        let format = format.replace("\r\n", "\n");
        let format = without_directive(&format);
        let pieces = if has_variable(&format) {
            nginx(&format, nginx_names)
        } else {
            apache(&format, apache_names)?
        };
        Self {
            steps: with_ends(pieces)?,
            has_rest: false,
            naming: Naming::Named,
        }
        .checked()
    }

    /// Checks that lines of the form can become events.
    fn checked(self) -> Result<Self, FormatError> {
        let roles = self.roles();
        if !roles.contains(&FieldRole::Time) {
            return Err(FormatError::Lacks(FieldRole::Time));
        }
        if !roles.contains(&FieldRole::Status) {
            return Err(FormatError::Lacks(FieldRole::Status));
        }
        let has_parts = roles.contains(&FieldRole::Method) && roles.contains(&FieldRole::Target);
        if !roles.contains(&FieldRole::Request) && !has_parts {
            return Err(FormatError::Lacks(FieldRole::Request));
        }
        Ok(self)
    }

    /// Roles of the fields, in the order of the line.
    pub(crate) fn roles(&self) -> Vec<FieldRole> {
        let mut roles = Vec::new();
        collect_roles(&self.steps, &mut roles);
        roles
    }

    /// True if lines are recognised by their values.
    pub(crate) fn is_recognised(&self) -> bool {
        self.naming == Naming::Recognised
    }

    /// Exchanges the roles of two fields, neither of which is optional.
    pub(crate) fn swap(&mut self, a: FieldRole, b: FieldRole) {
        for step in &mut self.steps {
            match step {
                TextStep::Field { role, .. } if *role == a => *role = b,
                TextStep::Field { role, .. } if *role == b => *role = a,
                _ => {}
            }
        }
    }

    pub(crate) fn read<'a>(
        &self,
        line: &'a [u8],
        clock: &LogClock,
    ) -> Result<LogRecord<'a>, Misfit> {
        let mut reading = LineReading {
            line,
            at: 0,
            has_rest: self.has_rest,
            clock,
            record: LogRecord::of_text(self.naming),
        };
        let read = reading.steps(&self.steps);
        let at = reading.at;
        read.and_then(|()| {
            let rest = &line[reading.at..];
            let is_end = rest.iter().all(|byte| *byte == b' ');
            if is_end || self.has_rest && rest.starts_with(b" ") {
                reading.record.check()
            } else {
                Err(LineFault::TextAfter(last_role(&self.steps)))
            }
        })
        .map_err(|fault| Misfit { at, fault })?;
        Ok(reading.record)
    }
}

/// The first difference between a line and a form.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Misfit {
    /// Number of bytes that fit.
    pub(crate) at: usize,
    pub(crate) fault: LineFault,
}

struct LineReading<'a, 'c> {
    line: &'a [u8],
    at: usize,
    has_rest: bool,
    clock: &'c LogClock,
    record: LogRecord<'a>,
}

impl<'a> LineReading<'a, '_> {
    fn steps(&mut self, steps: &[TextStep]) -> Result<(), LineFault> {
        for (nth, step) in steps.iter().enumerate() {
            match step {
                TextStep::Text(text) => self.text(text, &steps[nth + 1..])?,
                TextStep::Optional(group) => self.group(group)?,
                TextStep::Field {
                    role: FieldRole::User,
                    end: FieldEnd::Text(end),
                } => return self.user(end, &steps[nth + 1..]),
                TextStep::Field { role, end } => self.field(*role, end)?,
            }
        }
        Ok(())
    }

    fn text(&mut self, text: &[u8], next: &[TextStep]) -> Result<(), LineFault> {
        match after(&self.line[self.at..], text) {
            Some(bytes) => {
                self.at += bytes;
                Ok(())
            }
            None => Err(LineFault::Missing(first_role(next))),
        }
    }

    /// Reads a group that may be absent. Text that is no list of forwarded addresses is another
    /// field, which is not read.
    fn group(&mut self, group: &[TextStep]) -> Result<(), LineFault> {
        let [TextStep::Text(first), ..] = group else {
            return Ok(());
        };
        if after(&self.line[self.at..], first).is_none() {
            return Ok(());
        }
        let before = self.at;
        match self.steps(group) {
            Err(_) if first_role(group) == FieldRole::Forwarded => {
                self.at = before;
                Ok(())
            }
            read => read,
        }
    }

    fn field(&mut self, role: FieldRole, end: &FieldEnd) -> Result<(), LineFault> {
        let rest = &self.line[self.at..];
        let bytes = match end {
            FieldEnd::Quote => to_quote(rest),
            FieldEnd::Text(text) => memchr::memmem::find(rest, text),
            FieldEnd::Slash => memchr::memchr(b'/', rest),
            FieldEnd::Line if self.has_rest => {
                Some(memchr::memchr(b' ', rest).unwrap_or(rest.len()))
            }
            FieldEnd::Line => Some(rest.len()),
        };
        let Some(bytes) = bytes else {
            return Err(match end {
                FieldEnd::Quote => LineFault::Unclosed(role),
                _ => LineFault::Missing(role),
            });
        };
        let value = match end {
            FieldEnd::Quote => &rest[..bytes],
            _ => rest[..bytes].trim_ascii_end(),
        };
        self.record.put(role, Cow::Borrowed(value), self.clock)?;
        self.at += bytes;
        Ok(())
    }

    /// Reads the name of a login and the rest of the form. The name may contain the text that
    /// follows it, so every occurrence is tried, until the next field is valid.
    fn user(&mut self, end: &[u8], next: &[TextStep]) -> Result<(), LineFault> {
        let start = self.at;
        let first = first_role(next);
        let mut fault = LineFault::Missing(first);
        for found in memchr::memmem::find_iter(&self.line[start..], end) {
            if !self.record.can_be_user(&self.line[start..start + found]) {
                break;
            }
            self.at = start + found;
            match self.steps(next) {
                Err(LineFault::Bad(role)) if role == first => fault = LineFault::Bad(role),
                Err(LineFault::Missing(role)) if role == first => {}
                read => return read,
            }
        }
        self.at = start;
        Err(fault)
    }
}

/// Length of the beginning of `line` that is `text`.
fn after(line: &[u8], text: &[u8]) -> Option<usize> {
    let mut at = 0;
    for byte in text {
        if line.get(at) != Some(byte) {
            return None;
        }
        at += 1;
        if *byte == b' ' {
            at += line[at..].iter().take_while(|byte| **byte == b' ').count();
        }
    }
    Some(at)
}

/// Position of the quote that ends a field. Apache escapes a quote with a backslash, nginx writes
/// it as `\x22`.
fn to_quote(text: &[u8]) -> Option<usize> {
    let mut from = 0;
    loop {
        let at = from + memchr::memchr2(b'"', b'\\', text.get(from..)?)?;
        if text[at] == b'"' {
            return Some(at);
        }
        from = at + 2;
    }
}

fn collect_roles(steps: &[TextStep], roles: &mut Vec<FieldRole>) {
    for step in steps {
        match step {
            TextStep::Text(_) => {}
            TextStep::Field { role, .. } => roles.push(*role),
            TextStep::Optional(group) => collect_roles(group, roles),
        }
    }
}

fn first_role(steps: &[TextStep]) -> FieldRole {
    let first = steps.iter().find_map(|step| match step {
        TextStep::Text(_) => None,
        TextStep::Field { role, .. } => Some(*role),
        TextStep::Optional(group) => Some(first_role(group)),
    });
    first.unwrap_or(FieldRole::Skipped)
}

fn last_role(steps: &[TextStep]) -> FieldRole {
    let mut roles = Vec::new();
    collect_roles(steps, &mut roles);
    roles.last().copied().unwrap_or(FieldRole::Skipped)
}

/// Finds the end of each field.
fn with_ends(pieces: Pieces) -> Result<Vec<TextStep>, FormatError> {
    let mut steps: Vec<TextStep> = Vec::new();
    let mut pieces = pieces.0.into_iter().peekable();
    while let Some(piece) = pieces.next() {
        let role = match piece {
            FormatPiece::Text(text) => {
                steps.push(TextStep::Text(text.into_bytes()));
                continue;
            }
            FormatPiece::Field(role) => role,
        };
        // A path takes what follows it without a text between: `$uri$is_args$args`, `%U%q`.
        while role == FieldRole::Target && matches!(pieces.peek(), Some(FormatPiece::Field(_))) {
            pieces.next();
        }
        let is_quoted = matches!(steps.last(), Some(TextStep::Text(text)) if text.ends_with(b"\""));
        let end = match pieces.peek() {
            Some(FormatPiece::Text(text)) if is_quoted && text.starts_with('"') => FieldEnd::Quote,
            Some(FormatPiece::Text(text)) => FieldEnd::Text(text.as_bytes().to_vec()),
            Some(FormatPiece::Field(FieldRole::Target)) => FieldEnd::Slash,
            Some(FormatPiece::Field(_)) => return Err(FormatError::NoTextBetween(role)),
            None => FieldEnd::Line,
        };
        steps.push(TextStep::Field { role, end });
    }
    Ok(steps)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::form::FormCatalogue;

    const COMMON: &str = r#"203.0.113.7 - - [26/Mar/2017:03:00:00 +0200] "GET /a HTTP/1.1" 200 1"#;

    fn form(format: &str) -> Result<TextForm, FormatError> {
        let catalogue = FormCatalogue::built_in();
        TextForm::of_server(format, &catalogue.roles.nginx, &catalogue.roles.apache)
    }

    fn shown(format: &str, line: &str) -> String {
        let form = form(format).unwrap();
        let record = form.read(line.as_bytes(), &LogClock::default()).unwrap();
        let mut roles = form.roles();
        roles.retain(|role| record.get(*role).is_some());
        let shown = |role: &FieldRole| {
            let value = record.get(*role).unwrap_or_default();
            format!("{role}={}", String::from_utf8_lossy(value))
        };
        roles.iter().map(shown).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn formats_of_both_servers_are_read() {
        let all = "client=203.0.113.7 time=26/Mar/2017:03:00:00 +0200 \
                   request=GET /a HTTP/1.1 status=200 size in bytes=1";
        for format in [
            "%h %l %u %t \"%r\" %>s %b",
            r#"LogFormat "%h %l %u %t \"%r\" %>s %b" common"#,
            r#"%{c}a %l %u [%{%d/%b/%Y:%H:%M:%S}t %{%z}t] "%r" %s %O"#,
            r#"$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent"#,
            "LOGFORMAT\t\"%h %l %u %t \\\"%r\\\" %>s \\\r\n  %b\"\tcommon",
            r#"CustomLog "logs/access_log" "%h %l %u %t \"%r\" %>s %b""#,
            "%h %l %u %t &quot;%r&quot; %s %b",
            "common",
            "log_format\tmain\t\"$remote_addr - $remote_user [$time_local] \"\n\"\\\"$request\\\" $status $bytes_sent\";\naccess_log '/a' main;",
            "log_format main '$remote_addr - ${remote_user} [$time_local] '\n'\"$request\" $status $bytes_sent';",
        ] {
            assert_eq!(shown(format, COMMON), all, "{format}");
        }
    }

    #[test]
    fn fields_may_stand_in_any_order_and_between_any_texts() {
        assert_eq!(
            shown(
                r#"{"t":"$msec","a":"$remote_addr","m":"$request_method","p":"$uri$is_args$args","s":$status}"#,
                r#"{"t":"1490490000.123","a":"203.0.113.7","m":"GET","p":"/a?b=c","s":404}"#,
            ),
            "time=1490490000.123 client=203.0.113.7 method=GET path=/a?b=c status=404"
        );
        assert_eq!(
            shown(
                "%{X-Forwarded-For}i|%{%Y-%m-%dT%H:%M:%S%z}t|%m|%U%q|%>s|%{User-Agent}i",
                "203.0.113.7, 10.0.0.1|2017-03-26T03:00:00+0200|GET|/a|200|curl",
            ),
            "forwarded addresses=203.0.113.7, 10.0.0.1 time=2017-03-26T03:00:00+0200 method=GET \
             path=/a status=200 user agent=curl"
        );
    }

    #[test]
    fn escapes_of_a_configuration_are_read() {
        assert_eq!(
            shown(
                r"log_format ltsv 'time:$time_local\thost:$remote_addr' '\tmethod:$request_method\turi:$request_uri\tstatus:$status';",
                "time:26/Mar/2017:03:00:00 +0200\thost:203.0.113.7\tmethod:GET\turi:/a\tstatus:200",
            ),
            "time=26/Mar/2017:03:00:00 +0200 client=203.0.113.7 method=GET path=/a status=200"
        );
    }

    #[test]
    fn of_several_forwarded_fields_the_first_with_an_address_counts() {
        let format = "$remote_addr \"$http_x_real_ip\" \"$http_x_forwarded_for\" [$time_iso8601] \"$request\" $status";
        for (fields, expected) in [
            (r#""-" "203.0.113.7, 10.0.0.1""#, "203.0.113.7, 10.0.0.1"),
            (r#""203.0.113.7" "-""#, "203.0.113.7"),
            (r#""203.0.113.7" "198.51.100.9""#, "203.0.113.7"),
            (r#""-" "-""#, "-"),
        ] {
            let line = format!("10.0.0.1 {fields} [2017-03-26T03:00:00+02:00] \"GET /\" 200");
            let form = form(format).unwrap();
            let record = form.read(line.as_bytes(), &LogClock::default()).unwrap();
            let found = record.get(FieldRole::Forwarded).unwrap();
            assert_eq!(String::from_utf8_lossy(found), expected, "{fields}");
        }
    }

    #[test]
    fn formats_that_give_no_events_are_refused() {
        for (format, error) in [
            ("%h %t %r", FormatError::Lacks(FieldRole::Status)),
            (
                "$remote_addr $status $request",
                FormatError::Lacks(FieldRole::Time),
            ),
            ("%t %>s %U", FormatError::Lacks(FieldRole::Request)),
            ("%t %{x", FormatError::Directive("{x".into())),
            (
                "$remote_addr$status",
                FormatError::NoTextBetween(FieldRole::Client),
            ),
        ] {
            assert_eq!(form(format).unwrap_err(), error, "{format}");
        }
    }
}
