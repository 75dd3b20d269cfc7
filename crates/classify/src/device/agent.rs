//! Truncates and normalises raw user agents.

use std::borrow::Cow;

use super::AGENT_BYTES_MAX;

/// Truncates to [`AGENT_BYTES_MAX`] bytes, at a character boundary.
#[inline]
pub(super) fn cut(agent: &[u8]) -> &[u8] {
    if agent.len() <= AGENT_BYTES_MAX {
        return agent;
    }
    // A character has at most three continuation bytes; a longer run is invalid UTF-8.
    let end = (AGENT_BYTES_MAX - 3..=AGENT_BYTES_MAX)
        .rev()
        .find(|end| agent[*end] & 0b1100_0000 != 0b1000_0000)
        .unwrap_or(AGENT_BYTES_MAX);
    &agent[..end]
}

/// Returns the text of a truncated user agent. Replaces invalid UTF-8, strips surrounding blanks
/// and quotes, and restores spaces that a log wrote as `+` or `%20` (IIS and CloudFront do). The
/// placeholder `-` of access logs becomes the empty string.
pub(super) fn readable(agent: &[u8]) -> Cow<'_, str> {
    let text = match String::from_utf8_lossy(agent) {
        Cow::Borrowed(text) => Cow::Borrowed(strip(text)),
        Cow::Owned(text) => Cow::Owned(strip(&text).to_owned()),
    };
    if text.contains(' ') {
        text
    } else if text.contains("%20") || text.contains("%2520") {
        Cow::Owned(unescape(&unescape(&text)))
    } else if text.contains("+(") {
        Cow::Owned(text.replace('+', " "))
    } else {
        text
    }
}

fn strip(text: &str) -> &str {
    let text = text.trim_matches([' ', '\t', '"', '\'']);
    // Some apps repeat the header name within the value.
    let text = text
        .strip_prefix("User-Agent:")
        .map_or(text, str::trim_start);
    if text == "-" { "" } else { text }
}

/// Decodes percent escapes of printable ASCII; other escapes are kept.
fn unescape(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('%') {
        plain.push_str(&rest[..at]);
        let code = rest
            .get(at + 1..at + 3)
            .and_then(|digits| u8::from_str_radix(digits, 16).ok())
            .filter(|code| (b' '..=b'~').contains(code));
        match code {
            Some(code) => {
                plain.push(char::from(code));
                rest = &rest[at + 3..];
            }
            None => {
                plain.push('%');
                rest = &rest[at + 1..];
            }
        }
    }
    plain.push_str(rest);
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_string_is_cut_between_characters() {
        for shift in 0..4 {
            let agent = "x".repeat(shift) + &"🦀".repeat(400);
            let kept = cut(agent.as_bytes());
            assert!(kept.len() <= AGENT_BYTES_MAX && kept.len() > AGENT_BYTES_MAX - 4);
            assert!(std::str::from_utf8(kept).is_ok());
        }
        assert_eq!(cut(&[0x80; 3_000]).len(), AGENT_BYTES_MAX);
        assert_eq!(cut(b"short"), b"short");
    }

    #[test]
    fn what_logs_do_to_spaces_is_undone() {
        assert_eq!(
            readable(b"Mozilla/5.0+(iPad;+CPU+OS+9)"),
            "Mozilla/5.0 (iPad; CPU OS 9)"
        );
        assert_eq!(
            readable(b"Mozilla/5.0%20(X11;%20Linux)"),
            "Mozilla/5.0 (X11; Linux)"
        );
        assert_eq!(
            readable(b"Mozilla/5.0%2520(X11%253B%2520Linux)"),
            "Mozilla/5.0 (X11; Linux)"
        );
        assert_eq!(readable(b"a+b c"), "a+b c");
        assert_eq!(readable(b"100%"), "100%");
        assert_eq!(readable(b"%20%zz%C3"), " %zz%C3");
    }

    #[test]
    fn blanks_quotes_and_the_void_are_taken_off() {
        assert_eq!(readable(b" \"curl/8.0\" "), "curl/8.0");
        assert_eq!(readable(b"User-Agent: curl/8.0"), "curl/8.0");
        assert_eq!(readable(b"-"), "");
        assert_eq!(readable(b"\"-\""), "");
        assert_eq!(readable(&[0xff, b'a']), "\u{fffd}a");
    }
}
