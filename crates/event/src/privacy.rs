//! What must not be stored, found before it is.

use std::net::IpAddr;

use crate::shape::Shape;

/// Whether `ip` has been truncated to IPv4 /24 or IPv6 /48.
pub(crate) fn is_truncated(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(v4) => v4.octets()[3] == 0,
        IpAddr::V6(v6) => v6.segments()[3..].iter().all(|segment| *segment == 0),
    }
}

/// What personal data a code or token holds, if any: an e-mail address, a fiscal code or a full
/// IP address.
///
/// ```
/// assert_eq!(affluenza_event::personal_data("a.b@example.it"), Some("an e-mail address"));
/// assert_eq!(affluenza_event::personal_data("servizi-online"), None);
/// ```
pub fn personal_data(text: &str) -> Option<&'static str> {
    personal_data_in(text, Shape::of(text.as_bytes()))
}

/// The same, of a text whose shape is known, or too long to have one.
#[inline(always)]
pub(crate) fn personal_data_in(text: &str, shape: Option<Shape>) -> Option<&'static str> {
    // Every text of every event comes by here, and hardly any gets past these looks.
    match shape {
        Some(shape) if !may_hold_personal_data(shape) => None,
        _ => found_in(text),
    }
}

#[inline(always)]
fn may_hold_personal_data(shape: Shape) -> bool {
    let may_hold_ipv4 = (shape.dots() >= 3) & (shape.digits() >= 4);
    shape.has_at() | shape.has_word_of_16() | may_hold_ipv4
}

#[cold]
fn found_in(text: &str) -> Option<&'static str> {
    if text.contains('@') {
        Some("an e-mail address")
    } else if holds_fiscal_code(text.as_bytes()) {
        Some("a fiscal code")
    } else if holds_ipv4(text) {
        Some("an IP address")
    } else {
        None
    }
}

const FISCAL_CODE_BYTES: usize = 16;

/// Looks for the shape of an Italian fiscal code: six letters, two digits, a letter, two
/// digits, a letter, three digits, a letter; where two persons would share one, digits are
/// replaced by the letters LMNPQRSTUV (Decree of the Ministry of Finance, 12 March 1974).
/// It must stand alone: an opaque token in base 36 or 64 is longer and may hold the shape.
fn holds_fiscal_code(text: &[u8]) -> bool {
    text.split(|byte| !byte.is_ascii_alphanumeric())
        .any(is_fiscal_code)
}

fn is_fiscal_code(word: &[u8]) -> bool {
    let digit = |byte: u8| {
        byte.is_ascii_digit()
            || matches!(
                byte.to_ascii_uppercase(),
                b'L' | b'M' | b'N' | b'P' | b'Q' | b'R' | b'S' | b'T' | b'U' | b'V'
            )
    };
    let month = |byte: u8| {
        matches!(
            byte.to_ascii_uppercase(),
            b'A' | b'B' | b'C' | b'D' | b'E' | b'H' | b'L' | b'M' | b'P' | b'R' | b'S' | b'T'
        )
    };
    word.len() == FISCAL_CODE_BYTES
        && word[..6].iter().all(u8::is_ascii_alphabetic)
        && digit(word[6])
        && digit(word[7])
        && month(word[8])
        && digit(word[9])
        && digit(word[10])
        && word[11].is_ascii_alphabetic()
        && word[12..15].iter().copied().all(digit)
        && word[15].is_ascii_alphabetic()
}

fn holds_ipv4(text: &str) -> bool {
    text.split(|c: char| !(c.is_ascii_digit() || c == '.'))
        .filter(|word| word.len() >= 7)
        .any(|word| {
            word.parse::<std::net::Ipv4Addr>()
                .is_ok_and(|ip| !ip.is_loopback() && !is_truncated(ip.into()))
        })
}

/// A copy of `bytes` in which every e-mail address, full IP address and fiscal code is replaced
/// by asterisks, for places where a person will look at it.
///
/// ```
/// let masked = affluenza_event::mask(br#"{"ip":"93.45.1.17","who":"a.b@example.it"}"#);
/// assert_eq!(masked, br#"{"ip":"**********","who":"**************"}"#);
/// ```
pub fn mask(bytes: &[u8]) -> Vec<u8> {
    let mut masked = unescape(bytes);
    let word_byte =
        |byte: &u8| byte.is_ascii_alphanumeric() || b"@._:+-%".contains(byte) || *byte >= 0x80;
    let mut at = 0;
    while at < masked.len() {
        let length = masked[at..]
            .iter()
            .take_while(|byte| word_byte(byte))
            .count();
        if length == 0 {
            at += 1;
            continue;
        }
        let word = &mut masked[at..at + length];
        if is_personal(word) {
            word.fill(b'*');
        }
        at += length;
    }
    masked
}

/// A copy in which JSON escapes of plain characters (`\\u0040` for `@`) are those characters, so
/// that what they hide is seen. Quotes, backslashes and controls stay escaped: what was JSON is.
fn unescape(bytes: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let [first, tail @ ..] = rest {
        let escaped = rest
            .strip_prefix(b"\\u00")
            .and_then(|digits| digits.get(..2))
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok())
            .filter(|byte| byte.is_ascii_graphic() && !b"\"\\".contains(byte));
        match (escaped, first, tail) {
            (Some(byte), _, _) => {
                plain.push(byte);
                rest = &rest[6..];
            }
            // An escaped backslash begins no escape.
            (None, b'\\', [b'\\', after @ ..]) => {
                plain.extend_from_slice(b"\\\\");
                rest = after;
            }
            (None, _, _) => {
                plain.push(*first);
                rest = tail;
            }
        }
    }
    plain
}

fn is_personal(word: &[u8]) -> bool {
    let text = String::from_utf8_lossy(word);
    let is_full_ipv6 = || {
        text.parse::<std::net::Ipv6Addr>()
            .is_ok_and(|ip| !ip.is_loopback() && !is_truncated(ip.into()))
    };
    personal_data(&text).is_some() || is_full_ipv6()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fiscal_codes_are_found_with_and_without_substituted_digits() {
        assert!(personal_data("RSSMRA85T10A562S").is_some());
        assert!(personal_data("user-rssmra85t10a562s").is_some());
        assert!(personal_data("RSSMRA85T10A56NH").is_some());
        assert!(personal_data("0190e9a47b447c4e9d540a6c1f6f3f5e").is_none());
    }

    #[test]
    fn addresses_are_found_unless_truncated() {
        assert_eq!(personal_data("from-93.45.1.17"), Some("an IP address"));
        assert_eq!(personal_data("from-93.45.1.0"), None);
        assert_eq!(personal_data("v1.2.3"), None);
        assert!(personal_data("a@b.it").is_some());
    }

    #[test]
    fn escapes_hide_nothing() {
        assert_eq!(
            mask(br#"{"a":"m\u0040b.it","q":"\u0022","s":"\\u0040"}"#),
            br#"{"a":"******","q":"\u0022","s":"\\u0040"}"#
        );
    }

    #[test]
    fn masking_keeps_the_rest() {
        let text = br#"{"a":"RSSMRA85T10A562S x","b":"2001:db8:1::17","t":"2017-03-26T10:00:00+02:00","u":"Mozilla/5.0"}"#;
        let masked = String::from_utf8(mask(text)).unwrap();
        assert_eq!(
            masked,
            r#"{"a":"**************** x","b":"**************","t":"2017-03-26T10:00:00+02:00","u":"Mozilla/5.0"}"#
        );
    }

    #[test]
    fn truncation_is_checked_by_family() {
        assert!(is_truncated("2001:db8:1::".parse().unwrap()));
        assert!(!is_truncated("2001:db8:1::1".parse().unwrap()));
        assert!(!is_truncated("93.45.1.17".parse().unwrap()));
    }
}
