use std::fmt;
use std::str::FromStr;

use affluenza_kafka::{Offset, Partition};
use thiserror::Error;

/// LogPosition of a record in the events topic, written `partition/offset`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LogPosition {
    /// Partition of the record.
    pub partition: Partition,
    /// Offset of the record in its partition.
    pub offset: Offset,
}

/// Error of a text that is not a position.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("a position is partition/offset of the events topic, such as 0/1042")]
pub struct BadPosition;

impl fmt::Display for LogPosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}/{}", self.partition, self.offset.0))
    }
}

impl FromStr for LogPosition {
    type Err = BadPosition;

    fn from_str(text: &str) -> Result<Self, BadPosition> {
        let (partition, offset) = text.split_once('/').ok_or(BadPosition)?;
        // Rust parses "+1" as a number, but this program never prints it.
        let mut bytes = partition.bytes().chain(offset.bytes());
        if !bytes.all(|byte| byte.is_ascii_digit()) {
            return Err(BadPosition);
        }
        Ok(Self {
            partition: Partition(partition.parse().map_err(|_| BadPosition)?),
            offset: Offset(offset.parse().map_err(|_| BadPosition)?),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printed_is_read() {
        let position: LogPosition = "12/34".parse().unwrap();
        assert_eq!(position.partition, Partition(12));
        assert_eq!(position.offset, Offset(34));
        assert_eq!(position.to_string(), "12/34");
        assert_eq!(format!("{position:>7}"), "  12/34");
    }

    #[test]
    fn what_is_no_position_is_refused() {
        for text in [
            "",
            "7",
            "/",
            "1/",
            "/1",
            "-1/2",
            "1/-2",
            "+1/2",
            "1/2/3",
            "a/b",
            " 1/2",
            "99999999999/1",
            "1/99999999999999999999",
        ] {
            assert_eq!(text.parse::<LogPosition>(), Err(BadPosition), "{text:?}");
        }
    }
}
