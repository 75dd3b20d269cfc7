//! Decodes a record.

use affluenza_event::{Reading, UnixMillis, is_event_header, read};
use affluenza_kafka::Record;
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// Decodes a record in structured or binary mode.
pub(crate) fn decode<'r>(record: &'r Record<'_>) -> Reading<'r> {
    // Without a time of the record, an event cannot be recognised as lying in its future.
    let written = record.written_ms().map_or(UnixMillis::UNKNOWN, UnixMillis);
    read(record.payload(), || record.headers(), written)
}

/// Returns the headers that belong to the event of a record in binary mode.
pub(crate) fn event_headers<'r>(
    record: &'r Record<'_>,
) -> impl Iterator<Item = (&'r str, &'r [u8])> {
    record.headers().filter(|(name, _)| is_event_header(name))
}

/// Adds the event headers to a checksum: in binary mode they are part of the record as read.
pub(crate) fn add_headers(record: &Record<'_>, mut checksum: u64) -> u64 {
    for (name, value) in event_headers(record) {
        checksum = xxh3_64_with_seed(name.as_bytes(), checksum);
        checksum = xxh3_64_with_seed(value, checksum);
    }
    checksum
}
