//! Which bytes a short text is made of, found eight at a time: every code and token of every
//! event is looked at.

/// Longest text that has a [`Shape`], in bytes.
pub(crate) const SHAPE_BYTES_MAX: usize = 64;

/// Which bytes a text is made of: a bit for each byte, from the lowest on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Shape {
    alphanumeric: u64,
    digits: u64,
    dots: u64,
    /// The high bits of the bytes of some word.
    ats: u64,
    others: u64,
}

impl Shape {
    /// The shape of a text of at most [`SHAPE_BYTES_MAX`] bytes.
    pub(crate) fn of(text: &[u8]) -> Option<Self> {
        if text.len() > SHAPE_BYTES_MAX {
            return None;
        }
        let mut shape = Self::default();
        let mut at = 0;
        let mut rest = text;
        while let Some((eight, after)) = rest.split_first_chunk() {
            shape.add(u64::from_le_bytes(*eight), HIGH, at);
            at += 8;
            rest = after;
        }
        if !rest.is_empty() {
            shape.add(last(text, rest), HIGH >> (8 * (8 - rest.len())), at);
        }
        Some(shape)
    }

    /// Adds the bytes of `word` whose high bit is set in `which`. They stand at `at`, with zeros
    /// above them.
    fn add(&mut self, word: u64, which: u64, at: usize) {
        let ascii = !word & HIGH;
        let seven = word & !HIGH;
        let lower = seven | each(0x20);
        let digits = at_least(seven, b'0') & !at_least(seven, b'9' + 1) & ascii;
        let letters = at_least(lower, b'a') & !at_least(lower, b'z' + 1) & ascii;
        let dots = equal(word, b'.');
        self.alphanumeric |= gathered(digits | letters) << at;
        self.digits |= gathered(digits) << at;
        self.dots |= gathered(dots) << at;
        self.ats |= equal(word, b'@');
        self.others |= which & !(digits | letters | dots | equal(word, b'-') | equal(word, b'_'));
    }

    /// How many digits.
    pub(crate) fn digits(self) -> u32 {
        self.digits.count_ones()
    }

    /// How many full stops.
    pub(crate) fn dots(self) -> u32 {
        self.dots.count_ones()
    }

    /// Whether there is an `@`.
    pub(crate) fn has_at(self) -> bool {
        self.ats != 0
    }

    /// Whether there is nothing but letters, digits, `-`, `_` and full stops.
    pub(crate) fn is_plain(self) -> bool {
        self.others == 0
    }

    /// Whether sixteen letters and digits stand alone, between other bytes or the ends.
    pub(crate) fn has_word_of_16(self) -> bool {
        let one = self.alphanumeric;
        // Each bit says that from here on there are so many in a row.
        let two = one & (one >> 1);
        let four = two & (two >> 2);
        let eight = four & (four >> 4);
        let sixteen = eight & (eight >> 8);
        sixteen & !(one << 1) & !(one >> 16) != 0
    }
}

/// The high bit of each byte.
const HIGH: u64 = each(0x80);

const fn each(byte: u8) -> u64 {
    u64::from_ne_bytes([byte; 8])
}

/// The high bit of each byte that is `least` or more; bytes and `least` are below 128.
const fn at_least(word: u64, least: u8) -> u64 {
    (word + each(128 - least)) & HIGH
}

/// The high bit of each byte that is `byte`.
const fn equal(word: u64, byte: u8) -> u64 {
    let other = word ^ each(byte);
    !(((other & !HIGH) + !HIGH) | other) & HIGH
}

/// The high bits of the bytes as the lowest eight bits.
const fn gathered(high_bits: u64) -> u64 {
    (high_bits >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56
}

/// The one to seven bytes `rest` at the end of `text`, with zeros above.
fn last(text: &[u8], rest: &[u8]) -> u64 {
    if let Some(eight) = text.last_chunk() {
        return u64::from_le_bytes(*eight) >> (8 * (8 - rest.len()));
    }
    let byte = |at: usize| u64::from(rest.get(at).copied().unwrap_or(0)) << (8 * at);
    (0..7).map(byte).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The same, byte by byte.
    fn plainly(text: &[u8]) -> (bool, usize, usize, bool, bool) {
        let words = text.split(|byte| !byte.is_ascii_alphanumeric());
        let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.".contains(byte);
        (
            words.into_iter().any(|word| word.len() == 16),
            text.iter().filter(|byte| byte.is_ascii_digit()).count(),
            text.iter().filter(|byte| **byte == b'.').count(),
            text.contains(&b'@'),
            text.iter().all(plain),
        )
    }

    fn assert_same(text: &[u8]) {
        let shape = Shape::of(text).unwrap();
        let found = (
            shape.has_word_of_16(),
            shape.digits() as usize,
            shape.dots() as usize,
            shape.has_at(),
            shape.is_plain(),
        );
        assert_eq!(found, plainly(text), "{text:?}");
    }

    #[test]
    fn every_byte_is_what_it_is() {
        for byte in 0..=u8::MAX {
            for length in 1..=17 {
                assert_same(&vec![byte; length]);
            }
        }
        assert_eq!(Shape::of(&[b'a'; 65]), None);
    }

    proptest! {
        #[test]
        fn eight_at_a_time_is_as_one_by_one(text in proptest::collection::vec(any::<u8>(), 0..=64)) {
            assert_same(&text);
        }

        #[test]
        fn words_are_measured(text in "[a-zA-Z0-9]{0,20}[-._@:]?[a-z0-9]{14,18}[-._é]?[a-z0-9]{0,18}") {
            if text.len() <= SHAPE_BYTES_MAX {
                assert_same(text.as_bytes());
            }
        }
    }
}
