//! Detects masked data.

/// True if `bytes` may hold a word that [`affluenza_event::mask`] replaced by asterisks.
///
/// Only a single asterisk next to a part of a word, as in `a*b`, certainly does not come from
/// masking. An original asterisk may touch a masked word, so any longer run is suspect.
pub(super) fn is_masked(bytes: &[u8]) -> bool {
    let mut at = 0;
    while let Some(found) = bytes[at..].iter().position(|byte| *byte == b'*') {
        let start = at + found;
        let length = bytes[start..]
            .iter()
            .take_while(|byte| **byte == b'*')
            .count();
        let before = start.checked_sub(1).map(|place| bytes[place]);
        let after = bytes.get(start + length).copied();
        let is_in_word = before.is_some_and(is_word_byte) || after.is_some_and(is_word_byte);
        if length > 1 || !is_in_word {
            return true;
        }
        at = start + length;
    }
    false
}

/// True for bytes that masking treats as part of a word.
fn is_word_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"@._:+-%".contains(&byte) || byte >= 0x80
}

#[cfg(test)]
mod tests {
    use affluenza_event::mask;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn masked_words_are_found() {
        assert!(is_masked(br#"{"ip":"**********"}"#));
        assert!(is_masked(b"*"));
        assert!(is_masked(b"a*b ****"));
        assert!(!is_masked(b""));
        assert!(!is_masked(b"a*b"));
        assert!(!is_masked(b"*b a*"));
        assert!(is_masked(b"x*****y"));
    }

    proptest! {
        #[test]
        fn whatever_was_masked_is_found(text in "[a-z0-9.@* \"\\\\é]{0,40}") {
            let masked = mask(text.as_bytes());
            prop_assert!(masked == text.as_bytes() || is_masked(&masked), "{text:?}");
        }
    }
}
