//! Current time, as numbers.

use jiff::Timestamp;

/// Returns the current time, in seconds since 1970.
pub(crate) fn seconds() -> u64 {
    Timestamp::now().as_second().unsigned_abs()
}

/// Returns the current time, in milliseconds since 1970.
pub(crate) fn millis() -> i64 {
    Timestamp::now().as_millisecond()
}
