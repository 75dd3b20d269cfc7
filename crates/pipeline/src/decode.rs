//! From a record to what it says.

use affluenza_bus::Record;
use affluenza_event::{Event, Message, Reading, UnixMillis, is_event_header, read};
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// Reads a record in either mode.
pub(crate) fn decode<'r>(record: &'r Record<'_>) -> Reading<'r> {
    // A record without a time cannot show that its event lies ahead of it.
    let written = record.written_ms().map_or(UnixMillis::UNKNOWN, UnixMillis);
    read(record.payload(), || record.headers(), written)
}

/// The usage event of a record, if it is one.
pub(crate) fn usage<'r>(record: &'r Record<'_>) -> Option<Event<'r>> {
    match decode(record).message {
        Ok(Message::Usage(event)) => Some(event),
        Ok(Message::Report(_)) | Err(_) => None,
    }
}

/// The headers that belong to the event of a record in binary mode.
pub(crate) fn event_headers<'r>(
    record: &'r Record<'_>,
) -> impl Iterator<Item = (&'r str, &'r [u8])> {
    record.headers().filter(|(name, _)| is_event_header(name))
}

/// Adds the headers of a record in binary mode to a checksum: they are part of what was read.
pub(crate) fn add_headers(record: &Record<'_>, mut checksum: u64) -> u64 {
    for (name, value) in event_headers(record) {
        checksum = xxh3_64_with_seed(name.as_bytes(), checksum);
        checksum = xxh3_64_with_seed(value, checksum);
    }
    checksum
}
