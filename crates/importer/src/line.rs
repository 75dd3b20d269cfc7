//! Parser for one log line.
//!
//! The formats are the common and the combined log format, as documented for Apache's
//! `mod_log_config` and nginx's `log_format`: `host ident user [time] "request" status bytes`, then
//! `"referer" "user agent"`, then any text. `ident` and `user` are ignored, because they name a
//! person. The text after the user agent is ignored, because it is often a forwarded address.

use thiserror::Error;

use crate::time::{LOG_TIME_BYTES, LogTime};

/// Faults of a line. They never quote the line, which may contain personal data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Error)]
pub enum LineFault {
    /// Longer than [`crate::LINE_BYTES_MAX`].
    #[error("longer than {max} bytes", max = crate::LINE_BYTES_MAX)]
    TooLong,
    /// No field in brackets.
    #[error("no time in brackets: not in common or combined log format")]
    NoTime,
    /// A field in brackets that is not a time.
    #[error("no time such as [17/May/2015:10:05:03 +0000] between 1971 and 2104")]
    BadTime,
    /// Fewer than three fields before the time.
    #[error("fewer than three fields (host, ident, user) before the time")]
    NoHost,
    /// No opening quote where the field should begin.
    #[error("no {0} in quotes")]
    Missing(Field),
    /// No closing quote before the end of the line.
    #[error("the {0} has no closing quote")]
    Unclosed(Field),
    /// Not a status of three digits.
    #[error("no status of three digits")]
    BadStatus,
    /// Size is neither a number nor "-".
    #[error("no size in bytes, nor \"-\"")]
    BadSize,
    /// Another character than a space after a field.
    #[error("no space after the {0}")]
    NoSpace(Field),
}

/// A quoted field of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Field {
    /// Method, target and protocol.
    Request,
    /// Page that linked to the target.
    Referer,
    /// Client program.
    UserAgent,
}

impl std::fmt::Display for Field {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Request => "request",
            Self::Referer => "referer",
            Self::UserAgent => "user agent",
        })
    }
}

/// A parsed log line. Quoted fields keep their escapes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Line<'a> {
    /// Address or host name of the client.
    pub(crate) host: &'a [u8],
    pub(crate) time: LogTime,
    pub(crate) request: &'a [u8],
    pub(crate) status: u16,
    /// User agent; empty if the format has none.
    pub(crate) agent: &'a [u8],
    /// Text from the time to the user agent, that is, without fields that name a person.
    pub(crate) said: &'a [u8],
}

impl<'a> Line<'a> {
    /// Parses a line without its line end.
    pub(crate) fn parse(line: &'a [u8]) -> Result<Self, LineFault> {
        let (bracket, time) = find_time(line)?;
        let host = host(&line[..bracket]).ok_or(LineFault::NoHost)?;
        let said = &line[bracket..];
        let mut rest = LineRest(&said[LOG_TIME_BYTES + 2..]);
        rest.space().ok_or(LineFault::Missing(Field::Request))?;
        let request = rest.quoted(Field::Request)?;
        rest.space().ok_or(LineFault::NoSpace(Field::Request))?;
        let status = rest.status().ok_or(LineFault::BadStatus)?;
        rest.space().ok_or(LineFault::BadSize)?;
        rest.size().ok_or(LineFault::BadSize)?;
        let agent = rest.agent()?;
        Ok(Self {
            host,
            time,
            request,
            status,
            agent,
            said: &said[..said.len() - rest.0.len()],
        })
    }
}

/// Finds the first time in brackets, and the position of its opening bracket. The user name before
/// it may itself contain brackets and spaces.
fn find_time(line: &[u8]) -> Result<(usize, LogTime), LineFault> {
    let mut fault = LineFault::NoTime;
    let mut from = 0;
    while let Some(at) = line[from..].iter().position(|&byte| byte == b'[') {
        let bracket = from + at;
        from = bracket + 1;
        if bracket == 0 || line[bracket - 1] != b' ' {
            continue;
        }
        fault = LineFault::BadTime;
        let inside = line.get(from..from + LOG_TIME_BYTES);
        let closed = line.get(from + LOG_TIME_BYTES) == Some(&b']');
        if closed && let Some(time) = inside.and_then(LogTime::parse) {
            return Ok((bracket, time));
        }
    }
    Err(fault)
}

/// Finds the client among the fields before the time. It is the first field, or the second if the
/// first is a virtual host (Apache's `vhost_combined`).
fn host(fields: &[u8]) -> Option<&[u8]> {
    let mut fields = fields
        .split(|&byte| byte == b' ')
        .filter(|field| !field.is_empty());
    let (first, second, _user) = (fields.next()?, fields.next()?, fields.next()?);
    if fields.next().is_none() || is_address(first) {
        return Some(first);
    }
    // Four fields: a virtual host comes first, or the user name contains a space.
    let first_is_virtual_host = has_port(first) || is_address(second);
    Some(if first_is_virtual_host { second } else { first })
}

fn has_port(host: &[u8]) -> bool {
    host.iter()
        .rposition(|&byte| byte == b':')
        .is_some_and(|colon| {
            let port = &host[colon + 1..];
            !port.is_empty() && port.iter().all(u8::is_ascii_digit)
        })
}

/// Unparsed rest of a line.
struct LineRest<'a>(&'a [u8]);

impl<'a> LineRest<'a> {
    fn space(&mut self) -> Option<()> {
        self.0 = self.0.strip_prefix(b" ")?;
        Some(())
    }

    /// Reads a quoted field without its quotes. Apache escapes a quote with a backslash, nginx
    /// writes it as `\x22`.
    fn quoted(&mut self, field: Field) -> Result<&'a [u8], LineFault> {
        let inside = self
            .0
            .strip_prefix(b"\"")
            .ok_or(LineFault::Missing(field))?;
        let mut at = 0;
        loop {
            match inside.get(at) {
                None => return Err(LineFault::Unclosed(field)),
                Some(b'"') => break,
                Some(b'\\') => at += 2,
                Some(_) => at += 1,
            }
        }
        self.0 = &inside[at + 1..];
        Ok(&inside[..at])
    }

    fn status(&mut self) -> Option<u16> {
        let (digits, rest) = self.0.split_first_chunk::<3>()?;
        if !digits.iter().all(u8::is_ascii_digit) {
            return None;
        }
        self.0 = rest;
        let [hundreds, tens, ones] = digits.map(|digit| u16::from(digit - b'0'));
        Some(hundreds * 100 + tens * 10 + ones)
    }

    /// Skips the size of the response.
    fn size(&mut self) -> Option<()> {
        let digits = self
            .0
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        let bytes = match digits {
            0 if self.0.first() == Some(&b'-') => 1,
            0 => return None,
            digits => digits,
        };
        self.0 = &self.0[bytes..];
        matches!(self.0.first(), None | Some(b' ')).then_some(())
    }

    /// Reads the user agent of a combined line. It is empty for a common line, which ends after the
    /// size or continues with an unquoted field.
    fn agent(&mut self) -> Result<&'a [u8], LineFault> {
        let Some(quoted) = self
            .0
            .strip_prefix(b" ")
            .filter(|rest| rest.starts_with(b"\""))
        else {
            return Ok(b"");
        };
        self.0 = quoted;
        self.quoted(Field::Referer)?;
        // A single quoted field is ambiguous, so it is an error.
        self.space().ok_or(LineFault::Missing(Field::UserAgent))?;
        let agent = self.quoted(Field::UserAgent)?;
        match self.0.first() {
            None | Some(b' ') => Ok(agent),
            Some(_) => Err(LineFault::NoSpace(Field::UserAgent)),
        }
    }
}

fn is_address(host: &[u8]) -> bool {
    address(host).is_some()
}

/// Returns the truncated address in a host field; `None` for a host name or an empty field.
pub(crate) fn address(host: &[u8]) -> Option<std::net::IpAddr> {
    affluenza_event::truncated(std::str::from_utf8(host).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIME: &str = "[26/Mar/2017:03:00:01 +0200]";

    fn parts(line: &str) -> Result<(String, String, u16, String), LineFault> {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let line = Line::parse(line.as_bytes())?;
        Ok((
            text(line.host),
            text(line.request),
            line.status,
            text(line.agent),
        ))
    }

    #[test]
    fn a_line_is_taken_apart() {
        let line =
            format!(r#"203.0.113.7 - - {TIME} "GET / HTTP/1.1" 200 12 "http://x/" "agent" 0.1"#);
        assert_eq!(
            parts(&line).unwrap(),
            (
                "203.0.113.7".into(),
                "GET / HTTP/1.1".into(),
                200,
                "agent".into()
            )
        );
        let line = format!(r#"h - - {TIME} "GET / HTTP/1.1" 200 -"#);
        assert_eq!(parts(&line).unwrap().3, "");
        // A common line with a request time at its end.
        let line = format!(r#"h - - {TIME} "GET / HTTP/1.1" 200 - 0.001"#);
        assert_eq!(parts(&line).unwrap().3, "");
    }

    #[test]
    fn quotes_inside_a_field_do_not_end_it() {
        let line = format!(r#"h - - {TIME} "GET /\"x\\" 404 0 "\"" "a \"b\" \\""#);
        let (_, request, _, agent) = parts(&line).unwrap();
        assert_eq!(request, r#"GET /\"x\\"#);
        assert_eq!(agent, r#"a \"b\" \\"#);
    }

    #[test]
    fn the_client_is_found_among_virtual_hosts_and_odd_user_names() {
        for (fields, host) in [
            ("203.0.113.7 - -", "203.0.113.7"),
            ("203.0.113.7 - mario rossi", "203.0.113.7"),
            ("203.0.113.7 - ma[rio [x] rossi", "203.0.113.7"),
            ("name.example - mario rossi", "name.example"),
            ("www.example.it:443 203.0.113.7 - -", "203.0.113.7"),
            ("www.example.it 2001:db8::1 - -", "2001:db8::1"),
            ("www.example.it:80 name.example - -", "name.example"),
            ("2001:db8::1 - mario rossi", "2001:db8::1"),
        ] {
            let line = format!(r#"{fields} {TIME} "-" 200 -"#);
            assert_eq!(parts(&line).unwrap().0, host, "{fields}");
        }
    }

    #[test]
    fn names_of_persons_are_not_repeated() {
        let line = format!(r#"203.0.113.7 - rossi {TIME} "-" 200 - "r" "a" "203.0.113.7""#);
        let said = Line::parse(line.as_bytes()).unwrap().said;
        assert_eq!(said, format!(r#"{TIME} "-" 200 - "r" "a""#).as_bytes());
    }

    #[test]
    fn each_fault_has_its_reason() {
        use Field::{Referer, Request, UserAgent};
        let cases = [
            ("2017-03-26 GET /", LineFault::NoTime),
            ("h - - [yesterday] \"-\"", LineFault::BadTime),
            ("h - TIME \"-\" 200 -", LineFault::NoHost),
        ];
        let after_time = [
            ("", LineFault::Missing(Request)),
            (" GET / 200 -", LineFault::Missing(Request)),
            (r#" "GET /"#, LineFault::Unclosed(Request)),
            (r#" "GET /\"#, LineFault::Unclosed(Request)),
            (r#" "-"200 -"#, LineFault::NoSpace(Request)),
            (r#" "-" 20 -"#, LineFault::BadStatus),
            (r#" "-" 2000 -"#, LineFault::BadSize),
            (r#" "-" 200"#, LineFault::BadSize),
            (r#" "-" 200 12x"#, LineFault::BadSize),
            (r#" "-" 200 - "r"#, LineFault::Unclosed(Referer)),
            (r#" "-" 200 - "r""#, LineFault::Missing(UserAgent)),
            (r#" "-" 200 - "r" -"#, LineFault::Missing(UserAgent)),
            (r#" "-" 200 - "r" "a"#, LineFault::Unclosed(UserAgent)),
            (r#" "-" 200 - "r" "a"b"#, LineFault::NoSpace(UserAgent)),
        ];
        let after_time = after_time.map(|(rest, fault)| (format!("h - - TIME{rest}"), fault));
        let cases = cases.map(|(line, fault)| (line.to_owned(), fault));
        for (line, fault) in cases.into_iter().chain(after_time) {
            let found = parts(&line.replace("TIME", TIME));
            assert_eq!(found.unwrap_err(), fault, "{line}");
        }
    }
}
