//! Layout of a record on disk.

use xxhash_rust::xxh3::xxh3_64_with_seed;

/// First bytes of every record, so that a reader finds the next record after damage.
const MAGIC: [u8; 4] = *b"\xa5SP\x01";
/// Length of magic, length, number and checksum.
pub(crate) const HEADER_BYTES: usize = 4 + 4 + 8 + 8;

/// Returns the bytes on disk of a record of `length` bytes.
pub(crate) fn framed_bytes(length: usize) -> u64 {
    (HEADER_BYTES + length) as u64
}

fn checksum(number: u64, record: &[u8]) -> u64 {
    xxh3_64_with_seed(record, number ^ ((record.len() as u64) << 40))
}

/// Appends a record to `buffer`. The caller has checked that its length fits 32 bits.
pub(crate) fn encode(buffer: &mut Vec<u8>, number: u64, record: &[u8]) {
    buffer.extend_from_slice(&MAGIC);
    buffer.extend_from_slice(&(record.len() as u32).to_le_bytes());
    buffer.extend_from_slice(&number.to_le_bytes());
    buffer.extend_from_slice(&checksum(number, record).to_le_bytes());
    buffer.extend_from_slice(record);
}

/// A decoded record, borrowed from a buffer.
pub(crate) struct Frame<'a> {
    pub(crate) number: u64,
    pub(crate) record: &'a [u8],
}

/// Decodes the record at the start of `bytes`. Returns `None` if it is incomplete or damaged.
pub(crate) fn decode(bytes: &[u8], record_bytes_max: u32) -> Option<Frame<'_>> {
    let rest = bytes.strip_prefix(&MAGIC)?;
    let (length, rest) = rest.split_first_chunk::<4>()?;
    let (number, rest) = rest.split_first_chunk::<8>()?;
    let (expected, rest) = rest.split_first_chunk::<8>()?;
    let length = u32::from_le_bytes(*length);
    if length > record_bytes_max {
        return None;
    }
    let record = rest.get(..length as usize)?;
    let number = u64::from_le_bytes(*number);
    (checksum(number, record) == u64::from_le_bytes(*expected)).then_some(Frame { number, record })
}

/// Returns the position in `bytes` of the next valid record.
pub(crate) fn find(bytes: &[u8], record_bytes_max: u32) -> Option<usize> {
    (0..bytes.len())
        .filter(|at| bytes[*at] == MAGIC[0])
        .find(|at| decode(&bytes[*at..], record_bytes_max).is_some())
}
