//! Columns and their encoding in ClickHouse's Native format. The server stores columns as they are
//! sent, so it neither parses nor transposes rows. Format:
//! <https://clickhouse.com/docs/interfaces/formats/Native>.

use hashbrown::HashTable;
use xxhash_rust::xxh3::xxh3_64;

/// Flags for additional keys and an update of the dictionary: each block has its own dictionary.
const LOW_CARDINALITY_FLAGS: u64 = (1 << 9) | (1 << 10);
/// Version of the serialization of the keys.
const LOW_CARDINALITY_VERSION: u64 = 1;

/// A number of fixed width.
pub(crate) trait Number: Copy {
    fn put(self, out: &mut Vec<u8>);
    /// Appends many numbers with a single resize.
    fn put_all(numbers: impl ExactSizeIterator<Item = Self>, out: &mut Vec<u8>);
}

macro_rules! number {
    ($($type:ty),+) => {$(
        impl Number for $type {
            fn put(self, out: &mut Vec<u8>) {
                out.extend_from_slice(&self.to_le_bytes());
            }

            fn put_all(numbers: impl ExactSizeIterator<Item = Self>, out: &mut Vec<u8>) {
                let start = out.len();
                out.resize(start + numbers.len() * size_of::<Self>(), 0);
                let (places, _) = out[start..].as_chunks_mut();
                for (place, number) in places.iter_mut().zip(numbers) {
                    *place = number.to_le_bytes();
                }
            }
        }
    )+};
}
number!(i8, u8, u16, u32, u64, i64);

/// A column of numbers.
#[derive(Debug, Clone)]
pub(crate) struct Numbers<T>(pub(crate) Vec<T>);

impl<T> Default for Numbers<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: Number> Numbers<T> {
    pub(crate) fn push(&mut self, value: T) {
        self.0.push(value);
    }

    pub(crate) fn reserve(&mut self, rows: usize) {
        self.0.reserve_exact(rows);
    }

    pub(crate) fn retain(&mut self, keep: &[bool]) {
        let mut keep = keep.iter();
        self.0.retain(|_| *keep.next().unwrap_or(&true));
    }

    pub(crate) fn bytes(&self) -> usize {
        size_of_val(self.0.as_slice())
    }

    /// Encodes the values of these rows.
    pub(crate) fn encode(&self, order: &[u32], out: &mut Vec<u8>) {
        T::put_all(order.iter().map(|row| self.0[*row as usize]), out);
    }
}

/// A column whose values can be compared by their ranks.
pub(crate) trait Ranked {
    /// Returns the rank of each entry of the dictionary, if the column has one.
    fn ranks(&self) -> Vec<u32>;
    /// Returns the rank of the value in `row`.
    fn rank(&self, ranks: &[u32], row: usize) -> u32;
}

impl Ranked for Numbers<i8> {
    fn ranks(&self) -> Vec<u32> {
        Vec::new()
    }

    fn rank(&self, _: &[u32], row: usize) -> u32 {
        u32::from(self.0[row].cast_unsigned())
    }
}

impl Ranked for Words {
    fn ranks(&self) -> Vec<u32> {
        let mut sorted: Vec<usize> = (0..self.keys.len()).collect();
        sorted.sort_unstable_by_key(|place| &self.keys[*place]);
        let mut ranks = vec![0; sorted.len()];
        for (rank, place) in (0..).zip(sorted) {
            ranks[place] = rank;
        }
        ranks
    }

    fn rank(&self, ranks: &[u32], row: usize) -> u32 {
        ranks[self.rows[row] as usize]
    }
}

/// A column with few distinct strings: a dictionary and an index for each row.
#[derive(Debug, Clone, Default)]
pub(crate) struct Words {
    keys: Vec<Box<str>>,
    places: HashTable<u32>,
    rows: Vec<u32>,
    keys_bytes: usize,
}

impl Words {
    pub(crate) fn push(&mut self, word: &str) {
        // Consecutive events share most words, so the last one is compared first.
        let index = match self.rows.last() {
            Some(last) if is_same(self.key(*last), word) => *last,
            _ => self.index(word),
        };
        self.rows.push(index);
    }

    pub(crate) fn reserve(&mut self, rows: usize) {
        self.rows.reserve_exact(rows);
    }

    fn index(&mut self, word: &str) -> u32 {
        let hash = xxh3_64(word.as_bytes());
        let keys = &self.keys;
        if let Some(index) = self
            .places
            .find(hash, |index| is_same(&keys[*index as usize], word))
        {
            return *index;
        }
        let index = u32::try_from(self.keys.len()).expect("a block has fewer than 2^32 rows");
        self.keys.push(word.into());
        self.keys_bytes += word.len() + 16;
        let keys = &self.keys;
        self.places.insert_unique(hash, index, |index| {
            xxh3_64(keys[*index as usize].as_bytes())
        });
        index
    }

    pub(crate) fn retain(&mut self, keep: &[bool]) {
        let mut keep = keep.iter();
        self.rows.retain(|_| *keep.next().unwrap_or(&true));
    }

    /// Returns the word in `row`.
    pub(crate) fn word(&self, row: usize) -> &str {
        self.key(self.rows[row])
    }

    /// Returns the position in the dictionary of each row's word.
    pub(crate) fn places(&self) -> impl Iterator<Item = u32> + '_ {
        self.rows.iter().copied()
    }

    /// Returns the word at a position in the dictionary.
    pub(crate) fn key(&self, place: u32) -> &str {
        &self.keys[place as usize]
    }

    pub(crate) fn bytes(&self) -> usize {
        self.rows.len() * 4 + self.keys_bytes
    }

    /// Encodes the words of these rows.
    pub(crate) fn encode(&self, order: &[u32], out: &mut Vec<u8>) {
        LOW_CARDINALITY_VERSION.put(out);
        let keys = self.keys.len();
        let width: u64 = if u8::try_from(keys).is_ok() {
            0
        } else if u16::try_from(keys).is_ok() {
            1
        } else {
            2
        };
        (LOW_CARDINALITY_FLAGS | width).put(out);
        (keys as u64).put(out);
        for key in &self.keys {
            put_string(key, out);
        }
        (order.len() as u64).put(out);
        let places = order.iter().map(|row| self.rows[*row as usize]);
        #[expect(
            clippy::cast_possible_truncation,
            reason = "the width was chosen to hold every index"
        )]
        match width {
            0 => out.extend(places.map(|place| place as u8)),
            1 => Number::put_all(places.map(|place| place as u16), out),
            _ => Number::put_all(places, out),
        }
    }
}

/// Returns true if two words are equal. Most words are short, and seven words of every fact are
/// compared: the call of a general comparison would take longer than the comparison.
#[inline]
fn is_same(one: &str, other: &str) -> bool {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    if one.len() != other.len() {
        return false;
    }
    // The first and last bytes overlap and together cover the whole word.
    match one.len() {
        0 => true,
        1..4 => one.iter().eq(other),
        4..8 => ends::<4>(one) == ends::<4>(other),
        8..16 => ends::<8>(one) == ends::<8>(other),
        16..=32 => ends::<16>(one) == ends::<16>(other),
        _ => one == other,
    }
}

#[inline(always)]
fn ends<const BYTES: usize>(word: &[u8]) -> Option<(&[u8; BYTES], &[u8; BYTES])> {
    word.first_chunk().zip(word.last_chunk())
}

/// Encodes a column with the same string in all `rows`.
pub(crate) fn constant_word(word: &str, rows: usize, out: &mut Vec<u8>) {
    LOW_CARDINALITY_VERSION.put(out);
    LOW_CARDINALITY_FLAGS.put(out);
    1u64.put(out);
    put_string(word, out);
    (rows as u64).put(out);
    out.resize(out.len() + rows, 0);
}

/// Encodes the head of a block: the number of columns and rows.
pub(crate) fn put_head(columns: usize, rows: usize, out: &mut Vec<u8>) {
    put_varuint(columns, out);
    put_varuint(rows, out);
}

/// Encodes the head of a column: its name and type.
pub(crate) fn put_column(name: &str, data_type: &str, out: &mut Vec<u8>) {
    put_string(name, out);
    put_string(data_type, out);
}

pub(crate) fn put_string(text: &str, out: &mut Vec<u8>) {
    put_varuint(text.len(), out);
    out.extend_from_slice(text.as_bytes());
}

pub(crate) fn put_varuint(mut value: usize, out: &mut Vec<u8>) {
    while value >= 0x80 {
        #[expect(clippy::cast_possible_truncation, reason = "seven bits at a time")]
        out.push((value as u8) | 0x80);
        value >>= 7;
    }
    #[expect(clippy::cast_possible_truncation, reason = "below 0x80")]
    out.push(value as u8);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_share_a_dictionary_and_keep_their_order() {
        let mut words = Words::default();
        for word in ["b", "a", "b", ""] {
            words.push(word);
        }
        words.retain(&[true, false, true, true]);
        let mut out = Vec::new();
        words.encode(&[0, 1, 2], &mut out);
        let mut expected = Vec::new();
        1u64.put(&mut expected);
        0x600u64.put(&mut expected);
        3u64.put(&mut expected);
        expected.extend_from_slice(b"\x01b\x01a\x00");
        3u64.put(&mut expected);
        expected.extend_from_slice(&[0, 0, 2]);
        assert_eq!(out, expected);
    }

    #[test]
    fn words_are_compared_byte_for_byte() {
        for length in 0..40 {
            let word = "w".repeat(length);
            assert!(is_same(&word, &word.clone()), "{length}");
            assert!(!is_same(&word, &format!("{word}w")), "{length}");
            for at in 0..length {
                let other = format!("{}x{}", &word[..at], &word[at + 1..]);
                assert!(!is_same(&word, &other), "{length}, {at}");
            }
        }
    }

    #[test]
    fn long_lengths_take_several_bytes() {
        let mut out = Vec::new();
        put_varuint(300, &mut out);
        assert_eq!(out, [0xAC, 0x02]);
    }
}
