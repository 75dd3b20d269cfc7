//! Offset metadata: the log of the offset, and the block that is about to be written.
//!
//! One line of ASCII, versioned, far below Kafka's limit of 4,096 bytes:
//!
//! ```text
//! affluenza/1 stream=5L6g3nShT-eMCtK--X86sw/vlpDNtp8Rc2sDJFZVGXhCg end=4711 records=100 sum=00000000deadbeef rules=5d41c07e+3f2a9c at=1490515200
//! affluenza/1 stream=5L6g3nShT-eMCtK--X86sw/vlpDNtp8Rc2sDJFZVGXhCg
//! ```

use affluenza_kafka::NextOffset;

use crate::invariants::Extent;

const PREFIX: &str = "affluenza/1";

/// Block that is about to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Intent {
    /// One past the last offset of the block.
    pub(crate) end: NextOffset,
    /// Number of records in the block.
    pub(crate) records: u64,
    /// Checksum of the records as read.
    pub(crate) checksum: u64,
    /// Version of the rules that classified the block.
    pub(crate) rules: String,
    /// Time of the intent, in seconds since 1970. ClickHouse may have forgotten the token of an old
    /// intent: the block's facts are then searched before it is inserted again.
    pub(crate) at: u64,
}

impl Intent {
    pub(crate) fn extent(&self) -> Extent {
        Extent {
            end: self.end,
            records: self.records,
            checksum: self.checksum,
        }
    }
}

/// Metadata of a committed offset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OffsetMetadata {
    /// Log to which the offset belongs.
    pub(crate) stream: String,
    /// Block that begins at the offset and may have been written.
    pub(crate) intent: Option<Intent>,
}

impl OffsetMetadata {
    pub(crate) fn encode(&self) -> String {
        let mut text = format!("{PREFIX} stream={}", self.stream);
        if let Some(intent) = &self.intent {
            text.push_str(&format!(
                " end={} records={} sum={:016x} rules={} at={}",
                intent.end.0, intent.records, intent.checksum, intent.rules, intent.at
            ));
        }
        text
    }

    /// Returns `None` if another program wrote the text, or if it was cut.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut words = text.split(' ');
        if words.next()? != PREFIX {
            return None;
        }
        let stream = words.next()?.strip_prefix("stream=")?.to_owned();
        let Some(end) = words.next() else {
            return Some(Self {
                stream,
                intent: None,
            });
        };
        let intent = Intent {
            end: NextOffset(end.strip_prefix("end=")?.parse().ok()?),
            records: words.next()?.strip_prefix("records=")?.parse().ok()?,
            checksum: u64::from_str_radix(words.next()?.strip_prefix("sum=")?, 16).ok()?,
            rules: words.next()?.strip_prefix("rules=")?.to_owned(),
            at: words.next()?.strip_prefix("at=")?.parse().ok()?,
        };
        words.next().is_none().then_some(Self {
            stream,
            intent: Some(intent),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn written_metadata_is_read_back(end: i64, records: u64, checksum: u64, with_intent: bool) {
            let mark = OffsetMetadata {
                stream: "cluster/topic".into(),
                intent: with_intent.then(|| Intent { end: NextOffset(end), records, checksum, rules: "1+a".into(), at: 7 }),
            };
            prop_assert!(mark.encode().is_ascii() && mark.encode().len() < 4096);
            prop_assert_eq!(OffsetMetadata::parse(&mark.encode()), Some(mark));
        }

        #[test]
        fn cut_text_is_never_read_as_another_intent(end in 0i64..1_000_000, cut in 0usize..200) {
            let mark = OffsetMetadata {
                stream: "cluster/topic".into(),
                intent: Some(Intent { end: NextOffset(end), records: 7, checksum: 9, rules: "1+abc".into(), at: 8 }),
            };
            let text = mark.encode();
            let cut = cut.min(text.len());
            if let Some(OffsetMetadata { intent: Some(intent), .. }) = OffsetMetadata::parse(&text[..cut]) {
                prop_assert_eq!(intent.end, NextOffset(end));
                prop_assert_eq!(intent.checksum, 9);
            }
        }
    }

    #[test]
    fn metadata_of_others_is_not_ours() {
        assert_eq!(OffsetMetadata::parse("NO_METADATA"), None);
        assert_eq!(OffsetMetadata::parse(""), None);
        assert_eq!(OffsetMetadata::parse("affluenza/2 stream=a"), None);
    }
}
