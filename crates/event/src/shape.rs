//! Finds the classes of bytes in a short text, sixteen bytes at a time. Every code and token of
//! every event passes through here.

use wide::u8x16;

/// Longest text that has a [`Shape`], in bytes.
pub(crate) const SHAPE_BYTES_MAX: usize = 64;

/// Bytes per SIMD step.
pub(crate) const SIXTEEN: usize = 16;

/// Byte classes of a text: one bit for each byte, lowest bit first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Shape {
    alphanumeric: u64,
    digits: u64,
    dots: u64,
    ats: u64,
    /// Bytes that a code must not contain.
    others: u64,
}

impl Shape {
    /// Computes the shape of a text. Returns `None` above [`SHAPE_BYTES_MAX`] bytes.
    pub(crate) fn of(text: &[u8]) -> Option<Self> {
        if text.len() > SHAPE_BYTES_MAX {
            return None;
        }
        let mut shape = Self::default();
        for (place, bytes) in text.chunks(SIXTEEN).enumerate() {
            shape.add(sixteen(bytes), place * SIXTEEN);
        }
        shape.cut(text.len());
        Some(shape)
    }

    /// Adds the sixteen bytes at position `at`, which is at most 48.
    #[inline(always)]
    pub(crate) fn add(&mut self, bytes: u8x16, at: usize) {
        let digits = within(bytes, b'0', b'9');
        let letters = within(bytes | u8x16::splat(0x20), b'a', b'z');
        let alphanumeric = digits | letters;
        let dots = equal(bytes, b'.');
        let plain = alphanumeric | dots | equal(bytes, b'-') | equal(bytes, b'_');
        self.alphanumeric |= bits(alphanumeric) << at;
        self.digits |= bits(digits) << at;
        self.dots |= bits(dots) << at;
        self.ats |= bits(equal(bytes, b'@')) << at;
        self.others |= bits(!plain) << at;
    }

    /// Clears all bits after the first `length` bytes; `length` is at most 64.
    #[inline(always)]
    pub(crate) fn cut(&mut self, length: usize) {
        let kept = match length {
            0..64 => (1 << length) - 1,
            _ => u64::MAX,
        };
        self.alphanumeric &= kept;
        self.digits &= kept;
        self.dots &= kept;
        self.ats &= kept;
        self.others &= kept;
    }

    /// Number of digits.
    pub(crate) fn digits(self) -> u32 {
        self.digits.count_ones()
    }

    /// Number of full stops.
    pub(crate) fn dots(self) -> u32 {
        self.dots.count_ones()
    }

    /// True if the text contains an `@`.
    pub(crate) fn has_at(self) -> bool {
        self.ats != 0
    }

    /// True if the text consists of letters, digits, `-`, `_` and full stops.
    pub(crate) fn is_plain(self) -> bool {
        self.others == 0
    }

    /// True if the text contains a word of exactly sixteen letters and digits.
    pub(crate) fn has_word_of_16(self) -> bool {
        let one = self.alphanumeric;
        // Each bit means that a run of at least that many begins here.
        let two = one & (one >> 1);
        let four = two & (two >> 2);
        let eight = four & (four >> 4);
        let sixteen = eight & (eight >> 8);
        sixteen & !(one << 1) & !(one >> 16) != 0
    }
}

/// Loads the first sixteen bytes, padded with blanks.
#[inline(always)]
pub(crate) fn sixteen(bytes: &[u8]) -> u8x16 {
    u8x16::new(match bytes.first_chunk() {
        Some(sixteen) => *sixteen,
        None => padded(bytes),
    })
}

#[cold]
fn padded(bytes: &[u8]) -> [u8; SIXTEEN] {
    let mut padded = [b' '; SIXTEEN];
    padded[..bytes.len()].copy_from_slice(bytes);
    padded
}

/// Sets all bits of each byte that equals `byte`.
#[inline(always)]
pub(crate) fn equal(bytes: u8x16, byte: u8) -> u8x16 {
    bytes.simd_eq(u8x16::splat(byte))
}

/// Sets all bits of each byte from `least` to `most`.
#[inline(always)]
pub(crate) fn within(bytes: u8x16, least: u8, most: u8) -> u8x16 {
    let above = bytes - u8x16::splat(least);
    above.min(u8x16::splat(most - least)).simd_eq(above)
}

/// Packs the high bit of each byte into the lowest sixteen bits.
#[inline(always)]
pub(crate) fn bits(bytes: u8x16) -> u64 {
    u64::from(bytes.to_bitmask())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Reference implementation, byte by byte.
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
    fn every_byte_has_the_expected_shape() {
        for byte in 0..=u8::MAX {
            for length in 1..=17 {
                assert_same(&vec![byte; length]);
            }
        }
        assert_eq!(Shape::of(&[b'a'; 65]), None);
    }

    proptest! {
        #[test]
        fn sixteen_at_a_time_are_as_one_by_one(text in proptest::collection::vec(any::<u8>(), 0..=64)) {
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
