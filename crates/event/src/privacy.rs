//! Finds personal data before it is stored.

use std::net::IpAddr;

use base64::Engine as _;

use crate::packed::BASE64;
use crate::shape::Shape;

/// True if `ip` has been truncated to IPv4 /24 or IPv6 /48.
pub(crate) fn is_truncated(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(v4) => v4.octets()[3] == 0,
        IpAddr::V6(v6) => v6.segments()[3..].iter().all(|segment| *segment == 0),
    }
}

/// Returns the kind of personal data in a code or token, if any: an e-mail address, a fiscal code
/// or a full IP address.
///
/// ```
/// assert_eq!(affluenza_event::personal_data("a.b@example.it"), Some("an e-mail address"));
/// assert_eq!(affluenza_event::personal_data("servizi-online"), None);
/// ```
pub fn personal_data(text: &str) -> Option<&'static str> {
    personal_data_in(text, Shape::of(text.as_bytes()))
}

/// Same as [`personal_data`], with the shape known. A text too long for a shape has `None`.
#[inline(always)]
pub(crate) fn personal_data_in(text: &str, shape: Option<Shape>) -> Option<&'static str> {
    // The hot path: every text of every event is checked here, and the shape rules out nearly all.
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

/// True if the text holds an Italian fiscal code: six letters, two digits, a letter, two digits, a
/// letter, three digits, a letter. If two persons would share a code, the letters LMNPQRSTUV
/// replace digits (Decree of the Ministry of Finance, 12 March 1974). The code must be a whole
/// word: an opaque token in base 36 or 64 is longer and may contain the pattern.
fn holds_fiscal_code(text: &[u8]) -> bool {
    text.split(|byte| !byte.is_ascii_alphanumeric())
        .any(is_fiscal_code)
}

fn is_fiscal_code(word: &[u8]) -> bool {
    // A person writes a code in one case; a base64 token mixes both.
    let is_one_case =
        !word.iter().any(u8::is_ascii_lowercase) || !word.iter().any(u8::is_ascii_uppercase);
    word.len() == FISCAL_CODE_BYTES
        && is_one_case
        && word[..6].iter().all(u8::is_ascii_alphabetic)
        && word[6..8].iter().all(is_code_digit)
        && b"ABCDEHLMPRST".contains(&word[8].to_ascii_uppercase())
        && word[9..11].iter().all(is_code_digit)
        && word[11].is_ascii_alphabetic()
        && word[12..15].iter().all(is_code_digit)
        && word[15].is_ascii_alphabetic()
}

/// True for a digit, and for a letter that replaces one.
fn is_code_digit(byte: &u8) -> bool {
    byte.is_ascii_digit() || b"LMNPQRSTUV".contains(&byte.to_ascii_uppercase())
}

fn holds_ipv4(text: &str) -> bool {
    text.split(|c: char| !(c.is_ascii_digit() || c == '.'))
        .filter(|word| word.len() >= 7)
        .any(|word| {
            word.parse::<std::net::Ipv4Addr>()
                .is_ok_and(|ip| !ip.is_loopback() && !is_truncated(ip.into()))
        })
}

/// Same as [`personal_data_in`], for a `source` or an `id`, which may also hold an IPv6 address.
#[inline(always)]
pub(crate) fn personal_data_in_identity(text: &str, shape: Option<Shape>) -> Option<&'static str> {
    match personal_data_in(text, shape) {
        None if !shape.is_some_and(Shape::is_plain) && holds_ipv6(text) => Some("an IP address"),
        found => found,
    }
}

fn holds_ipv6(text: &str) -> bool {
    let colons = text.bytes().filter(|byte| *byte == b':').count();
    // `urn:uuid:...` has two colons that do not touch.
    let may_hold_ipv6 = colons >= 7 || colons >= 2 && text.contains("::");
    let mut words = text.split(|c: char| c.is_ascii() && !is_word_byte(c as u8));
    may_hold_ipv6 && words.any(is_full_ipv6)
}

/// Returns a copy of `bytes` with asterisks in place of each e-mail address, full IP address and
/// fiscal code. The result is for display.
///
/// ```
/// let masked = affluenza_event::mask(br#"{"ip":"93.45.1.17","who":"a.b@example.it"}"#);
/// assert_eq!(masked, br#"{"ip":"**********","who":"**************"}"#);
/// ```
pub fn mask(bytes: &[u8]) -> Vec<u8> {
    let mut masked = unescape(bytes);
    fill(&mut masked, is_word_byte, is_personal);
    fill(&mut masked, is_base64_byte, |run| {
        run.len() >= PACKED_BYTES_MIN && is_packed_personal(run, 0)
    });
    masked
}

/// Maximum depth of nested base64 and percent encodings that is searched.
const DEPTH_MAX: u8 = 3;
/// Shortest IPv6 address that decoded bytes do not contain by chance, in characters.
const IPV6_BYTES_CERTAIN: usize = 8;
/// Minimum length of base64 text that is searched: an e-mail address of six bytes takes eight.
const PACKED_BYTES_MIN: usize = 8;

/// Overwrites each matching run of bytes with asterisks.
fn fill(bytes: &mut [u8], is_of_run: fn(u8) -> bool, is_to_go: impl Fn(&[u8]) -> bool) {
    for run in bytes.split_mut(|byte| !is_of_run(*byte)) {
        if is_to_go(run) {
            run.fill(b'*');
        }
    }
}

fn is_word_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"@._:+-%".contains(&byte) || byte >= 0x80
}

fn is_base64_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"+/_-".contains(&byte)
}

/// True if base64 in either alphabet hides personal data. The preceding word may touch the base64
/// text, so each of the four alignments is tried.
fn is_packed_personal(run: &[u8], depth: u8) -> bool {
    let run = run.iter().map(|byte| match byte {
        b'-' => b'+',
        b'_' => b'/',
        other => *other,
    });
    let run: Vec<u8> = run.collect();
    (0..4.min(run.len())).any(|start| {
        let run = &run[start..];
        // A single trailing byte encodes nothing.
        let run = &run[..run.len() - usize::from(run.len() % 4 == 1)];
        BASE64
            .decode(run)
            .is_ok_and(|plain| is_mostly_text(&plain) && is_hidden_personal(&plain, depth + 1))
    })
}

/// True if at most an eighth of the bytes are not printable. Identifiers are random bytes, which
/// may contain an address by chance.
fn is_mostly_text(bytes: &[u8]) -> bool {
    let printable = bytes.iter();
    let printable = printable.filter(|byte| matches!(byte, b' '..=b'~' | b'\t' | b'\n' | b'\r'));
    printable.count() * 8 >= bytes.len() * 7
}

/// True if decoded bytes hold personal data that is not there by chance.
fn is_hidden_personal(plain: &[u8], depth: u8) -> bool {
    let plain = unescape(plain);
    let mut words = plain.split(|byte| !is_word_byte(*byte) || *byte >= 0x80);
    let mut runs = plain.split(|byte| !is_base64_byte(*byte));
    words.any(|word| is_certainly_personal(&String::from_utf8_lossy(word)))
        || depth < DEPTH_MAX
            && runs.any(|run| run.len() >= PACKED_BYTES_MIN && is_packed_personal(run, depth))
}

fn is_certainly_personal(word: &str) -> bool {
    let host = word.split_once('@').map(|(_, host)| host);
    let country = host.and_then(|host| Some(host.rsplit_once('.')?.1));
    if word.contains('%') && is_percent_personal(word.as_bytes()) {
        return true;
    }
    country.is_some_and(|text| text.len() > 1 && text.bytes().all(|c| c.is_ascii_alphabetic()))
        || holds_fiscal_code(word.as_bytes())
        || holds_ipv4(word)
        || word.len() >= IPV6_BYTES_CERTAIN && is_full_ipv6(word)
}

/// True if percent-encoding hides personal data.
fn is_percent_personal(word: &[u8]) -> bool {
    let mut plain = word.to_vec();
    for _ in 0..DEPTH_MAX {
        let decoded = percent_decoded(&plain);
        if decoded == plain {
            return false;
        }
        plain = decoded;
        let mut words = plain.split(|byte| !is_word_byte(*byte));
        if words.any(|word| personal_data(&String::from_utf8_lossy(word)).is_some()) {
            return true;
        }
    }
    false
}

fn percent_decoded(bytes: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let [first, tail @ ..] = rest {
        let decoded = (*first == b'%')
            .then(|| tail.get(..2))
            .flatten()
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        plain.push(decoded.unwrap_or(*first));
        rest = if decoded.is_some() { &tail[2..] } else { tail };
    }
    plain
}

/// Replaces JSON escapes of plain characters (`\\u0040` for `@`, `\/` for `/`), so that they hide
/// nothing. Quotes, backslashes and control characters stay escaped, so that JSON stays valid.
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
            (None, b'\\', [b'/', after @ ..]) => {
                plain.push(b'/');
                rest = after;
            }
            // An escaped backslash does not begin another escape.
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
    personal_data(&text).is_some()
        || is_full_ipv6(&text)
        || text.contains('%') && is_percent_personal(word)
}

fn is_full_ipv6(text: &str) -> bool {
    text.parse::<std::net::Ipv6Addr>()
        .is_ok_and(|ip| !ip.is_loopback() && !is_truncated(ip.into()))
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
    fn a_source_with_a_full_ipv6_address_is_found() {
        let found = |text: &str| personal_data_in_identity(text, Shape::of(text.as_bytes()));
        for text in [
            "2a02:1810:4f3a:9c00:1c2d:3e4f:5a6b:7c8d",
            "2001:db8::7",
            "http://[2001:db8::7]:8080/",
            "urn:client:\u{e8}[2001:db8::7]",
        ] {
            assert_eq!(found(text), Some("an IP address"), "{text}");
        }
        for text in [
            "urn:uuid:0190e9a4-7b44-7c4e-9d54-0a6c1f6f3f5e",
            "https://servizi.example.it:8443/a",
            "2001:db8:1::",
            "http://[::1]:8080/",
            "urn::a:b",
        ] {
            assert_eq!(found(text), None, "{text}");
        }
    }

    #[test]
    fn escapes_hide_nothing() {
        assert_eq!(
            mask(br#"{"a":"m\u0040b.it","q":"\u0022","s":"\\u0040"}"#),
            br#"{"a":"******","q":"\u0022","s":"\\u0040"}"#
        );
    }

    #[test]
    fn base64_and_percent_signs_hide_nothing() {
        let secret = "mail=a.rossi@example.it";
        let once = BASE64.encode(secret);
        let twice = BASE64.encode(format!("{{\"x\":\"{once}\"}}"));
        let address = BASE64.encode("from 93.45.171.217 at noon");
        for hidden in [
            once.clone(),
            twice,
            address,
            once.trim_end_matches('=')
                .replace('+', "-")
                .replace('/', "_"),
            format!("glued{once}"),
            "a%40example.it".to_owned(),
            "a%2540example.it".to_owned(),
            "93%2E45%2E171%2E217".to_owned(),
        ] {
            let text = format!("{{\"q\":\"{hidden}\"}}");
            let masked = String::from_utf8(mask(text.as_bytes())).unwrap();
            let stars = masked.bytes().filter(|byte| *byte == b'*').count();
            assert!(stars >= hidden.trim_end_matches('=').len() - 4, "{masked}");
            assert!(!masked.contains(&hidden));
        }
    }

    #[test]
    fn opaque_identifiers_stay() {
        let mut state = 1_u64;
        for _ in 0..20_000 {
            // A linear congruential generator is random enough for these identifiers.
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            let (high, low) = (state, state.rotate_left(31).wrapping_mul(0x9e37_79b9));
            let id = format!("{high:016x}-{low:016x}");
            assert_eq!(mask(id.as_bytes()), id.as_bytes());
            let id = BASE64.encode([high.to_le_bytes(), low.to_le_bytes()].concat());
            let kept = mask(id.as_bytes());
            assert_eq!(kept, id.as_bytes());
        }
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
