//! Escapes in the quoted fields of a log.

use std::borrow::Cow;

use percent_encoding::percent_decode;

/// Decodes the escapes of Apache (`\"`, `\\`, `\n`, `\xHH`) and nginx (`\xHH`). Any other backslash
/// is kept.
pub(crate) fn unescape(field: &[u8]) -> Cow<'_, [u8]> {
    if !field.contains(&b'\\') {
        return Cow::Borrowed(field);
    }
    let mut out = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((&byte, after)) = rest.split_first() {
        let (plain, after) = match (byte, after) {
            (b'\\', [b'x', high, low, after @ ..]) => match hex_pair(*high, *low) {
                Some(decoded) => (decoded, after),
                None => (byte, &rest[1..]),
            },
            (b'\\', [escaped, after @ ..]) => match escaped {
                b'"' | b'\\' => (*escaped, after),
                b'n' => (b'\n', after),
                b'r' => (b'\r', after),
                b't' => (b'\t', after),
                b'b' => (0x08, after),
                b'v' => (0x0B, after),
                _ => (byte, &rest[1..]),
            },
            _ => (byte, after),
        };
        out.push(plain);
        rest = after;
    }
    Cow::Owned(out)
}

/// Decodes percent-encoding. A percent sign without two hexadecimal digits is kept.
pub(crate) fn percent_decoded(path: Cow<'_, [u8]>) -> Cow<'_, [u8]> {
    match percent_decode(&path).into() {
        Cow::Borrowed(_) => path,
        Cow::<[u8]>::Owned(decoded) => Cow::Owned(decoded),
    }
}

fn hex_pair(high: u8, low: u8) -> Option<u8> {
    let digits = [high, low].map(|byte| char::from(byte).to_digit(16));
    u8::try_from(digits[0]? * 16 + digits[1]?).ok()
}

/// Decodes at most `bytes_max` bytes as UTF-8, and replaces invalid bytes.
pub(crate) fn lossy(bytes: &[u8], bytes_max: usize) -> Cow<'_, str> {
    // Four bytes more, so that a character at the limit does not count as invalid.
    let head = &bytes[..bytes.len().min(bytes_max + 4)];
    let text = String::from_utf8_lossy(head);
    let end = text.floor_char_boundary(bytes_max);
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(&text[..end]),
        Cow::Owned(mut text) => {
            text.truncate(end);
            Cow::Owned(text)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_of_both_servers_are_undone() {
        assert_eq!(
            &*unescape(br#"say \"hi\" \\ \t\x22\xC3\xA8"#),
            "say \"hi\" \\ \t\"è".as_bytes()
        );
        assert_eq!(&*unescape(br"\q \xZZ \x2"), br"\q \xZZ \x2");
        assert_eq!(&*unescape(br"end\"), br"end\");
        assert!(matches!(unescape(b"plain"), Cow::Borrowed(b"plain")));
    }

    #[test]
    fn percent_signs_are_tolerated() {
        let decoded = |path: &'static [u8]| percent_decoded(Cow::Borrowed(path)).into_owned();
        assert_eq!(decoded(b"/caff%C3%A8"), "/caffè".as_bytes());
        assert_eq!(decoded(b"/100%/%4/%zz/%"), b"/100%/%4/%zz/%");
    }

    #[test]
    fn text_is_cut_between_characters() {
        assert_eq!(lossy("èèè".as_bytes(), 5), "èè");
        assert_eq!(lossy("èèè".as_bytes(), 6), "èèè");
        assert_eq!(lossy(b"a\xFFb", 100), "a\u{FFFD}b");
        assert_eq!(lossy(b"", 10), "");
    }
}
